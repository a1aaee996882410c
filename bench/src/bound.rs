//! The first sync of a full OfficeRnD into an empty HighLevel, and the other way, under the limits of both,
//! against the time that these limits allow.
//!
//! That bound is made of what stands in the systems at the end and of what their documentation says that one
//! call can do, not of the calls that were sent. Engine, connectors and simulated systems run in this process on
//! [a clock that leaps](crate::leaping): work takes no time, only limits do.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use connections::{
    Clock as _, Configs, ConnectionConfig, Connections, Dice, NoCallLog, Parts, Purpose, Restart,
    ServiceTransport,
};
use connector::SecretText;
use mapping::SyncRules;
use record::Entity;
use sandbox::{Control, Sandbox, System, judge::Held, people::Plan};
use serde_json::{Value as Json, json};
use server::StoredCredentials;
use store::{ConnectionName, SqliteStore, Store, SyncName, Workspace};
use sync::{Engine, EngineParts, Handle, Progress};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    Full,
    figures::{Figures, Target},
    leaping::{LeapingClock, runtime},
    process::populate,
};

/// Requests in 10 seconds to one sub-account of HighLevel (marketplace documentation, "Rate limits").
pub(crate) const HIGHLEVEL: Limit = Limit {
    at_once: 100,
    every: 10.0,
};

/// Reads a minute of an OfficeRnD organisation; the sandbox's, after what a client measured.
const READS: Limit = Limit {
    at_once: 400,
    every: 60.0,
};

/// Writes a minute and a day of an OfficeRnD organisation; the sandbox's, guesses.
const WRITES: Limit = Limit {
    at_once: 100,
    every: 60.0,
};
const WRITES_A_DAY: u64 = 5_000;
const DAY: f64 = 86_400.0;

/// Records of one page: HighLevel's search takes 500 contacts (`pageLimit`), its businesses come by 100, OfficeRnD's
/// lists by 50 (`$limit`).
pub(crate) const CONTACTS_A_PAGE: u64 = 500;
const BUSINESSES_A_PAGE: u64 = 100;
const RECORDS_A_PAGE: u64 = 50;

/// Contacts that `POST /contacts/bulk/business` puts into one company at once.
const ASSIGNED_AT_ONCE: u64 = 50;

/// A sliding window.
pub(crate) struct Limit {
    at_once: u64,
    /// Seconds.
    every: f64,
}

impl Limit {
    /// The earliest that so many calls can have been sent, from a free window, in seconds.
    pub(crate) fn earliest(&self, calls: u64) -> f64 {
        calls.saturating_sub(1).div_euclid(self.at_once) as f64 * self.every
    }
}

/// The same for writes to OfficeRnD, which has a window of a day as well.
fn earliest_writes(calls: u64) -> f64 {
    let before = calls.saturating_sub(1);
    (before / WRITES_A_DAY) as f64 * DAY + WRITES.earliest(before % WRITES_A_DAY + 1)
}

/// The time that the limits allow, in seconds.
struct Bound {
    /// For reading both sides, at the same time.
    listing: f64,
    /// For what has to be written.
    writing: f64,
    /// Calls that write.
    writes: u64,
}

/// What has to be read and written, from what stands in the systems.
fn bound(control: &Control, full: Full) -> Bound {
    let of =
        |held: Vec<Held>| -> Vec<Held> { held.into_iter().filter(|held| !held.gone).collect() };
    let people = [System::HighLevel, System::OfficeRnd].map(|system| of(control.held(system)));
    let companies =
        [System::HighLevel, System::OfficeRnd].map(|system| of(control.companies(system)));
    // What was there before the first sync has to be read: at least one page of each.
    let pages = |held: &[Held], a_page: u64| {
        let before = held.iter().filter(|held| !held.by_client).count() as u64;
        before.div_ceil(a_page).max(1)
    };
    let made = |held: &[Held]| held.iter().filter(|held| held.by_client).count() as u64;
    let listing = HIGHLEVEL
        .earliest(pages(&people[0], CONTACTS_A_PAGE) + pages(&companies[0], BUSINESSES_A_PAGE))
        .max(
            READS
                .earliest(pages(&people[1], RECORDS_A_PAGE) + pages(&companies[1], RECORDS_A_PAGE)),
        );
    match full {
        Full::Left => {
            let writes = made(&people[1]) + made(&companies[1]);
            Bound {
                listing,
                writing: earliest_writes(writes),
                writes,
            }
        }
        Full::Right => {
            let mut members: BTreeMap<&str, u64> = BTreeMap::new();
            for person in people[0].iter().filter(|person| person.by_client) {
                if !person.company_id.is_empty() {
                    *members.entry(&person.company_id).or_default() += 1;
                }
            }
            let assigned: u64 = members
                .values()
                .map(|members| members.div_ceil(ASSIGNED_AT_ONCE))
                .sum();
            let writes = made(&people[0]) + made(&companies[0]) + assigned;
            Bound {
                listing,
                writing: HIGHLEVEL.earliest(writes),
                writes,
            }
        }
    }
}

