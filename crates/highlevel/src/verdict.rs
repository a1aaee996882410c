//! What an answer means for the connection as a whole.
//!
//! The vendor says with HTTP 401 both "your token is old" and "your token is of the wrong kind"; only
//! the first is mended by a refresh, so the texts are told apart (measured by others on live accounts).

use connector::{Request, Response, Verdict, catalog::rest};
use http::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::{answer::Complaint, catalog, limits, operation};

pub(crate) fn verdict(request: &Request, response: &Response) -> Verdict {
    let status = response.status.as_u16();
    if status == 429 {
        let (wait, daily) = limits::throttled(response);
        return Verdict::Throttled { wait, daily };
    }
    if status >= 500 || status == 408 {
        return unavailable(response, "the server is in trouble");
    }
    let text = || {
        let operation = catalog::catalog().operation(request.operation);
        operation.is_some_and(|operation| rest::is_text(operation, response))
    };
    if !looks_like_json(&response.body) && !text() {
        return unavailable(response, "something that is not the API answered");
    }
    let operation = request.operation;
    if operation::is_sign_in(operation) {
        return Verdict::Answered;
    }
    let complaint = match status {
        400 | 401 | 403 => Complaint::of(response),
        _ => return Verdict::Answered,
    };
    if complaint.is_missing_scope() && operation::bears_missing_scope(operation) {
        return Verdict::Answered;
    }
    // asked for by itself: the wrong kind of token for it, or somebody else's record, says nothing of the rest
    let other_class = complaint.says("user type mismatch") || complaint.says("authclass");
    if request.own_right && (status == 403 || complaint.is_missing_scope() || other_class) {
        return Verdict::Answered;
    }
    match status {
        401 => unauthorised(request, &complaint),
        403 => refused(
            &complaint,
            if complaint.says("access to this location") {
                "the token is for another sub-account: check `location_id`, or sign in for this one"
            } else {
                "grant the missing right and connect again"
            },
        ),
        // `Invalid API version segment …`: no request can succeed with this setting.
        _ if complaint.says("invalid api version") => refused(&complaint, VERSION_HINT),
        _ => Verdict::Answered,
    }
}

const VERSION_HINT: &str = "check `api_version`; it must be a date that HighLevel knows";

fn unauthorised(request: &Request, complaint: &Complaint) -> Verdict {
    // Before the general "invalid": `version header is invalid` is no matter of tokens.
    if complaint.says("version header") {
        return refused(complaint, VERSION_HINT);
    }
    if complaint.is_missing_scope() {
        return Verdict::RightMissing {
            right: catalog::right_of(request.operation),
        };
    }
    if complaint.says("user type mismatch") {
        return refused(
            complaint,
            "this is an agency's token: make one in the sub-account",
        );
    }
    if complaint.says("authclass") {
        return refused(
            complaint,
            "this is an agency's token, which cannot reach contacts: set `location_id` and connect \
             again, so that it is exchanged for the sub-account's",
        );
    }
    if complaint.says("private integration") || carries_private_token(request) {
        return refused(
            complaint,
            "the private integration token was rotated or deleted: make a new one and connect again",
        );
    }
    let unsaid = complaint.texts.is_empty() || complaint.texts.iter().all(|text| is_bare(text));
    if unsaid
        || ["invalid", "expired", "jwt"]
            .iter()
            .any(|word| complaint.says(word))
    {
        return Verdict::TokenRefused;
    }
    refused(complaint, "connect again")
}

/// "Unauthorized" and nothing more: says no reason.
fn is_bare(text: &str) -> bool {
    text.trim_end_matches(['!', '.'])
        .eq_ignore_ascii_case("unauthorized")
}

fn carries_private_token(request: &Request) -> bool {
    request
        .headers
        .get(AUTHORIZATION)
        .is_some_and(|value| value.as_bytes().starts_with(b"Bearer pit-"))
}

fn refused(complaint: &Complaint, hint: &str) -> Verdict {
    Verdict::CredentialsRefused {
        message: format!("{} ({hint})", complaint.message()),
    }
}

/// Every endpoint answers a JSON object; a gateway's page does not begin like one. No answer at all
/// counts as JSON: the status says what there is to say.
fn looks_like_json(body: &[u8]) -> bool {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(first) => matches!(first, b'{' | b'['),
        None => true,
    }
}

