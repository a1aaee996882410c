//! `tandem status`: how everything stands, on one screen.

use anyhow::Result;
use serde_json::Value as Json;

use crate::{
    cli::Format,
    client::Client,
    commands::look::when,
    output::{self, at, cell},
};

/// Prints it.
pub(crate) async fn status(client: &Client, format: Format) -> Result<()> {
    let status = client.get("/api/v1/status", &[]).await?;
    if format.json {
        return output::json(&status);
    }
    if status["config"].is_null() {
        output::text(&format!("{}\n", cell(&status, "/problem/message")))?;
        if let Some(hint) = status.pointer("/problem/hint").and_then(Json::as_str) {
            output::text(&format!("  hint: {hint}\n"))?;
        }
        return Ok(());
    }
    output::text(&format!(
        "Config revision {}, in force since {}. Reached at {}.\n\n",
        cell(&status, "/config/revision"),
        when("/config/applied")(&status),
        cell(&status, "/public_url"),
    ))?;
    connections(&status)?;
    output::text("\n")?;
    syncs(&status)?;
    alerts(&status)?;
    failing(&status)
}

fn connections(status: &Json) -> Result<()> {
    let waiting = |row: &Json| {
        let lanes = &status["dirty"][cell(row, "/name")];
        let waiting: u64 = lanes
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(_, count)| count.as_u64())
            .sum();
        waiting.to_string()
    };
    let oldest = |row: &Json| {
        let name = cell(row, "/name");
        match status["oldest"].get(&name) {
            Some(_) => when("/at")(&serde_json::json!({"at": status["oldest"][name]})),
            None => "–".to_owned(),
        }
    };
    let account = |row: &Json| match row["account"].is_null() {
        true => "not signed in".to_owned(),
        false => format!(
            "{} ({})",
            cell(row, "/account/name"),
            cell(row, "/account/id")
        ),
    };
    let health = |row: &Json| {
        let light = cell(row, "/outlook/light");
        let state = cell(row, "/health/state");
        let mut words = match row["health"]["why"].as_str() {
            Some(why) => format!("{light}: {state}: {why}"),
            None if state == "ok" => light,
            None => format!("{light}: {state}"),
        };
        for warning in rows(&row["outlook"]["warnings"]) {
            words.push_str("; ");
            words.push_str(warning.as_str().unwrap_or_default());
        }
        words
    };
    let failing = |row: &Json| {
        let count = &status["failing"][cell(row, "/name")];
        count.as_u64().unwrap_or(0).to_string()
    };
    let changes = |row: &Json| heard_by(&status["changes"][cell(row, "/name")]);
    output::table(
        rows(&status["connections"]),
        &[
            ("connection", &at("/name")),
            ("system", &at("/title")),
            ("account", &account),
            ("health", &health),
            ("changes", &changes),
            ("limit used", &budget),
            ("waiting", &waiting),
            ("oldest signal", &oldest),
            ("failing", &failing),
        ],
        "No connections.",
    )?;
    output::text(&unheard(status))
}

/// How changes of an account are found, in few words.
fn heard_by(heard: &Json) -> String {
    let every = heard["polled_every_ms"].as_u64();
    let polled = every.map(|every| format!("polled every {} min", every.div_ceil(60_000)));
    let with = |webhooks: &str| match &polled {
        Some(polled) => format!("{webhooks}, {polled}"),
        None => webhooks.to_owned(),
    };
    match heard["told"]["state"].as_str() {
        None => "–".to_owned(),
        Some("heard") => with("webhooks"),
        Some("subscribed") => with("webhooks subscribed"),
        Some("silent" | "not_subscribed") => with("no webhooks yet"),
        Some("no_server") => "no server runs".to_owned(),
        Some(_) => match heard["behind_ms"].as_u64() {
            Some(behind) => format!("polled, lag up to {}", in_words(behind)),
            None if every.is_none() => "listed".to_owned(),
            None => "not polled yet".to_owned(),
        },
    }
}

/// Why webhooks that are wanted do not come, a line each.
fn unheard(status: &Json) -> String {
    let mut lines = String::new();
    for row in rows(&status["connections"]) {
        let name = cell(row, "/name");
        let told = &status["changes"][&name]["told"];
        match told["state"].as_str() {
            // the account says so already
            _ if row["account"].is_null() => {}
            Some("not_subscribed") => lines.push_str(&format!(
                "{name}: webhooks are wanted and not subscribed yet: {}\n",
                cell(told, "/why")
            )),
            Some("silent") => lines.push_str(&format!(
                "{name}: no webhook has come since the server started; the vendor has to be told to send them to {}\n",
                cell(row, "/webhook_url")
            )),
            _ => {}
        }
    }
    let no_server = |heard: &Json| heard["told"]["state"] == "no_server";
    let changes = status["changes"].as_object();
    if changes.is_some_and(|changes| changes.values().any(no_server)) {
        lines.push_str(
            "No server runs: nothing is polled and no webhook comes in until `tandem serve`.\n",
        );
    }
    lines
}

