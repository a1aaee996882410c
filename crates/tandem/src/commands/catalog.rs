//! `tandem catalog` and `tandem call`: what the systems can do, and doing it.

use std::{fmt::Write as _, path::Path, sync::Arc};

use anyhow::Result;
use connector::{
    Connector,
    catalog::{
        Effects, Operation, Repeat, needs,
        trigger::{Source, Trigger},
    },
};
use serde_json::{Value as Json, json};
use server::Code;

use crate::{
    cli::{self, Global},
    client::{Client, segment},
    failure::Failure,
    output::{self, at},
    session, wiring,
};

/// Lists operations, or shows the one that is named in full. Needs no database.
pub(crate) fn catalog(global: &Global, wanted: &cli::Catalog) -> Result<()> {
    let database = session::database(global, None)?.beside();
    if let Some(cli::CatalogCommand::Import(wanted)) = &wanted.import {
        return import(&database, wanted);
    }
    let connectors = wiring::all_connectors(&database)?;
    let systems: Vec<&str> = connectors
        .iter()
        .map(|connector| connector.describe().system)
        .collect();
    if let Some(system) = &wanted.system
        && !systems.contains(&system.as_str())
    {
        return Err(
            Failure::new(Code::BadRequest, format!("there is no system `{system}`"))
                .hint(format!("there are {}", systems.join(", ")))
                .into(),
        );
    }
    if wanted.counts {
        return counts(wanted, &connectors);
    }
    let word = wanted.search.as_deref().unwrap_or_default().to_lowercase();
    let mut rows = Vec::new();
    for connector in &connectors {
        let system = connector.describe().system;
        if wanted.system.as_deref().is_some_and(|own| own != system) {
            continue;
        }
        if let Some(id) = &wanted.operation {
            if let Some(trigger) = connector.catalog().trigger(id) {
                return match wanted.format.json {
                    true => output::json(&serde_json::to_value(trigger)?),
                    false => output::text(&trigger_in_full(trigger)),
                };
            }
            let operation = connector.catalog().operation(id).ok_or_else(|| {
                Failure::new(
                    Code::OperationUnknown,
                    format!("{} has no operation `{id}`", connector.describe().title),
                )
                .hint(format!("`tandem catalog {system}` lists them"))
            })?;
            return match wanted.format.json {
                true => output::json(&serde_json::to_value(operation)?),
                false => output::text(&in_full(system, operation)),
            };
        }
        let fits = |operation: &&Operation| {
            let text = format!(
                "{} {} {}",
                operation.id, operation.title, operation.description
            );
            text.to_lowercase().contains(&word)
        };
        let operations = connector.catalog().operations.iter().filter(fits);
        let triggers = connector.catalog().triggers.iter().filter(|trigger| {
            let text = format!("{} {} {}", trigger.id, trigger.title, trigger.description);
            text.to_lowercase().contains(&word)
        });
        rows.extend(operations.map(|operation| {
            json!({
                "system": system,
                "operation": operation.id,
                "title": operation.title,
                "effect": operation.effect,
                "repeat": repeat(&operation.repeat),
                "needs": operation.needs,
                "calls": operation.calls,
            })
        }));
        rows.extend(triggers.map(|trigger| {
            let how = match &trigger.source {
                Source::Webhook { .. } => "told by webhook".to_owned(),
                Source::Poll(poll) => format!("asked with {}", poll.operation),
            };
            json!({
                "system": system,
                "trigger": trigger.id,
                "operation": trigger.id,
                "title": trigger.title,
                "effect": "trigger",
                "repeat": how,
                "needs": trigger.needs,
            })
        }));
    }
    if wanted.format.json {
        return output::json(&Json::Array(rows));
    }
    output::table(
        &rows,
        &[
            ("system", &at("/system")),
            ("operation", &at("/operation")),
            ("what it does", &at("/title")),
            ("effect", &at("/effect")),
            ("if its outcome is not known", &at("/repeat")),
        ],
        "No operation has to do with that.",
    )
}

