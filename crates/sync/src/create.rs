//! Making records on the other side: the intent is durable before the call, and each create ends in
//! created, existing, refused or unknown. Nothing is made twice without proof.

mod taken;

pub(crate) use taken::Taken;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use connector::{CreateOutcome, Draft, Fetched, Refusal};
use jiff::Timestamp;
use mapping::CompiledMapping;
use record::{Field, FieldName, Fields, Read, RecordId, Side};
use store::{
    Blocked, Cause, Claim, Effect, Intent, IntentEnd, IntentId, IntentState, Link, LinkId,
    LinkState, NewJournalEntry, SkipReason,
};
use uuid::Uuid;

use crate::{
    Error, children,
    decide::{awaited, hash_of, revision},
    identify,
    pair::{Pairing, index},
    reconcile::{ClaimEnd, Desk, cause_of},
    references, resolve,
    settle::is_final,
};

/// A refused create is sent again without the blamed fields so often.
const REFUSED_TRIES: usize = 4;

/// A create waits so many tries for a record that it could not name later.
const PARENT_TRIES: u32 = 4;

/// How long a create waits for records that are just worked on.
const PARENTS_FIRST: std::time::Duration = std::time::Duration::from_secs(1);

/// A record that has no counterpart and shall get one.
pub(crate) struct Birth {
    pub(crate) claim: Claim,
    pub(crate) read: Read,
    /// Records of the other side that people said it is not.
    pub(crate) apart: Vec<RecordId>,
}

/// One create under way.
struct Labour {
    birth: Birth,
    intent: Intent,
    draft: Fields,
    dropped: Vec<(FieldName, Refusal)>,
}

impl Labour {
    /// The record was made without these fields.
    fn without(mut self, left_out: &[FieldName]) -> Self {
        for field in left_out {
            self.draft.set(field.clone(), Field::Unknown);
        }
        self
    }
}

/// Makes the records on the side opposite to the desk's.
pub(crate) async fn create(desk: &mut Desk<'_>, births: Vec<Birth>) -> Result<(), Error> {
    let target = desk.side.other();
    if !desk.pairing.may_create(target) {
        for birth in births {
            desk.count("skipped_create_off", 1);
            desk.is_clear(&birth.claim);
            let note = not_made(desk.pairing, target);
            desk.skip(&birth.claim.record, SkipReason::CreateOff, note);
        }
        return Ok(());
    }
    let births = desk.worth_making(births);
    if desk.core.is_rematching(&desk.pairing.sync) {
        for birth in births {
            desk.end(&birth.claim.record, desk.put_off());
        }
        return Ok(());
    }
    if let Some(until) = desk.used_up_until(target, connector::Effect::Write) {
        let why =
            format!("the limit of the system that it is to be made in is used up until {until}");
        for birth in births {
            let why = why.clone();
            desk.end(&birth.claim.record, ClaimEnd::Later { until, why });
        }
        return Ok(());
    }
    if !desk
        .may_change(crate::breaker::Kind::Create, births.len())
        .await?
    {
        for birth in births {
            desk.end(
                &birth.claim.record,
                ClaimEnd::Again {
                    after: None,
                    error: Some(crate::breaker::Kind::Create.stopped()),
                },
            );
        }
        return Ok(());
    }
    let fields: Vec<_> = births
        .iter()
        .map(|birth| (desk.side, &birth.read.record.fields))
        .collect();
    let known = references::known(desk.core, desk.pairing, &fields).await?;
    drop(fields);
    let [mut births, mut later] = desk.in_turns(&known, births);
    while !births.is_empty() {
        make(desk, &known, births).await?;
        if !later.is_empty() {
            desk.flush().await;
        }
        [births, later] = desk.in_turns(&known, later);
    }
    Ok(())
}

async fn make(desk: &mut Desk<'_>, known: &Pairing, births: Vec<Birth>) -> Result<(), Error> {
    let mut labours = desk.begin(known, births).await?;
    for _ in 0..REFUSED_TRIES {
        if labours.is_empty() {
            return Ok(());
        }
        labours = desk.attempt(known, labours).await?;
    }
    for labour in labours {
        desk.give_up(labour);
    }
    Ok(())
}

