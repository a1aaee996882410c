//! What runs take in memory: very many one after the other, and those that wait.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use futures::{StreamExt as _, stream};
use reqwest::Method;
use serde_json::json;

use super::{AT_ONCE, Tandem, upstream::Upstream};
use crate::{
    Common,
    figures::{Figures, Target},
};

/// Looks at the memory while the runs go on.
const LOOKS: usize = 10;

/// So many runs one after the other, of which a tenth is kept; then those that wait.
pub(crate) async fn run(common: &Common, runs: usize) -> Result<Figures> {
    let upstream = Arc::new(Upstream::start().await?);
    let mut figures = Figures::new(format!(
        "{runs} runs one after the other, of which {} are kept",
        runs / LOOKS
    ));
    let kept = json!({"retention": {"runs_most": runs / LOOKS}});
    let mut tandem = Tandem::start(common, &upstream, kept).await?;
    tandem.worker.ready(&upstream).await?;
    let mut first = None;
    let mut most: f64 = 0.0;
    for look in 1..=LOOKS {
        let ran = tandem.worker.all(&upstream, runs / LOOKS).await?;
        upstream.forget();
        let memory = tandem.worker.process.cost()?.memory;
        let first = *first.get_or_insert(memory);
        most = most.max(memory - first);
        let rate = (runs / LOOKS) as f64 / ran.seconds;
        eprintln!("{look} of {LOOKS}: {memory:.1} MB, {rate:.0} runs a second");
    }
    figures.judge(
        "memory above that after the first tenth, at most",
        most,
        "MB",
        Target::AtMost(10.0),
    );
    parked(&tandem, &mut figures).await?;
    tandem.worker.process.stop().await?;
    Ok(figures)
}

/// Ten thousand runs that wait for another day.
pub(super) async fn parked(tandem: &Tandem, figures: &mut Figures) -> Result<()> {
    const RUNS: usize = 10_000;
    let before = tandem.worker.process.cost()?;
    let url = format!("{}/hooks/workflows/parked", tandem.base);
    let (url, worker) = (url.as_str(), &tandem.worker);
    let sent: Vec<Result<()>> = stream::iter(0..RUNS)
        .map(|n| worker.send_to(url, n))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    sent.into_iter().collect::<Result<Vec<_>>>()?;
    // Before they are asked for: an answer with all of them is memory, too.
    tokio::time::sleep(Duration::from_secs(15)).await;
    let after = tandem.worker.process.cost()?;
    let begun = Instant::now();
    loop {
        let path = "/workflow-runs?workflow=parked&limit=10000";
        let runs = tandem.api(Method::GET, path, None).await?;
        let parked = runs
            .as_array()
            .into_iter()
            .flatten()
            .filter(|run| run["step"] == "wait")
            .count();
        if parked == RUNS {
            break;
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(60),
            "{parked} of {RUNS} wait"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    figures.judge(
        "memory that 10,000 waiting runs cost",
        after.memory - before.memory,
        "MB",
        Target::AtMost(50.0),
    );
    figures.judge(
        "threads that they cost",
        after.threads - before.threads,
        "",
        Target::AtMost(0.0),
    );
    Ok(())
}
