//! The intent to create one record.

use std::borrow::Cow;

use jiff::Timestamp;
use record::{Entity, Fields, RecordId, Side};
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::{
    codes::Code,
    database::Row,
    fault::Outcome,
    payload,
    session::{Session, limit, micros, time, uuid},
};
use crate::{Cause, Intent, IntentEnd, IntentId, IntentState, Key, SyncName, Workspace};

/// What is stored of an intent beside its columns.
#[derive(Serialize, Deserialize)]
struct Body<'a> {
    source_fields: Cow<'a, Fields>,
    draft: Cow<'a, Fields>,
    keys: Cow<'a, [Key]>,
    cause: Cow<'a, Cause>,
}

/// Makes intents durable; returns those that were taken.
pub(super) fn open(session: &Session, ws: i64, intents: &[Intent]) -> Outcome<Vec<IntentId>> {
    let mut statement = session.sql(
        "INSERT INTO intent (ws, id, sync, entity, target, source, state, opened, look_after, looks, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT DO NOTHING",
    )?;
    let mut taken = Vec::new();
    for intent in intents {
        let body = payload::INTENT.encode(&Body {
            source_fields: Cow::Borrowed(&intent.source_fields),
            draft: Cow::Borrowed(&intent.draft),
            keys: Cow::Borrowed(&intent.keys),
            cause: Cow::Borrowed(&intent.cause),
        })?;
        let inserted = statement.execute(params![
            ws,
            intent.id.0.as_bytes(),
            session.sync_number(ws, &intent.sync)?,
            intent.entity.code(),
            intent.target.code(),
            intent.source.as_str(),
            intent.state.code(),
            micros(intent.opened),
            micros(intent.look_after),
            intent.looks,
            body
        ])?;
        if inserted == 1 {
            taken.push(intent.id);
        }
    }
    Ok(taken)
}

/// Ends intents, or notes how they go on.
pub(super) fn end(session: &Session, ws: i64, ends: &[(IntentId, IntentEnd)]) -> Outcome<()> {
    for (id, end) in ends {
        let id = id.0.as_bytes();
        match end {
            IntentEnd::Closed => session
                .sql("DELETE FROM intent WHERE ws = ?1 AND id = ?2")?
                .execute(params![ws, id])?,
            // The first time nobody has looked yet: the call ended without an answer.
            IntentEnd::LookAfter(after) => session
                .sql(
                    "UPDATE intent SET looks = looks + CASE WHEN state <> 0 THEN 1 ELSE 0 END, state = 1, look_after = ?3
                     WHERE ws = ?1 AND id = ?2",
                )?
                .execute(params![ws, id, micros(*after)])?,
            IntentEnd::Postponed(after) => session
                .sql("UPDATE intent SET look_after = ?3 WHERE ws = ?1 AND id = ?2")?
                .execute(params![ws, id, micros(*after)])?,
            IntentEnd::Asked => session
                .sql("UPDATE intent SET state = 2 WHERE ws = ?1 AND id = ?2")?
                .execute(params![ws, id])?,
        };
    }
    Ok(())
}

const COLUMNS: &str = "id, sync, entity, target, source, state, opened, look_after, looks, body";

fn intent_of(session: &Session, row: Row<'_>) -> Outcome<Intent> {
    let body: Body<'static> = payload::INTENT.decode(&row.get::<_, String>(9)?)?;
    Ok(Intent {
        id: IntentId(uuid(
            row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?,
        )?),
        sync: session.sync_name(row.get(1)?)?,
        entity: Code::of_code(row.get(2)?)?,
        target: Code::of_code(row.get(3)?)?,
        source: RecordId::new(row.get::<_, String>(4)?),
        source_fields: body.source_fields.into_owned(),
        draft: body.draft.into_owned(),
        keys: body.keys.into_owned(),
        state: Code::of_code(row.get(5)?)?,
        opened: time(row.get(6)?)?,
        look_after: time(row.get(7)?)?,
        looks: row.get(8)?,
        cause: body.cause.into_owned(),
    })
}

/// Unknown intents whose outcome is to be looked for. One that is open is left alone: its call may
/// be under way.
pub(super) fn due(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
    now: Timestamp,
    at_most: usize,
) -> Outcome<Vec<Intent>> {
    let Some((ws, sync)) = session.find_sync(workspace, sync)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(&format!(
        "SELECT {COLUMNS} FROM intent INDEXED BY intent_unknown
         WHERE ws = ?1 AND sync = ?2 AND state = 1 AND look_after <= ?3
         ORDER BY opened, seq LIMIT ?4"
    ))?;
    let mut rows = statement.query(params![ws, sync, micros(now), limit(at_most)])?;
    let mut intents = Vec::new();
    while let Some(row) = rows.next()? {
        intents.push(intent_of(session, row)?);
    }
    Ok(intents)
}

/// Intents that come from these records, in their order.
pub(super) fn of_sources(
    session: &Session,
    workspace: &Workspace,
    sync: &SyncName,
    entity: Entity,
    target: Side,
    sources: &[RecordId],
) -> Outcome<Vec<Intent>> {
    let Some((ws, sync)) = session.find_sync(workspace, sync)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(&format!(
        "SELECT {COLUMNS} FROM intent
         WHERE ws = ?1 AND sync = ?2 AND entity = ?3 AND target = ?4 AND source = ?5"
    ))?;
    let mut intents = Vec::new();
    for source in sources {
        let mut rows = statement.query(params![
            ws,
            sync,
            entity.code(),
            target.code(),
            source.as_str()
        ])?;
        if let Some(row) = rows.next()? {
            intents.push(intent_of(session, row)?);
        }
    }
    Ok(intents)
}

/// What was under way becomes unknown.
pub(super) fn doubt(
    session: &Session,
    workspace: &Workspace,
    look_after: Timestamp,
) -> Outcome<u64> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(0);
    };
    let doubted = session
        .sql(
            "UPDATE intent INDEXED BY intent_open SET state = ?2, look_after = ?3
             WHERE ws = ?1 AND state = 0",
        )?
        .execute(params![ws, IntentState::Unknown.code(), micros(look_after)])?;
    Ok(doubted as u64)
}
