//! What is kept under a name and is about no record.

use rusqlite::params;
use serde_json::Value as Json;

use super::{database::OptionalExtension, fault::Outcome, payload, session::Session};
use crate::Workspace;

/// What is kept under a name.
pub(super) fn of(session: &Session, workspace: &Workspace, name: &str) -> Outcome<Option<Json>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(None);
    };
    let body: Option<String> = session
        .sql("SELECT body FROM setting WHERE ws = ?1 AND name = ?2")?
        .query_row(params![ws, name], |row| row.get(0))
        .optional()?;
    body.map(|body| payload::SETTING.decode(&body)).transpose()
}

/// Replaces what is kept under a name.
pub(super) fn save(
    session: &Session,
    workspace: &Workspace,
    name: &str,
    value: &Json,
) -> Outcome<()> {
    let ws = session.workspace(workspace)?;
    session
        .sql(
            "INSERT INTO setting (ws, name, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (ws, name) DO UPDATE SET body = excluded.body",
        )?
        .execute(params![ws, name, payload::SETTING.encode(value)?])?;
    Ok(())
}
