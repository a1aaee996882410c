//! Commands that let the engine work: plan, sync, pause, resume, resolve.

use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value as Json, json};

use server::Code;

use crate::{
    cli,
    client::{Client, segment},
    commands::look::plain,
    failure::Failure,
    output::{self, Output, cell},
};

/// What a sync would do now.
pub(crate) async fn plan(client: &Client, sync: &cli::OneSync) -> Result<()> {
    let path = format!("/api/v1/syncs/{}/plan", segment(&sync.sync));
    let plan = client.post(&path, json!({})).await?;
    if sync.format.json {
        return output::json(&plan);
    }
    show_plan(&plan)
}

/// Prints a plan for people.
fn show_plan(plan: &Json) -> Result<()> {
    output::text(&plan_in_words(plan))
}

/// A plan as people read it.
pub(crate) fn plan_in_words(plan: &Json) -> String {
    let mut lines = Vec::new();
    lines.push(format!(
        "{} and {}: {} and {} records were read. Nothing was written.",
        cell(plan, "/left/connection"),
        cell(plan, "/right/connection"),
        cell(plan, "/left/listed"),
        cell(plan, "/right/listed"),
    ));
    lines.push(format!("  {} are linked already", cell(plan, "/linked")));
    lines.extend(matched(&plan["matched"]));
    lines.push(format!(
        "  {} of the linked pairs differ; {} fields would become a question",
        cell(plan, "/differing"),
        cell(plan, "/conflicts"),
    ));
    for side in [&plan["left"], &plan["right"]] {
        lines.push(format!(
            "On {}: {} created, {} changed, {} ambiguous, {} out of scope, {} not created by the rules",
            cell(side, "/connection"),
            cell(side, "/creates"),
            cell(side, "/updates"),
            cell(side, "/ambiguous"),
            cell(side, "/out_of_scope"),
            cell(side, "/not_created"),
        ));
        for (field, count) in counts(&side["fields"]) {
            lines.push(format!("  {field}: {count}"));
        }
    }
    for (connection, calls) in counts(&plan["calls"]) {
        lines.push(format!("About {calls} calls to {connection}."));
    }
    if let Some(seconds) = plan["seconds"].as_f64() {
        lines.push(format!(
            "At least {} under the documented limits.",
            span(seconds)
        ));
    }
    for (mapping, why) in counts(&plan["paused_mappings"]) {
        lines.push(format!("Mapping {mapping} is paused: {why}"));
    }
    for consequence in plan["consequences"].as_array().into_iter().flatten() {
        lines.push(format!("! {}", consequence.as_str().unwrap_or_default()));
    }
    for sample in plan["samples"].as_array().into_iter().flatten() {
        lines.push(format!(
            "{} {} ↔ {}: {}",
            cell(sample, "/what"),
            cell(sample, "/left"),
            cell(sample, "/right"),
            cell(sample, "/why"),
        ));
        for (mapping, values) in sample["fields"].as_object().into_iter().flatten() {
            let arrow = match values[2].as_str() {
                Some("left") => "←",
                Some("right") => "→",
                _ => "|",
            };
            lines.push(format!(
                "    {mapping}: {} {arrow} {}",
                plain(&values[0]),
                plain(&values[1])
            ));
        }
    }
    lines.join("\n") + "\n"
}

/// How many pairs would be linked, with the commonest reasons.
fn matched(reasons: &Json) -> Vec<String> {
    const SHOWN: usize = 5;
    let mut reasons: Vec<(u64, &String)> = reasons
        .as_object()
        .into_iter()
        .flatten()
        .map(|(how, count)| (count.as_u64().unwrap_or(0), how))
        .collect();
    reasons.sort_by(|one, other| other.cmp(one));
    let all: u64 = reasons.iter().map(|(count, _)| count).sum();
    let mut lines = vec![format!("  {all} pairs would be linked")];
    for (count, how) in reasons.iter().take(SHOWN) {
        lines.push(format!("    {count} by {how}"));
    }
    if reasons.len() > SHOWN {
        let rest: u64 = reasons[SHOWN..].iter().map(|(count, _)| count).sum();
        lines.push(format!(
            "    {rest} in {} other ways",
            reasons.len() - SHOWN
        ));
    }
    lines
}

fn counts(map: &Json) -> impl Iterator<Item = (&String, String)> {
    map.as_object().into_iter().flatten().map(|(name, count)| {
        let count = match count {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        (name, count)
    })
}

/// Seconds as a person says them.
fn span(seconds: f64) -> String {
    let duration = Duration::from_secs_f64(seconds.clamp(0.0, 1e9));
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, _) => format!("{:.1} s", duration.as_secs_f64()),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// Runs a sync once.
pub(crate) async fn sync(client: &Client, sync: &cli::OneSync, output: Output) -> Result<()> {
    let path = format!("/api/v1/syncs/{}/run", segment(&sync.sync));
    let bar = Bar::new(output);
    let report = client
        .events(&path, |event, progress| {
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
fn show_report(report: &Json, sync: &cli::OneSync) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_names_the_commonest_reasons_and_counts_the_rest() {
        let reasons: serde_json::Map<String, Json> =
            (1..=7).map(|n| (format!("reason {n}"), n.into())).collect();
        let lines = matched(&Json::Object(reasons));
        assert_eq!(lines[0], "  28 pairs would be linked");
        assert_eq!(lines[1], "    7 by reason 7");
        assert_eq!(lines.last().unwrap(), "    3 in 2 other ways");
    }

    #[test]
    fn spans_read_like_a_clock() {
        assert_eq!(span(0.42), "0.4 s");
        assert_eq!(span(75.0), "1 min 15 s");
        assert_eq!(span(3_700.0), "1 h 1 min");
    }
}
