//! What people do in the client's user interface and settings, for tests and demos: no rights, no signatures, no unknown-field traps.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};

use super::actions;
use super::address::{Address, AddressId, Entry, Kind, Line, contact_key};
use super::ask::Ask;
use super::contacts::{self, Desk};
use super::errors::Failure;
use super::fields::Value;
use super::local_time::{CivilSeconds, Moment};
use super::quirks::{FirstEntry, Quirks};
use super::request::{ResourceId, Verb};
use super::service::{now, record};
use super::state::{Change, ChangeKind, State, Who};
use super::{settings, write};
use crate::core::Core;
use crate::edits::Actor;
use crate::vendor::ActError;

/// Who acts unless `user` says otherwise.
const COLLEAGUE: &str = "jlindner";

type Act = fn(&mut Scene<'_>, &Json) -> Result<Json, ActError>;

/// Every act with its name; the inputs are described in `docs/sandbox.md`.
const ACTS: &[(&str, Act)] = &[
    ("create", create),
    ("edit", edit),
    ("add_entry", add_entry),
    ("change_entry", change_entry),
    ("remove_entry", remove_entry),
    ("archive", |scene, input| {
        set_status(scene, input, "status2adr_archive")
    }),
    ("restore", |scene, input| {
        set_status(scene, input, "status2adr_active")
    }),
    ("delete", delete),
    ("merge", merge),
    ("show", show),
    ("perform", perform),
    ("delete_record", delete_record),
    ("attach_file", attach_file),
    ("activate_field", |scene, input| {
        settings::set_field(scene, input, true)
    }),
    ("deactivate_field", |scene, input| {
        settings::set_field(scene, input, false)
    }),
    ("put_field", settings::put_field),
    ("set_mandatory_fields", settings::set_mandatory_fields),
    ("save_filter", settings::save_filter),
    ("show_access", |scene, _| Ok(scene.access())),
    ("set_rights", settings::set_rights),
    ("revoke_access", |scene, _| scene.set_revoked(true)),
    ("restore_access", |scene, _| scene.set_revoked(false)),
    ("regenerate_access", |scene, _| {
        scene.state.regenerate_access();
        Ok(scene.access())
    }),
    ("set_allowed_ips", settings::set_allowed_ips),
    ("set_webhook", settings::set_webhook),
    ("remove_webhook", |scene, _| {
        scene.state.set_webhook(None);
        Ok(json!({}))
    }),
    ("activate_user", |scene, input| {
        settings::set_user(scene, input, true)
    }),
    ("deactivate_user", |scene, input| {
        settings::set_user(scene, input, false)
    }),
];

pub(super) struct Scene<'a> {
    pub(super) state: &'a mut State,
    quirks: &'a Quirks,
    core: &'a Core,
    now: CivilSeconds,
    moment: Moment,
    who: Who,
}

/// Does one act.
pub(super) fn act(
    state: &mut State,
    quirks: &Quirks,
    core: &Core,
    act: &str,
    input: &Json,
) -> Result<Json, ActError> {
    let Some((_, function)) = ACTS.iter().find(|(name, _)| *name == act) else {
        let known: Vec<&str> = ACTS.iter().map(|(name, _)| *name).collect();
        return Err(ActError::Unknown {
            system: "onoffice",
            act: act.to_owned(),
            known: known.join(", "),
        });
    };
    let login = input
        .get("user")
        .and_then(Json::as_str)
        .unwrap_or(COLLEAGUE);
    let user = state
        .users()
        .iter()
        .find(|user| user.login == login)
        .ok_or_else(|| ActError::missing("user", login))?
        .id;
    let moment = state.wall().moment(now(core, quirks));
    function(
        &mut Scene {
            state,
            quirks,
            core,
            now: moment.wall,
            moment,
            who: Who::Person(user),
        },
        input,
    )
}

/// Fills in records in the shape of a create call.
pub(super) fn seed(
    state: &mut State,
    quirks: &Quirks,
    core: &Core,
    records: &[Json],
) -> Result<Vec<String>, ActError> {
    let moment = state.wall().moment(now(core, quirks));
    let mut scene = Scene {
        state,
        quirks,
        core,
        now: moment.wall,
        moment,
        who: Who::Seed,
    };
    records
        .iter()
        .enumerate()
        .map(|(position, record)| {
            let fields = record
                .as_object()
                .ok_or_else(|| input(format!("record {position} is no object")))?;
            let draft = scene
                .drafted(fields)
                .map_err(|failure| input(format!("record {position}: {}", failure.message)))?;
            Ok(scene.keep(draft).to_string())
        })
        .collect()
}

