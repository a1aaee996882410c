//! The catalog's requests against the vendor's specification.
//!
//! `tests/spec/catalog.json` holds the facts that matter, extracted from the vendor's OpenAPI files (repository
//! `GoHighLevel/highlevel-api-docs`): for each operation the version, the scopes, the parameters of the query and the
//! fields of the body with those inside of them, and which of them are required. Every entry of the catalog is held against them here, and each
//! of them is an entry or is left out by name. A call that v3 alone has is among them as v3 has it. With
//! `HIGHLEVEL_OPENAPI` set to a folder with those files, the facts themselves are extracted anew and compared; with
//! `HIGHLEVEL_OPENAPI_WRITE` as well, they are written.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::Path,
};

use connector::{Connector as _, catalog::Operation};
use highlevel::HighLevel;
use serde_json::{Map, Value as Json, json};

/// Fields that the files call required and that others are sent without: a custom field is named by `id` or by `key`, by the vendor's own
/// description of it.
const NOT_NEEDED: &[&str] = &["customFields[].id"];

/// How deep a body is followed.
const DEEPEST: usize = 6;

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

/// The fields of an entry that go to a place, and which of them are needed or filled in. Those inside of others stand there as well,
/// as `rules[].day`.
fn fields(operation: &Operation, place: &str) -> Named {
    let (all, needed) = topmost(operation, place);
    let mut named = Named::default();
    for name in &all {
        named.take(name, needed.contains(name));
        inside(&operation.input["properties"][*name], name, &mut named);
    }
    named
}

/// Fields by their place, and which of them are needed.
#[derive(Debug, Default)]
struct Named {
    all: BTreeSet<String>,
    needed: BTreeSet<String>,
}

impl Named {
    fn take(&mut self, place: &str, needed: bool) {
        self.all.insert(place.to_owned());
        if needed {
            self.needed.insert(place.to_owned());
        }
    }
}

/// The fields inside of a field of ours.
fn inside(schema: &Json, place: &str, named: &mut Named) {
    let required = names(&schema["required"]);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}.{name}");
        named.take(&place, required.contains(name.as_str()));
        inside(property, &place, named);
    }
    if schema["items"].is_object() {
        inside(&schema["items"], &format!("{place}[]"), named);
    }
}

