//! Activities (`agentslog`): flat when made, nested when changed, one for each address, never deleted by a client.

use serde_json::{Map, Value as Json, json};

use super::ask::{Ask, Outcome, as_texts, number, numbers, text};
use super::errors::{Failure, fail, fail_with};
use super::filter::RowFilter;
use super::kinds;
use super::local_time::parse;
use super::office::Right;
use super::quirks::ActivityAnswer;
use super::read::window;
use super::request::ResourceId;
use super::rows::{Row, Table, wants_labels};

/// What a read may ask for beside the fields of the table.
const LINKS: [&str; 2] = ["Objekt_nr", "Adress_nr"];

/// What a filter may not name.
const UNFILTERED: [&str; 4] = ["Benutzer", "Adress_nr", "Objekt_nr", "dauer"];

/// What may be changed.
const LATER: [&str; 8] = [
    "actionkind",
    "actiontype",
    "origincontact",
    "cost",
    "note",
    "duration",
    "features",
    "datetime",
];

/// The levels of a consultation as they read back.
const LEVELS: [&str; 7] = [
    "A Miet-/Kaufvertrag unterzeichnet",
    "B Schriftliche Miet-/Kaufzusage",
    "C Im intensiven Gespräch",
    "D Interessiert, aber noch prüfend",
    "E Dokumentation erhalten",
    "F Dokumentation bestellt",
    "G Absage",
];

/// Answers `create agentslog`. What it does not know, it passes over, such as a German `Datum`.
///
/// # Errors
/// 156 without the right; 98, 99, 292, 293 for the links; 100, 101 for kind and type; 113 and 220 to 226 for values.
pub(crate) fn create(ask: &mut Ask<'_>) -> Outcome {
    if ask.right(|rights| rights.activity_write) == Right::None {
        return Err(fail(156));
    }
    let addresses = match ask.parameters.get("addressids") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(_)) => numbers("addressids", ask.parameters.get("addressids"))?,
        Some(_) => return Err(fail(99)),
    };
    let estate = ask.parameters.get("estateid").filter(|id| !id.is_null());
    let estate = estate
        .map(|id| number(id).ok_or_else(|| fail_with(228, "estateid")))
        .transpose()?;
    if addresses.is_empty() && estate.is_none() {
        return Err(fail(98));
    }
    for address in &addresses {
        ask.known_address(*address)?;
    }
    if let Some(estate) = estate {
        ask.known_estate(estate)?;
    }
    let user = match ask.parameters.get("userid").filter(|id| !id.is_null()) {
        Some(id) => number(id).ok_or_else(|| fail_with(228, "userid"))?,
        None => ask.user(),
    };
    let login = match ask.state.user(user) {
        Some(user) => user.login.clone(),
        None => return Err(fail_with(251, &user.to_string())),
    };
    if ask.quirks.activity_note_mandatory && ask.text("note").is_none() {
        return Err(fail(113));
    }
    if !ask.parameters.contains_key("actionkind") {
        return Err(fail_with(100, ""));
    }
    let table = &ask.state.records().activities;
    let mut row = table.draft(ask.now, user);
    table.set_text(&mut row, "Benutzer", &login);
    table.set_text(&mut row, "Benutzer_nr", &user.to_string());
    table.set_text(
        &mut row,
        "Datum",
        &super::local_time::datetime(ask.now.wall),
    );
    fill(ask, &mut row, ask.parameters)?;
    let for_each: Vec<Option<u32>> = match addresses.is_empty() {
        true => vec![None],
        false => addresses.into_iter().map(Some).collect(),
    };
    let files = numbers("fileids", ask.parameters.get("fileids"))?;
    let mut ids = Vec::with_capacity(for_each.len());
    for address in for_each {
        let mut own = row.clone();
        own.id = ask.state.records().activities.draft(ask.now, user).id;
        let id = ask.save(|records| &mut records.activities, own);
        let relations = &mut ask.records().relations;
        if let Some(address) = address {
            relations.link("agentsLog:address", id, address);
        }
        if let Some(estate) = estate {
            relations.link("agentsLog:estate", id, estate);
        }
        for file in &files {
            relations.link("agentsLog:file:attachment", id, *file);
        }
        ids.push(id);
    }
    if ask.quirks.activity_answer == ActivityAnswer::First {
        ids.truncate(1);
    }
    ask.created("agentsLog", &ids)
}

