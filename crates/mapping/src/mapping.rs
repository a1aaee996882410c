//! One mapping, ready to be used.

mod consent;

mod phone;

mod reference;

use merge::{Decision, Direction, Evidence, Rule, decide};
use record::{Field, FieldName, Fields, Side, Sides};

use crate::{lens::Lens, loss::Loss, rules::OnLoss};

/// One mapping, checked against both schemas.
#[derive(Debug, Clone)]
pub struct CompiledMapping {
    pub(crate) id: String,
    pub(crate) revision: String,
    pub(crate) lens: Lens,
    pub(crate) rule: Rule,
    pub(crate) fields: Sides<Vec<FieldName>>,
    pub(crate) written: Sides<Vec<FieldName>>,
    pub(crate) writable: Sides<bool>,
    pub(crate) create_only: Sides<bool>,
    /// What a side gets where the other has nothing: in the domain, and raw.
    pub(crate) defaults: Sides<Option<(Field, Fields)>>,
    /// What refuses, the strictest first, of a field of consent whose conflicts nobody has ruled on.
    pub(crate) refusals: Vec<Field>,
    pub(crate) on_loss: Option<OnLoss>,
}

impl CompiledMapping {
    /// Its name: stable as long as the mapping is.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A mark of everything that a base depends on. A base of another revision is no base: the field
    /// is aligned anew.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The fields of a side that it reads. Their raw values are what a base consists of.
    pub fn fields(&self, side: Side) -> &[FieldName] {
        self.fields.get(side)
    }

    /// The fields of a side that it may write, at create or later.
    pub fn written(&self, side: Side) -> &[FieldName] {
        self.written.get(side)
    }

    /// What decides about it.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Whether its values are sets, merged per element.
    pub fn is_set(&self) -> bool {
        self.lens.is_set()
    }

    /// Whether an existing record of `side` can be written: by direction, mode and capability.
    pub fn writable(&self, side: Side) -> bool {
        *self.writable.get(side)
    }

    /// Whether the side can be written when a record is created, and never after.
    pub fn create_only(&self, side: Side) -> bool {
        *self.create_only.get(side)
    }

    /// The raw values of a side that it reads, as a base keeps them.
    pub fn raw(&self, side: Side, fields: &Fields) -> Fields {
        self.fields
            .get(side)
            .iter()
            .map(|name| (name.clone(), fields.get(name.as_str()).clone()))
            .collect()
    }

    /// What a side means, in the form that both sides share. [`Field::Unknown`] if a field that is
    /// needed is unknown, a formula has no result, or the value stands outside the value map.
    pub fn read(&self, side: Side, fields: &Fields) -> Field {
        self.lens.read(side, fields)
    }

    /// Why [`read`](Self::read) says unknown although the fields are known, if that is so.
    pub fn unreadable(&self, side: Side, fields: &Fields) -> Option<String> {
        self.lens.unreadable(side, fields)
    }

    /// The raw fields of a side that have to change so that it means `new`: none if it does already.
    /// Of a set, the whole new set. What the mapping does not see stays as it is.
    ///
    /// Where `new` is empty, the side gets its default, if it has one.
    pub fn put(&self, side: Side, new: &Field, current: &Fields) -> Fields {
        if !new.is_known() || self.lens.read(side, current) == *new {
            return Fields::new();
        }
        if *new == Field::Empty
            && let Some((meaning, raw)) = self.defaults.get(side)
        {
            if self.lens.read(side, current) == *meaning {
                return Fields::new();
            }
            return raw.clone();
        }
        self.lens.put(side, new, current)
    }

    /// As [`put`](Self::put), in the spelling of the other side where that is where the value is from and its meaning leaves a part of
    /// the spelling out: a web address keeps its scheme.
    pub fn put_as_spelled(
        &self,
        side: Side,
        new: &Field,
        current: &Fields,
        source: &Fields,
    ) -> Fields {
        let raw = self.put(side, new, current);
        match &self.lens {
            Lens::Scalar(lens) => lens.spelled(side, new, raw, source),
            _ => raw,
        }
    }

    /// What a side cannot hold of a value. To be looked at before it is written: a whole loss must not
    /// be written, a partial one is written and told.
    pub fn lossy(&self, side: Side, value: &Field) -> Option<Loss> {
        if *value == Field::Empty && self.defaults.get(side).is_some() {
            return None;
        }
        self.lens.loss(side, value)
    }

    /// What the rules say of values that a side can only hold in part, or not at all.
    pub fn on_loss(&self) -> Option<OnLoss> {
        self.on_loss
    }

    /// Whether the rules keep this value from being written as it is, because the side cannot hold all of it.
    pub fn holds_back(&self, side: Side, value: &Field) -> bool {
        matches!(self.on_loss, Some(OnLoss::Ask | OnLoss::Leave))
            && self.lossy(side, value).is_some()
    }

