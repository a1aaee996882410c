//! Deciding a field that names a record of another entity.
//!
//! Beside what decides every field:
//!
//! * An id that means nothing on the other side (its record has no link) holds up the field only if it is new. A
//!   side that still holds the id of the base has not changed, whatever became of the link since.
//! * A side that is empty now and named a record whose link is gone has not changed either: the vendor took the
//!   name away with the record, nobody took the person out of it. So a record that is deleted at one end empties
//!   nothing at the other, and one that is made or linked anew gets its people back.

use merge::{Decision, Evidence, decide};
use record::{Entity, Field, Fields, RecordId, Side, Sides};

use super::CompiledMapping;
use crate::lens::{Lens, Reference};

/// Stands for an id without a link that a side held before and that nobody has replaced. No id holds this
/// character.
const UNCHANGED: &str = "\u{0}unchanged";

/// Stands for an id without a link that a side held before and holds no more.
const FORMER: &str = "\u{0}former";

impl CompiledMapping {
    /// The entity whose records both fields name, if this mapping is one of references.
    pub fn refers_to(&self) -> Option<Entity> {
        self.reference().map(|reference| reference.entity)
    }

    /// The record that this side names and that has no link.
    pub fn unlinked(&self, side: Side, fields: &Fields) -> Option<RecordId> {
        self.reference()?.unlinked(side, fields)
    }

    /// Whether the records of one side cannot be made without the record that this names: they belong to it.
    pub fn names_parent(&self) -> bool {
        self.reference().is_some_and(|reference| {
            Side::BOTH
                .iter()
                .any(|side| reference.slots.get(*side).spec.capability.required)
        })
    }

    /// What this side says of the record that it names.
    pub fn named(&self, side: Side, fields: &Fields) -> Field {
        self.reference()
            .map_or(Field::Unknown, |reference| reference.id(side, fields))
    }

    fn reference(&self) -> Option<&Reference> {
        match &self.lens {
            Lens::Reference(reference) => Some(reference),
            _ => None,
        }
    }

    pub(super) fn decide_reference(
        &self,
        base: Option<Sides<&Fields>>,
        now: Sides<&Fields>,
        evidence: &Evidence,
    ) -> Decision {
        let held = Sides::each(|side| {
            base.is_some_and(|base| self.same_raw(side, base.get(side), now.get(side)))
        });
        let unchanged = held.left && held.right;
        let Some(reference) = self
            .reference()
            .filter(|reference| reference.known.is_some())
        else {
            // What a side that has changed means was not read.
            let changed = if held.left { Side::Right } else { Side::Left };
            return if unchanged {
                Decision::Nothing
            } else {
                Decision::Wait { side: changed }
            };
        };
        let none = Sides::each(|side| reference.id(side, now.get(side)) == Field::Empty);
        if none.left && none.right && !unchanged {
            return Decision::Agree;
        }
        let stale = Sides::each(|side| {
            base.is_some_and(|base| self.unlinked(side, base.get(side)).is_some())
                && (*held.get(side) || *none.get(side))
        });
        if stale.left && stale.right {
            // They stand for different ids that mean nothing to each other.
            let side = if held.left { Side::Left } else { Side::Right };
            return Decision::Wait { side };
        }
        if unchanged && !stale.left && !stale.right {
            return Decision::Nothing;
        }
        let mut before = Sides::each(|side| match base {
            Some(base) => match self.read(side, base.get(side)) {
                Field::Unknown if self.unlinked(side, base.get(side)).is_some() => {
                    Field::of(FORMER)
                }
                meaning => meaning,
            },
            None => Field::Unknown,
        });
        let mut means = Sides::each(|side| self.read(side, now.get(side)));
        for side in Side::BOTH {
            if *stale.get(side) {
                *before.get_mut(side) = Field::of(UNCHANGED);
                *means.get_mut(side) = Field::of(UNCHANGED);
            } else if self.unlinked(side, now.get(side)).is_some() {
                return Decision::Wait { side };
            } else if *stale.get(side.other()) && means.get(side).text().is_some() {
                // The record of this side was linked anew, and the other side does not name that one yet.
                *before.get_mut(side) = Field::of(FORMER);
            }
        }
        let known = base.is_some().then_some(&before);
        let decision = decide(
            known.map(Sides::as_ref),
            means.as_ref(),
            &self.rule,
            evidence,
        );
        match decision {
            Decision::Write { to, ref value, .. } if value.text() == Some(UNCHANGED) => {
                Decision::Wait { side: to.other() }
            }
            decision => decision,
        }
    }
}