/// What is sent to make a record.
fn draft_of(known: &Pairing, target: Side, birth: &Birth) -> Fields {
    let read = &birth.read.record;
    known.compiled.draft(target, &read.fields).fields
}

/// By what a new record is found.
fn keys_of(pairing: &Pairing, target: Side, draft: &Fields) -> Vec<store::Key> {
    identify::keys(pairing, target, None, draft)
        .into_iter()
        .chain(children::key(pairing, target, draft))
        .collect()
}

impl Desk<'_> {
    /// Nobody need be asked any more who a record is. Not to be called before it is known that the other system does
    /// not take it for somebody else: who waits for the answer would be woken, and asked, for nothing.
    pub(crate) fn is_clear(&mut self, claim: &Claim) {
        // A first listing has nobody who was asked about before.
        if !self.is_just_listed(claim) {
            let question = resolve::who_is(self.pairing, self.side, &claim.record);
            self.commit.withdrawn.push(question);
        }
    }

    /// Leaves out the records that the rules give no counterpart.
    fn worth_making(&mut self, births: Vec<Birth>) -> Vec<Birth> {
        let mut wanted = Vec::with_capacity(births.len());
        for birth in births {
            let fields = &birth.read.record.fields;
            match self.pairing.compiled.gets_counterpart(self.side, fields) {
                Some(true) => wanted.push(birth),
                // What is unknown now is looked at again when it is not.
                Some(false) | None => {
                    self.count("skipped_create_condition", 1);
                    self.is_clear(&birth.claim);
                    self.skip(&birth.claim.record, SkipReason::CreateCondition, "");
                }
            }
        }
        wanted
    }

    /// Makes the intents durable.
    async fn begin(&mut self, known: &Pairing, births: Vec<Birth>) -> Result<Vec<Labour>, Error> {
        let target = self.side.other();
        let now = self.core.clock.now();
        let lag = self.pairing.end(target).description.search_lag;
        let mut labours = Vec::with_capacity(births.len());
        for birth in births {
            if let Some(end) = self.without_parent(known, &birth) {
                self.end(&birth.claim.record, end);
                continue;
            }
            if let Some(end) = self.parent_to_come(known, &birth) {
                self.end(&birth.claim.record, end);
                continue;
            }
            let mut draft = draft_of(known, target, &birth);
            if draft.is_empty() {
                self.count("skipped_nothing_to_write", 1);
                self.is_clear(&birth.claim);
                self.skip(&birth.claim.record, SkipReason::NothingToWrite, "");
                continue;
            }
            if let Some(field) = self.pairing.compiled.keep_id(target) {
                draft.set(field.clone(), Field::of(birth.claim.record.as_str()));
            }
            let Some(draft) = self.permits_draft(known, &birth.claim.record, draft) else {
                self.end(&birth.claim.record, ClaimEnd::Settled);
                continue;
            };
            let intent = Intent {
                id: IntentId(Uuid::now_v7()),
                sync: self.pairing.sync.clone(),
                entity: self.pairing.entity,
                target,
                source: birth.claim.record.clone(),
                source_fields: mapped(self.pairing, self.side, &birth.read.record.fields),
                draft: draft.clone(),
                keys: keys_of(self.pairing, target, &draft),
                opened: now,
                state: IntentState::Open,
                look_after: now
                    .saturating_add(self.core.options.lease)
                    .and_then(|at| at.saturating_add(lag))
                    .unwrap_or(now),
                looks: 0,
                cause: cause_of(&birth.claim),
            };
            labours.push(Labour {
                birth,
                intent,
                draft,
                dropped: Vec::new(),
            });
        }
        self.leave_out_taken(known, &mut labours).await?;
        let intents: Vec<Intent> = labours.iter().map(|labour| labour.intent.clone()).collect();
        let taken: BTreeSet<IntentId> = self
            .core
            .store
            .open_intents(&self.core.workspace, &intents)
            .await?
            .into_iter()
            .collect();
        self.begun.extend(&taken);
        let (labours, already): (Vec<_>, Vec<_>) = labours
            .into_iter()
            .partition(|labour| taken.contains(&labour.intent.id));
        for labour in already {
            // An earlier create of the same record is not settled; it signals the record when it is.
            self.end(&labour.birth.claim.record, ClaimEnd::Settled);
        }
        Ok(labours)
    }

    /// Whether a record is made later, because it names one that has no link so far: as long as records of that
    /// kind are just worked on, so that parents come first; and some tries long, if it could never name it later.
    fn parent_to_come(&self, known: &Pairing, birth: &Birth) -> Option<ClaimEnd> {
        let fields = &birth.read.record.fields;
        let target = self.side.other();
        known.compiled.references().find_map(|(mapping, entity)| {
            let reason = mapping.unreadable(self.side, fields)?;
            if self.core.is_at_work(entity) {
                return Some(ClaimEnd::Again {
                    after: Some(PARENTS_FIRST),
                    error: None,
                });
            }
            (mapping.create_only(target) && birth.claim.attempts < PARENT_TRIES).then_some(
                ClaimEnd::Again {
                    after: None,
                    error: Some(reason),
                },
            )
        })
    }

    /// Sends the creates once. What came back refused with blamed fields is returned, without them.
    async fn attempt(
        &mut self,
        known: &Pairing,
        labours: Vec<Labour>,
    ) -> Result<Vec<Labour>, Error> {
        let target = self.side.other();
        let end = self.pairing.end(target);
        let cause = labours[0].intent.cause.clone();
        let drafts: Vec<Draft> = labours
            .iter()
            .map(|labour| Draft {
                fields: labour.draft.clone(),
                apart: labour.birth.apart.clone(),
            })
            .collect();
        let outcomes = match self.calls(target, &cause) {
            Ok(calls) => end.connector.create(&*calls, &end.wanted, &drafts).await,
            Err(error) => {
                for labour in labours {
                    self.not_made(&labour, error.to_string());
                }
                return Ok(Vec::new());
            }
        };
        let missing = labours.len().saturating_sub(outcomes.len());
        let outcomes = outcomes
            .into_iter()
            .chain((0..missing).map(|_| CreateOutcome::Unknown {
                why: "the connector gave no outcome".to_owned(),
            }));
        let mut made = Vec::new();
        let mut again = Vec::new();
        for (labour, outcome) in labours.into_iter().zip(outcomes) {
            match outcome {
                CreateOutcome::Created { id, read, left_out } => {
                    made.push((labour.without(&left_out), id, read));
                }
                CreateOutcome::Existing {
                    candidate,
                    matching,
                    taken,
                } => {
                    let found = (candidate, matching.as_str());
                    again.extend(self.exists(known, labour, found, taken).await?);
                }
                CreateOutcome::Unknown { why } => self.unknown(&labour, &why),
                CreateOutcome::Failed(error) => {
                    // a vendor's limit that is used up for a day would else be taken for a mass of creates
                    self.did_not_change(crate::breaker::Kind::Create);
                    self.not_made(&labour, error.to_string());
                }
                CreateOutcome::Refused(refusal) => again.extend(self.refused(labour, refusal)),
            }
        }
        self.made(known, made, &cause).await?;
        Ok(again)
    }

    async fn made(
        &mut self,
        known: &Pairing,
        made: Vec<(Labour, RecordId, Option<Box<Read>>)>,
        cause: &Cause,
    ) -> Result<(), Error> {
        let target = self.side.other();
        let missing: Vec<RecordId> = made
            .iter()
            .filter(|(_, _, read)| !read.as_ref().is_some_and(|read| read.decides()))
            .map(|(_, id, _)| id.clone())
            .collect();
        let mut found: HashMap<RecordId, Fetched> = if missing.is_empty() {
            HashMap::new()
        } else {
            match self.fetch(target, &missing, cause).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::warn!(sync = %self.pairing.sync, %error, "made records could not be read back");
                    HashMap::new()
                }
            }
        };
        for (labour, id, read) in made {
            let read = match read {
                Some(read) if read.decides() => Some(*read),
                _ => match found.remove(&id) {
                    Some(Fetched::Found(read)) => Some(*read),
                    _ => None,
                },
            };
            self.born(known, &labour, id, read.as_ref());
        }
        Ok(())
    }

    /// Links a record that was made with the one that it was made from.
    fn born(&mut self, known: &Pairing, labour: &Labour, id: RecordId, read: Option<&Read>) {
        let now = self.core.clock.now();
        let refused: Vec<FieldName> = labour
            .dropped
            .iter()
            .map(|(field, _)| field.clone())
            .collect();
        let made = Made {
            draft: &labour.draft,
            refused: &refused,
            id,
            read,
        };
        let born = newborn(known, &labour.intent, &labour.birth.read, made, now);
        let target = labour.intent.target;
        let cause = &labour.intent.cause;
        self.core
            .forget_unmade(&labour.intent.sync, &labour.intent.source);
        self.commit
            .intents
            .push((labour.intent.id, IntentEnd::Closed));
        self.commit.journal.push(created_row(
            self.pairing,
            &born.link,
            target,
            cause,
            self.run,
            now,
        ));
        self.count("refused", born.waiting.len());
        self.await_those(&born.waiting, &labour.birth.claim);
        self.commit.blocked.extend(born.waiting);
        let made = read.map(|read| &read.record.fields);
        for (field, refusal) in &labour.dropped {
            self.block_dropped(known, labour, (born.link.id, made), (field, refusal), now);
        }
        self.commit
            .snapshots
            .push(self.linked_snapshot(self.side, &labour.birth.read));
        match read {
            Some(read) => self
                .commit
                .snapshots
                .push(self.linked_snapshot(target, read)),
            None => self.commit.snapshots.push(store::Snapshot {
                connection: self.pairing.end(target).connection.clone(),
                entity: self.pairing.entity,
                read: None,
                record: born.link.record(target).clone(),
                keys: identify::index_keys(
                    self.core,
                    self.pairing,
                    target,
                    born.link.record(target),
                    &labour.intent.draft,
                ),
                list_hash: None,
            }),
        }
        let record = born.link.record(target).clone();
        if born.look_again {
            let signal = store::Signal {
                connection: self.pairing.end(target).connection.clone(),
                entity: self.pairing.entity,
                record: record.clone(),
                lane: labour.birth.claim.lane,
                source: store::SignalSource::OwnWrite,
                not_older_than: None,
                due: now,
                cause: Some(Cause {
                    passed: [cause.passed.clone(), vec![self.pairing.sync.clone()]].concat(),
                    ..cause.clone()
                }),
            };
            self.commit.signals.push(signal);
        }
        self.signal_neighbours(target, &record, &labour.birth.claim, cause, born.look_again);
        self.births.push((born.link.id, labour.intent.id));
        self.commit.links.push(born.link);
        self.note_missed(&labour.birth.claim);
        self.count(&format!("created_{target}"), 1);
        self.note_seen(self.side, &labour.birth.claim.record);
        self.carried_out(&labour.birth.claim.record, labour.dropped.len());
        self.end(&labour.birth.claim.record, ClaimEnd::Settled);
    }

    /// Lists a field that a new record was made without, with the value that would be sent next.
    fn block_dropped(
        &mut self,
        known: &Pairing,
        labour: &Labour,
        (link, made): (LinkId, Option<&Fields>),
        (field, refusal): (&FieldName, &Refusal),
        now: Timestamp,
    ) {
        let target = labour.intent.target;
        let mapping = known
            .compiled
            .mappings()
            .iter()
            .find(|mapping| mapping.written(target).contains(field));
        if let Some(mapping) = mapping {
            let meaning = mapping.read(target.other(), &labour.intent.source_fields);
            let raw = mapping.put(target, &meaning, made.unwrap_or(&labour.draft));
            self.commit.blocked.push(Blocked {
                sync: self.pairing.sync.clone(),
                link,
                mapping: mapping.id().to_owned(),
                side: target,
                reason: refusal.to_string(),
                value_hash: hash_of(&raw),
                schema_hash: self.pairing.end(target).schema_hash,
                since: now,
                awaits: None,
            });
            self.count("refused", 1);
        }
    }

    /// The system holds something equal. That is a candidate, not a match. What comes back is somebody else than that
    /// one, and is to be made without what that one has.
    async fn exists(
        &mut self,
        known: &Pairing,
        mut labour: Labour,
        (candidate, matching): (RecordId, &str),
        taken: Option<FieldName>,
    ) -> Result<Option<Labour>, Error> {
        let found = identify::named_by_system(self, &labour.birth.claim, &candidate).await?;
        if let (Ok(named), Some(field)) = (&found, &taken)
            && self.is_taken_by(known, &labour, field, (&candidate, &named.fields))
        {
            self.without_taken(&mut labour, field, &candidate);
            return Ok(Some(labour));
        }
        self.commit
            .intents
            .push((labour.intent.id, IntentEnd::Closed));
        let Labour { birth, .. } = labour;
        match found {
            _ if self.permit.is_some() => {
                let why = format!("the system holds {candidate} equal to it");
                self.leave_out(&birth.claim.record, &why);
                self.end(&birth.claim.record, ClaimEnd::Settled);
            }
            Ok(named) => {
                identify::candidate_of_system(self, birth, candidate, matching, named).await?;
            }
            Err(why) => identify::again(self, &birth.claim, &why),
        }
        Ok(None)
    }

    fn unknown(&mut self, labour: &Labour, why: &str) {
        let now = self.core.clock.now();
        let lag = self
            .pairing
            .end(labour.intent.target)
            .description
            .search_lag;
        let look = now
            .saturating_add(lag)
            .and_then(|at| at.saturating_add(std::time::Duration::from_secs(1)))
            .unwrap_or(now);
        tracing::info!(sync = %self.pairing.sync, record = %labour.birth.claim.record, why, "a create ended without an answer");
        self.commit
            .intents
            .push((labour.intent.id, IntentEnd::LookAfter(look)));
        self.count("creates_unknown", 1);
        self.is_clear(&labour.birth.claim);
        self.end(&labour.birth.claim.record, ClaimEnd::Settled);
    }

    fn not_made(&mut self, labour: &Labour, error: String) {
        self.commit
            .intents
            .push((labour.intent.id, IntentEnd::Closed));
        let end = self.again(&[labour.intent.target], connector::Effect::Write, error);
        self.end(&labour.birth.claim.record, end);
    }

    /// Leaves out what is blamed; gives up where nothing is.
    fn refused(&mut self, mut labour: Labour, refusal: Refusal) -> Option<Labour> {
        let blamed: Vec<FieldName> = refusal
            .fields
            .iter()
            .filter(|field| labour.draft.get(field.as_str()).is_known())
            .cloned()
            .collect();
        if blamed.is_empty() {
            labour.dropped.push(("".into(), refusal));
            self.give_up(labour);
            return None;
        }
        for field in blamed {
            labour.draft.set(field.clone(), Field::Unknown);
            labour.dropped.push((field, refusal.clone()));
        }
        if labour.draft.is_empty() {
            self.give_up(labour);
            return None;
        }
        Some(labour)
    }

    fn give_up(&mut self, labour: Labour) {
        let now = self.core.clock.now();
        self.commit
            .intents
            .push((labour.intent.id, IntentEnd::Closed));
        self.is_clear(&labour.birth.claim);
        let reason = labour
            .dropped
            .last()
            .map_or_else(|| "refused".to_owned(), |(_, refusal)| refusal.to_string());
        let review = resolve::refused_create_review(
            self.pairing,
            self.side,
            &labour.birth.claim.record,
            &reason,
            now,
        );
        self.review(review);
        self.count("refused", 1);
        self.leave_out(&labour.birth.claim.record, &format!("refused: {reason}"));
        self.end(&labour.birth.claim.record, ClaimEnd::Settled);
    }
}

