//! Marketplace apps, their installations, and every token that opens a door.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::Serialize;

/// A marketplace app as its developer set it up in the portal.
#[derive(Debug, Clone)]
pub(crate) struct App {
    /// 24 hex digits.
    pub(crate) id: String,
    pub(crate) version_id: String,
    pub(crate) name: String,
    /// `<app id>-<8 characters>`.
    pub(crate) client_id: String,
    /// A UUID.
    pub(crate) client_secret: String,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) scopes: BTreeSet<String>,
    /// One URL for all events.
    pub(crate) webhook_url: Option<Arc<str>>,
    /// The events that are toggled on; `INSTALL` and `UNINSTALL` always are.
    pub(crate) events: BTreeSet<String>,
}

/// What a token stands for: the agency, or one of its locations.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Subject {
    Company,
    Location(Arc<str>),
}

/// An app in use at an agency or a location.
#[derive(Debug, Clone)]
pub(crate) struct Installation {
    pub(crate) client_id: String,
    pub(crate) subject: Subject,
    /// For an agency's installation: the locations it covers.
    pub(crate) approved: Vec<String>,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) user_id: String,
    pub(crate) installed_ms: i64,
}

impl Installation {
    pub(crate) fn covers(&self, location_id: &str) -> bool {
        match &self.subject {
            Subject::Location(own) => &**own == location_id,
            Subject::Company => self.approved.iter().any(|approved| approved == location_id),
        }
    }
}

/// Where a token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An app, by client id.
    App(String),
    /// A private integration.
    Private,
}

/// A token that opens the API.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) origin: Origin,
    pub(crate) subject: Subject,
    pub(crate) scopes: Arc<BTreeSet<String>>,
    /// When it ends, in milliseconds since 1970; never for a private integration that is not being rotated.
    pub(crate) expires_ms: Option<i64>,
    /// Under which the rate is limited.
    pub(crate) limit_key: Arc<str>,
}

/// A token that gets the next access token, once.
#[derive(Debug, Clone)]
pub(crate) struct Refresh {
    pub(crate) client_id: String,
    pub(crate) subject: Subject,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) expires_ms: i64,
    /// When it was used, and the answer that was given then.
    pub(crate) used: Option<(i64, serde_json::Value)>,
}

/// A code that gets the first tokens, once.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) client_id: String,
    pub(crate) subject: Subject,
    pub(crate) scopes: BTreeSet<String>,
    /// As given when the code was asked for; none for a reconnect.
    pub(crate) redirect_uri: Option<String>,
    pub(crate) expires_ms: i64,
}

/// Everything that opens a door, by its text.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) access: HashMap<String, Arc<Access>>,
    pub(crate) refresh: HashMap<String, Refresh>,
    pub(crate) codes: HashMap<String, Code>,
}

/// One token in a listing, without its text.
#[derive(Debug, Serialize)]
pub(crate) struct TokenLine {
    pub(crate) kind: &'static str,
    pub(crate) subject: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_ms: Option<i64>,
}

impl Tokens {
    /// Ends all tokens of an app for a subject, as an uninstall or a revocation does.
    pub(crate) fn revoke(&mut self, client_id: &str, of: impl Fn(&Subject) -> bool) -> usize {
        let before = self.access.len() + self.refresh.len();
        let app = Origin::App(client_id.to_owned());
        self.access
            .retain(|_, access| access.origin != app || !of(&access.subject));
        self.refresh
            .retain(|_, refresh| refresh.client_id != client_id || !of(&refresh.subject));
        self.codes
            .retain(|_, code| code.client_id != client_id || !of(&code.subject));
        before - self.access.len() - self.refresh.len()
    }

    pub(crate) fn lines(&self) -> Vec<TokenLine> {
        let mut lines: Vec<TokenLine> = self
            .access
            .values()
            .map(|access| TokenLine {
                kind: if access.origin == Origin::Private {
                    "private"
                } else {
                    "access"
                },
                subject: subject_name(&access.subject),
                scopes: access.scopes.iter().cloned().collect(),
                expires_ms: access.expires_ms,
            })
            .collect();
        lines.sort_by(|a, b| {
            (&a.subject, a.kind, a.expires_ms).cmp(&(&b.subject, b.kind, b.expires_ms))
        });
        lines
    }
}

pub(crate) fn subject_name(subject: &Subject) -> String {
    match subject {
        Subject::Company => "company".to_owned(),
        Subject::Location(id) => id.to_string(),
    }
}

/// The scopes that the simulated part of the API knows, and those that apps of its kind ask for beside them.
pub(crate) const SCOPES: &[&str] = &[
    "associations.readonly",
    "associations/relation.readonly",
    "businesses.readonly",
    "businesses.write",
    "calendars.readonly",
    "calendars.write",
    "calendars/events.readonly",
    "calendars/events.write",
    "calendars/groups.readonly",
    "calendars/groups.write",
    "calendars/resources.readonly",
    "calendars/resources.write",
    "campaigns.readonly",
    "companies.readonly",
    "contacts.readonly",
    "contacts.write",
    "conversations.readonly",
    "conversations.write",
    "conversations/livechat.write",
    "conversations/message.readonly",
    "conversations/message.write",
    "invoices.readonly",
    "locations.readonly",
    "locations/customFields.readonly",
    "locations/customFields.write",
    "locations/customValues.readonly",
    "locations/customValues.write",
    "locations/tags.readonly",
    "locations/tags.write",
    "locations/tasks.readonly",
    "locations/templates.readonly",
    "objects/record.readonly",
    "objects/schema.readonly",
    "oauth.readonly",
    "oauth.write",
    "opportunities.readonly",
    "opportunities.write",
    "payments/orders.readonly",
    "products.readonly",
    "products/prices.readonly",
    "users.readonly",
    "users.write",
    "workflows.readonly",
];