/// How much each system can do.
fn counts(wanted: &cli::Catalog, connectors: &[Arc<dyn Connector>]) -> Result<()> {
    let rows: Vec<Json> = connectors
        .iter()
        .map(|connector| (connector.describe().system, connector.catalog()))
        .filter(|(system, _)| wanted.system.as_deref().is_none_or(|own| own == *system))
        .map(|(system, catalog)| {
            let distinct = catalog.distinct();
            json!({
                "system": system,
                "actions": distinct.actions,
                "pairs": catalog.pairs(),
                "triggers": distinct.triggers,
                "entries": catalog.operations.len() + catalog.triggers.len(),
            })
        })
        .collect();
    if wanted.format.json {
        return output::json(&Json::Array(rows));
    }
    output::table(
        &rows,
        &[
            ("system", &at("/system")),
            ("different actions", &at("/actions")),
            ("pairs of action and resource", &at("/pairs")),
            ("different triggers", &at("/triggers")),
            ("entries", &at("/entries")),
        ],
        "There is no system.",
    )
}

/// Makes a document a system: what is kept beside the database is the document itself, so that it is read anew by each version.
fn import(database: &Path, wanted: &cli::Import) -> Result<()> {
    let refused = |why: String| {
        Failure::new(Code::DocumentUnreadable, why)
            .hint("`tandem error TDM-O005` says what is understood")
    };
    let text = std::fs::read_to_string(&wanted.file)
        .map_err(|error| refused(format!("{} cannot be read: {error}", wanted.file.display())))?;
    let unreadable = |error| refused(format!("{}: {error}", wanted.file.display()));
    let read = openapi::read(&text).map_err(unreadable)?;
    wiring::imported(&wanted.name, &text).map_err(unreadable)?;
    let folder = wiring::systems_folder(database);
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{}.openapi", wanted.name));
    let beside = folder.join(format!("{}.new", wanted.name));
    // whole or not at all
    std::fs::write(&beside, &text)?;
    std::fs::rename(&beside, &file)?;
    // the ending of documents before YAML was read
    match std::fs::remove_file(folder.join(format!("{}.json", wanted.name))) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let left_out: Vec<Json> = read
        .left_out
        .iter()
        .map(|call| json!({"call": call.call, "why": call.why}))
        .collect();
    if wanted.format.json {
        return output::json(&json!({
            "system": wanted.name,
            "title": read.title,
            "base_url": read.base_url,
            "auth": read.auth,
            "operations": read.operations.len(),
            "left_out": left_out,
        }));
    }
    let mut text = format!(
        "{} is the system `{}` now, with {} operations. Sign-in: {}.\n",
        read.title,
        wanted.name,
        read.operations.len(),
        read.auth
    );
    for call in &read.left_out {
        // writing into a string does not fail
        let _ = writeln!(text, "Left out: {} ({})", call.call, call.why);
    }
    if read.base_url.is_empty() {
        text.push_str(
            "The document does not say where the API lives: set `base_url` for the connection.\n",
        );
    }
    text.push_str(
        "A server that runs takes it with the next `tandem apply`; a document that replaces one, once it is started anew.\n",
    );
    output::text(&text)
}

fn repeat(repeat: &Repeat) -> String {
    match repeat {
        Repeat::Repeatable => "done again".to_owned(),
        Repeat::LookUp(by) => format!("looked up with {by}"),
        Repeat::AtMostOnce => "never done again by itself".to_owned(),
    }
}

fn trigger_in_full(trigger: &Trigger) -> String {
    let how = match &trigger.source {
        Source::Webhook { set_up, .. } => format!("told by webhook. {set_up}"),
        Source::Poll(poll) => format!(
            "asked with {}, {} call(s) each time",
            poll.operation, poll.calls
        ),
    };
    let needs = needs::shown(&trigger.needs, "");
    let example = serde_json::to_string_pretty(&trigger.example).unwrap_or_default();
    format!(
        "{}: {}\n\n{}\n\nhow: {how}\nneeds: {needs}\n\nIt hands on, for example:\n{example}\n",
        trigger.id, trigger.title, trigger.description
    )
}

