//! The functions that formulas have: all pure, none changes its argument.

use std::str::FromStr;

use record::{Country, CountryForm, Locale, date, html, phone};
use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString};
use rust_decimal::Decimal;

use crate::{
    engine::{MAX_ELEMENTS, MAX_TEXT},
    value::number_to_dynamic,
};

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// Every function with how it is called and what it does, for help and completion.
pub const FUNCTIONS: &[(&str, &str)] = &[
    (
        "field(\"name\")",
        "the field of that name, whatever characters the name has",
    ),
    ("lower(text)", "in lower case"),
    ("upper(text)", "in upper case"),
    ("title(text)", "each word with a capital"),
    ("trim(text)", "without white space at the ends"),
    ("coalesce(a, b, …)", "the first that is not empty"),
    (
        "if_empty(value, other)",
        "the value, or the other if it is empty",
    ),
    ("is_empty(value)", "whether it is empty"),
    ("concat(a, b, …)", "one after the other"),
    (
        "join(list, separator)",
        "the elements with the separator between",
    ),
    (
        "replace(text, what, with)",
        "with every occurrence replaced",
    ),
    ("split(text, separator)", "the parts as a list"),
    (
        "split_first(text, separator)",
        "what stands before the first separator; all if there is none",
    ),
    (
        "split_last(text, separator)",
        "what stands after the last separator; all if there is none",
    ),
    (
        "contains(text or list, what)",
        "whether it holds it, in this very spelling",
    ),
    ("starts_with(text, what)", "whether it begins so"),
    ("ends_with(text, what)", "whether it ends so"),
    (
        "length(text or list)",
        "the number of characters or elements",
    ),
    ("left(text, count)", "the first characters"),
    ("right(text, count)", "the last characters"),
    ("digits(text)", "its digits only"),
    ("text(value)", "as text"),
    ("number(text)", "as a number"),
    ("round(number, places)", "rounded, half away from zero"),
    (
        "format_phone(text, country)",
        "in E.164, read as people of the country write it",
    ),
    (
        "format_date(date, form)",
        "a date in another form, such as \"%d.%m.%Y\"",
    ),
    (
        "add_days(time, days)",
        "so many days later (or earlier, with a minus): a moment as a moment, a date as a date",
    ),
    (
        "local_time(moment, zone, form)",
        "a moment as clocks in a zone show it: local_time(x, \"Europe/Berlin\", \"%Y-%m-%d %H:%M:%S\")",
    ),
    (
        "country(text, form)",
        "a country as \"alpha2\", \"alpha3\", \"german\" or \"english\"",
    ),
    ("plain_text(html)", "what a reader of the HTML sees"),
];

