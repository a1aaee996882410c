//! Simulated vendors that Tandem can be tried, tested and simulated against.
//!
//! Each system answers as its public documentation and the measurements of its users say it does, with the
//! inconvenient behaviour switched on. This crate shares no type, normaliser, route table or fixture with the rest of
//! Tandem: it is a second opinion, so that client and server cannot agree on the same mistake.
//!
//! ```text
//!   request ─▶ service (which vendor? which fault?) ─▶ Vendor::handle(&mut state) ─▶ Answer
//!                    │                                        │
//!                  counts                       edits · deliveries (webhooks)
//! ```
//!
//! Everything runs on one listener ([`Sandbox::start`]) or in memory ([`Sandbox::service`]). All time comes from
//! [`Clock`], all randomness from one seed. [`Control`] does in-process what `/_sandbox/…` does over HTTP; both are
//! described in `docs/sandbox.md`.
//!
//! [`judge`] says from the systems' own state whether they agree. Deliberately not here: anything that looks into Tandem's database.

mod system;

mod asking;
mod clock;
mod counts;
mod deliveries;
mod edits;
mod faults;
mod looks;
mod random;
mod switches;

mod core;
mod vendor;

mod control;
mod server;
mod service;

pub mod highlevel;
pub mod officernd;
pub mod onoffice;
pub mod people;

pub mod judge;

pub use asking::Asking;
pub use clock::{Clock, Mode, TimeSource, iso_millis};
pub use control::Control;
pub use core::Core;
pub use counts::{Access, Counts, RouteCount, SystemCounts, Totals};
pub use deliveries::{Attempt, Deliveries, Fate, Outgoing, Record, Sender, Tally};
pub use edits::{Actor, Edit, Edits, Operation};
pub use faults::{Fault, Faults, Rule, Standing};
pub use random::Random;
pub use server::{Error, Handle, Options, Sandbox};
pub use service::{Dropped, SandboxService, Sleep};
pub use switches::{Error as SwitchError, Setting, Switch, Switches};
pub use system::System;
pub use vendor::ActError;
