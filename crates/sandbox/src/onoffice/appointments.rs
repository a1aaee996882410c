//! Reading appointments: the list (UTC), the old read (wall-clock time, deltas), conflicts, resources, confirmations.

use serde_json::{Map, Value as Json, json};

use super::ask::{Ask, Outcome, number, text};
use super::calendar::{RESOURCES, span};
use super::errors::{Failure, fail, fail_with};
use super::fields::FieldType;
use super::filter::RowFilter;
use super::local_time::{CivilSeconds, datetime, parse};
use super::office::Right;
use super::relations::Kind;
use super::request::{ResourceId, flag};
use super::rows::{Row, Table};
use super::state::State;

/// The most appointments of one answer; there are no pages.
const MOST: usize = 500;
const DAY: CivilSeconds = 86_400;

/// What the list can show.
const SHOWN: [&str; 22] = [
    "id",
    "createdBy",
    "modified",
    "subject",
    "notes",
    "type",
    "status",
    "confirmationStatus",
    "private",
    "date",
    "travelTime",
    "location",
    "recurrence",
    "reminder",
    "groups",
    "users",
    "resources",
    "contacts",
    "showFollowUpStatus",
    "estate",
    "project",
    "conflicts",
];

/// The columns of the table behind the list's names for filters.
const FILTERED: [(&str, &str); 4] = [
    ("notes", "note"),
    ("subject", "description"),
    ("type", "art"),
    ("createdBy", "von"),
];

fn utc(seconds: i64) -> String {
    datetime(seconds).replace(' ', "T") + "+00:00"
}

/// Who takes part, groups resolved.
fn participants(state: &State, row: &Row) -> Vec<u32> {
    let ids = |name: &str| -> Vec<u32> {
        let ids = row.beside.get(name).and_then(Json::as_array);
        ids.into_iter().flatten().filter_map(number).collect()
    };
    let mut users = ids("users");
    for group in ids("groups") {
        let group = state.groups().iter().find(|known| known.id == group);
        users.extend(group.iter().flat_map(|group| group.users.iter().copied()));
    }
    users.sort_unstable();
    users.dedup();
    users
}

fn in_days(table: &Table, row: &Row, from: CivilSeconds, to: CivilSeconds) -> bool {
    let (begin, end) = span(table, row);
    begin < to.div_euclid(DAY) * DAY + DAY && end >= from.div_euclid(DAY) * DAY
}

fn user_shown(state: &State, id: u32, name: &str) -> Json {
    state.user(id).map_or(Json::Null, |user| {
        json!({
            "id": user.id.to_string(),
            name: user.login,
            "firstName": user.first_name,
            "lastName": user.last_name,
            "email": user.email(),
        })
    })
}

/// Answers `get appointmentList`: pages, and filters by address or estate, are passed over.
///
/// # Errors
/// 167 without `data`, 144 for an unknown name, 289 without a period, 231 for one that is none.
pub(crate) fn list(ask: &mut Ask<'_>) -> Outcome {
    let right = ask.right(|rights| rights.calendar_read);
    if right == Right::None {
        return ask.nothing("calendar");
    }
    let wanted = ask.wanted()?;
    if let Some(unknown) = wanted.iter().find(|name| !SHOWN.contains(&name.as_str())) {
        return Err(fail_with(144, unknown));
    }
    let (state, own) = (&*ask.state, ask.user());
    let table = &state.records().appointments;
    let may = |row: &Row| right == Right::All || participants(state, row).contains(&own);
    let rows: Vec<&Row> = match ask.resource {
        ResourceId::Number(id) => {
            let row = u32::try_from(*id).ok().and_then(|id| table.get(id));
            row.filter(|row| may(row)).into_iter().collect()
        }
        ResourceId::Word(_) => Vec::new(),
        ResourceId::None => {
            let nothing = Map::new();
            let filter = ask.parameters.get("filter").and_then(Json::as_object);
            let picks = Picks::read(state, table, filter.unwrap_or(&nothing))?;
            let rows = table.iter().filter(|row| {
                let seen = ask.quirks.unattended_listed || !participants(state, row).is_empty();
                seen && may(row) && picks.hold(state, table, row)
            });
            rows.take(MOST).collect()
        }
    };
    let shown: Vec<(Json, Json)> = rows
        .into_iter()
        .map(|row| {
            let elements = wanted
                .iter()
                .filter(|name| *name != "showFollowUpStatus")
                .map(|name| (name.clone(), element(state, table, row, name)));
            (json!(row.id), Json::Object(elements.collect()))
        })
        .collect();
    ask.answer(Some(shown.len()), &json!("calendar"), shown)
}

