//! What must hold after a history, judged from the state of the vendors.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Result, bail};
use record::{Entity, RecordId, Side};
use sandbox::judge::{Agreement, Duplicate};
use store::{ReviewFilter, ReviewState, Store as _, SyncName, Workspace};

use super::known::{is_named, journal};
use crate::{World, members, people};

/// How long after a reading the write that follows from it may take effect: requests are late.
pub(super) const WINDOW_MS: i64 = 5_000;

/// Whether a person made the double no earlier than just before it was made by us.
pub(super) fn is_forestalled(world: &World, duplicate: &Duplicate) -> bool {
    let edits = world.control.core().edits.since(0);
    let made = |id: &str| {
        edits
            .iter()
            .find(|edit| {
                edit.system == duplicate.system
                    && *edit.id == *id
                    && edit.operation == sandbox::Operation::Create
            })
            .map(|edit| (edit.actor, edit.at_ms))
    };
    match (made(&duplicate.of), made(&duplicate.id)) {
        (Some((sandbox::Actor::User, theirs)), Some((_, ours))) => theirs + WINDOW_MS > ours,
        _ => false,
    }
}

/// Each disagreement is a blocked field or a question, each record without a counterpart a question
/// or one that was left alone.
pub(super) async fn explained(
    world: &World,
    sync: &SyncName,
    entity: Entity,
    agreement: &Agreement,
) -> Result<()> {
    let workspace = Workspace::from("default");
    let reviews = world.engine().reviews(&ReviewFilter::default()).await?;
    // A person has said that it stays alone.
    let left_alone: BTreeSet<RecordId> = reviews
        .iter()
        .filter(|review| {
            review.state == ReviewState::Decided
                && matches!(
                    review.kind,
                    store::ReviewKind::Refused | store::ReviewKind::UnprovenCreate
                )
        })
        .flat_map(|review| [review.left.clone(), review.right.clone()])
        .flatten()
        .collect();
    let asked: BTreeSet<RecordId> = reviews
        .into_iter()
        .filter(|review| is_waiting(review.state))
        .flat_map(|review| [review.left, review.right])
        .flatten()
        .collect();
    let is_asked = |id: &str| asked.contains(&RecordId::from(id));
    let links: HashMap<String, store::LinkId> = world
        .store
        .links_after(&workspace, sync, None, 0)
        .await?
        .into_iter()
        .map(|link| (link.left.to_string(), link.id))
        .collect();
    let blocked: BTreeSet<store::LinkId> = world
        .store
        .blocked(&workspace, sync, None)
        .await?
        .into_iter()
        .map(|row| row.link)
        .collect();
    let told = async |left: &str, right: &str| -> Result<String> {
        Ok(format!(
            "{}\n{}",
            story(world, left).await?,
            story(world, right).await?
        ))
    };
    for difference in &agreement.disagreements {
        let (left, right) = (&difference.left, &difference.right);
        let is_blocked = links.get(left).is_some_and(|link| blocked.contains(link));
        if !is_blocked && !is_asked(left) && !is_asked(right) {
            bail!("{difference:#?}\n{}", told(left, right).await?);
        }
    }
    // What a side takes only when a record is made, and people changed on the other side since.
    for loss in &agreement.losses {
        let is_closed = loss.loss == Some(sandbox::judge::Loss::CreateOnly);
        let is_blocked = links
            .get(&loss.left)
            .is_some_and(|link| blocked.contains(link));
        if is_closed && !is_blocked && !is_asked(&loss.left) && !is_asked(&loss.right) {
            bail!(
                "nothing says that it does not cross: {loss:#?}\n{}",
                told(&loss.left, &loss.right).await?
            );
        }
    }
    for broken in &agreement.broken {
        let (left, right) = (&broken.left, &broken.right);
        if !is_asked(left) && !is_asked(right) {
            bail!("{broken:#?}\n{}", told(left, right).await?);
        }
    }
    for (side, alone) in [
        (Side::Left, &agreement.without_counterpart.left),
        (Side::Right, &agreement.without_counterpart.right),
    ] {
        let ids: Vec<RecordId> = alone.iter().map(|id| RecordId::from(id.as_str())).collect();
        let ended: BTreeSet<RecordId> = world
            .store
            .tombstones_of(&workspace, sync, entity, side, &ids)
            .await?
            .into_iter()
            .map(|tombstone| tombstone.record)
            .collect();
        for id in ids {
            if !asked.contains(&id) && !ended.contains(&id) && !left_alone.contains(&id) {
                bail!(
                    "{id} on the {side} is alone\n{}",
                    story(world, id.as_str()).await?
                );
            }
        }
    }
    Ok(())
}

