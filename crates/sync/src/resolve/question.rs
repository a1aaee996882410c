//! How each question is put.

use std::collections::BTreeSet;

use record::{Read, RecordId, Side};
use serde_json::{Value as Json, json};
use store::{Claim, Intent, Link, Question, Review, ReviewId, ReviewKind, ReviewState, SyncName};
use uuid::Uuid;

use super::listed;
use crate::{
    breaker,
    decide::{Asked, Conflict, Held, has_base},
    identify::Before,
    pair::Pairing,
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

/// A side can hold a value only in part, or not at all.
pub(crate) fn lossy_review(
    pairing: &Pairing,
    link: &Link,
    held: &Held,
    asked: &Asked,
    reads: &[Read; 2],
    now: jiff::Timestamp,
) -> Review {
    let mapping = &pairing.compiled.mappings()[held.mapping];
    let (side, source) = (held.side, held.side.other());
    let (there, here) = (
        &pairing.end(side).connection,
        &pairing.end(source).connection,
    );
    let raw = |side: Side, fields: &record::Fields| -> Json { json!(mapping.raw(side, fields)) };
    let has_base = has_base(link, mapping);
    let keeps = mapping.shortened(side, &asked.value);
    let mut choices = Vec::new();
    if keeps.is_some() || asked.loss.partial {
        choices.push(choice(
            "shorten",
            format!("writes to {there} what it can hold of the value; {here} keeps all of it"),
        ));
    }
    choices.push(choice(
        "leave",
        format!("leaves {there} as it is, and asks again about another value only"),
    ));
    let edits = edited_field(pairing, mapping, source);
    if let Some(field) = &edits {
        choices.push(choice(
            "edit",
            format!("writes a value of yours to `{field}` of {here}, and to {there} with it"),
        ));
    }
    choices.push(postpone());
    let details = json!({
        "v": 1,
        "mapping": mapping.id(),
        "reason": asked.loss.to_string(),
        "side": side,
        "connection": there,
        "left": raw(Side::Left, &reads[0].record.fields),
        "right": raw(Side::Right, &reads[1].record.fields),
        "base": has_base.then(|| json!({
            "left": raw(Side::Left, &link.base_left),
            "right": raw(Side::Right, &link.base_right),
        })),
        "keeps": keeps,
        "loses": asked.loss.elements,
        "edits": edits,
        "value": format!("{:016x}", held.value_hash),
        "choices": choices,
    });
    review(
        pairing,
        ReviewKind::Lossy,
        lossy_subject(link, mapping.id(), side),
        (Some(link.left.clone()), Some(link.right.clone())),
        format!(
            "{} of a linked {} does not fit into {there}: {}",
            mapping.id(),
            pairing.entity,
            asked.loss
        ),
        details,
        now,
    )
}

/// What the question about a value that a side cannot hold is about.
fn lossy_subject(link: &Link, mapping: &str, side: Side) -> String {
    format!("{}:{mapping}:{side}", link.id)
}

/// The one field of `side` in which a person could give another value, if there is one.
fn edited_field(
    pairing: &Pairing,
    mapping: &mapping::CompiledMapping,
    side: Side,
) -> Option<record::FieldName> {
    let may = pairing.may_write(side) && mapping.writable(side) && !mapping.is_set();
    match mapping.written(side) {
        [field] if may => Some(field.clone()),
        _ => None,
    }
}

/// A record that more than one could be, or whose match is linked already.
pub(crate) struct Unclear<'a> {
    pub(crate) side: Side,
    pub(crate) record: &'a RecordId,
    /// Of the other side, the best first, each with what speaks for it.
    pub(crate) candidates: &'a [(RecordId, String)],
    /// Those of them who surely are the same person.
    pub(crate) sure: &'a BTreeSet<RecordId>,
    /// Of the same side, surely the same person.
    pub(crate) rivals: &'a [(RecordId, String)],
    pub(crate) why: &'a str,
    /// None of them has a link.
    pub(crate) all_free: bool,
}

