//! The sandbox from outside: what a client and an operator of it see.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod control;
mod faults;
mod highlevel;
mod known;
mod officernd;
mod onoffice;
mod people;
