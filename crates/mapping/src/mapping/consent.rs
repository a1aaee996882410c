//! Deciding a field that says what a person has agreed to.
//!
//! A person's edit goes across like any other. What no person decided, a conflict or a first link, never widens a
//! consent: the side that refuses counts, and that one side allows something is no answer for the other.

use merge::{Decision, Reason, Why};
use record::{Field, Side, Sides};

use super::CompiledMapping;

impl CompiledMapping {
    /// Whether it is a field of consent, and this value refuses nothing.
    pub(crate) fn only_allows(&self, value: &Field) -> bool {
        !self.refusals.is_empty() && value.value().is_some() && self.strictness(value).is_none()
    }

    /// Whether of these two one refuses nothing and the other says nothing: nothing crosses for it.
    pub fn leaves_open(&self, one: &Field, other: &Field) -> bool {
        (*one == Field::Empty && self.only_allows(other))
            || (*other == Field::Empty && self.only_allows(one))
    }

    /// How strict a refusal is: less is stricter.
    fn strictness(&self, value: &Field) -> Option<usize> {
        self.refusals.iter().position(|refusal| refusal == value)
    }

    /// What is decided about a consent. `None`: one side was edited, which is decided like any other field.
    pub(super) fn decide_consent(
        &self,
        base: Option<&Sides<Field>>,
        now: &Sides<Field>,
    ) -> Option<Decision> {
        let known = now.left.is_known() && now.right.is_known();
        if self.refusals.is_empty() || !known || now.left == now.right {
            return None;
        }
        let changed = Sides::each(|side| base.is_none_or(|base| base.get(side) != now.get(side)));
        let both = changed.left && changed.right;
        let on_target = self
            .rule
            .direction
            .target()
            .is_some_and(|target| *changed.get(target));
        if !both && !on_target {
            return None;
        }
        let strictness = Sides::each(|side| self.strictness(now.get(side)));
        let winner = match (strictness.left, strictness.right) {
            (Some(left), Some(right)) if left <= right => Side::Left,
            (Some(_), Some(_)) | (None, Some(_)) => Side::Right,
            (Some(_), None) => Side::Left,
            (None, None) => {
                let empty = Side::BOTH
                    .into_iter()
                    .find(|side| *now.get(*side) == Field::Empty);
                return Some(match empty {
                    // nothing is refused, and nobody agreed at the other end
                    Some(empty) => Decision::Kept {
                        side: empty.other(),
                    },
                    None => Decision::Ask {
                        reason: if base.is_some() {
                            Reason::BothChanged
                        } else {
                            Reason::NotAligned
                        },
                    },
                });
            }
        };
        let to = winner.other();
        Some(if self.rule.direction.writes(to) {
            Decision::Write {
                to,
                value: now.get(winner).clone(),
                loser: now.get(to).value().cloned(),
                why: Why::Stricter,
            }
        } else {
            Decision::Kept { side: winner }
        })
    }
}
