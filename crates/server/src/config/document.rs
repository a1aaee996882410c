//! The config as a person writes it.
//!
//! The doc comments and examples here are the reference: `tandem schema` makes the JSON Schema of
//! them, and `docs/reference/config.md` is written from that schema.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use connections::ConnectionConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// The version of the format that this Tandem reads.
pub const VERSION: u32 = 1;

/// What Tandem connects, what it keeps in sync and how it runs.
///
/// Nothing in it is expanded or filled in silently, but for `templates`. Secrets do not stand in it: they are given as
/// `env:NAME` or `file:PATH`, or typed in at `tandem connect`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The version of this format: always 1.
    #[schemars(example = 1)]
    pub version: u32,

    /// Where browsers and vendors reach this Tandem, as seen from outside: redirects after a sign-in
    /// and webhooks lead there. Needed where a reverse proxy with HTTPS stands before it. Left out:
    /// `http://` and the `listen` address, which only works on the same machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", example = &"https://tandem.example.org")]
    pub public_url: Option<Url>,

    /// The address and port that the server listens on.
    #[serde(default = "default_listen")]
    #[schemars(with = "String", example = &"127.0.0.1:8484")]
    pub listen: SocketAddr,

    /// The database file, or `postgres://USER@HOST/NAME`. A relative path begins at the folder in which Tandem is
    /// started. Read when the server starts; `--database` and TANDEM_DATABASE go before it: with a password, use
    /// the latter.
    #[serde(default = "default_database")]
    #[schemars(with = "String", example = &"/var/lib/tandem/tandem.db")]
    pub database: PathBuf,

    /// The connected accounts, each under a name of your choice (lower case letters, digits, `-` and
    /// `_`).
    #[serde(default)]
    pub connections: BTreeMap<String, ConnectionConfig>,

    /// What is kept in sync, each sync under a name of your choice.
    #[serde(default)]
    pub syncs: BTreeMap<String, mapping::SyncRules>,

    /// Connections and syncs that are written once for many accounts of one kind, such as the sub-accounts of an agency.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub templates: BTreeMap<String, Template>,

    /// How webhooks are taken in.
    #[serde(default)]
    pub webhooks: WebhookIntake,

    /// Who may use the API from elsewhere. The command line on the same machine needs nothing here.
    #[serde(default)]
    pub api: Api,

    /// How much is kept of what grows with time.
    #[serde(default)]
    pub retention: Retention,

    /// Who is told when something needs a person, and of what.
    #[serde(default)]
    pub alerts: Alerts,

    /// What steps of workflows may do.
    #[serde(default)]
    pub workflows: Workflows,

    /// The server that e-mail of workflows and alerts goes through. Left out: none is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<workflow::MailServer>,
}

/// Who is told when something needs a person, and of what. Each trouble is told once when it has lasted, and once when it is
/// over: a connection that fails or needs a sign-in, a sync that stands still, and what the numbers here say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    /// Addresses that get an e-mail, through the server that `mail` names.
    #[schemars(example = ["operations@example.org"])]
    pub email: Vec<String>,
    /// An address that gets a POST with JSON (chats show its `text`), or a reference to one: `env:NAME`, `file:PATH`. One in a
    /// private network needs `workflows.allow_private_addresses`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"env:ALERT_WEBHOOK")]
    pub webhook: Option<String>,
    /// How long a trouble lasts before it is told, and is over before that is told, in minutes.
    #[schemars(range(min = 0, max = 1440), example = 5)]
    pub after_minutes: u16,
    /// A running sync that changed nothing for so many hours is told of. 0: never.
    #[schemars(range(min = 0, max = 8760), example = 72)]
    pub idle_hours: u16,
    /// The share of a connection's calls of the last 15 minutes that failed, of 20 or more, that is told of.
    #[schemars(range(min = 0.01, max = 1.0), example = 0.3)]
    pub error_share: f64,
    /// The share of a vendor's limit over an hour or longer (its day) that is left when it is told of.
    #[schemars(range(min = 0.0, max = 0.9), example = 0.1)]
    pub quota_left: f64,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            email: Vec::new(),
            webhook: None,
            after_minutes: 5,
            idle_hours: 72,
            error_share: 0.3,
            quota_left: 0.1,
        }
    }
}

/// What steps of workflows may do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Workflows {
    /// HTTP requests and messages of workflows may go to this machine and to private ranges. Whoever may write a
    /// workflow can then reach what only this machine can.
    #[schemars(example = false)]
    pub allow_private_addresses: bool,
}

/// Connections and syncs that are made for each row of a list. `${name}` stands for the variable `name` of the row, in keys and values;
/// what is made is checked as if it were written out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The rows: variables and their values.
    #[serde(rename = "for")]
    pub rows: Vec<BTreeMap<String, serde_json::Value>>,

    /// As `connections` of the config. Each name holds a variable.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub connections: BTreeMap<String, serde_json::Value>,

    /// As `syncs` of the config. Each name holds a variable.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub syncs: BTreeMap<String, serde_json::Value>,
}

