//! Bodies and queries against the vendor's specification: a strict whitelist, required fields, kinds of values.
//!
//! `fields.txt` has a line for each operation: method and path, after `?` the parameters of its query, after `=` the
//! fields of its body with their kinds. A star is required; a question mark may be null; `[]` is a list of such bodies.
//! It is from the vendor's OpenAPI files (`GoHighLevel/highlevel-api-docs`), read for the sandbox alone.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::super::errors;
use super::super::gate::Admitted;
use super::Row;
use crate::vendor::Answer;

/// Parameters that leave out what has another value.
pub(crate) const QUERY_FILTERS: &[&str] =
    &["calendarId", "contactId", "groupId", "userId", "status"];

struct Form {
    query: Vec<(&'static str, bool)>,
    fields: Vec<Field>,
    many: bool,
}

struct Field {
    name: &'static str,
    required: bool,
    kind: &'static str,
    words: Vec<&'static str>,
    nullable: bool,
}

static FORMS: LazyLock<HashMap<&'static str, Form>> =
    LazyLock::new(|| include_str!("fields.txt").lines().map(form).collect());

fn form(line: &'static str) -> (&'static str, Form) {
    let (operation, rest) = line.split_once(" ? ").unwrap_or((line, ""));
    let (query, body) = rest.split_once('=').unwrap_or((rest, ""));
    let query = query
        .split_whitespace()
        .map(|name| match name.strip_suffix('*') {
            Some(name) => (name, true),
            None => (name, false),
        });
    let (many, body) = match body.trim().strip_prefix("[]") {
        Some(body) => (true, body),
        None => (false, body),
    };
    let fields = body.split_whitespace().map(|word| {
        let (name, kind) = word.split_once(':').unwrap_or((word, "any"));
        let (kind, nullable) = match kind.strip_suffix('?') {
            Some(kind) => (kind, true),
            None => (kind, false),
        };
        let (kind, words) = match kind.split_once('(') {
            Some((kind, words)) => (kind, words.trim_end_matches(')').split('|').collect()),
            None => (kind, Vec::new()),
        };
        let (name, required) = match name.strip_suffix('*') {
            Some(name) => (name, true),
            None => (name, false),
        };
        Field {
            name,
            required,
            kind,
            words,
            nullable,
        }
    });
    let form = Form {
        query: query.collect(),
        fields: fields.collect(),
        many,
    };
    (operation, form)
}

/// The body, if query and body fit.
pub(crate) fn read(row: &Row, admitted: &Admitted<'_>, whitelist: bool) -> Result<Value, Answer> {
    let key = format!("{} {}", row.method, row.template);
    let form = FORMS.get(key.as_str());
    let mut messages = Vec::new();
    query(form, admitted, whitelist, &mut messages);
    let body = match admitted.call.body.is_empty() {
        true => json!({}),
        false => serde_json::from_slice(admitted.call.body)
            .map_err(|_| errors::not_json(admitted.call.body))?,
    };
    match (form, &body) {
        (Some(form), Value::Array(bodies)) if form.many => {
            for body in bodies {
                object(&form.fields, body, whitelist, &mut messages);
            }
        }
        (Some(form), _) if form.many => messages.push("body must be an array".to_owned()),
        (form, body) => {
            let fields = form.map(|form| form.fields.as_slice()).unwrap_or_default();
            object(fields, body, whitelist, &mut messages);
        }
    }
    match messages.is_empty() {
        true => Ok(body),
        false => Err(errors::unprocessable(&messages)),
    }
}

fn query(form: Option<&Form>, admitted: &Admitted<'_>, whitelist: bool, into: &mut Vec<String>) {
    let known = form.map(|form| form.query.as_slice()).unwrap_or_default();
    for (name, required) in known {
        if *required && admitted.query(name).is_none_or(|value| value.is_empty()) {
            into.push(format!("{name} should not be empty"));
        }
    }
    for (name, _) in url::form_urlencoded::parse(admitted.call.query.as_bytes()) {
        if whitelist && known.iter().all(|(own, _)| *own != name) {
            into.push(format!("property {name} should not exist"));
        }
    }
}

fn object(fields: &[Field], body: &Value, whitelist: bool, into: &mut Vec<String>) {
    let Some(body) = body.as_object() else {
        into.push("body must be an object".to_owned());
        return;
    };
    for field in fields {
        match body.get(field.name) {
            None if field.required => into.push(format!("{} should not be empty", field.name)),
            None => {}
            Some(Value::Null) if field.nullable => {}
            Some(value) => check(field, value, into),
        }
    }
    for name in body.keys() {
        if whitelist && fields.iter().all(|field| field.name != name) {
            into.push(format!("property {name} should not exist"));
        }
    }
}

fn check(field: &Field, value: &Value, into: &mut Vec<String>) {
    let name = field.name;
    let fits = match field.kind {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    };
    if !fits {
        into.push(match field.kind {
            "boolean" => format!("{name} must be a boolean value"),
            "number" => format!("{name} must be a number conforming to the specified constraints"),
            "array" | "object" => format!("{name} must be an {}", field.kind),
            kind => format!("{name} must be a {kind}"),
        });
    } else if !field.words.is_empty() && !field.words.iter().any(|word| is(value, word)) {
        let words = field.words.join(", ");
        into.push(format!(
            "{name} must be one of the following values: {words}"
        ));
    }
}

fn is(value: &Value, word: &str) -> bool {
    match value {
        Value::String(text) => text == word,
        other => word.parse::<Value>().is_ok_and(|word| word == *other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_specification_is_read() {
        let (operation, read) =
            form("PUT /a/{id} ? x* y = name*:string kind:string(one|two) note:string? n:number");
        assert_eq!(operation, "PUT /a/{id}");
        assert_eq!(read.query, [("x", true), ("y", false)]);
        let mut messages = Vec::new();
        object(
            &read.fields,
            &json!({"kind": "three", "note": null, "n": "1", "z": 1}),
            true,
            &mut messages,
        );
        assert_eq!(
            messages,
            [
                "name should not be empty",
                "kind must be one of the following values: one, two",
                "n must be a number conforming to the specified constraints",
                "property z should not exist",
            ]
        );
    }

    #[test]
    fn every_line_belongs_to_a_row() {
        for operation in FORMS.keys() {
            let known = super::super::ROWS
                .iter()
                .any(|row| *operation == format!("{} {}", row.method, row.template));
            assert!(known, "{operation}");
        }
    }
}