    /// As much of a value as a side can hold, if there is any.
    pub fn shortened(&self, side: Side, value: &Field) -> Option<Field> {
        let projected = self.lens.project(side, value);
        let cut = match &self.lens {
            Lens::Scalar(lens) if projected == *value => lens.cut(side, value)?,
            _ => projected,
        };
        (cut.value().is_some() && cut != *value && self.lossy(side, &cut).is_none()).then_some(cut)
    }

    /// Whether what a side holds after a write means what was sent, under what the side is declared
    /// to do to values (cutting, lower case, values that it does not have).
    pub fn accepted(&self, side: Side, sent: &Field, read_back: &Field) -> bool {
        if sent == read_back {
            return true;
        }
        if *sent == Field::Empty
            && let Some((meaning, _)) = self.defaults.get(side)
        {
            return read_back == meaning;
        }
        sent.is_known() && self.lens.project(side, sent) == *read_back
    }

    /// Whether the two sides mean the same as far as each can: nothing would come of writing either.
    pub fn agrees(&self, left: &Field, right: &Field) -> bool {
        left.is_known()
            && right.is_known()
            && (left == right
                || self.accepted(Side::Right, left, right)
                || self.accepted(Side::Left, right, left))
    }

    /// Decides the field from raw values: of the base, if there is one of this revision, and of both
    /// sides now.
    pub fn decide(
        &self,
        base: Option<Sides<&Fields>>,
        now: Sides<&Fields>,
        evidence: &Evidence,
    ) -> Decision {
        self.as_far_as_writable(self.decide_by_rule(base, now, evidence))
    }

    /// The side that the rule would write and that takes the field only when a record is made: what the other
    /// side holds does not cross.
    pub fn barred(
        &self,
        base: Option<Sides<&Fields>>,
        now: Sides<&Fields>,
        evidence: &Evidence,
    ) -> Option<Side> {
        let mut closed = Side::BOTH
            .into_iter()
            .filter(|side| self.create_only(*side));
        let side = closed.next()?;
        let decision = self.decide_by_rule(base, now, evidence);
        [Some(side), closed.next()]
            .into_iter()
            .flatten()
            .find(|side| decision.write_to(*side).is_some())
    }

    /// What the rule says, whatever the sides take.
    fn decide_by_rule(
        &self,
        base: Option<Sides<&Fields>>,
        now: Sides<&Fields>,
        evidence: &Evidence,
    ) -> Decision {
        if self.refers_to().is_some() {
            return self.decide_reference(base, now, evidence);
        }
        if let Some(base) = base
            && Side::BOTH
                .iter()
                .all(|side| self.same_raw(*side, base.get(*side), now.get(*side)))
        {
            return self.decide_country_anew(now).unwrap_or(Decision::Nothing);
        }
        let read = |fields: Sides<&Fields>| Sides::each(|side| self.read(side, fields.get(side)));
        let base = base.map(read);
        let (fields, now) = (now, read(now));
        if now.left != now.right && self.agrees(&now.left, &now.right) {
            return if base.as_ref() == Some(&now) {
                Decision::Nothing
            } else {
                Decision::Agree
            };
        }
        if let Some(decision) = self.decide_consent(base.as_ref(), &now) {
            return decision;
        }
        if let Some(decision) = self.decide_country(base.as_ref(), fields, &now) {
            return decision;
        }
        decide(
            base.as_ref().map(Sides::as_ref),
            now.as_ref(),
            &self.rule,
            evidence,
        )
    }

    fn same_raw(&self, side: Side, one: &Fields, other: &Fields) -> bool {
        self.fields
            .get(side)
            .iter()
            .all(|name| one.get(name.as_str()) == other.get(name.as_str()))
    }

    /// A side that cannot be written any more keeps what it has.
    fn as_far_as_writable(&self, decision: Decision) -> Decision {
        let barred = |side: Side| self.rule.direction.writes(side) && !self.writable(side);
        match decision {
            Decision::Write { to, .. } if barred(to) => Decision::Kept { side: to },
            Decision::Merge { mut changes, why } => {
                for side in Side::BOTH {
                    if barred(side) {
                        *changes.get_mut(side) = None;
                    }
                }
                if changes.left.is_none() && changes.right.is_none() {
                    let side = if barred(Side::Left) {
                        Side::Left
                    } else {
                        Side::Right
                    };
                    Decision::Kept { side }
                } else {
                    Decision::Merge { changes, why }
                }
            }
            other => other,
        }
    }

    /// Which way values travel.
    pub fn direction(&self) -> Direction {
        self.rule.direction
    }

    /// Whether it takes part when a record is created on `side`.
    pub(crate) fn drafts(&self, side: Side) -> bool {
        self.writable(side) || self.create_only(side)
    }

    pub(crate) fn default(&self, side: Side) -> Option<&Fields> {
        self.defaults.get(side).as_ref().map(|(_, raw)| raw)
    }
}
