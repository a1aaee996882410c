//! How long the API takes for a page of each long list, on a database that holds very much.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use connections::{Clock as _, SystemClock};
use jiff::Timestamp;
use record::{Entity, Field, Fields, RecordId, Side};
use reqwest::Client;
use serde_json::{Value as Json, json};
use store::{
    Blocked, CallRow, Cause, Child, Commit, ConnectionName, Effect, Link, LinkId, LinkState,
    NewJournalEntry, Pair, PairDecision, Release, Review, ReviewId, ReviewKind, ReviewState,
    Signal, SignalSource, SkipReason, Skipped, SqliteStore, Store, SyncName, Workspace,
};

use crate::{
    Common,
    figures::{Figures, Target},
    rig,
};

const BLOCKED: u128 = 200_000;
const FAILING: u128 = 20_000;
const SKIPPED: u128 = 100_000;
const CALLS: u128 = 300_000;
const REVIEWS: u128 = 20_000;
/// Reviews that were answered.
const CLOSED: u128 = 50_000;
/// Records that wait for the one that they belong to.
const CHILDREN: u128 = 50_000;
/// Pairs that a person decided about, most of them out of a file.
const DECISIONS: u128 = 50_000;
const BATCH: usize = 5_000;
/// Each page is asked for so often.
const TIMES: usize = 40;
/// What a page may take, 95 of 100 times.
const LONGEST: f64 = 100.0;

pub(crate) async fn run(common: &Common, links: u128) -> Result<Figures> {
    let folder = rig::folder(common)?;
    let options = store::Options::at(folder.path().join("tandem.db"));
    let store = tokio::task::spawn_blocking(move || SqliteStore::open(&options)).await??;
    let begun = Instant::now();
    fill(&store, links).await?;
    store.close().await?;
    drop(store);
    let filled = begun.elapsed().as_secs_f64();

    let mut config: Json = serde_yaml_ng::from_str(include_str!("../../examples/demo.yaml"))?;
    let here = format!("127.0.0.1:{}", rig::free_port()?);
    config["listen"] = json!(here);
    let (tandem, beside) = rig::serve(common, folder.path(), &config).await?;
    let http = Client::builder().no_proxy().build()?;
    let api = |path: String| {
        let request = http
            .get(format!("http://{here}/api/v1{path}"))
            .bearer_auth(beside.token());
        async move {
            let begun = Instant::now();
            let answer = request.send().await?;
            let status = answer.status();
            let body = answer.bytes().await?;
            ensure!(
                status.is_success(),
                "{path}: {status} {}",
                String::from_utf8_lossy(&body)
            );
            Ok((begun.elapsed(), serde_json::from_slice::<Json>(&body)?))
        }
    };
    let mut figures = Figures::new(format!(
        "Pages of long lists: {links} links, {BLOCKED} blocked fields, {SKIPPED} records left out, {FAILING} that fail, \
         {CALLS} calls, {REVIEWS} reviews and {CLOSED} that were answered, {CHILDREN} records that wait, {DECISIONS} decisions"
    ));
    for (name, path, next) in PAGES {
        let mut took = Vec::with_capacity(TIMES);
        let mut place: Option<String> = None;
        let mut rows = 0;
        for _ in 0..TIMES {
            let (join, after) = match &place {
                Some(place) => (if path.contains('?') { '&' } else { '?' }, place.as_str()),
                None => (' ', ""),
            };
            let (field, parameter) = next.unwrap_or_default();
            let asked = match after {
                "" => (*path).to_owned(),
                after => format!("{path}{join}{parameter}={after}"),
            };
            let (time, answer) = api(asked).await?;
            took.push(time);
            let list = answer.as_array();
            rows = rows.max(list.map_or(1, Vec::len));
            // The next page, or the first again.
            place = next.and_then(|_| {
                let last = &list?.last()?[field];
                Some(
                    last.as_str()
                        .map_or_else(|| last.to_string(), str::to_owned),
                )
            });
        }
        figures.judge(
            format!("{name} ({rows} rows), p95"),
            p95(&mut took),
            "ms",
            Target::AtMost(LONGEST),
        );
    }
    figures.note("making the database", filled, "s");
    tandem.stop().await?;
    Ok(figures)
}

/// A list's name, where it is, and what of a row the next page begins after.
type Page = (
    &'static str,
    &'static str,
    Option<(&'static str, &'static str)>,
);

