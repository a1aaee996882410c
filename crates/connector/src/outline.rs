//! What can be said of a system's records before any account is connected: for the documentation.

use record::{Entity, FieldSpec};

/// The fields that every account has, and what is out of reach. An account's own fields come on top.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// By entity, in the order in which a person should see them.
    pub fields: Vec<(Entity, Vec<FieldSpec>)>,
    /// What people keep in the system and a sync does not reach.
    pub absent: Vec<Absent>,
}

/// Something that is not kept in sync at all.
#[derive(Debug, Clone, Copy)]
pub struct Absent {
    /// What, as people call it at the vendor.
    pub what: &'static str,
    /// Why not.
    pub why: &'static str,
}
