//! Tables of pairs.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value as Json;

use crate::{
    bend,
    dice::Dice,
    rig::{Rig, is_told, run},
};

const COLUMNS: [&str; 5] = ["sync", "entity", "left", "right", "note"];

/// A value as spreadsheets write it.
fn quoted(dice: &mut Dice, value: &str) -> String {
    let needs = value.contains([',', ';', '"']) || value.starts_with(char::is_whitespace);
    if needs || dice.chance(20) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

/// An id that says something.
fn id(dice: &mut Dice) -> String {
    let id = bend::text(dice).replace(['\r', '\n', '\u{feff}'], "");
    if id.trim().is_empty() {
        "4711".to_owned()
    } else {
        id
    }
}

/// A table, and which of its lines are wrong.
fn table(dice: &mut Dice) -> (String, BTreeSet<u64>) {
    let between = *dice.of(&[",", ";"]);
    let end = *dice.of(&["\n", "\r\n"]);
    let mut columns = COLUMNS.to_vec();
    columns.rotate_left(dice.below(COLUMNS.len()));
    let mut text = if dice.chance(20) { "\u{feff}" } else { "" }.to_owned();
    text += &columns.join(between);
    text += end;
    let mut bad = BTreeSet::new();
    for line in 2..3 + dice.next() % 8 {
        if dice.chance(10) {
            text += end;
            continue;
        }
        let fault = dice.below(6);
        let row: Vec<String> = columns
            .iter()
            .map(|column| {
                let value = match (*column, fault) {
                    ("entity", 0) => "person".to_owned(),
                    ("left", 1) => " ".to_owned(),
                    ("sync", _) => "people".to_owned(),
                    ("entity", _) => "contact".to_owned(),
                    _ => id(dice),
                };
                quoted(dice, &value)
            })
            .collect();
        if fault < 2 {
            bad.insert(line);
        }
        text += &row.join(between);
        text += end;
    }
    (text, bad)
}

pub(crate) fn play(dice: &mut Dice) -> Result<()> {
    run(async {
        let rig = Rig::new(dice, &[]).await?;
        for _ in 0..20 {
            let (mut text, bad) = table(dice);
            let bent = dice.chance(60);
            if bent {
                for _ in 0..1 + dice.below(4) {
                    bend::source(dice, &mut text, &COLUMNS.map(str::to_owned));
                }
            }
            let (status, body) = rig
                .ask(
                    "POST",
                    "/api/v1/links/import?dry_run=true",
                    "text/csv",
                    text.clone(),
                )
                .await?;
            is_told(status, &body).with_context(|| format!("{text:?}"))?;
            let said: Json = serde_json::from_str(&body)?;
            let named: BTreeSet<u64> = said["problems"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|problem| problem["line"].as_u64())
                .collect();
            let lines = u64::try_from(text.lines().count())?.max(1);
            ensure!(
                named.iter().all(|line| (1..=lines).contains(line)),
                "lines {named:?} of {text:?}"
            );
            if !bent && !bad.is_empty() {
                ensure!(
                    named == bad,
                    "lines {bad:?} are wrong and {named:?} are named: {text:?}"
                );
            }
        }
        rig.close().await;
        Ok(())
    })
}
