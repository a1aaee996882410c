//! Values that are words of a vocabulary: the keys of choices, and tags.
//!
//! Each side has its own words; the domain has one for each pair. Words without a pair either stay
//! where they are and are not seen by the other side, or travel as they are.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    str::FromStr,
};

use record::{Field, FieldName, Fields, Kind, Side, Sides, Value, text};
use rust_decimal::Decimal;

use super::{Slots, changed};
use crate::{
    loss::{Loss, LossKind},
    rules::Unmatched,
    slot::folded,
};

/// The words of both sides.
#[derive(Debug, Clone)]
pub(crate) struct Vocabulary {
    pub(crate) sides: Sides<SideWords>,
    pub(crate) unmatched: Unmatched,
    /// One side keeps lower case only: words that travel as they are do so in lower case.
    pub(crate) lower: bool,
}

/// The words of one side.
#[derive(Debug, Clone, Default)]
pub(crate) struct SideWords {
    /// Folded word of this side → word of the domain.
    to_domain: HashMap<String, String>,
    /// Word of the domain → how this side writes it.
    from_domain: HashMap<String, String>,
    /// Folded words that never travel.
    pub(crate) hidden: HashSet<String>,
}

impl Vocabulary {
    pub(crate) fn open(unmatched: Unmatched, lower: bool) -> Self {
        Self {
            sides: Sides::default(),
            unmatched,
            lower,
        }
    }

    /// Says that `word` of this side is `domain`; the first word said is the one that is written.
    pub(crate) fn say(&mut self, side: Side, word: &str, domain: &str) {
        let words = self.sides.get_mut(side);
        words
            .to_domain
            .entry(folded(word))
            .or_insert_with(|| domain.to_owned());
        words
            .from_domain
            .entry(domain.to_owned())
            .or_insert_with(|| word.to_owned());
    }

    /// What a word of this side was said to be.
    pub(crate) fn said(&self, side: Side, word: &str) -> Option<&str> {
        let words = self.sides.get(side);
        words.to_domain.get(&folded(word)).map(String::as_str)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sides.left.to_domain.is_empty() && self.sides.right.to_domain.is_empty()
    }

    /// The word of the domain for a word of this side; `None` if it does not travel.
    fn read(&self, side: Side, word: &str) -> Option<String> {
        let key = folded(word);
        let words = self.sides.get(side);
        if words.hidden.contains(&key) {
            return None;
        }
        if let Some(domain) = words.to_domain.get(&key) {
            return Some(domain.clone());
        }
        let elsewhere = self.sides.get(side.other());
        let passes = self.unmatched == Unmatched::Pass
            // it would be read as another word, or not at all
            && !elsewhere.to_domain.contains_key(&key)
            && !elsewhere.hidden.contains(&key);
        passes.then(|| if self.lower { key } else { text::line(word) })
    }

    /// How this side writes a word of the domain; `None` if it cannot.
    fn write(&self, side: Side, domain: &str) -> Option<String> {
        let words = self.sides.get(side);
        if let Some(word) = words.from_domain.get(domain) {
            return Some(word.clone());
        }
        let mapped = self
            .sides
            .get(side.other())
            .from_domain
            .contains_key(domain);
        let key = folded(domain);
        let passes = self.unmatched == Unmatched::Pass
            && !mapped
            && !words.to_domain.contains_key(&key)
            && !words.hidden.contains(&key);
        passes.then(|| domain.to_owned())
    }
}

/// One word on each side.
#[derive(Debug, Clone)]
pub(crate) struct ChoiceLens {
    pub(crate) slots: Slots,
    pub(crate) vocabulary: Vocabulary,
}

impl ChoiceLens {
    pub(crate) fn fields(&self, side: Side) -> Vec<FieldName> {
        vec![self.slots.get(side).name().clone()]
    }

    pub(crate) fn read(&self, side: Side, fields: &Fields) -> Field {
        match self.slots.get(side).raw(fields) {
            Field::Unknown => Field::Unknown,
            Field::Empty => Field::Empty,
            Field::Value(value) => match self.vocabulary.read(side, &word_of(value)) {
                Some(word) => Field::of(word),
                None => Field::Unknown,
            },
        }
    }

    /// A word that this side does not have is put as it is: `loss` keeps it from being sent, and that
    /// is to be told rather than taken for "nothing to do".
    pub(crate) fn put(&self, side: Side, new: &Field, _current: &Fields) -> Fields {
        let slot = self.slots.get(side);
        let written = new.text().map(|word| {
            let known = self.written(side, word);
            Field::of(known.unwrap_or_else(|| Value::from(word)))
        });
        changed(slot.name(), written.unwrap_or(Field::Empty))
    }

