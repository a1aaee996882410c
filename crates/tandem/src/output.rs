//! What goes to stdout: JSON as it came, or a table that a person can read.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::Result;
use comfy_table::{ContentArrangement, Table, presets::NOTHING};
use serde_json::Value as Json;

use crate::cli::Colour;

/// How this process prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// stderr takes colours.
    pub(crate) colour: bool,
    /// stderr is a terminal that a person looks at.
    pub(crate) interactive: bool,
    width: usize,
}

impl Output {
    pub(crate) fn new(colour: Colour) -> Self {
        let interactive = io::stderr().is_terminal();
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let width = std::env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok())
            .unwrap_or(100);
        Self {
            colour: match colour {
                Colour::Always => true,
                Colour::Never => false,
                Colour::Auto => interactive && wanted,
            },
            interactive,
            width,
        }
    }

    /// How the problems of a config are shown.
    pub(crate) fn style(self) -> server::config::Style {
        server::config::Style {
            colour: self.colour,
            width: self.width,
        }
    }
}

/// Says something beside the output. Nobody may be reading any more, such as a `tee` that has ended: that ends no server, and
/// must not keep one from stopping.
pub(crate) fn beside(line: &str) {
    drop(writeln!(io::stderr(), "{line}"));
}

/// Prints JSON with a line break at its end.
pub(crate) fn json(value: &Json) -> Result<()> {
    // made first, so that a reader who goes away is an error of writing and of nothing else
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    self::text(&text)
}

/// Prints text as it is.
pub(crate) fn text(text: &str) -> Result<()> {
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

/// One column of a table: its heading, and where its cells stand in each row's JSON.
pub(crate) type Column<'a> = (&'a str, &'a dyn Fn(&Json) -> String);

/// Prints rows as a table, or `nothing` where there are none.
pub(crate) fn table(rows: &[Json], columns: &[Column<'_>], nothing: &str) -> Result<()> {
    if rows.is_empty() {
        eprintln!("{nothing}");
        return Ok(());
    }
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(columns.iter().map(|(heading, _)| heading.to_uppercase()));
    for row in rows {
        table.add_row(columns.iter().map(|(_, cell)| cell(row)));
    }
    let table = table.to_string();
    let mut out = io::stdout().lock();
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end().strip_prefix(' ').unwrap_or(line))?;
    }
    Ok(())
}

/// The text at a path in a row; `–` where there is nothing.
pub(crate) fn cell(row: &Json, pointer: &str) -> String {
    match row.pointer(pointer) {
        None | Some(Json::Null) => "–".to_owned(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A cell maker for a path.
pub(crate) fn at(pointer: &'static str) -> impl Fn(&Json) -> String {
    move |row| cell(row, pointer)
}
