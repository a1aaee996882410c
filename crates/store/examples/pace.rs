//! Measures the store: `cargo run --release -p store --example pace [-- RECORDS DIRTY]`.
//!
//! Durable acknowledgements of webhooks, a first sync, a sweep that finds nothing to do, and claims
//! out of a million dirty records; each with the memory that the process has then.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool that ends when anything is wrong"
)]

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use jiff::{SignedDuration, Timestamp};
use record::{Completeness, Entity, Field, Fields, Freshness, Read, Record, RecordId, Side};
use store::{
    Cause, Claim, ClaimRequest, Commit, DeliveryRow, Effect, Key, Lane, Link, LinkId, LinkState,
    Listed, NewJournalEntry, Options, Signal, SignalSource, Snapshot, SqliteStore, Store,
    SweepPage, Workspace,
};
use uuid::Uuid;

const PAGE: usize = 100;

#[tokio::main]
async fn main() {
    let count = |at: usize, default: usize| {
        let given = std::env::args().nth(at);
        given.map_or(default, |count| count.parse().unwrap())
    };
    let (records, dirty) = (count(1, 100_000), count(2, 1_000_000));
    let folder = tempfile::Builder::new()
        .prefix("pace")
        .tempdir_in(std::env::current_dir().unwrap())
        .unwrap();
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&Options::at(folder.path().join("pace.db"))).unwrap());
    println!("opened{:>52}", memory());
    for callers in [1, 64, 256] {
        acknowledge(&store, callers, if callers == 1 { 2_000 } else { 40_000 }).await;
    }
    first_sync(&store, records).await;
    for page in [100, 500] {
        idle_sweep(&store, records, page).await;
    }
    many_dirty(&store, dirty).await;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    println!("after five quiet seconds{:>34}", memory());
}

fn report(what: &str, count: usize, since: Instant) {
    let seconds = since.elapsed().as_secs_f64();
    let rate = count as f64 / seconds;
    let cpu = processor_time();
    let before = SPENT.swap(cpu, std::sync::atomic::Ordering::Relaxed);
    let cpu = (cpu - before) as f64 / 100.0;
    println!(
        "{what:<34}{count:>9} in {seconds:>6.2} s {rate:>9.0}/s {cpu:>7.2} s of processor  {}",
        memory()
    );
}

static SPENT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

/// Processor time that the process has used, in hundredths of a second. It says more than the clock
/// where others use the machine too.
fn processor_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let numbers = after_name.split_whitespace().skip(11).take(2);
    numbers
        .filter_map(|number| number.parse::<u64>().ok())
        .sum()
}

/// What the process has in memory now, and had at most; what it has written.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number
            .and_then(|number| number.parse::<u64>().ok())
            .unwrap_or(0)
            / 1024
    };
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let written = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    let written = written.and_then(|bytes| bytes.parse::<u64>().ok());
    format!(
        "{} MB (peak {} MB), {} MB written so far",
        of("VmRSS"),
        of("VmHWM"),
        written.unwrap_or(0) >> 20
    )
}

fn ws() -> Workspace {
    "main".into()
}

fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// A signal; `came` orders them in time.
fn signal(record: RecordId, lane: Lane, came: usize) -> Signal {
    Signal {
        connection: "crm".into(),
        entity: Entity::Contact,
        record,
        lane,
        source: SignalSource::Webhook,
        not_older_than: Some(start()),
        due: start() - SignedDuration::from_hours(9) + SignedDuration::from_millis(came as i64),
        cause: None,
    }
}

fn cause() -> Cause {
    Cause {
        trace: Uuid::from_u128(7),
        source: SignalSource::Webhook,
        origin: None,
        passed: Vec::new(),
    }
}

/// Ids in no order, as some vendors have them.
fn name(number: usize) -> String {
    let mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{mixed:016x}{number:04}")
}

