//! One row of a plan: what is to become of one record or pair, what follows from what, and whether that
//! still holds. Pure.

use std::collections::BTreeMap;

use mapping::CompiledMapping;
use record::{Field, Fields, RecordId, Side};
use serde::{Deserialize, Serialize};

use crate::{
    decide::{PairPlan, has_base},
    pair::{Pairing, index},
};

/// What is to become of a record or pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Two records are linked, and aligned where they differ.
    Link,
    /// A linked pair gets values across.
    Change,
    /// A record is made on the other side.
    Create,
    /// A person is asked.
    Ask,
}

/// What a row says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Planned {
    /// What is to become of it.
    pub what: What,
    /// Why, in words.
    pub why: String,
    /// The side that it is worked on from; of a create, where the record is that it is made from.
    pub side: Side,
    /// Fields that are written, by mapping, with what both sides mean now.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, PlannedField>,
    /// What goes out to each side, in its own words: left and right.
    #[serde(default)]
    pub writes: [Option<Fields>; 2],
    /// The ids that are kept at the other record: left and right.
    #[serde(default)]
    pub keeps: [Option<Fields>; 2],
    /// Mappings that a person would be asked about, with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub conflicts: BTreeMap<String, String>,
    /// What both sides mean of the fields that a person is asked about: left and right.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sides: BTreeMap<String, [Field; 2]>,
    /// Mappings that cannot be written, with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub blocked: BTreeMap<String, String>,
    /// Marks of what it follows from: of each mapping, both sides.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) inputs: BTreeMap<String, [Option<u64>; 2]>,
}

/// One mapping that is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedField {
    /// What the left means now.
    pub left: Field,
    /// What the right means now.
    pub right: Field,
    /// What is written to the left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_left: Option<Field>,
    /// What is written to the right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_right: Option<Field>,
    /// Which rule decided.
    pub rule: String,
}

impl PlannedField {
    /// What is written to a side.
    pub fn to(&self, side: Side) -> Option<&Field> {
        match side {
            Side::Left => self.to_left.as_ref(),
            Side::Right => self.to_right.as_ref(),
        }
    }
}

impl Planned {
    /// A row that only names records so far.
    pub(crate) fn new(what: What, side: Side, why: String) -> Self {
        Self {
            what,
            why,
            side,
            fields: BTreeMap::new(),
            writes: [None, None],
            keeps: [None, None],
            conflicts: BTreeMap::new(),
            sides: BTreeMap::new(),
            blocked: BTreeMap::new(),
            inputs: BTreeMap::new(),
        }
    }

    /// The row of a pair, as it was decided.
    pub(crate) fn of_pair(
        mut self,
        pairing: &Pairing,
        reads: [&Fields; 2],
        decided: &PairPlan,
    ) -> Self {
        let mappings = pairing.compiled.mappings();
        let means = |mapping: &CompiledMapping, side: Side| mapping.read(side, reads[index(side)]);
        for step in &decided.moves {
            let mapping = &mappings[step.mapping];
            let written = |side: Side| {
                step.writes[index(side)].as_ref()?;
                step.values[index(side)].clone()
            };
            self.fields.insert(
                mapping.id().to_owned(),
                PlannedField {
                    left: means(mapping, Side::Left),
                    right: means(mapping, Side::Right),
                    to_left: written(Side::Left),
                    to_right: written(Side::Right),
                    rule: step.rule.clone(),
                },
            );
        }
        for conflict in &decided.conflicts {
            let mapping = &mappings[conflict.mapping];
            let id = mapping.id().to_owned();
            let sides = Side::BOTH.map(|side| means(mapping, side));
            self.sides.insert(id.clone(), sides);
            self.conflicts.insert(id, conflict.reason.clone());
        }
        for held in &decided.held {
            let id = mappings[held.mapping].id().to_owned();
            self.blocked.insert(id, held.reason.clone());
        }
        for side in Side::BOTH {
            let held = [reads[index(side)], reads[index(side.other())]];
            let raw = decided.raw(pairing, side, held);
            self.writes[index(side)] = (!raw.is_empty()).then_some(raw);
            self.keeps[index(side)] = decided.ids[index(side)].clone();
        }
        self.inputs = inputs(pairing, reads.map(Some));
        self
    }