pub(crate) fn register(engine: &mut Engine) {
    engine
        .register_fn("lower", |value: Dynamic| {
            bounded(text_of(&value).to_lowercase())
        })
        .register_fn("upper", |value: Dynamic| {
            bounded(text_of(&value).to_uppercase())
        })
        .register_fn("title", |value: Dynamic| bounded(title(&text_of(&value))))
        .register_fn("trim", |value: Dynamic| {
            bounded(text_of(&value).trim().to_owned())
        })
        .register_fn("text", |value: Dynamic| bounded(text_of(&value)))
        .register_fn("digits", |value: Dynamic| {
            bounded(
                text_of(&value)
                    .chars()
                    .filter(char::is_ascii_digit)
                    .collect(),
            )
        })
        .register_fn("is_empty", |value: Dynamic| is_empty(&value))
        .register_fn("if_empty", |value: Dynamic, other: Dynamic| {
            first([value, other])
        })
        .register_fn("coalesce", |a: Dynamic, b: Dynamic| first([a, b]))
        .register_fn("coalesce", |a: Dynamic, b: Dynamic, c: Dynamic| {
            first([a, b, c])
        })
        .register_fn(
            "coalesce",
            |a: Dynamic, b: Dynamic, c: Dynamic, d: Dynamic| first([a, b, c, d]),
        )
        .register_fn("coalesce", first_of_five)
        .register_fn("concat", |a: Dynamic, b: Dynamic| concat(&[a, b]))
        .register_fn("concat", |a: Dynamic, b: Dynamic, c: Dynamic| {
            concat(&[a, b, c])
        })
        .register_fn(
            "concat",
            |a: Dynamic, b: Dynamic, c: Dynamic, d: Dynamic| concat(&[a, b, c, d]),
        )
        .register_fn("concat", concat_of_five)
        .register_fn("join", |list: Array, separator: ImmutableString| {
            let parts: Vec<String> = list.iter().map(text_of).collect();
            bounded_join(&parts, &separator)
        })
        .register_fn(
            "replace",
            |value: Dynamic, what: ImmutableString, with: Dynamic| {
                replace(&text_of(&value), &what, &text_of(&with))
            },
        )
        .register_fn("split", |value: Dynamic, separator: ImmutableString| {
            split(&text_of(&value), &separator)
        })
        .register_fn(
            "split_first",
            |value: Dynamic, separator: ImmutableString| {
                let text = text_of(&value);
                let part = text
                    .split_once(separator.as_str())
                    .map(|(first, _)| first.to_owned());
                bounded(part.unwrap_or(text).trim().to_owned())
            },
        )
        .register_fn(
            "split_last",
            |value: Dynamic, separator: ImmutableString| {
                let text = text_of(&value);
                let part = text
                    .rsplit_once(separator.as_str())
                    .map(|(_, last)| last.to_owned());
                bounded(part.unwrap_or(text).trim().to_owned())
            },
        )
        .register_fn("contains", |value: Dynamic, what: Dynamic| {
            contains(&value, &what)
        })
        .register_fn("starts_with", |value: Dynamic, what: ImmutableString| {
            text_of(&value).starts_with(what.as_str())
        })
        .register_fn("ends_with", |value: Dynamic, what: ImmutableString| {
            text_of(&value).ends_with(what.as_str())
        })
        .register_fn("length", |value: Dynamic| length(&value))
        .register_fn("left", |value: Dynamic, count: i64| {
            let count = usize::try_from(count).unwrap_or(0);
            bounded(text_of(&value).chars().take(count).collect())
        })
        .register_fn("right", |value: Dynamic, count: i64| {
            let text = text_of(&value);
            let skipped = text
                .chars()
                .count()
                .saturating_sub(usize::try_from(count).unwrap_or(0));
            bounded(text.chars().skip(skipped).collect())
        })
        .register_fn("number", |value: Dynamic| number(&value))
        .register_fn("round", |value: Dynamic, places: i64| {
            let places = u32::try_from(places).ok().filter(|places| *places <= 20);
            let places = places.ok_or_else(|| fail("round takes 0 to 20 places"))?;
            let rounded = decimal(&value)?.round_dp_with_strategy(
                places,
                rust_decimal::RoundingStrategy::MidpointAwayFromZero,
            );
            Ok::<_, Box<EvalAltResult>>(number_to_dynamic(rounded))
        })
        .register_fn(
            "format_phone",
            |value: Dynamic, country: ImmutableString| {
                let text = text_of(&value);
                if text.trim().is_empty() {
                    return Ok(String::new());
                }
                bounded(phone::read(&text, &Locale::new(country_of(&country)?)).into_text())
            },
        )
        .register_fn("format_date", |value: Dynamic, form: ImmutableString| {
            format_date(&text_of(&value), &form)
        })
        .register_fn("add_days", |value: Dynamic, days: i64| {
            add_days(&text_of(&value), days)
        })
        .register_fn(
            "local_time",
            |value: Dynamic, zone: ImmutableString, form: ImmutableString| {
                local_time(&text_of(&value), &zone, &form)
            },
        )
        .register_fn("country", |value: Dynamic, form: ImmutableString| {
            country(&text_of(&value), &form)
        })
        .register_fn("plain_text", |value: Dynamic| {
            bounded(html::to_text(&text_of(&value)))
        });
}

/// Any value as text; a list with commas.
pub(crate) fn text_of(value: &Dynamic) -> String {
    if value.is_unit() {
        return String::new();
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return text.to_string();
    }
    if let Ok(list) = value.as_array_ref() {
        let parts: Vec<String> = list.iter().take(MAX_ELEMENTS).map(text_of).collect();
        return parts.join(", ");
    }
    if let Ok(map) = value.as_map_ref() {
        return map.get("value").map(text_of).unwrap_or_default();
    }
    value.to_string()
}

fn fail(message: impl Into<String>) -> Box<EvalAltResult> {
    message.into().into()
}

fn bounded(text: String) -> Fallible<String> {
    if text.len() > MAX_TEXT {
        Err(fail("the text grows too long"))
    } else {
        Ok(text)
    }
}

fn bounded_join(parts: &[String], separator: &str) -> Fallible<String> {
    let length: usize = parts.iter().map(String::len).sum();
    if length + separator.len().saturating_mul(parts.len()) > MAX_TEXT {
        return Err(fail("the text grows too long"));
    }
    Ok(parts.join(separator))
}

fn is_empty(value: &Dynamic) -> bool {
    if let Ok(list) = value.as_array_ref() {
        return list.is_empty();
    }
    value.is_unit()
        || value
            .as_immutable_string_ref()
            .is_ok_and(|text| text.trim().is_empty())
}

fn first<const N: usize>(values: [Dynamic; N]) -> Dynamic {
    values
        .into_iter()
        .find(|value| !is_empty(value))
        .unwrap_or(Dynamic::UNIT)
}

fn first_of_five(a: Dynamic, b: Dynamic, c: Dynamic, d: Dynamic, e: Dynamic) -> Dynamic {
    first([a, b, c, d, e])
}

fn concat(values: &[Dynamic]) -> Fallible<String> {
    let parts: Vec<String> = values.iter().map(text_of).collect();
    bounded_join(&parts, "")
}

fn concat_of_five(a: Dynamic, b: Dynamic, c: Dynamic, d: Dynamic, e: Dynamic) -> Fallible<String> {
    concat(&[a, b, c, d, e])
}

