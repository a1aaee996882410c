//! A process that is killed at every step of a run: before and after each request and each command of the store, and
//! once more at another step of the process after it. The sandbox says how often each effect was had.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use connections::{Dice, TransportError};
use serde_json::{Value as Json, json};
use simulation::{HIGHLEVEL, ONOFFICE, World};
use store::{
    WorkflowRun, WorkflowRunFilter, WorkflowRunId, WorkflowRunState, WorkflowStore as _, Workspace,
};
use workflow::{Position, Runner, VendorHands, Web, model::Workflow};

use crate::support::{contact, link, options, seed};

/// At least so many processes are killed.
const KILLS: usize = 200;

/// At most so many runs, and only every so many steps where there are more.
const MOST: usize = 120;

/// No address is reached but those of the systems.
struct Nowhere;

#[async_trait::async_trait]
impl connections::Transport for Nowhere {
    async fn send(&self, _: connections::Outgoing) -> Result<connections::Answer, TransportError> {
        Err(TransportError::NotSent("there is nothing".to_owned()))
    }
}

/// Something of each kind: repeatable, looked up, through the sync, side by side, in a list, at most once.
fn flow() -> Result<Workflow> {
    let about = json!({"contactId": "{{ trigger.contact }}"});
    let with = |more: Json| {
        let mut input = about.clone();
        for (name, value) in more.as_object().into_iter().flatten() {
            input[name] = value.clone();
        }
        input
    };
    let operation = |id: &str, operation: &str, input: Json| {
        json!({"id": id, "retry": {"waits": [1, 2, 5, 20, 60, 120]},
            "operation": {"connection": "highlevel", "operation": operation, "input": input}})
    };
    let task = |id: &str, title: &str| {
        operation(
            id,
            "contacts.tasks.create",
            with(json!({"title": title, "dueDate": "2026-12-01T09:00:00Z", "completed": false})),
        )
    };
    Ok(serde_json::from_value(json!({
        "version": 1, "name": "all", "trigger": {"manual": {}}, "steps": [
            operation("tag", "contacts.add_tags", with(json!({"tags": ["t{{ trigger.n }}"]}))),
            operation("note", "contacts.notes.create", with(json!({"body": "note-{{ trigger.n }}."}))),
            {"id": "both", "parallel": {"branches": {
                "one": [task("task", "task-{{ trigger.n }}.")],
                "other": [{"id": "each", "for_each": {"items": ["a", "b"], "at_once": 2, "steps": [
                    task("part", "part-{{ item }}-{{ trigger.n }}.")]}}]}}},
            {"id": "edit", "retry": {"waits": [1, 2, 5, 20, 60, 120]}, "edit": {"sync": "people", "connection": "onoffice",
                "record": "{{ trigger.address }}", "fields": {"Ort": "City {{ trigger.n }}"}}},
            {"id": "pause", "delay": {"for": "1"}},
            operation("message", "conversations.messages.send", with(json!({"type": "SMS", "subType": "SMS",
                "status": "pending", "message": "message-{{ trigger.n }}."}))),
        ],
    }))?)
}

/// The process that runs now.
fn runner(world: &World) -> Runner {
    let store = Arc::new(world.store.of_process(&world.life()));
    let web = Web::new(Arc::new(Nowhere), world.clock(), Arc::default());
    let hands = VendorHands::new(Arc::clone(&world.connections), world.engine().clone(), web);
    Runner::new(
        store,
        Workspace::from("default"),
        world.clock(),
        Arc::new(Dice::seeded(7)),
        Arc::new(hands),
        workflow::Options {
            look_after: Duration::from_secs(1),
            ..workflow::Options::default()
        },
    )
}

async fn held(world: &World, run: WorkflowRunId) -> Result<WorkflowRun> {
    let run = world
        .store
        .workflow_run(&Workspace::from("default"), run)
        .await?;
    run.context("the run is there")
}

/// How often a text stands in a system.
fn count(world: &World, text: &str) -> usize {
    let dump = world.control.dump(HIGHLEVEL).to_string();
    dump.matches(text).count()
}

/// What nobody knows is answered as it is: a message that may have been sent, and what would stand in a list that is
/// just as long as a page.
async fn answer(world: &World, runner: &Runner, n: usize) -> Result<()> {
    let filter = WorkflowRunFilter {
        state: Some(WorkflowRunState::Asking),
        children: true,
        ..WorkflowRunFilter::default()
    };
    let workspace = Workspace::from("default");
    for run in world.store.workflow_runs(&workspace, &filter).await? {
        let position: Position = serde_json::from_value(run.position)?;
        let step = position.at.context("it asks about a step")?;
        let text = match run.body["item"].as_str() {
            Some(item) => format!("{step}-{item}-{n}."),
            None => format!("{step}-{n}."),
        };
        let choice = if count(world, &text) > 0 {
            "done"
        } else {
            "repeat"
        };
        runner.answer(run.id, choice, None).await?;
    }
    Ok(())
}

