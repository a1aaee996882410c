//! What a system takes once only: a number, an address. Whoever is surely somebody else than the record that has it
//! already is made without it, and the field is listed with those that were refused.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Mutex,
    time::Duration,
};

use connector::{KeyKind, Refusal};
use jiff::Timestamp;
use matching::{Verdict, compare};
use record::{Entity, Field, FieldName, Fields, Read, RecordId};
use store::{ConnectionName, Lane};

use super::{Birth, Labour, draft_of};
use crate::{Error, identify, intents::identity_key, pair::Pairing, reconcile::Desk};

/// For so long after a refusal the next one is foreseen. Then one is sent again: the account may be set otherwise by then.
const FORESEEN: Duration = Duration::from_hours(1);

/// The fields that accounts were seen to take once only, and when that was.
#[derive(Default)]
pub(crate) struct Taken(Mutex<HashMap<(ConnectionName, Entity), HashMap<FieldName, Timestamp>>>);

impl Taken {
    fn note(&self, connection: &ConnectionName, entity: Entity, field: &FieldName, now: Timestamp) {
        let mut taken = self.0.lock().expect("no panic while held");
        let fields = taken.entry((connection.clone(), entity)).or_default();
        fields.insert(field.clone(), now);
    }

    fn fields(
        &self,
        connection: &ConnectionName,
        entity: Entity,
        now: Timestamp,
    ) -> Vec<FieldName> {
        let taken = self.0.lock().expect("no panic while held");
        let is_young = |seen: Timestamp| seen.saturating_add(FORESEEN).is_ok_and(|end| end > now);
        taken
            .get(&(connection.clone(), entity))
            .into_iter()
            .flatten()
            .filter(|(_, seen)| is_young(**seen))
            .map(|(field, _)| field.clone())
            .collect()
    }
}

