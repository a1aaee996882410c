//! What is kept of connections and of the config that is in force.

use jiff::Timestamp;
use record::Entity;

use crate::ConnectionName;

/// Sealed credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRow {
    /// Sealed bytes; only the vault can open them.
    pub sealed: Vec<u8>,
    /// Grows by one with each save; 0: there is none yet.
    pub version: u64,
}

/// Whether a save went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// With this new version.
    Version(u64),
    /// Somebody else saved meanwhile; nothing was changed.
    Conflict,
}

/// The config that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedConfig {
    /// Grows by one with each apply.
    pub revision: u64,
    /// The document as it was given (secrets are references in it).
    pub document: String,
    /// When.
    pub applied: Timestamp,
}

/// Whose cursor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CursorKey {
    /// Where.
    pub connection: ConnectionName,
    /// What.
    pub entity: Entity,
    /// For what: `changes`.
    pub purpose: String,
}