/// Why a sync makes no record on a side.
fn not_made(pairing: &Pairing, side: Side) -> &'static str {
    match pairing.mode {
        mapping::Mode::Preview => "a preview writes nothing",
        mode if !mode.writes(side) => "the sync goes one way",
        _ => "the rules say so",
    }
}

/// A link of a record that was just made, or was found to have been made.
pub(crate) struct Newborn {
    pub(crate) link: Link,
    /// What it could not be given because a record that it names has no link so far.
    pub(crate) waiting: Vec<Blocked>,
    /// The made record does not hold what was sent, or was not read back.
    pub(crate) look_again: bool,
}

/// What was made.
pub(crate) struct Made<'a> {
    /// What was sent.
    pub(crate) draft: &'a Fields,
    /// What it was made without, and is listed for it.
    pub(crate) refused: &'a [FieldName],
    pub(crate) id: RecordId,
    /// The record itself, if it is known.
    pub(crate) read: Option<&'a Read>,
}

/// Builds the link of a made record: the source's base is what was decided on, the target's what it
/// holds if that means what was sent, else what was sent.
pub(crate) fn newborn(
    pairing: &Pairing,
    intent: &Intent,
    source: &Read,
    made: Made<'_>,
    now: Timestamp,
) -> Newborn {
    let Made {
        draft,
        refused,
        id,
        read,
    } = made;
    let target = intent.target;
    let origin = target.other();
    let id_of_link = LinkId(Uuid::now_v7());
    let mut bases = [Fields::new(), Fields::new()];
    let mut revisions = BTreeMap::new();
    let mut look_again = read.is_none();
    let mut source_known = true;
    let mut waiting = Vec::new();
    for mapping in pairing.compiled.mappings() {
        let source_raw = mapping.raw(origin, &intent.source_fields);
        let meaning = mapping.read(origin, &source_raw);
        if !meaning.is_known() {
            // Nothing was decided about it; the next look aligns it.
            tracing::debug!(sync = %pairing.sync, mapping = mapping.id(), "a record was made without knowing a field");
            source_known = false;
            let reason = mapping.unreadable(origin, &intent.source_fields);
            let awaits = awaited(pairing, mapping, origin, &intent.source_fields);
            match (reason, awaits) {
                // It is known what it waits for: a look would find just that.
                (Some(reason), Some(awaits)) => waiting.push(Blocked {
                    sync: pairing.sync.clone(),
                    link: id_of_link,
                    mapping: mapping.id().to_owned(),
                    side: target,
                    reason,
                    value_hash: hash_of(&source_raw),
                    schema_hash: pairing.end(target).schema_hash,
                    since: now,
                    awaits: Some(awaits),
                }),
                _ => look_again = true,
            }
            if mapping.refers_to().is_some() {
                without_reference(&mut bases, mapping, target, read);
                revisions.insert(mapping.id().to_owned(), revision(mapping));
            }
            continue;
        }
        if mapping.holds_back(target, &meaning) {
            // The next look asks about it, or lists it.
            look_again = true;
            continue;
        }
        let sent = filled(mapping.fields(target), draft);
        // What is only read along, such as the country of a number, says nothing about the number.
        let written = mapping.written(target);
        let was_refused = written.iter().any(|name| refused.contains(name));
        let was_sent = !was_refused
            && written
                .iter()
                .any(|name| draft.get(name.as_str()).is_known());
        let meant = mapping.read(target, &sent);
        let target_raw = match read {
            Some(read) => {
                let stored = mapping.raw(target, &read.record.fields);
                let holds = mapping.read(target, &stored);
                // Nobody agrees to something by being made: the next look would find nothing to do, either.
                let left_open = !was_sent && mapping.leaves_open(&meaning, &holds);
                if mapping.accepted(target, &meaning, &holds)
                    || (was_sent && mapping.accepted(target, &meant, &holds))
                    || left_open
                {
                    stored
                } else {
                    if was_refused {
                        // A look would find just that: it is listed, and tried when something changes.
                        continue;
                    }
                    look_again = true;
                    tracing::debug!(sync = %pairing.sync, mapping = mapping.id(), "a made record does not hold what was sent");
                    if !was_sent && mapping.refers_to().is_some() {
                        without_reference(&mut bases, mapping, target, Some(read));
                        revisions.insert(mapping.id().to_owned(), revision(mapping));
                        continue;
                    }
                    if !was_sent {
                        // Could not be sent (not writable, refused): aligned by the next look.
                        continue;
                    }
                    sent
                }
            }
            None if !was_sent => continue,
            None => sent,
        };
        for (side, raw) in [(origin, source_raw), (target, target_raw)] {
            for (name, field) in raw {
                bases[index(side)].set(name, field);
            }
        }
        revisions.insert(mapping.id().to_owned(), revision(mapping));
    }
    if let Some(field) = pairing.compiled.keep_id(target) {
        let sent = draft.get(field.as_str());
        let holds = read.is_none_or(|read| read.record.fields.get(field.as_str()) == sent);
        if sent.is_known() && holds {
            bases[index(target)].set(field.clone(), sent.clone());
        }
    }
    // The source is told of what was made for it by the next look.
    look_again |= pairing.compiled.keep_id(origin).is_some();
    let [base_left, base_right] = bases;
    let (left, right) = match target {
        Side::Left => (id, intent.source.clone()),
        Side::Right => (intent.source.clone(), id),
    };
    let target_seen = read.map_or(intent.opened, |read| read.as_of);
    // Up to these stamps nothing is news: a poll that shows them again asks for no reading.
    let final_stamp = |read: &Read| {
        read.modified
            .filter(|modified| is_final(*modified, read.as_of))
    };
    let target_stamp = read.and_then(final_stamp).filter(|_| !look_again);
    let source_stamp = final_stamp(source).filter(|_| source_known);
    let by_side = |on_target: Option<Timestamp>, on_origin: Option<Timestamp>| match target {
        Side::Left => (on_target, on_origin),
        Side::Right => (on_origin, on_target),
    };
    let (seen_left, seen_right) = by_side(Some(target_seen), Some(source.as_of));
    let (stamp_left, stamp_right) = by_side(target_stamp, source_stamp);
    let (wrote_left, wrote_right) = by_side(Some(now), None);
    Newborn {
        link: Link {
            id: id_of_link,
            sync: pairing.sync.clone(),
            entity: pairing.entity,
            left,
            right,
            state: LinkState::Active,
            how: "created".to_owned(),
            base_left,
            base_right,
            revisions,
            seen_left: seen_left.unwrap_or(now),
            seen_right: seen_right.unwrap_or(now),
            wrote_left,
            wrote_right,
            stamp_left,
            stamp_right,
            created: now,
            underway: Vec::new(),
        },
        waiting,
        look_again,
    }
}

