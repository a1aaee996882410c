//! Questions for a person: how each is put, and what each answer does.

mod lossy;

mod question;

pub(crate) use question::{
    Unclear, circle_review, circle_subject, conflict_review, deleted_review, lossy_review,
    mass_change_review, mass_change_subject, names, rebind_review, refused_create_review,
    shrunken_review, shrunken_subject, unclear_create_review, unclear_subject, unproven_review,
    unproven_subject, waiting, who_is,
};

use std::collections::BTreeSet;

use record::{Field, RecordId, Side};
use serde_json::Value as Json;
use store::{
    Cause, Commit, Effect, Link, LinkId, LinkState, NewJournalEntry, Pair, PairDecision, Review,
    ReviewFilter, ReviewId, ReviewKind, ReviewState, Signal, SignalSource, Tombstone,
};
use uuid::Uuid;

use crate::{
    Error,
    decide::{Override, Overrides},
    engine::Core,
    gone,
    intents::claim_for,
    news,
    pair::Pairing,
    reconcile::{ClaimEnd, Desk},
    restored,
};

/// Carries out an answer.
pub(crate) async fn resolve(
    core: &Core,
    id: ReviewId,
    answer: &str,
    value: Option<&str>,
) -> Result<Review, Error> {
    let review = core
        .store
        .review(&core.workspace, id)
        .await?
        .filter(|review| matches!(review.state, ReviewState::Open | ReviewState::Postponed))
        .ok_or_else(|| Error::NoReview(id.to_string()))?;
    let offered: Vec<&str> = review.details["choices"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|choice| choice["key"].as_str())
        .collect();
    if !offered.contains(&answer) {
        return Err(Error::NoChoice {
            review: id.to_string(),
            choice: answer.to_owned(),
            offered: offered.join(", "),
        });
    }
    let pairing = core
        .pairings_of_sync(&review.sync, review.entity)
        .ok_or_else(|| Error::NotReady {
            sync: review.sync.to_string(),
            why: "its accounts could not be read yet".to_owned(),
        })?;
    let mut commit = Commit::default();
    let state = if answer == "postpone" {
        ReviewState::Postponed
    } else {
        carry_out(core, &pairing, &review, (answer, value), &mut commit).await?;
        ReviewState::Decided
    };
    commit
        .closed_reviews
        .push((review.id, state, Some(answer.to_owned())));
    core.commit(commit).await?;
    core.wake();
    core.store
        .review(&core.workspace, id)
        .await?
        .ok_or_else(|| Error::NoReview(id.to_string()))
}

async fn carry_out(
    core: &Core,
    pairing: &Pairing,
    review: &Review,
    (answer, value): (&str, Option<&str>),
    commit: &mut Commit,
) -> Result<(), Error> {
    match (review.kind, answer.split_once(':')) {
        (ReviewKind::Lossy, _) if answer == "edit" => {
            lossy::edit(core, pairing, review, value).await
        }
        (ReviewKind::Lossy, _) => {
            let said = lossy::answer(review, answer)?;
            settle_field(core, pairing, review, answer, said).await
        }
        (ReviewKind::Conflict, _) => settle_conflict(core, pairing, review, answer).await,
        (ReviewKind::Ambiguous | ReviewKind::UnprovenCreate, Some(("link", candidate))) => {
            link_by_hand(core, pairing, review, &RecordId::from(candidate), commit).await
        }
        (ReviewKind::Ambiguous, Some(("only", candidate))) => {
            let candidate = RecordId::from(candidate);
            leave_doubles(core, pairing, review, &candidate, commit);
            link_by_hand(core, pairing, review, &candidate, commit).await
        }
        (ReviewKind::Ambiguous, Some(("instead", rival))) => {
            link_rival(core, pairing, review, &RecordId::from(rival), commit)
        }
        (ReviewKind::Ambiguous, _) => keep_apart(core, pairing, review, commit).await,
        (ReviewKind::Rebind, Some(("rebind", heir))) => {
            rebind(core, pairing, review, &RecordId::from(heir), commit).await
        }
        (ReviewKind::Deleted | ReviewKind::Rebind, _) => {
            after_delete(core, pairing, review, answer, commit).await
        }
        (ReviewKind::UnprovenCreate, _) => unproven(core, pairing, review, answer, commit),
        (ReviewKind::Refused, _) => {
            if answer == "retry" {
                signal_subject(core, pairing, review, commit);
            }
            Ok(())
        }
        (ReviewKind::MassChange, _) if review.details["kind"] == "listing" => {
            let side = side_in(&review.details["side"]);
            let (lane, source) = (store::Lane::Reconcile, SignalSource::Person);
            news::mark_side(core, pairing, side, lane, source).await
        }
        (ReviewKind::MassChange, _) => {
            if answer == "continue" {
                core.resume(&review.sync).await?;
            }
            Ok(())
        }
        (ReviewKind::Circle, _) => {
            if answer == "resume" {
                let link = link_of(core, review).await?;
                for side in Side::BOTH {
                    commit
                        .signals
                        .push(person_signal(core, pairing, side, link.record(side)));
                    if let Some(mapping) = review.details["mapping"].as_str() {
                        commit.unblocked.push((link.id, mapping.to_owned(), side));
                    }
                }
            }
            Ok(())
        }
    }
}

