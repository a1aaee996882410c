//! Addresses by their ids.

use std::collections::HashMap;

use connector::{Calls, Error, Fetched};
use record::{Read, RecordId, Schema};
use serde_json::json;

use super::{company, number, read_action, reads};
use crate::{
    action::ROWS,
    describe::SYSTEM,
    exchange::{self, unexpected},
    wall::Wall,
};

pub(super) const OPERATION: &str = "contacts.fetch";

/// Fetches these ids, [`ROWS`] to a request, in their order.
///
/// An id that is not in the answer is gone, or hidden by a right: the vendor says the same nothing for
/// both (see the description), so the caller looks for another proof.
pub(crate) async fn fetch(
    calls: &dyn Calls,
    schema: &Schema,
    ids: &[RecordId],
) -> Result<Vec<Fetched>, Error> {
    let wall = Wall::of(calls.settings())?;
    let mut fetched = Vec::with_capacity(ids.len());
    for ids in ids.chunks(ROWS) {
        fetched.extend(chunk(calls, schema, &wall, ids).await?);
    }
    Ok(fetched)
}

async fn chunk(
    calls: &dyn Calls,
    schema: &Schema,
    wall: &Wall,
    ids: &[RecordId],
) -> Result<Vec<Fetched>, Error> {
    let numbers: Vec<u64> = ids.iter().filter_map(number).collect();
    let mut found: HashMap<RecordId, Read> = HashMap::new();
    let mut cut_off = false;
    if !numbers.is_empty() {
        let action = read_action(schema, json!({"recordids": numbers, "listlimit": ROWS}));
        let (data, seen) = exchange::read_one(calls, OPERATION, &action, ids.len()).await?;
        // fewer rows than matches: an id that is missing then says nothing
        cut_off = data
            .total
            .is_some_and(|total| total > data.records.len() as u64);
        let mut reads = reads(OPERATION, &data.records, schema, wall, seen.sent)?;
        company::fill(calls, schema, &mut reads).await?;
        found = reads
            .into_iter()
            .map(|read| (read.record.id.clone(), read))
            .collect();
    }
    let mut fetched: Vec<Fetched> = Vec::with_capacity(ids.len());
    for id in ids {
        let one = match (found.remove(id), number(id)) {
            (Some(read), _) => Fetched::Found(Box::new(read)),
            (None, Some(_)) => match again(&fetched, id) {
                Some(read) => read,
                None if cut_off => Fetched::Failed(
                    id.clone(),
                    unexpected(
                        OPERATION,
                        "the answer holds fewer records than the vendor counts",
                    ),
                ),
                None => Fetched::Gone(id.clone()),
            },
            (None, None) => Fetched::Failed(
                id.clone(),
                Error::Unsupported {
                    system: SYSTEM,
                    what: format!("fetch `{id}`: an address id is a number"),
                },
            ),
        };
        fetched.push(one);
    }
    Ok(fetched)
}

/// The record again, if its id was asked for twice.
fn again(fetched: &[Fetched], id: &RecordId) -> Option<Fetched> {
    fetched.iter().find_map(|one| match one {
        Fetched::Found(read) if read.record.id == *id => Some(Fetched::Found(read.clone())),
        _ => None,
    })
}
