//! The demo, run once as a person would run it, and judged by its exit status and its report.

use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value as Json;

use crate::run::{built, printed, text};

/// Runs `tandem demo --once --json`.
pub(crate) fn check() -> Result<()> {
    let binary = built("tandem")?;
    let started = Instant::now();
    let (printed, status) = printed(text(&binary)?, &["demo", "--once", "--json"])?;
    let judged = serde_json::from_str(&printed)
        .with_context(|| format!("the demo ended with {status}, and its report is not JSON"))
        .and_then(|report| judge(&report))
        .and_then(|()| {
            ensure!(
                status.success(),
                "the demo ended with {status}, and its report does not say why"
            );
            Ok(())
        });
    if judged.is_err() {
        eprintln!("{printed}");
    }
    judged?;
    eprintln!(
        "the demo took {:.1} s and both sides agree",
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Whether the report shows a sync that did something and ended in agreement.
fn judge(report: &Json) -> Result<()> {
    let syncs = report["syncs"]
        .as_array()
        .context("the report has no `syncs`")?;
    ensure!(!syncs.is_empty(), "the report has no sync");
    for sync in syncs {
        let name = sync["name"].as_str().context("a sync without `name`")?;
        let count = |path: &str| {
            sync.pointer(path)
                .and_then(Json::as_u64)
                .with_context(|| format!("sync {name} has no count at {path}"))
        };
        for (path, what) in [
            ("/disagreements", "fields on which the two sides disagree"),
            ("/duplicates_made", "duplicates made"),
            ("/echo_writes", "writes that only answered our own"),
            ("/errors", "errors"),
        ] {
            let found = count(path)?;
            if found != 0 {
                bail!("sync {name}: {found} {what}");
            }
        }
        for path in [
            "/links",
            "/created/left",
            "/created/right",
            "/updated/left",
            "/updated/right",
        ] {
            ensure!(
                count(path)? > 0,
                "sync {name}: {path} is 0, so the demo did not show it"
            );
        }
        count("/reviews")?;
        count("/blocked")?;
        for excuse in ["asked", "blocked", "left_alone", "create_only", "cut"] {
            count(&format!("/excused/{excuse}"))?;
        }
        ensure!(
            count("/compared/values")? > 1000,
            "sync {name}: the judge compared next to nothing"
        );
    }
    scenes(report)?;
    let systems = report["systems"]
        .as_object()
        .context("the report has no `systems`")?;
    for (system, calls) in systems {
        for kind in ["reads", "writes", "throttled", "failed"] {
            calls[kind]
                .as_u64()
                .with_context(|| format!("system {system} has no count `{kind}`"))?;
        }
    }
    ensure!(
        report["missed_webhooks"].is_u64(),
        "the report has no `missed_webhooks`"
    );
    ensure!(report["seconds"].is_number(), "the report has no `seconds`");
    Ok(())
}

/// What the demo has to show, each proven by what the simulated systems saw.
const SCENES: [&str; 32] = [
    "disjoint_edits",
    "task_each_way",
    "note_each_way",
    "appointment_each_way",
    "opportunity_each_way",
    "consent",
    "company_renamed",
    "conflict_asked",
    "conflict_decided",
    "edit_in_between",
    "tags",
    "creates",
    "delete",
    "merge",
    "webhook_lost",
    "webhook_doubled",
    "webhook_late",
    "webhook_out_of_order",
    "expired_token",
    "burst",
    "server_error",
    "dropped_answer",
    "dropped_create",
    "time_out_after_effect",
    "refused_field",
    "through_the_hub",
    "through_the_hub_back",
    "both_ends",
    "new_member",
    "member_deleted",
    "into_scope",
    "company_moves",
];

/// Whether each scene was played and borne out.
fn scenes(report: &Json) -> Result<()> {
    let scenes = report["scenes"]
        .as_array()
        .context("the report has no `scenes`")?;
    for name in SCENES {
        let scene = scenes
            .iter()
            .find(|scene| scene["name"] == name)
            .with_context(|| format!("the demo did not play `{name}`"))?;
        let missing = scene["missing"]
            .as_array()
            .with_context(|| format!("scene {name} does not say what is missing"))?;
        ensure!(
            missing.is_empty(),
            "scene {name}: the systems did not see {missing:?}"
        );
        ensure!(
            scene["seen"].as_u64() > Some(0) && scene["left_out"].is_null(),
            "scene {name} shows nothing: {scene}"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Json {
        serde_json::json!({
            "syncs": [{
                "name": "a", "links": 3, "created": {"left": 1, "right": 1},
                "updated": {"left": 1, "right": 1}, "reviews": 0, "blocked": 1, "errors": 0,
                "disagreements": 0, "duplicates_made": 0, "echo_writes": 0,
                "compared": {"pairs": 300, "values": 3000},
                "excused": {"asked": 0, "blocked": 0, "left_alone": 0, "create_only": 0, "cut": 0}
            }],
            "scenes": SCENES.map(|name| serde_json::json!({
                "name": name, "seen": 1, "missing": [], "left_out": null
            })),
            "systems": {"x": {"reads": 1, "writes": 1, "throttled": 0, "failed": 0}},
            "missed_webhooks": 1, "seconds": 3.5
        })
    }

    #[test]
    fn a_report_of_agreement_passes_and_any_disagreement_or_missing_part_does_not() {
        judge(&report()).unwrap();
        for path in [
            "/syncs/0/disagreements",
            "/syncs/0/duplicates_made",
            "/syncs/0/echo_writes",
        ] {
            let mut bad = report();
            *bad.pointer_mut(path).unwrap() = 1.into();
            assert!(judge(&bad).is_err(), "{path}");
        }
        for (path, value) in [
            ("/syncs/0/links", Json::from(0)),
            ("/syncs", Json::Null),
            ("/missed_webhooks", Json::Null),
            ("/syncs/0/excused/asked", Json::Null),
            ("/syncs/0/compared/values", Json::from(0)),
            ("/scenes/0/seen", Json::from(0)),
            (
                "/scenes/0/missing",
                serde_json::json!(["what was to be seen"]),
            ),
            ("/scenes/0/left_out", Json::from("too few people")),
            ("/scenes/0/name", Json::from("another")),
        ] {
            let mut bad = report();
            *bad.pointer_mut(path).unwrap() = value;
            assert!(judge(&bad).is_err(), "{path}");
        }
    }
}
