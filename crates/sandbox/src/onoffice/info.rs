//! What describes the client rather than its addresses: field configuration, users, groups, saved filters.

use serde_json::{Map, Value as Json, json};

use super::answer::Answered;
use super::ask::{Ask, Outcome};
use super::errors::{Failure, fail, fail_with};
use super::fields::{Field, FieldType};
use super::module_fields;
use super::php_json::PhpJson;
use super::quirks::Quirks;
use super::request::{Caller, ResourceId, flag, integer};
use super::rows::Table;
use super::state::{Change, ChangeKind, State};

/// The modules whose fields can be asked for, with their labels. The last seven have none here.
const MODULES: [(&str, &str); 11] = [
    ("address", "Adressen"),
    ("estate", "Immobilien"),
    ("agentsLog", "Maklerbuch"),
    ("calendar", "Termine"),
    ("email", "E-Mail"),
    ("file", "Dateien"),
    ("news", "News"),
    ("intranet", "Intranet"),
    ("project", "Projekte"),
    ("task", "Aufgaben"),
    ("user", "Benutzer"),
];

fn record(out: &mut PhpJson, first: bool, id: &Json, kind: &Json, elements: &Json) {
    if !first {
        out.raw(",");
    }
    out.raw("{\"id\":").value(id);
    out.raw(",\"type\":").value(kind);
    out.raw(",\"elements\":").value(elements).raw("}");
}

fn list(quirks: &Quirks, kind: &Json, rows: impl IntoIterator<Item = (Json, Json)>) -> Answered {
    let mut out = PhpJson::new(quirks.php_escapes);
    for (position, (id, elements)) in rows.into_iter().enumerate() {
        record(&mut out, position == 0, &id, kind, &elements);
    }
    Answered::records(None, out.finish())
}

/// Answers `get fields`.
///
/// # Errors
/// 74 where a list is no list, 163 for an unknown module, 160 for an unknown language.
pub(crate) fn fields(
    state: &State,
    quirks: &Quirks,
    parameters: &Map<String, Json>,
) -> Result<Answered, Failure> {
    let names = |key: &str| -> Result<Option<Vec<String>>, Failure> {
        match parameters.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Array(items)) => Ok(Some(
                items
                    .iter()
                    .filter_map(Json::as_str)
                    .map(str::to_owned)
                    .collect(),
            )),
            Some(_) => Err(fail(74)),
        }
    };
    let modules = names("modules")?.filter(|modules| !modules.is_empty());
    let only = names("fieldList")?.filter(|names| !names.is_empty());
    if let Some(language) = parameters.get("language").and_then(Json::as_str)
        && (language.len() != 3 || !language.bytes().all(|byte| byte.is_ascii_uppercase()))
    {
        return Err(fail_with(160, language));
    }
    let labels = flag(parameters, "labels");
    let real_types = flag(parameters, "realDataTypes");
    let inactive = flag(parameters, "showOnlyInactive");
    let modules = modules.unwrap_or_else(|| {
        MODULES
            .iter()
            .map(|(module, _)| (*module).to_owned())
            .collect()
    });
    let mut rows = Vec::new();
    for module in modules {
        let Some((_, label)) = MODULES.iter().find(|(known, _)| *known == module) else {
            return Err(fail(163));
        };
        let mut elements = Map::new();
        let of_module = match module.as_str() {
            "address" => Some(state.fields()),
            module => state.records().table(module).map(Table::fields),
        };
        if let Some(of_module) = of_module {
            if labels {
                elements.insert("label".to_owned(), json!(label));
            }
            let listed = of_module.iter().filter(|field| {
                field.active != inactive && !module_fields::is_hidden(&module, &field.name)
            });
            for field in listed {
                if only.as_ref().is_none_or(|only| only.contains(&field.name)) {
                    elements.insert(field.name.clone(), described(field, labels, real_types));
                }
            }
        }
        let elements = if elements.is_empty() {
            json!([])
        } else {
            Json::Object(elements)
        };
        rows.push((json!(module), elements));
    }
    Ok(list(quirks, &json!(""), rows))
}

