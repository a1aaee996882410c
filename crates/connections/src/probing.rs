//! Asking a live account what no document settles: the run of a connector's probes.
//!
//! A run asks before each write, keeps a list of what it made, and removes that at its end, however it ends. Each
//! request goes out once, through the connection's budget and into its call log. What could not be removed is
//! listed.

mod desk;

mod report;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use connector::{Connector, Deletes, IdentityKey, KeyKind, Probe, ProbeError, RemoveOutcome};
use record::Entity;
use store::{ConnectionName, Lane};
use tokio_util::sync::CancellationToken;

use crate::{Connections, Session, UnknownConnection};

use desk::RunDesk;
pub use report::{Fact, LeftOver, ProbeOutcome, ProbeReport};

/// What a run is to do.
pub struct ProbePlan {
    /// Only these; empty: all.
    pub only: Vec<String>,
    /// Also those that cost more than a few calls.
    pub costly: bool,
    /// Whether webhooks can reach this process.
    pub listening: bool,
    /// What everything made carries, and the cause of its calls in the log.
    pub marker: String,
}

/// Who watches a run and is asked.
#[async_trait]
pub trait Watcher: Send + Sync {
    /// A probe begins.
    async fn begins(&self, probe: &Probe);
    /// May this be done? `what` goes on after "May I".
    async fn allows(&self, probe: &Probe, what: &str) -> bool;
    /// A probe ended.
    async fn found(&self, fact: &Fact);
}

