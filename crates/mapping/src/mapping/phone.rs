//! Deciding a phone number that differs from the other one in its country alone.
//!
//! One of them was then guessed, by us or before us: somebody wrote it without its country. To overwrite the number that is right
//! with the guess would lose it, so neither side has the say by being left or right.

use merge::{Alignment, Decision, Direction, Reason, Why};
use record::{Field, Fields, Side, Sides};

use super::CompiledMapping;

impl CompiledMapping {
    /// What is decided about two numbers that never agreed. `None`: they did, they differ otherwise, or the config says whose
    /// counts.
    pub(super) fn decide_country(
        &self,
        base: Option<&Sides<Field>>,
        fields: Sides<&Fields>,
        now: &Sides<Field>,
    ) -> Option<Decision> {
        if base.is_some() || !self.differ_in_country(now) {
            return None;
        }
        let asked = Decision::Ask {
            reason: Reason::NotAligned,
        };
        Some(self.by_country(fields, now).unwrap_or(asked))
    }

    /// What is decided about two numbers of which neither was changed: the country of a record came to it later, and a number
    /// that was written without one means another now. Where nothing tells which is right, they stay.
    pub(super) fn decide_country_anew(&self, fields: Sides<&Fields>) -> Option<Decision> {
        if !self.lens.is_phone() {
            return None;
        }
        let now = Sides::each(|side| self.read(side, fields.get(side)));
        let anew = self.differ_in_country(&now);
        anew.then(|| self.by_country(fields, &now)).flatten()
    }

    /// Whether a number that stayed as it was written means another one since something else of its record changed.
    pub fn means_another(&self, side: Side, before: &Fields, after: &Fields) -> bool {
        let number = |fields| self.lens.typed(side, fields).map(|typed| typed.number);
        self.lens.is_phone()
            && number(before) == number(after)
            && self.read(side, before) != self.read(side, after)
    }

    /// Whether they are numbers that differ in their country alone, and the config leaves open which counts.
    fn differ_in_country(&self, now: &Sides<Field>) -> bool {
        let says = matches!(
            self.rule.align,
            Alignment::LeftWins | Alignment::RightWins | Alignment::Ask
        );
        let numbers = now.left.text().zip(now.right.text());
        !says
            && self.rule.direction == Direction::Both
            && self.lens.is_phone()
            && numbers.is_some_and(|(left, right)| matching::is_but_for_country(left, right))
    }

    /// The number counts that fits the country on record, else the one that says its own.
    fn by_country(&self, fields: Sides<&Fields>, now: &Sides<Field>) -> Option<Decision> {
        let typed = Side::BOTH.map(|side| self.lens.typed(side, fields.get(side)));
        let [Some(left), Some(right)] = typed else {
            return None;
        };
        let fits = |number: &Field| {
            let number = number.text().unwrap_or_default();
            let mut homes = [left.home, right.home].into_iter().flatten();
            homes.any(|home| matching::is_of_country(number, home))
        };
        let one = |left: bool, right: bool| match (left, right) {
            (true, false) => Some(Side::Left),
            (false, true) => Some(Side::Right),
            _ => None,
        };
        let winner = one(fits(&now.left), fits(&now.right))
            .or_else(|| one(left.is_international(), right.is_international()))?;
        let to = winner.other();
        Some(Decision::Write {
            to,
            value: now.get(winner).clone(),
            loser: now.get(to).value().cloned(),
            why: Why::Aligned,
        })
    }
}