/// Answers `modify agentslog` with what the record holds now.
///
/// # Errors
/// 79 and 80 for the record, 156 without the right, 144 for unknown parameters, else as a create.
pub(crate) fn modify(ask: &mut Ask<'_>) -> Outcome {
    let id = ask.record(80)?;
    let (right, login) = (ask.right(|rights| rights.activity_write), ask.login());
    let data = ask.data()?;
    let table = &ask.state.records().activities;
    let mut row = table.get(id).cloned().ok_or_else(|| fail(80))?;
    if right == Right::None || (right == Right::Own && table.text(&row, "Benutzer") != login) {
        return Err(fail(156));
    }
    if let Some(unknown) = data.keys().find(|name| !LATER.contains(&name.as_str())) {
        return Err(fail_with(144, unknown));
    }
    fill(ask, &mut row, &data)?;
    let table = &ask.state.records().activities;
    table.set_text(&mut row, "Benutzer_bearb", &login);
    row.changed = ask.now;
    let show = |name: &str| table.shown(&row, name, false);
    let datum = table.text(&row, "Datum");
    let elements = json!({
        "Aktionsart": show("Aktionsart"),
        "Aktionstyp": show("Aktionstyp"),
        "HerkunftKontakt": show("HerkunftKontakt"),
        "Kosten": show("Kosten"),
        "Bemerkung": show("Bemerkung"),
        "dauer": show("dauer"),
        "merkmal": show("merkmal"),
        "Datum": datum.get(..10).unwrap_or_default(),
        "Uhrzeit": datum.get(11..).unwrap_or_default(),
    });
    ask.save(|records| &mut records.activities, row);
    ask.answer(None, &json!("agentsLog"), [(json!(id), elements)])
}

fn fill(ask: &Ask<'_>, row: &mut Row, given: &Map<String, Json>) -> Result<(), Failure> {
    let table = &ask.state.records().activities;
    let word = |name: &str| given.get(name).and_then(text);
    if let Some(kind) = word("actionkind") {
        if !kinds::is_kind(&kind) {
            return Err(fail_with(100, &kind));
        }
        table.set_text(row, "Aktionsart", &kind);
    } else if given.contains_key("actionkind") {
        return Err(fail_with(100, ""));
    }
    if let Some(wanted) = word("actiontype") {
        if !kinds::has_type(&table.text(row, "Aktionsart"), &wanted) {
            return Err(fail_with(101, &wanted));
        }
        table.set_text(row, "Aktionstyp", &wanted);
    }
    if given.contains_key("note") {
        table.set_text(row, "Bemerkung", &word("note").unwrap_or_default());
    }
    if let Some(at) = word("datetime") {
        let at = parse(&at).ok_or_else(|| fail_with(255, "datetime"))?;
        table.set_text(row, "Datum", &super::local_time::datetime(at));
    }
    let set = |row: &mut Row, name: &str, written: &Json, code: u16| {
        let outcome = table.set(row, name, written, ask.quirks, || fail(1));
        outcome.map_err(|_| fail_with(code, &text(written).unwrap_or_default()))
    };
    if let Some(origin) = given.get("origincontact") {
        set(row, "HerkunftKontakt", origin, 220)?;
    }
    if let Some(features) = given.get("features") {
        set(row, "merkmal", features, 221)?;
    }
    for (name, field, code) in [("cost", "Kosten", 222), ("duration", "dauer", 223)] {
        if let Some(amount) = given.get(name) {
            let is_amount = text(amount)
                .and_then(|text| text.parse::<f64>().ok())
                .is_some_and(|amount| amount >= 0.0);
            if !is_amount {
                return Err(fail_with(code, &text(amount).unwrap_or_default()));
            }
            set(row, field, amount, code)?;
        }
    }
    let level = word("advisorylevel");
    if let Some(letter) = &level {
        let level = LEVELS
            .iter()
            .find(|level| level.split(' ').next() == Some(letter));
        let level = level.ok_or_else(|| fail_with(225, letter))?;
        table.set_text(row, "Beratungsebene", level);
    }
    if let Some(reason) = given.get("reasoncancellation") {
        if level.as_deref() != Some("G") {
            return Err(fail(224));
        }
        set(row, "Absagegrund", reason, 226)?;
    }
    Ok(())
}

