//! Links: exclusive, and all or nothing.

use record::{Entity, Side};
use store::{
    Awaited, Blocked, Child, Commit, Error, Link, LinkId, LinkState, Pair, PairDecision,
    ReviewFilter, ReviewKind, ReviewState, SignalSource, Tombstone,
};

use super::things::*;

async fn of(store: &Under, side: Side, names: &[&str]) -> Vec<u128> {
    store
        .links_of(&ws(), &people(), Entity::Contact, side, &ids(names))
        .await
        .unwrap()
        .into_iter()
        .map(|link| link.id.0.as_u128())
        .collect()
}

pub(crate) async fn a_link_comes_back_as_it_was_stored(store: Under) {
    let first = link(1, "a", "x");
    save(&store, vec![first.clone()]).await;
    assert_eq!(store.link(&ws(), first.id).await.unwrap(), Some(first));
    let changed = store::Link {
        state: LinkState::Parked,
        how: "by a person".to_owned(),
        base_left: fields(&[("email", "new@example.org")]),
        wrote_left: Some(at(90)),
        stamp_left: None,
        ..link(1, "a", "y")
    };
    save(&store, vec![changed.clone()]).await;
    assert_eq!(
        store.link(&ws(), changed.id).await.unwrap(),
        Some(changed.clone())
    );
    assert!(of(&store, Side::Right, &["x"]).await.is_empty());
    assert_eq!(of(&store, Side::Right, &["z", "y"]).await, [1]);
    assert_eq!(of(&store, Side::Left, &["a"]).await, [1]);
    assert_eq!(store.link(&ws(), LinkId(id(2))).await.unwrap(), None);
}

pub(crate) async fn a_record_is_in_at_most_one_link_of_a_sync(store: Under) {
    let mut suspended = link(1, "a", "x");
    suspended.state = LinkState::Suspended;
    save(&store, vec![suspended]).await;
    for (left, right, named) in [("a", "y", "a"), ("b", "x", "x")] {
        let commit = Commit {
            links: vec![link(2, left, right)],
            ..Commit::default()
        };
        let error = store.commit(&ws(), commit).await.unwrap_err();
        let Error::AlreadyLinked { sync, record } = &error else {
            panic!("{error}");
        };
        assert_eq!((sync.as_str(), record.as_str()), ("people", named));
    }
    let twice = Commit {
        links: vec![link(3, "c", "z"), link(4, "c", "w")],
        ..Commit::default()
    };
    store.commit(&ws(), twice).await.unwrap_err();
    let company = store::Link {
        entity: Entity::Company,
        ..link(5, "a", "x")
    };
    let elsewhere = store::Link {
        sync: "others".into(),
        ..link(6, "a", "x")
    };
    save(&store, vec![company, elsewhere]).await;
    assert_eq!(of(&store, Side::Left, &["a", "b", "c"]).await, [1]);
}

pub(crate) async fn a_refused_commit_stores_nothing(store: Under) {
    save(&store, vec![link(1, "a", "x"), link(9, "i", "j")]).await;
    store.signal(&ws(), &[signal("a", at(0))]).await.unwrap();
    let taken = claim(&store, at(0)).await;
    store.open_intents(&ws(), &[intent(1, "b")]).await.unwrap();
    let whole = Commit {
        at: Some(at(1)),
        links: vec![link(2, "b", "x")],
        ended: vec![LinkId(id(9))],
        journal: vec![entry("b", "email")],
        reviews: vec![review(1, ReviewKind::Ambiguous, "b")],
        intents: vec![(intent(1, "b").id, store::IntentEnd::Closed)],
        snapshots: vec![snapshot("b", 1)],
        signals: vec![signal("b", at(0))],
        settled: taken,
        decisions: vec![(
            // A name that was never stored before goes with the rest.
            "never seen".into(),
            Entity::Contact,
            Pair {
                left: "b".into(),
                right: "x".into(),
            },
            PairDecision::Link,
        )],
        meters: [("writes".to_owned(), 1)].into(),
        ..Commit::default()
    };
    let error = store.commit(&ws(), whole.clone()).await.unwrap_err();
    assert!(matches!(error, Error::AlreadyLinked { .. }), "{error}");
    let reviews = store
        .reviews(&ws(), &ReviewFilter::default())
        .await
        .unwrap();
    assert!(reviews.is_empty());
    let journal = store
        .journal(&ws(), &store::JournalFilter::default())
        .await
        .unwrap();
    assert!(journal.is_empty());
    assert_eq!(of(&store, Side::Left, &["i"]).await, [9], "not ended");
    let overview = store.overview(&ws()).await.unwrap();
    assert!(overview.meters.is_empty());
    assert_eq!(overview.intents["people"], 1);
    assert_eq!(overview.links["people"], 2);
    let count = store
        .known_count(&ws(), &crm(), Entity::Contact)
        .await
        .unwrap();
    assert_eq!(count, 0);
    assert_eq!(records(&claim(&store, at(60)).await), ["a"], "not settled");

    let good = Commit {
        links: vec![link(2, "b", "y")],
        ..whole
    };
    commit(&store, good).await;
    let overview = store.overview(&ws()).await.unwrap();
    assert_eq!(overview.meters["writes"], 1);
    assert!(overview.intents.is_empty());
}

