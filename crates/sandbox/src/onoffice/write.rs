//! Creating and changing addresses through the API.

use serde_json::{Map, Value as Json};

use super::address::{Address, AddressId, contact_key};
use super::answer::Answered;
use super::contacts::{self, Desk};
use super::errors::{Failure, fail, fail_with};
use super::fields::{Value, store};
use super::local_time::{CivilSeconds, date};
use super::office::Right;
use super::quirks::{MissingRecord, Quirks};
use super::request::{Caller, ResourceId, flag};
use super::state::{Change, State, Who};

/// Answers `create address`.
///
/// # Errors
/// 131 without the right, 141 for unknown fields, 254 for a mandatory field left empty, and those of the values.
pub(crate) fn create(
    state: &mut State,
    quirks: &Quirks,
    caller: &Caller,
    now: CivilSeconds,
    parameters: &Map<String, Json>,
) -> Result<(Answered, Change), Failure> {
    if state.rights(caller).address_write == Right::None {
        return Err(fail(131));
    }
    let flat = flattened(parameters, quirks);
    let parameters = flat.as_ref().unwrap_or(parameters);
    let login = state.login(caller).to_owned();
    let mut draft = state.draft(quirks, now);
    fill(state, quirks, &mut draft, parameters)?;
    if let Some(owner) = state.fields().index("Benutzer")
        && draft.value(owner).is_none()
    {
        draft.set(owner, Some(Value::Text(login.into())));
    }
    let country = state.columns(quirks).country(&draft).to_owned();
    draft.entries = contacts::create(
        parameters,
        &mut Desk {
            quirks,
            country,
            next_id: &mut || state.next_entry(),
        },
    )?;
    state.check_mandatory(&draft)?;
    if flag(parameters, "checkDuplicate")
        && let Some(existing) = duplicate(state, quirks, &draft)
    {
        return overwrite(state, quirks, caller, now, existing, draft, parameters);
    }
    let id = draft.id;
    let change = state.save(Who::Api(*caller), now, draft);
    Ok((created(quirks, id), change))
}

/// Answers `modify address`.
///
/// # Errors
/// 79 without a record, 80 or 292 for an unknown one, 261 without the right, and those of the values.
pub(crate) fn modify(
    state: &mut State,
    quirks: &Quirks,
    caller: &Caller,
    now: CivilSeconds,
    resource: &ResourceId,
    parameters: &Map<String, Json>,
) -> Result<(Answered, Change), Failure> {
    let unknown = || match quirks.missing_record {
        MissingRecord::Unknown => fail(80),
        MissingRecord::UnknownAddress => fail(292),
    };
    let id = match resource {
        ResourceId::None => return Err(fail(79)),
        ResourceId::Word(_) => return Err(unknown()),
        ResourceId::Number(id) => AddressId::try_from(*id).map_err(|_| unknown())?,
    };
    let before = state.book().get(id).ok_or_else(unknown)?.clone();
    if !may_write(state, caller, &before) {
        return Err(fail_with(261, &id.to_string()));
    }
    let after = changed(state, quirks, now, &before, parameters)?;
    let change = state.save(Who::Api(*caller), now, after);
    let mut out = super::php_json::PhpJson::new(quirks.php_escapes);
    out.raw("{\"id\":0,\"type\":\"address\",\"elements\":{\"success\":\"success\"}}");
    Ok((Answered::records(None, out.finish()), change))
}

/// An address with a modify's parameters applied and its stamp moved as the switches say.
pub(crate) fn changed(
    state: &mut State,
    quirks: &Quirks,
    now: CivilSeconds,
    before: &Address,
    parameters: &Map<String, Json>,
) -> Result<Address, Failure> {
    let mut after = before.clone();
    fill(state, quirks, &mut after, parameters)?;
    let plain_changed = !after.same_content(before);
    let country = state.columns(quirks).country(&after).to_owned();
    let mut wrote_plain = false;
    for (name, written) in parameters {
        if contact_key(name).is_some() {
            let mut desk = Desk {
                quirks,
                country: country.clone(),
                next_id: &mut || state.next_entry(),
            };
            contacts::modify(&mut after, name, written, &mut desk)?;
        } else if contacts::is_create_key(name) {
            return Err(fail_with(141, name));
        } else {
            wrote_plain = true;
        }
    }
    state.check_mandatory(&after)?;
    let contact_changed = after.entries != before.entries;
    if plain_changed
        || (wrote_plain && quirks.unchanged_write_stamps)
        || (contact_changed && quirks.contact_change_stamps)
    {
        after.changed = now;
    }
    Ok(after)
}