async fn settle_conflict(
    core: &Core,
    pairing: &Pairing,
    review: &Review,
    answer: &str,
) -> Result<(), Error> {
    let side = if answer == "left" {
        Side::Left
    } else {
        Side::Right
    };
    let said = (text_in(review, "mapping")?, Override::From(side));
    settle_field(core, pairing, review, answer, said).await
}

/// What a question about a field says of it under this name.
fn text_in<'a>(review: &'a Review, name: &str) -> Result<&'a str, Error> {
    let text = review.details[name].as_str();
    text.ok_or_else(|| Error::NotReady {
        sync: review.sync.to_string(),
        why: format!(
            "the question {} does not say `{name}`: it was stored by another version, or not by Tandem",
            review.id
        ),
    })
}

/// Decides about one field of a pair as a person said.
async fn settle_field(
    core: &Core,
    pairing: &Pairing,
    review: &Review,
    answer: &str,
    (mapping, said): (&str, Override),
) -> Result<(), Error> {
    let link = link_of(core, review).await?;
    let mut desk = Desk::new(core, pairing, Side::Left, store::Lane::Live);
    let _guard = core
        .locks
        .acquire(desk.lock_keys(&link).into_iter().collect())
        .await;
    // As it is now that nobody else works on it.
    let link = link_of(core, review).await?;
    let claim = claim_for(
        &pairing.end(Side::Left).connection,
        pairing.entity,
        &link.left,
        SignalSource::Person,
        core.clock.now(),
    );
    let record = link.left.clone();
    desk.pairs(
        vec![(claim, link)],
        &Overrides::from([(mapping.to_owned(), said)]),
    )
    .await?;
    let end = desk.ends.remove(&record);
    let mut left_behind = desk.finish();
    // It is decided, not withdrawn.
    left_behind
        .withdrawn
        .retain(|own| own.kind != review.kind || own.subject != review.subject);
    let open = match end {
        Some(ClaimEnd::Again { error, .. }) => Some(error),
        Some(ClaimEnd::Later { why, .. }) => Some(Some(why)),
        Some(ClaimEnd::Settled) | None => {
            // Another value was there meanwhile, and the question is about that one now.
            let anew = left_behind
                .reviews
                .iter()
                .any(|own| own.kind == review.kind && own.subject == review.subject);
            anew.then_some(None)
        }
    };
    if let Some(error) = open {
        // What was written is stored all the same.
        core.commit(left_behind).await?;
        return Err(Error::NotReady {
            sync: pairing.sync.to_string(),
            why: error.unwrap_or_else(|| "the records changed meanwhile; look again".to_owned()),
        });
    }
    // With its outcome, while the records are still locked.
    left_behind
        .closed_reviews
        .push((review.id, ReviewState::Decided, Some(answer.to_owned())));
    core.commit(left_behind).await
}

/// The link that a question is about.
pub(crate) async fn link_of(core: &Core, review: &Review) -> Result<Link, Error> {
    let id = review
        .subject
        .split(':')
        .next()
        .and_then(|text| text.parse::<LinkId>().ok());
    let link = match id {
        Some(id) => core.store.link(&core.workspace, id).await?,
        None => None,
    };
    link.ok_or_else(|| Error::NoReview(review.id.to_string()))
}

/// The side and the record that a review about one unlinked record names.
pub(crate) fn subject_of(review: &Review) -> Option<(Side, RecordId)> {
    review.details["side"].as_str()?;
    let side = side_in(&review.details["side"]);
    Some((side, RecordId::from(review.details["record"].as_str()?)))
}

fn side_in(stored: &Json) -> Side {
    if stored.as_str() == Some("left") {
        Side::Left
    } else {
        Side::Right
    }
}