impl Scene<'_> {
    /// A new address with fields and entries as a create call names them.
    fn drafted(&mut self, fields: &Map<String, Json>) -> Result<Address, Failure> {
        let mut draft = self.state.draft(self.quirks, self.now);
        let (contacts, plain): (Map<_, _>, Map<_, _>) = fields
            .clone()
            .into_iter()
            .partition(|(name, _)| contacts::is_create_key(name));
        draft = write::changed(self.state, self.quirks, self.now, &draft, &plain)?;
        let country = self.state.columns(self.quirks).country(&draft).to_owned();
        let mut quirks = self.quirks.clone();
        // a form always marks the first number as the main one
        quirks.first_entry_is_main = FirstEntry::Always;
        let state = &mut *self.state;
        draft.entries = contacts::create(
            &contacts,
            &mut Desk {
                quirks: &quirks,
                country,
                next_id: &mut || state.next_entry(),
            },
        )?;
        Ok(draft)
    }

    fn keep(&mut self, address: Address) -> AddressId {
        let change = self.state.save(self.who, self.now, address);
        self.record(&change);
        change.id
    }

    /// Writes the edit log, and tells the webhook of what was saved.
    fn record(&self, change: &Change) {
        let saved = matches!(change.kind, ChangeKind::Create | ChangeKind::Update);
        if let (true, Who::Person(user), Some(webhook)) = (saved, self.who, self.state.webhook()) {
            let seconds = now(self.core, self.quirks).as_second();
            webhook.announce(self.core, seconds, user, change);
        }
        let actor = if self.who == Who::Seed {
            Actor::Seed
        } else {
            Actor::User
        };
        record(self.core, actor, change);
    }

    fn address(&self, id: AddressId) -> Result<Address, ActError> {
        self.state
            .address(id)
            .cloned()
            .ok_or_else(|| ActError::missing("address", id.to_string()))
    }

    /// Stores an address whose entries were changed by hand.
    fn keep_entries(&mut self, mut address: Address) -> Json {
        if self.quirks.contact_change_stamps {
            address.changed = self.now;
        }
        json!({"id": self.keep(address)})
    }

    fn access(&self) -> Json {
        let (token, secret) = self.state.credentials();
        json!({"token": token, "secret": secret})
    }

    fn set_revoked(&mut self, revoked: bool) -> Result<Json, ActError> {
        self.state.current_access().revoked = revoked;
        Ok(json!({}))
    }
}

pub(super) fn input(problem: impl Into<String>) -> ActError {
    ActError::Input(problem.into())
}

pub(super) fn refused(failure: Failure) -> ActError {
    input(format!("{} ({})", failure.message, failure.code))
}

pub(super) fn parse<T: DeserializeOwned>(written: &Json) -> Result<T, ActError> {
    T::deserialize(written).map_err(|error| input(error.to_string()))
}

#[derive(Deserialize)]
struct Id {
    id: AddressId,
}

/// `{fields}`: the parameters of a create call.
fn create(scene: &mut Scene<'_>, written: &Json) -> Result<Json, ActError> {
    #[derive(Deserialize)]
    struct Input {
        fields: Map<String, Json>,
    }
    let fields = parse::<Input>(written)?.fields;
    let draft = scene.drafted(&fields).map_err(refused)?;
    Ok(json!({"id": scene.keep(draft)}))
}

/// `{id, fields}`: plain fields; `Email`, `Telefon1` and `Telefax1` change the main entry; contact keys take action objects.
fn edit(scene: &mut Scene<'_>, written: &Json) -> Result<Json, ActError> {
    #[derive(Deserialize)]
    struct Input {
        id: AddressId,
        fields: Map<String, Json>,
    }
    let Input { id, mut fields } = parse(written)?;
    let before = scene.address(id)?;
    let mains: Vec<(Line, Kind, Json)> = [
        ("Email", Line::Email, Kind::Email),
        ("Telefon1", Line::Phone, Kind::Phone),
        ("Telefax1", Line::Fax, Kind::Fax),
    ]
    .into_iter()
    .filter_map(|(name, line, kind)| fields.remove(name).map(|value| (line, kind, value)))
    .collect();
    let mut after =
        write::changed(scene.state, scene.quirks, scene.now, &before, &fields).map_err(refused)?;
    for (line, kind, value) in &mains {
        let value = value
            .as_str()
            .ok_or_else(|| input("a contact value must be text"))?;
        set_main(scene, &mut after, *line, *kind, value)?;
    }
    if !mains.is_empty() && scene.quirks.contact_change_stamps {
        after.changed = scene.now;
    }
    Ok(json!({"id": scene.keep(after)}))
}

