//! What describes the client itself, and small services: imprint, settings, links, macros, regions, photos, rights, work lists.

use serde_json::{Map, Value as Json, json};

use super::address::Line;
use super::ask::{Ask, Outcome, as_texts, number, numbers, text};
use super::columns::uuid_of;
use super::errors::{fail, fail_with};
use super::fields::{Field, FieldType};
use super::filter::RowFilter;
use super::office::Right;
use super::request::{ResourceId, flag};
use super::state::ChangeKind;

/// The imprint of the client.
const IMPRINT: [(&str, &str); 14] = [
    ("title", "Frau"),
    ("firstname", "Jule"),
    ("lastname", "Lindner"),
    ("firma", "Maklerhaus Beispiel GmbH"),
    ("postcode", "52062"),
    ("city", "Aachen"),
    ("street", "Markt"),
    ("housenumber", "1"),
    ("country", "DEU"),
    ("phone", "+49 241 9900990"),
    ("email", "info@maklerhaus.example"),
    ("homepage", "https://maklerhaus.example"),
    ("vertretungsberechtigter", "Jule Lindner"),
    ("handelsregisterNr", "HRB 10421"),
];

/// Answers `read impressum`: one record, whatever its id.
///
/// # Errors
/// 141 for an unknown field.
pub(crate) fn imprint(ask: &mut Ask<'_>) -> Outcome {
    let all: Vec<String> = IMPRINT.iter().map(|(name, _)| (*name).to_owned()).collect();
    let wanted = match ask.parameters.contains_key("data") {
        true => ask.wanted()?,
        false => all,
    };
    let mut elements = Map::new();
    for name in wanted {
        let known = IMPRINT.iter().find(|(known, _)| *known == name);
        let (_, value) = known.ok_or_else(|| fail_with(141, &name))?;
        let value = match name.as_str() {
            "country" if flag(ask.parameters, "formatoutput") => "Deutschland",
            _ => value,
        };
        elements.insert(name, json!(value));
    }
    ask.answer(
        None,
        &Json::Null,
        [(json!("impressum"), Json::Object(elements))],
    )
}

/// Answers `read basicsettings`.
///
/// # Errors
/// 167 without `data`.
pub(crate) fn settings(ask: &mut Ask<'_>) -> Outcome {
    let known = json!({
        "characteristicsCi": {"logo": "", "color": "2f6f8f", "color2": "e0a030", "textcolorMail": "222222",
            "claim": "Zuhause in Aachen", "systemUiColor": "2f6f8f", "moduleIconUiColor": "ffffff",
            "moduleIconShadeUiType": "hell", "warningNoticeUiColor": "ff7f50",
            "showLogoInQuickbar": false, "spotColor": "2f6f8f"},
        "permissions": {"/onOfficeApp/timetracking/enabled": true},
        "team": {"about": "Wir vermitteln Wohnungen und Häuser."},
    });
    let data = ask.data()?;
    let basic = data.get("basicData").and_then(Json::as_object);
    let basic = basic.ok_or_else(|| fail_with(167, "basicData"))?;
    let mut shown = Map::new();
    for (category, names) in basic {
        let names = names.as_array().into_iter().flatten().filter_map(text);
        let values: Map<String, Json> = names
            .filter_map(|name| {
                let value = known.get(category)?.get(&name)?.clone();
                Some((name, value))
            })
            .collect();
        shown.insert(category.clone(), Json::Object(values));
    }
    let elements = json!({"basicData": shown});
    ask.answer(None, &Json::Null, [(json!(0), elements)])
}

/// Answers `get getlink`: where a record opens in the user interface.
///
/// # Errors
/// 24 for another module, 167 and 80 for the record.
pub(crate) fn link(ask: &mut Ask<'_>) -> Outcome {
    let ResourceId::Word(module) = ask.resource else {
        return Err(fail_with(24, ""));
    };
    if !["estate", "address", "agentslog"].contains(&module.as_str()) {
        return Err(fail_with(24, module));
    }
    let id = ask.parameters.get("recordId").and_then(number);
    let id = id.ok_or_else(|| fail_with(167, "recordId"))?;
    let known = match module.as_str() {
        "address" => ask.state.address(id).is_some(),
        module => {
            let table = ask.state.records().table(module);
            table.is_some_and(|table| table.get(id).is_some())
        }
    };
    if !known {
        return Err(fail(80));
    }
    let url = format!(
        "https://smart.onoffice.de/smart/smart.php?params={}",
        uuid_of(id)
    );
    ask.answer(None, &json!(""), [(json!(id), json!({"url": url}))])
}

