//! What is known of a person, as far as it tells one from another.

use jiff::civil::Date;
use record::{email, fold};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{name::Name, organisation::Organisation, phone};

/// What a record says about who it is. All values are canonical meanings (see `record::meaning`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// All e-mail addresses.
    pub emails: Vec<String>,
    /// All phone numbers; those that are not E.164 are no identity and are ignored.
    pub phones: Vec<String>,
    /// The given name or names.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// The day of birth.
    pub birthday: Option<Date>,
    /// The postcode.
    pub postcode: Option<String>,
    /// Street and number.
    pub street: Option<String>,
    /// The company.
    pub company: Option<String>,
    /// Ids that one system keeps of records of the other.
    pub external: Vec<String>,
}

/// [`Facts`] made ready for comparing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub(crate) emails: Vec<String>,
    pub(crate) phones: Vec<String>,
    pub(crate) name: Name,
    pub(crate) birthday: Option<Date>,
    pub(crate) postcode: Option<String>,
    pub(crate) street: Option<String>,
    pub(crate) company: Option<String>,
    pub(crate) external: Vec<String>,
    /// It is no person but this.
    pub(crate) organisation: Option<Organisation>,
}

/// Something by which a person can be found. Two records that share one are candidates for a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IdentityKey {
    /// What kind of key.
    pub kind: KeyKind,
    /// Its canonical form; equal exactly when the keys are.
    pub value: String,
}

/// The kinds of [`IdentityKey`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// The id that one system keeps of the record in the other.
    External,
    /// An e-mail address, in lower case.
    Email,
    /// A phone number, in E.164.
    Phone,
    /// Name and day of birth. The name counts by its initials in any order, so that typing errors and
    /// swapped names are found too.
    NameBirthday,
    /// Name and postcode. The parts of the name count in any order. Between organisations, name and whole
    /// address.
    NamePostcode,
    /// The name of an organisation, without its legal form. Only organisations are found by it.
    Name,
    /// The name of a person, with what else is known: people are found by it only where nothing else of the
    /// two can be compared (see [`Person::sought`]). It never links by itself and is no word of the config.
    #[serde(skip)]
    NameAlone,
}

impl KeyKind {
    /// The word used in config, database and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::External => "external",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::NameBirthday => "name_birthday",
            Self::NamePostcode => "name_postcode",
            Self::Name => "name",
            Self::NameAlone => "name_alone",
        }
    }
}

impl Person {
    /// Makes facts ready for comparing.
    pub fn new(facts: Facts) -> Self {
        let folded = |text: Option<String>| {
            text.map(|text| fold::loose(&text))
                .filter(|text| !text.is_empty())
        };
        let mut emails = facts.emails;
        emails.retain(|address| email::is_valid(address));
        distinct(&mut emails);
        let mut phones = facts.phones;
        phones.retain(|number| number.starts_with('+'));
        distinct(&mut phones);
        let mut external = facts.external;
        external.retain(|id| !id.is_empty());
        distinct(&mut external);
        Self {
            emails,
            phones,
            name: Name::new(facts.first_name.as_deref(), facts.last_name.as_deref()),
            birthday: facts.birthday,
            postcode: folded(facts.postcode),
            street: folded(facts.street),
            company: folded(facts.company),
            external,
            organisation: None,
        }
    }

    /// Makes facts about an organisation ready for comparing: its name is the company's.
    pub fn organisation(facts: Facts) -> Self {
        let organisation = Organisation::new(facts.company.as_deref());
        Self {
            organisation: Some(organisation),
            ..Self::new(Facts {
                first_name: None,
                last_name: None,
                birthday: None,
                ..facts
            })
        }
    }

    /// The ids by which this person is known.
    pub fn external(&self) -> impl Iterator<Item = &str> {
        self.external.iter().map(String::as_str)
    }

    /// The same person, known by these ids as well.
    #[must_use]
    pub fn with_external(mut self, ids: impl IntoIterator<Item = String>) -> Self {
        self.external
            .extend(ids.into_iter().filter(|id| !id.is_empty()));
        distinct(&mut self.external);
        self
    }

    /// Everything by which this person can be found. Who looks for others does so by [`Person::sought`].
    pub fn keys(&self) -> Vec<IdentityKey> {
        let mut keys = self.certain_keys();
        keys.extend(self.name_key(self.known()));
        keys
    }

    /// Everything by which somebody who may be the same can be found: the same keys, phone numbers in the
    /// neighbouring countries too, and a name alone only among those of whom nothing is known that is known
    /// here, so that namesakes of whom more is known are not even met.
    pub fn sought(&self) -> Vec<IdentityKey> {
        let mut keys = self.certain_keys();
        keys.extend(
            self.phones
                .iter()
                .flat_map(|number| phone::of_neighbours(number))
                .map(|value| IdentityKey {
                    kind: KeyKind::Phone,
                    value,
                }),
        );
        let known = self.known();
        let apart = (0..=Self::ALL_KNOWN).filter(|other| other & known == 0);
        keys.extend(apart.filter_map(|other| self.name_key(other)));
        keys
    }

    const ALL_KNOWN: u8 = 0b1111;

    /// What there is beside the name to tell one from another, a bit each.
    pub(crate) fn known(&self) -> u8 {
        [
            !self.emails.is_empty(),
            !self.phones.is_empty(),
            self.birthday.is_some(),
            self.postcode.is_some(),
        ]
        .into_iter()
        .enumerate()
        .fold(0, |known, (at, is)| known | u8::from(is) << at)
    }

    /// The name of a person of whom so much is known.
    fn name_key(&self, known: u8) -> Option<IdentityKey> {
        if self.organisation.is_some() {
            return None;
        }
        Some(IdentityKey {
            kind: KeyKind::NameAlone,
            value: format!("{} {known:x}", self.name.words()?),
        })
    }

    fn certain_keys(&self) -> Vec<IdentityKey> {
        let of = |kind, values: &[String]| {
            values
                .iter()
                .map(move |value| IdentityKey {
                    kind,
                    value: value.clone(),
                })
                .collect::<Vec<_>>()
        };
        let mut keys = of(KeyKind::External, &self.external);
        keys.extend(of(KeyKind::Email, &self.emails));
        keys.extend(of(KeyKind::Phone, &self.phones));
        if let Some(name) = self.organisation.as_ref().and_then(Organisation::key) {
            keys.push(IdentityKey {
                kind: KeyKind::Name,
                value: name.to_owned(),
            });
        }
        if let (Some(initials), Some(birthday)) = (self.name.initials(), self.birthday) {
            keys.push(IdentityKey {
                kind: KeyKind::NameBirthday,
                value: format!("{initials} {birthday}"),
            });
        }
        if let (Some(words), Some(postcode)) = (self.name.words(), &self.postcode) {
            keys.push(IdentityKey {
                kind: KeyKind::NamePostcode,
                value: format!("{words} {postcode}"),
            });
        }
        keys
    }
}

fn distinct(values: &mut Vec<String>) {
    values.sort_unstable();
    values.dedup();
}
