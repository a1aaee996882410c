//! Questions for a person.

use record::Entity;
use serde_json::json;
use store::{Commit, Question, Review, ReviewFilter, ReviewId, ReviewKind, ReviewState};

use super::things::*;

async fn open(store: &Under, reviews: Vec<Review>) {
    commit(
        store,
        Commit {
            reviews,
            ..Commit::default()
        },
    )
    .await;
}

async fn close(store: &Under, number: u128, state: ReviewState, choice: Option<&str>) {
    commit(
        store,
        Commit {
            at: Some(at(50)),
            closed_reviews: vec![(ReviewId(id(number)), state, choice.map(str::to_owned))],
            ..Commit::default()
        },
    )
    .await;
}

async fn all(store: &Under) -> Vec<Review> {
    store
        .reviews(&ws(), &ReviewFilter::default())
        .await
        .unwrap()
}

pub(crate) async fn one_question_is_asked_once(store: Under) {
    open(&store, vec![review(1, ReviewKind::Conflict, "s")]).await;
    let news = Review {
        summary: "changed".to_owned(),
        details: json!({ "v": 1, "left": "new" }),
        opened: at(99),
        right: Some("x".into()),
        ..review(2, ReviewKind::Conflict, "s")
    };
    open(
        &store,
        vec![news.clone(), review(3, ReviewKind::Refused, "s")],
    )
    .await;
    let expected = Review {
        id: ReviewId(id(1)),
        opened: at(10),
        ..news
    };
    assert_eq!(
        all(&store).await,
        [expected, review(3, ReviewKind::Refused, "s")]
    );
}

pub(crate) async fn a_postponed_question_comes_back_when_it_changes(store: Under) {
    open(&store, vec![review(1, ReviewKind::Conflict, "s")]).await;
    close(&store, 1, ReviewState::Postponed, None).await;
    open(
        &store,
        vec![Review {
            summary: "said in other words".to_owned(),
            ..review(2, ReviewKind::Conflict, "s")
        }],
    )
    .await;
    let [postponed] = all(&store).await.try_into().unwrap();
    assert_eq!(postponed.state, ReviewState::Postponed);
    assert_eq!(postponed.decided, Some(at(50)));
    open(
        &store,
        vec![Review {
            details: json!({ "v": 1, "candidates": ["z"] }),
            ..review(3, ReviewKind::Conflict, "s")
        }],
    )
    .await;
    let [reopened] = all(&store).await.try_into().unwrap();
    assert_eq!(reopened.state, ReviewState::Open);
    assert_eq!((reopened.id, reopened.opened), (ReviewId(id(1)), at(10)));
    assert_eq!(reopened.decided, None);
    assert_eq!(reopened.details["candidates"], json!(["z"]));
}

pub(crate) async fn who_waits_for_a_question_is_woken_when_it_is_closed_or_put_anew(store: Under) {
    let kind = ReviewKind::Ambiguous;
    let about = |number: u128, record: &str| Review {
        details: json!({"v": 1, "connection": crm(), "record": record}),
        ..review(number, kind, &format!("left:{record}"))
    };
    let woken = async || {
        let claims = claim(&store, at(500)).await;
        let mut woken: Vec<String> = claims
            .iter()
            .map(|claim| claim.record.to_string())
            .collect();
        woken.sort();
        let settled = Commit {
            settled: claims,
            ..Commit::default()
        };
        commit(&store, settled).await;
        woken
    };
    let waiting = |number, record| about(number, record).waiting_for("left:first");
    open(
        &store,
        vec![about(1, "first"), waiting(2, "second"), waiting(3, "third")],
    )
    .await;
    assert!(woken().await.is_empty());
    let rows = all(&store).await;
    assert_eq!(rows[1].waits_for(), Some("left:first"));
    assert!(rows[0].is_asked() && !rows[1].is_asked());
    // Put off by a person it is asked all the same; put anew with other words it is another question.
    close(&store, 1, ReviewState::Postponed, Some("postpone")).await;
    assert!(woken().await.is_empty() && all(&store).await[0].is_asked());
    open(&store, vec![review(4, kind, "left:first")]).await;
    assert_eq!(woken().await, ["second", "third"]);
    // Who is asked does not begin to wait, and who waits can come to be asked.
    open(&store, vec![about(5, "second"), waiting(6, "first")]).await;
    let rows = all(&store).await;
    assert!(rows[0].is_asked() && rows[1].is_asked(), "{rows:#?}");
    close(&store, 1, ReviewState::Decided, Some("apart")).await;
    assert_eq!(woken().await, ["third"]);
    // Who begins to wait for a question that nobody is asked is woken at once.
    open(&store, vec![waiting(7, "fourth")]).await;
    assert_eq!(woken().await, ["fourth", "third"]);
}

fn question(kind: ReviewKind, subject: &str) -> Question {
    Question {
        sync: people(),
        entity: Some(Entity::Contact),
        kind,
        subject: subject.to_owned(),
    }
}

