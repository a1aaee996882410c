//! From the entries that are there to the entries that are wanted, in the vendor's change objects.
//!
//! Modify takes one object `{action, oldvalue, newvalue, default}` for each type, so one change for each
//! type and call; entries are found by their old value, which must be unique (documented: "Modify
//! Addresses"). More changes need more calls: [`rounds`] lays them out. An entry that is wanted as it
//! is is never named, so its comment and whatever else hangs on it stay.

use record::Point;
use serde_json::{Map, Value as Json, json};

use super::{Class, distinct, same};

/// The contact parameters of one call.
pub(crate) type Round = Map<String, Json>;

struct Step {
    key: &'static str,
    change: Json,
    /// Must come in a later round than the step at this place.
    after: Option<usize>,
}

/// The changes that lead from `current` to `wanted`, call by call.
///
/// * A value that is there stays, be it wanted as landline or as mobile: the vendor re-types numbers
///   itself. It is moved to another type only if `wanted` names a label and neither is a mobile.
/// * A removed and an added value of one type become one `modify`, which keeps the entry's comment.
/// * Additions come before removals, so that a class is not without a main entry in between.
/// * The main entry is changed only if `wanted` names one, or the old one goes.
///
/// Two entries of the same value cannot be told apart by value, so the vendor refuses to remove one of
/// them (87). They are left alone as long as the value is wanted at all.
pub(crate) fn rounds(class: Class, current: &[Point], wanted: &[Point]) -> Vec<Round> {
    let wanted = distinct(wanted);
    let kept = |value: &str| wanted.iter().any(|point| same(&point.value, value));
    let main = main_to_be(current, &wanted);
    let mut steps: Vec<Step> = Vec::new();

    let mut removed: Vec<&Point> = current
        .iter()
        .filter(|point| !kept(&point.value) && !point.value.trim().is_empty())
        .collect();
    for point in &wanted {
        let key = class.key(point);
        let becomes_main = main.as_ref().is_some_and(|main| same(main, &point.value));
        match current
            .iter()
            .find(|entry| same(&entry.value, &point.value))
        {
            Some(entry) if is_other_type(class, entry, point) => {
                let gone = steps.len();
                steps.push(delete(class.key(entry), &entry.value));
                let default = becomes_main || (entry.main && main.is_none());
                steps.push(Step {
                    after: Some(gone),
                    ..add(key, &point.value, default)
                });
            }
            Some(entry) if becomes_main => {
                steps.push(modify(class.key(entry), &entry.value, &entry.value, true));
            }
            Some(_) => {}
            None => match removed.iter().position(|entry| class.key(entry) == key) {
                Some(place) => {
                    let entry = removed.remove(place);
                    steps.push(modify(key, &entry.value, &point.value, becomes_main));
                }
                None => steps.push(add(key, &point.value, becomes_main)),
            },
        }
    }
    steps.extend(
        removed
            .iter()
            .map(|entry| delete(class.key(entry), &entry.value)),
    );
    lay_out(steps)
}

/// The value that has to be made the main entry; `None` if nothing about it changes.
fn main_to_be(current: &[Point], wanted: &[Point]) -> Option<String> {
    let is = current.iter().find(|point| point.main);
    if let Some(named) = wanted.iter().find(|point| point.main) {
        let already = is.is_some_and(|entry| same(&entry.value, &named.value));
        return (!already).then(|| named.value.clone());
    }
    let stays = is.is_some_and(|entry| wanted.iter().any(|point| same(&point.value, &entry.value)));
    let had_one = is.is_some() || current.is_empty();
    (had_one && !stays)
        .then(|| wanted.first().map(|point| point.value.clone()))
        .flatten()
}

fn is_other_type(class: Class, entry: &Point, wanted: &Point) -> bool {
    let (is, to_be) = (class.key(entry), class.key(wanted));
    wanted.label.is_some() && is != to_be && is != "mobile" && to_be != "mobile"
}

fn add(key: &'static str, value: &str, default: bool) -> Step {
    change(key, json!({"action": "add", "newvalue": value}), default)
}

fn modify(key: &'static str, old: &str, new: &str, default: bool) -> Step {
    change(
        key,
        json!({"action": "modify", "oldvalue": old, "newvalue": new}),
        default,
    )
}

fn delete(key: &'static str, old: &str) -> Step {
    change(key, json!({"action": "delete", "oldvalue": old}), false)
}

