//! One entity of one sync, resolved against what the two accounts really have.

use std::sync::Arc;

use connector::{Connector, EntityDescription};
use mapping::{CompiledEntity, EntityRules, Mode};
use record::{Entity, FieldName, Read, Schema, Side};
use store::{ConnectionName, SyncName};

/// One end of a sync.
#[derive(Clone)]
pub(crate) struct End {
    pub(crate) connection: ConnectionName,
    pub(crate) connector: Arc<dyn Connector>,
    /// All fields.
    pub(crate) schema: Schema,
    /// The fields that some sync of this connection reads: asking for no more keeps readings whole
    /// where a listing does not show everything.
    pub(crate) wanted: Schema,
    /// Changes when the schema does: refused values are tried again then.
    pub(crate) schema_hash: u64,
    pub(crate) description: EntityDescription,
}

/// One entity of one sync, ready to run.
#[derive(Clone)]
pub(crate) struct Pairing {
    pub(crate) sync: SyncName,
    pub(crate) entity: Entity,
    pub(crate) rules: EntityRules,
    pub(crate) mode: Mode,
    pub(crate) compiled: CompiledEntity,
    /// Mappings whose field is not in the schema at the moment, with the reason.
    pub(crate) paused: Vec<(String, String)>,
    pub(crate) ends: [End; 2],
}

impl Pairing {
    pub(crate) fn end(&self, side: Side) -> &End {
        &self.ends[index(side)]
    }

    /// On which side a connection stands, if it is part of this.
    pub(crate) fn side_of(&self, connection: &ConnectionName) -> Option<Side> {
        Side::BOTH
            .into_iter()
            .find(|side| &self.end(*side).connection == connection)
    }

    /// Whether anything may ever be written to this side.
    pub(crate) fn may_write(&self, side: Side) -> bool {
        match self.mode {
            Mode::TwoWay => true,
            Mode::OneWayLeftToRight => side == Side::Right,
            Mode::OneWayRightToLeft => side == Side::Left,
            Mode::Preview => false,
        }
    }

    /// Whether records may be made on this side.
    pub(crate) fn may_create(&self, side: Side) -> bool {
        self.may_write(side)
            && match side {
                Side::Left => self.rules.create.left,
                Side::Right => self.rules.create.right,
            }
    }

    /// Whether a reading knows every field that anything is decided on. A listing that does is as good
    /// as complete for this sync.
    pub(crate) fn knows(&self, side: Side, read: &Read) -> bool {
        self.mapped_fields(side)
            .chain(self.compiled.keep_id(side))
            .all(|name| read.record.fields.get(name.as_str()).is_known())
            && self.compiled.in_scope(side, &read.record.fields).is_some()
            && self
                .compiled
                .gets_counterpart(side, &read.record.fields)
                .is_some()
    }

    /// All fields of a side that some mapping reads.
    pub(crate) fn mapped_fields(&self, side: Side) -> impl Iterator<Item = &FieldName> {
        self.compiled
            .mappings()
            .iter()
            .flat_map(move |mapping| mapping.fields(side))
    }
}

/// Where a side stands in an array of two.
pub(crate) fn index(side: Side) -> usize {
    match side {
        Side::Left => 0,
        Side::Right => 1,
    }
}