pub(crate) async fn records_can_change_hands_within_one_commit(store: Under) {
    save(
        &store,
        vec![link(1, "a", "x"), link(2, "b", "y"), link(3, "c", "z")],
    )
    .await;
    // The two exchange their right records; the third ends and its records are linked anew.
    commit(
        &store,
        Commit {
            links: vec![link(1, "a", "y"), link(2, "b", "x"), link(4, "c", "z")],
            ended: vec![LinkId(id(3))],
            ..Commit::default()
        },
    )
    .await;
    assert_eq!(of(&store, Side::Right, &["x", "y", "z"]).await, [2, 1, 4]);
}

pub(crate) async fn an_ended_link_takes_its_blocked_fields_and_questions_along(store: Under) {
    let subject = |link: u128, field: &str| format!("{}:{field}", LinkId(id(link)));
    commit(
        &store,
        Commit {
            links: vec![link(1, "a", "x"), link(2, "b", "y")],
            blocked: vec![blocked(1, "email"), blocked(2, "email")],
            reviews: vec![
                review(1, ReviewKind::Conflict, &subject(1, "email")),
                review(2, ReviewKind::Refused, &subject(1, "phone")),
                review(3, ReviewKind::Conflict, &subject(2, "email")),
                review(4, ReviewKind::Deleted, &subject(1, "")),
            ],
            ..Commit::default()
        },
    )
    .await;
    commit(
        &store,
        Commit {
            at: Some(at(77)),
            ended: vec![LinkId(id(1))],
            ..Commit::default()
        },
    )
    .await;
    let states: Vec<_> = store
        .reviews(&ws(), &ReviewFilter::default())
        .await
        .unwrap()
        .into_iter()
        .map(|review| (review.state, review.decided))
        .collect();
    let withdrawn = (ReviewState::Withdrawn, Some(at(77)));
    let open = (ReviewState::Open, None);
    assert_eq!(states, [withdrawn, withdrawn, open, open]);
    let left = store.blocked(&ws(), &people(), None).await.unwrap();
    assert_eq!(left, [blocked(2, "email")]);
    assert!(of(&store, Side::Left, &["a"]).await.is_empty());
}

pub(crate) async fn links_are_listed_in_the_order_of_ids(store: Under) {
    let elsewhere = store::Link {
        sync: "others".into(),
        ..link(3, "a", "x")
    };
    save(
        &store,
        vec![
            link(4, "d", "w"),
            link(1, "a", "x"),
            elsewhere,
            link(2, "b", "y"),
        ],
    )
    .await;
    let page = async |after: Option<u128>, limit| -> Vec<u128> {
        store
            .links_after(
                &ws(),
                &people(),
                after.map(|after| LinkId(id(after))),
                limit,
            )
            .await
            .unwrap()
            .into_iter()
            .map(|link| link.id.0.as_u128())
            .collect()
    };
    assert_eq!(page(None, 2).await, [1, 2]);
    assert_eq!(page(Some(2), 2).await, [4]);
    assert_eq!(page(None, 0).await, [1, 2, 4], "0: no limit");
}