fn syncs(status: &Json) -> Result<()> {
    let count = |part: &'static str| {
        move |row: &Json| {
            let count = &status[part][cell(row, "/name")];
            count.as_u64().unwrap_or(0).to_string()
        }
    };
    let reviews = |row: &Json| {
        let kinds = &status["reviews"][cell(row, "/name")];
        let open: u64 = kinds
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(_, count)| count.as_u64())
            .sum();
        open.to_string()
    };
    let state = |row: &Json| match row["why"].as_str() {
        Some(why) => format!("{}: {why}", cell(row, "/state")),
        None => cell(row, "/state"),
    };
    let between = |row: &Json| format!("{} ↔ {}", cell(row, "/left"), cell(row, "/right"));
    output::table(
        rows(&status["syncs"]),
        &[
            ("sync", &at("/name")),
            ("between", &between),
            ("state", &state),
            ("links", &count("links")),
            ("reviews", &reviews),
            ("blocked fields", &count("blocked")),
            ("creates unsettled", &count("intents")),
            ("left listed", &when("/swept_left")),
            ("right listed", &when("/swept_right")),
        ],
        "No syncs.",
    )?;
    for sync in rows(&status["syncs"]) {
        if sync["state"] == "paused" {
            let name = cell(sync, "/name");
            output::text(&format!("{name}: `tandem resume {name}` lets it go on\n"))?;
        }
        for (entity, count) in sync["waiting"].as_object().into_iter().flatten() {
            output::text(&format!(
                "{}: {count} {entity} records wait until the record that they belong to is linked\n",
                cell(sync, "/name")
            ))?;
        }
        for listing in rows(&sync["listings"]) {
            output::text(&format!(
                "{}: {}\n",
                cell(sync, "/name"),
                listing_cost(listing)
            ))?;
        }
        for (part, words) in [
            ("lag_to_right", "edits cross to the right"),
            ("lag_to_left", "edits cross to the left"),
            (
                "overwrite_window_right",
                "written on the right after the last reading",
            ),
            (
                "overwrite_window_left",
                "written on the left after the last reading",
            ),
        ] {
            if let Some(spread) = spread(&sync[part]) {
                output::text(&format!("{}: {words}: {spread}\n", cell(sync, "/name")))?;
            }
        }
        if let Some(told) = found(sync) {
            output::text(&format!("{}: {told}\n", cell(sync, "/name")))?;
        }
        for (mapping, why) in sync["paused_mappings"].as_object().into_iter().flatten() {
            output::text(&format!(
                "{}: mapping {mapping} is paused: {}\n",
                cell(sync, "/name"),
                why.as_str().unwrap_or_default()
            ))?;
        }
    }
    Ok(())
}

/// How changes were found, in words: "120 changes found, 2 % of them only by listing; …".
fn found(sync: &Json) -> Option<String> {
    let changes = sync["changes"].as_u64().filter(|changes| *changes > 0)?;
    let percent = |part: &str| sync[part].as_f64().map(|share| (share * 100.0).round());
    let mut words = format!("{changes} changes found");
    if let Some(gap) = percent("gap") {
        words.push_str(&format!(", {gap} % of them only by listing"));
    }
    if let Some(echo) = percent("echo") {
        words.push_str(&format!(
            "; {echo} % of what webhooks told of was nothing new"
        ));
    }
    let mut drift: Vec<(&String, u64)> = sync["drift"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(mapping, count)| Some((mapping, count.as_u64()?)))
        .collect();
    drift.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    if !drift.is_empty() {
        let most: Vec<String> = drift
            .iter()
            .take(3)
            .map(|(mapping, count)| format!("{mapping} ({count})"))
            .collect();
        words.push_str(&format!("; no webhook told of {}", most.join(", ")));
    }
    Some(words)
}

/// What is wrong and was told.
fn alerts(status: &Json) -> Result<()> {
    for alert in rows(&status["alerts"]) {
        if !alert["told"].is_null() {
            output::text(&format!(
                "Alert: {} {}: {}\n",
                cell(alert, "/kind"),
                cell(alert, "/about"),
                cell(alert, "/why")
            ))?;
        }
    }
    Ok(())
}

/// How much of the limit that is used up most is used: "40 of 100 in 10 s".
fn budget(connection: &Json) -> String {
    let share = |row: &Json| {
        let requests = row["requests"].as_f64().unwrap_or(1.0).max(1.0);
        row["used"].as_f64().unwrap_or(0.0) / requests
    };
    let most = rows(&connection["budget"])
        .iter()
        .max_by(|one, other| share(one).total_cmp(&share(other)));
    most.map_or_else(
        || "–".to_owned(),
        |row| {
            let seconds = row["per_ms"].as_f64().unwrap_or(0.0) / 1_000.0;
            let per = match seconds {
                3_600.0.. => format!("{} h", seconds / 3_600.0),
                _ => format!("{seconds} s"),
            };
            format!(
                "{} of {} in {per}",
                cell(row, "/used"),
                cell(row, "/requests")
            )
        },
    )
}