/// Answers `get macroresolve`, for macros of the user, of the first address and of the first estate.
///
/// # Errors
/// 125 without a text.
pub(crate) fn resolve(ask: &mut Ask<'_>) -> Outcome {
    let mut text = ask.text("text").ok_or_else(|| fail(125))?;
    let state = &*ask.state;
    let first = |name: &str| -> Option<u32> {
        let ids = numbers(name, ask.parameters.get(name)).ok()?;
        ids.first().copied()
    };
    let mut macros: Vec<(&str, String)> = Vec::new();
    if let Some(user) = state.user(ask.user()) {
        macros.push(("_Uservorname", user.first_name.to_owned()));
        macros.push(("_Username", user.last_name.trim().to_owned()));
    }
    if let Some(address) = first("addressids").and_then(|id| state.address(id)) {
        macros.push(("_Vorname", state.shown(address, "Vorname")));
        macros.push(("_Name", state.shown(address, "Name")));
        let email = address.main(Line::Email);
        macros.push((
            "_Email",
            email.map_or_else(String::new, |entry| entry.value.to_string()),
        ));
    }
    let estates = &state.records().estates;
    if let Some(estate) = first("estateids").and_then(|id| estates.get(id)) {
        macros.push(("_Objekttitel", estates.text(estate, "objekttitel")));
        macros.push(("_Objektnr", estates.text(estate, "objektnr_extern")));
    }
    for (name, value) in macros {
        text = text.replace(name, &value);
    }
    let elements = json!({"resolvedtext": text});
    ask.answer(None, &json!(""), [(json!(0), elements)])
}

/// Answers `get regions`.
pub(crate) fn regions(ask: &mut Ask<'_>) -> Outcome {
    let region = |id: &str, name: &str, from: &str, to: &str, children: Json| {
        json!({"id": id, "name": name, "description": null, "postalcodes": [[from, to]],
            "state": "Nordrhein-Westfalen", "country": "Deutschland", "children": children})
    };
    let aachen = region(
        "indMulti1274Select5431",
        "Aachen",
        "52060",
        "52080",
        json!([]),
    );
    let rhineland = region(
        "Rheinland",
        "Rheinland",
        "50000",
        "53999",
        json!({"indMulti1274Select5431": aachen}),
    );
    ask.answer(None, &json!(""), [(json!("Rheinland"), rhineland)])
}

/// Answers `get regionsLiveSearch`: regions by a part of their name; `elements` is a list.
pub(crate) fn region_search(ask: &mut Ask<'_>) -> Outcome {
    let wanted = ask.text("searchstring").unwrap_or_default().to_lowercase();
    let regions = [
        ("0_5409", "Rheinland", "Rheinland"),
        ("1_5431", "Rheinland - Aachen", "indMulti1274Select5431"),
    ];
    let found: Json = regions
        .iter()
        .filter(|(_, title, _)| title.to_lowercase().contains(&wanted))
        .map(|(key, title, field)| json!({"key": key, "title": title, "field": field}))
        .collect();
    ask.answer(None, &json!(""), [(json!(0), found)])
}

/// Answers `read userphoto`: nobody has one but the first colleague.
///
/// # Errors
/// 170 without the right, 141 for the filter.
pub(crate) fn photos(ask: &mut Ask<'_>) -> Outcome {
    let may = ask.right(|rights| {
        if rights.user_read {
            Right::All
        } else {
            Right::None
        }
    });
    if may == Right::None {
        return Err(fail(170));
    }
    let filter = RowFilter::parse(ask.parameters.get("filter"), |name| match name {
        "Nr" => Ok(FieldType::Integer),
        _ => Err(fail_with(141, name)),
    })?;
    let links = flag(ask.parameters, "photosAsLinks");
    let users = ask.state.users().iter();
    let rows: Vec<(Json, Json)> = users
        .enumerate()
        .filter(|(_, user)| match ask.resource {
            ResourceId::Number(id) => i64::from(user.id) == *id,
            ResourceId::Word(_) => false,
            ResourceId::None => filter.matches(|_| vec![user.id.to_string()]),
        })
        .map(|(place, user)| {
            let photo = match (place, links) {
                (0, true) => {
                    json!(format!(
                        "https://smart.onoffice.de/users/Userphoto_{}.jpg",
                        user.id
                    ))
                }
                (0, false) => json!("/9j/4AAQSkZJRgABAQEAYABgAAD/2Q=="),
                _ => Json::Null,
            };
            (json!(user.id), json!({ "photo": photo }))
        })
        .take(20)
        .collect();
    ask.answer(None, &json!("user"), rows)
}

