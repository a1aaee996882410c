//! `tandem alerts` and `tandem retry`: what needs a person, and what is done once it was put right.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Map, Value as Json, json};

use crate::{
    cli,
    client::Client,
    commands::look::when,
    output::{self, at, cell},
};

/// Has what failed or was refused tried again.
pub(crate) async fn retry(client: &Client, wanted: &cli::Retry) -> Result<()> {
    let named = [
        ("connection", &wanted.connection),
        ("entity", &wanted.entity),
        ("record", &wanted.record),
        ("sync", &wanted.sync),
    ];
    let body: Map<String, Json> = named
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))))
        .collect();
    let answer = client.post("/api/v1/retry", Json::Object(body)).await?;
    if wanted.format.json {
        return output::json(&answer);
    }
    output::text(&format!(
        "Tried again now: {} records that failed, {} fields that were refused.\n",
        cell(&answer, "/records"),
        cell(&answer, "/fields")
    ))
}

/// Shows what is wrong, or sends a test. The status tells whether each test arrived.
pub(crate) async fn alerts(client: &Client, wanted: &cli::Alerts) -> Result<ExitCode> {
    if wanted.test {
        return test(client, wanted).await;
    }
    let answer = client.get("/api/v1/alerts", &[]).await?;
    if wanted.format.json {
        output::json(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = |part: &str| answer[part].as_array().cloned().unwrap_or_default();
    let channels: Vec<String> = rows("channels")
        .iter()
        .filter_map(|channel| channel.as_str().map(str::to_owned))
        .collect();
    output::text(&match channels.is_empty() {
        true => {
            "Nobody is told: the config has no `alerts` with `email` or `webhook`.\n".to_owned()
        }
        false => format!("Told by {}.\n", channels.join(" and ")),
    })?;
    let columns: [output::Column<'_>; 5] = [
        ("what", &at("/kind")),
        ("of", &at("/about")),
        ("since", &when("/since")),
        ("told", &when("/told")),
        ("why", &at("/why")),
    ];
    output::table(&rows("open"), &columns, "Nothing is wrong.")?;
    let unsent = rows("unsent");
    if !unsent.is_empty() {
        output::text("\nNot sent yet:\n")?;
        output::table(
            &unsent,
            &[
                ("by", &at("/channel")),
                ("what", &at("/subject")),
                ("tries", &at("/tries")),
                ("next", &when("/next")),
                ("error", &at("/error")),
            ],
            "",
        )?;
    }
    let past = rows("past");
    if !past.is_empty() {
        output::text("\nOver:\n")?;
        output::table(
            &past,
            &[
                ("what", &at("/kind")),
                ("of", &at("/about")),
                ("since", &when("/since")),
                ("until", &when("/clear")),
                ("why", &at("/why")),
            ],
            "",
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn test(client: &Client, wanted: &cli::Alerts) -> Result<ExitCode> {
    let answer = client.post("/api/v1/alerts/test", json!({})).await?;
    let rows = answer.as_array().cloned().unwrap_or_default();
    if wanted.format.json {
        output::json(&answer)?;
    } else {
        let outcome = |row: &Json| match row["error"].as_str() {
            Some(error) => format!("not sent: {error}"),
            None => "sent".to_owned(),
        };
        output::table(
            &rows,
            &[("by", &at("/channel")), ("test", &outcome)],
            "Nobody is told: the config has no `alerts` with `email` or `webhook`.",
        )?;
    }
    let arrived = !rows.is_empty() && rows.iter().all(|row| row["sent"] == true);
    Ok(match arrived {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
