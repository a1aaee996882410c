//! An input as a person types it: JSON, or pairs of a name and a value.

use serde_json::{Map, Value as Json};

/// Why a typed input is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// Not JSON.
    #[error("the input is no JSON: {0}")]
    Json(String),
    /// JSON, but not an object.
    #[error("the input is no JSON object; write it as {{\"name\": value, …}}")]
    NoObject,
    /// No pair.
    #[error("`{0}` is no pair; write NAME=VALUE")]
    NoPair(String),
    /// A name that stands in the way of another.
    #[error("`{0}` is given twice, or as a value and as an object")]
    Twice(String),
}

/// Reads what stands after `--input`: a JSON object, or else one pair.
///
/// # Errors
/// When it is neither.
pub fn read_input(schema: &Json, given: &[String]) -> Result<Map<String, Json>, Unread> {
    let mut whole = Map::new();
    let mut rest = Vec::new();
    for text in given {
        if text.trim_start().starts_with('{') {
            let value: Json =
                serde_json::from_str(text).map_err(|error| Unread::Json(error.to_string()))?;
            let Json::Object(object) = value else {
                return Err(Unread::NoObject);
            };
            whole.extend(object);
        } else {
            rest.push(text.as_str());
        }
    }
    for (name, value) in pairs(schema, &rest)? {
        if whole.insert(name.clone(), value).is_some() {
            return Err(Unread::Twice(name));
        }
    }
    Ok(whole)
}

/// Reads pairs such as `limit=20` and `address.city=Berlin`. The schema says what a value is: text stays text, lists
/// are JSON or words with commas between them, everything else is JSON.
///
/// # Errors
/// When a text is no pair, or a name is given twice.
pub fn pairs(schema: &Json, given: &[&str]) -> Result<Map<String, Json>, Unread> {
    let mut all = Map::new();
    for text in given {
        let (name, value) = text
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| Unread::NoPair((*text).to_owned()))?;
        let mut place = &mut all;
        let mut part = schema;
        let mut parts = name.split('.').peekable();
        while let Some(step) = parts.next() {
            part = &part["properties"][step];
            if parts.peek().is_none() {
                if place.insert(step.to_owned(), read(part, value)).is_some() {
                    return Err(Unread::Twice(name.to_owned()));
                }
                break;
            }
            let entry = place
                .entry(step)
                .or_insert_with(|| Json::Object(Map::new()));
            place = match entry {
                Json::Object(object) => object,
                _ => return Err(Unread::Twice(name.to_owned())),
            };
        }
    }
    Ok(all)
}

fn read(schema: &Json, text: &str) -> Json {
    let is = |kind: &str| match &schema["type"] {
        Json::String(own) => own == kind,
        Json::Array(kinds) => kinds.iter().any(|own| own == kind),
        _ => false,
    };
    let json = || serde_json::from_str::<Json>(text).ok();
    if is("null") && text == "null" {
        return Json::Null;
    }
    if is("string") {
        return Json::String(text.to_owned());
    }
    if is("array") && !text.trim_start().starts_with('[') {
        return text
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(|word| read(&schema["items"], word))
            .collect();
    }
    // what is no JSON is checked as text, and told as such
    json().unwrap_or_else(|| Json::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given(words: &[&str]) -> Result<Json, Unread> {
        let schema = json!({"properties": {
            "name": {"type": "string"}, "limit": {"type": "integer"}, "done": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "businessId": {"type": ["string", "null"]},
            "place": {"type": "object", "properties": {"city": {"type": "string"}}},
        }});
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        read_input(&schema, &words).map(Json::Object)
    }

    #[test]
    fn pairs_are_read_by_the_schema() {
        let read = given(&[
            "name=007",
            "limit=20",
            "done=true",
            "tags=a, b",
            "place.city=Berlin",
            "businessId=null",
        ]);
        let expected = json!({"name": "007", "limit": 20, "done": true, "tags": ["a", "b"],
            "place": {"city": "Berlin"}, "businessId": null});
        assert_eq!(read, Ok(expected));
        assert_eq!(
            given(&[r#"{"limit": 5}"#, "name=a=b"]),
            Ok(json!({"limit": 5, "name": "a=b"}))
        );
        assert_eq!(given(&["limit=many"]), Ok(json!({"limit": "many"})));
    }

    #[test]
    fn what_is_no_input_is_told() {
        assert_eq!(given(&["name"]), Err(Unread::NoPair("name".to_owned())));
        assert_eq!(
            given(&["name=a", "name=b"]),
            Err(Unread::Twice("name".to_owned()))
        );
        assert!(matches!(given(&["{nonsense"]), Err(Unread::Json(_))));
    }
}
