//! The simulated onOffice enterprise: one client with its addresses, tasks, activities, appointments, estates, links between them,
//! search criteria, files, mails, fields, users and log.
//!
//! One URL takes every call; a request carries actions, each signed by itself and answered in order. A write is applied or refused
//! per action, never per request. What is not in the table of [`actions`] answers 25.
//!
//! ```text
//! bytes ─▶ request (envelope, time, signature) ─▶ actions ─┬▶ read · search · info · log
//!                                                          ├▶ write ─▶ contacts ─▶ State::save ─▶ book, log, edits
//!                                                          └▶ task · activity · calendar · estate … ─▶ Ask::save ─▶ rows, log, edits
//! ```

mod errors;
mod local_time;
mod php_json;

mod countries;
mod field_table;
mod fields;
mod quirks;

mod address;
mod book;
mod columns;
mod filter;
mod office;
mod state;

mod answer;
mod request;
mod signature;

mod module_fields;
mod records;
mod relations;
mod rows;

mod activity;
mod appointments;
mod ask;
mod calendar;
mod client;
mod criteria;
mod estate;
mod files;
mod kinds;
mod mail;
mod offers;
mod relation;
mod task;

mod actions;
mod contacts;
mod info;
mod log;
mod read;
mod search;
mod write;

mod person;
mod service;
mod settings;
mod webhook;

pub use address::{Address, AddressId, Entry, Kind, Maker, Usage};
pub(crate) use countries::alpha2 as country_code;

/// A moment as the clock on the wall of this client shows it.
pub(crate) fn datetime_of(state: &State, at: jiff::Timestamp) -> String {
    local_time::datetime(state.wall().read(at))
}

pub use errors::Failure;
pub use fields::{Field, FieldType, Fields, Value};
pub use office::Right;
pub(crate) use quirks::SWITCHES;
pub use state::{Removed, State};
