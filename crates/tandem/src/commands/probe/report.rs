//! The report of a run as people read it.

use std::fmt::Write as _;

use sandbox::Switch;
use serde_json::Value as Json;

use super::switches::default;
use crate::output::cell;

/// The report as Markdown: what was asked, what was seen, which switch of the sandbox has to be turned how.
pub(super) fn markdown(report: &Json, switches: &[&Switch]) -> String {
    let seen = match report["address"].as_str() {
        Some(address) => format!("at {address}, which is not the vendor's own address"),
        None => "on a live account".to_owned(),
    };
    let mut text = format!(
        "# {} on `{}`, as seen {seen}\n\nAccount {}, {} to {}. Everything made carried `{}`.\n\n",
        cell(report, "/title"),
        cell(report, "/connection"),
        cell(report, "/account"),
        cell(report, "/began"),
        cell(report, "/ended"),
        cell(report, "/marker"),
    );
    if report["stopped"] == true {
        text.push_str("The run was stopped before its end.\n\n");
    }
    for fact in rows(&report["facts"]) {
        // writing into a string does not fail
        let _ = writeln!(
            text,
            "## {}: {}\n\nSeen ({}): {}\n",
            cell(fact, "/id"),
            cell(fact, "/question"),
            outcome(fact),
            cell(fact, "/seen"),
        );
        for (name, value) in fact["switches"].as_object().into_iter().flatten() {
            let _ = writeln!(text, "* {}", turn(name, value, switches));
        }
        if fact["switches"]
            .as_object()
            .is_some_and(|all| !all.is_empty())
        {
            text.push('\n');
        }
    }
    standing(&mut text, report);
    text.push_str("## What was made\n\n");
    // not records alone: webhooks, opportunities, businesses and custom fields are made for some questions, too
    let _ = match (report["removed"].as_u64(), rows(&report["left"]).is_empty()) {
        (Some(0), true) => writeln!(text, "Nothing was made that had to be removed."),
        (removed, _) => writeln!(
            text,
            "Removed again, of records and whatever else was made: {}.",
            removed.unwrap_or_default()
        ),
    };
    if let Some(seconds) = report["lag_seconds"]
        .as_u64()
        .filter(|seconds| *seconds > 0)
    {
        let _ = writeln!(
            text,
            "The vendor's search may show them for {seconds} s: wait so long before a sync is resumed."
        );
    }
    for left in rows(&report["left"]) {
        let _ = writeln!(
            text,
            "* Left: {} {}: {}",
            cell(left, "/entity"),
            cell(left, "/id"),
            cell(left, "/why"),
        );
    }
    if !rows(&report["left"]).is_empty() {
        text.push_str(
            "\nDelete these by hand before a sync that uses the connection is resumed, or it may carry them on.\n",
        );
    }
    text
}

/// How a question ended, in words.
pub(super) fn outcome(fact: &Json) -> String {
    cell(fact, "/outcome").replace('_', " ")
}

/// Every switch of the sandbox, by whether it matches.
fn standing(text: &mut String, report: &Json) {
    let of = |stands: &str| {
        let all = rows(&report["switches"]).iter();
        all.filter(|row| row["stands"] == stands)
            .collect::<Vec<_>>()
    };
    text.push_str("## The switches of the sandbox\n\n");
    let as_it_is: Vec<String> = of("as_it_is")
        .iter()
        .map(|row| format!("`{}`", cell(row, "/switch")))
        .collect();
    let mut line = |line: std::fmt::Arguments<'_>| {
        // writing into a string does not fail
        let _ = writeln!(text, "{line}");
    };
    match as_it_is.is_empty() {
        true => line(format_args!("* None was seen to match as it is.")),
        false => line(format_args!("* Match as they are: {}", as_it_is.join(", "))),
    }
    for row in of("turned") {
        line(format_args!(
            "* To be turned: `{}` to `{}` (it is `{}` by itself)",
            cell(row, "/switch"),
            row["value"],
            row["default"]
        ));
    }
    for row in of("not_settled") {
        line(format_args!(
            "* Not settled: `{}`, which `{}` asks: {}",
            cell(row, "/switch"),
            cell(row, "/probe"),
            cell(row, "/why")
        ));
    }
    for row in of("beyond_asking") {
        line(format_args!(
            "* Beyond asking: `{}`: {}",
            cell(row, "/switch"),
            cell(row, "/why")
        ));
    }
    text.push('\n');
}

/// How a switch has to stand, and whether that is how it stands by itself.
fn turn(name: &str, value: &Json, switches: &[&Switch]) -> String {
    let default = switches
        .iter()
        .find(|switch| switch.name == name)
        .map(|switch| default(switch));
    match default {
        Some(default) if default == *value => format!("`{name}` matches as it is: `{default}`"),
        Some(default) => format!("turn `{name}` to `{value}` (it is `{default}` by itself)"),
        None => format!("`{name}` would be `{value}`, but this sandbox has no such switch"),
    }
}

fn rows(list: &Json) -> &[Json] {
    list.as_array().map_or(&[], Vec::as_slice)
}
