//! Three systems: HighLevel stands between onOffice and OfficeRnD, and two syncs share it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mapping::{DeleteRule, SyncRules};
use record::RecordId;
use sandbox::{Operation, judge::Pair};
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, OFFICERND, ONOFFICE, Options, World, member_rules, members, people};
use store::{
    ConnectionName, JournalEntry, ReviewFilter, ReviewKind, ReviewState, Store as _, SyncName,
};

use crate::support::{
    answer, choices, contact, journal, on_the_left, question, questions, refused_members,
};

/// One person, three records.
struct Trio {
    highlevel: String,
    onoffice: String,
    officernd: String,
}

/// Both syncs, without limits.
fn options() -> Options {
    let mut options = crate::support::options();
    options.members = Some(member_rules());
    options
        .switches
        .extend([("officernd.rate_limit".to_owned(), json!(false))]);
    options
}

/// A person in the shape of OfficeRnD's create call.
fn as_member(name: &str) -> Json {
    let left = on_the_left(name);
    json!({
        "name": format!("{name} Brandt"), "email": left["email"], "phone": left["phone"],
        "address": {
            "street": left["address1"], "zip": left["postalCode"], "city": left["city"],
            "country": "Germany",
        },
    })
}

fn seed(world: &World, name: &str) -> Result<Trio> {
    let pair = crate::support::seed(world, name)?;
    Ok(Trio {
        highlevel: pair.highlevel,
        onoffice: pair.onoffice,
        officernd: world.seed(OFFICERND, &as_member(name))?,
    })
}

/// The first runs of both syncs, one after the other.
async fn link(world: &World) -> Result<()> {
    for sync in [people(), members()] {
        world.sync_of(&sync).await?;
        world.settle().await?;
    }
    Ok(())
}

async fn linked(options: Options) -> Result<(World, Trio)> {
    let world = World::new(options).await?;
    let trio = seed(&world, "Anna")?;
    link(&world).await?;
    for sync in [people(), members()] {
        let links = world.engine().links(&sync, None, 0).await?;
        ensure!(links.len() == 1, "{sync}: {links:#?}");
    }
    Ok((world, trio))
}

/// The rows of a record that say that this value was written.
async fn written(world: &World, record: &str, value: &str) -> Result<Vec<JournalEntry>> {
    let mut rows = journal(world, record).await?;
    rows.retain(|row| {
        row.entry.effect == store::Effect::Written && row.entry.after.text() == Some(value)
    });
    Ok(rows)
}