fn unavailable(response: &Response, what: &str) -> Verdict {
    let content_type = response
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("none");
    Verdict::Unavailable {
        message: format!(
            "{what} (HTTP {}, content type {content_type}, {} bytes)",
            response.status.as_u16(),
            response.body.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    use connector::Effect;
    use http::{Method, StatusCode};

    use super::*;

    fn judge(operation: &'static str, status: u16, body: &str) -> Verdict {
        let request = Request::new(operation, Effect::Read, Method::GET, "/");
        judge_request(&request, status, body)
    }

    fn judge_request(request: &Request, status: u16, body: &str) -> Verdict {
        verdict(
            request,
            &Response {
                status: StatusCode::from_u16(status).unwrap(),
                headers: http::HeaderMap::new(),
                body: body.to_owned().into(),
                sent: jiff::Timestamp::UNIX_EPOCH,
            },
        )
    }

    fn unauthorised(message: &str) -> Verdict {
        let body =
            serde_json::json!({"statusCode": 401, "message": message, "error": "Unauthorized"});
        judge(operation::CONTACT_GET, 401, &body.to_string())
    }

    #[test]
    fn old_tokens_are_refreshed() {
        for message in [
            "Invalid token: access token is invalid",
            "The token has expired",
            "Invalid JWT",
            "Unauthorized",
        ] {
            assert_eq!(unauthorised(message), Verdict::TokenRefused, "{message}");
        }
        assert_eq!(
            judge(operation::CONTACT_GET, 401, ""),
            Verdict::TokenRefused
        );
    }

    #[test]
    fn wrong_tokens_go_to_a_person_with_what_to_do() {
        for (message, hint) in [
            ("Token's user type mismatch!", "in the sub-account"),
            (
                "This authClass type is not allowed to access this scope. Please verify your IAM configuration if this is not the case.",
                "location_id",
            ),
            ("version header was not found.", "api_version"),
            ("version header is invalid", "api_version"),
            ("Invalid Private Integration token", "make a new one"),
            ("Something nobody has seen", "connect again"),
        ] {
            let Verdict::CredentialsRefused { message: said } = unauthorised(message) else {
                panic!("{message}");
            };
            assert!(said.starts_with(message) && said.contains(hint), "{said}");
        }
        let body = r#"{"message":"The token does not have access to this location."}"#;
        let Verdict::CredentialsRefused { message } = judge(operation::CONTACT_GET, 403, body)
        else {
            panic!()
        };
        assert!(message.contains("location_id"), "{message}");
        let body = r#"{"message":"Invalid API version segment 'bogus' at position 0"}"#;
        assert!(matches!(
            judge(operation::CONTACT_GET, 400, body),
            Verdict::CredentialsRefused { .. }
        ));
    }

    #[test]
    fn a_private_token_is_never_refreshed() {
        let mut request = Request::new(operation::CONTACT_GET, Effect::Read, Method::GET, "/");
        crate::auth::set_bearer(&mut request, "pit-0b5c").unwrap();
        let body = r#"{"message":"Invalid token: access token is invalid"}"#;
        let said = format!("{:?}", judge_request(&request, 401, body));
        assert!(said.starts_with("CredentialsRefused"), "{said}");
        assert!(!said.contains("0b5c"), "{said}");
    }

    #[test]
    fn a_missing_scope_is_an_answer_where_it_can_be_borne() {
        let body = r#"{"message":"The token is not authorized for this scope."}"#;
        for operation in [
            operation::CUSTOM_FIELDS,
            operation::USERS,
            operation::CHECK_CONTACTS,
            operation::LOCATION_TOKEN,
        ] {
            assert_eq!(judge(operation, 401, body), Verdict::Answered);
        }
        let body = r#"{"message":"Invalid token: access token is invalid"}"#;
        assert_eq!(judge(operation::USERS, 401, body), Verdict::TokenRefused);
    }

    #[test]
    fn elsewhere_a_missing_scope_stops_what_needs_it_and_is_named() {
        let body = r#"{"message":"The token is not authorized for this scope."}"#;
        for (operation, scope) in [
            (operation::PIPELINES, "opportunities.readonly"),
            (operation::CONTACT_UPDATE, "contacts.write"),
            (operation::TASK_SEARCH, "locations/tasks.readonly"),
            ("campaigns.list", "campaigns.readonly"),
        ] {
            let right = format!("the scope {scope}");
            assert_eq!(judge(operation, 401, body), Verdict::RightMissing { right });
        }
    }

    #[test]
    fn what_is_asked_for_by_itself_cannot_put_the_connection_out_of_service() {
        let mut request = Request::new(operation::CONTACT_GET, Effect::Read, Method::GET, "/");
        request.own_right = true;
        for (status, message) in [
            (401, "The token is not authorized for this scope."),
            (401, "Token's user type mismatch!"),
            (403, "The token does not have access to this location."),
        ] {
            let body = serde_json::json!({"message": message}).to_string();
            assert_eq!(judge_request(&request, status, &body), Verdict::Answered);
        }
        let old = r#"{"message":"Invalid JWT"}"#;
        assert_eq!(judge_request(&request, 401, old), Verdict::TokenRefused);
    }

    #[test]
    fn refusals_of_content_are_answers() {
        for status in [200, 201, 400, 404, 409, 422] {
            assert_eq!(
                judge(operation::CONTACT_CREATE, status, r#"{"message":"x"}"#),
                Verdict::Answered
            );
        }
        let body =
            r#"{"error":"UnAuthorized!","error_description":"Authorization code not found"}"#;
        assert_eq!(judge(operation::TOKEN, 401, body), Verdict::Answered);
    }

    #[test]
    fn gateways_are_not_the_api() {
        for (status, body) in [
            (200, "<!DOCTYPE html><html>maintenance</html>"),
            (403, "<html>blocked</html>"),
            (502, "<html>Bad gateway</html>"),
            (503, r#"{"message":"x"}"#),
            (408, ""),
        ] {
            let verdict = judge(operation::CONTACT_CREATE, status, body);
            assert!(
                matches!(&verdict, Verdict::Unavailable { message } if message.contains(&status.to_string())),
                "{verdict:?}"
            );
        }
        assert!(matches!(
            judge(operation::CONTACT_CREATE, 429, "<html>slow down</html>"),
            Verdict::Throttled {
                wait: None,
                daily: false
            }
        ));
    }
}
