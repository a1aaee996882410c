//! After a restore: the database is older than the systems that it is about.
//!
//! Links that were made since the backup are not in it, and what it holds as there may be gone. Whoever would
//! go on at once would make records a second time and carry deletes that are none. So each sync lists both
//! sides whole and looks at every record, as in its first run; what it would make or remove is put off until
//! everything was matched, and counts towards the limits of the sync then.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use store::{Store, SyncName, Workspace};

use crate::{
    engine::Core,
    reconcile::{ClaimEnd, Desk},
    run,
};

/// Under which name the store remembers the last restore.
const SETTING: &str = "restored";

/// Why something is put off.
pub(crate) const PUT_OFF: &str =
    "put off: the database was restored, and everything is matched first";

/// How long what is put off waits, if the end of matching does not call for it before.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// Notes in a database that it was restored. To be called before an engine works on it.
///
/// # Errors
/// If the store fails.
pub async fn mark_restored(
    store: &dyn Store,
    workspace: &Workspace,
    at: Timestamp,
) -> Result<(), store::Error> {
    let at = serde_json::Value::from(at.to_string());
    store.save_setting(workspace, SETTING, &at).await
}

/// When the database was last restored.
pub(crate) async fn last(
    store: &dyn Store,
    workspace: &Workspace,
) -> Result<Option<Timestamp>, store::Error> {
    let Some(at) = store.setting(workspace, SETTING).await? else {
        return Ok(None);
    };
    let at = serde_json::from_value(at).map_err(|error| store::Error::Corrupt {
        what: "time of a restore",
        why: error.to_string(),
    })?;
    Ok(Some(at))
}

/// Brings every sync that has to be matched anew a step further.
pub(crate) async fn go_on(core: &Arc<Core>) {
    let syncs: BTreeSet<SyncName> = core
        .all_pairings()
        .into_iter()
        .map(|pairing| pairing.sync.clone())
        .collect();
    for sync in syncs {
        if !core.is_rematching(&sync) || core.run_of(&sync).is_some() {
            continue;
        }
        let step = if core.is_listing(&sync) {
            run::list_first(core, &sync).await
        } else {
            run::end_rematching(core, &sync).await
        };
        if let Err(error) = step {
            tracing::warn!(%sync, %error, "after the restore, not everything could be matched yet");
        }
    }
}

impl Desk<'_> {
    /// What becomes of a claim that would make or remove something while everything is matched anew.
    pub(crate) fn put_off(&self) -> ClaimEnd {
        let now = self.core.clock.now();
        ClaimEnd::Later {
            until: now.saturating_add(AGAIN).unwrap_or(now),
            why: PUT_OFF.to_owned(),
        }
    }
}
