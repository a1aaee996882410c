//! What can be read of an address, filtered and sorted by: plain fields, and the pseudo-fields that `fields` does not list.

use super::address::{Address, Entry, Kind, Line, Usage, pipes};
use super::countries;
use super::errors::{Failure, fail_with};
use super::fields::{FieldIndex, FieldType, Fields, Value};
use super::local_time;
use super::php_json::PhpJson;
use super::quirks::{EntryKey, Quirks};

/// One thing that an address shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Column {
    /// `ID`, and `id` where that may be asked for.
    Id,
    CustomerNumber,
    /// A field; `true` for the one whose equality is indexed.
    Plain(FieldIndex, bool),
    Compound(Vec<FieldIndex>),
    /// `Email`, `Telefon1`, `Telefax1`.
    Main(Line),
    /// `defaultphone`, `defaultfax`, `defaultemail`: the main entry with its id in the key.
    DefaultEntry(Line),
    /// `phone`, `mobile`, `fax`, `email`.
    Entries(Kind),
    /// 1 active, 0 archived.
    Status,
    /// `Aenderung`.
    Changed,
    Uuid,
    ImageUrl,
    /// Only for filters.
    NormalizedPhones,
}

/// How a read shows values.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Format {
    /// Labels instead of keys, and German dates.
    pub(crate) formatted: bool,
    /// ISO code instead of the German name of a country.
    pub(crate) country: CountryForm,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum CountryForm {
    #[default]
    Name,
    Alpha2,
    Alpha3,
}

/// Resolves names and shows values for one client under the switches of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns<'a> {
    pub(crate) fields: &'a Fields,
    pub(crate) quirks: &'a Quirks,
}

