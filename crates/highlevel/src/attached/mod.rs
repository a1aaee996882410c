//! What belongs to a contact: tasks and notes, which HighLevel keeps under the contact's own path.
//!
//! From the vendor's contacts and locations specifications. A task or note is only reached with the contact's id, so the
//! id that the rest of Tandem knows it by is both: `contact:task`. What the two lack differs. Tasks of all
//! contacts are found by one search, and no message tells of an edited one. Notes have messages, and can only be
//! listed contact by contact.

mod decode;

mod event;

mod list;

mod read;

mod write;

use std::fmt;

use connector::{Calls, Error, Listing};
use record::{Access, Capability, Choice, Entity, FieldSpec, Kind, RecordId, Rewrite, Schema};

use crate::{contact::users, operation, settings::Settings};

pub(crate) use event::{hint, unnamed};
pub(crate) use list::{changes, list};
pub(crate) use read::{fetch, find};
pub(crate) use write::{create, remove, update};

/// The field that names the contact.
pub(crate) const CONTACT: &str = "contactId";

/// When a task is due, which a new one must say (`CreateTaskParams`).
pub(crate) const DUE: &str = "dueDate";

/// Whether a task is done, which a new one must say too.
pub(crate) const DONE: &str = "completed";

/// One of the two, and how the API calls it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    pub(crate) entity: Entity,
    /// In paths, and around a list of them.
    pub(crate) many: &'static str,
    /// Around one of them.
    pub(crate) one: &'static str,
    pub(crate) get: &'static str,
    pub(crate) list: &'static str,
    pub(crate) create: &'static str,
    pub(crate) update: &'static str,
    pub(crate) delete: &'static str,
}

pub(crate) static TASK: Sort = Sort {
    entity: Entity::Task,
    many: "tasks",
    one: "task",
    get: operation::TASK_GET,
    list: operation::TASK_LIST,
    create: operation::TASK_CREATE,
    update: operation::TASK_UPDATE,
    delete: operation::TASK_DELETE,
};

pub(crate) static NOTE: Sort = Sort {
    entity: Entity::Note,
    many: "notes",
    one: "note",
    get: operation::NOTE_GET,
    list: operation::NOTE_LIST,
    create: operation::NOTE_CREATE,
    update: operation::NOTE_UPDATE,
    delete: operation::NOTE_DELETE,
};

/// The sort that an entity is, if it is one of these.
pub(crate) fn sort(entity: Entity) -> Option<&'static Sort> {
    [&TASK, &NOTE]
        .into_iter()
        .find(|sort| sort.entity == entity)
}

/// What a listing of these costs, and is needed for.
pub(crate) fn listing(entity: Entity) -> Listing {
    Listing {
        tells_edits: entity == Entity::Task,
        per_record_of: (entity == Entity::Note).then_some(Entity::Contact),
        found_by_listing: false,
    }
}

/// Both ids of one of these.
pub(crate) struct Place<'a> {
    pub(crate) contact: &'a str,
    pub(crate) own: &'a str,
}

impl<'a> Place<'a> {
    pub(crate) fn of(id: &'a RecordId) -> Option<Self> {
        let (contact, own) = id.as_str().split_once(':')?;
        (!contact.is_empty() && !own.is_empty()).then_some(Self { contact, own })
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.contact, self.own)
    }
}

/// The id by which the rest of Tandem knows it.
pub(crate) fn id(contact: &str, own: &str) -> RecordId {
    RecordId::new(Place { contact, own }.to_string())
}

/// The fields of an account's tasks or notes: always the same, but for its users and what its settings give.
pub(crate) async fn schema(calls: &dyn Calls, entity: Entity) -> Result<Schema, Error> {
    let users = users(calls).await?.unwrap_or_default();
    let due = Settings::of(calls).task_due_days()?.is_some();
    Ok(Schema {
        entity,
        fields: fields(entity, due, users),
    })
}

/// The fields that every account has.
pub(crate) fn standard_fields(entity: Entity) -> Vec<FieldSpec> {
    fields(entity, false, Vec::new())
}

fn fields(entity: Entity, due: bool, users: Vec<Choice>) -> Vec<FieldSpec> {
    let field = |name: &str, label: &str, kind: Kind, access: Access| FieldSpec {
        name: name.into(),
        label: label.to_owned(),
        kind,
        capability: Capability {
            rewrites: match (kind, access) {
                (_, Access::ReadOnly) => Vec::new(),
                (Kind::Text | Kind::LongText, _) => vec![Rewrite::Trim],
                _ => Vec::new(),
            },
            clearable: access == Access::ReadWrite,
            ..Capability::of(access)
        },
        choices: Vec::new(),
        custom: false,
    };
    let needed = |mut field: FieldSpec| {
        field.capability.required = true;
        field.capability.clearable = false;
        field
    };
    let owner = |name: &str, label: &str| FieldSpec {
        choices: users.clone(),
        ..field(name, label, Kind::User, Access::ReadWrite)
    };
    let contact = needed(field(
        CONTACT,
        "Contact",
        Kind::Reference(Entity::Contact),
        Access::CreateOnly,
    ));
    if entity == Entity::Note {
        return vec![
            needed(field("body", "Text", Kind::LongText, Access::ReadWrite)),
            contact,
            field("title", "Title", Kind::Text, Access::ReadWrite),
            field("pinned", "Pinned", Kind::Boolean, Access::ReadWrite),
            owner("userId", "Author"),
            field("dateAdded", "Created", Kind::Instant, Access::ReadOnly),
        ];
    }
    let mut when = needed(field(DUE, "Due", Kind::Instant, Access::ReadWrite));
    when.capability.required = !due;
    when.capability.setting = Some("task_due_days".to_owned());
    vec![
        needed(field("title", "Title", Kind::Text, Access::ReadWrite)),
        field("body", "Description", Kind::LongText, Access::ReadWrite),
        when,
        field(DONE, "Completed", Kind::Boolean, Access::ReadWrite),
        owner("assignedTo", "Assigned to"),
        contact,
    ]
}