const AFTER: Option<(&str, &str)> = Some(("cursor", "after"));

const PAGES: &[Page] = &[
    ("status", "/status", None),
    (
        "links",
        "/syncs/people/links?limit=1000",
        Some(("id", "after")),
    ),
    (
        "blocked of a sync",
        "/syncs/people/blocked?limit=200",
        AFTER,
    ),
    ("blocked", "/blocked?limit=1000", AFTER),
    (
        "blocked, each field once",
        "/blocked/fields?sync=people&limit=100",
        AFTER,
    ),
    (
        "blocked for a rare reason",
        "/syncs/people/blocked?limit=100&entity=contact&mapping=company&side=left&reason=unsupported",
        AFTER,
    ),
    (
        "blocked of one field",
        "/syncs/people/blocked?limit=100&mapping=tags",
        AFTER,
    ),
    (
        "links of a page",
        "/syncs/people/links?limit=50",
        Some(("id", "after")),
    ),
    ("decisions", "/syncs/people/decisions", None),
    ("left out", "/syncs/people/skipped?limit=100", AFTER),
    (
        "left out for a rare reason",
        "/syncs/people/skipped?limit=100&reason=left_alone",
        AFTER,
    ),
    ("failing", "/failing?limit=100", AFTER),
    (
        "failing of a connection",
        "/failing?limit=100&connection=marketing",
        AFTER,
    ),
    ("reviews", "/reviews?limit=200", Some(("id", "after"))),
    (
        "reviews of a rare kind",
        "/reviews?limit=200&kind=rebind",
        None,
    ),
    (
        "reviews of a sync",
        "/reviews?limit=200&sync=people",
        Some(("id", "after")),
    ),
    (
        "reviews that wait",
        "/reviews?limit=1000&state=waiting",
        Some(("id", "after")),
    ),
    ("journal", "/journal?limit=100", Some(("seq", "before"))),
    (
        "journal of a record",
        "/journal?limit=100&record=l77777",
        None,
    ),
    (
        "journal of a sync",
        "/journal?limit=100&sync=people",
        Some(("seq", "before")),
    ),
    ("calls", "/calls?limit=100", AFTER),
    (
        "calls of an operation",
        "/calls?limit=100&operation=contacts.update",
        AFTER,
    ),
    (
        "calls of many operations",
        "/calls?limit=100&operation=contacts",
        AFTER,
    ),
    (
        "calls of an operation, none",
        "/calls?limit=100&operation=nothing",
        None,
    ),
    (
        "calls of a connection",
        "/calls?limit=100&connection=office",
        AFTER,
    ),
    (
        "calls of a connection and an operation",
        "/calls?limit=100&connection=office&operation=contacts",
        AFTER,
    ),
    ("calls of a cause", "/calls?limit=100&cause=trace-777", None),
    (
        "calls with a rare outcome",
        "/calls?limit=100&outcome=no_answer",
        AFTER,
    ),
    ("calls with a status", "/calls?limit=100&status=503", AFTER),
    (
        "calls with a frequent status",
        "/calls?limit=100&status=200",
        AFTER,
    ),
    (
        "calls of an operation with a status",
        "/calls?limit=100&operation=contacts.get&status=503",
        AFTER,
    ),
    (
        "explain",
        "/explain?connection=marketing&entity=contact&id=l77777",
        None,
    ),
    ("runs", "/runs", None),
    ("series", "/series", None),
    ("retention", "/retention", None),
];

fn p95(took: &mut [Duration]) -> f64 {
    took.sort_unstable();
    let at = (took.len() * 95).div_ceil(100).max(1) - 1;
    took[at].as_secs_f64() * 1000.0
}

fn moment(seconds: u128) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + i64::try_from(seconds).unwrap_or_default())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

fn id(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(number)
}