impl Columns<'_> {
    /// The column behind a name in `data`; `None` when it is unknown and that is forgiven.
    pub(crate) fn selectable(&self, name: &str) -> Result<Option<Column>, Failure> {
        self.known(name)
            .map_or_else(|| self.unknown(name), |column| Ok(Some(column)))
    }

    /// The column behind a name in a filter.
    pub(crate) fn filterable(&self, name: &str) -> Result<Option<Column>, Failure> {
        match self.known(name) {
            Some(Column::ImageUrl | Column::Compound(_)) => self.unknown(name),
            Some(column) => Ok(Some(column)),
            None if name == "normalizedPhoneNumbers" && self.quirks.normalized_phone_filter => {
                Ok(Some(Column::NormalizedPhones))
            }
            None => self.unknown(name),
        }
    }

    /// The column behind a name in `sortby`.
    pub(crate) fn sortable(&self, name: &str) -> Option<Column> {
        self.known(name)
            .filter(|column| !matches!(column, Column::Entries(_) | Column::ImageUrl))
    }

    fn known(&self, name: &str) -> Option<Column> {
        Some(match name {
            "id" | "Id" if self.quirks.id_selectable => Column::Id,
            "id" | "Id" => return None,
            "Status" => Column::Status,
            "Aenderung" => Column::Changed,
            "uuid" => Column::Uuid,
            "imageUrl" => Column::ImageUrl,
            "phone" => Column::Entries(Kind::Phone),
            "mobile" => Column::Entries(Kind::Mobile),
            "fax" => Column::Entries(Kind::Fax),
            "email" => Column::Entries(Kind::Email),
            "defaultphone" => Column::DefaultEntry(Line::Phone),
            "defaultfax" => Column::DefaultEntry(Line::Fax),
            "defaultemail" => Column::DefaultEntry(Line::Email),
            _ => {
                let index = self.fields.active(name)?;
                let field = self.fields.get(index);
                match name {
                    "ID" => Column::Id,
                    "KdNr" => Column::CustomerNumber,
                    "Email" => Column::Main(Line::Email),
                    "Telefon1" => Column::Main(Line::Phone),
                    "Telefax1" => Column::Main(Line::Fax),
                    _ if !field.parts.is_empty() => Column::Compound(
                        field
                            .parts
                            .iter()
                            .filter_map(|part| self.fields.index(part))
                            .collect(),
                    ),
                    _ => Column::Plain(index, name == "Name"),
                }
            }
        })
    }

    fn unknown(&self, name: &str) -> Result<Option<Column>, Failure> {
        if self.quirks.unknown_field_refused {
            Err(fail_with(141, name))
        } else {
            Ok(None)
        }
    }

    pub(crate) fn kind(&self, column: &Column) -> FieldType {
        match column {
            Column::Id | Column::CustomerNumber => FieldType::Integer,
            Column::Plain(field, _) => self.fields.get(*field).kind,
            Column::Status => FieldType::Boolean,
            Column::Changed => FieldType::Datetime,
            _ => FieldType::Varchar,
        }
    }

    /// The stored German name of the address's country.
    pub(crate) fn country<'a>(&self, address: &'a Address) -> &'a str {
        self.fields
            .index("Land")
            .map_or("", |field| address.text(field))
    }

    /// One text for filters and sorting.
    pub(crate) fn text(&self, column: &Column, address: &Address) -> String {
        match column {
            Column::Id => address.id.to_string(),
            Column::CustomerNumber => address.customer_number.to_string(),
            Column::Plain(field, _) => address.shown(self.fields, *field),
            Column::Compound(parts) => parts
                .iter()
                .map(|part| address.text(*part))
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join(" "),
            Column::Main(line) | Column::DefaultEntry(line) => address
                .main(*line)
                .map_or_else(String::new, |entry| entry.value.to_string()),
            Column::Status => String::from(if address.is_archived(self.fields) {
                "0"
            } else {
                "1"
            }),
            Column::Changed => local_time::datetime(address.changed),
            Column::Uuid => uuid_of(address.id),
            Column::Entries(_) | Column::ImageUrl | Column::NormalizedPhones => String::new(),
        }
    }

    /// Appends `,"name":value` (several for entries, none where an address has none).
    pub(crate) fn write(
        &self,
        name: &str,
        column: &Column,
        address: &Address,
        format: Format,
        out: &mut PhpJson,
    ) {
        match column {
            Column::Entries(kind) => {
                for entry in &address.entries {
                    if entry.kind == *kind && (entry.main || !self.quirks.only_main_entry_readable)
                    {
                        self.write_entry(entry, out);
                    }
                }
            }
            Column::DefaultEntry(line) => {
                if let Some(entry) = address.main(*line) {
                    Self::write_value(&format!("{name}__{}", entry.id), entry, out);
                }
            }
            Column::Id => {
                out.raw(",").key(name).number(i64::from(address.id));
            }
            Column::CustomerNumber => {
                out.raw(",")
                    .key(name)
                    .number(i64::from(address.customer_number));
            }
            Column::Plain(field, _) => {
                out.raw(",").key(name);
                self.write_plain(*field, address, format, out);
            }
            Column::Changed if format.formatted => {
                out.raw(",")
                    .key(name)
                    .string(&german(&local_time::datetime(address.changed)));
            }
            column => {
                out.raw(",").key(name).string(&self.text(column, address));
            }
        }
    }

    fn write_entry(&self, entry: &Entry, out: &mut PhpJson) {
        let joint = match (self.quirks.entry_key, entry.usage) {
            (EntryKey::Plain, _) | (_, Usage::Normal) => String::new(),
            (EntryKey::Underscored, usage) => format!("_{}", usage.word()),
            (EntryKey::Glued, usage) => usage.word().to_owned(),
        };
        let key = format!("{}{joint}__{}", entry.kind.word(), entry.id);
        Self::write_value(&key, entry, out);
    }

    fn write_value(key: &str, entry: &Entry, out: &mut PhpJson) {
        out.raw(",").key(key).string(&entry.value);
        if let Some(comment) = &entry.comment {
            out.raw(",").key(&format!("{key}__Comment")).string(comment);
        }
    }

    fn write_plain(&self, index: FieldIndex, address: &Address, format: Format, out: &mut PhpJson) {
        let field = self.fields.get(index);
        match address.value(index) {
            None if field.kind == FieldType::MultiSelect => {
                out.raw("null");
            }
            Some(Value::Keys(keys)) if format.formatted => {
                out.raw("[");
                for (position, key) in keys.iter().enumerate() {
                    if position > 0 {
                        out.raw(",");
                    }
                    out.string(field.label_of(key));
                }
                out.raw("]");
            }
            Some(Value::Keys(keys)) => {
                out.string(&pipes(keys));
            }
            Some(Value::Text(text)) if field.name == "Land" => {
                match format.country {
                    CountryForm::Name => out.string(text),
                    CountryForm::Alpha2 => out.string(countries::alpha2(text).unwrap_or("")),
                    CountryForm::Alpha3 => out.string(countries::alpha3(text).unwrap_or("")),
                };
            }
            Some(Value::Text(text)) if format.formatted => {
                out.string(&formatted(field.kind, field.label_of(text)));
            }
            Some(Value::Text(text)) => {
                out.string(text);
            }
            None if format.formatted => {
                out.string(&formatted(field.kind, field.kind.empty()));
            }
            None => {
                out.string(field.kind.empty());
            }
        }
    }
}

/// What `formatoutput` makes of a value: German dates, decimal comma, yes and no.
pub(crate) fn formatted(kind: FieldType, text: &str) -> String {
    match kind {
        FieldType::Boolean => String::from(if text == "1" { "Ja" } else { "Nein" }),
        FieldType::Date | FieldType::Datetime if text.starts_with("0000") => String::new(),
        FieldType::Date | FieldType::Datetime => german(text),
        FieldType::Float => text.replace('.', ","),
        _ => text.to_owned(),
    }
}

/// `2026-05-01 08:00:00` as `01.05.2026 08:00:00`.
fn german(text: &str) -> String {
    match (
        text.get(0..4),
        text.get(5..7),
        text.get(8..10),
        text.get(10..),
    ) {
        (Some(year), Some(month), Some(day), Some(rest)) => format!("{day}.{month}.{year}{rest}"),
        _ => text.to_owned(),
    }
}

/// An unchangeable id that follows from the record's number.
pub(crate) fn uuid_of(id: u32) -> String {
    let mut state = u64::from(id) ^ 0x6f6e_4f66_6669_6365;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let bytes = (u128::from(next()) << 64) | u128::from(next());
    uuid::Builder::from_random_bytes(bytes.to_be_bytes())
        .into_uuid()
        .to_string()
}