/// The filter of the list.
struct Picks {
    from: CivilSeconds,
    to: CivilSeconds,
    flags: Vec<(&'static str, bool)>,
    users: Option<Vec<u32>>,
    groups: Option<Vec<u32>>,
    texts: RowFilter,
}

impl Picks {
    fn read(state: &State, table: &Table, filter: &Map<String, Json>) -> Result<Self, Failure> {
        let day = |name: &str| -> Result<CivilSeconds, Failure> {
            let day = filter.get(name).and_then(text).ok_or_else(|| fail(289))?;
            parse(&day).ok_or_else(|| fail(231))
        };
        let (from, to) = (day("startDate")?, day("endDate")?);
        if from > to {
            return Err(fail(231));
        }
        let ids = |name: &str, code: u16| -> Result<Option<Vec<u32>>, Failure> {
            match filter.get(name) {
                None | Some(Json::Null) => Ok(None),
                Some(Json::Array(ids)) => {
                    let ids = ids.iter().map(|id| number(id).ok_or_else(|| fail(code)));
                    ids.collect::<Result<_, _>>().map(Some)
                }
                Some(_) => Err(fail(code)),
            }
        };
        let mut flags = Vec::new();
        for (name, column) in [
            ("isCancelled", "abgesagt"),
            ("isDone", "erledigt"),
            ("isRecurrent", "rp_flag"),
        ] {
            if filter.contains_key(name) {
                flags.push((column, flag(filter, name)));
            }
        }
        let texts: Map<String, Json> = FILTERED
            .iter()
            .filter_map(|(name, column)| {
                let tests = filter.get(*name)?;
                Some(((*column).to_owned(), tests.clone()))
            })
            .collect();
        let texts = RowFilter::parse(Some(&Json::Object(texts)), |name| {
            table.kind(name).ok_or_else(|| fail_with(141, name))
        })?;
        let groups = ids("groupIds", 295)?;
        let groups = groups.map(|groups| {
            let known = state
                .groups()
                .iter()
                .filter(|group| groups.contains(&group.id));
            known.flat_map(|group| group.users.clone()).collect()
        });
        Ok(Self {
            from,
            to,
            flags,
            users: ids("userIds", 301)?,
            groups,
            texts,
        })
    }