/// Drives until the run has ended.
async fn drive(world: &World, run: WorkflowRunId, n: usize) -> Result<()> {
    let runner = runner(world);
    runner.start().await?;
    loop {
        let now = held(world, run).await?;
        if now.state.has_ended() {
            return Ok(());
        }
        answer(world, &runner, n).await?;
        let claimed = runner.claim(4).await?;
        if claimed.is_empty() {
            world.wait(Duration::from_millis(200)).await;
        }
        for run in claimed {
            runner.drive(run).await?;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_at_any_step_has_each_effect_once() -> Result<()> {
    let mut options = options();
    options.webhooks = false;
    options.speed = 50;
    // the one pair is edited again and again: no limit is to stop that
    let overwrites = &mut contact(&mut options.rules).limits.overwrites;
    (overwrites.share, overwrites.number) = (1_000_000.0, 1_000_000);
    let mut world = World::new(options).await?;
    // several, so that nobody gets so many tasks that a list of them goes on
    let pairs = ["Anna", "Berta", "Clara", "Dora", "Erna", "Frieda"];
    let pairs = pairs
        .iter()
        .map(|name| seed(&world, name))
        .collect::<Result<Vec<_>>>()?;
    link(&world, &pairs.iter().collect::<Vec<_>>()).await?;
    let flow = flow()?;
    let body = serde_json::to_value(&flow)?;
    let workspace = Workspace::from("default");
    let now = world.now();
    world
        .store
        .publish_workflow(&workspace, "all", &body, None, now)
        .await?;
    let mut kills = 0;
    // the boundaries of a run that nobody kills, and then one run for each of them and a few more
    let mut boundaries = 0;
    let mut once: Vec<usize> = Vec::new();
    let (mut n, mut stride) = (0, 1);
    while (n - usize::from(n > 0)) * stride < boundaries || n == 0 || kills < KILLS {
        let pair = &pairs[n % pairs.len()];
        let texts =
            ["note", "task", "part-a", "part-b", "message"].map(|what| format!("{what}-{n}."));
        let accepting = runner(&world);
        let stored = accepting.workflow("all").await?;
        let trigger = json!({"n": n, "contact": pair.highlevel, "address": pair.onoffice});
        let run = accepting.accept(&stored, None, trigger, Vec::new()).await?;
        let run = run.context("it is new")?;
        // the second process dies, too, somewhere else
        let ends = match n {
            0 => vec![],
            n => vec![(n - 1) * stride % boundaries, (n * 7) % boundaries],
        };
        world.life().count(None);
        let mut died_at = Vec::new();
        for end in ends {
            let life = world.life();
            life.count(Some(end));
            let died = tokio::select! {
                () = life.ended() => true,
                driven = drive(&world, run, n) => { driven?; false }
            };
            if died {
                kills += 1;
                died_at.extend(life.passed().pop());
                world.kill_and_restart()?;
            }
        }
        if n > 0 {
            world.life().count(None);
        }
        drive(&world, run, n).await?;
        let ended = held(&world, run).await?;
        ensure!(
            ended.state == WorkflowRunState::Done,
            "run {n} {:?}: {:?}",
            ended.state,
            ended.note
        );
        let counts: Vec<usize> = texts.iter().map(|text| count(&world, text)).collect();
        if n == 0 {
            boundaries = world.life().passed().len();
            stride = boundaries.div_ceil(MOST).max(1);
            ensure!(counts.iter().all(|count| *count > 0), "{counts:?}");
            once = counts;
        } else {
            ensure!(
                counts == once,
                "run {n}, killed at {died_at:?}: {counts:?}, and once is {once:?}"
            );
        }
        ensure!(
            count(&world, &format!("\"t{n}\"")) > 0,
            "the tag of run {n}"
        );
        for system in [HIGHLEVEL, ONOFFICE] {
            let id = if system == HIGHLEVEL {
                &pair.highlevel
            } else {
                &pair.onoffice
            };
            ensure!(
                world.held(system, id)?.city == format!("City {n}"),
                "run {n}"
            );
        }
        n += 1;
    }
    println!(
        "{kills} processes were killed in {n} runs of {boundaries} steps, at every {stride}. step first"
    );
    Ok(())
}
