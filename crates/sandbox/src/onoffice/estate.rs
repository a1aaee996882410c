//! Estates: made, changed, read, searched; archived, never deleted.

use serde_json::{Map, Value as Json, json};

use super::ask::{Ask, Outcome, numbers, text};
use super::errors::{Failure, fail, fail_with};
use super::filter::RowFilter;
use super::office::Right;
use super::read::window;
use super::request::ResourceId;
use super::rows::{Row, Table, wants_labels};

/// Answers `create estate`.
///
/// # Errors
/// 149 without the right, 143 for unknown fields, and those of the values.
pub(crate) fn create(ask: &mut Ask<'_>) -> Outcome {
    if ask.right(|rights| rights.estate_write) == Right::None {
        return Err(fail(149));
    }
    let data = ask.data()?;
    let user = ask.user();
    let table = &ask.state.records().estates;
    let mut row = table.draft(ask.now, user);
    table.set_text(&mut row, "status", "1");
    table.set_text(&mut row, "status2", "status2obj_aktiv");
    table.set_text(&mut row, "benutzer", &user.to_string());
    fill(ask, &mut row, &data)?;
    let id = ask.save(|records| &mut records.estates, row);
    ask.created("estate", &[id])
}

/// Answers `modify estate`.
///
/// # Errors
/// 79 and 293 for the record, 262 without the right, else as a create.
pub(crate) fn modify(ask: &mut Ask<'_>) -> Outcome {
    let id = ask.record(293)?;
    let (right, user) = (ask.right(|rights| rights.estate_write), ask.user());
    let data = ask.data()?;
    let table = &ask.state.records().estates;
    let mut row = table.get(id).cloned().ok_or_else(|| fail(293))?;
    if !is_mine(table, &row, right, user) {
        return Err(fail_with(262, &id.to_string()));
    }
    fill(ask, &mut row, &data)?;
    row.changed = ask.now;
    ask.save(|records| &mut records.estates, row);
    ask.success("estate")
}

fn is_mine(table: &Table, row: &Row, right: Right, user: u32) -> bool {
    match right {
        Right::All => true,
        Right::Own => table.text(row, "benutzer") == user.to_string(),
        Right::None => false,
    }
}

fn fill(ask: &Ask<'_>, row: &mut Row, data: &Map<String, Json>) -> Result<(), Failure> {
    let table = &ask.state.records().estates;
    for (name, written) in data {
        match name.as_str() {
            "status" => {
                let word = text(written).filter(|word| ["0", "1", "2"].contains(&word.as_str()));
                let word = word.ok_or_else(|| fail_with(255, name))?;
                let key = match word.as_str() {
                    "0" => "status2obj_archiviert",
                    "1" => "status2obj_aktiv",
                    _ => "status2obj_inaktiv",
                };
                // 0 is not the same as nothing here
                table.set_text(row, name, &word);
                table.set_text(row, "status2", key);
            }
            "benutzer" => {
                let user = numbers(name, Some(written))?;
                let known = user
                    .iter()
                    .all(|id| *id == 0 || ask.state.user(*id).is_some());
                if !known {
                    return Err(fail_with(251, &text(written).unwrap_or_default()));
                }
                table.set_text(row, name, &text(written).unwrap_or_default());
            }
            _ => table.set(row, name, written, ask.quirks, || fail_with(143, name))?,
        }
    }
    Ok(())
}

/// Answers `read estate`.
///
/// # Errors
/// 143 for unknown fields, 284 for a saved filter, 212 for the sort, 164 for half a place.
pub(crate) fn read(ask: &mut Ask<'_>) -> Outcome {
    let (right, user) = (ask.right(|rights| rights.estate_read), ask.user());
    if right == Right::None {
        return ask.nothing("estate");
    }
    let wanted = ask.wanted()?;
    let table = &ask.state.records().estates;
    if let Some(unknown) = wanted.iter().find(|name| table.kind(name).is_none()) {
        return Err(fail_with(143, unknown));
    }
    let (offset, limit) = window(ask.quirks, ask.parameters)?;
    let rows = match ask.resource {
        ResourceId::Number(id) => {
            let row = u32::try_from(*id).ok().and_then(|id| table.get(id));
            row.filter(|row| is_mine(table, row, right, user))
                .into_iter()
                .collect()
        }
        ResourceId::Word(_) => Vec::new(),
        ResourceId::None => {
            let filter = filter(table, ask.parameters.get("filter"))?;
            if let Some(id) = ask.parameters.get("filterid").filter(|id| !id.is_null()) {
                return Err(fail_with(284, &text(id).unwrap_or_default()));
            }
            let near = Near::read(ask.parameters.get("georangesearch"))?;
            let mut rows = table.select(&filter, |row| {
                is_mine(table, row, right, user)
                    && near.as_ref().is_none_or(|near| near.holds(table, row))
            });
            table.sort(&mut rows, ask.quirks, ask.parameters)?;
            rows
        }
    };
    let total = rows.len();
    let labels = wants_labels(ask.parameters);
    let shown: Vec<(Json, Json)> = rows
        .into_iter()
        .skip(offset)
        .take(limit)
        .map(|row| {
            let elements = wanted
                .iter()
                .map(|name| (name.clone(), table.shown(row, name, labels)));
            (json!(row.id), Json::Object(elements.collect()))
        })
        .collect();
    ask.answer(Some(total), &json!("estate"), shown)
}

