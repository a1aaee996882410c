//! A backfill under the documented limits of HighLevel, with people editing meanwhile.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::{
    Common,
    figures::{Figures, Target, percentile},
    process::SandboxArguments,
    rig::{Pair, Rig, SYNC, Setup},
};

/// What HighLevel allows: requests in a window of so many seconds.
const ALLOWED: (f64, f64) = (100.0, 10.0);

/// Pages that list the few contacts that were there before.
const LISTED: f64 = 1.0;

/// How long an edit may take before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn run(common: &Common, contacts: usize, edits: usize) -> Result<Figures> {
    let rig = Rig::start(
        common,
        Setup {
            sandbox: SandboxArguments {
                both: edits + 20,
                ..SandboxArguments::default()
            },
            pair: Pair::OnOffice,
            limits_off: false,
            app: true,
            webhook_key: None,
        },
    )
    .await?;
    // People that are in both are linked first, so that there is something to edit.
    rig.sync().await?;
    let pairs = links(&rig).await?;
    if pairs.len() < edits {
        bail!("only {} pairs were linked", pairs.len());
    }
    rig.control(Method::POST, "onoffice/seed", Some(newcomers(contacts)))
        .await?;
    // What linking has used of the window is free again.
    tokio::time::sleep(Duration::from_secs(11)).await;
    rig.reset_counts().await?;

    let begun = Instant::now();
    let from = last_edit(&rig).await?;
    let backfill = async {
        let report = rig.sync().await?;
        Ok::<_, anyhow::Error>((report, begun.elapsed().as_secs_f64()))
    };
    let people = async {
        // The backfill is under way by then.
        tokio::time::sleep(Duration::from_secs(3)).await;
        for (number, (contact, _)) in pairs.iter().take(edits).enumerate() {
            let edit = json!({"id": contact, "fields": {"city": format!("Neustadt {number}")}});
            rig.control(Method::POST, "highlevel/act/edit_contact", Some(edit))
                .await?;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok::<_, anyhow::Error>(())
    };
    let ((report, seconds), ()) = tokio::try_join!(backfill, people)?;
    let counts = rig.counts().await?;
    let crossings = crossings(&rig, from, &pairs, edits).await?;

    let created = report["counts"]["created_left"].as_f64().unwrap_or(0.0);
    let totals = &counts["highlevel"]["totals"];
    let total = |key: &str| totals[key].as_f64().unwrap_or(f64::NAN);
    let answered = total("reads") + total("writes") - total("throttled") - total("failed");
    // What it takes, by what the systems hold and not by what was sent: one call for each contact that was made,
    // one reading for each edit that crossed, and one page of each list.
    let made = made(&rig, from).await?;
    let useful = made + crossings.len() as f64 + LISTED;
    // A sliding window lets its whole number through at once at the start.
    let allowed = ALLOWED.0 / ALLOWED.1 * seconds;
    let mut figures = Figures::new(format!(
        "Backfill of {contacts} contacts into HighLevel under its limits, {edits} edits meanwhile"
    ));
    figures.judge(
        "share of the allowed rate that it takes (creates, edits, one page)",
        100.0 * useful / allowed,
        "%",
        Target::AtLeast(97.0),
    );
    figures.note(
        "share of the allowed rate spent on calls that were answered",
        100.0 * answered / allowed,
        "%",
    );
    figures.judge("answers 429", total("throttled"), "", Target::AtMost(0.0));
    figures.note("edits seen on the other side", crossings.len() as f64, "");
    figures.note("edits cross, median", percentile(&crossings, 0.5), "s");
    figures.judge(
        "edits cross, 95 %",
        percentile(&crossings, 0.95),
        "s",
        Target::AtMost(2.0),
    );
    figures.judge(
        "edits that did not cross in time",
        (edits - crossings.len().min(edits)) as f64,
        "",
        Target::AtMost(0.0),
    );
    figures.note("seconds", seconds, "s");
    figures.note("created in HighLevel, as reported", created, "");
    figures.note("contacts that were made there", made, "");
    figures.note("calls to HighLevel per second", answered / seconds, "/s");
    figures.note("failed calls", total("failed"), "");
    for line in counts["highlevel"]["routes"]
        .as_array()
        .into_iter()
        .flatten()
    {
        figures.note(
            format!(
                "  highlevel {} {} → {}",
                line["method"].as_str().unwrap_or(""),
                line["route"].as_str().unwrap_or(""),
                line["status"]
            ),
            line["count"].as_f64().unwrap_or(f64::NAN),
            "calls",
        );
    }
    rig.tandem.stop().await?;
    Ok(figures)
}