/// How webhooks are taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookIntake {
    /// A larger body is refused with 413, in bytes.
    #[schemars(range(min = 1024, max = 33_554_432), example = 1_048_576)]
    pub largest_body: usize,
}

impl Default for WebhookIntake {
    fn default() -> Self {
        Self {
            largest_body: 1024 * 1024,
        }
    }
}

/// Who may use the API from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    /// Tokens by a name of your choice. `tandem token NAME` makes one and prints what to put here.
    pub tokens: BTreeMap<String, ApiToken>,
}

/// One token. Only its hash is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiToken {
    /// SHA-256 of the token, in hexadecimal.
    #[schemars(
        regex(pattern = "^[0-9a-f]{64}$"),
        example = &"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    )]
    pub sha256: String,
    /// What it may do.
    #[serde(default)]
    pub access: Access,
}

/// What a token may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Look at everything, change nothing.
    #[default]
    Read,
    /// Everything.
    Admin,
}

/// How much is kept of what grows with time. What is older goes, and of the rest all but the newest; a bounded slice at a
/// time, in the background. Links, what both sides last agreed on, and open questions are no part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// The log of vendor calls, in days.
    #[schemars(range(min = 1, max = 3650), example = 30)]
    pub calls_days: u16,
    /// At most so many vendor calls.
    #[schemars(range(min = 1000), example = 2_000_000)]
    pub calls_most: u64,
    /// The values in the journal, in days. Then an entry still says what was done, when and why, and undo says that the
    /// value is gone.
    #[schemars(range(min = 1, max = 3650), example = 730)]
    pub journal_values_days: u16,
    /// The entries of the journal, in days.
    #[schemars(range(min = 1, max = 3650), example = 3650)]
    pub journal_days: u16,
    /// At most so many entries of the journal: one for each field that was written.
    #[schemars(range(min = 1000), example = 50_000_000)]
    pub journal_most: u64,
    /// Questions that were answered or withdrawn, in days. What was decided holds on.
    #[schemars(range(min = 1, max = 3650), example = 365)]
    pub reviews_days: u16,
    /// At most so many such questions.
    #[schemars(range(min = 1000), example = 200_000)]
    pub reviews_most: u64,
    /// Runs of syncs that have ended, with their counts, in days.
    #[schemars(range(min = 1, max = 3650), example = 365)]
    pub sync_runs_days: u16,
    /// At most so many such runs.
    #[schemars(range(min = 1000), example = 10_000)]
    pub sync_runs_most: u64,
    /// Runs of workflows that have ended, with their steps, in days.
    #[schemars(range(min = 1, max = 3650), example = 30)]
    pub runs_days: u16,
    /// At most so many such runs.
    #[schemars(range(min = 1000), example = 1_000_000)]
    pub runs_most: u64,
    /// What users, tokens and the command line did, in days.
    #[schemars(range(min = 1, max = 3650), example = 730)]
    pub acts_days: u16,
    /// At most so many of these acts.
    #[schemars(range(min = 1000), example = 1_000_000)]
    pub acts_most: u64,
}

impl Retention {
    /// Each time in days, with its key.
    pub(crate) fn days(&self) -> [(&'static str, u16); 7] {
        [
            ("calls_days", self.calls_days),
            ("journal_values_days", self.journal_values_days),
            ("journal_days", self.journal_days),
            ("reviews_days", self.reviews_days),
            ("sync_runs_days", self.sync_runs_days),
            ("runs_days", self.runs_days),
            ("acts_days", self.acts_days),
        ]
    }

    /// The most that is kept of each, with its key.
    pub(crate) fn most(&self) -> [(&'static str, u64); 6] {
        [
            ("calls_most", self.calls_most),
            ("journal_most", self.journal_most),
            ("reviews_most", self.reviews_most),
            ("sync_runs_most", self.sync_runs_most),
            ("runs_most", self.runs_most),
            ("acts_most", self.acts_most),
        ]
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            calls_days: 30,
            calls_most: 2_000_000,
            journal_values_days: 730,
            journal_days: 3650,
            journal_most: 50_000_000,
            reviews_days: 365,
            reviews_most: 200_000,
            sync_runs_days: 365,
            sync_runs_most: 10_000,
            runs_days: 30,
            runs_most: 1_000_000,
            acts_days: 730,
            acts_most: 1_000_000,
        }
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8484))
}

fn default_database() -> PathBuf {
    PathBuf::from("tandem.db")
}

impl Document {
    /// Where browsers and vendors reach us, without a slash at the end.
    pub fn outside_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.listen),
        }
    }
}

/// The JSON Schema of the config.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(Document)
}
