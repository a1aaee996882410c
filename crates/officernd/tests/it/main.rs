//! The connector against a scripted caller: what it asks, and what it makes of answers. Bodies are written from the
//! vendor's documentation and from what others measured.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod account;
mod catalog;
mod changes;
mod create;
mod fake;
mod list;
mod read;
mod sign_in;
mod update;
mod webhook;
