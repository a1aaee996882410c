//! Contact entries: phones, faxes and e-mail addresses.
//!
//! The vendor keeps any number of entries in three classes, each entry with a type (plain, private,
//! business; phones also mobile) and one main entry in each class. Reads spell an entry as
//! `<class or mobile>[<type>]__<entry id>`, with the comment beside it as `…__Comment`; main entries
//! come once more under `default…` (documented: "Read Addresses", second example). Create takes one
//! value for each type, modify one change for each type (see `diff`).
//!
//! Here each class is one field of kind points: `phones` (mobiles included), `faxes`, `emails`.

mod diff;

use record::{Field, Point, PointKind, Value};
use serde_json::{Map, Value as Json};

pub(crate) use diff::{Round, rounds};

/// A class of contact entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Phones,
    Faxes,
    Emails,
}

impl Class {
    pub(crate) const ALL: [Self; 3] = [Self::Emails, Self::Phones, Self::Faxes];

    /// Our field.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Phones => "phones",
            Self::Faxes => "faxes",
            Self::Emails => "emails",
        }
    }

    /// What people call it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Phones => "Telefonnummern",
            Self::Faxes => "Telefaxnummern",
            Self::Emails => "E-Mail-Adressen",
        }
    }

    /// The vendor's field with the value of the main entry.
    pub(crate) fn main_field(self) -> &'static str {
        match self {
            Self::Phones => "Telefon1",
            Self::Faxes => "Telefax1",
            Self::Emails => "Email",
        }
    }

    /// What to ask for in a read.
    pub(crate) fn asked(self) -> &'static [&'static str] {
        match self {
            Self::Phones => &["phone", "mobile", "defaultphone"],
            Self::Faxes => &["fax", "defaultfax"],
            Self::Emails => &["email", "defaultemail"],
        }
    }

    /// The parameters of create and modify that carry entries.
    pub(crate) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Phones => &["phone", "phone_private", "phone_business", "mobile"],
            Self::Faxes => &["fax", "fax_private", "fax_business"],
            Self::Emails => &["email", "email_private", "email_business"],
        }
    }

    /// The parameter of create that names the main entry by its value.
    fn default_key(self) -> &'static str {
        match self {
            Self::Phones => "default_phone",
            Self::Faxes => "default_fax",
            Self::Emails => "default_email",
        }
    }

    /// The class of our field.
    pub(crate) fn of_field(field: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.field() == field)
    }

    /// The class that one of the vendor's parameters or pseudo-fields belongs to.
    pub(crate) fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| {
            class.keys().contains(&key)
                || class.asked().contains(&key)
                || class.default_key() == key
        })
    }

    /// Whether a point may stand in this class.
    pub(crate) fn takes(self, kind: PointKind) -> bool {
        match self {
            Self::Phones => matches!(kind, PointKind::Phone | PointKind::Mobile),
            Self::Faxes => kind == PointKind::Fax,
            Self::Emails => kind == PointKind::Email,
        }
    }

    /// The parameter that an entry of this kind and label goes by.
    fn key(self, point: &Point) -> &'static str {
        let [plain, private, business, ..] = self.keys() else {
            unreachable!("each class has three types")
        };
        match (point.kind, point.label.as_deref()) {
            (PointKind::Mobile, _) => "mobile",
            (_, Some("private")) => private,
            (_, Some("business")) => business,
            _ => plain,
        }
    }

    /// Reads the entries of this class out of a record's elements.
    ///
    /// The main one is the one that also comes as default entry; without any such, the one that is
    /// spelt like the main field.
    pub(crate) fn read(self, elements: &Map<String, Json>) -> Field {
        let mut entries: Vec<(u64, Point)> = Vec::new();
        let mut mains: Vec<u64> = Vec::new();
        let own = |key: &str| self.asked().iter().any(|asked| key.starts_with(asked));
        for (key, value) in elements.iter().filter(|(key, _)| own(key)) {
            let Some((name, id)) = key.rsplit_once("__") else {
                continue;
            };
            let (Ok(id), Some(value)) = (id.parse::<u64>(), value.as_str()) else {
                continue;
            };
            if value.trim().is_empty() {
                continue;
            }
            if self.asked().last().is_some_and(|main| name == *main) {
                mains.push(id);
            } else if let Some((kind, label)) = self.entry(name) {
                entries.push((
                    id,
                    Point {
                        kind,
                        value: value.to_owned(),
                        label,
                        main: false,
                    },
                ));
            }
        }
        // entry ids rise in the order in which entries were made
        entries.sort_by_key(|(id, _)| *id);
        let main = match mains.is_empty() {
            false => entries.iter().position(|(id, _)| mains.contains(id)),
            true => elements
                .get(self.main_field())
                .and_then(Json::as_str)
                .and_then(|main| {
                    entries
                        .iter()
                        .position(|(_, point)| point.value.trim() == main.trim())
                }),
        };
        if let Some(main) = main {
            entries[main].1.main = true;
        }
        Field::of(Value::Points(
            entries.into_iter().map(|(_, point)| point).collect(),
        ))
    }

    /// Kind and label of an entry whose key begins with this.
    fn entry(self, name: &str) -> Option<(PointKind, Option<String>)> {
        let (kind, rest) = match self {
            Self::Phones => match name.strip_prefix("mobile") {
                Some(rest) => (PointKind::Mobile, rest),
                None => (PointKind::Phone, name.strip_prefix("phone")?),
            },
            Self::Faxes => (PointKind::Fax, name.strip_prefix("fax")?),
            Self::Emails => (PointKind::Email, name.strip_prefix("email")?),
        };
        let label = rest.trim_matches('_');
        Some((kind, (!label.is_empty()).then(|| label.to_owned())))
    }

    /// The parameters of a create for these points, and the points that found no place in it: create
    /// takes one value for each type.
    ///
    /// The main entry is always named, the first one if no point is the main one: by some reports, reads
    /// show nothing but main entries, so a contact without one would look empty.
    pub(crate) fn create(self, points: &[Point]) -> (Map<String, Json>, Vec<Point>) {
        let wanted = distinct(points);
        let main = wanted.iter().position(|point| point.main).unwrap_or(0);
        let mut parameters = Map::new();
        let mut left = Vec::new();
        let main_first = wanted.get(main).into_iter();
        let others = wanted
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != main)
            .map(|(_, point)| point);
        for point in main_first.chain(others) {
            let key = self.key(point);
            if parameters.contains_key(key) {
                left.push(Point {
                    main: false,
                    ..point.clone()
                });
            } else {
                parameters.insert(key.to_owned(), Json::from(point.value.clone()));
            }
        }
        if let Some(main) = wanted.get(main) {
            parameters.insert(
                self.default_key().to_owned(),
                Json::from(main.value.clone()),
            );
        }
        (parameters, left)
    }
}

