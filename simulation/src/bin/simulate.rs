//! `cargo xtask simulate`: many seeded histories on all cores, what they covered, and the seeds that failed.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use sandbox::System;
use simulation::history::{
    Config, REQUEST_FAULTS, Told, WEBHOOK_FAULTS, count_panics, play, play_or_tell,
};

/// Histories are made of many small pieces of memory on all cores at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "\
Usage: cargo xtask simulate [--seeds N] [--seed S] [--from S] [--steps N] [--config three|two] [--twice] [--threads N] [--keep-on]
                            [--seconds N] [--brief]

  --seeds N     how many histories (default 200)
  --seed S      only this one; its seed replays it exactly
  --from S      the first seed (default 1)
  --steps N     steps of a history (default 200)
  --config C    three systems and two syncs (default), or two systems
  --twice       play each twice and compare
  --threads N   default: all cores
  --keep-on     go on after a failure
  --seconds N   begin no further history after this time
  --brief       leave out what struck what
";

/// With so many histories each operation must have met each fault.
const FULL: u64 = 2_000;

/// An operation that is called seldom in so many histories says nothing of what strikes it.
const SELDOM: u64 = 200;

/// Longer than any history takes.
const HANGS: Duration = Duration::from_secs(180);

struct Asked {
    seeds: std::ops::Range<u64>,
    steps: usize,
    config: Config,
    twice: bool,
    threads: usize,
    keep_on: bool,
    seconds: Option<u64>,
    brief: bool,
}

fn asked() -> Result<Option<Asked>> {
    let mut arguments = std::env::args().skip(1);
    let (mut count, mut from, mut only) = (200, 1, None);
    let mut asked = Asked {
        seeds: 0..0,
        steps: 200,
        config: Config::Demo,
        twice: false,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        keep_on: false,
        seconds: None,
        brief: false,
    };
    while let Some(word) = arguments.next() {
        let mut number = || -> Result<u64> {
            let text = arguments
                .next()
                .with_context(|| format!("{word} needs a value"))?;
            text.parse().with_context(|| format!("{word} {text}"))
        };
        match word.as_str() {
            "--seeds" => count = number()?,
            "--seed" => only = Some(number()?),
            "--from" => from = number()?,
            "--steps" => asked.steps = usize::try_from(number()?)?,
            "--threads" => asked.threads = usize::try_from(number()?)?.max(1),
            "--seconds" => asked.seconds = Some(number()?),
            "--twice" => asked.twice = true,
            "--brief" => asked.brief = true,
            "--keep-on" => asked.keep_on = true,
            "--config" => {
                asked.config = match arguments.next().as_deref() {
                    Some("three") => Config::Demo,
                    Some("two") => Config::Two,
                    other => bail!("--config {other:?} is none"),
                }
            }
            "--help" | "-h" => return Ok(None),
            other => bail!("no such option: {other}"),
        }
    }
    asked.seeds = match only {
        Some(seed) => seed..seed + 1,
        None => from..from + count,
    };
    Ok(Some(asked))
}

/// What all histories did.
#[derive(Default)]
struct All {
    played: u64,
    requests: u64,
    acts: BTreeMap<&'static str, u64>,
    coverage: BTreeMap<(System, String), BTreeMap<String, u64>>,
    /// In how many histories the operation was called.
    seen: BTreeMap<(System, String), u64>,
    failed: Vec<(u64, String)>,
}

impl All {
    fn take(&mut self, told: Told) {
        self.played += 1;
        self.requests += told.requests;
        for (act, times) in told.acts {
            *self.acts.entry(act).or_default() += times;
        }
        for (operation, faults) in told.coverage {
            *self.seen.entry(operation.clone()).or_default() += 1;
            let all = self.coverage.entry(operation).or_default();
            for (fault, times) in faults {
                *all.entry(fault).or_default() += times;
            }
        }
    }

