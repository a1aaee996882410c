//! Policies: what may be said, and what is meant where nothing is said.

use merge::{Alignment, Direction, Policy, Rule};
use record::Side;

use crate::{lens::Lens, problem::Problems, rules::MappingRules};

pub(super) fn rule(
    rules: &MappingRules,
    lens: &Lens,
    direction: Direction,
    problems: &mut Problems,
) -> Rule {
    let is_set = lens.is_set();
    let mut rule = if is_set { Rule::set() } else { Rule::single() };
    rule.direction = direction;
    if direction == Direction::ToLeft && !is_set {
        rule.align = Alignment::PreferRight;
    }
    let for_sets = |policy: Policy| matches!(policy, Policy::Union | Policy::Merge);
    if let Some(policy) = rules.policy {
        if for_sets(policy) && !is_set {
            problems.add(
                "policy",
                "only lists of values can be merged; this is a single value",
            );
        }
        let target = match policy {
            Policy::LeftOwns => Some(Side::Left),
            Policy::RightOwns => Some(Side::Right),
            _ => None,
        };
        if target.is_some() && target == direction.target() {
            problems.hint(
                "policy",
                "the side that is only written to cannot own the field",
                "turn `direction` round, or let the other side own it",
            );
        }
        rule.policy = policy;
    }
    if let Some(fallback) = rules.fallback {
        if fallback == Policy::Newest || (for_sets(fallback) && !is_set) {
            problems.hint(
                "fallback",
                "the fallback has to be able to decide",
                "say `left_owns`, `right_owns`, `prefer_non_empty` or `ask`",
            );
        }
        rule.fallback = fallback;
    }
    if let Some(align) = rules.align {
        if align == Alignment::Union && !is_set {
            problems.add(
                "align",
                "only lists of values can be united; this is a single value",
            );
        }
        rule.align = align;
    }
    if let Some(target_edits) = rules.target_edits {
        if direction == Direction::Both {
            problems.hint(
                "target_edits",
                "in a mapping of both directions no side is only written to",
                "`policy` says what happens when both sides change",
            );
        }
        rule.target_edits = target_edits;
    }
    rule
}