async fn fill(store: &SqliteStore, links: u128) -> Result<()> {
    let ws = Workspace::from("default");
    let sync = SyncName::from("people");
    let marketing = ConnectionName::from("marketing");
    let cause = |number: u128| Cause {
        trace: id(number),
        source: SignalSource::Poll,
        origin: None,
        passed: Vec::new(),
    };
    let numbers: Vec<u128> = (1..=links).collect();
    for batch in numbers.chunks(BATCH) {
        let mut commit = Commit::default();
        for &number in batch {
            let (left, right) = (format!("l{number}"), format!("r{number}"));
            commit.journal.push(NewJournalEntry {
                at: moment(number),
                effect: Effect::Written,
                connection: marketing.clone(),
                entity: Entity::Contact,
                record: RecordId::from(left.as_str()),
                field: Some("city".into()),
                before: Field::of("Berlin"),
                after: Field::of("Potsdam"),
                sync: Some(sync.clone()),
                link: Some(LinkId(id(number))),
                rule: "city: the only change".to_owned(),
                cause: cause(number),
                run: None,
                note: None,
            });
            if number <= BLOCKED {
                let mapping = ["company", "phone", "title", "tags", "birthday"];
                commit.blocked.push(Blocked {
                    sync: sync.clone(),
                    link: LinkId(id(number)),
                    mapping: mapping[(number % 5) as usize].to_owned(),
                    side: Side::Left,
                    // Few reasons for most, each for some, and one that is rare.
                    reason: match number % 1_000 {
                        0 => "unsupported".to_owned(),
                        1..10 => format!("{number} is not what it takes (422)"),
                        _ => "the system takes this field only when a record is made".to_owned(),
                    },
                    value_hash: 1,
                    schema_hash: 1,
                    since: moment(number / 10),
                    awaits: None,
                });
            }
            commit.links.push(link(number, &sync, &left, &right));
        }
        store.commit(&ws, commit).await?;
    }
    rest(store, &ws, &sync, &marketing).await
}

fn link(number: u128, sync: &SyncName, left: &str, right: &str) -> Link {
    let base = |names: [&str; 4]| -> Fields {
        let values =
            names.map(|name| (name.into(), Field::of(format!("{name} {number}").as_str())));
        values.into_iter().collect()
    };
    Link {
        id: LinkId(id(number)),
        sync: sync.clone(),
        entity: Entity::Contact,
        left: RecordId::from(left),
        right: RecordId::from(right),
        state: LinkState::Active,
        how: "email".to_owned(),
        base_left: base(["firstName", "lastName", "email", "city"]),
        base_right: base(["Vorname", "Name", "email", "Ort"]),
        revisions: BTreeMap::from([("city".to_owned(), 1)]),
        seen_left: moment(number),
        seen_right: moment(number),
        wrote_left: None,
        wrote_right: None,
        stamp_left: None,
        stamp_right: None,
        created: moment(number),
        underway: Vec::new(),
    }
}

