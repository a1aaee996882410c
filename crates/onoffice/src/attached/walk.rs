//! Reading all rows that fit, where pages cannot be asked for.
//!
//! Reads of tasks take no offset and no order, and give at most 500 rows (observed). So rows are asked for by number:
//! all above one, and if the answer is full, all up to a lower number, until it is not. An answer that is not full
//! holds all that fit, in whatever order it comes.

use connector::{Calls, Error};
use serde_json::{Value as Json, json};

use super::{Sort, read};
use crate::{
    action::{Action, ROWS},
    answer::Row,
    exchange::{self, Seen, unexpected},
};
use record::Schema;

/// The number, which can be filtered on and is not among the readable fields of a task.
pub(super) const NUMBER: &str = "Nr";

/// One page of a walk.
pub(super) struct Step {
    pub(super) rows: Vec<Row>,
    pub(super) seen: Seen,
    /// Up to which number all is read. `None`: this was the last page.
    pub(super) next: Option<u64>,
}

/// Reads the next rows above the number `after` that fit the filter.
pub(super) async fn step(
    calls: &dyn Calls,
    operation: &'static str,
    (sort, schema): (Sort, &Schema),
    filter: Option<(&str, &Json)>,
    after: u64,
    limit: usize,
) -> Result<Step, Error> {
    let limit = limit.clamp(2, ROWS);
    let ask = |up_to: Option<u64>| -> Action {
        let mut bounds = vec![json!({"op": ">", "val": after})];
        bounds.extend(up_to.map(|up_to| json!({"op": "<=", "val": up_to})));
        let mut conditions = json!({NUMBER: bounds});
        if let Some((field, condition)) = filter {
            conditions[field] = json!([condition]);
        }
        let mut narrowed = json!({"listlimit": limit, "filter": conditions});
        if sort == Sort::Entry {
            // not needed, and spares questions where it works
            narrowed["sortby"] = json!({NUMBER: "ASC"});
        }
        read::read_action(sort, schema, narrowed)
    };
    let (data, seen) = exchange::read_one(calls, operation, &ask(None), limit).await?;
    let mut rows = data.records;
    if rows.len() < limit {
        return Ok(Step {
            rows,
            seen,
            next: None,
        });
    }
    let mut numbers: Vec<u64> = rows.iter().filter_map(number).collect();
    numbers.sort_unstable();
    // All but the last: if they came in order, one more question shows that.
    let mut up_to = match numbers.as_slice() {
        [.., last_but_one, _] => *last_but_one,
        _ => return Err(unexpected(operation, "records without numbers")),
    };
    loop {
        if up_to <= after {
            return Err(unexpected(operation, "more records than numbers"));
        }
        let (data, _) = exchange::read_one(calls, operation, &ask(Some(up_to)), limit).await?;
        rows = data.records;
        if rows.len() < limit {
            return Ok(Step {
                rows,
                seen,
                next: Some(up_to),
            });
        }
        up_to = after + (up_to - after) / 2;
    }
}

fn number(row: &Row) -> Option<u64> {
    row.id.as_deref()?.parse().ok()
}
