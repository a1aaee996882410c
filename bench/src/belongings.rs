//! The first sync of tasks and notes, with the people that they belong to, between HighLevel and onOffice under HighLevel's limits,
//! against the time that these allow.
//!
//! As in [`crate::bound`]: what has to be read and written follows from what stands in the systems, and time is that of a clock
//! that leaps. onOffice documents no limit, so that its side takes no time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use connections::{Clock as _, Configs, ConnectionConfig, Connections, Purpose, Restart};
use connector::SecretText;
use mapping::SyncRules;
use record::Entity;
use sandbox::{Control, RouteCount, Sandbox, System, SystemCounts, judge::Belonging};
use serde_json::{Value as Json, json};
use store::{ConnectionName, SqliteStore, Store, SyncName, Workspace};
use sync::{Engine, EngineParts};
use tokio_util::sync::CancellationToken;

use crate::{
    Full, bound,
    bound::{CONTACTS_A_PAGE, HIGHLEVEL},
    figures::{Figures, Target},
    leaping::{LeapingClock, runtime},
};

/// Tasks of one page of HighLevel's search over all contacts.
const TASKS_A_PAGE: u64 = 100;

/// The activity that stands for a note.
const NOTE: &str = "Notiz";

const TASKS: Belonging = Belonging::Tasks;
const NOTES: Belonging = Belonging::Notes(NOTE);

/// Measures it, on a thread of its own.
pub(crate) async fn run(full: Full, items: usize, people: usize) -> Result<Figures> {
    let measured = std::thread::spawn(move || {
        let clock = Arc::new(LeapingClock::default());
        runtime(&clock)?.block_on(measure(Arc::clone(&clock), full, items, people))
    });
    tokio::task::spawn_blocking(move || {
        measured
            .join()
            .map_err(|_| anyhow!("the measurement ended in a bug"))?
    })
    .await?
}

/// What HighLevel has to be asked and told, in calls.
struct Needed {
    reads: u64,
    writes: u64,
}

/// From what stands there at the end. What was there before has to be read: contacts and tasks page by page, notes with a call for
/// each contact. What was made takes a call each.
fn needed(control: &Control, full: Full) -> Needed {
    let people = control.held(System::HighLevel).len() as u64;
    let of = |what: Belonging| control.belongings(System::HighLevel, what).len() as u64;
    match full {
        Full::Left => Needed {
            reads: people.div_ceil(CONTACTS_A_PAGE) + of(TASKS).div_ceil(TASKS_A_PAGE) + people,
            writes: 0,
        },
        Full::Right => Needed {
            reads: 2,
            writes: people + of(TASKS) + of(NOTES),
        },
    }
}

async fn measure(
    clock: Arc<LeapingClock>,
    full: Full,
    items: usize,
    people: usize,
) -> Result<Figures> {
    let (sandbox, engine) = world(&clock, full, items, people).await?;
    let control = sandbox.control();
    let handle = engine.handle();
    let stop = CancellationToken::new();
    let running = tokio::spawn(engine.run(stop.clone()));
    // Budgets count as spent after a start; by then HighLevel's window is free.
    clock.sleep(Duration::from_secs(61)).await;
    control.core().counts.reset();

    let begun = clock.steady();
    let report = bound::first_sync(&handle, "people").await?;
    bound::until_made(&handle, &clock).await?;
    let seconds = (clock.steady() - begun).as_secs_f64();
    let status = handle.status().await?;
    let totals = control.core().counts.totals(System::HighLevel);
    let asked = control.core().counts.all();

    // what is known and unchanged is listed, and not read one by one
    control.core().counts.reset();
    bound::first_sync(&handle, "people").await?;
    bound::until_made(&handle, &clock).await?;
    let again = control.core().counts.all();
    stop.cancel();
    running.await??;

    let needed = needed(&control, full);
    let earliest = HIGHLEVEL.earliest(needed.reads + needed.writes);
    let from = match full {
        Full::Left => "HighLevel into onOffice",
        Full::Right => "onOffice into HighLevel",
    };
    let mut figures = Figures::new(format!(
        "{items} tasks and {items} notes of {people} people from {from}, under HighLevel's limits, in virtual time"
    ));
    figures.judge(
        "time over the bound set by the limits",
        100.0 * (seconds / earliest - 1.0),
        "%",
        Target::AtMost(3.0),
    );
    figures.note("seconds", seconds, "s");
    figures.note("the bound", earliest, "s");
    figures.note("reads that it takes", needed.reads as f64, "calls");
    figures.note("writes that it takes", needed.writes as f64, "calls");
    let there = match full {
        Full::Left => System::OnOffice,
        Full::Right => System::HighLevel,
    };
    for (name, what) in [("tasks", TASKS), ("notes", NOTES)] {
        let across = control.belongings(there, what).len();
        figures.judge(
            format!("{name} that came across"),
            across as f64,
            "",
            Target::AtLeast(items as f64),
        );
    }
    figures.judge(
        "tasks and notes read one by one in a second run",
        single_reads(&again) as f64,
        "calls",
        Target::AtMost(0.0),
    );
    figures.note(
        "calls that HighLevel answered",
        (totals.reads + totals.writes) as f64,
        "calls",
    );
    figures.judge(
        "answers 429 of HighLevel",
        totals.throttled as f64,
        "",
        Target::AtMost(0.0),
    );
    let failing = status.overview.failing.values().sum::<u64>();
    figures.judge("failing", failing as f64, "", Target::AtMost(0.0));
    for (name, count) in &report.counts {
        figures.note(name.clone(), *count as f64, "");
    }
    for (system, counts) in asked {
        for route in &counts.routes {
            let name = format!(
                "  {system:?} {} {} → {}",
                route.method, route.route, route.status
            );
            figures.note(name, route.count as f64, "calls");
        }
    }
    Ok(figures)
}

