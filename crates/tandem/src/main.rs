//! The binary: commands, and the one place where everything is wired together.

mod cli;

mod commands;
mod database;

mod demo;

mod wiring;

mod session;

mod client;

mod failure;

mod output;

mod logging;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{cli::Cli, failure::Failure, output::Output};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.global.colour);
    if let Err(error) = logging::start(&cli, output) {
        eprintln!("error: {error:#}");
        return ExitCode::from(2);
    }
    connections::install_tls();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the asynchronous runtime could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli, output)) {
        Ok(code) => code,
        Err(error) => report(&error),
    }
}

/// Says what went wrong, once, on stderr.
fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        eprintln!("{failure}");
        return failure.exit_code();
    }
    // the reader of a pipe went away: nothing is wrong
    let broken_pipe = error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    });
    if broken_pipe {
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}