    pub(crate) fn loss(&self, side: Side, value: &Field) -> Option<Loss> {
        let slot = self.slots.get(side);
        let Some(word) = value.text() else {
            return (*value == Field::Empty && !slot.spec.capability.clearable)
                .then(|| Loss::whole(LossKind::NotClearable, slot.name()));
        };
        self.written(side, word)
            .is_none()
            .then(|| Loss::whole(LossKind::NotAChoice, slot.name()))
    }

    #[expect(clippy::unused_self, reason = "all lenses have the same shape")]
    pub(crate) fn project(&self, _side: Side, value: &Field) -> Field {
        value.clone()
    }

    pub(crate) fn unreadable(&self, side: Side, fields: &Fields) -> Option<String> {
        let slot = self.slots.get(side);
        (slot.raw(fields).value().is_some() && !self.read(side, fields).is_known()).then(|| {
            format!(
                "the value of `{}` stands in no pair of `values`",
                slot.name()
            )
        })
    }

    fn written(&self, side: Side, word: &str) -> Option<Value> {
        let slot = self.slots.get(side);
        let word = self.vocabulary.write(side, word)?;
        match slot.spec.kind {
            Kind::Boolean => match folded(&word).as_str() {
                "true" | "1" => Some(Value::Boolean(true)),
                "false" | "0" => Some(Value::Boolean(false)),
                _ => None,
            },
            Kind::Number => Decimal::from_str(&word).ok().map(Value::Number),
            Kind::Choice if !slot.spec.choices.is_empty() => {
                slot.choice_key(&word).map(Value::from)
            }
            _ => Some(Value::Text(word)),
        }
    }
}

fn word_of(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Number(number) => number.normalize().to_string(),
        Value::Date(day) => day.to_string(),
        Value::Instant(instant) => instant.to_string(),
        Value::Set(set) => set.iter().next().cloned().unwrap_or_default(),
        Value::Points(points) => points
            .first()
            .map(|point| point.value.clone())
            .unwrap_or_default(),
    }
}

/// Any number of words on each side.
#[derive(Debug, Clone)]
pub(crate) struct SetLens {
    pub(crate) slots: Slots,
    pub(crate) vocabulary: Vocabulary,
}

impl SetLens {
    pub(crate) fn fields(&self, side: Side) -> Vec<FieldName> {
        vec![self.slots.get(side).name().clone()]
    }

    pub(crate) fn read(&self, side: Side, fields: &Fields) -> Field {
        let raw = self.slots.get(side).raw(fields);
        if !raw.is_known() {
            return Field::Unknown;
        }
        let words: BTreeSet<String> = elements(raw)
            .iter()
            .filter_map(|word| self.vocabulary.read(side, word))
            .collect();
        Field::of(Value::Set(words))
    }

    /// The whole new set, in which what does not travel stays.
    pub(crate) fn put(&self, side: Side, new: &Field, current: &Fields) -> Fields {
        let slot = self.slots.get(side);
        let raw = slot.raw(current);
        if !raw.is_known() {
            return Fields::new();
        }
        let wanted = new
            .value()
            .and_then(Value::as_set)
            .cloned()
            .unwrap_or_default();
        let mut missing = wanted.clone();
        let mut next = BTreeSet::new();
        for word in elements(raw) {
            match self.vocabulary.read(side, &word) {
                Some(domain) if !wanted.contains(&domain) => {}
                Some(domain) => {
                    missing.remove(&domain);
                    next.insert(word);
                }
                None => {
                    next.insert(word);
                }
            }
        }
        next.extend(
            missing
                .iter()
                .filter_map(|domain| self.written(side, domain)),
        );
        if next == elements(raw) {
            return Fields::new();
        }
        changed(slot.name(), Field::of(Value::Set(next)))
    }

    pub(crate) fn loss(&self, side: Side, value: &Field) -> Option<Loss> {
        let slot = self.slots.get(side);
        let elements: Vec<String> = elements(value)
            .into_iter()
            .filter(|domain| self.written(side, domain).is_none())
            .collect();
        (!elements.is_empty()).then(|| Loss {
            elements,
            ..Loss::part(LossKind::NotAChoice, slot.name())
        })
    }

    pub(crate) fn project(&self, side: Side, value: &Field) -> Field {
        if !value.is_known() {
            return Field::Unknown;
        }
        let held = elements(value)
            .into_iter()
            .filter(|domain| self.written(side, domain).is_some())
            .collect();
        Field::of(Value::Set(held))
    }

    fn written(&self, side: Side, domain: &str) -> Option<String> {
        let slot = self.slots.get(side);
        let word = self.vocabulary.write(side, domain)?;
        if slot.spec.choices.is_empty() {
            Some(word)
        } else {
            slot.choice_key(&word).map(str::to_owned)
        }
    }
}

fn elements(field: &Field) -> BTreeSet<String> {
    match field.value() {
        Some(Value::Set(set)) => set.clone(),
        Some(Value::Text(text)) => BTreeSet::from([text.clone()]),
        _ => BTreeSet::new(),
    }
}
