//! The report of a run as people read it.

use std::fmt::Write as _;

use sandbox::{Setting, Switch};
use serde_json::Value as Json;

use crate::output::cell;

/// The report as Markdown: what was asked, what was seen, which switch of the sandbox has to be turned how.
pub(super) fn markdown(report: &Json, switches: &[&Switch]) -> String {
    let mut text = format!(
        "# {} on `{}`, as seen on a live account\n\nAccount {}, {} to {}. Everything made carried `{}`.\n\n",
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
            cell(fact, "/outcome"),
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
    text.push_str("## What was made\n\n");
    let _ = writeln!(text, "{} records were removed again.", report["removed"]);
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

/// How a switch has to stand, and whether that is how it stands by itself.
fn turn(name: &str, value: &Json, switches: &[&Switch]) -> String {
    let default = switches
        .iter()
        .find(|switch| switch.name == name)
        .map(|switch| match switch.default {
            Setting::Flag(flag) => Json::from(flag),
            Setting::Number(number) => Json::from(number),
            Setting::Choice(word) => Json::from(word),
        });
    match default {
        Some(default) if default == *value => format!("`{name}` matches as it is: `{default}`"),
        Some(default) => format!("turn `{name}` to `{value}` (it is `{default}` by itself)"),
        None => format!("`{name}` would be `{value}`, but this sandbox has no such switch"),
    }
}

fn rows(list: &Json) -> &[Json] {
    list.as_array().map_or(&[], Vec::as_slice)
}
