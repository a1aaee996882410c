//! The probes of each system against the sandbox, with each switch turned each way: the report tells them
//! apart. And what becomes of a run that is declined, stopped or loses its track.

pub(crate) mod rig;

use anyhow::{Context as _, Result, ensure};
use connections::{Fact, ProbeOutcome};
use record::Entity;
use rig::{Rig, Watch};
use sandbox::System;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

/// A probe, a switch that it settles, and the ways that the switch is turned.
type Case = (&'static str, &'static str, &'static [&'static str]);

const FLAG: &[&str] = &["true", "false"];

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
    each_way(
        &rig,
        &[
            ("limit_headers", "highlevel.daily_reset_header", FLAG),
            ("limit_headers", "highlevel.rate_limit", FLAG),
            (
                "unknown_contact",
                "highlevel.unknown_contact",
                &["\"400\"", "\"404\""],
            ),
            ("email_case", "highlevel.email_lowercased", FLAG),
            ("tag_case", "highlevel.tags_lowercased", FLAG),
            ("birthday", "highlevel.birthday_dropped", FLAG),
            ("unchanged_write", "highlevel.put_touches", FLAG),
            ("unknown_property", "highlevel.whitelist", FLAG),
            (
                "invalid_phone",
                "highlevel.invalid_phone",
                &["\"refuse\"", "\"keep\""],
            ),
            (
                "unknown_custom_field",
                "highlevel.unknown_custom_field",
                &["\"ignore\"", "\"refuse\""],
            ),
            ("duplicate_lookup", "highlevel.duplicate_lookup_lags", FLAG),
            ("search_lag", "highlevel.search_lag_ms", &["0"]),
            ("search_names", "highlevel.search_names_cased", FLAG),
            ("phone_search", "highlevel.phone_search_blind", FLAG),
            (
                "delete_answer",
                "highlevel.delete_spelling",
                &["\"both\"", "\"succeded\"", "\"succeeded\""],
            ),
        ],
    )
    .await
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
    each_way(
        &rig,
        &[
            (
                "throttling",
                "highlevel.throttle_body",
                &["\"json\"", "\"text\"", "\"html\"", "\"empty\""],
            ),
            ("throttling", "highlevel.retry_after", FLAG),
        ],
    )
    .await
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
    each_way(
        &rig,
        &[
            ("own_webhooks", "highlevel.api_write_webhooks", FLAG),
            ("tag_webhooks", "highlevel.tag_change_updates", FLAG),
        ],
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn onoffice_is_told_apart_each_way() -> Result<()> {
    let rig = Rig::new(System::OnOffice).await?;
    each_way(
        &rig,
        &[
            ("unknown_field", "onoffice.unknown_field_refused", FLAG),
            (
                "unknown_field",
                "onoffice.error_placement",
                &["\"mirrored\"", "\"silent\"", "\"97\""],
            ),
            ("id_field", "onoffice.id_selectable", FLAG),
            (
                "list_limit",
                "onoffice.listlimit_over_500",
                &["\"fallback\"", "\"cap\""],
            ),
            (
                "sort_map",
                "onoffice.sort_map",
                &["\"ignored\"", "\"works\""],
            ),
            ("normalized_phone", "onoffice.normalized_phone_filter", FLAG),
            ("clock", "onoffice.clock_offset_seconds", &["0", "60"]),
            ("answer_form", "onoffice.empty_elements_as_array", FLAG),
            ("answer_form", "onoffice.php_escapes", FLAG),
            (
                "main_entry",
                "onoffice.first_entry_is_main",
                &["\"create\"", "\"always\"", "\"never\""],
            ),
            ("unchanged_write", "onoffice.unchanged_write_stamps", FLAG),
            ("entry_stamp", "onoffice.contact_change_stamps", FLAG),
            ("further_entries", "onoffice.only_main_entry_readable", FLAG),
            (
                "entry_key",
                "onoffice.entry_key",
                &["\"underscored\"", "\"glued\"", "\"plain\""],
            ),
            ("entry_actions", "onoffice.contact_action_list", FLAG),
            ("flat_entry", "onoffice.flat_contact_refused", FLAG),
            ("flat_entry", "onoffice.main_fields_writable", FLAG),
            (
                "duplicate_check",
                "onoffice.duplicate_matches_secondary",
                FLAG,
            ),
            ("nested_create", "onoffice.nested_create_accepted", FLAG),
            ("batch", "onoffice.batch_ends_at_error", FLAG),
            (
                "missing_record",
                "onoffice.missing_record",
                &["\"80\"", "\"292\""],
            ),
            (
                "too_long",
                "onoffice.too_long",
                &["\"truncate\"", "\"refuse\""],
            ),
            (
                "unknown_country",
                "onoffice.unknown_country",
                &["\"store\"", "\"refuse\""],
            ),
            ("unknown_user", "onoffice.unknown_user_accepted", FLAG),
            ("archive", "onoffice.status_write_ignored", FLAG),
            ("archive", "onoffice.archived_listed", FLAG),
        ],
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn officernd_is_told_apart_each_way() -> Result<()> {
    let rig = Rig::new(System::OfficeRnd).await?;
    each_way(
        &rig,
        &[
            (
                "broken_id",
                "officernd.broken_id",
                &["\"404\"", "\"400\"", "\"500\""],
            ),
            ("last_page", "officernd.cursor_absent", FLAG),
            (
                "last_page",
                "officernd.empty_range",
                &["\"zero\"", "\"counted\""],
            ),
            (
                "wrong_organization",
                "officernd.wrong_slug",
                &["\"500\"", "\"404\""],
            ),
            ("organization", "officernd.region_shown", FLAG),
            ("page_sizes", "officernd.default_page", &["10", "20"]),
            ("page_sizes", "officernd.zero_page", &["10", "20"]),
            (
                "both_cursors",
                "officernd.both_cursors",
                &["\"504\"", "\"400\"", "\"cut\""],
            ),
            (
                "set_filter",
                "officernd.set_filters",
                &["\"status\"", "\"any\""],
            ),
            (
                "counts",
                "officernd.count_ignores_filters",
                &["\"memberships\"", "\"none\"", "\"all\""],
            ),
            ("parent_filter", "officernd.parent_filter_required", FLAG),
            ("stamps", "officernd.stamps", &["\"by_kind\"", "\"all\""]),
            ("ticket_comments", "officernd.ticket_comments_read", FLAG),
            (
                "empty_name",
                "officernd.broken_rule",
                &["\"500\"", "\"400\""],
            ),
            ("content_type", "officernd.content_type_required", FLAG),
            (
                "unsupported_verb",
                "officernd.unsupported_verb",
                &["\"404\"", "\"405\""],
            ),
            ("event_words", "officernd.enums_checked", FLAG),
            ("event_words", "officernd.opportunity_events", FLAG),
            ("narrow_update", "officernd.narrow_puts", FLAG),
            (
                "default_order",
                "officernd.default_order",
                &["\"created\"", "\"modified\""],
            ),
            (
                "sort",
                "officernd.sort_syntax",
                &["\"words\"", "\"numbers\"", "\"ignored\""],
            ),
            (
                "shifting_pages",
                "officernd.cursor",
                &["\"offset\"", "\"key\""],
            ),
            ("status_silence", "officernd.status_moves_modified", FLAG),
            ("deleted_company", "officernd.delete_keeps_references", FLAG),
            (
                "broken_cursor",
                "officernd.broken_cursor",
                &["\"500\"", "\"400\""],
            ),
            ("unknown_parameter", "officernd.query_whitelist", FLAG),
            (
                "shapes",
                "officernd.unset_fields",
                &["\"left_out\"", "\"shown\""],
            ),
            (
                "shapes",
                "officernd.member_editors",
                &["\"opaque\"", "\"left_out\""],
            ),
            ("shapes", "officernd.empty_properties_left_out", FLAG),
            ("limit_headers", "officernd.rate_limit", FLAG),
            ("limit_headers", "officernd.write_headers", FLAG),
            ("limit_headers", "officernd.reads_a_minute", &["390", "600"]),
            ("limit_headers", "officernd.reads_a_day", &["15000"]),
            (
                "limit_headers",
                "officernd.reset_header",
                &["\"seconds\"", "\"timestamp\""],
            ),
            (
                "member_update",
                "officernd.put_profile",
                &["\"2026-02\"", "\"2026-10\""],
            ),
            ("unknown_field", "officernd.whitelist", FLAG),
            ("unknown_field", "officernd.message_arrays", FLAG),
            (
                "address_merge",
                "officernd.objects_write",
                &["\"replace\"", "\"merge\""],
            ),
            (
                "property_merge",
                "officernd.properties_write",
                &["\"replace\"", "\"merge\""],
            ),
            (
                "undefined_property",
                "officernd.unknown_property",
                &["\"drop\"", "\"store\"", "\"refuse\""],
            ),
            ("unchanged_write", "officernd.empty_put_touches", FLAG),
            ("unchanged_write", "officernd.unchanged_put_touches", FLAG),
            ("email_check", "officernd.email_checked", FLAG),
            (
                "bad_reference",
                "officernd.bad_reference",
                &["\"500\"", "\"400\""],
            ),
            (
                "company_endpoint",
                "officernd.member_endpoints",
                &["\"put\"", "\"post\"", "\"patch\"", "\"absent\""],
            ),
            (
                "bad_reference",
                "officernd.error_words",
                &["\"v1\"", "\"v2\""],
            ),
            (
                "company_endpoint",
                "officernd.link_answer",
                &["\"204\"", "\"200\""],
            ),
            (
                "member_update",
                "officernd.member_tags",
                &["\"by_profile\"", "\"shown\""],
            ),
            ("clearing", "officernd.null_clears", FLAG),
        ],
    )
    .await
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
    each_way(
        &rig,
        &[("own_webhooks", "officernd.api_write_webhooks", FLAG)],
    )
    .await?;
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

/// Switches that no call shows, with the reason, as docs/probe.md lists them.
const NOT_ASKED: &[&str] = &[
    "officernd.tokens_a_minute",
    "officernd.token_life_s",
    "officernd.token_field",
    "officernd.token_error",
    "officernd.ungranted_scope",
    "officernd.api_v1",
    "officernd.booking_mails",
    "officernd.dirty_every",
    "officernd.manual_status_cuts_portal",
    "officernd.status_follows_time",
    "officernd.webhook_body",
    "officernd.webhook_retry",
    "officernd.webhook_timestamp_refreshed",
    "officernd.lost_webhook_every",
];

/// Every switch is named in a test above, turned, or stands among those that cannot be asked, and in the docs.
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

#[test]
fn every_switch_of_officernd_is_asked_or_said_to_be_beyond_asking() {
    let (tests, _) = include_str!("probes.rs")
        .split_once("const NOT_ASKED")
        .expect("this file");
    let docs = include_str!("../../../docs/probe.md");
    for switch in sandbox::Switches::registry() {
        if switch.system != System::OfficeRnd {
            continue;
        }
        let quoted = format!("\"{}\"", switch.name);
        let beyond = NOT_ASKED.contains(&switch.name);
        assert_ne!(tests.contains(&quoted), beyond, "{}", switch.name);
        let short = switch.name.trim_start_matches("officernd.");
        assert_eq!(
            docs.contains(&format!("`{short}`")),
            beyond,
            "docs/probe.md: {short}"
        );
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

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declined_is_not_done_and_the_rest_goes_on() -> Result<()> {
    let rig = Rig::new(System::HighLevel).await?;
    let report = rig
        .run(&[], Watch::allowing(0), CancellationToken::new())
        .await?;
    let (writing, reading): (Vec<_>, Vec<_>) = report
        .facts
        .iter()
        .partition(|fact| !["limit_headers", "unknown_contact"].contains(&fact.id));
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
