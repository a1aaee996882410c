//! Contacts: the fields that they have, and everything that is done with them.

mod standard;

mod custom;

mod schema;

mod decode;

mod encode;

mod blame;

mod fetch;

mod business;

mod search;

mod list;

mod changes;

mod find;

mod create;

mod update;

mod remove;

mod event;

pub(crate) use changes::{changes, overlap};
pub(crate) use create::create;
pub(crate) use event::hint;
pub(crate) use fetch::fetch;
pub(crate) use find::find;
pub(crate) use list::list;
pub(crate) use remove::remove;
pub(crate) use schema::{custom_fields, make_field, schema, unmake_field, users};
pub(crate) use standard::specs as standard_fields;
pub(crate) use update::update;

use crate::requests::{in_flight, segment};
