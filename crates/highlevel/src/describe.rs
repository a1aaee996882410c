//! What HighLevel is and can do, as data.

use std::time::Duration;

use connector::{
    Absent, AuthScheme, Deletes, Description, EntityDescription, Limits, Outline, SignInField,
    Window,
};
use record::Entity;

/// What people call it.
pub(crate) const TITLE: &str = "HighLevel";

/// Where the API lives (all of the vendor's specifications).
pub(crate) const BASE_URL: &str = "https://services.leadconnectorhq.com";

/// The scheme for Marketplace apps.
pub(crate) const OAUTH: &str = "oauth";

/// The scheme for private integration tokens.
pub(crate) const PRIVATE_TOKEN: &str = "private_token";

/// Requests in flight at once, within one call of ours and overall.
pub(crate) const IN_FLIGHT: usize = 16;

/// How long the search index may lag. The vendor says "a few seconds"; this is on the safe side.
pub(crate) const SEARCH_LAG: Duration = Duration::from_secs(10);

/// How far a delta read goes back behind its cursor: several times the index's lag.
pub(crate) const CHANGE_OVERLAP: Duration = Duration::from_secs(60);

/// Most records that one search answers (the vendor's page on the contacts search).
pub(crate) const SEARCH_PAGE: usize = 500;

/// Most records that one page of the older listing answers (contacts specification).
pub(crate) const LIST_PAGE: usize = 100;

/// Most companies that one page answers: the default (businesses specification, which says nothing of more).
pub(crate) const COMPANY_PAGE: usize = 100;

/// Tasks asked for in one page of the search across contacts: the specification names 25 as the usual number and no
/// largest one.
pub(crate) const TASK_PAGE: usize = 100;

/// Contacts whose notes are asked for in one page of a listing of notes.
pub(crate) const CONTACTS_OF_NOTES: usize = 50;

/// Most contacts that one call puts into a company (contacts specification, v3).
pub(crate) const ASSIGNED_AT_ONCE: usize = 50;

pub(crate) fn description() -> Description {
    Description {
        system: "highlevel",
        title: TITLE,
        base_url: BASE_URL,
        auth: vec![
            AuthScheme::AuthorizationCode {
                name: OAUTH,
                fields: vec![
                    SignInField {
                        name: "client_id",
                        label: "Client ID",
                        secret: false,
                        help: "Developer portal → your app → Advanced settings → Auth. It looks like \
                               <app id>-<8 characters>.",
                    },
                    SignInField {
                        name: "client_secret",
                        label: "Client secret",
                        secret: true,
                        help: "Shown once beside the client ID when you create the key. A UUID.",
                    },
                ],
            },
            AuthScheme::Pasted {
                name: PRIVATE_TOKEN,
                fields: vec![SignInField {
                    name: "token",
                    label: "Private integration token",
                    secret: true,
                    help: "In the sub-account (not the agency): Settings → Private Integrations → \
                           Create. It begins with pit- and is shown once.",
                }],
            },
        ],
        entities: vec![
            contact(),
            company(),
            appointment(),
            opportunity(),
            task(),
            note(),
        ],
        limits: Limits {
            // Per app and sub-account (the vendor's page on authorisation).
            windows: vec![
                Window {
                    requests: 100,
                    per: Duration::from_secs(10),
                    effect: None,
                },
                Window {
                    requests: 200_000,
                    per: Duration::from_secs(24 * 60 * 60),
                    effect: None,
                },
            ],
            concurrency: IN_FLIGHT,
        },
        webhooks: true,
    }
}

/// The fields of every sub-account, and what is not kept in sync.
pub(crate) fn outline() -> Outline {
    Outline {
        fields: vec![
            (Entity::Contact, crate::contact::standard_fields()),
            (Entity::Company, crate::company::schema().fields),
            (Entity::Appointment, crate::appointment::usual()),
            (Entity::Opportunity, crate::opportunity::usual()),
            (Entity::Task, crate::attached::standard_fields(Entity::Task)),
            (Entity::Note, crate::attached::standard_fields(Entity::Note)),
        ],
        varies: Vec::new(),
        absent: vec![
            Absent {
                what: "Full name (`name`)",
                why: "it says again what first and last name say",
            },
            Absent {
                what: "Inbound do-not-disturb",
                why: "HighLevel sends no event when only this changes",
            },
            Absent {
                what: "Followers, attributions, attachments",
                why: "no counterpart in the other systems",
            },
            Absent {
                what: "Custom fields for files",
                why: "files are not copied",
            },
            Absent {
                what: "Custom fields of companies",
                why: "the API reads them and does not write them",
            },
            Absent {
                what: "Series of appointments, blocked times",
                why: "the single dates of a series are no records of their own; a blocked time belongs to nobody",
            },
            Absent {
                what: "The priority of a task",
                why: "HighLevel's tasks have none; that of the other system is left as it is, and new ones get the one that its settings give",
            },
            Absent {
                what: "Conversations, campaigns, workflows",
                why: "single operations of the catalog, nothing that could be kept the same",
            },
        ],
    }
}

