//! The report at the end of the demo.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use sandbox::System;
use serde_json::{Value as Json, json};

use super::{
    judging::Findings,
    proof::{Proven, Scene, Sight},
    stage::{SYNCS, Stage},
    verdict::{Verdict, title},
};

/// How many examples of one kind are shown.
const SHOWN: usize = 8;

/// Everything that the demo tells at its end.
pub(super) struct Report {
    scenes: Vec<Proven>,
    syncs: Vec<OfSync>,
    meters: BTreeMap<String, i64>,
    failing: Vec<sync::FailingRecord>,
    findings: Findings,
    systems: Vec<(System, sandbox::Totals)>,
    seconds: f64,
}

/// What is told of one sync.
struct OfSync {
    name: &'static str,
    left: System,
    right: System,
    companies: bool,
    links: u64,
    questions: Vec<store::Review>,
    refused: Vec<store::Blocked>,
}

impl Report {
    pub(super) async fn new(stage: &Stage, played: Vec<Scene>, elapsed: Duration) -> Result<Self> {
        let sight = Sight::of(&stage.sandbox.control());
        let status = stage.status().await?;
        let counts = stage.sandbox.control().core().counts.all();
        let systems = [System::HighLevel, System::OnOffice, System::OfficeRnd]
            .into_iter()
            .filter_map(|system| Some((system, counts.get(&system)?.totals)))
            .collect();
        let questions = stage.questions().await?;
        let mut syncs = Vec::new();
        for sync in &SYNCS {
            syncs.push(OfSync {
                name: sync.name,
                left: sync.left,
                right: sync.right,
                companies: sync.companies,
                links: status.overview.links.get(sync.name).copied().unwrap_or(0),
                questions: questions
                    .iter()
                    .filter(|question| question.sync.as_str() == sync.name)
                    .cloned()
                    .collect(),
                refused: stage.refused(sync.name).await?,
            });
        }
        Ok(Self {
            scenes: played.iter().map(|scene| scene.proven(&sight)).collect(),
            syncs,
            meters: status.overview.meters,
            failing: status.failing_records,
            findings: stage.judge().await?,
            systems,
            seconds: elapsed.as_secs_f64(),
        })
    }

    /// Whether all systems agree wherever nothing says why not.
    pub(super) fn agree(&self) -> bool {
        self.findings.agree() && self.failing.is_empty()
    }

    /// Whether they agree, and all that was to be shown was seen in the systems.
    pub(super) fn holds(&self) -> bool {
        self.agree() && self.scenes.iter().all(Proven::holds)
    }

    fn meter(&self, sync: &str, name: &str) -> i64 {
        self.meters
            .get(&format!("{sync}:{name}"))
            .copied()
            .unwrap_or(0)
    }

