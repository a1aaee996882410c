//! `tandem users`, `tandem tokens`, `tandem acts`: who may do what, and who did what.

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use serde_json::{Value as Json, json};

use crate::{
    cli::Format,
    client::{Client, Payload, segment},
    commands::look::{since, when},
    output::{self, at, cell},
};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Users {
    #[command(subcommand)]
    command: Option<UsersCommand>,
    #[command(flatten)]
    format: Format,
}

/// What a person may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    /// Looks at everything, changes nothing
    Viewer,
    /// Does all work, but for users, credentials and backups
    Editor,
    /// Everything
    Owner,
}

/// What a token may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scope {
    /// Look
    Read,
    /// Plan, run, answer, undo, call operations
    Work,
    /// Change the rules of syncs, and workflows
    Config,
    /// Users, tokens, credentials, connections, backups
    Admin,
}

fn word(value: &impl ValueEnum) -> String {
    value
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}

#[derive(Debug, Subcommand)]
enum UsersCommand {
    /// Add a user, and print the link by which they set their password once
    #[command(after_help = "\
Examples:
  tandem users add ada --role editor
  tandem users add ada@example.org --role owner --json")]
    Add {
        /// Lower case letters, digits, `-`, `_`, `.` and `@`
        name: String,
        /// What they may do
        #[arg(long, value_enum)]
        role: Role,
        #[command(flatten)]
        format: Format,
    },
    /// Give a user another role; it holds at once
    #[command(after_help = "\
Examples:
  tandem users role ada viewer
  tandem users role ada owner --json")]
    Role {
        /// The user
        name: String,
        /// What they may do from now on
        #[arg(value_enum)]
        role: Role,
        #[command(flatten)]
        format: Format,
    },
    /// Print a new link by which a user sets their password once, such as one who forgot it
    #[command(after_help = "\
Examples:
  tandem users link owner
  tandem users link ada --json")]
    Link {
        /// The user
        name: String,
        #[command(flatten)]
        format: Format,
    },
    /// End all sessions of a user
    #[command(after_help = "\
Examples:
  tandem users sign-out ada
  tandem users sign-out ada --json")]
    SignOut {
        /// The user
        name: String,
        #[command(flatten)]
        format: Format,
    },
    /// Remove a user; their sessions and tokens end at once
    #[command(after_help = "\
Examples:
  tandem users remove ada
  tandem users remove ada --json")]
    Remove {
        /// The user
        name: String,
        #[command(flatten)]
        format: Format,
    },
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Tokens {
    #[command(subcommand)]
    command: Option<TokensCommand>,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum TokensCommand {
    /// Make a token; it is printed this once
    #[command(after_help = "\
Examples:
  tandem tokens add grafana --scope read
  tandem tokens add nightly --scope read --scope work --days 90")]
    Add {
        /// A name of your choice, to know it by
        name: String,
        /// What it may do; may stand several times
        #[arg(long = "scope", value_enum, required = true)]
        scopes: Vec<Scope>,
        /// It is taken for so many days [default: until it is removed]
        #[arg(long, value_name = "N")]
        days: Option<u16>,
        #[command(flatten)]
        format: Format,
    },
    /// Remove a token; it is taken no longer
    #[command(after_help = "\
Examples:
  tandem tokens remove grafana
  tandem tokens remove grafana --json")]
    Remove {
        /// The token
        name: String,
        #[command(flatten)]
        format: Format,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Acts {
    /// Only of this user, with their tokens, or of this token
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Only of a browser, a token, the command line, or refused sign-ins
    #[arg(long, value_enum, value_name = "AS")]
    actor: Option<Actor>,
    /// Only this, such as `sync.pause` or `user.add`
    #[arg(long, value_name = "WORD")]
    what: Option<String>,
    /// Only with this outcome
    #[arg(long, value_enum, value_name = "WORD")]
    outcome: Option<ActOutcome>,
    /// Only since this long ago (`30m`, `2h`, `7d`) or since this time
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only before this long ago or this time
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// At most so many; 0 for all
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
    #[command(flatten)]
    format: Format,
}

/// What somebody acted as.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Actor {
    /// A person with a browser
    User,
    /// A program with a token
    Token,
    /// A command on the server's machine
    #[value(name = "command_line")]
    CommandLine,
    /// A sign-in that was refused
    Nobody,
}

/// What became of an act.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ActOutcome {
    /// It was done, or begun
    Done,
    /// They may not
    Refused,
    /// It could not be done
    Failed,
    /// The asker left before the answer
    Unknown,
}

/// Shows the users, or changes who they are.
pub(crate) async fn users(client: &Client, users: &Users) -> Result<()> {
    let of = |name: &str| format!("/api/v1/users/{}", segment(name));
    match &users.command {
        None => {
            let rows = list(client.get("/api/v1/users", &[]).await?);
            if users.format.json {
                return output::json(&Json::Array(rows));
            }
            let password = |row: &Json| match (&row["has_password"], row["link_ends"].as_str()) {
                (Json::Bool(true), _) => "set".to_owned(),
                (_, Some(_)) => "waits for the link".to_owned(),
                (_, None) => "not set; `tandem users link` makes a link".to_owned(),
            };
            output::table(
                &rows,
                &[
                    ("name", &at("/name")),
                    ("role", &at("/role")),
                    ("password", &password),
                    ("signed in last", &when("/signed_in")),
                    ("sessions", &at("/sessions")),
                    ("tokens", &at("/tokens")),
                ],
                "Nobody was added yet; `tandem serve` prints a link that makes the first owner.",
            )
        }
        Some(UsersCommand::Add { name, role, format }) => {
            let body = json!({"name": name, "role": word(role)});
            let invited = client.post("/api/v1/users", body).await?;
            link(&invited, *format)
        }
        Some(UsersCommand::Link { name, format }) => {
            let path = format!("{}/link", of(name));
            let invited = client.post(&path, json!({})).await?;
            link(&invited, *format)
        }
        Some(UsersCommand::Role { name, role, format }) => {
            let body = Payload::Json(json!({"role": word(role)}));
            let answer = client.call(Method::PUT, &of(name), body).await?;
            done(
                &answer,
                *format,
                &format!("`{name}` is {} now.", word(role)),
            )
        }
        Some(UsersCommand::SignOut { name, format }) => {
            let path = format!("{}/sign-out", of(name));
            let answer = client.post(&path, json!({})).await?;
            done(
                &answer,
                *format,
                &format!("All sessions of `{name}` ended."),
            )
        }
        Some(UsersCommand::Remove { name, format }) => {
            let answer = client
                .call(Method::DELETE, &of(name), Payload::Nothing)
                .await?;
            let said = format!("`{name}` is removed; sessions and tokens ended.");
            done(&answer, *format, &said)
        }
    }
}

fn link(invited: &Json, format: Format) -> Result<()> {
    if format.json {
        return output::json(invited);
    }
    eprintln!(
        "This link sets the password of `{}` once, until {}:",
        cell(invited, "/user/name"),
        when("/ends")(invited)
    );
    let links = invited["links"].as_array().into_iter().flatten();
    let links: Vec<&str> = links.filter_map(Json::as_str).collect();
    output::text(&format!("{}\n", links.join("\n")))
}

fn done(answer: &Json, format: Format, said: &str) -> Result<()> {
    if format.json {
        return output::json(answer);
    }
    output::text(&format!("{said}\n"))
}

fn list(answer: Json) -> Vec<Json> {
    match answer {
        Json::Array(rows) => rows,
        _ => Vec::new(),
    }
}

/// Shows the tokens, makes one or removes one.
pub(crate) async fn tokens(client: &Client, tokens: &Tokens) -> Result<()> {
    match &tokens.command {
        None => {
            let rows = list(client.get("/api/v1/tokens", &[]).await?);
            if tokens.format.json {
                return output::json(&Json::Array(rows));
            }
            let scopes = |row: &Json| {
                let scopes = row["scopes"].as_array().into_iter().flatten();
                let words: Vec<&str> = scopes.filter_map(Json::as_str).collect();
                words.join(", ")
            };
            let whose = |row: &Json| match row["in_config"].as_bool() {
                Some(true) => "in the config".to_owned(),
                _ => cell(row, "/user"),
            };
            let ends = |row: &Json| match row["ended"].as_bool() {
                Some(true) => "ended".to_owned(),
                _ => when("/ends")(row),
            };
            output::table(
                &rows,
                &[
                    ("name", &at("/name")),
                    ("scopes", &scopes),
                    ("whose", &whose),
                    ("made", &when("/created")),
                    ("used last", &when("/used")),
                    ("ends", &ends),
                ],
                "No tokens.",
            )
        }
        Some(TokensCommand::Add {
            name,
            scopes,
            days,
            format,
        }) => {
            let scopes: Vec<String> = scopes.iter().map(word).collect();
            let body = json!({"name": name, "scopes": scopes, "days": days});
            let made = client.post("/api/v1/tokens", body).await?;
            if format.json {
                return output::json(&made);
            }
            eprintln!("The token; it is shown this once:");
            output::text(&format!("{}\n", cell(&made, "/token")))
        }
        Some(TokensCommand::Remove { name, format }) => {
            let path = format!("/api/v1/tokens/{}", segment(name));
            let answer = client.call(Method::DELETE, &path, Payload::Nothing).await?;
            done(&answer, *format, &format!("Token `{name}` is removed."))
        }
    }
}

/// So many acts are asked for at once.
const PAGE: usize = 1000;

/// Shows what was done, the newest first.
pub(crate) async fn acts(client: &Client, wanted: &Acts) -> Result<()> {
    let moment = async |text: &Option<String>| match text {
        None => Ok::<_, anyhow::Error>(None),
        Some(text) => Ok(Some(since(client, text).await?.to_string())),
    };
    let (from, to) = (moment(&wanted.since).await?, moment(&wanted.until).await?);
    let mut rows: Vec<Json> = Vec::new();
    loop {
        let limit = match wanted.limit {
            0 => PAGE,
            limit => PAGE.min(limit - rows.len()),
        };
        let query = [
            ("who", wanted.who.clone()),
            ("actor", wanted.actor.as_ref().map(word)),
            ("what", wanted.what.clone()),
            ("outcome", wanted.outcome.as_ref().map(word)),
            ("since", from.clone()),
            ("until", to.clone()),
            ("before", rows.last().map(|row| cell(row, "/id"))),
            ("limit", Some(limit.to_string())),
        ];
        let page = list(client.get("/api/v1/acts", &query).await?);
        let whole = page.len() == limit;
        rows.extend(page);
        if !whole || (wanted.limit > 0 && rows.len() >= wanted.limit) {
            break;
        }
    }
    if wanted.format.json {
        return output::json(&Json::Array(rows));
    }
    let who = |row: &Json| match (row["actor"].as_str(), row["user"].as_str()) {
        (Some("command_line"), _) => "command line".to_owned(),
        (Some("token"), Some(user)) => format!("token {} of {user}", cell(row, "/who")),
        (Some("token"), None) => format!("token {}", cell(row, "/who")),
        (Some("user"), _) => cell(row, "/who"),
        _ => "nobody known".to_owned(),
    };
    let outcome = |row: &Json| match row["code"].as_str() {
        Some(code) => format!("{} ({code})", cell(row, "/outcome")),
        None => cell(row, "/outcome"),
    };
    output::table(
        &rows,
        &[
            ("time", &when("/at")),
            ("who", &who),
            ("what", &at("/what")),
            ("on", &at("/thing")),
            ("outcome", &outcome),
        ],
        "Nothing was done.",
    )
}