/// How often HighLevel was asked for one task or note.
fn single_reads(counts: &BTreeMap<System, SystemCounts>) -> u64 {
    let routes = counts.values().flat_map(|counts| &counts.routes);
    let single = |route: &&RouteCount| {
        let ends = ["/tasks/{taskId}", "/notes/{id}"];
        route.method == "GET" && ends.iter().any(|end| route.route.ends_with(end))
    };
    routes.filter(single).map(|route| route.count).sum()
}

/// How long before the first sync everything was entered, in milliseconds.
const MONTH_MS: i64 = 30 * 86_400_000;

/// Two systems, of which one is full, connected, and an engine.
async fn world(
    clock: &Arc<LeapingClock>,
    full: Full,
    items: usize,
    people: usize,
) -> Result<(Sandbox, Engine)> {
    let sandbox = bound::simulated(
        clock,
        &[
            ("highlevel.search_lag_ms", json!(0)),
            ("highlevel.api_write_webhooks", json!(false)),
        ],
    )?;
    let control = sandbox.control();
    // nobody is there twice: who is who is measured elsewhere
    let person = |number: usize| {
        let (first, last) = (format!("Anna{number}"), format!("Muster{number}"));
        let email = format!("anna{number}@example.org");
        match full {
            Full::Left => json!({"firstName": first, "lastName": last, "email": email}),
            Full::Right => json!({"Vorname": first, "Name": last, "email": email}),
        }
    };
    let system = match full {
        Full::Left => System::HighLevel,
        Full::Right => System::OnOffice,
    };
    // what a first sync finds was entered long before it
    control.core().clock.run_with_offset(-MONTH_MS);
    let everybody: Vec<Json> = (0..people).map(person).collect();
    let owners = control.seed(system, &everybody)?;
    for number in 0..items {
        let owner = &owners[number % owners.len()];
        let (task, note) = (format!("Rückruf {number}"), format!("Gespräch {number}"));
        match full {
            Full::Left => in_highlevel(&control, owner, &task, &note)?,
            Full::Right => in_onoffice(&control, owner, &task, &note)?,
        }
    }
    control.core().clock.run_with_offset(0);
    let access = control.act(System::HighLevel, "access", &json!({}))?;
    let office = control.act(System::OnOffice, "show_access", &json!({}))?;
    let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory()?);
    let workspace = Workspace::from("default");
    let connections = Connections::open(
        bound::parts(clock, &sandbox, &store, &workspace)?,
        vec![
            Arc::new(highlevel::HighLevel::new()),
            Arc::new(onoffice::OnOffice::new()),
        ],
        configs(&access)?,
        |_| Restart::default(),
    )
    .await
    .map_err(|errors| anyhow!("the connections do not open: {errors:?}"))?;
    let connections = Arc::new(connections);
    connect(
        &connections,
        "marketing",
        &[("token", &access["privateToken"])],
    )
    .await?;
    connect(
        &connections,
        "office",
        &[("token", &office["token"]), ("secret", &office["secret"])],
    )
    .await?;
    let engine = Engine::new(EngineParts {
        store,
        connections,
        clock: Arc::<LeapingClock>::clone(clock),
        workspace,
        syncs: BTreeMap::from([(SyncName::from("people"), rules()?)]),
        options: sync::Options::default(),
    });
    Ok((sandbox, engine))
}

