//! The fields that the modules beside addresses have in a fresh client, and the tables that hold their records.
//!
//! A line of a table: name, German label, type, length, keys with labels, and what is special. `hidden` fields can be used but are
//! missing from the `fields` call, as others saw on live clients.

use super::fields::{Field, FieldType};
use super::rows::{Stamps, Table};

const ESTATE: &str = include_str!("module_fields/estate.txt");
const TASK: &str = include_str!("module_fields/task.txt");
const ACTIVITY: &str = include_str!("module_fields/agentslog.txt");
const APPOINTMENT: &str = include_str!("module_fields/calendar.txt");

/// Estates: `Id`, `erstellt_am` (a date), `geaendert_am`.
pub(crate) fn estates() -> Table {
    let stamps = Stamps {
        id: "Id",
        created: "erstellt_am",
        changed: "geaendert_am",
    };
    Table::new("estate", 6001, stamps, fields(ESTATE))
}

/// Tasks: `Nr`, `Eintragsdatum` (a date), `modified`.
pub(crate) fn tasks() -> Table {
    let stamps = Stamps {
        id: "Nr",
        created: "Eintragsdatum",
        changed: "modified",
    };
    Table::new("task", 4001, stamps, fields(TASK))
}

/// Activities: `Nr`, `created`, `Datum_bearb`.
pub(crate) fn activities() -> Table {
    let stamps = Stamps {
        id: "Nr",
        created: "created",
        changed: "Datum_bearb",
    };
    Table::new("agentslog", 60_001, stamps, fields(ACTIVITY))
}

/// Appointments.
pub(crate) fn appointments() -> Table {
    let stamps = Stamps {
        id: "Nr",
        created: "created",
        changed: "modified",
    };
    Table::new("calendar", 2001, stamps, fields(APPOINTMENT))
}

/// The names that the `fields` call leaves out.
pub(crate) fn is_hidden(module: &str, name: &str) -> bool {
    let table = match module {
        "estate" => ESTATE,
        "task" => TASK,
        "agentsLog" => ACTIVITY,
        "calendar" => APPOINTMENT,
        _ => return false,
    };
    table
        .lines()
        .any(|line| line.split('|').next() == Some(name) && line.ends_with("|hidden"))
}

fn fields(table: &'static str) -> impl Iterator<Item = Field> {
    table.lines().filter_map(|line| {
        let mut parts = line.split('|');
        let mut next = || parts.next().unwrap_or_default();
        let (name, label) = (next(), next());
        let mut field = Field::new(name, label, kind(next())?);
        field.length = next().parse().ok();
        field.permitted = next()
            .split(';')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, label)| (key.to_owned(), label.to_owned()))
            .collect();
        Some(field)
    })
}

fn kind(word: &str) -> Option<FieldType> {
    Some(match word {
        "varchar" => FieldType::Varchar,
        "text" => FieldType::Text,
        "integer" => FieldType::Integer,
        "float" => FieldType::Float,
        "boolean" => FieldType::Boolean,
        "date" => FieldType::Date,
        "datetime" => FieldType::Datetime,
        "singleselect" => FieldType::SingleSelect,
        "multiselect" => FieldType::MultiSelect,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_field() {
        for table in [ESTATE, TASK, ACTIVITY, APPOINTMENT] {
            assert_eq!(fields(table).count(), table.lines().count());
            for line in table.lines() {
                assert_eq!(line.split('|').count(), 6, "{line}");
            }
        }
    }
}
