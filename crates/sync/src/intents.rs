//! Creates whose outcome is not known: wait out the provider's lag, look twice, adopt only what is
//! proven ours, and ask where proof is missing.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Fetched, IdentityKey, KeyKind};
use jiff::Timestamp;
use record::{Read, RecordId, Side};
use store::{
    Claim, Commit, Effect, Intent, IntentEnd, Lane, NewJournalEntry, Question, ReviewKind, Signal,
    SignalSource,
};

use crate::{
    Error, children,
    create::{Made, created_row, newborn},
    engine::Core,
    identify,
    pair::Pairing,
    poll,
    reconcile::Desk,
    references, resolve,
    witness::{self, Proof, Sight},
};

/// So many looks, each after the lag, prove that nothing was made.
const LOOKS: u32 = 2;

/// So many times the lag after a create is sent, who was made is shown: vendors say "a few seconds" of a lag and mean it
/// as a rule.
const LAGS: u32 = 3;

/// So many creates of one record that came to nothing, each after waiting, end in a question.
const UNMADE: u32 = 4;

/// So long it is waited that somebody who is linked is found beside it: they may have other addresses by now, all of them.
const UNSEEN: std::time::Duration = std::time::Duration::from_secs(120);

/// A made record may carry a stamp this much before the intent: clocks differ.
const CLOCK_DIFFERENCE: std::time::Duration = std::time::Duration::from_secs(120);

/// Looks for the outcome of creates that are due. Says how many were settled or moved on.
pub(crate) async fn look(core: &Core, pairing: &Pairing, limit: usize) -> Result<usize, Error> {
    let due = core
        .store
        .intents_due(&core.workspace, &pairing.sync, core.clock.now(), limit)
        .await?;
    let count = due.len();
    for intent in due {
        if intent.entity != pairing.entity {
            continue;
        }
        one(core, pairing, intent).await?;
    }
    Ok(count)
}

async fn one(core: &Core, pairing: &Pairing, intent: Intent) -> Result<(), Error> {
    let origin = intent.target.other();
    let mut desk = Desk::new(core, pairing, origin, Lane::Reconcile);
    let mut keys: BTreeSet<String> = intent
        .keys
        .iter()
        .map(|key| format!("key/{}/{}", key.kind, key.value))
        .collect();
    keys.insert(desk.lock_key(origin, &intent.source));
    keys.extend(children::locks(&desk, &[&intent.source_fields]).await?);
    let _guard = core.locks.acquire(keys).await;
    let linked = desk
        .links_of(origin, std::slice::from_ref(&intent.source))
        .await?;
    if !linked.is_empty() {
        return close(core, intent, None).await;
    }
    let found = match found(&desk, &intent).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(sync = %pairing.sync, %error, "the outcome of a create could not be looked up");
            let later = core
                .clock
                .now()
                .saturating_add(core.options.backoff(intent.looks + 1))
                .unwrap_or(intent.look_after);
            let mut commit = Commit::default();
            commit
                .intents
                .push((intent.id, IntentEnd::Postponed(later)));
            return core.commit(commit).await;
        }
    };
    let ours: Vec<&Read> = found
        .iter()
        .filter(|read| is_ours(pairing, &intent, read))
        .collect();
    // Its siblings are found with it: only what has its content says anything.
    let like: Vec<&Read> = found
        .iter()
        .filter(|read| pairing.compiled.parent().is_none() || has_content(pairing, &intent, read))
        .collect();
    let can_be_found = intent.keys.iter().any(|key| identity_key(key).is_some());
    match ours.as_slice() {
        [read] => adopt(&mut desk, &intent, read).await,
        // Nothing says when it was made. Had it stood there before, it would have been matched: it is the one, however it came.
        [] if like.len() == 1 && pairing.compiled.parent().is_some() => {
            adopt(&mut desk, &intent, like[0]).await
        }
        [] if !like.is_empty() && pairing.compiled.parent().is_some() => {
            let ids: Vec<RecordId> = like.iter().map(|read| read.record.id.clone()).collect();
            ask(core, pairing, intent, &ids).await
        }
        [] if !like.is_empty() => {
            // Somebody with these keys is there, but not proven ours: matching decides.
            close(core, intent, Some("others carry its keys")).await
        }
        // Not found proves nothing where nothing can be searched by.
        [] if !can_be_found => ask(core, pairing, intent, &[]).await,
        [] if intent.looks + 1 < LOOKS || core.clock.now() < provable(pairing, &intent) => {
            let lag = pairing.end(intent.target).description.search_lag;
            let later = core
                .clock
                .now()
                .saturating_add(lag)
                .and_then(|at| at.saturating_add(std::time::Duration::from_secs(1)))
                .map_or(intent.look_after, |at| at.max(provable(pairing, &intent)));
            let mut commit = Commit::default();
            commit
                .intents
                .push((intent.id, IntentEnd::LookAfter(later)));
            core.commit(commit).await
        }
        [] => not_made(core, pairing, intent).await,
        several => {
            let ids: Vec<RecordId> = several.iter().map(|read| read.record.id.clone()).collect();
            ask(core, pairing, intent, &ids).await
        }
    }
}

