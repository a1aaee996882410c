//! What an OfficeRnD account may say of its limits, each way: a run that meets them makes everybody once and comes to an end.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures::{StreamExt as _, stream};
use sandbox::{Operation, Setting, Switches};
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, OFFICERND, World, member_rules, members};
use sync::Progress;
use tokio::sync::watch;

use crate::support::{on_the_left, options, questions};

const TURNED: [&str; 5] = [
    "officernd.write_headers",
    "officernd.limit_window",
    "officernd.reset_header",
    "officernd.retry_after",
    "officernd.throttle_body",
];

/// Fewer than the connector takes for granted, so that the account itself has to say so.
const READS: usize = 40;
const WRITES: usize = 10;

/// More than the writes of a minute.
const ALL: usize = 15;

/// Worlds at once.
const AT_ONCE: usize = 3;

/// Those that were on their way together when a budget was used up for the first time, and few besides.
const MOST_REFUSED: u64 = 8;

fn values(name: &str) -> Vec<Json> {
    let all = Switches::registry();
    let switch = all.iter().find(|switch| switch.name == name);
    let switch = switch.unwrap_or_else(|| panic!("{name} is no switch"));
    match switch.default {
        Setting::Flag(_) => vec![json!(true), json!(false)],
        _ => switch.choices.iter().map(|choice| json!(choice)).collect(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_are_made_once_under_limits_however_the_account_speaks_of_them() -> Result<()> {
    let turned: Vec<(&str, Json)> = TURNED
        .into_iter()
        .flat_map(|name| values(name).into_iter().map(move |value| (name, value)))
        .collect();
    ensure!(turned.len() == 12, "{turned:?}");
    let failures: Vec<String> = stream::iter(turned)
        .map(|(name, value)| async move {
            let ended = under_limits(name, &value).await;
            ended
                .err()
                .map(|error| format!("{name} = {value}: {error:#}"))
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    ensure!(failures.is_empty(), "{}", failures.join("\n\n"));
    Ok(())
}

async fn under_limits(switch: &str, value: &Json) -> Result<()> {
    let mut options = options();
    options.members = Some(member_rules());
    options.limits = true;
    options.switches.extend([
        ("officernd.rate_limit".to_owned(), json!(true)),
        ("officernd.reads_a_minute".to_owned(), json!(READS)),
        ("officernd.writes_a_minute".to_owned(), json!(WRITES)),
        (switch.to_owned(), value.clone()),
    ]);
    let world = World::new(options).await?;
    for number in 0..ALL {
        let mut one = on_the_left("Anna");
        one["tags"] = json!(["coworking"]);
        one["companyName"] = Json::Null;
        one["lastName"] = json!(format!("Crowd{number}"));
        one["email"] = json!(format!("crowd{number}@many.example"));
        one["phone"] = json!(format!("+49307{number:06}"));
        world.seed(HIGHLEVEL, &one)?;
    }
    let mark = world.edit_mark();
    let made = || world.api_edits_of(mark, OFFICERND, Operation::Create);
    let engine = world.engine().clone();
    let run = tokio::spawn(async move {
        let (progress, _) = watch::channel(Progress::default());
        engine.sync_now(&members(), &progress).await
    });
    // a minute's writes and those of the next; the rest is patience
    for _ in 0..600 {
        if made() >= ALL {
            break;
        }
        world.wait(Duration::from_secs(1)).await;
    }
    ensure!(made() == ALL, "{} were made in ten minutes", made());
    run.await??;
    world.settle().await?;
    let totals = world.control.core().counts.totals(OFFICERND);
    ensure!(made() == ALL, "{} were made", made());
    ensure!(world.living(OFFICERND).len() == ALL, "somebody twice");
    ensure!(totals.throttled <= MOST_REFUSED, "{totals:?}");
    // only where writes say what is left can none be refused
    let is_told = switch == "officernd.write_headers" && *value == json!(true);
    ensure!(is_told || totals.throttled > 0, "no limit was met");
    ensure!(questions(&world).await?.is_empty(), "something is asked");
    let asked = world.questions().await?;
    let of_members = asked.into_iter().filter(|(sync, _, _)| *sync == members());
    let questions: Vec<_> = of_members.map(|(_, _, question)| question).collect();
    let findings = world.control.judge_syncs(&questions, None);
    ensure!(
        findings.syncs.len() == 1 && findings.agree(),
        "{findings:#?}"
    );
    Ok(())
}
