//! Questions for a person: how each is put, and what each answer does.

use std::collections::BTreeSet;

use record::{Field, Read, RecordId, Side};
use serde_json::{Value as Json, json};
use store::{
    Cause, Claim, Commit, Effect, Intent, Link, LinkId, LinkState, NewJournalEntry, Pair,
    PairDecision, Review, ReviewFilter, ReviewId, ReviewKind, ReviewState, Signal, SignalSource,
    SyncName, Tombstone,
};
use uuid::Uuid;

use crate::{
    Error, breaker,
    decide::{Conflict, Override, Overrides, has_base},
    engine::Core,
    gone,
    intents::claim_for,
    news,
    pair::Pairing,
    reconcile::{ClaimEnd, Desk},
};

/// One answer that a review offers.
fn choice(key: impl Into<String>, does: impl Into<String>) -> Json {
    json!({"key": key.into(), "does": does.into()})
}

fn postpone() -> Json {
    choice("postpone", "asks again when something changes")
}

fn review(
    pairing: &Pairing,
    kind: ReviewKind,
    subject: String,
    records: (Option<RecordId>, Option<RecordId>),
    summary: String,
    details: Json,
    now: jiff::Timestamp,
) -> Review {
    Review {
        id: ReviewId(Uuid::now_v7()),
        sync: pairing.sync.clone(),
        entity: pairing.entity,
        kind,
        subject,
        left: records.0,
        right: records.1,
        summary,
        details,
        state: ReviewState::Open,
        choice: None,
        opened: now,
        decided: None,
    }
}

fn by_side(
    side: Side,
    on_side: RecordId,
    on_other: Option<RecordId>,
) -> (Option<RecordId>, Option<RecordId>) {
    match side {
        Side::Left => (Some(on_side), on_other),
        Side::Right => (on_other, Some(on_side)),
    }
}

/// Both sides changed one field differently.
pub(crate) fn conflict_review(
    pairing: &Pairing,
    link: &Link,
    conflict: &Conflict,
    reads: &[Read; 2],
    now: jiff::Timestamp,
) -> Review {
    let mapping = &pairing.compiled.mappings()[conflict.mapping];
    let value = |side: Side, fields: &record::Fields| -> Json { json!(mapping.raw(side, fields)) };
    let has_base = has_base(link, mapping);
    let details = json!({
        "v": 1,
        "mapping": mapping.id(),
        "reason": conflict.reason,
        "left": value(Side::Left, &reads[0].record.fields),
        "right": value(Side::Right, &reads[1].record.fields),
        "base": has_base.then(|| json!({
            "left": value(Side::Left, &link.base_left),
            "right": value(Side::Right, &link.base_right),
        })),
        "choices": [
            choice("left", format!("the value of {} goes to {}", pairing.end(Side::Left).connection, pairing.end(Side::Right).connection)),
            choice("right", format!("the value of {} goes to {}", pairing.end(Side::Right).connection, pairing.end(Side::Left).connection)),
            postpone(),
        ],
    });
    review(
        pairing,
        ReviewKind::Conflict,
        format!("{}:{}", link.id, mapping.id()),
        (Some(link.left.clone()), Some(link.right.clone())),
        format!(
            "{} of a linked {}: {}",
            mapping.id(),
            pairing.entity,
            conflict.reason
        ),
        details,
        now,
    )
}

/// More than one record could be the match, or the match is linked already.
pub(crate) fn ambiguous_review(
    pairing: &Pairing,
    side: Side,
    record: &RecordId,
    candidates: &[(RecordId, String)],
    rivals: &[(RecordId, String)],
    why: &str,
    now: jiff::Timestamp,
) -> Review {
    let other = side.other();
    let mut choices: Vec<Json> = candidates
        .iter()
        .map(|(id, _)| {
            choice(
                format!("link:{id}"),
                format!("links it with {} {id}", pairing.end(other).connection),
            )
        })
        .collect();
    choices.push(choice(
        "apart",
        "keeps them apart for good, and creates a counterpart if the sync may",
    ));
    choices.push(postpone());
    let listed = |rows: &[(RecordId, String)]| -> Json {
        rows.iter()
            .map(|(id, why)| json!({"id": id, "why": why}))
            .collect()
    };
    let details = json!({
        "v": 1,
        "side": side,
        "record": record,
        "why": why,
        "candidates": listed(candidates),
        "rivals": listed(rivals),
        "choices": choices,
    });
    review(
        pairing,
        ReviewKind::Ambiguous,
        format!("{side}:{record}"),
        by_side(
            side,
            record.clone(),
            candidates.first().map(|(id, _)| id.clone()),
        ),
        format!(
            "{} {record} could be {} of {}: {why}",
            pairing.end(side).connection,
            match candidates.len() {
                1 => "one record".to_owned(),
                number => format!("{number} records"),
            },
            pairing.end(other).connection,
        ),
        details,
        now,
    )
}

