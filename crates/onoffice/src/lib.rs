//! onOffice enterprise as a system that Tandem can keep in sync: addresses as contacts.
//!
//! Everything goes to one URL as a JSON envelope of *actions*, several to a request, each with its own
//! signature, its own status and its own answer. The modules follow a request on its way out and an
//! answer on its way back:
//!
//! * `action` builds envelopes without secrets, `sign` adds token, time stamp and HMAC just before
//!   each attempt;
//! * `verdict` says what an answer means for the connection, `answer` and `exchange` take it apart per
//!   action, `codes` knows the vendor's error numbers;
//! * `schema` finds out which fields this client has, `value`, `wall` and `points` read and write them;
//! * `address` is the one entity so far. Tasks, activities, appointments and companies are seams: each
//!   is one more module beside it and one more arm in `system`.
//!
//! What the API cannot do is declared and not faked: there is no webhook for a plain API user, no
//! delete for an address, no id of the client (customer) in any answer, and no list of the rights that
//! an API user has.
//!
//! Vendor facts are marked where they are used: *documented* is apidoc.onoffice.de as of January 2026,
//! *observed* is what authors of other clients report of live clients. Nothing here has met a live
//! client yet.

mod describe;

mod action;

mod sign;

mod codes;

mod answer;

mod verdict;

mod exchange;

mod wall;

mod value;

mod points;

mod schema;

mod address;

mod appointment;

mod attached;

mod catalog;

mod check;

mod marketplace;

mod probe;

mod system;

pub use system::OnOffice;