impl Unclear<'_> {
    /// The question who it is.
    pub(crate) fn review(&self, pairing: &Pairing, now: jiff::Timestamp) -> Review {
        let Self {
            side,
            record,
            candidates,
            sure,
            rivals,
            why,
            all_free,
        } = *self;
        let other = side.other();
        let there = &pairing.end(other).connection;
        let mut choices: Vec<Json> = candidates
            .iter()
            .map(|(id, _)| choice(format!("link:{id}"), format!("links it with {there} {id}")))
            .collect();
        for (id, _) in candidates.iter().filter(|_| all_free) {
            let others = sure.iter().filter(|other| *other != id);
            let own = rivals.iter().map(|(id, _)| id);
            let doubles: Vec<&str> = own.chain(others).map(RecordId::as_str).collect();
            if !doubles.is_empty() {
                choices.push(choice(
                    format!("only:{id}"),
                    format!(
                        "links it with {there} {id} and leaves {}, the same person again, alone",
                        doubles.join(", ")
                    ),
                ));
            }
        }
        if let [(candidate, _)] = candidates
            && all_free
        {
            choices.extend(rivals.iter().map(|(rival, _)| {
                choice(
                    format!("instead:{rival}"),
                    format!("links {rival}, the other record of this person, with {there} {candidate}, and asks about {record} again"),
                )
            }));
        }
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
            "connection": pairing.end(side).connection,
            "record": record,
            "why": why,
            "candidates": listed(candidates),
            "sure": sure,
            "rivals": listed(rivals),
            "choices": choices,
        });
        review(
            pairing,
            ReviewKind::Ambiguous,
            unclear_subject(side, record),
            by_side(
                side,
                record.clone(),
                candidates.first().map(|(id, _)| id.clone()),
            ),
            format!(
                "{} {record} could be {}: {why}",
                pairing.end(side).connection,
                match candidates {
                    [] => format!("a record of {there}"),
                    [(id, _)] => format!("{there} {id}"),
                    [(one, _), (two, _)] => format!("{there} {one} or {two}"),
                    [(one, _), (two, _), more @ ..] => {
                        format!("{there} {one}, {two} or {} more", more.len())
                    }
                },
            ),
            details,
            now,
        )
    }
}

/// What the question about who a record is is about.
pub(crate) fn unclear_subject(side: Side, record: &RecordId) -> String {
    format!("{side}:{record}")
}

/// What names the question who a record is.
pub(crate) fn who_is(pairing: &Pairing, side: Side, record: &RecordId) -> Question {
    Question {
        sync: pairing.sync.clone(),
        entity: Some(pairing.entity),
        kind: ReviewKind::Ambiguous,
        subject: unclear_subject(side, record),
    }
}

/// A question that is put once the one about another record is closed.
pub(crate) fn waiting(pairing: &Pairing, mut review: Review, before: &Before) -> Review {
    let Before { side, record, .. } = before;
    let connection = &pairing.end(*side).connection;
    review.summary = format!(
        "{}; waits for the answer about {connection} {record}, which may be the same",
        review.summary
    );
    review.details["waits_for"] = json!({"connection": connection, "record": record});
    review.waiting_for(&unclear_subject(*side, record))
}

/// Whether a question names this record, beside the one that it is about.
pub(crate) fn names(review: &Review, record: &RecordId) -> bool {
    ["candidates", "rivals"]
        .into_iter()
        .any(|key| listed(review, key).contains(record))
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
    let title = format!(
        "{} refuses a counterpart of {} {record}: {reason}",
        pairing.end(side.other()).connection,
        pairing.end(side).connection
    );
    not_made_review(pairing, side, record, title, reason, now)
}

/// A record of which something cannot be read that its counterpart would need to say.
pub(crate) fn unclear_create_review(
    pairing: &Pairing,
    side: Side,
    record: &RecordId,
    reason: &str,
    now: jiff::Timestamp,
) -> Review {
    let title = format!(
        "no counterpart of {} {record} is made in {}: {reason}",
        pairing.end(side).connection,
        pairing.end(side.other()).connection
    );
    not_made_review(pairing, side, record, title, reason, now)
}

fn not_made_review(
    pairing: &Pairing,
    side: Side,
    record: &RecordId,
    title: String,
    reason: &str,
    now: jiff::Timestamp,
) -> Review {
    review(
        pairing,
        ReviewKind::Refused,
        format!("{side}:{record}"),
        by_side(side, record.clone(), None),
        title,
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
