//! What a webhook about a company says: that one changed, and no more.
//!
//! The vendor tells of companies by the events of its records, `RecordCreate`, `RecordUpdate` and `RecordDelete`
//! ("a new record or business"). The same events tell of records of the tenant's own objects, and the
//! documented bodies do not say which it is: an id that is no company's is looked up once and not found.
//! That the id is the one of `/businesses` is *unverified*.

use connector::Hint;
use jiff::Timestamp;
use record::{Entity, RecordId};
use serde_json::{Map, Value as Json};

use super::decode;
use crate::value;

/// The hint in this event, if it may be one about a company.
pub(crate) fn hint(event: &str, body: &Map<String, Json>, received: Timestamp) -> Option<Hint> {
    if !matches!(event, "RecordCreate" | "RecordUpdate" | "RecordDelete") {
        return None;
    }
    Some(Hint {
        entity: Entity::Company,
        id: RecordId::new(decode::id(body)?),
        not_older_than: body
            .get("timestamp")
            .and_then(value::instant)
            .map(|said| said.min(received)),
        born: event == "RecordCreate",
        shown: None,
    })
}