fn in_full(system: &str, operation: &Operation) -> String {
    let mut text = format!(
        "{}: {}\n\n{}\n\n",
        operation.id, operation.title, operation.description
    );
    let effect = match operation.effect {
        Effects::Read => "reads",
        Effects::Write => "writes",
    };
    let needs = needs::shown(&operation.needs, "");
    let facts = [
        (
            "request",
            format!("{} {}", operation.method, operation.path),
        ),
        ("effect", effect.to_owned()),
        ("needs", needs),
        ("costs", format!("{} call(s)", operation.calls)),
        ("if its outcome is not known", repeat(&operation.repeat)),
    ];
    for (name, value) in facts {
        // writing into a string does not fail
        let _ = writeln!(text, "{name}: {value}");
    }
    let _ = writeln!(text, "\nFields:");
    let required = operation.input["required"].as_array();
    for (name, property) in operation.input["properties"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let needed = required.is_some_and(|required| required.iter().any(|own| own == name));
        let said = property["description"].as_str().unwrap_or_default();
        let _ = writeln!(
            text,
            "  {name}{}  {} {said}",
            if needed { " (needed)" } else { "" },
            kind(property),
        );
    }
    let _ = writeln!(
        text,
        "\nExample:\n  tandem call CONNECTION {} --input '{}'\n",
        operation.id, operation.example
    );
    if wiring::connectors()
        .iter()
        .any(|own| own.describe().system == system)
    {
        let _ = writeln!(
            text,
            "\nThe page: docs/catalog/{system}/{}.md",
            operation.id
        );
    }
    text
}

fn kind(property: &Json) -> String {
    match (&property["enum"], &property["type"]) {
        (Json::Array(words), _) => words
            .iter()
            .map(|word| {
                word.as_str()
                    .map_or_else(|| word.to_string(), str::to_owned)
            })
            .collect::<Vec<_>>()
            .join("|"),
        (_, Json::String(kind)) => kind.clone(),
        (_, Json::Array(kinds)) => kinds
            .iter()
            .filter_map(Json::as_str)
            .collect::<Vec<_>>()
            .join("|"),
        _ => "anything".to_owned(),
    }
}

/// Does an operation on a connection, or shows the request.
pub(crate) async fn call(client: &Client, call: &cli::Call) -> Result<()> {
    let path = format!(
        "/api/v1/connections/{}/operations/{}",
        segment(&call.connection),
        segment(&call.operation)
    );
    let operation = client.get(&path, &[]).await?;
    let input = catalog::read_input(&operation["input"], &call.input)
        .map_err(|error| Failure::new(Code::OperationInput, error.to_string()))?;
    let answer = client
        .post(&path, json!({"input": input, "dry_run": call.dry_run}))
        .await?;
    if call.dry_run {
        eprintln!("Nothing was sent. This would be:");
        return match call.format.json {
            true => output::json(&answer["request"]),
            false => output::text(&request(&answer["request"])),
        };
    }
    eprintln!(
        "Done; `tandem calls --cause {}` shows the calls.",
        output::cell(&answer, "/cause")
    );
    output::json(&answer["output"])
}

/// A request the way it stands on the wire.
fn request(request: &Json) -> String {
    let mut text = format!(
        "{} {}\n",
        output::cell(request, "/method"),
        output::cell(request, "/url")
    );
    for header in request["headers"].as_array().into_iter().flatten() {
        let _ = writeln!(
            text,
            "{}: {}",
            output::cell(header, "/0"),
            output::cell(header, "/1")
        );
    }
    if let Some(body) = request.get("body") {
        let body = serde_json::to_string_pretty(body).unwrap_or_default();
        let _ = writeln!(text, "\n{body}");
    }
    text
}