fn replace(text: &str, what: &str, with: &str) -> Fallible<String> {
    if what.is_empty() {
        return Ok(text.to_owned());
    }
    let grown = text.len() + text.matches(what).count().saturating_mul(with.len());
    if grown > MAX_TEXT {
        return Err(fail("the text grows too long"));
    }
    Ok(text.replace(what, with))
}

fn split(text: &str, separator: &str) -> Fallible<Array> {
    if separator.is_empty() {
        return Err(fail("split needs a separator"));
    }
    let parts: Array = text
        .split(separator)
        .take(MAX_ELEMENTS + 1)
        .map(|part| Dynamic::from(part.trim().to_owned()))
        .collect();
    if parts.len() > MAX_ELEMENTS {
        return Err(fail("the list grows too long"));
    }
    Ok(parts)
}

fn title(text: &str) -> String {
    let mut titled = String::with_capacity(text.len());
    let mut inside = false;
    for character in text.chars() {
        if inside {
            titled.extend(character.to_lowercase());
        } else {
            titled.extend(character.to_uppercase());
        }
        inside = character.is_alphanumeric() || character == '\'' || character == '’';
    }
    titled
}

fn contains(value: &Dynamic, what: &Dynamic) -> bool {
    let what = text_of(what);
    match value.as_array_ref() {
        Ok(list) => list.iter().any(|element| text_of(element) == what),
        Err(_) => text_of(value).contains(&what),
    }
}

fn length(value: &Dynamic) -> i64 {
    let length = match value.as_array_ref() {
        Ok(list) => list.len(),
        Err(_) => text_of(value).chars().count(),
    };
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn decimal(value: &Dynamic) -> Fallible<Decimal> {
    let text = text_of(value);
    let text = text.trim();
    let plain = if text.contains('.') {
        text.to_owned()
    } else {
        text.replace(',', ".")
    };
    Decimal::from_str(&plain)
        .or_else(|_| Decimal::from_scientific(&plain))
        .map_err(|_| fail("this is no number"))
}

fn number(value: &Dynamic) -> Fallible<Dynamic> {
    if is_empty(value) {
        return Ok(Dynamic::UNIT);
    }
    decimal(value).map(number_to_dynamic)
}

fn country_of(text: &str) -> Fallible<Country> {
    Country::parse(text).ok_or_else(|| fail(format!("`{text}` is no country")))
}

fn country(text: &str, form: &str) -> Fallible<String> {
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    let country = country_of(text)?;
    let spelt = match form {
        "alpha2" => country.spelt(CountryForm::Alpha2, country),
        "alpha3" => country.spelt(CountryForm::Alpha3, country),
        "german" => country.german(),
        "english" => country.english(),
        _ => return Err(fail("the form is alpha2, alpha3, german or english")),
    };
    Ok(spelt.to_owned())
}

/// A moment or a date so many days later.
fn add_days(text: &str, days: i64) -> Fallible<String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    let far = || fail("this is too far away");
    let span = jiff::Span::new().try_days(days).map_err(|_| far())?;
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        let later = moment.to_zoned(jiff::tz::TimeZone::UTC).checked_add(span);
        return Ok(later.map_err(|_| far())?.timestamp().to_string());
    }
    let day = date::parse(text).ok_or_else(|| fail("this is no date"))?;
    Ok(day.checked_add(span).map_err(|_| far())?.to_string())
}

/// A moment as clocks in a zone show it.
fn local_time(text: &str, zone: &str, form: &str) -> Fallible<String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    let moment: jiff::Timestamp = text
        .parse()
        .map_err(|_| fail("this is no moment; it needs a time and a zone"))?;
    let zone = jiff::tz::TimeZone::get(zone).map_err(|_| fail("there is no such time zone"))?;
    plain_form(form)?;
    jiff::fmt::strtime::format(form, &moment.to_zoned(zone))
        .map_err(|_| fail("this is no form of a time; try \"%Y-%m-%d %H:%M:%S\""))
        .and_then(bounded)
}

fn format_date(text: &str, form: &str) -> Fallible<String> {
    if text.trim().is_empty() || date::is_zero(text) {
        return Ok(String::new());
    }
    let day = date::parse(text).ok_or_else(|| fail("this is no date"))?;
    plain_form(form)?;
    jiff::fmt::strtime::format(form, day)
        .map_err(|_| fail("this is no form of a date; try \"%d.%m.%Y\""))
        .and_then(bounded)
}

/// Whether a form is short and asks for no widths.
fn plain_form(form: &str) -> Fallible<()> {
    if form.len() > 100 {
        return Err(fail("the form of the date is too long"));
    }
    // a width such as %1000000Y would make a text of that length
    if form.bytes().filter(u8::is_ascii_digit).count() > 0 && form.contains('%') {
        let widths = form.split('%').skip(1).any(|directive| {
            directive
                .trim_start_matches(['_', '-', '^', '#', ':'])
                .starts_with(|c: char| c.is_ascii_digit())
        });
        if widths {
            return Err(fail("the form of a date takes no widths"));
        }
    }
    Ok(())
}
