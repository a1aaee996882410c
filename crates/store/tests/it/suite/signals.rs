//! Dirty records: one row each, generations, leases, deliveries.

use std::collections::BTreeMap;

use jiff::{SignedDuration, ToSpan};
use record::Entity;
use store::{Accepted, Claim, Commit, Lane, Release, Signal, SignalSource};

use super::things::*;

pub(crate) async fn many_signals_are_one_dirty_record(store: Under) {
    let first = Signal {
        lane: Lane::Backfill,
        source: SignalSource::Sweep,
        not_older_than: Some(at(50)),
        cause: Some(cause(7)),
        ..signal("a", at(10))
    };
    let second = Signal {
        lane: Lane::Live,
        source: SignalSource::Webhook,
        not_older_than: Some(at(20)),
        ..signal("a", at(30))
    };
    let third = Signal {
        lane: Lane::Reconcile,
        source: SignalSource::Sweep,
        ..signal("a", at(20))
    };
    for signal in [first, second, third] {
        store.signal(&ws(), &[signal]).await.unwrap();
    }
    assert!(claim(&store, at(9)).await.is_empty(), "not due yet");
    let claims = claim(&store, at(10)).await;
    let [claim] = claims.as_slice() else {
        panic!("one row, not {claims:?}");
    };
    assert_eq!(claim.lane, Lane::Live);
    assert_eq!(claim.not_older_than, Some(at(50)), "the latest mark counts");
    assert_eq!(claim.sources, [SignalSource::Webhook, SignalSource::Sweep]);
    assert_eq!(
        (claim.first_signalled, claim.last_signalled),
        (at(10), at(30))
    );
    assert_eq!(claim.cause, Some(cause(7)), "none given keeps the earlier");
    assert_eq!(claim.attempts, 0);
}

pub(crate) async fn a_record_with_a_newer_signal_stays_dirty(store: Under) {
    store.signal(&ws(), &[signal("a", at(0))]).await.unwrap();
    let first = claim(&store, at(0)).await;
    store.signal(&ws(), &[signal("a", at(1))]).await.unwrap();
    settle(&store, &first).await;
    let second = claim(&store, at(1)).await;
    assert_eq!(records(&second), ["a"]);
    assert!(second[0].generation > first[0].generation);
    settle(&store, &second).await;
    assert!(claim(&store, at(100)).await.is_empty());
}

pub(crate) async fn a_signal_for_a_taken_record_keeps_its_own_due_time(store: Under) {
    store.signal(&ws(), &[signal("a", at(0))]).await.unwrap();
    let taken = claim(&store, at(0)).await;
    // Our own write: look again when the provider's index has caught up.
    store.signal(&ws(), &[signal("a", at(5))]).await.unwrap();
    settle(&store, &taken).await;
    assert!(claim(&store, at(4)).await.is_empty());
    assert_eq!(records(&claim(&store, at(5)).await), ["a"]);
}

pub(crate) async fn a_settled_claim_and_a_new_signal_in_one_commit_leave_the_record_dirty(
    store: Under,
) {
    store.signal(&ws(), &[signal("a", at(0))]).await.unwrap();
    let settled = claim(&store, at(0)).await;
    commit(
        &store,
        Commit {
            signals: vec![Signal {
                source: SignalSource::OwnWrite,
                ..signal("a", at(5))
            }],
            settled,
            ..Commit::default()
        },
    )
    .await;
    let again = claim(&store, at(5)).await;
    assert_eq!(records(&again), ["a"]);
    assert_eq!(again[0].sources, [SignalSource::OwnWrite]);
    assert_eq!(again[0].attempts, 0);
}

pub(crate) async fn an_old_claim_does_not_settle_a_record_that_went_and_came_back(store: Under) {
    store.signal(&ws(), &[signal("a", at(0))]).await.unwrap();
    let slow = claim(&store, at(0)).await;
    let quick = claim(&store, at(100)).await;
    assert_eq!(records(&quick), ["a"], "the lease had ended");
    settle(&store, &quick).await;
    store.signal(&ws(), &[signal("a", at(101))]).await.unwrap();
    settle(&store, &slow).await;
    assert_eq!(records(&claim(&store, at(101)).await), ["a"]);
}

pub(crate) async fn a_lease_ends_by_itself_and_by_command(store: Under) {
    store
        .signal(&ws(), &[signal("a", at(0)), signal("b", at(0))])
        .await
        .unwrap();
    assert_eq!(claim(&store, at(0)).await.len(), 2);
    assert!(claim(&store, at(59)).await.is_empty(), "taken until 60");
    assert_eq!(claim(&store, at(60)).await.len(), 2);
    assert!(claim(&store, at(61)).await.is_empty());
    assert_eq!(store.end_leases(&ws()).await.unwrap(), 2);
    assert_eq!(store.end_leases(&ws()).await.unwrap(), 0);
    assert_eq!(claim(&store, at(61)).await.len(), 2);
}

