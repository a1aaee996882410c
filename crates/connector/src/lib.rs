//! The contract that a system implements, and the words both sides of it share.
//!
//! A connector is a stateless translator: it turns our words into a vendor's requests and the
//! vendor's answers into our words. It opens no socket, keeps no token, waits for no limit and
//! stores nothing. All of that belongs to the caller, which hands it a [`Calls`]: a way to send a
//! [`Request`] on behalf of one connection, with authorisation, budget, retry and the call log
//! already behind it.
//!
//! What a system cannot do is declared in its [`Description`], not faked.

mod call;

mod describe;

mod outline;

mod auth;

mod outcome;

mod webhook;

mod error;

mod probe;

pub mod catalog;

mod contract;

pub use auth::{AuthScheme, Credentials, Grant, SecretText, SignInField, Tokens};
pub use call::{Announced, Body, CallError, Calls, Effect, Request, Response, Verdict};
pub use contract::{Account, Connector, Need, Page, PageRequest, Reached};
pub use describe::{Deletes, Description, EntityDescription, Limits, Listing, Window};
pub use error::{Error, Refusal};
pub use outcome::{
    Change, CreateOutcome, Draft, Fetched, IdentityKey, KeyKind, RemoveOutcome, SetDelta,
    UpdateOutcome,
};
pub use outline::{Absent, Outline, Varies};
pub use probe::{Desk, Finding, Heard, Probe, ProbeError, Told};
pub use webhook::{Delivery, Hint, Incoming, Lifecycle, Subscription, WebhookError, WebhookKeys};
