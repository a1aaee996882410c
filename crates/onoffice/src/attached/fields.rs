//! The fields of tasks and entries, and what each needs of the vendor's columns.
//!
//! From the vendor's pages on tasks and the activity log; what comes back as a German label, and that a deadline counts
//! only with its switch, was observed.

use record::{
    Access,
    Access::{CreateOnly, ReadOnly, ReadWrite},
    Capability, Choice, Entity, Field, FieldSpec, Kind, Value,
};
use serde_json::{Map, Value as Json};

use super::Sort;
use crate::{
    answer::text,
    value,
    wall::{Moment, Wall},
};

pub(super) const STATUS: &str = "Status";
pub(super) const DONE: &str = "erledigt";
pub(super) const DEADLINE: &str = "Deadline";
pub(super) const DEADLINE_TIME: &str = "Deadline_Zeit";
pub(super) const DEADLINE_COUNTS: &str = "Deadline_strikt";

/// The numbers that `Status` is written as, and the labels that it may be read as. Only the second label was seen, and
/// some are spelt in more than one way.
const STATUSES: [(&str, &str, &[&str]); 8] = [
    ("1", "Nicht begonnen", &["offen", "neu"]),
    ("2", "In Bearbeitung", &["begonnen"]),
    ("3", "Erledigt", &["abgeschlossen", "fertig"]),
    ("4", "Zurückgestellt", &["aufgeschoben"]),
    ("5", "Abgebrochen", &["storniert", "abgesagt"]),
    ("6", "Sonstiges", &["sonstige"]),
    ("7", "Geprüft", &["überprüft"]),
    ("8", "Klärung erforderlich", &["klärungsbedarf", "klärung"]),
];

/// Cancelled.
pub(super) const CANCELLED: &str = "5";

/// Done.
pub(super) const COMPLETED: &str = "3";

/// In process.
pub(super) const BEGUN: &str = "2";

/// Nothing is to be done any more: completed, cancelled, checked.
pub(super) fn is_closed(status: &str) -> bool {
    matches!(status, "3" | "5" | "7")
}

const PRIORITIES: [(&str, &str); 5] = [
    ("1", "Sehr hoch"),
    ("2", "Hoch"),
    ("3", "Normal"),
    ("4", "Niedrig"),
    ("5", "Sehr niedrig"),
];

/// The number of a status, which is read as its number or as its label.
pub(super) fn status(read: &str) -> Option<&'static str> {
    let read = read.trim().to_lowercase();
    STATUSES
        .iter()
        .find(|(number, label, others)| {
            *number == read || label.to_lowercase() == read || others.contains(&read.as_str())
        })
        .map(|(number, _, _)| *number)
}

/// The fields that every client has.
pub(crate) fn usual(sort: Sort) -> Vec<FieldSpec> {
    build(sort, Vec::new(), &Json::Null)
}

