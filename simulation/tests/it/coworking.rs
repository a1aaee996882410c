//! What is peculiar to members and their companies, with the real connector: the endpoint of the company, kept ids, days' limits.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mapping::SyncRules;
use sandbox::Operation;
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, OFFICERND, Options, World, member_rules, members};
use store::{Commit, ReviewKind, Store as _, Workspace};
use sync::Progress;
use tokio::sync::watch;

use crate::support::{contact, on_the_left, questions};

fn options() -> Options {
    let mut options = crate::support::options();
    options.members = Some(member_rules());
    options
        .switches
        .extend([("officernd.rate_limit".to_owned(), json!(false))]);
    options
}

/// A contact that comes across, made by hand.
fn newcomer(name: &str) -> Json {
    let mut contact = on_the_left(name);
    contact["tags"] = json!(["coworking"]);
    contact
}

/// The rules with the companies of the ready pair, and who belongs to which.
fn with_companies() -> Result<SyncRules> {
    let ready: Json =
        serde_yaml_ng::from_str(include_str!("../../../examples/highlevel-officernd.yaml"))?;
    let company = serde_json::from_value(ready["syncs"]["people"]["entities"]["company"].clone())?;
    let mut rules = member_rules();
    let belongs = json!({"name": "company", "left": "businessId", "right": "company"});
    contact(&mut rules)
        .fields
        .push(serde_json::from_value(belongs)?);
    rules.entities.insert(record::Entity::Company, company);
    Ok(rules)
}