/// Writes the plain fields among the parameters into an address.
fn fill(
    state: &State,
    quirks: &Quirks,
    address: &mut Address,
    parameters: &Map<String, Json>,
) -> Result<(), Failure> {
    for (name, written) in parameters {
        match name.as_str() {
            "checkDuplicate" | "noOverrideByDuplicate" | "outlookSync" | "extendedclaim" => {}
            "Status" if quirks.status_write_ignored => {}
            "Status" => {
                let archived = matches!(written, Json::Number(number) if number.as_i64() == Some(0))
                    || written.as_str() == Some("0");
                let key = if archived {
                    "status2adr_archive"
                } else {
                    "status2adr_active"
                };
                if let Some(field) = state.fields().index("Status2Adr") {
                    address.set(field, Some(Value::Text(key.into())));
                }
            }
            // numbers that the server gives, and fields made of others
            "ID" | "KdNr" => {}
            "Email" | "Telefon1" | "Telefax1" if quirks.main_fields_writable => {}
            "Email" | "Telefon1" | "Telefax1" => return Err(fail_with(141, name)),
            _ if contacts::is_create_key(name) => {}
            _ => {
                let Some(index) = state.fields().active(name) else {
                    if quirks.unknown_field_refused {
                        return Err(fail_with(141, name));
                    }
                    continue;
                };
                let field = state.fields().get(index);
                if !field.parts.is_empty() {
                    continue;
                }
                let value = store(field, written, quirks)?;
                if name == "Benutzer"
                    && !quirks.unknown_user_accepted
                    && let Some(Value::Text(login)) = &value
                    && !state.has_login(login)
                {
                    return Err(fail_with(251, login));
                }
                // a cleared multiselect reads as "", one that was never set as null
                address.set(index, value);
            }
        }
    }
    Ok(())
}

/// The parameters with what differs by switch turned into the plain form; `None` where nothing does.
fn flattened(parameters: &Map<String, Json>, quirks: &Quirks) -> Option<Map<String, Json>> {
    let nested = quirks.nested_create_accepted && parameters.contains_key("data");
    let main = quirks.main_fields_writable
        && ["Email", "Telefon1", "Telefax1"]
            .iter()
            .any(|name| parameters.contains_key(*name));
    if !nested && !main {
        return None;
    }
    let mut flat = Map::new();
    for (name, value) in parameters {
        match (name.as_str(), value) {
            ("data", Json::Object(data)) if nested => flat.extend(data.clone()),
            ("Email", _) if main => drop(flat.insert("email".to_owned(), value.clone())),
            ("Telefon1", _) if main => drop(flat.insert("phone".to_owned(), value.clone())),
            ("Telefax1", _) if main => drop(flat.insert("fax".to_owned(), value.clone())),
            _ => drop(flat.insert(name.clone(), value.clone())),
        }
    }
    Some(flat)
}

/// The lowest id that shares an e-mail address with the draft.
fn duplicate(state: &State, quirks: &Quirks, draft: &Address) -> Option<AddressId> {
    draft
        .entries
        .iter()
        .filter(|entry| entry.kind == super::address::Kind::Email)
        .flat_map(|entry| {
            state
                .book()
                .with_entry(&entry.value)
                .iter()
                .copied()
                .filter(|id| {
                    quirks.duplicate_matches_secondary
                        || state.book().get(*id).is_some_and(|known| {
                            known.main(super::address::Line::Email).is_some_and(|main| {
                                super::book::fold(&main.value) == super::book::fold(&entry.value)
                            })
                        })
                })
        })
        .min()
}

/// A create that met a duplicate: the record that is there takes the values over, unless it was asked not to.
fn overwrite(
    state: &mut State,
    quirks: &Quirks,
    caller: &Caller,
    now: CivilSeconds,
    existing: AddressId,
    draft: Address,
    parameters: &Map<String, Json>,
) -> Result<(Answered, Change), Failure> {
    if flag(parameters, "noOverrideByDuplicate") {
        return Ok((created(quirks, existing), Change::none(existing)));
    }
    let mut after = state
        .book()
        .get(existing)
        .cloned()
        .ok_or_else(|| fail(80))?;
    fill(state, quirks, &mut after, parameters)?;
    contacts::overwrite(&mut after, draft.entries);
    after.changed = now;
    let change = state.save(Who::Api(*caller), now, after);
    Ok((created(quirks, existing), change))
}

fn created(quirks: &Quirks, id: AddressId) -> Answered {
    let elements = if quirks.empty_elements_as_array {
        "[]"
    } else {
        "{}"
    };
    Answered::records(
        None,
        format!("{{\"id\":{id},\"type\":\"address\",\"elements\":{elements}}}"),
    )
}

fn may_write(state: &State, caller: &Caller, address: &Address) -> bool {
    match state.rights(caller).address_write {
        Right::None => false,
        Right::All => true,
        Right::Own => state
            .fields()
            .index("Benutzer")
            .is_some_and(|field| address.text(field) == state.login(caller)),
    }
}

impl State {
    /// A new address with the defaults of its fields, not yet in the book.
    pub(super) fn draft(&self, quirks: &Quirks, now: CivilSeconds) -> Address {
        let mut draft = self.book().draft(now);
        for field in self.fields().iter() {
            if let (Some(default), Some(index)) = (&field.default, self.fields().index(&field.name))
            {
                let stored = store(field, &Json::String(default.clone()), quirks);
                draft.set(index, stored.ok().flatten());
            }
        }
        if let Some(index) = self.fields().index("Eintragsdatum") {
            draft.set(index, Some(Value::Text(date(now).into())));
        }
        draft
    }

    /// Whether every mandatory field that is active holds something.
    pub(super) fn check_mandatory(&self, address: &Address) -> Result<(), Failure> {
        for name in self.mandatory() {
            let filled = match name.as_str() {
                "Email" | "email" => address.main(super::address::Line::Email).is_some(),
                "Telefon1" | "phone" => address.main(super::address::Line::Phone).is_some(),
                _ => match self.fields().active(name).map(|index| address.value(index)) {
                    Some(Some(Value::Keys(keys))) => !keys.is_empty(),
                    Some(Some(Value::Text(_))) => true,
                    Some(None) => false,
                    None => true,
                },
            };
            if !filled {
                return Err(fail_with(254, name));
            }
        }
        Ok(())
    }
}