pub(super) fn build(sort: Sort, users: Vec<Choice>, settings: &Json) -> Vec<FieldSpec> {
    let field = |name: &str, label: &str, kind: Kind, access: Access| FieldSpec {
        name: name.into(),
        label: label.to_owned(),
        kind,
        capability: Capability {
            clearable: access == ReadWrite,
            ..Capability::of(access)
        },
        choices: Vec::new(),
        custom: false,
    };
    let one_of = |name: &str, label: &str, choices: Vec<Choice>| FieldSpec {
        choices,
        capability: Capability {
            clearable: false,
            ..Capability::of(ReadWrite)
        },
        ..field(name, label, Kind::Choice, ReadWrite)
    };
    let choice = |key: &str, label: &str| Choice {
        key: key.to_owned(),
        label: label.to_owned(),
    };
    let user = |name: &str, label: &str, access: Access| FieldSpec {
        choices: users.clone(),
        ..field(name, label, Kind::User, access)
    };
    let address = |access| {
        let kind = Kind::Reference(Entity::Contact);
        field(sort.parent(), "Adresse", kind, access)
    };
    if sort == Sort::Entry {
        let mut kind = field("Aktionsart", "Aktionsart", Kind::Choice, ReadWrite);
        kind.capability.clearable = false;
        kind.capability.required = setting(settings, KIND_SETTING).is_none();
        kind.capability.setting = Some(KIND_SETTING.to_owned());
        let mut parent = address(CreateOnly);
        parent.capability.required = true;
        return vec![
            field("Bemerkung", "Bemerkung", Kind::LongText, ReadWrite),
            kind,
            field("Aktionstyp", "Aktionstyp", Kind::Choice, ReadWrite),
            field("Datum", "Datum", Kind::Instant, ReadWrite),
            parent,
            user("Benutzer", "Benutzer", ReadOnly),
            field("created", "Angelegt am", Kind::Instant, ReadOnly),
            field("Datum_bearb", "letzte Änderung", Kind::Instant, ReadOnly),
        ];
    }
    let mut subject = field("Betreff", "Betreff", Kind::Text, ReadWrite);
    subject.capability.max_length = Some(255);
    let statuses = STATUSES.iter().map(|(key, label, _)| choice(key, label));
    let priorities = PRIORITIES.iter().map(|(key, label)| choice(key, label));
    let mut kind = field("Art", "Art", Kind::Choice, ReadWrite);
    kind.capability.clearable = false;
    vec![
        subject,
        field("Aufgabe", "Aufgabe", Kind::LongText, ReadWrite),
        field(DEADLINE, "Fällig am", Kind::Instant, ReadWrite),
        field(DONE, "Erledigt", Kind::Boolean, ReadWrite),
        one_of(STATUS, "Status", statuses.collect()),
        one_of("Prio", "Priorität", priorities.collect()),
        user("Verantwortung", "Verantwortung", ReadWrite),
        user("Bearbeiter", "Bearbeiter", ReadWrite),
        kind,
        address(CreateOnly),
        field("Eintragsdatum", "Eintragsdatum", Kind::Date, ReadOnly),
        field("modified", "zuletzt bearbeitet am", Kind::Instant, ReadOnly),
    ]
}

/// The setting for the type that new tasks get.
pub(super) const TYPE_SETTING: &str = "task_type";

/// The setting for the priority that new tasks get.
pub(super) const PRIORITY_SETTING: &str = "task_priority";

/// The setting for the kind that new entries get.
pub(super) const KIND_SETTING: &str = "note_kind";

/// The setting for their type.
pub(super) const NOTE_TYPE_SETTING: &str = "note_type";

/// A setting that says something, as text.
pub(super) fn setting(settings: &Json, name: &str) -> Option<String> {
    text(settings.get(name)?).filter(|text| !text.trim().is_empty())
}

/// The vendor's columns that this field is read from. The address of a task stands in none.
pub(super) fn columns(field: &FieldSpec) -> Vec<&str> {
    match field.name.as_str() {
        DEADLINE => vec![DEADLINE, DEADLINE_TIME, DEADLINE_COUNTS],
        DONE | STATUS => vec![STATUS, DONE],
        "relatedAddressId" => Vec::new(),
        own => vec![own],
    }
}

/// Whether a field cannot be read without this column.
pub(super) fn needs(field: &FieldSpec, column: &str) -> bool {
    columns(field).contains(&column)
}