/// How often the account was asked to set a member's company, by method and status.
fn tries(world: &World) -> Vec<(String, u16, u64)> {
    let counts = world.control.core().counts.all();
    let mut tries: Vec<(String, u16, u64)> = counts[&OFFICERND]
        .routes
        .iter()
        .filter(|route| route.route == "/members/{memberId}/company")
        .map(|route| (route.method.clone(), route.status, route.count))
        .collect();
    tries.sort();
    tries
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_changes_company_by_whatever_verb_the_account_takes_found_once() -> Result<()> {
    for (verb, tried) in [
        ("put", vec![("PUT", 204, 3)]),
        ("post", vec![("POST", 204, 3), ("PUT", 404, 1)]),
        (
            "patch",
            vec![("PATCH", 204, 3), ("POST", 404, 1), ("PUT", 404, 1)],
        ),
    ] {
        let mut options = options();
        options.members = Some(with_companies()?);
        options
            .switches
            .push(("officernd.member_endpoints".to_owned(), json!(verb)));
        let world = World::new(options).await?;
        let mut firms = Vec::new();
        for name in ["Blau", "Rot"] {
            let fields = json!({"name": name, "email": format!("{name}@firm.example")});
            let made = world.act(HIGHLEVEL, "create_business", &fields)?;
            firms.push(made["id"].as_str().context("an id")?.to_owned());
        }
        let id = world.make(HIGHLEVEL, &newcomer("Anna"))?;
        world.sync_of(&members()).await?;
        world.settle().await?;
        let company = || {
            let member = world.living(OFFICERND).pop();
            member.map(|member| member.company).unwrap_or_default()
        };
        assert_eq!(company(), "");
        for (business, name) in [
            (json!(firms[0]), "Blau"),
            (json!(firms[1]), "Rot"),
            (Json::Null, ""),
        ] {
            let input = json!({"id": id, "businessId": business});
            world.act(HIGHLEVEL, "set_business", &input)?;
            // nothing tells of who belongs to a business there
            world.sweep().await?;
            assert_eq!(company(), name, "{verb}: {:?}", tries(&world));
        }
        let tried: Vec<(String, u16, u64)> = tried
            .into_iter()
            .map(|(method, status, count)| (method.to_owned(), status, count))
            .collect();
        assert_eq!(tries(&world), tried);
        assert!(questions(&world).await?.is_empty());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_verb_is_taken_the_company_is_said_once_to_be_for_new_members_only() -> Result<()>
{
    let mut options = options();
    options.members = Some(with_companies()?);
    options
        .switches
        .push(("officernd.member_endpoints".to_owned(), json!("absent")));
    let world = World::new(options).await?;
    let fields = json!({"name": "Blau", "email": "blau@firm.example"});
    let firm = world.act(HIGHLEVEL, "create_business", &fields)?;
    let ids = [
        world.make(HIGHLEVEL, &newcomer("Anna"))?,
        world.make(HIGHLEVEL, &newcomer("Berta"))?,
    ];
    world.sync_of(&members()).await?;
    world.settle().await?;
    for id in &ids {
        let input = json!({"id": id, "businessId": firm["id"]});
        world.act(HIGHLEVEL, "set_business", &input)?;
        world.settle().await?;
        world.poll().await?;
    }
    world.sweep().await?;
    let workspace = Workspace::from("default");
    let blocked = world.store.blocked(&workspace, &members(), None).await?;
    ensure!(!blocked.is_empty(), "nothing says why");
    ensure!(
        blocked
            .iter()
            .all(|row| format!("{row:?}").contains("company")),
        "{blocked:#?}"
    );
    let sent: u64 = tries(&world).iter().map(|(_, _, count)| count).sum();
    ensure!(
        sent <= 6,
        "it is tried again and again: {:?}",
        tries(&world)
    );
    // one who is new is made with the company
    let mut new = newcomer("Clara");
    new["businessId"] = firm["id"].clone();
    let id = world.make(HIGHLEVEL, &new)?;
    world.act(
        HIGHLEVEL,
        "set_business",
        &json!({"id": id, "businessId": firm["id"]}),
    )?;
    world.settle().await?;
    world.poll().await?;
    let members = world.living(OFFICERND);
    let clara = members
        .iter()
        .find(|member| member.name.starts_with("Clara"));
    assert_eq!(clara.context("Clara is there")?.company, "Blau");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_keep_the_other_ones_id_and_a_lost_link_is_found_by_it() -> Result<()> {
    for (write, stranger_first) in [
        ("replace", false),
        ("merge", false),
        ("replace", true),
        ("merge", true),
    ] {
        let mut options = options();
        options
            .switches
            .push(("officernd.properties_write".to_owned(), json!(write)));
        let mut world = World::new(options).await?;
        let made = world.act(
            HIGHLEVEL,
            "add_field",
            &json!({"name": "OfficeRnD id", "dataType": "TEXT"}),
        )?;
        let field = made["id"].as_str().context("an id")?.to_owned();
        let property = json!({"key": "highlevel id", "type": "Text", "targets": ["member"]});
        world.act(OFFICERND, "add_property", &property)?;
        let mut rules = member_rules();
        contact(&mut rules).keep_id = serde_json::from_value(
            json!({"left": format!("customFields.{field}"), "right": "properties.highlevel id"}),
        )?;
        assert_eq!(world.apply_to(members(), rules).await, []);

        let left = world.make(HIGHLEVEL, &newcomer("Anna"))?;
        world.sync_of(&members()).await?;
        world.settle().await?;
        let member = world.living(OFFICERND).pop().context("a member")?;
        let shown = world.act(OFFICERND, "get_member", &json!({"id": member.id}))?;
        assert_eq!(shown["properties"]["highlevel id"], json!(left), "{write}");
        let contact = world.act(HIGHLEVEL, "get_contact", &json!({"id": left}))?;
        assert!(contact["customFields"].to_string().contains(&member.id));

        // what else a person keeps there stays
        let source = json!({"id": member.id, "fields": {"properties": {"Source": "fair"}}});
        world.act(OFFICERND, "edit_member", &source)?;
        world.edit(HIGHLEVEL, &left, &json!({"city": "Bernau"}))?;
        world.settle().await?;
        let shown = world.act(OFFICERND, "get_member", &json!({"id": member.id}))?;
        assert_eq!(
            shown["properties"],
            json!({"highlevel id": left, "Source": "fair"}),
            "{write}"
        );

        // the database is one from before; meanwhile the address is another one, and then somebody else has the old one
        for row in world.engine().links(&members(), None, 0).await? {
            let mut commit = Commit::default();
            commit.ended.push(row.id.parse()?);
            let workspace = Workspace::from("default");
            world.store.commit(&workspace, commit).await?;
        }
        let old = json!({"name": "Anna Brandt", "email": member.email, "phone": "+49 30 1112223"});
        let fields = json!({"email": "anna@neu.example", "phone": "+49 40 998877"});
        let edit = json!({"id": member.id, "fields": fields});
        world.act(OFFICERND, "edit_member", &edit)?;
        let stranger = if stranger_first {
            Some(world.seed(OFFICERND, &old)?)
        } else {
            None
        };
        world.sync_of(&members()).await?;
        world.settle().await?;
        if let Some(stranger) = stranger {
            // met first, the stranger is a question; and never linked because of an address alone
            let links = world.engine().links(&members(), None, 0).await?;
            let pairs: Vec<String> = links.iter().map(|row| format!("{row:?}")).collect();
            ensure!(
                !pairs.iter().any(|row| row.contains(&stranger)),
                "{pairs:#?}"
            );
            continue;
        }
        world.seed(OFFICERND, &old)?;
        world.sync_of(&members()).await?;
        world.settle().await?;
        let links = world.engine().links(&members(), None, 0).await?;
        let pairs: Vec<String> = links.iter().map(|row| format!("{row:?}")).collect();
        ensure!(
            pairs
                .iter()
                .any(|row| row.contains(&left) && row.contains(&member.id)),
            "{pairs:#?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stamp_that_moves_with_our_own_writes_stops_no_sync() -> Result<()> {
    const ALL: usize = 12;
    let mut world = World::new(options()).await?;
    let field = |name: &str| -> Result<String> {
        let input = json!({"name": name, "dataType": "TEXT"});
        let made = world.act(HIGHLEVEL, "add_field", &input)?;
        Ok(made["id"].as_str().context("an id")?.to_owned())
    };
    let (id, stamp) = (field("OfficeRnD id")?, field("Changed there")?);
    let property = json!({"key": "highlevel id", "type": "Text", "targets": ["member"]});
    world.act(OFFICERND, "add_property", &property)?;
    let mut rules = member_rules();
    let of_contacts = contact(&mut rules);
    of_contacts.limits = mapping::Limits::default();
    of_contacts.keep_id = serde_json::from_value(
        json!({"left": format!("customFields.{id}"), "right": "properties.highlevel id"}),
    )?;
    let mapping = json!({"name": "changed", "left": format!("customFields.{stamp}"),
        "right": "modifiedAt", "direction": "to_left"});
    of_contacts.fields.push(serde_json::from_value(mapping)?);
    assert_eq!(world.apply_to(members(), rules).await, []);
    for number in 0..ALL {
        let mut one = newcomer("Anna");
        one["firstName"] = json!(format!("Anna{number}"));
        one["email"] = json!(format!("anna{number}@many.example"));
        one["phone"] = json!(format!("+4930111222{number:02}"));
        world.make(HIGHLEVEL, &one)?;
    }
    world.sync_of(&members()).await?;
    world.settle().await?;
    world.sweep().await?;
    assert!(questions(&world).await?.is_empty());
    // Somebody edits them all there: that is what the limit is for, and the stamp is not.
    for member in world.living(OFFICERND) {
        let edit = json!({"id": member.id, "fields": {"description": "looks for a desk"}});
        world.act(OFFICERND, "edit_member", &edit)?;
    }
    world.sweep().await?;
    assert!(questions(&world).await?.is_empty());
    for member in world.living(OFFICERND) {
        let edit = json!({"id": member.id, "fields": {"name": format!("{}son", member.name)}});
        world.act(OFFICERND, "edit_member", &edit)?;
    }
    world.sweep().await?;
    let asked = questions(&world).await?;
    assert_eq!(asked.len(), 1, "{asked:#?}");
    assert_eq!(asked[0].kind, ReviewKind::MassChange);
    Ok(())
}

/// How often a route was called so far, whatever was answered.
fn called(world: &World, system: sandbox::System, method: &str, route: &str) -> u64 {
    let counts = world.control.core().counts.all();
    let of_system = counts.get(&system).into_iter();
    of_system
        .flat_map(|counts| &counts.routes)
        .filter(|one| one.method == method && one.route == route)
        .map(|one| one.count)
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn companies_are_made_while_the_members_are_still_listed() -> Result<()> {
    const COMPANIES: usize = 3;
    const MEMBERS: usize = 400;
    let mut options = options();
    options.members = Some(with_companies()?);
    options.limits = true;
    options.switches.extend([
        ("officernd.rate_limit".to_owned(), json!(true)),
        // A page of members every three seconds.
        ("officernd.reads_a_minute".to_owned(), json!(20)),
    ]);
    let world = World::new(options).await?;
    for number in 0..COMPANIES {
        let company = json!({"name": format!("Firma {number}"), "email": format!("info@firma{number}.example")});
        world.act(OFFICERND, "create_company", &company)?;
    }
    for number in 0..MEMBERS {
        let member = json!({"name": format!("Anna Brandt{number}"), "email": format!("anna{number}@many.example")});
        world.seed(OFFICERND, &member)?;
    }
    let engine = world.engine().clone();
    let run = tokio::spawn(async move {
        let (progress, _) = watch::channel(Progress::default());
        engine.sync_now(&members(), &progress).await
    });
    let made = || called(&world, HIGHLEVEL, "POST", "/businesses");
    until(&world, "the companies", || made() == COMPANIES as u64).await?;
    let pages = called(&world, OFFICERND, "GET", "/members");
    assert!(pages < (MEMBERS / 50) as u64, "{pages} pages");
    // No member before all of them are listed: who is there twice is seen then only.
    assert_eq!(called(&world, HIGHLEVEL, "POST", "/contacts"), 0);
    run.await??;
    world.settle().await?;
    assert_eq!(world.living(HIGHLEVEL).len(), MEMBERS);
    assert_eq!(made(), COMPANIES as u64, "each once");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_company_is_made_it_is_not_made_again_because_the_list_lags() -> Result<()> {
    let mut options = options();
    options.members = Some(with_companies()?);
    // Twice as far behind as the connector says.
    options
        .switches
        .retain(|(name, _)| name != "highlevel.search_lag_ms");
    options
        .switches
        .push(("highlevel.search_lag_ms".to_owned(), json!(20_000)));
    let mut world = World::new(options).await?;
    world.sync_of(&members()).await?;
    world.settle().await?;
    let fault = world.fault(json!({
        "system": "highlevel", "method": "POST", "path": "/businesses", "count": 1,
        "fault": {"kind": "delay_answer", "ms": 20_000},
    }))?;
    let company = json!({"name": "Blau", "email": "info@blau.example"});
    world.act(OFFICERND, "create_company", &company)?;
    world.engine().poll_now().await?;
    while world.struck(fault) == 0 {
        world.wait(Duration::from_millis(50)).await;
    }
    world.wait(Duration::from_millis(500)).await;
    world.kill_and_restart()?;
    world.settle().await?;
    world.wait(Duration::from_secs(60)).await;
    world.sweep().await?;
    let edits = world.control.core().edits.since(0);
    let made: Vec<_> = edits
        .iter()
        .filter(|edit| edit.operation == Operation::Create && edit.entity == "business")
        .collect();
    assert_eq!(made.len(), 1, "{made:#?}");
    assert!(questions(&world).await?.is_empty());
    Ok(())
}

/// Waits until something is so, at most ten minutes of the world's time.
async fn until(world: &World, what: &str, so: impl Fn() -> bool) -> Result<()> {
    for _ in 0..3_000 {
        if so() {
            return Ok(());
        }
        world.wait(Duration::from_millis(200)).await;
    }
    anyhow::bail!("{what}: {:#?}", world.engine().status().await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_the_writes_of_a_minute_is_read_once_and_fails_never() -> Result<()> {
    const ALL: usize = 150;
    let mut options = options();
    options.limits = true;
    options
        .switches
        .retain(|(name, _)| name != "officernd.rate_limit");
    let world = World::new(options).await?;
    for number in 0..ALL {
        let mut one = newcomer("Anna");
        one["lastName"] = json!(format!("Crowd{number}"));
        one["email"] = json!(format!("crowd{number}@many.example"));
        one["phone"] = json!(format!("+49307{number:06}"));
        world.seed(HIGHLEVEL, &one)?;
        let member = json!({"name": format!("Anna Crowd{number}"), "email": one["email"]});
        world.seed(OFFICERND, &member)?;
    }
    // The budgets count as spent after a start.
    world.wait(Duration::from_secs(61)).await;
    world.control.core().counts.reset();
    let mark = world.edit_mark();
    let engine = world.engine().clone();
    let run = tokio::spawn(async move {
        let (progress, _) = watch::channel(Progress::default());
        engine.sync_now(&members(), &progress).await
    });
    let written = || world.api_edits_of(mark, OFFICERND, Operation::Update);
    let mut failing = 0_u64;
    while written() < ALL {
        let status = world.engine().status().await?;
        failing = failing.max(status.overview.failing.values().sum());
        ensure!(!run.is_finished() || written() == ALL, "{status:#?}");
        world.wait(Duration::from_secs(1)).await;
    }
    run.await??;
    world.settle().await?;
    assert_eq!(failing, 0);
    let reads = called(&world, OFFICERND, "GET", "/members/{memberId}");
    println!("{reads} members read for {} updates", written());
    // Once before it is written, once to see what came of it.
    assert!(reads <= ALL as u64 * 22 / 10, "{reads} readings");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_whose_writes_are_used_up_ends_in_waiting_and_the_next_one_goes_on() -> Result<()> {
    const A_DAY: usize = 12;
    const ALL: usize = 20;
    let mut options = options();
    options.limits = true;
    options
        .switches
        .retain(|(name, _)| name != "officernd.rate_limit");
    options
        .switches
        .push(("officernd.writes_a_day".to_owned(), json!(A_DAY)));
    let world = World::new(options).await?;
    for number in 0..ALL {
        let mut one = newcomer("Anna");
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
    until(&world, "the day's writes", || made() >= A_DAY).await?;
    world.wait(Duration::from_secs(60)).await;
    let throttled = || world.control.core().counts.totals(OFFICERND).throttled;
    assert_eq!(made(), A_DAY);
    // those that were on their way together when the vendor said so for the first time
    let first = throttled();
    assert!((1..=8).contains(&first), "{first} were refused");
    world.wait(Duration::from_secs(180)).await;
    assert_eq!(throttled(), first, "nothing is sent until the day is over");
    assert_eq!(
        called(&world, HIGHLEVEL, "GET", "/contacts/{contactId}"),
        0,
        "who waits for the next day is not read again and again"
    );
    world.skip(Duration::from_secs(24 * 3600));
    until(&world, "the next day", || made() == ALL).await?;
    run.await??;
    world.settle().await?;
    assert_eq!(made(), ALL);
    assert_eq!(world.living(OFFICERND).len(), ALL, "nobody twice");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_several_members_carry_links_nobody_by_itself() -> Result<()> {
    let world = World::new(options()).await?;
    let address = "office@haus.example";
    let mut members_of_it = Vec::new();
    for name in ["Bert Klein", "Clara Voss"] {
        let member = json!({"name": name, "email": address});
        members_of_it.push(world.seed(OFFICERND, &member)?);
    }
    let mut contact_of_it = newcomer("Anna");
    contact_of_it["email"] = json!(address);
    let left = world.seed(HIGHLEVEL, &contact_of_it)?;
    world.sync_of(&members()).await?;
    world.settle().await?;
    let links = world.engine().links(&members(), None, 0).await?;
    let linked = links.iter().find(|row| row.left.as_str() == left);
    ensure!(
        linked.is_none_or(|row| !members_of_it.contains(&row.right.to_string())),
        "{links:#?}"
    );
    // A config that trusts addresses alone there is refused, with the reason.
    let mut rules = member_rules();
    contact(&mut rules).matching.name_check = false;
    let found = world
        .engine()
        .check_rules(&world.connections, &members(), &rules)
        .await?;
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    ensure!(
        shown
            .iter()
            .any(|line| line.contains("name_check") && line.contains("names must be compared")),
        "{shown:#?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_means_another_one_when_a_country_comes_to_its_record() -> Result<()> {
    let world = World::new(options()).await?;
    let edin =
        json!({"name": "Edin Brandt", "email": "edin@brandt.example", "phone": "078/9680420"});
    let member = world.seed(OFFICERND, &edin)?;
    world.sync_of(&members()).await?;
    world.settle().await?;
    let contact = || world.living(HIGHLEVEL).pop().context("a contact");
    ensure!(contact()?.phone == "+49789680420", "{:#?}", contact()?);

    // what was guessed is found wrong by what a person says elsewhere
    world.edit(HIGHLEVEL, &contact()?.id, &json!({"country": "CH"}))?;
    world.settle().await?;
    ensure!(contact()?.phone == "+41789680420", "{:#?}", contact()?);
    let kept = world.held(OFFICERND, &member)?;
    ensure!(kept.phone == "078/9680420", "{kept:#?}");
    ensure!(questions(&world).await?.is_empty());
    Ok(())
}
