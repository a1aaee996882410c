//! Events beside those of contacts and businesses, from the vendor's pages of each: what calls and acts do to tasks, notes,
//! appointments, opportunities, conversations, messages, users and locations, and, for what no simulated call does (invoices,
//! orders, products, associations …), what the act `happen` says that happened. The latter stand in `happenings.json`.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::State;
use super::acts::{Done, text};
use super::apps::{App, Subject};
use super::json::Object;
use super::resources::{Id, Item, Kind};
use crate::clock::iso_millis;
use crate::core::Core;
use crate::edits::Actor;
use crate::vendor::ActError;

/// What is done to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Made,
    Changed,
    Deleted,
}

/// One event: its name, the scope that an app needs to hear of it, and what it says.
struct Told {
    event: &'static str,
    scope: &'static str,
    body: Map<String, Value>,
}

/// An event that only the act `happen` sets off.
#[derive(Debug, Deserialize)]
struct Happening {
    event: String,
    scope: String,
    /// The kind of thing that it is about.
    kind: String,
    /// Where the id of the thing stands; empty where it is about none.
    key: String,
    payload: Map<String, Value>,
}

static HAPPENINGS: LazyLock<Vec<(Happening, Kind)>> = LazyLock::new(|| {
    let all: Vec<Happening> =
        serde_json::from_str(include_str!("happenings.json")).expect("it is part of the sandbox");
    all.into_iter()
        .map(|own| {
            // the table is read once and lives as long as the program
            let name: &'static str = own.kind.clone().leak();
            let kind = Kind {
                name,
                says: name,
                id: Id::Hex,
                key: "id",
                parent: None,
                stamps: None,
            };
            (own, kind)
        })
        .collect()
});

/// Who hears of an event.
#[derive(Clone, Copy)]
enum Who<'a> {
    /// Apps that are installed in a location, or for an agency that approved it.
    Location(&'a str),
    /// Apps that are installed for the agency.
    Agency,
}

const CONTACTS: &str = "contacts.readonly";
const SALES: &str = "opportunities.readonly";
const MESSAGES: &str = "conversations/message.readonly";

/// These fields of a thing, those that it has.
fn some(item: &Item, names: &[&str]) -> Map<String, Value> {
    let held = |name: &&str| {
        let value = item.fields.get(*name)?;
        (!value.is_null()).then(|| ((*name).to_owned(), value.clone()))
    };
    names.iter().filter_map(held).collect()
}

/// With its id and the time of its making.
fn dated(item: &Item, names: &[&str]) -> Map<String, Value> {
    let mut body = some(item, names);
    body.insert("id".to_owned(), json!(item.id));
    body.insert("dateAdded".to_owned(), json!(iso_millis(item.made_ms)));
    body
}

const TASK: [&str; 5] = ["assignedTo", "body", "contactId", "title", "dueDate"];
const OPPORTUNITY: [&str; 8] = [
    "assignedTo",
    "contactId",
    "monetaryValue",
    "name",
    "pipelineId",
    "pipelineStageId",
    "source",
    "status",
];
const APPOINTMENT: [&str; 13] = [
    "address",
    "title",
    "calendarId",
    "contactId",
    "groupId",
    "appointmentStatus",
    "assignedUserId",
    "users",
    "notes",
    "source",
    "startTime",
    "endTime",
    "isRecurring",
];