/// A record was made without the record that it is to name: as if neither side had named any, so that the
/// source's is the one change when it can be carried out, and the emptiness of the new record is none.
fn without_reference(
    bases: &mut [Fields; 2],
    mapping: &CompiledMapping,
    target: Side,
    read: Option<&Read>,
) {
    for name in mapping.fields(target.other()) {
        bases[index(target.other())].set(name.clone(), Field::Empty);
    }
    for name in mapping.fields(target) {
        let holds = read.map_or(&Field::Empty, |read| read.record.fields.get(name.as_str()));
        bases[index(target)].set(name.clone(), holds.clone());
    }
}

/// The fields as they were to be: those that were not sent are empty.
fn filled(names: &[FieldName], draft: &Fields) -> Fields {
    names
        .iter()
        .map(|name| {
            let field = match draft.get(name.as_str()) {
                Field::Unknown => Field::Empty,
                known => known.clone(),
            };
            (name.clone(), field)
        })
        .collect()
}

/// The journal row of a made record.
pub(crate) fn created_row(
    pairing: &Pairing,
    link: &Link,
    target: Side,
    cause: &Cause,
    run: Option<store::RunId>,
    now: Timestamp,
) -> NewJournalEntry {
    NewJournalEntry {
        at: now,
        effect: Effect::Created,
        connection: pairing.end(target).connection.clone(),
        entity: pairing.entity,
        record: link.record(target).clone(),
        field: None,
        before: Field::Unknown,
        after: Field::Unknown,
        sync: Some(pairing.sync.clone()),
        link: Some(link.id),
        rule: format!("create on the {target}"),
        cause: cause.clone(),
        run,
        note: Some(format!(
            "made from {} {}",
            pairing.end(target.other()).connection,
            link.record(target.other())
        )),
    }
}

/// The fields of a side that some mapping reads.
pub(crate) fn mapped(pairing: &Pairing, side: Side, fields: &Fields) -> Fields {
    pairing
        .mapped_fields(side)
        .map(|name| (name.clone(), fields.get(name.as_str()).clone()))
        .collect()
}
