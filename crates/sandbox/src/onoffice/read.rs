//! Address reads: which records, in which order, which page, shown how.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::address::{Address, AddressId};
use super::answer::Answered;
use super::book::fold;
use super::columns::{Column, Columns, CountryForm, Format};
use super::errors::{Failure, fail, fail_with};
use super::fields::FieldType;
use super::filter::Filter;
use super::office::Right;
use super::php_json::PhpJson;
use super::quirks::{OverLimit, Quirks, SortMap};
use super::request::{Caller, ResourceId, flag, integer};
use super::state::State;

/// Records per page where nothing is asked for, and where too much is asked for.
const DEFAULT_LIMIT: usize = 20;
/// The most records per page.
pub(crate) const MAX_LIMIT: usize = 500;

/// The ids that a query of the past found, good as long as nothing changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueryCache {
    kept: Vec<(String, u64, Arc<Vec<AddressId>>)>,
}

impl QueryCache {
    const ROOM: usize = 4;

    fn get(&self, key: &str, generation: u64) -> Option<Arc<Vec<AddressId>>> {
        self.kept
            .iter()
            .find(|(known, at, _)| known == key && *at == generation)
            .map(|(_, _, ids)| Arc::clone(ids))
    }

    fn put(&mut self, key: String, generation: u64, ids: Arc<Vec<AddressId>>) {
        self.kept
            .retain(|(known, at, _)| *known != key && *at == generation);
        if self.kept.len() == Self::ROOM {
            self.kept.remove(0);
        }
        self.kept.push((key, generation, ids));
    }

    /// Forgets everything, when something other than the book changed.
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
    }
}

/// Answers `read address`.
pub(crate) fn read(
    state: &mut State,
    quirks: &Quirks,
    caller: &Caller,
    resource: &ResourceId,
    parameters: &Map<String, Json>,
) -> Result<Answered, Failure> {
    let right = state.rights(caller).address_read;
    if right == Right::None {
        return if quirks.missing_right_is_empty {
            Ok(Answered::records(Some(0), String::new()))
        } else {
            Err(fail_with(253, "address"))
        };
    }
    let selected = selected(&state.columns(quirks), parameters)?;
    let format = format(parameters)?;
    let own = (right == Right::Own).then(|| state.login(caller).to_owned());
    let page = page(state, quirks, own.as_deref(), resource, parameters)?;

    let columns = state.columns(quirks);
    let mut out = PhpJson::new(quirks.php_escapes);
    for (position, id) in page.ids.iter().enumerate() {
        let Some(address) = state.book().get(*id) else {
            continue;
        };
        if position > 0 {
            out.raw(",");
        }
        let number = i64::from(address.id);
        out.raw("{\"id\":").number(number);
        out.raw(",\"type\":\"address\",\"elements\":{\"id\":")
            .number(number);
        for (name, column) in &selected {
            columns.write(name, column, address, format, &mut out);
        }
        out.raw("}}");
    }
    Ok(Answered::records(Some(page.total), out.finish()))
}

fn selected(
    columns: &Columns<'_>,
    parameters: &Map<String, Json>,
) -> Result<Vec<(String, Column)>, Failure> {
    let names = match parameters.get("data") {
        None | Some(Json::Null) => return Err(fail_with(167, "data")),
        Some(Json::Array(names)) if names.is_empty() => return Err(fail_with(167, "data")),
        Some(Json::Array(names)) => names,
        Some(_) => return Err(fail(74)),
    };
    let mut selected: Vec<(String, Column)> = Vec::with_capacity(names.len());
    for name in names {
        let Json::String(name) = name else {
            return Err(fail(291));
        };
        if selected.iter().any(|(known, _)| known == name) {
            continue;
        }
        if let Some(column) = columns.selectable(name)? {
            selected.push((name.clone(), column));
        }
    }
    // a list of nothing but the record number is refused even though records carry it
    if let [(name, Column::Id)] = selected.as_slice() {
        return Err(fail_with(141, name));
    }
    Ok(selected)
}

