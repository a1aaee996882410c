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

    /// The database file. A relative path begins at the folder in which Tandem is started. Read when
    /// the server starts; `--database` goes before it.
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

    /// How long logs are kept.
    #[serde(default)]
    pub retention: Retention,

    /// What steps of workflows may do.
    #[serde(default)]
    pub workflows: Workflows,

    /// The server that e-mail of workflows goes through. Left out: none is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<workflow::MailServer>,
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

/// How long logs are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// The log of vendor calls, in days.
    #[schemars(range(min = 1, max = 3650), example = 30)]
    pub calls_days: u16,
    /// Runs of workflows that have ended, with their steps, in days.
    #[schemars(range(min = 1, max = 3650), example = 30)]
    pub runs_days: u16,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            calls_days: 30,
            runs_days: 30,
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