/// Reads one field. `addresses`: those that the record is linked with.
pub(super) fn field(
    spec: &FieldSpec,
    elements: &Map<String, Json>,
    addresses: Option<&[String]>,
    wall: &Wall,
) -> Field {
    let column = |name: &str| elements.get(name);
    match spec.name.as_str() {
        "relatedAddressId" | "Adress_nr" => match addresses {
            None => Field::Unknown,
            Some(ids) => ids
                .first()
                .map_or(Field::Empty, |id| Field::of(id.as_str())),
        },
        STATUS => match column(STATUS).and_then(text) {
            Some(label) if label.trim().is_empty() => Field::Empty,
            // a label that nobody has told us decides nothing
            Some(label) => status(&label).map_or(Field::Unknown, Field::of),
            None => Field::Unknown,
        },
        DONE => done(column(DONE), column(STATUS).and_then(text).as_deref()),
        DEADLINE => deadline(elements, wall),
        name => column(name).map_or(Field::Unknown, |json| value::read(spec.kind, json, wall)),
    }
}

/// Done by its mark or by its status: the vendor keeps the two apart, and people set one of them.
fn done(mark: Option<&Json>, status_read: Option<&str>) -> Field {
    let mark = match mark.map(|json| text(json).unwrap_or_default()).as_deref() {
        Some("1" | "true") => Some(true),
        Some("0" | "false" | "") => Some(false),
        _ => None,
    };
    let closed = status_read.and_then(status).map(is_closed);
    match (mark, closed) {
        (None, None) => Field::Unknown,
        (mark, closed) => Field::Value(Value::Boolean(
            mark.unwrap_or(false) || closed.unwrap_or(false),
        )),
    }
}

/// A deadline counts only with its switch (documented and observed). Its time stands in the day's own column, in the
/// other one, or in both.
fn deadline(elements: &Map<String, Json>, wall: &Wall) -> Field {
    let column = |name: &str| elements.get(name).and_then(text);
    match column(DEADLINE_COUNTS).as_deref() {
        Some("1" | "true") => {}
        Some("0" | "false" | "") => return Field::Empty,
        _ => return Field::Unknown,
    }
    let Some(day) = column(DEADLINE) else {
        return Field::Unknown;
    };
    let bare = day.len() == 10 || day.ends_with(" 00:00:00");
    let at = match column(DEADLINE_TIME).filter(|time| bare && !time.trim().is_empty()) {
        Some(time) => format!("{} {}", day.get(..10).unwrap_or(&day), time.trim()),
        None => day,
    };
    match wall.read(&at) {
        Moment::At { at, .. } => Field::Value(Value::Instant(at)),
        Moment::Empty => Field::Empty,
        Moment::Unreadable => Field::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_task_is_done_by_its_mark_or_by_its_status() {
        let of = |mark: Json, status: &str| done(Some(&mark), Some(status));
        let yes = Field::Value(Value::Boolean(true));
        let no = Field::Value(Value::Boolean(false));
        assert_eq!(of(json!("0"), "In Bearbeitung"), no);
        assert_eq!(of(json!("1"), "In Bearbeitung"), yes);
        assert_eq!(of(json!("0"), "erledigt"), yes);
        assert_eq!(of(json!("0"), "Abgebrochen"), yes);
        assert_eq!(of(json!("0"), "3"), yes);
        assert_eq!(done(None, Some("was Neues")), Field::Unknown);
    }

    #[test]
    fn a_deadline_counts_with_its_switch_and_its_time_is_found_in_either_column() {
        let wall = Wall::of(&Json::Null).unwrap();
        let read = |day: &str, time: &str, counts: &str| {
            let elements =
                json!({"Deadline": day, "Deadline_Zeit": time, "Deadline_strikt": counts});
            deadline(elements.as_object().unwrap(), &wall)
        };
        let at = |text: &str| Field::Value(Value::Instant(text.parse().unwrap()));
        assert_eq!(
            read("2026-07-01 12:30:00", "", "1"),
            at("2026-07-01T10:30:00Z")
        );
        assert_eq!(
            read("2026-12-01 00:00:00", "12:30", "1"),
            at("2026-12-01T11:30:00Z")
        );
        assert_eq!(read("2026-07-01 12:30:00", "", "0"), Field::Empty);
        assert_eq!(read("0000-00-00 00:00:00", "", "1"), Field::Empty);
    }
}
