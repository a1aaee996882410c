//! Logs on stderr: ids, never values of records, never secrets.

use anyhow::{Context as _, Result};
use tracing_subscriber::EnvFilter;

use crate::{
    cli::{Cli, Command},
    output::Output,
};

/// Starts logging as the command line says.
pub(crate) fn start(cli: &Cli, output: Output) -> Result<()> {
    let quiet = match cli.command {
        Command::Serve(_) | Command::Sandbox(_) => "info",
        _ => "error",
    };
    let filter = cli.global.log.as_deref().unwrap_or(quiet);
    let filter = EnvFilter::try_new(filter).with_context(|| {
        format!("`{filter}` is no filter for logs; try `info` or `sync=debug,info`")
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // A log that cannot be written, as on a full disk, must not end what it tells of.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    if cli.global.log_json {
        builder.json().init();
    } else {
        builder.with_ansi(output.colour).init();
    }
    Ok(())
}