pub(crate) async fn some_links_are_of_one_entity_and_none_is_in_question(store: Under) {
    let mut task = link(1, "a", "x");
    task.entity = Entity::Task;
    let mut parked = link(2, "b", "y");
    parked.state = LinkState::Parked;
    let mut suspended = link(3, "d", "v");
    suspended.state = LinkState::Suspended;
    let mut elsewhere = link(5, "a", "x");
    elsewhere.sync = "others".into();
    let last = link(4, "c", "z");
    save(&store, vec![task, parked, suspended, elsewhere, last]).await;
    let some = async |entity, limit| -> Vec<u128> {
        let links = store.some_links(&ws(), &people(), entity, limit).await;
        let links = links.unwrap();
        links.into_iter().map(|link| link.id.0.as_u128()).collect()
    };
    assert_eq!(some(Entity::Contact, 5).await, [4, 3]);
    assert_eq!(some(Entity::Contact, 1).await, [4]);
    assert_eq!(some(Entity::Task, 5).await, [1]);
    assert!(some(Entity::Note, 5).await.is_empty());
}

pub(crate) async fn tombstones_blocked_fields_and_decisions(store: Under) {
    let tombstone = |record: &str, why: &str| Tombstone {
        sync: people(),
        entity: Entity::Contact,
        side: Side::Left,
        record: record.into(),
        why: why.to_owned(),
        at: at(1),
    };
    let pair = |left: &str, right: &str| Pair {
        left: left.into(),
        right: right.into(),
    };
    let decision = |left: &str, right: &str, decision| {
        (people(), Entity::Contact, pair(left, right), decision)
    };
    commit(
        &store,
        Commit {
            tombstones: vec![tombstone("a", "unlinked"), tombstone("b", "left alone")],
            blocked: vec![
                blocked(1, "phone"),
                blocked(1, "email"),
                blocked(2, "email"),
            ],
            decisions: vec![
                decision("a", "x", PairDecision::KeepApart),
                decision("a", "y", PairDecision::KeepApart),
            ],
            ..Commit::default()
        },
    )
    .await;
    let again = Blocked {
        value_hash: 5,
        ..blocked(1, "email")
    };
    commit(
        &store,
        Commit {
            tombstones: vec![tombstone("b", "deleted")],
            lifted: vec![(people(), Entity::Contact, Side::Left, "a".into())],
            blocked: vec![again.clone()],
            unblocked: vec![(LinkId(id(2)), "email".to_owned(), Side::Right)],
            decisions: vec![decision("a", "y", PairDecision::Link)],
            ..Commit::default()
        },
    )
    .await;
    let stones = async |side| {
        store
            .tombstones_of(&ws(), &people(), Entity::Contact, side, &ids(&["b", "a"]))
            .await
            .unwrap()
    };
    assert_eq!(stones(Side::Left).await, [tombstone("b", "deleted")]);
    assert!(stones(Side::Right).await.is_empty());
    let of = [LinkId(id(1)), LinkId(id(2))];
    let some = store.blocked(&ws(), &people(), Some(&of)).await.unwrap();
    assert_eq!(some, [again, blocked(1, "phone")]);
    let decisions = async |side, name: &str| {
        store
            .decisions_of(&ws(), &people(), Entity::Contact, side, &ids(&[name]))
            .await
            .unwrap()
    };
    assert_eq!(
        decisions(Side::Left, "a").await,
        [
            (pair("a", "x"), PairDecision::KeepApart),
            (pair("a", "y"), PairDecision::Link)
        ]
    );
    assert_eq!(
        decisions(Side::Right, "y").await,
        [(pair("a", "y"), PairDecision::Link)]
    );
}

