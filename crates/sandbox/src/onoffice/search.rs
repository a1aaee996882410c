//! The quicksearch: words that must all occur in what identifies a person.

use serde_json::{Map, Value as Json};

use super::address::{Address, Kind, Line};
use super::answer::Answered;
use super::book::fold;
use super::errors::{Failure, fail, fail_with};
use super::office::Right;
use super::php_json::PhpJson;
use super::quirks::Quirks;
use super::read::MAX_LIMIT;
use super::request::{Caller, ResourceId, flag, integer};
use super::state::State;

/// Answers `get search` with resource id `address`.
///
/// # Errors
/// 24 for another resource id, 69 for no input, 212 for a sort that is a map or an unknown field.
pub(crate) fn search(
    state: &State,
    quirks: &Quirks,
    caller: &Caller,
    resource: &ResourceId,
    parameters: &Map<String, Json>,
) -> Result<Answered, Failure> {
    match resource {
        ResourceId::Word(word) if word == "address" => {}
        ResourceId::Word(word) => return Err(fail_with(24, word)),
        ResourceId::Number(number) => return Err(fail_with(24, &number.to_string())),
        ResourceId::None => return Err(fail_with(24, "")),
    }
    let input = parameters
        .get("input")
        .and_then(Json::as_str)
        .unwrap_or("")
        .trim();
    if input.is_empty() {
        return Err(fail(69));
    }
    let right = state.rights(caller).address_read;
    if right == Right::None {
        return Ok(Answered::records(Some(0), String::new()));
    }
    let case_sensitive = flag(parameters, "casesensitive");
    let prepare = |text: &str| {
        if case_sensitive {
            text.to_owned()
        } else {
            text.to_lowercase()
        }
    };
    let words: Vec<String> = input.split_whitespace().map(prepare).collect();
    let only: Option<Vec<&str>> = parameters
        .get("searchparameter")
        .and_then(Json::as_array)
        .map(|names| names.iter().filter_map(Json::as_str).collect());
    let field = |name: &str, address: &Address| match name {
        "KdNr" => address.customer_number.to_string(),
        "Email" => main_email(address),
        _ => state.shown(address, name),
    };
    let login = state.login(caller);
    let mut found: Vec<&Address> = state
        .addresses()
        .filter(|address| right == Right::All || state.shown(address, "Benutzer") == login)
        .filter(|address| {
            let haystack: Vec<String> = ["Vorname", "Name", "Zusatz1", "Email", "KdNr"]
                .into_iter()
                .filter(|name| only.as_ref().is_none_or(|only| only.contains(name)))
                .map(|name| prepare(&field(name, address)))
                .collect();
            words
                .iter()
                .all(|word| haystack.iter().any(|text| text.contains(word)))
        })
        .collect();
    if let Some(sort) = parameters.get("sortby").filter(|sort| !sort.is_null()) {
        let name = sort.as_str().ok_or_else(|| fail(212))?;
        match name {
            "KdNr" => found.sort_by_key(|address| address.customer_number),
            "Vorname" | "Name" | "Zusatz1" | "Email" => {
                found.sort_by_cached_key(|address| fold(&field(name, address)));
            }
            "contactCategory" => {
                found.sort_by_cached_key(|address| state.keys(address, "ArtDaten").join(","));
            }
            "Id" => {}
            _ => return Err(fail(212)),
        }
        let order = parameters.get("sortorder").and_then(Json::as_str);
        if order.is_some_and(|order| order.eq_ignore_ascii_case("desc")) {
            found.reverse();
        }
    }
    let total = found.len();
    let limit = match integer(parameters, "listlimit")? {
        Some(limit @ 1..=500) => usize::try_from(limit).unwrap_or(MAX_LIMIT),
        _ => 20,
    };
    let all_contacts = flag(parameters, "includecontactdata");
    let mut out = PhpJson::new(quirks.php_escapes);
    for (position, address) in found.into_iter().take(limit).enumerate() {
        if position > 0 {
            out.raw(",");
        }
        hit(state, address, all_contacts, &mut out);
    }
    Ok(Answered::records(Some(total), out.finish()))
}

fn hit(state: &State, address: &Address, all_contacts: bool, out: &mut PhpJson) {
    out.raw("{\"id\":").number(i64::from(address.id));
    out.raw(",\"type\":\"address\",\"elements\":{\"customerno\":")
        .number(i64::from(address.customer_number));
    for (key, field) in [
        ("firstname", "Vorname"),
        ("surname", "Name"),
        ("company", "Zusatz1"),
    ] {
        out.raw(",").key(key).string(&state.shown(address, field));
    }
    let place = [state.shown(address, "Plz"), state.shown(address, "Ort")].join(" ");
    let line = [state.shown(address, "Strasse"), place].join(", ");
    out.raw(",")
        .key("addressDescription")
        .string(line.trim_matches([',', ' ']));
    let list = |out: &mut PhpJson, key: &str, wanted: &dyn Fn(&super::address::Entry) -> bool| {
        out.raw(",").key(key).raw("[");
        for (position, entry) in address
            .entries
            .iter()
            .filter(|entry| wanted(entry))
            .enumerate()
        {
            if position > 0 {
                out.raw(",");
            }
            out.string(&entry.value);
        }
        out.raw("]");
    };
    list(out, "emailaddress", &|entry| {
        entry.kind == Kind::Email && (all_contacts || entry.main)
    });
    if all_contacts {
        list(out, "phone", &|entry| entry.kind.line() == Line::Phone);
    }
    out.raw(",")
        .key("primaryEmail")
        .string(&main_email(address));
    out.raw("}}");
}

fn main_email(address: &Address) -> String {
    address
        .main(Line::Email)
        .map_or_else(String::new, |entry| entry.value.to_string())
}
