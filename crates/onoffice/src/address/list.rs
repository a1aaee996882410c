//! All addresses, page by page. Archived ones are among them (see the field `Status2Adr`).

use connector::{Calls, Error, Page, PageRequest};
use record::Schema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

use super::{company, reads, walk};
use crate::{exchange::unexpected, wall::Wall};

const OPERATION: &str = "contacts.list";

/// One page of everything.
pub(crate) async fn list(
    calls: &dyn Calls,
    schema: &Schema,
    page: PageRequest,
) -> Result<Page, Error> {
    let wall = Wall::of(calls.settings())?;
    let place = page
        .cursor
        .map(|cursor| from_cursor(OPERATION, cursor))
        .transpose()?;
    let filter = company::only(schema.entity, None);
    let step = walk::step(calls, OPERATION, schema, filter.as_ref(), place, page.limit).await?;
    let mut reads = reads(OPERATION, &step.rows, schema, &wall, step.seen.sent)?;
    company::fill(calls, schema, &mut reads).await?;
    Ok(Page {
        reads,
        next: step.next.map(|place| to_cursor(&place)),
        resume: None,
        total: step.total,
    })
}

/// A cursor out of what must be remembered.
pub(super) fn to_cursor(place: &impl Serialize) -> Json {
    serde_json::to_value(place).expect("a cursor is plain data")
}

/// What is remembered in a cursor.
pub(super) fn from_cursor<T: DeserializeOwned>(
    operation: &'static str,
    cursor: Json,
) -> Result<T, Error> {
    serde_json::from_value(cursor)
        .map_err(|_| unexpected(operation, "the cursor is none of this connector"))
}