/// Answers `get checkuserrecordsright`: those of the records on which a user has a right. Colleagues have all.
///
/// # Errors
/// 163 for the module, 184 for the user, 255 for the action.
pub(crate) fn rights(ask: &mut Ask<'_>) -> Outcome {
    let module = ask.text("module").ok_or_else(|| fail(163))?;
    let action = ask.text("action").unwrap_or_default();
    if !["read", "delete", "modify", "create"].contains(&action.as_str()) {
        return Err(fail_with(255, "action"));
    }
    let user = ask.parameters.get("userid").and_then(number).unwrap_or(0);
    let user = ask.state.user(user).filter(|user| user.active);
    let user = user.ok_or_else(|| fail(184))?;
    let ids = numbers("recordIds", ask.parameters.get("recordIds"))?;
    let table = ask.state.records().table(match module.as_str() {
        "agents_log" => "agentslog",
        module => module,
    });
    if module != "address" && table.is_none() {
        return Err(fail(163));
    }
    let caller = ask.caller();
    let is_api = ask.state.access(caller).user == user.id;
    let own = ask.state.rights(&caller);
    let right = match (is_api, module.as_str(), action.as_str()) {
        (false, ..) => Right::All,
        (true, "address", "read") => own.address_read,
        (true, "address", _) => own.address_write,
        (true, "estate", "read") => own.estate_read,
        (true, "estate", _) => own.estate_write,
        (true, "task", "read") => own.task_read,
        (true, "task", _) => own.task_write,
        (true, "calendar", "read") => own.calendar_read,
        (true, "calendar", _) => own.calendar_write,
        (true, _, "read") => own.activity_read,
        (true, _, _) => own.activity_write,
    };
    let login = user.login.clone();
    let allowed = ids.into_iter().filter(|id| match table {
        None => ask.state.address(*id).is_some_and(|address| match right {
            Right::All => true,
            Right::Own => ask.state.shown(address, "Benutzer") == login,
            Right::None => false,
        }),
        Some(table) => right != Right::None && table.get(*id).is_some(),
    });
    let allowed = as_texts(allowed);
    ask.answer(Some(1), &json!(""), [(json!(0), allowed)])
}

/// Answers `create workinglist`. No call reads one.
///
/// # Errors
/// 273 and 266 for the name, 269 for the type, 265 and 235 for the records.
pub(crate) fn work_list(ask: &mut Ask<'_>) -> Outcome {
    let name = ask.text("listName").ok_or_else(|| fail(273))?;
    let kind = ask.text("type").unwrap_or_default();
    if !["estate", "address"].contains(&kind.as_str()) {
        return Err(fail(269));
    }
    let ids = numbers("ids", ask.parameters.get("ids"))?;
    if ids.is_empty() {
        return Err(fail(265));
    }
    let lists = &ask.state.records().work_lists;
    if lists.iter().any(|list| list["name"] == name.as_str()) {
        return Err(fail(266));
    }
    let estates = &ask.state.records().estates;
    let unknown = ids.iter().find(|id| match kind.as_str() {
        "address" => ask.state.address(**id).is_none(),
        _ => estates.get(**id).is_none(),
    });
    if let Some(unknown) = unknown {
        return Err(fail_with(235, &unknown.to_string()));
    }
    let id = 701 + u32::try_from(lists.len()).unwrap_or(0) * 2;
    let list = json!({"kind": "workinglist", "id": id, "name": name, "type": kind, "ids": ids,
        "deleted": false});
    ask.records().work_lists.push(list);
    ask.changed("workinglist", id, ChangeKind::Create, Vec::new());
    ask.created("workinglist", &[id])
}

