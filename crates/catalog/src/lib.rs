//! Running operations of the catalog: one path for all of them.
//!
//! An input is [completed](complete()) from the connection's settings, [checked](check()) against the operation's schema,
//! turned into a request by the connector, sent through the connection (budget, token, retry, call log), and the
//! answer is read by the connector. What happens when the outcome is not known follows from what the operation says
//! of itself: what is repeatable is sent once more, all else is told.
//!
//! Here is no HTTP and no storage.

mod check;

mod poll;

mod run;

mod words;

pub use check::{Problem, Problems, check, complete};
pub use connector::catalog::trigger::Happened;
pub use poll::{Answered, PollError, Seen, poll};
pub use run::{RunError, prepare, run};
pub use words::{Unread, pairs, read_input};
