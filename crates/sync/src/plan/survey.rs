//! Looks at every record of one entity and says what would become of it, one row each.

use std::collections::{BTreeSet, HashMap};

use connector::Fetched;
use mapping::References;
use matching::Choice;
use record::{Field, Read, RecordId, Side};
use serde_json::json;
use store::{Blocked, Key, Lane, Link, LinkState, PlanId, PlanRow, PlanRowState, Snapshot};

use crate::{
    Error,
    children::{Family, Kin, Shelf},
    decide::{Overrides, as_last_seen, decide},
    engine::Core,
    identify::{self, Asked, Other, Others},
    pair::{Pairing, index},
    plan::{
        Plan, PlanSample,
        forecast::Work,
        row::{Planned, What, by_side, without_base},
    },
    reconcile, references, resolve, scope,
};

/// How many sample rows a plan shows of each kind.
const SAMPLES: usize = 5;

/// How many records are looked at at once.
const PAGE: usize = 500;

/// Looks at every record of one entity.
pub(super) struct Survey<'a> {
    /// Links, decisions and everything else that stays.
    core: &'a Core,
    /// The listings.
    trial: &'a Core,
    pairing: &'a Pairing,
    id: PlanId,
    plan: &'a mut Plan,
    work: Work,
    /// Records of the left and of the right that got a match.
    taken: [BTreeSet<RecordId>; 2],
    /// The pairs of this plan that will be linked, of all entities so far.
    matched: &'a mut References,
    /// Whom a person would be asked about.
    asked: Asked,
    /// Rows that are not stored yet.
    rows: Vec<PlanRow>,
    next: u64,
}

/// A page of one side.
struct Page {
    side: Side,
    snapshots: Vec<Snapshot>,
}

impl<'a> Survey<'a> {
    pub(super) fn new(
        core: &'a Core,
        trial: &'a Core,
        pairing: &'a Pairing,
        id: PlanId,
        plan: &'a mut Plan,
        matched: &'a mut References,
    ) -> Self {
        let waiting = plan.left.waiting + plan.right.waiting;
        let next = plan.rows + plan.questions + waiting + 1;
        Self {
            core,
            trial,
            pairing,
            id,
            plan,
            work: Work::default(),
            taken: <[BTreeSet<RecordId>; 2]>::default(),
            matched,
            asked: Asked::default(),
            rows: Vec::new(),
            next,
        }
    }

    /// Looks at both sides. Says what it takes.
    pub(super) async fn run(mut self) -> Result<Work, Error> {
        for side in Side::BOTH {
            let mut after = 0;
            loop {
                let page = self
                    .trial
                    .store
                    .snapshots_after(
                        &self.trial.workspace,
                        &self.pairing.end(side).connection,
                        self.pairing.entity,
                        after,
                        PAGE,
                    )
                    .await?;
                let Some((last, _)) = page.last() else { break };
                after = *last;
                let snapshots = page.into_iter().map(|(_, snapshot)| snapshot).collect();
                self.page(Page { side, snapshots }).await?;
                self.store().await?;
            }
        }
        Ok(self.work)
    }

