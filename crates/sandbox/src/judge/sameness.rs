//! When two values say the same, by the judge's own rules.

use std::collections::BTreeSet;

use super::Field;
use super::held::Held;
use super::terms::{Entity, Tags, Terms};
use crate::system::System;

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Same {
    Yes,
    /// Different, and declared a loss.
    Declared,
    /// Different because a system keeps the beginning of a long text.
    Cut,
    No,
}

/// Longest texts that a system holds, in characters.
fn length(system: System, field: Field) -> Option<usize> {
    if system != System::OnOffice {
        return None;
    }
    match field {
        Field::Postcode => Some(20),
        Field::Phone => Some(40),
        Field::Email => Some(100),
        Field::Birthday | Field::Country | Field::Tags | Field::Website | Field::Description => {
            None
        }
        _ => Some(80),
    }
}

/// Compares one field of two records.
pub(super) fn compare(field: Field, left: &Held, right: &Held, terms: &Terms) -> Same {
    let same = match field {
        Field::Tags => same_tags(left, right, &terms.tags),
        Field::Email => folded(&left.email) == folded(&right.email),
        Field::Phone => {
            number(&left.phone, left, &terms.home) == number(&right.phone, right, &terms.home)
        }
        Field::Website => web(&left.website) == web(&right.website),
        Field::Country => alpha2(&left.country) == alpha2(&right.country),
        _ => words(&left.shown(field)) == words(&right.shown(field)),
    };
    let cut = |short: &Held, long: &Held, system: System| {
        length(system, field).is_some_and(|length| {
            let long = long.shown(field);
            long.chars().count() > length && {
                let kept: String = long.chars().take(length).collect();
                words(&kept) == words(&short.shown(field))
            }
        })
    };
    if same {
        Same::Yes
    } else if cut(right, left, terms.right) || cut(left, right, terms.left) {
        Same::Cut
    } else if terms.losses.contains(&field) {
        Same::Declared
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

/// Where a web address leads: without its scheme, the case of its host and a slash at its end.
fn web(address: &str) -> String {
    let written = words(address);
    let bare = written
        .strip_prefix("https://")
        .or_else(|| written.strip_prefix("http://"))
        .unwrap_or(&written);
    let bare = bare.trim_end_matches('/');
    match bare.split_once('/') {
        Some((host, path)) => format!("{}/{path}", host.to_lowercase()),
        None => bare.to_lowercase(),
    }
}

/// The alpha-2 code of a code, a German name or one of three English ones; the text itself where it is neither.
fn alpha2(country: &str) -> String {
    let written = words(country);
    if written.len() == 2 {
        return written.to_uppercase();
    }
    let english = match written.to_lowercase().as_str() {
        "germany" => "DE",
        "austria" => "AT",
        "switzerland" => "CH",
        _ => "",
    };
    if !english.is_empty() {
        return english.to_owned();
    }
    crate::onoffice::country_code(&written).map_or_else(|| written.clone(), str::to_owned)
}

/// Digits with country code: `+49 (0)241 12-34` is `492411234`. A number that names no country is one of the record's country.
fn number(written: &str, held: &Held, home: &str) -> String {
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
        "" => home.to_owned(),
        // A Swiss number has nine digits behind the 0. Another one is of where the account is.
        "CH" if digits.len() != 10 => home.to_owned(),
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

/// Whether two records carry the same of the compared tags. HighLevel writes tags in small letters.
fn same_tags(left: &Held, right: &Held, tags: &Tags) -> bool {
    let all =
        |held: &Held| -> BTreeSet<String> { held.tags.iter().map(|tag| folded(tag)).collect() };
    let (left, right) = (all(left), all(right));
    match tags {
        Tags::All => left == right,
        Tags::Pairs(pairs) => pairs
            .iter()
            .all(|(one, other)| left.contains(&folded(one)) == right.contains(&folded(other))),
    }
}

/// What a matcher could have looked a record up by: a company's name, a person's e-mail addresses and numbers.
pub(super) fn keys(entity: Entity, held: &Held, home: &str) -> Vec<String> {
    if entity == Entity::Companies {
        return vec![folded(&held.name)];
    }
    let emails = held.emails.iter().map(|email| folded(email));
    let numbers = held.phones.iter().map(|phone| number(phone, held, home));
    emails
        .chain(numbers)
        .filter(|key| !key.is_empty())
        .collect()
}

/// Whether two records carry the same name, its words in any order, umlauts written out or not.
pub(super) fn same_name(one: &Held, other: &Held) -> bool {
    let plain = |text: &str| {
        folded(text)
            .replace('ä', "ae")
            .replace('ö', "oe")
            .replace('ü', "ue")
            .replace('ß', "ss")
    };
    let names = |held: &Held| {
        let whole = plain(&held.whole_name());
        let mut names: Vec<String> = whole.split_whitespace().map(str::to_owned).collect();
        names.sort_unstable();
        names
    };
    names(one) == names(other)
}
