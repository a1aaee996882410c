//! How each sync stands: whether it was started, lists for the first time or is stopped, under which
//! rules its records were looked at, and what counts towards its limits.
//!
//! What is in memory holds while the engine runs. It is read from the store once for each sync, before
//! anything of it is changed: read again later, what was stored a moment ago could take the place of
//! what has become true since. What is stored is always the newest that memory holds.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Mutex,
    time::Duration,
};

use jiff::Timestamp;
use mapping::Limit;
use record::{Entity, Side};
use serde::{Deserialize, Serialize};
use store::{Commit, Lane, Question, ReviewKind, RunId, SyncName};

use crate::{
    Error,
    breaker::{self, Counted, Kind},
    engine::Core,
    news,
    pair::Pairing,
    pilot::Pilot,
    resolve, restored,
};

/// How soon a first listing that lacks a right is tried again.
const LACKING: Duration = Duration::from_secs(60);

/// How it begins why a record waits whose sync is paused.
const PAUSED: &str = "the sync is paused: ";

/// What is stored of how a sync stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Standing {
    v: u32,
    /// A first full run was asked for; before that nothing is written.
    started: bool,
    /// The first listing is complete: nothing is matched before both sides are listed.
    listed: bool,
    /// Only these records are worked with, see [`crate::pilot`].
    #[serde(default)]
    pilot: Option<Pilot>,
    /// Stopped by a person or a breaker, and why.
    #[serde(default)]
    paused: Option<String>,
    /// It was a breaker.
    #[serde(default)]
    over_limit: bool,
    /// The rules that all records were looked at under, see [`crate::news`].
    #[serde(default)]
    known: Option<BTreeMap<String, String>>,
    /// What was signalled until then a person was shown or let pass: it does not count towards limits.
    #[serde(default)]
    let_pass: Option<Timestamp>,
    /// What counts towards limits.
    #[serde(default)]
    counted: Vec<Counted>,
    /// The restore after which everything was matched anew, see [`crate::restored`].
    #[serde(default)]
    rematched: Option<Timestamp>,
}

/// How a sync stands.
#[derive(Debug, Default)]
struct Held {
    standing: Standing,
    /// The store was asked.
    recalled: bool,
    /// Goes up with every change of the standing.
    version: u64,
    /// The run under way.
    run: Option<RunId>,
    /// Links, with the moment they were counted.
    links: Option<(Timestamp, usize)>,
    /// What the first listing under way has listed on both sides already.
    listed: BTreeSet<Entity>,
    /// What it could not list for want of a right, with what was said and when that is tried again.
    unlisted: BTreeMap<Entity, (String, Timestamp)>,
    /// What a full run lists just now.
    relisting: BTreeSet<Entity>,
    /// The restore after which everything is to be matched anew: until then nothing is made or removed.
    rematching: Option<Timestamp>,
}

/// How all syncs stand.
#[derive(Debug, Default)]
pub(crate) struct Standings {
    memory: Mutex<HashMap<SyncName, Held>>,
    /// The version of each standing that is stored. Held while one is read from the store or stored.
    stored: tokio::sync::Mutex<HashMap<SyncName, u64>>,
}

/// A run of a sync, for as long as this lives.
pub(crate) struct UnderWay<'a> {
    core: &'a Core,
    sync: &'a SyncName,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.core.with_held(self.sync, |held| held.run = None);
    }
}

impl Core {
    fn with_held<T>(&self, sync: &SyncName, with: impl FnOnce(&mut Held) -> T) -> T {
        let mut memory = self.standings.memory.lock().expect("no panic while held");
        with(memory.entry(sync.clone()).or_default())
    }

    fn standing<T>(&self, sync: &SyncName, of: impl FnOnce(&Standing) -> T) -> T {
        self.with_held(sync, |held| of(&held.standing))
    }

    /// Reads how the syncs in force stand, as far as that was not read before.
    pub(crate) async fn recall_all(&self) -> Result<(), Error> {
        let syncs: Vec<SyncName> = self
            .rules
            .read()
            .expect("no panic while held")
            .keys()
            .cloned()
            .collect();
        for sync in syncs {
            self.recall(&sync).await?;
        }
        Ok(())
    }

