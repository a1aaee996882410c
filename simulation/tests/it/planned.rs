//! What the plan showed is what applying it writes: row for row, and nothing else.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result, ensure};
use record::{Field, RecordId, Side};
use sandbox::{
    Operation, System,
    judge::{Held, Pair},
    people,
};
use serde_json::json;
use simulation::{HIGHLEVEL, ONOFFICE, Options, World, shipped_rules};
use store::{PlanId, PlanRow, PlanRowState, RunState, Store as _};
use sync::{MOST_CHANGED, Plan, PlanReport, Planned, Progress, What};
use tokio::sync::watch;

use crate::support::{
    agrees, contact, is_named, numbers, on_the_left, on_the_right, one_pair, options, questions,
    seed,
};

fn quietly() -> watch::Sender<Progress> {
    watch::channel(Progress::default()).0
}

async fn plan(world: &World) -> Result<Plan> {
    let made = world.engine().plan(&simulation::people(), &quietly()).await;
    Ok(made?)
}

fn id(plan: &Plan) -> Result<PlanId> {
    Ok(plan.id.parse()?)
}

async fn apply(world: &World, plan: &Plan, most_changed: f64) -> Result<PlanReport> {
    let applied = world
        .engine()
        .apply_plan(id(plan)?, most_changed, &quietly())
        .await;
    Ok(applied?)
}

/// All rows with what they show.
async fn rows(world: &World, plan: &Plan) -> Result<Vec<(PlanRow, Planned)>> {
    let rows = world.engine().plan_rows(id(plan)?, None, 0, 0).await?;
    rows.into_iter()
        .map(|row| {
            let planned = serde_json::from_value(row.body.clone())?;
            Ok((row, planned))
        })
        .collect()
}

fn system(side: Side) -> System {
    match side {
        Side::Left => HIGHLEVEL,
        Side::Right => ONOFFICE,
    }
}

fn at(side: Side) -> usize {
    usize::from(side == Side::Right)
}

fn record(row: &PlanRow, side: Side) -> Option<&RecordId> {
    match side {
        Side::Left => row.left.as_ref(),
        Side::Right => row.right.as_ref(),
    }
}

/// What the vendor holds of a mapping that carries its text as it is.
fn text<'a>(held: &'a Held, mapping: &str) -> Option<&'a str> {
    Some(match mapping {
        "first_name" => &held.first_name,
        "last_name" => &held.last_name,
        "street" => &held.street,
        "postcode" => &held.postcode,
        "city" => &held.city,
        "company" => &held.company,
        _ => return None,
    })
}

