//! The words of choices and sets: from the value map, else from the permitted values.

use std::collections::BTreeMap;

use merge::Direction;
use record::{Choice, Kind, Rewrite, Side, Sides};

use crate::{
    lens::Vocabulary,
    owners::counterpart,
    problem::{Problems, nearest},
    rules::{MappingRules, Unmatched},
    slot::{Slot, folded},
};

pub(super) fn vocabulary(
    rules: &MappingRules,
    slots: &Sides<Slot>,
    direction: Direction,
    problems: &mut Problems,
) -> Vocabulary {
    let lower = Side::BOTH
        .iter()
        .any(|side| slots.get(*side).has_rewrite(Rewrite::Lowercase));
    let mut words = Vocabulary::open(Unmatched::Pass, lower);
    if rules.values.is_empty() {
        permitted(&mut words, slots, problems);
    } else {
        mapped(&mut words, rules, slots, direction, problems);
        other_refusals(&mut words, slots);
    }
    words.unmatched = rules
        .unmatched
        .unwrap_or(if words.is_empty() && !are_users(slots) {
            Unmatched::Pass
        } else {
            Unmatched::KeepOut
        });
    words
}

/// Says a word, and the label under which people know it.
fn say(words: &mut Vocabulary, side: Side, slot: &Slot, word: &str, domain: &str) {
    words.say(side, word, domain);
    if let Some(choice) = slot.spec.choices.iter().find(|choice| choice.key == word) {
        words.say(side, &choice.label, domain);
    }
}

fn mapped(
    words: &mut Vocabulary,
    rules: &MappingRules,
    slots: &Sides<Slot>,
    direction: Direction,
    problems: &mut Problems,
) {
    // each word of the right may stand for one of the left only, unless nothing travels back
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    for (left, rights) in &rules.values {
        let path = format!("values.{left}");
        let left_key = key(slots.get(Side::Left), left, &path, problems);
        let right_keys: Vec<Option<String>> = rights
            .iter()
            .map(|right| key(slots.get(Side::Right), right, &path, problems))
            .collect();
        let Some(first) = rights.0.first() else {
            problems.add(&path, "there is no value for the right");
            continue;
        };
        let (Some(left_key), Some(right_keys)) =
            (left_key, right_keys.into_iter().collect::<Option<Vec<_>>>())
        else {
            continue;
        };
        let first_key = right_keys.first().map_or(first.as_str(), String::as_str);
        let domain = if direction == Direction::ToRight {
            first_key
        } else {
            &left_key
        };
        for right in &right_keys {
            let before = taken.insert(folded(right), left);
            if let Some(before) = before
                && direction != Direction::ToRight
            {
                problems.hint(
                    &path,
                    format!("`{right}` already stands for `{before}`"),
                    "a value of the right can stand for one of the left, unless `direction: to_right`",
                );
            }
        }
        say(words, Side::Left, slots.get(Side::Left), &left_key, domain);
        for right in &right_keys {
            say(words, Side::Right, slots.get(Side::Right), right, domain);
        }
    }
}

/// A refusal that no pair names is read as one that is: nobody who refuses is taken for somebody who agreed or was not asked.
fn other_refusals(words: &mut Vocabulary, slots: &Sides<Slot>) {
    for side in Side::BOTH {
        let slot = slots.get(side);
        let refusals = &slot.spec.capability.refusals;
        let known = refusals.iter().find_map(|word| words.said(side, word));
        let Some(known) = known.map(str::to_owned) else {
            continue;
        };
        for word in refusals {
            if words.said(side, word).is_none() {
                say(words, side, slot, word, &known);
            }
        }
    }
}

/// The key of a word, if it is permitted.
fn key(slot: &Slot, word: &str, path: &str, problems: &mut Problems) -> Option<String> {
    if slot.spec.choices.is_empty() {
        return Some(word.to_owned());
    }
    if let Some(key) = slot.choice_key(word) {
        return Some(key.to_owned());
    }
    let message = format!("`{}` has no value `{word}`", slot.name());
    let choices = &slot.spec.choices;
    let words = choices
        .iter()
        .flat_map(|choice| [choice.key.as_str(), choice.label.as_str()]);
    let hint = match nearest(word, words) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("it takes {}", taken(choices)),
    };
    problems.hint(path, message, hint);
    None
}

/// The most values that a hint names.
const NAMED: usize = 12;

/// What a field takes, each with what people see.
pub(super) fn taken(choices: &[Choice]) -> String {
    let named = choices.iter().take(NAMED).map(|choice| {
        match choice.label.trim().is_empty() || choice.label == choice.key {
            true => format!("`{}`", choice.key),
            false => format!("`{}` ({})", choice.key, choice.label),
        }
    });
    let mut text = named.collect::<Vec<_>>().join(", ");
    if choices.len() > NAMED {
        text += &format!(" and {} more", choices.len() - NAMED);
    }
    text
}

/// Users have ids of their own in each system: one that is not known to be somebody there means nobody.
fn are_users(slots: &Sides<Slot>) -> bool {
    let is_user = |side: &Side| slots.get(*side).spec.kind == Kind::User;
    Side::BOTH.iter().all(is_user)
}

fn permitted(words: &mut Vocabulary, slots: &Sides<Slot>, problems: &mut Problems) {
    let closed = Sides::each(|side| !slots.get(side).spec.choices.is_empty());
    let people = are_users(slots);
    match (closed.left, closed.right) {
        (false, false) => {}
        // whose id is whose is not known while one account does not show its users
        (false, true) | (true, false) if people => {}
        (true, true) => {
            let alike = |a: &str, b: &str| !a.is_empty() && folded(a) == folded(b);
            let mut pairs = 0;
            for left in &slots.left.spec.choices {
                let rights = &slots.right.spec.choices;
                let by_mail = || counterpart(left, &slots.left.spec.choices, rights);
                let right = rights
                    .iter()
                    .find(|right| alike(&left.key, &right.key))
                    .or_else(|| people.then(by_mail).flatten())
                    .or_else(|| rights.iter().find(|right| alike(&left.label, &right.label)));
                if let Some(right) = right {
                    pairs += 1;
                    say(words, Side::Left, &slots.left, &left.key, &left.key);
                    say(words, Side::Right, &slots.right, &right.key, &left.key);
                }
            }
            // of users nobody may have an address on both sides, and an account gets users later: until then none crosses
            if pairs == 0 && !people {
                problems.hint(
                    "",
                    format!(
                        "`{}` and `{}` have no value in common",
                        slots.left.name(),
                        slots.right.name()
                    ),
                    "say with `values` which value of the left is which of the right",
                );
            }
        }
        (left, _) => {
            let (closed, open) = if left {
                (Side::Left, Side::Right)
            } else {
                (Side::Right, Side::Left)
            };
            for choice in &slots.get(closed).spec.choices {
                say(words, closed, slots.get(closed), &choice.key, &choice.key);
                if !choice.label.trim().is_empty() {
                    words.say(open, &choice.label, &choice.key);
                }
                words.say(open, &choice.key, &choice.key);
            }
        }
    }
}
