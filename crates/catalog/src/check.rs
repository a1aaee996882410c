//! Whether an input fits the schema of an operation, told so that a person can mend it.
//!
//! It knows the part of JSON Schema that the catalog uses: `type`, `enum`, `properties`, `required`,
//! `additionalProperties`, `items`, and the bounds of numbers, texts and lists.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// How many allowed words or names a problem lists.
const LISTED: usize = 12;

/// Something in an input that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where, such as `notifications[0].channel`; empty for the input as a whole.
    pub field: String,
    /// What is wrong.
    pub wrong: String,
    /// What is allowed there.
    pub allowed: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.field.is_empty() {
            "the input"
        } else {
            &self.field
        };
        write!(f, "`{place}` {}; {}", self.wrong, self.allowed)
    }
}

/// All that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// The input with what the connection's settings say of it.
pub fn complete(schema: &Json, input: &mut Map<String, Json>, settings: &Json) {
    let properties = schema["properties"].as_object();
    for (name, property) in properties.into_iter().flatten() {
        let setting = property["x-setting"].as_str();
        let value = setting.and_then(|setting| settings.get(setting));
        if let (false, Some(value)) = (input.contains_key(name), value) {
            input.insert(name.clone(), value.clone());
        }
    }
}

/// Checks an input.
///
/// # Errors
/// Everything that does not fit, in the order of the schema.
pub fn check(schema: &Json, input: &Json) -> Result<(), Problems> {
    let mut problems = Vec::new();
    value(schema, input, "", &mut problems);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        // what a setting fills in is needed, too
        if let (Some(setting), true) = (property["x-setting"].as_str(), input[name].is_null()) {
            problems.push(Problem {
                field: name.clone(),
                wrong: "is missing".to_owned(),
                allowed: format!("give it, or set `{setting}` in the connection's settings"),
            });
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Problems(problems))
    }
}

fn value(schema: &Json, given: &Json, place: &str, problems: &mut Vec<Problem>) {
    let mut problem = |wrong: String, allowed: String| {
        problems.push(Problem {
            field: place.to_owned(),
            wrong,
            allowed,
        });
    };
    let types = types(schema);
    if !types.is_empty() && !types.iter().any(|kind| is(given, kind)) {
        let allowed: Vec<&str> = types.iter().map(|kind| spelt(kind)).collect();
        problem(
            format!("is {}", shown(given)),
            format!("it must be {}", allowed.join(" or ")),
        );
        return;
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(given)
        && !given.is_null()
    {
        problem(
            format!("is {}", quoted(given)),
            format!("it must be one of {}", listed(words.iter().map(quoted))),
        );
        return;
    }
    match given {
        Json::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            if let Some(least) = schema["minimum"].as_f64().filter(|least| number < *least) {
                problem(
                    format!("is {given}"),
                    format!("it must be at least {least}"),
                );
            }
            if let Some(most) = schema["maximum"].as_f64().filter(|most| number > *most) {
                problem(format!("is {given}"), format!("it must be at most {most}"));
            }
        }
        Json::String(text) => {
            let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
            if let Some(most) = schema["maxLength"].as_u64().filter(|most| length > *most) {
                problem(
                    format!("has {length} characters"),
                    format!("it may have at most {most}"),
                );
            }
            if text.is_empty() && schema["x-in"] == "path" {
                problem("is empty".to_owned(), "it must have a value".to_owned());
            }
        }
        Json::Array(items) => list(schema, items, place, problems),
        Json::Object(object) => fields(schema, object, place, problems),
        Json::Null | Json::Bool(_) => {}
    }
}

fn list(schema: &Json, items: &[Json], place: &str, problems: &mut Vec<Problem>) {
    let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
    let mut problem = |allowed: String| {
        problems.push(Problem {
            field: place.to_owned(),
            wrong: format!("has {count} entries"),
            allowed,
        });
    };
    if let Some(least) = schema["minItems"].as_u64().filter(|least| count < *least) {
        problem(format!("it must have at least {least}"));
    }
    if let Some(most) = schema["maxItems"].as_u64().filter(|most| count > *most) {
        problem(format!("it may have at most {most}"));
    }
    for (at, item) in items.iter().enumerate() {
        value(&schema["items"], item, &format!("{place}[{at}]"), problems);
    }
}

fn fields(schema: &Json, object: &Map<String, Json>, place: &str, problems: &mut Vec<Problem>) {
    let within = |name: &str| match place {
        "" => name.to_owned(),
        place => format!("{place}.{name}"),
    };
    let nothing = Map::new();
    let known = schema["properties"].as_object().unwrap_or(&nothing);
    for name in schema["required"].as_array().into_iter().flatten() {
        let Some(name) = name.as_str() else { continue };
        if !object.contains_key(name) {
            let property = &known.get(name).unwrap_or(&Json::Null);
            let kinds: Vec<&str> = types(property).iter().map(|kind| spelt(kind)).collect();
            let mut allowed = match kinds.as_slice() {
                [] => "it must be given".to_owned(),
                kinds => format!("it must be {}", kinds.join(" or ")),
            };
            if let Some(words) = property["enum"].as_array() {
                allowed = format!("it must be one of {}", listed(words.iter().map(quoted)));
            } else if let Some(example) = property["examples"].get(0) {
                allowed.push_str(&format!(", such as {}", quoted(example)));
            }
            problems.push(Problem {
                field: within(name),
                wrong: "is missing".to_owned(),
                allowed,
            });
        }
    }
    let closed = schema["additionalProperties"] == false;
    for (name, given) in object {
        match known.get(name) {
            Some(property) => value(property, given, &within(name), problems),
            None if closed => problems.push(Problem {
                field: within(name),
                wrong: "is not known here".to_owned(),
                allowed: match near(name, known.keys()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        let mut names: Vec<String> =
                            known.keys().map(|name| format!("`{name}`")).collect();
                        names.sort();
                        format!("there are {}", listed(names.into_iter()))
                    }
                },
            }),
            None => {}
        }
    }
}

