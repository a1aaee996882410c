//! Runs, calls, meters and the overview.

use std::collections::BTreeMap;

use store::{
    CallFilter, CallRow, Commit, IntentEnd, Lane, LinkId, LinkState, Overview, Release, ReviewKind,
    Run, RunId, RunKind, RunState, Signal,
};

use super::things::*;

fn counts(pairs: &[(&str, i64)]) -> BTreeMap<String, i64> {
    pairs
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

pub(crate) async fn runs_add_up(store: Under) {
    let run = |number, sync: &str, started| Run {
        id: RunId(id(number)),
        sync: sync.into(),
        kind: RunKind::Full,
        state: RunState::Running,
        started: at(started),
        ended: None,
        counts: BTreeMap::new(),
    };
    for run in [
        run(2, "people", 1),
        run(1, "others", 2),
        run(3, "people", 3),
    ] {
        store.begin_run(&ws(), &run).await.unwrap();
    }
    for (created, refused) in [(2, 1), (3, 0)] {
        commit(
            &store,
            Commit {
                run: Some((
                    RunId(id(2)),
                    counts(&[("created_left", created), ("refused", refused)]),
                )),
                ..Commit::default()
            },
        )
        .await;
    }
    store
        .finish_run(&ws(), RunId(id(2)), RunState::Done, at(9))
        .await
        .unwrap();
    let runs = store.runs(&ws(), Some(&people()), 10).await.unwrap();
    let done = Run {
        state: RunState::Done,
        ended: Some(at(9)),
        counts: counts(&[("created_left", 5), ("refused", 1)]),
        ..run(2, "people", 1)
    };
    assert_eq!(runs, [run(3, "people", 3), done]);
    let newest = store.runs(&ws(), None, 2).await.unwrap();
    let ids: Vec<_> = newest.iter().map(|run| run.id.0.as_u128()).collect();
    assert_eq!(ids, [3, 1]);
}

pub(crate) async fn calls_are_found_by_each_filter_and_dropped_by_age(store: Under) {
    let call = |when, operation: &str| CallRow {
        at: at(when),
        connection: crm(),
        operation: operation.to_owned(),
        write: true,
        status: Some(200),
        milliseconds: 12,
        attempt: 1,
        lane: "live".to_owned(),
        cause: Some("t1".to_owned()),
        outcome: "ok".to_owned(),
        records: 20,
    };
    let lost = CallRow {
        status: None,
        outcome: "timeout".to_owned(),
        cause: None,
        connection: estate(),
        ..call(3, "contacts.update_100%")
    };
    store
        .log_calls(
            &ws(),
            &[
                call(2, "contacts.search"),
                call(1, "contacts.get"),
                lost.clone(),
            ],
            None,
        )
        .await
        .unwrap();
    let none = CallFilter::default;
    let placed = async |filter: CallFilter| store.calls(&ws(), &filter).await.unwrap();
    let list = async |filter: CallFilter| {
        let rows = placed(filter).await.into_iter();
        rows.map(|(_, row)| row).collect::<Vec<_>>()
    };
    assert_eq!(
        list(none()).await,
        [
            lost.clone(),
            call(2, "contacts.search"),
            call(1, "contacts.get")
        ],
        "newest first"
    );
    let filters = [
        CallFilter {
            connection: Some(estate()),
            ..none()
        },
        CallFilter {
            operation: Some("100%".to_owned()),
            ..none()
        },
        CallFilter {
            outcome: Some("timeout".to_owned()),
            ..none()
        },
        CallFilter {
            since: Some(at(3)),
            ..none()
        },
        CallFilter { limit: 1, ..none() },
    ];
    for filter in filters {
        assert_eq!(
            list(filter.clone()).await,
            std::slice::from_ref(&lost),
            "{filter:?}"
        );
    }
    let of_cause = CallFilter {
        cause: Some("t1".to_owned()),
        status: Some(200),
        ..none()
    };
    assert_eq!(list(of_cause).await.len(), 2);
    store.log_calls(&ws(), &[], Some(at(2))).await.unwrap();
    assert_eq!(list(none()).await, [lost, call(2, "contacts.search")]);
}

pub(crate) async fn the_overview_counts_what_is_there(store: Under) {
    assert_eq!(store.overview(&ws()).await.unwrap(), Overview::default());
    let live = |record: &str, due| Signal {
        lane: Lane::Live,
        ..signal(record, at(due))
    };
    store
        .signal(
            &ws(),
            &[
                signal("a", at(5)),
                signal("b", at(3)),
                live("c", 9),
                live("a", 50),
            ],
        )
        .await
        .unwrap();
    let claims = claim(&store, at(9)).await;
    let failed = claims.iter().find(|claim| claim.record.as_str() == "b");
    let mut parked = link(2, "b", "y");
    parked.state = LinkState::Parked;
    store
        .open_intents(&ws(), &[intent(1, "a"), intent(2, "b"), intent(3, "c")])
        .await
        .unwrap();
    commit(
        &store,
        Commit {
            links: vec![link(1, "a", "x"), parked, link(3, "c", "z")],
            released: vec![Release {
                claim: failed.unwrap().clone(),
                due: at(100),
                error: Some("refused".to_owned()),
                put_off: false,
            }],
            reviews: vec![
                review(1, ReviewKind::Conflict, "s1"),
                review(2, ReviewKind::Conflict, "s2"),
                review(3, ReviewKind::UnprovenCreate, "s3"),
            ],
            blocked: vec![blocked(1, "email")],
            intents: vec![(intent(3, "c").id, IntentEnd::Asked)],
            meters: counts(&[("writes", 2)]),
            ..Commit::default()
        },
    )
    .await;
    store
        .add_meters(&ws(), &counts(&[("writes", 3), ("reads", 1)]))
        .await
        .unwrap();
    let one = |name: &str, count| BTreeMap::from([(name.to_owned(), count)]);
    let people = |count| one("people", count);
    let expected = Overview {
        dirty: BTreeMap::from([(
            "crm".to_owned(),
            BTreeMap::from([("live".to_owned(), 2), ("reconcile".to_owned(), 1)]),
        )]),
        oldest: BTreeMap::from([("crm".to_owned(), at(3))]),
        failing: one("crm", 1),
        links: people(2),
        reviews: BTreeMap::from([(
            "people".to_owned(),
            BTreeMap::from([
                ("conflict".to_owned(), 2),
                ("unproven_create".to_owned(), 1),
            ]),
        )]),
        blocked: people(1),
        intents: people(2),
        meters: counts(&[("writes", 5), ("reads", 1)]),
    };
    assert_eq!(store.overview(&ws()).await.unwrap(), expected);

    settle(&store, &claims).await;
    let mut active = link(2, "b", "y");
    active.state = LinkState::Active;
    commit(
        &store,
        Commit {
            links: vec![active],
            ended: vec![LinkId(id(3))],
            ..Commit::default()
        },
    )
    .await;
    let after = store.overview(&ws()).await.unwrap();
    assert!(after.dirty.is_empty() && after.failing.is_empty() && after.oldest.is_empty());
    assert_eq!(after.links, people(2));
}
