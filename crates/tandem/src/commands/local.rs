//! Commands that need no server: writing a config, tokens, keys, lookups.

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use clap_complete::Shell;
use connections::reseal;
use serde_json::json;
use server::{Code, NewToken, StoredCredentials};
use store::ActOutcome;
use vault::KEY_VARIABLE;

use super::narrow::narrowed;
use crate::{
    cli::{self, Cli, Global, Pair},
    commands::{noted::note, practise},
    failure::Failure,
    output, session, wiring,
};

/// The ready config of a pair.
pub(crate) fn template(pair: Pair) -> &'static str {
    match pair {
        Pair::HighlevelOnoffice => include_str!("../../../../examples/highlevel-onoffice.yaml"),
        Pair::HighlevelOfficernd => include_str!("../../../../examples/highlevel-officernd.yaml"),
    }
}

/// Writes a config to start from. An existing file is never overwritten.
pub(crate) async fn init(init: &cli::Init) -> Result<()> {
    let text = match &init.sandbox {
        Some(url) => practise::config(init.pair, url).await?,
        None => template(init.pair).to_owned(),
    };
    let text = match init.only.as_slice() {
        [] => text,
        only => narrowed(&text, only)?,
    };
    if init.out == Path::new("-") {
        return output::text(&text);
    }
    let shown = init.out.display();
    // what comes next names the file as it is called
    let text = text.replace("tandem.yaml", &shown.to_string());
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&init.out)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(Failure::new(
                Code::ConfigFile,
                format!("{shown} is there already and was not touched"),
            )
            .hint("choose another name with --out")
            .into());
        }
        Err(error) => {
            return Err(Failure::new(
                Code::ConfigFile,
                format!("{shown} could not be written: {error}"),
            )
            .into());
        }
    }
    eprintln!("Wrote {shown}. What comes next stands at its top.");
    Ok(())
}

/// Makes a token and prints what to put into the config.
pub(crate) fn token(token: &cli::Token) -> Result<()> {
    let made = NewToken::random().context("the system gives no randomness")?;
    eprintln!("The token; it is shown this once:");
    output::text(&format!("{}\n", made.expose()))?;
    eprintln!(
        "\nPut this into the config and apply it:\n\napi:\n  tokens:\n    {}:\n      sha256: {}\n      access: {}",
        token.name,
        made.sha256(),
        if token.admin { "admin" } else { "read" }
    );
    Ok(())
}

/// Prints the JSON Schema of the config.
pub(crate) fn schema() -> Result<()> {
    output::json(&serde_json::to_value(server::config::schema())?)
}

/// Prints the page of an error code, or all codes.
pub(crate) fn error(error: &cli::ErrorCode) -> Result<()> {
    match &error.code {
        Some(code) => {
            let code = code.parse::<Code>()?;
            if error.format.json {
                return output::json(
                    &json!({"code": code, "title": code.title(), "page": code.page()}),
                );
            }
            output::text(code.page())
        }
        None if error.format.json => {
            let listed = Code::ALL
                .iter()
                .map(|code| json!({"code": code, "title": code.title()}));
            output::json(&listed.collect())
        }
        None => {
            for code in Code::ALL {
                output::text(&format!("{code}  {}\n", code.title()))?;
            }
            Ok(())
        }
    }
}

/// Prints a completion script.
pub(crate) fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tandem", &mut script);
    output::text(&String::from_utf8(script)?)
}

/// Seals all credentials anew under a new key. The database must not be in use: a running server
/// would go on with the old key.
pub(crate) async fn rotate(global: &Global) -> Result<()> {
    let database = session::database(global, None)?;
    if database.is_missing() {
        return Err(Failure::new(
            Code::ConfigMissing,
            format!("there is no database {database}"),
        )
        .into());
    }
    let store = wiring::open_store(&database).await?;
    let outcome = reseal_all(&database.beside(), store.clone()).await;
    let became = match &outcome {
        Ok(_) => ActOutcome::Done,
        Err(_) => ActOutcome::Failed,
    };
    let noted = note(&store, "vault.rotate", became).await;
    let closed = store.close().await;
    let resealed = outcome?;
    noted?;
    closed.map_err(|error| wiring::store_failure(&error))?;
    output::text(&format!("{resealed} credentials were sealed anew.\n"))
}

async fn reseal_all(database: &Path, store: std::sync::Arc<store::SqlStore>) -> Result<usize> {
    let names = wiring::connection_names(&*store).await?;
    let file = wiring::key_file(database);
    let in_environment = std::env::var(KEY_VARIABLE).is_ok_and(|key| !key.trim().is_empty());
    let ring = if in_environment {
        // the operator changed the variables: what the old ones sealed is sealed with the new one
        wiring::key_ring(database, &*store).await?
    } else {
        vault::new_key_in_file(&file).map_err(|error| wiring::key_failure(&error))?
    };
    let workspace = wiring::workspace();
    let credentials = StoredCredentials::new(store, workspace.clone());
    let resealed = reseal(&credentials, &ring, workspace.as_str(), &names)
        .await
        .map_err(|error| {
            let mut message = error.to_string();
            if let Some(source) = std::error::Error::source(&error) {
                message = format!("{message}: {source}");
            }
            Failure::new(Code::VaultKey, message)
                .hint("nothing is lost: the old key is kept, run it again when the cause is gone")
        })?;
    if !in_environment {
        vault::forget_old_keys(&file).map_err(|error| wiring::key_failure(&error))?;
    }
    Ok(resealed)
}
