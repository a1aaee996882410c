//! `tandem links`: what is linked, and linking and splitting by hand. `tandem config`: configs that were in force.

use std::io::Read as _;

use anyhow::{Context as _, Result};
use http::Method;
use serde_json::{Value as Json, json};

use crate::{
    cli::{self, LinksCommand},
    client::{Client, Payload, segment, with_query},
    commands::look::when,
    failure::Failure,
    output::{self, at, cell},
};

/// How many links are asked for at once.
const PAGE: usize = 5_000;

/// Shows links, or carries out what is to be done about them.
pub(crate) async fn links(client: &Client, links: cli::Links) -> Result<()> {
    match links.command {
        None => {
            let sync = links.sync.unwrap_or_default();
            let rows = of_sync(client, &sync, links.limit).await?;
            if links.format.json {
                return output::json(&Json::Array(rows));
            }
            output::table(
                &rows,
                &[
                    ("entity", &at("/entity")),
                    ("left", &at("/left")),
                    ("right", &at("/right")),
                    ("matched by", &at("/how")),
                    ("state", &at("/state")),
                    ("since", &when("/created")),
                ],
                "No links.",
            )
        }
        Some(LinksCommand::Import(import)) => take_in(client, &import).await,
        Some(LinksCommand::Export { sync }) => export(client, sync).await,
        Some(LinksCommand::Split(split)) => {
            let mut body = named(&split.pair);
            body["leave"] = json!(split.leave);
            let path = format!("/api/v1/syncs/{}/links/split", segment(&split.pair.sync));
            client.post(&path, body).await?;
            output::text("They are two from now on. `tandem links forget` takes that back.\n")
        }
        Some(LinksCommand::Decisions { sync, format }) => {
            let path = format!("/api/v1/syncs/{}/decisions", segment(&sync));
            let rows = all(client, &path, 0, "/cursor").await?;
            if format.json {
                return output::json(&Json::Array(rows));
            }
            let decision = |row: &Json| match row["decision"].as_str() {
                Some("link") => "they are one".to_owned(),
                _ => "they are two".to_owned(),
            };
            output::table(
                &rows,
                &[
                    ("entity", &at("/entity")),
                    ("left", &at("/left")),
                    ("right", &at("/right")),
                    ("decided", &decision),
                ],
                "Nothing was decided by hand.",
            )
        }
        Some(LinksCommand::Forget(pair)) => {
            let path = format!("/api/v1/syncs/{}/decisions/forget", segment(&pair.sync));
            client.post(&path, named(&pair)).await?;
            output::text("It is forgotten; both are looked at again.\n")
        }
    }
}

fn named(pair: &cli::PairOf) -> Json {
    json!({"entity": pair.entity, "left": pair.left, "right": pair.right})
}

fn list(answer: Json) -> Vec<Json> {
    match answer {
        Json::Array(rows) => rows,
        _ => Vec::new(),
    }
}

/// The links of a sync, at most so many; 0: all.
async fn of_sync(client: &Client, sync: &str, limit: usize) -> Result<Vec<Json>> {
    let path = format!("/api/v1/syncs/{}/links", segment(sync));
    all(client, &path, limit, "/id").await
}

/// A list page by page, at most so many rows; 0: all. `place` is what the next page begins after.
async fn all(client: &Client, path: &str, limit: usize, place: &str) -> Result<Vec<Json>> {
    let mut rows: Vec<Json> = Vec::new();
    loop {
        let wanted = match limit {
            0 => PAGE,
            limit => PAGE.min(limit - rows.len()),
        };
        let after = rows.last().map(|row| cell(row, place));
        let query = [("after", after), ("limit", Some(wanted.to_string()))];
        let page = list(client.get(path, &query).await?);
        let whole = page.len() == wanted;
        rows.extend(page);
        if !whole || (limit > 0 && rows.len() >= limit) {
            return Ok(rows);
        }
    }
}

async fn take_in(client: &Client, import: &cli::LinksImport) -> Result<()> {
    let text = if import.file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        text
    } else {
        std::fs::read_to_string(&import.file)
            .with_context(|| format!("read {}", import.file.display()))?
    };
    let dry_run = import.dry_run.then(|| "true".to_owned());
    let path = with_query("/api/v1/links/import", &[("dry_run", dry_run)]);
    let answer = client.call(Method::POST, &path, Payload::Text(text)).await;
    let answer = answer.inspect_err(|error| {
        let bad = error.downcast_ref::<Failure>();
        for problem in bad.iter().flat_map(|failure| &failure.problems) {
            eprintln!("line {}: {}", problem.line, problem.message);
        }
    })?;
    if import.format.json {
        return output::json(&answer);
    }
    output::text(&format!(
        "{} pairs: {} {}, {} linked before.\n",
        cell(&answer, "/rows"),
        cell(&answer, "/linked"),
        if import.dry_run {
            "can be linked"
        } else {
            "linked now"
        },
        cell(&answer, "/already"),
    ))
}

/// The first line of such a file.
const HEAD: &str = "sync,entity,left,right\n";

async fn export(client: &Client, sync: Option<String>) -> Result<()> {
    let syncs = match sync {
        Some(sync) => vec![sync],
        None => list(client.get("/api/v1/syncs", &[]).await?)
            .iter()
            .map(|sync| cell(sync, "/name"))
            .collect(),
    };
    let mut has_head = false;
    for sync in syncs {
        let rows = of_sync(client, &sync, 0).await?;
        if !has_head {
            output::text(HEAD)?;
            has_head = true;
        }
        for row in rows {
            let values = [
                sync.clone(),
                cell(&row, "/entity"),
                cell(&row, "/left"),
                cell(&row, "/right"),
            ];
            let values = values.map(|value| quoted(&value));
            output::text(&format!("{}\n", values.join(",")))?;
        }
    }
    if !has_head {
        output::text(HEAD)?;
    }
    Ok(())
}

fn quoted(value: &str) -> String {
    if value.contains([',', ';', '"']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

/// The configs that were in force.
pub(crate) async fn config(client: &Client, config: &cli::Config) -> Result<()> {
    const ALL: &str = "/api/v1/config/revisions";
    let Some(revision) = config.revision else {
        let rows = list(client.get(ALL, &[]).await?);
        if config.format.json {
            return output::json(&Json::Array(rows));
        }
        return output::table(
            &rows,
            &[("config", &at("/revision")), ("since", &when("/applied"))],
            "No config was applied.",
        );
    };
    if config.back {
        let path = format!("{ALL}/{revision}/apply");
        let answer = client.post(&path, json!({})).await?;
        if config.format.json {
            return output::json(&answer);
        }
        return output::text(&format!(
            "Config {revision} is in force again, as config {}.\n",
            cell(&answer, "/revision")
        ));
    }
    let answer = client.get(&format!("{ALL}/{revision}"), &[]).await?;
    if config.format.json {
        return output::json(&answer);
    }
    output::text(answer["document"].as_str().unwrap_or_default())
}
