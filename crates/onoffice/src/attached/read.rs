//! Reading tasks and entries: by number, all, what changed, and those of one address.

use std::collections::{BTreeMap, HashMap};

use connector::{Calls, Error, Fetched, IdentityKey, KeyKind, Page, PageRequest};
use jiff::Timestamp;
use record::{Completeness, Freshness, Read, Record, RecordId, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::{
    Sort, fields, relations,
    walk::{self, NUMBER},
};
use crate::{
    action::{Action, ROWS, Verb},
    address::number,
    answer::{Data, Row, text},
    describe::{OVERLAP, SYSTEM},
    exchange::{self, unexpected},
    wall::{Moment, Wall},
};

/// A read of all fields of the schema, narrowed by these parameters.
pub(super) fn read_action(sort: Sort, schema: &Schema, narrowed: Json) -> Action {
    let mut asked: Vec<&str> = schema.fields.iter().flat_map(fields::columns).collect();
    asked.sort_unstable();
    asked.dedup();
    let mut action = Action::new(Verb::Read, sort.resource(), narrowed);
    action.parameters.insert("data".into(), json!(asked));
    action
}

/// The addresses of each record, as far as they were asked for.
type Linked = HashMap<String, Vec<String>>;

/// Asks which addresses these rows are linked with. An entry says it itself.
async fn linked(
    calls: &dyn Calls,
    operation: &'static str,
    (sort, schema): (Sort, &Schema),
    rows: &[Row],
) -> Result<Linked, Error> {
    let asked = schema.field(sort.parent()).is_some();
    match sort {
        _ if !asked || rows.is_empty() => Ok(Linked::new()),
        Sort::Entry => Ok(rows
            .iter()
            .filter_map(|row| Some((row.id.clone()?, ids(row.elements.get(sort.parent())?))))
            .collect()),
        Sort::Task => {
            let numbers: Vec<u64> = rows
                .iter()
                .filter_map(|row| row.id.as_deref()?.parse().ok())
                .collect();
            let action = relations(&numbers);
            let (data, _) = exchange::read_one(calls, operation, &action, rows.len()).await?;
            Ok(related(&numbers, data))
        }
    }
}

/// Which address each of these tasks is linked with. One that the answer leaves out has none.
fn related(numbers: &[u64], data: Data) -> Linked {
    let mut all: Map<String, Json> = data
        .records
        .into_iter()
        .flat_map(|row| row.elements)
        .collect();
    numbers
        .iter()
        .map(|number| {
            let id = number.to_string();
            let addresses = all.remove(&id).map(|json| ids(&json)).unwrap_or_default();
            (id, addresses)
        })
        .collect()
}

fn ids(json: &Json) -> Vec<String> {
    let usable = |id: &String| !id.trim().is_empty() && id != "0";
    match json {
        Json::Array(ids) => ids.iter().filter_map(text).filter(usable).collect(),
        one => text(one).into_iter().filter(usable).collect(),
    }
}

fn reads(
    operation: &'static str,
    rows: &[Row],
    linked: &Linked,
    schema: &Schema,
    wall: &Wall,
    sent: Timestamp,
) -> Result<Vec<Read>, Error> {
    rows.iter()
        .map(|row| {
            let id = row
                .id
                .as_deref()
                .ok_or_else(|| unexpected(operation, "a record without a number"))?;
            let addresses = linked.get(id).map(Vec::as_slice);
            let fields = schema
                .fields
                .iter()
                .map(|spec| {
                    let field = fields::field(spec, &row.elements, addresses, wall);
                    (spec.name.clone(), field)
                })
                .collect();
            let moment = |name: &str| row.elements.get(name).and_then(text);
            Ok(Read {
                record: Record {
                    id: RecordId::from(id),
                    fields,
                },
                freshness: Freshness::Fresh,
                completeness: Completeness::Complete,
                as_of: sent,
                unclear: BTreeMap::new(),
                // Of a task the field list says that it is only a day; a day is no evidence of time.
                modified: ["modified", "Datum_bearb"]
                    .into_iter()
                    .find_map(moment)
                    .filter(|at| !at.ends_with(" 00:00:00") && at.len() > 10)
                    .and_then(|at| certain(wall, &at)),
                created: ["created", "Eintragsdatum"]
                    .into_iter()
                    .find_map(moment)
                    .and_then(|at| latest(wall, &at)),
            })
        })
        .collect()
}

fn certain(wall: &Wall, at: &str) -> Option<Timestamp> {
    match wall.read(at) {
        Moment::At { at, certain: true } => Some(at),
        _ => None,
    }
}

/// The latest moment that a time, or only a day, can mean.
fn latest(wall: &Wall, at: &str) -> Option<Timestamp> {
    if at.len() > 10 {
        return certain(wall, at);
    }
    wall.end_of(at.parse().ok()?)
}

/// Fetches these numbers. One that is not in the answer is gone, or hidden by a right.
pub(crate) async fn fetch(
    calls: &dyn Calls,
    schema: &Schema,
    sort: Sort,
    ids: &[RecordId],
) -> Result<Vec<Fetched>, Error> {
    let wall = Wall::of(calls.settings())?;
    let operation = sort.operations().fetch;
    let mut fetched = Vec::with_capacity(ids.len());
    for ids in ids.chunks(ROWS) {
        let numbers: Vec<u64> = ids.iter().filter_map(number).collect();
        let mut found: HashMap<RecordId, Read> = HashMap::new();
        if !numbers.is_empty() {
            let filter = json!({NUMBER: [{"op": "in", "val": numbers}]});
            let narrowed = json!({"filter": filter, "listlimit": ROWS});
            let mut actions = vec![read_action(sort, schema, narrowed)];
            if sort == Sort::Task {
                actions.push(relations(&numbers));
            }
            let reading = exchange::read(calls, operation, &actions, ids.len()).await?;
            let sent = reading.sent;
            let mut data = Vec::with_capacity(actions.len());
            for (result, action) in reading.results.into_iter().zip(&actions) {
                data.push(result.map_err(|no| no.error(operation, &action.parameters))?);
            }
            let mut data = data.into_iter();
            let rows = data
                .next()
                .ok_or_else(|| unexpected(operation, "no result"))?
                .records;
            let linked = match data.next() {
                Some(relations) => related(&numbers, relations),
                None => linked(calls, operation, (sort, schema), &rows).await?,
            };
            found = reads(operation, &rows, &linked, schema, &wall, sent)?
                .into_iter()
                .map(|read| (read.record.id.clone(), read))
                .collect();
        }
        fetched.extend(ids.iter().map(|id| match (found.get(id), number(id)) {
            (Some(read), _) => Fetched::Found(Box::new(read.clone())),
            (None, Some(_)) => Fetched::Gone(id.clone()),
            (None, None) => Fetched::Failed(
                id.clone(),
                Error::Unsupported {
                    system: SYSTEM,
                    what: format!("fetch `{id}`: ids are numbers"),
                },
            ),
        }));
    }
    Ok(fetched)
}

/// All, page by page.
pub(crate) async fn list(
    calls: &dyn Calls,
    schema: &Schema,
    sort: Sort,
    page: PageRequest,
) -> Result<Page, Error> {
    let wall = Wall::of(calls.settings())?;
    let operation = sort.operations().list;
    let after = match &page.cursor {
        None => 0,
        Some(cursor) => cursor
            .as_u64()
            .ok_or_else(|| unexpected(operation, "the cursor is none of this connector"))?,
    };
    let step = walk::step(calls, operation, (sort, schema), None, after, page.limit).await?;
    let linked = linked(calls, operation, (sort, schema), &step.rows).await?;
    Ok(Page {
        reads: reads(
            operation,
            &step.rows,
            &linked,
            schema,
            &wall,
            step.seen.sent,
        )?,
        next: step.next.map(|next| json!(next)),
        resume: None,
        total: None,
    })
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    /// All that changed before this has been delivered.
    since: Timestamp,
    /// Within a poll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    within: Option<Within>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Within {
    /// Which of the questions.
    question: usize,
    /// Up to which number its answer is read.
    after: u64,
    /// Where the poll after this one begins.
    then: Timestamp,
}

/// One page of what changed since the cursor; without one, only where to begin.
///
/// The day of the last change of a task may be only a day: then each poll shows all of that day, which costs nothing
/// but the reading.
pub(crate) async fn changes(
    calls: &dyn Calls,
    schema: &Schema,
    sort: Sort,
    page: PageRequest,
) -> Result<Page, Error> {
    let wall = Wall::of(calls.settings())?;
    let operation = sort.operations().changes;
    let stored = |cursor: &Cursor| serde_json::to_value(cursor).expect("a cursor is plain data");
    let Some(cursor) = page.cursor else {
        let action = read_action(sort, schema, json!({"listlimit": 1}));
        let (_, seen) = exchange::read_one(calls, operation, &action, 1).await?;
        let since = seen.server.unwrap_or(seen.sent);
        return Ok(Page {
            reads: Vec::new(),
            next: None,
            resume: Some(stored(&Cursor {
                since,
                within: None,
            })),
            total: None,
        });
    };
    let cursor: Cursor = serde_json::from_value(cursor)
        .map_err(|_| unexpected(operation, "the cursor is none of this connector"))?;
    let (question, after) = cursor
        .within
        .as_ref()
        .map_or((0, 0), |within| (within.question, within.after));
    let Some(stamp) = sort.stamps().get(question) else {
        return Err(unexpected(
            operation,
            "the cursor is none of this connector",
        ));
    };
    let from = cursor
        .since
        .saturating_sub(OVERLAP)
        .expect("the overlap is a plain duration");
    let from = wall.since(from);
    let from = match sort {
        Sort::Task => from.get(..10).unwrap_or(&from).to_owned(),
        Sort::Entry => from,
    };
    let condition = json!({"op": ">=", "val": from});
    let step = walk::step(
        calls,
        operation,
        (sort, schema),
        Some((*stamp, &condition)),
        after,
        page.limit,
    )
    .await?;
    let linked = linked(calls, operation, (sort, schema), &step.rows).await?;
    let reads = reads(
        operation,
        &step.rows,
        &linked,
        schema,
        &wall,
        step.seen.sent,
    )?;
    let then = match cursor.within {
        Some(within) => within.then,
        None => step.seen.server.unwrap_or(cursor.since).max(cursor.since),
    };
    let goes_on = match step.next {
        Some(after) => Some((question, after)),
        None => (question + 1 < sort.stamps().len()).then_some((question + 1, 0)),
    };
    let next = goes_on.map(|(question, after)| Cursor {
        since: cursor.since,
        within: Some(Within {
            question,
            after,
            then,
        }),
    });
    let resume = Cursor {
        since: if next.is_some() { cursor.since } else { then },
        within: None,
    };
    Ok(Page {
        reads,
        next: next.as_ref().map(stored),
        resume: Some(stored(&resume)),
        total: None,
    })
}

/// Those of the named addresses. Nothing else finds a task or an entry.
pub(crate) async fn find(
    calls: &dyn Calls,
    schema: &Schema,
    sort: Sort,
    keys: &[IdentityKey],
) -> Result<Vec<Read>, Error> {
    let wall = Wall::of(calls.settings())?;
    let operation = sort.operations().find;
    let addresses = keys
        .iter()
        .filter(|key| key.kind == KeyKind::Parent)
        .filter_map(|key| key.value.parse::<u64>().ok());
    let mut found = Vec::new();
    for address in addresses {
        let narrowed = match sort {
            Sort::Task => json!({"relatedAddressId": address, "listlimit": ROWS}),
            Sort::Entry => json!({"addressid": [address], "listlimit": ROWS}),
        };
        let action = read_action(sort, schema, narrowed);
        let (data, seen) = exchange::read_one(calls, operation, &action, ROWS).await?;
        let linked = linked(calls, operation, (sort, schema), &data.records).await?;
        found.extend(reads(
            operation,
            &data.records,
            &linked,
            schema,
            &wall,
            seen.sent,
        )?);
    }
    Ok(found)
}

/// Those of these tasks that are cancelled. Entries never are.
pub(crate) async fn archived(
    calls: &dyn Calls,
    sort: Sort,
    ids: &[RecordId],
) -> Result<Vec<RecordId>, Error> {
    if sort != Sort::Task {
        return Ok(Vec::new());
    }
    let numbers: Vec<u64> = ids.iter().filter_map(number).collect();
    let filter = json!({NUMBER: [{"op": "in", "val": numbers}]});
    let action = Action::new(
        Verb::Read,
        sort.resource(),
        json!({"data": [fields::STATUS], "filter": filter, "listlimit": ROWS}),
    );
    let operation = sort.operations().remove;
    let (data, _) = exchange::read_one(calls, operation, &action, ids.len()).await?;
    Ok(data
        .records
        .into_iter()
        .filter(|row| {
            let label = row.elements.get(fields::STATUS).and_then(text);
            label.as_deref().and_then(fields::status) == Some(fields::CANCELLED)
        })
        .filter_map(|row| row.id.map(RecordId::from))
        .collect())
}