    /// The row of a record of which it is not sure who it is, beside the first of those that it may be.
    pub(crate) fn beside(
        mut self,
        pairing: &Pairing,
        own: &Fields,
        other: Option<&Fields>,
    ) -> Self {
        for mapping in pairing.compiled.mappings() {
            let own = mapping.read(self.side, own);
            let other = other.map_or(Field::Unknown, |other| {
                mapping.read(self.side.other(), other)
            });
            if own.value().is_none() && other.value().is_none() {
                continue;
            }
            let sides = match self.side {
                Side::Left => [own, other],
                Side::Right => [other, own],
            };
            self.sides.insert(mapping.id().to_owned(), sides);
        }
        self
    }

    /// The row of a record that is made on the other side, of this draft.
    pub(crate) fn of_draft(mut self, pairing: &Pairing, from: &Fields, draft: Fields) -> Self {
        let target = self.side.other();
        for mapping in pairing.compiled.mappings() {
            let sent = |name: &record::FieldName| draft.get(name.as_str()).is_known();
            if !mapping.written(target).iter().any(sent) {
                continue;
            }
            let value = mapping.read(self.side, from);
            let becomes = Some(mapping.read(target, &draft));
            let (left, right, to_left, to_right) = match target {
                Side::Left => (Field::Unknown, value, becomes, None),
                Side::Right => (value, Field::Unknown, None, becomes),
            };
            self.fields.insert(
                mapping.id().to_owned(),
                PlannedField {
                    left,
                    right,
                    to_left,
                    to_right,
                    rule: "a new record".to_owned(),
                },
            );
        }
        self.writes[index(target)] = Some(draft);
        let mut reads = [None, None];
        reads[index(self.side)] = Some(from);
        self.inputs = inputs(pairing, reads);
        self
    }

    /// Whether anything goes out for it.
    pub(crate) fn writes_nothing(&self) -> bool {
        self.writes.iter().chain(&self.keeps).all(Option::is_none)
    }

