//! What the requests of all entities share: ids in paths, how many at once, and what cannot be asked for.

use connector::{Error, Refusal};
use futures::StreamExt;
use record::FieldName;

use crate::describe::{IN_FLIGHT, TITLE};

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

/// An id as one segment of a path, percent-encoded.
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

/// The refusal of something that HighLevel offers no way to say.
pub(crate) fn cannot(name: &FieldName, why: &str) -> Refusal {
    Refusal {
        code: "unsupported".to_owned(),
        message: format!("{name} {why}"),
        fields: vec![name.clone()],
    }
}

/// The error of a listing that does not get on: the same page again, or one further back. Going on would
/// never end.
pub(crate) fn stuck(operation: &'static str) -> Error {
    Error::Unexpected {
        operation,
        status: 200,
        what: "the next page begins where the page before began, so the listing would never end"
            .to_owned(),
    }
}

/// The error of a cursor that this version did not write.
pub(crate) fn bad_cursor() -> Error {
    Error::Unsupported {
        system: TITLE,
        what: "go on from a cursor of another form; begin anew".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_leave_its_segment() {
        assert_eq!(segment("nmFmQEsNgz6AVpgLVUJ0"), "nmFmQEsNgz6AVpgLVUJ0");
        assert_eq!(segment("../x?y#ü"), "%2E%2E%2Fx%3Fy%23%C3%BC");
    }
}