async fn rest(
    store: &SqliteStore,
    ws: &Workspace,
    sync: &SyncName,
    marketing: &ConnectionName,
) -> Result<()> {
    let numbers: Vec<u128> = (1..=SKIPPED).collect();
    for batch in numbers.chunks(BATCH) {
        let skipped = batch.iter().map(|number| Skipped {
            sync: sync.clone(),
            entity: Entity::Contact,
            side: Side::Left,
            record: RecordId::from(format!("s{number}").as_str()),
            reason: if number % 1_000 == 0 {
                SkipReason::LeftAlone
            } else {
                SkipReason::OutOfScope
            },
            note: String::new(),
            since: moment(*number),
        });
        let commit = Commit {
            skipped: skipped.collect(),
            ..Commit::default()
        };
        store.commit(ws, commit).await?;
    }
    let numbers: Vec<u128> = (1..=CHILDREN.max(DECISIONS)).collect();
    for batch in numbers.chunks(BATCH) {
        let children = batch.iter().filter(|number| **number <= CHILDREN);
        let children = children.map(|number| Child {
            sync: sync.clone(),
            entity: if number % 2 == 0 {
                Entity::Note
            } else {
                Entity::Task
            },
            side: Side::Left,
            record: RecordId::from(format!("c{number}").as_str()),
            awaits_entity: Entity::Contact,
            awaits: RecordId::from(format!("s{number}").as_str()),
            wakes: marketing.clone(),
            since: moment(*number),
        });
        let decisions = batch.iter().filter(|number| **number <= DECISIONS);
        let decisions = decisions.map(|number| {
            let pair = Pair {
                left: RecordId::from(format!("l{number}").as_str()),
                right: RecordId::from(format!("r{number}").as_str()),
            };
            (sync.clone(), Entity::Contact, pair, PairDecision::Link)
        });
        let commit = Commit {
            children: children.collect(),
            decisions: decisions.collect(),
            ..Commit::default()
        };
        store.commit(ws, commit).await?;
    }
    let numbers: Vec<u128> = (1..=REVIEWS + CLOSED).collect();
    for batch in numbers.chunks(BATCH) {
        let reviews = batch.iter().map(|number| match *number {
            number if number <= REVIEWS => review(number, sync),
            number => Review {
                state: ReviewState::Decided,
                choice: Some("apart".to_owned()),
                decided: Some(moment(number)),
                ..review(number, sync)
            },
        });
        let commit = Commit {
            reviews: reviews.collect(),
            ..Commit::default()
        };
        store.commit(ws, commit).await?;
    }
    // Their turn comes after the run: nothing works on them meanwhile.
    let later = Timestamp::MAX;
    let numbers: Vec<u128> = (1..=FAILING).collect();
    for batch in numbers.chunks(BATCH) {
        let signals: Vec<Signal> = batch
            .iter()
            .map(|number| Signal {
                connection: marketing.clone(),
                entity: Entity::Contact,
                record: RecordId::from(format!("l{number}").as_str()),
                lane: store::Lane::Reconcile,
                source: SignalSource::Poll,
                not_older_than: None,
                due: moment(*number),
                cause: None,
            })
            .collect();
        store.signal(ws, &signals).await?;
        let request = store::ClaimRequest {
            connections: vec![marketing.clone()],
            except: Vec::new(),
            limit: BATCH,
            now: moment(FAILING * 2),
            lease_until: moment(FAILING * 3),
            lane: store::Lane::Reconcile,
        };
        let claims = store.claim(ws, request).await?;
        ensure!(claims.len() == batch.len(), "{} were claimed", claims.len());
        let released = claims.into_iter().map(|claim| Release {
            claim,
            due: later,
            error: Some("the vendor did not answer".to_owned()),
            put_off: false,
        });
        let commit = Commit {
            released: released.collect(),
            ..Commit::default()
        };
        store.commit(ws, commit).await?;
    }
    let now = SystemClock::new().now();
    let numbers: Vec<u128> = (1..=CALLS).collect();
    for batch in numbers.chunks(BATCH) {
        let calls: Vec<CallRow> = batch
            .iter()
            .map(|number| call(*number, now))
            .collect::<Result<_>>()?;
        store.log_calls(ws, &calls, None).await?;
    }
    Ok(())
}

fn review(number: u128, sync: &SyncName) -> Review {
    let record = RecordId::from(format!("q{number}").as_str());
    let review = Review {
        id: ReviewId(id(number)),
        sync: sync.clone(),
        entity: Entity::Contact,
        kind: if number % 1_000 == 2 {
            ReviewKind::Rebind
        } else {
            ReviewKind::Ambiguous
        },
        subject: format!("left:{record}"),
        left: Some(record.clone()),
        right: None,
        summary: format!("{record} could be one of two"),
        details: json!({"v": 1, "side": "left", "record": record, "why": "two share the address",
            "candidates": [{"id": "a", "why": "email"}, {"id": "b", "why": "email"}],
            "choices": [{"key": "link:a", "does": "links it with a"}, {"key": "apart", "does": "keeps them apart"}]}),
        state: ReviewState::Open,
        choice: None,
        opened: moment(number),
        decided: None,
    };
    if number.is_multiple_of(4) {
        review.waiting_for("left:q1")
    } else {
        review
    }
}

/// Of the last day, a few hundred operations, one call in a thousand without an answer.
fn call(number: u128, now: Timestamp) -> Result<CallRow> {
    let ago = Duration::from_millis(u64::try_from((CALLS - number) * 280)?);
    let (status, outcome) = match number % 1_000 {
        0 => (None, "no_answer"),
        500 => (Some(503), "unavailable"),
        _ => (Some(200), "answered"),
    };
    let family = ["contacts", "notes", "tasks", "estates"][(number % 4) as usize];
    let verb = ["update", "get", "search", "list"][(number / 4 % 4) as usize];
    Ok(CallRow {
        at: now.checked_sub(ago).context("before all time")?,
        connection: ConnectionName::from(if number.is_multiple_of(50) {
            "office"
        } else {
            "marketing"
        }),
        operation: format!("{family}.{verb}.{}", number / 16 % 20),
        write: number.is_multiple_of(4),
        status,
        milliseconds: 120,
        attempt: 1,
        lane: "reconcile".to_owned(),
        cause: Some(format!("trace-{}", number / 10)),
        outcome: outcome.to_owned(),
        records: 1,
    })
}
