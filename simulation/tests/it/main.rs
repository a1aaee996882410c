//! The engine against the simulated vendors.

mod account;
mod asked;
mod catalog;
mod create;
mod ended;
mod evidence;
mod fields;
mod first;
mod gone;
mod history;
mod hub;
mod journal;
mod kept;
mod kill_points;
mod matching;
mod paced;
mod probes;
mod refused;
mod sets;
mod shaped;
mod signals;
mod stopped;
mod support;
mod told;