fn topmost<'a>(operation: &'a Operation, place: &str) -> (BTreeSet<&'a str>, BTreeSet<&'a str>) {
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
        let (path, path_needed) = topmost(operation, "path");
        differ("path", &path, &in_path);
        differ("path needed", &path_needed, &in_path);
        let many = fact["body"]["many"] == true;
        let (whole, _) = topmost(operation, "whole_body");
        assert_eq!(!whole.is_empty(), many, "{}", operation.id);
        for place in ["query", if many { "whole_body" } else { "body" }] {
            let ours = fields(operation, place);
            let theirs = &fact[if many && place != "query" {
                "body"
            } else {
                place
            }];
            for (what, ours, theirs) in [
                (place.to_owned(), &ours.all, &theirs["fields"]),
                (format!("{place} needed"), &ours.needed, &theirs["required"]),
            ] {
                // a whole body has a name with us alone
                let name = whole.first().filter(|_| place == "whole_body");
                let ours: BTreeSet<&str> = ours
                    .iter()
                    .filter_map(|own| match name {
                        Some(name) => own.strip_prefix(name)?.strip_prefix("[]."),
                        None => Some(own.as_str()),
                    })
                    .collect();
                let mut theirs = names(theirs);
                if what.ends_with(" needed") {
                    theirs.retain(|name| !NOT_NEEDED.contains(name));
                }
                differ(&what, &ours, &theirs);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_call_of_the_vendor_is_an_operation_or_left_out_by_name() {
    let catalog = HighLevel::new().catalog();
    let ours = catalog
        .operations
        .iter()
        .map(|operation| format!("{} {}", operation.method, operation.path));
    let left_out: BTreeSet<String> = catalog
        .left_out
        .iter()
        .map(|own| format!("{} {}", own.method, own.path))
        .collect();
    let facts = facts();
    let theirs: BTreeSet<&str> = facts.keys().map(String::as_str).collect();
    let said: BTreeSet<String> = ours.chain(left_out.iter().cloned()).collect();
    let unsaid: Vec<&&str> = theirs.iter().filter(|key| !said.contains(**key)).collect();
    assert!(unsaid.is_empty(), "nobody speaks of {unsaid:#?}");
    let stray: Vec<&String> = left_out
        .iter()
        .filter(|key| !theirs.contains(key.as_str()))
        .collect();
    assert!(stray.is_empty(), "the vendor has no {stray:#?}");
}

#[test]
fn every_field_of_an_action_says_what_it_is() {
    let mute = HighLevel::new().catalog().mute();
    assert!(mute.is_empty(), "without a description: {mute:#?}");
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
        not_held(
            "HighLevel's requests were not held against the vendor's OpenAPI files, only against what was taken out of them \
             before: set HIGHLEVEL_OPENAPI to a folder with them",
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

/// Says what was not looked at for want of something: here, and at the end of `cargo xtask test`.
fn not_held(what: &str) {
    eprintln!("NOT HELD: {what}");
    if let Some(notes) = std::env::var_os("TANDEM_TEST_NOTES") {
        let mut notes = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(notes)
            .unwrap();
        notes.write_all(format!("{what}\n").as_bytes()).unwrap();
    }
}

/// All documents of a folder, by file name.
struct Documents(BTreeMap<String, Json>);

fn extract(folder: &Path) -> Map<String, Json> {
    let mut documents = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".json") {
            documents.insert(
                name,
                serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap(),
            );
        }
    }
    let documents = Documents(documents);
    let listed = documents.listed_scopes();
    let mut facts = Map::new();
    // most of v3 is a twin of what is there, if with other names in the braces: then the dated one counts
    let mut known = BTreeSet::new();
    let (newer, dated): (Vec<_>, Vec<_>) = documents
        .0
        .iter()
        .partition(|(file, _)| file.contains("-v3"));
    for (file, document) in dated.into_iter().chain(newer) {
        for (path, methods) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in methods.as_object().unwrap() {
                let places = path.split('/').map(|part| match part.starts_with('{') {
                    true => "{}",
                    false => part,
                });
                let places: Vec<&str> = places.filter(|part| !part.is_empty()).collect();
                if ["get", "post", "put", "delete"].contains(&method.as_str())
                    && known.insert((method.clone(), places.join("/")))
                {
                    let key = format!("{} {path}", method.to_uppercase());
                    let mut fact = documents.fact(file, methods, operation);
                    // the table of scopes knows some that the operation leaves out
                    if names(&fact["scopes"]).is_empty()
                        && let Some(scopes) = listed.get(&placeless(&key))
                    {
                        fact["scopes"] = json!(scopes);
                    }
                    fact.sort_all_objects();
                    facts.insert(key, fact);
                }
            }
        }
    }
    facts.sort_keys();
    facts
}

/// A method and path, whatever the places in it are called.
fn placeless(operation: &str) -> String {
    let parts = operation.trim_end_matches('/').split('/').map(|part| {
        let is_place = part.starts_with(':') || part.starts_with('{');
        if is_place { "{}" } else { part }
    });
    parts.collect::<Vec<_>>().join("/")
}

impl Documents {
    /// The scopes of each operation by the vendor's page about scopes (`scopes.json`, if it lies there, too).
    fn listed_scopes(&self) -> BTreeMap<String, BTreeSet<&str>> {
        let mut listed: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let rows = self.0.get("scopes.json").and_then(Json::as_array);
        for row in rows.into_iter().flatten() {
            let scope = row["scope"].as_str().unwrap();
            for operation in names(&row["endpoints"]) {
                listed
                    .entry(placeless(operation))
                    .or_default()
                    .insert(scope);
            }
        }
        listed
    }

    fn resolve<'a>(&'a self, file: &'a str, schema: &'a Json) -> (&'a str, &'a Json) {
        let Some(reference) = schema["$ref"].as_str() else {
            return (file, schema);
        };
        let (other, pointer) = reference.split_once('#').unwrap();
        // the vendor's files lie in folders; these lie flat
        let file = match (other.is_empty(), file.contains("-v3")) {
            (true, _) => file,
            (false, false) => "common-schemas.json",
            (false, true) => "common-schemas-v3.json",
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
        let mut body = Named::default();
        let schema = if many { &schema["items"] } else { schema };
        self.collect(body_file, schema, "", &mut body);
        json!({
            "versions": versions,
            "scopes": scopes,
            "query": {"fields": fields, "required": required},
            "body": {"fields": body.all, "required": body.needed, "many": many},
        })
    }

    /// The fields of a body and those inside of them.
    fn collect(&self, file: &str, schema: &Json, before: &str, into: &mut Named) {
        if before.matches('.').count() > DEEPEST {
            return;
        }
        let (file, schema) = self.resolve(file, schema);
        for many in ["allOf", "oneOf", "anyOf"] {
            for part in schema[many].as_array().into_iter().flatten() {
                self.collect(file, part, before, into);
            }
        }
        let required = names(&schema["required"]);
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let place = format!("{before}{name}");
            into.take(&place, required.contains(name.as_str()));
            self.collect(file, property, &format!("{place}."), into);
        }
        if schema["items"].is_object() {
            let before = before.trim_end_matches('.');
            self.collect(file, &schema["items"], &format!("{before}[]."), into);
        }
    }
}