    /// For programs; `docs/demo.md` documents the form.
    pub(super) fn json(&self) -> Json {
        let syncs: Vec<Json> = self
            .syncs
            .iter()
            .zip(&self.findings.syncs)
            .map(|(sync, (_, verdict))| {
                let meter = |name| self.meter(sync.name, name);
                // What happened in the system that syncs share is counted once, by the first of them.
                let own = |system: System| {
                    self.syncs
                        .iter()
                        .find(|other| [other.left, other.right].contains(&system))
                        .is_some_and(|first| first.name == sync.name)
                };
                let echoes = self.findings.echo_writes.iter();
                let failing = self.failing.iter();
                json!({
                    "name": sync.name,
                    "links": sync.links,
                    "companies": verdict.companies,
                    "created": {"left": meter("created_left"), "right": meter("created_right")},
                    "updated": {"left": meter("updated_left"), "right": meter("updated_right")},
                    "reviews": sync.questions.len(),
                    "blocked": sync.refused.len(),
                    "errors": failing.filter(|record| own(system_of(record))).count(),
                    "compared": {"pairs": verdict.compared.0, "values": verdict.compared.1},
                    "disagreements": verdict.unexplained.len(),
                    "unexplained": verdict.unexplained.iter().take(SHOWN).collect::<Vec<_>>(),
                    "excused": verdict.excused(),
                    "duplicates_made": self
                        .findings
                        .duplicates
                        .iter()
                        .filter(|(system, _)| own(*system))
                        .count(),
                    "echo_writes": echoes
                        .filter(|(system, _)| own(**system))
                        .map(|(_, number)| number)
                        .sum::<usize>(),
                })
            })
            .collect();
        json!({
            "syncs": syncs,
            "systems": self
                .systems
                .iter()
                .map(|(system, totals)| {
                    (system.as_str(), json!({
                        "reads": totals.reads,
                        "writes": totals.writes,
                        "throttled": totals.throttled,
                        "failed": totals.failed,
                    }))
                })
                .collect::<BTreeMap<_, _>>(),
            "scenes": self.scenes,
            "people_twice_without_a_shared_key": self.findings.not_to_be_found.len(),
            "missed_webhooks": self
                .syncs
                .iter()
                .map(|sync| self.meter(sync.name, "missed_webhooks"))
                .sum::<i64>(),
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
        line("What was played, and whether the simulated systems saw it".to_owned());
        for scene in &self.scenes {
            let mark = if scene.holds() { '✓' } else { '✗' };
            match &scene.left_out {
                Some(why) => line(format!("  – {}: left out, {why}", scene.title)),
                None => line(format!("  {mark} {}", scene.title)),
            }
            for missing in &scene.missing {
                line(format!("      not seen: {missing}"));
            }
        }
        line(String::new());
        for (sync, (_, verdict)) in self.syncs.iter().zip(&self.findings.syncs) {
            self.sync_in_words(sync, verdict, &mut line);
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
            line(String::new());
        }
        line("Calls, as the systems counted them".to_owned());
        for (system, totals) in &self.systems {
            line(format!(
                "  {:<10} {:>5} reads  {:>5} writes  {:>3} throttled  {:>3} failed",
                title(*system),
                totals.reads,
                totals.writes,
                totals.throttled,
                totals.failed
            ));
        }
        line(String::new());
        line("In all systems, judged by the sandbox".to_owned());
        line(format!(
            "  {:>5}  people or companies made twice",
            self.findings.duplicates.len()
        ));
        for (_, twin) in self.findings.duplicates.iter().take(SHOWN) {
            line(format!("         {twin}"));
        }
        line(format!(
            "  {:>5}  people twice whose records share no e-mail address and no number",
            self.findings.not_to_be_found.len()
        ));
        for twin in self.findings.not_to_be_found.iter().take(SHOWN) {
            line(format!("         {twin}"));
        }
        line(format!(
            "  {:>5}  writes that changed nothing",
            self.findings.echo_writes.values().sum::<usize>()
        ));
        line(String::new());
        line(if self.agree() {
            format!("All sides agree. {:.0} s.", self.seconds)
        } else {
            format!("The sides DISAGREE. {:.0} s.", self.seconds)
        });
        if !self.scenes.iter().all(Proven::holds) {
            line("Not everything that was to be shown HAPPENED, see above.".to_owned());
        }
        text
    }

    fn sync_in_words(&self, sync: &OfSync, verdict: &Verdict, line: &mut impl FnMut(String)) {
        let (left, right) = (title(sync.left), title(sync.right));
        line(format!("{}: {left} and {right}", sync.name));
        for (words, meter) in [
            ("pairs linked by matching".to_owned(), "linked"),
            (format!("created in {left}"), "created_left"),
            (format!("created in {right}"), "created_right"),
            (format!("changed in {left}"), "updated_left"),
            (format!("changed in {right}"), "updated_right"),
            ("webhooks that told nothing new".to_owned(), "echoes"),
            (
                "changes that no webhook told, found by poll or sweep".to_owned(),
                "missed_webhooks",
            ),
            ("  of them only by the sweep".to_owned(), "found_by_sweep"),
            (
                "creates whose answer was lost".to_owned(),
                "creates_unknown",
            ),
        ] {
            line(format!("  {:>5}  {words}", self.meter(sync.name, meter)));
        }
        line(format!("  {:>5}  pairs linked in all", sync.links));
        line(format!(
            "  {:>5}  questions for a person",
            sync.questions.len()
        ));
        let mut kinds: BTreeMap<String, Vec<&store::Review>> = BTreeMap::new();
        for review in &sync.questions {
            let kind = serde_json::to_value(review.kind)
                .ok()
                .and_then(|kind| kind.as_str().map(str::to_owned))
                .unwrap_or_default();
            kinds.entry(kind).or_default().push(review);
        }
        for (kind, reviews) in kinds {
            line(format!(
                "         {} × {}",
                reviews.len(),
                kind.replace('_', " ")
            ));
            for review in reviews.iter().take(3) {
                line(format!("             {}", review.summary));
            }
        }
        line(format!(
            "  {:>5}  fields that do not cross (`tandem blocked`)",
            sync.refused.len()
        ));
        let mut why: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for blocked in &sync.refused {
            *why.entry((&blocked.mapping, &blocked.reason)).or_default() += 1;
        }
        for ((mapping, reason), number) in why.iter().take(SHOWN) {
            line(format!("         {number} × {mapping}: {reason}"));
        }
        line(format!(
            "  Judged by the sandbox from what the two systems hold: {} pairs, {} fields compared",
            verdict.compared.0, verdict.compared.1
        ));
        if sync.companies {
            line(format!(
                "  {:>5}  of the pairs are companies; who belongs to which was compared too",
                verdict.companies
            ));
        }
        line(format!(
            "  {:>5}  differences with a reason, not counted as disagreement",
            verdict.explained.len()
        ));
        for (excuse, count) in verdict.excused() {
            line(format!("         {count} × {}", excuse.in_words()));
        }
        line(format!(
            "  {:>5}  differences without one",
            verdict.unexplained.len()
        ));
        for difference in verdict.unexplained.iter().take(SHOWN) {
            line(format!("         {difference}"));
        }
        line(String::new());
    }
}

/// The system of a connection of the config.
fn system_of(record: &sync::FailingRecord) -> System {
    match record.connection.as_str() {
        "office" => System::OnOffice,
        "coworking" => System::OfficeRnd,
        _ => System::HighLevel,
    }
}
