//! What a connector says of its system before any call is made.

use std::time::Duration;

use record::Entity;

use crate::{AuthScheme, KeyKind};

/// A system as its connector describes it.
#[derive(Debug, Clone)]
pub struct Description {
    /// The word used in config, database and API: `highlevel`.
    pub system: &'static str,
    /// What people call it: `HighLevel`.
    pub title: &'static str,
    /// Where its API lives unless the connection says otherwise.
    pub base_url: &'static str,
    /// The ways to sign in, the best first.
    pub auth: Vec<AuthScheme>,
    /// What can be kept in sync.
    pub entities: Vec<EntityDescription>,
    /// How many requests may be made.
    pub limits: Limits,
    /// Whether the vendor can push webhooks to us at all.
    pub webhooks: bool,
}

impl Description {
    /// What is said of `entity`, if the system has it.
    pub fn entity(&self, entity: Entity) -> Option<&EntityDescription> {
        self.entities
            .iter()
            .find(|description| description.entity == entity)
    }
}

/// What can be done with one entity.
#[derive(Debug, Clone)]
pub struct EntityDescription {
    /// Which.
    pub entity: Entity,
    /// What people call it at the vendor: `Contact`, `Adresse`.
    pub title: &'static str,
    /// Most records in one page of a listing.
    pub list_page: usize,
    /// Most records in one `fetch` call to the vendor.
    pub fetch_batch: usize,
    /// Most records in one `create` or `update` call to the vendor; 1 where there is no batching.
    pub write_batch: usize,
    /// A created or updated record comes back whole and fresh in the answer.
    pub writes_return_record: bool,
    /// How long a search may lag behind writes. Zero: a search is as good as a read.
    pub search_lag: Duration,
    /// How a record is removed.
    pub deletes: Deletes,
    /// Absence from an answer to `fetch` may also mean a lost right: look for another proof.
    pub absence_is_ambiguous: bool,
    /// What creating one may set off at the vendor, in words for the preview.
    pub create_consequences: Vec<&'static str>,
    /// Keys that several records carry as a matter of course, so that one alone says nothing about who a
    /// record is: names are then always compared too.
    pub shared_keys: Vec<KeyKind>,
    /// The field of kind `Set` that carries free tags, if there is one; import tags go there.
    pub tag_field: Option<&'static str>,
    /// How long after a change its stamp may still be given to earlier-read pages; a delta read goes
    /// back this far behind its cursor.
    pub change_overlap: Duration,
    /// Whether the vendor can be asked what changed. If not, only webhooks and listings tell, and `changes` brings
    /// nothing.
    pub polled: bool,
    /// How a person makes a text field of their own for these records, as a hint. Empty: there are none.
    pub own_fields: &'static str,
}

/// How a record of an entity can be removed by API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletes {
    /// For good.
    Delete,
    /// It is moved to an archive and can come back.
    Archive,
    /// It stays, and is closed as cancelled.
    Cancel,
    /// Not at all.
    Never,
}

/// What a full listing of an entity's records costs, and what it is needed for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Listing {
    /// Nothing but a listing tells what was edited: it is done again and again, in the place of polls and as often as
    /// a tenth of the limits allows.
    pub tells_edits: bool,
    /// The records of a page are asked for one record of this entity at a time, so that a listing takes a request
    /// for each of those.
    pub per_record_of: Option<Entity>,
    /// Those that belong to one record are found by listing all there are.
    pub found_by_listing: bool,
}

/// The limits that a vendor documents. What it announces in headers goes before them.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Sliding windows, all of which hold.
    pub windows: Vec<Window>,
    /// Requests in flight at once; adapted down on errors and slowness, and up again to this.
    pub concurrency: usize,
}

/// At most `requests` within any span of `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many.
    pub requests: u32,
    /// Within which time.
    pub per: Duration,
    /// Only requests of this effect count; `None`: all.
    pub effect: Option<crate::Effect>,
}