/// How much longer than the limits allow for what stands there now it took, in percent.
fn over(control: &Control, full: Full, seconds: f64) -> f64 {
    let bound = bound(control, full);
    100.0 * (seconds / (bound.listing + bound.writing) - 1.0)
}

/// Measures it, on a thread of its own.
pub(crate) async fn run(full: Full, people: usize) -> Result<Figures> {
    let measured = std::thread::spawn(move || {
        let clock = Arc::new(LeapingClock::default());
        let mut measured = runtime(&clock)?.block_on(measure(Arc::clone(&clock), full, people))?;
        let figures = &mut measured.figures;
        figures.note("writes that it takes", measured.needed as f64, "calls");
        figures.note(
            "calls that HighLevel answered",
            measured.sent as f64,
            "calls",
        );
        Ok(measured.figures)
    });
    tokio::task::spawn_blocking(move || {
        measured
            .join()
            .map_err(|_| anyhow!("the measurement ended in a bug"))?
    })
    .await?
}

/// What came out.
struct Measured {
    figures: Figures,
    /// Calls that HighLevel answered.
    sent: u64,
    /// Calls that write, where HighLevel is the one that is filled.
    needed: u64,
}

async fn measure(clock: Arc<LeapingClock>, full: Full, people: usize) -> Result<Measured> {
    let (sandbox, engine) = world(&clock, full, people).await?;
    let control = sandbox.control();
    let handle = engine.handle();
    let stop = CancellationToken::new();
    let running = tokio::spawn(engine.run(stop.clone()));
    // Budgets count as spent after a start; by then the windows of both are free.
    clock.sleep(Duration::from_secs(61)).await;
    control.core().counts.reset();

    let begun = clock.steady();
    let report = first_sync(&handle, "members").await?;
    // What is left then waits for the next day.
    let first_day = over(&control, full, (clock.steady() - begun).as_secs_f64());
    until_made(&handle, &clock).await?;
    let seconds = (clock.steady() - begun).as_secs_f64();
    let status = handle.status().await?;
    stop.cancel();
    running.await??;

    let bound = bound(&control, full);
    let mut figures = Figures::new(match full {
        Full::Left => format!(
            "First sync of {people} HighLevel contacts into an empty OfficeRnD, under the limits of both, in virtual time"
        ),
        Full::Right => format!(
            "First sync of {people} OfficeRnD members into an empty HighLevel, under the limits of both, in virtual time"
        ),
    });
    figures.judge(
        "time over the bound set by the limits",
        over(&control, full, seconds),
        "%",
        Target::AtMost(3.0),
    );
    if seconds > DAY {
        figures.note("the same for the first day alone", first_day, "%");
    }
    figures.note("seconds", seconds, "s");
    figures.note("the bound: reading both sides", bound.listing, "s");
    figures.note("the bound: writing", bound.writing, "s");
    let counts = control.core().counts.all();
    for system in [System::HighLevel, System::OfficeRnd] {
        let totals = control.core().counts.totals(system);
        // What OfficeRnD allows in a day is announced with reads alone: that no more writes are taken is learnt
        // by one that is refused, once a day.
        let days = (seconds / DAY).ceil();
        figures.judge(
            format!("answers 429 of {system:?}"),
            totals.throttled as f64,
            "",
            Target::AtMost(match (full, system) {
                (Full::Left, System::OfficeRnd) => days,
                _ => 0.0,
            }),
        );
    }
    let fails = status.overview.failing.values().sum::<u64>();
    figures.judge("failing", fails as f64, "", Target::AtMost(0.0));
    for (name, count) in &report.counts {
        figures.note(name.clone(), *count as f64, "");
    }
    let mut failing: BTreeMap<String, u64> = BTreeMap::new();
    for record in status.failing_records {
        *failing
            .entry(format!(
                "{} {}: {}",
                record.connection, record.entity, record.error
            ))
            .or_default() += 1;
    }
    for (why, count) in failing {
        figures.note(
            format!("of the first 100 that fail, {why}"),
            count as f64,
            "",
        );
    }
    let questions: u64 = status
        .overview
        .reviews
        .values()
        .flat_map(|kinds| kinds.values())
        .sum();
    figures.note("questions", questions as f64, "");
    for (system, counts) in counts {
        for route in &counts.routes {
            figures.note(
                format!(
                    "  {system:?} {} {} → {}",
                    route.method, route.route, route.status
                ),
                route.count as f64,
                "calls",
            );
        }
    }
    let totals = control.core().counts.totals(System::HighLevel);
    Ok(Measured {
        figures,
        sent: totals.reads + totals.writes,
        needed: bound.writes,
    })
}