    async fn recall(&self, sync: &SyncName) -> Result<(), Error> {
        if self.with_held(sync, |held| held.recalled) {
            return Ok(());
        }
        let _alone = self.standings.stored.lock().await;
        if self.with_held(sync, |held| held.recalled) {
            return Ok(());
        }
        let stored = self.store.sync_state(&self.workspace, sync).await?;
        let restored = restored::last(&*self.store, &self.workspace).await?;
        let standing: Option<Standing> =
            stored
                .map(serde_json::from_value)
                .transpose()
                .map_err(|error| store::Error::Corrupt {
                    what: "state of a sync",
                    why: format!("{sync}: {error}"),
                })?;
        self.with_held(sync, |held| {
            held.standing = standing.unwrap_or_default();
            held.recalled = true;
            if !held.standing.started {
                // its first run lists and matches everything anyway
                held.standing.rematched = restored;
            } else if restored.is_some() && restored != held.standing.rematched {
                held.rematching = restored;
                held.standing.listed = false;
            }
        });
        Ok(())
    }

    /// Changes how a sync stands, in memory; [`save`](Self::save) stores it.
    fn change<T>(&self, sync: &SyncName, change: impl FnOnce(&mut Standing) -> T) -> T {
        self.with_held(sync, |held| {
            held.version += 1;
            change(&mut held.standing)
        })
    }

    /// Stores how a sync stands, unless somebody else who stored it meanwhile did so for us.
    async fn save(&self, sync: &SyncName) -> Result<(), Error> {
        let changed = self.with_held(sync, |held| held.version);
        let mut stored = self.standings.stored.lock().await;
        if stored.get(sync).is_none_or(|version| *version < changed) {
            let (version, standing) =
                self.with_held(sync, |held| (held.version, held.standing.clone()));
            self.store_standing(sync, &standing).await?;
            stored.insert(sync.clone(), version);
        }
        drop(stored);
        self.wake();
        Ok(())
    }

    /// Changes how a sync stands once that is stored: what cannot be remembered is not done.
    async fn save_then_change(
        &self,
        sync: &SyncName,
        change: impl Fn(&mut Standing),
    ) -> Result<(), Error> {
        self.recall(sync).await?;
        let stored = self.standings.stored.lock().await;
        let mut next = self.standing(sync, Clone::clone);
        change(&mut next);
        self.store_standing(sync, &next).await?;
        // What was changed in memory meanwhile is stored by whoever changed it.
        self.change(sync, change);
        drop(stored);
        self.wake();
        Ok(())
    }

    async fn store_standing(&self, sync: &SyncName, standing: &Standing) -> Result<(), Error> {
        let standing = serde_json::to_value(Standing {
            v: 1,
            ..standing.clone()
        })
        .map_err(|error| store::Error::Corrupt {
            what: "state of a sync",
            why: error.to_string(),
        })?;
        self.store
            .save_sync_state(&self.workspace, sync, &standing)
            .await?;
        Ok(())
    }

    /// Whether a sync does more than to show what it would do.
    pub(crate) fn is_working(&self, pairing: &Pairing) -> bool {
        pairing.mode != mapping::Mode::Preview && self.is_started(&pairing.sync)
    }

    /// Whether its records may be worked off now.
    pub(crate) fn is_ready(&self, sync: &SyncName) -> bool {
        self.standing(sync, |standing| {
            standing.started && standing.listed && standing.paused.is_none()
        })
    }

    pub(crate) fn is_started(&self, sync: &SyncName) -> bool {
        self.standing(sync, |standing| standing.started)
    }

    pub(crate) fn is_listing(&self, sync: &SyncName) -> bool {
        self.standing(sync, |standing| standing.started && !standing.listed)
    }

    /// Whether records of this kind were not all listed since the sync began.
    pub(crate) fn is_unlisted(&self, pairing: &Pairing) -> bool {
        self.with_held(&pairing.sync, |held| {
            held.standing.started && !held.standing.listed && !held.listed.contains(&pairing.entity)
        })
    }

    /// The kinds of which the first listing lacks a right, with what was said. All others are worked with.
    pub(crate) fn unlisted(&self, sync: &SyncName) -> BTreeMap<Entity, String> {
        self.with_held(sync, |held| {
            let why = |(entity, (why, _)): (&Entity, &(String, _))| (*entity, why.clone());
            held.unlisted.iter().map(why).collect()
        })
    }

