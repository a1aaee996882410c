//! Tasks: made, changed and read, never deleted by a client.

use serde_json::{Map, Value as Json, json};

use super::ask::{Ask, Outcome, as_texts, numbers, text};
use super::errors::{Failure, fail, fail_with};
use super::filter::RowFilter;
use super::local_time::{Moment, datetime, parse};
use super::office::Right;
use super::quirks::{Quirks, TaskUnknownField};
use super::read::window;
use super::request::{ResourceId, flag};
use super::rows::{Row, Table};

/// The German names of `Status` 1 to 8, in which it reads back. Only the second was seen live.
const STATUS: [&str; 8] = [
    "Nicht begonnen",
    "In Bearbeitung",
    "Erledigt",
    "Zurückgestellt",
    "Abgebrochen",
    "Sonstiges",
    "Geprüft",
    "Klärung erforderlich",
];

/// The action types of the kind "Aufgabe": the numbers for `Art`, and their names.
pub(crate) const TYPES: [(u32, &str); 3] = [
    (153, "Rückruf"),
    (155, "Unterlagen zusammenstellen"),
    (157, "Nachfassen"),
];

/// What may be written under `data`.
const WRITABLE: [&str; 19] = [
    "Betreff",
    "Aufgabe",
    "Status",
    "Prio",
    "Verantwortung",
    "Bearbeiter",
    "Art",
    "Deadline",
    "Deadline_Zeit",
    "Deadline_strikt",
    "Beginnt_am",
    "Beginnt_um",
    "Erinnerung",
    "Erinnerungsdatum",
    "Erinnerungsdatum_Zeit",
    "Aufwand_Soll_NUM",
    "Einheit_Aufwand_Soll",
    "Aufwand_Zusatz_NUM",
    "Einheit_Aufwand_Zusatz",
];

/// What may be written under `data` of a modify besides.
const LATER: [&str; 2] = ["Stand", "erledigt"];

fn unknown(quirks: &Quirks, name: &str) -> Failure {
    match quirks.task_unknown_field {
        TaskUnknownField::Own => fail(138),
        TaskUnknownField::Shared => fail_with(144, name),
    }
}

/// Answers `create task`.
///
/// # Errors
/// 156 without the right, 138 or 144 for unknown fields, 254 for a mandatory one, 292 and 293 for unknown links, 255 for values.
pub(crate) fn create(ask: &mut Ask<'_>) -> Outcome {
    if ask.right(|rights| rights.task_write) == Right::None {
        return Err(fail(156));
    }
    let data = ask.data()?;
    let (now, user, login) = (ask.now, ask.user(), ask.login());
    let table = &ask.state.records().tasks;
    let mut row = table.draft(now, user);
    table.set_text(&mut row, "von", &login);
    table.set_text(&mut row, "Status", "1");
    table.set_text(&mut row, "Prio", "3");
    fill(
        ask,
        &mut row,
        &data,
        !ask.quirks.task_done_on_create_refused,
    )?;
    let table = &ask.state.records().tasks;
    if ask.quirks.task_type_mandatory && table.text(&row, "Art").is_empty() {
        return Err(fail_with(254, "Art"));
    }
    let links = links(ask)?;
    let id = ask.save(|records| &mut records.tasks, row);
    link(ask, id, &links);
    ask.created("task", &[id])
}

/// Answers `modify task`.
///
/// # Errors
/// As a create, 79 and 80 for the record.
pub(crate) fn modify(ask: &mut Ask<'_>) -> Outcome {
    let id = ask.record(80)?;
    let login = ask.login();
    let right = ask.right(|rights| rights.task_write);
    let table = &ask.state.records().tasks;
    let mut row = table.get(id).cloned().ok_or_else(|| fail(80))?;
    if right == Right::None || (right == Right::Own && table.text(&row, "Verantwortung") != login) {
        return Err(fail(156));
    }
    let data = match ask.parameters.contains_key("data") {
        true => ask.data()?,
        false => Map::new(),
    };
    let before = row.clone();
    fill(ask, &mut row, &data, true)?;
    let links = links(ask)?;
    note_change(
        &ask.state.records().tasks,
        &before,
        &mut row,
        ask.now,
        &login,
    );
    row.changed = ask.now;
    ask.save(|records| &mut records.tasks, row);
    if !ask.quirks.task_related_adds {
        for (kind, ids) in &links {
            if !ids.is_empty() {
                ask.records().relations.clear(kind, id);
            }
        }
    }
    link(ask, id, &links);
    ask.success("task")
}

