//! Contacts: the fields that they have, and everything that is done with them.

mod standard;

mod custom;

mod schema;

mod form;

mod decode;

mod encode;

mod blame;

mod fetch;

mod search;

mod list;

mod changes;

mod find;

mod create;

mod update;

mod remove;

mod event;

use futures::StreamExt;

pub(crate) use changes::changes;
pub(crate) use create::create;
pub(crate) use event::hint;
pub(crate) use fetch::fetch;
pub(crate) use find::find;
pub(crate) use list::list;
pub(crate) use remove::remove;
pub(crate) use schema::{custom_fields, schema, users};
pub(crate) use standard::specs as standard_fields;
pub(crate) use update::update;

use crate::describe::IN_FLIGHT;

/// Runs these, a bounded number at a time, and gives their results in their order.
async fn in_flight<T, F>(futures: Vec<F>) -> Vec<T>
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_leave_its_segment() {
        assert_eq!(segment("nmFmQEsNgz6AVpgLVUJ0"), "nmFmQEsNgz6AVpgLVUJ0");
        assert_eq!(segment("../x?y#ü"), "%2E%2E%2Fx%3Fy%23%C3%BC");
    }
}
