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
        // as long as nobody knows how much there is, only what is being done is said
        styled(&bar, "{msg}");
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
        let all = all.max(done);
        if all > 0 {
            self.0.set_length(all);
            self.0.set_position(done);
            styled(&self.0, "{bar:30} {pos}/{len} {msg}");
        } else {
            styled(&self.0, "{msg}");
        }
        self.0
            .set_message(progress["phase"].as_str().unwrap_or_default().to_owned());
    }

    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}

fn styled(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
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

/// Answers a review, or all that a filter meets.
pub(crate) async fn resolve(client: &Client, resolve: &cli::Resolve) -> Result<()> {
    let filtered = resolve.sync.is_some()
        || resolve.kind.is_some()
        || resolve.entity.is_some()
        || resolve.field.is_some();
    match &resolve.answer[..] {
        [id, choice] if !filtered => one(client, resolve, id, choice).await,
        [choice] if filtered => many(client, resolve, choice).await,
        _ => Err(Failure::new(
            Code::BadRequest,
            "give either the id of a review and a choice, or a filter and a choice",
        )
        .hint("`tandem resolve --help` shows both")
        .into()),
    }
}

async fn one(client: &Client, resolve: &cli::Resolve, id: &str, choice: &str) -> Result<()> {
    let path = format!("/api/v1/reviews/{}/resolve", segment(id));
    let body = json!({"choice": choice, "value": resolve.value, "always": resolve.always});
    let review = client.post(&path, body).await?;
    if resolve.format.json {
        return output::json(&review);
    }
    output::text(&format!(
        "{}: {choice} ({}).\n",
        cell(&review, "/summary"),
        cell(&review, "/state")
    ))?;
    let rule = &review["always"];
    if !rule.is_object() {
        return Ok(());
    }
    if rule["file"].is_string() {
        output::text(&format!(
            "It is no rule yet, because the config is read from {} at each start. Write there, in line {}:\n",
            cell(rule, "/file"),
            cell(rule, "/line"),
        ))?;
    } else {
        output::text(&format!(
            "It is a rule from now on: config {}, line {}. `tandem config` lists the configs, `tandem config N --back` goes back to one.\n",
            cell(rule, "/revision"),
            cell(rule, "/line"),
        ))?;
    }
    for line in rule["lines"].as_array().into_iter().flatten() {
        output::text(&format!("{}\n", line.as_str().unwrap_or_default()))?;
    }
    output::text(&format!(
        "{} more reviews about this field were answered alike.\n",
        cell(rule, "/answered")
    ))
}

async fn many(client: &Client, resolve: &cli::Resolve, choice: &str) -> Result<()> {
    let mut body = json!({"choice": choice, "dry_run": resolve.dry_run});
    for (name, value) in [
        ("sync", &resolve.sync),
        ("kind", &resolve.kind),
        ("entity", &resolve.entity),
        ("field", &resolve.field),
    ] {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    let answer = client.post("/api/v1/reviews/resolve", body).await?;
    if resolve.format.json {
        return output::json(&answer);
    }
    let number = |name: &str| answer[name].as_array().map_or(0, Vec::len);
    output::text(&format!(
        "{} of {} reviews {} `{choice}`; {} do not offer it, {} failed.\n",
        cell(&answer, "/answered"),
        cell(&answer, "/matching"),
        if resolve.dry_run {
            "would be answered"
        } else {
            "were answered"
        },
        number("not_offered"),
        number("failed"),
    ))?;
    for failed in answer["failed"].as_array().into_iter().flatten() {
        output::text(&format!(
            "  {}: {}\n",
            cell(failed, "/id"),
            cell(failed, "/why")
        ))?;
    }
    Ok(())
}
