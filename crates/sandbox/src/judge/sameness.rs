//! When two values say the same, by the judge's own rules.

use std::collections::BTreeSet;

use super::held::Held;
use super::{Field, Rules};

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Same {
    Yes,
    /// Different by what one system cannot hold.
    Lossy,
    No,
}

/// Longest texts that onOffice holds, in characters.
fn onoffice_length(field: Field) -> Option<usize> {
    match field {
        Field::Postcode => Some(20),
        Field::Phone => Some(40),
        Field::Email => Some(100),
        Field::Birthday | Field::Country | Field::Tags => None,
        _ => Some(80),
    }
}

/// Compares one field of a HighLevel contact with that of an onOffice address.
pub(super) fn compare(field: Field, left: &Held, right: &Held, rules: &Rules) -> Same {
    let same = match field {
        Field::Tags => tags(left, rules, false) == tags(right, rules, true),
        Field::Email => folded(&left.email) == folded(&right.email),
        Field::Phone => number(&left.phone, left, rules) == number(&right.phone, right, rules),
        Field::Country => alpha2(&left.country) == alpha2(&right.country),
        _ => words(&left.shown(field)) == words(&right.shown(field)),
    };
    let cut = || {
        onoffice_length(field).is_some_and(|length| {
            let long = left.shown(field);
            long.chars().count() > length && {
                let short: String = long.chars().take(length).collect();
                words(&short) == words(&right.shown(field))
            }
        })
    };
    if same {
        Same::Yes
    } else if (field == Field::Company && rules.company_is_create_only) || cut() {
        Same::Lossy
    } else {
        Same::No
    }
}

/// White space at the ends gone, inside single.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn folded(text: &str) -> String {
    words(text).to_lowercase()
}

/// The alpha-2 code of a code or a German name; the text itself where it is neither.
fn alpha2(country: &str) -> String {
    let written = words(country);
    if written.len() == 2 {
        return written.to_uppercase();
    }
    crate::onoffice::country_code(&written).map_or_else(|| written.clone(), str::to_owned)
}

/// Digits with country code: `+49 (0)241 12-34` is `492411234`. A number that names no country is one of the record's country.
fn number(written: &str, held: &Held, rules: &Rules) -> String {
    let international = written.trim_start().starts_with('+');
    let without_trunk = written.replace("(0)", "");
    let source = if international {
        &without_trunk
    } else {
        written
    };
    let digits: String = source.chars().filter(char::is_ascii_digit).collect();
    if international || digits.is_empty() {
        return digits;
    }
    if let Some(rest) = digits.strip_prefix("00") {
        return rest.to_owned();
    }
    let home = match alpha2(&held.country).as_str() {
        "" => rules.home.clone(),
        country => country.to_owned(),
    };
    let dial = match home.as_str() {
        "AT" => "43",
        "CH" => "41",
        "LI" => "423",
        "LU" => "352",
        "NL" => "31",
        "BE" => "32",
        "FR" => "33",
        "IT" => "39",
        "GB" => "44",
        "US" | "CA" => "1",
        _ => "49",
    };
    match digits.strip_prefix('0') {
        Some(rest) => format!("{dial}{rest}"),
        None => digits,
    }
}

/// The mapped tags of a record, as places in the rules. HighLevel writes tags in small letters.
fn tags(held: &Held, rules: &Rules, onoffice: bool) -> BTreeSet<usize> {
    rules
        .tags
        .iter()
        .enumerate()
        .filter(|(_, (tag, category))| {
            let wanted = if onoffice { category } else { tag };
            held.tags
                .iter()
                .any(|known| folded(known) == folded(wanted))
        })
        .map(|(place, _)| place)
        .collect()
}

/// What a matcher could have looked a record up by.
pub(super) fn keys(held: &Held, rules: &Rules) -> Vec<String> {
    let emails = held.emails.iter().map(|email| folded(email));
    let numbers = held.phones.iter().map(|phone| number(phone, held, rules));
    emails
        .chain(numbers)
        .filter(|key| !key.is_empty())
        .collect()
}

/// Whether two records carry the same name, in either order, umlauts written out or not.
pub(super) fn same_name(one: &Held, other: &Held) -> bool {
    let plain = |text: &str| {
        folded(text)
            .replace('ä', "ae")
            .replace('ö', "oe")
            .replace('ü', "ue")
            .replace('ß', "ss")
    };
    let names = |held: &Held| {
        let mut names = [plain(&held.first_name), plain(&held.last_name)];
        names.sort_unstable();
        names
    };
    names(one) == names(other)
}
