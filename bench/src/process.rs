//! Other processes: the server, the sandbox, and what they cost.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use sandbox::{
    Control, Sandbox, System,
    people::{Plan, Population, Side},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, ChildStdin, Command},
};
use tokio_util::sync::CancellationToken;

/// What is in the sandbox at the start.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SandboxArguments {
    /// People in both systems
    #[arg(long, default_value_t = 0)]
    pub(crate) both: usize,
    /// People in HighLevel alone
    #[arg(long, default_value_t = 0)]
    pub(crate) highlevel: usize,
    /// People in onOffice alone
    #[arg(long, default_value_t = 0)]
    pub(crate) onoffice: usize,
    /// People in OfficeRnD alone
    #[arg(long, default_value_t = 0)]
    pub(crate) officernd: usize,
    /// `name=value` of a switch, the value as JSON
    #[arg(long = "switch")]
    pub(crate) switches: Vec<String>,
}

/// An hour and thirty days, in milliseconds.
const HOUR: i64 = 3_600_000;
const MONTH: i64 = 30 * 24 * HOUR;

/// In so many steps the people came.
const STEPS: usize = 1000;

/// Runs the sandbox until standard input ends. Its address is the one line on stdout.
pub(crate) async fn sandbox(arguments: SandboxArguments) -> Result<()> {
    let switches = arguments
        .switches
        .iter()
        .map(|switch| {
            let (name, value) = switch
                .split_once('=')
                .with_context(|| format!("`{switch}` has no `=`"))?;
            Ok((name.to_owned(), serde_json::from_str(value)?))
        })
        .collect::<Result<_>>()?;
    let shutdown = CancellationToken::new();
    let running = Sandbox::start(
        sandbox::Options {
            switches,
            ..sandbox::Options::default()
        },
        shutdown.clone(),
    )
    .await?;
    populate(
        &running.control(),
        &Plan {
            both: arguments.both,
            highlevel_only: arguments.highlevel,
            onoffice_only: arguments.onoffice,
            officernd_only: arguments.officernd,
            ..Plan::large(2026, 0)
        },
    )?;
    let url = running.url();
    tokio::task::spawn_blocking(move || {
        use std::io::Write as _;
        writeln!(std::io::stdout(), "{url}")
    })
    .await??;
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    shutdown.cancel();
    running.stopped().await;
    Ok(())
}

/// Fills the systems. The people came one after the other in the course of a month, not all in one second.
pub(crate) fn populate(control: &Control, plan: &Plan) -> Result<()> {
    let people = Population::new(plan);
    for (system, side) in [
        (System::HighLevel, Side::HighLevel),
        (System::OnOffice, Side::OnOffice),
        (System::OfficeRnd, Side::OfficeRnd),
    ] {
        let records = people.records(side);
        let at_once = records.len().div_ceil(STEPS).max(1);
        for (step, some) in records.chunks(at_once).enumerate() {
            let ago = MONTH - MONTH * i64::try_from(step)? / i64::try_from(STEPS)?;
            control.core().clock.run_with_offset(-ago - HOUR);
            control.seed(system, some)?;
        }
    }
    control.core().clock.run_with_offset(0);
    Ok(())
}

/// A process of ours. Dropping it ends it.
pub(crate) struct Process {
    child: Child,
    pid: u32,
    /// Some of ours end when their input does.
    _input: Option<ChildStdin>,
}

impl Process {
    /// Starts the sandbox and says where it listens.
    pub(crate) async fn sandbox(arguments: &SandboxArguments) -> Result<(Self, String)> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("sandbox")
            .args(["--both", &arguments.both.to_string()])
            .args(["--highlevel", &arguments.highlevel.to_string()])
            .args(["--onoffice", &arguments.onoffice.to_string()])
            .args(["--officernd", &arguments.officernd.to_string()]);
        for switch in &arguments.switches {
            command.args(["--switch", switch]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the sandbox could not be started")?;
        let stdout = child.stdout.take().context("no output")?;
        let input = child.stdin.take();
        let url = BufReader::new(stdout)
            .lines()
            .next_line()
            .await?
            .context("the sandbox ended before it listened")?;
        Ok((Self::of(child, input)?, url))
    }

    /// Starts `tandem` with these arguments.
    pub(crate) fn tandem(binary: &Path, arguments: &[&str], folder: &Path) -> Result<Self> {
        let child = Command::new(binary)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} could not be started", binary.display()))?;
        Self::of(child, None)
    }

    /// Starts the handler that was written by hand.
    pub(crate) fn handler(upstream: &str, folder: &Path) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["handler", upstream]).arg(folder);
        Self::other(command, folder)
    }

    /// Starts another program.
    pub(crate) fn other(mut command: Command, folder: &Path) -> Result<Self> {
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("a program could not be started")?;
        Self::of(child, None)
    }

    fn of(child: Child, input: Option<ChildStdin>) -> Result<Self> {
        let pid = child.id().context("it ended at once")?;
        Ok(Self {
            child,
            pid,
            _input: input,
        })
    }

    /// Fails if it has ended.
    pub(crate) fn is_there(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the process ended: {status}");
        }
        Ok(())
    }

    /// What it cost so far.
    pub(crate) fn cost(&self) -> Result<Cost> {
        Cost::of(self.pid)
    }

    /// Ends it as a service manager would.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let status = Command::new("kill")
            .arg(self.pid.to_string())
            .status()
            .await?;
        if !status.success() {
            bail!("a process could not be told to stop");
        }
        self.child.wait().await?;
        Ok(())
    }
}

/// Memory and time of a process, from `/proc`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Resident memory now, in MB (10^6 bytes).
    pub(crate) memory: f64,
    /// The most resident memory so far, in MB, as the kernel counted it.
    pub(crate) peak: f64,
    /// Time on a processor, in seconds.
    pub(crate) cpu: f64,
    /// Bytes handed to `write` and the like.
    pub(crate) written: f64,
    /// How many threads it has.
    pub(crate) threads: f64,
}

/// Clock ticks a second in `/proc`; the same on all Linux platforms.
const TICKS: f64 = 100.0;

impl Cost {
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let status = std::fs::read_to_string(folder.join("status"))?;
        let number = |key: &str| -> Result<f64> {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(key))
                .with_context(|| format!("/proc says nothing of {key}"))?;
            Ok(line.trim().trim_end_matches(" kB").parse::<f64>()?)
        };
        let kilobytes = |key: &str| number(key).map(|number| number * 1024.0 / 1e6);
        let stat = std::fs::read_to_string(folder.join("stat"))?;
        let (_, after) = stat.rsplit_once(") ").context("/proc/…/stat is odd")?;
        let ticks: f64 = after
            .split(' ')
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<f64>().unwrap_or(f64::NAN))
            .sum();
        let io = std::fs::read_to_string(folder.join("io"))?;
        let written = io
            .lines()
            .find_map(|line| line.strip_prefix("wchar: "))
            .context("/proc says nothing of wchar")?
            .parse()?;
        Ok(Self {
            memory: kilobytes("VmRSS:")?,
            peak: kilobytes("VmHWM:")?,
            cpu: ticks / TICKS,
            written,
            threads: number("Threads:")?,
        })
    }
}