/// The vendor holds what the row shows for it.
fn holds(world: &World, side: Side, id: &str, planned: &Planned) -> Result<usize> {
    let held = world.held(system(side), id)?;
    let mut compared = 0;
    for (mapping, field) in &planned.fields {
        let Some((Field::Value(value), there)) = field.to(side).zip(text(&held, mapping)) else {
            continue;
        };
        ensure!(
            value.as_text() == Some(there),
            "{mapping} of {id}: {value:?} was shown and {there:?} is there"
        );
        compared += 1;
    }
    Ok(compared)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_for_row_the_vendors_receive_what_the_plan_shows() -> Result<()> {
    let world = World::new(Options {
        people: people::Plan {
            both: 60,
            highlevel_only: 25,
            onoffice_only: 25,
            duplicate_percent: 8,
            ..people::Plan::shipped()
        },
        ..options()
    })
    .await?;
    let plan = plan(&world).await?;
    assert_eq!(world.writes(), 0);
    let before = numbers(&world);
    let mark = world.edit_mark();
    let report = apply(&world, &plan, MOST_CHANGED).await?;
    assert_eq!(report.state, RunState::Done, "{report:#?}");
    assert_eq!(report.changed, 0, "{report:#?}");
    assert_eq!(report.done + report.left_out, plan.rows, "{report:#?}");
    // Everything that the vendors received, held against what was shown.
    let mut received: BTreeSet<(String, String, String)> = BTreeSet::new();
    let mut made: BTreeSet<(String, String)> = BTreeSet::new();
    for edit in world.api_edits(mark) {
        let system = format!("{:?}", edit.system);
        match edit.operation {
            Operation::Update => received.extend(
                edit.fields
                    .iter()
                    .map(|field| (system.clone(), edit.id.to_string(), field.to_string())),
            ),
            Operation::Create => drop(made.insert((system, edit.id.to_string()))),
            other => anyhow::bail!("nobody planned to {other:?}"),
        }
    }
    let pairs = world.pairs().await?;
    let linked: BTreeSet<&Pair> = pairs.iter().collect();
    let (mut whole, mut values) = (0, 0);
    for (row, planned) in rows(&world, &plan).await? {
        let refused = row.note.is_some();
        match (planned.what, row.state) {
            (What::Ask, state) => {
                assert_eq!(state, PlanRowState::Question);
                continue;
            }
            (_, PlanRowState::Done) => {}
            // What a vendor holds equal to something else is known only once it was asked.
            (What::Create, PlanRowState::LeftOut) => continue,
            (what, state) => anyhow::bail!("{what:?} is {state:?}: {row:?}"),
        }
        for side in Side::BOTH {
            let Some(writes) = &planned.writes[at(side)] else {
                continue;
            };
            if planned.what == What::Create {
                let source = record(&row, planned.side).context("a source")?;
                let pair = pairs
                    .iter()
                    .find(|pair| {
                        let own = match planned.side {
                            Side::Left => &pair.highlevel,
                            Side::Right => &pair.onoffice,
                        };
                        own == source.as_str()
                    })
                    .context("it has no counterpart")?;
                let id = match side {
                    Side::Left => &pair.highlevel,
                    Side::Right => &pair.onoffice,
                };
                let key = (format!("{:?}", system(side)), id.clone());
                ensure!(made.remove(&key), "{id} was not made");
                if !refused {
                    values += holds(&world, side, id, &planned)?;
                }
                continue;
            }
            let id = record(&row, side).context("a record")?;
            let ours = |(of, record, field): &(String, String, String)| {
                *of == format!("{:?}", system(side))
                    && record == id.as_str()
                    && writes
                        .iter()
                        .any(|(name, _)| is_named(field, name.as_str()))
            };
            let found: Vec<_> = received.iter().filter(|one| ours(one)).cloned().collect();
            ensure!(
                refused || !found.is_empty(),
                "{id} did not receive {writes:?}"
            );
            for one in found {
                received.remove(&one);
            }
            if !refused {
                whole += 1;
                values += holds(&world, side, id.as_str(), &planned)?;
            }
        }
        if let (Some(left), Some(right)) = (&row.left, &row.right) {
            let pair = Pair {
                highlevel: left.to_string(),
                onoffice: right.to_string(),
            };
            ensure!(linked.contains(&pair), "{pair:?} is not linked");
        }
    }
    assert!(received.is_empty(), "nobody showed that: {received:#?}");
    assert!(made.is_empty(), "nobody showed that: {made:#?}");
    assert!(whole > 10 && values > 50, "{whole} rows, {values} values");
    // It is off as before: nothing else happens.
    let writes = world.writes();
    world.wait(Duration::from_secs(10)).await;
    world.poll().await?;
    assert_eq!(world.writes(), writes);
    assert!(numbers(&world) > before);
    // And what is left is a run's.
    world.sync().await?;
    world.settle().await?;
    assert!(world.pairs().await?.len() >= pairs.len());
    Ok(())
}

/// So many linked people whose city is another one on the left.
async fn differing(number: usize) -> Result<(World, Vec<Pair>)> {
    let world = World::new(options()).await?;
    let mut pairs = Vec::new();
    for at in 0..number {
        pairs.push(seed(
            &world,
            &format!("Anna{}", char::from(b'a' + u8::try_from(at)?)),
        )?);
    }
    world.sync().await?;
    world.settle().await?;
    world
        .engine()
        .pause(&simulation::people(), "a test")
        .await?;
    for pair in &pairs {
        world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    }
    world.wait(Duration::from_secs(3)).await;
    Ok((world, pairs))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_whose_inputs_changed_is_left_out_and_listed() -> Result<()> {
    let (world, pairs) = differing(12).await?;
    let writes = world.writes();
    let plan = plan(&world).await?;
    assert_eq!(world.writes(), writes);
    assert_eq!((plan.linked, plan.changed, plan.rows), (12, 12, 12));
    assert_eq!((plan.right.updates, plan.right.writes), (12, 12));
    assert_eq!(plan.right.fields.get("city"), Some(&12));
    assert_eq!(plan.left.updates, 0);
    // The target of one row, and another field of one.
    world.edit(ONOFFICE, &pairs[3].onoffice, &json!({"Ort": "Werder"}))?;
    world.edit(
        HIGHLEVEL,
        &pairs[7].highlevel,
        &json!({"lastName": "Brandis"}),
    )?;
    world.wait(Duration::from_secs(3)).await;
    let report = apply(&world, &plan, 0.25).await?;
    assert_eq!(report.state, RunState::Done, "{report:#?}");
    assert_eq!(
        (report.changed, report.done, report.left_out, report.waiting),
        (2, 10, 2, 0),
        "{report:#?}"
    );
    let told: Vec<(&str, &str)> = report
        .rows
        .iter()
        .filter_map(|row| Some((row.left.as_ref()?.as_str(), row.why.as_str())))
        .collect();
    assert!(
        told.contains(&(
            pairs[3].highlevel.as_str(),
            "changed since: city on the right"
        )),
        "{told:?}"
    );
    assert!(
        told.contains(&(
            pairs[7].highlevel.as_str(),
            "changed since: last_name on the left"
        )),
        "{told:?}"
    );
    for (number, pair) in pairs.iter().enumerate() {
        let city = world.held(ONOFFICE, &pair.onoffice)?.city;
        let expected = match number {
            3 => "Werder",
            7 => "Berlin",
            _ => "Potsdam",
        };
        assert_eq!(city, expected, "of {number}");
    }
    // Once more does nothing more.
    let writes = world.writes();
    let again = apply(&world, &plan, 0.25).await?;
    assert_eq!((again.done, again.left_out), (10, 2), "{again:#?}");
    assert_eq!(world.writes(), writes);
    // The sync goes on with what the plan left out.
    world.engine().resume(&simulation::people()).await?;
    world.settle().await?;
    agrees(&world).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_changed_rows_stop_before_the_first_write() -> Result<()> {
    let (world, pairs) = differing(10).await?;
    let plan = plan(&world).await?;
    for pair in &pairs[..3] {
        world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Werder"}))?;
    }
    world.wait(Duration::from_secs(3)).await;
    let writes = world.writes();
    let stopped = apply(&world, &plan, MOST_CHANGED).await?;
    assert_eq!(stopped.state, RunState::Stopped, "{stopped:#?}");
    assert_eq!((stopped.changed, stopped.checked, stopped.done), (3, 10, 0));
    assert_eq!(stopped.rows.len(), 3, "{stopped:#?}");
    assert_eq!(world.writes(), writes, "something was written all the same");
    // Who says so gets the rest.
    let report = apply(&world, &plan, 0.5).await?;
    assert_eq!((report.done, report.left_out), (7, 3), "{report:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_of_other_rules_shows_what_they_write_and_writes_nothing() -> Result<()> {
    let mut options = options();
    let old = {
        let mut rules = shipped_rules();
        contact(&mut rules)
            .fields
            .retain(|mapping| mapping.name.as_deref() != Some("city"));
        rules
    };
    options.rules = old.clone();
    let mut world = World::new(options).await?;
    let mut pairs = Vec::new();
    for name in ["Anna", "Berta", "Clara"] {
        let mut left = on_the_left(name);
        left["city"] = json!("Potsdam");
        pairs.push(world.seed_pair(&left, &on_the_right(name))?);
    }
    world.sync().await?;
    world.settle().await?;
    let writes = world.writes();
    let overview = world.store.overview(&"default".into()).await?;
    let plan = world
        .engine()
        .plan_with(&simulation::people(), shipped_rules(), &quietly())
        .await?;
    assert!(plan.other_rules);
    assert_eq!(plan.without_base.get("city"), Some(&3), "{plan:#?}");
    assert_eq!(
        (plan.changed, plan.right.updates, plan.right.writes),
        (3, 3, 3)
    );
    assert_eq!(plan.right.fields.get("city"), Some(&3));
    assert_eq!(plan.left.updates, 0);
    assert_eq!(world.writes(), writes);
    assert_eq!(
        world.store.overview(&"default".into()).await?.dirty,
        overview.dirty,
        "the sync was told to look at something"
    );
    // Rules that are not in force are not carried out.
    let refused = apply(&world, &plan, MOST_CHANGED).await.unwrap_err();
    assert!(refused.to_string().contains("not in force"), "{refused}");
    let people = simulation::people();
    world.engine().pause(&people, "new rules").await?;
    world.apply(shipped_rules()).await;
    let report = apply(&world, &plan, MOST_CHANGED).await?;
    assert_eq!((report.done, report.left_out), (3, 0), "{report:#?}");
    for pair in &pairs {
        assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    }
    let writes = world.writes();
    world.engine().resume(&people).await?;
    world.settle().await?;
    assert_eq!(world.writes(), writes, "more was written than was shown");
    agrees(&world).await?;
    // A plan of rules that are gone is no use any more.
    world.apply(old).await;
    let refused = apply(&world, &plan, MOST_CHANGED).await.unwrap_err();
    assert!(refused.to_string().contains("not in force"), "{refused}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conflicts_and_doubles_are_shown_as_the_questions_that_they_become() -> Result<()> {
    let (world, pair) = one_pair(options()).await?;
    let people = simulation::people();
    world.engine().pause(&people, "a test").await?;
    world.edit(
        HIGHLEVEL,
        &pair.highlevel,
        &json!({"dateOfBirth": "1981-05-17", "city": "Potsdam"}),
    )?;
    world.edit(
        ONOFFICE,
        &pair.onoffice,
        &json!({"Geburtsdatum": "1982-05-17"}),
    )?;
    // One person twice on the right, nowhere on the left.
    for _ in 0..2 {
        world.seed(ONOFFICE, &on_the_right("Berta"))?;
    }
    world.wait(Duration::from_secs(3)).await;
    let plan = plan(&world).await?;
    assert_eq!(plan.conflicts_by.get("birthday"), Some(&1), "{plan:#?}");
    assert_eq!(plan.right.duplicates, 2, "{plan:#?}");
    assert_eq!(
        (plan.right.ambiguous, plan.left.creates),
        (1, 1),
        "{plan:#?}"
    );
    assert_eq!(plan.asked.values().sum::<u64>(), 1, "{plan:#?}");
    assert_eq!(plan.right.fields.get("city"), Some(&1), "{plan:#?}");
    let report = apply(&world, &plan, MOST_CHANGED).await?;
    assert_eq!((report.done, report.left_out), (2, 0), "{report:#?}");
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.city, "Potsdam");
    assert_eq!(world.held(ONOFFICE, &pair.onoffice)?.birthday, "1982-05-17");
    assert_eq!(questions(&world).await?.len(), 1);
    Ok(())
}

/// People to link, to change and to make, planned; the sync has not begun.
async fn prepared() -> Result<(World, Plan)> {
    let mut options = options();
    options.speed = 20;
    let world = World::new(options).await?;
    for name in ["Anna", "Berta"] {
        let pair = seed(&world, name)?;
        world.edit(HIGHLEVEL, &pair.highlevel, &json!({"city": "Potsdam"}))?;
    }
    world.seed(HIGHLEVEL, &on_the_left("Clara"))?;
    world.seed(ONOFFICE, &on_the_right("Dora"))?;
    world.wait(Duration::from_secs(3)).await;
    let plan = plan(&world).await?;
    ensure!(plan.rows == 4, "{plan:#?}");
    Ok((world, plan))
}

/// Applied and killed at a step, or not at all; then applied again. Says how many steps there were.
async fn killed(step: Option<usize>) -> Result<usize> {
    let (mut world, plan) = prepared().await?;
    let mark = world.edit_mark();
    let life = world.life();
    life.count(step);
    tokio::select! {
        biased;
        () = life.ended() => {}
        applied = apply(&world, &plan, MOST_CHANGED) => drop(applied?),
    }
    let passed = life.passed().len();
    life.count(None);
    if life.is_over() {
        world.kill_and_restart()?;
    }
    let mut report = apply(&world, &plan, MOST_CHANGED).await?;
    if report.waiting > 0 {
        report = apply(&world, &plan, MOST_CHANGED).await?;
    }
    ensure!(
        (report.done, report.left_out, report.waiting) == (4, 0, 0),
        "{report:#?}"
    );
    ensure!(numbers(&world) == (4, 4), "{:?}", numbers(&world));
    let mut once = BTreeSet::new();
    for edit in world.api_edits(mark) {
        for field in &edit.fields {
            let key = (
                format!("{:?}", edit.system),
                edit.id.to_string(),
                field.to_string(),
            );
            ensure!(once.insert(key), "twice: {edit:?}");
        }
    }
    ensure!(world.pairs().await?.len() == 4);
    Ok(passed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_step_it_is_applied_again_and_nothing_is_written_twice() -> Result<()> {
    if let Some(step) = std::env::var("STEP")
        .ok()
        .and_then(|step| step.parse().ok())
    {
        killed(Some(step)).await?;
        return Ok(());
    }
    let steps = killed(None).await?;
    ensure!(steps > 40, "there is little to kill: {steps}");
    for step in (0..steps).step_by(3) {
        killed(Some(step)).await.with_context(|| {
            format!("step {step} of {steps}; replay it with: STEP={step} cargo nextest run -p simulation killed_at_any_step")
        })?;
    }
    Ok(())
}