fn set_main(
    scene: &mut Scene<'_>,
    address: &mut Address,
    line: Line,
    kind: Kind,
    value: &str,
) -> Result<(), ActError> {
    let main = address
        .entries
        .iter()
        .position(|entry| entry.main && entry.kind.line() == line);
    match (main, value) {
        (None, "") => {}
        (Some(place), "") => drop(address.entries.remove(place)),
        (Some(place), value) => address.entries[place].value = value.into(),
        (None, value) => {
            let id = scene.state.next_entry();
            let usage = super::address::Usage::Normal;
            let entry = Entry {
                id,
                kind,
                usage,
                value: value.into(),
                comment: None,
                main: false,
            };
            address.entries.push(entry);
            address.make_main(id);
        }
    }
    Ok(())
}

/// `{id, kind, value, main?, comment?}`: kind as in a create call, such as `email_private`.
fn add_entry(scene: &mut Scene<'_>, written: &Json) -> Result<Json, ActError> {
    #[derive(Deserialize)]
    struct Input {
        id: AddressId,
        kind: String,
        value: String,
        #[serde(default)]
        main: bool,
        comment: Option<String>,
    }
    let asked: Input = parse(written)?;
    let mut address = scene.address(asked.id)?;
    let (kind, usage) = contact_key(&asked.kind)
        .ok_or_else(|| input(format!("{:?} is no kind of contact entry", asked.kind)))?;
    let id = scene.state.next_entry();
    address.entries.push(Entry {
        id,
        kind,
        usage,
        value: asked.value.into(),
        comment: asked.comment.map(Into::into),
        main: false,
    });
    if asked.main {
        address.make_main(id);
    }
    scene.keep_entries(address);
    Ok(json!({"entry": id}))
}

#[derive(Deserialize)]
struct EntryInput {
    id: AddressId,
    /// The entry's id, or its present value.
    entry: Json,
    value: Option<String>,
    main: Option<bool>,
    comment: Option<String>,
}

fn find_entry(address: &Address, wanted: &Json) -> Result<usize, ActError> {
    let found = address.entries.iter().position(|entry| match wanted {
        Json::Number(id) => id.as_u64() == Some(u64::from(entry.id)),
        Json::String(value) => **value == *entry.value,
        _ => false,
    });
    found.ok_or_else(|| ActError::missing("contact entry", wanted.to_string()))
}

/// `{id, entry, value?, main?, comment?}`.
fn change_entry(scene: &mut Scene<'_>, written: &Json) -> Result<Json, ActError> {
    let asked: EntryInput = parse(written)?;
    let mut address = scene.address(asked.id)?;
    let place = find_entry(&address, &asked.entry)?;
    let entry = &mut address.entries[place];
    let id = entry.id;
    if let Some(value) = asked.value {
        entry.value = value.into();
    }
    if let Some(comment) = asked.comment {
        entry.comment = Some(comment.into());
    }
    if asked.main == Some(true) {
        address.make_main(id);
    }
    Ok(scene.keep_entries(address))
}

/// `{id, entry}`.
fn remove_entry(scene: &mut Scene<'_>, written: &Json) -> Result<Json, ActError> {
    let asked: EntryInput = parse(written)?;
    let mut address = scene.address(asked.id)?;
    let place = find_entry(&address, &asked.entry)?;
    address.entries.remove(place);
    Ok(scene.keep_entries(address))
}

fn set_status(scene: &mut Scene<'_>, written: &Json, key: &str) -> Result<Json, ActError> {
    let mut address = scene.address(parse::<Id>(written)?.id)?;
    if let Some(field) = scene.state.fields().index("Status2Adr") {
        address.set(field, Some(Value::Text(key.into())));
    }
    address.changed = scene.now;
    Ok(json!({"id": scene.keep(address)}))
}

/// `{id}`: the record vanishes.
fn delete(scene: &mut Scene<'_>, written: &Json) -> Result<Json, ActError> {
    let id = parse::<Id>(written)?.id;
    let change = scene
        .state
        .remove(scene.who, scene.now, id, None)
        .ok_or_else(|| ActError::missing("address", id.to_string()))?;
    scene.record(&change);
    Ok(json!({}))
}

