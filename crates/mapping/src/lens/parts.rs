//! Several fields of each side that make one thing and are decided on together: an address, a name.
//!
//! The domain is a text of one line per part, always as many lines as there are parts.

use record::{Field, FieldName, Fields, Kind, Side};

use super::Scalar;
use crate::loss::Loss;

#[derive(Debug, Clone)]
pub(crate) struct Parts {
    /// Each part; its domain is a kind of one-line text.
    pub(crate) parts: Vec<Scalar>,
}

impl Parts {
    pub(crate) fn fields(&self, side: Side) -> Vec<FieldName> {
        let mut fields: Vec<FieldName> = Vec::new();
        for field in self.parts.iter().flat_map(|part| part.fields(side)) {
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        fields
    }

    pub(crate) fn read(&self, side: Side, fields: &Fields) -> Field {
        let read: Vec<Field> = self
            .parts
            .iter()
            .map(|part| part.read(side, fields))
            .collect();
        joined(&read)
    }

    pub(crate) fn put(&self, side: Side, new: &Field, current: &Fields) -> Fields {
        let mut change = Fields::new();
        for (part, value) in self.parts.iter().zip(self.split(new)) {
            if part.read(side, current) != value {
                for (name, field) in part.put(side, &value, current) {
                    change.set(name, field);
                }
            }
        }
        change
    }

    pub(crate) fn loss(&self, side: Side, value: &Field) -> Option<Loss> {
        let whole = self.split(value);
        let losses = self
            .parts
            .iter()
            .zip(whole)
            .filter_map(|(part, value)| part.loss(side, &value));
        // what cannot be written at all weighs more than what is cut
        losses.min_by_key(|loss| loss.partial)
    }

    pub(crate) fn project(&self, side: Side, value: &Field) -> Field {
        let projected: Vec<Field> = self
            .parts
            .iter()
            .zip(self.split(value))
            .map(|(part, value)| part.project(side, &value))
            .collect();
        joined(&projected)
    }

    pub(crate) fn signature(&self) -> String {
        let kinds: Vec<Kind> = self.parts.iter().map(|part| part.domain.kind).collect();
        format!("parts {kinds:?}")
    }

    /// The value of each part.
    pub(crate) fn split(&self, value: &Field) -> Vec<Field> {
        let mut lines = value.text().unwrap_or_default().split('\n');
        self.parts
            .iter()
            .map(|_| Field::of(lines.next().unwrap_or_default()))
            .collect()
    }
}

fn joined(parts: &[Field]) -> Field {
    if parts.iter().any(|part| !part.is_known()) {
        return Field::Unknown;
    }
    let lines: Vec<&str> = parts
        .iter()
        .map(|part| part.text().unwrap_or_default())
        .collect();
    Field::of(lines.join("\n"))
}
