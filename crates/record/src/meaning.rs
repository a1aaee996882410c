//! What a raw value means: the form in which two spellings of one thing are equal.
//!
//! Raw values are stored and meanings are compared, at the moment of comparison. So a better
//! normaliser changes what is equal and edits nothing.

use std::{collections::BTreeSet, str::FromStr};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{Country, Field, Kind, Point, PointKind, Value, date, email, phone, text};

/// Where a value comes from, as far as its meaning depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Locale {
    /// The country of the account: how its people write phone numbers and name countries.
    pub country: Country,
    /// The country that the record itself names, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residence: Option<Country>,
}

impl Locale {
    /// The locale of an account at home in `country`.
    pub fn new(country: Country) -> Self {
        Self {
            country,
            residence: None,
        }
    }

    /// The same for a record that names its own country.
    #[must_use]
    pub fn residing(self, residence: Option<Country>) -> Self {
        Self { residence, ..self }
    }
}

/// The canonical form of a raw field of this kind. Doing it twice changes nothing.
///
/// A value that does not fit its kind keeps a canonical form of its own, so that it still equals
/// itself and still can be carried across. A value that turns out to say nothing is [`Field::Empty`].
/// An HTML value stays HTML: the text in it is [`crate::html::to_text`].
pub fn meaning(kind: Kind, field: &Field, locale: &Locale) -> Field {
    match field {
        Field::Unknown => Field::Unknown,
        Field::Empty => Field::Empty,
        Field::Value(value) => of_value(kind, value, locale),
    }
}

fn of_value(kind: Kind, value: &Value, locale: &Locale) -> Field {
    match (kind, value) {
        (Kind::Points, Value::Points(points)) => {
            Field::of(Value::Points(of_points(points, locale)))
        }
        (Kind::Set, Value::Text(text)) => Field::of(Value::Set(of_set([text.as_str()]))),
        (_, Value::Set(set)) => Field::of(Value::Set(of_set(set.iter().map(String::as_str)))),
        (Kind::Date, Value::Text(text)) => match date::parse(text) {
            Some(day) => Field::Value(Value::Date(day)),
            None if date::is_zero(text) => Field::Empty,
            None => Field::of(text::line(text)),
        },
        (Kind::Instant, Value::Text(raw)) => match Timestamp::from_str(raw.trim()) {
            Ok(instant) => Field::Value(Value::Instant(instant)),
            Err(_) if date::is_zero(raw) => Field::Empty,
            Err(_) => Field::of(text::line(raw)),
        },
        (Kind::Number, Value::Text(raw)) => match number(raw) {
            Some(number) => Field::Value(Value::Number(number)),
            None => Field::of(text::line(raw)),
        },
        (Kind::Boolean, Value::Text(raw)) => match boolean(raw) {
            Some(boolean) => Field::Value(Value::Boolean(boolean)),
            None => Field::of(text::line(raw)),
        },
        (Kind::Boolean, Value::Number(number)) if number.is_zero() => {
            Field::Value(Value::Boolean(false))
        }
        (Kind::Boolean, Value::Number(number)) if *number == Decimal::ONE => {
            Field::Value(Value::Boolean(true))
        }
        (Kind::Number, Value::Number(number)) => Field::Value(Value::Number(number.normalize())),
        (_, Value::Text(raw)) => of_text(kind, raw, locale),
        (kind, Value::Number(number)) if is_textual(kind) => {
            of_text(kind, &number.normalize().to_string(), locale)
        }
        (kind, Value::Boolean(boolean)) if is_textual(kind) => {
            of_text(kind, &boolean.to_string(), locale)
        }
        (kind, Value::Date(day)) if is_textual(kind) => of_text(kind, &day.to_string(), locale),
        (_, Value::Number(number)) => Field::Value(Value::Number(number.normalize())),
        (_, other) => Field::of(other.clone()),
    }
}

fn is_textual(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Text | Kind::LongText | Kind::Choice | Kind::User | Kind::Phone
    )
}

