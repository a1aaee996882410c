//! Writing phone, fax and e-mail entries: flat on create, as action objects on modify.

use serde_json::{Map, Value as Json};

use super::address::{Address, Entry, Kind, Line, Usage, contact_key, looks_mobile};
use super::book::fold;
use super::errors::{Failure, fail, fail_with};
use super::fields::shorten;
use super::quirks::{FirstEntry, Quirks};

/// Where new entries get their ids from, and what decides how a number is filed.
pub(crate) struct Desk<'a> {
    pub(crate) quirks: &'a Quirks,
    /// The stored German name of the address's country.
    pub(crate) country: String,
    pub(crate) next_id: &'a mut dyn FnMut() -> u32,
}

/// Whether a parameter of create writes contact entries.
pub(crate) fn is_create_key(name: &str) -> bool {
    contact_key(name).is_some() || default_line(name).is_some()
}

fn default_line(name: &str) -> Option<Line> {
    Some(match name {
        "default_phone" => Line::Phone,
        "default_fax" => Line::Fax,
        "default_email" => Line::Email,
        _ => return None,
    })
}

/// The entries of a create, in the order of the parameters.
///
/// # Errors
/// 300 for a value that is no text, 258 and 260 for a default that is not among the values.
pub(crate) fn create(
    parameters: &Map<String, Json>,
    desk: &mut Desk<'_>,
) -> Result<Vec<Entry>, Failure> {
    let mut entries: Vec<Entry> = Vec::new();
    for (name, written) in parameters {
        let Some((kind, usage)) = contact_key(name) else {
            continue;
        };
        let value = value(written)?;
        if !value.is_empty() {
            entries.push(entry(kind, usage, value, desk)?);
        }
    }
    for (name, written) in parameters {
        let Some(line) = default_line(name) else {
            continue;
        };
        let wanted = value(written)?;
        if wanted.is_empty() {
            continue;
        }
        let cut = shorten(name, Some(width(line)), wanted, desk.quirks)?;
        let found = entries
            .iter_mut()
            .find(|entry| entry.kind.line() == line && *entry.value == *cut);
        match (found, line) {
            (Some(entry), _) => entry.main = true,
            (None, Line::Phone) => return Err(fail(260)),
            (None, Line::Fax) => return Err(fail_with(258, "fax")),
            (None, Line::Email) => return Err(fail_with(258, "email")),
        }
    }
    if desk.quirks.first_entry_is_main != FirstEntry::Never {
        for line in [Line::Phone, Line::Fax, Line::Email] {
            promote(&mut entries, line);
        }
    }
    Ok(entries)
}

/// Puts the entries of a create into an address that `checkDuplicate` found: what is there stays, the rest replaces the
/// entries of its kind and usage.
pub(crate) fn overwrite(address: &mut Address, new: Vec<Entry>) {
    for mut entry in new {
        let main = std::mem::replace(&mut entry.main, false);
        let same = address
            .entries
            .iter()
            .position(|known| known.kind == entry.kind && fold(&known.value) == fold(&entry.value));
        let id = match same {
            Some(place) => address.entries[place].id,
            None => {
                address
                    .entries
                    .retain(|known| (known.kind, known.usage) != (entry.kind, entry.usage));
                let id = entry.id;
                address.entries.push(entry);
                id
            }
        };
        if main {
            address.make_main(id);
        }
    }
}

/// Carries out what a modify wrote under one contact key.
///
/// # Errors
/// 141 for a plain value, 81 to 87, 259 and 300 for objects that do not hold.
pub(crate) fn modify(
    address: &mut Address,
    name: &str,
    written: &Json,
    desk: &mut Desk<'_>,
) -> Result<(), Failure> {
    let Some((kind, usage)) = contact_key(name) else {
        return Err(fail_with(141, name));
    };
    match written {
        Json::Object(action) => act(address, kind, usage, action, desk),
        Json::Array(actions) if desk.quirks.contact_action_list => {
            actions.iter().try_for_each(|action| match action {
                Json::Object(action) => act(address, kind, usage, action, desk),
                _ => Err(fail(82)),
            })
        }
        Json::Array(_) => Err(fail(82)),
        _ if desk.quirks.flat_contact_refused => Err(fail_with(141, name)),
        flat => {
            let value = value(flat)?;
            address
                .entries
                .retain(|entry| !(entry.main && entry.kind.line() == kind.line()));
            if !value.is_empty() {
                let entry = entry(kind, usage, value, desk)?;
                let id = entry.id;
                address.entries.push(entry);
                address.make_main(id);
            }
            Ok(())
        }
    }
}