/// From when on who is not found was not made. Who looks right after a start would look too early: what an earlier
/// process sent may still be under way, and is shown by a search only later.
fn provable(pairing: &Pairing, intent: &Intent) -> Timestamp {
    let lag = pairing.end(intent.target).description.search_lag;
    let at = intent.opened.saturating_add(lag * LAGS);
    at.unwrap_or(intent.opened)
}

/// What is found, if what is not found is not there.
async fn found(desk: &Desk<'_>, intent: &Intent) -> Result<Vec<Read>, Error> {
    let (found, proof) = find(desk, intent).await?;
    if !found.is_empty() || proof == Proof::Shown {
        return Ok(found);
    }
    let hides = witness::sight(desk, intent.target, None, &intent.cause).await? == Sight::Hides;
    let is_young = desk
        .core
        .clock
        .now()
        .duration_since(intent.opened)
        .unsigned_abs()
        < UNSEEN;
    if hides || (proof == Proof::Missing && is_young) {
        return Err(Error::NotReady {
            sync: intent.sync.to_string(),
            why: "the system showed none of the records that are linked there, as if a right to read them was lost"
                .to_owned(),
        });
    }
    Ok(found)
}

/// Unlinked records of the target that carry one of the intent's keys, read fresh, and how far it is believed that there
/// are no others.
async fn find(desk: &Desk<'_>, intent: &Intent) -> Result<(Vec<Read>, Proof), Error> {
    let target = intent.target;
    let end = desk.pairing.end(target);
    let wanted: Vec<IdentityKey> = intent.keys.iter().filter_map(identity_key).collect();
    if wanted.is_empty() {
        // The system cannot be asked for it. What it lists as changed may show it to the next look.
        poll::poll(desk.core, desk.pairing, target).await?;
    }
    let mut ids: BTreeSet<RecordId> = desk
        .core
        .store
        .candidates(
            &desk.core.workspace,
            &end.connection,
            intent.entity,
            &intent.keys,
        )
        .await?
        .into_iter()
        .map(|(_, id)| id)
        .collect();
    let mut proof = Proof::None;
    let mut found_now = BTreeSet::new();
    if !wanted.is_empty() {
        let found = witness::find(desk, target, &wanted, None, &intent.cause).await?;
        proof = found.proof;
        found_now.extend(found.reads.into_iter().map(|read| read.record.id));
        ids.extend(found_now.iter().cloned());
    }
    let ids: Vec<RecordId> = ids.into_iter().collect();
    let linked = desk.links_of(target, &ids).await?;
    let ids: Vec<RecordId> = ids
        .into_iter()
        .filter(|id| !linked.contains_key(id))
        .collect();
    let mut reads = Vec::new();
    for fetched in desk.fetch(target, &ids, &intent.cause).await?.into_values() {
        match fetched {
            Fetched::Found(read) => reads.push(*read),
            // It was there a moment ago.
            Fetched::Gone(id) if found_now.contains(&id) && proof == Proof::Shown => {
                proof = Proof::Missing;
            }
            Fetched::Gone(_) => {}
            Fetched::Failed(_, error) => return Err(error.into()),
        }
    }
    if desk.pairing.compiled.parent().is_some() {
        // Before it is made once more it is looked for among these: see `children`.
        let commit = Commit {
            snapshots: reads
                .iter()
                .map(|read| identify::snapshot(desk.core, desk.pairing, target, read))
                .collect(),
            ..Commit::default()
        };
        desk.core.commit(commit).await?;
    }
    Ok((reads, proof))
}

