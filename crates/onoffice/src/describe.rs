//! What onOffice is and can do, before any call is made.

use std::time::Duration;

use connector::{
    Absent, AuthScheme, Deletes, Description, EntityDescription, Limits, Outline, SignInField,
    Varies,
};
use record::Entity;

use crate::{
    action::{ROWS, WRITES},
    appointment as calendar,
    attached::{self, Sort},
    schema,
};

/// The word for the system.
pub(crate) const SYSTEM: &str = "onoffice";

/// The word for the way to sign in.
pub(crate) const SCHEME: &str = "api_user";

/// How far behind its cursor a delta read begins. Covers second precision, long transactions and a
/// difference between the vendor's web and database clocks.
pub(crate) const OVERLAP: Duration = Duration::from_secs(5 * 60);

/// The description.
///
/// No request limit is documented and no 429 was ever reported; one author saw failures with about 30
/// requests in parallel. So there are no windows, and few requests in flight.
pub(crate) fn describe() -> Description {
    Description {
        system: SYSTEM,
        title: "onOffice enterprise",
        base_url: "https://api.onoffice.de",
        auth: vec![AuthScheme::Pasted {
            name: SCHEME,
            fields: vec![
                SignInField {
                    name: "token",
                    label: "API token",
                    secret: true,
                    help: "Extras → Einstellungen → Benutzer → API-Benutzer; 32 characters",
                },
                SignInField {
                    name: "secret",
                    label: "API secret",
                    secret: true,
                    help: "shown once beside the token when it is made; 64 characters",
                },
            ],
        }],
        entities: vec![address(), company(), appointment(), task(), entry()],
        limits: Limits {
            windows: Vec::new(),
            concurrency: 3,
        },
        webhooks: false,
    }
}

/// The fields that clients usually have, and what is not kept in sync.
pub(crate) fn outline() -> Outline {
    Outline {
        fields: vec![
            (
                Entity::Contact,
                schema::of(Entity::Contact, schema::usual()),
            ),
            (
                Entity::Company,
                schema::of(Entity::Company, schema::usual()),
            ),
            (Entity::Appointment, calendar::usual()),
            (Entity::Task, attached::usual(Sort::Task)),
            (Entity::Note, attached::usual(Sort::Entry)),
        ],
        varies: vec![
            Varies {
                entity: Entity::Task,
                field: "erledigt",
                by_account: false,
                what: "a task counts as done by this mark or by a status of completed, cancelled or checked; both are written",
            },
            Varies {
                entity: Entity::Task,
                field: "Deadline",
                by_account: false,
                what: "a day whose switch `Deadline_strikt` is off counts as none; the switch is written with it",
            },
            Varies {
                entity: Entity::Task,
                field: "relatedAddressId",
                by_account: false,
                what: "the first of several addresses counts",
            },
            Varies {
                entity: Entity::Task,
                field: "Art",
                by_account: true,
                what: "some clients demand it of every new task: `task_type` under the connection's settings gives it",
            },
            Varies {
                entity: Entity::Note,
                field: "Adress_nr",
                by_account: false,
                what: "the first of several addresses counts",
            },
        ],
        absent: vec![
            Absent {
                what: "Comments on phone numbers and e-mail addresses",
                why: "they are read, and kept as they are; nobody documents how to write them",
            },
            Absent {
                what: "Free tags",
                why: "there are none; `ArtDaten` is a list that an administrator keeps, with a value map it stands in for them",
            },
            Absent {
                what: "Kundenlogo, photos, files",
                why: "files are not copied",
            },
            Absent {
                what: "Compound fields (`Plz-Ort`, `Anrede-Titel`)",
                why: "made of fields that are in sync by themselves",
            },
            Absent {
                what: "Relations between addresses but for the company of a person, to estates and users",
                why: "no counterpart in the other systems",
            },
            Absent {
                what: "Series of appointments, guests beside the first address",
                why: "the single dates of a series are no records of their own; HighLevel's appointments have one contact",
            },
            Absent {
                what: "Deals (pipelines, opportunities)",
                why: "onOffice keeps a person's interest in an estate instead: the relation `estate:address:interested` and search \
                      criteria, which are operations of the catalog",
            },
            Absent {
                what: "Estates, search criteria",
                why: "no counterpart in the other systems",
            },
        ],
    }
}

/// Addresses.
///
/// * A change of a contact entry or a relation may not move `Aenderung` (not documented either way): a
///   sweep finds what a delta read does not.
/// * A lost right, "Nur eigene" and "only published on the website" all look like a record that is not
///   there; so absence is ambiguous.
/// * `ArtDaten` is the nearest thing to tags, but its values are a closed list that only an
///   administrator extends: there is no place for free tags.
fn address() -> EntityDescription {
    EntityDescription {
        entity: Entity::Contact,
        title: "Adresse",
        list_page: ROWS,
        fetch_batch: ROWS,
        write_batch: WRITES,
        writes_return_record: false,
        search_lag: Duration::ZERO,
        deletes: Deletes::Archive,
        absence_is_ambiguous: true,
        create_consequences: vec![
            "onOffice processes (Prozessmanager) that start with a new address run: they may send mails or make tasks",
            "a new address with an e-mail address can get automatic mails, such as an address completion or a newsletter opt-in, if the client has set them up",
        ],
        shared_keys: Vec::new(),
        tag_field: None,
        change_overlap: OVERLAP,
        polled: true,
        own_fields: "Extras → Einstellungen → Administration → Eingabefelder, module Adressen: a field of type Text \
                     with at least 24 characters",
    }
}

/// Addresses whose form of address is "Firma".
fn company() -> EntityDescription {
    EntityDescription {
        entity: Entity::Company,
        title: "Firma",
        ..address()
    }
}

/// Appointments can be deleted; cancelling one is another thing.
fn appointment() -> EntityDescription {
    EntityDescription {
        entity: Entity::Appointment,
        title: "Termin",
        list_page: usize::MAX,
        fetch_batch: WRITES,
        write_batch: 1,
        deletes: Deletes::Delete,
        absence_is_ambiguous: true,
        create_consequences: vec![
            "it shows in the calendar of the API user; nobody is written to, because no reminders and no confirmations are asked for",
        ],
        own_fields: "",
        ..address()
    }
}

/// Tasks. None can be deleted by API: one whose counterpart is deleted is cancelled.
fn task() -> EntityDescription {
    EntityDescription {
        entity: Entity::Task,
        title: "Aufgabe",
        list_page: ROWS,
        fetch_batch: ROWS,
        write_batch: WRITES,
        writes_return_record: false,
        search_lag: Duration::ZERO,
        deletes: Deletes::Cancel,
        absence_is_ambiguous: true,
        create_consequences: vec![
            "whoever is responsible for a new task may be notified",
            "onOffice processes (Prozessmanager) that start with a new task run",
        ],
        shared_keys: Vec::new(),
        tag_field: None,
        change_overlap: OVERLAP,
        polled: true,
        own_fields: "",
    }
}

/// Entries of the activity log. They are kept: nothing removes one by API.
fn entry() -> EntityDescription {
    EntityDescription {
        entity: Entity::Note,
        title: "Aktivität (Maklerbuch)",
        deletes: Deletes::Never,
        create_consequences: vec!["a new entry shows in the activity list of its address"],
        ..task()
    }
}