fn act(
    address: &mut Address,
    kind: Kind,
    usage: Usage,
    action: &Map<String, Json>,
    desk: &mut Desk<'_>,
) -> Result<(), Failure> {
    let word = match action.get("action") {
        None | Some(Json::Null) => return Err(fail(81)),
        Some(Json::String(word)) => word.as_str(),
        Some(_) => return Err(fail(82)),
    };
    let new_value = |code: u16| -> Result<&str, Failure> {
        match action.get("newvalue") {
            None | Some(Json::Null) => Err(fail(code)),
            Some(written) => match value(written)? {
                "" => Err(fail(code)),
                text => Ok(text),
            },
        }
    };
    let default = match action.get("default") {
        None | Some(Json::Null) => None,
        Some(Json::Bool(flag)) => Some(*flag),
        Some(Json::Number(number)) => Some(number.as_i64() == Some(1)),
        Some(Json::String(text)) => Some(text == "1" || text == "true"),
        Some(_) => return Err(fail_with(259, kind.word())),
    };
    let id = match word {
        "add" => {
            let entry = entry(kind, usage, new_value(85)?, desk)?;
            let id = entry.id;
            address.entries.push(entry);
            id
        }
        "modify" => {
            let place = find(address, kind, usage, action)?;
            let changed = entry(kind, usage, new_value(85)?, desk)?;
            let known = &mut address.entries[place];
            known.kind = changed.kind;
            known.value = changed.value;
            known.id
        }
        "delete" => {
            let place = find(address, kind, usage, action)?;
            let gone = address.entries.remove(place);
            if gone.main && desk.quirks.first_entry_is_main == FirstEntry::Always {
                promote(&mut address.entries, gone.kind.line());
            }
            return Ok(());
        }
        _ => return Err(fail(82)),
    };
    match default {
        Some(true) => address.make_main(id),
        Some(false)
            if address
                .entries
                .iter()
                .any(|entry| entry.id == id && entry.main) =>
        {
            // a main entry can only be replaced by another, not be demoted
            return Err(fail_with(259, kind.word()));
        }
        _ if desk.quirks.first_entry_is_main == FirstEntry::Always => {
            promote(&mut address.entries, kind.line());
        }
        _ => {}
    }
    Ok(())
}

/// The one entry of this kind and usage that reads `oldvalue`.
fn find(
    address: &Address,
    kind: Kind,
    usage: Usage,
    action: &Map<String, Json>,
) -> Result<usize, Failure> {
    let wanted = match action.get("oldvalue") {
        None | Some(Json::Null) => return Err(fail(86)),
        Some(written) => value(written)?,
    };
    if wanted.is_empty() {
        return Err(fail(86));
    }
    let mut found = address
        .entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| (entry.kind, entry.usage) == (kind, usage))
        .filter(|(_, entry)| fold(&entry.value) == fold(wanted))
        .map(|(place, _)| place);
    match (found.next(), found.next()) {
        (Some(place), None) => Ok(place),
        (Some(_), Some(_)) => Err(fail(87)),
        (None, _) => Err(fail(83)),
    }
}

fn entry(kind: Kind, usage: Usage, value: &str, desk: &mut Desk<'_>) -> Result<Entry, Failure> {
    let value = shorten(kind.word(), Some(width(kind.line())), value, desk.quirks)?;
    let (kind, usage) = if kind == Kind::Phone && looks_mobile(&value, &desk.country) {
        (Kind::Mobile, Usage::Normal)
    } else {
        (kind, usage)
    };
    Ok(Entry {
        id: (desk.next_id)(),
        kind,
        usage,
        value: value.into(),
        comment: None,
        main: false,
    })
}

/// Makes the first entry of a line the main one where none is.
fn promote(entries: &mut [Entry], line: Line) {
    let has_main = entries
        .iter()
        .any(|entry| entry.main && entry.kind.line() == line);
    if let (false, Some(first)) = (
        has_main,
        entries.iter_mut().find(|entry| entry.kind.line() == line),
    ) {
        first.main = true;
    }
}

fn value(written: &Json) -> Result<&str, Failure> {
    match written {
        Json::String(text) => Ok(text),
        _ => Err(fail(300)),
    }
}

/// Longest e-mail and number, in characters.
fn width(line: Line) -> u16 {
    match line {
        Line::Email => 100,
        Line::Phone | Line::Fax => 40,
    }
}