/// A key as connectors take it.
pub(crate) fn identity_key(key: &store::Key) -> Option<IdentityKey> {
    let kind = match key.kind.as_str() {
        "email" => KeyKind::Email,
        "phone" => KeyKind::Phone,
        "name" => KeyKind::Name,
        children::KEY => KeyKind::Parent,
        _ => return None,
    };
    Some(IdentityKey {
        kind,
        value: key.value.clone(),
    })
}

/// Whether a record is what this intent made: it keeps the id of what it was made from, or it has the exact
/// content and was made inside the window.
pub(crate) fn is_ours(pairing: &Pairing, intent: &Intent, read: &Read) -> bool {
    let in_window = read.created.is_some_and(|created| {
        created
            .saturating_add(CLOCK_DIFFERENCE)
            .is_ok_and(|at| at >= intent.opened)
    });
    let marked = pairing
        .compiled
        .keep_id(intent.target)
        .is_some_and(|field| {
            let mark = intent.draft.get(field.as_str());
            mark.value().is_some() && read.record.fields.get(field.as_str()) == mark
        });
    if marked {
        return true;
    }
    in_window && has_content(pairing, intent, read)
}

/// Whether a record holds what this intent sent.
fn has_content(pairing: &Pairing, intent: &Intent, read: &Read) -> bool {
    pairing.compiled.mappings().iter().all(|mapping| {
        let sent = mapping.read(intent.target, &whole(mapping, intent));
        mapping.accepted(
            intent.target,
            &sent,
            &mapping.read(intent.target, &read.record.fields),
        )
    })
}

/// What a mapping's fields were to hold: those that were not sent are empty.
fn whole(mapping: &mapping::CompiledMapping, intent: &Intent) -> record::Fields {
    mapping
        .fields(intent.target)
        .iter()
        .map(|name| {
            let field = match intent.draft.get(name.as_str()) {
                record::Field::Unknown => record::Field::Empty,
                known => known.clone(),
            };
            (name.clone(), field)
        })
        .collect()
}

async fn adopt(desk: &mut Desk<'_>, intent: &Intent, read: &Read) -> Result<(), Error> {
    let now = desk.core.clock.now();
    let source = Read {
        record: record::Record {
            id: intent.source.clone(),
            fields: intent.source_fields.clone(),
        },
        freshness: record::Freshness::PossiblyStale,
        completeness: record::Completeness::Partial,
        as_of: intent.opened,
        modified: None,
        created: None,
        unclear: BTreeMap::new(),
    };
    let known = references::known(
        desk.core,
        desk.pairing,
        &[
            (intent.target.other(), &source.record.fields),
            (intent.target, &read.record.fields),
        ],
    )
    .await?;
    let made = Made {
        draft: &intent.draft,
        refused: &[],
        later: &[],
        id: read.record.id.clone(),
        read: Some(read),
    };
    let born = newborn(&known, intent, &source, made, now);
    let mut commit = Commit::default();
    commit.intents.push((intent.id, IntentEnd::Closed));
    commit.withdrawn.push(question(intent));
    let row = created_row(
        desk.pairing,
        &born.link,
        intent.target,
        &intent.cause,
        desk.run,
        now,
    );
    commit.journal.push(NewJournalEntry {
        note: Some("its answer was lost; found by exact content".to_owned()),
        effect: Effect::Created,
        ..row
    });
    for side in Side::BOTH {
        // The source may have been edited meanwhile: both are looked at again.
        commit.signals.push(signal(
            desk.pairing,
            side,
            born.link.record(side),
            intent,
            now,
        ));
    }
    commit
        .snapshots
        .push(desk.linked_snapshot(intent.target, read));
    commit.meters.insert(
        format!("{}:created_{}", desk.pairing.sync, intent.target),
        1,
    );
    if let Some(run) = desk.run {
        commit.run = Some((
            run,
            BTreeMap::from([(format!("created_{}", intent.target), 1)]),
        ));
    }
    commit.links.push(born.link);
    desk.core.commit(commit).await
}