type Links = [(&'static str, Vec<u32>); 2];

fn links(ask: &Ask<'_>) -> Result<Links, Failure> {
    let addresses = numbers("relatedAddressId", ask.parameters.get("relatedAddressId"))?;
    let estates = numbers("relatedEstateId", ask.parameters.get("relatedEstateId"))?;
    for id in &addresses {
        ask.known_address(*id)?;
    }
    for id in &estates {
        ask.known_estate(*id)?;
    }
    Ok([("task:address", addresses), ("task:estate", estates)])
}

fn link(ask: &mut Ask<'_>, id: u32, links: &Links) {
    for (kind, ids) in links {
        for other in ids {
            ask.records().relations.link(kind, id, *other);
        }
    }
}

fn fill(
    ask: &Ask<'_>,
    row: &mut Row,
    data: &Map<String, Json>,
    is_later: bool,
) -> Result<(), Failure> {
    let table = &ask.state.records().tasks;
    let by_group = flag(ask.parameters, "responsibilityByGroup");
    if by_group {
        table.set_text(row, "Verantwortung_Gruppe", "1");
    }
    for (name, written) in data {
        let known = WRITABLE.contains(&name.as_str())
            || name == "Kommentar"
            || (is_later && LATER.contains(&name.as_str()));
        if !known {
            return Err(unknown(ask.quirks, name));
        }
        match name.as_str() {
            "Status" | "Prio" => {
                let most = if name == "Status" { 8 } else { 5 };
                let number = text(written).and_then(|text| text.parse::<u32>().ok());
                let number = number.filter(|number| (1..=most).contains(number));
                let number = number.ok_or_else(|| fail_with(255, name))?;
                table.set_text(row, name, &number.to_string());
            }
            "Art" => {
                let number = text(written).and_then(|text| text.parse::<u32>().ok());
                let known = number.filter(|id| TYPES.iter().any(|(known, _)| known == id));
                let number = known.ok_or_else(|| fail_with(77, &written.to_string()))?;
                table.set_text(row, name, &number.to_string());
            }
            "Verantwortung" | "Bearbeiter" => {
                let who = text(written).unwrap_or_default();
                let known = match by_group {
                    true => ask.state.groups().iter().any(|group| group.name == who),
                    false => ask.state.has_login(&who),
                };
                if !known && !who.is_empty() && !ask.quirks.task_any_responsible {
                    return Err(fail_with(251, &who));
                }
                table.set_text(row, name, &who);
            }
            "Deadline_Zeit" | "Beginnt_um" | "Erinnerungsdatum_Zeit" => {
                let time = text(written).unwrap_or_default();
                if !time.is_empty() && parse(&format!("2000-01-01 {time}")).is_none() {
                    return Err(fail_with(255, name));
                }
                table.set_text(row, name, &time);
            }
            "Beginnt_am" => {
                let day = text(written).unwrap_or_default();
                let day = Json::String(day.chars().take(10).collect());
                table.set(row, name, &day, ask.quirks, || unknown(ask.quirks, name))?;
            }
            "Kommentar" => comment(table, row, &text(written).unwrap_or_default()),
            _ => table.set(row, name, written, ask.quirks, || unknown(ask.quirks, name))?,
        }
    }
    settle_deadline(table, row, data);
    Ok(())
}

/// The date of the deadline and its time are one thing in two fields; what was written last counts.
fn settle_deadline(table: &Table, row: &mut Row, data: &Map<String, Json>) {
    let deadline = table.text(row, "Deadline");
    if deadline.starts_with("0000") {
        return;
    }
    let day: String = deadline.chars().take(10).collect();
    if data.contains_key("Deadline_Zeit") {
        let time = table.text(row, "Deadline_Zeit");
        let at = parse(&format!("{day} {time}")).or_else(|| parse(&day));
        table.set_text(row, "Deadline", &at.map_or(deadline, datetime));
    } else if data.contains_key("Deadline") {
        table.set_text(row, "Deadline_Zeit", &deadline[11..]);
    }
}

fn comment(table: &Table, row: &mut Row, line: &str) {
    let before = table.text(row, "Kommentar");
    let after = match before.is_empty() {
        true => line.to_owned(),
        false => format!("{before}\n{line}"),
    };
    table.set_text(row, "Kommentar", &after);
}

/// A modify writes what it changed into the comments.
fn note_change(table: &Table, before: &Row, row: &mut Row, now: Moment, login: &str) {
    let changed: Vec<&str> = WRITABLE
        .iter()
        .chain(&LATER)
        .copied()
        .filter(|name| table.text(before, name) != table.text(row, name))
        .collect();
    if !changed.is_empty() {
        let line = format!("{} {login}: {}", datetime(now.wall), changed.join(", "));
        comment(table, row, &line);
    }
}

/// Answers `read task`: no pages, no order, and the total is the number of rows.
///
/// # Errors
/// 144 for `listoffset` and `sortby`, 138 or 144 for unknown fields.
pub(crate) fn read(ask: &mut Ask<'_>) -> Outcome {
    for refused in ["listoffset", "sortby", "sortorder"] {
        if ask.parameters.contains_key(refused) {
            return Err(fail_with(144, refused));
        }
    }
    let right = ask.right(|rights| rights.task_read);
    if right == Right::None {
        return ask.nothing("task");
    }
    let wanted = ask.wanted()?;
    let (quirks, login) = (ask.quirks, ask.login());
    let records = ask.state.records();
    let table = &records.tasks;
    for name in &wanted {
        // the number is only for filters
        if name == "Nr" || table.kind(name).is_none() {
            return Err(unknown(quirks, name));
        }
    }
    let filter = RowFilter::parse(ask.parameters.get("filter"), |name| {
        table.kind(name).ok_or_else(|| unknown(quirks, name))
    })?;
    let (_, limit) = window(quirks, ask.parameters)?;
    let addresses = numbers("relatedAddressId", ask.parameters.get("relatedAddressId"))?;
    let estates = numbers("relatedEstateId", ask.parameters.get("relatedEstateId"))?;
    let single = match ask.resource {
        ResourceId::None => None,
        ResourceId::Number(id) => Some(u32::try_from(*id).unwrap_or(0)),
        ResourceId::Word(_) => Some(0),
    };
    let linked = |row: &Row, kind: &str, ids: &[u32]| {
        let linked = records.relations.below(kind, row.id);
        ids.is_empty() || ids.iter().any(|id| linked.contains(id))
    };
    let may = |row: &Row| right == Right::All || table.text(row, "Verantwortung") == login;
    let rows: Vec<&Row> = match single {
        Some(id) => table.get(id).filter(|row| may(row)).into_iter().collect(),
        None => table.select(&filter, |row| {
            may(row)
                && linked(row, "task:address", &addresses)
                && linked(row, "task:estate", &estates)
        }),
    };
    let rows: Vec<&Row> = rows.into_iter().take(limit).collect();
    let shown: Vec<(Json, Json)> = rows
        .iter()
        .map(|row| {
            let mut elements: Map<String, Json> = wanted
                .iter()
                .map(|name| (name.clone(), shown(table, row, name, quirks)))
                .collect();
            for (parameter, kind) in [
                ("relatedAddressId", "task:address"),
                ("relatedEstateId", "task:estate"),
            ] {
                if ask.parameters.contains_key(parameter) {
                    let ids = records.relations.below(kind, row.id);
                    elements.insert(parameter.to_owned(), as_texts(ids.iter().copied()));
                }
            }
            (json!(row.id), Json::Object(elements))
        })
        .collect();
    ask.answer(Some(shown.len()), &json!("task"), shown)
}

fn shown(table: &Table, row: &Row, name: &str, quirks: &Quirks) -> Json {
    let stored = table.text(row, name);
    match name {
        "Status" if quirks.task_status_label => {
            let label = stored
                .parse()
                .ok()
                .and_then(|number: usize| STATUS.get(number - 1));
            json!(label.copied().unwrap_or_default())
        }
        "modified" if quirks.task_modified_time => json!(datetime(row.changed.wall)),
        _ => table.shown(row, name, false),
    }
}

#[cfg(test)]
mod tests {
    use super::super::module_fields;
    use super::*;

    #[test]
    fn what_may_be_written_is_a_field() {
        let table = module_fields::tasks();
        for name in WRITABLE.iter().chain(&LATER) {
            assert!(table.kind(name).is_some(), "{name}");
        }
    }
}
