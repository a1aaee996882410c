//! The demo, run once as a person would run it, and judged by its exit status and its report.

use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value as Json;

use crate::run::{binary, capture, text};

/// Runs `tandem demo --once --json` from the release build.
pub(crate) fn check() -> Result<()> {
    let binary = binary("release")?;
    let started = Instant::now();
    let report = capture(text(&binary)?, &["demo", "--once", "--json"])?;
    let report: Json = serde_json::from_str(&report).context("the report is not JSON")?;
    judge(&report)?;
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
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Json {
        serde_json::json!({
            "syncs": [{
                "name": "a", "links": 3, "created": {"left": 1, "right": 1},
                "updated": {"left": 1, "right": 1}, "reviews": 0, "blocked": 1, "errors": 0,
                "disagreements": 0, "duplicates_made": 0, "echo_writes": 0
            }],
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
        ] {
            let mut bad = report();
            *bad.pointer_mut(path).unwrap() = value;
            assert!(judge(&bad).is_err(), "{path}");
        }
    }
}
