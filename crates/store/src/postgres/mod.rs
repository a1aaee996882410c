//! The store on a PostgreSQL server: the same commands, statements and groups as on SQLite.
//!
//! One thread writes, on one connection, and that connection holds an advisory lock of the server for as
//! long as it lives: whoever writes is the one owner, and one that lost its connection cannot write. A few
//! threads read beside it. A connection that is gone is made anew with the next command; until then
//! commands fail clearly, and the engine tries them again.

mod connection;
mod dialect;
mod moving;
mod options;
mod owner;
mod schema;
mod statement;
mod threads;
mod tls;
mod values;

pub(crate) use connection::{Connection, explain};
pub use moving::Moved;
pub(crate) use moving::moved;
pub use options::PostgresOptions;
pub(crate) use statement::{Each, Row, Rows, Statement};
pub(crate) use threads::Threads;
