//! What a run would do: both sides are read, nothing is written to them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use matching::{Candidate, Choice, Person, Verdict, choose, compare, confirm};
use record::{Field, Read, RecordId, Side};
use serde::Serialize;
use store::{Key, Lane, Link, Snapshot, SyncName};
use tokio::sync::watch;

use crate::{
    Error, Progress,
    decide::{Overrides, decide},
    engine::Core,
    identify,
    pair::{Pairing, index},
    references, resolve, run, scope,
};

/// How many sample records a plan shows of each kind.
const SAMPLES: usize = 5;

/// How many records are planned at once.
const PAGE: usize = 500;

/// What a run would do.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Plan {
    /// Of which sync.
    pub sync: String,
    /// Records listed on the left.
    pub left: PlanSide,
    /// Records listed on the right.
    pub right: PlanSide,
    /// Pairs that are linked already.
    pub linked: u64,
    /// Pairs that would be linked, by what they were matched by.
    pub matched: BTreeMap<String, u64>,
    /// Of those pairs, how many differ in some mapped field.
    pub differing: u64,
    /// Conflicts that would be asked about.
    pub conflicts: u64,
    /// Sample pairs, matched ones first.
    pub samples: Vec<PlanSample>,
    /// Calls that the run is expected to cost, by connection.
    pub calls: BTreeMap<String, u64>,
    /// How long that takes at least under the documented limits, in seconds.
    pub seconds: f64,
    /// What creating and changing records may set off, in words.
    pub consequences: Vec<String>,
    /// Mappings that are paused because their field is not there.
    pub paused_mappings: BTreeMap<String, String>,
}

/// One side of a plan.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PlanSide {
    /// The connection.
    pub connection: String,
    /// Records listed.
    pub listed: u64,
    /// Records that would be made on this side.
    pub creates: u64,
    /// Records that would be changed on this side.
    pub updates: u64,
    /// Fields that would be written on this side, by mapping.
    pub fields: BTreeMap<String, u64>,
    /// Records of this side that would become a question.
    pub ambiguous: u64,
    /// Records of this side out of the scope of the sync.
    pub out_of_scope: u64,
    /// Records of this side without a counterpart that may not be made.
    pub not_created: u64,
}

/// One sample.
#[derive(Debug, Clone, Serialize)]
pub struct PlanSample {
    /// What would happen: `link`, `create`, `ask`.
    pub what: &'static str,
    /// The record on the left.
    pub left: Option<RecordId>,
    /// The record on the right.
    pub right: Option<RecordId>,
    /// Why.
    pub why: String,
    /// Values side by side by mapping: left now, right now, and which side is written.
    pub fields: BTreeMap<String, (Field, Field, Option<Side>)>,
}

/// Plans a run of a sync.
pub(crate) async fn plan(
    core: &Arc<Core>,
    sync: &SyncName,
    progress: &watch::Sender<Progress>,
) -> Result<Plan, Error> {
    let mut plan = Plan {
        sync: sync.to_string(),
        ..Plan::default()
    };
    for pairing in core.ready(sync)? {
        let reports = run::list_both(core, &pairing, Lane::Backfill, progress).await?;
        plan.left.listed += reports[0].listed;
        plan.right.listed += reports[1].listed;
        plan.left.connection = pairing.end(Side::Left).connection.to_string();
        plan.right.connection = pairing.end(Side::Right).connection.to_string();
        plan.paused_mappings.extend(pairing.paused.iter().cloned());
        progress.send_modify(|progress| progress.phase = "matching");
        let mut planner = Planner {
            core,
            pairing: &pairing,
            plan: &mut plan,
            taken: BTreeSet::new(),
        };
        for side in Side::BOTH {
            planner.side(side).await?;
        }
        planner.forecast();
    }
    progress.send_modify(|progress| progress.phase = "done");
    Ok(plan)
}

struct Planner<'a> {
    core: &'a Core,
    pairing: &'a Pairing,
    plan: &'a mut Plan,
    /// Records of the right that got a match from the left.
    taken: BTreeSet<RecordId>,
}

