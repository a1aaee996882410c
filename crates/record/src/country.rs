//! Countries, whichever way a system or a person spells them.

mod table;

use std::{collections::HashMap, fmt, sync::OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{CountryForm, fold};
use table::{ALIASES, TABLE};

/// A country of ISO 3166-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(u8);

impl Country {
    /// Germany.
    pub const GERMANY: Self = Self::of_code(*b"DE");
    /// Austria.
    pub const AUSTRIA: Self = Self::of_code(*b"AT");
    /// Switzerland.
    pub const SWITZERLAND: Self = Self::of_code(*b"CH");
    /// Liechtenstein.
    pub const LIECHTENSTEIN: Self = Self::of_code(*b"LI");

    const fn of_code(code: [u8; 2]) -> Self {
        let mut index = 0;
        while index < TABLE.len() {
            let alpha2 = TABLE[index].0.as_bytes();
            if alpha2[0] == code[0] && alpha2[1] == code[1] {
                return Self(index as u8);
            }
            index += 1;
        }
        panic!("no such country in the table")
    }

    /// All countries, by alpha-2 code.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..TABLE.len()).map(|index| Self(u8::try_from(index).expect("the table is shorter")))
    }

    /// Reads a code or a German or English name, whatever its case, accents and punctuation.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() == 2
            && let Ok(index) = TABLE.binary_search_by(|row| row.0.cmp(text))
        {
            return u8::try_from(index).ok().map(Self);
        }
        // As systems spell them: nothing has to be folded for that.
        let names = names();
        names
            .spelt
            .get(text)
            .or_else(|| names.folded.get(&key(text)))
            .copied()
    }

    /// `DE`
    pub fn alpha2(self) -> &'static str {
        TABLE[usize::from(self.0)].0
    }

    /// `DEU`
    pub fn alpha3(self) -> &'static str {
        TABLE[usize::from(self.0)].1
    }

    /// `Deutschland`
    pub fn german(self) -> &'static str {
        TABLE[usize::from(self.0)].2
    }

    /// `Germany`
    pub fn english(self) -> &'static str {
        TABLE[usize::from(self.0)].3
    }

    /// Whether German is what an account at home there is likely to be kept in.
    pub fn speaks_german(self) -> bool {
        [
            Self::GERMANY,
            Self::AUSTRIA,
            Self::SWITZERLAND,
            Self::LIECHTENSTEIN,
        ]
        .contains(&self)
    }

    /// Spelt in this form, names in the language of an account at home in `account`.
    pub fn spelt(self, form: CountryForm, account: Self) -> &'static str {
        match form {
            CountryForm::Alpha2 => self.alpha2(),
            CountryForm::Alpha3 => self.alpha3(),
            CountryForm::Name if account.speaks_german() => self.german(),
            CountryForm::Name => self.english(),
        }
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.alpha2())
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.alpha2())
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.alpha2())
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no country")))
    }
}

/// A name without case, accents, punctuation and the word "and", which `&` often stands for.
fn key(text: &str) -> String {
    let folded = fold::name(text);
    if !folded.contains(' ') {
        return folded; // `AND` is Andorra
    }
    folded
        .split(' ')
        .filter(|word| !matches!(*word, "und" | "and"))
        .collect()
}

/// Every name of every country.
struct Names {
    /// As the table has them.
    spelt: HashMap<&'static str, Country>,
    /// By their [`key`].
    folded: HashMap<String, Country>,
}

fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| {
        let (mut spelt, mut folded) = (HashMap::new(), HashMap::new());
        for country in Country::all() {
            for name in [
                country.alpha2(),
                country.alpha3(),
                country.german(),
                country.english(),
            ] {
                spelt.insert(name, country);
                folded.insert(key(name), country);
            }
        }
        for (name, code) in ALIASES {
            let index = TABLE
                .binary_search_by(|row| row.0.cmp(code))
                .expect("an alias names a code of the table");
            let country = Country(u8::try_from(index).expect("the table is shorter"));
            folded.entry(key(name)).or_insert(country);
        }
        Names { spelt, folded }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_says_what_folding_says() {
        let names = names();
        for (name, country) in &names.spelt {
            assert_eq!(names.folded.get(&key(name)), Some(country), "{name}");
        }
    }

    #[test]
    fn every_spelling_of_every_country_leads_back_to_it() {
        assert_eq!(Country::all().count(), 250);
        for country in Country::all() {
            for form in [CountryForm::Alpha2, CountryForm::Alpha3, CountryForm::Name] {
                for account in [Country::GERMANY, Country::parse("GB").unwrap()] {
                    let spelt = country.spelt(form, account);
                    assert_eq!(Country::parse(spelt), Some(country), "{spelt}");
                    assert_eq!(
                        Country::parse(&spelt.to_lowercase()),
                        Some(country),
                        "{spelt}"
                    );
                }
            }
        }
        for (name, code) in ALIASES {
            assert_eq!(Country::parse(name).unwrap().alpha2(), *code, "{name}");
        }
    }

    #[test]
    fn spellings_of_people_are_understood_and_others_are_not() {
        for (text, code) in [
            ("Oesterreich", "AT"),
            ("ÖSTERREICH ", "AT"),
            ("U.S.A.", "US"),
            ("deu", "DE"),
            ("Bosnien & Herzegowina", "BA"),
            ("Cote d'Ivoire", "CI"),
        ] {
            assert_eq!(
                Country::parse(text).map(Country::alpha2),
                Some(code),
                "{text}"
            );
        }
        for text in ["", "  ", "XX", "Bayern", "Deutschland/Polen"] {
            assert_eq!(Country::parse(text), None, "{text}");
        }
    }
}
