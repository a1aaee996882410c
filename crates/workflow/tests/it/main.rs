//! Runs of workflows over a real store and a world of effects that is made up.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

mod asked;
mod held;
mod killed;
mod steps;
mod vendor;
mod watched;
mod world;
