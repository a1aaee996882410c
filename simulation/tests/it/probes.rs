//! The probes of each system against the sandbox, with each switch turned each way: the report tells them
//! apart. And what becomes of a run that is declined, stopped or loses its track.

mod cases;

pub(crate) mod rig;

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result, ensure};
use cases::Case;
use connections::{Fact, ProbeOutcome};
use connector::Connector;
use record::Entity;
use rig::{Rig, Watch};
use sandbox::{Asking, System};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

/// Turns each switch each way and asks its probe alone.
async fn each_way(rig: &Rig, cases: &[Case]) -> Result<()> {
    for (probe, switch, ways) in cases {
        for way in *ways {
            let way: Json = serde_json::from_str(way)?;
            rig.control.core().switches.set(switch, &way)?;
            let report = rig.ask(&[probe]).await?;
            let fact = &report.facts[0];
            ensure!(
                fact.outcome == ProbeOutcome::Settled && says(fact.switches.get(switch), &way),
                "{switch} is {way}, but {probe} says {fact:#?}"
            );
            ensure!(rig.remain().is_empty(), "{probe} left {:?}", rig.remain());
            rig.control.core().switches.reset();
            rig.common()?;
        }
    }
    Ok(())
}

/// Whether this is what the switch is turned to; a measured second may be off by one.
fn says(found: Option<&Json>, way: &Json) -> bool {
    match (found.and_then(Json::as_i64), way.as_i64()) {
        (Some(found), Some(way)) => found.abs_diff(way) <= 1,
        _ => found == Some(way),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn highlevel_is_told_apart_each_way() -> Result<()> {
    let rig = Rig::new(System::HighLevel).await?;
    each_way(&rig, cases::HIGHLEVEL).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lag_of_the_search_is_measured() -> Result<()> {
    let rig = Rig::new(System::HighLevel).await?;
    rig.control
        .core()
        .switches
        .set("highlevel.search_lag_ms", &json!(4_000))?;
    let report = rig.ask(&["search_lag"]).await?;
    let lag = report.facts[0].switches["highlevel.search_lag_ms"].as_u64();
    ensure!(
        lag.is_some_and(|lag| (3_500..7_000).contains(&lag)),
        "{report:#?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_is_met_only_when_that_is_asked_for() -> Result<()> {
    let rig = Rig::new(System::HighLevel).await?;
    let report = rig.ask(&[]).await?;
    ensure!(
        report.facts.iter().all(|fact| fact.id != "throttling"),
        "it was not asked for"
    );
    rig.control
        .core()
        .switches
        .set("highlevel.burst_limit", &json!(30))?;
    each_way(&rig, cases::HIGHLEVEL_COSTLY).await
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_of_own_writes_are_told_from_none_and_from_none_set_up() -> Result<()> {
    let rig = Rig::new(System::HighLevel).await?;
    rig.control
        .core()
        .switches
        .set("highlevel.api_write_webhooks", &json!(false))?;
    let report = rig.ask(&["own_webhooks"]).await?;
    ensure!(report.facts[0].outcome == ProbeOutcome::Open, "{report:#?}");
    ensure!(report.facts[0].seen.contains("set up"), "{report:#?}");
    // somebody edits a contact by hand: webhooks do come in
    rig.somebody_edits().await?;
    each_way(&rig, cases::HIGHLEVEL_HEARING).await
}

#[tokio::test(flavor = "multi_thread")]
async fn onoffice_is_told_apart_each_way() -> Result<()> {
    let rig = Rig::new(System::OnOffice).await?;
    each_way(&rig, cases::ONOFFICE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn officernd_is_told_apart_each_way() -> Result<()> {
    let rig = Rig::new(System::OfficeRnd).await?;
    each_way(&rig, cases::OFFICERND).await
}

#[tokio::test(flavor = "multi_thread")]
async fn officernds_limits_and_own_webhooks_are_told_apart_when_asked_for() -> Result<()> {
    let rig = Rig::new(System::OfficeRnd).await?;
    each_way(
        &rig,
        &[(
            "limit_window",
            "officernd.limit_window",
            &["\"sliding\"", "\"fixed\""],
        )],
    )
    .await?;
    rig.somebody_edits().await?;
    each_way(&rig, cases::OFFICERND_HEARING).await?;
    // shown only where writes show their limits
    let switches = &rig.control.core().switches;
    for switch in ["officernd.writes_a_minute", "officernd.writes_a_day"] {
        switches.set("officernd.write_headers", &json!(true))?;
        switches.set(switch, &json!(321))?;
        let report = rig.ask(&["limit_headers"]).await?;
        ensure!(
            report.facts[0].switches.get(switch) == Some(&json!(321)),
            "{report:#?}"
        );
        switches.reset();
    }
    switches.set("officernd.put_profile", &json!("2026-10"))?;
    switches.set("officernd.member_tags", &json!("hidden"))?;
    let report = rig.ask(&["member_update"]).await?;
    let tags = report.facts[0].switches.get("officernd.member_tags");
    ensure!(tags == Some(&json!("hidden")), "{report:#?}");
    switches.reset();
    for (switch, ways) in [
        ("officernd.throttle_body", ["json", "text", "empty"]),
        ("officernd.retry_after", ["suffixed", "plain", "none"]),
    ] {
        for way in ways {
            switches.set("officernd.reads_a_minute", &json!(60))?;
            switches.set(switch, &json!(way))?;
            let report = rig.ask(&["throttling"]).await?;
            let found = report.facts[0].switches.get(switch);
            ensure!(found == Some(&json!(way)), "{switch} is {way}: {report:#?}");
            switches.reset();
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_is_missing_is_asked_for_without_it() -> Result<()> {
    let rig = Rig::new(System::OfficeRnd).await?;
    let report = rig.ask(&["missing_scope"]).await?;
    ensure!(report.facts[0].outcome == ProbeOutcome::Open, "{report:#?}");
    let access = rig.control.act(System::OfficeRnd, "access", &json!({}))?;
    let mut scopes = access["scopes"].clone();
    if let Some(scopes) = scopes.as_array_mut() {
        scopes.retain(|scope| scope != "flex.collaboration.tickets.read");
    }
    let act = |act, input| rig.control.act(System::OfficeRnd, act, &input);
    act("set_scopes", json!({ "scopes": scopes }))?;
    act("expire_tokens", json!({}))?;
    // a token of this minute would be taken for one that lacks the scope
    rig.wait(Duration::from_secs(61)).await;
    // the next call buys a token, and finds out what is granted
    rig.ask(&["organization"]).await?;
    for way in ["401", "403"] {
        let switches = &rig.control.core().switches;
        switches.set("officernd.missing_scope", &json!(way))?;
        let report = rig.ask(&["missing_scope"]).await?;
        let found = report.facts[0].switches.get("officernd.missing_scope");
        ensure!(found == Some(&json!(way)), "{report:#?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_sign_in_was_granted_is_asked_and_what_it_lacks_is_named() -> Result<()> {
    // as the config of `tandem init` signs in, and without companies
    for (entities, granted) in [
        (vec![Entity::Company, Entity::Contact], true),
        (vec![Entity::Contact], false),
    ] {
        let rig = Rig::signed_in(System::OfficeRnd, entities, false).await?;
        let report = rig.ask(&["deleted_company", "parent_filter"]).await?;
        let fact = |probe: &str| report.facts.iter().find(|fact| fact.id == probe);
        let companies = fact("deleted_company").context("it was asked")?;
        let names = |fact: &Fact, scope: &str| fact.seen.contains(scope);
        let is_settled = companies.outcome == ProbeOutcome::Settled;
        ensure!(is_settled == granted, "{companies:#?}");
        let said = names(companies, "scope flex.community.companies.create");
        ensure!(said != granted, "{companies:#?}");
        // no sync needs this one
        let lists = fact("parent_filter").context("it was asked")?;
        ensure!(
            lists.outcome != ProbeOutcome::Settled && names(lists, "flex.space.assignments.read"),
            "{lists:#?}"
        );
        ensure!(rig.remain().is_empty(), "{:?}", rig.remain());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_sync_what_lacks_its_scope_is_not_asked_and_costs_no_token() -> Result<()> {
    let rig = Rig::signed_in(System::OfficeRnd, Vec::new(), false).await?;
    let before = rig.tokens();
    let report = rig.ask(&[]).await?;
    let fact = |probe: &str| {
        let mut facts = report.facts.iter();
        let fact = facts.find(|fact| fact.id == probe);
        fact.with_context(|| format!("{probe} was not asked"))
    };
    let missing = |scope: &str| format!("the scope {scope} is missing: grant it");
    for (probe, scope) in [
        ("broken_id", "flex.community.members.read"),
        ("wrong_organization", "flex.community.members.read"),
        ("member_update", "flex.community.members.read"),
        ("parent_filter", "flex.space.assignments.read"),
        ("deleted_company", "flex.community.companies.create"),
    ] {
        let fact = fact(probe)?;
        ensure!(
            fact.outcome == ProbeOutcome::NotAsked && fact.seen.starts_with(&missing(scope)),
            "{fact:#?}"
        );
    }
    for fact in &report.facts {
        ensure!(fact.outcome != ProbeOutcome::Failed, "{fact:#?}");
        ensure!(
            fact.id == "missing_scope" || !fact.seen.contains("401"),
            "{fact:#?}"
        );
    }
    // what needs no more than there is was asked
    let seen = fact("missing_scope")?
        .switches
        .get("officernd.missing_scope");
    ensure!(seen == Some(&json!("401")), "{report:#?}");
    ensure!(
        fact("narrow_update")?.outcome == ProbeOutcome::Settled,
        "{report:#?}"
    );
    let after = rig.tokens();
    ensure!(after.0 == before.0, "{} tokens", after.0 - before.0);
    ensure!(after.1 == before.1 + 1, "{} refusals", after.1 - before.1);
    // the webhook, which its own question took away
    ensure!(report.removed == 1, "{report:#?}");
    ensure!(rig.remain().is_empty(), "{:?}", rig.remain());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_token_that_is_refused_lacks_the_scope_whatever_it_was_said_to_have() -> Result<()>
{
    let rig = Rig::new(System::OfficeRnd).await?;
    rig.control.core().faults.add(serde_json::from_value(json!({
        "system": "officernd", "method": "GET", "path": "*/members*",
        "fault": {"kind": "status", "status": 401,
            "body": {"statusCode": 401, "message": "Unauthorized access", "error": "Unauthorized"}},
    }))?);
    // one that may have ended is renewed, once for all questions
    rig.wait(Duration::from_secs(61)).await;
    let before = rig.tokens();
    let report = rig.ask(&["broken_id", "last_page", "counts"]).await?;
    for fact in &report.facts {
        let named = fact.seen.contains("flex.community.members.read");
        ensure!(fact.outcome == ProbeOutcome::NotAsked && named, "{fact:#?}");
    }
    let after = rig.tokens();
    ensure!(after.0 <= before.0 + 1, "{} tokens", after.0 - before.0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_answers_another_question_settles_nothing() -> Result<()> {
    let rig = Rig::new(System::OfficeRnd).await?;
    rig.control.core().faults.add(serde_json::from_value(json!({
        "system": "officernd", "method": "GET", "path": "*/members/*",
        "fault": {"kind": "status", "status": 422, "body": {"message": "No"}},
    }))?);
    let report = rig.ask(&["broken_id"]).await?;
    let fact = &report.facts[0];
    ensure!(
        fact.outcome == ProbeOutcome::Open && fact.seen.contains("422"),
        "{fact:#?}"
    );
    Ok(())
}

#[test]
fn every_switch_is_settled_by_the_probe_that_is_said_to_or_beyond_asking() {
    let turned: BTreeSet<(&str, &str)> = [
        cases::HIGHLEVEL,
        cases::HIGHLEVEL_HEARING,
        cases::HIGHLEVEL_COSTLY,
        cases::ONOFFICE,
        cases::OFFICERND,
        cases::OFFICERND_HEARING,
    ]
    .into_iter()
    .flatten()
    .map(|(probe, switch, _)| (*probe, *switch))
    .chain(cases::ARRANGED.iter().copied())
    .collect();
    let said: BTreeSet<(&str, &str)> = sandbox::Switches::registry()
        .into_iter()
        .filter_map(|switch| match switch.asking() {
            Asking::By(probe) => Some((probe, switch.name)),
            Asking::Beyond(_) => None,
        })
        .collect();
    let missing: Vec<_> = said.symmetric_difference(&turned).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    let connectors: [(&str, &dyn Connector); 3] = [
        ("highlevel", &highlevel::HighLevel::new()),
        ("onoffice", &onoffice::OnOffice::new()),
        ("officernd", &officernd::OfficeRnD::new()),
    ];
    for (probe, switch) in said {
        let (_, connector) = connectors
            .iter()
            .find(|(system, _)| switch.starts_with(system))
            .expect("a switch of a system");
        let asks = connector.probes().iter().any(|own| own.id == probe);
        assert!(asks, "{switch}: there is no probe {probe}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_probe_that_names_a_switch_names_one_that_there_is() -> Result<()> {
    for system in [System::HighLevel, System::OnOffice, System::OfficeRnd] {
        let rig = Rig::new(system).await?;
        let report = rig.ask(&[]).await?;
        let switches = sandbox::Switches::registry();
        for fact in &report.facts {
            ensure!(
                !matches!(fact.outcome, ProbeOutcome::Failed | ProbeOutcome::Stopped),
                "{fact:#?}"
            );
            for name in fact.switches.keys() {
                ensure!(switches.iter().any(|switch| switch.name == *name), "{name}");
            }
        }
        // what only archives says so; everything else is gone
        let archives = system == System::OnOffice;
        ensure!(report.left.is_empty() != archives, "{report:#?}");
        ensure!(
            report.left.iter().all(|left| left.id.is_some()),
            "{report:#?}"
        );
        ensure!(rig.remain().is_empty(), "{:?}", rig.remain());
        if let Some(merge) = report
            .facts
            .iter()
            .find(|fact| fact.id == "custom_field_merge")
        {
            ensure!(merge.seen.starts_with("it keeps"), "{merge:#?}");
        }
    }
    Ok(())
}

/// What asks HighLevel without writing.
const READS: [&str; 6] = [
    "limit_headers",
    "unknown_contact",
    "version_header",
    "post_status",
    "old_list",
    "unknown_business",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declined_is_not_done_and_the_rest_goes_on() -> Result<()> {
    let rig = Rig::new(System::HighLevel).await?;
    let report = rig
        .run(&[], Watch::allowing(0), CancellationToken::new())
        .await?;
    let (writing, reading): (Vec<_>, Vec<_>) = report
        .facts
        .iter()
        .partition(|fact| !READS.contains(&fact.id));
    let declined = |fact: &&connections::Fact| fact.outcome == ProbeOutcome::Declined;
    ensure!(
        reading
            .iter()
            .all(|fact| fact.outcome == ProbeOutcome::Settled),
        "{report:#?}"
    );
    ensure!(writing.iter().all(declined), "{report:#?}");
    ensure!(rig.writes() == 0, "a write went out");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_in_the_middle_removes_what_it_made() -> Result<()> {
    for system in [System::HighLevel, System::OfficeRnd] {
        for after in 1..4 {
            let rig = Rig::new(system).await?;
            let stop = CancellationToken::new();
            let watch = Watch::stopping_after(after, stop.clone());
            let report = rig.run(&[], watch, stop).await?;
            ensure!(report.stopped, "{report:#?}");
            ensure!(rig.made() > 0, "nothing was made before it was stopped");
            ensure!(rig.remain().is_empty(), "{:?}", rig.remain());
            ensure!(report.left.is_empty(), "{report:#?}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_record_is_taken_away_by_a_stopped_run_too() -> Result<()> {
    for probe in ["narrow_update", "status_silence"] {
        let rig = Rig::new(System::OfficeRnd).await?;
        let stop = CancellationToken::new();
        // the member that an opportunity needs comes first
        let writes = if probe == "status_silence" { 2 } else { 1 };
        let watch = Watch::stopping_after(writes, stop.clone());
        let report = rig.run(&[probe], watch, stop).await?;
        ensure!(report.stopped && rig.made() == writes, "{report:#?}");
        ensure!(rig.remain().is_empty(), "{:?}", rig.remain());
        ensure!(
            report.removed == writes && report.left.is_empty(),
            "{report:#?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_whose_creation_was_not_answered_is_found_and_removed() -> Result<()> {
    let rig = Rig::new(System::HighLevel).await?;
    rig.control.core().faults.add(serde_json::from_value(json!({
        "system": "highlevel", "method": "POST", "path": "/contacts/", "count": 1,
        "fault": {"kind": "drop_after"},
    }))?);
    let report = rig.ask(&["email_case"]).await?;
    ensure!(
        report.facts[0].outcome == ProbeOutcome::Failed,
        "{report:#?}"
    );
    ensure!(rig.made() == 1 && report.removed == 1, "{report:#?}");
    ensure!(rig.remain().is_empty(), "{:?}", rig.remain());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_perhaps_made_and_cannot_be_looked_for_is_named() -> Result<()> {
    let rig = Rig::new(System::HighLevel).await?;
    rig.control.core().faults.add(serde_json::from_value(json!({
        "system": "highlevel", "method": "POST", "path": "/businesses", "count": 1,
        "fault": {"kind": "drop_after"},
    }))?);
    let report = rig.ask(&["business_answer"]).await?;
    ensure!(
        report.facts[0].outcome == ProbeOutcome::Failed,
        "{report:#?}"
    );
    ensure!(report.left.len() == 1, "{report:#?}");
    let why = &report.left[0].why;
    ensure!(
        why.contains("make a business") && why.contains(&report.marker),
        "{why}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_removed_is_listed_with_its_id() -> Result<()> {
    let rig = Rig::new(System::HighLevel).await?;
    rig.control.core().faults.add(serde_json::from_value(json!({
        "system": "highlevel", "method": "DELETE",
        "fault": {"kind": "status", "status": 403,
            "body": {"statusCode": 403, "message": "No", "error": "Forbidden"}},
    }))?);
    let report = rig.ask(&["email_case"]).await?;
    let left: Vec<_> = report
        .left
        .iter()
        .filter_map(|left| left.id.clone())
        .collect();
    ensure!(left.len() == 1 && left == rig.remain(), "{report:#?}");
    Ok(())
}
