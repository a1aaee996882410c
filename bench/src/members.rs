//! The first sync of a full HighLevel into an empty OfficeRnD, and the other way, without limits and
//! under them.

use anyhow::Result;

use crate::{
    Common, Full,
    figures::{Figures, Target},
    first_sync::open_reviews,
    process::SandboxArguments,
    rig::{Pair, Rig, Setup},
};

/// Requests a second that HighLevel lets through, by the sandbox's limits.
const HIGHLEVEL: f64 = 100.0 / 10.0;

/// Writes a second that OfficeRnD lets through.
const OFFICERND: f64 = 100.0 / 60.0;

/// What a sliding window lets through at once, on either side.
const BURST: f64 = 100.0;

pub(crate) async fn run(
    common: &Common,
    full: Full,
    people: usize,
    limits: bool,
) -> Result<Figures> {
    let (highlevel, officernd) = match full {
        Full::Left => (people, 0),
        Full::Right => (0, people),
    };
    let mut switches = vec![
        "highlevel.search_lag_ms=0",
        "highlevel.api_write_webhooks=false",
        "officernd.api_write_webhooks=false",
    ];
    if !limits {
        switches.extend(["highlevel.rate_limit=false", "officernd.rate_limit=false"]);
    }
    let rig = Rig::start(
        common,
        Setup {
            pair: Pair::OfficeRnd,
            sandbox: SandboxArguments {
                highlevel,
                officernd,
                switches: switches.into_iter().map(str::to_owned).collect(),
                ..SandboxArguments::default()
            },
            limits_off: !limits,
            app: false,
            webhook_key: None,
        },
    )
    .await?;
    if limits {
        // Budgets count as spent after a start; by then the windows of both are free.
        tokio::time::sleep(std::time::Duration::from_secs(61)).await;
        rig.reset_counts().await?;
    }
    let before = [rig.tandem.cost()?, rig.sandbox.cost()?];
    let report = rig.sync().await?;
    let after = [rig.tandem.cost()?, rig.sandbox.cost()?];
    let counts = rig.counts().await?;
    let seconds = report["seconds"].as_f64().unwrap_or(f64::NAN);
    let count = |name: &str| report["counts"][name].as_f64().unwrap_or(0.0);
    let (title, system, created) = match full {
        Full::Left => (
            format!("First sync of {people} HighLevel contacts into an empty OfficeRnD"),
            "officernd",
            count("created_right"),
        ),
        Full::Right => (
            format!("First sync of {people} OfficeRnD members into an empty HighLevel"),
            "highlevel",
            count("created_left"),
        ),
    };
    let mut figures = Figures::new(if limits {
        format!("{title}, under the limits of both")
    } else {
        title
    });
    let total =
        |system: &str, key: &str| counts[system]["totals"][key].as_f64().unwrap_or(f64::NAN);
    let writes = total(system, "writes") - total(system, "throttled");
    if limits {
        // How well the pace is used; whether so much had to be sent is what `bound` measures.
        let (sent, pace) = match full {
            Full::Left => (writes, OFFICERND),
            Full::Right => (writes + total(system, "reads"), HIGHLEVEL),
        };
        let pace = (sent - BURST).max(0.0) / pace;
        figures.note(
            "time over that of the calls that were sent, at the allowed pace",
            100.0 * (seconds / pace - 1.0),
            "%",
        );
        for system in ["highlevel", "officernd"] {
            figures.judge(
                format!("answers 429 of {system}"),
                total(system, "throttled"),
                "",
                Target::AtMost(0.0),
            );
        }
    } else {
        figures.judge(
            "records",
            people as f64 / seconds,
            "/s",
            Target::AtLeast(1200.0),
        );
    }
    figures.judge(
        "writes per record made",
        writes / created,
        "",
        // HighLevel refuses a second contact with the same mailbox or number.
        Target::AtMost(match full {
            Full::Left => 1.0,
            Full::Right => 1.2,
        }),
    );
    figures.judge(
        "peak memory of the server",
        after[0].peak,
        "MB",
        Target::AtMost(150.0),
    );
    figures.note("seconds", seconds, "s");
    figures.note("created", created, "");
    figures.note("questions", open_reviews(&rig).await?, "");
    figures.note(
        "failing",
        report["failing"].as_f64().unwrap_or(f64::NAN),
        "",
    );
    for (who, at) in [("server", 0), ("sandbox", 1)] {
        figures.note(
            format!("processor time of the {who} per record"),
            1e6 * (after[at].cpu - before[at].cpu) / people as f64,
            "µs",
        );
    }
    for system in ["highlevel", "officernd"] {
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
    rig.tandem.stop().await?;
    Ok(figures)
}
