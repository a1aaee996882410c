//! What an answer means for the connection as a whole.
//!
//! The vendor says 401 for a token that has ended and for one that lacks a scope, word for word the same;
//! and 500 for trouble and for many refusals of content (measured by others). The second is told by the text.

use connector::{Effect, Request, Response, Verdict};

use crate::{answer::Complaint, limits, operation::TOKEN};

pub(crate) fn verdict(request: &Request, response: &Response) -> Verdict {
    let status = response.status.as_u16();
    if status == 429 {
        let (wait, daily) = limits::throttled(response);
        return Verdict::Throttled { wait, daily };
    }
    let complaint = Complaint::of(response);
    if complaint.is_unknown_organization() {
        return Verdict::CredentialsRefused {
            message: format!(
                "{} (check `organization` and connect again: it is the name in the address of \
                 OfficeRnD's admin pages)",
                complaint.message()
            ),
        };
    }
    if status == 500 {
        let resumed = request.query.iter().any(|(name, _)| name == "$cursorNext");
        let refusal = match request.effect {
            Effect::Write => complaint.is_permanent(),
            Effect::Read => resumed && complaint.is_broken_cursor(),
            Effect::SignIn => false,
        };
        if refusal {
            return Verdict::Answered;
        }
    }
    if status >= 500 || status == 408 {
        return unavailable(response, &complaint, "the server is in trouble");
    }
    if !looks_like_json(&response.body) {
        return unavailable(
            response,
            &complaint,
            "something that is not the API answered",
        );
    }
    // 401 is what was measured for a missing scope; 403 is what others would say
    if matches!(status, 401 | 403) && request.operation != TOKEN {
        return Verdict::TokenRefused;
    }
    Verdict::Answered
}

/// The API answers JSON objects and arrays, or nothing (204); a gateway's page does not begin like one.
fn looks_like_json(body: &[u8]) -> bool {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(first) => matches!(first, b'{' | b'['),
        None => true,
    }
}

fn unavailable(response: &Response, complaint: &Complaint, what: &str) -> Verdict {
    let status = response.status.as_u16();
    let said = if complaint.texts.is_empty() {
        String::new()
    } else {
        format!(": {}", complaint.message())
    };
    Verdict::Unavailable {
        message: format!("HTTP {status}, {what}{said}"),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method, StatusCode};
    use serde_json::json;

    use super::*;
    use crate::operation::{COMPANIES, MEMBERS};

    fn judge(request: &Request, status: u16, body: &str) -> Verdict {
        verdict(
            request,
            &Response {
                status: StatusCode::from_u16(status).unwrap(),
                headers: HeaderMap::new(),
                body: body.to_owned().into(),
                sent: jiff::Timestamp::UNIX_EPOCH,
            },
        )
    }

    fn nest(status: u16, message: &str) -> String {
        json!({"statusCode": status, "message": message, "error": "x"}).to_string()
    }

    fn read() -> Request {
        Request::new(MEMBERS.list, Effect::Read, Method::GET, "/members")
    }

    fn write() -> Request {
        Request::new(MEMBERS.create, Effect::Write, Method::POST, "/members")
    }

    #[test]
    fn refusals_of_content_are_answers_even_as_500() {
        for status in [200, 201, 204, 400, 404] {
            assert_eq!(judge(&write(), status, "{}"), Verdict::Answered);
        }
        assert_eq!(judge(&write(), 204, ""), Verdict::Answered);
        for message in [
            "Specified office was not found",
            "Path 'name' is required.",
            "Argument passed in must be a string of 12 bytes or a string of 24 hex characters",
        ] {
            assert_eq!(judge(&write(), 500, &nest(500, message)), Verdict::Answered);
        }
    }

    #[test]
    fn trouble_is_no_answer() {
        for (status, body) in [
            (500, nest(500, "Internal server error")),
            (502, "<html>Bad gateway</html>".to_owned()),
            (503, nest(503, "Specified office was not found")),
            (504, String::new()),
            (200, "<html>maintenance</html>".to_owned()),
            (408, String::new()),
        ] {
            for request in [read(), write()] {
                let verdict = judge(&request, status, &body);
                assert!(
                    matches!(verdict, Verdict::Unavailable { .. }),
                    "{status} {body}: {verdict:?}"
                );
            }
        }
    }

    #[test]
    fn a_broken_cursor_is_an_answer_where_one_was_sent() {
        let body = nest(500, "Unexpected token x in JSON at position 3");
        let resumed = read().query("$cursorNext", "abc");
        assert_eq!(judge(&resumed, 500, &body), Verdict::Answered);
        assert!(matches!(
            judge(&read(), 500, &body),
            Verdict::Unavailable { .. }
        ));
    }

    #[test]
    fn a_wrong_organisation_needs_a_person() {
        let request = Request::new(COMPANIES.get, Effect::Read, Method::GET, "/x");
        let verdict = judge(&request, 500, &nest(500, "Organization not found"));
        assert!(
            matches!(&verdict, Verdict::CredentialsRefused { message } if message.contains("`organization`")),
            "{verdict:?}"
        );
    }

    #[test]
    fn the_token_endpoint_is_read_by_the_sign_in() {
        let body = nest(401, "Unauthorized access");
        assert_eq!(judge(&read(), 401, &body), Verdict::TokenRefused);
        let token = Request::new(TOKEN, Effect::SignIn, Method::POST, "/oauth/token");
        assert_eq!(judge(&token, 401, &body), Verdict::Answered);
        assert!(matches!(
            judge(&token, 429, "Too many requests, please try again later"),
            Verdict::Throttled { wait: None, .. }
        ));
    }
}
