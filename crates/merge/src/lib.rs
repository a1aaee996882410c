//! The decision: what is to be done about one mapped field, given what both sides last agreed on,
//! what they hold now, and the rule.
//!
//! [`decide`] is a pure function of its arguments. It compares *meanings* (see `record::meaning`);
//! reading raw records into meanings and writing them back is the business of a mapping's lens. It
//! never drops a value without saying so: what a decision overwrites or removes is in the decision.

mod rule;

mod evidence;

mod decision;

mod scalar;

mod set;

pub use decision::{Change, Decision, Reason, Why};
pub use evidence::{Evidence, Interval, newer};
pub use rule::{Alignment, Direction, Policy, Rule, TargetEdits};

use record::{Field, Sides};

/// Decides one field.
///
/// `base` is what each side held when the two last were settled, `None` when they never were under
/// this rule (first link, new or changed mapping); `now` is what each holds. All are canonical
/// meanings of one domain. A side has changed when its value differs from *its own* base, so that what
/// a system makes of a value by itself is no edit.
///
/// [`Field::Unknown`] decides nothing: neither a base nor a side that is unknown is ever taken for
/// empty.
pub fn decide(
    base: Option<Sides<&Field>>,
    now: Sides<&Field>,
    rule: &Rule,
    evidence: &Evidence,
) -> Decision {
    let base = base.filter(|base| base.left.is_known() && base.right.is_known());
    if let Some(missing) = scalar::missing(base, now) {
        return missing;
    }
    if let Some(base) = base
        && base == now
    {
        return Decision::Nothing;
    }
    if now.left == now.right {
        return Decision::Agree;
    }
    match set::Elements::of(base, now) {
        Some(elements) => set::decide(elements, now, rule, evidence),
        None => scalar::decide(base, now, rule, evidence),
    }
}

#[cfg(test)]
mod tests;