/// Addresses of people who are in onOffice alone.
fn newcomers(count: usize) -> Json {
    (0..count)
        .map(|number| {
            json!({
                "Vorname": format!("Neu{number}"),
                "Name": format!("Zugang{number}"),
                "email": format!("neu.zugang{number}@bench.example"),
                "Ort": "Aachen",
                "Land": "DEU",
            })
        })
        .collect()
}

/// HighLevel id and onOffice id of the linked pairs.
async fn links(rig: &Rig) -> Result<Vec<(String, String)>> {
    let links = rig
        .api(
            Method::GET,
            &format!("/syncs/{SYNC}/links?limit=10000"),
            None,
        )
        .await?;
    links
        .as_array()
        .context("no list of links")?
        .iter()
        .map(|link| {
            let id = |side: &str| {
                link[side]
                    .as_str()
                    .map(str::to_owned)
                    .context("a link without an id")
            };
            Ok((id("left")?, id("right")?))
        })
        .collect()
}

/// Contacts that a client made in HighLevel after this number of the sandbox's own log.
async fn made(rig: &Rig, from: u64) -> Result<f64> {
    let edits = rig
        .control(Method::GET, &format!("edits?since={from}"), None)
        .await?;
    Ok(creates(&edits) as f64)
}

fn creates(edits: &Json) -> usize {
    let is_ours = |edit: &&Json| {
        edit["system"] == "highlevel" && edit["actor"] == "api" && edit["operation"] == "create"
    };
    edits["edits"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(is_ours)
        .count()
}

async fn last_edit(rig: &Rig) -> Result<u64> {
    let edits = rig
        .control(Method::GET, "edits?since=9007199254740991", None)
        .await?;
    Ok(edits["last"].as_u64().unwrap_or(0))
}

/// Seconds from each edit in HighLevel to its write in onOffice, by the sandbox's own log.
async fn crossings(
    rig: &Rig,
    from: u64,
    pairs: &[(String, String)],
    wanted: usize,
) -> Result<Vec<f64>> {
    let begun = Instant::now();
    loop {
        let edits = rig
            .control(Method::GET, &format!("edits?since={from}"), None)
            .await?;
        let mut crossings = of_log(&edits, pairs);
        if crossings.len() >= wanted || begun.elapsed() > PATIENCE {
            crossings.sort_by(f64::total_cmp);
            return Ok(crossings);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn of_log(edits: &Json, pairs: &[(String, String)]) -> Vec<f64> {
    let counterpart: BTreeMap<&str, &str> = pairs
        .iter()
        .map(|(left, right)| (right.as_str(), left.as_str()))
        .collect();
    let mut made: BTreeMap<&str, f64> = BTreeMap::new();
    let mut crossings = Vec::new();
    for edit in edits["edits"].as_array().into_iter().flatten() {
        let (Some(id), Some(at)) = (edit["id"].as_str(), edit["at_ms"].as_f64()) else {
            continue;
        };
        match (edit["system"].as_str(), edit["actor"].as_str()) {
            (Some("highlevel"), Some("user")) => drop(made.insert(id, at)),
            (Some("onoffice"), Some("api")) => {
                if let Some(at_first) = counterpart.get(id).and_then(|left| made.remove(left)) {
                    crossings.push((at - at_first) / 1000.0);
                }
            }
            _ => {}
        }
    }
    crossings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crossing_is_the_time_from_a_persons_edit_to_our_write_of_its_counterpart() {
        let edit = |system: &str, actor: &str, id: &str, at: i64| json!({"system": system, "actor": actor, "id": id, "at_ms": at});
        let log = json!({"edits": [
            edit("highlevel", "user", "a", 1000),
            edit("highlevel", "api", "x", 1200),
            edit("onoffice", "api", "9", 1300),
            edit("onoffice", "api", "1", 1500),
            edit("onoffice", "api", "1", 9000),
        ]});
        let pairs = [
            ("a".to_owned(), "1".to_owned()),
            ("b".to_owned(), "9".to_owned()),
        ];
        assert_eq!(of_log(&log, &pairs), [0.5]);
        let create = |system: &str, actor: &str| json!({"system": system, "actor": actor, "operation": "create"});
        let log = json!({"edits": [
            create("highlevel", "api"),
            create("highlevel", "user"),
            create("onoffice", "api"),
            edit("highlevel", "api", "a", 1000),
        ]});
        assert_eq!(creates(&log), 1);
    }
}
