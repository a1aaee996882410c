//! First and last name on one side, the full name in one field on the other.
//!
//! The domain is the full name, first name first. A name is split anew only where it really is
//! another one, and then beside what stays of it.

use record::{Field, FieldName, Fields, Kind, Side, text};

use super::changed;
use crate::{
    loss::Loss,
    slot::{Domain, Slot},
};

#[derive(Debug, Clone)]
pub(crate) struct FullName {
    pub(crate) left: NameFields,
    pub(crate) right: NameFields,
}

#[derive(Debug, Clone)]
pub(crate) enum NameFields {
    One(Box<Slot>),
    Two { first: Box<Slot>, last: Box<Slot> },
}

const LINE: Domain = Domain {
    kind: Kind::Text,
    lower: false,
};

/// Words that begin a family name.
const PARTICLES: [&str; 20] = [
    "von", "vom", "van", "vander", "zu", "zum", "zur", "de", "del", "della", "der", "den", "di",
    "da", "dos", "du", "la", "le", "ten", "ter",
];

impl FullName {
    fn of(&self, side: Side) -> &NameFields {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    pub(crate) fn fields(&self, side: Side) -> Vec<FieldName> {
        match self.of(side) {
            NameFields::One(slot) => vec![slot.name().clone()],
            NameFields::Two { first, last } => vec![first.name().clone(), last.name().clone()],
        }
    }

    pub(crate) fn read(&self, side: Side, fields: &Fields) -> Field {
        match self.of(side) {
            NameFields::One(slot) => match slot.read(LINE, fields) {
                Field::Unknown => Field::Unknown,
                name => canonical(name.text().unwrap_or_default()),
            },
            NameFields::Two { first, last } => {
                let (first, last) = (first.read(LINE, fields), last.read(LINE, fields));
                if !first.is_known() || !last.is_known() {
                    return Field::Unknown;
                }
                canonical(&format!(
                    "{} {}",
                    first.text().unwrap_or_default(),
                    last.text().unwrap_or_default()
                ))
            }
        }
    }

    pub(crate) fn put(&self, side: Side, new: &Field, current: &Fields) -> Fields {
        let (first, last) = match self.of(side) {
            NameFields::One(slot) => return changed(slot.name(), slot.write(LINE, new)),
            NameFields::Two { first, last } => (first, last),
        };
        let (was_first, was_last) = (first.read(LINE, current), last.read(LINE, current));
        let (is_first, is_last) = split(
            new.text().unwrap_or_default(),
            was_first.text().unwrap_or_default(),
            was_last.text().unwrap_or_default(),
        );
        let mut change = Fields::new();
        for (slot, was, is) in [(first, was_first, is_first), (last, was_last, is_last)] {
            let is = Field::of(is);
            if was != is {
                change.set(slot.name().clone(), slot.write(LINE, &is));
            }
        }
        change
    }

    pub(crate) fn loss(&self, side: Side, value: &Field) -> Option<Loss> {
        match self.of(side) {
            NameFields::One(slot) => slot.loss(LINE, value),
            NameFields::Two { first, last } => {
                let (is_first, is_last) = split(value.text().unwrap_or_default(), "", "");
                [(first, is_first), (last, is_last)]
                    .into_iter()
                    .filter(|(_, part)| *value == Field::Empty || !part.is_empty())
                    .filter_map(|(slot, part)| slot.loss(LINE, &Field::of(part)))
                    .min_by_key(|loss| loss.partial)
            }
        }
    }

    pub(crate) fn project(&self, side: Side, value: &Field) -> Field {
        match self.of(side) {
            NameFields::One(slot) => match slot.project(LINE, value).text() {
                Some(name) => canonical(name),
                None => value.clone(),
            },
            NameFields::Two { first, last } => {
                let (is_first, is_last) = split(value.text().unwrap_or_default(), "", "");
                let part = |slot: &Slot, part: String| {
                    let kept = slot.project(LINE, &Field::of(part));
                    kept.text().unwrap_or_default().to_owned()
                };
                canonical(&format!(
                    "{} {}",
                    part(first, is_first),
                    part(last, is_last)
                ))
            }
        }
    }

    /// First and last name of a side, as well as they can be told apart.
    pub(crate) fn names(&self, side: Side, fields: &Fields) -> (Option<String>, Option<String>) {
        let (first, last) = match self.of(side) {
            NameFields::Two { first, last } => {
                let part = |slot: &Slot| slot.read(LINE, fields).text().map(str::to_owned);
                return (part(first), part(last));
            }
            NameFields::One(_) => {
                let name = self.read(side, fields);
                split(name.text().unwrap_or_default(), "", "")
            }
        };
        let some = |part: String| (!part.is_empty()).then_some(part);
        (some(first), some(last))
    }
}

/// One line, first name first: `Heide, Anna von der` is `Anna von der Heide`.
fn canonical(name: &str) -> Field {
    let line = text::line(name);
    match line.split_once(',') {
        Some((last, first)) if !first.contains(',') && !last.trim().is_empty() => {
            Field::of(text::line(&format!("{first} {last}")))
        }
        _ => Field::of(line),
    }
}

/// First and last name out of a full name; what stays of the old ones stays where it was.
fn split(name: &str, was_first: &str, was_last: &str) -> (String, String) {
    let owned = |first: &str, last: &str| (first.trim().to_owned(), last.trim().to_owned());
    if !was_last.is_empty()
        && let Some(first) = name.strip_suffix(was_last)
        && (first.is_empty() || first.ends_with(' '))
    {
        return owned(first, was_last);
    }
    if !was_first.is_empty()
        && let Some(last) = name.strip_prefix(was_first)
        && (last.is_empty() || last.starts_with(' '))
    {
        return owned(was_first, last);
    }
    let words: Vec<&str> = name.split(' ').collect();
    let particle = words
        .iter()
        .skip(1)
        .take(words.len().saturating_sub(2))
        .position(|word| PARTICLES.contains(&word.to_lowercase().as_str()))
        .map(|position| position + 1);
    let at = particle.unwrap_or(words.len() - 1);
    owned(&words[..at].join(" "), &words[at..].join(" "))
}