pub(crate) async fn a_worker_that_lost_its_lease_does_not_take_it_from_the_next(store: Under) {
    store.signal(&ws(), &[signal("a", at(0))]).await.unwrap();
    let lost = claim(&store, at(0)).await;
    store.signal(&ws(), &[signal("a", at(50))]).await.unwrap();
    let held = claim(&store, at(100)).await;
    assert_eq!(records(&held), ["a"]);
    settle(&store, &lost).await;
    give_back(&store, &lost[0], 101, Some("late")).await;
    assert!(claim(&store, at(102)).await.is_empty(), "still taken");
    let next = claim(&store, at(160)).await;
    assert_eq!(records(&next), ["a"], "until that lease ends");
    settle(&store, &next).await;
    settle(&store, &held).await;
    assert!(claim(&store, at(1000)).await.is_empty());
}

async fn give_back(store: &Under, claim: &Claim, due: i64, error: Option<&str>) {
    commit(
        store,
        Commit {
            released: vec![Release {
                claim: claim.clone(),
                due: at(due),
                error: error.map(str::to_owned),
                put_off: false,
            }],
            ..Commit::default()
        },
    )
    .await;
}

pub(crate) async fn what_could_not_be_tried_counts_as_no_attempt(store: Under) {
    store.signal(&ws(), &[signal("a", at(0))]).await.unwrap();
    let first = claim(&store, at(0)).await;
    let release = Release {
        claim: first[0].clone(),
        due: at(500),
        error: Some("used up until then".to_owned()),
        put_off: true,
    };
    let released = Commit {
        released: vec![release],
        ..Commit::default()
    };
    commit(&store, released).await;
    let failing = store.failing(&ws(), Some(&crm()), None, 10).await.unwrap();
    assert_eq!(failing.len(), 1, "it is listed");
    assert!(claim(&store, at(499)).await.is_empty());
    assert_eq!(claim(&store, at(500)).await[0].attempts, 0);
}

