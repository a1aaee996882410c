//! Schemas: references put in, parts joined, reduced to the words that inputs are checked by.

use serde_json::{Map, Value as Json, json};

use crate::document::Document;

/// How deep a schema is followed. What is deeper may be anything.
const DEPTH: usize = 8;

/// Words that are taken over as they are.
const KEPT: [&str; 14] = [
    "type",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "description",
    "title",
    "format",
    "pattern",
    "default",
    "additionalProperties",
];

/// The schema without references. A schema that stands inside itself may be anything there.
pub(crate) fn plain(document: &Document, schema: &Json) -> Json {
    reduced(document, schema, 0)
}

fn reduced(document: &Document, schema: &Json, depth: usize) -> Json {
    let schema = document.meant(schema);
    let Json::Object(written) = schema else {
        return json!({});
    };
    if depth > DEPTH {
        return json!({});
    }
    let mut plain = Map::new();
    for name in KEPT {
        match (name, written.get(name)) {
            // only whether there may be more; of what form is not checked
            ("additionalProperties", Some(Json::Bool(more))) => {
                plain.insert(name.to_owned(), json!(more));
            }
            ("additionalProperties", _) | (_, None) => {}
            (_, Some(value)) => {
                plain.insert(name.to_owned(), value.clone());
            }
        }
    }
    if let Some(word) = written.get("const") {
        plain.insert("enum".to_owned(), json!([word]));
    }
    if let Some(examples) = examples(written) {
        plain.insert("examples".to_owned(), examples);
    }
    if let Some(Json::Object(properties)) = written.get("properties") {
        let reduced: Map<String, Json> = properties
            .iter()
            .map(|(name, property)| (name.clone(), reduced(document, property, depth + 1)))
            .collect();
        plain.insert("properties".to_owned(), Json::Object(reduced));
        plain.entry("type").or_insert(json!("object"));
        if let Some(required) = written.get("required") {
            plain.insert("required".to_owned(), required.clone());
        }
    }
    if let Some(items) = written.get("items") {
        plain.insert("items".to_owned(), reduced(document, items, depth + 1));
        plain.entry("type").or_insert(json!("array"));
    }
    if let Some(Json::Array(parts)) = written.get("allOf") {
        for part in parts {
            join(&mut plain, reduced(document, part, depth + 1));
        }
    }
    if let Some(Json::Array(ways)) = written.get("oneOf").or_else(|| written.get("anyOf")) {
        either(&mut plain, ways, document, depth);
    }
    if written.get("nullable") == Some(&Json::Bool(true)) {
        or_null(&mut plain);
    }
    // documents contradict themselves: an object that is one of some words is one of these words
    let contradicts = match (plain.get("enum"), plain.get("type")) {
        (Some(Json::Array(words)), Some(kind)) => !words.iter().any(|word| is(word, kind)),
        _ => false,
    };
    if contradicts {
        plain.remove("type");
    }
    Json::Object(plain)
}

/// Whether a value is of a type, or of one of several.
fn is(value: &Json, kind: &Json) -> bool {
    match kind {
        Json::Array(kinds) => kinds.iter().any(|kind| is(value, kind)),
        kind => match kind.as_str() {
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            Some("null") => value.is_null(),
            _ => true,
        },
    }
}

/// Whether a value that the document gives as an example is one.
fn fits(value: &Json, schema: &Json) -> bool {
    let listed = schema["enum"].as_array();
    let has_kind = schema.get("type").is_none_or(|kind| is(value, kind));
    let within = |name: &str, below: bool| match (value.as_f64(), schema[name].as_f64()) {
        (Some(value), Some(bound)) if below => value <= bound,
        (Some(value), Some(bound)) => value >= bound,
        _ => true,
    };
    let parts = match value {
        Json::Array(items) => {
            let most = schema["maxItems"].as_u64().unwrap_or(u64::MAX);
            u64::try_from(items.len()).is_ok_and(|length| length <= most)
                && items.iter().all(|item| fits(item, &schema["items"]))
        }
        Json::Object(members) => {
            let required = schema["required"].as_array().into_iter().flatten();
            let mut required = required.filter_map(Json::as_str);
            let known = &schema["properties"];
            required.all(|name| members.contains_key(name))
                && members.iter().all(|(name, member)| match known.get(name) {
                    Some(property) => fits(member, property),
                    None => schema["additionalProperties"] != false,
                })
        }
        _ => true,
    };
    has_kind
        && parts
        && listed.is_none_or(|listed| listed.contains(value))
        && within("maximum", true)
        && within("minimum", false)
}

