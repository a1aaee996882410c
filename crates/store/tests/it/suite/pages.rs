//! Long lists: page by page, each row once, in the order of the whole.

use record::{Entity, Side};
use store::{
    Blocked, BlockedFilter, CallFilter, CallPlace, CallRow, Commit, LinkId, Release, ReviewFilter,
    ReviewId, ReviewKind, SkipReason, Skipped,
};

use super::things::*;

pub(crate) async fn blocked_fields_come_page_by_page_the_oldest_first(store: Under) {
    let links = (1..=5).map(|number| link(number, &format!("l{number}"), &format!("r{number}")));
    save(&store, links.collect()).await;
    let since = |row: Blocked, seconds| Blocked {
        since: at(seconds),
        ..row
    };
    let rows = vec![
        since(blocked(1, "b"), 3),
        since(blocked(1, "a"), 3),
        since(blocked(2, "a"), 1),
        since(blocked(3, "a"), 3),
        since(blocked(4, "a"), 2),
        Blocked {
            side: blocked(4, "a").side.other(),
            ..since(blocked(4, "a"), 2)
        },
    ];
    commit(
        &store,
        Commit {
            blocked: rows.clone(),
            ..Commit::default()
        },
    )
    .await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .blocked_after(
                &ws(),
                &people(),
                &BlockedFilter::default(),
                after.as_ref(),
                2,
            )
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.blocked.place());
        for row in page {
            let number = row.blocked.link.0.as_u128();
            assert_eq!(row.entity, Entity::Contact);
            assert_eq!(row.left.as_str(), format!("l{number}"));
            assert_eq!(row.right.as_str(), format!("r{number}"));
            seen.push((
                row.blocked.since,
                number,
                row.blocked.mapping,
                row.blocked.side,
            ));
        }
    }
    let mut whole: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.since,
                row.link.0.as_u128(),
                row.mapping.clone(),
                row.side,
            )
        })
        .collect();
    whole.sort_by_key(|(since, link, mapping, side)| {
        (*since, *link, mapping.clone(), *side == Side::Right)
    });
    assert_eq!(seen, whole);
    let all = store
        .blocked_after(&ws(), &people(), &BlockedFilter::default(), None, 0)
        .await
        .unwrap();
    assert_eq!(all.len(), rows.len());
}

pub(crate) async fn blocked_fields_are_counted_once_for_each_reason(store: Under) {
    let links = (1..=6).map(|number| {
        let (left, right) = (format!("l{number}"), format!("r{number}"));
        store::Link {
            entity: if number == 6 {
                Entity::Company
            } else {
                Entity::Contact
            },
            ..link(number, &left, &right)
        }
    });
    save(&store, links.collect()).await;
    let row = |link: u128, mapping: &str, side: Side, reason: &str, seconds| Blocked {
        side,
        reason: reason.to_owned(),
        since: at(seconds),
        ..blocked(link, mapping)
    };
    let (left, right) = (Side::Left, Side::Right);
    let blocked = vec![
        row(1, "title", right, "too long. Really", 5),
        row(2, "title", right, "too long. Really", 4),
        row(3, "title", right, "too long. Really", 9),
        row(4, "title", right, "not a word", 5),
        row(4, "title", left, "not a word", 5),
        row(5, "größe.a", right, "too long. Really", 5),
        row(6, "title", right, "too long. Really", 5),
        Blocked {
            sync: "others".into(),
            ..row(5, "title", right, "too long. Really", 1)
        },
    ];
    commit(
        &store,
        Commit {
            blocked,
            ..Commit::default()
        },
    )
    .await;
    let told = |sum: &store::BlockedSum| {
        let since = sum.since.duration_since(at(0)).as_secs();
        let (entity, side) = (sum.entity, sum.side);
        (
            since,
            entity,
            sum.mapping.clone(),
            side,
            sum.reason.clone(),
            sum.records,
        )
    };
    let all = store.blocked_sums(&ws(), &people(), None, 0).await.unwrap();
    let is = |since, entity, mapping: &str, side, reason: &str, records| {
        (
            since,
            entity,
            mapping.to_owned(),
            side,
            reason.to_owned(),
            records,
        )
    };
    let (contact, company) = (Entity::Contact, Entity::Company);
    assert_eq!(
        all.iter().map(told).collect::<Vec<_>>(),
        [
            is(4, contact, "title", right, "too long. Really", 3),
            is(5, contact, "größe.a", right, "too long. Really", 1),
            is(5, contact, "title", left, "not a word", 1),
            is(5, contact, "title", right, "not a word", 1),
            is(5, company, "title", right, "too long. Really", 1),
        ]
    );
    // page by page, each once, over places that were written down
    let mut seen: Vec<store::BlockedSum> = Vec::new();
    loop {
        let after = seen
            .last()
            .map(|last| last.place().to_string().parse().unwrap());
        let page = store
            .blocked_sums(&ws(), &people(), after.as_ref(), 2)
            .await
            .unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen, all);
    // and the records that each is about
    for sum in &all {
        let of = BlockedFilter {
            entity: Some(sum.entity),
            mapping: Some(sum.mapping.clone()),
            side: Some(sum.side),
            reason: Some(sum.reason.clone()),
        };
        let mut records = Vec::new();
        loop {
            let after = records
                .last()
                .map(|row: &store::BlockedField| row.blocked.place());
            let page = store
                .blocked_after(&ws(), &people(), &of, after.as_ref(), 2)
                .await
                .unwrap();
            if page.is_empty() {
                break;
            }
            records.extend(page);
        }
        assert_eq!(records.len() as u64, sum.records, "{sum:?}");
        assert_eq!(records[0].blocked.since, sum.since);
        for row in records {
            assert_eq!(row.entity, sum.entity);
            assert_eq!(row.blocked.reason, sum.reason);
        }
    }
    assert_eq!(
        store
            .blocked_sums(&ws(), &"nobody".into(), None, 0)
            .await
            .unwrap(),
        []
    );
}