/// A record vanished and its keys live on elsewhere on that side.
pub(crate) fn rebind_review(
    pairing: &Pairing,
    link: &Link,
    gone: Side,
    heirs: &[(RecordId, String)],
    now: jiff::Timestamp,
) -> Review {
    let mut choices: Vec<Json> = heirs
        .iter()
        .map(|(id, _)| {
            choice(
                format!("rebind:{id}"),
                format!("links the remaining record with {id} instead (only if {id} has no link of its own)"),
            )
        })
        .collect();
    choices.push(choice(
        "leave",
        "ends the link and leaves the remaining record alone",
    ));
    if pairing.may_write(gone.other()) {
        choices.push(choice(
            "remove",
            "ends the link and removes the remaining record",
        ));
    }
    choices.push(postpone());
    let details = json!({
        "v": 1,
        "gone": gone,
        "heirs": heirs.iter().map(|(id, why)| json!({"id": id, "why": why})).collect::<Vec<_>>(),
        "choices": choices,
    });
    review(
        pairing,
        ReviewKind::Rebind,
        link.id.to_string(),
        (Some(link.left.clone()), Some(link.right.clone())),
        format!(
            "{} {} is gone, and its keys live on in {} (merged or made anew?)",
            pairing.end(gone).connection,
            link.record(gone),
            heirs
                .iter()
                .map(|(id, _)| id.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        ),
        details,
        now,
    )
}

/// A record was deleted on one side.
pub(crate) fn deleted_review(
    pairing: &Pairing,
    link: &Link,
    gone: Side,
    why: &str,
    now: jiff::Timestamp,
) -> Review {
    let other = gone.other();
    let mut choices = vec![choice("leave", "leaves the remaining record alone")];
    if pairing.may_create(gone) {
        choices.push(choice(
            "recreate",
            format!("makes it anew in {}", pairing.end(gone).connection),
        ));
    }
    if pairing.may_write(other)
        && pairing.end(other).description.deletes != connector::Deletes::Never
    {
        choices.push(choice(
            "remove",
            format!("removes it from {} too", pairing.end(other).connection),
        ));
    }
    choices.push(postpone());
    review(
        pairing,
        ReviewKind::Deleted,
        link.id.to_string(),
        (Some(link.left.clone()), Some(link.right.clone())),
        format!(
            "{} {} was deleted; {} {} remains: {why}",
            pairing.end(gone).connection,
            link.record(gone),
            pairing.end(other).connection,
            link.record(other)
        ),
        json!({"v": 1, "gone": gone, "why": why, "choices": choices}),
        now,
    )
}

/// A create ended without an answer and could not be proven.
pub(crate) fn unproven_review(
    pairing: &Pairing,
    intent: &Intent,
    candidates: &[RecordId],
    now: jiff::Timestamp,
) -> Review {
    let mut choices: Vec<Json> = candidates
        .iter()
        .map(|id| choice(format!("link:{id}"), format!("it was made: it is {id}")))
        .collect();
    choices.push(choice("retry", "it was not made: creates it again"));
    choices.push(choice("leave", "leaves it as it is"));
    choices.push(postpone());
    let origin = intent.target.other();
    review(
        pairing,
        ReviewKind::UnprovenCreate,
        unproven_subject(intent),
        by_side(origin, intent.source.clone(), candidates.first().cloned()),
        format!(
            "whether {} {} was made in {} could not be found out",
            pairing.end(origin).connection,
            intent.source,
            pairing.end(intent.target).connection
        ),
        json!({
            "v": 1,
            "side": origin,
            "record": intent.source,
            "intent": intent.id,
            "candidates": candidates,
            "choices": choices,
        }),
        now,
    )
}

/// What names the question about an intent.
pub(crate) fn unproven_subject(intent: &Intent) -> String {
    format!("{}:{}", intent.target.other(), intent.source)
}

/// A create was refused for good.
pub(crate) fn refused_create_review(
    pairing: &Pairing,
    side: Side,
    record: &RecordId,
    reason: &str,
    now: jiff::Timestamp,
) -> Review {
    review(
        pairing,
        ReviewKind::Refused,
        format!("{side}:{record}"),
        by_side(side, record.clone(), None),
        format!(
            "{} refuses a counterpart of {} {record}: {reason}",
            pairing.end(side.other()).connection,
            pairing.end(side).connection
        ),
        json!({
            "v": 1,
            "side": side,
            "record": record,
            "reason": reason,
            "choices": [
                choice("retry", "tries again"),
                choice("leave", "leaves it without a counterpart"),
                postpone(),
            ],
        }),
        now,
    )
}

/// What the review about too many changes of one kind is about.
pub(crate) fn mass_change_subject(sync: &SyncName, kind: breaker::Kind) -> String {
    format!("{sync}:{}", kind.word())
}

/// More changes than the limit.
pub(crate) fn mass_change_review(
    pairing: &Pairing,
    kind: breaker::Kind,
    why: &str,
    now: jiff::Timestamp,
) -> Review {
    review(
        pairing,
        ReviewKind::MassChange,
        mass_change_subject(&pairing.sync, kind),
        (None, None),
        format!("the sync is stopped: {why}"),
        json!({
            "v": 1,
            "kind": kind.word(),
            "why": why,
            "choices": [
                choice("continue", "goes on with what waits, and counts anew"),
                choice("leave", "stays stopped until it is resumed"),
            ],
        }),
        now,
    )
}

/// What the review about a listing that shows too little is about.
pub(crate) fn shrunken_subject(pairing: &Pairing, side: Side) -> String {
    format!(
        "{}:listed:{}:{}",
        pairing.sync,
        pairing.end(side).connection,
        pairing.entity
    )
}

/// A listing shows much less than what is known. Nothing follows from it before a person says so.
pub(crate) fn shrunken_review(
    pairing: &Pairing,
    side: Side,
    listed: u64,
    known: u64,
    now: jiff::Timestamp,
) -> Review {
    let connection = &pairing.end(side).connection;
    review(
        pairing,
        ReviewKind::MassChange,
        shrunken_subject(pairing, side),
        (None, None),
        format!(
            "{connection} listed {listed} of {known} known records: a right was lost, another account answers, or most were deleted; nothing follows from it"
        ),
        json!({
            "v": 1,
            "kind": "listing",
            "side": side,
            "listed": listed,
            "known": known,
            "choices": [
                choice("continue", "they were deleted: reads each of them, and treats those that are gone as deleted"),
                postpone(),
            ],
        }),
        now,
    )
}

/// What the review about a field that travels in a circle is about.
pub(crate) fn circle_subject(link: &Link, mapping: &str) -> String {
    format!("{}:{mapping}", link.id)
}

/// A field travels in a circle.
pub(crate) fn circle_review(
    pairing: &Pairing,
    link: &Link,
    mapping: &str,
    claim: &Claim,
    now: jiff::Timestamp,
) -> Review {
    let passed: Vec<String> = claim
        .cause
        .iter()
        .flat_map(|cause| &cause.passed)
        .map(ToString::to_string)
        .collect();
    review(
        pairing,
        ReviewKind::Circle,
        circle_subject(link, mapping),
        (Some(link.left.clone()), Some(link.right.clone())),
        format!(
            "one edit keeps coming back in {mapping}: two syncs feed each other, or a system rewrites the value; this field rests, the others go on"
        ),
        json!({
            "v": 1,
            "mapping": mapping,
            "passed": passed,
            "choices": [
                choice("resume", "works on this field of the two records again"),
                choice("leave", "leaves this field as it is on both sides until somebody changes it"),
                postpone(),
            ],
        }),
        now,
    )
}

/// Carries out an answer.
pub(crate) async fn resolve(core: &Core, id: ReviewId, answer: &str) -> Result<Review, Error> {
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
        carry_out(core, &pairing, &review, answer, &mut commit).await?;
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
    answer: &str,
    commit: &mut Commit,
) -> Result<(), Error> {
    match (review.kind, answer.split_once(':')) {
        (ReviewKind::Conflict, _) => settle_conflict(core, pairing, review, answer).await,
        (ReviewKind::Ambiguous | ReviewKind::UnprovenCreate, Some(("link", candidate))) => {
            link_by_hand(core, pairing, review, &RecordId::from(candidate), commit).await
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
    let mapping = review.details["mapping"].as_str().unwrap_or_default();
    let side = if answer == "left" {
        Side::Left
    } else {
        Side::Right
    };
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
        &Overrides::from([(mapping.to_owned(), Override::From(side))]),
    )
    .await?;
    let end = desk.ends.remove(&record);
    let mut left_behind = desk.finish();
    // It is decided, not withdrawn.
    left_behind
        .withdrawn
        .retain(|(_, kind, subject)| *kind != review.kind || *subject != review.subject);
    let open = match end {
        Some(ClaimEnd::Again { error, .. }) => Some(error),
        Some(ClaimEnd::Later { why, .. }) => Some(Some(why)),
        Some(ClaimEnd::Settled) | None => None,
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

async fn link_of(core: &Core, review: &Review) -> Result<Link, Error> {
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

fn person_signal(core: &Core, pairing: &Pairing, side: Side, record: &RecordId) -> Signal {
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

/// The records that a question lists.
fn listed(review: &Review, key: &str) -> Vec<RecordId> {
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
