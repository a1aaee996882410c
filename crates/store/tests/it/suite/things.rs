//! Short ways to make what the tests store.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use record::{Completeness, Entity, Field, Fields, Freshness, Read, Record, RecordId, Side};
use serde_json::json;
use store::{
    Blocked, Cause, Claim, ClaimRequest, Commit, ConnectionName, DeliveryRow, Effect, Half, Intent,
    IntentId, IntentState, Key, Lane, Link, LinkId, LinkState, NewJournalEntry, Review, ReviewId,
    ReviewKind, ReviewState, Signal, SignalSource, Snapshot, Store, SyncName, Underway, Workspace,
};
use uuid::Uuid;

pub(crate) type Under = Arc<dyn Store>;

pub(crate) fn ws() -> Workspace {
    "main".into()
}

/// The connection on the left in most tests.
pub(crate) fn crm() -> ConnectionName {
    "crm".into()
}

pub(crate) fn estate() -> ConnectionName {
    "estate".into()
}

pub(crate) fn people() -> SyncName {
    "people".into()
}

/// Seconds after some Monday.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub(crate) fn ids(names: &[&str]) -> Vec<RecordId> {
    names.iter().map(|name| RecordId::from(*name)).collect()
}

pub(crate) fn signal(record: &str, due: Timestamp) -> Signal {
    Signal {
        connection: crm(),
        entity: Entity::Contact,
        record: record.into(),
        lane: Lane::Reconcile,
        source: SignalSource::Poll,
        not_older_than: None,
        due,
        cause: None,
    }
}

pub(crate) fn delivery(name: Option<&str>, record: &str, when: Timestamp) -> DeliveryRow {
    DeliveryRow {
        connection: crm(),
        delivery: name.map(str::to_owned),
        event: "ContactUpdate".to_owned(),
        signals: vec![Signal {
            source: SignalSource::Webhook,
            lane: Lane::Live,
            ..signal(record, when)
        }],
        at: when,
    }
}

pub(crate) fn cause(number: u128) -> Cause {
    Cause {
        trace: id(number),
        source: SignalSource::Webhook,
        origin: Some((crm(), "a".into())),
        passed: vec![people()],
    }
}

pub(crate) fn request(now: Timestamp) -> ClaimRequest {
    ClaimRequest {
        connections: vec![crm(), estate()],
        except: Vec::new(),
        limit: 100,
        now,
        lease_until: now + jiff::SignedDuration::from_secs(60),
        lane: Lane::Backfill,
    }
}

/// Claims all that is due now for a minute.
pub(crate) async fn claim(store: &Under, now: Timestamp) -> Vec<Claim> {
    store.claim(&ws(), request(now)).await.unwrap()
}

pub(crate) fn records(claims: &[Claim]) -> Vec<&str> {
    claims.iter().map(|claim| claim.record.as_str()).collect()
}

pub(crate) async fn commit(store: &Under, commit: Commit) {
    store.commit(&ws(), commit).await.unwrap();
}

pub(crate) async fn settle(store: &Under, settled: &[Claim]) {
    commit(
        store,
        Commit {
            settled: settled.to_vec(),
            ..Commit::default()
        },
    )
    .await;
}

pub(crate) fn fields(pairs: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::new();
    for (name, text) in pairs {
        fields.set(*name, Field::of(*text));
    }
    fields
}

pub(crate) fn read(record: &str, name: &str) -> Read {
    Read {
        record: Record {
            id: record.into(),
            fields: fields(&[("name", name)]),
        },
        freshness: Freshness::Fresh,
        completeness: Completeness::Complete,
        as_of: at(1),
        modified: Some(at(0)),
        created: None,
        unclear: BTreeMap::new(),
    }
}

pub(crate) fn key(kind: &str, value: &str) -> Key {
    Key {
        kind: kind.to_owned(),
        value: value.to_owned(),
    }
}

pub(crate) fn snapshot(record: &str, hash: u64) -> Snapshot {
    Snapshot {
        connection: crm(),
        entity: Entity::Contact,
        read: Some(read(record, "Ada")),
        record: record.into(),
        keys: vec![key("email", &format!("{record}@example.org"))],
        list_hash: Some(hash),
    }
}

pub(crate) async fn keep(store: &Under, snapshots: Vec<Snapshot>) {
    commit(
        store,
        Commit {
            snapshots,
            ..Commit::default()
        },
    )
    .await;
}

pub(crate) fn link(number: u128, left: &str, right: &str) -> Link {
    Link {
        id: LinkId(id(number)),
        sync: people(),
        entity: Entity::Contact,
        left: left.into(),
        right: right.into(),
        state: LinkState::Active,
        how: "e-mail".to_owned(),
        base_left: fields(&[("email", "ada@example.org")]),
        base_right: fields(&[("Email", "Ada@example.org"), ("Name", "")]),
        revisions: BTreeMap::from([("email".to_owned(), u64::MAX)]),
        seen_left: at(1),
        seen_right: at(2),
        wrote_left: None,
        wrote_right: Some(at(3)),
        stamp_left: Some(at(4)),
        stamp_right: None,
        created: at(5),
        underway: vec![Underway {
            mapping: "email".to_owned(),
            revision: u64::MAX,
            rule: "email: the only change".to_owned(),
            left: Half {
                written: false,
                before: fields(&[("email", "ada@example.org")]),
                after: fields(&[("email", "ada@example.com")]),
            },
            right: Half {
                written: true,
                before: fields(&[("Email", "Ada@example.org")]),
                after: fields(&[("Email", "ada@example.com")]),
            },
        }],
    }
}

pub(crate) async fn save(store: &Under, links: Vec<Link>) {
    commit(
        store,
        Commit {
            links,
            ..Commit::default()
        },
    )
    .await;
}

pub(crate) fn blocked(link: u128, mapping: &str) -> Blocked {
    Blocked {
        sync: people(),
        link: LinkId(id(link)),
        mapping: mapping.to_owned(),
        side: Side::Right,
        reason: "it is no e-mail address".to_owned(),
        value_hash: u64::MAX,
        schema_hash: 7,
        since: at(9),
        awaits: None,
    }
}

pub(crate) fn review(number: u128, kind: ReviewKind, subject: &str) -> Review {
    Review {
        id: ReviewId(id(number)),
        sync: people(),
        entity: Entity::Contact,
        kind,
        subject: subject.to_owned(),
        left: Some("a".into()),
        right: None,
        summary: "which one?".to_owned(),
        details: json!({ "v": 1, "candidates": ["x", "y"] }),
        state: ReviewState::Open,
        choice: None,
        opened: at(10),
        decided: None,
    }
}

pub(crate) fn intent(number: u128, source: &str) -> Intent {
    Intent {
        id: IntentId(id(number)),
        sync: people(),
        entity: Entity::Contact,
        target: Side::Right,
        source: source.into(),
        source_fields: fields(&[("email", "ada@example.org")]),
        draft: fields(&[("Email", "ada@example.org")]),
        keys: vec![key("email", "ada@example.org")],
        opened: at(1),
        state: IntentState::Open,
        look_after: at(2),
        looks: 0,
        cause: cause(1),
    }
}

pub(crate) fn entry(record: &str, field: &str) -> NewJournalEntry {
    NewJournalEntry {
        at: at(1),
        effect: Effect::Written,
        connection: crm(),
        entity: Entity::Contact,
        record: record.into(),
        field: Some(field.into()),
        before: Field::Empty,
        after: Field::of("new"),
        sync: Some(people()),
        link: Some(LinkId(id(1))),
        rule: "email: newest".to_owned(),
        cause: cause(1),
        run: None,
        note: None,
    }
}
