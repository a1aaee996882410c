//! Limits kept, urgent work first, and work that goes on where it was.

use std::time::Duration;

use anyhow::Result;
use sandbox::{Operation, people::Plan};
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, Options, World, people};
use store::ReviewKind;
use sync::Progress;
use tokio::sync::watch;

use crate::support::{agrees, blocked, link, numbers, on_the_right, options, questions, seed};

/// Waits until something is so, at most five minutes of the world's time.
async fn until(world: &World, so: impl Fn() -> Result<bool>) -> Result<()> {
    for _ in 0..3_000 {
        if so()? {
            return Ok(());
        }
        world.wait(Duration::from_millis(100)).await;
    }
    anyhow::bail!(
        "it does not come to pass: {:#?}",
        world.engine().status().await?
    )
}

/// Several people with names of their own.
fn crowd(number: usize) -> Vec<serde_json::Value> {
    (0..number)
        .map(|number| {
            let mut one = on_the_right("Anna");
            one["Name"] = json!(format!("Crowd{number}"));
            one["email"] = json!(format!("crowd{number}@many.example"));
            one["phone"] = json!(format!("030 7{number:06}"));
            // who has almost the name and the birthday of somebody who is there is a question
            let year = 1920 + number / 12 / 28;
            let (month, day) = (number / 28 % 12 + 1, number % 28 + 1);
            one["Geburtsdatum"] = json!(format!("{year}-{month:02}-{day:02}"));
            one
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_kept_and_an_edit_does_not_wait_behind_a_backfill() -> Result<()> {
    let mut options = options();
    options.limits = true;
    options
        .switches
        .retain(|(name, _)| name != "highlevel.rate_limit");
    let world = World::new(options).await?;
    let pair = seed(&world, "Anna")?;
    link(&world, &[&pair]).await?;
    let all = 300;
    for one in crowd(all) {
        world.seed(ONOFFICE, &one)?;
    }
    let mark = world.edit_mark();
    let made = || world.api_edits_of(mark, HIGHLEVEL, Operation::Create);
    let engine = world.engine().clone();
    let run = tokio::spawn(async move {
        let (progress, _) = watch::channel(Progress::default());
        engine.sync_now(&people(), &progress).await
    });
    until(&world, || Ok(made() >= 20)).await?;
    world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    until(&world, || {
        Ok(world.held(ONOFFICE, &pair.onoffice)?.city == "Potsdam")
    })
    .await?;
    let behind = made();
    assert!(behind < all / 2, "it waited behind {behind} creates");
    run.await??;
    world.settle().await?;
    assert_eq!(
        made(),
        all,
        "{:#?} {:#?}",
        questions(&world).await?,
        world.engine().status().await?
    );
    let totals = world.control.core().counts.totals(HIGHLEVEL);
    assert_eq!(totals.throttled, 0, "{totals:?}");
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn being_throttled_all_the_same_loses_nothing() -> Result<()> {
    // The vendor lets through less than it documents.
    let world = World::new(options()).await?;
    let pairs = [
        seed(&world, "Anna")?,
        seed(&world, "Berta")?,
        seed(&world, "Clara")?,
    ];
    link(&world, &pairs.iter().collect::<Vec<_>>()).await?;
    world.switch("highlevel.burst_limit", 2)?;
    world.switch("highlevel.burst_window_ms", 3000)?;
    world.switch("highlevel.rate_limit", true)?;
    for pair in &pairs {
        world.edit(ONOFFICE, &pair.onoffice, &json!({"Ort": "Bernau"}))?;
    }
    world.engine().poll_now().await.ok();
    world.wait(Duration::from_secs(30)).await;
    world.settle().await?;
    for pair in &pairs {
        assert_eq!(world.held(HIGHLEVEL, &pair.highlevel)?.city, "Bernau");
    }
    assert!(questions(&world).await?.is_empty());
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_plan_showed_is_what_the_run_does() -> Result<()> {
    let world = World::new(Options {
        people: Plan {
            both: 60,
            highlevel_only: 40,
            onoffice_only: 40,
            duplicate_percent: 8,
            ..Plan::shipped()
        },
        ..options()
    })
    .await?;
    let (progress, _) = watch::channel(Progress::default());
    let plan = world.engine().plan(&people(), &progress).await?;
    assert_eq!(world.writes(), 0);
    let report = world.sync().await?;
    world.settle().await?;
    let count = |name: &str| u64::try_from(report.counts.get(name).copied().unwrap_or(0));
    let open = questions(&world).await?;
    let of_kind = |kind| open.iter().filter(|review| review.kind == kind).count() as u64;
    // What a vendor refuses is known only once it was asked: a second contact with an address that
    // another one carries becomes a question instead of a create where the two may be one, and is made without that
    // address where they are not; a field becomes one that is blocked.
    let asked = of_kind(ReviewKind::Ambiguous) - (plan.left.ambiguous + plan.right.ambiguous);
    assert!(asked <= 2, "{asked} more questions than planned");
    let rows = blocked(&world).await?;
    let made_without = rows
        .iter()
        .filter(|row| row.reason.contains("taken once only"))
        .count() as u64;
    let planned = [
        plan.matched.values().sum::<u64>(),
        plan.left.creates - asked,
        plan.right.creates,
        plan.left.updates,
        plan.right.updates,
        plan.conflicts,
    ];
    let done = [
        count("linked")?,
        count("created_left")?,
        count("created_right")?,
        count("updated_left")? + count("refused")? - made_without,
        count("updated_right")?,
        of_kind(ReviewKind::Conflict),
    ];
    assert_eq!(planned, done, "{plan:#?}\n{report:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_listing_that_was_interrupted_goes_on_where_it_was() -> Result<()> {
    let mut options = options();
    options.people = Plan {
        seed: 3,
        highlevel_only: 450,
        ..options.people
    };
    let mut world = World::new(options).await?;
    let fault = world.fault(json!({"system": "highlevel",
        "method": "GET", "path": "/contacts/", "nth": 3,
        "fault": {"kind": "delay", "ms": 60000}}))?;
    let pages = |world: &World| {
        let counts = world.control.core().counts.all();
        let routes = &counts[&HIGHLEVEL].routes;
        routes
            .iter()
            .filter(|route| route.method == "GET" && route.route == "/contacts")
            .map(|route| route.count)
            .sum::<u64>()
    };
    let engine = world.engine().clone();
    let run = tokio::spawn(async move {
        let (progress, _) = watch::channel(Progress::default());
        engine.sync_now(&people(), &progress).await
    });
    until(&world, || Ok(world.struck(fault) > 0)).await?;
    // Nothing is made before all are listed: matching needs them all.
    assert_eq!(world.writes(), 0);
    let before = pages(&world);
    run.abort();
    world.kill_and_restart()?;
    world.control.core().faults.clear();
    until(&world, || Ok(numbers(&world).1 == 450)).await?;
    world.settle().await?;
    assert_eq!(numbers(&world), (450, 450));
    // The pages that were there are not read again.
    let again = pages(&world) - before;
    assert!(before >= 2, "{before} pages before");
    assert!(
        again < 6,
        "{before} pages before, {again} after: all of them"
    );
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_cannot_be_read_is_told_once() -> Result<()> {
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

    struct Warnings(Arc<Mutex<Vec<String>>>);
    struct Words(String);
    impl tracing::field::Visit for Words {
        fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
            if field.name() == "message" {
                self.0 = format!("{value:?}");
            }
        }
    }
    impl<S: tracing::Subscriber> Layer<S> for Warnings {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            let mut words = Words(String::new());
            event.record(&mut words);
            self.0.lock().expect("no panic").push(words.0);
        }
    }
    let told = Arc::new(Mutex::new(Vec::new()));
    let subscriber = tracing_subscriber::registry().with(Warnings(Arc::clone(&told)));
    tracing::subscriber::set_global_default(subscriber)?;
    let times = |words: &str| {
        let told = told.lock().expect("no panic");
        told.iter().filter(|line| line.contains(words)).count()
    };

    let mut options = options();
    options.pace.schema = Duration::from_secs(2);
    let mut world = World::new(options).await?;
    world.act(ONOFFICE, "regenerate_access", &json!({}))?;
    // As a server that starts while nobody is signed in.
    world.kill_and_restart()?;
    world.wait(Duration::from_secs(30)).await;
    assert_eq!(world.engine().status().await?.syncs[0].state, "not ready");
    assert!(times("a sync is not ready") <= 2, "{told:?}");
    // Once it is well again and fails anew, that is told anew.
    world.connect_onoffice().await?;
    world.wait(Duration::from_secs(20)).await;
    assert_eq!(world.engine().status().await?.syncs[0].state, "new");
    world.act(ONOFFICE, "regenerate_access", &json!({}))?;
    world.wait(Duration::from_secs(30)).await;
    assert_eq!(times("going on with what was known"), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_of_one_sync_waits_for_the_end_of_the_first() -> Result<()> {
    let world = World::new(options()).await?;
    link(&world, &[&seed(&world, "Anna")?]).await?;
    world.fault(
        json!({"system": "onoffice", "action": "read address", "count": 1,
        "fault": {"kind": "delay", "ms": 20000}}),
    )?;
    let run = || {
        let engine = world.engine().clone();
        tokio::spawn(async move {
            let (progress, _) = watch::channel(Progress::default());
            engine.sync_now(&people(), &progress).await
        })
    };
    let first = run();
    world.wait(Duration::from_secs(2)).await;
    let second = run().await?;
    let why = second.err().map(|error| error.to_string());
    assert!(why.is_some_and(|why| why.contains("under way")));
    // Who asked for the first one goes away before it ends.
    first.abort();
    drop(first.await);
    world.control.core().faults.clear();
    run().await??;
    agrees(&world).await?;
    Ok(())
}