/// What the vendor tells of a deed; `before` is what a changed thing held.
fn told(deed: Deed, item: &Item, before: Option<&Map<String, Value>>, core: &Core) -> Vec<Told> {
    let one = |event, scope, body| vec![Told { event, scope, body }];
    let moved = |name: &str| before.is_some_and(|before| before.get(name) != item.fields.get(name));
    match (item.kind, deed) {
        ("task", Deed::Made) => {
            let mut body = dated(item, &TASK);
            if !core.switches.flag("highlevel.task_create_complete") {
                body.remove("contactId");
                body.remove("body");
            }
            one("TaskCreate", CONTACTS, body)
        }
        ("task", Deed::Changed) => {
            let done = moved("completed") && item.fields.get("completed") == Some(&json!(true));
            match done {
                true => one("TaskComplete", CONTACTS, dated(item, &TASK)),
                // there is no event for any other change of a task
                false => Vec::new(),
            }
        }
        ("task", Deed::Deleted) => one("TaskDelete", CONTACTS, dated(item, &TASK)),
        ("note", deed) => {
            let event = match deed {
                Deed::Made => "NoteCreate",
                Deed::Changed => "NoteUpdate",
                Deed::Deleted => "NoteDelete",
            };
            one(event, CONTACTS, dated(item, &["body", "contactId"]))
        }
        ("appointment", deed) => {
            let event = match deed {
                Deed::Made => "AppointmentCreate",
                Deed::Changed => "AppointmentUpdate",
                Deed::Deleted => "AppointmentDelete",
            };
            let mut appointment = dated(item, &APPOINTMENT);
            appointment.insert("dateUpdated".to_owned(), json!(iso_millis(item.changed_ms)));
            let body = Map::from_iter([("appointment".to_owned(), Value::Object(appointment))]);
            one(event, "calendars/events.readonly", body)
        }
        ("opportunity", deed) => {
            let mut events = Vec::new();
            match deed {
                Deed::Made => events.push("OpportunityCreate"),
                Deed::Deleted => events.push("OpportunityDelete"),
                Deed::Changed => {
                    for (field, event) in [
                        ("pipelineStageId", "OpportunityStageUpdate"),
                        ("status", "OpportunityStatusUpdate"),
                        ("monetaryValue", "OpportunityMonetaryValueUpdate"),
                        ("assignedTo", "OpportunityAssignedToUpdate"),
                    ] {
                        if moved(field) {
                            events.push(event);
                        }
                    }
                }
            }
            // a user found it beside each of the others
            events.push("OpportunityUpdate");
            let tell = |event| Told {
                event,
                scope: SALES,
                body: dated(item, &OPPORTUNITY),
            };
            events.into_iter().map(tell).collect()
        }
        ("conversation", Deed::Changed) if moved("unreadCount") => {
            let names = ["contactId", "deleted", "inbox", "starred", "unreadCount"];
            let mut body = some(item, &names);
            body.insert("id".to_owned(), json!(item.id));
            one("ConversationUnreadUpdate", "conversations.readonly", body)
        }
        ("message", Deed::Made) => message(item),
        ("campaign entry", Deed::Made) => {
            let mut body = dated(item, &["contactId"]);
            body.insert("status".to_owned(), json!("started"));
            body.insert("templateId".to_owned(), json!("none"));
            one("CampaignStatusUpdate", "campaigns.readonly", body)
        }
        _ => Vec::new(),
    }
}

/// The word for a channel is another here than in the answers of calls: `SMS` for `TYPE_SMS`.
fn message(item: &Item) -> Vec<Told> {
    let names = [
        "attachments",
        "body",
        "contactId",
        "conversationId",
        "conversationProviderId",
        "direction",
        "source",
        "status",
        "subject",
        "userId",
    ];
    let mut body = some(item, &names);
    if let (false, Some(said)) = (body.contains_key("body"), item.fields.get("message")) {
        body.insert("body".to_owned(), said.clone());
    }
    let channel = match item.text("messageType").trim_start_matches("TYPE_") {
        "EMAIL" => "Email",
        other => other,
    };
    body.insert("messageType".to_owned(), json!(channel));
    body.insert("messageId".to_owned(), json!(item.id));
    body.insert("dateAdded".to_owned(), json!(iso_millis(item.made_ms)));
    let event = match item.text("direction") {
        "inbound" => "InboundMessage",
        _ => "OutboundMessage",
    };
    vec![Told {
        event,
        scope: MESSAGES,
        body,
    }]
}

impl State {
    /// Tells of what was done to a thing.
    pub(crate) fn tell_of(
        &self,
        deed: Deed,
        item: &Item,
        before: Option<&Map<String, Value>>,
        actor: Actor,
        core: &Core,
    ) {
        if actor == Actor::Api && !core.switches.flag("highlevel.api_write_webhooks") {
            return;
        }
        for told in told(deed, item, before, core) {
            let who = Who::Location(&item.location_id);
            self.tell(told.event, told.scope, who, &item.id, &told.body, core);
        }
    }

