//! One call of the document as an operation of the catalog.

use std::collections::BTreeMap;

use connector::catalog::{Effects, Operation, Repeat};
use serde_json::{Map, Value as Json, json};

use crate::document::Document;
use crate::schema::{example, plain};

/// The methods that a path may have.
pub(crate) const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// The media type of forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// A call that is left out says why.
pub(crate) fn operation(
    document: &Document,
    id: String,
    path: &str,
    method: &str,
    item: &Json,
    call: &Json,
) -> Result<Operation, &'static str> {
    if [item, call].iter().any(|place| !place["servers"].is_null()) {
        return Err("it lives on a server of its own");
    }
    let mut input = Input::default();
    let shared = item["parameters"].as_array().into_iter().flatten();
    let own = call["parameters"].as_array().into_iter().flatten();
    // those of the call come later, and go before those of the path
    for parameter in shared.chain(own) {
        input.parameter(document, document.meant(parameter))?;
    }
    let places = places(path);
    if let Some(missing) = places.iter().find(|place| !input.has_place(place)) {
        // not described, and needed all the same
        input.add(missing, json!({"type": "string", "x-in": "path"}), true);
    }
    let mut headers = BTreeMap::new();
    if let Some(kind) = input.body(document, document.meant(&call["requestBody"]))? {
        headers.insert("content-type".to_owned(), kind);
    }
    let effect = match method {
        "get" | "head" | "options" => Effects::Read,
        _ => Effects::Write,
    };
    let repeat = match method {
        // what a second PATCH does is up to its body
        "post" | "patch" => Repeat::AtMostOnce,
        _ => Repeat::Repeatable,
    };
    let text = |name: &str| {
        call[name]
            .as_str()
            .map(str::trim)
            .filter(|text| !text.is_empty())
    };
    let spelt = format!("{} {path}", method.to_uppercase());
    let title = text("summary").unwrap_or(&spelt).to_owned();
    let description = text("description")
        .or(text("summary"))
        .unwrap_or(&spelt)
        .to_owned();
    let (schema, example) = input.finish();
    Ok(Operation {
        id,
        title,
        description,
        method: method.to_uppercase(),
        path: path.to_owned(),
        headers,
        needs: scopes(document, call),
        deprecated: call["deprecated"] == true,
        effect,
        repeat,
        calls: 1,
        input: schema,
        output: output(document, call),
        example,
    })
}

/// The names in braces.
fn places(path: &str) -> Vec<&str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
        .collect()
}

/// The scopes of the first way to sign in that has any.
fn scopes(document: &Document, call: &Json) -> Vec<String> {
    let ways = match &call["security"] {
        Json::Null => &document.root()["security"],
        own => own,
    };
    let ways = ways.as_array().into_iter().flatten();
    let scopes = ways.filter_map(Json::as_object).flat_map(Map::values);
    let mut found: Vec<String> = Vec::new();
    for scope in scopes
        .filter_map(Json::as_array)
        .flatten()
        .filter_map(Json::as_str)
    {
        if !found.iter().any(|known| known == scope) {
            found.push(scope.to_owned());
        }
    }
    found
}

/// The schema of what success brings.
fn output(document: &Document, call: &Json) -> Json {
    let answers = call["responses"].as_object();
    let mut answers: Vec<(&String, &Json)> = answers.into_iter().flatten().collect();
    answers.sort_by_key(|(status, _)| (*status).clone());
    let answer = answers
        .into_iter()
        .find(|(status, _)| status.starts_with('2') || *status == "default");
    let content = answer.map(|(_, answer)| document.meant(answer)["content"].clone());
    let schema = content
        .as_ref()
        .and_then(json_part)
        .map(|(_, part)| &part["schema"]);
    schema.map_or(json!({}), |schema| plain(document, schema))
}

/// The one value that there is.
fn only_word(schema: &Json) -> Option<Json> {
    match schema["enum"].as_array()?.as_slice() {
        [word] if !word.is_null() => Some(word.clone()),
        _ => None,
    }
}

/// The JSON among the forms of a content.
fn json_part(content: &Json) -> Option<(&String, &Json)> {
    let is_json = |kind: &str| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind == "application/json" || kind.ends_with("+json") || kind == "*/*"
    };
    content.as_object()?.iter().find(|(kind, _)| is_json(kind))
}

/// The input under construction.
#[derive(Default)]
struct Input {
    properties: Map<String, Json>,
    required: Vec<String>,
    example: Map<String, Json>,
    open: bool,
}

impl Input {
    fn has_place(&self, name: &str) -> bool {
        self.properties.iter().any(|(own, property)| {
            property["x-in"] == "path" && property["x-name"].as_str().unwrap_or(own) == name
        })
    }

