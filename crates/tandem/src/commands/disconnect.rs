//! `tandem disconnect`: what hangs on an account, and taking it away once somebody says so.

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use anyhow::Result;
use serde_json::{Value as Json, json};

use crate::{
    cli,
    client::{Client, segment},
    output::{self, Output, cell},
};

/// Shows what depends on a connection, asks, and takes away what Tandem made there.
pub(crate) async fn disconnect(
    client: &Client,
    wanted: &cli::Disconnect,
    output: Output,
) -> Result<ExitCode> {
    let path = format!("/api/v1/connections/{}/disconnect", segment(&wanted.name));
    let depends = client.get(&path, &[]).await?;
    if !wanted.format.json {
        output::text(&shown(&depends))?;
    }
    if !wanted.yes && !agreed(output)? {
        eprintln!("Nothing was done. With --yes it is done without being asked.");
        return Ok(ExitCode::from(1));
    }
    let done = client.post(&path, json!({})).await?;
    if wanted.format.json {
        output::json(&done)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::text(&format!(
        "{} is switched off. To remove it, take it and its syncs out of the config and apply that; to go on, `tandem connect {}`.\n",
        wanted.name, wanted.name
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn shown(depends: &Json) -> String {
    let mut text = format!("{}:\n", cell(depends, "/connection"));
    let mut line = |words: String| {
        text.push_str("  ");
        text.push_str(&words);
        text.push('\n');
    };
    let syncs = depends["syncs"].as_array().map_or(&[][..], Vec::as_slice);
    for sync in syncs {
        line(format!(
            "the sync {} with {} stops",
            cell(sync, "/name"),
            cell(sync, "/with")
        ));
    }
    if syncs.is_empty() {
        line("no sync uses it".to_owned());
    }
    for trigger in depends["triggers"].as_array().into_iter().flatten() {
        let trigger = trigger.as_str().unwrap_or_default();
        line(format!("workflows that wait for {trigger} begin no more"));
    }
    if let Some(address) = depends["webhooks"].as_str() {
        line(format!("its webhooks to {address} are taken away"));
    }
    for field in depends["fields"].as_array().into_iter().flatten() {
        line(format!(
            "the field {} of {} records is deleted with all its values",
            cell(field, "/field"),
            cell(field, "/entity")
        ));
    }
    text
}

fn agreed(output: Output) -> Result<bool> {
    if !output.interactive || !io::stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("Do this? [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
