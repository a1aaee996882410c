//! The report at the end of the demo.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use sandbox::System;
use serde_json::{Value as Json, json};

use super::{
    stage::{SYNC, Stage},
    verdict::Verdict,
};

/// How many examples of one kind are shown.
const SHOWN: usize = 8;

/// Everything that the demo tells at its end.
pub(super) struct Report {
    played: Vec<String>,
    links: u64,
    meters: BTreeMap<String, i64>,
    questions: Vec<store::Review>,
    refused: Vec<store::Blocked>,
    failing: Vec<sync::FailingRecord>,
    verdict: Verdict,
    systems: BTreeMap<&'static str, sandbox::Totals>,
    seconds: f64,
}

impl Report {
    pub(super) async fn new(
        stage: &Stage,
        _first_run: &Json,
        played: Vec<String>,
        elapsed: Duration,
    ) -> Result<Self> {
        let status = stage.status().await?;
        let counts = stage.sandbox.control().core().counts.all();
        let systems = [
            ("highlevel", System::HighLevel),
            ("onoffice", System::OnOffice),
        ]
        .into_iter()
        .filter_map(|(name, system)| Some((name, counts.get(&system)?.totals)))
        .collect();
        Ok(Self {
            played,
            links: status.overview.links.get(SYNC).copied().unwrap_or(0),
            meters: status.overview.meters,
            questions: stage.questions().await?,
            refused: stage.refused().await?,
            failing: status.failing_records,
            verdict: stage.judge().await?,
            systems,
            seconds: elapsed.as_secs_f64(),
        })
    }

    /// Whether both sides agree wherever nothing says why not.
    pub(super) fn agree(&self) -> bool {
        self.verdict.agree() && self.failing.is_empty()
    }

    fn meter(&self, name: &str) -> i64 {
        self.meters
            .get(&format!("{SYNC}:{name}"))
            .copied()
            .unwrap_or(0)
    }

    /// For programs; the form is documented in the README.
    pub(super) fn json(&self) -> Json {
        let echo = &self.verdict.echo_writes;
        json!({
            "syncs": [{
                "name": SYNC,
                "links": self.links,
                "created": {"left": self.meter("created_left"), "right": self.meter("created_right")},
                "updated": {"left": self.meter("updated_left"), "right": self.meter("updated_right")},
                "reviews": self.questions.len(),
                "blocked": self.refused.len(),
                "errors": self.failing.len(),
                "disagreements": self.verdict.unexplained.len(),
                "duplicates_made": self.verdict.duplicates.len(),
                "echo_writes": echo.highlevel + echo.onoffice,
            }],
            "systems": self
                .systems
                .iter()
                .map(|(name, totals)| {
                    (*name, json!({
                        "reads": totals.reads,
                        "writes": totals.writes,
                        "throttled": totals.throttled,
                        "failed": totals.failed,
                    }))
                })
                .collect::<BTreeMap<_, _>>(),
            "missed_webhooks": self.meter("missed_webhooks"),
            "seconds": self.seconds,
        })
    }

    /// For people.
    pub(super) fn in_words(&self) -> String {
        let mut text = String::new();
        let mut line = |words: String| {
            text.push_str(&words);
            text.push('\n');
        };
        line(String::new());
        line("What was played".to_owned());
        for played in &self.played {
            line(format!("  · {played}"));
        }
        line(String::new());
        line("What Tandem did".to_owned());
        for (words, meter) in [
            ("pairs linked by matching", "linked"),
            ("contacts created in HighLevel", "created_left"),
            ("addresses created in onOffice", "created_right"),
            ("contacts changed in HighLevel", "updated_left"),
            ("addresses changed in onOffice", "updated_right"),
            ("webhooks that told nothing new", "echoes"),
            (
                "changes that no webhook told, found by poll or sweep",
                "missed_webhooks",
            ),
            ("  of them only by the sweep", "found_by_sweep"),
            ("creates whose answer was lost", "creates_unknown"),
        ] {
            line(format!("  {:>5}  {words}", self.meter(meter)));
        }
        line(format!("  {:>5}  pairs linked in all", self.links));
        line(String::new());
        line(format!("Questions for a person: {}", self.questions.len()));
        let mut kinds: BTreeMap<String, Vec<&store::Review>> = BTreeMap::new();
        for review in &self.questions {
            let kind = serde_json::to_value(review.kind)
                .ok()
                .and_then(|kind| kind.as_str().map(str::to_owned))
                .unwrap_or_default();
            kinds.entry(kind).or_default().push(review);
        }
        for (kind, reviews) in kinds {
            line(format!("  {} × {}", reviews.len(), kind.replace('_', " ")));
            for review in reviews.iter().take(3) {
                line(format!("      {}", review.summary));
            }
        }
        line(format!(
            "Fields that a system refused: {}",
            self.refused.len()
        ));
        for blocked in self.refused.iter().take(SHOWN) {
            line(format!("  {}: {}", blocked.mapping, blocked.reason));
        }
        if !self.failing.is_empty() {
            line(format!(
                "Records that could not be worked off: {}",
                self.failing.len()
            ));
            for failing in self.failing.iter().take(SHOWN) {
                line(format!(
                    "  {} {}: {}",
                    failing.connection, failing.record, failing.error
                ));
            }
        }
        line(String::new());
        line("Calls, as the systems counted them".to_owned());
        for (name, totals) in &self.systems {
            line(format!(
                "  {name:<10} {:>5} reads  {:>5} writes  {:>3} throttled  {:>3} failed",
                totals.reads, totals.writes, totals.throttled, totals.failed
            ));
        }
        line(String::new());
        let verdict = &self.verdict;
        line(format!(
            "Judged by the sandbox from what the two systems hold: {} pairs, {} fields compared",
            verdict.compared.0, verdict.compared.1
        ));
        line(format!(
            "  {:>5}  differences with a reason (a question, a refused field, a declared loss)",
            verdict.explained.len()
        ));
        line(format!(
            "  {:>5}  differences without one",
            verdict.unexplained.len()
        ));
        for difference in verdict.unexplained.iter().take(SHOWN) {
            line(format!("         {difference}"));
        }
        line(format!(
            "  {:>5}  people made twice",
            verdict.duplicates.len()
        ));
        for twin in verdict.duplicates.iter().take(SHOWN) {
            line(format!("         {twin}"));
        }
        line(format!(
            "  {:>5}  writes that changed nothing",
            verdict.echo_writes.highlevel + verdict.echo_writes.onoffice
        ));
        line(String::new());
        line(if self.agree() {
            format!("Both sides agree. {:.0} s.", self.seconds)
        } else {
            format!("The sides DISAGREE. {:.0} s.", self.seconds)
        });
        text
    }
}
