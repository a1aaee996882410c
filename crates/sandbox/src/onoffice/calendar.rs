//! Appointments: made, changed and deleted, in wall-clock time.

use serde_json::{Map, Value as Json, json};

use super::ask::{Ask, Outcome, number, numbers, text};
use super::errors::{Failure, fail, fail_with};
use super::kinds;
use super::local_time::{CivilSeconds, date, datetime, parse};
use super::office::Right;
use super::quirks::AllDay;
use super::request::flag;
use super::rows::{Row, Table};
use super::state::ChangeKind;

/// What a place can be given by; those that are record numbers first.
const PLACES: [&str; 9] = [
    "address",
    "estate",
    "user",
    "group",
    "userMeetingUrl",
    "mandant",
    "sonstiges",
    "customVideoUrl",
    "keine Angaben",
];

/// How many of [`PLACES`] are record numbers.
const NUMBERED: usize = 5;

/// The things that can be booked with an appointment: key and name.
pub(crate) const RESOURCES: [(&str, &str, bool); 4] = [
    ("Konferenzraum", "Konferenzraum", true),
    ("Firmenfahrzeug", "Firmenfahrzeug", true),
    ("ind_Schl_3151", "Laptop", true),
    ("ind_Schl_2903", "Beamer", false),
];

/// Answers `create calendar`.
///
/// # Errors
/// 156 without the right, 91, 92, 93, 122 for the times, 154 for unknown fields, 251, 290, 292, 293, 295, 301 for what is linked.
pub(crate) fn create(ask: &mut Ask<'_>) -> Outcome {
    if ask.right(|rights| rights.calendar_write) == Right::None {
        return Err(fail(156));
    }
    let data = ask.data()?;
    for (name, code) in [("start_dt", 91), ("end_dt", 92)] {
        if data.get(name).and_then(text).is_none() {
            return Err(fail(code));
        }
    }
    let (user, login) = (ask.user(), ask.login());
    let table = &ask.state.records().appointments;
    let mut row = table.draft(ask.now, user);
    table.set_text(&mut row, "von", &login);
    table.set_text(&mut row, "status", "active");
    for name in ["users", "groups", "ressources", "reminderTypes"] {
        row.beside.insert(name.to_owned(), json!([]));
    }
    fill(ask, &mut row, &data)?;
    let links = Links::read(ask)?;
    let id = ask.save(|records| &mut records.appointments, row);
    links.make(ask, id);
    ask.created("calendar", &[id])
}

/// Answers `modify calendar`.
///
/// # Errors
/// 79 and 169 for the record, else as a create.
pub(crate) fn modify(ask: &mut Ask<'_>) -> Outcome {
    let id = ask.record(169)?;
    let mut row = writable(ask, id)?;
    let data = match ask.parameters.contains_key("data") {
        true => ask.data()?,
        false => Map::new(),
    };
    let table = &ask.state.records().appointments;
    let was_serial = table.is(&row, "rp_flag");
    fill(ask, &mut row, &data)?;
    let table = &ask.state.records().appointments;
    if ask.quirks.recurring_anchor_lost
        && !was_serial
        && table.is(&row, "rp_flag")
        && !data.contains_key("start_dt")
    {
        // observed: a series that begins nowhere
        table.set_text(&mut row, "start_dt", "");
        table.set_text(&mut row, "rp_beginn_datum", "");
    }
    row.changed = ask.now;
    let links = Links::read(ask)?;
    ask.save(|records| &mut records.appointments, row);
    links.make(ask, id);
    ask.success("calendar")
}

/// Answers `delete calendar`.
///
/// # Errors
/// 79 and 169 for the record, 156 without the right.
pub(crate) fn delete(ask: &mut Ask<'_>) -> Outcome {
    let id = ask.record(169)?;
    writable(ask, id)?;
    let records = ask.records();
    records.appointments.remove(id);
    records.relations.forget("calendar", id);
    ask.changed("calendar", id, ChangeKind::Delete, Vec::new());
    ask.success("")
}

fn writable(ask: &Ask<'_>, id: u32) -> Result<Row, Failure> {
    let (right, login) = (ask.right(|rights| rights.calendar_write), ask.login());
    let table = &ask.state.records().appointments;
    let row = table.get(id).cloned().ok_or_else(|| fail(169))?;
    if right == Right::None || (right == Right::Own && table.text(&row, "von") != login) {
        return Err(fail(156));
    }
    Ok(row)
}

