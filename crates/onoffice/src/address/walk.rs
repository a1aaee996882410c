//! Walking through many addresses page by page while they change.
//!
//! The API only pages by offset. When a record before the offset is deleted meanwhile, everything moves
//! up and an offset walk skips one record without a sign. So pages overlap by a few records, and a page
//! is only believed if it begins with records that the page before ended with: everything after those
//! has not been seen, everything before has. If it does not, the walk goes back until it does.
//!
//! The order is the vendor's own, ascending by record number (observed by two independent clients; the
//! documented sorts are by fields, which are neither unique nor constant). The overlap holds in any
//! order that is stable; if numbers do ascend, they also prove a continuation when the whole overlap
//! was deleted. Going back only repeats records, which a caller takes in its stride.

use connector::{Calls, Error};
use record::Schema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::read_action;
use crate::{
    action::ROWS,
    answer::Row,
    exchange::{self, Seen, unexpected},
};

/// How many records two pages have in common.
const OVERLAP: usize = 5;

/// Where a walk goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    offset: u64,
    /// The ids of the last records before: they are at `offset`, if nothing was deleted.
    tail: Vec<String>,
}

/// One page of a walk.
pub(super) struct Step {
    /// Records that were not on a page before (or, after going back, some that were).
    pub(super) rows: Vec<Row>,
    pub(super) seen: Seen,
    /// `None`: this was the last page.
    pub(super) next: Option<Place>,
    pub(super) total: Option<u64>,
}

/// Reads the next at most `limit` records that match the filter.
pub(super) async fn step(
    calls: &dyn Calls,
    operation: &'static str,
    schema: &Schema,
    filter: Option<&Json>,
    place: Option<Place>,
    limit: usize,
) -> Result<Step, Error> {
    let limit = limit.clamp(1, ROWS);
    let mut place = place.unwrap_or(Place {
        offset: 0,
        tail: Vec::new(),
    });
    let mut ask = (limit + place.tail.len()).min(ROWS);
    // enough to go back to the beginning, and some more for what moves meanwhile
    let mut tries = place.offset / ROWS as u64 + 8;
    loop {
        let mut narrowed = json!({"listlimit": ask, "listoffset": place.offset});
        if let Some(filter) = filter {
            narrowed["filter"] = filter.clone();
        }
        let action = read_action(schema, narrowed);
        let (data, seen) = exchange::read_one(calls, operation, &action, ask).await?;
        let (mut rows, total) = (data.records, data.total);
        if rows.is_empty() && total.is_none() {
            return Err(unexpected(operation, "neither records nor a count of them"));
        }
        tries = tries.saturating_sub(1);
        let begin = match unseen(&rows, &place.tail) {
            Some(begin) => begin,
            None if place.offset == 0 => 0,
            None if tries == 0 => {
                return Err(unexpected(
                    operation,
                    "the vendor's order of records keeps changing",
                ));
            }
            None => {
                place.offset = place.offset.saturating_sub(ROWS as u64);
                ask = ROWS;
                continue;
            }
        };
        let end = rows.len().min(begin + limit);
        let reached = place.offset.saturating_add(end as u64);
        let last = match total {
            Some(total) => reached >= total,
            None => end == rows.len() && rows.len() < ask,
        };
        if !last && rows.is_empty() {
            return Err(unexpected(
                operation,
                "an empty page, though the vendor counts more records",
            ));
        }
        rows.truncate(end);
        let tail: Vec<String> = rows
            .iter()
            .rev()
            .take(OVERLAP)
            .rev()
            .filter_map(|row| row.id.clone())
            .collect();
        let next = Place {
            offset: reached - tail.len() as u64,
            tail,
        };
        let rows = rows.split_off(begin);
        if rows.is_empty() && !last {
            if tries == 0 {
                return Err(unexpected(
                    operation,
                    "the vendor counts more records than it shows",
                ));
            }
            place = next;
            ask = (limit + place.tail.len()).min(ROWS);
            continue;
        }
        return Ok(Step {
            rows,
            seen,
            next: (!last).then_some(next),
            total,
        });
    }
}

/// The index of the first row that was on no page before; `None` if that cannot be told.
fn unseen(rows: &[Row], tail: &[String]) -> Option<usize> {
    if tail.is_empty() {
        return Some(0);
    }
    let id = |row: &Row| row.id.clone().unwrap_or_default();
    if let Some(known) = rows.iter().rposition(|row| tail.contains(&id(row))) {
        return Some(known + 1);
    }
    let numbers: Vec<u64> = rows
        .iter()
        .map(|row| id(row).parse().ok())
        .collect::<Option<_>>()?;
    let reached = tail
        .iter()
        .map(|id| id.parse().ok())
        .collect::<Option<Vec<u64>>>()?
        .into_iter()
        .max()?;
    let ascends = numbers.is_sorted();
    let begins_before = numbers.first().is_some_and(|first| *first <= reached);
    (ascends && begins_before).then(|| numbers.partition_point(|number| *number <= reached))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(ids: &[u64]) -> Vec<Row> {
        ids.iter()
            .map(|id| Row {
                id: Some(id.to_string()),
                ..Row::default()
            })
            .collect()
    }

    fn tail(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn a_page_is_believed_only_where_it_continues_the_last() {
        assert_eq!(unseen(&rows(&[4, 5, 6]), &tail(&[])), Some(0));
        assert_eq!(unseen(&rows(&[4, 5, 6]), &tail(&["4", "5"])), Some(2));
        // one of the overlap was deleted, and one before it: the page begins later
        assert_eq!(unseen(&rows(&[5, 6, 7]), &tail(&["4", "5"])), Some(1));
        // the whole overlap was deleted, but the numbers show the continuation
        assert_eq!(unseen(&rows(&[3, 6, 7]), &tail(&["4", "5"])), Some(1));
        // a gap: something may have been skipped
        assert_eq!(unseen(&rows(&[6, 7]), &tail(&["4", "5"])), None);
        assert_eq!(unseen(&rows(&[]), &tail(&["4", "5"])), None);
        // any stable order will do as long as the overlap is there
        assert_eq!(unseen(&rows(&[9, 5, 2]), &tail(&["9", "5"])), Some(2));
        assert_eq!(unseen(&rows(&[9, 2, 3]), &tail(&["4", "5"])), None);
    }
}