/// Why there was no run.
#[derive(Debug, thiserror::Error)]
pub enum ProbeRefused {
    /// There is no such connection.
    #[error(transparent)]
    Unknown(#[from] UnknownConnection),
    /// The system has no probe of this name.
    #[error("there is no probe `{name}` for {system}; there are {known}")]
    NoSuchProbe {
        /// What was asked for.
        name: String,
        /// The system.
        system: &'static str,
        /// What there is.
        known: String,
    },
}

/// How long an index is waited for beyond its declared lag, when a lost record is looked for.
const BEYOND_LAG: Duration = Duration::from_secs(2);

/// Probes that a plan asks for, in their order.
///
/// # Errors
/// When one is named that there is not.
pub fn chosen(
    connector: &dyn Connector,
    only: &[String],
    costly: bool,
) -> Result<Vec<Probe>, ProbeRefused> {
    let all = connector.probes();
    if let Some(name) = only
        .iter()
        .find(|name| all.iter().all(|probe| probe.id != name.as_str()))
    {
        let known: Vec<&str> = all.iter().map(|probe| probe.id).collect();
        return Err(ProbeRefused::NoSuchProbe {
            name: name.clone(),
            system: connector.describe().title,
            known: known.join(", "),
        });
    }
    Ok(all
        .into_iter()
        .filter(|probe| match only.is_empty() {
            true => costly || probe.costs.is_none(),
            false => only.iter().any(|name| name == probe.id),
        })
        .collect())
}

impl Connections {
    /// Runs probes on a connection to their end. `stop` ends the run early; what it made is removed all the
    /// same.
    ///
    /// # Errors
    /// When there is nothing to run. What goes wrong in the run stands in its report.
    pub async fn probe(
        &self,
        name: &ConnectionName,
        plan: ProbePlan,
        watcher: Arc<dyn Watcher>,
        stop: CancellationToken,
    ) -> Result<ProbeReport, ProbeRefused> {
        let connection = self.get(name)?;
        let connector = Arc::clone(&connection.connector);
        let probes = chosen(&*connector, &plan.only, plan.costly)?;
        let session = self.session(name, Lane::Live, plan.marker.as_str())?;
        let began = self.parts.clock.now();
        let desk = RunDesk::new(
            Arc::clone(&connection),
            session.clone(),
            &plan,
            Arc::clone(&watcher),
            stop.clone(),
        );
        let mut facts = Vec::with_capacity(probes.len());
        for probe in &probes {
            if stop.is_cancelled() {
                facts.push(Fact::of(probe, Err(ProbeError::Stopped)));
                continue;
            }
            watcher.begins(probe).await;
            desk.begin(probe);
            let fact = Fact::of(probe, connector.probe(probe.id, &desk).await);
            tracing::info!(connection = %name, probe = probe.id, outcome = ?fact.outcome, "probed");
            watcher.found(&fact).await;
            facts.push(fact);
        }
        let (removed, left) = clean(&session, &desk).await;
        let removed = removed + desk.gone();
        let description = connector.describe();
        Ok(ProbeReport {
            connection: name.to_string(),
            system: description.system,
            title: description.title,
            address: connection
                .config
                .base_url
                .as_ref()
                .map(ToString::to_string)
                .filter(|address| {
                    address.trim_end_matches('/') != description.base_url.trim_end_matches('/')
                }),
            account: connection.account(),
            marker: plan.marker,
            began,
            ended: self.parts.clock.now(),
            stopped: stop.is_cancelled(),
            facts,
            removed,
            lag_seconds: match removed {
                0 => 0,
                _ => lag(&*connector).as_secs(),
            },
            left,
        })
    }
}

/// Removes what the run made; what is left, with the reason.
async fn clean(session: &Session, desk: &RunDesk) -> (usize, Vec<LeftOver>) {
    let mut left = Vec::new();
    let known = desk.to_remove().len();
    if desk.lost_track()
        && let Err(why) = find_lost(session, desk).await
    {
        left.push(LeftOver {
            entity: Entity::Contact,
            id: None,
            why: format!(
                "a write whose outcome is not known may have made a record with {}, and looking for it failed: {why}",
                desk.marker_text()
            ),
        });
    }
    // what has no e-mail address cannot be looked for
    if desk.to_remove().len() == known {
        left.extend(desk.unanswered().into_iter().map(|what| LeftOver {
            entity: Entity::Contact,
            id: None,
            why: format!(
                "nobody answered the request to {what}: look for {} and delete it if it is there",
                desk.marker_text()
            ),
        }));
    }
    let mut removed = 0;
    for (what, request) in desk.undoings() {
        let why = match session.once(&request, true).await {
            Ok(response) if response.status.is_success() || response.status.as_u16() == 404 => {
                removed += 1;
                continue;
            }
            Ok(response) => format!("{what}: status {}", response.status.as_u16()),
            Err(error) => format!("{what}: {error}"),
        };
        tracing::warn!(connection = %session.connection(), why, "what a probe made is left");
        left.push(LeftOver {
            entity: Entity::Contact,
            id: None,
            why,
        });
    }
    let made = desk.to_remove();
    let connector = Arc::clone(session.connector());
    let archives = |entity: Entity| {
        connector
            .describe()
            .entity(entity)
            .is_some_and(|described| described.deletes != Deletes::Delete)
    };
    for (entity, id) in made {
        let outcome = connector
            .remove(session, entity, std::slice::from_ref(&id))
            .await
            .pop();
        let why = match outcome {
            Some(RemoveOutcome::Done) if archives(entity) => {
                "it is archived; the API deletes none of these".to_owned()
            }
            Some(RemoveOutcome::Done | RemoveOutcome::Gone) => {
                removed += 1;
                continue;
            }
            Some(RemoveOutcome::Refused(refusal)) => format!("refused: {refusal}"),
            Some(RemoveOutcome::Unknown { why }) => format!("perhaps removed: {why}"),
            Some(RemoveOutcome::Failed(error)) => error.to_string(),
            None => "the connector gave no outcome".to_owned(),
        };
        tracing::warn!(connection = %session.connection(), %entity, %id, why, "a probe's record is left");
        left.push(LeftOver {
            entity,
            id: Some(id),
            why,
        });
    }
    (removed, left)
}

/// How far the vendor's search may be behind what a run did.
fn lag(connector: &dyn Connector) -> Duration {
    connector
        .describe()
        .entity(Entity::Contact)
        .map_or(Duration::ZERO, |described| described.search_lag)
}

/// Looks for records that a write without an answer may have made.
async fn find_lost(session: &Session, desk: &RunDesk) -> Result<(), connector::Error> {
    let connector = session.connector();
    desk.pause(lag(&**connector) + BEYOND_LAG).await;
    let schema = connector.schema(session, Entity::Contact).await?;
    let keys: Vec<IdentityKey> = desk
        .emails()
        .into_iter()
        .map(|value| IdentityKey {
            kind: KeyKind::Email,
            value,
        })
        .collect();
    for read in connector.find(session, &schema, &keys).await? {
        desk.add(Entity::Contact, &read.record.id);
    }
    Ok(())
}
