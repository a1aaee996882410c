//! What is counted as it comes and goes says what a count of all rows would say; lists that leave something out say the
//! same as those that do not.

use std::collections::BTreeMap;

use record::{Entity, Side};
use store::{
    Blocked, BlockedSum, CallRow, Child, Commit, Keep, Kept, LinkId, LinkedPair, ReviewFilter,
    ReviewId, ReviewKind, ReviewState, SkipReason, Skipped,
};

use super::things::*;

/// The sums as somebody would make them who reads all rows. Links 5 and above are of companies.
async fn summed(store: &Under) -> Vec<BlockedSum> {
    let mut sums: BTreeMap<_, BlockedSum> = BTreeMap::new();
    for row in store.blocked(&ws(), &people(), None).await.unwrap() {
        let entity = store.link(&ws(), row.link).await.unwrap().unwrap().entity;
        let key = (
            entity,
            row.mapping.clone(),
            row.side == Side::Right,
            row.reason.clone(),
        );
        let sum = sums.entry(key).or_insert(BlockedSum {
            entity,
            mapping: row.mapping,
            side: row.side,
            reason: row.reason,
            records: 0,
            since: row.since,
        });
        sum.records += 1;
        sum.since = sum.since.min(row.since);
    }
    let mut sums: Vec<_> = sums
        .into_iter()
        .map(|(key, sum)| (sum.since, key, sum))
        .collect();
    sums.sort_by_key(|(since, key, _)| (*since, key.clone()));
    sums.into_iter().map(|(_, _, sum)| sum).collect()
}

pub(crate) async fn sums_of_blocked_fields_follow_what_comes_and_goes(store: Under) {
    let links = (1..=6).map(|number| store::Link {
        entity: if number > 4 {
            Entity::Company
        } else {
            Entity::Contact
        },
        ..link(number, &format!("l{number}"), &format!("r{number}"))
    });
    save(&store, links.collect()).await;
    let long = format!("{} at the end", "The vendor says very much. ".repeat(200));
    let other = format!("{long}, and something else");
    let reasons = ["too long", "not a word", &long, &other];
    // what nobody would do by hand: any field of any link, for any reason, many times over
    let mut dice = 7_u64;
    let mut roll = |below: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (dice >> 33) % below
    };
    let mappings = ["title", "name"];
    for round in 0..120 {
        let mut commit_ = Commit::default();
        for _ in 0..roll(4) {
            commit_.blocked.push(Blocked {
                side: if roll(4) == 0 {
                    Side::Left
                } else {
                    Side::Right
                },
                reason: reasons[usize::try_from(roll(4)).unwrap()].to_owned(),
                since: at(i64::try_from(roll(50)).unwrap()),
                ..blocked(
                    u128::from(roll(6) + 1),
                    mappings[usize::try_from(roll(2)).unwrap()],
                )
            });
        }
        for _ in 0..roll(3) {
            let link = LinkId(id(u128::from(roll(6) + 1)));
            let mapping = mappings[usize::try_from(roll(2)).unwrap()].to_owned();
            commit_.unblocked.push((link, mapping, Side::Right));
        }
        if round == 60 {
            commit_.ended = vec![LinkId(id(2)), LinkId(id(5))];
        }
        commit_
            .blocked
            .retain(|row| round < 60 || ![id(2), id(5)].contains(&row.link.0));
        commit(&store, commit_).await;
        let expected = summed(&store).await;
        let sums = store.blocked_sums(&ws(), &people(), None, 0).await.unwrap();
        assert_eq!(sums, expected, "round {round}");
        let rows: u64 = expected.iter().map(|sum| sum.records).sum();
        let overview = store.overview(&ws()).await.unwrap();
        assert_eq!(
            overview.blocked.get("people").copied().unwrap_or(0),
            rows,
            "round {round}"
        );
    }
    let ended = Commit {
        ended: (1..=6).map(|number| LinkId(id(number))).collect(),
        ..Commit::default()
    };
    commit(&store, ended).await;
    assert_eq!(
        store.blocked_sums(&ws(), &people(), None, 0).await.unwrap(),
        []
    );
    assert!(store.overview(&ws()).await.unwrap().blocked.is_empty());
}

pub(crate) async fn calls_are_counted_however_they_go(store: Under) {
    let call = |seconds| CallRow {
        at: at(seconds),
        connection: crm(),
        operation: "list".to_owned(),
        write: false,
        status: Some(200),
        milliseconds: 1,
        attempt: 1,
        lane: "live".to_owned(),
        cause: None,
        outcome: "answered".to_owned(),
        records: 1,
    };
    let kept = async || {
        let kept = store.kept(&ws()).await.unwrap();
        let row = kept.rows.into_iter().find(|row| row.what == Kept::Calls);
        row.map(|row| (row.rows, row.oldest)).unwrap()
    };
    let calls: Vec<_> = (0..10).map(call).collect();
    store.log_calls(&ws(), &calls, None).await.unwrap();
    assert_eq!(kept().await, (10, Some(at(0))));
    store
        .log_calls(&ws(), &[call(20)], Some(at(3)))
        .await
        .unwrap();
    assert_eq!(kept().await, (8, Some(at(3))));
    let old = Keep {
        what: Kept::Calls,
        since: at(100),
        most: None,
    };
    assert_eq!(store.drop_old(&ws(), &old, 5).await.unwrap(), 5);
    assert_eq!(kept().await, (3, Some(at(8))));
    assert_eq!(store.drop_old(&ws(), &old, 5).await.unwrap(), 3);
    assert_eq!(kept().await, (0, None));
}