fn change(key: &'static str, mut change: Json, default: bool) -> Step {
    if default {
        change["default"] = json!(true);
    }
    Step {
        key,
        change,
        after: None,
    }
}

/// Each step into the earliest round that has its key free and comes after the step it waits for.
fn lay_out(steps: Vec<Step>) -> Vec<Round> {
    let mut rounds: Vec<Round> = Vec::new();
    let mut placed: Vec<usize> = Vec::with_capacity(steps.len());
    for step in steps {
        let earliest = step.after.map_or(0, |before| placed[before] + 1);
        let place = (earliest..)
            .find(|&place| {
                rounds
                    .get(place)
                    .is_none_or(|round| !round.contains_key(step.key))
            })
            .expect("there is always a later round");
        if rounds.len() <= place {
            rounds.resize_with(place + 1, Round::new);
        }
        rounds[place].insert(step.key.to_owned(), step.change);
        placed.push(place);
    }
    rounds
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use record::PointKind;

    use super::*;

    /// A simple vendor: entries by type and value, at most one main entry in a class.
    #[derive(Debug, Clone, PartialEq)]
    struct Entry {
        id: usize,
        key: String,
        value: String,
        main: bool,
    }

    #[derive(Debug, Clone)]
    struct Book {
        entries: Vec<Entry>,
        next: usize,
    }

    impl Book {
        fn of(class: Class, points: &[Point]) -> Self {
            let entries: Vec<Entry> = points
                .iter()
                .enumerate()
                .map(|(id, point)| Entry {
                    id,
                    key: class.key(point).into(),
                    value: point.value.clone(),
                    main: point.main,
                })
                .collect();
            Self {
                next: entries.len(),
                entries,
            }
        }

        fn apply(&mut self, round: &Round) -> Result<(), String> {
            for (key, change) in round {
                let text = |name: &str| change[name].as_str().map(str::to_owned);
                let found = |value: Option<String>| -> Result<usize, String> {
                    let value = value.ok_or("86 missing identifier")?;
                    let mut hits = self
                        .entries
                        .iter()
                        .enumerate()
                        .filter(|(_, e)| e.value == value);
                    match (hits.next(), hits.next()) {
                        (Some((place, entry)), None) if entry.key == *key => Ok(place),
                        (Some(_), None) => Err(format!("83 {value} is not of type {key}")),
                        (None, _) => Err(format!("83 unknown {value}")),
                        _ => Err(format!("87 ambiguous {value}")),
                    }
                };
                let place = match change["action"].as_str().unwrap() {
                    "add" => {
                        let value = text("newvalue").ok_or("85 missing value")?;
                        self.next += 1;
                        self.entries.push(Entry {
                            id: self.next,
                            key: key.clone(),
                            value,
                            main: false,
                        });
                        self.entries.len() - 1
                    }
                    "modify" => {
                        let place = found(text("oldvalue"))?;
                        self.entries[place].value = text("newvalue").ok_or("85 missing value")?;
                        place
                    }
                    "delete" => {
                        let place = found(text("oldvalue"))?;
                        self.entries.remove(place);
                        continue;
                    }
                    other => return Err(format!("unknown action {other}")),
                };
                if change["default"] == json!(true) {
                    self.entries.iter_mut().for_each(|entry| entry.main = false);
                    self.entries[place].main = true;
                }
            }
            Ok(())
        }

        fn values(&self) -> Vec<String> {
            let mut values: Vec<String> = self.entries.iter().map(|e| e.value.clone()).collect();
            values.sort();
            values
        }
    }

    fn points(class: Class) -> impl Strategy<Value = Vec<Point>> {
        let kinds = match class {
            Class::Phones => vec![PointKind::Phone, PointKind::Mobile],
            Class::Faxes => vec![PointKind::Fax],
            Class::Emails => vec![PointKind::Email],
        };
        let label = prop_oneof![Just(None), Just(Some("private")), Just(Some("business"))];
        let values = prop::sample::subsequence(vec!["1", "2", "3", "4", "5", "6", "7"], 0..=6)
            .prop_shuffle();
        (
            values,
            prop::collection::vec((prop::sample::select(kinds), label), 6),
            0..8_usize,
        )
            .prop_map(|(values, looks, main)| {
                values
                    .into_iter()
                    .zip(looks)
                    .enumerate()
                    .map(|(place, (value, (kind, label)))| Point {
                        kind,
                        value: value.to_owned(),
                        label: label.map(str::to_owned),
                        main: place == main,
                    })
                    .collect()
            })
    }

    proptest! {
        #[test]
        fn carrying_out_the_rounds_gives_what_is_wanted(
            (class, current, wanted) in prop::sample::select(vec![Class::Phones, Class::Emails, Class::Faxes])
                .prop_flat_map(|class| (Just(class), points(class), points(class)))
        ) {
            let mut book = Book::of(class, &current);
            let before = book.clone();
            let rounds = rounds(class, &current, &wanted);
            for round in &rounds {
                book.apply(round).map_err(TestCaseError::fail)?;
            }
            let mut expected: Vec<String> = wanted.iter().map(|point| point.value.clone()).collect();
            expected.sort();
            prop_assert_eq!(book.values(), expected);
            if let Some(main) = wanted.iter().find(|point| point.main) {
                prop_assert!(book.entries.iter().any(|entry| entry.main && entry.value == main.value));
            } else if before.entries.iter().any(|entry| entry.main) && !wanted.is_empty() {
                prop_assert!(book.entries.iter().any(|entry| entry.main), "a main entry was lost");
            }
            for point in &wanted {
                let entry = book.entries.iter().find(|entry| entry.value == point.value).unwrap();
                let was = before.entries.iter().find(|entry| entry.value == point.value);
                if let Some(was) = was && !is_other_type(class, &current[was.id], point) {
                    prop_assert_eq!(was.id, entry.id, "an entry that stays was replaced");
                    prop_assert_eq!(&was.key, &entry.key);
                }
                if point.label.is_some() && point.kind != PointKind::Mobile && was.is_none_or(|was| was.key != "mobile") {
                    prop_assert_eq!(&entry.key, class.key(point));
                }
            }
            // and then there is nothing left to do
            prop_assert!(super::rounds(class, &wanted, &wanted).is_empty());
        }

        #[test]
        fn garbage_never_panics(
            current in prop::collection::vec((".{0,3}", any::<bool>()), 0..6),
            wanted in prop::collection::vec((".{0,3}", any::<bool>()), 0..6),
        ) {
            let points = |raw: Vec<(String, bool)>| -> Vec<Point> {
                raw.into_iter().map(|(value, main)| Point { kind: PointKind::Phone, value, label: None, main }).collect()
            };
            rounds(Class::Phones, &points(current), &points(wanted));
        }
    }

    fn phone(value: &str, main: bool) -> Point {
        Point {
            kind: PointKind::Phone,
            value: value.into(),
            label: None,
            main,
        }
    }

    #[test]
    fn a_changed_number_is_one_modify_and_the_others_are_not_named() {
        let current = [phone("1", true), phone("2", false)];
        let wanted = [phone("1", true), phone("9", false)];
        let rounds = rounds(Class::Phones, &current, &wanted);
        assert_eq!(
            json!(rounds),
            json!([{"phone": {"action": "modify", "oldvalue": "2", "newvalue": "9"}}])
        );
    }

    #[test]
    fn two_changes_of_one_type_need_two_calls_and_two_types_one() {
        let current = [phone("1", true)];
        let mobile = Point {
            kind: PointKind::Mobile,
            ..phone("3", false)
        };
        let wanted = [
            phone("1", true),
            phone("2", false),
            mobile,
            phone("4", false),
        ];
        assert_eq!(
            json!(rounds(Class::Phones, &current, &wanted)),
            json!([
                {"phone": {"action": "add", "newvalue": "2"}, "mobile": {"action": "add", "newvalue": "3"}},
                {"phone": {"action": "add", "newvalue": "4"}},
            ])
        );
    }

    #[test]
    fn the_main_entry_is_switched_in_place() {
        let current = [phone("1 ", true), phone("2", false)];
        assert_eq!(
            json!(rounds(
                Class::Phones,
                &current,
                &[phone("1", false), phone("2", true)]
            )),
            json!([{"phone": {"action": "modify", "oldvalue": "2", "newvalue": "2", "default": true}}])
        );
        // nobody said which one is the main one: it stays
        assert!(
            rounds(
                Class::Phones,
                &current,
                &[phone("2", false), phone("1", false)]
            )
            .is_empty()
        );
        // the first entry of all is the main one
        assert_eq!(
            json!(rounds(Class::Phones, &[], &[phone("1", false)])),
            json!([{"phone": {"action": "add", "newvalue": "1", "default": true}}])
        );
    }
}
