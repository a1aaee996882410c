//! The journal: append only, in growing numbers.
//!
//! A write of eight fields is eight entries but one row: neighbours that are about one record, at one
//! time and with one cause, are stored together, so that indexes grow by the record and not by the field.

use std::borrow::Cow;

use record::{Field, FieldName, RecordId};
use rusqlite::{ToSql, params};
use serde::{Deserialize, Serialize};

use super::{
    codes::Code,
    database::Row,
    fault::Outcome,
    payload,
    session::{Kind, Session, limit, micros, time, uuid},
};
use crate::{
    Cause, Effect, JournalEntry, JournalFilter, LinkId, NewJournalEntry, RunId, Workspace,
};

/// What is stored of one entry beside what it shares with its neighbours.
#[derive(Serialize, Deserialize)]
struct Part<'a> {
    effect: Effect,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    field: Option<Cow<'a, FieldName>>,
    #[serde(default, skip_serializing_if = "unknown")]
    before: Cow<'a, Field>,
    #[serde(default, skip_serializing_if = "unknown")]
    after: Cow<'a, Field>,
    rule: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Cow<'a, str>>,
    /// It had values, and they were removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    gone: bool,
}

fn unknown(field: &Field) -> bool {
    !field.is_known()
}

impl<'a> Part<'a> {
    fn of(entry: &'a NewJournalEntry) -> Self {
        Self {
            effect: entry.effect,
            field: entry.field.as_ref().map(Cow::Borrowed),
            before: Cow::Borrowed(&entry.before),
            after: Cow::Borrowed(&entry.after),
            rule: Cow::Borrowed(&entry.rule),
            note: entry.note.as_deref().map(Cow::Borrowed),
            gone: false,
        }
    }
}

/// A stored row without the values of its entries; `None`: it has none.
pub(super) fn without_values(body: &str) -> Outcome<Option<String>> {
    let mut parts: Vec<Part<'static>> = payload::JOURNAL.decode(body)?;
    let mut had = false;
    for part in &mut parts {
        if part.before.is_known() || part.after.is_known() {
            part.before = Cow::Owned(Field::Unknown);
            part.after = Cow::Owned(Field::Unknown);
            part.gone = true;
            had = true;
        }
    }
    had.then(|| payload::JOURNAL.encode(&parts)).transpose()
}

/// Rows that are read at a time while entries are looked for.
const LISTED_ROWS: usize = 256;

/// Whether two entries can share a row.
fn share(one: &NewJournalEntry, other: &NewJournalEntry) -> bool {
    one.record == other.record
        && one.entity == other.entity
        && one.connection == other.connection
        && one.at == other.at
        && one.sync == other.sync
        && one.link == other.link
        && one.run == other.run
        && one.cause == other.cause
}

/// Appends entries.
pub(super) fn append(session: &Session, ws: i64, entries: &[NewJournalEntry]) -> Outcome<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let end: i64 = session
        .sql("UPDATE journal_end SET seq = seq + ?1 RETURNING seq")?
        .query_row([entries.len() as i64], |row| row.get(0))?;
    let mut seq = end - entries.len() as i64 + 1;
    let mut statement = session.sql(
        "INSERT INTO journal (seq, ws, entries, at, connection, entity, record, sync, link, run, cause, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    let mut last: Option<(&Cause, i64)> = None;
    for neighbours in entries.chunk_by(share) {
        let entry = &neighbours[0];
        let cause = match last {
            Some((cause, id)) if *cause == entry.cause => id,
            _ => save_cause(session, ws, &entry.cause)?,
        };
        last = Some((&entry.cause, cause));
        let sync = entry
            .sync
            .as_ref()
            .map(|sync| session.sync_number(ws, sync))
            .transpose()?;
        let parts: Vec<Part<'_>> = neighbours.iter().map(Part::of).collect();
        statement.execute(params![
            seq,
            ws,
            neighbours.len() as i64,
            micros(entry.at),
            session.connection_number(ws, &entry.connection)?,
            entry.entity.code(),
            entry.record.as_str(),
            sync,
            entry.link.as_ref().map(|link| link.0.as_bytes()),
            entry.run.as_ref().map(|run| run.0.as_bytes()),
            cause,
            payload::JOURNAL.encode(&parts)?
        ])?;
        seq += neighbours.len() as i64;
    }
    Ok(())
}

fn save_cause(session: &Session, ws: i64, cause: &Cause) -> Outcome<i64> {
    session
        .sql("INSERT INTO cause (ws, body) VALUES (?1, ?2) RETURNING id")?
        .query_row(params![ws, payload::CAUSE.encode(cause)?], |row| row.get(0))
}