fn described(field: &Field, labels: bool, real_types: bool) -> Json {
    // PHP turns numeric keys into numbers
    let number_or_text = |key: &str| match key.parse::<i64>() {
        Ok(number) if number.to_string() == key => json!(number),
        _ => json!(key),
    };
    let is_select = matches!(field.kind, FieldType::SingleSelect | FieldType::MultiSelect);
    let permitted = match (is_select, labels) {
        (false, _) => Json::Null,
        (true, _) if field.permitted.is_empty() => json!([]),
        (true, true) => Json::Object(
            field
                .permitted
                .iter()
                .map(|(key, label)| (key.clone(), json!(label)))
                .collect(),
        ),
        (true, false) => field
            .permitted
            .iter()
            .map(|(key, _)| number_or_text(key))
            .collect(),
    };
    let kind = match field.name.as_str() {
        "Benutzer" if real_types => "user",
        "addressFakturaSeparator1" if real_types => "dividingline",
        "additionalHeader" if real_types => "redhint",
        "Kundenlogo" if real_types => "datei",
        _ => field.kind.word(),
    };
    let mut described = json!({
        "type": kind,
        "length": field.length,
        "permittedvalues": permitted,
        "default": field.default,
        "filters": [],
        "dependencies": [],
        "compoundFields": field.parts,
    });
    if let (true, Json::Object(members)) = (labels, &mut described) {
        members.insert("label".to_owned(), json!(field.label));
    }
    if let Json::Object(members) = &mut described {
        members.insert("fieldMeasureFormat".to_owned(), Json::Null);
    }
    described
}

/// Answers `get confignewaddressfields`: the values of one select field.
///
/// # Errors
/// 24 for another resource id than `fieldvalues`, 167 without `fieldname`, 141 for an unknown one.
pub(crate) fn field_values(
    state: &State,
    quirks: &Quirks,
    resource: &ResourceId,
    parameters: &Map<String, Json>,
) -> Result<Answered, Failure> {
    match resource {
        ResourceId::Word(word) if word == "fieldvalues" => {}
        ResourceId::Word(word) => return Err(fail_with(24, word)),
        _ => return Err(fail_with(24, "")),
    }
    let name = parameters
        .get("fieldname")
        .and_then(Json::as_str)
        .ok_or_else(|| fail_with(167, "fieldname"))?;
    let field = state
        .fields()
        .active(name)
        .map(|index| state.fields().get(index))
        .ok_or_else(|| fail_with(141, name))?;
    let rows = field
        .permitted
        .iter()
        .map(|(key, label)| (json!(key), json!({"title": label})));
    Ok(list(quirks, &json!(""), rows))
}

/// Answers `get users`.
///
/// # Errors
/// 255 for an unknown `userfilter`.
pub(crate) fn users(
    state: &State,
    quirks: &Quirks,
    caller: &Caller,
    parameters: &Map<String, Json>,
) -> Result<Answered, Failure> {
    let own = state.access(*caller).user;
    let group = integer(parameters, "groupId")?;
    let mode = parameters
        .get("userfilter")
        .and_then(Json::as_str)
        .unwrap_or("ownOfficeGroupOrAll");
    if !["ownOfficeGroupOrAll", "onlyOwn", "byGroupId"].contains(&mode) {
        return Err(fail_with(255, "userfilter"));
    }
    let rows = state
        .users()
        .iter()
        .filter(|user| user.active)
        .filter(|user| match mode {
            "onlyOwn" => user.id == own,
            "byGroupId" => state
                .groups()
                .iter()
                .any(|each| Some(i64::from(each.id)) == group && each.users.contains(&user.id)),
            _ => true,
        })
        .map(|user| {
            (
                json!(user.id),
                json!({
                    "id": user.id.to_string(),
                    "username": user.login,
                    "firstname": user.first_name,
                    "lastname": user.last_name,
                    "email": user.email(),
                    "meetingurl": "",
                }),
            )
        });
    Ok(list(quirks, &Json::Null, rows))
}