fn format(parameters: &Map<String, Json>) -> Result<Format, Failure> {
    let country = match parameters.get("countryIsoCodeType") {
        None | Some(Json::Null) => CountryForm::Name,
        Some(Json::String(word)) if word == "ISO-3166-2" => CountryForm::Alpha2,
        Some(Json::String(word)) if word == "ISO-3166-3" => CountryForm::Alpha3,
        Some(_) => return Err(fail_with(255, "countryIsoCodeType")),
    };
    if let Some(language) = parameters.get("outputlanguage") {
        let known = language.as_str().is_some_and(|code| {
            code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
        });
        if !known {
            return Err(fail_with(160, language.as_str().unwrap_or("")));
        }
    }
    Ok(Format {
        formatted: flag(parameters, "formatoutput"),
        country,
    })
}

/// `listoffset` and `listlimit` of a read.
///
/// # Errors
/// 228 for what is no number.
pub(crate) fn window(
    quirks: &Quirks,
    parameters: &Map<String, Json>,
) -> Result<(usize, usize), Failure> {
    let limit = match integer(parameters, "listlimit")? {
        None | Some(..=0) => DEFAULT_LIMIT,
        Some(limit) => match usize::try_from(limit).unwrap_or(usize::MAX) {
            asked @ ..=MAX_LIMIT => asked,
            _ if quirks.listlimit_over_500 == OverLimit::Cap => MAX_LIMIT,
            _ => DEFAULT_LIMIT,
        },
    };
    let offset =
        usize::try_from(integer(parameters, "listoffset")?.unwrap_or(0).max(0)).unwrap_or(0);
    Ok((offset, limit))
}

struct Page {
    ids: Vec<AddressId>,
    total: usize,
}

fn page(
    state: &mut State,
    quirks: &Quirks,
    own: Option<&str>,
    resource: &ResourceId,
    parameters: &Map<String, Json>,
) -> Result<Page, Failure> {
    let single = match resource {
        ResourceId::Number(id) => Some(u32::try_from(*id).unwrap_or(0)),
        // a UUID or a word matches no record
        ResourceId::Word(_) => Some(0),
        ResourceId::None => None,
    };
    if let Some(id) = single {
        let ids: Vec<AddressId> = state
            .book()
            .get(id)
            .filter(|address| is_own(state, address, own))
            .map(|address| address.id)
            .into_iter()
            .collect();
        let total = ids.len();
        return Ok(Page { ids, total });
    }
    let (offset, limit) = window(quirks, parameters)?;
    let cut = |ids: &[AddressId]| Page {
        total: ids.len(),
        ids: ids.iter().skip(offset).take(limit).copied().collect(),
    };
    let given = parameters.get("recordids").filter(|ids| !ids.is_null());
    let wanted = given.map(record_ids).transpose()?;
    let filter = filter(state, quirks, parameters)?;
    let sort = sort(&state.columns(quirks), quirks, parameters)?;

    if let Some(wanted) = wanted {
        let columns = state.columns(quirks);
        let mut ids: Vec<AddressId> = wanted
            .into_iter()
            .filter_map(|id| state.book().get(id))
            .filter(|address| {
                is_own(state, address, own)
                    && filter
                        .each
                        .iter()
                        .all(|each| each.matches(address, &columns))
            })
            .map(|address| address.id)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        sort_ids(state, quirks, &mut ids, sort.as_ref());
        return Ok(cut(&ids));
    }
    let all = filter.each.iter().all(Filter::is_empty) && own.is_none() && quirks.archived_listed;
    if all && sort.is_none() {
        return Ok(cut(state.book().ids()));
    }
    let key = format!(
        "{}|{:?}|{sort:?}|{own:?}|{}",
        parameters.get("filter").unwrap_or(&Json::Null),
        parameters.get("filterid"),
        quirks.archived_listed
    );
    let generation = state.book().generation();
    if let Some(ids) = state.queries().get(&key, generation) {
        return Ok(cut(&ids));
    }
    let columns = state.columns(quirks);
    let mut ids = filter.first().select(state.book(), &columns);
    ids.retain(|id| {
        state.book().get(*id).is_some_and(|address| {
            filter
                .each
                .iter()
                .skip(1)
                .all(|each| each.matches(address, &columns))
                && is_own(state, address, own)
                && (quirks.archived_listed
                    || filter.about_status
                    || !address.is_archived(columns.fields))
        })
    });
    sort_ids(state, quirks, &mut ids, sort.as_ref());
    let page = cut(&ids);
    state.queries_mut().put(key, generation, Arc::new(ids));
    Ok(page)
}

