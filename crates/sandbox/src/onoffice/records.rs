//! Everything of the client beside addresses.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::criteria::Criterion;
use super::files::Files;
use super::mail::Mail;
use super::module_fields;
use super::relations::Relations;
use super::rows::Table;

/// All records of all modules but addresses, and the links between records.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    pub(crate) tasks: Table,
    pub(crate) activities: Table,
    pub(crate) appointments: Table,
    pub(crate) estates: Table,
    pub(crate) criteria: Vec<Criterion>,
    pub(crate) relations: Relations,
    pub(crate) files: Files,
    pub(crate) mails: Vec<Mail>,
    /// Lists of records that somebody put together by hand.
    pub(crate) work_lists: Vec<Json>,
    /// What is offered for an estate, in cents, by estate and address.
    pub(crate) offers: BTreeMap<(u32, u32), u64>,
    /// How many search criteria were ever made.
    pub(crate) criteria_made: u32,
}

impl Default for Records {
    fn default() -> Self {
        Self {
            tasks: module_fields::tasks(),
            activities: module_fields::activities(),
            appointments: module_fields::appointments(),
            estates: module_fields::estates(),
            criteria: Vec::new(),
            relations: Relations::default(),
            files: Files::default(),
            mails: Vec::new(),
            work_lists: Vec::new(),
            offers: BTreeMap::new(),
            criteria_made: 0,
        }
    }
}

impl Records {
    /// The table of a module, by its word in calls.
    pub(crate) fn table(&self, module: &str) -> Option<&Table> {
        Some(match module {
            "task" => &self.tasks,
            "agentslog" | "agentsLog" => &self.activities,
            "calendar" => &self.appointments,
            "estate" => &self.estates,
            _ => return None,
        })
    }

    /// The same to change a record.
    pub(crate) fn table_mut(&mut self, module: &str) -> Option<&mut Table> {
        Some(match module {
            "task" => &mut self.tasks,
            "agentslog" | "agentsLog" => &mut self.activities,
            "calendar" => &mut self.appointments,
            "estate" => &mut self.estates,
            _ => return None,
        })
    }

    /// An address is gone: its links, its search criteria and its files go with it, or to the address that swallowed it.
    pub(crate) fn address_is_gone(&mut self, id: u32, into: Option<u32>) {
        match into {
            Some(into) => {
                self.relations.take_over("address", id, into);
                for criterion in &mut self.criteria {
                    if criterion.address == id {
                        criterion.address = into;
                    }
                }
                self.files.move_all("address", id, into);
            }
            None => {
                self.relations.forget("address", id);
                self.criteria.retain(|criterion| criterion.address != id);
                self.files.remove_all("address", id);
            }
        }
    }

    /// Everything, for judges and tests.
    pub(crate) fn dumped(&self) -> Vec<Json> {
        let mut things: Vec<Json> = Vec::new();
        for table in [
            &self.tasks,
            &self.activities,
            &self.appointments,
            &self.estates,
        ] {
            things.extend(table.iter().map(|row| table.dumped(row)));
        }
        things.extend(self.criteria.iter().map(Criterion::dumped));
        things.extend(self.files.dumped());
        things.extend(self.mails.iter().map(Mail::dumped));
        things.extend(self.work_lists.iter().cloned());
        things
    }
}