fn signal(
    pairing: &Pairing,
    side: Side,
    record: &RecordId,
    intent: &Intent,
    now: jiff::Timestamp,
) -> Signal {
    Signal {
        connection: pairing.end(side).connection.clone(),
        entity: pairing.entity,
        record: record.clone(),
        lane: Lane::Reconcile,
        source: SignalSource::Link,
        not_older_than: None,
        due: now,
        cause: Some(intent.cause.clone()),
    }
}

/// Nothing was made, so it is tried again, later each time. Trouble that never ends may be this record's
/// own (a vendor that breaks on what it should refuse), so after some times a person is asked.
async fn not_made(core: &Core, pairing: &Pairing, intent: Intent) -> Result<(), Error> {
    let times = core.note_unmade(&intent.sync, &intent.source);
    if times < UNMADE {
        let wait = match times {
            1 => std::time::Duration::ZERO,
            more => core.options.backoff(more),
        };
        return close_and_wait(core, intent, Some("proven not made"), wait).await;
    }
    let mut commit = Commit::default();
    commit.intents.push((intent.id, IntentEnd::Closed));
    commit.withdrawn.push(question(&intent));
    commit.reviews.push(resolve::refused_create_review(
        pairing,
        intent.target.other(),
        &intent.source,
        &format!("{times} creates came to nothing, each without a reason"),
        core.clock.now(),
    ));
    core.commit(commit).await
}

/// Ends the intent; with a reason, the source is looked at again.
async fn close(core: &Core, intent: Intent, again: Option<&str>) -> Result<(), Error> {
    close_and_wait(core, intent, again, std::time::Duration::ZERO).await
}

/// The same, and the source is looked at again after so long.
async fn close_and_wait(
    core: &Core,
    intent: Intent,
    again: Option<&str>,
    wait: std::time::Duration,
) -> Result<(), Error> {
    let mut commit = Commit::default();
    commit.intents.push((intent.id, IntentEnd::Closed));
    commit.withdrawn.push(question(&intent));
    if let Some(why) = again {
        tracing::info!(sync = %intent.sync, record = %intent.source, why, "a create without an answer is settled");
        let pairings = core.pairings_of_sync(&intent.sync, intent.entity);
        if let Some(pairing) = pairings {
            commit.signals.push(signal(
                &pairing,
                intent.target.other(),
                &intent.source,
                &intent,
                core.clock
                    .now()
                    .saturating_add(wait)
                    .unwrap_or(Timestamp::MAX),
            ));
        }
    }
    core.commit(commit).await?;
    core.wake();
    Ok(())
}

/// The question about an intent, which has no object any more when it is settled.
fn question(intent: &Intent) -> Question {
    Question {
        sync: intent.sync.clone(),
        entity: Some(intent.entity),
        kind: ReviewKind::UnprovenCreate,
        subject: resolve::unproven_subject(intent),
    }
}

async fn ask(
    core: &Core,
    pairing: &Pairing,
    intent: Intent,
    candidates: &[RecordId],
) -> Result<(), Error> {
    let mut commit = Commit::default();
    commit.intents.push((intent.id, IntentEnd::Asked));
    commit.reviews.push(resolve::unproven_review(
        pairing,
        &intent,
        candidates,
        core.clock.now(),
    ));
    core.commit(commit).await
}

/// A claim for work that no signal asked for, such as a decided review.
pub(crate) fn claim_for(
    connection: &store::ConnectionName,
    entity: record::Entity,
    record: &RecordId,
    source: SignalSource,
    now: jiff::Timestamp,
) -> Claim {
    Claim {
        connection: connection.clone(),
        entity,
        record: record.clone(),
        generation: 0,
        lane: Lane::Live,
        sources: vec![source],
        not_older_than: None,
        first_signalled: now,
        last_signalled: now,
        attempts: 0,
        cause: None,
    }
}