pub(crate) async fn records_that_fail_come_page_by_page_the_oldest_first(store: Under) {
    for (seconds, record) in [(3, "c"), (1, "b"), (3, "a"), (2, "e"), (3, "d")] {
        let signal = store::Signal {
            due: at(seconds),
            ..signal(record, at(seconds))
        };
        store.signal(&ws(), &[signal]).await.unwrap();
    }
    let claims = claim(&store, at(10)).await;
    assert_eq!(claims.len(), 5);
    let released = claims.iter().map(|claim| Release {
        claim: claim.clone(),
        due: at(900),
        error: Some("timed out".to_owned()),
        put_off: false,
    });
    commit(
        &store,
        Commit {
            released: released.collect(),
            ..Commit::default()
        },
    )
    .await;
    for connection in [None, Some(crm())] {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = store
                .failing(&ws(), connection.as_ref(), after.as_ref(), 2)
                .await
                .unwrap();
            let Some((last, _)) = page.last() else { break };
            after = Some(last.place());
            seen.extend(page.into_iter().map(|(claim, _)| claim.record.to_string()));
        }
        let whole = store
            .failing(&ws(), connection.as_ref(), None, 0)
            .await
            .unwrap();
        let whole: Vec<_> = whole
            .iter()
            .map(|(claim, _)| claim.record.to_string())
            .collect();
        assert_eq!(seen, whole);
        assert_eq!(whole.len(), 5, "{connection:?}");
        assert_eq!((&*whole[0], &*whole[1]), ("b", "e"));
    }
}

pub(crate) async fn calls_come_page_by_page_with_every_filter(store: Under) {
    let call = |number: i64| {
        let third = number % 3 == 0;
        CallRow {
            at: at(number / 4),
            connection: if number % 2 == 0 { crm() } else { estate() },
            operation: format!(
                "contacts.{}",
                ["get", "search", "update"][(number % 3) as usize]
            ),
            write: false,
            status: Some(if third { 503 } else { 200 }),
            milliseconds: 1,
            attempt: 1,
            lane: "live".to_owned(),
            cause: (number % 5 == 0).then(|| "t".to_owned()),
            outcome: if third { "unavailable" } else { "answered" }.to_owned(),
            records: 1,
        }
    };
    let calls: Vec<CallRow> = (0..40).map(call).collect();
    store.log_calls(&ws(), &calls, None).await.unwrap();
    let none = CallFilter::default;
    let filters = [
        none(),
        CallFilter {
            connection: Some(estate()),
            ..none()
        },
        CallFilter {
            operation: Some("contacts".to_owned()),
            ..none()
        },
        CallFilter {
            operation: Some("e".to_owned()),
            status: Some(200),
            since: Some(at(3)),
            ..none()
        },
        CallFilter {
            operation: Some("nothing".to_owned()),
            ..none()
        },
        CallFilter {
            outcome: Some("unavailable".to_owned()),
            ..none()
        },
        CallFilter {
            outcome: Some("answered".to_owned()),
            connection: Some(crm()),
            ..none()
        },
        CallFilter {
            status: Some(503),
            connection: Some(crm()),
            ..none()
        },
        CallFilter {
            cause: Some("t".to_owned()),
            operation: Some("search".to_owned()),
            ..none()
        },
    ];
    for filter in filters {
        let mut whole: Vec<&CallRow> = calls
            .iter()
            .filter(|call| {
                filter
                    .connection
                    .as_ref()
                    .is_none_or(|of| call.connection == *of)
                    && filter
                        .operation
                        .as_ref()
                        .is_none_or(|of| call.operation.contains(of))
                    && filter.outcome.as_ref().is_none_or(|of| call.outcome == *of)
                    && filter.status.is_none_or(|of| call.status == Some(of))
                    && filter.cause.is_none() | (call.cause == filter.cause)
                    && filter.since.is_none_or(|since| call.at >= since)
            })
            .collect();
        whole.reverse();
        let mut seen: Vec<(CallPlace, CallRow)> = Vec::new();
        loop {
            let page = CallFilter {
                after: seen.last().map(|(place, _)| *place),
                limit: 3,
                ..filter.clone()
            };
            let rows = store.calls(&ws(), &page).await.unwrap();
            if rows.is_empty() {
                break;
            }
            seen.extend(rows);
        }
        let seen: Vec<&CallRow> = seen.iter().map(|(_, call)| call).collect();
        assert_eq!(seen, whole, "{filter:?}");
    }
}