/// Answers `read agentslog`: newest first unless sorted.
///
/// # Errors
/// 141 for unknown fields and those that cannot be filtered on.
pub(crate) fn read(ask: &mut Ask<'_>) -> Outcome {
    let right = ask.right(|rights| rights.activity_read);
    if right == Right::None {
        return ask.nothing("agentslog");
    }
    let wanted = ask.wanted()?;
    let login = ask.login();
    let records = ask.state.records();
    let table = &records.activities;
    if let Some(unknown) = wanted
        .iter()
        .find(|name| table.kind(name).is_none() && !LINKS.contains(&name.as_str()))
    {
        return Err(fail_with(141, unknown));
    }
    let filter = RowFilter::parse(ask.parameters.get("filter"), |name| {
        table
            .kind(name)
            .filter(|_| !UNFILTERED.contains(&name))
            .ok_or_else(|| fail_with(141, name))
    })?;
    let (offset, limit) = window(ask.quirks, ask.parameters)?;
    let addresses = numbers("addressid", ask.parameters.get("addressid"))?;
    let estates = numbers("estateid", ask.parameters.get("estateid"))?;
    let linked = |row: &Row, kind: &str, ids: &[u32]| {
        let linked = records.relations.below(kind, row.id);
        ids.is_empty() || ids.iter().any(|id| linked.contains(id))
    };
    let single = match ask.resource {
        ResourceId::None => None,
        ResourceId::Number(id) => Some(u32::try_from(*id).unwrap_or(0)),
        ResourceId::Word(_) => Some(0),
    };
    let mut rows = table.select(&filter, |row| {
        (right == Right::All || table.text(row, "Benutzer") == login)
            && single.is_none_or(|id| id == row.id)
            && linked(row, "agentsLog:address", &addresses)
            && linked(row, "agentsLog:estate", &estates)
    });
    if !table.sort(&mut rows, ask.quirks, ask.parameters)? {
        rows.sort_by_cached_key(|row| (table.text(row, "Datum"), row.id));
        rows.reverse();
    }
    let total = rows.len();
    let labels = wants_labels(ask.parameters);
    let shown: Vec<(Json, Json)> = rows
        .into_iter()
        .skip(offset)
        .take(limit)
        .map(|row| {
            let elements = wanted.iter().map(|name| {
                let value = match name.as_str() {
                    "Adress_nr" => linked_ids(records.relations.below("agentsLog:address", row.id)),
                    "Objekt_nr" => linked_ids(records.relations.below("agentsLog:estate", row.id)),
                    name => column(table, row, name, labels),
                };
                (name.clone(), value)
            });
            (json!(row.id), Json::Object(elements.collect()))
        })
        .collect();
    ask.answer(Some(total), &json!("agentslog"), shown)
}

fn linked_ids(ids: &[u32]) -> Json {
    as_texts(ids.iter().copied())
}

fn column(table: &Table, row: &Row, name: &str, labels: bool) -> Json {
    table.shown(row, name, labels)
}