/// Answers `read user`: other users only with the right, nothing at all without `data`.
///
/// # Errors
/// 170 for another user without the right, 141 for an unknown field.
pub(crate) fn user(
    state: &State,
    quirks: &Quirks,
    caller: &Caller,
    resource: &ResourceId,
    parameters: &Map<String, Json>,
) -> Result<Answered, Failure> {
    let own = state.access(*caller).user;
    let may = state.rights(caller).user_read;
    let wanted = match resource {
        ResourceId::Number(id) => Some(u32::try_from(*id).unwrap_or(0)),
        ResourceId::None => None,
        ResourceId::Word(_) => Some(0),
    };
    if !may && wanted != Some(own) {
        return Err(fail(170));
    }
    let names: Vec<&str> = parameters
        .get("data")
        .and_then(Json::as_array)
        .map(|names| names.iter().filter_map(Json::as_str).collect())
        .unwrap_or_default();
    if names.is_empty() {
        return Ok(Answered::records(Some(0), String::new()));
    }
    let mut rows = Vec::new();
    for user in state.users() {
        if wanted.is_some_and(|wanted| wanted != user.id) {
            continue;
        }
        let mut elements = Map::new();
        for name in &names {
            let value = match *name {
                "Nr" => user.id.to_string(),
                "Name" => user.login.clone(),
                "Vorname" => user.first_name.to_owned(),
                "Nachname" => user.last_name.to_owned(),
                "email" => user.email(),
                "Kuerzel" => user.initials.to_owned(),
                "Telefon" => user.phone.to_owned(),
                "Mobil" => user.mobile.to_owned(),
                "online" => "0".to_owned(),
                unknown => return Err(fail_with(141, unknown)),
            };
            elements.insert((*name).to_owned(), json!(value));
        }
        rows.push((json!(user.id), Json::Object(elements)));
    }
    let total = rows.len();
    let offset =
        usize::try_from(integer(parameters, "listoffset")?.unwrap_or(0).max(0)).unwrap_or(0);
    let limit = match integer(parameters, "listlimit")? {
        Some(limit @ 1..=500) => usize::try_from(limit).unwrap_or(20),
        _ => 20,
    };
    let mut out = PhpJson::new(quirks.php_escapes);
    for (position, (id, elements)) in rows.iter().skip(offset).take(limit).enumerate() {
        record(&mut out, position == 0, id, &json!("user"), elements);
    }
    Ok(Answered::records(Some(total), out.finish()))
}

/// Answers `get groups`.
pub(crate) fn groups(state: &State, quirks: &Quirks) -> Answered {
    let rows = state.groups().iter().map(|group| {
        let users: Vec<String> = group.users.iter().map(u32::to_string).collect();
        (
            json!(group.id),
            json!({
                "id": group.id.to_string(),
                "name": group.name,
                "abr": group.initials,
                "userIds": users,
                "groupType": "office",
                "leaders": [],
            }),
        )
    });
    list(quirks, &Json::Null, rows)
}

/// Answers `get filters`.
///
/// # Errors
/// 163 for a module without filters.
pub(crate) fn filters(
    state: &State,
    quirks: &Quirks,
    parameters: &Map<String, Json>,
) -> Result<Answered, Failure> {
    let rows: Vec<(Json, Json)> = match parameters.get("module").and_then(Json::as_str) {
        Some("address") => state
            .filters()
            .iter()
            .map(|filter| {
                let elements =
                    json!({"scope": "public", "name": filter.name, "userId": null, "groupId": null});
                (json!(filter.id), elements)
            })
            .collect(),
        Some("estate") => Vec::new(),
        _ => return Err(fail(163)),
    };
    Ok(list(quirks, &Json::Null, rows))
}

/// Answers `do executeMarketplaceWebhooks`: webhooks are told of a record without any look at what changed.
///
/// # Errors
/// 163 for another module, 79 without a record, 80 for an unknown one.
pub(crate) fn announce(ask: &mut Ask<'_>) -> Outcome {
    let module = ask.text("module").unwrap_or_default();
    let entity = ["address", "estate", "task", "calendar"]
        .into_iter()
        .find(|known| *known == module);
    let entity = entity.ok_or_else(|| fail(163))?;
    let id = match ask.resource {
        ResourceId::Number(id) => u32::try_from(*id).map_err(|_| fail(80))?,
        ResourceId::Word(_) => return Err(fail(80)),
        ResourceId::None => return Err(fail(79)),
    };
    let known = match entity {
        "address" => ask.state.address(id).is_some(),
        entity => {
            let table = ask.state.records().table(entity);
            table.is_some_and(|table| table.get(id).is_some())
        }
    };
    if !known {
        return Err(fail(80));
    }
    ask.changes.push(Change {
        entity,
        id,
        kind: ChangeKind::Announce,
        fields: Vec::new(),
    });
    let elements = json!({"result": "success"});
    ask.answer(None, &json!(""), [(json!(0), elements)])
}
