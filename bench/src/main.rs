//! What Tandem can do, in numbers: each command starts what it needs, measures one thing from end to
//! end and prints counts and ratios beside the target that they have to meet.
//!
//! The server and the sandbox are processes of their own, talked to over loopback, as in real life;
//! only `sweep` and half of `intake` measure a part inside this process. `docs/performance.md` says how
//! to run it and what came out.

mod belongings;

mod bound;

mod figures;

mod flows;

mod leaping;

mod pages;

mod process;

mod rig;

mod first_sync;

mod limits;

mod members;

mod idle;

mod intake;

mod stub;

mod sweep;

mod who;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::figures::Figures;

/// Measures Tandem. Build with `--release`, together with `tandem` itself.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, Args)]
struct Common {
    /// The `tandem` binary [default: the one beside this]
    #[arg(long, global = true)]
    tandem: Option<PathBuf>,
    /// Where databases are put [default: the system's folder for temporary files]
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    /// What the server logs on stderr
    #[arg(long, global = true, default_value = "error")]
    log: String,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The first sync of a full system into an empty one, limits off
    FirstSync {
        /// Which side is full: left is HighLevel, right is onOffice
        full: Full,
        /// How many contacts
        #[arg(default_value_t = 100_000)]
        contacts: usize,
    },
    /// The same with OfficeRnD, limits off or on
    Members {
        /// Which side is full: left is HighLevel, right is OfficeRnD
        full: Full,
        /// How many people
        #[arg(default_value_t = 50_000)]
        people: usize,
        /// Under the limits of both: minutes for hundreds, in real time
        #[arg(long)]
        limits: bool,
    },
    /// The first sync with OfficeRnD under the limits of both, against what these allow, in virtual time
    Bound {
        /// Which side is full: left is HighLevel, right is OfficeRnD
        full: Full,
        /// How many people
        #[arg(default_value_t = 50_000)]
        people: usize,
    },
    /// Tasks, notes and whose they are between HighLevel and onOffice, against what HighLevel's limits allow, in virtual time
    Belongings {
        /// Which side is full: left is HighLevel, right is onOffice
        full: Full,
        /// How many tasks, and as many notes
        #[arg(default_value_t = 10_000)]
        items: usize,
        /// How many people they belong to
        #[arg(default_value_t = 2_000)]
        people: usize,
    },
    /// A sweep that finds nothing to do; pages come from memory
    Sweep {
        /// How many linked records
        #[arg(default_value_t = 100_000)]
        contacts: usize,
    },
    /// A backfill under the documented limits, with people editing meanwhile
    Limits {
        /// How many contacts to make in HighLevel
        #[arg(default_value_t = 600)]
        contacts: usize,
        /// How many edits people make meanwhile, one a second
        #[arg(default_value_t = 40)]
        edits: usize,
    },
    /// Webhooks taken in and made durable
    Intake {
        /// How many
        #[arg(default_value_t = 50_000)]
        webhooks: usize,
        /// How many at once
        #[arg(long, default_value_t = 128)]
        at_once: usize,
    },
    /// Who is who: links and questions of a first sync against the truth, and how long 100,000 by 100,000 take
    Who {
        /// A folder with people and `truth.csv` [default: five populations of our own]
        #[arg(long)]
        people: Option<PathBuf>,
        /// How many people for the measure of time and memory; 0: none
        #[arg(long, default_value_t = 100_000)]
        large: usize,
        /// Name every wrong link and every pair that was missed
        #[arg(long)]
        verbose: bool,
    },
    /// The memory of very many runs of a workflow, and of those that wait
    Runs {
        /// How many
        #[arg(default_value_t = 1_000_000)]
        runs: usize,
    },
    /// Executions of a workflow beside Node-RED, n8n and a handler written by hand
    Flows {
        /// A folder with `node_modules`: `npm install --prefix FOLDER node-red@5.0.7 n8n@1.123.81`
        #[arg(long)]
        peers: PathBuf,
        /// How many
        #[arg(default_value_t = 20_000)]
        executions: usize,
    },
    /// Pages of long lists on a database that holds very much
    Pages {
        /// How many links
        #[arg(default_value_t = 1_000_000)]
        links: u128,
    },
    /// The memory of a server that has nothing to do
    Idle {
        /// How long to wait, in seconds
        #[arg(default_value_t = 10)]
        seconds: u64,
    },
    /// All of these, one after the other
    All {
        /// How many contacts
        #[arg(default_value_t = 100_000)]
        contacts: usize,
    },
    /// The handler written by hand, in a process of its own
    #[command(hide = true)]
    Handler {
        /// Where it writes to
        upstream: String,
        /// Where its database is
        folder: PathBuf,
    },
    /// The simulated systems, in a process of their own; ends with its standard input
    #[command(hide = true)]
    Sandbox(process::SandboxArguments),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Full {
    Left,
    Right,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(&cli.common.log))
        .with_writer(std::io::stderr)
        .init();
    connections::install_tls();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(cli)));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Says whether every target was met.
async fn run(cli: Cli) -> Result<bool> {
    let common = &cli.common;
    let figures = match cli.command {
        Command::Sandbox(arguments) => {
            process::sandbox(arguments).await?;
            return Ok(true);
        }
        Command::Handler { upstream, folder } => {
            flows::handler(&upstream, &folder).await?;
            return Ok(true);
        }
        Command::Runs { runs } => vec![flows::memory(common, runs).await?],
        Command::Flows { peers, executions } => {
            vec![flows::run(common, &peers, executions).await?]
        }
        Command::FirstSync { full, contacts } => {
            vec![first_sync::run(common, full, contacts).await?]
        }
        Command::Members {
            full,
            people,
            limits,
        } => vec![members::run(common, full, people, limits).await?],
        Command::Bound { full, people } => vec![bound::run(full, people).await?],
        Command::Belongings {
            full,
            items,
            people,
        } => vec![belongings::run(full, items, people).await?],
        Command::Sweep { contacts } => vec![sweep::run(common, contacts).await?],
        Command::Limits { contacts, edits } => vec![limits::run(common, contacts, edits).await?],
        Command::Intake { webhooks, at_once } => {
            vec![intake::run(common, webhooks, at_once).await?]
        }
        Command::Who {
            people,
            large,
            verbose,
        } => who::run(people.as_deref(), large, verbose)?,
        Command::Pages { links } => vec![pages::run(common, links).await?],
        Command::Idle { seconds } => vec![idle::run(common, seconds).await?],
        Command::All { contacts } => vec![
            first_sync::run(common, Full::Left, contacts).await?,
            first_sync::run(common, Full::Right, contacts).await?,
            sweep::run(common, contacts).await?,
            limits::run(common, 600, 40).await?,
            intake::run(common, 50_000, 128).await?,
            idle::run(common, 10).await?,
        ],
    };
    figures::print(&figures, common.json)?;
    Ok(figures.iter().all(Figures::met))
}