fn of_text(kind: Kind, raw: &str, locale: &Locale) -> Field {
    Field::of(match kind {
        Kind::LongText | Kind::Html => text::block(raw),
        Kind::Email => email::canonical(raw),
        Kind::Phone => phone::read(raw, locale).into_text(),
        Kind::Url => url(raw),
        Kind::Country(_) => match Country::parse(raw) {
            Some(country) => country.alpha2().to_owned(),
            None => text::line(raw),
        },
        _ => text::line(raw),
    })
}

fn of_set<'a>(elements: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    elements
        .into_iter()
        .map(text::line)
        .filter(|element| !element.is_empty())
        .collect()
}

/// Points without labels and without the difference between landline and mobile, which systems draw
/// each in its own way; each number once, the main ones first.
fn of_points(points: &[Point], locale: &Locale) -> Vec<Point> {
    let mut canonical: Vec<Point> = Vec::with_capacity(points.len());
    for point in points {
        let (kind, value) = match point.kind {
            PointKind::Email => (PointKind::Email, email::canonical(&point.value)),
            PointKind::Fax => (
                PointKind::Fax,
                phone::read(&point.value, locale).into_text(),
            ),
            PointKind::Phone | PointKind::Mobile => (
                PointKind::Phone,
                phone::read(&point.value, locale).into_text(),
            ),
        };
        if value.is_empty() {
            continue;
        }
        match canonical
            .iter_mut()
            .find(|known| known.kind == kind && known.value == value)
        {
            Some(known) => known.main |= point.main,
            None => canonical.push(Point {
                kind,
                value,
                label: None,
                main: point.main,
            }),
        }
    }
    canonical.sort_by(|a, b| (a.kind, !a.main, &a.value).cmp(&(b.kind, !b.main, &b.value)));
    canonical
}

fn number(raw: &str) -> Option<Decimal> {
    let compact: String = raw.chars().filter(|c| !c.is_whitespace()).collect();
    let comma = compact.rfind(',');
    let dot = compact.rfind('.');
    let plain = match (comma, dot) {
        // the later of the two separates the decimals
        (Some(comma), Some(dot)) if comma > dot => compact.replace('.', "").replace(',', "."),
        (Some(_), Some(_)) => compact.replace(',', ""),
        (Some(_), None) if compact.matches(',').count() == 1 => compact.replace(',', "."),
        _ => compact,
    };
    Decimal::from_str(&plain)
        .ok()
        .map(|number| number.normalize())
}

fn boolean(raw: &str) -> Option<bool> {
    match raw.trim().to_lowercase().as_str() {
        "1" | "true" | "yes" | "y" | "on" | "ja" | "j" => Some(true),
        "0" | "false" | "no" | "n" | "off" | "nein" => Some(false),
        _ => None,
    }
}

/// A web address without its scheme (`http` or `https`), host in lower case, no slash at the end.
fn url(raw: &str) -> String {
    let line = text::line(raw);
    let mut bare = line.as_str();
    while let Some(rest) = ["https://", "http://"].iter().find_map(|scheme| {
        let head = bare.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme)
            .then(|| bare[scheme.len()..].trim_start())
    }) {
        bare = rest;
    }
    let (host, path) = bare.split_at(bare.find(['/', '?', '#']).unwrap_or(bare.len()));
    let path = path.trim_end_matches(['/', ' ']);
    let url = text::line(&format!("{}{path}", host.to_lowercase()));
    if url.is_empty() { line } else { url }
}

#[cfg(test)]
mod tests {
    use jiff::civil;
    use proptest::prelude::*;

    use super::*;
    use crate::CountryForm;

    fn locale() -> Locale {
        Locale::new(Country::GERMANY)
    }

    fn of(kind: Kind, value: impl Into<Value>) -> Field {
        meaning(kind, &Field::Value(value.into()), &locale())
    }

