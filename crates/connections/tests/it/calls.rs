//! What a call does: authorisation, retry, limits, the log.

use connections::{Clock, Outcome, TransportError};
use connector::{CallError, Calls, Effect, Error, Limits, Window};
use serde_json::{Value as Json, json};

use crate::support::{Reply, SECOND, SECRET, World, given, office, purpose, read, write};

#[tokio::test(start_paused = true)]
async fn a_call_is_authorised_dated_sent_and_logged() {
    let mut world = World::signed_in().await;
    world.logged();
    let request = write("/contacts").query("tag", "a b&c");
    let response = world.session().send(request).await.unwrap();
    assert_eq!(response.status, 200);
    let seen = world.vendor.requests("/contacts").remove(0);
    assert_eq!(seen.method, http::Method::POST);
    assert_eq!(seen.headers["authorization"], "Bearer hush-access-1");
    assert_eq!(seen.headers["content-type"], "application/json");
    assert_eq!(seen.headers["dated"], response.sent.to_string());
    assert_eq!(seen.body, r#"{"name":"Erika"}"#);

    let logged = world.logged();
    assert_eq!(logged.len(), 1);
    let call = &logged[0];
    assert_eq!(
        (call.operation, call.status, call.attempt),
        ("contacts.create", Some(200), 1)
    );
    assert_eq!(
        (call.effect, call.outcome),
        (Effect::Write, Outcome::Answered)
    );
    assert_eq!(call.duration.as_millis(), 40);
    let text = format!("{call:?}");
    assert!(
        !text.contains("Erika") && !text.contains(SECRET) && !text.contains("a b"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_is_not_repeated_when_its_outcome_is_unknown() {
    let mut world = World::signed_in().await;
    for reply in [
        Reply::Break(TransportError::MaybeSent("reset".to_owned())),
        Reply::Break(TransportError::Cut("reset".to_owned())),
        Reply::Hang,
        Reply::status(503),
        Reply::Answer(200, "x".repeat(1_001)),
    ] {
        world.vendor.script([reply]);
        let error = world.session().send(write("/contacts")).await.unwrap_err();
        assert!(matches!(error, CallError::OutcomeUnknown { .. }), "{error}");
        // an answered call in between, so that the breaker stays closed
        world.session().send(read("/between")).await.unwrap();
    }
    assert_eq!(world.vendor.requests("/contacts").len(), 5);
    let outcomes: Vec<_> = world
        .logged()
        .iter()
        .filter(|call| call.operation == "contacts.create")
        .map(|call| call.outcome)
        .collect();
    assert_eq!(
        outcomes,
        [
            Outcome::NoAnswer,
            Outcome::BadAnswer,
            Outcome::NoAnswer,
            Outcome::Unavailable,
            Outcome::BadAnswer,
        ]
    );
    let counts = world.connections.counts(&office()).unwrap();
    // the code exchange of the sign-in is a write too
    assert_eq!((counts.writes, counts.failed), (6, 5));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_never_left_is_repeated() {
    let mut world = World::signed_in().await;
    world.logged();
    let refused = || Reply::Break(TransportError::NotSent("refused".to_owned()));
    world.vendor.script([refused(), refused()]);
    world.session().send(write("/contacts")).await.unwrap();
    let attempts: Vec<_> = world.logged().iter().map(|call| call.attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_read_is_repeated_with_growing_pauses_and_then_given_up() {
    let world = World::signed_in().await;
    world.vendor.script([Reply::status(500), Reply::Hang]);
    world.session().send(read("/contacts")).await.unwrap();
    assert_eq!(world.vendor.requests("/contacts").len(), 3);

    world
        .vendor
        .script(std::iter::repeat_n(Reply::status(500), 5));
    let error = world.session().send(read("/other")).await.unwrap_err();
    assert!(matches!(error, CallError::NotSent { .. }), "{error}");
    let times: Vec<_> = world
        .vendor
        .requests("/other")
        .iter()
        .map(|seen| seen.at)
        .collect();
    assert_eq!(times.len(), 5);
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.is_sorted(), "{gaps:?}");
    assert!(gaps[3] > SECOND * 10);
}

#[tokio::test(start_paused = true)]
async fn an_answer_larger_than_the_cap_is_not_asked_for_again() {
    let world = World::signed_in().await;
    world.vendor.script([Reply::Answer(200, "x".repeat(1_001))]);
    let error = world.session().send(read("/contacts")).await.unwrap_err();
    assert!(
        error.to_string().contains("larger than 1000 bytes"),
        "{error}"
    );
    assert_eq!(world.vendor.requests("/contacts").len(), 1);
    world.vendor.script([Reply::Answer(200, "x".repeat(1_000))]);
    world.session().send(read("/contacts")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_json_is_described_without_being_repeated() {
    let world = World::signed_in().await;
    let page = "<html>Erika is down for maintenance</html>";
    world.vendor.script([Reply::Answer(200, page.to_owned())]);
    let response = world.session().send(read("/contacts")).await.unwrap();
    let error = response.json::<Json>("contacts.get").unwrap_err();
    assert!(matches!(error, Error::Unexpected { status: 200, .. }));
    assert!(!error.to_string().contains("Erika"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn being_throttled_waits_as_told_and_repeats_even_a_write() {
    let world = World::signed_in().await;
    world.vendor.script([Reply::Answer(429, "7".to_owned())]);
    let before = world.clock.steady();
    world.session().send(write("/contacts")).await.unwrap();
    assert_eq!((world.clock.steady() - before).as_secs(), 7);
    assert_eq!(world.connections.counts(&office()).unwrap().throttled, 1);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_differs_is_corrected_once() {
    let world = World::signed_in().await;
    world
        .vendor
        .script([Reply::Answer(408, "2026-03-01T12:10:00Z".to_owned())]);
    world.session().send(write("/contacts")).await.unwrap();
    let dates: Vec<_> = world
        .vendor
        .requests("/contacts")
        .iter()
        .map(|seen| seen.headers["dated"].to_str().unwrap().to_owned())
        .collect();
    assert!(dates[0].starts_with("2026-03-01T12:00:00"), "{dates:?}");
    assert!(dates[1].starts_with("2026-03-01T12:10:00"), "{dates:?}");

    let skew = || Reply::Answer(408, "2026-03-01T12:30:00Z".to_owned());
    world.vendor.script([skew(), skew()]);
    let error = world.session().send(read("/contacts")).await.unwrap_err();
    assert!(
        error.to_string().contains("even after setting it"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_read_only_connection_never_writes() {
    let world = World::new(json!({"scheme": "key"}), json!({"read_only": true})).await;
    let access = world.vendor.state().access.clone();
    let connected = world
        .connections
        .connect(&office(), given(&[("key", &access)]), &purpose())
        .await
        .unwrap();
    assert!(
        connected.account.missing.is_empty(),
        "no write scope is asked for"
    );
    let error = world.session().send(write("/contacts")).await.unwrap_err();
    assert!(error.to_string().contains("read_only"), "{error}");
    assert!(world.vendor.requests("/contacts").is_empty());
    world.session().send(read("/contacts")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_kept_by_real_calls() {
    let limits = Limits {
        windows: vec![Window {
            requests: 20,
            per: SECOND * 10,
            effect: None,
        }],
        concurrency: 10,
    };
    let world = World::with_limits(json!({"scheme": "key"}), json!({}), limits).await;
    let access = world.vendor.state().access.clone();
    let key = given(&[("key", &access)]);
    world
        .connections
        .connect(&office(), key, &purpose())
        .await
        .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let session = world.session();
        tasks.spawn(async move { session.send(read("/contacts")).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    let seen = world.vendor.state().seen.clone();
    let times: Vec<_> = seen.iter().map(|seen| seen.at).collect();
    assert!(
        times
            .windows(21)
            .all(|span| span[20] - span[0] > SECOND * 10)
    );
    assert!(*times.last().unwrap() < SECOND * 52);
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_waiting_calls_at_once() {
    let world = World::signed_in().await;
    world.vendor.script([Reply::Answer(429, "60".to_owned())]);
    let session = world.session();
    let call = tokio::spawn(async move { session.send(read("/contacts")).await });
    world.clock.sleep(SECOND).await;
    world.connections.shut_down(SECOND).await;
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::Stopping { .. }), "{error}");
    assert!(world.clock.steady() < SECOND * 3);
    assert_eq!(world.log.dropped(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_caller_goes_away_stands_in_the_log() {
    let mut world = World::signed_in().await;
    world.logged();
    world.vendor.script([Reply::Hang]);
    let session = world.session();
    let call = tokio::spawn(async move { session.send(write("/contacts")).await });
    world.clock.sleep(SECOND).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    let logged = world.logged();
    assert_eq!(logged.len(), 1);
    assert_eq!(logged[0].outcome, Outcome::NoAnswer);
    // and its place is free again
    world.session().send(read("/contacts")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_turn_comes_too_late_is_not_sent() {
    let world = World::signed_in().await;
    let late = connector::Calls::now(&world.session());
    let session = world.session().writing_until(late);
    // In time, but the vendor has to be asked again a while later.
    world
        .vendor
        .script([Reply::Break(TransportError::NotSent("no way".to_owned()))]);
    let error = session.send(write("/contacts")).await.unwrap_err();
    assert!(matches!(error, CallError::NotSent { .. }), "{error}");
    assert!(error.to_string().contains("too late"), "{error}");
    assert_eq!(world.vendor.requests("/contacts").len(), 1);
    // Reading is never too late.
    session.send(read("/contacts")).await.unwrap();
}