/// The points without blanks and repeated values.
fn distinct(points: &[Point]) -> Vec<Point> {
    let mut distinct: Vec<Point> = Vec::with_capacity(points.len());
    for point in points.iter().filter(|point| !point.value.trim().is_empty()) {
        match distinct
            .iter_mut()
            .find(|known| same(&known.value, &point.value))
        {
            Some(known) => known.main |= point.main,
            None => distinct.push(point.clone()),
        }
    }
    distinct
}

/// Whether two entries are spelt alike. White space at the ends does not count: it is not worth a write.
fn same(a: &str, b: &str) -> bool {
    a.trim() == b.trim()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn point(kind: PointKind, value: &str, label: Option<&str>, main: bool) -> Point {
        Point {
            kind,
            value: value.into(),
            label: label.map(str::to_owned),
            main,
        }
    }

    fn read(class: Class, elements: Json) -> Vec<Point> {
        match class.read(elements.as_object().unwrap()) {
            Field::Value(Value::Points(points)) => points,
            Field::Empty => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn entries_are_read_with_type_and_main_one() {
        let elements = json!({
            "id": 7, "phone__13021": "0241 24561", "phone__13021__Comment": "Zentrale",
            "mobile__13022": "0170 1234567", "phone_business__13020": "0241 1",
            "phoneprivate__13029": "0241 2", "defaultphone__13022": "0170 1234567", "phone__": "x",
            "phone__x1": "x", "fax__13023": "0241 9", "email__13027": "Erika@beispiel.de ",
            "email__13028": null, "Email": "Erika@beispiel.de", "phone__13030": " ",
        });
        assert_eq!(
            read(Class::Phones, elements.clone()),
            [
                point(PointKind::Phone, "0241 1", Some("business"), false),
                point(PointKind::Phone, "0241 24561", None, false),
                point(PointKind::Mobile, "0170 1234567", None, true),
                point(PointKind::Phone, "0241 2", Some("private"), false),
            ]
        );
        assert_eq!(
            read(Class::Emails, elements.clone()),
            [point(PointKind::Email, "Erika@beispiel.de ", None, true)]
        );
        assert_eq!(
            read(Class::Faxes, elements),
            [point(PointKind::Fax, "0241 9", None, false)]
        );
        assert_eq!(Class::Faxes.read(&Map::new()), Field::Empty);
    }

    #[test]
    fn a_create_has_one_value_for_each_type_and_names_the_main_one() {
        let (parameters, left) = Class::Phones.create(&[
            point(PointKind::Phone, "1", None, false),
            point(PointKind::Phone, "2", None, true),
            point(PointKind::Phone, "3", Some("business"), false),
            point(PointKind::Mobile, "4", Some("private"), false),
            point(PointKind::Phone, " ", None, false),
            point(PointKind::Phone, "3", None, false),
        ]);
        assert_eq!(
            Json::from(parameters),
            json!({"phone": "2", "phone_business": "3", "mobile": "4", "default_phone": "2"})
        );
        assert_eq!(left, [point(PointKind::Phone, "1", None, false)]);

        let (parameters, _) =
            Class::Emails.create(&[point(PointKind::Email, "a@b.de", Some("work"), false)]);
        assert_eq!(
            Json::from(parameters),
            json!({"email": "a@b.de", "default_email": "a@b.de"})
        );
        assert!(Class::Emails.create(&[]).0.is_empty());
    }
}
