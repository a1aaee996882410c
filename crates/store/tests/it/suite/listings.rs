//! What is known of records.

use record::{Entity, Read};
use store::{Commit, Known, Snapshot};

use super::things::*;

async fn known(store: &Under, names: &[&str]) -> Vec<Option<Known>> {
    store
        .known(&ws(), &crm(), Entity::Contact, &ids(names))
        .await
        .unwrap()
}

pub(crate) async fn known_records_keep_their_row_and_hash(store: Under) {
    assert_eq!(known(&store, &["a"]).await, [None]);
    keep(&store, vec![snapshot("a", u64::MAX), snapshot("b", 2)]).await;
    store.signal(&ws(), &[signal("b", at(0))]).await.unwrap();
    let first = known(&store, &["b", "x", "a"]).await;
    let [Some(b), None, Some(a)] = first.as_slice() else {
        panic!("in the order of the ids: {first:?}");
    };
    assert_eq!((a.list_hash, a.dirty), (u64::MAX, false));
    assert_eq!((b.list_hash, b.dirty), (2, true));
    assert_eq!(b.row, a.row + 1, "rows are dense");
    let unread = Snapshot {
        list_hash: None,
        ..snapshot("a", 0)
    };
    keep(&store, vec![unread, snapshot("b", 3)]).await;
    let second = known(&store, &["a", "b"]).await;
    assert_eq!(second[0], Some(*a), "no hash given leaves it");
    assert_eq!(
        second[1].map(|known| (known.row, known.list_hash)),
        Some((b.row, 3))
    );
    let other = store
        .known(&ws(), &crm(), Entity::Company, &ids(&["a"]))
        .await
        .unwrap();
    assert_eq!(other, [None]);
    let count = store
        .known_count(&ws(), &crm(), Entity::Contact)
        .await
        .unwrap();
    assert_eq!(count, 2);
}

pub(crate) async fn keys_find_records_and_are_replaced(store: Under) {
    let find = async |keys: &[store::Key]| -> Vec<(String, String)> {
        store
            .candidates(&ws(), &crm(), Entity::Contact, keys)
            .await
            .unwrap()
            .into_iter()
            .map(|(key, record)| (key.value, record.to_string()))
            .collect()
    };
    let shared = Snapshot {
        keys: vec![key("email", "x"), key("phone", "1"), key("email", "x")],
        ..snapshot("a", 1)
    };
    let other = Snapshot {
        keys: vec![key("email", "x")],
        ..snapshot("b", 1)
    };
    keep(&store, vec![shared.clone(), other]).await;
    let pair = |value: &str, record: &str| (value.to_owned(), record.to_owned());
    assert_eq!(
        find(&[
            key("phone", "1"),
            key("email", "x"),
            key("phone", "x"),
            key("fax", "1")
        ])
        .await,
        [pair("1", "a"), pair("x", "a"), pair("x", "b")],
        "in the order of the keys, kinds apart"
    );
    let changed = Snapshot {
        keys: vec![key("email", "y"), key("phone", "1")],
        ..shared
    };
    keep(&store, vec![changed]).await;
    assert_eq!(find(&[key("email", "x")]).await, [pair("x", "b")]);
    assert_eq!(
        find(&[key("email", "y"), key("phone", "1")]).await,
        [pair("y", "a"), pair("1", "a")]
    );
}

pub(crate) async fn a_reading_is_kept_until_it_is_dropped(store: Under) {
    keep(
        &store,
        vec![snapshot("a", 1), snapshot("b", 2), snapshot("c", 3)],
    )
    .await;
    let linked = Snapshot {
        read: None,
        list_hash: None,
        ..snapshot("b", 0)
    };
    keep(&store, vec![linked]).await;
    let kept = store
        .snapshots(&ws(), &crm(), Entity::Contact, &ids(&["b", "x", "a"]))
        .await
        .unwrap();
    let b = kept[0].as_ref().unwrap();
    assert_eq!((b.read.is_none(), b.list_hash), (true, Some(2)));
    assert_eq!(b.keys, [key("email", "b@example.org")], "its keys stay");
    assert!(kept[1].is_none());
    let a = kept[2].as_ref().unwrap();
    assert_eq!(a.read, Some(read("a", "Ada")));

    let page = async |after, limit| {
        store
            .snapshots_after(&ws(), &crm(), Entity::Contact, after, limit)
            .await
            .unwrap()
    };
    let first = page(0, 2).await;
    let names: Vec<_> = first.iter().map(|(_, kept)| kept.record.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let rest = page(first[1].0, 2).await;
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].1.record.as_str(), "c");
}