    fn hold(&self, state: &State, table: &Table, row: &Row) -> bool {
        let attend = |wanted: &Option<Vec<u32>>| {
            wanted.as_ref().is_none_or(|wanted| {
                let users = participants(state, row);
                wanted.iter().any(|id| users.contains(id))
            })
        };
        in_days(table, row, self.from, self.to)
            && self
                .flags
                .iter()
                .all(|(name, is)| table.is(row, name) == *is)
            && attend(&self.users)
            && attend(&self.groups)
            && self.texts.matches(|name| vec![table.text(row, name)])
    }
}

fn element(state: &State, table: &Table, row: &Row, name: &str) -> Json {
    let column = |name: &str| table.text(row, name);
    let words = |word: String| json!({"value": word, "label": word});
    let beside = |name: &str| row.beside.get(name).cloned().unwrap_or(json!([]));
    let relations = &state.records().relations;
    match name {
        "id" => json!(row.id.to_string()),
        "createdBy" => json!(column("von")),
        "modified" => json!(utc(row.changed.utc)),
        "subject" => json!(column("description")),
        "notes" => json!(column("note")),
        "type" => words(column("art")),
        "status" => words(column("status")),
        "private" => json!(table.is(row, "private")),
        "date" => {
            let (from, to) = span(table, row);
            json!({
                "start": utc(state.wall().utc(from)),
                "end": utc(state.wall().utc(to)),
                "allDay": table.is(row, "ganztags"),
            })
        }
        "travelTime" if table.is(row, "allowTransitTime") => {
            let minutes = |name: &str| {
                let time = parse(&format!("1970-01-01 {}", column(name)));
                time.map_or(0, |seconds| seconds / 60)
            };
            json!({"outward": minutes("transitTimePre"), "return": minutes("transitTimePost")})
        }
        "location" => match row.beside.get("location").and_then(Json::as_object) {
            Some(place) => {
                let (kind, value) = place.iter().next().map_or(("", &Json::Null), |(k, v)| (k, v));
                json!({"type": kind, "value": value})
            }
            None => Json::Null,
        },
        "recurrence" if table.is(row, "rp_flag") => json!({
            "interval": column("rp_tage").parse::<i64>().unwrap_or(0),
            "type": column("rp_type"),
            "start": column("rp_beginn_datum"),
            "end": column("rp_ende_datum"),
        }),
        "reminder" => {
            let minutes = table.fields().index("erinnerung").map(|index| {
                let field = table.fields().get(index);
                field.label_of(&column("erinnerung")).parse::<i64>().unwrap_or(0)
            });
            json!({"timeBefore": minutes, "recipients": "all", "confirmedOnly": false,
                "types": beside("reminderTypes")})
        }
        "groups" => {
            let ids = beside("groups");
            let ids = ids.as_array().into_iter().flatten().filter_map(number);
            ids.filter_map(|id| state.groups().iter().find(|group| group.id == id))
                .map(|group| json!({"id": group.id.to_string(), "name": group.name}))
                .collect()
        }
        "users" => {
            let ids = beside("users");
            let ids = ids.as_array().into_iter().flatten().filter_map(number);
            ids.map(|id| user_shown(state, id, "userName")).collect()
        }
        "resources" => {
            let keys = beside("ressources");
            let keys = keys.as_array().into_iter().flatten();
            keys.map(|key| json!({"id": key, "name": resource_name(key)})).collect()
        }
        "contacts" => relations
            .below("calendar:address", row.id)
            .iter()
            .map(|id| {
                json!({"id": id.to_string(), "confirmationStatus": confirmed(state, row.id, *id)})
            })
            .collect(),
        "confirmationStatus" => json!(overall(state, row.id)),
        "estate" => relations
            .below("calendar:estate", row.id)
            .first()
            .map_or(Json::Null, |id| json!({"id": id.to_string()})),
        _ => Json::Null,
    }
}

fn resource_name(key: &Json) -> &'static str {
    RESOURCES
        .iter()
        .find(|(known, _, _)| key == known)
        .map_or("", |(_, name, _)| name)
}

/// How an address answered: the German word of the relation in the list's English.
fn confirmed(state: &State, appointment: u32, address: u32) -> &'static str {
    let word = Kind::of("calendar:address").and_then(|kind| {
        let relations = &state.records().relations;
        relations.said(kind, appointment, address, "statusTerminbestaetigung")
    });
    match word {
        Some("bestätigt") => "confirmed",
        Some("gesendet") => "sent",
        Some("gecancelt") => "canceled",
        _ => "not-set",
    }
}

fn overall(state: &State, appointment: u32) -> &'static str {
    let relations = &state.records().relations;
    let ids = relations.below("calendar:address", appointment);
    let words: Vec<&str> = ids
        .iter()
        .map(|id| confirmed(state, appointment, *id))
        .collect();
    match (words.contains(&"confirmed"), words.contains(&"canceled")) {
        (true, true) => "confirmed and canceled",
        (true, false) => "confirmed",
        (false, true) => "canceled",
        (false, false) if words.contains(&"sent") => "sent",
        (false, false) => "not-set",
    }
}

