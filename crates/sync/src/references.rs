//! Fields that name records of another entity: which of those are linked is read here, before anything is
//! decided. What waits for such a link is woken by the store, in the commit that makes the link.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
};

use connector::Fetched;
use mapping::References;
use record::{Entity, Field, Fields, RecordId, Side};
use store::{Commit, Lane, Link, LinkState, Signal, SignalSource, SyncName};

use crate::{
    Error,
    decide::PairPlan,
    engine::Core,
    pair::{Pairing, index},
    reconcile::{Couple, fetch},
};

/// A pairing that can translate the references in the fields that it was made for.
pub(crate) enum Known<'a> {
    /// It has no references: nothing is to be translated.
    Same(&'a Pairing),
    /// It knows the links.
    Translating(Box<Pairing>),
}

impl Deref for Known<'_> {
    type Target = Pairing;

    fn deref(&self) -> &Pairing {
        match self {
            Self::Same(pairing) => pairing,
            Self::Translating(pairing) => pairing,
        }
    }
}

/// Reads the links of all records that these fields name, each kind and side at once.
pub(crate) async fn known<'a>(
    core: &Core,
    pairing: &'a Pairing,
    fields: &[(Side, &Fields)],
) -> Result<Known<'a>, Error> {
    known_with(core, pairing, fields, References::new()).await
}

/// The same beside these, which are not stored.
pub(crate) async fn known_with<'a>(
    core: &Core,
    pairing: &'a Pairing,
    fields: &[(Side, &Fields)],
    mut references: References,
) -> Result<Known<'a>, Error> {
    if pairing.compiled.references().next().is_none() {
        return Ok(Known::Same(pairing));
    }
    let mut wanted: BTreeMap<(Entity, Side), BTreeSet<RecordId>> = BTreeMap::new();
    for (mapping, entity) in pairing.compiled.references() {
        for (side, fields) in fields {
            let named = mapping
                .fields(*side)
                .iter()
                .filter_map(|name| fields.get(name.as_str()).text())
                .map(|id| RecordId::from(id.trim()));
            wanted.entry((entity, *side)).or_default().extend(named);
        }
    }
    for ((entity, side), ids) in wanted {
        let ids: Vec<RecordId> = ids.into_iter().collect();
        for link in links(core, &pairing.sync, entity, side, &ids).await? {
            // Of one that is parked nobody knows yet whether it still holds: a person was asked.
            if link.state != LinkState::Parked {
                references.add(entity, link.left, link.right);
            }
        }
    }
    Ok(Known::Translating(Box::new(Pairing {
        compiled: pairing.compiled.knowing(references),
        ..pairing.clone()
    })))
}

/// The first record of another entity that these fields name.
pub(crate) fn named(pairing: &Pairing, side: Side, fields: &Fields) -> Option<String> {
    pairing.compiled.references().find_map(|(mapping, _)| {
        let mut fields = mapping
            .fields(side)
            .iter()
            .filter_map(|name| fields.get(name.as_str()).text());
        fields.find(|id| !id.is_empty()).map(str::to_owned)
    })
}

async fn links(
    core: &Core,
    sync: &SyncName,
    entity: Entity,
    side: Side,
    ids: &[RecordId],
) -> Result<Vec<Link>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(core
        .store
        .links_of(&core.workspace, sync, entity, side, ids)
        .await?)
}

