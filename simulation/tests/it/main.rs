//! The engine against the simulated vendors.

mod create;
mod fields;
mod first;
mod sets;
mod support;
