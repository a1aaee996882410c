//! Carrying an undo out, pair by pair, on the way of every other write.

use std::collections::BTreeMap;

use connector::{Deletes, Fetched, RemoveOutcome};
use record::Side;
use store::{Cause, Lane, Link, LinkId, LinkState, SignalSource};
use uuid::Uuid;

use super::{
    KeptEffect, UndoReport, UndoneField, UndoneRecord,
    survey::{Found, may_unmake},
};
use crate::{
    Error,
    decide::{Back, Override, Overrides},
    engine::Core,
    gone,
    intents::claim_for,
    pair::{Pairing, index},
    reconcile::{ClaimEnd, Desk},
    restored,
};

/// A person's doing, with a trace of its own.
pub(super) fn cause() -> Cause {
    Cause {
        trace: Uuid::now_v7(),
        source: SignalSource::Person,
        origin: None,
        passed: Vec::new(),
    }
}

pub(super) async fn carry_out(core: &Core, found: Found) -> Result<UndoReport, Error> {
    let mut report = UndoReport {
        kept: found.plan.kept,
        ..UndoReport::default()
    };
    let mut by_link: BTreeMap<LinkId, Vec<(UndoneField, Back)>> = BTreeMap::new();
    for (field, back) in found.plan.fields.into_iter().zip(found.backs) {
        by_link.entry(field.link).or_default().push((field, back));
    }
    for (link, fields) in by_link {
        let (sync, entity) = (&fields[0].0.sync, fields[0].0.entity);
        if let Some(pairing) = core.pairings_of_sync(sync, entity) {
            put_back(core, &pairing, link, fields, &mut report).await?;
        }
    }
    for record in found.plan.records {
        if let Some(pairing) = core.pairings_of_sync(&record.sync, record.entity) {
            unmake(core, &pairing, record, &mut report).await?;
        }
    }
    core.wake();
    Ok(report)
}

/// The link, if it is still at work.
async fn active(core: &Core, link: LinkId) -> Result<Option<Link>, Error> {
    let link = core.store.link(&core.workspace, link).await?;
    Ok(link.filter(|link| link.state == LinkState::Active))
}

async fn put_back(
    core: &Core,
    pairing: &Pairing,
    id: LinkId,
    fields: Vec<(UndoneField, Back)>,
    report: &mut UndoReport,
) -> Result<(), Error> {
    let kept = |field: &UndoneField, why: String| KeptEffect {
        sync: field.sync.clone(),
        connection: pairing.end(Side::Left).connection.clone(),
        entity: field.entity,
        record: field.left.clone(),
        mapping: Some(field.mapping.clone()),
        why,
    };
    let Some(link) = active(core, id).await? else {
        let gone = |(field, _): &(UndoneField, Back)| kept(field, "the link has ended".to_owned());
        report.kept.extend(fields.iter().map(gone));
        return Ok(());
    };
    let mut desk = Desk::new(core, pairing, Side::Left, Lane::Live);
    // A person was shown each of them.
    desk.let_go_on = true;
    let _guard = core
        .locks
        .acquire(desk.lock_keys(&link).into_iter().collect())
        .await;
    let connection = &pairing.end(Side::Left).connection;
    let (source, now) = (SignalSource::Person, core.clock.now());
    let mut claim = claim_for(connection, pairing.entity, &link.left, source, now);
    claim.cause = Some(cause());
    let overrides: Overrides = fields
        .iter()
        .map(|(field, back)| (field.mapping.clone(), Override::Back(back.clone())))
        .collect();
    let record = link.left.clone();
    let Some(link) = active(core, id).await? else {
        return Ok(());
    };
    desk.pairs(vec![(claim, link)], &overrides).await?;
    let end = desk.ends.remove(&record);
    let commit = desk.finish();
    let settled = commit.links.iter().find(|link| link.id == id);
    for (field, back) in &fields {
        let mapping = pairing
            .compiled
            .mappings()
            .iter()
            .find(|mapping| mapping.id() == field.mapping);
        let is_back = settled.zip(mapping).is_some_and(|(link, mapping)| {
            Side::BOTH
                .into_iter()
                .all(|side| mapping.read(side, link.base(side)) == back.values[index(side)])
        });
        if is_back {
            report.fields += 1;
            continue;
        }
        let refused = commit
            .blocked
            .iter()
            .find(|row| row.link == id && row.mapping == field.mapping)
            .map(|row| row.reason.clone());
        let failed = match &end {
            Some(ClaimEnd::Again { error, .. }) => error.clone(),
            Some(ClaimEnd::Later { why, .. }) => Some(why.clone()),
            _ => None,
        };
        let why = refused
            .or(failed)
            .unwrap_or_else(|| "it was changed meanwhile, and that stays".to_owned());
        report.kept.push(kept(field, why));
    }
    core.commit(commit).await
}