pub(crate) async fn a_newer_reading_is_not_replaced_by_an_older_one(store: Under) {
    let shown = |name: &str, asked: i64, changed: i64| Snapshot {
        read: Some(Read {
            as_of: at(asked),
            modified: Some(at(changed)),
            ..read("a", name)
        }),
        keys: vec![key("email", &format!("{name}@example.org"))],
        ..snapshot("a", asked.unsigned_abs())
    };
    let kept = async || {
        let kept = store
            .snapshots(&ws(), &crm(), Entity::Contact, &ids(&["a"]))
            .await
            .unwrap();
        let kept = kept[0].clone().unwrap();
        assert!(kept.read.is_some());
        kept.keys[0].value.clone()
    };
    keep(&store, vec![shown("ada", 10, 5)]).await;
    // A page that was asked for before, and comes late.
    keep(&store, vec![shown("late", 9, 5)]).await;
    assert_eq!(kept().await, "ada@example.org");
    // An index that is asked later, and lags.
    keep(&store, vec![shown("lagging", 11, 4)]).await;
    assert_eq!(kept().await, "ada@example.org");
    keep(&store, vec![shown("newer", 11, 5)]).await;
    assert_eq!(kept().await, "newer@example.org");
    keep(&store, vec![shown("changed", 10, 6)]).await;
    assert_eq!(kept().await, "changed@example.org");
}

pub(crate) async fn a_record_that_is_gone_leaves_nothing_and_its_row_is_not_reused(store: Under) {
    keep(&store, vec![snapshot("a", 1), snapshot("b", 1)]).await;
    let before = known(&store, &["b"]).await[0].unwrap();
    commit(
        &store,
        Commit {
            gone: vec![
                (crm(), Entity::Contact, "b".into()),
                (crm(), Entity::Contact, "never there".into()),
            ],
            snapshots: vec![snapshot("c", 1)],
            ..Commit::default()
        },
    )
    .await;
    assert_eq!(known(&store, &["b"]).await, [None]);
    assert!(known(&store, &["c"]).await[0].unwrap().row > before.row);
    let found = store
        .candidates(
            &ws(),
            &crm(),
            Entity::Contact,
            &[key("email", "b@example.org")],
        )
        .await
        .unwrap();
    assert!(found.is_empty());
    let kept = store
        .snapshots(&ws(), &crm(), Entity::Contact, &ids(&["b"]))
        .await
        .unwrap();
    assert!(kept[0].is_none());
    let count = store
        .known_count(&ws(), &crm(), Entity::Contact)
        .await
        .unwrap();
    assert_eq!(count, 2);
    keep(&store, vec![snapshot("b", 9)]).await;
    assert_eq!(known(&store, &["b"]).await[0].unwrap().list_hash, 9);
}

/// More new records than are kept beside the index of keys, and a few that change or go before they are in it.
pub(crate) async fn keys_of_many_new_records_find_them_at_any_time(store: Under) {
    let find = async |value: &str| -> Vec<String> {
        store
            .candidates(&ws(), &crm(), Entity::Contact, &[key("email", value)])
            .await
            .unwrap()
            .into_iter()
            .map(|(_, record)| record.to_string())
            .collect()
    };
    // one key that some of them share
    let shares = |number: &usize| number.is_multiple_of(64);
    let named = |number: usize| {
        let mut keys = vec![key("email", &format!("e{number}"))];
        if shares(&number) {
            keys.push(key("email", "shared"));
        }
        Snapshot {
            keys,
            ..snapshot(&format!("r{number}"), 1)
        }
    };
    let mut known = 0;
    // 8192 are merged at once.
    for until in [3, 4000, 8191, 8192, 8193, 12_000] {
        keep(&store, (known..until).map(named).collect()).await;
        known = until;
        for number in [0, 2, until / 2, until - 1] {
            assert_eq!(find(&format!("e{number}")).await, [format!("r{number}")]);
        }
        assert!(find(&format!("e{until}")).await.is_empty());
        let sharing = (0..until).filter(shares).count();
        assert_eq!(find("shared").await.len(), sharing, "each once");
    }
    let sharing: Vec<String> = (0..known)
        .filter(shares)
        .map(|number| format!("r{number}"))
        .collect();
    assert_eq!(find("shared").await, sharing, "in the order of their rows");

    for number in [11_000, 5] {
        let changed = Snapshot {
            keys: vec![key("email", "new")],
            ..named(number)
        };
        keep(&store, vec![changed]).await;
        assert!(find(&format!("e{number}")).await.is_empty());
        assert_eq!(find("new").await, [format!("r{number}")]);
        keep(&store, vec![named(number)]).await;
        assert!(find("new").await.is_empty());
    }
    keep(&store, (known..known + 2).map(named).collect()).await;
    assert_eq!(find("e12001").await, ["r12001"]);
    commit(
        &store,
        Commit {
            gone: vec![(crm(), Entity::Contact, "r12001".into())],
            ..Commit::default()
        },
    )
    .await;
    assert!(find("e12001").await.is_empty());
    keep(&store, vec![named(12_002)]).await;
    assert_eq!(find("e12000").await, ["r12000"]);
    let sharing = (0..12_003).filter(shares).count();
    assert_eq!(find("shared").await.len(), sharing);
}
