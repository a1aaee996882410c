//! `cargo xtask fuzz`: bad input from seeds. Each target has a process of its own, so that one that dies or never ends is
//! a failure with a name.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use fuzz::{TARGETS, Target, play, remember_panics};

const HELP: &str = "\
Usage: cargo xtask fuzz [TARGET] [--seconds N] [--seed S] [--cases N]

  --seconds N   how long in all (default 60)
  --seed S      the first seed (default 1)
  --cases N     only so many cases of each target

Targets:
";

/// Longer than any case takes.
const HANGS: Duration = Duration::from_secs(60);

/// One target for a while, in this very process.
const CHILD: &str = "--child";

struct Asked {
    target: Option<&'static Target>,
    seconds: u64,
    seed: u64,
    cases: u64,
    child: bool,
}

fn asked() -> Result<Option<Asked>> {
    let mut arguments = std::env::args().skip(1);
    let mut asked = Asked {
        target: None,
        seconds: 60,
        seed: 1,
        cases: u64::MAX,
        child: false,
    };
    while let Some(word) = arguments.next() {
        let mut number = || -> Result<u64> {
            let text = arguments
                .next()
                .with_context(|| format!("{word} needs a value"))?;
            text.parse().with_context(|| format!("{word} {text}"))
        };
        match word.as_str() {
            "--seconds" => asked.seconds = number()?,
            "--seed" => asked.seed = number()?,
            "--cases" => asked.cases = number()?,
            CHILD => asked.child = true,
            "--help" | "-h" => return Ok(None),
            name => {
                let target = TARGETS.iter().find(|target| target.name == name);
                asked.target = Some(target.with_context(|| format!("no such target: {name}"))?);
            }
        }
    }
    Ok(Some(asked))
}

#[expect(
    clippy::print_stdout,
    reason = "a child tells its parent by this which case it is at"
)]
fn in_this_process(target: &Target, asked: &Asked) -> Result<()> {
    remember_panics();
    let begun = Instant::now();
    for seed in (asked.seed..).take(usize::try_from(asked.cases).unwrap_or(usize::MAX)) {
        if begun.elapsed() >= Duration::from_secs(asked.seconds) && seed > asked.seed {
            break;
        }
        println!("{seed}");
        std::io::stdout().flush()?;
        play(target, seed).with_context(|| replay(target, seed))?;
    }
    Ok(())
}

fn replay(target: &Target, seed: u64) -> String {
    let name = target.name;
    format!("{name}, seed {seed}; replay it with: cargo xtask fuzz {name} --seed {seed} --cases 1")
}

/// One target in a process of its own; says how many cases held.
fn in_a_child(target: &Target, asked: &Asked, seconds: u64) -> Result<u64> {
    let mut child = Command::new(std::env::current_exe()?)
        .args([CHILD, target.name])
        .args(["--seconds", &seconds.to_string()])
        .args(["--seed", &asked.seed.to_string()])
        .args(["--cases", &asked.cases.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .context("could not start itself")?;
    let told = child.stdout.take().context("no pipe")?;
    let at: Arc<Mutex<(u64, Instant)>> = Arc::new(Mutex::new((asked.seed, Instant::now())));
    let reader = {
        let at = Arc::clone(&at);
        std::thread::spawn(move || {
            let mut lines = BufReader::new(told).lines();
            while let Some(Ok(line)) = lines.next() {
                if let Ok(seed) = line.parse() {
                    *at.lock().unwrap_or_else(PoisonError::into_inner) = (seed, Instant::now());
                }
            }
        })
    };
    let ended = watch(&mut child, &at);
    drop(reader.join());
    let (seed, _) = *at.lock().unwrap_or_else(PoisonError::into_inner);
    match ended? {
        None => bail!("a case does not end: {}", replay(target, seed)),
        Some(status) if !status.success() => {
            // what a child finds it has said itself; who dies says nothing
            if status.code().is_none() {
                bail!("the process died ({status}): {}", replay(target, seed));
            }
            bail!("{}", replay(target, seed));
        }
        Some(_) => Ok(seed + 1 - asked.seed),
    }
}

/// How it ended; nothing if one case took too long.
fn watch(
    child: &mut Child,
    at: &Mutex<(u64, Instant)>,
) -> Result<Option<std::process::ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let (_, since) = *at.lock().unwrap_or_else(PoisonError::into_inner);
        if since.elapsed() > HANGS {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// All targets that are asked for, as many at once as there are cores.
fn run(asked: &Asked) -> Result<()> {
    let targets: Vec<&Target> = match asked.target {
        Some(target) => vec![target],
        None => TARGETS.iter().collect(),
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let rounds = u64::try_from(targets.len().div_ceil(threads))?;
    let seconds = (asked.seconds / rounds.max(1)).max(1);
    let next = AtomicUsize::new(0);
    let failed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(targets.len()) {
            scope.spawn(|| {
                while let Some(target) = targets.get(next.fetch_add(1, Ordering::SeqCst)) {
                    match in_a_child(target, asked, seconds) {
                        Ok(held) => eprintln!("{:<10} {held:>7} cases held", target.name),
                        Err(error) => {
                            failed.fetch_add(1, Ordering::SeqCst);
                            eprintln!("{:<10} FAILED: {error:#}", target.name);
                        }
                    }
                }
            });
        }
    });
    match failed.into_inner() {
        0 => Ok(()),
        number => bail!("{number} of {} targets failed", targets.len()),
    }
}

fn main() -> ExitCode {
    let outcome = match asked() {
        Ok(Some(asked)) => match asked.target {
            Some(target) if asked.child => in_this_process(target, &asked),
            _ => run(&asked),
        },
        Ok(None) => {
            eprint!("{HELP}");
            for target in TARGETS {
                eprintln!("  {:<10} {}", target.name, target.what);
            }
            Ok(())
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
