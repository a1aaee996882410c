//! What belongs to an address: tasks, and the entries of the activity log (`agentslog`, "Maklerbuch") as notes.
//!
//! Both are read from the vendor's database with all fields of the schema, so each reading is fresh and complete. Neither
//! can be deleted by API: a task is cancelled in the place of it, an entry stays. Each may be linked with several
//! addresses; the first is the one that counts here.

mod fields;

mod read;

mod walk;

mod write;

use connector::{Calls, Error};
use record::{Entity, Schema};
use serde_json::json;

use crate::{
    action::{Action, Verb},
    codes::is_unknown_field,
    exchange::{self, unexpected},
    schema::logins,
};

pub(crate) use fields::usual;
pub(crate) use read::{archived, changes, fetch, find, list};
pub(crate) use write::{create, remove, update};

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Task,
    Entry,
}

/// The ids of the requests about one of the two, for the call log.
#[derive(Debug)]
pub(crate) struct Operations {
    pub(crate) schema: &'static str,
    pub(crate) fetch: &'static str,
    pub(crate) list: &'static str,
    pub(crate) changes: &'static str,
    pub(crate) find: &'static str,
    pub(crate) create: &'static str,
    pub(crate) update: &'static str,
    pub(crate) remove: &'static str,
}

const TASKS: Operations = Operations {
    schema: "tasks.schema",
    fetch: "tasks.fetch",
    list: "tasks.list",
    changes: "tasks.changes",
    find: "tasks.find",
    create: "tasks.create",
    update: "tasks.update",
    remove: "tasks.cancel",
};

const ENTRIES: Operations = Operations {
    schema: "notes.schema",
    fetch: "notes.fetch",
    list: "notes.list",
    changes: "notes.changes",
    find: "notes.find",
    create: "notes.create",
    update: "notes.update",
    remove: "notes.remove",
};

impl Sort {
    /// The sort that an entity is, if it is one of these.
    pub(crate) fn of(entity: Entity) -> Option<Self> {
        match entity {
            Entity::Task => Some(Self::Task),
            Entity::Note => Some(Self::Entry),
            _ => None,
        }
    }

    fn entity(self) -> Entity {
        match self {
            Self::Task => Entity::Task,
            Self::Entry => Entity::Note,
        }
    }

    fn resource(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Entry => "agentslog",
        }
    }

    fn operations(self) -> &'static Operations {
        match self {
            Self::Task => &TASKS,
            Self::Entry => &ENTRIES,
        }
    }

    /// The field that names the address.
    fn parent(self) -> &'static str {
        match self {
            Self::Task => "relatedAddressId",
            Self::Entry => "Adress_nr",
        }
    }

    /// The fields by which what is new or changed is found, one question each.
    fn stamps(self) -> &'static [&'static str] {
        match self {
            Self::Task => &["modified"],
            // whether an entry that nobody has changed yet has a day of change is not documented
            Self::Entry => &["Datum_bearb", "created"],
        }
    }
}

/// How many refused fields are dropped one after the other before the schema is given up.
const ROUNDS: usize = 20;

/// The fields that can be read here: those that the vendor documents, proven by one read.
///
/// # Errors
/// When nothing can be read.
pub(crate) async fn schema(calls: &dyn Calls, sort: Sort) -> Result<Schema, Error> {
    let operation = sort.operations().schema;
    let users = logins(calls).await?;
    let mut schema = Schema {
        entity: sort.entity(),
        fields: fields::build(sort, users, calls.settings()),
    };
    for _ in 0..ROUNDS {
        let probe = read::read_action(sort, &schema, json!({"listlimit": 1}));
        let reading = exchange::read(calls, operation, std::slice::from_ref(&probe), 1).await?;
        let no = match reading.results.into_iter().next() {
            Some(Ok(_)) => return Ok(schema),
            Some(Err(no)) => no,
            None => return Err(unexpected(operation, "no result")),
        };
        let refused = no.refusal(&probe.parameters).fields;
        let before = schema.fields.len();
        if is_unknown_field(no.code) {
            schema.fields.retain(|field| {
                !refused
                    .iter()
                    .any(|name| fields::needs(field, name.as_str()))
            });
        }
        if schema.fields.len() == before {
            return Err(no.error(operation, &probe.parameters));
        }
    }
    Err(unexpected(
        operation,
        "the vendor refuses to read the fields that it documents",
    ))
}

/// Which addresses these tasks are linked with (documented: "Read relations"). In the type a task is the parent.
fn relations(ids: &[u64]) -> Action {
    Action::new(
        Verb::Get,
        "idsfromrelation",
        json!({
            "relationtype": "urn:onoffice-de-ns:smart:2.5:relationTypes:task:address",
            "parentids": ids,
        }),
    )
}