/// The entries of a row, oldest first.
fn entries_of(session: &Session, row: Row<'_>) -> Outcome<Vec<JournalEntry>> {
    let first: i64 = row.get(0)?;
    let at = time(row.get(1)?)?;
    let connection = session.connection_name(row.get(2)?)?;
    let entity = Code::of_code(row.get(3)?)?;
    let record = RecordId::new(row.get::<_, String>(4)?);
    let sync: Option<i64> = row.get(5)?;
    let sync = sync.map(|sync| session.sync_name(sync)).transpose()?;
    let link: Option<Vec<u8>> = row.get(6)?;
    let link = link.map(|id| uuid(&id).map(LinkId)).transpose()?;
    let run: Option<Vec<u8>> = row.get(7)?;
    let run = run.map(|id| uuid(&id).map(RunId)).transpose()?;
    let cause: Cause = payload::CAUSE.decode(&row.get::<_, String>(8)?)?;
    let parts: Vec<Part<'static>> = payload::JOURNAL.decode(&row.get::<_, String>(9)?)?;
    let entries = parts.into_iter().zip(first..).map(|(part, seq)| {
        let values_gone = part.gone;
        let entry = NewJournalEntry {
            at,
            effect: part.effect,
            connection: connection.clone(),
            entity,
            record: record.clone(),
            field: part.field.map(Cow::into_owned),
            before: part.before.into_owned(),
            after: part.after.into_owned(),
            sync: sync.clone(),
            link,
            rule: part.rule.into_owned(),
            cause: cause.clone(),
            run,
            note: part.note.map(Cow::into_owned),
        };
        JournalEntry {
            seq,
            values_gone,
            entry,
        }
    });
    Ok(entries.collect())
}

/// Lists entries, newest first.
pub(super) fn list(
    session: &Session,
    workspace: &Workspace,
    filter: &JournalFilter,
) -> Outcome<Vec<JournalEntry>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let mut sql = format!(
        "SELECT j.seq, j.at, j.connection, j.entity, j.record, j.sync, j.link, j.run, c.body, j.body
         FROM journal j {} CROSS JOIN cause c ON c.id = j.cause WHERE j.ws = ?1",
        index(filter)
    );
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(ws)];
    let mut narrow = |condition: &str, value: Box<dyn ToSql>| {
        values.push(value);
        sql.push_str(condition);
        sql.push_str(&values.len().to_string());
    };
    if let Some(connection) = &filter.connection {
        let Some(id) = session.find(ws, Kind::Connection, connection.as_str())? else {
            return Ok(Vec::new());
        };
        narrow(" AND j.connection = ?", Box::new(id));
    }
    if let Some(sync) = &filter.sync {
        let Some(id) = session.find(ws, Kind::Sync, sync.as_str())? else {
            return Ok(Vec::new());
        };
        narrow(" AND j.sync = ?", Box::new(id));
    }
    if let Some(entity) = filter.entity {
        narrow(" AND j.entity = ?", Box::new(entity.code()));
    }
    if let Some(record) = &filter.record {
        narrow(" AND j.record = ?", Box::new(record.as_str().to_owned()));
    }
    if let Some(link) = &filter.link {
        narrow(" AND j.link = ?", Box::new(link.0.as_bytes().to_vec()));
    }
    if let Some(run) = &filter.run {
        narrow(" AND j.run = ?", Box::new(run.0.as_bytes().to_vec()));
    }
    // A row may hold none that is wanted, so that nobody knows how many rows it takes: some at a time.
    values.push(Box::new(filter.before.unwrap_or(i64::MAX)));
    let before = values.len() - 1;
    sql.push_str(&format!(
        " AND j.seq < ?{} ORDER BY j.seq DESC LIMIT {LISTED_ROWS}",
        values.len()
    ));
    let mut statement = session.sql(&sql)?;
    let mut entries = Vec::new();
    loop {
        let mut rows = statement.query(values.as_slice())?;
        let mut read = 0;
        let mut last = 0;
        while let Some(row) = rows.next()? {
            read += 1;
            last = row.get(0)?;
            for entry in entries_of(session, row)?.into_iter().rev() {
                if wanted(filter, &entry) {
                    entries.push(entry);
                    if entries.len() == filter.limit {
                        return Ok(entries);
                    }
                }
            }
        }
        if read < LISTED_ROWS {
            return Ok(entries);
        }
        drop(rows);
        values[before] = Box::new(last);
    }
}

/// Entries after this number, oldest first: rows whole, at least one and at most so many.
pub(super) fn after(
    session: &Session,
    workspace: &Workspace,
    after: i64,
    rows: usize,
) -> Outcome<Vec<JournalEntry>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(
        "SELECT j.seq, j.at, j.connection, j.entity, j.record, j.sync, j.link, j.run, c.body, j.body
         FROM journal j NOT INDEXED CROSS JOIN cause c ON c.id = j.cause
         WHERE j.ws = ?1 AND j.seq > ?2 ORDER BY j.seq LIMIT ?3",
    )?;
    let mut found = statement.query(params![ws, after, limit(rows.max(1))])?;
    let mut entries = Vec::new();
    while let Some(row) = found.next()? {
        entries.extend(entries_of(session, row)?);
    }
    Ok(entries)
}

/// Whether an entry of a row that was found is asked for: what neighbours do not share.
fn wanted(filter: &JournalFilter, entry: &JournalEntry) -> bool {
    let field = filter.field.as_ref();
    filter.before.is_none_or(|before| entry.seq < before)
        && (field.is_none() || field == entry.entry.field.as_ref())
}

/// The narrowest index for a filter; each ends in `seq`, so nothing is ever sorted.
fn index(filter: &JournalFilter) -> &'static str {
    if filter.record.is_some() {
        "INDEXED BY journal_record"
    } else if filter.link.is_some() {
        "INDEXED BY journal_link"
    } else if filter.run.is_some() {
        "INDEXED BY journal_run"
    } else if filter.sync.is_some() {
        "INDEXED BY journal_sync"
    } else if filter.connection.is_some() {
        "INDEXED BY journal_connection"
    } else {
        "NOT INDEXED"
    }
}
