//! Connections against a scripted vendor in the same process, in virtual time; and the network
//! transport against servers on loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calls;
mod config;
mod health;
mod intake;
mod leaks;
mod network;
mod sign_in;
mod support;
mod tokens;
