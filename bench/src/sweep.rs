//! A sweep that finds nothing: the real engine and a real database, pages out of memory.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use anyhow::{Context as _, Result, bail};
use connections::{
    Clock, Configs, Connections, Dice, HttpOptions, HttpTransport, NoCallLog, Parts, Purpose,
    Restart, SystemClock,
};
use record::{Entity, Read};
use sandbox::people::{Plan, Population, Side};
use serde_json::{Value as Json, json};
use server::StoredCredentials;
use store::{ConnectionName, SqliteStore, Store, SyncName, Workspace};
use sync::{Engine, EngineParts, Handle, Progress};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    Common,
    figures::{Figures, Target},
    process::Cost,
    rig,
    stub::{self, FIELDS, Stub},
};

const SIDES: [&str; 2] = ["left", "right"];

pub(crate) async fn run(common: &Common, contacts: usize) -> Result<Figures> {
    let folder = rig::folder(common)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let reads = {
        let people = Population::new(&Plan {
            dirty: false,
            ..Plan::large(2026, contacts)
        });
        stub::reads(&people.records(Side::HighLevel), clock.now())
    };
    let options = store::Options::at(folder.path().join("tandem.db"));
    let store: Arc<dyn Store> =
        Arc::new(tokio::task::spawn_blocking(move || SqliteStore::open(&options)).await??);
    let engine = engine(Arc::clone(&store), clock, &reads).await?;
    let handle = engine.handle();
    let stop = CancellationToken::new();
    let running = tokio::spawn(engine.run(stop.clone()));
    let sync = SyncName::from("people");

    let begun = Instant::now();
    let (progress, _) = watch::channel(Progress::default());
    let report = handle.sync_now(&sync, &progress).await?;
    let first = begun.elapsed().as_secs_f64();
    let linked = report.counts.get("linked").copied().unwrap_or(0);
    if (linked as usize) < contacts / 2 {
        let status = handle.status().await?;
        bail!(
            "only {linked} pairs were linked: {:?}, reviews {:?}, failing {:?}",
            report.counts,
            status.overview.reviews,
            status.failing_records.first()
        );
    }

    let pages = copying(&reads);
    let before = Cost::of(std::process::id())?;
    let begun = Instant::now();
    let swept = sweeps(&handle).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let after = Cost::of(std::process::id())?;
    let listed: u64 = swept.iter().map(|sweep| sweep.listed).sum();
    let found: u64 = swept
        .iter()
        .map(|sweep| sweep.signalled + sweep.missing)
        .sum();

    let mut figures = Figures::new(format!(
        "A sweep of 2 × {contacts} linked records that finds nothing"
    ));
    let listed = listed as f64;
    figures.judge("records", listed / seconds, "/s", Target::AtLeast(50_000.0));
    figures.judge(
        "records found to differ",
        found as f64,
        "",
        Target::AtMost(0.0),
    );
    figures.judge(
        "written per unchanged record (a row takes 200 and more)",
        (after.written - before.written) / listed,
        "bytes",
        Target::AtMost(50.0),
    );
    figures.note(
        "processor time of this process per record",
        1e6 * (after.cpu - before.cpu) / listed,
        "µs",
    );
    figures.note(
        "share of time that copying pages takes",
        100.0 * pages * 2.0 / seconds,
        "%",
    );
    figures.note("linked before", linked as f64, "pairs");
    figures.note(
        "reading and linking them",
        contacts as f64 / first,
        "pairs/s",
    );
    stop.cancel();
    running.await??;
    Ok(figures)
}

/// Seconds that the stub itself needs for all pages of one side.
fn copying(reads: &[Read]) -> f64 {
    let begun = Instant::now();
    for page in reads.chunks(500) {
        drop(std::hint::black_box(page.to_vec()));
    }
    begun.elapsed().as_secs_f64()
}

async fn sweeps(handle: &Handle) -> Result<Vec<sync::SweepReport>> {
    let reports = handle.sweep_now().await?;
    if reports.len() != SIDES.len() {
        bail!("{} sides were swept", reports.len());
    }
    Ok(reports.into_iter().map(|(_, report)| report).collect())
}

async fn engine(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    reads: &Arc<Vec<Read>>,
) -> Result<Engine> {
    let workspace = Workspace::from("default");
    let parts = Parts {
        workspace: workspace.as_str().to_owned(),
        clock: Arc::clone(&clock),
        dice: Arc::new(Dice::seeded(1)),
        transport: Arc::new(HttpTransport::new(&HttpOptions::default())?),
        credentials: Arc::new(StoredCredentials::new(
            Arc::clone(&store),
            workspace.clone(),
        )),
        vault: Arc::new(vault::KeyRing::new(vault::Key::generate()?)),
        calls: Arc::new(NoCallLog),
    };
    let configs: Configs = SIDES
        .iter()
        .map(|side| {
            let config =
                json!({"system": side, "auth": {"scheme": "none"}, "settings": {"country": "DE"}});
            Ok((ConnectionName::from(*side), serde_json::from_value(config)?))
        })
        .collect::<Result<_>>()?;
    let connections = Connections::open(
        parts,
        SIDES
            .iter()
            .map(|side| Arc::new(Stub::new(side, Arc::clone(reads))) as _)
            .collect(),
        configs,
        |_| Restart::default(),
    )
    .await
    .ok()
    .context("the connections do not open")?;
    let purpose = Purpose {
        entities: vec![Entity::Contact],
        write: true,
        rights: Vec::new(),
    };
    for side in SIDES {
        connections
            .connect(&ConnectionName::from(side), BTreeMap::new(), &purpose)
            .await?;
    }
    Ok(Engine::new(EngineParts {
        store,
        connections: Arc::new(connections),
        clock,
        workspace,
        syncs: BTreeMap::from([(SyncName::from("people"), rules()?)]),
        options: sync::Options::default(),
    }))
}

fn rules() -> Result<mapping::SyncRules> {
    let fields: Vec<Json> = FIELDS
        .iter()
        .map(|(name, _)| json!({"left": name, "right": name}))
        .collect();
    Ok(serde_json::from_value(json!({
        "left": "left",
        "right": "right",
        "entities": {"contact": {"fields": fields, "match": {"keys": ["email", "phone"]}}},
    }))?)
}
