//! Phone numbers: from what people type to E.164.

use std::{cell::RefCell, collections::HashMap};

use phonenumber::metadata::DATABASE;
use unicode_normalization::UnicodeNormalization;

use crate::{Country, Locale, text};

/// What a phone field means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phone {
    /// A number that can be dialled from anywhere, in E.164: `+4924124561`. An identity.
    Dialable(String),
    /// Not understood, or not diallable from outside: its digits if it is nothing but digits and
    /// separators, else its text. It can be carried across, but it is no identity.
    Other(String),
}

impl Phone {
    /// The canonical text. It begins with `+` exactly when it is an identity.
    pub fn into_text(self) -> String {
        match self {
            Self::Dialable(text) | Self::Other(text) => text,
        }
    }

    /// The number in E.164, if it is one.
    pub fn dialable(&self) -> Option<&str> {
        match self {
            Self::Dialable(number) => Some(number),
            Self::Other(_) => None,
        }
    }
}

/// Fewest and most digits of a number with its calling code (E.164 allows 15).
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Calling codes that need no look-up when no trunk zero follows: one plan, trunk prefix `0` or none.
const PLAIN_CODES: [&str; 12] = [
    "49", "43", "41", "31", "32", "33", "34", "44", "45", "46", "47", "48",
];

/// Reads a number as people of the locale write it.
///
/// A national number is first read as one of the country that the record names, and if no such
/// number can exist, as one of the account's country. Understands `00` and `+`, `(0)`, all usual
/// separators, and a word such as `Tel.` in front. Anything else is carried as it is.
pub fn read(raw: &str, locale: &Locale) -> Phone {
    if let Some(number) = plain(raw) {
        return Phone::Dialable(number);
    }
    let line = text::line(raw);
    let Some(typed) = Typed::of(&line) else {
        return Phone::Other(line);
    };
    let number = if typed.international {
        international(&typed.digits)
    } else {
        // once more as what it came to be, so that reading it again changes nothing
        national(&typed.digits, locale).and_then(|number| international(number.strip_prefix('+')?))
    };
    match number {
        Some(number) if DIGITS.contains(&(number.len() - 1)) => Phone::Dialable(number),
        _ if typed.international => Phone::Other(format!("00{}", typed.digits)),
        _ if typed.digits.len() <= *DIGITS.end() => Phone::Other(typed.digits),
        _ => Phone::Other(line),
    }
}

/// Whether a number in E.164 is a mobile one in Germany, Austria or Switzerland.
///
/// Elsewhere `false`: systems that tell the two apart here are those of these countries.
pub fn is_mobile(e164: &str) -> bool {
    [
        "+4915", "+4916", "+4917", "+436", "+4175", "+4176", "+4177", "+4178", "+4179",
    ]
    .iter()
    .any(|prefix| e164.starts_with(prefix))
}

/// What already is E.164 of a well-known plan, without any look-up.
fn plain(raw: &str) -> Option<String> {
    let digits = raw.strip_prefix('+')?;
    let national = PLAIN_CODES
        .iter()
        .find_map(|code| digits.strip_prefix(code))?;
    let plain = DIGITS.contains(&digits.len())
        && !national.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| raw.to_owned())
}

/// A number as it was typed: its digits, and whether they begin with a calling code.
struct Typed {
    digits: String,
    international: bool,
}

impl Typed {
    fn of(line: &str) -> Option<Self> {
        let ascii: String = line.nfkc().collect();
        let mut rest = without_label(&ascii);
        rest = rest.trim_start_matches(['(', ' ']);
        let plus = rest.starts_with('+');
        let rest = rest.trim_start_matches('+');
        let (rest, international) = match rest.strip_prefix("00") {
            Some(after) if !plus => (after, true),
            _ => (rest, plus),
        };
        let mut digits = String::with_capacity(rest.len());
        let mut left = rest;
        while let Some(character) = left.chars().next() {
            // the trunk zero that is left out when dialling from abroad
            if international
                && let Some(after) = left.strip_prefix("(0)")
                && !keeps_zero(&digits)
            {
                left = after;
                continue;
            }
            match character {
                '0'..='9' => digits.push(character),
                ' ' | '(' | ')' | '/' | '.' | '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '·' => {
                }
                _ => return None,
            }
            left = &left[character.len_utf8()..];
        }
        (!digits.is_empty()).then_some(Self {
            digits,
            international,
        })
    }
}

