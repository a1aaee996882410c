//! One field to one field, both read as values of one kind.

use record::{Field, FieldName, Fields, Kind, Side};

use super::{Slots, changed};
use crate::{loss::Loss, slot::Domain};

#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) domain: Domain,
    pub(crate) slots: Slots,
}

impl Scalar {
    pub(crate) fn fields(&self, side: Side) -> Vec<FieldName> {
        self.slots.get(side).needs(self.domain.kind)
    }

    pub(crate) fn read(&self, side: Side, fields: &Fields) -> Field {
        self.slots.get(side).read(self.domain, fields)
    }

    pub(crate) fn put(&self, side: Side, new: &Field, _current: &Fields) -> Fields {
        let slot = self.slots.get(side);
        changed(slot.name(), slot.write(self.domain, new))
    }

    /// A web address that goes across keeps its scheme and its spelling, which its meaning leaves out.
    pub(crate) fn spelled(&self, side: Side, new: &Field, raw: Fields, source: &Fields) -> Fields {
        let other = self.slots.get(side.other());
        if self.domain.kind != Kind::Url
            || raw.is_empty()
            || other.read(self.domain, source) != *new
        {
            return raw;
        }
        match other.raw(source).text() {
            Some(text) => changed(self.slots.get(side).name(), Field::of(text.trim())),
            None => raw,
        }
    }

    pub(crate) fn loss(&self, side: Side, value: &Field) -> Option<Loss> {
        self.slots.get(side).loss(self.domain, value)
    }

    pub(crate) fn cut(&self, side: Side, value: &Field) -> Option<Field> {
        self.slots.get(side).cut(self.domain, value)
    }

    pub(crate) fn project(&self, side: Side, value: &Field) -> Field {
        self.slots.get(side).project(self.domain, value)
    }
}
