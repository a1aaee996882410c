//! What is wrong at the moment.

use std::collections::{BTreeMap, VecDeque};

use connections::{Counts, Health, Light};
use jiff::{SignedDuration, Timestamp};
use store::{ConnectionName, JournalFilter, SyncName};

use super::book::{Kind, Trouble};
use crate::{app::App, config::Document};

/// Over which time it is counted how many calls fail.
const ERRORS_OVER: SignedDuration = SignedDuration::from_mins(15);

/// Of fewer calls in that time it cannot be said that many fail.
const FEW_CALLS: u64 = 20;

/// A limit over a shorter time is used up by any first run, and new soon after.
const LONG: std::time::Duration = std::time::Duration::from_secs(3600);

/// How often it is looked when a sync changed something last.
const IDLE_PACE: SignedDuration = SignedDuration::from_mins(5);

/// How long a server may take to read its accounts before a sync that is not ready is told of.
const BEGINNING: SignedDuration = SignedDuration::from_mins(2);

/// What was seen by earlier looks.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// The counters of calls, by connection.
    counts: BTreeMap<ConnectionName, VecDeque<(Timestamp, Counts)>>,
    /// When a sync changed something last, and when that was looked up.
    changed: BTreeMap<SyncName, (Timestamp, Timestamp)>,
}

/// Everything that is wrong now.
pub(super) async fn troubles(
    app: &App,
    document: &Document,
    looks: &mut Looks,
) -> Result<Vec<Trouble>, store::Error> {
    let mut found = Vec::new();
    let now = app.clock.now();
    looks
        .counts
        .retain(|name, _| document.connections.contains_key(name.as_str()));
    for name in app.connections.names() {
        found.extend(connection(app, &name, now));
        found.extend(errors(app, document, &name, looks, now));
        found.extend(quota(app, document, &name, now));
    }
    match app.engine.standing().await {
        Ok(syncs) => {
            for (name, state, why) in syncs {
                let stands = state == "paused"
                    || (state == "not ready" && now.duration_since(app.started) > BEGINNING);
                if stands {
                    found.push(Trouble {
                        kind: Kind::Paused,
                        about: name.to_string(),
                        why: why.unwrap_or_else(|| state.to_owned()),
                        since: now,
                    });
                } else if state == "running" {
                    found.extend(idle(app, document, &name, looks, now).await?);
                }
            }
        }
        Err(error) => tracing::error!(%error, "how the syncs stand could not be read"),
    }
    Ok(found)
}

fn connection(app: &App, name: &ConnectionName, now: Timestamp) -> Option<Trouble> {
    let trouble = |why: String, since| {
        Some(Trouble {
            kind: Kind::Connection,
            about: name.to_string(),
            why,
            since,
        })
    };
    // one that nobody signed in to yet is not in trouble
    app.connections.account(name).ok().flatten()?;
    match app.connections.health(name).ok()? {
        Health::Degraded { since, why, .. } => trouble(format!("It fails: {why}"), since),
        Health::NeedsSignIn { since, why } => {
            trouble(format!("Somebody has to sign in again: {why}"), since)
        }
        Health::WrongAccount {
            since,
            expected,
            found,
        } => trouble(
            format!(
                "Its credentials lead to the account {found} instead of {expected}; nothing is read or written"
            ),
            since,
        ),
        // by a person, who knows
        Health::Stopped { .. } => None,
        Health::Ok => {
            let outlook = app.connections.outlook(name).ok()?;
            if outlook.light == Light::Green {
                return None;
            }
            trouble(outlook.warnings.join("; "), now)
        }
    }
}

/// Whether many calls of the last minutes failed.
fn errors(
    app: &App,
    document: &Document,
    name: &ConnectionName,
    looks: &mut Looks,
    now: Timestamp,
) -> Option<Trouble> {
    let counts = app.connections.counts(name).ok()?;
    let seen = looks.counts.entry(name.clone()).or_default();
    // a connection that was opened anew counts anew
    if seen
        .back()
        .is_some_and(|(_, last)| sent(last) > sent(&counts))
    {
        seen.clear();
    }
    seen.push_back((now, counts));
    while seen
        .get(1)
        .is_some_and(|(at, _)| now.duration_since(*at) >= ERRORS_OVER)
    {
        seen.pop_front();
    }
    let (_, first) = seen.front()?;
    let failed = counts.failed.saturating_sub(first.failed);
    // what never left is a failure and no request
    let calls = sent(&counts).saturating_sub(sent(first)).max(failed);
    let share = share(failed, calls);
    (calls >= FEW_CALLS && share >= document.alerts.error_share).then(|| Trouble {
        kind: Kind::Errors,
        about: name.to_string(),
        why: format!(
            "{failed} of the last {calls} calls failed; see `tandem calls --connection {name}`"
        ),
        since: now,
    })
}

fn sent(counts: &Counts) -> u64 {
    counts.reads + counts.writes
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// Whether a limit over a long time is nearly used up.
fn quota(app: &App, document: &Document, name: &ConnectionName, now: Timestamp) -> Option<Trouble> {
    let uses = app.connections.budget_use(name).ok()?;
    let used = uses.into_iter().find(|used| {
        let left = used.requests.saturating_sub(used.used);
        used.per >= LONG
            && share(u64::from(left), u64::from(used.requests)) <= document.alerts.quota_left
    })?;
    let hours = used.per.as_secs() / 3600;
    Some(Trouble {
        kind: Kind::Quota,
        about: name.to_string(),
        why: format!(
            "{} of {} requests in {hours} h are used",
            used.used, used.requests
        ),
        since: now,
    })
}

/// Whether a sync changed nothing for a long time.
async fn idle(
    app: &App,
    document: &Document,
    name: &SyncName,
    looks: &mut Looks,
    now: Timestamp,
) -> Result<Option<Trouble>, store::Error> {
    let hours = i64::from(document.alerts.idle_hours);
    if hours == 0 {
        return Ok(None);
    }
    let known = looks.changed.get(name).copied();
    let changed = match known {
        // one that stands idle is looked at each time, so that its end is told at once
        Some((changed, looked))
            if now.duration_since(looked) < IDLE_PACE && since(changed, hours) > now =>
        {
            changed
        }
        _ => {
            let filter = JournalFilter {
                sync: Some(name.clone()),
                limit: 1,
                ..JournalFilter::default()
            };
            let last = app.store().journal(app.workspace(), &filter).await?;
            // of one that never did anything, the start is as good as a change
            let changed = last.first().map_or(app.started, |row| row.entry.at);
            looks.changed.insert(name.clone(), (changed, now));
            changed
        }
    };
    let since = since(changed, hours);
    Ok((since <= now).then(|| Trouble {
        kind: Kind::Idle,
        about: name.to_string(),
        why: format!("It changed nothing for more than {hours} hours, since {changed}"),
        since,
    }))
}

/// When a sync that changed something last at this moment has been idle for so long.
fn since(changed: Timestamp, hours: i64) -> Timestamp {
    changed
        .saturating_add(SignedDuration::from_hours(hours))
        .unwrap_or(Timestamp::MAX)
}