/// What is known of a record, for whoever has to find out.
pub(super) async fn story(world: &World, id: &str) -> Result<String> {
    let mut story = String::new();
    let mut counterparts = Vec::new();
    let mut links = Vec::new();
    for sync in [people(), members()] {
        let workspace = Workspace::from("default");
        links.extend(world.store.links_after(&workspace, &sync, None, 0).await?);
    }
    for link in links {
        if link.left.as_str() == id || link.right.as_str() == id {
            counterparts.extend([link.left.to_string(), link.right.to_string()]);
            story += &format!(
                "{} and {}: {} {:?}, seen {} and {}, stamps {:?} and {:?}, wrote {:?} and {:?}\n",
                link.left,
                link.right,
                link.how,
                link.state,
                link.seen_left,
                link.seen_right,
                link.stamp_left,
                link.stamp_right,
                link.wrote_left,
                link.wrote_right
            );
        }
    }
    for system in [
        sandbox::System::HighLevel,
        sandbox::System::OnOffice,
        sandbox::System::OfficeRnd,
    ] {
        if let Ok(held) = world.held(system, id) {
            story += &format!("{held:?}\n");
        }
    }
    for edit in world.control.core().edits.since(0) {
        if *edit.id == *id || counterparts.iter().any(|other| **other == *edit.id) {
            story += &format!(
                "{} {} {:?} {:?} {:?} {:?}\n",
                edit.at(),
                edit.id,
                edit.system,
                edit.actor,
                edit.operation,
                edit.fields
            );
        }
    }
    for row in journal(world, id).await? {
        let row = row.entry;
        story += &format!(
            "{} {} {:?} {:?}: {:?} -> {:?} ({}; {:?})\n",
            row.at,
            row.connection,
            row.effect,
            row.field,
            row.before,
            row.after,
            row.rule,
            row.note
        );
    }
    for review in world.engine().reviews(&ReviewFilter::default()).await? {
        let about = [&review.left, &review.right]
            .into_iter()
            .flatten()
            .any(|record| record.as_str() == id);
        if about {
            story += &format!("{:?} {}\n", review.state, review.summary);
        }
    }
    Ok(story)
}

/// No write changed nothing, but one that a person forestalled between our reading and our write.
pub(super) async fn no_write_in_vain(world: &World) -> Result<()> {
    let edits = world.control.core().edits.since(0);
    for edit in world.api_edits(0) {
        let forestalled = edits.iter().any(|other| {
            other.actor == sandbox::Actor::User
                && other.id == edit.id
                && (edit.at_ms - WINDOW_MS..=edit.at_ms).contains(&other.at_ms)
        });
        if edit.operation == sandbox::Operation::Update && edit.fields.is_empty() && !forestalled {
            bail!(
                "{edit:?} changed nothing\n{}",
                story(world, &edit.id).await?
            );
        }
    }
    Ok(())
}

fn is_waiting(state: ReviewState) -> bool {
    matches!(state, ReviewState::Open | ReviewState::Postponed)
}

/// Whether a conflict of this record, or what becomes of its pair, waits for a person.
async fn asks_about_a_pair(world: &World, id: &str) -> Result<bool> {
    let filter = ReviewFilter {
        records: Some(vec![RecordId::from(id)]),
        ..ReviewFilter::default()
    };
    let asked = world.engine().reviews(&filter).await?;
    let of_pair = [store::ReviewKind::Conflict, store::ReviewKind::Deleted];
    let mut asked = asked.iter();
    Ok(asked.any(|review| is_waiting(review.state) && of_pair.contains(&review.kind)))
}

/// Whether the API made the record just before.
fn is_just_made(world: &World, system: sandbox::System, id: &str, at_ms: i64) -> bool {
    world.control.core().edits.since(0).iter().any(|edit| {
        edit.system == system
            && *edit.id == *id
            && edit.actor == sandbox::Actor::Api
            && edit.operation == sandbox::Operation::Create
            && (at_ms - WINDOW_MS..=at_ms).contains(&edit.at_ms)
    })
}

/// Each field that the API changed has a row in the journal from then or later.
pub(super) async fn kept(world: &World, mark: u64, skew_ms: i64) -> Result<()> {
    for edit in world.api_edits(mark) {
        if edit.operation != sandbox::Operation::Update {
            continue;
        }
        let rows = journal(world, &edit.id).await?;
        // What belongs to the making of a record, such as its place in a company, overwrites nothing.
        if is_just_made(world, edit.system, &edit.id, edit.at_ms) {
            continue;
        }
        let touched = |name: &str| edit.fields.iter().any(|field| **field == *name);
        for field in &edit.fields {
            // HighLevel writes the name of a business into the contacts that are put into it
            if **field == *"companyName" && touched("businessId") {
                continue;
            }
            let is_kept = rows.iter().any(|row| {
                row.entry.at.as_millisecond() >= edit.at_ms - WINDOW_MS - skew_ms
                    && (row.entry.effect == store::Effect::Created
                        // Half of what was meant was done; the rest was refused.
                        || row.entry.effect == store::Effect::Refused
                            && row.entry.rule.starts_with(&**field)
                        || row.entry.effect == store::Effect::Removed && **field == *"Status2Adr"
                        || row.entry.field.as_ref().is_some_and(|name| {
                            is_named(field, name.as_str())
                                || name.as_str().starts_with(&format!("{field}."))
                        }))
            });
            // While a question about the pair is open, the value from before is in its base.
            if !is_kept && !asks_about_a_pair(world, &edit.id).await? {
                bail!(
                    "{field} of {edit:?} is in no row\n{}",
                    story(world, &edit.id).await?
                );
            }
        }
    }
    Ok(())
}
