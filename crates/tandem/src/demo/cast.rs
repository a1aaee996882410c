//! Whom the scenes play with: linked people about whom nothing is open and of whom no system has another one like
//! them, so that each scene shows what it is about and not how doubles are asked about.

use std::collections::{BTreeMap, BTreeSet};

use sandbox::{System, judge::Held};
use store::Review;

/// How many of a number's last digits are compared: those that are the same however it is written.
const DIGITS: usize = 8;

/// By what people are taken for one another, over all that the systems hold.
pub(super) struct Cast {
    of: BTreeMap<System, BTreeMap<String, usize>>,
    held: BTreeMap<(System, String), Vec<String>>,
    asked: BTreeSet<String>,
}

impl Cast {
    /// `held`: what each system has. `questions`: the open ones.
    pub(super) fn new(
        held: impl IntoIterator<Item = (System, Vec<Held>)>,
        questions: &[Review],
    ) -> Self {
        let mut cast = Self {
            of: BTreeMap::new(),
            held: BTreeMap::new(),
            asked: questions.iter().flat_map(named).collect(),
        };
        for (system, all) in held {
            let counts = cast.of.entry(system).or_default();
            for person in all.into_iter().filter(|person| !person.gone) {
                let traits = traits(&person);
                for each in &traits {
                    *counts.entry(each.clone()).or_default() += 1;
                }
                cast.held.insert((system, person.id), traits);
            }
        }
        cast
    }

    /// Whether a person, who is these records, can be played with. In a system that has no record of them there is
    /// none that looks like one either.
    pub(super) fn has(&self, records: &[(System, &str)]) -> bool {
        let traits: BTreeSet<&String> = records
            .iter()
            .filter_map(|(system, id)| self.held.get(&(*system, (*id).to_owned())))
            .flatten()
            .collect();
        let alone = self.of.iter().all(|(system, counts)| {
            let own = records
                .iter()
                .find(|(of, _)| of == system)
                .and_then(|(_, id)| self.held.get(&(*system, (*id).to_owned())));
            traits.iter().all(|each| {
                let own = usize::from(own.is_some_and(|own| own.contains(*each)));
                counts.get(*each).copied().unwrap_or(0) == own
            })
        });
        alone && !records.iter().any(|(_, id)| self.asked.contains(*id))
    }
}

/// The records that a question names.
fn named(question: &Review) -> Vec<String> {
    let mut named: Vec<String> = [&question.left, &question.right]
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    texts(&question.details, &mut named);
    named
}

/// Every text in a question's details: ids are among them, and the others name nobody.
fn texts(json: &serde_json::Value, found: &mut Vec<String>) {
    match json {
        serde_json::Value::String(text) => found.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        serde_json::Value::Object(fields) => {
            fields.values().for_each(|field| texts(field, found));
        }
        _ => {}
    }
}

/// By what somebody is taken for somebody: e-mail addresses, numbers and the name, its words in any order.
fn traits(person: &Held) -> Vec<String> {
    let mut traits: BTreeSet<String> = person
        .emails
        .iter()
        .chain([&person.email])
        .filter(|email| !email.is_empty())
        .map(|email| email.to_lowercase())
        .collect();
    for phone in person.phones.iter().chain([&person.phone]) {
        let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
        if digits.len() >= DIGITS {
            traits.insert(digits[digits.len() - DIGITS..].iter().collect());
        }
    }
    let name = person.whole_name().to_lowercase();
    let mut words: Vec<&str> = name.split_whitespace().collect();
    words.sort_unstable();
    if !words.is_empty() {
        traits.insert(words.join(" "));
    }
    traits.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str, name: &str, email: &str, phone: &str) -> Held {
        Held {
            id: id.to_owned(),
            name: name.to_owned(),
            email: email.to_owned(),
            phones: vec![phone.to_owned()],
            ..Held::default()
        }
    }

    #[test]
    fn who_has_a_double_or_a_likeness_elsewhere_is_not_played_with() {
        let anna = |id| person(id, "Anna Brandt", "anna@brandt.example", "+49 30 1234567");
        let cast = Cast::new(
            [
                (
                    System::HighLevel,
                    vec![
                        anna("h1"),
                        person("h2", "Berta Kranz", "b@kranz.example", "+49 30 7654321"),
                        person("h3", "Carla Diehl", "c@diehl.example", "+49 30 5555555"),
                        person("h4", "Diehl Carla", "other@diehl.example", ""),
                        person("h5", "Dora Ernst", "d@ernst.example", ""),
                    ],
                ),
                (
                    System::OnOffice,
                    vec![
                        anna("o1"),
                        person("o2", "Berta Kranz", "b@kranz.example", "030 7654321"),
                        person("o3", "Carla Diehl", "c@diehl.example", ""),
                        person("o5", "Dora Ernst", "D@ERNST.example", ""),
                    ],
                ),
                (
                    System::OfficeRnd,
                    vec![person(
                        "m2",
                        "Somebody Else",
                        "s@else.example",
                        "+49307654321",
                    )],
                ),
            ],
            &[],
        );
        let has = |left: &str, right: &str| {
            cast.has(&[(System::HighLevel, left), (System::OnOffice, right)])
        };
        assert!(has("h1", "o1"));
        assert!(has("h5", "o5"));
        // a member has the number
        assert!(!has("h2", "o2"));
        // another contact has the name, turned round
        assert!(!has("h3", "o3"));
    }
}