/// The one row of a record that says that this value was written.
async fn one_written(world: &World, record: &str, value: &str) -> Result<store::NewJournalEntry> {
    let mut rows = written(world, record, value).await?;
    ensure!(rows.len() == 1, "{record}: {rows:#?}");
    Ok(rows.pop().context("one")?.entry)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_sync_finds_gone_is_gone_for_the_other_one_too() -> Result<()> {
    let world = World::new(options()).await?;
    let [anna, berta] = [seed(&world, "Anna")?, seed(&world, "Berta")?];
    link(&world).await?;
    world.lose_webhooks();
    world.delete(HIGHLEVEL, &anna.highlevel)?;
    // The one sync reads it for another reason; nothing tells the other one, and no listing misses it after that.
    world.edit(ONOFFICE, &anna.onoffice, &json!({"Ort": "Bernau"}))?;
    world.poll().await?;
    world.sweep().await?;
    for sync in [people(), members()] {
        let links = world.engine().links(&sync, None, 0).await?;
        let left: Vec<String> = links.iter().map(|link| link.left.to_string()).collect();
        ensure!(left == [berta.highlevel.as_str()], "{sync}: {links:#?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_at_one_end_reaches_the_other_through_the_hub_once_with_its_cause() -> Result<()> {
    let (world, trio) = linked(options()).await?;
    let mark = world.edit_mark();
    world.edit(ONOFFICE, &trio.onoffice, &json!({"Ort": "Bernau"}))?;
    world.poll().await?;
    assert_eq!(world.held(HIGHLEVEL, &trio.highlevel)?.city, "Bernau");
    assert_eq!(world.held(OFFICERND, &trio.officernd)?.city, "Bernau");
    let updates = |system| world.api_edits_of(mark, system, Operation::Update);
    assert_eq!(
        [HIGHLEVEL, OFFICERND, ONOFFICE].map(updates),
        [1, 1, 0],
        "{:#?}",
        world.api_edits(mark)
    );
    // What was done at the far end says where it began and what it passed.
    let near = one_written(&world, &trio.highlevel, "Bernau").await?.cause;
    let far = one_written(&world, &trio.officernd, "Bernau").await?.cause;
    let origin = (
        ConnectionName::from("onoffice"),
        RecordId::from(trio.onoffice.as_str()),
    );
    assert_eq!(near.origin.as_ref(), Some(&origin));
    assert_eq!(far.origin.as_ref(), Some(&origin));
    assert_eq!(far.trace, near.trace);
    assert_eq!((near.passed, far.passed), (vec![], vec![people()]));
    // And back from there.
    let mark = world.edit_mark();
    world.edit(
        OFFICERND,
        &trio.officernd,
        &json!({"name": "Annegret Brandt"}),
    )?;
    world.poll().await?;
    assert_eq!(world.held(ONOFFICE, &trio.onoffice)?.first_name, "Annegret");
    let updates = |system| world.api_edits_of(mark, system, Operation::Update);
    assert_eq!([HIGHLEVEL, OFFICERND, ONOFFICE].map(updates), [1, 0, 1]);
    let far = one_written(&world, &trio.onoffice, "Annegret").await?.cause;
    assert_eq!(
        far.origin,
        Some((
            ConnectionName::from("officernd"),
            RecordId::from(trio.officernd.as_str())
        ))
    );
    assert_eq!(far.passed, [members()]);
    // Nothing of it comes back, whoever looks.
    let mark = world.edit_mark();
    world.sweep().await?;
    world.poll().await?;
    assert_eq!(world.api_edits(mark).len(), 0);
    assert!(questions(&world).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_syncs_look_at_is_read_once_and_what_one_wrote_by_the_other_only() -> Result<()> {
    let (world, trio) = linked(options()).await?;
    let of = |system| world.control.core().counts.totals(system).reads;
    let single = |system: sandbox::System, route: &str| -> u64 {
        let counts = world.control.core().counts.all();
        let routes = counts[&system].routes.iter();
        let of_route = routes.filter(|one| one.method == "GET" && one.route == route);
        of_route.map(|one| one.count).sum()
    };
    let contacts = || single(HIGHLEVEL, "/contacts/{contactId}");
    // Edits in the hub: one reading each for both syncs, unless one sync was done before the other began.
    let before = contacts();
    let cities = ["Potsdam", "Bernau", "Werder", "Nauen", "Teltow"];
    for city in cities {
        world.edit(HIGHLEVEL, &trio.highlevel, &json!({"city": city}))?;
        world.settle().await?;
        assert_eq!(world.held(ONOFFICE, &trio.onoffice)?.city, city);
        assert_eq!(world.held(OFFICERND, &trio.officernd)?.city, city);
    }
    let readings = contacts() - before;
    assert!((5..=7).contains(&readings), "{readings} readings");
    // An edit at one end: read before the write, whose answer is the record, and by the other sync after it. The sync
    // that wrote it does not look at its own end again.
    let (before, offices) = (contacts(), of(ONOFFICE));
    world.edit(
        OFFICERND,
        &trio.officernd,
        &json!({"name": "Annegret Brandt"}),
    )?;
    world.poll().await?;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &trio.onoffice)?.first_name, "Annegret");
    assert!(contacts() - before <= 2, "{} readings", contacts() - before);
    assert!(of(ONOFFICE) > offices);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_faster_than_our_own_mark_takes_no_cause_away() -> Result<()> {
    let (world, trio) = linked(options()).await?;
    // The write itself takes a while to be answered, and its webhook does not.
    world.fault(json!({
        "system": "highlevel", "method": "PUT",
        "fault": {"kind": "delay_answer", "ms": 5000},
    }))?;
    world.edit(ONOFFICE, &trio.onoffice, &json!({"Ort": "Bernau"}))?;
    world.poll().await?;
    let near = one_written(&world, &trio.highlevel, "Bernau").await?.cause;
    let far = one_written(&world, &trio.officernd, "Bernau").await?.cause;
    assert_eq!(far.trace, near.trace);
    assert_eq!(far.passed, [people()]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_at_one_end_is_asked_about_and_does_not_travel_on() -> Result<()> {
    let world = World::new(options()).await?;
    let (trio, other) = (seed(&world, "Anna")?, seed(&world, "Berta")?);
    link(&world).await?;
    let mark = world.edit_mark();
    world.delete(ONOFFICE, &trio.onoffice)?;
    for _ in 0..2 {
        world.sweep().await?;
    }
    let review = question(&world, ReviewKind::Deleted).await?;
    assert_eq!(review.sync, people());
    assert!(!world.held(HIGHLEVEL, &trio.highlevel)?.gone);
    assert!(!world.held(OFFICERND, &trio.officernd)?.gone);
    assert_eq!(world.api_edits(mark).len(), 0);
    // What is left goes on being kept the same.
    world.edit(
        OFFICERND,
        &trio.officernd,
        &json!({"name": "Annegret Brandt"}),
    )?;
    world.poll().await?;
    assert_eq!(
        world.held(HIGHLEVEL, &trio.highlevel)?.first_name,
        "Annegret"
    );
    // A person lets the hub's record go: the other end is asked about and not taken along.
    answer(&world, &review, "remove").await?;
    assert!(world.held(HIGHLEVEL, &trio.highlevel)?.gone);
    for _ in 0..2 {
        world.sweep().await?;
    }
    let review = question(&world, ReviewKind::Deleted).await?;
    assert_eq!(review.sync, members());
    assert!(!world.held(OFFICERND, &trio.officernd)?.gone);
    let living = world.living(HIGHLEVEL);
    assert_eq!(living.len(), 1, "nobody is made again");
    assert_eq!(living[0].id, other.highlevel);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_that_one_sync_carries_over_ends_at_the_next() -> Result<()> {
    let mut options = options();
    contact(&mut options.rules).deletes.right = DeleteRule::Propagate;
    let (world, trio) = linked(options).await?;
    let other = seed(&world, "Berta")?;
    world.sweep().await?;
    world.delete(ONOFFICE, &trio.onoffice)?;
    for _ in 0..3 {
        world.sweep().await?;
    }
    assert!(world.held(HIGHLEVEL, &trio.highlevel)?.gone);
    let review = question(&world, ReviewKind::Deleted).await?;
    assert_eq!(review.sync, members());
    assert_eq!(
        choices(&review),
        ["leave", "recreate", "remove", "postpone"]
    );
    assert!(!world.held(OFFICERND, &trio.officernd)?.gone);
    assert!(!world.held(HIGHLEVEL, &other.highlevel)?.gone);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_that_one_sync_carries_over_is_asked_about_by_the_next_that_would_carry_it()
-> Result<()> {
    for fails in [false, true] {
        let mut options = options();
        contact(&mut options.rules).deletes.right = DeleteRule::Propagate;
        let rules = options.members.as_mut().context("there are rules")?;
        contact(rules).deletes.left = DeleteRule::Propagate;
        let (world, trio) = linked(options).await?;
        let other = seed(&world, "Berta")?;
        world.sweep().await?;
        if fails {
            // it is removed, and nobody hears of it
            world.fault(json!({
                "system": "highlevel", "method": "DELETE", "count": 1,
                "fault": {"kind": "drop_after"},
            }))?;
        }
        world.delete(ONOFFICE, &trio.onoffice)?;
        for _ in 0..3 {
            world.sweep().await?;
        }
        assert!(world.held(HIGHLEVEL, &trio.highlevel)?.gone);
        assert!(!world.held(OFFICERND, &trio.officernd)?.gone);
        let review = question(&world, ReviewKind::Deleted).await?;
        assert_eq!(review.sync, members());
        assert!(review.summary.contains("sync `people`"), "{review:#?}");
        // What a person deletes in the hub goes where the rules say, as before.
        world.delete(HIGHLEVEL, &other.highlevel)?;
        for _ in 0..3 {
            world.sweep().await?;
        }
        assert!(world.held(OFFICERND, &other.officernd)?.gone);
        assert!(!world.held(ONOFFICE, &other.onoffice)?.gone);
        // And what the person is asked about goes when they say so.
        answer(&world, &review, "remove").await?;
        assert!(world.held(OFFICERND, &trio.officernd)?.gone);
    }
    Ok(())
}

/// One mapping from the left to the right or back, for records that are linked by the rest.
fn carrying(mut rules: SyncRules, mapping: Json) -> Result<SyncRules> {
    let of_contacts = contact(&mut rules);
    of_contacts.fields.push(serde_json::from_value(mapping)?);
    of_contacts.create.left = false;
    of_contacts.create.right = false;
    Ok(rules)
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_grows_on_its_way_round_three_systems_is_parked() -> Result<()> {
    let mut options = options();
    options.rules = carrying(
        options.rules,
        json!({"name": "there", "right": "Zusatz2", "formula_to_right": "concat(website, 'x')"}),
    )?;
    options.members = Some(carrying(
        member_rules(),
        json!({"name": "back", "left": "website", "right": "socialProfiles.twitter",
            "direction": "to_left"}),
    )?);
    let (mut world, trio) = linked(options).await?;
    // The third sync closes the circle.
    let around: SyncRules = serde_json::from_value(json!({
        "left": "onoffice", "right": "officernd",
        "entities": {"contact": {
            "match": {"keys": ["email"], "name_check": true},
            "create": {"left": false, "right": false},
            "fields": [
                {"name": "email", "left": "emails", "right": "email", "direction": "to_right"},
                {"name": "name", "left": ["Vorname", "Name"], "right": "name",
                    "lens": "full_name", "direction": "to_right"},
                {"name": "on", "left": "Zusatz2", "right": "socialProfiles.twitter",
                    "direction": "to_right"},
            ],
        }},
    }))?;
    let third = SyncName::from("around");
    assert_eq!(world.apply_to(third.clone(), around.clone()).await, []);
    world.sync_of(&third).await?;
    world.settle().await?;
    world.edit(
        HIGHLEVEL,
        &trio.highlevel,
        &json!({"website": "https://brandt.example/a"}),
    )?;
    for _ in 0..40 {
        world.wait(Duration::from_secs(2)).await;
        if !questions(&world).await?.is_empty() {
            break;
        }
    }
    world.settle().await?;
    question(&world, ReviewKind::Circle).await?;
    let writes = world.writes();
    world.wait(Duration::from_secs(20)).await;
    world.sweep().await?;
    assert_eq!(world.writes(), writes, "parked, it grows no more");
    // It grew a few times round and not once more; what else these people share goes on.
    let edits = world.control.core().edits.since(0);
    let grown = edits
        .iter()
        .filter(|edit| edit.fields.iter().any(|field| field.contains("website")))
        .count();
    assert!((2..=8).contains(&grown), "{grown}");
    // Only that field rests.
    world.edit(HIGHLEVEL, &trio.highlevel, &json!({"city": "Bernau"}))?;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &trio.onoffice)?.city, "Bernau");
    assert_eq!(world.held(OFFICERND, &trio.officernd)?.city, "Bernau");
    let asked = question(&world, ReviewKind::Circle).await?;
    // A rule of the circle is taken away: what rested goes on, and nobody has to say so.
    let mut broken = around.clone();
    contact(&mut broken)
        .fields
        .retain(|mapping| mapping.name.as_deref() != Some("on"));
    assert_eq!(world.apply_to(third, broken).await, []);
    world.settle().await?;
    assert!(questions(&world).await?.is_empty());
    let withdrawn = world.engine().reviews(&ReviewFilter::default()).await?;
    let withdrawn = withdrawn.iter().find(|review| review.id == asked.id);
    assert!(withdrawn.is_some_and(|review| review.state == ReviewState::Withdrawn));
    let contact = world.act(HIGHLEVEL, "get_contact", &json!({"id": trio.highlevel}))?;
    let right = json!({"id": trio.onoffice.parse::<u64>()?});
    let address = world.act(ONOFFICE, "show", &right)?;
    let (grown, there) = (
        text(&contact["website"]),
        text(&address["values"]["Zusatz2"]),
    );
    assert!(!grown.is_empty(), "{contact}");
    assert_eq!(there, format!("{grown}x"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_sync_that_starts_later_misses_nothing_of_what_happens_meanwhile() -> Result<()> {
    let mut options = options();
    for rules in [Some(&mut options.rules), options.members.as_mut()] {
        let rules = rules.context("both syncs have rules")?;
        contact(rules).limits.overwrites.share = 10.0;
    }
    let world = World::new(options).await?;
    let names: Vec<String> = (0..30).map(|number| format!("Anna{number:02}")).collect();
    let trios: Vec<Trio> = names
        .iter()
        .map(|name| seed(&world, name))
        .collect::<Result<_>>()?;
    let others: Vec<Pair> = ["Berta", "Clara", "Dora"]
        .into_iter()
        .map(|name| crate::support::seed(&world, name))
        .collect::<Result<_>>()?;
    world.sync().await?;
    world.settle().await?;
    // OfficeRnD is slow to be listed, and life goes on: the first sync works off every edit of it.
    world.fault(json!({
        "system": "officernd", "method": "GET", "path": "*/members",
        "fault": {"kind": "delay_answer", "ms": 20_000},
    }))?;
    let edits = async {
        for (number, trio) in trios.iter().enumerate() {
            world.wait(Duration::from_millis(700)).await;
            let city = format!("Bernau {number}");
            world.edit(HIGHLEVEL, &trio.highlevel, &json!({"city": city}))?;
            // Some become members only now.
            if let Some(pair) = others.get(number / 10).filter(|_| number % 10 == 9) {
                let tags = json!({"id": pair.highlevel, "tags": ["coworking"]});
                world.act(HIGHLEVEL, "add_tags", &tags)?;
            }
        }
        anyhow::Ok(())
    };
    let sync = members();
    let (ran, edited) = tokio::join!(world.sync_of(&sync), edits);
    ran?;
    edited?;
    world.settle().await?;
    let cities = |system, id: fn(&Trio) -> &str| -> Result<Vec<String>> {
        trios
            .iter()
            .map(|trio| Ok(world.held(system, id(trio))?.city))
            .collect()
    };
    let hub = cities(HIGHLEVEL, |trio| &trio.highlevel)?;
    let wanted: Vec<String> = (0..30).map(|number| format!("Bernau {number}")).collect();
    assert_eq!(hub, wanted);
    assert_eq!(cities(ONOFFICE, |trio| &trio.onoffice)?, wanted);
    assert_eq!(cities(OFFICERND, |trio| &trio.officernd)?, wanted);
    for sync in [people(), sync] {
        let links = world.engine().links(&sync, None, 0).await?;
        assert_eq!(links.len(), 33, "{sync}");
    }
    assert_eq!(world.living(OFFICERND).len(), 33);
    assert!(questions(&world).await?.is_empty());
    Ok(())
}

/// Readings of single contacts in HighLevel so far.
fn single_reads(world: &World) -> u64 {
    let counts = world.control.core().counts.all();
    counts
        .get(&HIGHLEVEL)
        .into_iter()
        .flat_map(|system| &system.routes)
        .filter(|route| route.method == "GET" && route.route == "/contacts/{contactId}")
        .map(|route| route.count)
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_sync_lists_the_shared_account_and_nobody_reads_it_one_by_one() -> Result<()> {
    let world = World::new(options()).await?;
    for number in 0..40 {
        seed(&world, &format!("Anna{number:02}"))?;
    }
    world.sync().await?;
    world.settle().await?;
    let (before, writes) = (single_reads(&world), world.writes());
    world.sync_of(&members()).await?;
    world.settle().await?;
    for sync in [people(), members()] {
        assert_eq!(world.engine().links(&sync, None, 0).await?.len(), 40);
    }
    assert_eq!(world.writes(), writes, "all agree");
    assert_eq!(single_reads(&world), before);
    // What a later sweep finds is looked at by both.
    world.lose_webhooks();
    let pair = &world.pairs().await?[0];
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Bernau"}))?;
    world.sweep().await?;
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Bernau");
    Ok(())
}

/// What is blocked in the sync with OfficeRnD.
async fn blocked(world: &World) -> Result<Vec<store::Blocked>> {
    let workspace = store::Workspace::from("default");
    Ok(world.store.blocked(&workspace, &members(), None).await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_error_that_stays_is_parked_and_tried_again_when_the_input_changes() -> Result<()>
{
    let (world, trio) = linked(options()).await?;
    let fault = world.fault(json!({
        "system": "officernd", "method": "PUT",
        "fault": {"kind": "status", "status": 500,
            "body": {"statusCode": 500, "message": "Internal server error"}},
    }))?;
    world.edit(HIGHLEVEL, &trio.highlevel, &json!({"city": "Potsdam"}))?;
    world.wait(Duration::from_secs(90)).await;
    world.settle().await?;
    let parked = blocked(&world).await?;
    assert_eq!(parked.len(), 1, "{parked:#?}");
    assert!(parked[0].reason.contains("tried 5 times"), "{parked:#?}");
    assert!(world.engine().status().await?.failing_records.is_empty());
    let tries = world.struck(fault);
    assert!((5..=12).contains(&tries), "{tries}");
    // Not for ever: neither by itself nor because somebody looks.
    world.wait(Duration::from_secs(60)).await;
    world.sweep().await?;
    assert_eq!(world.struck(fault), tries);
    assert_eq!(world.held(ONOFFICE, &trio.onoffice)?.city, "Potsdam");
    // Another value is another try.
    world.control.core().faults.remove(fault);
    world.edit(HIGHLEVEL, &trio.highlevel, &json!({"city": "Bernau"}))?;
    world.settle().await?;
    assert_eq!(world.held(OFFICERND, &trio.officernd)?.city, "Bernau");
    assert!(blocked(&world).await?.is_empty());
    Ok(())
}

/// How often records of a system were read.
fn reads(world: &World) -> u64 {
    let counts = &world.control.core().counts;
    [HIGHLEVEL, ONOFFICE, OFFICERND]
        .into_iter()
        .map(|system| counts.totals(system).reads)
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_paused_sync_costs_no_calls_and_goes_on_when_it_is_resumed() -> Result<()>
{
    let (world, trio) = linked(options()).await?;
    world.engine().pause(&members(), "a person").await?;
    world.edit(HIGHLEVEL, &trio.highlevel, &json!({"city": "Potsdam"}))?;
    world.settle().await?;
    assert_eq!(world.held(ONOFFICE, &trio.onoffice)?.city, "Potsdam");
    let before = reads(&world);
    world.wait(Duration::from_secs(200)).await;
    assert_eq!(reads(&world), before);
    assert_eq!(world.held(OFFICERND, &trio.officernd)?.city, "Berlin");
    world.engine().resume(&members()).await?;
    world.settle().await?;
    assert_eq!(world.held(OFFICERND, &trio.officernd)?.city, "Potsdam");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_creates_under_a_slow_limit_are_each_worked_on_once() -> Result<()> {
    let mut options = options();
    options.limits = true;
    options.pace.lease = Duration::from_secs(60);
    options
        .switches
        .extend([("officernd.rate_limit".to_owned(), json!(true))]);
    let world = World::new(options).await?;
    for number in 0..160 {
        let mut contact = on_the_left(&format!("Anna{number:03}"));
        contact["phone"] = json!(format!("+49305554{number:04}"));
        contact["tags"] = json!(["coworking"]);
        world.seed(HIGHLEVEL, &contact)?;
    }
    world.sync_of(&members()).await?;
    world.settle().await?;
    assert_eq!(world.living(OFFICERND).len(), 160);
    assert!(questions(&world).await?.is_empty());
    // A record whose lease ended while it was worked on would be read anew by whoever claims it next.
    let again = single_reads(&world);
    assert!(again < 20, "{again} of 160 were looked at again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_is_carried_one_way_and_cannot_be_mapped_back() -> Result<()> {
    let (mut world, trio) = linked(options()).await?;
    let mut keys = Vec::new();
    for name in ["Status", "Stand OfficeRnD", "Stand onOffice"] {
        let made = world.act(
            HIGHLEVEL,
            "add_field",
            &json!({"name": name, "dataType": "TEXT"}),
        )?;
        let id = made["id"].as_str().context("an id")?;
        keys.push(format!("customFields.{id}"));
    }
    let with = |mut rules: SyncRules, fields: &[Json]| -> Result<SyncRules> {
        for field in fields {
            let field = serde_json::from_value(field.clone())?;
            contact(&mut rules).fields.push(field);
        }
        Ok(rules)
    };
    // Towards the vendor's own fields it is refused, with the way out.
    for (rules, sync, field) in [
        (member_rules(), members(), "status"),
        (member_rules(), members(), "modifiedAt"),
        (simulation::shipped_rules(), people(), "Aenderung"),
    ] {
        let both = with(rules, &[json!({"left": keys[0], "right": field})])?;
        let found = world
            .engine()
            .check_rules(&world.connections, &sync, &both)
            .await?;
        let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), 1, "{shown:#?}");
        assert!(shown[0].contains("can only be read"), "{shown:#?}");
        assert!(shown[0].contains("to_left"), "{shown:#?}");
    }
    let of_members = with(
        member_rules(),
        &[
            json!({"left": keys[0], "right": "status", "direction": "to_left"}),
            json!({"left": keys[1], "right": "modifiedAt", "direction": "to_left"}),
        ],
    )?;
    let of_people = with(
        simulation::shipped_rules(),
        &[json!({"left": keys[2], "right": "Aenderung", "direction": "to_left"})],
    )?;
    assert_eq!(world.apply_to(members(), of_members).await, []);
    assert_eq!(world.apply_to(people(), of_people).await, []);
    world.settle().await?;
    let shown = |world: &World| -> Result<String> {
        let contact = world.act(HIGHLEVEL, "get_contact", &json!({"id": trio.highlevel}))?;
        Ok(contact["customFields"].to_string())
    };
    let status = world.held(OFFICERND, &trio.officernd)?.status;
    assert!(!status.is_empty() && shown(&world)?.contains(&status));
    let year = world.now().to_string()[..4].to_owned();
    assert!(
        shown(&world)?.matches(&year).count() >= 2,
        "{}",
        shown(&world)?
    );
    // A status by hand arrives, and nothing is ever written back for it.
    world.act(
        OFFICERND,
        "set_status",
        &json!({"id": trio.officernd, "status": "former"}),
    )?;
    let mark = world.edit_mark();
    world.sweep().await?;
    assert!(shown(&world)?.contains("former"), "{}", shown(&world)?);
    assert_eq!(
        world.api_edits_of(mark, OFFICERND, Operation::Update),
        0,
        "{:#?}",
        world.api_edits(mark)
    );
    Ok(())
}

/// Tags mapped both ways in an account of this profile, with these switches.
async fn tagged_with(profile: &str, switches: &[(&str, Json)]) -> Result<(World, Trio)> {
    let mut options = options();
    let own = [("officernd.put_profile", json!(profile))];
    let switches = own.iter().chain(switches);
    let switches = switches.map(|(name, value)| ((*name).to_owned(), value.clone()));
    options.switches.extend(switches);
    let mut rules = member_rules();
    let tags = json!({"name": "tags", "left": "tags", "right": "tags"});
    contact(&mut rules)
        .fields
        .push(serde_json::from_value(tags)?);
    options.members = Some(rules);
    linked(options).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_travel_both_ways_where_the_account_takes_them() -> Result<()> {
    let (world, trio) = tagged("2026-10").await?;
    let change = |system, act: &str, id: &str, tag: &str| {
        world.act(system, act, &json!({"id": id, "tags": [tag]}))
    };
    change(HIGHLEVEL, "add_tags", &trio.highlevel, "garden")?;
    world.settle().await?;
    assert!(
        world
            .held(OFFICERND, &trio.officernd)?
            .tags
            .contains(&"garden".to_owned())
    );
    change(OFFICERND, "add_tags", &trio.officernd, "lounge")?;
    change(OFFICERND, "remove_tags", &trio.officernd, "garden")?;
    world.poll().await?;
    let tags = world.held(HIGHLEVEL, &trio.highlevel)?.tags;
    assert!(tags.contains(&"lounge".to_owned()), "{tags:?}");
    assert!(!tags.contains(&"garden".to_owned()), "{tags:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_that_an_account_neither_shows_nor_takes_stay_where_they_are() -> Result<()> {
    let (world, trio) = tagged("2026-02").await?;
    let mine = json!({"id": trio.officernd, "tags": ["lounge"]});
    world.act(OFFICERND, "add_tags", &mine)?;
    let theirs = json!({"id": trio.highlevel, "tags": ["garden"]});
    world.act(HIGHLEVEL, "add_tags", &theirs)?;
    world.settle().await?;
    world.poll().await?;
    world.sweep().await?;
    let (left, right) = (
        world.held(HIGHLEVEL, &trio.highlevel)?.tags,
        world.held(OFFICERND, &trio.officernd)?.tags,
    );
    assert!(
        left.contains(&"garden".to_owned()) && left.contains(&"VIP".to_owned()),
        "{left:?}"
    );
    assert_eq!(right, ["lounge"]);
    Ok(())
}

/// Tags mapped both ways in an account of this profile.
async fn tagged(profile: &str) -> Result<(World, Trio)> {
    tagged_with(profile, &[]).await
}

/// An account shows tags and takes none, whether it refuses them or drops them without a word: they go one way. That is said once,
/// no update is refused twice for it, and no sweep takes the other side's tags away.
async fn tags_go_one_way(whitelist: bool, refusals: u64) -> Result<()> {
    let switches = [
        ("officernd.member_tags", json!("shown")),
        ("officernd.whitelist", json!(whitelist)),
    ];
    let (world, trio) = tagged_with("2026-02", &switches).await?;
    let change = |system, act: &str, id: &str, tag: &str| {
        world.act(system, act, &json!({"id": id, "tags": [tag]}))
    };
    let tags = |world: &World| -> Result<(Vec<String>, Vec<String>)> {
        let left = world.held(HIGHLEVEL, &trio.highlevel)?.tags;
        Ok((left, world.held(OFFICERND, &trio.officernd)?.tags))
    };
    change(OFFICERND, "add_tags", &trio.officernd, "lounge")?;
    world.poll().await?;
    ensure!(
        tags(&world)?.0.contains(&"lounge".to_owned()),
        "{:?}",
        tags(&world)?
    );
    for tag in ["garden", "terrace"] {
        change(HIGHLEVEL, "add_tags", &trio.highlevel, tag)?;
        world.edit(HIGHLEVEL, &trio.highlevel, &json!({"city": tag}))?;
        world.settle().await?;
        world.wait(Duration::from_secs(4)).await;
        world.poll().await?;
        world.sweep().await?;
    }
    let (left, right) = tags(&world)?;
    for tag in ["garden", "terrace", "lounge"] {
        ensure!(left.contains(&tag.to_owned()), "{tag} is gone: {left:?}");
    }
    ensure!(right == ["lounge"], "{right:?}");
    // the rest of the same record crosses
    ensure!(world.held(OFFICERND, &trio.officernd)?.city == "terrace");
    let refused = refused_members(&world);
    ensure!(refused == refusals, "it was refused {refused} times");
    let blocked = world
        .store
        .blocked(&"default".into(), &members(), None)
        .await?;
    ensure!(
        blocked.len() == 1 && blocked[0].mapping == "tags",
        "{blocked:#?}"
    );
    // and it is over with it: nothing is written or asked for ever
    let mark = world.edit_mark();
    for _ in 0..3 {
        world.skip(Duration::from_secs(3_600));
        world.poll().await?;
        world.sweep().await?;
    }
    let written = world.api_edits(mark);
    ensure!(written.is_empty(), "{written:#?}");
    ensure!(refused_members(&world) == refusals);
    // there they still come from
    change(OFFICERND, "remove_tags", &trio.officernd, "lounge")?;
    change(OFFICERND, "add_tags", &trio.officernd, "roof")?;
    world.poll().await?;
    world.sweep().await?;
    let (left, right) = tags(&world)?;
    ensure!(left.contains(&"roof".to_owned()), "{left:?}");
    ensure!(!left.contains(&"lounge".to_owned()), "{left:?}");
    ensure!(left.contains(&"garden".to_owned()), "{left:?}");
    ensure!(right == ["roof"], "{right:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_that_an_account_shows_and_refuses_go_one_way() -> Result<()> {
    tags_go_one_way(true, 1).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_that_an_account_shows_and_drops_go_one_way() -> Result<()> {
    tags_go_one_way(false, 0).await
}