fn filter(table: &Table, written: Option<&Json>) -> Result<RowFilter, Failure> {
    RowFilter::parse(written, |name| {
        table.kind(name).ok_or_else(|| fail_with(143, name))
    })
}

/// A circle around a town, a postcode or a point. Towns and postcodes have no places here: they must be the same.
enum Near {
    Column(&'static str, String),
    Point(f64, f64, f64),
}

impl Near {
    fn read(written: Option<&Json>) -> Result<Option<Self>, Failure> {
        let Some(Json::Object(place)) = written else {
            return Ok(None);
        };
        let word = |name: &str| place.get(name).and_then(text);
        let number = |name: &str| word(name).and_then(|text| text.parse::<f64>().ok());
        let radius = number("radius").ok_or_else(|| fail(164))?;
        if let (Some(latitude), Some(longitude)) = (number("latitude"), number("longitude")) {
            return Ok(Some(Self::Point(latitude, longitude, radius)));
        }
        word("country").ok_or_else(|| fail(164))?;
        match (word("zip"), word("city")) {
            (Some(zip), _) => Ok(Some(Self::Column("plz", zip))),
            (None, Some(city)) => Ok(Some(Self::Column("ort", city))),
            (None, None) => Err(fail(164)),
        }
    }

    fn holds(&self, table: &Table, row: &Row) -> bool {
        match self {
            Self::Column(name, word) => table.text(row, name).eq_ignore_ascii_case(word),
            Self::Point(latitude, longitude, radius) => {
                let at = |name: &str| table.text(row, name).parse::<f64>().ok();
                match (at("breitengrad"), at("laengengrad")) {
                    (Some(north), Some(east)) => {
                        kilometres((*latitude, *longitude), (north, east)) <= *radius
                    }
                    _ => false,
                }
            }
        }
    }
}

/// The way between two points on the globe.
fn kilometres(one: (f64, f64), other: (f64, f64)) -> f64 {
    let (north, other_north) = (one.0.to_radians(), other.0.to_radians());
    let half = |from: f64, to: f64| ((to - from) / 2.0).sin().powi(2);
    let east = half(one.1.to_radians(), other.1.to_radians());
    let arc = half(north, other_north) + north.cos() * other_north.cos() * east;
    2.0 * 6371.0 * arc.sqrt().asin()
}

/// Answers `get search` with resource id `estate`: words in number, town, street and the owner's name.
///
/// # Errors
/// 69 for no words, 212 for a sort that is a map or an unknown column, 143 for the filter.
pub(crate) fn search(ask: &mut Ask<'_>) -> Outcome {
    let (right, user) = (ask.right(|rights| rights.estate_read), ask.user());
    let input = ask.text("input").unwrap_or_default();
    let words: Vec<String> = input.split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() {
        return Err(fail(69));
    }
    if right == Right::None {
        return ask.nothing("estate");
    }
    let state = &*ask.state;
    let records = state.records();
    let table = &records.estates;
    let owner = |row: &Row| {
        let owner = records
            .relations
            .below("estate:address:owner", row.id)
            .first();
        let owner = owner.and_then(|id| state.address(*id));
        owner.map_or_else(String::new, |address| {
            let name = [
                state.shown(address, "Vorname"),
                state.shown(address, "Name"),
            ];
            name.join(" ").trim().to_owned()
        })
    };
    let filter = filter(table, ask.parameters.get("filter"))?;
    let mut rows = table.select(&filter, |row| {
        let text = |name: &str| table.text(row, name).to_lowercase();
        let within = [
            text("objektnr_extern"),
            text("ort"),
            text("strasse"),
            text("hausnummer"),
            owner(row).to_lowercase(),
        ];
        is_mine(table, row, right, user)
            && words
                .iter()
                .all(|word| within.iter().any(|text| text.contains(word)))
    });
    if let Some(sort) = ask.parameters.get("sortby").filter(|sort| !sort.is_null()) {
        let name = sort.as_str().ok_or_else(|| fail(212))?;
        if !["objektnr_extern", "ort", "strasse", "hausnummer"].contains(&name) {
            return Err(fail(212));
        }
        rows.sort_by_cached_key(|row| table.text(row, name).to_lowercase());
        let order = ask.text("sortorder");
        if order.is_some_and(|order| order.eq_ignore_ascii_case("desc")) {
            rows.reverse();
        }
    }
    let shown: Vec<(Json, Json)> = rows
        .into_iter()
        .map(|row| {
            let elements = json!({
                "externalestateno": table.text(row, "objektnr_extern"),
                "zipcode": table.text(row, "plz"),
                "city": table.text(row, "ort"),
                "street": table.text(row, "strasse"),
                "houseno": table.text(row, "hausnummer"),
                "owner": owner(row),
                "type": table.shown(row, "objektart", true),
            });
            (json!(row.id), elements)
        })
        .collect();
    ask.answer(None, &json!("estate"), shown)
}

/// Answers `get estateCategories`: the classes and types of estates.
pub(crate) fn categories(ask: &mut Ask<'_>) -> Outcome {
    let fields = ask.state.records().estates.fields();
    let rows: Vec<(Json, Json)> = ["objektart", "objekttyp"]
        .into_iter()
        .filter_map(|name| {
            let field = fields.get(fields.active(name)?);
            let values = field.permitted.iter();
            let values: Json = values
                .map(|(key, label)| json!({"id": key, "name": label}))
                .collect();
            Some((json!(name), values))
        })
        .collect();
    ask.answer(None, &json!(""), rows)
}