pub(crate) async fn a_failed_record_waits_and_a_new_signal_ends_the_wait(store: Under) {
    store.signal(&ws(), &[signal("a", at(0))]).await.unwrap();
    let first = claim(&store, at(0)).await;
    give_back(&store, &first[0], 500, Some("timed out")).await;
    let failing = store.failing(&ws(), Some(&crm()), None, 10).await.unwrap();
    assert_eq!(failing.len(), 1);
    assert_eq!(
        (failing[0].0.attempts, failing[0].1.as_str()),
        (1, "timed out")
    );
    assert!(
        store
            .failing(&ws(), Some(&estate()), None, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(claim(&store, at(499)).await.is_empty());

    // Not the earlier of the two: the wait is over, and the signal says when.
    store.signal(&ws(), &[signal("a", at(40))]).await.unwrap();
    assert!(claim(&store, at(39)).await.is_empty());
    let second = claim(&store, at(40)).await;
    assert_eq!(second[0].attempts, 1);
    give_back(&store, &second[0], 600, Some("timed out")).await;
    store.signal(&ws(), &[signal("a", at(700))]).await.unwrap();
    assert!(claim(&store, at(650)).await.is_empty());
    let third = claim(&store, at(700)).await;
    assert_eq!(third[0].attempts, 2);

    // A signal that came while the work went wrong is not held up by the wait.
    store.signal(&ws(), &[signal("a", at(701))]).await.unwrap();
    give_back(&store, &third[0], 5000, Some("timed out")).await;
    let fourth = claim(&store, at(701)).await;
    assert_eq!(fourth[0].attempts, 3);
    settle(&store, &fourth).await;
    assert!(
        store
            .failing(&ws(), None, None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

pub(crate) async fn a_record_given_back_without_error_is_not_failing(store: Under) {
    store.signal(&ws(), &[signal("a", at(0))]).await.unwrap();
    let first = claim(&store, at(0)).await;
    give_back(&store, &first[0], 10, None).await;
    assert!(
        store
            .failing(&ws(), None, None, 10)
            .await
            .unwrap()
            .is_empty()
    );
    // No back-off: the earlier time counts.
    store.signal(&ws(), &[signal("a", at(20))]).await.unwrap();
    let second = claim(&store, at(10)).await;
    assert_eq!(second[0].attempts, 0);
}

pub(crate) async fn claims_are_of_one_place_and_the_most_urgent_first(store: Under) {
    let of = |record: &str, lane, due| Signal {
        lane,
        ..signal(record, at(due))
    };
    let elsewhere = |signal| Signal {
        connection: estate(),
        ..signal
    };
    let company = Signal {
        entity: Entity::Company,
        ..of("firm", Lane::Reconcile, 1)
    };
    store
        .signal(
            &ws(),
            &[
                of("late", Lane::Backfill, 3),
                of("soon", Lane::Live, 5),
                of("later", Lane::Live, 6),
                of("old", Lane::Backfill, 0),
                of("future", Lane::Live, 900),
                company,
                elsewhere(Signal {
                    entity: Entity::Company,
                    ..of("late firm", Lane::Backfill, 10)
                }),
                elsewhere(of("theirs", Lane::Live, 4)),
                elsewhere(of("theirs too", Lane::Backfill, 9)),
            ],
        )
        .await
        .unwrap();
    let mut request = request(at(10));
    request.limit = 3;
    request.lane = Lane::Reconcile;
    let mine = store.claim(&ws(), request.clone()).await.unwrap();
    assert_eq!(
        records(&mine),
        ["theirs"],
        "the oldest of the most urgent lane"
    );
    let mine = store.claim(&ws(), request.clone()).await.unwrap();
    assert_eq!(
        records(&mine),
        ["soon", "later"],
        "no backfill was asked for"
    );
    request.lane = Lane::Backfill;
    let mine = store.claim(&ws(), request.clone()).await.unwrap();
    assert_eq!(records(&mine), ["firm"]);
    assert_eq!(mine[0].entity, Entity::Company);
    request.connections = vec![estate()];
    let mine = store.claim(&ws(), request.clone()).await.unwrap();
    assert_eq!(records(&mine), ["late firm"], "parents before children");
    let mine = store.claim(&ws(), request.clone()).await.unwrap();
    assert_eq!(records(&mine), ["theirs too"]);
    request.connections = vec![crm(), estate()];
    request.limit = 1;
    let mine = store.claim(&ws(), request.clone()).await.unwrap();
    assert_eq!(records(&mine), ["old"]);
    store
        .signal(&ws(), &[of("urgent", Lane::Live, 10)])
        .await
        .unwrap();
    request.limit = 5;
    let mine = store.claim(&ws(), request.clone()).await.unwrap();
    assert_eq!(
        records(&mine),
        ["urgent", "late"],
        "filled up from the next lane"
    );
    assert!(store.claim(&ws(), request).await.unwrap().is_empty());
}

pub(crate) async fn next_due_is_the_earliest_of_what_waits_or_is_taken(store: Under) {
    let both = [crm(), estate()];
    assert_eq!(store.next_due(&ws(), &both, &[]).await.unwrap(), None);
    store
        .signal(&ws(), &[signal("a", at(5)), signal("b", at(90))])
        .await
        .unwrap();
    assert_eq!(
        store.next_due(&ws(), &both, &[]).await.unwrap(),
        Some(at(5))
    );
    assert_eq!(store.next_due(&ws(), &[estate()], &[]).await.unwrap(), None);
    // Contacts of this connection are not to be worked off at the moment.
    let held = [(crm(), Entity::Contact)];
    assert_eq!(store.next_due(&ws(), &both, &held).await.unwrap(), None);
    let mut others = request(at(5));
    others.except = held.to_vec();
    assert!(store.claim(&ws(), others).await.unwrap().is_empty());
    let taken = claim(&store, at(5)).await;
    assert_eq!(
        store.next_due(&ws(), &both, &[]).await.unwrap(),
        Some(at(65)),
        "when the lease ends"
    );
    settle(&store, &taken).await;
    assert_eq!(
        store.next_due(&ws(), &both, &[]).await.unwrap(),
        Some(at(90))
    );
}

pub(crate) async fn a_delivery_counts_once(store: Under) {
    let accept = async |name, record| {
        store
            .accept_delivery(&ws(), delivery(name, record, at(0)))
            .await
            .unwrap()
    };
    assert_eq!(accept(Some("d1"), "a").await, Accepted::New);
    settle(&store, &claim(&store, at(0)).await).await;
    assert_eq!(accept(Some("d1"), "a").await, Accepted::Duplicate);
    assert!(claim(&store, at(0)).await.is_empty(), "a repeat is no news");
    assert_eq!(accept(None, "a").await, Accepted::New);
    assert_eq!(accept(None, "a").await, Accepted::New);
    let mut elsewhere = delivery(Some("d1"), "a", at(0));
    elsewhere.connection = estate();
    assert_eq!(
        store.accept_delivery(&ws(), elsewhere).await.unwrap(),
        Accepted::New,
        "ids are a connection's own"
    );
}

pub(crate) async fn delivery_ids_are_remembered_for_three_days(store: Under) {
    store
        .accept_delivery(&ws(), delivery(Some("first"), "a", at(0)))
        .await
        .unwrap();
    let much = async |from: i64| {
        for number in 0..200 {
            let name = format!("{from}-{number}");
            let row = delivery(Some(&name), "a", at(from));
            store.accept_delivery(&ws(), row).await.unwrap();
        }
    };
    let again = async |seconds| {
        store
            .accept_delivery(&ws(), delivery(Some("first"), "a", at(seconds)))
            .await
            .unwrap()
    };
    let three_days = SignedDuration::from_hours(72).as_secs();
    much(three_days).await;
    assert_eq!(again(three_days).await, Accepted::Duplicate);
    much(10 * three_days).await;
    assert_eq!(
        again(10 * three_days).await,
        Accepted::New,
        "the table does not grow for ever"
    );
}

pub(crate) async fn concurrent_deliveries_are_all_taken_in(store: Under) {
    let callers: Vec<_> = (0..300)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                // Every third is a repeat of the one before it.
                let name = number - usize::from(number % 3 == 2);
                let row = delivery(Some(&format!("d{name}")), &format!("r{name}"), at(0));
                store.accept_delivery(&ws(), row).await.unwrap()
            })
        })
        .collect();
    let mut new = 0;
    for caller in callers {
        new += usize::from(caller.await.unwrap() == Accepted::New);
    }
    assert_eq!(new, 200);
    let mut all = request(at(0) + 1.second());
    all.limit = 1000;
    assert_eq!(store.claim(&ws(), all).await.unwrap().len(), 200);
}

/// Random histories against a model that knows only this: a record is dirty from its first signal until
/// a claim that is as new as its last signal is settled.
pub(crate) async fn no_history_of_signals_claims_and_failures_loses_a_record(store: Under) {
    for seed in 0..30_u64 {
        let connection = format!("c{seed}");
        history(&store, connection.as_str().into(), seed).await;
    }
}

async fn history(store: &Under, connection: store::ConnectionName, seed: u64) {
    let mut state = seed;
    // Knuth's MMIX generator; the high bits are good enough here.
    let mut random = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let lanes = [Lane::Live, Lane::Reconcile, Lane::Backfill];
    // The step of the last signal, and whether the last try failed.
    let mut dirty: BTreeMap<String, (usize, bool)> = BTreeMap::new();
    let mut held: Vec<(Claim, usize)> = Vec::new();
    let mut now = 0;
    for step in 1..150 {
        let place = format!("seed {seed} step {step}");
        now += i64::try_from(random(20)).unwrap();
        match random(5) {
            0 | 1 => {
                let name = format!("r{}", random(6));
                let due = now + i64::try_from(random(10)).unwrap();
                let signal = Signal {
                    connection: connection.clone(),
                    lane: lanes[random(3)],
                    ..signal(&name, at(due))
                };
                store.signal(&ws(), &[signal]).await.unwrap();
                let failed = dirty.get(&name).is_some_and(|(_, failed)| *failed);
                dirty.insert(name, (step, failed));
            }
            2 => {
                let mut request = request(at(now));
                request.connections = vec![connection.clone()];
                request.limit = 2;
                for claim in store.claim(&ws(), request).await.unwrap() {
                    let (signalled, _) = dirty[claim.record.as_str()];
                    // Who lost the lease does not come back here; another test has that.
                    held.retain(|(old, _)| old.record != claim.record);
                    held.push((claim, signalled));
                }
            }
            3 if !held.is_empty() => {
                let (claim, signalled) = held.swap_remove(random(held.len()));
                let name = claim.record.to_string();
                settle(store, &[claim]).await;
                let (last, _) = dirty.remove(&name).unwrap();
                if last != signalled {
                    dirty.insert(name, (last, false));
                }
            }
            4 if !held.is_empty() => {
                let (claim, _) = held.swap_remove(random(held.len()));
                let failed = random(2) == 0;
                give_back(store, &claim, now + 30, failed.then_some("refused")).await;
                dirty.get_mut(claim.record.as_str()).unwrap().1 = failed;
            }
            _ => {}
        }
        let overview = store.overview(&ws()).await.unwrap();
        let lanes = overview.dirty.get(connection.as_str());
        let counted: u64 = lanes.map_or(0, |lanes| lanes.values().sum());
        assert_eq!(counted, dirty.len() as u64, "{place}");
        let failing = dirty.values().filter(|(_, failed)| *failed).count() as u64;
        let counted = overview.failing.get(connection.as_str()).copied();
        assert_eq!(counted.unwrap_or(0), failing, "{place}");
        let next = store
            .next_due(&ws(), std::slice::from_ref(&connection), &[])
            .await
            .unwrap();
        assert_eq!(next.is_some(), !dirty.is_empty(), "{place}");
    }
    let mut rest = request(at(now + 100_000));
    rest.connections = vec![connection];
    let claims = store.claim(&ws(), rest).await.unwrap();
    // The most urgent lane first, so in no order of names.
    let mut left = records(&claims);
    left.sort_unstable();
    let expected: Vec<&str> = dirty.keys().map(String::as_str).collect();
    assert_eq!(left, expected, "seed {seed}");
}
