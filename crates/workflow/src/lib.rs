//! Workflows: a trigger and a graph of steps as data, and runs of it that survive anything.
//!
//! The core is pure: [`model`] is the form, [`values`] and [`condition`] say what refers to what, [`check`](check())
//! finds what cannot be, [`machine`] says what a step does with what is known. The shell is [`runner`]: it takes
//! runs that are due, has their effects done by [`Hands`], and leaves a durable row for each step. What becomes of
//! an effect whose outcome is not known follows from what its operation says of itself.
//!
//! No system is named here; time, randomness and the way out are passed in.

pub mod model;

pub mod values;

mod condition;

mod graph;

mod check;

mod awaited;

mod machine;

mod act;

pub mod cron;

mod duration;

mod hands;

mod edits;

mod web;

mod mail;

mod position;

mod runner;

mod driving;

mod watching;

mod touched;

mod rehearsal;

mod diff;

pub use act::{Act, Failure, FailureKind, Looked, Outcome, Repeatability};
pub use check::{LONGEST_REQUEST, Problem, Scene, SyncEnds, check};
pub use diff::{Difference, diff};
pub use graph::Graph;
pub use hands::{Hands, VendorHands};
pub use machine::{Move, next};
pub use mail::{MailSecurity, MailServer};
pub use position::{Answer, Body, Position};
pub use rehearsal::{Rehearsal, Shown, rehearse};
pub use runner::{Options, RunError, Runner};
pub use watching::{Pace as WatchPace, Used};
pub use web::{Outside, Web};