pub(crate) async fn questions_that_wait_are_found_among_those_put_off(store: Under) {
    let mut reviews: Vec<_> = (1..=4)
        .map(|number| review(number, ReviewKind::Ambiguous, &format!("left:{number}")))
        .collect();
    for number in [1, 3] {
        reviews[number] = reviews[number].clone().waiting_for("left:1");
    }
    commit(
        &store,
        Commit {
            reviews,
            ..Commit::default()
        },
    )
    .await;
    let filter = |after: Option<u128>| ReviewFilter {
        waiting: true,
        after: after.map(|number| ReviewId(id(number))),
        limit: 1,
        ..ReviewFilter::default()
    };
    let numbers = async |after| {
        let found = store.reviews(&ws(), &filter(after)).await.unwrap();
        found
            .iter()
            .map(|review| review.id.0.as_u128())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(None).await, [2]);
    assert_eq!(numbers(Some(2)).await, [4]);
    assert_eq!(numbers(Some(4)).await, [0_u128; 0]);
}

pub(crate) async fn who_is_left_out_is_listed_until_it_is_not(store: Under) {
    let row = |record: &str, reason, seconds| Skipped {
        sync: people(),
        entity: Entity::Contact,
        side: Side::Left,
        record: record.into(),
        reason,
        note: String::new(),
        since: at(seconds),
    };
    let note = async |skipped: Vec<Skipped>| {
        commit(
            &store,
            Commit {
                skipped,
                ..Commit::default()
            },
        )
        .await;
    };
    let all = async |reason| {
        store
            .skipped(&ws(), &people(), reason, None, 0)
            .await
            .unwrap()
    };
    let first: Vec<_> = ["a", "b", "c", "d"]
        .map(|record| row(record, SkipReason::OutOfScope, 1))
        .to_vec();
    note(first.clone()).await;
    assert_eq!(all(None).await, first);
    // The same again changes nothing; another reason counts from then on.
    note(vec![
        row("a", SkipReason::OutOfScope, 2),
        row("b", SkipReason::CreateOff, 2),
    ])
    .await;
    let b = row("b", SkipReason::CreateOff, 2);
    assert_eq!(
        all(Some(SkipReason::CreateOff)).await,
        std::slice::from_ref(&b)
    );
    assert_eq!(all(None).await[..2], [first[0].clone(), b.clone()]);
    let place = b.place();
    let page = store
        .skipped(&ws(), &people(), None, Some(&place), 1)
        .await
        .unwrap();
    assert_eq!(page, [first[2].clone()]);
    assert_eq!(place.to_string().parse(), Ok(place));
    // One is looked at and taken, one is linked; a link that sleeps takes nobody back.
    commit(
        &store,
        Commit {
            unskipped: vec![(people(), Entity::Contact, Side::Left, "a".into())],
            links: vec![
                link(1, "b", "x"),
                store::Link {
                    state: store::LinkState::Suspended,
                    ..link(2, "c", "y")
                },
            ],
            ..Commit::default()
        },
    )
    .await;
    assert_eq!(all(None).await, first[2..]);
    assert!(store.link(&ws(), LinkId(id(1))).await.unwrap().is_some());
}
