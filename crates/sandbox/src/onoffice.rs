//! The simulated onOffice enterprise: addresses, the field configuration, users, quicksearch and log of one client.
//!
//! One URL takes every call; a request carries actions, each signed by itself and answered in order. A write is applied or refused
//! per action, never per request. Estates, tasks, activities and appointments are not simulated: their calls answer 25.
//!
//! ```text
//! bytes ─▶ request (envelope, time, signature) ─▶ actions ─┬▶ read · search · info · log
//!                                                          └▶ write ─▶ contacts ─▶ State::save ─▶ book, log, edits
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
pub use errors::Failure;
pub use fields::{Field, FieldType, Fields, Value};
pub use office::Right;
pub(crate) use quirks::SWITCHES;
pub use state::{Removed, State};