struct Filters {
    /// That of the request first, then that of `filterid`; both must let a record through.
    each: Vec<Filter>,
    about_status: bool,
}

impl Filters {
    fn first(&self) -> &Filter {
        &self.each[0]
    }
}

fn filter(
    state: &State,
    quirks: &Quirks,
    parameters: &Map<String, Json>,
) -> Result<Filters, Failure> {
    let columns = state.columns(quirks);
    let written = parameters.get("filter").unwrap_or(&Json::Null);
    let about_status = written.get("Status").is_some() || written.get("Status2Adr").is_some();
    let mut each = vec![Filter::parse(written, &columns)?];
    if let Some(id) = integer(parameters, "filterid")? {
        let saved = state
            .saved_filter(id)
            .ok_or_else(|| fail_with(284, &id.to_string()))?;
        each.push(Filter::parse(&saved.filter, &columns)?);
    }
    Ok(Filters { each, about_status })
}

/// The ids of `recordids`: numbers or numeric text, at most 500.
fn record_ids(written: &Json) -> Result<Vec<AddressId>, Failure> {
    let Json::Array(items) = written else {
        return Err(fail(74));
    };
    if items.len() > MAX_LIMIT {
        return Err(fail(302));
    }
    items
        .iter()
        .map(|item| {
            let number = match item {
                Json::Number(number) => number.as_i64(),
                Json::String(text) => text.trim().parse().ok(),
                _ => None,
            };
            let number = number.ok_or_else(|| fail_with(228, "recordids"))?;
            Ok(AddressId::try_from(number).unwrap_or(0))
        })
        .collect()
}

#[derive(Debug)]
struct Sort {
    column: Column,
    descending: bool,
}

fn sort(
    columns: &Columns<'_>,
    quirks: &Quirks,
    parameters: &Map<String, Json>,
) -> Result<Option<Sort>, Failure> {
    let (name, order) = match parameters.get("sortby") {
        Some(Json::String(name)) if !name.is_empty() => (
            name.as_str(),
            parameters.get("sortorder").and_then(Json::as_str),
        ),
        Some(Json::Object(map)) if quirks.sort_map == SortMap::Works => match map.iter().next() {
            Some((name, order)) => (name.as_str(), order.as_str()),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let column = columns.sortable(name).ok_or_else(|| fail(212))?;
    Ok(Some(Sort {
        column,
        descending: order.is_some_and(|word| word.eq_ignore_ascii_case("desc")),
    }))
}

/// Puts ids, ascending so far, into the order asked for; equal ones stay ascending by id.
fn sort_ids(state: &State, quirks: &Quirks, ids: &mut [AddressId], sort: Option<&Sort>) {
    let Some(sort) = sort else {
        return;
    };
    let columns = state.columns(quirks);
    let address = |id: &AddressId| state.book().get(*id);
    match (&sort.column, columns.kind(&sort.column)) {
        (Column::Id, _) => {}
        (Column::CustomerNumber, _) => {
            ids.sort_by_key(|id| address(id).map(|found| found.customer_number));
        }
        (Column::Changed, _) => ids.sort_by_key(|id| address(id).map(|found| found.changed)),
        (column, FieldType::Integer | FieldType::Float) => {
            ids.sort_by_cached_key(|id| {
                let text = address(id).map(|found| columns.text(column, found));
                let number: f64 = text.and_then(|text| text.parse().ok()).unwrap_or(0.0);
                // sorts as the number itself does
                let bits = number.to_bits().cast_signed();
                bits ^ (((bits >> 63).cast_unsigned()) >> 1).cast_signed()
            });
        }
        (column, _) => {
            ids.sort_by_cached_key(|id| {
                address(id).map(|found| fold(&columns.text(column, found)))
            });
        }
    }
    if sort.descending {
        ids.reverse();
    }
}

fn is_own(state: &State, address: &Address, own: Option<&str>) -> bool {
    own.is_none_or(|login| {
        state
            .fields()
            .index("Benutzer")
            .is_some_and(|field| address.text(field) == login)
    })
}
