//! The result of a formula over one side, written to a field of the other. One way only.

use formula::Formula;
use record::{Field, FieldName, Fields, Kind, Locale, Side, Value};

use super::changed;
use crate::{
    loss::Loss,
    slot::{Domain, Slot, lower},
};

#[derive(Debug, Clone)]
pub(crate) struct FormulaLens {
    pub(crate) formula: Formula,
    pub(crate) target: Side,
    pub(crate) domain: Domain,
    pub(crate) slot: Box<Slot>,
}

impl FormulaLens {
    pub(crate) fn fields(&self, side: Side) -> Vec<FieldName> {
        if side == self.target {
            self.slot.needs(self.domain.kind)
        } else {
            self.formula
                .reads()
                .iter()
                .map(|name| FieldName::from(name.as_str()))
                .collect()
        }
    }

    pub(crate) fn read(&self, side: Side, fields: &Fields) -> Field {
        if side == self.target {
            return self.slot.read(self.domain, fields);
        }
        match self.formula.evaluate(fields) {
            Err(_) => Field::Unknown, // told by `unreadable`
            Ok(result) => {
                let locale = Locale::new(self.slot.account);
                let keyed = match result.text().and_then(|text| self.slot.choice_key(text)) {
                    Some(key) => Field::of(key),
                    None => result,
                };
                let meant = record::meaning(self.domain.kind, &keyed, &locale);
                if self.domain.lower {
                    lower(meant)
                } else {
                    meant
                }
            }
        }
    }

    pub(crate) fn put(&self, side: Side, new: &Field, _current: &Fields) -> Fields {
        if side == self.target {
            changed(self.slot.name(), self.slot.write(self.domain, new))
        } else {
            Fields::new()
        }
    }

    pub(crate) fn loss(&self, side: Side, value: &Field) -> Option<Loss> {
        if side == self.target {
            self.slot.loss(self.domain, value)
        } else {
            None
        }
    }

    pub(crate) fn project(&self, side: Side, value: &Field) -> Field {
        if side == self.target && !matches!(value, Field::Value(Value::Set(_))) {
            self.slot.project(self.domain, value)
        } else {
            value.clone()
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        self.domain.kind == Kind::Set
    }

    pub(crate) fn unreadable(&self, side: Side, fields: &Fields) -> Option<String> {
        if side == self.target {
            return None;
        }
        let error = self.formula.evaluate(fields).err()?;
        Some(format!("the formula has no result: {error}"))
    }
}
