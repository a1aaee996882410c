//! Reading the vendor's refusals: their texts, and what they mean.
//!
//! The shapes are those of NestJS (measured by others): `{"statusCode", "message", "error"}` where `message` is a
//! text, or an array with all failures of validation at once. Many broken rules come as 500 with the
//! rule's text.

use connector::{Refusal, Response};
use record::FieldName;
use serde_json::Value as Json;

/// A refusal as the vendor worded it.
#[derive(Debug)]
pub(crate) struct Complaint {
    /// The HTTP status.
    pub(crate) status: u16,
    /// What it says, one entry per complaint.
    pub(crate) texts: Vec<String>,
}

impl Complaint {
    pub(crate) fn of(response: &Response) -> Self {
        let body: Json = serde_json::from_slice(&response.body).unwrap_or(Json::Null);
        let mut texts = Vec::new();
        for key in ["message", "error_description", "error"] {
            if texts.is_empty() {
                collect(&body[key], &mut texts);
            }
        }
        Self {
            status: response.status.as_u16(),
            texts,
        }
    }

    /// Whether any text holds this, letter case aside.
    pub(crate) fn says(&self, part: &str) -> bool {
        let part = part.to_lowercase();
        self.texts
            .iter()
            .any(|text| text.to_lowercase().contains(&part))
    }

    /// All that it says, short enough for an error and without anything that looks like a token.
    pub(crate) fn message(&self) -> String {
        if self.texts.is_empty() {
            return format!("HTTP {} without a reason", self.status);
        }
        without_tokens(&self.texts.join("; "))
    }

    /// The record itself is not there: 404 `Item with Id (…)`. A missing *route* (`Cannot PUT …`) says
    /// nothing of the record.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.status, 404 | 410) && !self.is_missing_route()
    }

    /// There is no such endpoint: 404 `Cannot PUT /…`, or any 405.
    pub(crate) fn is_missing_route(&self) -> bool {
        self.status == 405
            || self.status == 404 && self.texts.iter().any(|text| text.starts_with("Cannot "))
    }

    /// A wrong or foreign organisation: 500 `Organization not found`.
    pub(crate) fn is_unknown_organization(&self) -> bool {
        self.status >= 400 && self.says("organization not found")
    }

    /// A 5xx that is the refusal of what was sent, and comes again however often it is sent: a reference
    /// that is not there, a broken id, a business rule, an empty required text (all measured by others).
    /// It is raised before anything is saved.
    pub(crate) fn is_permanent(&self) -> bool {
        self.status >= 500
            && [
                "was not found",
                "not found",
                "is required",
                "should be",
                "should not",
                "should have",
                "cannot belong",
                "must be",
                "validation failed",
                "cast to",
                "objectid",
                "bson",
                "argument passed in must",
                "input must be a 24 character hex",
            ]
            .iter()
            .any(|part| self.says(part))
    }

    /// A cursor that the vendor no longer takes: 500 with the error of reading its JSON.
    pub(crate) fn is_broken_cursor(&self) -> bool {
        matches!(self.status, 400 | 500)
            && ["json", "unexpected token", "cursor"]
                .iter()
                .any(|part| self.says(part))
    }

    /// As a refusal that blames these fields.
    pub(crate) fn refusal(&self, fields: Vec<FieldName>) -> Refusal {
        Refusal {
            code: self.status.to_string(),
            message: self.message(),
            fields,
        }
    }
}

fn collect(json: &Json, texts: &mut Vec<String>) {
    match json {
        Json::String(text) if !text.trim().is_empty() => texts.push(text.trim().to_owned()),
        Json::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Json::Object(object) => {
            for key in ["message", "description"] {
                if let Some(message) = object.get(key) {
                    collect(message, texts);
                }
            }
        }
        _ => {}
    }
}

/// The longest text of a vendor that goes into an error, in characters.
const LONGEST: usize = 400;

/// The text without words that could be a token, and cut to a bearable length.
fn without_tokens(text: &str) -> String {
    let mut kept = text
        .split_whitespace()
        .map(|word| {
            if word.contains("eyJ") {
                "[secret]"
            } else {
                word
            }
        })
        .collect::<Vec<_>>()
        .join(" ");
    if let Some((end, _)) = kept.char_indices().nth(LONGEST) {
        kept.truncate(end);
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(status: u16, body: &str) -> Complaint {
        Complaint::of(&Response {
            status: http::StatusCode::from_u16(status).unwrap(),
            headers: http::HeaderMap::new(),
            body: body.to_owned().into(),
            sent: jiff::Timestamp::UNIX_EPOCH,
        })
    }

    #[test]
    fn an_array_of_failures_is_read_whole() {
        let body = r#"{"statusCode":400,"message":["name must be a string","startDate must be a valid ISO 8601 date string"],"error":"Bad Request"}"#;
        let complaint = complaint(400, body);
        assert_eq!(complaint.texts.len(), 2);
        assert_eq!(
            complaint.message(),
            "name must be a string; startDate must be a valid ISO 8601 date string"
        );
    }

    #[test]
    fn a_missing_route_is_no_missing_record() {
        let gone = r#"{"statusCode":404,"message":"Item with Id (aaaaaaaaaaaaaaaaaaaaaaaa)","error":"Not Found"}"#;
        assert!(complaint(404, gone).is_gone());
        let route = complaint(404, r#"{"statusCode":404,"message":"Cannot PUT /api/x"}"#);
        assert!(route.is_missing_route() && !route.is_gone());
    }

    #[test]
    fn broken_rules_are_told_from_trouble() {
        for message in [
            "Specified office was not found",
            "Cast to ObjectId failed for value \"x\" at path \"office\"",
            "Membership startDate should be before the endDate",
            "Path 'name' is required.",
        ] {
            let body = serde_json::json!({"statusCode": 500, "message": message}).to_string();
            assert!(complaint(500, &body).is_permanent(), "{message}");
        }
        for message in ["Internal server error", "connect ETIMEDOUT"] {
            let body = serde_json::json!({"statusCode": 500, "message": message}).to_string();
            assert!(!complaint(500, &body).is_permanent(), "{message}");
        }
        assert!(!complaint(502, "<html>Bad gateway</html>").is_permanent());
    }

    #[test]
    fn no_token_survives_in_a_message() {
        let said = complaint(401, r#"{"message":"bad token eyJhbGciOiJSUzI1NiJ9.e30.x"}"#);
        assert_eq!(said.message(), "bad token [secret]");
    }
}