    /// Whether a kind was refused a moment ago for want of a right.
    pub(crate) fn waits_for_a_right(&self, pairing: &Pairing) -> bool {
        let now = self.clock.now();
        self.with_held(&pairing.sync, |held| {
            held.unlisted
                .get(&pairing.entity)
                .is_some_and(|(_, again)| now < *again)
        })
    }

    pub(crate) fn note_unlisted(&self, pairing: &Pairing, why: &Error) {
        let again = self.clock.now().saturating_add(LACKING);
        let noted = (why.to_string(), again.unwrap_or(Timestamp::MAX));
        self.with_held(&pairing.sync, |held| {
            held.unlisted.insert(pairing.entity, noted)
        });
    }

    /// Whether both sides of an entity are just listed by a full run.
    pub(crate) fn is_relisting(&self, pairing: &Pairing) -> bool {
        self.with_held(&pairing.sync, |held| {
            held.relisting.contains(&pairing.entity)
        })
    }

    pub(crate) fn note_relisting(&self, pairing: &Pairing, under_way: bool) {
        self.with_held(&pairing.sync, |held| {
            if under_way {
                held.relisting.insert(pairing.entity);
            } else {
                held.relisting.remove(&pairing.entity);
            }
        });
    }

    pub(crate) fn paused(&self, sync: &SyncName) -> Option<String> {
        self.standing(sync, |standing| standing.paused.clone())
    }

    /// Whether it stands still because it would change more than its limit.
    pub(crate) fn is_over_limit(&self, sync: &SyncName) -> bool {
        self.standing(sync, |standing| {
            standing.over_limit && standing.paused.is_some()
        })
    }

    /// Why a sync is not worked on, if it is not.
    pub(crate) fn held_back(&self, pairing: &Pairing) -> Option<String> {
        if pairing.mode == mapping::Mode::Preview {
            return Some("this sync only previews".to_owned());
        }
        self.with_held(&pairing.sync, |held| {
            let standing = &held.standing;
            if !standing.started {
                Some("the first run was not started yet".to_owned())
            } else if !standing.listed && !held.listed.contains(&pairing.entity) {
                Some("the first listing is not complete".to_owned())
            } else {
                standing.paused.as_ref().map(|why| format!("{PAUSED}{why}"))
            }
        })
    }

    pub(crate) fn run_of(&self, sync: &SyncName) -> Option<RunId> {
        self.with_held(sync, |held| held.run)
    }

    /// A run begins, unless another one of the sync is under way. It ends with what is given back, also
    /// when whoever asked for it does not wait for its end.
    pub(crate) fn begin_run<'a>(&'a self, sync: &'a SyncName, run: RunId) -> Option<UnderWay<'a>> {
        self.with_held(sync, |held| {
            let free = held.run.is_none();
            if free {
                held.run = Some(run);
            }
            free
        })
        .then_some(UnderWay { core: self, sync })
    }

    /// The first full run begins: nothing is worked off before both sides are listed.
    /// Says whether it is the first.
    pub(crate) async fn begin_listing(&self, sync: &SyncName) -> Result<bool, Error> {
        self.recall(sync).await?;
        let rules = news::in_force(self, sync);
        let first = self.standing(sync, |standing| !standing.started || !standing.listed);
        if first {
            self.forget_listed(sync);
            self.change(sync, |standing| {
                standing.started = true;
                standing.listed = false;
                standing.known = Some(rules);
            });
            self.save(sync).await?;
        }
        Ok(first)
    }

    /// Both sides are listed as far as one entity goes: it is worked off while the next one is listed. What comes
    /// first names nothing that comes later.
    pub(crate) async fn end_listing_of(&self, pairing: &Pairing) -> Result<(), Error> {
        let sync = &pairing.sync;
        if !self.is_listing(sync) {
            return Ok(());
        }
        if !self.is_rematching(sync) {
            self.change(sync, |standing| standing.let_pass = Some(self.clock.now()));
            self.save(sync).await?;
        }
        self.with_held(sync, |held| {
            held.listed.insert(pairing.entity);
            held.unlisted.remove(&pairing.entity);
        });
        self.wake();
        Ok(())
    }

