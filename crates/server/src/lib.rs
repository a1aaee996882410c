//! The HTTP server: webhook intake, sign-in, the JSON API, metrics; and the config behind it.
//!
//! Nothing here names a system. The command line is a client of the API: over HTTP where a server
//! runs on the database, in memory where none does. So there is one implementation of everything.

mod service;

mod app;

mod access;

mod acts;

mod hooks;

mod flows;

mod sharing;

mod subscribing;

mod ears;

mod hearing;

mod signin;

mod api;

mod metrics;

mod series;

pub mod config;

mod calls;

mod retaining;

mod alerts;

mod credentials;

mod token;

mod users;

mod web;

mod tickets;

mod beside;

mod error;

mod code;

pub use app::{FurtherSystems, OpenError, Options};
pub use beside::Beside;
pub use code::{Code, UnknownCode};
pub use credentials::StoredCredentials;
pub use error::ApiError;
pub use service::{Handle, ServeError, Service};
pub use token::NewToken;
pub use users::Browsers;
pub use workflow::LONGEST_REQUEST;
