//! Dropping what the config says is kept no longer: in the background, a bounded slice at a time.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use store::{Keep, Kept};

use crate::{app::App, config::Retention};

/// How long after a pass the next one begins.
const PAUSE: Duration = Duration::from_secs(600);

/// So many rows go in one commit, so that nobody waits for it for long.
const SLICE: usize = 500;

/// How long others have between two slices.
const BREATH: Duration = Duration::from_millis(20);

/// How much is kept of what.
pub(crate) fn rules(retention: &Retention, now: Timestamp) -> [Keep; Kept::ALL.len()] {
    Kept::ALL.map(|what| {
        let (days, most) = of(retention, what);
        let age = SignedDuration::from_hours(24 * i64::from(days));
        Keep {
            what,
            since: now.saturating_sub(age).unwrap_or(Timestamp::MIN),
            most,
        }
    })
}

/// For how many days, and how many at most.
pub(crate) fn of(retention: &Retention, what: Kept) -> (u16, Option<u64>) {
    match what {
        Kept::Calls => (retention.calls_days, Some(retention.calls_most)),
        Kept::JournalValues => (retention.journal_values_days, None),
        Kept::Journal => (retention.journal_days, Some(retention.journal_most)),
        Kept::Reviews => (retention.reviews_days, Some(retention.reviews_most)),
        Kept::SyncRuns => (retention.sync_runs_days, Some(retention.sync_runs_most)),
        Kept::WorkflowRuns => (retention.runs_days, Some(retention.runs_most)),
        Kept::Acts => (retention.acts_days, Some(retention.acts_most)),
    }
}

/// Drops what is kept no longer, again and again.
pub(crate) async fn keep_tidy(app: Arc<App>) {
    loop {
        let retention = app
            .in_force()
            .map(|in_force| in_force.document.retention.clone())
            .unwrap_or_default();
        for keep in rules(&retention, app.clock.now()) {
            match drop_all(&app, &keep).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(what = ?keep.what, rows, "what is kept no longer went"),
                Err(error) => {
                    tracing::error!(what = ?keep.what, %error, "what is kept no longer stays");
                }
            }
        }
        app.clock.sleep(PAUSE).await;
    }
}

async fn drop_all(app: &App, keep: &Keep) -> Result<u64, store::Error> {
    let mut dropped = 0;
    loop {
        let slice = app.store().drop_old(app.workspace(), keep, SLICE).await?;
        dropped += slice;
        if slice < SLICE as u64 {
            return Ok(dropped);
        }
        app.clock.sleep(BREATH).await;
    }
}