    /// Both sides are listed. What the first listing found is what a person was shown before they
    /// started it.
    pub(crate) async fn end_listing(&self, sync: &SyncName) -> Result<(), Error> {
        if !self.is_listing(sync) {
            return Ok(());
        }
        // After a restore nobody was shown what will be found.
        let shown = !self.is_rematching(sync);
        let listed = |standing: &mut Standing| {
            standing.listed = true;
            if shown {
                standing.let_pass = Some(self.clock.now());
            }
        };
        self.change(sync, listed);
        // What other syncs of a connection worked off meanwhile was not put off for this one. Marked
        // after they were told to, so that what they are at right now stays dirty; and stored after
        // that, so that whoever is stopped here lists again.
        for pairing in self.all_pairings() {
            for side in Side::BOTH {
                let connection = &pairing.end(side).connection;
                if pairing.sync == *sync && self.is_hub(connection, pairing.entity) {
                    news::mark_side(
                        self,
                        &pairing,
                        side,
                        Lane::Backfill,
                        store::SignalSource::Sweep,
                    )
                    .await?;
                }
            }
        }
        self.change(sync, listed);
        self.forget_listed(sync);
        self.save(sync).await
    }

    fn forget_listed(&self, sync: &SyncName) {
        self.with_held(sync, |held| {
            held.listed.clear();
            held.unlisted.clear();
        });
    }

    /// Whether everything of a sync has to be matched anew, because the database was restored.
    pub(crate) fn is_rematching(&self, sync: &SyncName) -> bool {
        self.with_held(sync, |held| {
            held.rematching.is_some() && held.standing.started
        })
    }

    /// Everything was matched anew: what was put off is done now, within the limits of the sync.
    pub(crate) async fn end_rematching(&self, sync: &SyncName) -> Result<(), Error> {
        let Some(restored) = self.with_held(sync, |held| held.rematching) else {
            return Ok(());
        };
        self.save_then_change(sync, |standing| standing.rematched = Some(restored))
            .await?;
        self.with_held(sync, |held| held.rematching = None);
        tracing::info!(%sync, "everything was matched anew after the restore");
        self.hurry(sync, |error| error == restored::PUT_OFF).await?;
        self.wake();
        Ok(())
    }

    /// The rules that all records of a sync were looked at under.
    pub(crate) fn known_rules(&self, sync: &SyncName) -> Option<BTreeMap<String, String>> {
        self.standing(sync, |standing| standing.known.clone())
    }

    /// All records of a sync were marked to be looked at under these rules.
    pub(crate) async fn save_known_rules(
        &self,
        sync: &SyncName,
        rules: BTreeMap<String, String>,
    ) -> Result<(), Error> {
        self.recall(sync).await?;
        self.change(sync, |standing| standing.known = Some(rules));
        self.save(sync).await
    }

    /// The pilot that a sync is in.
    pub(crate) fn pilot(&self, sync: &SyncName) -> Option<Pilot> {
        self.standing(sync, |standing| standing.pilot.clone())
    }

    /// Puts a sync into a pilot, or another one.
    pub(crate) async fn set_pilot(&self, sync: &SyncName, pilot: &Pilot) -> Result<(), Error> {
        self.save_then_change(sync, |standing| standing.pilot = Some(pilot.clone()))
            .await
    }

    /// A pilot has its records, which a person asked for: they do not count towards limits.
    pub(crate) async fn let_pilot_pass(&self, sync: &SyncName, at: Timestamp) -> Result<(), Error> {
        self.save_then_change(sync, |standing| standing.let_pass = Some(at))
            .await
    }

    /// A pilot ends: as at the very first run, everything is looked at.
    pub(crate) async fn end_pilot(&self, sync: &SyncName) -> Result<(), Error> {
        self.save_then_change(sync, |standing| {
            standing.pilot = None;
            standing.listed = false;
        })
        .await
    }

    /// Counts `number` more changes towards a limit, if they stay within it. When this returns, that
    /// is durable. Says how many there would be if not.
    pub(crate) async fn count_changes(
        &self,
        sync: &SyncName,
        what: (Entity, Kind),
        number: usize,
        limit: &Limit,
        all: usize,
    ) -> Result<Result<(), usize>, Error> {
        let now = self.clock.now();
        let taken = self.change(sync, |standing| {
            breaker::take(&mut standing.counted, what, number, limit, all, now)
        });
        if taken.is_ok() {
            self.save(sync).await?;
        }
        Ok(taken)
    }

