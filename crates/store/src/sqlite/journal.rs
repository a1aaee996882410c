//! The journal: append only, in growing numbers.

use std::borrow::Cow;

use record::{Field, FieldName, RecordId};
use rusqlite::{Row, ToSql, params};
use serde::{Deserialize, Serialize};

use super::{
    codes::Code,
    fault::Outcome,
    payload,
    session::{Kind, Session, limit, micros, time, uuid},
};
use crate::{Cause, JournalEntry, JournalFilter, LinkId, NewJournalEntry, RunId, Workspace};

/// What is stored of a row beside its columns.
#[derive(Serialize, Deserialize)]
struct Body<'a> {
    #[serde(default, skip_serializing_if = "unknown")]
    before: Cow<'a, Field>,
    #[serde(default, skip_serializing_if = "unknown")]
    after: Cow<'a, Field>,
    rule: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Cow<'a, str>>,
}

fn unknown(field: &Field) -> bool {
    !field.is_known()
}

/// Appends rows.
pub(super) fn append(session: &Session, ws: i64, entries: &[NewJournalEntry]) -> Outcome<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut statement = session.sql(
        "INSERT INTO journal (ws, at, effect, connection, entity, record, field, sync, link, run, cause, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    let mut last: Option<(&Cause, i64)> = None;
    for entry in entries {
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
        let body = payload::JOURNAL.encode(&Body {
            before: Cow::Borrowed(&entry.before),
            after: Cow::Borrowed(&entry.after),
            rule: Cow::Borrowed(&entry.rule),
            note: entry.note.as_deref().map(Cow::Borrowed),
        })?;
        statement.execute(params![
            ws,
            micros(entry.at),
            entry.effect.code(),
            session.connection_number(ws, &entry.connection)?,
            entry.entity.code(),
            entry.record.as_str(),
            entry.field.as_ref().map(FieldName::as_str),
            sync,
            entry.link.as_ref().map(|link| link.0.as_bytes()),
            entry.run.as_ref().map(|run| run.0.as_bytes()),
            cause,
            body
        ])?;
    }
    Ok(())
}

fn save_cause(session: &Session, ws: i64, cause: &Cause) -> Outcome<i64> {
    session
        .sql("INSERT INTO cause (ws, body) VALUES (?1, ?2)")?
        .execute(params![ws, payload::CAUSE.encode(cause)?])?;
    Ok(session.connection.last_insert_rowid())
}

fn entry_of(session: &Session, row: &Row<'_>) -> Outcome<JournalEntry> {
    let body: Body<'static> = payload::JOURNAL.decode(&row.get::<_, String>(11)?)?;
    let sync: Option<i64> = row.get(7)?;
    let link: Option<Vec<u8>> = row.get(8)?;
    let run: Option<Vec<u8>> = row.get(9)?;
    Ok(JournalEntry {
        seq: row.get(0)?,
        entry: NewJournalEntry {
            at: time(row.get(1)?)?,
            effect: Code::of_code(row.get(2)?)?,
            connection: session.connection_name(row.get(3)?)?,
            entity: Code::of_code(row.get(4)?)?,
            record: RecordId::new(row.get::<_, String>(5)?),
            field: row.get::<_, Option<String>>(6)?.map(FieldName::from),
            before: body.before.into_owned(),
            after: body.after.into_owned(),
            sync: sync.map(|sync| session.sync_name(sync)).transpose()?,
            link: link.map(|id| uuid(&id).map(LinkId)).transpose()?,
            rule: body.rule.into_owned(),
            cause: payload::CAUSE.decode(&row.get::<_, String>(10)?)?,
            run: run.map(|id| uuid(&id).map(RunId)).transpose()?,
            note: body.note.map(Cow::into_owned),
        },
    })
}

/// Lists rows, newest first.
pub(super) fn list(
    session: &Session,
    workspace: &Workspace,
    filter: &JournalFilter,
) -> Outcome<Vec<JournalEntry>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let mut sql = format!(
        "SELECT j.seq, j.at, j.effect, j.connection, j.entity, j.record, j.field, j.sync, j.link,
                j.run, c.body, j.body
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
    if let Some(field) = &filter.field {
        narrow(" AND j.field = ?", Box::new(field.as_str().to_owned()));
    }
    if let Some(link) = &filter.link {
        narrow(" AND j.link = ?", Box::new(link.0.as_bytes().to_vec()));
    }
    if let Some(run) = &filter.run {
        narrow(" AND j.run = ?", Box::new(run.0.as_bytes().to_vec()));
    }
    if let Some(before) = filter.before {
        narrow(" AND j.seq < ?", Box::new(before));
    }
    narrow(
        " ORDER BY j.seq DESC LIMIT ?",
        Box::new(limit(filter.limit)),
    );
    let mut statement = session.sql(&sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(entry_of(session, row)?);
    }
    Ok(entries)
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