fn in_highlevel(control: &Control, contact: &str, task: &str, note: &str) -> Result<()> {
    for (kind, fields) in [
        (
            "task",
            json!({"contactId": contact, "title": task, "body": "", "completed": false, "dueDate": "2026-06-01T10:00:00.000Z"}),
        ),
        ("note", json!({"contactId": contact, "body": note})),
    ] {
        let item = json!({"kind": kind, "fields": fields});
        control.act(System::HighLevel, "create_item", &item)?;
    }
    Ok(())
}

fn in_onoffice(control: &Control, address: &str, task: &str, note: &str) -> Result<()> {
    let address: u64 = address.parse().context("the number of an address")?;
    for (resource, parameters) in [
        (
            "task",
            json!({
                "data": {"Betreff": task, "Art": 153, "Deadline": "2026-06-01 12:00:00", "Deadline_strikt": 1},
                "relatedAddressId": address,
            }),
        ),
        (
            "agentslog",
            json!({"addressids": [address], "actionkind": NOTE, "note": note}),
        ),
    ] {
        let create = json!({"action": "create", "resource": resource, "parameters": parameters});
        control.act(System::OnOffice, "perform", &create)?;
    }
    Ok(())
}

/// The rules of the shipped config for people, tasks and notes, without what would stop so large a run.
fn rules() -> Result<SyncRules> {
    let mut config: Json = serde_yaml_ng::from_str(include_str!("../../examples/demo.yaml"))?;
    let wanted = ["contact", "task", "note"];
    let entities = &mut config["syncs"]["people"]["entities"];
    if let Some(entities) = entities.as_object_mut() {
        entities.retain(|entity, _| wanted.contains(&entity.as_str()));
    }
    for entity in wanted {
        entities[entity]["limits"]["creates"] = json!({"share": 1.0, "number": 10_000_000});
    }
    Ok(serde_json::from_value(config["syncs"]["people"].take())?)
}

fn configs(access: &Json) -> Result<Configs> {
    let highlevel: ConnectionConfig = serde_json::from_value(json!({
        "system": "highlevel",
        "base_url": "http://sandbox.invalid/highlevel",
        "auth": {"scheme": "private_token"},
        "settings": {"country": "DE", "location_id": access["mainLocationId"], "task_due_days": 7},
        "allow_private_addresses": true,
    }))?;
    let onoffice: ConnectionConfig = serde_json::from_value(json!({
        "system": "onoffice",
        "base_url": "http://sandbox.invalid/onoffice",
        "auth": {"scheme": "api_user"},
        "settings": {"country": "DE", "task_type": 153, "note_kind": NOTE},
        "allow_private_addresses": true,
    }))?;
    Ok(Configs::from([
        (ConnectionName::from("marketing"), highlevel),
        (ConnectionName::from("office"), onoffice),
    ]))
}

async fn connect(connections: &Connections, name: &str, given: &[(&str, &Json)]) -> Result<()> {
    let purpose = Purpose {
        entities: vec![Entity::Contact, Entity::Task, Entity::Note],
        write: true,
        rights: Vec::new(),
    };
    let given = given
        .iter()
        .map(|(name, value)| {
            let text = value.as_str().with_context(|| format!("no {name}"))?;
            Ok(((*name).to_owned(), SecretText::new(text)))
        })
        .collect::<Result<_>>()?;
    connections
        .connect(&ConnectionName::from(name), given, &purpose)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_and_notes_come_across_with_little_more_than_what_it_takes() {
        let clock = Arc::new(LeapingClock::default());
        let figures = runtime(&clock)
            .unwrap()
            .block_on(measure(Arc::clone(&clock), Full::Right, 300, 60))
            .unwrap();
        let of = |name: &str| figures.value(name).unwrap();
        assert_eq!(of("tasks that came across"), 300.0);
        assert_eq!(of("notes that came across"), 300.0);
        assert_eq!(of("answers 429 of HighLevel"), 0.0);
        assert_eq!(of("failing"), 0.0);
        assert_eq!(of("tasks and notes read one by one in a second run"), 0.0);
        assert!(of("calls that HighLevel answered") >= of("writes that it takes"));
    }
}
