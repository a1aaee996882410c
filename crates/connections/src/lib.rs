//! The connected accounts: how they are signed in to, what they may still send, how they are doing.
//!
//! No system is named here. Work asks [`Connections`] for a [`Session`]: calls on one connection, in
//! one [`Lane`]. Behind it stand the credentials (sealed, renewed by one worker, saved before they are
//! used), the budget (never more than the vendor allows, live work first), retry (reads freely, writes
//! only when they are known not to have happened), a breaker per connection, and a log line per
//! request. Time, randomness, network and storage are passed in as [`Parts`].

mod clock;

mod dice;

mod config;

mod registry;

mod session;

mod connection;

mod exchange;

mod ongoing;

mod transport;

mod budget;

mod retry;

mod breaker;

mod health;

mod standing;

mod credentials;

mod tokens;

mod beside;

mod sharing;

mod sign_in;

mod sign_in_budget;

mod call_log;

mod intake;

mod probing;

mod preview;

pub use beside::SubscribeError;
pub use budget::{BudgetUse, Restart, Sent};
pub use call_log::{CallLog, CallRecord, ChannelLog, Counts, NoCallLog, Outcome};
pub use clock::{Clock, SystemClock, VirtualClock};
pub use config::{AuthConfig, ConfigError, ConnectionConfig, LimitsConfig, WindowConfig, secret};
pub use connection::Parts;
pub use credentials::{CredentialStore, CredentialStoreError, ResealError, reseal};
pub use dice::Dice;
pub use health::Health;
pub use intake::{IntakeError, IntakeSink, IntakeSinkError, Receipt};
pub use preview::Preview;
pub use probing::{
    Fact, LeftOver, ProbeOutcome, ProbePlan, ProbeRefused, ProbeReport, Watcher, chosen,
};
pub use registry::{Configs, Connections, UnknownConnection};
pub use session::Session;
pub use sharing::Reach;
pub use sign_in::{ConnectError, Connected, Purpose, Redirect};
pub use standing::{AccountName, CheckError, Light, Outlook, Summary};
pub use store::Lane;
pub use transport::{
    ANSWER_CAP, Answer, HttpOptions, HttpSetupError, HttpTransport, Outgoing, ServiceTransport,
    Transport, TransportError, install_tls, leads_inside,
};
