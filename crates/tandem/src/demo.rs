//! `tandem demo`: the whole product pointed at the sandbox.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};
use clap::Args;

/// What the demo takes.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// End after the report instead of staying up until Ctrl-C
    #[arg(long)]
    pub(crate) once: bool,
    /// Print the report as JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,
    /// Fill the systems from this folder: highlevel.jsonl, onoffice.jsonl, one record a line
    #[arg(long, value_name = "DIR")]
    pub(crate) people: Option<PathBuf>,
    /// Keep the database in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

/// Runs it.
pub(crate) async fn run(_arguments: DemoArgs) -> Result<ExitCode> {
    bail!("the demo comes with the engine")
}
