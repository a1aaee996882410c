//! The connector as its callers see it, against scripted answers.
//!
//! Every request that a test provokes is checked against the vendor's published specification (see
//! `spec`), so a test of an outcome is a test of the request's form as well.

#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot do without, it may panic without"
)]

mod fake;
mod index;
mod spec;

mod account;
mod assign;
mod belongings;
mod catalog;
mod changes;
mod company;
mod create;
mod fetch;
mod find;
mod list;
mod schema;
mod sign_in;
mod update;
mod webhook;
