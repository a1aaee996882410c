//! From a checked input to a request, and from an answer to a value, for systems that speak HTTP and JSON plainly.

use http::{HeaderName, HeaderValue, Method, header::CONTENT_TYPE};
use serde_json::{Map, Value as Json};

use super::{Effects, Operation};
use crate::{Body, Effect, Error, Refusal, Request, Response};

/// The media type of a body of fields.
const FORM: &str = "application/x-www-form-urlencoded";

/// How a list stands in one query parameter.
const SEPARATORS: [(&str, &str); 3] = [("comma", ","), ("pipe", "|"), ("space", " ")];

/// The longest text of a vendor that goes into an error, in characters.
const LONGEST: usize = 400;

/// The request that this operation makes of an input. The input is checked already; what it lacks is left out.
///
/// # Errors
/// When the operation's own data is wrong, or a place in the path has no value.
pub fn request(operation: &'static Operation, input: &Json) -> Result<Request, Error> {
    let wrong = |what: String| Error::Unsupported {
        system: "the catalog",
        what: format!("{}: {what}", operation.id),
    };
    let method = Method::from_bytes(operation.method.as_bytes())
        .map_err(|_| wrong(format!("the method {} is none", operation.method)))?;
    let effect = match operation.effect {
        Effects::Read => Effect::Read,
        Effects::Write => Effect::Write,
    };
    let writes = matches!(method, Method::POST | Method::PUT | Method::PATCH);
    let mut request = Request::new(&operation.id, effect, method, "");
    request.own_right = true;
    for (name, value) in &operation.headers {
        let name = HeaderName::try_from(name.as_str())
            .map_err(|_| wrong(format!("the header name {name} is none")))?;
        let value = HeaderValue::try_from(value.as_str())
            .map_err(|_| wrong(format!("the value of the header {name} is none")))?;
        request.headers.insert(name, value);
    }
    let nothing = Map::new();
    let properties = operation.input["properties"]
        .as_object()
        .unwrap_or(&nothing);
    let mut path = operation.path.clone();
    let mut body = Map::new();
    let mut whole = None;
    let mut takes_body = false;
    for (name, property) in properties {
        let value = input.get(name).or_else(|| property.get("x-given"));
        // what it is called on the way, where two places have a field of one name
        let name = property["x-name"].as_str().unwrap_or(name);
        match property["x-in"].as_str() {
            Some("path") => {
                let value = value.map(plain).filter(|text| !text.is_empty());
                let value = value.ok_or_else(|| wrong(format!("{name} is missing")))?;
                path = path.replace(&format!("{{{name}}}"), &segment(&value));
            }
            Some("query") => match value {
                Some(Json::Object(members)) if property["x-style"] == "deep" => {
                    for (member, value) in members {
                        let name = format!("{name}[{member}]");
                        request.query.push((name, plain(value)));
                    }
                }
                value => {
                    for text in value
                        .map(|value| spelt(value, property))
                        .unwrap_or_default()
                    {
                        request.query.push((name.to_owned(), text));
                    }
                }
            },
            Some("header") => {
                if let Some(value) = value.filter(|value| !value.is_null()) {
                    let name = HeaderName::try_from(name)
                        .map_err(|_| wrong(format!("the header name {name} is none")))?;
                    let value = HeaderValue::try_from(plain(value))
                        .map_err(|_| wrong(format!("the value of the header {name} is none")))?;
                    request.headers.insert(name, value);
                }
            }
            Some("whole_body") => whole = value.cloned(),
            _ => {
                takes_body = true;
                if let Some(value) = value {
                    body.insert(name.to_owned(), timed(value, property));
                }
            }
        }
    }
    if operation.input["additionalProperties"] == true {
        // what the schema does not name belongs to the body
        let more = input.as_object().into_iter().flatten();
        let more = more.filter(|(name, _)| !properties.contains_key(*name));
        body.extend(more.map(|(name, value)| (name.clone(), value.clone())));
        takes_body |= !body.is_empty();
    }
    request.path = path;
    if operation
        .headers
        .get("content-type")
        .is_some_and(|kind| kind == FORM)
    {
        request.headers.remove(CONTENT_TYPE);
        let fields = body
            .iter()
            .map(|(name, value)| (name.clone(), plain(value)));
        request.body = Body::Form(fields.collect());
        return Ok(request);
    }
    request.body = match whole {
        Some(whole) => Body::Json(whole),
        None if writes || (takes_body && !body.is_empty()) => Body::Json(Json::Object(body)),
        None => Body::Empty,
    };
    Ok(request)
}

/// The answer as a value, `null` for an empty one; plain text where the operation says that a text comes. A refusal
/// carries what the vendor said.
///
/// # Errors
/// When it is a refusal, or not JSON.
pub fn answer(operation: &'static Operation, response: &Response) -> Result<Json, Error> {
    if response.status.is_success() {
        if response.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Json::Null);
        }
        if is_text(operation, response) {
            return Ok(Json::String(
                String::from_utf8_lossy(&response.body).into_owned(),
            ));
        }
        return response.json(&operation.id);
    }
    Err(Error::Refused {
        operation: &operation.id,
        refusal: Refusal {
            code: response.status.as_u16().to_string(),
            message: said(response),
            fields: Vec::new(),
        },
    })
}

/// Whether the operation answers with a text, and the answer says of itself that it is one: neither a page nor JSON.
#[must_use]
pub fn is_text(operation: &Operation, response: &Response) -> bool {
    let kind = response.headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    operation.output["type"] == "string" && kind.is_some_and(|kind| kind.starts_with("text/plain"))
}

/// What a refusal says, wherever it stands in the body.
fn said(response: &Response) -> String {
    let body: Json = serde_json::from_slice(&response.body).unwrap_or(Json::Null);
    let places = [
        "/message",
        "/error/message",
        "/error_description",
        "/error",
        "/detail",
        "/title",
    ];
    let text = places.iter().find_map(|place| match body.pointer(place)? {
        Json::String(text) => Some(text.clone()),
        Json::Array(texts) => {
            let texts: Vec<&str> = texts.iter().filter_map(Json::as_str).collect();
            (!texts.is_empty()).then(|| texts.join("; "))
        }
        _ => None,
    });
    let text =
        text.unwrap_or_else(|| format!("HTTP {} without a reason", response.status.as_u16()));
    text.chars().take(LONGEST).collect()
}

/// A value as text, the way it stands in paths and queries.
fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

/// The values of a query parameter; none for null.
fn spelt(value: &Json, property: &Json) -> Vec<String> {
    match value {
        Json::Null => Vec::new(),
        Json::Array(items)
            if SEPARATORS
                .iter()
                .any(|(style, _)| property["x-style"] == *style) =>
        {
            let style = SEPARATORS
                .iter()
                .find(|(style, _)| property["x-style"] == *style);
            let separator = style.map_or(",", |(_, separator)| separator);
            vec![items.iter().map(plain).collect::<Vec<_>>().join(separator)]
        }
        Json::Array(items) => items.iter().map(plain).collect(),
        other => vec![plain(other)],
    }
}

/// A value as the body has it: of a moment without parts of a second, where the vendor takes none.
fn timed(value: &Json, property: &Json) -> Json {
    let moment = value.as_str().filter(|_| property["x-time"] == "seconds");
    let moment = moment.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    match moment {
        Some(moment) => Json::String(moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        None => value.clone(),
    }
}

/// A text as one segment of a path, percent-encoded.
fn segment(text: &str) -> String {
    use std::fmt::Write as _;
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') {
            segment.push(char::from(byte));
        } else {
            write!(segment, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    segment
}