pub(crate) async fn first_sync(handle: &Handle, sync: &str) -> Result<sync::RunReport> {
    let (progress, _) = watch::channel(Progress::default());
    Ok(handle.sync_now(&SyncName::from(sync), &progress).await?)
}

/// A run ends when what is left waits for a limit of a day. This waits until that is made as well, or until a
/// whole day brings nothing.
pub(crate) async fn until_made(handle: &Handle, clock: &LeapingClock) -> Result<()> {
    /// What takes days is not looked at every second.
    const LOOK: Duration = Duration::from_secs(20);
    let mut least = u64::MAX;
    let mut since = clock.steady();
    loop {
        let status = handle.status().await?;
        let dirty = status
            .overview
            .dirty
            .values()
            .flat_map(|lanes| lanes.values());
        let left: u64 = dirty.sum();
        if left == 0 {
            return Ok(());
        }
        if left < least {
            (least, since) = (left, clock.steady());
        }
        if (clock.steady() - since).as_secs_f64() > DAY + 3600.0 {
            return Ok(());
        }
        clock.sleep(LOOK).await;
    }
}

/// Two systems, of which one is full, connected, and an engine.
async fn world(clock: &Arc<LeapingClock>, full: Full, people: usize) -> Result<(Sandbox, Engine)> {
    let sandbox = simulated(
        clock,
        &[
            ("highlevel.search_lag_ms", json!(0)),
            ("highlevel.api_write_webhooks", json!(false)),
            ("officernd.api_write_webhooks", json!(false)),
        ],
    )?;
    let control = sandbox.control();
    let (highlevel, officernd) = match full {
        Full::Left => (people, 0),
        Full::Right => (0, people),
    };
    populate(
        &control,
        &Plan {
            highlevel_only: highlevel,
            officernd_only: officernd,
            ..Plan::large(2026, 0)
        },
    )?;
    let access = control.act(System::HighLevel, "access", &json!({}))?;
    let coworking = control.act(System::OfficeRnd, "access", &json!({}))?;
    let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory()?);
    let workspace = Workspace::from("default");
    let parts = parts(clock, &sandbox, &store, &workspace)?;
    let connections = Connections::open(
        parts,
        vec![
            Arc::new(highlevel::HighLevel::new()),
            Arc::new(officernd::OfficeRnD::new()),
        ],
        configs(&access, &coworking)?,
        |_| Restart::default(),
    )
    .await
    .map_err(|errors| anyhow!("the connections do not open: {errors:?}"))?;
    let connections = Arc::new(connections);
    connect(&connections, &access, &coworking).await?;
    let engine = Engine::new(EngineParts {
        store,
        connections,
        clock: Arc::<LeapingClock>::clone(clock),
        workspace,
        syncs: BTreeMap::from([(SyncName::from("members"), rules()?)]),
        options: sync::Options::default(),
    });
    Ok((sandbox, engine))
}

/// Simulated systems whose time is that of the clock.
pub(crate) fn simulated(clock: &Arc<LeapingClock>, switches: &[(&str, Json)]) -> Result<Sandbox> {
    let (source, sleeper) = (Arc::clone(clock), Arc::clone(clock));
    Ok(Sandbox::new(sandbox::Options {
        switches: switches
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        clock: sandbox::Clock::from_source(Arc::new(move || source.now().as_millisecond())),
        sleep: Some(Arc::new(move |pause| {
            let clock = Arc::clone(&sleeper);
            Box::pin(async move { clock.sleep(pause).await })
        })),
        ..sandbox::Options::default()
    })?)
}