    async fn store(&mut self) -> Result<(), Error> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        let (store, workspace) = (&self.core.store, &self.core.workspace);
        Ok(store.add_plan_rows(workspace, self.id, &rows).await?)
    }

    async fn page(&mut self, page: Page) -> Result<(), Error> {
        let (core, pairing, side) = (self.core, self.pairing, page.side);
        let ids: Vec<RecordId> = page
            .snapshots
            .iter()
            .map(|one| one.record.clone())
            .collect();
        let links = self.links(side, &ids).await?;
        let tombstones = core
            .store
            .tombstones_of(&core.workspace, &pairing.sync, pairing.entity, side, &ids)
            .await?;
        let intents = core
            .store
            .intents_of(
                &core.workspace,
                &pairing.sync,
                pairing.entity,
                side.other(),
                &ids,
            )
            .await?;
        let settled: BTreeSet<RecordId> = tombstones
            .into_iter()
            .map(|tombstone| tombstone.record)
            .chain(intents.into_iter().map(|intent| intent.source))
            .filter(|record| !links.contains_key(record))
            .collect();
        self.plan.side(side).left_alone += settled.len() as u64;
        let others = self.others(side, &page.snapshots, &ids).await?;
        self.duplicates(side, &page.snapshots, &others);
        let mut linked = Vec::new();
        let mut open = Vec::new();
        for snapshot in page.snapshots {
            match links.get(&snapshot.record) {
                Some(link) => linked.push((link.clone(), snapshot)),
                None if settled.contains(&snapshot.record) => {}
                None => open.push(snapshot),
            }
        }
        self.linked(side, linked).await?;
        let own = open
            .iter()
            .filter_map(|one| Some((side, &one.read.as_ref()?.record.fields)));
        let theirs = others
            .candidates
            .values()
            .filter_map(|known| Some((side.other(), &known.read.as_ref()?.record.fields)));
        let fields: Vec<_> = own.chain(theirs).collect();
        // Who belongs to a record that this plan links is found there, too.
        let beside = match pairing.compiled.parent() {
            Some(_) => self.matched.clone(),
            None => References::new(),
        };
        let known = references::known_with(core, pairing, &fields, beside).await?;
        drop(fields);
        let reads: Vec<&Read> = open.iter().filter_map(|one| one.read.as_ref()).collect();
        let shelf = Shelf {
            core,
            listed: self.trial,
            pairing,
        };
        let taken = &self.taken;
        let is_taken = |side: Side, id: &RecordId| taken[index(side)].contains(id);
        let family = match pairing.compiled.parent() {
            Some(_) => shelf.family(&known, side, &reads, &is_taken).await?,
            None => Family::default(),
        };
        for one in &open {
            if let Some(read) = &one.read {
                self.unlinked(&known, side, read, &others, &family);
            }
        }
        Ok(())
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

    async fn listed(&self, side: Side, ids: &[RecordId]) -> Result<Vec<Option<Read>>, Error> {
        let snapshots = self
            .trial
            .store
            .snapshots(
                &self.trial.workspace,
                &self.pairing.end(side).connection,
                self.pairing.entity,
                ids,
            )
            .await?;
        Ok(snapshots
            .into_iter()
            .map(|snapshot| snapshot?.read)
            .collect())
    }

    /// Everybody who shares a key with one of these records, on both sides.
    async fn others(
        &self,
        side: Side,
        snapshots: &[Snapshot],
        ids: &[RecordId],
    ) -> Result<Others, Error> {
        let (core, pairing) = (self.core, self.pairing);
        let reads = snapshots.iter().filter_map(|one| one.read.as_ref());
        let keys: BTreeSet<Key> = reads
            .flat_map(|read| {
                let record = &read.record;
                let person = identify::person(pairing, side, Some(&record.id), &record.fields);
                identify::sought(&person)
            })
            .collect();
        let keys: Vec<Key> = keys.into_iter().collect();
        let mut others = Others {
            decisions: core
                .store
                .decisions_of(&core.workspace, &pairing.sync, pairing.entity, side, ids)
                .await?,
            ..Others::default()
        };
        for (which, side) in [(0, side.other()), (1, side)] {
            let rows = self
                .trial
                .store
                .candidates(
                    &self.trial.workspace,
                    &pairing.end(side).connection,
                    pairing.entity,
                    &keys,
                )
                .await?;
            let ids: BTreeSet<RecordId> = rows.iter().map(|(_, id)| id.clone()).collect();
            let ids: Vec<RecordId> = ids.into_iter().collect();
            let links = self.links(side, &ids).await?;
            if which == 0 {
                let own = side.other();
                others.heirs = identify::asked_heirs(core, pairing, own, links.values()).await?;
            }
            let reads = self.listed(side, &ids).await?;
            for (key, id) in rows {
                others.by_key[which].entry(key).or_default().push(id);
            }
            let people = if which == 0 {
                &mut others.candidates
            } else {
                &mut others.rivals
            };
            for (id, read) in ids.into_iter().zip(reads) {
                let link = links.get(&id);
                let fields = match (link, &read) {
                    (Some(link), _) => link.base(side),
                    (None, Some(read)) => &read.record.fields,
                    (None, None) => continue,
                };
                let other = Other {
                    person: identify::person(pairing, side, Some(&id), fields),
                    linked: link.map(|link| link.record(side.other()).clone()),
                    read,
                };
                people.insert(id, other);
            }
        }
        Ok(others)
    }

    /// Counts records that are one person with another one of their side.
    fn duplicates(&mut self, side: Side, snapshots: &[Snapshot], others: &Others) {
        for one in snapshots {
            let Some(read) = &one.read else { continue };
            let person =
                identify::person(self.pairing, side, Some(&one.record), &read.record.fields);
            let sought = identify::sought(&person);
            let twins = others.twins(self.pairing, &one.record, &person, &sought);
            if !twins.is_empty() {
                self.plan.side(side).duplicates += 1;
            }
        }
    }

    /// Linked pairs, met on the left; of those met on the right only what is not listed on the left.
    async fn linked(&mut self, side: Side, pairs: Vec<(Link, Snapshot)>) -> Result<(), Error> {
        let others: Vec<RecordId> = pairs
            .iter()
            .map(|(link, _)| link.record(side.other()).clone())
            .collect();
        let theirs = self.listed(side.other(), &others).await?;
        if side == Side::Right {
            let vanished = theirs.iter().filter(|read| read.is_none()).count();
            self.plan.vanished += vanished as u64;
            self.plan.linked += vanished as u64;
            return Ok(());
        }
        self.plan.linked += pairs.len() as u64;
        let mut couples = Vec::with_capacity(pairs.len());
        for ((link, snapshot), right) in pairs.into_iter().zip(theirs) {
            match (snapshot.read, right) {
                _ if link.state == LinkState::Parked => self.plan.at_rest += 1,
                (Some(left), Some(right)) => couples.push((link, [left, right])),
                _ => self.plan.vanished += 1,
            }
        }
        self.complete(&mut couples).await?;
        let ids: Vec<_> = couples.iter().map(|(link, _)| link.id).collect();
        let (core, pairing) = (self.core, self.pairing);
        let blocked = if ids.is_empty() {
            Vec::new()
        } else {
            core.store
                .blocked(&core.workspace, &pairing.sync, Some(&ids))
                .await?
        };
        let fields: Vec<_> = couples
            .iter()
            .flat_map(|(link, reads)| {
                [
                    (Side::Left, &reads[0].record.fields),
                    (Side::Right, &reads[1].record.fields),
                    (Side::Left, &link.base_left),
                    (Side::Right, &link.base_right),
                ]
            })
            .collect();
        let known = references::known(core, pairing, &fields).await?;
        drop(fields);
        for (link, reads) in &couples {
            let outside = Side::BOTH.into_iter().any(|side| {
                let fields = &reads[index(side)].record.fields;
                pairing.compiled.in_scope(side, fields) == Some(false)
            });
            if outside {
                self.plan.at_rest += 1;
                continue;
            }
            for mapping in without_base(&known, link) {
                let id = mapping.id().to_owned();
                *self.plan.without_base.entry(id).or_default() += 1;
            }
            let of_link: Vec<Blocked> = blocked
                .iter()
                .filter(|row| row.link == link.id)
                .cloned()
                .collect();
            let why = format!("a linked pair ({})", link.how);
            let new = Planned::new(What::Change, Side::Left, why);
            self.pair(&known, link, reads, &of_link, new);
        }
        Ok(())
    }

    /// What a listing does not show of a pair is read.
    async fn complete(&self, couples: &mut [(Link, [Read; 2])]) -> Result<(), Error> {
        for side in Side::BOTH {
            let at = index(side);
            let lacking: Vec<RecordId> = couples
                .iter()
                .filter(|(_, reads)| !self.pairing.knows(side, &reads[at]))
                .map(|(_, reads)| reads[at].record.id.clone())
                .collect();
            if lacking.is_empty() {
                continue;
            }
            let end = self.pairing.end(side);
            let calls = self.core.calls(&end.connection, Lane::Backfill, None)?;
            let mut found = reconcile::fetch(end, &*calls, &lacking).await?;
            for (_, reads) in couples.iter_mut() {
                if let Some(Fetched::Found(read)) = found.remove(&reads[at].record.id) {
                    reads[at] = *read;
                }
            }
        }
        Ok(())
    }

    /// Decides one pair and keeps its row.
    fn pair(
        &mut self,
        known: &Pairing,
        link: &Link,
        reads: &[Read; 2],
        blocked: &[Blocked],
        new: Planned,
    ) {
        let mut reads = reads.clone();
        as_last_seen(link, &mut reads);
        let decided = decide(
            known,
            link,
            &reads[0],
            &reads[1],
            blocked,
            &Overrides::new(),
        );
        let fields = [0, 1].map(|at: usize| &reads[at].record.fields);
        let is_new = new.what == What::Link;
        let mut planned = new.of_pair(known, fields, &decided);
        self.plan.conflicts += planned.conflicts.len() as u64;
        for mapping in planned.conflicts.keys() {
            *self.plan.conflicts_by.entry(mapping.clone()).or_default() += 1;
        }
        for (mapping, reason) in &planned.blocked {
            let held = decided.held.iter().find(|held| {
                known.compiled.mappings()[held.mapping].id() == mapping && held.reason == *reason
            });
            match held.and_then(|held| held.awaits.as_ref()) {
                Some(awaited) => {
                    let connection = &known.end(awaited.side).connection;
                    let (entity, record) = (awaited.entity, &awaited.record);
                    self.plan
                        .awaits(mapping, connection.as_str(), entity, record);
                }
                None => {
                    let told = format!("{mapping}: {reason}");
                    *self.plan.blocked.entry(told).or_default() += 1;
                }
            }
        }
        for side in Side::BOTH {
            let of_side = self.plan.side(side);
            for (mapping, field) in &planned.fields {
                if field.to(side).is_some() {
                    *of_side.fields.entry(mapping.clone()).or_default() += 1;
                    of_side.writes += 1;
                }
            }
            if let Some(id) = &planned.keeps[index(side)] {
                *of_side
                    .fields
                    .entry(crate::decide::KEEP_ID.to_owned())
                    .or_default() += 1;
                of_side.writes += id.len() as u64;
            }
            if planned.writes[index(side)].is_some() || planned.keeps[index(side)].is_some() {
                of_side.updates += 1;
                self.work.updates[index(side)] += 1;
            }
        }
        let differs = !planned.fields.is_empty() || !planned.conflicts.is_empty();
        if !planned.writes_nothing() || (is_new && differs) {
            self.work.pairs += 1;
        }
        if is_new {
            self.plan.differing += u64::from(differs);
        } else if !planned.writes_nothing() {
            self.plan.changed += 1;
        } else if planned.conflicts.is_empty() {
            return;
        } else {
            planned.what = What::Ask;
            self.plan.questions += 1;
            "both sides differ and the rules say to ask".clone_into(&mut planned.why);
        }
        let records = [Some(link.left.clone()), Some(link.right.clone())];
        self.row(records, &planned);
    }

    /// One record without a link.
    fn unlinked(
        &mut self,
        known: &Pairing,
        side: Side,
        read: &Read,
        others: &Others,
        family: &Family,
    ) {
        let (fields, own) = (&read.record.fields, &read.record.id);
        if !scope::contains(self.pairing, side, fields) {
            self.plan.side(side).out_of_scope += 1;
            return;
        }
        if self.taken[index(side)].contains(own) {
            return;
        }
        let person = identify::person(self.pairing, side, Some(own), fields);
        let keys = &identify::sought(&person)[..];
        match others.choose(self.pairing, side, own, &person, keys) {
            Choice::Link(candidate) => {
                let Some(other) = others
                    .candidates
                    .get(&candidate.id)
                    .and_then(|known| known.read.as_ref())
                else {
                    return;
                };
                let how = matching::explain(candidate.verdict.findings());
                self.link(known, side, [read, other], how);
            }
            Choice::Review(candidates) => {
                let twins = others.twins(self.pairing, own, &person, keys);
                let ids: Vec<RecordId> = twins.iter().map(|twin| twin.id.clone()).collect();
                let before = self.asked.before((side, own), &candidates, &ids);
                let why = identify::why_asked(&candidates, !twins.is_empty());
                let findings = candidates
                    .first()
                    .or(twins.first())
                    .map(|candidate| matching::explain(candidate.verdict.findings()));
                let told = match findings {
                    Some(findings) => format!("{why}: {findings}"),
                    None => why.to_owned(),
                };
                let told = match before {
                    Some(before) => {
                        self.plan.side(side).waiting += 1;
                        let connection = &self.pairing.end(before.side).connection;
                        let record = before.record;
                        format!("waits for the answer about {connection} {record}: {told}")
                    }
                    None => {
                        self.plan.side(side).ambiguous += 1;
                        self.plan.questions += 1;
                        *self.plan.asked.entry(why.to_owned()).or_default() += 1;
                        let named = candidates.iter().map(|candidate| candidate.id.clone());
                        self.asked.add((side, own.clone()), named);
                        told
                    }
                };
                let other = candidates.first().map(|candidate| candidate.id.clone());
                let beside = other
                    .as_ref()
                    .and_then(|other| others.candidates.get(other)?.read.as_ref());
                let planned = Planned::new(What::Ask, side, told).beside(
                    known,
                    fields,
                    beside.map(|read| &read.record.fields),
                );
                self.row(by_side(side, own.clone(), other), &planned);
            }
            Choice::None => match family.kin(known, side, read, &self.taken[index(side.other())]) {
                Kin::Nobody => self.birth(known, side, read),
                Kin::One(other, how) => {
                    let how = format!("{how}, under the same record");
                    self.link(known, side, [read, other], how);
                }
                Kin::Asked(candidates, why) => {
                    self.plan.side(side).ambiguous += 1;
                    self.plan.questions += 1;
                    *self.plan.asked.entry(why.to_owned()).or_default() += 1;
                    let other = candidates.first().map(|(other, _)| *other);
                    let planned = Planned::new(What::Ask, side, why.to_owned()).beside(
                        known,
                        fields,
                        other.map(|other| &other.record.fields),
                    );
                    let other = other.map(|other| other.record.id.clone());
                    self.row(by_side(side, own.clone(), other), &planned);
                }
            },
        }
    }

    /// Two records that would be linked, the one that is looked at first.
    fn link(&mut self, known: &Pairing, side: Side, [own, other]: [&Read; 2], how: String) {
        self.taken[index(side)].insert(own.record.id.clone());
        self.taken[index(side.other())].insert(other.record.id.clone());
        *self.plan.matched.entry(how.clone()).or_default() += 1;
        let reads = match side {
            Side::Left => [own.clone(), other.clone()],
            Side::Right => [other.clone(), own.clone()],
        };
        let [left, right] = [0, 1].map(|at: usize| reads[at].record.id.clone());
        self.matched
            .add(self.pairing.entity, left.clone(), right.clone());
        let link = resolve::new_link(self.core, self.pairing, left, right, &how);
        let new = Planned::new(What::Link, side, how);
        self.pair(known, &link, &reads, &[], new);
    }

    /// A record that has no counterpart.
    fn birth(&mut self, known: &Pairing, side: Side, read: &Read) {
        let target = side.other();
        let (fields, own) = (&read.record.fields, &read.record.id);
        let allowed = match target {
            Side::Left => self.pairing.rules.create.left,
            Side::Right => self.pairing.rules.create.right,
        };
        // A preview shows what a two-way sync would do.
        let may_write =
            self.pairing.mode == mapping::Mode::Preview || self.pairing.may_write(target);
        let wanted = self.pairing.compiled.gets_counterpart(side, fields) == Some(true);
        let mut draft = known.compiled.draft(target, fields).fields;
        if !(allowed && may_write && wanted) || draft.is_empty() {
            self.plan.side(side).not_created += 1;
            return;
        }
        if let Some(field) = self.pairing.compiled.keep_id(target) {
            draft.set(field.clone(), Field::of(own.as_str()));
        }
        self.plan.side(target).creates += 1;
        self.work.creates[index(target)] += 1;
        let why = "nobody on the other side shares a key".to_owned();
        let planned = Planned::new(What::Create, side, why).of_draft(known, fields, draft);
        self.row(by_side(side, own.clone(), None), &planned);
    }

    fn row(&mut self, [left, right]: [Option<RecordId>; 2], planned: &Planned) {
        let state = if planned.what == What::Ask {
            PlanRowState::Question
        } else {
            self.plan.rows += 1;
            PlanRowState::Waiting
        };
        self.sample(left.as_ref(), right.as_ref(), planned);
        self.rows.push(PlanRow {
            number: self.next,
            entity: self.pairing.entity,
            left,
            right,
            state,
            note: None,
            body: json!(planned),
        });
        self.next += 1;
    }

    fn sample(&mut self, left: Option<&RecordId>, right: Option<&RecordId>, planned: &Planned) {
        // Pairs that agree show nothing.
        let samples = self.plan.samples.iter();
        let alike = samples.filter(|sample| {
            sample.what == planned.what && sample.fields.is_empty() == planned.fields.is_empty()
        });
        if alike.count() >= SAMPLES {
            return;
        }
        let fields = planned.fields.iter().map(|(id, field)| {
            let to = match (&field.to_left, &field.to_right) {
                (Some(_), None) => Some(Side::Left),
                (None, Some(_)) => Some(Side::Right),
                _ => None,
            };
            (id.clone(), (field.left.clone(), field.right.clone(), to))
        });
        let asked = planned
            .sides
            .iter()
            .map(|(id, [left, right])| (id.clone(), (left.clone(), right.clone(), None)));
        self.plan.samples.push(PlanSample {
            what: planned.what,
            entity: self.pairing.entity,
            left: left.cloned(),
            right: right.cloned(),
            why: planned.why.clone(),
            fields: fields.chain(asked).collect(),
        });
    }
}
