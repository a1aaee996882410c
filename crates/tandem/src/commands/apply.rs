//! `tandem apply`: a config is checked whole, and put into force or not.

use std::{path::Path, process::ExitCode};

use anyhow::Result;
use http::Method;
use serde_json::{Value as Json, json};
use server::{
    Code,
    config::{self, Problems},
};

use crate::{
    cli::{self, Global},
    client::Payload,
    failure::Failure,
    output::{self, Output, cell},
    session::{Missing, Session, database},
    wiring,
};

/// Applies, or only checks.
pub(crate) async fn apply(global: &Global, apply: &cli::Apply, output: Output) -> Result<ExitCode> {
    let text = read_file(&apply.file)?;
    // what is wrong by itself is found before a database is opened or made
    let database = database(global, Some(&apply.file))?;
    let outcome = match check_here(&text, &database.beside()) {
        Ok(document) if apply.dry_run && database.is_missing() => Ok(without_accounts(&document)),
        Ok(_) => through_api(global, apply, &text).await,
        Err(error) => Err(error),
    };
    let answer = match outcome {
        Ok(answer) => answer,
        Err(error) => return problems(&apply.file, &text, error, apply.format.json, output),
    };
    if apply.format.json {
        output::json(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    if answer["applied"] == true {
        output::text(&format!(
            "Revision {} is in force.\n",
            cell(&answer, "/revision")
        ))?;
    } else {
        output::text("The config is good. Nothing was changed.\n")?;
    }
    for sync in answer["unchecked"].as_array().into_iter().flatten() {
        eprintln!(
            "The fields of sync `{}` were not checked: {}.",
            cell(sync, "/sync"),
            cell(sync, "/why")
        );
    }
    if answer["restart_needed"] == true {
        eprintln!("`listen` changed: start the server anew to listen there.");
    }
    Ok(ExitCode::SUCCESS)
}

/// The text of a config file.
pub(crate) fn read_file(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).map_err(|error| {
        Failure::new(
            Code::ConfigFile,
            format!("{} cannot be read: {error}", file.display()),
        )
        .into()
    })
}

/// Checks a config as far as that goes without a database.
pub(crate) fn check_here(text: &str, database: &Path) -> Result<config::Document> {
    let connectors = wiring::all_connectors(database)?;
    config::read(text, &wiring::descriptions(&connectors)).map_err(|Problems { problems }| {
        let mut failure = Failure::new(Code::ConfigValue, "the config has problems");
        failure.problems = problems;
        failure.into()
    })
}

/// Without a database there are no accounts whose fields could be looked at.
fn without_accounts(document: &config::Document) -> Json {
    let unchecked: Vec<Json> = document
        .syncs
        .keys()
        .map(|sync| json!({"sync": sync, "why": "no connection is signed in yet"}))
        .collect();
    json!({"applied": false, "unchecked": unchecked})
}

async fn through_api(global: &Global, apply: &cli::Apply, text: &str) -> Result<Json> {
    let session = Session::open(global, Some(&apply.file), Missing::Make).await?;
    let path = if apply.dry_run {
        "/api/v1/config?dry_run=true"
    } else {
        "/api/v1/config"
    };
    let outcome = session
        .client
        .call(Method::PUT, path, Payload::Text(text.to_owned()))
        .await;
    let closed = session.close().await;
    let answer = outcome?;
    closed?;
    Ok(answer)
}

/// Shows the problems of a config at their places.
fn problems(
    file: &Path,
    text: &str,
    error: anyhow::Error,
    json: bool,
    output: Output,
) -> Result<ExitCode> {
    let failure = match error.downcast::<Failure>() {
        Ok(failure) if !failure.problems.is_empty() => failure,
        Ok(failure) => return Err(failure.into()),
        Err(error) => return Err(error),
    };
    if json {
        output::json(&json!({"applied": false, "problems": failure.problems}))?;
    } else {
        show(file, text, &failure, output);
    }
    Ok(failure.exit_code())
}

/// Shows the problems of a config, if the error is about one. What is left to say is given back.
pub(crate) fn shown(
    file: &Path,
    text: &str,
    error: anyhow::Error,
    output: Output,
) -> anyhow::Error {
    match error.downcast::<Failure>() {
        Ok(mut failure) if !failure.problems.is_empty() => {
            show(file, text, &failure, output);
            failure.message = format!("{} is not good; nothing was changed", file.display());
            failure.hint = None;
            failure.into()
        }
        Ok(failure) => failure.into(),
        Err(error) => error,
    }
}

pub(crate) fn show(file: &Path, text: &str, failure: &Failure, output: Output) {
    let problems = Problems {
        problems: failure.problems.clone(),
    };
    let name = file.display().to_string();
    eprint!("{}", problems.render(&name, text, output.style()));
    eprintln!("{problems} ({name}); nothing was changed");
}
