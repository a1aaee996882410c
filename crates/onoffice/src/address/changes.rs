//! What changed since the last poll, by the filter `Aenderung >= …` that the vendor recommends.
//!
//! The cursor moves by the vendor's clock (the `Date` header of a poll's first page), not by ours, and
//! each poll begins [`OVERLAP`] before it. Within a poll the pages go by the vendor's own order, not by
//! `Aenderung`: a record that changes meanwhile does not leave the set, so nothing is skipped, and what
//! joins it behind the walk changed after the first page and so belongs to the next poll.
//!
//! Whether a changed contact entry or relation moves `Aenderung` is not documented, and a deleted
//! record just vanishes: sweeps find both.

use connector::{Calls, Error, Page, PageRequest};
use jiff::Timestamp;
use record::{Schema, Value};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    company,
    list::{from_cursor, to_cursor},
    read_action, reads,
    walk::{self, Place},
};
use crate::{
    describe::{OVERLAP, SYSTEM},
    exchange,
    wall::Wall,
};

const OPERATION: &str = "contacts.changes";
const FIELD: &str = "Aenderung";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    /// All that changed before this has been delivered.
    since: Timestamp,
    /// Within a poll: where its next page begins, and where the poll after it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    within: Option<(Place, Timestamp)>,
}

/// One page of what changed since the cursor; without one, only where to begin.
pub(crate) async fn changes(
    calls: &dyn Calls,
    schema: &Schema,
    page: PageRequest,
) -> Result<Page, Error> {
    let wall = Wall::of(calls.settings())?;
    if schema.field(FIELD).is_none() {
        return Err(Error::Unsupported {
            system: SYSTEM,
            what: format!("say what changed: the field {FIELD} cannot be read"),
        });
    }
    let Some(cursor) = page.cursor else {
        return begin(calls, schema).await;
    };
    let cursor: Cursor = from_cursor(OPERATION, cursor)?;
    let from = cursor
        .since
        .saturating_sub(OVERLAP)
        .expect("the overlap is a plain duration");
    let filter = json!({FIELD: [{"op": ">=", "val": wall.since(from)}]});
    let (place, known) = cursor
        .within
        .map_or((None, None), |(place, then)| (Some(place), Some(then)));
    let filter = company::only(schema.entity, Some(filter));
    let step = walk::step(calls, OPERATION, schema, filter.as_ref(), place, page.limit).await?;
    let mut reads = reads(OPERATION, &step.rows, schema, &wall, step.seen.sent)?;
    company::fill(calls, schema, &mut reads).await?;
    // without a `Date` header only the stamps of the first page show how late it is over there
    let newest = || {
        reads
            .iter()
            .filter_map(|read| match read.record.fields.get(FIELD).value() {
                Some(Value::Instant(at)) => Some(*at),
                _ => None,
            })
    };
    let then = known
        .or(step.seen.server)
        .or_else(|| newest().max())
        .unwrap_or(cursor.since)
        .max(cursor.since);
    Ok(Page {
        next: step.next.as_ref().map(|place| {
            to_cursor(&Cursor {
                since: cursor.since,
                within: Some((place.clone(), then)),
            })
        }),
        resume: Some(to_cursor(&Cursor {
            since: if step.next.is_some() {
                cursor.since
            } else {
                then
            },
            within: None,
        })),
        total: step.total,
        reads,
    })
}

/// Where polling begins: now, by the vendor's clock.
async fn begin(calls: &dyn Calls, schema: &Schema) -> Result<Page, Error> {
    let action = read_action(schema, json!({"listlimit": 1}));
    let (_, seen) = exchange::read_one(calls, OPERATION, &action, 1).await?;
    let since = seen.server.unwrap_or(seen.sent);
    Ok(Page {
        reads: Vec::new(),
        next: None,
        resume: Some(to_cursor(&Cursor {
            since,
            within: None,
        })),
        total: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    #[test]
    fn the_stored_cursor_is_stable() {
        let text = r#"{"since":"2026-07-15T10:00:00Z"}"#;
        let cursor: Cursor = serde_json::from_str(text).unwrap();
        assert_eq!(
            to_cursor(&cursor),
            serde_json::from_str::<Json>(text).unwrap()
        );
        let text = r#"{"since":"2026-07-15T10:00:00Z","within":[{"offset":495,"tail":["7"]},"2026-07-15T11:00:00Z"]}"#;
        let cursor: Cursor = serde_json::from_str(text).unwrap();
        assert_eq!(
            to_cursor(&cursor),
            serde_json::from_str::<Json>(text).unwrap()
        );
    }
}
