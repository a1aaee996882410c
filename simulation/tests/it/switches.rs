//! Every switch of the simulated vendors that touches contacts, turned to each of its other values while the
//! engine works (those of OfficeRnD between it and HighLevel): whatever the vendor turns out to be like, the sides agree by the sandbox's own judge.
//!
//! A new switch takes part by itself. One that cannot is in [`LEFT_OUT`] with the reason; one that counts is in
//! [`NUMBERS`] with the value to try.

mod members;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt as _, stream};
use sandbox::{Setting, Switch, Switches, System, judge::Both};
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, ONOFFICE, World, shipped_rules};
use store::ReviewKind;

use crate::support::{
    answer, contact, link, numbers, on_the_left, on_the_right, options, question, questions, seed,
};

/// Worlds at once.
const AT_ONCE: usize = 6;

/// What switches that count are set to.
const NUMBERS: &[(&str, i64)] = &[
    ("highlevel.token_life_s", 60),
    ("highlevel.refresh_grace_ms", 0),
    ("highlevel.create_422_every", 1),
    ("highlevel.search_lag_ms", 2_000),
    ("onoffice.timestamp_window_seconds", 30),
    ("onoffice.clock_offset_seconds", 3_600),
    ("officernd.token_life_s", 60),
    ("officernd.default_page", 3),
    ("officernd.zero_page", 3),
    ("officernd.lost_webhook_every", 2),
];

/// Switches that this scenario says nothing about, and why. A name that ends in `*` stands for all that begin so.
const LEFT_OUT: &[(&str, &str)] = &[
    ("highlevel.rate_limit", LIMITS),
    ("highlevel.burst_limit", LIMITS),
    ("highlevel.burst_window_ms", LIMITS),
    ("highlevel.daily_limit", LIMITS),
    ("highlevel.daily_reset_header", LIMITS),
    ("highlevel.retry_after", LIMITS),
    ("highlevel.throttle_body", LIMITS),
    ("highlevel.code_life_s", SIGN_IN),
    ("highlevel.draft_app", SIGN_IN),
    ("highlevel.loopback_redirects", SIGN_IN),
    ("highlevel.minted_scopes_grow", SIGN_IN),
    (
        "highlevel.class_refusal",
        "the token here is of the right class and location",
    ),
    ("highlevel.upsert_*", "the connector never upserts"),
    ("highlevel.business_*", COMPANIES),
    ("highlevel.bulk_business_*", COMPANIES),
    ("highlevel.unknown_business", COMPANIES),
    ("highlevel.record_event_type", COMPANIES),
    (
        "highlevel.birthday_dropped",
        "the vendor loses what is written: the sides cannot agree",
    ),
    ("highlevel.task_create_complete", TASKS),
    ("highlevel.task_due_fractions", TASKS),
    ("highlevel.unknown_assignee", TASKS),
    ("highlevel.empty_text", TASKS),
    ("highlevel.merge_webhooks", "nobody is merged; see `gone`"),
    ("highlevel.timezone_change_silent", "no time zone is mapped"),
    ("highlevel.inbound_dnd_silent", "no inbound DND is mapped"),
    ("onoffice.wrong_token", SIGN_IN),
    ("onoffice.hmac_v1", "the connector signs by version 2 only"),
    (
        "onoffice.missing_right_is_empty",
        "no right is missing; see `account`",
    ),
    ("onoffice.unknown_user_accepted", "no owner is mapped"),
    ("officernd.tokens_a_minute", SIGN_IN),
    ("officernd.token_error", SIGN_IN),
    ("officernd.ungranted_scope", SIGN_IN),
    ("officernd.missing_scope", "no scope is missing"),
    ("officernd.wrong_slug", "the organization is right"),
    ("officernd.rate_limit", MEMBER_LIMITS),
    ("officernd.reads_a_*", MEMBER_LIMITS),
    ("officernd.writes_a_*", MEMBER_LIMITS),
    ("officernd.limit_window", MEMBER_LIMITS),
    ("officernd.write_headers", MEMBER_LIMITS),
    ("officernd.reset_header", MEMBER_LIMITS),
    ("officernd.retry_after", MEMBER_LIMITS),
    ("officernd.throttle_body", MEMBER_LIMITS),
    (
        "officernd.member_endpoints",
        "no company is mapped; see `coworking`",
    ),
    (
        "officernd.link_answer",
        "no company is mapped; see `coworking`",
    ),
    (
        "officernd.dirty_every",
        "who is seeded is to be found again; see `member_data`",
    ),
];

