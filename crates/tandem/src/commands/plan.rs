//! Plans: making them, showing them in words or as a page, carrying them out.

mod html;

use std::{fs, path::Path, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use serde_json::{Value as Json, json};

use crate::{
    cli,
    client::{Client, segment},
    commands::{look::plain, work::Bar},
    output::{self, Output, at, cell},
};

/// What a sync would do now, or under other rules.
pub(crate) async fn plan(client: &Client, asked: &cli::Plan) -> Result<()> {
    let path = format!("/api/v1/syncs/{}/plan", segment(&asked.sync));
    let body = match &asked.config {
        None => json!({}),
        Some(file) => json!({"config": read(file)?}),
    };
    let plan = client.post(&path, body).await?;
    if let Some(file) = &asked.html {
        fs::write(file, html::page(&plan))
            .with_context(|| format!("{} cannot be written", file.display()))?;
        eprintln!("The plan is in {}.", file.display());
    }
    if asked.format.json {
        return output::json(&plan);
    }
    output::text(&match asked.html {
        Some(_) => format!(
            "{}\n{}\n{}\n",
            read_in_words(&plan),
            headline(&plan),
            carried_out_by(&plan)
        ),
        None => in_words(&plan),
    })
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

/// The plans that are kept.
pub(crate) async fn plans(client: &Client, asked: &cli::Plans) -> Result<()> {
    let plans = client
        .get("/api/v1/plans", &[("sync", asked.sync.clone())])
        .await?;
    if asked.format.json {
        return output::json(&plans);
    }
    let rows = plans.as_array().cloned().unwrap_or_default();
    output::table(
        &rows,
        &[
            ("plan", &at("/id")),
            ("sync", &at("/sync")),
            ("made", &at("/made")),
            ("state", &at("/state")),
            ("rows", &at("/rows")),
            ("questions", &at("/questions")),
            ("rules", &|row| {
                let other = row["other_rules"] == true;
                if other {
                    "not in force when made"
                } else {
                    "in force"
                }
                .to_owned()
            }),
        ],
        "No plan is kept. `tandem plan SYNC` makes one.",
    )
}

/// The rows of a plan.
pub(crate) async fn rows(client: &Client, asked: &cli::PlanRows) -> Result<()> {
    let path = format!("/api/v1/plans/{}/rows", segment(&asked.plan));
    let most = if asked.limit == 0 {
        usize::MAX
    } else {
        asked.limit
    };
    let mut rows: Vec<Json> = Vec::new();
    while rows.len() < most {
        let after = rows.last().map(|row| cell(row, "/number"));
        let limit = (most - rows.len()).min(1000);
        let query = [
            ("state", asked.state.map(|state| state.word().to_owned())),
            ("after", after),
            ("limit", Some(limit.to_string())),
        ];
        let page = client.get(&path, &query).await?;
        let page = page.as_array().cloned().unwrap_or_default();
        let over = page.len() < limit;
        rows.extend(page);
        if over {
            break;
        }
    }
    if asked.format.json {
        return output::json(&Json::Array(rows));
    }
    output::table(
        &rows,
        &[
            ("row", &at("/number")),
            ("what", &at("/what")),
            ("entity", &at("/entity")),
            ("left", &at("/left")),
            ("right", &at("/right")),
            ("state", &at("/state")),
            ("fields", &|row| {
                let fields = row["fields"].as_object().into_iter().flatten();
                let names: Vec<&str> = fields.map(|(name, _)| name.as_str()).collect();
                names.join(", ")
            }),
            ("note", &|row| match &row["note"] {
                Json::String(note) => note.clone(),
                _ => cell(row, "/why"),
            }),
        ],
        "There is no such row.",
    )
}

/// Carries a plan out.
pub(crate) async fn apply(
    client: &Client,
    asked: &cli::ApplyPlan,
    output: Output,
) -> Result<ExitCode> {
    let path = format!("/api/v1/plans/{}/apply", segment(&asked.plan));
    let body = json!({"most_changed": asked.most_changed});
    let bar = Bar::new(output);
    let report = client
        .events(&path, body, |event, progress| {
            if event == "progress" {
                bar.show(progress);
            }
        })
        .await;
    bar.end();
    let report = report?;
    let code = if report["state"] == "done" {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    if asked.format.json {
        output::json(&report)?;
        return Ok(code);
    }
    output::text(&report_in_words(&report))?;
    Ok(code)
}

fn report_in_words(report: &Json) -> String {
    let count = |name: &str| report[name].as_u64().unwrap_or(0);
    let mut lines = Vec::new();
    if let Some(why) = report["why"].as_str() {
        lines.push(format!("Stopped: {why}."));
        lines.push(if count("done") == 0 {
            "Nothing was written.".to_owned()
        } else {
            "What was done before stays done.".to_owned()
        });
    }
    lines.push(format!(
        "{} rows are carried out, {} left out, {} wait, {} are questions.",
        count("done"),
        count("left_out"),
        count("waiting"),
        count("questions"),
    ));
    for row in report["rows"].as_array().into_iter().flatten() {
        lines.push(format!(
            "  row {} ({} {} ↔ {}): {}",
            cell(row, "/number"),
            cell(row, "/entity"),
            cell(row, "/left"),
            cell(row, "/right"),
            cell(row, "/why"),
        ));
    }
    if count("waiting") > 0 {
        lines.push(format!(
            "`tandem apply-plan {}` tries what waits once more.",
            cell(report, "/plan")
        ));
    }
    lines.join("\n") + "\n"
}

/// A plan as people read it.
pub(crate) fn in_words(plan: &Json) -> String {
    let mut lines = vec![read_in_words(plan)];
    if plan["other_rules"] == true {
        lines.push("These rules are not in force. Nothing else was changed either.".to_owned());
    }
    lines.push(headline(plan));
    lines.push(format!(
        "  {} pairs are linked already; {} of them would be changed",
        cell(plan, "/linked"),
        cell(plan, "/changed"),
    ));
    for (mapping, pairs) in counts(&plan["without_base"]) {
        lines.push(format!(
            "    {mapping} has no base on {pairs} of them yet (a new or changed rule) and is aligned there"
        ));
    }
    for (what, name) in [
        ("are left alone: parked, or out of the scope", "at_rest"),
        (
            "have lost a record; the rule for deletes decides about them",
            "vanished",
        ),
    ] {
        if plan[name].as_u64().unwrap_or(0) > 0 {
            lines.push(format!("    {} {what}", cell(plan, &format!("/{name}"))));
        }
    }
    lines.extend(matched(&plan["matched"]));
    lines.push(format!(
        "  {} of the linked pairs differ; {} fields would become a question",
        cell(plan, "/differing"),
        cell(plan, "/conflicts"),
    ));
    for (mapping, number) in counts(&plan["conflicts_by"]) {
        lines.push(format!("    {mapping}: {number}"));
    }
    for (heading, name) in [
        ("Records that would become a question:", "asked"),
        ("Fields that cannot be written:", "blocked"),
    ] {
        let mut told = counts(&plan[name]).peekable();
        if told.peek().is_some() {
            lines.push(heading.to_owned());
        }
        lines.extend(told.map(|(why, number)| format!("  {number}: {why}")));
    }
    lines.extend(awaiting(&plan["awaiting"]));
    for side in [&plan["left"], &plan["right"]] {
        lines.push(format!(
            "On {}: {} created, {} changed, {} ambiguous, {} waiting for the answer about another, {} in doubles, {} out of scope, {} not created by the rules",
            cell(side, "/connection"),
            cell(side, "/creates"),
            cell(side, "/updates"),
            cell(side, "/ambiguous"),
            cell(side, "/waiting"),
            cell(side, "/duplicates"),
            cell(side, "/out_of_scope"),
            cell(side, "/not_created"),
        ));
        for (field, count) in counts(&side["fields"]) {
            lines.push(format!("  {field}: {count}"));
        }
    }
    for (connection, calls) in counts(&plan["calls"]) {
        let seconds = plan["seconds_by"][connection].as_f64().unwrap_or(0.0);
        lines.push(format!(
            "About {calls} calls to {connection}: at least {} under its limits.",
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
                _ => "↔",
            };
            lines.push(format!(
                "    {mapping}: {} {arrow} {}",
                in_one_line(&values[0]),
                in_one_line(&values[1])
            ));
        }
    }
    lines.push(carried_out_by(plan));
    lines.join("\n") + "\n"
}

/// Which fields wait for other records, with a few of those.
fn awaiting(awaiting: &Json) -> Vec<String> {
    let mut lines = Vec::new();
    for each in awaiting.as_array().into_iter().flatten() {
        if lines.is_empty() {
            lines.push(
                "Fields that wait until the record that they name is linked, and follow by themselves then:"
                    .to_owned(),
            );
        }
        let examples: Vec<&str> = each["examples"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect();
        let fields = each["fields"].as_u64().unwrap_or(0);
        let more = if fields > examples.len() as u64 {
            ", …"
        } else {
            ""
        };
        lines.push(format!(
            "  {fields}: {}, for records of {} ({} {}{more})",
            cell(each, "/mapping"),
            cell(each, "/connection"),
            cell(each, "/entity"),
            examples.join(", "),
        ));
    }
    lines
}

fn read_in_words(plan: &Json) -> String {
    format!(
        "{} and {}: {} and {} records were read. Nothing was written.",
        cell(plan, "/left/connection"),
        cell(plan, "/right/connection"),
        cell(plan, "/left/listed"),
        cell(plan, "/right/listed"),
    )
}

fn carried_out_by(plan: &Json) -> String {
    format!(
        "`tandem apply-plan {}` carries out these {} rows and nothing else; `tandem plan-rows` lists them.",
        cell(plan, "/id"),
        cell(plan, "/rows"),
    )
}

/// What the whole comes to.
fn headline(plan: &Json) -> String {
    let both = |name: &str| {
        let of = |side: &str| plan[side][name].as_u64().unwrap_or(0);
        of("left") + of("right")
    };
    format!(
        "Writes {} on {} and makes {}.",
        some(both("writes"), "field"),
        some(both("updates"), "record"),
        some(both("creates"), "new one"),
    )
}

/// So many of something.
fn some(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", thousands(number))
}

/// A number with its thousands apart.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut apart = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

/// A value in one line; nothing for what is not there.
fn in_one_line(field: &Json) -> String {
    match field.as_str() {
        Some("unknown") => "–".to_owned(),
        _ => plain(field).replace('\n', ", "),
    }
}

/// How many pairs would be linked, with the commonest reasons.
fn matched(reasons: &Json) -> Vec<String> {
    const SHOWN: usize = 5;
    let reasons = commonest(reasons);
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

/// Counts by name, the largest first.
fn commonest(counts: &Json) -> Vec<(u64, &String)> {
    let mut counts: Vec<(u64, &String)> = counts
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, count)| (count.as_u64().unwrap_or(0), name))
        .collect();
    counts.sort_by(|one, other| other.cmp(one));
    counts
}

/// Counts by name as they come.
pub(crate) fn counts(map: &Json) -> impl Iterator<Item = (&String, String)> {
    map.as_object().into_iter().flatten().map(|(name, count)| {
        let count = match count {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        (name, count)
    })
}

/// Seconds as a person says them.
pub(crate) fn span(seconds: f64) -> String {
    let duration = Duration::from_secs_f64(seconds.clamp(0.0, 1e9));
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, _) => format!("{:.1} s", duration.as_secs_f64()),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
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
    fn fields_that_wait_for_other_records_are_counted_with_a_few_of_those() {
        let plan = json!([{
            "mapping": "company", "entity": "company", "connection": "coworking",
            "fields": 24, "examples": ["a1", "a2", "a3"],
        }]);
        assert_eq!(
            awaiting(&plan)[1..],
            ["  24: company, for records of coworking (company a1, a2, a3, …)"]
        );
        assert!(awaiting(&json!([])).is_empty());
    }

    #[test]
    fn the_whole_is_said_in_one_line() {
        let plan = json!({
            "left": {"writes": 1_000, "updates": 610, "creates": 0},
            "right": {"writes": 204, "updates": 1, "creates": 1},
        });
        assert_eq!(
            headline(&plan),
            "Writes 1,204 fields on 611 records and makes 1 new one."
        );
    }

    #[test]
    fn spans_read_like_a_clock() {
        assert_eq!(span(0.42), "0.4 s");
        assert_eq!(span(75.0), "1 min 15 s");
        assert_eq!(span(3_700.0), "1 h 1 min");
    }
}