/// Without a word such as `Tel.:` in front.
fn without_label(text: &str) -> &str {
    let word_end = text
        .find(|c: char| c.is_ascii_digit() || c == '+' || c == '(')
        .unwrap_or(text.len());
    let word = text[..word_end].trim().trim_end_matches([':', '.', ' ']);
    let known = [
        "tel", "telefon", "fon", "phone", "mobil", "mobile", "handy", "fax", "telefax", "t", "m",
        "f", "h", "p", "tel.-nr", "tel.nr", "nr",
    ]
    .iter()
    .any(|label| word.eq_ignore_ascii_case(label));
    if known { &text[word_end..] } else { text }
}

/// Italy and what dials like it keep the zero.
fn keeps_zero(calling_code: &str) -> bool {
    matches!(calling_code, "39" | "378" | "379")
}

/// Digits that begin with a calling code.
fn international(digits: &str) -> Option<String> {
    let (code, plan) = (1..=3).find_map(|length| {
        let code: u16 = digits.get(..length)?.parse().ok()?;
        DATABASE.by_code(&code).map(|plan| (length, plan))
    })?;
    let mut subscriber = &digits[code..];
    let trunk = plan.first().and_then(|meta| meta.national_prefix());
    if trunk == Some("0") {
        subscriber = subscriber.trim_start_matches('0');
    }
    Some(format!("+{}{subscriber}", &digits[..code]))
}

/// Digits as they are dialled inside a country.
fn national(digits: &str, locale: &Locale) -> Option<String> {
    if let Some(number) = domestic(digits, locale) {
        return Some(number);
    }
    remembered_national(digits, locale)
}

/// A number with its trunk zero where only one country can be meant, without any look-up.
fn domestic(digits: &str, locale: &Locale) -> Option<String> {
    if locale.residence.is_some_and(|home| home != locale.country) {
        return None;
    }
    let (_, code) = [
        (Country::GERMANY, "49"),
        (Country::AUSTRIA, "43"),
        (Country::SWITZERLAND, "41"),
    ]
    .into_iter()
    .find(|(country, _)| *country == locale.country)?;
    let subscriber = digits.strip_prefix('0')?;
    let usual = (7..=12).contains(&subscriber.len()) && !subscriber.starts_with('0');
    usual.then(|| format!("+{code}{subscriber}"))
}

/// So many numbers are remembered by each thread.
const REMEMBERED: usize = 512;

/// The account's country, and that of the record.
type Place = (Country, Option<Country>);

thread_local! {
    /// What came of numbers that had to be looked up: the same one is read again for its base, its keys and its
    /// comparison.
    static KNOWN: RefCell<HashMap<Place, HashMap<String, Option<String>>>> = RefCell::default();
}

fn remembered_national(digits: &str, locale: &Locale) -> Option<String> {
    KNOWN.with_borrow_mut(|known| {
        let of_place = known.entry((locale.country, locale.residence)).or_default();
        if let Some(number) = of_place.get(digits) {
            return number.clone();
        }
        let number = slow_national(digits, locale);
        if known.values().map(HashMap::len).sum::<usize>() >= REMEMBERED {
            known.clear();
        }
        let of_place = known.entry((locale.country, locale.residence)).or_default();
        of_place.insert(digits.to_owned(), number.clone());
        number
    })
}

