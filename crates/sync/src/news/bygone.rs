//! What was asked and listed under rules that are not in force any more: nobody can answer it, and nothing would
//! ever take it back.

use std::collections::{BTreeMap, BTreeSet};

use record::{Entity, Side};
use store::{
    BlockedFilter, Commit, Lane, Review, ReviewFilter, ReviewKind, ReviewState, Signal,
    SignalSource, SyncName,
};

use crate::{Error, blocked, decide::KEEP_ID, engine::Core, resolve};

/// Rows that are taken back in one commit.
const SLICE: usize = 1_000;

/// Of one sync: what its rules said when they were looked at last, and what they say now.
pub(super) struct Change<'a> {
    pub(super) sync: &'a SyncName,
    pub(super) before: Option<&'a BTreeMap<String, String>>,
    pub(super) now: &'a BTreeMap<String, String>,
}

impl Change<'_> {
    /// Whether a rule that was known says something else now.
    fn is_changed(&self, key: &str) -> bool {
        let before = self.before.and_then(|before| before.get(key));
        before.is_some_and(|before| self.now.get(key).is_some_and(|now| now != before))
    }

    /// Whether a mapping says something else or is gone.
    fn is_less(&self) -> bool {
        let mut before = self.before.into_iter().flatten();
        before.any(|(key, rule)| !is_policy(key) && self.now.get(key) != Some(rule))
    }

    /// Whether something is looked at otherwise than before.
    pub(super) fn says_more(&self) -> bool {
        let Some(before) = self.before else {
            return true;
        };
        let mut now = self.now.iter().filter(|(key, _)| !is_policy(key));
        now.any(|(key, rule)| before.get(key) != Some(rule))
    }
}

/// The key that a mapping's revision has among the rules of its sync.
pub(super) fn revision_key(entity: Entity, mapping: &str) -> String {
    format!("{entity}/{mapping}")
}

/// The key of what decides about a mapping. It changes nothing of what is known, only who wins.
pub(super) fn policy_key(entity: Entity, mapping: &str) -> String {
    format!("{POLICY}{entity}/{mapping}")
}

/// Whether a rule says only who wins.
pub(super) fn is_policy(key: &str) -> bool {
    key.starts_with(POLICY)
}

const POLICY: &str = "policy ";

/// The mappings of a sync as they are configured, whether or not its accounts have their fields now.
struct Configured(BTreeSet<(Entity, String)>);

impl Configured {
    fn of(core: &Core, sync: &SyncName) -> Result<Self, Error> {
        let rules = core.rules_of(sync)?;
        let mut mappings = BTreeSet::new();
        for (entity, rules) in &rules.entities {
            mappings.extend(rules.fields.iter().map(|mapping| (*entity, mapping.id())));
            if !rules.keep_id.is_empty() {
                mappings.insert((*entity, KEEP_ID.to_owned()));
            }
        }
        Ok(Self(mappings))
    }

    fn has(&self, entity: Entity, mapping: &str) -> bool {
        self.0.contains(&(entity, mapping.to_owned()))
    }
}

/// Takes back what waits for an answer, or for another value, in mappings that are no longer configured, and has
/// conflicts looked at again where something else decides them now.
pub(super) async fn take_back(core: &Core, change: &Change<'_>) -> Result<(), Error> {
    let configured = Configured::of(core, change.sync)?;
    let mut commit = Commit::default();
    let mut gone = Vec::new();
    blocked::each(core, change.sync, &BlockedFilter::default(), |row| {
        if !configured.has(row.entity, &row.blocked.mapping) {
            gone.push((row.blocked.link, row.blocked.mapping, row.blocked.side));
        }
    })
    .await?;
    for review in asked(core, Some(change.sync), None).await? {
        let Some(mapping) = review.details["mapping"].as_str() else {
            continue;
        };
        if !configured.has(review.entity, mapping) {
            close(
                &mut commit,
                &review,
                "its mapping is not in the rules any more",
            );
        } else if review.kind == ReviewKind::Conflict
            && change.is_changed(&policy_key(review.entity, mapping))
        {
            look_again(core, &review, &mut commit).await?;
        }
    }
    let (sync, fields, questions) = (change.sync, gone.len(), commit.closed_reviews.len());
    if fields > 0 || questions > 0 {
        tracing::info!(%sync, fields, questions, "mappings are not in the rules any more: what was open about them is taken back");
    }
    for slice in gone.chunks(SLICE) {
        let lifted = Commit {
            unblocked: slice.to_vec(),
            ..Commit::default()
        };
        core.commit(lifted).await?;
    }
    core.commit(commit).await
}

/// Lifts the rest of fields that travelled in a circle through rules that were changed or taken away: who goes
/// round still is asked about anew.
pub(super) async fn break_circles(core: &Core, changes: &[Change<'_>]) -> Result<(), Error> {
    let mut commit = Commit::default();
    for review in asked(core, None, Some(ReviewKind::Circle)).await? {
        let passed: BTreeSet<SyncName> = review.details["passed"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|sync| sync.as_str().map(SyncName::from))
            .chain([review.sync.clone()])
            .collect();
        let is_open = passed.iter().any(|sync| {
            let taken_away = core.rules_of(sync).is_err();
            taken_away
                || changes
                    .iter()
                    .any(|change| change.sync == sync && change.is_less())
        });
        if is_open && core.rules_of(&review.sync).is_ok() {
            look_again(core, &review, &mut commit).await?;
            close(
                &mut commit,
                &review,
                "the rules that it went round through are others now",
            );
        }
    }
    core.commit(commit).await
}

/// What a person is asked, or put off.
async fn asked(
    core: &Core,
    sync: Option<&SyncName>,
    kind: Option<ReviewKind>,
) -> Result<Vec<Review>, Error> {
    let mut found = Vec::new();
    for state in [ReviewState::Open, ReviewState::Postponed] {
        let filter = ReviewFilter {
            sync: sync.cloned(),
            state: Some(state),
            kind,
            ..ReviewFilter::default()
        };
        found.extend(core.store.reviews(&core.workspace, &filter).await?);
    }
    Ok(found)
}

fn close(commit: &mut Commit, review: &Review, why: &str) {
    let closed = (review.id, ReviewState::Withdrawn, Some(why.to_owned()));
    commit.closed_reviews.push(closed);
}

/// Has both records of a question looked at, and what it lists of them sent again.
async fn look_again(core: &Core, review: &Review, commit: &mut Commit) -> Result<(), Error> {
    let Some(pairing) = core.pairings_of_sync(&review.sync, review.entity) else {
        return Ok(());
    };
    let link = match resolve::link_of(core, review).await {
        Ok(link) => link,
        // It has ended meanwhile, and nothing of it is left to look at.
        Err(Error::NoReview(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    for side in Side::BOTH {
        commit.signals.push(Signal {
            connection: pairing.end(side).connection.clone(),
            entity: pairing.entity,
            record: link.record(side).clone(),
            lane: Lane::Reconcile,
            source: SignalSource::Person,
            not_older_than: None,
            due: core.clock.now(),
            cause: None,
        });
        if let Some(mapping) = review.details["mapping"].as_str() {
            commit.unblocked.push((link.id, mapping.to_owned(), side));
        }
    }
    Ok(())
}