async fn unmake(
    core: &Core,
    pairing: &Pairing,
    made: UndoneRecord,
    report: &mut UndoReport,
) -> Result<(), Error> {
    let Some(side) = pairing.side_of(&made.connection) else {
        return Ok(());
    };
    let mut keep = |why: String| {
        report.kept.push(KeptEffect {
            sync: made.sync.clone(),
            connection: made.connection.clone(),
            entity: made.entity,
            record: made.record.clone(),
            mapping: None,
            why,
        });
    };
    if core.is_rematching(&pairing.sync) {
        keep(restored::PUT_OFF.to_owned());
        return Ok(());
    }
    let Some(link) = active(core, made.link).await? else {
        keep("the link has ended".to_owned());
        return Ok(());
    };
    let mut desk = Desk::new(core, pairing, side, Lane::Live);
    let _guard = core
        .locks
        .acquire(desk.lock_keys(&link).into_iter().collect())
        .await;
    let Some(link) = active(core, made.link).await? else {
        keep("the link has ended".to_owned());
        return Ok(());
    };
    let cause = cause();
    let ids = [link.record(side).clone()];
    let sources = [link.record(side.other()).clone()];
    let read = desk.fetch(side, &ids, &cause).await?.remove(&ids[0]);
    let source = desk
        .fetch(side.other(), &sources, &cause)
        .await?
        .remove(&sources[0]);
    let (Some(Fetched::Found(read)), Some(Fetched::Found(source))) = (read, source) else {
        keep("it could not be read, or is not there any more".to_owned());
        return Ok(());
    };
    if let Err(why) = may_unmake(&desk, &link, side, &read) {
        keep(why.to_owned());
        return Ok(());
    }
    let held = gone::what_it_holds(&desk, &link, side, &read, gone::UNMADE.to_owned(), &cause);
    core.keep_before_removal(&held).await?;
    // From here on a record that is not there any more was not deleted by a person.
    desk.tell_of_unmaking(
        &link,
        side,
        store::Effect::Observed,
        "about to be removed",
        &cause,
    )
    .await?;
    let calls = desk.calls_after(side, &cause, read.as_of)?;
    let end = pairing.end(side);
    let outcome = end.connector.remove(&*calls, pairing.entity, &ids).await;
    match outcome.into_iter().next() {
        Some(RemoveOutcome::Done | RemoveOutcome::Gone) => {
            desk.commit.journal.extend(held);
            if end.description.deletes == Deletes::Delete {
                desk.forget_linked(&link, side, &cause);
            }
            gone::end_link(
                &mut desk,
                link,
                side,
                &source,
                &cause,
                "its making was undone",
            );
            let commit = desk.finish();
            core.commit(commit).await?;
            report.records += 1;
        }
        Some(RemoveOutcome::Refused(refusal)) => {
            let why = refusal.to_string();
            desk.tell_of_unmaking(&link, side, store::Effect::Refused, &why, &cause)
                .await?;
            keep(why);
        }
        Some(RemoveOutcome::Failed(error)) => {
            let why = error.to_string();
            desk.tell_of_unmaking(&link, side, store::Effect::Refused, &why, &cause)
                .await?;
            keep(why);
        }
        Some(RemoveOutcome::Unknown { why }) => {
            keep(format!("whether it was removed is not known: {why}"));
        }
        None => keep("the connector gave no outcome".to_owned()),
    }
    Ok(())
}