/// Answers `read calendar`, which the vendor discourages and which alone can be asked for what was changed.
///
/// # Errors
/// 289 without a period, 241 for a filter without one, 231 and 288 for periods that are none, 301 for users that are no numbers.
pub(crate) fn read(ask: &mut Ask<'_>) -> Outcome {
    let right = ask.right(|rights| rights.calendar_read);
    if right == Right::None {
        return ask.nothing("calendar");
    }
    let (state, own, parameters) = (&*ask.state, ask.user(), ask.parameters);
    let table = &state.records().appointments;
    let may = |row: &Row| right == Right::All || participants(state, row).contains(&own);
    let rows: Vec<&Row> = match ask.resource {
        ResourceId::Number(id) => {
            let row = u32::try_from(*id).ok().and_then(|id| table.get(id));
            row.filter(|row| may(row)).into_iter().collect()
        }
        ResourceId::Word(_) => Vec::new(),
        ResourceId::None => {
            let at = |name: &str| -> Result<Option<CivilSeconds>, Failure> {
                let given = parameters.get(name).and_then(text);
                given
                    .map(|day| parse(&day).ok_or_else(|| fail(231)))
                    .transpose()
            };
            let period = (at("datestart")?, at("dateend")?);
            let edited = (at("modifiedstart")?, at("modifiedend")?);
            let has_period = matches!(period, (Some(_), Some(_)));
            // a filter on the beginning is no period (measured)
            if !has_period && edited == (None, None) {
                return Err(fail(289));
            }
            if !has_period && parameters.get("filter").is_some_and(Json::is_object) {
                return Err(fail(241));
            }
            if let (Some(from), Some(to)) = edited
                && from > to
            {
                return Err(fail(288));
            }
            let filter = RowFilter::parse(parameters.get("filter"), |name| {
                let known = [
                    "start_dt",
                    "end_dt",
                    "rp_flag",
                    "description",
                    "von",
                    "erledigt",
                    "note",
                    "art",
                ];
                let kind = table.kind(name).filter(|_| known.contains(&name));
                kind.ok_or_else(|| fail(154))
            })?;
            let everybody = flag(parameters, "allusers");
            let wanted = attendees(state, parameters, own)?;
            let cancelled = flag(parameters, "showcancelled");
            let rows = table.select(&filter, |row| {
                let in_time = match period {
                    (Some(from), Some(to)) => in_days(table, row, from, to),
                    _ => {
                        edited.0.is_none_or(|from| row.changed.utc >= from)
                            && edited.1.is_none_or(|to| row.changed.utc <= to)
                    }
                };
                let attended = everybody || {
                    let users = participants(state, row);
                    wanted.iter().any(|id| users.contains(id))
                };
                in_time && attended && may(row) && (cancelled || !table.is(row, "abgesagt"))
            });
            rows.into_iter().take(MOST).collect()
        }
    };
    let confirmations = flag(parameters, "showConfirmationStatus");
    let shown: Vec<(Json, Json)> = rows
        .into_iter()
        .map(|row| (json!(row.id), whole(state, table, row, confirmations)))
        .collect();
    ask.answer(Some(shown.len()), &json!("calendar"), shown)
}

/// Whose appointments are asked for: those named, else the caller's and its groups'.
fn attendees(state: &State, parameters: &Map<String, Json>, own: u32) -> Result<Vec<u32>, Failure> {
    let ids = |name: &str, code: u16| -> Result<Vec<u32>, Failure> {
        match parameters.get(name) {
            None | Some(Json::Null) => Ok(Vec::new()),
            // text is refused here, unlike elsewhere
            Some(Json::Array(ids)) => ids
                .iter()
                .map(|id| {
                    number(id)
                        .filter(|_| id.is_number())
                        .ok_or_else(|| fail(code))
                })
                .collect(),
            Some(_) => Err(fail(code)),
        }
    };
    let (mut users, groups) = (ids("users", 301)?, ids("groups", 295)?);
    let members = |wanted: &dyn Fn(&super::office::Group) -> bool| -> Vec<u32> {
        let groups = state.groups().iter().filter(|group| wanted(group));
        groups.flat_map(|group| group.users.clone()).collect()
    };
    if users.is_empty() && groups.is_empty() {
        users = members(&|group| group.users.contains(&own));
        users.push(own);
    } else {
        users.extend(members(&|group| groups.contains(&group.id)));
    }
    Ok(users)
}

