//! The store, tested from outside: one contract suite for every database, and what only SQLite has.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests end a test by a panic, as tests do"
)]

mod postgres;
mod sqlite;
mod suite;