    #[test]
    fn spellings_of_one_thing_mean_the_same() {
        assert_eq!(
            of(Kind::Country(CountryForm::Alpha3), "DEU"),
            Field::of("DE")
        );
        assert_eq!(
            of(Kind::Country(CountryForm::Name), "deutschland"),
            Field::of("DE")
        );
        assert_eq!(
            of(Kind::Country(CountryForm::Name), "Preußen "),
            Field::of("Preußen")
        );
        assert_eq!(
            of(Kind::Date, "1983-07-09T00:00:00.000Z"),
            Field::Value(Value::Date(civil::date(1983, 7, 9)))
        );
        assert_eq!(of(Kind::Date, "0000-00-00"), Field::Empty);
        assert_eq!(of(Kind::Boolean, "1"), Field::Value(Value::Boolean(true)));
        assert_eq!(of(Kind::Number, "1.234,50"), of(Kind::Number, "1234.5"));
        assert_eq!(
            of(Kind::Url, "HTTPS://WWW.Beispiel.de/"),
            of(Kind::Url, "www.beispiel.de")
        );
        assert_eq!(of(Kind::Text, " \u{a0}"), Field::Empty);
        assert_eq!(
            of(Kind::Phone, Value::Number(Decimal::from(24124561))),
            Field::of("+4924124561")
        );
    }

    #[test]
    fn points_are_compared_by_what_they_reach() {
        let point = |kind, value: &str, main| Point {
            kind,
            value: value.to_owned(),
            label: Some("private".to_owned()),
            main,
        };
        let one = of(
            Kind::Points,
            Value::Points(vec![
                point(PointKind::Mobile, "0151 28168313", false),
                point(PointKind::Email, "A@b.de", true),
            ]),
        );
        let other = of(
            Kind::Points,
            Value::Points(vec![
                point(PointKind::Email, "a@b.de", true),
                point(PointKind::Phone, "+4915128168313", false),
                point(PointKind::Phone, "0049151 28168313", false),
            ]),
        );
        assert_eq!(one, other);
    }

    fn kinds() -> impl Strategy<Value = Kind> {
        proptest::sample::select(vec![
            Kind::Text,
            Kind::LongText,
            Kind::Html,
            Kind::Email,
            Kind::Phone,
            Kind::Url,
            Kind::Country(CountryForm::Alpha2),
            Kind::Choice,
            Kind::Set,
            Kind::Boolean,
            Kind::Number,
            Kind::Date,
            Kind::Instant,
            Kind::Points,
            Kind::User,
            Kind::Reference(crate::Entity::Company),
        ])
    }

    fn values() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            any::<String>(),
            "[0-9+/() .,:TZ-]{0,20}",
            "(https?://)?[A-Za-z./?# ]{0,12}",
            "(ja|nein|DE|Österreich|a@B.de|0000-00-00)",
        ];
        prop_oneof![
            4 => text.clone().prop_map(Value::Text),
            1 => (any::<i64>(), 0_u32..20).prop_map(|(n, scale)| Value::Number(Decimal::new(n, scale))),
            1 => any::<bool>().prop_map(Value::Boolean),
            1 => (1..9999_i16, 1..13_i8, 1..29_i8).prop_map(|(y, m, d)| Value::Date(civil::date(y, m, d))),
            1 => (-99_999_999_999_i64..99_999_999_999).prop_map(|s| {
                Value::Instant(Timestamp::from_second(s).unwrap())
            }),
            1 => proptest::collection::btree_set(text.clone(), 0..4).prop_map(Value::Set),
            1 => proptest::collection::vec((0..4_u8, text, any::<bool>()), 0..4).prop_map(|points| {
                Value::Points(points.into_iter().map(|(kind, value, main)| Point {
                    kind: [PointKind::Phone, PointKind::Mobile, PointKind::Fax, PointKind::Email]
                        [usize::from(kind)],
                    value,
                    label: None,
                    main,
                }).collect())
            }),
        ]
    }

    proptest! {
        #[test]
        fn the_meaning_of_a_meaning_is_itself(kind in kinds(), value in values()) {
            let once = meaning(kind, &Field::Value(value), &locale());
            prop_assert_eq!(meaning(kind, &once, &locale()), once);
        }
    }
}