/// Adds to a commit that ends links the signals of all records that name one of theirs: what they name means
/// nothing any more, or is about to mean something else.
pub(crate) async fn signal_those_who_name(core: &Core, commit: &mut Commit) -> Result<(), Error> {
    let mut ended = Vec::new();
    for id in &commit.ended {
        ended.extend(core.store.link(&core.workspace, *id).await?);
    }
    let mut signals = Vec::new();
    for pairing in core.all_pairings() {
        let names = |link: &Link| {
            pairing.compiled.references().any(|(mapping, entity)| {
                ended
                    .iter()
                    .filter(|ended| ended.sync == pairing.sync && ended.entity == entity)
                    .any(|ended| {
                        Side::BOTH.into_iter().any(|side| {
                            mapping.fields(side).iter().any(|name| {
                                link.base(side).get(name.as_str()).text()
                                    == Some(ended.record(side).as_str())
                            })
                        })
                    })
            })
        };
        let concerned = ended.iter().any(|ended| {
            ended.sync == pairing.sync
                && pairing
                    .compiled
                    .references()
                    .any(|(_, entity)| entity == ended.entity)
        });
        if !concerned {
            continue;
        }
        let mut after = None;
        loop {
            let page = core
                .store
                .links_after(&core.workspace, &pairing.sync, after, PAGE)
                .await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            let naming = page
                .iter()
                .filter(|link| link.entity == pairing.entity && names(link));
            signals.extend(naming.map(|link| signal(core, &pairing, Side::Left, &link.left)));
        }
    }
    commit.signals.extend(signals);
    Ok(())
}

/// Links read at once.
const PAGE: usize = 1000;

fn signal(core: &Core, pairing: &Pairing, side: Side, record: &RecordId) -> Signal {
    Signal {
        connection: pairing.end(side).connection.clone(),
        entity: pairing.entity,
        record: record.clone(),
        lane: Lane::Reconcile,
        source: SignalSource::Link,
        not_older_than: None,
        due: core.clock.now(),
        cause: None,
    }
}

/// What is not to be emptied now, although one side is empty: the record that it named before is not there any
/// more, so that its vendor, and no person, took the name away.
pub(crate) struct Emptied {
    /// Which of the plans, with why it waits.
    pub(crate) plans: BTreeMap<usize, String>,
    /// The records that went are looked at.
    pub(crate) signals: Vec<Signal>,
}

/// Looks whether what was named before is still there, for every plan that would empty a reference.
pub(crate) async fn emptied(
    core: &Core,
    known: &Pairing,
    lane: Lane,
    couples: &[Couple],
    plans: &[PairPlan],
) -> Result<Emptied, Error> {
    let mut emptied = Emptied {
        plans: BTreeMap::new(),
        signals: Vec::new(),
    };
    let mut named: BTreeMap<(Entity, Side), BTreeMap<RecordId, Vec<usize>>> = BTreeMap::new();
    for (number, (couple, plan)) in couples.iter().zip(plans).enumerate() {
        for step in &plan.moves {
            let mapping = &known.compiled.mappings()[step.mapping];
            let Some(entity) = mapping.refers_to() else {
                continue;
            };
            for side in Side::BOTH {
                if step.values[index(side.other())] != Some(Field::Empty) {
                    continue;
                }
                for name in mapping.fields(side) {
                    if let Some(id) = couple.link.base(side).get(name.as_str()).text() {
                        named
                            .entry((entity, side))
                            .or_default()
                            .entry(id.into())
                            .or_default()
                            .push(number);
                    }
                }
            }
        }
    }
    for ((entity, side), ids) in named {
        let Some(parents) = core.pairings_of_sync(&known.sync, entity) else {
            continue;
        };
        let end = parents.end(side);
        let calls = core.calls(&end.connection, lane, None)?;
        let wanted: Vec<RecordId> = ids.keys().cloned().collect();
        let found = fetch(end, &*calls, &wanted).await?;
        for (id, numbers) in &ids {
            let why = match found.get(id) {
                Some(Fetched::Found(_)) => continue,
                Some(Fetched::Failed(_, error)) => error.to_string(),
                Some(Fetched::Gone(_)) | None => {
                    emptied.signals.push(signal(core, &parents, side, id));
                    format!(
                        "the {entity} that it named is not there any more: what becomes of that is decided first"
                    )
                }
            };
            emptied
                .plans
                .extend(numbers.iter().map(|number| (*number, why.clone())));
        }
    }
    Ok(emptied)
}