fn slow_national(digits: &str, locale: &Locale) -> Option<String> {
    let read = |country: Country| {
        let id = country.alpha2().parse().ok()?;
        let number = phonenumber::parse(Some(id), digits).ok()?;
        let valid = number.is_valid();
        let e164 = number.format().mode(phonenumber::Mode::E164).to_string();
        Some((e164, valid))
    };
    let home = locale.residence.unwrap_or(locale.country);
    let first = read(home);
    if let Some((number, true)) = first {
        return Some(number);
    }
    if home != locale.country
        && let Some((number, true)) = read(locale.country)
    {
        return Some(number);
    }
    first.map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn german(raw: &str) -> String {
        read(raw, &Locale::new(Country::GERMANY)).into_text()
    }

    #[test]
    fn numbers_are_understood_however_they_are_typed() {
        for raw in [
            "0241 24561",
            "0241/24561",
            "(0241) 245-61",
            "+49 241 24561",
            "+49 (0) 241 24561",
            "+49 0241 24561",
            "0049 241 24561",
            "0049(0)241-24561",
            "(+49) 241 24561",
            "Tel.: 0241 – 24561",
            "tel:+49-241-24561",
            "０２４１ 24561",
        ] {
            assert_eq!(german(raw), "+4924124561", "{raw}");
        }
        assert_eq!(german("0151-281 683 13"), "+4915128168313");
        assert_eq!(german("+39 06 6982"), "+39066982");
        assert_eq!(german("+39 (0)6 6982"), "+39066982");
        assert_eq!(german("+34 (0) 912 345 678"), "+34912345678");
        assert_eq!(german("+1 (212) 555-0123"), "+12125550123");
        let austrian = Locale::new(Country::AUSTRIA);
        assert_eq!(read("01/5886091", &austrian).into_text(), "+4315886091");
    }

    #[test]
    fn the_country_of_the_record_comes_first_where_such_a_number_can_exist() {
        let locale = Locale::new(Country::GERMANY);
        let in_austria = locale.residing(Some(Country::AUSTRIA));
        assert_eq!(
            read("0664 5262519", &in_austria).into_text(),
            "+436645262519"
        );
        let in_greece = locale.residing(Country::parse("GR"));
        assert_eq!(
            read("0151 28168313", &in_greece).into_text(),
            "+4915128168313"
        );
    }

    #[test]
    fn what_is_no_number_is_carried_and_is_no_identity() {
        for (raw, text) in [
            ("110", "110"),
            ("12 34", "1234"),
            ("keine", "keine"),
            ("0171 123 ab 18 Uhr", "0171 123 ab 18 Uhr"),
            ("0241 123456 / 0171 9876543", "0241 123456 / 0171 9876543"),
            ("+999 12345678", "0099912345678"),
            ("+", "+"),
            ("+49", "0049"),
        ] {
            let phone = read(raw, &Locale::new(Country::GERMANY));
            assert_eq!(phone, Phone::Other(text.to_owned()), "{raw}");
        }
    }

    #[test]
    fn what_is_remembered_is_of_its_place_and_is_forgotten_in_time() {
        let german = Locale::new(Country::GERMANY);
        let at_home = german.residing(Some(Country::AUSTRIA));
        for _ in 0..2 {
            let read = |locale: &Locale| read("06645262519", locale).into_text();
            assert_eq!(read(&at_home), "+436645262519");
            assert_eq!(read(&german), "+496645262519");
        }
        for number in 0..3 * REMEMBERED {
            read(&format!("0664{number:07}"), &at_home);
        }
        let held = KNOWN.with_borrow(|known| known.values().map(HashMap::len).sum::<usize>());
        assert!((1..=REMEMBERED).contains(&held), "{held}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_reading_it_again_changes_nothing(raw in "\\PC*") {
            let once = german(&raw);
            prop_assert_eq!(german(&once), once);
        }

        #[test]
        fn anything_like_a_number_is_stable_in_every_country(
            raw in "[+0]{0,3}[0-9()/ -]{1,18}",
            country in proptest::sample::select(Country::all().collect::<Vec<_>>()),
        ) {
            let locale = Locale::new(Country::GERMANY).residing(Some(country));
            let once = read(&raw, &locale).into_text();
            prop_assert_eq!(read(&once, &locale).into_text(), once);
        }

        #[test]
        fn the_short_way_says_what_the_long_way_says(
            code in proptest::sample::select(&PLAIN_CODES[..]),
            rest in "[1-9][0-9]{4,12}",
        ) {
            let number = format!("+{code}{rest}");
            prop_assert_eq!(plain(&number), Some(number.clone()));
            prop_assert_eq!(international(&number[1..]), Some(number));
        }

        #[test]
        fn the_short_way_at_home_says_what_the_long_way_says(
            country in proptest::sample::select(vec![
                Country::GERMANY,
                Country::AUSTRIA,
                Country::SWITZERLAND,
            ]),
            digits in "0[1-9][0-9]{6,11}",
        ) {
            let locale = Locale::new(country);
            prop_assert_eq!(domestic(&digits, &locale), slow_national(&digits, &locale));
        }
    }
}
