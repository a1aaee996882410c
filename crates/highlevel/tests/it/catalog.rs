//! The catalog's requests against the vendor's specification.
//!
//! `tests/spec/catalog.json` holds the facts that matter, extracted from the vendor's OpenAPI files (repository
//! `GoHighLevel/highlevel-api-docs`): for each operation the version, the scopes, the parameters of the query and the
//! fields of the body, and which of them are required. Every entry of the catalog is held against them here. With
//! `HIGHLEVEL_OPENAPI` set to a folder with those files, the facts themselves are extracted anew and compared; with
//! `HIGHLEVEL_OPENAPI_WRITE` as well, they are written.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use connector::{Connector as _, catalog::Operation};
use highlevel::HighLevel;
use serde_json::{Map, Value as Json, json};

const FACTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spec/catalog.json");

/// Where the specification is silent or wrong, and what is known instead.
const KNOWN: &[(&str, &str)] = &[
    // the body is documented on a page of its own
    ("contacts.search", "body"),
    // the header is left out here, and demanded everywhere
    ("conversations.emails.get", "version"),
    ("conversations.emails.cancel", "version"),
];

fn facts() -> Map<String, Json> {
    let text = std::fs::read_to_string(FACTS).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn names(list: &Json) -> BTreeSet<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect()
}

/// The fields of an entry that go to a place, and which of them are needed or filled in.
fn fields<'a>(operation: &'a Operation, place: &str) -> (BTreeSet<&'a str>, BTreeSet<&'a str>) {
    let required = names(&operation.input["required"]);
    let own = operation.input["properties"].as_object().unwrap();
    let here = own
        .iter()
        .filter(|(_, property)| property["x-in"].as_str().unwrap_or("body") == place);
    let here: BTreeMap<&str, &Json> = here
        .map(|(name, property)| (name.as_str(), property))
        .collect();
    let given = |(name, property): &(&&'a str, &&Json)| {
        required.contains(**name) || !property["x-setting"].is_null()
    };
    let needed = here.iter().filter(given).map(|(name, _)| *name).collect();
    (here.into_keys().collect(), needed)
}