async fn acknowledge(store: &Arc<dyn Store>, callers: usize, count: usize) {
    let since = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in 0..count / callers {
                    let delivery = format!("{callers}-{caller}-{number}");
                    // Three of four webhooks are about a record that is dirty already.
                    let record = name(number / 4 * callers + caller).into();
                    let row = DeliveryRow {
                        connection: "crm".into(),
                        delivery: Some(delivery),
                        event: "ContactUpdate".to_owned(),
                        signals: vec![signal(record, Lane::Live, number)],
                        at: start(),
                    };
                    store.accept_delivery(&ws(), row).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    report(&format!("durable acks, {callers} callers"), count, since);
    drain(store).await;
}

async fn drain(store: &Arc<dyn Store>) {
    loop {
        let settled = claim(store).await;
        if settled.is_empty() {
            break;
        }
        let commit = Commit {
            settled,
            ..Commit::default()
        };
        store.commit(&ws(), commit).await.unwrap();
    }
}

async fn claim(store: &Arc<dyn Store>) -> Vec<Claim> {
    let request = ClaimRequest {
        connections: vec!["crm".into(), "estate".into()],
        except: Vec::new(),
        limit: 500,
        now: start(),
        lease_until: start() + SignedDuration::from_secs(60),
        lane: Lane::Backfill,
    };
    store.claim(&ws(), request).await.unwrap()
}

fn fields(number: usize) -> Fields {
    let mut fields = Fields::new();
    for field in [
        "firstName",
        "lastName",
        "email",
        "phone",
        "address1",
        "city",
        "postalCode",
        "country",
    ] {
        fields.set(field, Field::of(format!("{field} of {number}")));
    }
    fields
}

fn snapshot(connection: &str, number: usize, read: bool) -> Snapshot {
    let record = RecordId::from(name(number));
    Snapshot {
        connection: connection.into(),
        entity: Entity::Contact,
        read: read.then(|| Read {
            record: Record {
                id: record.clone(),
                fields: fields(number),
            },
            freshness: Freshness::PossiblyStale,
            completeness: Completeness::Complete,
            as_of: start(),
            modified: Some(start()),
            created: Some(start()),
            unclear: BTreeMap::new(),
        }),
        record,
        keys: vec![
            Key {
                kind: "email".to_owned(),
                value: format!("person{number}@example.org"),
            },
            Key {
                kind: "phone".to_owned(),
                value: format!("+49{number:09}"),
            },
        ],
        list_hash: Some(number as u64),
    }
}

/// Lists one side, links every record to one made on the other, journals it: what a first sync stores.
async fn first_sync(store: &Arc<dyn Store>, records: usize) {
    let since = Instant::now();
    let sweep = store
        .begin_sweep(&ws(), &"crm".into(), Entity::Contact, start())
        .await
        .unwrap();
    for first in (0..records).step_by(PAGE) {
        let changed = (first..records.min(first + PAGE))
            .map(|number| Listed {
                snapshot: snapshot("crm", number, true),
                signal: Some(signal(name(number).into(), Lane::Backfill, number / PAGE)),
            })
            .collect();
        let page = SweepPage {
            sweep: sweep.id,
            connection: "crm".into(),
            entity: Entity::Contact,
            unchanged: Vec::new(),
            changed,
            cursor: Some(serde_json::json!(first)),
            at: start(),
        };
        store.commit_page(&ws(), page).await.unwrap();
    }
    store
        .finish_sweep(&ws(), sweep.id, &[], start())
        .await
        .unwrap();
    report("listed for the first time", records, since);

    let since = Instant::now();
    let mut number = 0;
    loop {
        let claims = claim(store).await;
        if claims.is_empty() {
            break;
        }
        let ids: Vec<RecordId> = claims.iter().map(|claim| claim.record.clone()).collect();
        let kept = store
            .snapshots(&ws(), &"crm".into(), Entity::Contact, &ids)
            .await
            .unwrap();
        let linked = store
            .links_of(&ws(), &"people".into(), Entity::Contact, Side::Left, &ids)
            .await
            .unwrap();
        assert!(kept.iter().all(Option::is_some) && linked.is_empty());
        for part in claims.chunks(PAGE) {
            store
                .commit(&ws(), outcome(part, &mut number))
                .await
                .unwrap();
        }
    }
    report("linked, created and journalled", records, since);
}

fn outcome(claims: &[Claim], number: &mut usize) -> Commit {
    let mut commit = Commit {
        settled: claims.to_vec(),
        meters: BTreeMap::from([("created".to_owned(), claims.len() as i64)]),
        ..Commit::default()
    };
    for claim in claims {
        *number += 1;
        let link = LinkId(Uuid::from_u128(*number as u128));
        let other = RecordId::from(number.to_string());
        commit.links.push(Link {
            id: link,
            sync: "people".into(),
            entity: Entity::Contact,
            left: claim.record.clone(),
            right: other.clone(),
            state: LinkState::Active,
            how: "created".to_owned(),
            base_left: fields(*number),
            base_right: fields(*number),
            revisions: ["name", "email", "phone", "address"]
                .into_iter()
                .map(|mapping| (mapping.to_owned(), 1))
                .collect(),
            seen_left: start(),
            seen_right: start(),
            wrote_left: None,
            wrote_right: Some(start()),
            stamp_left: None,
            stamp_right: None,
            created: start(),
            underway: Vec::new(),
        });
        commit.snapshots.push(Snapshot {
            record: claim.record.clone(),
            ..snapshot("crm", *number, false)
        });
        commit.snapshots.push(Snapshot {
            record: other.clone(),
            ..snapshot("estate", *number, false)
        });
        for (field, value) in fields(*number) {
            commit.journal.push(NewJournalEntry {
                at: start(),
                effect: Effect::Written,
                connection: "estate".into(),
                entity: Entity::Contact,
                record: other.clone(),
                field: Some(field),
                before: Field::Empty,
                after: value,
                sync: Some("people".into()),
                link: Some(link),
                rule: "first sync".to_owned(),
                cause: cause(),
                run: None,
                note: None,
            });
        }
    }
    commit
}

/// A sweep in which nothing has changed.
async fn idle_sweep(store: &Arc<dyn Store>, records: usize, page: usize) {
    let sweep = store
        .begin_sweep(&ws(), &"crm".into(), Entity::Contact, start())
        .await
        .unwrap();
    let since = Instant::now();
    let mut known_in = std::time::Duration::ZERO;
    for first in (0..records).step_by(page) {
        let ids: Vec<RecordId> = (first..records.min(first + page))
            .map(|number| name(number).into())
            .collect();
        let asked = Instant::now();
        let known = store
            .known(&ws(), &"crm".into(), Entity::Contact, &ids)
            .await
            .unwrap();
        known_in += asked.elapsed();
        let page = SweepPage {
            sweep: sweep.id,
            connection: "crm".into(),
            entity: Entity::Contact,
            unchanged: known.into_iter().flatten().map(|known| known.row).collect(),
            changed: Vec::new(),
            cursor: Some(serde_json::json!(first)),
            at: start(),
        };
        store.commit_page(&ws(), page).await.unwrap();
    }
    report(&format!("swept unchanged, pages of {page}"), records, since);
    let pages = u32::try_from(records.div_ceil(page)).unwrap();
    println!("  known() of one page: {:?}", known_in / pages);
    let since = Instant::now();
    let missing = store.unseen(&ws(), sweep.id, 0, 1000).await.unwrap();
    assert!(missing.is_empty());
    report("looked for unseen ones", records, since);
    store
        .finish_sweep(&ws(), sweep.id, &[], start())
        .await
        .unwrap();
}

/// Claims out of very many dirty records.
async fn many_dirty(store: &Arc<dyn Store>, dirty: usize) {
    let since = Instant::now();
    for first in (0..dirty).step_by(1000) {
        let signals: Vec<Signal> = (first..first + 1000)
            .map(|number| signal(name(number).into(), Lane::Backfill, number / PAGE))
            .collect();
        store.signal(&ws(), &signals).await.unwrap();
    }
    report("marked dirty", dirty, since);
    let since = Instant::now();
    let mut slowest = std::time::Duration::ZERO;
    for _ in 0..dirty.div_ceil(500).min(40) {
        let asked = Instant::now();
        let settled = claim(store).await;
        slowest = slowest.max(asked.elapsed());
        let commit = Commit {
            settled,
            ..Commit::default()
        };
        store.commit(&ws(), commit).await.unwrap();
    }
    report("claimed and settled of those", dirty.min(20_000), since);
    println!("  slowest claim of 500: {slowest:?}");
    let since = Instant::now();
    let overview = store.overview(&ws()).await.unwrap();
    println!("  overview: {:?}, {:?}", since.elapsed(), overview.dirty);
}