/// `{into, from}`: the first takes over what it lacks and every contact entry; the second vanishes.
fn merge(scene: &mut Scene<'_>, written: &Json) -> Result<Json, ActError> {
    #[derive(Deserialize)]
    struct Input {
        into: AddressId,
        from: AddressId,
    }
    let Input { into, from } = parse(written)?;
    if into == from {
        return Err(input("an address cannot be merged with itself"));
    }
    let mut kept = scene.address(into)?;
    let gone = scene.address(from)?;
    for (index, value) in gone.values() {
        if kept.value(index).is_none() {
            kept.set(index, Some(value.clone()));
        }
    }
    for entry in &gone.entries {
        let known = kept
            .entries
            .iter()
            .any(|known| known.kind == entry.kind && known.value == entry.value);
        if !known {
            let main = entry.main && kept.main(entry.kind.line()).is_none();
            kept.entries.push(Entry {
                main,
                ..entry.clone()
            });
        }
    }
    kept.changed = scene.now;
    scene.keep(kept);
    if let Some(change) = scene.state.remove(scene.who, scene.now, from, Some(into)) {
        scene.record(&change);
    }
    Ok(json!({"id": into}))
}

/// `{action, resource, id?, parameters?}`: what the API can do, done by a person: tasks, activities, appointments, estates, links.
fn perform(scene: &mut Scene<'_>, written: &Json) -> Result<Json, ActError> {
    #[derive(Deserialize)]
    struct Input {
        action: String,
        resource: String,
        id: Option<i64>,
        #[serde(default)]
        parameters: Map<String, Json>,
    }
    let asked: Input = parse(written)?;
    let urn = format!(
        "urn:onoffice-de-ns:smart:2.5:smartml:action:{}",
        asked.action
    );
    let verb = Verb::parse(&urn).ok_or_else(|| ActError::missing("action", asked.action))?;
    let resource = asked.id.map_or(ResourceId::None, ResourceId::Number);
    let mut ask = Ask {
        state: &mut *scene.state,
        quirks: scene.quirks,
        who: scene.who,
        now: scene.moment,
        resource: &resource,
        parameters: &asked.parameters,
        changes: Vec::new(),
    };
    let answered = actions::carry_out(&mut ask, verb, &asked.resource).map_err(refused)?;
    let changes = ask.changes;
    for change in &changes {
        scene.record(change);
    }
    let records = answered.as_json();
    Ok(json!({"id": changes.first().map(|change| change.id), "records": records}))
}

/// `{module, id}`: what the API cannot take away: tasks, activities and estates, and appointments too.
fn delete_record(scene: &mut Scene<'_>, written: &Json) -> Result<Json, ActError> {
    #[derive(Deserialize)]
    struct Input {
        module: String,
        id: u32,
    }
    let Input { module, id } = parse(written)?;
    let table = scene.state.records_mut().table_mut(&module);
    let table = table.ok_or_else(|| ActError::missing("module", module.as_str()))?;
    let entity = table.entity;
    if table.remove(id).is_none() {
        return Err(ActError::missing(entity, id.to_string()));
    }
    let records = scene.state.records_mut();
    records.relations.forget(entity, id);
    records.files.remove_all(entity, id);
    let action = super::log::LogAction::Delete;
    scene.state.note(scene.who, scene.now, action, entity, id);
    scene.record(&Change {
        entity,
        id,
        kind: ChangeKind::Delete,
        fields: Vec::new(),
    });
    Ok(json!({}))
}

/// `{module, id, name}`: a file that somebody keeps with a record.
fn attach_file(scene: &mut Scene<'_>, written: &Json) -> Result<Json, ActError> {
    #[derive(Deserialize)]
    struct Input {
        module: String,
        id: u32,
        name: String,
    }
    let Input { module, id, name } = parse(written)?;
    let user = match scene.who {
        Who::Person(user) => user,
        Who::Api(_) | Who::Seed => 0,
    };
    let at = scene.moment.utc;
    let file = scene
        .state
        .records_mut()
        .files
        .attach(&module, id, &name, user, at);
    Ok(json!({"id": file}))
}

/// `{id}`: the whole record.
fn show(scene: &mut Scene<'_>, written: &Json) -> Result<Json, ActError> {
    let address = scene.address(parse::<Id>(written)?.id)?;
    Ok(scene.state.dumped(&address))
}