/// What connections to them are built with.
pub(crate) fn parts(
    clock: &Arc<LeapingClock>,
    sandbox: &Sandbox,
    store: &Arc<dyn Store>,
    workspace: &Workspace,
) -> Result<Parts> {
    Ok(Parts {
        workspace: workspace.as_str().to_owned(),
        clock: Arc::<LeapingClock>::clone(clock),
        dice: Arc::new(Dice::seeded(1)),
        transport: Arc::new(ServiceTransport::<_, axum::body::Body>::new(
            sandbox.service(),
            Arc::<LeapingClock>::clone(clock),
        )),
        credentials: Arc::new(StoredCredentials::new(Arc::clone(store), workspace.clone())),
        vault: Arc::new(vault::KeyRing::new(vault::Key::generate()?)),
        calls: Arc::new(NoCallLog),
    })
}

/// The rules of the shipped config, without what would stop so large a run, and for everybody.
fn rules() -> Result<SyncRules> {
    let mut config: Json = serde_yaml_ng::from_str(include_str!("../../examples/demo.yaml"))?;
    let entities = &mut config["syncs"]["members"]["entities"];
    if let Some(entities) = entities.as_object_mut() {
        entities.retain(|entity, _| ["company", "contact"].contains(&entity.as_str()));
    }
    for entity in ["company", "contact"] {
        entities[entity]["limits"]["creates"] = json!({"share": 1.0, "number": 10_000_000});
    }
    if let Some(create) = entities["contact"]["create"].as_object_mut() {
        create.remove("only");
    }
    Ok(serde_json::from_value(config["syncs"]["members"].take())?)
}

fn configs(access: &Json, coworking: &Json) -> Result<Configs> {
    let highlevel: ConnectionConfig = serde_json::from_value(json!({
        "system": "highlevel",
        "base_url": "http://sandbox.invalid/highlevel",
        "auth": {"scheme": "private_token"},
        "settings": {"country": "DE", "location_id": access["mainLocationId"]},
        "allow_private_addresses": true,
    }))?;
    let officernd: ConnectionConfig = serde_json::from_value(json!({
        "system": "officernd",
        "base_url": "http://sandbox.invalid/officernd",
        "auth": {"scheme": "client_credentials"},
        "settings": {
            "country": "DE",
            "token_url": "http://sandbox.invalid/officernd/oauth/token",
            "location": coworking["locations"][0]["_id"],
            "start_date": "today",
        },
        "allow_private_addresses": true,
    }))?;
    Ok(Configs::from([
        (ConnectionName::from("marketing"), highlevel),
        (ConnectionName::from("coworking"), officernd),
    ]))
}

async fn connect(connections: &Connections, access: &Json, coworking: &Json) -> Result<()> {
    let purpose = Purpose {
        entities: vec![Entity::Contact, Entity::Company],
        write: true,
        rights: Vec::new(),
    };
    let secret = |json: &Json, key: &str| -> Result<SecretText> {
        Ok(SecretText::new(
            json[key].as_str().with_context(|| format!("no {key}"))?,
        ))
    };
    let given = BTreeMap::from([("token".to_owned(), secret(access, "privateToken")?)]);
    connections
        .connect(&ConnectionName::from("marketing"), given, &purpose)
        .await?;
    let given = BTreeMap::from([
        ("client_id".to_owned(), secret(coworking, "clientId")?),
        (
            "client_secret".to_owned(),
            secret(coworking, "clientSecret")?,
        ),
        ("organization".to_owned(), secret(coworking, "slug")?),
    ]);
    connections
        .connect(&ConnectionName::from("coworking"), given, &purpose)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_sync_sends_little_more_than_what_it_takes() {
        let clock = Arc::new(LeapingClock::default());
        let measured = runtime(&clock)
            .unwrap()
            .block_on(measure(Arc::clone(&clock), Full::Right, 400))
            .unwrap();
        let (sent, needed) = (measured.sent, measured.needed);
        assert!(needed > 400, "{needed}");
        assert!(sent >= needed, "{sent} of {needed}");
        // Pages, polls, and people whom HighLevel does not take twice.
        assert!(sent * 100 <= needed * 110, "{sent} of {needed}");
    }

    #[test]
    fn the_earliest_end_is_that_of_free_windows() {
        assert_eq!(HIGHLEVEL.earliest(100), 0.0);
        assert_eq!(HIGHLEVEL.earliest(101), 10.0);
        assert_eq!(HIGHLEVEL.earliest(1_000), 90.0);
        assert_eq!(earliest_writes(0), 0.0);
        assert_eq!(earliest_writes(101), 60.0);
        assert_eq!(earliest_writes(5_000), 49.0 * 60.0);
        assert_eq!(earliest_writes(5_001), DAY);
        assert_eq!(earliest_writes(10_101), 2.0 * DAY + 60.0);
    }
}
