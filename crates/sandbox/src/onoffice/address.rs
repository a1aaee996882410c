//! One address: its plain values, its phone, fax and e-mail entries, its stamps.

use super::fields::{FieldIndex, FieldType, Fields, Value};
use super::local_time::CivilSeconds;

/// The API id of an address. Not the customer number.
pub type AddressId = u32;

/// What kind of contact entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A number that is no mobile.
    Phone,
    /// A mobile number.
    Mobile,
    /// A fax number.
    Fax,
    /// An e-mail address.
    Email,
}

/// Where an entry belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Usage {
    /// Neither private nor business.
    Normal,
    /// `…_private`.
    Private,
    /// `…_business`.
    Business,
}

/// Main entries are one per line: phones and mobiles share one, faxes and e-mails have their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Phone,
    Fax,
    Email,
}

impl Line {
    pub(crate) const COUNT: usize = 3;
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Phone, Self::Mobile, Self::Fax, Self::Email];

    pub(crate) fn line(self) -> Line {
        match self {
            Self::Phone | Self::Mobile => Line::Phone,
            Self::Fax => Line::Fax,
            Self::Email => Line::Email,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Mobile => "mobile",
            Self::Fax => "fax",
            Self::Email => "email",
        }
    }
}

impl Usage {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Normal => "",
            Self::Private => "private",
            Self::Business => "business",
        }
    }
}

/// The parameter names that write contact entries.
pub(crate) fn contact_key(name: &str) -> Option<(Kind, Usage)> {
    Some(match name {
        "phone" => (Kind::Phone, Usage::Normal),
        "phone_private" => (Kind::Phone, Usage::Private),
        "phone_business" => (Kind::Phone, Usage::Business),
        "mobile" => (Kind::Mobile, Usage::Normal),
        "fax" => (Kind::Fax, Usage::Normal),
        "fax_private" => (Kind::Fax, Usage::Private),
        "fax_business" => (Kind::Fax, Usage::Business),
        "email" => (Kind::Email, Usage::Normal),
        "email_private" => (Kind::Email, Usage::Private),
        "email_business" => (Kind::Email, Usage::Business),
        _ => return None,
    })
}

/// One phone number, fax number or e-mail address of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Unique within the client; part of the key in reads.
    pub id: u32,
    /// What it is.
    pub kind: Kind,
    /// Where it belongs.
    pub usage: Usage,
    /// As it was written.
    pub value: Box<str>,
    /// A remark that only the user interface writes.
    pub comment: Option<Box<str>>,
    /// Whether it is the main one of its line (`Email`, `Telefon1`, `Telefax1`).
    pub main: bool,
}

/// Who made an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// A client of the API.
    Api,
    /// A person in the user interface.
    Person,
    /// The filling of the sandbox.
    Seed,
}

/// One address record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The API id.
    pub id: AddressId,
    /// `KdNr`.
    pub customer_number: u32,
    /// Stored values by field, sorted by field. What is missing is empty.
    values: Vec<(FieldIndex, Value)>,
    /// Who made it.
    pub maker: Maker,
    /// Contact entries in the order in which they were made.
    pub entries: Vec<Entry>,
    /// `Aenderung`.
    pub(crate) changed: CivilSeconds,
    /// When it was made.
    pub(crate) created: CivilSeconds,
}

impl Address {
    pub(crate) fn new(id: AddressId, customer_number: u32, now: CivilSeconds) -> Self {
        Self {
            id,
            customer_number,
            maker: Maker::Api,
            values: Vec::new(),
            entries: Vec::new(),
            changed: now,
            created: now,
        }
    }

    /// The stored value of a field.
    pub(crate) fn value(&self, field: FieldIndex) -> Option<&Value> {
        self.values
            .binary_search_by_key(&field, |(index, _)| *index)
            .ok()
            .map(|place| &self.values[place].1)
    }