fn contact() -> EntityDescription {
    EntityDescription {
        entity: Entity::Contact,
        title: "Contact",
        list_page: SEARCH_PAGE,
        fetch_batch: 1,
        write_batch: 1,
        writes_return_record: true,
        search_lag: SEARCH_LAG,
        deletes: Deletes::Delete,
        absence_is_ambiguous: false,
        create_consequences: vec![
            "workflows that start with \"Contact Created\" run, and may send e-mails, texts or calls",
            "each tag that a new contact gets starts the workflows that wait for that tag",
            "a user who is assigned to the contact may be notified",
            "other apps in the sub-account are told of the new contact",
        ],
        shared_keys: Vec::new(),
        tag_field: Some("tags"),
        change_overlap: CHANGE_OVERLAP,
        polled: true,
        own_fields: "`tandem add-field CONNECTION LABEL` makes one; by hand: Settings → Custom Fields → Add field, \
                     type Single line, object Contact",
    }
}

/// The vendor's businesses. Nothing tells what changed but webhooks and another listing.
fn company() -> EntityDescription {
    EntityDescription {
        entity: Entity::Company,
        title: "Company",
        list_page: COMPANY_PAGE,
        fetch_batch: 1,
        write_batch: 1,
        writes_return_record: true,
        search_lag: SEARCH_LAG,
        deletes: Deletes::Delete,
        absence_is_ambiguous: false,
        create_consequences: vec!["other apps in the sub-account are told of the new company"],
        tag_field: None,
        change_overlap: Duration::ZERO,
        polled: false,
        own_fields: "",
        shared_keys: Vec::new(),
    }
}

/// Found by listing all calendars. Writes say that nobody is to be told.
fn appointment() -> EntityDescription {
    EntityDescription {
        entity: Entity::Appointment,
        title: "Appointment",
        list_page: usize::MAX,
        create_consequences: vec![
            "the contact's and the user's calendars show it; automations do not run, because we say so",
        ],
        ..one_by_one(Entity::Appointment)
    }
}

/// Found by listing them all.
fn opportunity() -> EntityDescription {
    EntityDescription {
        entity: Entity::Opportunity,
        title: "Opportunity",
        list_page: crate::opportunity::PAGE,
        create_consequences: vec![
            "workflows that start with a new opportunity, or with a stage that it reaches, run",
        ],
        ..one_by_one(Entity::Opportunity)
    }
}

fn one_by_one(entity: Entity) -> EntityDescription {
    EntityDescription {
        entity,
        title: "",
        list_page: 0,
        fetch_batch: 1,
        write_batch: 1,
        writes_return_record: false,
        search_lag: SEARCH_LAG,
        deletes: Deletes::Delete,
        absence_is_ambiguous: false,
        create_consequences: Vec::new(),
        tag_field: None,
        change_overlap: Duration::ZERO,
        polled: true,
        own_fields: "",
        shared_keys: Vec::new(),
    }
}

/// Tasks of contacts. Messages tell of new, completed and deleted ones; an edit is found by asking for all of them.
fn task() -> EntityDescription {
    EntityDescription {
        entity: Entity::Task,
        title: "Task",
        list_page: TASK_PAGE,
        fetch_batch: 1,
        write_batch: 1,
        writes_return_record: true,
        search_lag: SEARCH_LAG,
        deletes: Deletes::Delete,
        absence_is_ambiguous: false,
        create_consequences: vec![
            "the user whom a new task is assigned to may be notified",
            "workflows that start with a new task run",
        ],
        shared_keys: Vec::new(),
        tag_field: None,
        change_overlap: Duration::ZERO,
        polled: false,
        own_fields: "",
    }
}

/// Notes of contacts. Messages tell of all that becomes of one; beside them there is only asking contact by contact.
fn note() -> EntityDescription {
    EntityDescription {
        entity: Entity::Note,
        title: "Note",
        create_consequences: vec!["workflows that start with a new note run"],
        ..task()
    }
}
