//! What a budget promises, tried in virtual time against a vendor that counts arrivals.

use std::sync::Mutex as StdMutex;

use proptest::prelude::*;

use super::*;
use crate::{Dice, VirtualClock};

const SECOND: Duration = Duration::from_secs(1);

fn limits(windows: &[(u32, u64)], concurrency: usize) -> Limits {
    Limits {
        windows: windows
            .iter()
            .map(|(requests, seconds)| Window {
                requests: *requests,
                per: SECOND * u32::try_from(*seconds).unwrap(),
                effect: None,
            })
            .collect(),
        concurrency,
    }
}

fn budget(limits: &Limits, restart: &Restart) -> (Arc<Budget>, Arc<VirtualClock>) {
    let clock = Arc::new(VirtualClock::starting_at(Timestamp::UNIX_EPOCH));
    let budget = Budget::new(clock.clone(), limits, &[], restart);
    (budget, clock)
}

fn fresh() -> Restart {
    Restart {
        fresh: true,
        ..Restart::default()
    }
}

async fn acquire(budget: &Arc<Budget>, lane: Lane) -> Permit {
    budget
        .acquire(lane, Effect::Read, SECOND * 3600)
        .await
        .unwrap()
}

/// The most requests that any span of `per` holds.
fn most_within(times: &mut [Duration], per: Duration) -> usize {
    times.sort();
    let mut first = 0;
    let mut most = 0;
    for (last, time) in times.iter().enumerate() {
        while *time - times[first] > per {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

/// Workers that do nothing but call, for a while. Each request reaches the vendor after `way` and is
/// answered as much later. Gives back when the requests arrived.
async fn hammer(
    budget: &Arc<Budget>,
    clock: &Arc<VirtualClock>,
    workers: usize,
    lane: Lane,
    until: Duration,
    way: impl Fn() -> Duration + Send + Sync + 'static,
) -> Vec<Duration> {
    let arrivals = Arc::new(StdMutex::new(Vec::new()));
    let way = Arc::new(way);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..workers {
        let (budget, clock) = (Arc::clone(budget), Arc::clone(clock));
        let (arrivals, way) = (Arc::clone(&arrivals), Arc::clone(&way));
        tasks.spawn(async move {
            while clock.steady() < until {
                let permit = acquire(&budget, lane).await;
                let way = way();
                clock.sleep(way).await;
                arrivals.lock().unwrap().push(clock.steady());
                clock.sleep(way).await;
                permit.finish("test", 1, false);
            }
        });
    }
    tasks.join_all().await;
    let arrivals = arrivals.lock().unwrap();
    arrivals.clone()
}

#[tokio::test(start_paused = true)]
async fn a_backfill_uses_97_percent_and_never_more_than_all() {
    let (budget, clock) = budget(&limits(&[(100, 10)], 10), &fresh());
    let dice = Dice::seeded(1);
    let run = SECOND * 300;
    let mut arrivals = hammer(&budget, &clock, 12, Lane::Backfill, run, move || {
        dice.jitter(Duration::from_millis(80))
    })
    .await;
    let settled = arrivals
        .iter()
        .filter(|at| **at > SECOND * 20 && **at <= SECOND * 280)
        .count();
    assert!(settled >= 2_522, "{settled} of 2600");
    let most = most_within(&mut arrivals, SECOND * 10);
    assert!(most <= 100, "{most}");
}

#[tokio::test(start_paused = true)]
async fn slow_first_connections_do_not_break_the_limit() {
    let (budget, clock) = budget(&limits(&[(100, 10)], 20), &fresh());
    let first = StdMutex::new(0);
    // the first requests wait for their TLS handshakes and arrive together with later ones
    let mut arrivals = hammer(&budget, &clock, 20, Lane::Live, SECOND * 60, move || {
        let mut first = first.lock().unwrap();
        *first += 1;
        Duration::from_millis(if *first <= 20 { 600 } else { 40 })
    })
    .await;
    assert!(most_within(&mut arrivals, SECOND * 10) <= 100);
    assert!(arrivals.len() >= 560);
}

#[tokio::test(start_paused = true)]
async fn live_work_does_not_wait_behind_a_backfill() {
    let (budget, clock) = budget(&limits(&[(100, 10)], 8), &fresh());
    let backfill = {
        let (budget, clock) = (Arc::clone(&budget), Arc::clone(&clock));
        tokio::spawn(async move {
            hammer(&budget, &clock, 50, Lane::Backfill, SECOND * 120, || {
                Duration::from_millis(50)
            })
            .await
        })
    };
    clock.sleep(SECOND * 30).await;
    let mut waits = Vec::new();
    while clock.steady() < SECOND * 110 {
        let asked = clock.steady();
        for _ in 0..4 {
            let permit = acquire(&budget, Lane::Live).await;
            clock.sleep(Duration::from_millis(50)).await;
            permit.finish("test", 1, false);
        }
        waits.push(clock.steady() - asked);
        clock.sleep(Duration::from_millis(1_700)).await;
    }
    waits.sort();
    let p95 = waits[waits.len() * 95 / 100];
    assert!(p95 < Duration::from_millis(700), "{p95:?}");
    let backfilled = backfill.await.unwrap().len();
    assert!(backfilled > 500, "the backfill starved: {backfilled}");
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_short_windows_are_assumed_spent_and_known_calls_count_in_long_ones() {
    let restart = Restart {
        earlier: vec![("1969-12-31T20:00:00Z".parse().unwrap(), 4)],
        ..Restart::default()
    };
    let (budget, clock) = budget(&limits(&[(2, 10), (5, 36_000)], 4), &restart);
    drop(acquire(&budget, Lane::Live).await);
    assert!(clock.steady() > SECOND * 10 && clock.steady() < SECOND * 11);
    drop(acquire(&budget, Lane::Live).await);
    // the four calls of four hours ago leave the ten hours after another six
    assert!(clock.steady() > SECOND * 6 * 3600 && clock.steady() < SECOND * (6 * 3600 + 60));
}

#[tokio::test(start_paused = true)]
async fn after_an_orderly_end_short_windows_are_counted_by_what_was_sent() {
    let restart = Restart {
        recent: Some(vec![Sent {
            at: "1969-12-31T23:59:57Z".parse().unwrap(),
            effect: Effect::Read,
            requests: 1,
        }]),
        ..Restart::default()
    };
    let (budget, clock) = budget(&limits(&[(2, 10)], 4), &restart);
    drop(acquire(&budget, Lane::Live).await);
    assert_eq!(clock.steady(), Duration::ZERO);
    drop(acquire(&budget, Lane::Live).await);
    assert!(clock.steady() > SECOND * 6 && clock.steady() < SECOND * 8);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_before_a_restart_does_not_count_as_a_sign_in() {
    let mut limits = limits(&[(1, 60)], 4);
    limits.windows[0].effect = Some(Effect::SignIn);
    let sent = |effect| Sent {
        at: "1969-12-31T23:59:57Z".parse().unwrap(),
        effect,
        requests: 9,
    };
    let after = |effects: &[Effect]| Restart {
        recent: Some(effects.iter().copied().map(sent).collect()),
        ..Restart::default()
    };
    let sign_in = |budget: Arc<Budget>| async move {
        let patience = SECOND * 3600;
        drop(
            budget
                .acquire(Lane::Live, Effect::SignIn, patience)
                .await
                .unwrap(),
        );
    };
    let (budget_after_reads, clock) = budget(&limits, &after(&[Effect::Read, Effect::Write]));
    sign_in(budget_after_reads).await;
    assert_eq!(clock.steady(), Duration::ZERO);
    let (budget_after_sign_ins, clock) = budget(&limits, &after(&[Effect::SignIn]));
    sign_in(budget_after_sign_ins).await;
    assert!(clock.steady() > SECOND * 50);
}

#[tokio::test(start_paused = true)]
async fn what_the_vendor_announces_goes_before_what_it_documents() {
    let (budget, clock) = budget(&limits(&[(100, 10)], 4), &fresh());
    let permit = acquire(&budget, Lane::Live).await;
    // a smaller plan, and somebody else has used most of it
    budget.announce(
        SECOND / 10,
        Announced {
            limit: Some(25),
            remaining: Some(3),
            per: Some(SECOND * 10),
            ..Announced::default()
        },
    );
    // an answer that took long speaks of the past
    let late = Announced {
        limit: Some(25),
        remaining: Some(0),
        ..Announced::default()
    };
    budget.announce(SECOND * 5, late);
    permit.finish("test", 1, false);
    for _ in 0..3 {
        drop(acquire(&budget, Lane::Live).await);
    }
    assert_eq!(clock.steady(), Duration::ZERO);
    drop(acquire(&budget, Lane::Live).await);
    assert!(clock.steady() > SECOND * 10);
}

#[tokio::test(start_paused = true)]
async fn a_used_up_day_is_told_and_not_waited_for() {
    let (budget, clock) = budget(&limits(&[(100, 10), (1_000, 86_400)], 4), &fresh());
    let permit = acquire(&budget, Lane::Live).await;
    budget.announce(
        SECOND / 10,
        Announced {
            daily_limit: Some(1_000),
            daily_remaining: Some(0),
            daily_reset: Some("1970-01-01T05:00:00Z".parse().unwrap()),
            ..Announced::default()
        },
    );
    permit.finish("test", 1, false);
    let refused = budget.acquire(Lane::Live, Effect::Read, SECOND * 60).await;
    let until = refused.err().unwrap().until;
    assert_eq!(until, "1970-01-01T05:00:00Z".parse().unwrap());
    clock.sleep_until(until).await;
    drop(acquire(&budget, Lane::Backfill).await);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_request_makes_everybody_wait_as_long_as_the_vendor_says() {
    let (budget, clock) = budget(&limits(&[(100, 10)], 4), &fresh());
    let permit = acquire(&budget, Lane::Backfill).await;
    permit.throttled("test", 1, Some(SECOND * 7), false);
    drop(acquire(&budget, Lane::Live).await);
    assert_eq!(clock.steady(), SECOND * 7);
}

#[tokio::test(start_paused = true)]
async fn without_a_documented_limit_being_throttled_lowers_the_load() {
    let (budget, _clock) = budget(&limits(&[], 8), &fresh());
    let permits = [
        acquire(&budget, Lane::Backfill).await,
        acquire(&budget, Lane::Backfill).await,
    ];
    for permit in permits {
        permit.throttled("test", 20, None, false);
    }
    assert_eq!(budget.core().adaptive.unhurried(), 4);
    assert_eq!(budget.batch(20), 10);
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_waiting_makes_room() {
    let (budget, clock) = budget(&limits(&[], 1), &fresh());
    let held = acquire(&budget, Lane::Live).await;
    let gone = tokio::spawn({
        let budget = Arc::clone(&budget);
        async move { drop(acquire(&budget, Lane::Live).await) }
    });
    clock.sleep(SECOND).await;
    let next = tokio::spawn({
        let budget = Arc::clone(&budget);
        async move { drop(acquire(&budget, Lane::Live).await) }
    });
    clock.sleep(SECOND).await;
    gone.abort();
    drop(held);
    tokio::time::timeout(SECOND, next).await.unwrap().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is asked for, in whatever lane, however unequal the ways: no span of a window holds
    /// more than its limit, by our clock and by the vendor's, and everybody gets a turn.
    #[test]
    fn no_window_ever_holds_more_than_its_limit(
        windows in proptest::collection::vec((1_u32..60, 1_u64..20), 1..3),
        concurrency in 1_usize..12,
        asks in proptest::collection::vec((0_u64..3_000, 0_u8..3, any::<bool>(), 0_u64..49), 1..250),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let mut limits = limits(&windows, concurrency);
        limits.windows.push(Window { requests: 5, per: SECOND, effect: Some(Effect::Write) });
        let (sends, arrivals) = runtime.block_on(play(&limits, &asks));
        prop_assert_eq!(sends.len(), asks.len());
        for window in &limits.windows {
            for times in [&sends, &arrivals] {
                let mut counted: Vec<_> = times
                    .iter()
                    .filter(|(effect, _)| window.effect.is_none_or(|only| only == *effect))
                    .map(|(_, at)| *at)
                    .collect();
                let most = most_within(&mut counted, window.per);
                prop_assert!(most <= window.requests as usize, "{} in {:?}", most, window);
            }
        }
    }
}

type Times = Vec<(Effect, Duration)>;

/// Plays requests: asked for so many milliseconds after the one before, in a lane, writing or not,
/// and so many milliseconds on their way.
async fn play(limits: &Limits, asks: &[(u64, u8, bool, u64)]) -> (Times, Times) {
    let (budget, clock) = budget(limits, &fresh());
    let times = Arc::new(StdMutex::new((Vec::new(), Vec::new())));
    let mut tasks = tokio::task::JoinSet::new();
    for (gap, lane, write, way) in asks {
        if *gap > 2_500 {
            clock.sleep(Duration::from_millis(*gap)).await;
        }
        let lane = [Lane::Live, Lane::Reconcile, Lane::Backfill][usize::from(*lane)];
        let effect = if *write { Effect::Write } else { Effect::Read };
        let way = Duration::from_millis(*way);
        let (budget, clock) = (Arc::clone(&budget), Arc::clone(&clock));
        let times = Arc::clone(&times);
        tasks.spawn(async move {
            let permit = budget.acquire(lane, effect, SECOND * 3600).await.unwrap();
            times.lock().unwrap().0.push((effect, clock.steady()));
            clock.sleep(way).await;
            times.lock().unwrap().1.push((effect, clock.steady()));
            permit.finish("test", 1, false);
        });
    }
    tasks.join_all().await;
    let times = times.lock().unwrap();
    times.clone()
}