const LIMITS: &str = "limits are off here; see `paced`";
const MEMBER_LIMITS: &str = "limits are off here; see `member_limits`";
const SIGN_IN: &str = "it is about signing in";
const TASKS: &str = "no task is mapped; see `attached`";
const COMPANIES: &str = "no company is mapped; see `references`";

fn is_left_out(name: &str) -> bool {
    LEFT_OUT.iter().any(|(pattern, _)| covers(pattern, name))
}

fn covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}

/// Whether a switch can touch contacts: those of other entities say so by their test.
fn is_about_contacts(switch: &Switch) -> bool {
    let (module, _) = switch.test.rsplit_once("::").unwrap_or_default();
    match switch.system {
        System::HighLevel => true,
        System::OnOffice => ["envelope", "reading", "writing", "settings"]
            .iter()
            .any(|of_addresses| module == format!("onoffice::{of_addresses}")),
        System::OfficeRnd => !["things", "older"]
            .iter()
            .any(|of_others| module == format!("officernd::{of_others}")),
    }
}

/// The values to try: all that are not the default.
fn other_values(switch: &Switch) -> Vec<Json> {
    match switch.default {
        Setting::Flag(flag) => vec![json!(!flag)],
        Setting::Choice(default) => switch
            .choices
            .iter()
            .filter(|choice| **choice != default)
            .map(|choice| json!(choice))
            .collect(),
        Setting::Number(_) => {
            let number = NUMBERS.iter().find(|(name, _)| *name == switch.name);
            let (_, value) = number.unwrap_or_else(|| {
                panic!(
                    "{} counts: name a value in NUMBERS, or in LEFT_OUT why not",
                    switch.name
                )
            });
            vec![json!(value)]
        }
    }
}

