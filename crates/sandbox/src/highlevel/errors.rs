//! The error answers of HighLevel. Texts are the vendor's, as documented or measured.

use serde_json::{Value, json};

use crate::vendor::Answer;

fn error(status: u16, message: &str, name: Option<&str>) -> Answer {
    let mut body = json!({"statusCode": status, "message": message});
    if let Some(name) = name {
        body["error"] = name.into();
    }
    Answer::json(status, &body)
}

pub(crate) fn bad_request(message: &str) -> Answer {
    error(400, message, None)
}

pub(crate) fn unauthorized(message: &str) -> Answer {
    error(401, message, Some("Unauthorized"))
}

pub(crate) fn forbidden(message: &str) -> Answer {
    error(403, message, Some("Forbidden"))
}

pub(crate) fn not_found(message: &str) -> Answer {
    error(404, message, Some("Not Found"))
}

pub(crate) fn cannot(method: &http::Method, path: &str) -> Answer {
    not_found(&format!("Cannot {method} {path}"))
}

/// `message` is an array here, as from a strict validator.
pub(crate) fn unprocessable(messages: &[String]) -> Answer {
    Answer::json(
        422,
        &json!({"statusCode": 422, "message": messages, "error": "Unprocessable Entity"}),
    )
}

pub(crate) fn unprocessable_one(message: &str) -> Answer {
    unprocessable(&[message.to_owned()])
}

pub(crate) fn wrong_location() -> Answer {
    forbidden("The token does not have access to this location.")
}

/// The measured answer for a contact that is not there, or the one that a client would expect.
pub(crate) fn no_contact(id: &str, status: i64) -> Answer {
    let message = format!("Contact not found for id:{id}");
    if status == 404 {
        not_found(&message)
    } else {
        bad_request(&message)
    }
}

/// Not documented; told like a contact that is not there, with the status that the switch names.
pub(crate) fn no_business(id: &str, status: &str) -> Answer {
    let message = format!("Business not found for id:{id}");
    match status {
        "404" => not_found(&message),
        "422" => unprocessable_one(&message),
        _ => bad_request(&message),
    }
}

/// Measured: a 400 that names the other contact; `variant` is how the switch stands.
pub(crate) fn duplicate(
    contact_id: &str,
    matching_field: &str,
    name: Option<&str>,
    variant: &str,
) -> Answer {
    let status: u16 = match variant {
        "409" => 409,
        "422" => 422,
        _ => 400,
    };
    let message = "This location does not allow duplicated contacts.";
    let mut body = json!({"statusCode": status, "message": message});
    if status == 422 {
        body["message"] = json!([message]);
    }
    if variant != "bare" {
        body["meta"] = json!({"contactId": contact_id});
    }
    if !matches!(variant, "bare" | "no_field") {
        body["meta"]["matchingField"] = matching_field.into();
        if let Some(name) = name {
            body["meta"]["contactName"] = name.into();
        }
    }
    Answer::json(status, &body)
}

/// The body that the token endpoint gives for a code it does not know; measured, unlike all other errors.
pub(crate) fn unknown_code() -> Answer {
    let body =
        json!({"error": "UnAuthorized!", "error_description": "Authorization code not found"});
    Answer::json(401, &body)
}

/// Adds the trace id that every JSON object of the vendor ends with.
pub(crate) fn with_trace(mut answer: Answer, trace_id: &str) -> Answer {
    if answer.content_type.starts_with("application/json") && answer.body.last() == Some(&b'}') {
        let mut body = Vec::with_capacity(answer.body.len() + 52);
        body.extend_from_slice(&answer.body[..answer.body.len() - 1]);
        if body.len() > 1 {
            body.push(b',');
        }
        body.extend_from_slice(b"\"traceId\":\"");
        body.extend_from_slice(trace_id.as_bytes());
        body.extend_from_slice(b"\"}");
        answer.body = body.into();
    }
    answer
}

/// The text of a parser's refusal, in the words of the vendor's runtime.
pub(crate) fn not_json(body: &[u8]) -> Answer {
    let message = match body.first() {
        None => "Unexpected end of JSON input".to_owned(),
        Some(byte) => format!(
            "Unexpected token {} in JSON at position 0",
            char::from(*byte)
        ),
    };
    let body: Value = json!({"statusCode": 400, "message": message, "error": "Bad Request"});
    Answer::json(400, &body)
}