pub(crate) async fn what_waits_for_a_link_is_woken_in_the_commit_that_makes_it(store: Under) {
    let waits = |number: u128, side: Side, record: &str| Blocked {
        awaits: Some(Awaited {
            entity: Entity::Company,
            side,
            record: record.into(),
            wakes: crm(),
        }),
        ..blocked(number, "company")
    };
    let company = |number: u128, left: &str, right: &str| Link {
        entity: Entity::Company,
        ..link(number, left, right)
    };
    let woken = async || {
        let claims = claim(&store, at(500)).await;
        let woken: Vec<String> = claims
            .iter()
            .map(|claim| {
                assert_eq!(claim.sources, [SignalSource::Link]);
                assert_eq!((&claim.connection, claim.entity), (&crm(), Entity::Contact));
                claim.record.to_string()
            })
            .collect();
        commit(
            &store,
            Commit {
                settled: claims,
                ..Commit::default()
            },
        )
        .await;
        woken
    };
    save(
        &store,
        vec![link(1, "a", "x"), link(2, "b", "y"), link(3, "c", "z")],
    )
    .await;
    let rows = vec![
        waits(1, Side::Left, "firm"),
        waits(2, Side::Right, "haus"),
        waits(3, Side::Left, "other"),
    ];
    commit(
        &store,
        Commit {
            blocked: rows.clone(),
            ..Commit::default()
        },
    )
    .await;
    assert_eq!(store.blocked(&ws(), &people(), None).await.unwrap(), rows);
    assert!(woken().await.is_empty());
    // A contact of the same ids is not what they wait for, and a parked link is none yet.
    save(&store, vec![link(8, "firm", "haus")]).await;
    let parked = Link {
        state: LinkState::Parked,
        ..company(9, "firm", "haus")
    };
    save(&store, vec![parked]).await;
    assert!(woken().await.is_empty());
    save(&store, vec![company(9, "firm", "haus")]).await;
    assert_eq!(woken().await, ["a", "b"]);
    // Who begins to wait when the link is there already is woken with the row.
    commit(
        &store,
        Commit {
            blocked: vec![waits(3, Side::Right, "haus")],
            ..Commit::default()
        },
    )
    .await;
    assert_eq!(woken().await, ["c"]);
    // What does not wait any more is left alone.
    let lifted = [1, 2, 3].map(|number| (LinkId(id(number)), "company".to_owned(), Side::Right));
    commit(
        &store,
        Commit {
            unblocked: lifted.to_vec(),
            ..Commit::default()
        },
    )
    .await;
    save(&store, vec![company(9, "firm", "haus")]).await;
    assert!(woken().await.is_empty());
}

pub(crate) async fn what_belongs_to_a_record_waits_for_its_link_and_no_longer(store: Under) {
    let child = |record: &str, side: Side, awaits: &str| Child {
        sync: people(),
        entity: Entity::Task,
        side,
        record: record.into(),
        awaits_entity: Entity::Contact,
        awaits: awaits.into(),
        wakes: crm(),
        since: at(1),
    };
    let keep = async |children: Vec<Child>| {
        let kept = Commit {
            children,
            ..Commit::default()
        };
        commit(&store, kept).await;
    };
    let woken = async || {
        let claims = claim(&store, at(500)).await;
        let mut woken: Vec<String> = claims
            .iter()
            .map(|claim| {
                assert_eq!(claim.sources, [SignalSource::Link]);
                assert_eq!((&claim.connection, claim.entity), (&crm(), Entity::Task));
                claim.record.to_string()
            })
            .collect();
        woken.sort();
        let settled = Commit {
            settled: claims,
            ..Commit::default()
        };
        commit(&store, settled).await;
        woken
    };
    let waiting = async || store.children(&ws(), &people(), 0).await.unwrap();
    let all = vec![
        child("t1", Side::Left, "a"),
        child("t2", Side::Left, "a"),
        child("t3", Side::Left, "b"),
        child("t4", Side::Right, "a"),
    ];
    keep(all.clone()).await;
    assert_eq!(waiting().await, (4, all.clone()));
    assert!(woken().await.is_empty());
    // Of one side only, and a parked link is none yet.
    let parked = Link {
        state: LinkState::Parked,
        ..link(1, "a", "x")
    };
    save(&store, vec![parked]).await;
    assert!(woken().await.is_empty());
    save(&store, vec![link(1, "a", "x")]).await;
    assert_eq!(woken().await, ["t1", "t2"]);
    assert_eq!(waiting().await, (2, all[2..].to_vec()));
    // Who begins to wait when the link is there already is woken at once.
    keep(vec![child("t5", Side::Right, "x")]).await;
    assert_eq!(woken().await, ["t5"]);
    // Who is gone, or linked, waits no more.
    let gone = Commit {
        gone: vec![(crm(), Entity::Task, "t3".into())],
        ..Commit::default()
    };
    commit(&store, gone).await;
    let of_it = Link {
        entity: Entity::Task,
        ..link(2, "u", "t4")
    };
    save(&store, vec![of_it]).await;
    assert_eq!(waiting().await, (0, Vec::new()));
    assert!(woken().await.is_empty());
}
