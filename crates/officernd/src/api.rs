//! Addresses below the organisation's, and what all calls share.

use connector::{CallError, Calls, Effect, Error, Request, Response};
use futures::StreamExt;
use http::Method;

use crate::{answer::Complaint, describe::IN_FLIGHT, settings::Settings};

/// A request to this place below the organisation's.
pub(crate) fn request(
    calls: &dyn Calls,
    operation: &'static str,
    effect: Effect,
    method: Method,
    below: &str,
) -> Result<Request, Error> {
    let organization = segment(Settings::of(calls).organization()?);
    let path = format!("/api/v2/organizations/{organization}{below}");
    Ok(Request::new(operation, effect, method, path))
}

/// A read of this place.
pub(crate) fn read(
    calls: &dyn Calls,
    operation: &'static str,
    below: &str,
) -> Result<Request, Error> {
    request(calls, operation, Effect::Read, Method::GET, below)
}

/// The vendor's no to a whole request.
pub(crate) fn refused(operation: &'static str, response: &Response) -> Error {
    Error::Refused {
        operation,
        refusal: Complaint::of(response).refusal(Vec::new()),
    }
}

/// An answer that is not as documented.
pub(crate) fn unexpected(operation: &'static str, response: &Response, what: &str) -> Error {
    Error::Unexpected {
        operation,
        status: response.status.as_u16(),
        what: what.to_owned(),
    }
}

/// What came, or `None` if the connection lacks the scope for it.
pub(crate) fn bearing_missing_right<T>(
    result: Result<T, Error>,
) -> Result<Result<T, String>, Error> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Error::Call(CallError::Right { right, .. })) => Ok(Err(right)),
        Err(error) => Err(error),
    }
}

/// Runs these, a bounded number at a time, and gives their results in their order.
pub(crate) async fn in_flight<T, F>(futures: Vec<F>) -> Vec<T>
where
    F: Future<Output = T> + Send,
{
    futures::stream::iter(futures)
        .buffered(IN_FLIGHT)
        .collect()
        .await
}

/// A name or id as one segment of a path, percent-encoded.
pub(crate) fn segment(id: &str) -> String {
    use std::fmt::Write;
    let mut segment = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') {
            segment.push(char::from(byte));
        } else {
            write!(segment, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_leave_its_segment() {
        assert_eq!(
            segment("65a000000000000000000001"),
            "65a000000000000000000001"
        );
        assert_eq!(segment("../x?y#ü"), "%2E%2E%2Fx%3Fy%23%C3%BC");
    }
}