pub(crate) fn person_signal(
    core: &Core,
    pairing: &Pairing,
    side: Side,
    record: &RecordId,
) -> Signal {
    Signal {
        connection: pairing.end(side).connection.clone(),
        entity: pairing.entity,
        record: record.clone(),
        lane: store::Lane::Live,
        source: SignalSource::Person,
        not_older_than: None,
        due: core.clock.now(),
        cause: None,
    }
}

fn signal_subject(core: &Core, pairing: &Pairing, review: &Review, commit: &mut Commit) {
    if let Some((side, record)) = subject_of(review) {
        commit
            .signals
            .push(person_signal(core, pairing, side, &record));
    }
}

/// Links two records because a person said so; both are aligned by the next look.
async fn link_by_hand(
    core: &Core,
    pairing: &Pairing,
    review: &Review,
    candidate: &RecordId,
    commit: &mut Commit,
) -> Result<(), Error> {
    let Some((side, record)) = subject_of(review) else {
        return Err(Error::NoReview(review.id.to_string()));
    };
    let (left, right) = match side {
        Side::Left => (record, candidate.clone()),
        Side::Right => (candidate.clone(), record),
    };
    let link = new_link(core, pairing, left, right, "by a person");
    add_link(core, pairing, review, link, commit);
    // Questions about the others of this side name a record that is taken now: they are put anew.
    for rival in listed(review, "rivals") {
        commit
            .signals
            .push(person_signal(core, pairing, side, &rival));
    }
    Ok(())
}

/// Leaves the other records of the person alone. It is remembered as a decision about each and can be forgotten like one.
fn leave_doubles(
    core: &Core,
    pairing: &Pairing,
    review: &Review,
    candidate: &RecordId,
    commit: &mut Commit,
) {
    let Some((side, record)) = subject_of(review) else {
        return;
    };
    let own = listed(review, "rivals").into_iter();
    let own = own.map(|double| (side, double, candidate.clone()));
    let sure = review.details["sure"].as_array().into_iter().flatten();
    let others = sure
        .filter_map(|id| id.as_str().map(RecordId::from))
        .filter(|double| double != candidate)
        .map(|double| (side.other(), double, record.clone()));
    for (side, double, of) in own.chain(others) {
        let (left, right) = match side {
            Side::Left => (double.clone(), of.clone()),
            Side::Right => (of.clone(), double.clone()),
        };
        let pair = Pair { left, right };
        let (sync, entity) = (pairing.sync.clone(), pairing.entity);
        let decision = (sync.clone(), entity, pair, PairDecision::KeepApart);
        commit.decisions.push(decision);
        commit.withdrawn.push(who_is(pairing, side, &double));
        commit.tombstones.push(Tombstone {
            sync,
            entity,
            side,
            record: double,
            why: "the same person again, left alone by a person".to_owned(),
            at: core.clock.now(),
        });
    }
}

/// Links the other record of one person with the only candidate; who is left is looked at again.
fn link_rival(
    core: &Core,
    pairing: &Pairing,
    review: &Review,
    rival: &RecordId,
    commit: &mut Commit,
) -> Result<(), Error> {
    let candidates = listed(review, "candidates");
    let (Some((side, record)), [candidate]) = (subject_of(review), &candidates[..]) else {
        return Err(Error::NoReview(review.id.to_string()));
    };
    let (left, right) = match side {
        Side::Left => (rival.clone(), candidate.clone()),
        Side::Right => (candidate.clone(), rival.clone()),
    };
    let link = new_link(core, pairing, left, right, "by a person");
    add_link(core, pairing, review, link, commit);
    commit
        .signals
        .push(person_signal(core, pairing, side, &record));
    Ok(())
}

/// The records that a question lists.
pub(crate) fn listed(review: &Review, key: &str) -> Vec<RecordId> {
    review.details[key]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|row| row["id"].as_str().map(RecordId::from))
        .collect()
}

/// A link without a base: the next look aligns it.
pub(crate) fn new_link(
    core: &Core,
    pairing: &Pairing,
    left: RecordId,
    right: RecordId,
    how: &str,
) -> Link {
    let now = core.clock.now();
    Link {
        id: LinkId(Uuid::now_v7()),
        sync: pairing.sync.clone(),
        entity: pairing.entity,
        left,
        right,
        state: LinkState::Active,
        how: how.to_owned(),
        base_left: record::Fields::new(),
        base_right: record::Fields::new(),
        revisions: std::collections::BTreeMap::new(),
        seen_left: now,
        seen_right: now,
        wrote_left: None,
        wrote_right: None,
        stamp_left: None,
        stamp_right: None,
        created: now,
        underway: Vec::new(),
    }
}

