//! `tandem undo`: the plan, a question, and what was done.

use std::io::{IsTerminal as _, Write as _};

use anyhow::Result;
use serde_json::{Value as Json, json};
use server::Code;

use crate::{
    cli,
    client::Client,
    commands::look::{plain, since},
    failure::Failure,
    output::{self, Output, cell},
};

/// Rows of a kind that people are shown; JSON has all.
const SHOWN: usize = 30;

/// Puts back what was done.
pub(crate) async fn undo(client: &Client, undo: &cli::Undo, output: Output) -> Result<()> {
    let scope = scope(client, undo).await?;
    let plan = client.post("/api/v1/undo/plan", scope.clone()).await?;
    if undo.dry_run {
        return match undo.format.json {
            true => output::json(&plan),
            false => output::text(&in_words(&plan)),
        };
    }
    let rows = |kind: &str| plan[kind].as_array().map_or(0, Vec::len);
    let nothing = rows("fields") + rows("records") == 0;
    if !undo.yes {
        eprint!("{}", in_words(&plan));
        if !nothing && !is_confirmed(output)? {
            return Err(Failure::new(Code::BadRequest, "nothing was undone")
                .hint("`--yes` does it without asking, `--dry-run` only shows it")
                .into());
        }
    }
    let report = match nothing {
        true => json!({"fields": 0, "records": 0, "kept": plan["kept"]}),
        false => {
            let body = json!({"scope": scope, "fingerprint": plan["fingerprint"]});
            client.post("/api/v1/undo", body).await?
        }
    };
    if undo.format.json {
        return output::json(&report);
    }
    output::text(&format!(
        "{} fields were put back, {} records removed.\n",
        cell(&report, "/fields"),
        cell(&report, "/records")
    ))?;
    output::text(&kept(&report["kept"]))
}

async fn scope(client: &Client, undo: &cli::Undo) -> Result<Json> {
    let mut scope = serde_json::Map::new();
    let plain = [
        ("run", &undo.run),
        ("sync", &undo.sync),
        ("connection", &undo.connection),
        ("entity", &undo.entity),
        ("record", &undo.record),
        ("field", &undo.field),
    ];
    for (name, value) in plain {
        if let Some(value) = value {
            scope.insert(name.to_owned(), json!(value));
        }
    }
    for (name, value) in [("since", &undo.since), ("until", &undo.until)] {
        if let Some(text) = value {
            scope.insert(name.to_owned(), json!(since(client, text).await?));
        }
    }
    Ok(Json::Object(scope))
}

/// Asks, where somebody can answer.
fn is_confirmed(output: Output) -> Result<bool> {
    if !output.interactive || !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("Do this? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// The plan as people read it.
fn in_words(plan: &Json) -> String {
    let all = |kind: &str| plan[kind].as_array().cloned().unwrap_or_default();
    let (fields, records) = (all("fields"), all("records"));
    let mut lines = vec![format!(
        "{} fields would be put back, {} records removed. Nothing was done yet.",
        fields.len(),
        records.len()
    )];
    for row in fields.iter().take(SHOWN) {
        lines.push(format!(
            "  {} {} ↔ {}: {}",
            cell(row, "/sync"),
            cell(row, "/left"),
            cell(row, "/right"),
            cell(row, "/mapping")
        ));
        for side in ["left", "right"] {
            let back = row[format!("{side}_back")].as_object();
            for (field, value) in back.into_iter().flatten() {
                let now = &row[format!("{side}_now")][field];
                lines.push(format!(
                    "    {side} {field}: {} → {}",
                    plain(now),
                    plain(value)
                ));
            }
        }
    }
    for row in records.iter().take(SHOWN) {
        lines.push(format!(
            "  {} {} is {}; {} {} stays",
            cell(row, "/connection"),
            cell(row, "/record"),
            if row["archived"] == true {
                "archived"
            } else {
                "deleted"
            },
            cell(row, "/source_connection"),
            cell(row, "/source"),
        ));
    }
    for rows in [&fields, &records] {
        if rows.len() > SHOWN {
            lines.push(format!(
                "  … and {} more (`--dry-run --json` has all)",
                rows.len() - SHOWN
            ));
        }
    }
    format!("{}\n{}", lines.join("\n"), kept(&plan["kept"]))
}

/// What stays, with the reasons.
fn kept(rows: &Json) -> String {
    let rows = rows.as_array().cloned().unwrap_or_default();
    let mut text = String::new();
    for row in rows.iter().take(SHOWN) {
        let mapping = row["mapping"]
            .as_str()
            .map_or(String::new(), |name| format!(" {name}"));
        text.push_str(&format!(
            "  stays: {} {}{mapping}: {}\n",
            cell(row, "/connection"),
            cell(row, "/record"),
            cell(row, "/why")
        ));
    }
    if rows.len() > SHOWN {
        text.push_str(&format!("  … and {} more that stay\n", rows.len() - SHOWN));
    }
    text
}