/// A name that differs in case, or in one or two letters.
fn near<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-'], "");
    let wanted = plain(name);
    known
        .map(|known| (distance(&wanted, &plain(known)), known.as_str()))
        .filter(|(distance, known)| *distance <= 2 && *distance * 3 <= known.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// How many letters have to be changed, added or taken away.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut before = at;
        row[0] = at + 1;
        for (to, wanted) in other.iter().enumerate() {
            let least = (row[to] + 1)
                .min(row[to + 1] + 1)
                .min(before + usize::from(letter != *wanted));
            before = std::mem::replace(&mut row[to + 1], least);
        }
    }
    row[other.len()]
}

fn types(schema: &Json) -> Vec<&str> {
    match &schema["type"] {
        Json::String(kind) => vec![kind.as_str()],
        Json::Array(kinds) => kinds.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is(given: &Json, kind: &str) -> bool {
    match kind {
        "string" => given.is_string(),
        "number" => given.is_number(),
        "integer" => given.is_i64() || given.is_u64(),
        "boolean" => given.is_boolean(),
        "array" => given.is_array(),
        "object" => given.is_object(),
        "null" => given.is_null(),
        _ => false,
    }
}

fn spelt(kind: &str) -> &str {
    match kind {
        "string" => "text",
        "number" => "a number",
        "integer" => "a whole number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "an object",
        "null" => "`null`",
        other => other,
    }
}

fn shown(given: &Json) -> &'static str {
    match given {
        Json::Null => "`null`",
        Json::Bool(_) => "`true` or `false`",
        Json::Number(number) if number.is_f64() => "a fraction",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

fn quoted(value: &Json) -> String {
    match value {
        Json::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

fn listed(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match words.len().checked_sub(LISTED) {
        Some(more @ 1..) => format!("{} and {more} more", words[..LISTED].join(", ")),
        _ => words.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Json {
        json!({
            "type": "object",
            "properties": {
                "locationId": {"type": "string", "x-in": "query", "x-setting": "location_id"},
                "contactId": {"type": "string", "x-in": "path", "examples": ["Kf3n"]},
                "status": {"type": "string", "enum": ["open", "won"]},
                "limit": {"type": "integer", "minimum": 1, "maximum": 100},
                "rules": {"type": "array", "maxItems": 1, "items": {"type": "object",
                    "properties": {"day": {"type": "string"}}, "required": ["day"],
                    "additionalProperties": false}},
                "name": {"type": ["string", "null"]},
            },
            "required": ["contactId"],
            "additionalProperties": false,
        })
    }

    /// Sorted: the order of an object's fields is not ours to promise.
    fn said(input: &Json) -> Vec<String> {
        let mut said = match check(&schema(), input) {
            Ok(()) => Vec::new(),
            Err(problems) => problems.0.iter().map(ToString::to_string).collect(),
        };
        said.sort();
        said
    }

    #[test]
    fn what_fits_fits() {
        let fits = json!({"locationId": "l", "contactId": "c", "status": "won", "limit": 100,
            "rules": [{"day": "monday"}], "name": null});
        assert_eq!(said(&fits), [""; 0]);
    }

    #[test]
    fn each_problem_names_the_field_what_is_wrong_and_what_is_allowed() {
        let bad = json!({"Status": "x", "status": "lost", "limit": 0, "name": 5,
            "rules": [{"dey": "monday"}, {"day": 1}], "colour": "red"});
        assert_eq!(
            said(&bad),
            [
                "`Status` is not known here; did you mean `status`?",
                "`colour` is not known here; there are `contactId`, `limit`, `locationId`, `name`, `rules`, `status`",
                "`contactId` is missing; it must be text, such as `Kf3n`",
                "`limit` is 0; it must be at least 1",
                "`locationId` is missing; give it, or set `location_id` in the connection's settings",
                "`name` is a number; it must be text or `null`",
                "`rules[0].day` is missing; it must be text",
                "`rules[0].dey` is not known here; did you mean `day`?",
                "`rules[1].day` is a number; it must be text",
                "`rules` has 2 entries; it may have at most 1",
                "`status` is `lost`; it must be one of `open`, `won`",
            ]
        );
    }

    #[test]
    fn settings_fill_in_what_is_not_given() {
        let mut input = Map::new();
        complete(
            &schema(),
            &mut input,
            &json!({"location_id": "l1", "other": 1}),
        );
        assert_eq!(Json::Object(input), json!({"locationId": "l1"}));
        let mut given = Map::from_iter([("locationId".to_owned(), json!("l2"))]);
        complete(&schema(), &mut given, &json!({"location_id": "l1"}));
        assert_eq!(given["locationId"], "l2");
    }
}
