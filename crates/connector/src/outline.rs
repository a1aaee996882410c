//! What can be said of a system's records before any account is connected: for the documentation.

use record::{Entity, FieldSpec};

/// The fields that every account has, and what is out of reach. An account's own fields come on top.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// By entity, in the order in which a person should see them.
    pub fields: Vec<(Entity, Vec<FieldSpec>)>,
    /// Fields that are not with every account as they are declared, or lose something that no capability says.
    pub varies: Vec<Varies>,
    /// What people keep in the system and a sync does not reach.
    pub absent: Vec<Absent>,
}

/// What a field's capability does not say.
#[derive(Debug, Clone, Copy)]
pub struct Varies {
    /// Whose field.
    pub entity: Entity,
    /// Its name.
    pub field: &'static str,
    /// Whether what may be done with it depends on the account; found out at the first refusal.
    pub by_account: bool,
    /// What differs or is lost, as one goes on after a semicolon.
    pub what: &'static str,
}

/// Something that is not kept in sync at all.
#[derive(Debug, Clone, Copy)]
pub struct Absent {
    /// What, as people call it at the vendor.
    pub what: &'static str,
    /// Why not.
    pub why: &'static str,
}
