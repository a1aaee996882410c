//! `tandem demo`: the whole product pointed at the sandbox.
//!
//! Nothing here is a shortcut past the product: the accounts are connected through their sign-in
//! pages, the config is applied through the API, webhooks come in over HTTP. Whether both sides agree
//! is judged by the sandbox from its own state; what Tandem says only explains differences.

mod cast;
mod judging;

mod proof;

mod report;

mod scenes;

mod stage;

mod verdict;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    commands::{plan, serve::told_to_stop, work},
    output::{self, Output},
};

use stage::{SYNCS, Stage};

/// What the demo takes.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// End after the report instead of staying up until Ctrl-C
    #[arg(long)]
    pub(crate) once: bool,
    /// Print the report as JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,
    /// Fill the systems from this folder: highlevel.jsonl, onoffice.jsonl, officernd.jsonl, one record a
    /// line
    #[arg(long, value_name = "DIR")]
    pub(crate) people: Option<PathBuf>,
    /// Keep the database in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

/// How long the demo waits for everything to be worked off after the edits.
const PATIENCE: Duration = Duration::from_secs(300);

/// Contacts edited at once, to meet HighLevel's limit of 100 requests in 10 seconds.
const BURST: usize = 110;

/// Runs it.
pub(crate) async fn run(arguments: DemoArgs, output: Output) -> Result<ExitCode> {
    let stop = CancellationToken::new();
    tokio::spawn(told_to_stop(stop.clone()));
    let begun = std::time::Instant::now();
    say("Starting the sandbox (simulated HighLevel, onOffice and OfficeRnD) and Tandem");
    let stage = Stage::open(
        arguments.people.as_deref(),
        arguments.data.as_deref(),
        &stop,
    )
    .await?;
    say(&format!("Look in with a browser: {}", stage.url()));
    let outcome = tokio::select! {
        outcome = play(&stage, output, begun) => outcome,
        () = stop.cancelled() => Err(anyhow::anyhow!("stopped before the report")),
    };
    let code = match outcome {
        Ok(report) => {
            if arguments.json {
                output::json(&report.json())?;
            } else {
                output::text(&report.in_words())?;
            }
            if !arguments.once && !stop.is_cancelled() {
                say(&format!(
                    "\nStill up. Tandem: {} · sandbox: {} · database: {}\nTry `tandem --database {} status`, or edit people through the sandbox's controls (docs/sandbox.md). Ctrl-C ends it.",
                    stage.url(),
                    stage.sandbox.url(),
                    stage.database.display(),
                    stage.database.display(),
                ));
                stop.cancelled().await;
            }
            if report.holds() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            stage.close().await?;
            return Err(error);
        }
    };
    stage.close().await?;
    Ok(code)
}

/// Tells on stderr how far the demo is.
fn say(line: &str) {
    eprintln!("{line}");
}

async fn play(stage: &Stage, output: Output, begun: std::time::Instant) -> Result<report::Report> {
    say(
        "Connecting the accounts: HighLevel by its sign-in page, onOffice by token and secret, OfficeRnD by its application",
    );
    stage.connect().await?;
    for sync in &SYNCS {
        first_sync(stage, output, sync).await?;
    }
    let first = stage.judge().await?;
    for (name, verdict) in &first.syncs {
        say(&format!(
            "After {:.0} s, {name}: {} pairs, {} fields compared, {} unexplained differences",
            begun.elapsed().as_secs_f64(),
            verdict.compared.0,
            verdict.compared.1,
            verdict.unexplained.len()
        ));
    }
    let played = edits(stage).await?;
    say("Waiting until all is worked off, then looking at everything once more (sweep)");
    stage.quiet(PATIENCE).await?;
    if stage.let_go_on().await? {
        let words =
            "So many changes at once stopped the sync, and Tandem asked; a person lets it go on";
        say(&format!("  · {words}"));
        stage.quiet(PATIENCE).await?;
    }
    stage.sweep().await?;
    stage.quiet(PATIENCE).await?;
    report::Report::new(stage, played, begun.elapsed()).await
}

/// Shows what a sync will do, then does it.
async fn first_sync(stage: &Stage, output: Output, sync: &stage::Sync) -> Result<()> {
    let name = sync.name;
    let (left, right) = (verdict::title(sync.left), verdict::title(sync.right));
    say(&format!(
        "\n{name}: {left} and {right}. Reading both sides; nothing is written yet"
    ));
    let planned = stage
        .client()
        .post(&format!("/api/v1/syncs/{name}/plan"), json!({}))
        .await
        .with_context(|| format!("the plan of {name} failed"))?;
    say(&plan::in_words(&planned));
    say(&format!("First sync of {name}"));
    let bar = work::Bar::new(output);
    let run = stage
        .client()
        .events(
            &format!("/api/v1/syncs/{name}/run"),
            json!({}),
            |event, progress| {
                if event == "progress" {
                    bar.show(progress);
                }
            },
        )
        .await;
    bar.end();
    run.with_context(|| format!("the first sync of {name} failed"))?;
    stage.quiet(PATIENCE).await
}

/// Edits made by people in all systems, and what goes wrong meanwhile.
async fn edits(stage: &Stage) -> Result<Vec<proof::Scene>> {
    let control = stage.sandbox.control();
    let (pairs, trios) = stage.records_to_play_on().await?;
    let mut scene = scenes::Stage::new(&control, pairs, trios);
    scenes::tags_to_begin_with(&mut scene)?;
    stage.quiet(PATIENCE).await?;
    say("\nNow people edit in all three systems:");
    scenes::tags(&mut scene)?;
    scenes::plain_edits(&mut scene)?;
    stage.poll().await?;
    stage.quiet(PATIENCE).await?;
    scenes::through_the_hub(&mut scene)?;
    scenes::companies(&mut scene, stage.company().await?.as_deref())?;
    stage.poll().await?;
    stage.quiet(PATIENCE).await?;
    scenes::edit_in_between(&mut scene).await?;
    scenes::lying_webhooks(&mut scene)?;
    stage.quiet(PATIENCE).await?;
    scenes::failing_answers(&mut scene)?;
    stage.poll().await?;
    stage.quiet(PATIENCE).await?;
    scenes::silent_answers(&mut scene)?;
    stage.poll().await?;
    stage.quiet(PATIENCE).await?;
    scenes::refusal(&mut scene)?;
    scenes::endings(&mut scene)?;
    stage.poll().await?;
    stage.quiet(PATIENCE).await?;
    scenes::burst(&mut scene, BURST)?;
    Ok(scene.scenes)
}