pub(crate) async fn a_closed_question_stays_closed(store: Under) {
    open(&store, vec![review(1, ReviewKind::Conflict, "s")]).await;
    close(&store, 1, ReviewState::Decided, Some("left")).await;
    close(&store, 1, ReviewState::Decided, Some("right")).await;
    commit(
        &store,
        Commit {
            withdrawn: vec![question(ReviewKind::Conflict, "s")],
            ..Commit::default()
        },
    )
    .await;
    open(&store, vec![review(2, ReviewKind::Conflict, "s")]).await;
    let [first, second] = all(&store).await.try_into().unwrap();
    assert_eq!(first.state, ReviewState::Decided);
    assert_eq!(
        first.choice.as_deref(),
        Some("left"),
        "who came first decided"
    );
    assert_eq!(first.decided, Some(at(50)));
    assert_eq!(
        (second.id, second.state),
        (ReviewId(id(2)), ReviewState::Open)
    );
    commit(
        &store,
        Commit {
            at: Some(at(60)),
            withdrawn: vec![question(ReviewKind::Conflict, "s")],
            ..Commit::default()
        },
    )
    .await;
    let second = store.review(&ws(), second.id).await.unwrap().unwrap();
    assert_eq!(second.state, ReviewState::Withdrawn);
    assert_eq!(second.decided, Some(at(60)));
}

pub(crate) async fn reviews_are_found_by_each_filter(store: Under) {
    let about = |number, left: Option<&str>, right: Option<&str>| Review {
        left: left.map(Into::into),
        right: right.map(Into::into),
        ..review(number, ReviewKind::Ambiguous, &format!("s{number}"))
    };
    let elsewhere = Review {
        sync: "others".into(),
        left: None,
        ..review(4, ReviewKind::Conflict, "s4")
    };
    open(
        &store,
        vec![
            about(9, Some("a"), None),
            about(2, None, Some("a")),
            about(3, Some("b"), Some("c")),
            elsewhere,
        ],
    )
    .await;
    close(&store, 2, ReviewState::Postponed, None).await;
    let find = async |filter: ReviewFilter| -> Vec<u128> {
        store
            .reviews(&ws(), &filter)
            .await
            .unwrap()
            .into_iter()
            .map(|review| review.id.0.as_u128())
            .collect()
    };
    let none = ReviewFilter::default;
    let by_records = ReviewFilter {
        records: Some(ids(&["a", "c\" OR 1"])),
        ..none()
    };
    assert_eq!(find(by_records).await, [9, 2]);
    let by_sync = ReviewFilter {
        sync: Some("others".into()),
        ..none()
    };
    assert_eq!(find(by_sync).await, [4]);
    let by_state = ReviewFilter {
        state: Some(ReviewState::Open),
        sync: Some(people()),
        ..none()
    };
    assert_eq!(find(by_state).await, [9, 3]);
    let by_kind = ReviewFilter {
        kind: Some(ReviewKind::Conflict),
        ..none()
    };
    assert_eq!(find(by_kind).await, [4]);
    let paged = ReviewFilter {
        after: Some(ReviewId(id(9))),
        limit: 2,
        ..none()
    };
    assert_eq!(find(paged).await, [2, 3], "in the order of opening");
}

pub(crate) async fn a_link_answers_who_its_records_are(store: Under) {
    let about = |number, kind, subject: &str| review(number, kind, subject);
    open(
        &store,
        vec![
            about(1, ReviewKind::Ambiguous, "left:l1"),
            about(2, ReviewKind::Refused, "right:r1"),
            about(3, ReviewKind::Ambiguous, "left:l2"),
            about(4, ReviewKind::Deleted, "left:l1"),
        ],
    )
    .await;
    close(&store, 2, ReviewState::Postponed, None).await;
    let linked = Commit {
        at: Some(at(60)),
        links: vec![link(1, "l1", "r1")],
        ..Commit::default()
    };
    commit(&store, linked.clone()).await;
    let states = |reviews: &[Review]| -> Vec<(ReviewState, Option<String>)> {
        reviews
            .iter()
            .map(|review| (review.state, review.choice.clone()))
            .collect()
    };
    let withdrawn = |other: &str| (ReviewState::Withdrawn, Some(format!("linked with {other}")));
    let reviews = all(&store).await;
    let open_still = (ReviewState::Open, None);
    assert_eq!(
        states(&reviews),
        [
            withdrawn("r1"),
            withdrawn("l1"),
            open_still.clone(),
            open_still
        ]
    );
    assert_eq!(reviews[0].decided, Some(at(60)));
    // A link that is only stored anew says nothing about what is asked since.
    open(&store, vec![about(5, ReviewKind::Ambiguous, "left:l1")]).await;
    commit(&store, linked).await;
    assert_eq!(all(&store).await[4].state, ReviewState::Open);
}