fn whole(state: &State, table: &Table, row: &Row, confirmations: bool) -> Json {
    let column = |name: &str| table.text(row, name);
    let is = |name: &str| table.is(row, name);
    let relations = &state.records().relations;
    let users = participants(state, row);
    let art = column("art");
    let kept = |name: &str| row.beside.get(name).cloned().unwrap_or(json!([]));
    let keys = kept("ressources");
    let keys: Vec<&Json> = keys.as_array().into_iter().flatten().collect();
    let by_key: Map<String, Json> = keys
        .iter()
        .filter_map(|key| Some((text(key)?, json!(resource_name(key)))))
        .collect();
    let mut shown = json!({
        "start_dt": column("start_dt"),
        "end_dt": column("end_dt"),
        "description": column("description"),
        "note": column("note"),
        "ort": place(row),
        "art": if art.is_empty() { json!([]) } else { json!({ (art.clone()): art }) },
        "fuer": users.iter().filter_map(|id| state.user(*id)).map(|user| {
            format!("{}, {} ({})", user.last_name, user.first_name, user.login)
        }).collect::<Vec<_>>(),
        "groups": kept("groups"),
        "user_ids": users,
        "ressources": keys.iter().map(|key| resource_name(key)).collect::<Vec<_>>(),
        "ressourcesWithKeys": if by_key.is_empty() { json!([]) } else { Json::Object(by_key) },
        "erinnerung": column("erinnerung"),
        "ganztags": is("ganztags"),
        "rp_flag": is("rp_flag"),
        "abgesagt": is("abgesagt"),
        "erledigt": is("erledigt"),
        "status": column("status"),
        "assignedaddressids": relations.below("calendar:address", row.id),
        "assignedobjectids": relations.below("calendar:estate", row.id),
        "rp_type": column("rp_type"),
        "rp_tage": column("rp_tage").parse::<i64>().unwrap_or(0),
        "rp_beginn_datum": column("rp_beginn_datum"),
        "rp_ende_datum": column("rp_ende_datum"),
        "rp_ende_status": column("rp_ende_status"),
        "allowTransitTime": is("allowTransitTime"),
        "ProjektNr": null,
        "von": column("von"),
        "private": if is("private") { "1" } else { "0" },
        "modified": datetime(row.changed.utc),
        "users": kept("users").as_array().into_iter().flatten().filter_map(number)
            .map(|id| user_shown(state, id, "username")).collect::<Vec<_>>(),
    });
    if let (true, Json::Object(shown)) = (confirmations, &mut shown) {
        let addresses: Vec<Json> = relations
            .below("calendar:address", row.id)
            .iter()
            .map(|id| json!({"id": id, "status": confirmed(state, row.id, *id)}))
            .collect();
        shown.insert("addresses".to_owned(), json!(addresses));
        shown.insert(
            "confirmationStatus".to_owned(),
            json!(overall(state, row.id)),
        );
    }
    shown
}

fn place(row: &Row) -> String {
    let place = row.beside.get("location").and_then(Json::as_object);
    let value = place.and_then(|place| place.values().next());
    value.and_then(text).unwrap_or_default()
}

