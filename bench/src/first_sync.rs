//! The first sync of a full system into an empty one.

use anyhow::Result;
use reqwest::Method;
use serde_json::Value as Json;

use crate::{
    Common, Full,
    figures::{Figures, Target},
    process::SandboxArguments,
    rig::{Pair, Rig, Setup, requests, requests_answered},
};

pub(crate) async fn run(common: &Common, full: Full, contacts: usize) -> Result<Figures> {
    let (highlevel, onoffice) = match full {
        Full::Left => (contacts, 0),
        Full::Right => (0, contacts),
    };
    let switches = [
        "highlevel.rate_limit=false",
        "highlevel.search_lag_ms=0",
        "highlevel.api_write_webhooks=false",
    ];
    let rig = Rig::start(
        common,
        Setup {
            sandbox: SandboxArguments {
                both: 0,
                highlevel,
                onoffice,
                officernd: 0,
                switches: switches.map(str::to_owned).to_vec(),
            },
            pair: Pair::OnOffice,
            limits_off: true,
            app: false,
            webhook_key: None,
        },
    )
    .await?;
    let before = [rig.tandem.cost()?, rig.sandbox.cost()?];
    let report = rig.sync().await?;
    let after = [rig.tandem.cost()?, rig.sandbox.cost()?];
    let counts = rig.counts().await?;
    let seconds = report["seconds"].as_f64().unwrap_or(f64::NAN);
    let records = contacts as f64;
    let count = |name: &str| report["counts"][name].as_f64().unwrap_or(0.0);

    let title = match full {
        Full::Left => format!("First sync of {contacts} HighLevel contacts into an empty onOffice"),
        Full::Right => {
            format!("First sync of {contacts} onOffice addresses into an empty HighLevel")
        }
    };
    let mut figures = Figures::new(title);
    let (rate, created) = match full {
        Full::Left => (2500.0, count("created_right")),
        Full::Right => (1500.0, count("created_left")),
    };
    figures.judge("records", records / seconds, "/s", Target::AtLeast(rate));
    figures.judge(
        "peak memory of the server",
        after[0].peak,
        "MB",
        Target::AtMost(150.0),
    );
    figures.note("seconds", seconds, "s");
    figures.note("created", created, "");
    figures.note(
        "questions (two records of one person)",
        open_reviews(&rig).await?,
        "",
    );
    figures.note(
        "failing",
        report["failing"].as_f64().unwrap_or(f64::NAN),
        "",
    );
    calls(&mut figures, full, &counts, records, created);
    for (who, at) in [("server", 0), ("sandbox", 1)] {
        figures.note(
            format!("processor time of the {who} per record"),
            1e6 * (after[at].cpu - before[at].cpu) / records,
            "µs",
        );
    }
    figures.note(
        "written by the server per record",
        (after[0].written - before[0].written) / records,
        "bytes",
    );
    rig.tandem.stop().await?;
    Ok(figures)
}

/// Calls against the numbers that the vendors' batches allow.
fn calls(figures: &mut Figures, full: Full, counts: &Json, records: f64, created: f64) {
    let action = |name: &str| counts["onoffice"]["actions"][name].as_f64().unwrap_or(0.0);
    let onoffice_requests: f64 = requests(counts, "onoffice", "POST", "");
    match full {
        Full::Left => {
            let lists = requests(counts, "highlevel", "POST", "/contacts/search")
                + requests(counts, "highlevel", "GET", "/contacts");
            figures.judge(
                "list calls per 100 records",
                100.0 * lists / records,
                "",
                Target::AtMost(1.05),
            );
            figures.judge(
                "onOffice requests per 20 creates (create + read-back)",
                20.0 * onoffice_requests / created,
                "",
                Target::AtMost(2.1),
            );
            figures.judge(
                "single reads in HighLevel",
                requests(counts, "highlevel", "GET", "/contacts/{contactId}"),
                "",
                Target::AtMost(0.0),
            );
        }
        Full::Right => {
            figures.judge(
                "list calls per 100 records",
                100.0 * onoffice_requests / records,
                "",
                Target::AtMost(1.05),
            );
            // A number or address that somebody else has: the vendor names that record, which is then read.
            let refused = requests_answered(counts, "highlevel", "/contacts", 400);
            figures.judge(
                "HighLevel creates per record",
                requests(counts, "highlevel", "POST", "/contacts") / (created + refused),
                "",
                Target::AtMost(1.0),
            );
            figures.judge(
                "reads in HighLevel beyond one per refused create",
                (requests(counts, "highlevel", "GET", "/contacts/{contactId}") - refused).max(0.0),
                "",
                Target::AtMost(0.0),
            );
        }
    }
    for (name, per) in [
        ("create address", 1.0),
        ("read address", 1.0),
        ("get search", 1.0),
    ] {
        if action(name) > 0.0 {
            figures.note(format!("onOffice actions `{name}`"), action(name) * per, "");
        }
    }
    for system in ["highlevel", "onoffice"] {
        for line in counts[system]["routes"].as_array().into_iter().flatten() {
            figures.note(
                format!(
                    "  {system} {} {} → {}",
                    line["method"].as_str().unwrap_or(""),
                    line["route"].as_str().unwrap_or(""),
                    line["status"]
                ),
                line["count"].as_f64().unwrap_or(f64::NAN),
                "calls",
            );
        }
    }
}

pub(crate) async fn open_reviews(rig: &Rig) -> Result<f64> {
    let status = rig.api(Method::GET, "/status", None).await?;
    Ok(status["reviews"]
        .as_object()
        .into_iter()
        .flat_map(|syncs| syncs.values())
        .filter_map(Json::as_object)
        .flat_map(|kinds| kinds.values())
        .filter_map(Json::as_f64)
        .fold(0.0, |sum, count| sum + count))
}