    /// Adds a field. Where another place has one of the same name, this one gets another and keeps its own for the wire.
    fn add(&mut self, name: &str, mut property: Json, needed: bool) {
        let place = property["x-in"].clone();
        let taken = |name: &str, all: &Map<String, Json>| {
            all.get(name).is_some_and(|known| known["x-in"] != place)
        };
        let mut own = name.to_owned();
        if taken(&own, &self.properties) {
            let before = place.as_str().unwrap_or("body").to_owned();
            own = format!("{before}_{name}");
            while taken(&own, &self.properties) {
                own.push('_');
            }
            property["x-name"] = json!(name);
        }
        self.required.retain(|known| *known != own);
        if needed {
            self.required.push(own.clone());
            self.example.insert(own.clone(), example(&property, 0));
        }
        self.properties.insert(own, property);
    }

    fn parameter(&mut self, document: &Document, parameter: &Json) -> Result<(), &'static str> {
        let Some(name) = parameter["name"].as_str() else {
            return Err("a parameter leads to another file, or has no name");
        };
        let place = parameter["in"].as_str().unwrap_or_default();
        let needed = parameter["required"] == true || place == "path";
        let mut schema = match json_part(&parameter["content"]) {
            // a value that is written as JSON
            Some(_) => json!({"type": "string"}),
            None => plain(document, &parameter["schema"]),
        };
        match place {
            "path" | "query" => {}
            // those belong to the sign-in and to the content
            "header"
                if ["accept", "content-type", "authorization"].contains(&&*name.to_lowercase()) =>
            {
                return Ok(());
            }
            "header" => {}
            _ if needed => return Err("it needs a cookie"),
            _ => return Ok(()),
        }
        // there is nothing to choose, or the document chooses already
        let given = match (place, only_word(&schema)) {
            ("header" | "query", Some(word)) => Some(word),
            ("header", None) => Some(schema["default"].clone()).filter(|word| !word.is_null()),
            _ => None,
        };
        let given = given.filter(|_| needed);
        if let Some(word) = &given {
            schema["x-given"] = word.clone();
        }
        let needed = needed && given.is_none();
        schema["x-in"] = json!(place);
        let explode = &parameter["explode"];
        let style = match parameter["style"].as_str().unwrap_or("form") {
            "deepObject" => Some("deep"),
            "pipeDelimited" => Some("pipe"),
            "spaceDelimited" => Some("space"),
            _ if explode == false => Some("comma"),
            _ => None,
        };
        if let (Some(style), "query") = (style, place) {
            schema["x-style"] = json!(style);
        }
        if let Some(said) = parameter["description"].as_str() {
            schema["description"] = json!(said);
        }
        if !parameter["example"].is_null() {
            schema["examples"] = json!([parameter["example"]]);
        }
        self.add(name, schema, needed);
        Ok(())
    }

    /// Adds the body; answers the media type where it is not plain JSON.
    fn body(&mut self, document: &Document, body: &Json) -> Result<Option<String>, &'static str> {
        let content = &body["content"];
        let Some(forms) = content.as_object().filter(|forms| !forms.is_empty()) else {
            return Ok(None);
        };
        let needed = body["required"] == true;
        let (kind, part) = match (json_part(content), forms.get(FORM)) {
            (Some((kind, part)), _) => {
                let plain = ["application/json", "*/*"]
                    .iter()
                    .any(|usual| kind.starts_with(usual));
                ((!plain).then(|| kind.clone()), part)
            }
            (None, Some(part)) => (Some(FORM.to_owned()), part),
            (None, None) if needed => return Err("its body is neither JSON nor a form"),
            (None, None) => return Ok(None),
        };
        let schema = plain(document, &part["schema"]);
        let given = part["example"].as_object().or_else(|| {
            let first = part["examples"].as_object()?.values().next()?;
            document.meant(first)["value"].as_object()
        });
        match schema["properties"].as_object() {
            Some(properties) => {
                let required = schema["required"].as_array();
                for (name, property) in properties {
                    let must = required.is_some_and(|all| all.iter().any(|own| own == name));
                    let mut property = property.clone();
                    if let Some(value) = given.and_then(|given| given.get(name)) {
                        property["examples"] = json!([value]);
                    }
                    self.add(name, property, must && needed);
                }
                // what is not said is allowed
                self.open |= schema["additionalProperties"] != false;
            }
            // a list, a single value or just anything
            None => {
                let mut schema = schema;
                schema["x-in"] = json!("whole_body");
                self.add("body", schema, needed);
            }
        }
        Ok(kind)
    }

    fn finish(self) -> (Json, Json) {
        let schema = json!({
            "type": "object",
            "properties": self.properties,
            "required": self.required,
            "additionalProperties": self.open,
        });
        (schema, Json::Object(self.example))
    }
}