impl Desk<'_> {
    /// What is foreseen to be refused where somebody else has it. Whoever is looked at alone is sent: it costs one call, and
    /// what is known of the others may be old.
    fn foreseen(&self) -> Vec<FieldName> {
        if self.lane == Lane::Live {
            return Vec::new();
        }
        let target = self.pairing.end(self.side.other());
        let now = self.core.clock.now();
        let taken = &self.core.taken;
        taken.fields(&target.connection, self.pairing.entity, now)
    }

    /// Those of whom one is made after the other: the first of a household shows the second that the number is taken.
    pub(super) fn in_turns(&self, known: &Pairing, births: Vec<Birth>) -> [Vec<Birth>; 2] {
        let fields = self.foreseen();
        if fields.is_empty() {
            return [births, Vec::new()];
        }
        let target = self.side.other();
        let mut seen: BTreeSet<store::Key> = BTreeSet::new();
        let (first, later) = births.into_iter().partition(|birth| {
            let draft = draft_of(known, target, birth);
            let keys = addresses(known, self, &draft);
            let is_first = keys.iter().all(|key| !seen.contains(key));
            seen.extend(keys);
            is_first
        });
        [first, later]
    }

    /// Leaves out what the account is known to take once only and a linked record has that is surely somebody else.
    /// What it would refuse for a linked record that may be the same one is given back apart, where what is known is
    /// young: the question takes no call.
    pub(super) async fn leave_out_taken(
        &self,
        known: &Pairing,
        labours: Vec<Labour>,
    ) -> Result<(Vec<Labour>, Vec<Doubt>), Error> {
        let fields = self.foreseen();
        if fields.is_empty() {
            return Ok((labours, Vec::new()));
        }
        let target = self.side.other();
        let keys: Vec<store::Key> = labours
            .iter()
            .flat_map(|labour| addresses(known, self, &labour.draft))
            .collect();
        let by_key = identify::by_index(self, target, &keys).await?;
        let holders: BTreeSet<RecordId> = by_key.values().flatten().cloned().collect();
        let holders: Vec<RecordId> = holders.into_iter().collect();
        let links = self.links_of(target, &holders).await?;
        let (mut sent, mut doubts) = (Vec::with_capacity(labours.len()), Vec::new());
        for mut labour in labours {
            let doubted = fields.iter().find_map(|field| {
                let found: Vec<(&RecordId, &Fields)> = addresses(known, self, &labour.draft)
                    .iter()
                    .filter_map(|key| by_key.get(key))
                    .flatten()
                    .filter_map(|id| Some((id, links.get(id)?.base(target))))
                    .collect();
                match self.holder(known, &labour, field, &found) {
                    Holder::Nobody => None,
                    Holder::SomebodyElse(holder) => {
                        labour.leave_out_for(field, holder);
                        None
                    }
                    Holder::Perhaps(holder) => Some((holder.clone(), field.clone())),
                }
            });
            if let Some((holder, field)) = doubted {
                doubts.push(Doubt {
                    labour,
                    holder,
                    field,
                });
                continue;
            }
            labour.intent.keys = super::keys_of(self.pairing, target, &labour.draft);
            labour.intent.draft = labour.draft.clone();
            sent.push(labour);
        }
        Ok((sent, doubts))
    }

    /// Who of these linked records has the value of a field that would be sent.
    fn holder<'a>(
        &self,
        known: &Pairing,
        labour: &Labour,
        field: &FieldName,
        found: &[(&'a RecordId, &Fields)],
    ) -> Holder<'a> {
        let mut others = found.iter();
        if let Some((holder, _)) =
            others.find(|holder| self.is_taken_by(known, labour, field, **holder))
        {
            return Holder::SomebodyElse(holder);
        }
        if !self.is_just_listed(&labour.birth.claim) {
            return Holder::Nobody;
        }
        let mut same = found.iter();
        match same.find(|(_, held)| self.is_held(known, labour, field, held)) {
            Some((holder, _)) => Holder::Perhaps(holder),
            None => Holder::Nobody,
        }
    }

    /// Notes that the account takes a field once only: it refused a value that another record has.
    pub(super) fn note_taken(
        &self,
        known: &Pairing,
        labour: &Labour,
        field: &FieldName,
        fields: &Fields,
    ) {
        if self.is_held(known, labour, field, fields) {
            let target = self.pairing.end(self.side.other());
            let now = self.core.clock.now();
            let taken = &self.core.taken;
            taken.note(&target.connection, self.pairing.entity, field, now);
        }
    }

    /// Whether a record can be made without a field: another of the target has this very value and is surely somebody
    /// else, and the new one is found by something else; or people said that the two are not one.
    pub(super) fn is_taken_by(
        &self,
        known: &Pairing,
        labour: &Labour,
        field: &FieldName,
        (holder, fields): (&RecordId, &Fields),
    ) -> bool {
        let target = self.side.other();
        let mut left = labour.draft.clone();
        left.set(field.clone(), Field::Unknown);
        if !labour.draft.get(field.as_str()).is_known() || left.is_empty() {
            return false;
        }
        if labour.birth.apart.contains(holder) {
            return true;
        }
        if !self.is_held(known, labour, field, fields) {
            return false;
        }
        let Read { record, .. } = &labour.birth.read;
        let own = identify::person(self.pairing, self.side, Some(&record.id), &record.fields);
        let other = identify::person(self.pairing, target, Some(holder), fields);
        let verdict = compare(&own, &other, &self.pairing.rules.matching);
        matches!(verdict, Verdict::Different { .. }) && !addresses(known, self, &left).is_empty()
    }

    /// Whether another record of the target has the very value that would be sent in a field.
    fn is_held(
        &self,
        known: &Pairing,
        labour: &Labour,
        field: &FieldName,
        fields: &Fields,
    ) -> bool {
        let target = self.side.other();
        if labour.draft.get(field.as_str()).value().is_none() {
            return false;
        }
        let mut mappings = known.compiled.mappings().iter();
        let Some(mapping) = mappings.find(|mapping| mapping.written(target).contains(field)) else {
            return false;
        };
        // With what is only read along, such as the country of a number.
        let alone = |fields: &Fields| -> Fields {
            let mut alone = fields.clone();
            for name in mapping.written(target) {
                if name != field {
                    alone.set(name.clone(), Field::Empty);
                }
            }
            alone
        };
        let sent = mapping.read(target, &alone(&labour.draft));
        let held = mapping.read(target, &alone(fields));
        mapping.accepted(target, &sent, &held)
    }
}

/// Who has what would be sent.
enum Holder<'a> {
    Nobody,
    /// Surely not the one that is to be made.
    SomebodyElse(&'a RecordId),
    /// It may be the same one.
    Perhaps(&'a RecordId),
}

/// A create that the account would refuse, for a record that may be the same one.
pub(super) struct Doubt {
    pub(super) labour: Labour,
    pub(super) holder: RecordId,
    pub(super) field: FieldName,
}

impl Labour {
    /// It is made without what another record has.
    pub(super) fn leave_out_for(&mut self, field: &FieldName, holder: &RecordId) {
        self.draft.set(field.clone(), Field::Unknown);
        self.dropped.push((field.clone(), refusal(field, holder)));
    }
}

/// The mailboxes and numbers that a new record would be found by.
fn addresses(known: &Pairing, desk: &Desk<'_>, draft: &Fields) -> Vec<store::Key> {
    let is_address = |key: &store::Key| {
        identity_key(key).is_some_and(|key| matches!(key.kind, KeyKind::Email | KeyKind::Phone))
    };
    let mut keys = identify::keys(known, desk.side.other(), None, draft);
    keys.retain(is_address);
    keys
}

fn refusal(field: &FieldName, holder: &RecordId) -> Refusal {
    Refusal {
        code: "duplicate".to_owned(),
        message: format!("each {field} is taken once only, and {holder}, somebody else, has it"),
        fields: vec![field.clone()],
    }
}