pub(crate) async fn pairs_are_the_links_without_what_they_agreed_on(store: Under) {
    let links = [3, 1, 2].map(|number| link(number, &format!("l{number}"), &format!("r{number}")));
    save(&store, links.to_vec()).await;
    let first = store.pairs_after(&ws(), &people(), None, 2).await.unwrap();
    let rest = store
        .pairs_after(&ws(), &people(), Some(first[1].id), 2)
        .await
        .unwrap();
    let expected = store.links_after(&ws(), &people(), None, 0).await.unwrap();
    let expected = expected.into_iter().map(|link| LinkedPair {
        id: link.id,
        entity: link.entity,
        left: link.left,
        right: link.right,
        how: link.how,
        state: link.state,
        created: link.created,
    });
    assert_eq!([first, rest].concat(), expected.collect::<Vec<_>>());
    assert_eq!(
        store
            .pairs_after(&ws(), &"nobody".into(), None, 0)
            .await
            .unwrap(),
        []
    );
}

pub(crate) async fn who_waits_is_counted_by_kind(store: Under) {
    let child = |record: &str, entity| Child {
        sync: people(),
        entity,
        side: Side::Left,
        record: record.into(),
        awaits_entity: Entity::Contact,
        awaits: "nobody".into(),
        wakes: crm(),
        since: at(1),
    };
    let children = vec![
        child("a", Entity::Note),
        child("b", Entity::Note),
        child("a", Entity::Task),
    ];
    commit(
        &store,
        Commit {
            children,
            ..Commit::default()
        },
    )
    .await;
    let counted = store.children_count(&ws(), &people()).await.unwrap();
    assert_eq!(
        counted,
        BTreeMap::from([(Entity::Note, 2), (Entity::Task, 1)])
    );
    assert!(
        store
            .children_count(&ws(), &"nobody".into())
            .await
            .unwrap()
            .is_empty()
    );
}

pub(crate) async fn reviews_of_some_come_page_by_page_in_the_order_of_all(store: Under) {
    let kinds = [
        ReviewKind::Ambiguous,
        ReviewKind::Conflict,
        ReviewKind::Rebind,
    ];
    let reviews = (1..=30_u128).map(|number| store::Review {
        sync: if number % 4 == 0 {
            "others".into()
        } else {
            people()
        },
        state: if number % 5 == 0 {
            ReviewState::Postponed
        } else {
            ReviewState::Open
        },
        ..review(
            number,
            kinds[usize::try_from(number % 3).unwrap()],
            &format!("s{number}"),
        )
    });
    let reviews: Vec<_> = reviews.collect();
    commit(
        &store,
        Commit {
            reviews: reviews.clone(),
            ..Commit::default()
        },
    )
    .await;
    for sync in [None, Some(people())] {
        for kind in [None, Some(ReviewKind::Rebind), Some(ReviewKind::Circle)] {
            let whole: Vec<ReviewId> = reviews
                .iter()
                .filter(|review| review.state == ReviewState::Open)
                .filter(|review| sync.as_ref().is_none_or(|sync| review.sync == *sync))
                .filter(|review| kind.is_none_or(|kind| review.kind == kind))
                .map(|review| review.id)
                .collect();
            let mut seen = Vec::new();
            loop {
                let filter = ReviewFilter {
                    sync: sync.clone(),
                    kind,
                    state: Some(ReviewState::Open),
                    after: seen.last().copied(),
                    limit: 3,
                    ..ReviewFilter::default()
                };
                let page = store.reviews(&ws(), &filter).await.unwrap();
                if page.is_empty() {
                    break;
                }
                seen.extend(page.into_iter().map(|review| review.id));
            }
            assert_eq!(seen, whole, "{sync:?} {kind:?}");
        }
    }
}

pub(crate) async fn who_is_left_out_for_one_reason_comes_page_by_page(store: Under) {
    let skipped: Vec<_> = (10..30)
        .map(|number| Skipped {
            sync: people(),
            entity: if number % 2 == 0 {
                Entity::Contact
            } else {
                Entity::Company
            },
            side: if number % 3 == 0 {
                Side::Left
            } else {
                Side::Right
            },
            record: format!("s{number}").as_str().into(),
            reason: if number % 5 == 0 {
                SkipReason::LeftAlone
            } else {
                SkipReason::OutOfScope
            },
            note: String::new(),
            since: at(number),
        })
        .collect();
    commit(
        &store,
        Commit {
            skipped,
            ..Commit::default()
        },
    )
    .await;
    for reason in [SkipReason::LeftAlone, SkipReason::OutOfScope] {
        let whole = store
            .skipped(&ws(), &people(), None, None, 0)
            .await
            .unwrap();
        let whole: Vec<_> = whole
            .into_iter()
            .filter(|row| row.reason == reason)
            .collect();
        let mut seen: Vec<Skipped> = Vec::new();
        loop {
            let after = seen.last().map(Skipped::place);
            let page = store
                .skipped(&ws(), &people(), Some(reason), after.as_ref(), 3)
                .await
                .unwrap();
            if page.is_empty() {
                break;
            }
            seen.extend(page);
        }
        assert_eq!(seen, whole);
    }
}