fn add_link(core: &Core, pairing: &Pairing, review: &Review, link: Link, commit: &mut Commit) {
    let now = core.clock.now();
    commit.decisions.push((
        pairing.sync.clone(),
        pairing.entity,
        Pair {
            left: link.left.clone(),
            right: link.right.clone(),
        },
        PairDecision::Link,
    ));
    for side in Side::BOTH {
        commit.lifted.push((
            pairing.sync.clone(),
            pairing.entity,
            side,
            link.record(side).clone(),
        ));
        commit
            .signals
            .push(person_signal(core, pairing, side, link.record(side)));
    }
    if let Some(intent) = review.details["intent"]
        .as_str()
        .and_then(|id| id.parse().ok())
    {
        commit.intents.push((intent, store::IntentEnd::Closed));
    }
    commit.journal.push(linked_row(pairing, &link, now, None));
    commit.links.push(link);
}

/// The journal row of a new link.
pub(crate) fn linked_row(
    pairing: &Pairing,
    link: &Link,
    now: jiff::Timestamp,
    cause: Option<Cause>,
) -> NewJournalEntry {
    NewJournalEntry {
        at: now,
        effect: Effect::Linked,
        connection: pairing.end(Side::Left).connection.clone(),
        entity: pairing.entity,
        record: link.left.clone(),
        field: None,
        before: Field::Unknown,
        after: Field::Unknown,
        sync: Some(pairing.sync.clone()),
        link: Some(link.id),
        rule: "match".to_owned(),
        cause: cause.unwrap_or_else(|| Cause {
            trace: Uuid::now_v7(),
            source: SignalSource::Person,
            origin: None,
            passed: Vec::new(),
        }),
        run: None,
        note: Some(format!(
            "with {} {}: {}",
            pairing.end(Side::Right).connection,
            link.right,
            link.how
        )),
    }
}

async fn keep_apart(
    core: &Core,
    pairing: &Pairing,
    review: &Review,
    commit: &mut Commit,
) -> Result<(), Error> {
    let Some((side, record)) = subject_of(review) else {
        return Ok(());
    };
    // Apart from a record of the same side means apart from its counterpart, too.
    let counterparts = core
        .store
        .links_of(
            &core.workspace,
            &pairing.sync,
            pairing.entity,
            side,
            &listed(review, "rivals"),
        )
        .await?
        .into_iter()
        .map(|link| link.record(side.other()).clone());
    let candidates: BTreeSet<RecordId> = listed(review, "candidates")
        .into_iter()
        .chain(counterparts)
        .collect();
    for candidate in candidates {
        if pairing.compiled.parent().is_some() {
            // The same was asked from the other side: it is looked at anew, without this one.
            let other = side.other();
            commit.withdrawn.push(who_is(pairing, other, &candidate));
            let again = person_signal(core, pairing, other, &candidate);
            commit.signals.push(again);
        }
        let (left, right) = match side {
            Side::Left => (record.clone(), candidate),
            Side::Right => (candidate, record.clone()),
        };
        commit.decisions.push((
            pairing.sync.clone(),
            pairing.entity,
            Pair { left, right },
            PairDecision::KeepApart,
        ));
    }
    signal_subject(core, pairing, review, commit);
    Ok(())
}

fn unproven(
    core: &Core,
    pairing: &Pairing,
    review: &Review,
    answer: &str,
    commit: &mut Commit,
) -> Result<(), Error> {
    let intent = review.details["intent"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| Error::NoReview(review.id.to_string()))?;
    commit.intents.push((intent, store::IntentEnd::Closed));
    if answer == "retry" {
        signal_subject(core, pairing, review, commit);
    } else if let Some((side, record)) = subject_of(review) {
        commit.tombstones.push(Tombstone {
            sync: pairing.sync.clone(),
            entity: pairing.entity,
            side,
            record,
            why: "left without a counterpart by a person".to_owned(),
            at: core.clock.now(),
        });
    }
    Ok(())
}

fn gone_side(review: &Review) -> Side {
    side_in(&review.details["gone"])
}

async fn rebind(
    core: &Core,
    pairing: &Pairing,
    review: &Review,
    heir: &RecordId,
    commit: &mut Commit,
) -> Result<(), Error> {
    let gone = gone_side(review);
    let old = link_of(core, review).await?;
    commit.ended.push(old.id);
    let survivor = old.record(gone.other()).clone();
    let (left, right) = match gone {
        Side::Left => (heir.clone(), survivor),
        Side::Right => (survivor, heir.clone()),
    };
    let link = new_link(core, pairing, left, right, "rebound by a person");
    add_link(core, pairing, review, link, commit);
    Ok(())
}