#[test]
fn every_request_is_as_the_vendor_documents_it() {
    let facts = facts();
    let catalog = HighLevel::new().catalog();
    let mut wrong = Vec::new();
    for operation in &catalog.operations {
        let key = format!("{} {}", operation.method, operation.path);
        let Some(fact) = facts.get(&key) else {
            wrong.push(format!("{}: the vendor has no {key}", operation.id));
            continue;
        };
        let mut differ = |what: &str, ours: &BTreeSet<&str>, theirs: &BTreeSet<&str>| {
            if ours != theirs
                && !KNOWN.contains(&(operation.id.as_str(), what.split(' ').next().unwrap()))
            {
                wrong.push(format!(
                    "{}: {what}: ours {ours:?}, theirs {theirs:?}",
                    operation.id
                ));
            }
        };
        let version = BTreeSet::from([operation.headers["Version"].as_str()]);
        differ("version", &version, &names(&fact["versions"]));
        let needs = operation.needs.iter().map(String::as_str).collect();
        differ("scopes", &needs, &names(&fact["scopes"]));
        let in_path: BTreeSet<&str> = operation
            .path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        let (path, path_needed) = fields(operation, "path");
        differ("path", &path, &in_path);
        differ("path needed", &path_needed, &in_path);
        for place in ["query", "body"] {
            let (all, needed) = fields(operation, place);
            differ(place, &all, &names(&fact[place]["fields"]));
            differ(
                &format!("{place} needed"),
                &needed,
                &names(&fact[place]["required"]),
            );
        }
        let (whole, _) = fields(operation, "whole_body");
        assert_eq!(
            !whole.is_empty(),
            fact["body"]["many"] == true,
            "{}",
            operation.id
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The vendor's OpenAPI files: what `HIGHLEVEL_OPENAPI` says, or the folder `shared/apis/highlevel-openapi` beside any folder above this one.
fn the_vendors() -> Option<std::path::PathBuf> {
    if let Some(folder) = std::env::var_os("HIGHLEVEL_OPENAPI") {
        return Some(folder.into());
    }
    let above = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above
        .map(|folder| folder.join("shared/apis/highlevel-openapi"))
        .find(|folder| folder.is_dir())
}

#[test]
fn the_facts_are_the_vendors() {
    let Some(folder) = the_vendors() else {
        eprintln!(
            "NOT COMPARED: set HIGHLEVEL_OPENAPI to a folder with the vendor's OpenAPI files to compare the facts in {FACTS} with them"
        );
        return;
    };
    let extracted = extract(&folder);
    assert!(!extracted.is_empty(), "no operations in {folder:?}");
    if std::env::var_os("HIGHLEVEL_OPENAPI_WRITE").is_some() {
        let lines: Vec<String> = extracted
            .iter()
            .map(|(key, fact)| format!("  {}: {fact}", json!(key)))
            .collect();
        std::fs::write(FACTS, format!("{{\n{}\n}}\n", lines.join(",\n"))).unwrap();
    }
    assert_eq!(facts(), extracted);
}

/// All documents of a folder, by file name.
struct Documents(BTreeMap<String, Json>);

fn extract(folder: &Path) -> Map<String, Json> {
    let mut documents = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // v3 is a twin of what is there
        if name.ends_with(".json") && !name.contains("-v3") {
            documents.insert(
                name,
                serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap(),
            );
        }
    }
    let documents = Documents(documents);
    let mut facts = Map::new();
    for (file, document) in &documents.0 {
        for (path, methods) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in methods.as_object().unwrap() {
                if ["get", "post", "put", "delete"].contains(&method.as_str()) {
                    let key = format!("{} {path}", method.to_uppercase());
                    facts.insert(key, documents.fact(file, methods, operation));
                }
            }
        }
    }
    facts.sort_keys();
    facts
}

impl Documents {
    fn resolve<'a>(&'a self, file: &'a str, schema: &'a Json) -> (&'a str, &'a Json) {
        let Some(reference) = schema["$ref"].as_str() else {
            return (file, schema);
        };
        let (other, pointer) = reference.split_once('#').unwrap();
        // the vendor's files lie in folders; these lie flat
        let file = if other.is_empty() {
            file
        } else {
            "common-schemas.json"
        };
        let found = self.0[file].pointer(pointer);
        self.resolve(
            file,
            found.unwrap_or_else(|| panic!("{reference} in {file}")),
        )
    }

    fn fact(&self, file: &str, methods: &Json, operation: &Json) -> Json {
        let shared = methods["parameters"].as_array().into_iter().flatten();
        let own = operation["parameters"].as_array().into_iter().flatten();
        let mut versions = BTreeSet::new();
        let (mut fields, mut required) = (BTreeSet::new(), BTreeSet::new());
        for parameter in shared.chain(own) {
            let (_, parameter) = self.resolve(file, parameter);
            let name = parameter["name"].as_str().unwrap();
            match parameter["in"].as_str() {
                Some("header") if name == "Version" => {
                    versions.extend(names(&parameter["schema"]["enum"]));
                }
                Some("query") => {
                    fields.insert(name);
                    if parameter["required"] == true {
                        required.insert(name);
                    }
                }
                _ => {}
            }
        }
        let mut scopes = BTreeSet::new();
        for scheme in operation["security"].as_array().into_iter().flatten() {
            for needed in scheme.as_object().unwrap().values() {
                scopes.extend(names(needed));
            }
        }
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        let (body_file, schema) = self.resolve(file, body);
        let many = schema["type"] == "array";
        let mut body = (BTreeSet::new(), BTreeSet::new());
        if !many {
            self.collect(body_file, schema, &mut body);
        }
        json!({
            "versions": versions,
            "scopes": scopes,
            "query": {"fields": fields, "required": required},
            "body": {"fields": body.0, "required": body.1, "many": many},
        })
    }

    fn collect<'a>(
        &'a self,
        file: &'a str,
        schema: &'a Json,
        into: &mut (BTreeSet<&'a str>, BTreeSet<&'a str>),
    ) {
        let (file, schema) = self.resolve(file, schema);
        for many in ["allOf", "oneOf", "anyOf"] {
            for part in schema[many].as_array().into_iter().flatten() {
                self.collect(file, part, into);
            }
        }
        into.0.extend(
            schema["properties"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str()),
        );
        into.1.extend(names(&schema["required"]));
    }
}