    /// Operation by fault; says which cells are empty.
    fn table(&self) -> Vec<String> {
        let mut empty = Vec::new();
        for (title, faults) in [("requests", REQUEST_FAULTS), ("webhooks", WEBHOOK_FAULTS)] {
            eprintln!("\n{title}: how often each fault struck");
            eprintln!(
                "{:<58} {:>8}  {}",
                "operation",
                "histories",
                faults.join(" | ")
            );
            for ((system, operation), struck) in &self.coverage {
                let is_webhook = !operation.contains(' ');
                if is_webhook != (title == "webhooks") {
                    continue;
                }
                let seen = self.seen[&(*system, operation.clone())];
                let row: Vec<String> = faults
                    .iter()
                    .map(|fault| struck.get(*fault).copied().unwrap_or(0).to_string())
                    .collect();
                eprintln!(
                    "{:<58} {seen:>8}  {}",
                    format!("{system} {operation}"),
                    row.join(" | ")
                );
                for fault in faults {
                    if seen >= SELDOM && !struck.contains_key(*fault) {
                        empty.push(format!("{fault} at {system} {operation}"));
                    }
                }
            }
        }
        eprintln!("\nwhat people and accidents did");
        for (act, times) in &self.acts {
            eprintln!("{act:<58} {times:>8}");
        }
        empty
    }
}

fn run(asked: &Asked) -> bool {
    let next = AtomicU64::new(asked.seeds.start);
    let all = Mutex::new(All::default());
    let under_way: Mutex<BTreeMap<u64, Instant>> = Mutex::default();
    let begun = Instant::now();
    let is_over = || {
        let all = all.lock().unwrap_or_else(PoisonError::into_inner);
        !all.failed.is_empty() && !asked.keep_on
            || asked
                .seconds
                .is_some_and(|seconds| begun.elapsed() >= Duration::from_secs(seconds))
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..asked.threads)
            .map(|_| {
                scope.spawn(|| {
                    while !is_over() {
                        let seed = next.fetch_add(1, Ordering::SeqCst);
                        if seed >= asked.seeds.end {
                            return;
                        }
                        let lock = || under_way.lock().unwrap_or_else(PoisonError::into_inner);
                        lock().insert(seed, Instant::now());
                        let told = one(seed, asked);
                        lock().remove(&seed);
                        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                        match told {
                            Ok(told) => all.take(told),
                            Err(error) => {
                                eprintln!("seed {seed} failed: {error:#}\n");
                                let first = error.to_string();
                                let line = first.lines().next().unwrap_or_default().to_owned();
                                all.failed.push((seed, line));
                            }
                        }
                    }
                })
            })
            .collect();
        // One that never ends is a failure with a name.
        while workers.iter().any(|worker| !worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(100));
            let under_way = under_way.lock().unwrap_or_else(PoisonError::into_inner);
            for (seed, since) in under_way.iter() {
                if since.elapsed() > HANGS {
                    eprintln!("seed {seed} does not end");
                    std::process::exit(1);
                }
            }
        }
    });
    let all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    let empty = if asked.brief { Vec::new() } else { all.table() };
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!(
        "\n{} histories of {} steps held, {} did not; {} requests, {seconds:.1} s on {} threads",
        all.played,
        asked.steps,
        all.failed.len(),
        all.requests,
        asked.threads
    );
    let mut reasons: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for (seed, line) in &all.failed {
        reasons.entry(line).or_default().insert(*seed);
    }
    for (line, seeds) in &reasons {
        eprintln!("failed: {seeds:?}: {line}");
    }
    for cell in &empty {
        eprintln!("never struck: {cell}");
    }
    all.failed.is_empty() && (empty.is_empty() || all.played < FULL)
}

fn one(seed: u64, asked: &Asked) -> Result<Told> {
    let told = play_or_tell(seed, asked.config, asked.steps)?;
    if asked.twice {
        let again = play(seed, asked.config, asked.steps)?;
        if again.trace != told.trace {
            bail!("seed {seed} was not the same the second time");
        }
    }
    Ok(told)
}

fn main() -> ExitCode {
    if std::env::var_os("RUST_LOG").is_some() {
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_writer(std::io::stderr)
            .init();
    }
    count_panics();
    match asked() {
        Ok(Some(asked)) => {
            if run(&asked) {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Ok(None) => {
            eprint!("{HELP}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}\n{HELP}");
            ExitCode::FAILURE
        }
    }
}