/// Answers `get addressCompletionFields`.
pub(crate) fn completion_fields(ask: &mut Ask<'_>) -> Outcome {
    let fields = ask.state.fields();
    let described = |name: &&str| -> Option<Json> {
        let field = fields.get(fields.active(name)?);
        let mut entry = json!({"id": field.name, "name": field.label, "type": field.kind.word()});
        if !field.permitted.is_empty() {
            entry["values"] = labels(field);
            entry["default"] = json!(field.default);
        }
        Some(entry)
    };
    let person = ["Anrede", "Vorname", "Name", "Strasse", "Plz", "Ort"];
    let care = ["ArtDaten", "HerkunftKontakt"];
    let rows = [
        (
            "Stammdaten",
            person.iter().filter_map(described).collect::<Vec<_>>(),
        ),
        (
            "Verwaltung",
            care.iter().filter_map(described).collect::<Vec<_>>(),
        ),
    ];
    let rows = rows
        .into_iter()
        .enumerate()
        .map(|(place, (name, fields))| (json!(place), json!({"name": name, "fields": fields})));
    ask.answer(None, &json!(""), rows.collect::<Vec<_>>())
}

fn labels(field: &Field) -> Json {
    let values = field.permitted.iter();
    values
        .map(|(key, label)| (key.clone(), json!(label)))
        .collect()
}

/// Answers `get multiselectconfiguration`.
///
/// # Errors
/// 163 for the module, 74 without fields, 171 for one that is no multiselect.
pub(crate) fn multiselect(ask: &mut Ask<'_>) -> Outcome {
    let module = ask.text("module").ok_or_else(|| fail(163))?;
    let fields = match module.as_str() {
        "address" => ask.state.fields(),
        module => {
            let table = ask.state.records().table(module);
            table.ok_or_else(|| fail(163))?.fields()
        }
    };
    let Some(Json::Array(names)) = ask.parameters.get("fields") else {
        return Err(fail(74));
    };
    let mut rows = Vec::new();
    for name in names.iter().filter_map(text) {
        let field = fields.active(&name).map(|index| fields.get(index));
        let field = field.filter(|field| field.kind == FieldType::MultiSelect);
        let field = field.ok_or_else(|| fail(171))?;
        for (place, (key, label)) in field.permitted.iter().enumerate() {
            let id = 60 + rows.len();
            rows.push((
                json!(id),
                json!({"field": key, "fieldcontent": label, "multiselectfield": name, "active": 1,
                    "fieldfilter": 0, "default": u8::from(field.default.as_deref() == Some(key)),
                    "position": place + 1, "level": 1, "parent": null}),
            ));
        }
    }
    ask.answer(None, &json!(""), rows)
}

/// Answers `read recordsLastSeen`: here, what the user saved last, newest first.
///
/// # Errors
/// 163 for the module, 256 without `listlimit`, 156 for another user without the right.
pub(crate) fn last_seen(ask: &mut Ask<'_>) -> Outcome {
    let module = ask.text("module").unwrap_or_default();
    if !["address", "estate", "task", "email"].contains(&module.as_str()) {
        return Err(fail(163));
    }
    let limit = ask.parameters.get("listlimit").and_then(number);
    let limit = limit.ok_or_else(|| fail(256))?;
    let user = match ask.parameters.get("user").and_then(number) {
        Some(other) if other != ask.user() && !ask.state.rights(&ask.caller()).admin => {
            return Err(fail(156));
        }
        Some(user) => user,
        None => ask.user(),
    };
    let filter = RowFilter::parse(ask.parameters.get("filter"), |name| match name {
        "date" => Ok(FieldType::Datetime),
        _ => Err(fail_with(141, name)),
    })?;
    let mut seen: Vec<u32> = Vec::new();
    for (id, at) in ask.state.log().touched(&module, user) {
        let there = match module.as_str() {
            "address" => ask.state.address(id).is_some(),
            module => {
                let table = ask.state.records().table(module);
                table.is_some_and(|table| table.get(id).is_some())
            }
        };
        if there && !seen.contains(&id) && filter.matches(|_| vec![at.clone()]) {
            seen.push(id);
        }
    }
    seen.truncate(1000);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let rows = seen
        .iter()
        .take(limit)
        .map(|id| (json!(id), json!({"id": id.to_string()})));
    ask.answer(
        Some(seen.len()),
        &json!("lastSeen"),
        rows.collect::<Vec<_>>(),
    )
}