impl Planner<'_> {
    async fn side(&mut self, side: Side) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let page = self
                .core
                .store
                .snapshots_after(
                    &self.core.workspace,
                    &self.pairing.end(side).connection,
                    self.pairing.entity,
                    after,
                    PAGE,
                )
                .await?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after = *last;
            let snapshots: Vec<Snapshot> = page.into_iter().map(|(_, snapshot)| snapshot).collect();
            self.page(side, snapshots).await?;
        }
    }

    async fn links(&self, side: Side, ids: &[RecordId]) -> Result<HashMap<RecordId, Link>, Error> {
        Ok(self
            .core
            .store
            .links_of(
                &self.core.workspace,
                &self.pairing.sync,
                self.pairing.entity,
                side,
                ids,
            )
            .await?
            .into_iter()
            .map(|link| (link.record(side).clone(), link))
            .collect())
    }

    async fn page(&mut self, side: Side, snapshots: Vec<Snapshot>) -> Result<(), Error> {
        let ids: Vec<RecordId> = snapshots.iter().map(|one| one.record.clone()).collect();
        let links = self.links(side, &ids).await?;
        if side == Side::Left {
            self.plan.linked += links.len() as u64;
        }
        let tombstones: BTreeSet<RecordId> = self
            .core
            .store
            .tombstones_of(
                &self.core.workspace,
                &self.pairing.sync,
                self.pairing.entity,
                side,
                &ids,
            )
            .await?
            .into_iter()
            .map(|tombstone| tombstone.record)
            .collect();
        let open: Vec<Snapshot> = snapshots
            .into_iter()
            .filter(|one| !links.contains_key(&one.record) && !tombstones.contains(&one.record))
            .collect();
        let keys: BTreeSet<Key> = open.iter().flat_map(|one| one.keys.clone()).collect();
        let keys: Vec<Key> = keys.into_iter().collect();
        let others = self.index(side.other(), &keys).await?;
        let rivals = self.index(side, &keys).await?;
        let own = open
            .iter()
            .filter_map(|one| Some((side, &one.read.as_ref()?.record.fields)));
        let theirs = others
            .people
            .values()
            .filter_map(|known| Some((side.other(), &known.read.as_ref()?.record.fields)));
        let fields: Vec<_> = own.chain(theirs).collect();
        let known = references::known(self.core, self.pairing, &fields).await?;
        drop(fields);
        for one in open {
            if let Some(read) = &one.read {
                self.one(&known, side, &one, read, &others, &rivals);
            }
        }
        Ok(())
    }

    async fn index(&self, side: Side, keys: &[Key]) -> Result<Index, Error> {
        let end = self.pairing.end(side);
        let rows = self
            .core
            .store
            .candidates(
                &self.core.workspace,
                &end.connection,
                self.pairing.entity,
                keys,
            )
            .await?;
        let ids: BTreeSet<RecordId> = rows.iter().map(|(_, id)| id.clone()).collect();
        let ids: Vec<RecordId> = ids.into_iter().collect();
        let links = self.links(side, &ids).await?;
        let snapshots = self
            .core
            .store
            .snapshots(
                &self.core.workspace,
                &end.connection,
                self.pairing.entity,
                &ids,
            )
            .await?;
        let mut index = Index::default();
        for (key, id) in rows {
            index.by_key.entry(key).or_default().push(id);
        }
        for (id, snapshot) in ids.into_iter().zip(snapshots) {
            let read = snapshot.and_then(|snapshot| snapshot.read);
            let person = match (links.get(&id), &read) {
                (Some(link), _) => identify::person(self.pairing, side, Some(&id), link.base(side)),
                (None, Some(read)) => {
                    identify::person(self.pairing, side, Some(&id), &read.record.fields)
                }
                (None, None) => continue,
            };
            index.people.insert(
                id.clone(),
                Known {
                    person,
                    linked: links.contains_key(&id),
                    read,
                },
            );
        }
        Ok(index)
    }

    fn one(
        &mut self,
        known: &Pairing,
        side: Side,
        snapshot: &Snapshot,
        read: &Read,
        others: &Index,
        rivals: &Index,
    ) {
        if !scope::contains(self.pairing, side, &read.record.fields) {
            self.of(side).out_of_scope += 1;
            return;
        }
        if side == Side::Right && self.taken.contains(&snapshot.record) {
            return;
        }
        let rules = &self.pairing.rules.matching;
        let own = identify::person(
            self.pairing,
            side,
            Some(&read.record.id),
            &read.record.fields,
        );
        let judged = |index: &Index, person: &Person, not: &RecordId| -> Vec<Candidate<RecordId>> {
            index
                .sharing(&snapshot.keys)
                .into_iter()
                .filter(|id| id != not)
                .filter_map(|id| {
                    let known = index.people.get(&id)?;
                    Some(Candidate {
                        verdict: compare(person, &known.person, rules),
                        linked: known.linked,
                        id,
                    })
                })
                .collect()
        };
        let choice = match choose(judged(others, &own, &snapshot.record)) {
            Choice::Link(candidate) => {
                let person = &others.people[&candidate.id].person;
                let contested: Vec<_> = judged(rivals, person, &snapshot.record)
                    .into_iter()
                    .filter(|rival| !rival.linked)
                    .collect();
                confirm(Choice::Link(candidate), contested)
            }
            choice => choice,
        };
        match choice {
            Choice::Link(candidate) => {
                if side == Side::Left {
                    self.taken.insert(candidate.id.clone());
                }
                let how = matching::explain(candidate.verdict.findings());
                self.matched(known, side, read, &candidate.id, how, others);
            }
            Choice::Review(candidates) => {
                self.of(side).ambiguous += 1;
                let why = candidates
                    .first()
                    .map(|candidate| matching::explain(candidate.verdict.findings()))
                    .unwrap_or_default();
                let other = candidates.first().map(|candidate| candidate.id.clone());
                self.sample("ask", side, &snapshot.record, other, why, BTreeMap::new());
            }
            Choice::None => {
                // Of records that are one person on one side, the first by id would be made.
                let is_first = judged(rivals, &own, &snapshot.record)
                    .into_iter()
                    .filter(|twin| matches!(twin.verdict, Verdict::Same { .. }))
                    .all(|twin| !twin.linked && snapshot.record < twin.id);
                if is_first {
                    self.birth(side, snapshot, read);
                } else {
                    self.of(side).ambiguous += 1;
                    let why = "another record of the same side is the same person".to_owned();
                    self.sample("ask", side, &snapshot.record, None, why, BTreeMap::new());
                }
            }
        }
    }

    fn birth(&mut self, side: Side, snapshot: &Snapshot, read: &Read) {
        let allowed = match side.other() {
            Side::Left => self.pairing.rules.create.left,
            Side::Right => self.pairing.rules.create.right,
        };
        let wanted = self
            .pairing
            .compiled
            .gets_counterpart(side, &read.record.fields)
            == Some(true);
        if allowed && wanted && one_way_allows(self.pairing, side.other()) {
            self.of(side.other()).creates += 1;
            self.sample(
                "create",
                side,
                &snapshot.record,
                None,
                "nobody on the other side shares a key".to_owned(),
                BTreeMap::new(),
            );
        } else {
            self.of(side).not_created += 1;
        }
    }

    fn matched(
        &mut self,
        knowing: &Pairing,
        side: Side,
        read: &Read,
        id: &RecordId,
        how: String,
        others: &Index,
    ) {
        *self.plan.matched.entry(how.clone()).or_default() += 1;
        let Some(other) = others.people.get(id).and_then(|known| known.read.as_ref()) else {
            return;
        };
        let (left, right) = match side {
            Side::Left => (read, other),
            Side::Right => (other, read),
        };
        let link = resolve::new_link(
            self.core,
            self.pairing,
            left.record.id.clone(),
            right.record.id.clone(),
            &how,
        );
        let pair = decide(knowing, &link, left, right, &[], &Overrides::new());
        self.plan.conflicts += pair.conflicts.len() as u64;
        let mut fields = BTreeMap::new();
        for step in &pair.moves {
            let mapping = &knowing.compiled.mappings()[step.mapping];
            let mut to = None;
            for written in Side::BOTH {
                if step.writes[index(written)].is_some() {
                    to = Some(written);
                    *self
                        .of(written)
                        .fields
                        .entry(mapping.id().to_owned())
                        .or_default() += 1;
                }
            }
            fields.insert(
                mapping.id().to_owned(),
                (
                    mapping.read(Side::Left, &left.record.fields),
                    mapping.read(Side::Right, &right.record.fields),
                    to,
                ),
            );
        }
        for written in Side::BOTH {
            if pair
                .moves
                .iter()
                .any(|step| step.writes[index(written)].is_some())
            {
                self.of(written).updates += 1;
            }
        }
        if !pair.moves.is_empty() || !pair.conflicts.is_empty() {
            self.plan.differing += 1;
        }
        let (own, other) = match side {
            Side::Left => (&left.record.id, &right.record.id),
            Side::Right => (&right.record.id, &left.record.id),
        };
        self.sample("link", side, own, Some(other.clone()), how, fields);
    }

    fn sample(
        &mut self,
        what: &'static str,
        side: Side,
        own: &RecordId,
        other: Option<RecordId>,
        why: String,
        fields: BTreeMap<String, (Field, Field, Option<Side>)>,
    ) {
        let of_kind = self
            .plan
            .samples
            .iter()
            .filter(|sample| sample.what == what)
            .count();
        if of_kind >= SAMPLES {
            return;
        }
        let (left, right) = match side {
            Side::Left => (Some(own.clone()), other),
            Side::Right => (other, Some(own.clone())),
        };
        self.plan.samples.push(PlanSample {
            what,
            left,
            right,
            why,
            fields,
        });
    }

    fn of(&mut self, side: Side) -> &mut PlanSide {
        match side {
            Side::Left => &mut self.plan.left,
            Side::Right => &mut self.plan.right,
        }
    }

    /// Calls and time that the run is expected to take.
    fn forecast(&mut self) {
        let differing = self.plan.differing;
        let mut longest: f64 = 0.0;
        for side in Side::BOTH {
            let end = self.pairing.end(side);
            let (listed, creates, updates) = {
                let of = self.of(side);
                (of.listed, of.creates, of.updates)
            };
            let per = |number: u64, batch: usize| number.div_ceil(batch.max(1) as u64);
            let description = &end.description;
            let mut calls = per(listed, description.list_page)
                + per(differing, description.fetch_batch)
                + per(creates, description.write_batch)
                + per(updates, description.write_batch);
            if !description.writes_return_record {
                calls += per(creates + updates, description.fetch_batch.min(20));
            }
            *self
                .plan
                .calls
                .entry(end.connection.to_string())
                .or_default() += calls;
            let limits = &end.connector.describe().limits;
            for window in &limits.windows {
                let rate = f64::from(window.requests) / window.per.as_secs_f64();
                #[expect(clippy::cast_precision_loss, reason = "a forecast")]
                let seconds = calls as f64 / rate;
                longest = longest.max(seconds);
            }
            if creates > 0 {
                for consequence in &description.create_consequences {
                    self.plan.consequences.push(format!(
                        "{} ({creates} creates): {consequence}",
                        end.connection
                    ));
                }
            }
        }
        self.plan.seconds += longest;
    }
}

fn one_way_allows(pairing: &Pairing, side: Side) -> bool {
    match pairing.mode {
        // A preview shows what a two-way sync would do.
        mapping::Mode::Preview => true,
        _ => pairing.may_write(side),
    }
}

#[derive(Default)]
struct Index {
    by_key: HashMap<Key, Vec<RecordId>>,
    people: HashMap<RecordId, Known>,
}

struct Known {
    person: Person,
    linked: bool,
    read: Option<Read>,
}

impl Index {
    fn sharing(&self, keys: &[Key]) -> BTreeSet<RecordId> {
        keys.iter()
            .filter_map(|key| self.by_key.get(key))
            .flatten()
            .cloned()
            .collect()
    }
}