    /// Whether both sides still hold what the row follows from, or already what it leads to. `None`: a
    /// side that was not read.
    ///
    /// # Errors
    /// What has changed, in words without values.
    pub(crate) fn still_holds(
        &self,
        pairing: &Pairing,
        reads: [Option<&Fields>; 2],
    ) -> Result<(), String> {
        let now = inputs(pairing, reads);
        let mut changed = Vec::new();
        for mapping in pairing.compiled.mappings() {
            let id = mapping.id();
            for side in Side::BOTH {
                let at = index(side);
                let (Some(fields), Some(Some(mark))) = (reads[at], now.get(id).map(|now| now[at]))
                else {
                    continue;
                };
                let before = self.inputs.get(id).and_then(|inputs| inputs[at]);
                let made_from = self.what != What::Create || side == self.side;
                if before == Some(mark) || !made_from || self.is_there(mapping, side, fields) {
                    continue;
                }
                changed.push(format!("{id} on the {side}"));
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        Err(format!("changed since: {}", changed.join(", ")))
    }

    /// Whether a side already holds what this row writes there.
    fn is_there(&self, mapping: &CompiledMapping, side: Side, fields: &Fields) -> bool {
        if mapping.refers_to().is_some() {
            let Some(raw) = &self.writes[index(side)] else {
                return false;
            };
            return mapping.fields(side).iter().all(|name| {
                raw.get(name.as_str()).is_known()
                    && raw.get(name.as_str()) == fields.get(name.as_str())
            });
        }
        self.fields
            .get(mapping.id())
            .and_then(|field| field.to(side))
            .is_some_and(|value| mapping.accepted(side, value, &mapping.read(side, fields)))
    }

    /// Takes out of a decision what the row does not show.
    ///
    /// # Errors
    /// What would be written otherwise than shown, in words without values.
    pub(crate) fn restrict(
        &self,
        pairing: &Pairing,
        reads: [&Fields; 2],
        mut decided: PairPlan,
    ) -> Result<PairPlan, String> {
        self.still_holds(pairing, reads.map(Some))?;
        let mappings = pairing.compiled.mappings();
        for (id, shown) in &self.fields {
            let Some(number) = mappings.iter().position(|mapping| mapping.id() == id) else {
                return Err(format!("mapping {id} is not there any more"));
            };
            let step = decided.moves.iter().find(|step| step.mapping == number);
            for side in Side::BOTH {
                let now = step
                    .filter(|step| step.writes[index(side)].is_some())
                    .and_then(|step| step.values[index(side)].as_ref());
                let as_shown = match (shown.to(side), now) {
                    (Some(shown), Some(now)) => shown == now,
                    (Some(_), None) => self.is_there(&mappings[number], side, reads[index(side)]),
                    (None, now) => now.is_none(),
                };
                if !as_shown {
                    return Err(format!(
                        "{id} would be written to the {side} otherwise than shown"
                    ));
                }
            }
        }
        decided
            .moves
            .retain(|step| self.fields.contains_key(mappings[step.mapping].id()));
        for side in Side::BOTH {
            if self.keeps[index(side)].is_none() {
                decided.ids[index(side)] = None;
            }
        }
        Ok(decided)
    }

    /// What is to be sent for a new record: what the row shows.
    ///
    /// # Errors
    /// When something else would be sent than is shown, in words without values.
    pub(crate) fn restrict_draft(
        &self,
        pairing: &Pairing,
        mut draft: Fields,
    ) -> Result<Fields, String> {
        let target = self.side.other();
        let Some(shown) = &self.writes[index(target)] else {
            return Err("nothing was to be made".to_owned());
        };
        let mut shown = shown.clone();
        // Who it belongs to may have been linked meanwhile, by the same plan: that is told later, unless it cannot be
        // made without.
        for (mapping, _) in pairing.compiled.references() {
            for name in mapping.fields(target) {
                if shown.get(name.as_str()).is_known() {
                    continue;
                }
                if mapping.names_parent() {
                    shown.set(name.clone(), draft.get(name.as_str()).clone());
                } else {
                    draft.set(name.clone(), Field::Unknown);
                }
            }
        }
        if draft == shown {
            return Ok(draft);
        }
        let differs = |(name, field): (&record::FieldName, &Field)| {
            (shown.get(name.as_str()) != field).then(|| name.to_string())
        };
        let names: Vec<String> = draft.iter().filter_map(differs).collect();
        Err(format!(
            "the new record would not be as shown: {}",
            names.join(", ")
        ))
    }
}

/// Marks of what both sides mean, by mapping. Of a reference what it says: what it means depends on other rows.
fn inputs(pairing: &Pairing, reads: [Option<&Fields>; 2]) -> BTreeMap<String, [Option<u64>; 2]> {
    let mark = |mapping: &CompiledMapping, side: Side| {
        let fields = reads[index(side)]?;
        Some(if mapping.refers_to().is_some() {
            fingerprint(&mapping.raw(side, fields))
        } else {
            fingerprint(&mapping.read(side, fields))
        })
    };
    pairing
        .compiled
        .mappings()
        .iter()
        .map(|mapping| {
            let marks = Side::BOTH.map(|side| mark(mapping, side));
            (mapping.id().to_owned(), marks)
        })
        .collect()
}

/// FNV-1a of the stored form: the same in every version of Tandem.
fn fingerprint(value: &impl Serialize) -> u64 {
    let stored = serde_json::to_vec(value).expect("fields have a stored form");
    stored.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Mappings of a linked pair that have no base: new or changed rules.
pub(crate) fn without_base<'a>(
    pairing: &'a Pairing,
    link: &'a store::Link,
) -> impl Iterator<Item = &'a CompiledMapping> {
    pairing
        .compiled
        .mappings()
        .iter()
        .filter(move |mapping| !has_base(link, mapping))
}

/// The records of a row, left and right, of one side's and the other's.
pub(crate) fn by_side(side: Side, own: RecordId, other: Option<RecordId>) -> [Option<RecordId>; 2] {
    match side {
        Side::Left => [Some(own), other],
        Side::Right => [other, Some(own)],
    }
}