#[test]
fn what_is_left_out_or_counted_is_a_switch() {
    let all = Switches::registry();
    for (pattern, _) in LEFT_OUT {
        assert!(
            all.iter().any(|switch| covers(pattern, switch.name)),
            "{pattern} is no switch"
        );
    }
    for (name, value) in NUMBERS {
        let switch = all.iter().find(|switch| switch.name == *name);
        let switch = switch.unwrap_or_else(|| panic!("{name} is no switch"));
        // What is the default for HighLevel's lag is turned off for all other tests.
        let is_new = switch.default != Setting::Number(*value) || name.ends_with("search_lag_ms");
        assert!(is_new, "{name} stands so anyway");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_agree_whatever_highlevel_is_like() -> Result<()> {
    all_of(System::HighLevel).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_agree_whatever_onoffice_is_like() -> Result<()> {
    all_of(System::OnOffice).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_agree_whatever_officernd_is_like() -> Result<()> {
    all_of(System::OfficeRnd).await
}

async fn all_of(system: System) -> Result<()> {
    let turned: Vec<(&str, Json)> = Switches::registry()
        .into_iter()
        .filter(|switch| switch.system == system && is_about_contacts(switch))
        .filter(|switch| !is_left_out(switch.name))
        .flat_map(|switch| {
            other_values(switch)
                .into_iter()
                .map(|value| (switch.name, value))
        })
        .collect();
    ensure!(turned.len() > 20, "only {turned:?}");
    let failures: Vec<String> = stream::iter(turned)
        .map(|(name, value)| async move {
            let ended = match system {
                System::OfficeRnd => members::scenario(name, &value).await,
                _ => scenario(name, &value).await,
            };
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

/// Two people are linked, edited on each side and tagged; two are made, one on each side; one is deleted and asked
/// about.
async fn scenario(switch: &str, value: &Json) -> Result<()> {
    let mut options = options();
    options.switches.push((switch.to_owned(), value.clone()));
    let mut world = World::new(options).await?;
    let note = json!({"name": "Notiz", "dataType": "TEXT"});
    let note = world.act(HIGHLEVEL, "add_field", &note)?["id"].clone();
    let note = note.as_str().context("a custom field")?;
    let (anna, berta) = (seed(&world, "Anna")?, seed(&world, "Berta")?);
    let mut rules = shipped_rules();
    contact(&mut rules).fields.push(serde_json::from_value(
        json!({"name": "note", "left": format!("customFields.{note}"), "right": "Zusatz2"}),
    )?);
    ensure!(world.apply(rules).await.is_empty(), "the rules are refused");
    link(&world, &[&anna, &berta]).await.context("at first")?;
    // The first poll after a start is over by then; the next is an hour away.
    world.wait(Duration::from_secs(4)).await;
    world.settle().await?;

    let edited = json!({"city": "Potsdam", "customFields": [{"id": note, "field_value": "links"}]});
    world.edit(HIGHLEVEL, &anna.highlevel, &edited)?;
    let tagged = json!({"id": anna.highlevel, "tags": ["Eigentümer"]});
    world.act(HIGHLEVEL, "add_tags", &tagged)?;
    let edited = json!({"ArtDaten": ["Kunde", "Makler", "Tippgeber"]});
    world.edit(ONOFFICE, &anna.onoffice, &edited)?;
    let edited = json!({"Strasse": "Am Markt 9", "Zusatz2": "rechts"});
    world.edit(ONOFFICE, &berta.onoffice, &edited)?;
    world.make(HIGHLEVEL, &on_the_left("Clara"))?;
    world.make(ONOFFICE, &on_the_right("Dora"))?;
    world.settle().await?;
    // Webhooks alone carry what happened in HighLevel, unless they are not signed as the connection asks.
    let unsigned = switch == "highlevel.webhook_signature" && value != "both";
    if !unsigned {
        let city = world.held(ONOFFICE, &anna.onoffice)?.city;
        ensure!(city == "Potsdam", "no webhook told of the edit: {city}");
    }
    // An index that lags shows it by now.
    world.wait(Duration::from_secs(4)).await;
    world.poll().await?;
    world.sweep().await?;
    let open = questions(&world).await?;
    ensure!(open.is_empty(), "{open:#?}");
    ensure!(numbers(&world) == (4, 4), "{:?}", numbers(&world));
    ensure!(world.held(ONOFFICE, &anna.onoffice)?.city == "Potsdam");
    ensure!(world.held(HIGHLEVEL, &berta.highlevel)?.street == "Am Markt 9");
    let of_anna = world.act(
        ONOFFICE,
        "show",
        &json!({"id": anna.onoffice.parse::<u64>()?}),
    )?;
    ensure!(of_anna["values"]["Zusatz2"] == "links", "{of_anna:#}");
    let of_berta = world.act(HIGHLEVEL, "get_contact", &json!({"id": berta.highlevel}))?;
    let held = of_berta["customFields"].to_string();
    ensure!(held.contains("rechts"), "{held}");
    judged(&world).await.context("after the edits")?;

    world.delete(HIGHLEVEL, &berta.highlevel)?;
    world.settle().await?;
    world.wait(Duration::from_secs(4)).await;
    world.sweep().await?;
    let review = question(&world, ReviewKind::Deleted).await?;
    answer(&world, &review, "remove").await?;
    ensure!(world.held(ONOFFICE, &berta.onoffice)?.archived);
    world.sweep().await?;
    judged(&world).await.context("after the delete")
}

async fn judged(world: &World) -> Result<()> {
    let judgement = world.judge().await?;
    ensure!(judgement.agree(), "{judgement:#?}");
    ensure!(judgement.duplicates.is_empty(), "{judgement:#?}");
    ensure!(judgement.echo_writes == Both::default(), "{judgement:#?}");
    Ok(())
}
