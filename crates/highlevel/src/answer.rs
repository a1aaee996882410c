//! Reading the vendor's refusals: their texts, what they blame, what they name.
//!
//! The shapes differ by endpoint, version and gateway: `message` is a string or an array, `error` is
//! absent, a string or an object (v3), OAuth answers `error_description`.

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
    /// The record that stands in the way, if it names one (`meta.contactId`).
    pub(crate) duplicate: Option<Duplicate>,
}

/// The record that a duplicate answer names.
#[derive(Debug, Clone)]
pub(crate) struct Duplicate {
    /// Its id.
    pub(crate) id: String,
    /// The property that was equal: `email` or `phone`; empty if not said.
    pub(crate) matching: String,
}

impl Complaint {
    pub(crate) fn of(response: &Response) -> Self {
        let body: Json = serde_json::from_slice(&response.body).unwrap_or(Json::Null);
        let mut texts = Vec::new();
        collect(&body["message"], &mut texts);
        if texts.is_empty() {
            collect(&body["error_description"], &mut texts);
        }
        if texts.is_empty() {
            collect(&body["error"], &mut texts);
        }
        if texts.is_empty() {
            collect(&body["msg"], &mut texts);
        }
        let meta = &body["meta"];
        let duplicate = meta["contactId"].as_str().map(|id| Duplicate {
            id: id.to_owned(),
            matching: meta["matchingField"].as_str().unwrap_or("").to_owned(),
        });
        Self {
            status: response.status.as_u16(),
            texts,
            duplicate,
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

    /// The record itself is not there. A missing *route* (`Cannot GET …`) says nothing of the record.
    /// Documented nowhere; measured: 400 `Contact not found for id:…`; for companies the same form is assumed.
    pub(crate) fn is_gone(&self) -> bool {
        let names_record = ["contact", "business", "task", "note"]
            .iter()
            .any(|what| self.says(what))
            && (self.says("not found") || self.says("is deleted"));
        match self.status {
            404 | 410 => !self.says("cannot "),
            400 | 422 => names_record,
            _ => false,
        }
    }

    /// Another record has the same e-mail or phone, and the account allows no duplicates.
    pub(crate) fn is_duplicate(&self) -> bool {
        matches!(self.status, 400 | 409 | 422)
            && (self.duplicate.is_some() || self.says("duplicated contact"))
    }

    /// The token lacks the scope that the request needs.
    pub(crate) fn is_missing_scope(&self) -> bool {
        match self.status {
            401 => self.says("not authorized for this scope"),
            403 => self.says("do not have permission"),
            _ => false,
        }
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
            if let Some(message) = object.get("message") {
                collect(message, texts);
            }
        }
        _ => {}
    }
}

/// The longest text of a vendor that goes into an error, in characters.
const LONGEST: usize = 400;

/// The text without words that could be a token (JWT, private token), and cut to a bearable length.
pub(crate) fn without_tokens(text: &str) -> String {
    let mut kept = text
        .split_whitespace()
        .map(|word| {
            if word.contains("eyJ") || word.contains("pit-") {
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
    fn every_documented_and_observed_shape_gives_its_text() {
        for (body, text) in [
            (
                r#"{"statusCode":400,"message":"Bad Request"}"#,
                "Bad Request",
            ),
            (
                r#"{"message":["property gender should not exist"],"error":"Unprocessable Entity","statusCode":422}"#,
                "property gender should not exist",
            ),
            (
                r#"{"error":"UnAuthorized!","error_description":"Authorization code not found"}"#,
                "Authorization code not found",
            ),
            (
                r#"{"error":{"code":"X","message":"Invalid grant: refresh token is invalid"}}"#,
                "Invalid grant: refresh token is invalid",
            ),
            (r#"{"error":"Unauthorized"}"#, "Unauthorized"),
        ] {
            assert_eq!(complaint(400, body).message(), text);
        }
        assert_eq!(
            complaint(418, "<html>").message(),
            "HTTP 418 without a reason"
        );
    }

    #[test]
    fn a_missing_route_is_not_a_missing_record() {
        let gone = r#"{"message":"Contact not found for id:abc","statusCode":400}"#;
        assert!(complaint(400, gone).is_gone());
        assert!(complaint(404, r#"{"message":"Contact not found"}"#).is_gone());
        assert!(!complaint(404, r#"{"message":"Cannot GET /contacts/abc"}"#).is_gone());
        assert!(!complaint(400, r#"{"message":"User not found"}"#).is_gone());
    }

    #[test]
    fn no_token_survives_in_a_message() {
        let said = complaint(
            401,
            r#"{"message":"bad token eyJhbGciOiJSUzI1NiJ9.e30.x and Bearer:pit-0b5c"}"#,
        )
        .message();
        assert_eq!(said, "bad token [secret] and [secret]");
        let long = without_tokens(&"ä".repeat(1_000));
        assert_eq!(long.chars().count(), LONGEST + 1);
    }
}