/// What a dear listing costs, in words.
fn listing_cost(listing: &Json) -> String {
    let seconds = listing["every"].as_u64().unwrap_or(0);
    let every = match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    };
    let why = match (
        listing["tells_edits"].as_bool(),
        listing["per_record_of"].as_str(),
    ) {
        (Some(true), _) => "nothing else tells of edits".to_owned(),
        (_, Some(parent)) => format!("one for each {parent}"),
        _ => String::new(),
    };
    format!(
        "listing every {} of {} takes about {} requests ({why}), every {every}",
        cell(listing, "/entity"),
        cell(listing, "/connection"),
        cell(listing, "/requests"),
    )
}

/// How long something took, in words: "half within 1 s, 99 of 100 within 5 s (120 times)".
fn spread(spread: &Json) -> Option<String> {
    let count = spread["count"].as_u64()?;
    let within = |part: &str| match spread[part].as_u64() {
        None => "more than a day".to_owned(),
        Some(milliseconds) => format!("within {}", in_words(milliseconds)),
    };
    Some(format!(
        "half {}, 99 of 100 {} (timed {count} times)",
        within("half_within_ms"),
        within("p99_within_ms")
    ))
}

fn in_words(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..120_000 => format!("{} s", milliseconds / 1_000),
        120_000..7_200_000 => format!("{} min", milliseconds / 60_000),
        _ => format!("{} h", milliseconds / 3_600_000),
    }
}

/// How many failing records are shown.
const SHOWN: usize = 3;

/// How many records fail, with the first few.
fn failing(status: &Json) -> Result<()> {
    let records = rows(&status["failing_records"]);
    let Some((heading, rest)) = failing_in_words(status) else {
        return Ok(());
    };
    output::text(&heading)?;
    output::table(
        &records[..records.len().min(SHOWN)],
        &[
            ("connection", &at("/connection")),
            ("record", &at("/record")),
            ("tries", &at("/attempts")),
            ("error", &at("/error")),
        ],
        "",
    )?;
    output::text(&rest)
}

/// What stands above and below the first of those that fail.
fn failing_in_words(status: &Json) -> Option<(String, String)> {
    let records = rows(&status["failing_records"]);
    let counts = status["failing"].as_object().into_iter().flatten();
    let counted: u64 = counts.filter_map(|(_, count)| count.as_u64()).sum();
    let all = counted.max(records.len() as u64);
    let what = match all {
        0 => return None,
        1 => "record fails",
        _ => "records fail",
    };
    let rest = match all.saturating_sub(SHOWN as u64) {
        0 => String::new(),
        more => format!("… and {more} more: `tandem failing` lists them.\n"),
    };
    Some((format!("\n{all} {what} at the moment:\n"), rest))
}

fn rows(list: &Json) -> &[Json] {
    list.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fails_is_counted_and_the_rest_has_its_command() {
        let failing = |count: u64| {
            let records: Vec<Json> = (0..count.min(100))
                .map(|number| json!({"record": number.to_string()}))
                .collect();
            failing_in_words(&json!({"failing": {"a": count}, "failing_records": records}))
        };
        assert_eq!(failing(0), None);
        let (heading, rest) = failing(1).unwrap();
        assert_eq!(
            (&*heading, &*rest),
            ("\n1 record fails at the moment:\n", "")
        );
        let (heading, rest) = failing(700).unwrap();
        assert!(heading.contains("700 records fail"), "{heading}");
        assert!(rest.contains("697 more: `tandem failing`"), "{rest}");
    }

    #[test]
    fn webhooks_are_claimed_only_once_they_come() {
        let heard = |state: &str| json!({"webhooks": true, "polled_every_ms": 300_000, "told": {"state": state}});
        for (state, words) in [
            ("heard", "webhooks, polled every 5 min"),
            ("subscribed", "webhooks subscribed, polled every 5 min"),
            ("silent", "no webhooks yet, polled every 5 min"),
            ("not_subscribed", "no webhooks yet, polled every 5 min"),
            ("no_server", "no server runs"),
        ] {
            assert_eq!(heard_by(&heard(state)), words);
        }
        let polled = json!({"webhooks": false, "polled_every_ms": 60_000, "behind_ms": 5_000,
            "told": {"state": "none"}});
        assert_eq!(heard_by(&polled), "polled, lag up to 5 s");
        assert_eq!(heard_by(&Json::Null), "–");
    }
}
