//! Seeded histories, a few of them: `cargo xtask simulate` plays more.
//!
//! `SEED=7 cargo nextest run -p simulation whatever_happens` replays one; `SEEDS=100` runs that many.

use anyhow::Result;
use simulation::history::{Config, count_panics, play, play_or_tell};

/// How many histories run unless `SEEDS` says otherwise.
const HISTORIES: u64 = 8;

/// How long one history is.
const STEPS: usize = 60;

/// Plays as many histories as the environment says.
fn some(config: Config) -> Result<()> {
    crate::support::log();
    count_panics();
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..number("SEEDS").unwrap_or(HISTORIES) + 1,
    };
    for seed in seeds {
        play_or_tell(seed, config, STEPS)?;
    }
    Ok(())
}

#[test]
fn whatever_happens_both_sides_agree_or_a_row_says_why_not() -> Result<()> {
    some(Config::Two)
}

#[test]
fn whatever_happens_under_the_config_of_the_demo_all_three_agree_or_a_row_says_why_not()
-> Result<()> {
    some(Config::Demo)
}

#[test]
fn a_seed_replays_exactly() -> Result<()> {
    for seed in 1..4 {
        let once = play(seed, Config::Demo, STEPS)?;
        let again = play(seed, Config::Demo, STEPS)?;
        assert_eq!(once.trace, again.trace, "seed {seed}");
        assert!(once.requests > 100, "{once:?}");
    }
    Ok(())
}
