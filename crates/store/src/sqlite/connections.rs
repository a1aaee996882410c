//! The config, credentials and what connections remember.

use jiff::Timestamp;
use rusqlite::params;
use serde_json::Value as Json;

use super::{
    database::OptionalExtension,
    fault::Outcome,
    listings::Place,
    payload,
    session::{Session, limit, micros, time},
};
use crate::{AppliedConfig, ConnectionName, CredentialRow, Saved, Workspace};

/// The config in force.
pub(super) fn applied_config(
    session: &Session,
    workspace: &Workspace,
) -> Outcome<Option<AppliedConfig>> {
    Ok(applied_configs(session, workspace, 1)?.pop())
}

/// Configs that were in force, the newest first.
pub(super) fn applied_configs(
    session: &Session,
    workspace: &Workspace,
    at_most: usize,
) -> Outcome<Vec<AppliedConfig>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(
        "SELECT revision, document, applied FROM config
         WHERE ws = ?1 ORDER BY revision DESC LIMIT ?2",
    )?;
    let mut rows = statement.query(params![ws, limit(at_most)])?;
    let mut configs = Vec::new();
    while let Some(row) = rows.next()? {
        configs.push(AppliedConfig {
            revision: row.get::<_, i64>(0)?.cast_unsigned(),
            document: row.get(1)?,
            applied: time(row.get(2)?)?,
        });
    }
    Ok(configs)
}

/// Puts a config into force; the earlier ones are kept.
pub(super) fn apply_config(
    session: &Session,
    workspace: &Workspace,
    document: String,
    now: Timestamp,
) -> Outcome<AppliedConfig> {
    let ws = session.workspace(workspace)?;
    let revision: i64 = session
        .sql(
            "INSERT INTO config (ws, revision, document, applied)
             VALUES (?1, 1 + coalesce((SELECT max(revision) FROM config WHERE ws = ?1), 0), ?2, ?3)
             RETURNING revision",
        )?
        .query_row(params![ws, document, micros(now)], |row| row.get(0))?;
    Ok(AppliedConfig {
        revision: revision.cast_unsigned(),
        document,
        applied: now,
    })
}

/// The sealed credentials of a connection.
pub(super) fn credentials(
    session: &Session,
    workspace: &Workspace,
    connection: &ConnectionName,
) -> Outcome<Option<CredentialRow>> {
    let Some((ws, connection)) = session.find_connection(workspace, connection)? else {
        return Ok(None);
    };
    session
        .sql("SELECT sealed, version FROM credential WHERE ws = ?1 AND connection = ?2")?
        .query_row(params![ws, connection], |row| {
            Ok(CredentialRow {
                sealed: row.get(0)?,
                version: row.get::<_, i64>(1)?.cast_unsigned(),
            })
        })
        .optional()
}

/// Saves sealed credentials if nobody else did meanwhile.
pub(super) fn save_credentials(
    session: &Session,
    workspace: &Workspace,
    connection: &ConnectionName,
    sealed: &[u8],
    expected: u64,
) -> Outcome<Saved> {
    let ws = session.workspace(workspace)?;
    let connection = session.connection_number(ws, connection)?;
    let version: i64 = session
        .sql("SELECT version FROM credential WHERE ws = ?1 AND connection = ?2")?
        .query_row(params![ws, connection], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    if version.cast_unsigned() != expected {
        return Ok(Saved::Conflict);
    }
    session
        .sql(
            "INSERT INTO credential (ws, connection, sealed, version) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (ws, connection)
             DO UPDATE SET sealed = excluded.sealed, version = excluded.version",
        )?
        .execute(params![ws, connection, sealed, version + 1])?;
    Ok(Saved::Version(expected + 1))
}

/// What a connection remembers.
pub(super) fn state(
    session: &Session,
    workspace: &Workspace,
    connection: &ConnectionName,
) -> Outcome<Option<Json>> {
    let Some((ws, connection)) = session.find_connection(workspace, connection)? else {
        return Ok(None);
    };
    let body: Option<String> = session
        .sql("SELECT body FROM connection_state WHERE ws = ?1 AND connection = ?2")?
        .query_row(params![ws, connection], |row| row.get(0))
        .optional()?;
    body.map(|body| payload::CONNECTION_STATE.decode(&body))
        .transpose()
}

/// Replaces what a connection remembers.
pub(super) fn save_state(
    session: &Session,
    workspace: &Workspace,
    connection: &ConnectionName,
    state: &Json,
) -> Outcome<()> {
    let ws = session.workspace(workspace)?;
    session
        .sql(
            "INSERT INTO connection_state (ws, connection, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (ws, connection) DO UPDATE SET body = excluded.body",
        )?
        .execute(params![
            ws,
            session.connection_number(ws, connection)?,
            payload::CONNECTION_STATE.encode(state)?
        ])?;
    Ok(())
}

/// Where a poll goes on.
pub(super) fn cursor(session: &Session, place: Place, purpose: &str) -> Outcome<Option<Json>> {
    let body: Option<String> = session
        .sql(
            "SELECT body FROM cursor
             WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND purpose = ?4",
        )?
        .query_row(
            params![place.ws, place.connection, place.entity, purpose],
            |row| row.get(0),
        )
        .optional()?;
    body.map(|body| payload::CURSOR.decode(&body)).transpose()
}

/// Moves the cursor of a poll.
pub(super) fn save_cursor(
    session: &Session,
    place: Place,
    purpose: &str,
    value: &Json,
) -> Outcome<()> {
    session
        .sql(
            "INSERT INTO cursor (ws, connection, entity, purpose, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (ws, connection, entity, purpose) DO UPDATE SET body = excluded.body",
        )?
        .execute(params![
            place.ws,
            place.connection,
            place.entity,
            purpose,
            payload::CURSOR.encode(value)?
        ])?;
    Ok(())
}
