//! Who uses Tandem: people and their sessions, tokens of programs, and what each of them did.
//!
//! Of secrets only hashes are kept. What a role or a scope may do is not decided here.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Result, Workspace};

/// How much a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks at everything, changes nothing.
    Viewer,
    /// Does all work, but for users, credentials and backups.
    Editor,
    /// Everything.
    Owner,
}

/// One kind of thing that may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Looking.
    Read,
    /// Planning, running, answering, undoing, calling operations.
    Work,
    /// Changing the rules of syncs, and workflows.
    Config,
    /// Users, tokens, credentials, connections, backups, the acts of others.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Work, Self::Config, Self::Admin];
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Editor, Self::Owner];
}

/// A person. Known by name; one that was removed and made again is another one, without its sessions and tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// The name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Since when there is this user.
    pub created: Timestamp,
    /// The hash of the password (argon2id, as a PHC string), and since when it is that one. None before it was set.
    pub password: Option<(String, Timestamp)>,
    /// The hash of the secret of the link that sets the password once, and until when it can.
    pub link: Option<(String, Timestamp)>,
    /// When they signed in last.
    pub signed_in: Option<Timestamp>,
}

/// A session of a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// The hash of its secret.
    pub hash: String,
    /// Whose it is.
    pub user: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub ends: Timestamp,
}

/// A token of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// The name.
    pub name: String,
    /// SHA-256 of its text, in hexadecimal.
    pub hash: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Whose it is; it goes with them. `None`: made at the command line.
    pub user: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Until when it is taken. `None`: until it is removed.
    pub ends: Option<Timestamp>,
    /// When it was used last, to about a minute.
    pub used: Option<Timestamp>,
}

/// What somebody acted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A person with a browser.
    User,
    /// A program with a token.
    Token,
    /// The command line on the server's machine.
    CommandLine,
    /// Nobody known: a sign-in that was refused.
    Nobody,
}

/// What became of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActOutcome {
    /// It was done, or begun where it takes its time.
    Done,
    /// They may not.
    Refused,
    /// It could not be done.
    Failed,
    /// The asker left before there was an answer: it may have been done.
    Unknown,
}

/// What somebody did. Holds names and ids, never a value and never a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAct {
    /// When.
    pub at: Timestamp,
    /// As what.
    pub actor: Actor,
    /// The name of the user or the token; empty where there is none.
    pub who: String,
    /// The person behind it: the user, or whose token it is.
    pub user: Option<String>,
    /// What was done, as one of a fixed set of words.
    pub what: String,
    /// To what: a name or an id; empty where the act says it all.
    pub thing: String,
    /// What became of it.
    pub outcome: ActOutcome,
    /// The code of the error, where there was one.
    pub code: Option<String>,
}

/// An act that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its number: later ones have higher ones.
    pub seq: i64,
    /// The act.
    pub act: NewAct,
}

/// Which acts are wanted. All that is given has to hold.
#[derive(Debug, Clone, Default)]
pub struct ActFilter {
    /// Of this user, of their tokens, or of the token of this name.
    pub who: Option<String>,
    /// As what somebody acted.
    pub actor: Option<Actor>,
    /// What was done.
    pub what: Option<String>,
    /// What became of it.
    pub outcome: Option<ActOutcome>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// With a lower number than this: the next page.
    pub before: Option<i64>,
    /// At most so many; 0: no limit.
    pub limit: usize,
}

/// The commands about who uses Tandem. Each method is one transaction; when it returns, it is durable.
#[async_trait]
pub trait AccessStore: Send + Sync {
    /// All users, by name.
    async fn users(&self, workspace: &Workspace) -> Result<Vec<UserRow>>;

    /// Keeps a user, who may be new; ends all their sessions with it if that is wanted.
    async fn save_user(
        &self,
        workspace: &Workspace,
        user: &UserRow,
        end_sessions: bool,
    ) -> Result<()>;

    /// Removes a user with their sessions and tokens.
    async fn remove_user(&self, workspace: &Workspace, name: &str) -> Result<()>;

    /// All sessions, those that end first before the others.
    async fn sessions(&self, workspace: &Workspace) -> Result<Vec<SessionRow>>;

    /// Keeps a session, and drops those that have ended.
    async fn add_session(
        &self,
        workspace: &Workspace,
        session: &SessionRow,
        now: Timestamp,
    ) -> Result<()>;

    /// Ends a session.
    async fn end_session(&self, workspace: &Workspace, hash: &str) -> Result<()>;

    /// All tokens, by name.
    async fn tokens(&self, workspace: &Workspace) -> Result<Vec<TokenRow>>;

    /// Keeps a new token. False: there is one of this name, and nothing was changed.
    async fn add_token(&self, workspace: &Workspace, token: &TokenRow) -> Result<bool>;

    /// Removes a token. False: there was none.
    async fn remove_token(&self, workspace: &Workspace, name: &str) -> Result<bool>;

    /// Notes that a token was used. A power failure may take the last of that.
    async fn token_used(&self, workspace: &Workspace, name: &str, at: Timestamp) -> Result<()>;

    /// Keeps what somebody did.
    async fn record_act(&self, workspace: &Workspace, act: &NewAct) -> Result<()>;

    /// What was done, the newest first.
    async fn acts(&self, workspace: &Workspace, filter: &ActFilter) -> Result<Vec<Act>>;
}
