//! The docs that are made from code: the command line, the config, the list of error codes, the fields of
//! each system, the catalog.
//!
//! `cargo xtask generate` writes them; `cargo xtask test` compares the committed ones.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::Result;
use clap::{Command, CommandFactory as _};
use serde_json::{Map, Value as Json};
use server::Code;

mod catalog;
mod fields;
mod probes;

use crate::{cli::Cli, wiring};

const NOTE: &str = "<!-- Made from code by `cargo xtask generate`. Do not edit. -->\n";

/// Writes all of them below this folder.
pub(crate) fn write(out: &Path) -> Result<()> {
    let schema = serde_json::to_value(server::config::schema())?;
    let mut files = vec![
        ("reference/cli.md".to_owned(), command_line()),
        ("reference/config.md".to_owned(), config(&schema)),
        (
            "reference/config.schema.json".to_owned(),
            serde_json::to_string_pretty(&schema)? + "\n",
        ),
        ("errors/README.md".to_owned(), codes()),
    ];
    let connectors = wiring::connectors();
    let all: Vec<&dyn connector::Connector> =
        connectors.iter().map(|connector| &**connector).collect();
    files.push(("reference/probes.md".to_owned(), probes::page(&all)));
    files.extend(catalog::pages(&all));
    files.extend(connectors.iter().map(|connector| {
        let name = format!("systems/fields/{}.md", connector.describe().system);
        (name, fields::page(&**connector))
    }));
    for (name, text) in files {
        let path = out.join(&name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

fn codes() -> String {
    let mut text = format!(
        "{NOTE}# Error codes\n\nThe command line, the API and the logs show the same codes. `tandem error CODE` prints a page.\n\n| code | what happened |\n| --- | --- |\n"
    );
    for code in Code::ALL {
        line(
            &mut text,
            format_args!("| [{code}]({code}.md) | {} |", code.title()),
        );
    }
    text
}

fn command_line() -> String {
    let mut text = format!("{NOTE}# The command line\n\n");
    let mut root = Cli::command().term_width(100);
    root.build();
    section(&mut text, &mut root, "tandem", 0);
    text
}

fn section(text: &mut String, command: &mut Command, path: &str, depth: usize) {
    if command.is_hide_set() {
        return;
    }
    let heading = "#".repeat((depth + 2).min(4));
    // what every command takes is said once, at the top
    let shown = command.clone().mut_args(|argument| {
        let hide = depth > 0 && argument.is_global_set();
        argument.hide(hide)
    });
    let help = shown
        .bin_name(path)
        .color(clap::ColorChoice::Never)
        .render_long_help()
        .to_string();
    line(
        text,
        format_args!("{heading} `{path}`\n\n```text\n{}\n```\n", trimmed(&help)),
    );
    for child in command.get_subcommands_mut() {
        if child.get_name() != "help" {
            let path = format!("{path} {}", child.get_name());
            section(text, child, &path, depth + 1);
        }
    }
}

/// Without white space at the ends of lines.
fn trimmed(text: &str) -> String {
    text.trim()
        .lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
}

fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    // writing into a string does not fail
    let _ = writeln!(text, "{what}");
}

/// The config's reference out of its JSON Schema.
fn config(schema: &Json) -> String {
    let mut text = format!(
        "{NOTE}# The config\n\nYAML. `tandem init` writes a complete one to start from, `tandem apply` checks it and puts it into force, \
         `tandem schema` prints [the JSON Schema](config.schema.json) that this page is made from.\n"
    );
    let empty = Map::new();
    let definitions = schema["$defs"].as_object().unwrap_or(&empty);
    describe(&mut text, "The file", schema);
    for (name, definition) in definitions {
        describe(&mut text, &spaced(name), definition);
    }
    text
}

fn describe(text: &mut String, title: &str, schema: &Json) {
    line(text, format_args!("\n## {title}\n"));
    if let Some(description) = schema["description"].as_str() {
        line(text, format_args!("{description}\n"));
    }
    if let Some(properties) = schema["properties"].as_object() {
        line(
            text,
            format_args!(
                "| key | what | form | default | example |\n| --- | --- | --- | --- | --- |"
            ),
        );
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect();
        for (key, property) in properties {
            let default = match property.get("default") {
                Some(default) => code(default),
                None if required.contains(&key.as_str()) => "needed".to_owned(),
                None => String::new(),
            };
            let example = property["examples"]
                .as_array()
                .and_then(|examples| examples.first())
                .map(code)
                .unwrap_or_default();
            line(
                text,
                format_args!(
                    "| `{key}` | {} | {} | {default} | {example} |",
                    cell(property["description"].as_str().unwrap_or_default()),
                    form(property)
                ),
            );
        }
    }
    let variants = schema["oneOf"]
        .as_array()
        .or_else(|| schema["anyOf"].as_array());
    for variant in variants.into_iter().flatten() {
        let what = variant["description"].as_str().unwrap_or_default();
        line(text, format_args!("* {}: {}", form(variant), cell(what)));
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words.iter().map(code).collect();
        line(text, format_args!("One of {}.", words.join(", ")));
    }
}

/// What may stand at a place, in words, with links to other parts of the page.
fn form(schema: &Json) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let title = spaced(reference.rsplit('/').next().unwrap_or(reference));
        let anchor = title.to_lowercase().replace(' ', "-");
        return format!("[{}](#{anchor})", title.to_lowercase());
    }
    if let Some(word) = schema.get("const") {
        return code(word);
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(code).collect::<Vec<_>>().join(", ");
    }
    for many in ["anyOf", "oneOf", "allOf"] {
        if let Some(variants) = schema[many].as_array() {
            return variants
                .iter()
                .filter(|variant| variant["type"] != "null")
                .map(form)
                .collect::<Vec<_>>()
                .join(" or ");
        }
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Json::String(kind) => vec![kind.as_str()],
        Json::Array(kinds) => kinds
            .iter()
            .filter_map(Json::as_str)
            .filter(|kind| *kind != "null")
            .collect(),
        _ => Vec::new(),
    };
    let spelt: Vec<String> = kinds
        .into_iter()
        .map(|kind| match kind {
            "string" => "text".to_owned(),
            "boolean" => "`true` or `false`".to_owned(),
            "integer" | "number" => "number".to_owned(),
            "array" => format!("list of {}", form(&schema["items"])),
            "object" => match schema.get("additionalProperties") {
                Some(value @ Json::Object(_)) => format!("map of names to {}", form(value)),
                _ => "map".to_owned(),
            },
            other => other.to_owned(),
        })
        .collect();
    if spelt.is_empty() {
        "anything".to_owned()
    } else {
        spelt.join(" or ")
    }
}

fn code(value: &Json) -> String {
    match value {
        Json::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
        .replace("\n\n", "<br>")
        .replace('\n', " ")
}

/// `SyncRules` → `Sync rules`.
fn spaced(name: &str) -> String {
    let mut spaced = String::new();
    for (index, c) in name.char_indices() {
        if c.is_uppercase() && index > 0 {
            spaced.push(' ');
            spaced.extend(c.to_lowercase());
        } else {
            spaced.push(c);
        }
    }
    spaced
}