    /// A user was made.
    pub(crate) fn tell_of_user(&self, id: &str, core: &Core) {
        let Some(user) = self.users.iter().find(|user| user.id == id) else {
            return;
        };
        let shown = user.to_json();
        let names = ["id", "firstName", "lastName", "email", "phone", "extension"];
        let mut body: Map<String, Value> = names
            .into_iter()
            .map(|name| (name.to_owned(), shown[name].clone()))
            .collect();
        body.insert("role".to_owned(), json!("user"));
        body.insert("permissions".to_owned(), json!({"contactsEnabled": true}));
        let location = user.location_ids.first().unwrap_or(&self.main_location);
        let who = Who::Location(location);
        self.tell("UserCreate", "users.readonly", who, id, &body, core);
    }

    /// A location was made or changed.
    pub(crate) fn tell_of_location(&self, id: &str, new: bool, core: &Core) {
        let Some(location) = self.locations.get(id) else {
            return;
        };
        let body = Map::from_iter([
            ("id".to_owned(), json!(location.id)),
            ("companyId".to_owned(), json!(self.company.id)),
            ("name".to_owned(), json!(location.name)),
            ("email".to_owned(), json!("office@example.org")),
        ]);
        let (event, who) = match new {
            // a location that is new has no app of its own yet
            true => ("LocationCreate", Who::Agency),
            false => ("LocationUpdate", Who::Location(id)),
        };
        self.tell(event, "locations.readonly", who, id, &body, core);
    }

    /// The act `happen`: `{"event", "id"?, "locationId"?, "fields"?}`.
    pub(crate) fn happen(&mut self, input: &Value, core: &Core) -> Done {
        let wanted = text(input, "event")?;
        let happening = HAPPENINGS.iter().find(|(own, _)| own.event == wanted);
        let (happening, kind) = happening.ok_or_else(|| {
            let known: Vec<&str> = HAPPENINGS.iter().map(|(own, _)| &*own.event).collect();
            ActError::Input(format!("event is one of {}", known.join(", ")))
        })?;
        let location_id = self.location_of(input)?.id.clone();
        let mut fields = happening.payload.clone();
        if let Some(own) = input["fields"].as_object() {
            fields.extend(own.clone());
        }
        let id = match input["id"].as_str() {
            None => self.make(kind, &location_id, fields.clone(), core).id,
            Some(id) => {
                let gone = ActError::missing("thing", id);
                self.change(kind, &location_id, id, fields.clone(), core)
                    .map_err(|_| gone)?;
                if happening.event.ends_with("Delete") {
                    self.delete(kind, &location_id, id, core);
                }
                id.to_owned()
            }
        };
        if !happening.key.is_empty() {
            fields.insert(happening.key.clone(), json!(id));
        }
        if fields.contains_key("altId") {
            fields.insert("altId".to_owned(), json!(location_id));
        }
        let who = Who::Location(&location_id);
        let (event, scope) = (&happening.event, &happening.scope);
        self.tell(event, scope, who, &id, &fields, core);
        Ok(json!({"id": id}))
    }

    fn tell(
        &self,
        event: &'static str,
        scope: &str,
        who: Who<'_>,
        subject: &str,
        body: &Map<String, Value>,
        core: &Core,
    ) {
        for app in &self.apps {
            let subscribed = app.events.contains(event) && app.webhook_url.is_some();
            if !subscribed || !self.hears(app, who, scope) {
                continue;
            }
            let mut payload = Vec::with_capacity(512);
            let mut object = Object::new(&mut payload);
            // a message to a provider has the channel there
            if !body.contains_key("type") {
                object.text("type", event);
            }
            if let Who::Location(id) = who {
                // the event of a location carries its id as `id`
                if !event.starts_with("Location") {
                    object.text("locationId", id);
                }
            }
            for (name, value) in body {
                object.value(name, value);
            }
            object.text("versionId", &app.version_id);
            object.text("appId", &app.id);
            self.post(app, event, subject, payload, core);
        }
    }

    fn hears(&self, app: &App, who: Who<'_>, scope: &str) -> bool {
        self.installations.iter().any(|installation| {
            let addressed = match who {
                Who::Location(id) => installation.covers(id),
                Who::Agency => installation.subject == Subject::Company,
            };
            installation.client_id == app.client_id
                && addressed
                && (scope.is_empty() || installation.scopes.contains(scope))
        })
    }
}