fn fill(ask: &Ask<'_>, row: &mut Row, data: &Map<String, Json>) -> Result<(), Failure> {
    let table = &ask.state.records().appointments;
    let mut status = None;
    for (name, written) in data {
        match name.as_str() {
            "start_dt" | "end_dt" => {
                let at = text(written).and_then(|at| parse(&at)).filter(|at| *at > 0);
                let at = at.ok_or_else(|| fail(122))?;
                table.set_text(row, name, &datetime(at));
            }
            "art" => {
                let wanted = text(written).unwrap_or_default();
                if !wanted.is_empty() && !kinds::appointment_types().contains(&&*wanted) {
                    return Err(fail_with(252, &wanted));
                }
                table.set_text(row, name, &wanted);
            }
            "von" => {
                let login = text(written).unwrap_or_default();
                if !ask.state.has_login(&login) {
                    return Err(fail_with(251, &login));
                }
                table.set_text(row, name, &login);
            }
            "ressources" => {
                let Json::Array(keys) = written else {
                    return Err(fail(74));
                };
                for key in keys {
                    let known = RESOURCES.iter().any(|(known, _, _)| key == known);
                    if !known {
                        return Err(fail_with(252, &text(key).unwrap_or_default()));
                    }
                }
                row.beside.insert(name.clone(), written.clone());
            }
            "status" => status = Some(written.clone()),
            "abgesagt" => {
                let word = if flag(data, name) {
                    "canceled"
                } else {
                    "active"
                };
                status.get_or_insert_with(|| json!(word));
            }
            "transitTime" | "transitTimePre" | "transitTimePost" => {
                let time = text(written).unwrap_or_default();
                if parse(&format!("2000-01-01 {time}")).is_none() {
                    return Err(fail_with(255, name));
                }
                table.set_text(row, name, &time);
            }
            "rp_tage" if number(written).is_none_or(|days| !(1..=999).contains(&days)) => {
                return Err(fail_with(255, name));
            }
            // read back, never written
            "created" | "modified" | "erledigt" | "Nr" => return Err(fail(154)),
            _ => table.set(row, name, written, ask.quirks, || fail(154))?,
        }
    }
    // `status` beats `abgesagt`, in whichever order they stand
    if let Some(written) = data.get("status").or(status.as_ref()) {
        table.set(row, "status", written, ask.quirks, || fail(154))?;
        let word = table.text(row, "status");
        table.set_text(row, "abgesagt", if word == "canceled" { "1" } else { "" });
        table.set_text(row, "erledigt", if word == "completed" { "1" } else { "" });
    }
    if table.is(row, "ganztags") && ask.quirks.all_day_times == AllDay::Whole {
        let day = |name: &str| parse(&table.text(row, name)).filter(|at| *at > 0);
        if let (Some(from), Some(to)) = (day("start_dt"), day("end_dt")) {
            table.set_text(row, "start_dt", &format!("{} 00:00:00", date(from)));
            table.set_text(row, "end_dt", &format!("{} 23:59:59", date(to)));
        }
    }
    let (from, to) = span(table, row);
    if from > to {
        return Err(fail(93));
    }
    Ok(())
}

/// Begin and end by the wall clock.
pub(crate) fn span(table: &Table, row: &Row) -> (CivilSeconds, CivilSeconds) {
    let at = |name: &str| parse(&table.text(row, name)).unwrap_or(CivilSeconds::MIN);
    (at("start_dt"), at("end_dt"))
}

/// What stands beside `data`, checked before anything is written.
struct Links {
    addresses: Option<Vec<u32>>,
    replace: bool,
    /// `Some(None)` takes the link away.
    estate: Option<Option<u32>>,
    beside: Map<String, Json>,
}

impl Links {
    fn read(ask: &Ask<'_>) -> Result<Self, Failure> {
        let parameters = ask.parameters;
        let addresses = match parameters.get("relatedAddressIds") {
            None | Some(Json::Null) => None,
            Some(ids @ Json::Array(_)) => Some(numbers("relatedAddressIds", Some(ids))?),
            Some(_) => return Err(fail(74)),
        };
        for id in addresses.iter().flatten() {
            ask.known_address(*id)?;
        }
        let estate = match parameters.get("relatedEstateId") {
            None => None,
            Some(Json::Null) => Some(None),
            Some(id) => match number(id) {
                Some(0) => Some(None),
                Some(id) => Some(Some(ask.known_estate(id)?)),
                None => return Err(fail_with(228, "relatedEstateId")),
            },
        };
        let mut beside = Map::new();
        if let Some(subscribers) = parameters.get("subscribers") {
            let users = people(subscribers, "users", 301)?;
            let groups = people(subscribers, "groups", 295)?;
            if let Some(unknown) = users.iter().find(|id| ask.state.user(**id).is_none()) {
                return Err(fail_with(251, &unknown.to_string()));
            }
            beside.insert("users".to_owned(), json!(users));
            beside.insert("groups".to_owned(), json!(groups));
        }
        if let Some(place) = parameters.get("location") {
            beside.insert("location".to_owned(), location(place)?);
        }
        if let Some(types) = parameters.get("reminderTypes") {
            let known = types.as_array().is_some_and(|types| {
                let words = ["email", "popup", "sms"];
                types
                    .iter()
                    .all(|word| words.iter().any(|known| word == known))
            });
            if !known {
                return Err(fail_with(255, "reminderTypes"));
            }
            beside.insert("reminderTypes".to_owned(), types.clone());
        }
        Ok(Self {
            addresses,
            replace: flag(parameters, "replaceAddressIds"),
            estate,
            beside,
        })
    }

    fn make(self, ask: &mut Ask<'_>, id: u32) {
        if !self.beside.is_empty()
            && let Some(mut row) = ask.state.records().appointments.get(id).cloned()
        {
            row.beside.extend(self.beside);
            ask.records().appointments.put(row);
        }
        let relations = &mut ask.records().relations;
        if let Some(addresses) = self.addresses {
            if self.replace {
                relations.clear("calendar:address", id);
            }
            for address in addresses {
                relations.link("calendar:address", id, address);
            }
        }
        if let Some(estate) = self.estate {
            relations.clear("calendar:estate", id);
            if let Some(estate) = estate {
                relations.link("calendar:estate", id, estate);
            }
        }
    }
}

fn people(subscribers: &Json, name: &str, code: u16) -> Result<Vec<u32>, Failure> {
    match subscribers.get(name) {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(Json::Array(ids)) => ids
            .iter()
            .map(|id| number(id).ok_or_else(|| fail(code)))
            .collect(),
        Some(_) => Err(fail(code)),
    }
}

fn location(place: &Json) -> Result<Json, Failure> {
    let Json::Object(members) = place else {
        return Err(fail_with(294, "location"));
    };
    for (name, value) in members {
        let Some(at) = PLACES.iter().position(|known| known == name) else {
            return Err(fail(290));
        };
        if at < NUMBERED && number(value).is_none() {
            return Err(fail(290));
        }
    }
    Ok(place.clone())
}
