//! Making records on the other side: the intent is durable before the call, and each create ends in
//! created, existing, refused or unknown. Nothing is made twice without proof.

mod born;
mod newborn;
mod taken;

pub(crate) use newborn::{Made, created_row, mapped, newborn};
pub(crate) use taken::Taken;

use std::collections::BTreeSet;

use connector::{CreateOutcome, Draft, Refusal};
use record::{Field, FieldName, Fields, Read, RecordId, Side};
use store::{Claim, Intent, IntentEnd, IntentId, IntentState, SkipReason};
use uuid::Uuid;

use crate::{
    Error, children, identify,
    pair::Pairing,
    reconcile::{ClaimEnd, Desk, cause_of},
    references, resolve,
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
    let births = desk.readable(births);
    if let Some(until) = desk.used_up_until(target, connector::Effect::Write) {
        let why =
            format!("the limit of the system that it is to be made in is used up until {until}");
        for birth in births {
            let why = why.clone();
            desk.end(&birth.claim.record, ClaimEnd::Later { until, why });
        }
        return Ok(());
    }
    let fields: Vec<_> = births
        .iter()
        .map(|birth| (desk.side, &birth.read.record.fields))
        .collect();
    let known = references::known(desk.core, desk.pairing, &fields).await?;
    drop(fields);
    // Who waits is not made now, however often it is looked at, and is none of those that are counted.
    let births = desk.with_parents(&known, births);
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

    /// Those that wait for no other record.
    fn with_parents(&mut self, known: &Pairing, births: Vec<Birth>) -> Vec<Birth> {
        let mut ready = Vec::with_capacity(births.len());
        for birth in births {
            let end = self.without_parent(known, &birth);
            match end.or_else(|| self.parent_to_come(known, &birth)) {
                Some(end) => self.end(&birth.claim.record, end),
                None => ready.push(birth),
            }
        }
        ready
    }

    /// Makes the intents durable.
    async fn begin(&mut self, known: &Pairing, births: Vec<Birth>) -> Result<Vec<Labour>, Error> {
        let target = self.side.other();
        let now = self.core.clock.now();
        let lag = self.pairing.end(target).description.search_lag;
        let mut labours = Vec::with_capacity(births.len());
        for birth in births {
            let mut draft = draft_of(known, target, &birth);
            if draft.is_empty() {
                self.count("skipped_nothing_to_write", 1);
                self.did_not_change(crate::breaker::Kind::Create);
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
        let (labours, doubts) = self.leave_out_taken(known, labours).await?;
        for doubt in doubts {
            let taken::Doubt {
                labour,
                holder,
                field,
            } = doubt;
            let found = identify::named_by_system(self, &labour.birth.claim, &holder).await?;
            self.named(labour.birth, holder, field.as_str(), found)
                .await?;
        }
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
            self.did_not_change(crate::breaker::Kind::Create);
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

    /// Those of which every field that crosses can be read, or shows nothing. Of the others it is asked: made without what a person
    /// put there they would say something else.
    fn readable(&mut self, births: Vec<Birth>) -> Vec<Birth> {
        let now = self.core.clock.now();
        let (mut readable, mut unclear) = (Vec::new(), Vec::new());
        for birth in births {
            let why: BTreeSet<String> = self
                .pairing
                .mapped_fields(self.side)
                .filter_map(|name| Some(format!("{name}: {}", birth.read.unclear.get(name)?.why)))
                .collect();
            match why.is_empty() {
                true => readable.push(birth),
                false => unclear.push((birth, Vec::from_iter(why).join("; "))),
            }
        }
        for (birth, why) in unclear {
            let record = &birth.claim.record;
            self.is_clear(&birth.claim);
            let review = resolve::unclear_create_review(self.pairing, self.side, record, &why, now);
            self.review(review);
            self.leave_out(record, &why);
            self.end(record, ClaimEnd::Settled);
        }
        readable
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
        if let (Ok(named), Some(field)) = (&found, &taken) {
            self.note_taken(known, &labour, field, &named.fields);
            if self.is_taken_by(known, &labour, field, (&candidate, &named.fields)) {
                labour.leave_out_for(field, &candidate);
                return Ok(Some(labour));
            }
        }
        self.commit
            .intents
            .push((labour.intent.id, IntentEnd::Closed));
        self.named(labour.birth, candidate, matching, found).await?;
        Ok(None)
    }

    /// The system holds, or would name, this record as equal to one that is to be made.
    async fn named(
        &mut self,
        birth: Birth,
        candidate: RecordId,
        matching: &str,
        found: Result<identify::Named, String>,
    ) -> Result<(), Error> {
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
        Ok(())
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
