//! A field that names a record of another entity, on each side by that side's own id.
//!
//! The shared form is the id of the left record. Which left record is which right one stands in the links of that
//! entity in the same sync, which are read before anything is decided and passed in as [`References`]. An id
//! without a link has no meaning on the other side: it is unknown, so that nothing is cleared or guessed.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use record::{Entity, Field, FieldName, Fields, Kind, RecordId, Side, Sides};

use super::{Slots, changed};
use crate::{loss::Loss, slot::Domain};

/// Records of other entities that are linked, as far as somebody asked for them.
#[derive(Debug, Clone, Default)]
pub struct References {
    /// By entity and side, the record of the other side.
    links: BTreeMap<Entity, Sides<HashMap<RecordId, RecordId>>>,
}

impl References {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// These two are linked.
    pub fn add(&mut self, entity: Entity, left: RecordId, right: RecordId) {
        let links = self.links.entry(entity).or_default();
        links.left.insert(left.clone(), right.clone());
        links.right.insert(right, left);
    }

    /// The record that is linked with this one of `side`.
    pub fn counterpart(&self, entity: Entity, side: Side, id: &str) -> Option<&RecordId> {
        let links = self.links.get(&entity)?.get(side);
        links.get(&RecordId::from(id))
    }
}

/// How ids are compared in both sides' fields: letter by letter.
const DOMAIN: Domain = Domain {
    kind: Kind::Text,
    lower: false,
};

#[derive(Debug, Clone)]
pub(crate) struct Reference {
    pub(crate) entity: Entity,
    pub(crate) slots: Slots,
    /// `None`: no links were read. Then a side can be compared with itself, and with nothing else.
    pub(crate) known: Option<Arc<References>>,
}

impl Reference {
    pub(crate) fn fields(&self, side: Side) -> Vec<FieldName> {
        vec![self.slots.get(side).name().clone()]
    }

    /// The id that the side holds.
    pub(crate) fn id(&self, side: Side, fields: &Fields) -> Field {
        self.slots.get(side).read(DOMAIN, fields)
    }

    pub(crate) fn read(&self, side: Side, fields: &Fields) -> Field {
        let id = self.id(side, fields);
        let Some(text) = id.text() else {
            return id;
        };
        let Some(known) = &self.known else {
            return Field::of(format!("{side} {text}"));
        };
        match known.counterpart(self.entity, side, text) {
            None => Field::Unknown,
            Some(_) if side == Side::Left => id,
            Some(left) => Field::of(left.as_str()),
        }
    }

    pub(crate) fn put(&self, side: Side, new: &Field, _current: &Fields) -> Fields {
        let name = self.slots.get(side).name();
        let Some(left) = new.text() else {
            return changed(name, new.clone());
        };
        let counterpart = self
            .known
            .as_ref()
            .and_then(|known| known.counterpart(self.entity, Side::Left, left));
        match counterpart {
            None => Fields::new(),
            Some(_) if side == Side::Left => changed(name, Field::of(left)),
            Some(right) => changed(name, Field::of(right.as_str())),
        }
    }

    pub(crate) fn loss(&self, side: Side, value: &Field) -> Option<Loss> {
        self.slots.get(side).loss(DOMAIN, value)
    }

    pub(crate) fn project(&self, _side: Side, value: &Field) -> Field {
        value.clone()
    }

    /// Why an id that is there means nothing yet.
    pub(crate) fn unreadable(&self, side: Side, fields: &Fields) -> Option<String> {
        let id = self.unlinked(side, fields)?;
        Some(format!(
            "waits until the {} {id} of the {side} is linked",
            self.entity
        ))
    }

    /// The id that the side holds, if it has no link.
    pub(crate) fn unlinked(&self, side: Side, fields: &Fields) -> Option<RecordId> {
        let id = self.id(side, fields);
        let text = id.text()?;
        let known = self.known.as_ref()?;
        known
            .counterpart(self.entity, side, text)
            .is_none()
            .then(|| RecordId::from(text))
    }
}
