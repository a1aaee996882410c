//! What OfficeRnD is and can do, as data.

use std::time::Duration;

use connector::{
    Absent, AuthScheme, Deletes, Description, Effect, EntityDescription, KeyKind, Limits, Outline,
    SignInField, Varies, Window,
};
use record::Entity;

/// The word for the system.
pub(crate) const SYSTEM: &str = "officernd";

/// What people call it.
pub(crate) const TITLE: &str = "OfficeRnD Flex";

/// Where the API lives (the vendor's v2 reference).
pub(crate) const BASE_URL: &str = "https://app.officernd.com";

/// The way to sign in.
pub(crate) const SCHEME: &str = "client_credentials";

/// Most records in one page: `$limit=51` is refused (measured by others).
pub(crate) const PAGE: usize = 50;

/// Requests in flight at once, within one call of ours and overall.
pub(crate) const IN_FLIGHT: usize = 8;

/// How far a delta read goes back behind its cursor. Nothing is documented about when `modifiedAt` is set and
/// when a change shows; this covers a difference between the vendor's machines.
pub(crate) const CHANGE_OVERLAP: Duration = Duration::from_secs(2 * 60);

const MINUTE: Duration = Duration::from_secs(60);

pub(crate) fn description() -> Description {
    let window = |requests, effect| Window {
        requests,
        per: MINUTE,
        effect: Some(effect),
    };
    Description {
        system: SYSTEM,
        title: TITLE,
        base_url: BASE_URL,
        auth: vec![AuthScheme::ClientCredentials {
            name: SCHEME,
            fields: vec![
                SignInField {
                    name: "client_id",
                    label: "Client ID",
                    secret: false,
                    help: "Settings → Data & Extensibility → Developer Tools → Applications → your \
                           application",
                },
                SignInField {
                    name: "client_secret",
                    label: "Client secret",
                    secret: true,
                    help: "beside the client ID of the application",
                },
                SignInField {
                    name: "organization",
                    label: "Organisation",
                    secret: false,
                    help: "the name in the address of the admin pages: \
                           https://app.officernd.com/admin/<organisation>/…",
                },
            ],
        }],
        entities: vec![
            contact(),
            company(),
            appointment(),
            opportunity(),
            ticket(),
            note(),
        ],
        limits: Limits {
            // Reads and writes are counted apart. 400 reads is what a client measured; 100 writes is
            // *unverified*. The headers of answers go before both. 5 token requests a minute, successful or not,
            // is the vendor's page on authentication.
            windows: vec![
                window(400, Effect::Read),
                window(100, Effect::Write),
                window(5, Effect::SignIn),
            ],
            concurrency: IN_FLIGHT,
        },
        webhooks: true,
    }
}

/// The fields of every organisation, and what is not kept in sync.
pub(crate) fn outline() -> Outline {
    Outline {
        fields: [
            Entity::Contact,
            Entity::Company,
            Entity::Appointment,
            Entity::Opportunity,
            Entity::Task,
            Entity::Note,
        ]
        .into_iter()
        .filter_map(|entity| Some((entity, crate::schema::outline(entity)?)))
        .collect(),
        varies: vec![
            varies(
                "phone",
                "accounts as of February 2026 take it only when a member is made",
            ),
            varies(
                "company",
                "it is changed through an endpoint of later in 2026; without one it is taken only when a member is made",
            ),
            varies(
                "tags",
                "many accounts neither show nor take them (then nothing is known of them and nothing is written); where they \
                 are taken the whole list is replaced, so that a tag that somebody adds between our read and our write is lost",
            ),
        ],
        absent: vec![
            Absent {
                what: "Payment details (cards and accounts)",
                why: "they are no fields of a member or company; the [catalog](../../catalog/officernd/README.md) has their calls",
            },
            Absent {
                what: "Setting a status by hand",
                why: "it withdraws portal access; OfficeRnD calculates the status",
            },
            Absent {
                what: "The day of a task, and who is responsible for it",
                why: "tickets stand in for tasks, and have neither",
            },
            Absent {
                what: "Who wrote a note, and when",
                why: "the public API has no notes; blocks of a text property of the member stand in for them, and say the day only",
            },
            Absent {
                what: "Changing and deleting a note that is a comment of a ticket",
                why: "with `notes_ticket` under the connection's `settings` comments of one ticket of each member stand for notes; there is no call that changes or deletes one",
            },
            Absent {
                what: "Comments, tours, leads",
                why: "the public API has none (a lead is a member with an open opportunity; comments of tickets are no entity of their own)",
            },
            Absent {
                what: "A phone number of a company",
                why: "there is no such field",
            },
            Absent {
                what: "The amount and the probability of an opportunity",
                why: "they are read; no body takes them",
            },
            Absent {
                what: "Taking back the cancelling of a booking, recurring bookings",
                why: "the API cancels and does not revive; the dates of a series are no records of their own",
            },
            Absent {
                what: "The name, the cancelling and later changes of an appointment that is a visit",
                why: "bookings of a resource stand for appointments, or visits with `appointments: visits` under the connection's `settings`; a visit has neither a name nor a call that changes it",
            },
            Absent {
                what: "Memberships",
                why: "not built yet",
            },
        ],
    }
}