async fn after_delete(
    core: &Core,
    pairing: &Pairing,
    review: &Review,
    answer: &str,
    commit: &mut Commit,
) -> Result<(), Error> {
    let gone = gone_side(review);
    let other = gone.other();
    let survivor = match other {
        Side::Left => review.left.clone(),
        Side::Right => review.right.clone(),
    }
    .ok_or_else(|| Error::NoReview(review.id.to_string()))?;
    let vanished = match gone {
        Side::Left => review.left.clone(),
        Side::Right => review.right.clone(),
    };
    if review.kind == ReviewKind::Rebind {
        let link = link_of(core, review).await?;
        commit.ended.push(link.id);
        for (side, record) in [(other, Some(survivor.clone())), (gone, vanished)] {
            if let Some(record) = record {
                commit.tombstones.push(Tombstone {
                    sync: pairing.sync.clone(),
                    entity: pairing.entity,
                    side,
                    record,
                    why: "its counterpart was merged or deleted".to_owned(),
                    at: core.clock.now(),
                });
            }
        }
    }
    match answer {
        "recreate" => {
            commit.lifted.push((
                pairing.sync.clone(),
                pairing.entity,
                other,
                survivor.clone(),
            ));
            commit
                .signals
                .push(person_signal(core, pairing, other, &survivor));
            Ok(())
        }
        "remove" => remove_by_hand(core, pairing, other, &survivor, commit).await,
        _ => Ok(()),
    }
}

async fn remove_by_hand(
    core: &Core,
    pairing: &Pairing,
    side: Side,
    record: &RecordId,
    commit: &mut Commit,
) -> Result<(), Error> {
    if core.is_rematching(&pairing.sync) {
        return Err(Error::NotReady {
            sync: pairing.sync.to_string(),
            why: restored::PUT_OFF.to_owned(),
        });
    }
    let desk = Desk::new(core, pairing, side, store::Lane::Live);
    let cause = Cause {
        trace: Uuid::now_v7(),
        source: SignalSource::Person,
        origin: None,
        passed: Vec::new(),
    };
    let ids = [record.clone()];
    if gone::is_archived(&desk, side, &ids, &cause).await? {
        return Ok(());
    }
    let read = desk.fetch(side, &ids, &cause).await?.remove(record);
    if let Some(connector::Fetched::Found(read)) = read {
        let held: Vec<NewJournalEntry> = read
            .record
            .fields
            .iter()
            .filter(|(_, field)| field.value().is_some())
            .map(|(name, field)| NewJournalEntry {
                at: core.clock.now(),
                effect: Effect::Removed,
                connection: pairing.end(side).connection.clone(),
                entity: pairing.entity,
                record: record.clone(),
                field: Some(name.clone()),
                before: field.clone(),
                after: Field::Unknown,
                sync: Some(pairing.sync.clone()),
                link: None,
                rule: "by a person".to_owned(),
                cause: cause.clone(),
                run: None,
                note: None,
            })
            .collect();
        core.keep_before_removal(&held).await?;
        commit.journal.extend(held);
    }
    let calls = desk.calls(side, &cause)?;
    let outcome = pairing
        .end(side)
        .connector
        .remove(&*calls, pairing.entity, &ids)
        .await
        .into_iter()
        .next();
    match outcome {
        Some(connector::RemoveOutcome::Done | connector::RemoveOutcome::Gone) => {
            if pairing.end(side).description.deletes == connector::Deletes::Delete {
                let connection = pairing.end(side).connection.clone();
                if core.is_hub(&connection, pairing.entity) {
                    // No listing misses it any more: other syncs of its connection that hold it are told.
                    let look = person_signal(core, pairing, side, record);
                    commit.signals.push(look);
                }
                commit
                    .gone
                    .push((connection, pairing.entity, record.clone()));
            }
            Ok(())
        }
        Some(connector::RemoveOutcome::Refused(refusal)) => Err(Error::NotReady {
            sync: pairing.sync.to_string(),
            why: refusal.to_string(),
        }),
        Some(connector::RemoveOutcome::Failed(error)) => Err(error.into()),
        Some(connector::RemoveOutcome::Unknown { why }) => Err(Error::NotReady {
            sync: pairing.sync.to_string(),
            why,
        }),
        None => Err(Error::NotReady {
            sync: pairing.sync.to_string(),
            why: "the connector gave no outcome".to_owned(),
        }),
    }
}

/// Lists reviews.
pub(crate) async fn list(core: &Core, filter: &ReviewFilter) -> Result<Vec<Review>, Error> {
    Ok(core.store.reviews(&core.workspace, filter).await?)
}
