//! The engine against the simulated vendors.

mod account;
mod create;
mod fields;
mod first;
mod gone;
mod history;
mod journal;
mod kill_points;
mod matching;
mod refused;
mod sets;
mod signals;
mod support;