fn examples(written: &Map<String, Json>) -> Option<Json> {
    match (written.get("examples"), written.get("example")) {
        (Some(Json::Array(examples)), _) if !examples.is_empty() => Some(json!(examples)),
        (_, Some(example)) if !example.is_null() => Some(json!([example])),
        _ => None,
    }
}

/// All parts hold at once.
fn join(whole: &mut Map<String, Json>, part: Json) {
    let Json::Object(part) = part else {
        return;
    };
    for (name, value) in part {
        match (name.as_str(), whole.get_mut(&name), value) {
            ("properties", Some(Json::Object(known)), Json::Object(more)) => known.extend(more),
            ("required", Some(Json::Array(known)), Json::Array(more)) => known.extend(more),
            // each part knows only its own fields
            ("additionalProperties", ..) => {}
            (_, Some(_), _) => {}
            (_, None, value) => {
                whole.insert(name, value);
            }
        }
    }
}

/// One of several ways: their types together where each is only a type, else anything that one of them may be.
fn either(whole: &mut Map<String, Json>, ways: &[Json], document: &Document, depth: usize) {
    let ways: Vec<Json> = ways
        .iter()
        .map(|way| reduced(document, way, depth + 1))
        .collect();
    let mut types: Vec<Json> = Vec::new();
    for way in &ways {
        match way.get("type") {
            Some(Json::Array(several)) => types.extend(several.iter().cloned()),
            Some(one) => types.push(one.clone()),
            // one way may be anything, so the whole may
            None => return,
        }
    }
    let mut seen = Vec::new();
    types.retain(|kind| {
        let is_new = !seen.contains(kind);
        seen.push(kind.clone());
        is_new
    });
    if let (false, [way]) = (ways.is_empty(), ways.as_slice()) {
        join(whole, way.clone());
    } else if let [one] = types.as_slice() {
        whole.entry("type").or_insert(one.clone());
    } else if !types.is_empty() {
        whole.entry("type").or_insert(json!(types));
    }
}

fn or_null(plain: &mut Map<String, Json>) {
    match plain.get_mut("type") {
        Some(Json::Array(types)) => types.push(json!("null")),
        Some(kind) => *kind = json!([kind.clone(), "null"]),
        None => {}
    }
    if let Some(Json::Array(words)) = plain.get_mut("enum") {
        words.push(Json::Null);
    }
}

/// A value that fits a schema: its example, its default, or one made up.
pub(crate) fn example(schema: &Json, depth: usize) -> Json {
    for place in ["/examples/0", "/default", "/enum/0"] {
        let given = schema.pointer(place).filter(|value| !value.is_null());
        if let Some(value) = given.filter(|value| fits(value, schema)) {
            return value.clone();
        }
    }
    // of several the first word, whatever the type
    if let Some(word) = schema["enum"].get(0) {
        return word.clone();
    }
    let kind = match &schema["type"] {
        Json::String(kind) => kind.as_str(),
        Json::Array(kinds) => kinds.first().and_then(Json::as_str).unwrap_or_default(),
        _ => "",
    };
    match kind {
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "boolean" => json!(true),
        "array" if depth < DEPTH => json!([example(&schema["items"], depth + 1)]),
        "array" => json!([]),
        "object" if depth < DEPTH => needed(schema, depth),
        "object" => json!({}),
        _ => json!("text"),
    }
}

/// The example of an object: what must be there.
fn needed(schema: &Json, depth: usize) -> Json {
    let required = schema["required"].as_array();
    required
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .map(|name| {
            (
                name.to_owned(),
                example(&schema["properties"][name], depth + 1),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_circles_end_and_null_is_a_type() {
        let text = r##"{"openapi": "3.1.0", "components": {"schemas": {
            "Base": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "example": "i1"}}},
            "Person": {"allOf": [{"$ref": "#/components/schemas/Base"}, {"required": ["name"], "properties": {
                "name": {"type": "string", "nullable": true}, "friend": {"$ref": "#/components/schemas/Person"},
                "age": {"oneOf": [{"type": "integer"}, {"type": "string"}]}}}]}}}}"##;
        let document = Document::parse(text).unwrap();
        let person = plain(&document, &json!({"$ref": "#/components/schemas/Person"}));
        assert_eq!(person["required"], json!(["id", "name"]));
        assert_eq!(
            person["properties"]["name"]["type"],
            json!(["string", "null"])
        );
        assert_eq!(
            person["properties"]["age"]["type"],
            json!(["integer", "string"])
        );
        assert_eq!(
            person["properties"]["friend"]["properties"]["id"]["type"],
            "string"
        );
        assert_eq!(example(&person, 0), json!({"id": "i1", "name": "text"}));
        assert!(person.to_string().len() < 20_000);
    }
}
