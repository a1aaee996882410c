//! What versions without users kept: one owner and their sessions, as settings. They become a user and theirs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use store::{Role, SessionRow, Store, UserRow, Workspace};

use super::OWNER;

const SESSIONS: &str = "sessions";

/// What was kept of the owner.
#[derive(Deserialize)]
struct Owner {
    hash: String,
    since: Timestamp,
}

/// What was kept of a session, below the hash of its text.
#[derive(Deserialize)]
struct Session {
    since: Timestamp,
    ends: Timestamp,
}

/// Makes a user of the owner that an earlier version kept. Dying on the way does no harm: the settings go last.
pub(super) async fn take_over(
    store: &dyn Store,
    workspace: &Workspace,
    now: Timestamp,
) -> Result<(), store::Error> {
    let Some(owner) = kept::<Owner>(store, workspace, OWNER).await? else {
        return Ok(());
    };
    let sessions = kept::<BTreeMap<String, Session>>(store, workspace, SESSIONS).await?;
    let user = UserRow {
        name: OWNER.to_owned(),
        role: Role::Owner,
        created: owner.since,
        password: Some((owner.hash, owner.since)),
        link: None,
        signed_in: None,
    };
    store.save_user(workspace, &user, true).await?;
    for (hash, session) in sessions.unwrap_or_default() {
        let session = SessionRow {
            hash,
            user: OWNER.to_owned(),
            since: session.since,
            ends: session.ends,
        };
        store.add_session(workspace, &session, now).await?;
    }
    for name in [SESSIONS, OWNER] {
        store.save_setting(workspace, name, &Value::Null).await?;
    }
    tracing::info!("the owner of an earlier version is the user `{OWNER}` now");
    Ok(())
}

async fn kept<T: DeserializeOwned>(
    store: &dyn Store,
    workspace: &Workspace,
    name: &'static str,
) -> Result<Option<T>, store::Error> {
    let Some(value) = store.setting(workspace, name).await? else {
        return Ok(None);
    };
    serde_json::from_value(value).map_err(|error| store::Error::Corrupt {
        what: name,
        why: error.to_string(),
    })
}
