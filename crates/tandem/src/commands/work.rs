//! Commands that let the engine work: sync, pause, resume, resolve.

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value as Json, json};

use server::Code;

use crate::{
    cli,
    client::{Client, segment},
    commands::plan::{counts, span},
    failure::Failure,
    output::{self, Output, cell},
};

/// Runs a sync once.
pub(crate) async fn sync(client: &Client, sync: &cli::Sync, output: Output) -> Result<()> {
    let path = format!("/api/v1/syncs/{}/run", segment(&sync.sync));
    let only = (!sync.only.is_empty()).then_some(&sync.only);
    let body = json!({"pilot": sync.pilot, "only": only, "all": sync.all});
    let bar = Bar::new(output);
    let report = client
        .events(&path, body, |event, progress| {
            if event == "progress" {
                bar.show(progress);
            }
        })
        .await;
    bar.end();
    let report = report?;
    show_report(&report, sync)?;
    if report["over_limit"] == true {
        let why = cell(&report, "/stopped");
        return Err(Failure::new(Code::SyncStopped, why)
            .hint("`tandem reviews` asks whether it may go on")
            .into());
    }
    Ok(())
}

/// How a run ended.
fn show_report(report: &Json, sync: &cli::Sync) -> Result<()> {
    if sync.format.json {
        return output::json(report);
    }
    output::text(&format!(
        "{}: {} in {}. Listed {} and {} records.\n",
        cell(report, "/sync"),
        cell(report, "/state"),
        span(report["seconds"].as_f64().unwrap_or_default()),
        cell(report, "/listed/0"),
        cell(report, "/listed/1"),
    ))?;
    for (name, count) in counts(&report["counts"]) {
        output::text(&format!("  {}: {count}\n", name.replace('_', " ")))?;
    }
    if report["failing"].as_u64().unwrap_or(0) > 0 {
        output::text(&format!(
            "  {} records could not be worked off yet; see `tandem failing`\n",
            cell(report, "/failing")
        ))?;
    }
    Ok(())
}

/// A line of progress on stderr, in terminals only.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(output: Output) -> Self {
        let bar = ProgressBar::with_draw_target(
            Some(0),
            if output.interactive {
                ProgressDrawTarget::stderr()
            } else {
                ProgressDrawTarget::hidden()
            },
        );
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Shows how far a run is.
    pub(crate) fn show(&self, progress: &Json) {
        let count = |name: &str| progress[name].as_u64().unwrap_or(0);
        let (done, all) = if progress["phase"] == "listing" {
            (
                count("listed_left") + count("listed_right"),
                count("total_left") + count("total_right"),
            )
        } else {
            (count("done"), count("to_do"))
        };
        self.0.set_length(all.max(done));
        self.0.set_position(done);
        self.0
            .set_message(progress["phase"].as_str().unwrap_or_default().to_owned());
    }

    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// Stops a sync.
pub(crate) async fn pause(client: &Client, sync: &cli::OneSync) -> Result<()> {
    let path = format!("/api/v1/syncs/{}/pause", segment(&sync.sync));
    let answer = client.post(&path, json!({})).await?;
    if sync.format.json {
        return output::json(&answer);
    }
    output::text(&format!(
        "{} is paused. Signals are kept; `tandem resume {}` lets it go on.\n",
        sync.sync, sync.sync
    ))
}

/// Lets a sync go on.
pub(crate) async fn resume(client: &Client, sync: &cli::OneSync) -> Result<()> {
    let path = format!("/api/v1/syncs/{}/resume", segment(&sync.sync));
    let answer = client.post(&path, json!({})).await?;
    if sync.format.json {
        return output::json(&answer);
    }
    output::text(&format!("{} goes on.\n", sync.sync))
}

/// Answers a review.
pub(crate) async fn resolve(client: &Client, resolve: &cli::Resolve) -> Result<()> {
    let path = format!("/api/v1/reviews/{}/resolve", segment(&resolve.id));
    let review = client
        .post(&path, json!({"choice": resolve.choice}))
        .await?;
    if resolve.format.json {
        return output::json(&review);
    }
    output::text(&format!(
        "{}: {} ({}).\n",
        cell(&review, "/summary"),
        resolve.choice,
        cell(&review, "/state")
    ))
}