    /// How many changes there would be with `number` more, if they would pass the limit.
    pub(crate) fn count_ahead(
        &self,
        sync: &SyncName,
        what: (Entity, Kind),
        number: usize,
        limit: &Limit,
        all: usize,
    ) -> Option<usize> {
        let now = self.clock.now();
        self.standing(sync, |standing| {
            breaker::ahead(&standing.counted, what, number, limit, all, now)
        })
    }

    /// One that was counted did not happen. Stored with the next that is counted.
    pub(crate) fn give_back_change(&self, sync: &SyncName, what: (Entity, Kind)) {
        self.change(sync, |standing| {
            breaker::give_back(&mut standing.counted, what);
        });
    }

    /// Whether a change was waiting already when a person was shown what waits, or let it pass.
    pub(crate) fn may_pass(&self, sync: &SyncName, first_signalled: Timestamp) -> bool {
        self.standing(sync, |standing| {
            standing.let_pass.is_some_and(|at| first_signalled <= at)
        })
    }

    /// Stops a sync until it is resumed.
    pub(crate) async fn pause(&self, sync: &SyncName, why: &str) -> Result<(), Error> {
        self.save_then_change(sync, |standing| standing.paused = Some(why.to_owned()))
            .await
    }

    /// Stops a sync because it would change more than its limit.
    pub(crate) async fn stop(&self, sync: &SyncName, why: &str) -> Result<(), Error> {
        // It stands still even if that cannot be stored.
        self.change(sync, |standing| {
            standing.over_limit = true;
            standing.paused = Some(why.to_owned());
        });
        self.save(sync).await
    }

    /// Lets a sync go on. If it was stopped at a limit, what waits now may pass, and what comes later
    /// is counted anew.
    pub(crate) async fn resume(&self, sync: &SyncName) -> Result<(), Error> {
        let now = self.clock.now();
        self.save_then_change(sync, |standing| {
            if standing.over_limit {
                standing.counted.clear();
                standing.let_pass = Some(now);
            }
            standing.paused = None;
            standing.over_limit = false;
        })
        .await?;
        self.hurry(sync, |error| {
            error.starts_with(PAUSED) || breaker::is_stopped(error)
        })
        .await?;
        self.wake();
        Ok(())
    }

    /// What was put off for such a reason is due now.
    async fn hurry(&self, sync: &SyncName, reason: impl Fn(&str) -> bool) -> Result<(), Error> {
        const HURRIED: usize = 10_000_000;
        let now = self.clock.now();
        let mut signals = Vec::new();
        for pairing in self.all_pairings() {
            if pairing.sync != *sync {
                continue;
            }
            for side in Side::BOTH {
                let connection = &pairing.end(side).connection;
                let failing = self
                    .store
                    .failing(&self.workspace, Some(connection), None, HURRIED)
                    .await?;
                signals.extend(failing.into_iter().filter(|(_, error)| reason(error)).map(
                    |(claim, _)| store::Signal {
                        connection: claim.connection,
                        entity: claim.entity,
                        record: claim.record,
                        lane: claim.lane,
                        source: store::SignalSource::Person,
                        not_older_than: None,
                        due: now,
                        cause: claim.cause,
                    },
                ));
            }
        }
        self.store.signal(&self.workspace, &signals).await?;
        Ok(())
    }

    /// A sync that goes on needs no answer to why it was stopped.
    pub(crate) async fn withdraw_limit_questions(&self, sync: &SyncName) -> Result<(), Error> {
        let mut commit = Commit::default();
        commit.withdrawn.extend(Kind::ALL.map(|kind| Question {
            sync: sync.clone(),
            entity: None,
            kind: ReviewKind::MassChange,
            subject: resolve::mass_change_subject(sync, kind),
        }));
        self.commit(commit).await
    }

    /// How many links a sync has, counted at most every few seconds.
    pub(crate) async fn link_count(&self, sync: &SyncName) -> Result<usize, Error> {
        let now = self.clock.now();
        let known = self.with_held(sync, |held| held.links);
        if let Some((at, links)) = known
            && at
                .saturating_add(Duration::from_secs(10))
                .is_ok_and(|until| until > now)
        {
            return Ok(links);
        }
        let overview = self.store.overview(&self.workspace).await?;
        let links = overview
            .links
            .get(sync.as_str())
            .and_then(|links| usize::try_from(*links).ok())
            .unwrap_or(0);
        self.with_held(sync, |held| held.links = Some((now, links)));
        Ok(links)
    }
}
