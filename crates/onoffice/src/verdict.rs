//! What an answer means for the connection as a whole.

use std::time::Duration;

use connector::{Response, Verdict};
use http::{HeaderMap, StatusCode, header};
use jiff::{Timestamp, fmt::rfc2822};

use crate::{
    answer::Answer,
    codes::{self, CLOCK, Meaning},
};

/// Says what an answer means for the connection.
///
/// The vendor answers nearly everything with HTTP 200 and puts the failure into the body (documented:
/// "Errors"); no limit is documented and no 429 was ever reported, yet both are understood.
pub(crate) fn verdict(response: &Response) -> Verdict {
    if response.status == StatusCode::TOO_MANY_REQUESTS {
        return Verdict::Throttled {
            wait: retry_after(&response.headers),
            daily: false,
        };
    }
    let Some(answer) = Answer::parse(&response.body) else {
        return Verdict::Unavailable {
            message: format!(
                "HTTP {} with {} bytes that are no answer of onOffice",
                response.status.as_u16(),
                response.body.len()
            ),
        };
    };
    let actions: Vec<Option<i64>> = answer.action_codes().collect();
    // an answer for each action is an answer, whatever the HTTP status says
    let told = !actions.is_empty() && actions.iter().all(Option::is_some);
    if response.status.is_server_error() && !told {
        return Verdict::Unavailable {
            message: format!(
                "HTTP {}, error {}",
                response.status.as_u16(),
                answer.top.code
            ),
        };
    }
    let shared = shared_code(&answer, &actions);
    if shared == Some(CLOCK) {
        return match date(&response.headers) {
            Some(server) => Verdict::ClockSkew { server },
            None => Verdict::CredentialsRefused {
                message:
                    "our clock differs from the vendor's by more than two minutes, and the answer \
                          does not say what time it is there: set the clock of this machine (136)"
                        .into(),
            },
        };
    }
    if let Some(hint) = shared.and_then(codes::credentials_hint) {
        return Verdict::CredentialsRefused {
            message: format!("{hint} ({})", shared.unwrap_or_default()),
        };
    }
    // the body's status 400 is "not authenticated" (documented), unless the number says that the
    // request was not understood
    if answer.code == 400 && actions.is_empty() && !codes::is_envelope(answer.top.code) {
        return Verdict::CredentialsRefused {
            message: format!(
                "the vendor says \"{}\" ({})",
                answer.top.message, answer.top.code
            ),
        };
    }
    if actions.is_empty() && codes::meaning(answer.top.code) == Meaning::Trouble {
        return Verdict::Unavailable {
            message: format!(
                "the vendor says \"{}\" ({})",
                answer.top.message, answer.top.code
            ),
        };
    }
    Verdict::Answered
}

/// The number that the whole request failed with: at the top, or in every action.
fn shared_code(answer: &Answer, actions: &[Option<i64>]) -> Option<i64> {
    let special = |code: i64| code == CLOCK || codes::credentials_hint(code).is_some();
    let all =
        actions.first().copied().flatten().filter(|&first| {
            special(first) && actions.iter().all(|code| code.is_some_and(special))
        });
    let top = special(answer.top.code)
        && !actions
            .iter()
            .any(|&code| code == Some(0) && actions.len() > 1);
    all.or_else(|| top.then_some(answer.top.code))
}

/// The vendor's time, from the `Date` header.
pub(crate) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value as Json, json};

    use super::*;

    fn response(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Response {
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            sent: Timestamp::UNIX_EPOCH,
        }
    }

    fn body(code: i64, top: i64, actions: &[i64]) -> String {
        let results: Vec<Json> = actions
            .iter()
            .map(|code| json!({"data": [], "status": {"errorcode": code, "message": "said"}}))
            .collect();
        json!({"status": {"code": code, "errorcode": top, "message": "top"}, "response": {"results": results}})
            .to_string()
    }

    fn of(code: i64, top: i64, actions: &[i64]) -> Verdict {
        verdict(&response(200, &[], &body(code, top, actions)))
    }

    #[test]
    fn refused_credentials_are_seen_in_either_place() {
        for code in [
            13, 22, 28, 30, 40, 41, 42, 43, 45, 47, 48, 49, 137, 153, 158,
        ] {
            for verdict in [
                of(400, code, &[]),
                of(500, code, &[code]),
                of(200, 0, &[code, code]),
            ] {
                let Verdict::CredentialsRefused { message } = verdict else {
                    panic!("{code}: {verdict:?}")
                };
                assert!(message.contains(&format!("({code})")), "{message}");
            }
        }
        assert!(matches!(
            of(400, 0, &[]),
            Verdict::CredentialsRefused { .. }
        ));
        let Verdict::CredentialsRefused { message } = of(200, 0, &[158]) else {
            panic!()
        };
        assert!(message.contains("IP"), "{message}");
    }

    #[test]
    fn a_part_that_was_carried_out_is_an_answer() {
        assert_eq!(of(200, 0, &[137, 0]), Verdict::Answered);
        assert_eq!(of(500, 137, &[0, 137]), Verdict::Answered);
        for code in [80, 97, 132, 141, 170, 254] {
            assert_eq!(of(500, code, &[code]), Verdict::Answered);
            assert_eq!(of(200, 0, &[code]), Verdict::Answered);
        }
        assert_eq!(of(400, 14, &[]), Verdict::Answered);
        assert_eq!(of(200, 0, &[0]), Verdict::Answered);
        // whatever the HTTP status, an answer for each action is an answer
        assert_eq!(
            verdict(&response(500, &[], &body(500, 141, &[141]))),
            Verdict::Answered
        );
    }

    #[test]
    fn a_wrong_clock_is_set_by_the_vendors() {
        let wrong = body(200, 0, &[136, 136]);
        let date = [("date", "Wed, 15 Jul 2026 10:00:00 GMT")];
        assert_eq!(
            verdict(&response(200, &date, &wrong)),
            Verdict::ClockSkew {
                server: "2026-07-15T10:00:00Z".parse().unwrap()
            }
        );
        let Verdict::CredentialsRefused { message } = verdict(&response(200, &[], &wrong)) else {
            panic!()
        };
        assert!(message.contains("clock"));
    }

    #[test]
    fn trouble_on_the_way_or_at_the_vendor_is_unavailable() {
        for (status, body) in [
            (200, "<html>maintenance</html>".to_owned()),
            (200, String::new()),
            (502, "bad gateway".into()),
            (503, body(500, 1, &[])),
            (403, "forbidden".into()),
            (200, body(500, 1, &[])),
        ] {
            let verdict = verdict(&response(status, &[], &body));
            assert!(
                matches!(verdict, Verdict::Unavailable { .. }),
                "{status} {body}: {verdict:?}"
            );
        }
    }

    #[test]
    fn throttling_is_understood_though_it_is_not_documented() {
        assert_eq!(
            verdict(&response(429, &[("retry-after", "7")], "")),
            Verdict::Throttled {
                wait: Some(Duration::from_secs(7)),
                daily: false
            }
        );
        assert_eq!(
            verdict(&response(429, &[], "{}")),
            Verdict::Throttled {
                wait: None,
                daily: false
            }
        );
    }
}
