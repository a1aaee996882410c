//! What a record is: values, fields, schemas, and what two values *mean*.
//!
//! Everything here is pure. A [`Record`] holds raw values as a system stored them; comparing is done
//! on meanings (see the normalisers), so that a better normaliser is no mass edit. There is no I/O, no
//! clock and no knowledge of any one system in this crate.

mod value;

mod field;

mod entity;

mod schema;

mod read;

mod meaning;

pub mod country;

pub mod date;

pub mod email;

pub mod fold;

pub mod html;

pub mod phone;

pub mod text;

pub use country::Country;
pub use entity::{Entity, RecordId, Side, Sides, UnknownEntity};
pub use field::{Field, FieldName, Fields};
pub use meaning::{Locale, meaning};
pub use phone::Phone;
pub use read::{Completeness, Freshness, Read, Record, Unclear};
pub use schema::{Access, Capability, Choice, CountryForm, FieldSpec, Kind, Rewrite, Schema};
pub use value::{Point, PointKind, Value};