    /// The stored text of a field, `""` where there is none.
    pub(crate) fn text(&self, field: FieldIndex) -> &str {
        match self.value(field) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// Stores a value, or removes it.
    pub(crate) fn set(&mut self, field: FieldIndex, value: Option<Value>) {
        match (
            self.values
                .binary_search_by_key(&field, |(index, _)| *index),
            value,
        ) {
            (Ok(place), Some(value)) => self.values[place].1 = value,
            (Ok(place), None) => drop(self.values.remove(place)),
            (Err(place), Some(value)) => self.values.insert(place, (field, value)),
            (Err(_), None) => {}
        }
    }

    /// Every stored value.
    pub(crate) fn values(&self) -> impl Iterator<Item = (FieldIndex, &Value)> {
        self.values.iter().map(|(index, value)| (*index, value))
    }

    /// The main entry of a line.
    pub(crate) fn main(&self, line: Line) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.main && entry.kind.line() == line)
    }

    /// Makes one entry the main one of its line.
    pub(crate) fn make_main(&mut self, entry_id: u32) {
        let Some(line) = self
            .entries
            .iter()
            .find(|entry| entry.id == entry_id)
            .map(|entry| entry.kind.line())
        else {
            return;
        };
        for entry in &mut self.entries {
            if entry.kind.line() == line {
                entry.main = entry.id == entry_id;
            }
        }
    }

    /// Whether two states hold the same values and entries; stamps aside, and a cleared multiselect equals an empty one.
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        let filled = |address: &Self| {
            address
                .values
                .iter()
                .filter(|(_, value)| !matches!(value, Value::Keys(keys) if keys.is_empty()))
                .cloned()
                .collect::<Vec<_>>()
        };
        self.entries == other.entries && filled(self) == filled(other)
    }

    /// Whether it is archived (`Status2Adr`).
    pub(crate) fn is_archived(&self, fields: &Fields) -> bool {
        fields
            .index("Status2Adr")
            .is_some_and(|field| self.text(field) == "status2adr_archive")
    }

    /// Every plain value as a read without formatting shows it, for judges and tests.
    pub(crate) fn shown(&self, fields: &Fields, field: FieldIndex) -> String {
        match self.value(field) {
            Some(Value::Text(text)) => text.to_string(),
            Some(Value::Keys(keys)) => pipes(keys),
            None if fields.get(field).kind == FieldType::MultiSelect => String::new(),
            None => fields.get(field).kind.empty().to_owned(),
        }
    }
}

/// `|a||b|`.
pub(crate) fn pipes(keys: &[Box<str>]) -> String {
    keys.iter().map(|key| format!("|{key}|")).collect()
}

/// Whether a number looks like a mobile one, so that onOffice files it under `mobile`.
///
/// Numbers without a country code count as those of the address's country, Germany where it says nothing.
pub(crate) fn looks_mobile(number: &str, country: &str) -> bool {
    let digits = international_digits(number, country);
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| digits.starts_with(prefix));
    starts(&["4915", "4916", "4917"])
        || starts(&[
            "43650", "43660", "43664", "43676", "43677", "43678", "43680", "43681", "43688",
            "43699",
        ])
        || starts(&["4174", "4175", "4176", "4177", "4178", "4179"])
}

/// Digits with country code, without `+` or leading zeros: `0241 24561` in Germany is `4924124561`.
pub(crate) fn international_digits(number: &str, country: &str) -> String {
    let trimmed = number.trim();
    let plus = trimmed.starts_with('+');
    // the zero of "+49 (0)241" is dialled only inside the country
    let cleaned = trimmed.replace("(0)", "");
    let digits: String = cleaned.chars().filter(char::is_ascii_digit).collect();
    if plus {
        return digits;
    }
    if let Some(rest) = digits.strip_prefix("00") {
        return rest.to_owned();
    }
    let code = match country {
        "Österreich" => "43",
        "Schweiz" => "41",
        _ => "49",
    };
    match digits.strip_prefix('0') {
        Some(rest) => format!("{code}{rest}"),
        None => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mobiles_of_three_countries() {
        for (number, country) in [
            ("0171 2345678", ""),
            ("+49 (0)151/123 456", "Österreich"),
            ("0043 664 1234567", "Deutschland"),
            ("0664/1234567", "Österreich"),
            ("079 123 45 67", "Schweiz"),
        ] {
            assert!(looks_mobile(number, country), "{number} {country}");
        }
        for (number, country) in [
            ("0241 24561", ""),
            ("0664/1234567", "Deutschland"),
            ("+41 44 944 83 39", "Schweiz"),
            ("", ""),
        ] {
            assert!(!looks_mobile(number, country), "{number} {country}");
        }
    }
}