/// Answers `get appointmentConflicts`: who and what is taken in a time that is not yet booked.
///
/// # Errors
/// 91, 92, 122 for the times, 305 without transit times.
pub(crate) fn conflicts(ask: &mut Ask<'_>) -> Outcome {
    let data = ask.data()?;
    let at = |name: &str, missing: u16| -> Result<CivilSeconds, Failure> {
        let at = data.get(name).and_then(text).ok_or_else(|| fail(missing))?;
        parse(&at).ok_or_else(|| fail(122))
    };
    let (from, to) = (at("start_dt", 91)?, at("end_dt", 92)?);
    if data.get("transitTimePre").and_then(text).is_none()
        || data.get("transitTimePost").and_then(text).is_none()
    {
        return Err(fail(305));
    }
    let state = &*ask.state;
    let (table, relations) = (&state.records().appointments, &state.records().relations);
    let taken: Vec<&Row> = table
        .iter()
        .filter(|row| {
            let (begin, end) = span(table, row);
            begin < to && end > from && !table.is(row, "abgesagt")
        })
        .collect();
    let asked = |value: Option<&Json>| -> Vec<Json> {
        match value {
            Some(Json::Array(ids)) => ids.clone(),
            Some(single) if !single.is_null() => vec![single.clone()],
            _ => Vec::new(),
        }
    };
    let subscribers = ask.parameters.get("subscribers").unwrap_or(&Json::Null);
    let met = |wanted: Vec<Json>, holds: &dyn Fn(&Row, &Json) -> bool| -> Json {
        let met = wanted
            .into_iter()
            .filter(|id| taken.iter().any(|row| holds(row, id)));
        met.map(|id| json!({"id": id})).collect()
    };
    let rows = [
        (
            "conflictedUsers",
            met(asked(subscribers.get("users")), &|row, id| {
                number(id).is_some_and(|id| participants(state, row).contains(&id))
            }),
        ),
        (
            "conflictedResources",
            met(asked(data.get("ressources")), &|row, key| {
                let keys = row.beside.get("ressources").and_then(Json::as_array);
                keys.is_some_and(|keys| keys.contains(key))
            }),
        ),
        (
            "conflictedAddresses",
            met(
                asked(ask.parameters.get("relatedAddressIds")),
                &|row, id| {
                    number(id)
                        .is_some_and(|id| relations.below("calendar:address", row.id).contains(&id))
                },
            ),
        ),
        (
            "conflictedEstates",
            met(asked(ask.parameters.get("relatedEstateId")), &|row, id| {
                number(id)
                    .is_some_and(|id| relations.below("calendar:estate", row.id).contains(&id))
            }),
        ),
    ];
    let rows = rows.map(|(name, ids)| (json!(name), ids));
    ask.answer(Some(rows.len()), &json!(""), rows)
}

/// Answers `get calendarResources`.
///
/// # Errors
/// 141 for another filter than `active`.
pub(crate) fn resources(ask: &mut Ask<'_>) -> Outcome {
    let filter = RowFilter::parse(ask.parameters.get("filter"), |name| match name {
        "active" => Ok(FieldType::Boolean),
        _ => Err(fail_with(141, name)),
    })?;
    let rows: Vec<(Json, Json)> = RESOURCES
        .iter()
        .enumerate()
        .filter(|(_, (_, _, active))| filter.matches(|_| vec![u8::from(*active).to_string()]))
        .map(|(place, (key, name, _))| (json!(place), json!({ *key: name })))
        .collect();
    ask.answer(None, &json!(""), rows)
}

/// Answers `do appointmentAffirmation`, which says success whatever it is given; the mails go to the addresses of the appointment.
pub(crate) fn confirm(ask: &mut Ask<'_>) -> Outcome {
    let id = ask
        .parameters
        .get("calendarId")
        .and_then(number)
        .unwrap_or(0);
    let known = ask.state.records().appointments.get(id).is_some();
    if let (true, Some(kind)) = (known, Kind::of("calendar:address")) {
        let relations = &mut ask.records().relations;
        for address in relations.children(kind, id).to_vec() {
            relations.say(kind, id, address, "statusTerminbestaetigung", "gesendet");
        }
    }
    let elements = json!({"success": "success"});
    ask.answer(None, &json!(""), [(json!(0), elements)])
}