/// A field of members that differs by account.
fn varies(field: &'static str, what: &'static str) -> Varies {
    Varies {
        entity: Entity::Contact,
        field,
        by_account: true,
        what,
    }
}

/// Members.
fn contact() -> EntityDescription {
    EntityDescription {
        entity: Entity::Contact,
        title: "Member",
        create_consequences: vec![
            "OfficeRnD and what is connected to it are told of the new member (webhooks, integrations)",
            "automated messages and flows that begin with a new member run, if the organisation has set them up",
        ],
        tag_field: Some("tags"),
        ..common(Entity::Contact)
    }
}

/// Companies. Their tags can only be read.
fn company() -> EntityDescription {
    EntityDescription {
        title: "Company",
        create_consequences: vec![
            "OfficeRnD and what is connected to it are told of the new company (webhooks, integrations)",
        ],
        ..common(Entity::Company)
    }
}

/// Bookings of resources. Lists say nothing of changes; every write asks for silence.
fn appointment() -> EntityDescription {
    EntityDescription {
        title: "Booking",
        polled: false,
        shared_keys: Vec::new(),
        create_consequences: vec![
            "a booking takes the resource, may be charged for, and shows in the member's portal; nobody is written to",
        ],
        ..common(Entity::Appointment)
    }
}

/// Opportunities. No event tells of them; they are polled.
fn opportunity() -> EntityDescription {
    EntityDescription {
        title: "Opportunity",
        shared_keys: Vec::new(),
        create_consequences: vec![
            "a member or company with an open opportunity becomes a lead; flows that begin with one run",
        ],
        ..common(Entity::Opportunity)
    }
}

/// Tickets, the stand-in for tasks. Their list takes no filter, so webhooks and listings tell what changed; nothing deletes
/// one.
fn ticket() -> EntityDescription {
    EntityDescription {
        title: "Ticket",
        create_consequences: vec![
            "the team and the member may be told of the new ticket by e-mail",
        ],
        shared_keys: Vec::new(),
        deletes: Deletes::Never,
        polled: false,
        own_fields: "",
        ..common(Entity::Task)
    }
}

/// Notes: blocks in a text property of the member.
fn note() -> EntityDescription {
    EntityDescription {
        title: "Note (a block in a text property of the member)",
        create_consequences: vec![
            "the property of the member holds one block more; whoever sees the property sees it",
        ],
        shared_keys: Vec::new(),
        own_fields: "",
        ..common(Entity::Note)
    }
}

fn common(entity: Entity) -> EntityDescription {
    EntityDescription {
        entity,
        title: "",
        list_page: PAGE,
        fetch_batch: 1,
        write_batch: 1,
        writes_return_record: true,
        search_lag: Duration::ZERO,
        deletes: Deletes::Delete,
        absence_is_ambiguous: false,
        create_consequences: Vec::new(),
        // of 4 842 addresses in a real organisation 243 repeated (a dump of others)
        shared_keys: vec![KeyKind::Email, KeyKind::Phone],
        tag_field: None,
        change_overlap: CHANGE_OVERLAP,
        polled: true,
        own_fields: match entity {
            Entity::Company => {
                "Settings → Data & Extensibility → Custom Properties → Add, type Text, target Companies"
            }
            _ => {
                "Settings → Data & Extensibility → Custom Properties → Add, type Text, target Members"
            }
        },
    }
}
