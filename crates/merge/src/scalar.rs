//! The decision for a field that is one value.

use record::{Field, Side, Sides};

use crate::{Alignment, Decision, Evidence, Policy, Reason, Rule, TargetEdits, Why, newer};

/// What an unknown side leaves to be done.
///
/// Nothing, as long as the known side has nothing to carry; else it has to wait, because writing
/// might overwrite what nobody has seen.
pub(crate) fn missing(base: Option<Sides<&Field>>, now: Sides<&Field>) -> Option<Decision> {
    let side = Side::BOTH
        .into_iter()
        .find(|side| !now.get(*side).is_known())?;
    let known = side.other();
    let nothing_to_carry =
        base.is_some_and(|base| !now.get(known).is_known() || base.get(known) == now.get(known));
    Some(if nothing_to_carry {
        Decision::Nothing
    } else {
        Decision::Wait { side }
    })
}

/// Both sides are known, they differ, and at least one has changed.
pub(crate) fn decide(
    base: Option<Sides<&Field>>,
    now: Sides<&Field>,
    rule: &Rule,
    evidence: &Evidence,
) -> Decision {
    let Some(base) = base else {
        return match aligned(now, rule, evidence) {
            Some(winner) => carry(winner, now, rule, Why::Aligned),
            None => Decision::Ask {
                reason: Reason::NotAligned,
            },
        };
    };
    let changed = Sides::each(|side| base.get(side) != now.get(side));
    match rule.direction.target() {
        Some(target) => one_way(target, base, now, changed, rule),
        None => match (changed.left, changed.right) {
            (true, false) => carry(Side::Left, now, rule, Why::OnlyChange),
            (false, true) => carry(Side::Right, now, rule, Why::OnlyChange),
            (false, false) => Decision::Nothing,
            (true, true) => match winner(now, rule, evidence) {
                Some((winner, why)) => carry(winner, now, rule, why),
                None => Decision::Ask {
                    reason: Reason::BothChanged,
                },
            },
        },
    }
}

fn one_way(
    target: Side,
    base: Sides<&Field>,
    now: Sides<&Field>,
    changed: Sides<bool>,
    rule: &Rule,
) -> Decision {
    let source = target.other();
    let source_is_empty = *now.get(source) == &Field::Empty;
    let ask = Decision::Ask {
        reason: Reason::TargetEdited,
    };
    match (*changed.get(source), *changed.get(target)) {
        (false, false) => Decision::Nothing,
        (true, false) => carry(source, now, rule, Why::OnlyChange),
        (true, true) if rule.target_edits == TargetEdits::Ask => ask,
        (true, true) if source_is_empty && rule.policy == Policy::PreferNonEmpty => {
            Decision::Kept { side: target }
        }
        (true, true) => carry(source, now, rule, Why::Owner),
        (false, true) => match rule.target_edits {
            TargetEdits::Ask => ask,
            TargetEdits::Keep => Decision::Kept { side: target },
            // a source without a value takes back only what both once agreed to be empty
            TargetEdits::PutBack if source_is_empty && base.left != base.right => {
                Decision::Kept { side: target }
            }
            TargetEdits::PutBack => carry(source, now, rule, Why::PutBack),
        },
    }
}

/// The winner's value goes to the other side, where the direction allows it.
pub(crate) fn carry(winner: Side, now: Sides<&Field>, rule: &Rule, why: Why) -> Decision {
    let to = winner.other();
    if rule.direction.writes(to) {
        Decision::Write {
            to,
            value: (*now.get(winner)).clone(),
            loser: now.get(to).value().cloned(),
            why,
        }
    } else {
        Decision::Kept { side: winner }
    }
}

/// Who wins a conflict: by the policy, else by the fallback.
pub(crate) fn winner(now: Sides<&Field>, rule: &Rule, evidence: &Evidence) -> Option<(Side, Why)> {
    by_policy(rule.policy, now, evidence).or_else(|| by_policy(rule.fallback, now, evidence))
}

pub(crate) fn by_policy(
    policy: Policy,
    now: Sides<&Field>,
    evidence: &Evidence,
) -> Option<(Side, Why)> {
    match policy {
        Policy::LeftOwns => Some((Side::Left, Why::Owner)),
        Policy::RightOwns => Some((Side::Right, Why::Owner)),
        Policy::Newest => newer(evidence).map(|side| (side, Why::Newer)),
        Policy::PreferNonEmpty => only_value(now).map(|side| (side, Why::NotEmpty)),
        Policy::Union | Policy::Merge | Policy::Ask => None,
    }
}

/// Who wins where there is no base.
pub(crate) fn aligned(now: Sides<&Field>, rule: &Rule, evidence: &Evidence) -> Option<Side> {
    match rule.align {
        Alignment::LeftWins => Some(Side::Left),
        Alignment::RightWins => Some(Side::Right),
        Alignment::PreferLeft => Some(only_value(now).unwrap_or(Side::Left)),
        Alignment::PreferRight => Some(only_value(now).unwrap_or(Side::Right)),
        Alignment::Newest => newer(evidence)
            .or_else(|| by_policy(rule.fallback, now, evidence).map(|(side, _)| side)),
        Alignment::Union => only_value(now)
            .or_else(|| by_policy(rule.fallback, now, evidence).map(|(side, _)| side)),
        Alignment::Ask => None,
    }
}

/// The side that has a value, if only one has.
pub(crate) fn only_value(now: Sides<&Field>) -> Option<Side> {
    match (now.left.value(), now.right.value()) {
        (Some(_), None) => Some(Side::Left),
        (None, Some(_)) => Some(Side::Right),
        _ => None,
    }
}
