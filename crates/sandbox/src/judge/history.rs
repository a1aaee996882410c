//! Who edited which value when, from the log of edits; never from what a client says of itself.
//!
//! The log is bounded. Of an edit that it no longer has the judge knows nothing, and excuses nothing by it.

use std::collections::HashMap;

use super::Field;
use crate::edits::{Actor, Edit, Operation};
use crate::system::System;

/// Who edited what, by record. Times are the numbers of the log, 0 for what was there before everything.
#[derive(Debug, Default)]
pub struct History {
    records: HashMap<(System, Box<str>), Vec<Edit>>,
}

impl History {
    /// What the log of a sandbox tells.
    #[must_use]
    pub fn of(edits: &[Edit]) -> Self {
        let mut history = Self::default();
        for edit in edits {
            let tells = edit.operation == Operation::Create || !edit.fields.is_empty();
            if edit.actor == Actor::Seed || !tells {
                continue;
            }
            let record = (edit.system, edit.id.clone());
            history
                .records
                .entry(record)
                .or_default()
                .push(edit.clone());
        }
        history
    }

    /// When a record was made.
    pub(super) fn made(&self, system: System, id: &str) -> u64 {
        self.last(system, id, |edit| edit.operation == Operation::Create)
    }

    /// When a person last changed a field of a record.
    pub(super) fn said(&self, system: System, id: &str, field: Field) -> u64 {
        self.last(system, id, |edit| {
            edit.actor == Actor::User && changes(edit, field)
        })
    }

    /// When anybody last changed a field of a record.
    pub(super) fn changed(&self, system: System, id: &str, field: Field) -> u64 {
        self.last(system, id, |edit| changes(edit, field))
    }

    fn last(&self, system: System, id: &str, wanted: impl Fn(&Edit) -> bool) -> u64 {
        let edits = self.records.get(&(system, Box::from(id)));
        let edits = edits.into_iter().flatten().filter(|edit| wanted(edit));
        edits.map(|edit| edit.sequence).max().unwrap_or(0)
    }
}

fn changes(edit: &Edit, field: Field) -> bool {
    edit.operation == Operation::Update
        && edit
            .fields
            .iter()
            .any(|name| names(edit.system, field).contains(&&**name))
}

/// How the log of a system calls a field that some system takes only when a record is made.
fn names(system: System, field: Field) -> &'static [&'static str] {
    match (system, field) {
        (System::HighLevel, Field::Company) => &["companyName"],
        (System::OnOffice, Field::Company) => &["Zusatz1"],
        (System::OfficeRnd, Field::Company) => &["company"],
        (System::HighLevel | System::OfficeRnd, Field::Phone) => &["phone"],
        (System::OnOffice, Field::Phone) => &["phone", "mobile"],
        _ => &[],
    }
}
