//! Renewing tokens: one worker, durable before use, and every way in which it can go wrong.

use std::sync::atomic::Ordering;

use connections::{Clock, Health, TransportError};
use connector::{CallError, Calls};
use serde_json::json;

use crate::support::{Reply, SECOND, SECRET, World, given, office, purpose, read, write};

const HOUR: u32 = 3600;

#[tokio::test(start_paused = true)]
async fn fifty_calls_with_an_expired_token_make_one_refresh() {
    let world = World::signed_in().await;
    world.vendor.state().access = "revoked".to_owned();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let session = world.session();
        tasks.spawn(async move { session.send(write("/contacts")).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    assert_eq!(world.vendor.requests("/token").len(), 1);
    assert_eq!(world.memory.saves.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_ahead_of_its_end_without_holding_up_a_call() {
    let world = World::signed_in().await;
    world.clock.sleep(SECOND * (24 * HOUR - 200)).await;
    let before = world.clock.steady();
    world.session().send(read("/contacts")).await.unwrap();
    assert!(world.clock.steady() - before < SECOND);
    world.clock.sleep(SECOND).await;
    assert_eq!(world.vendor.requests("/token").len(), 1);
    world.session().send(read("/contacts")).await.unwrap();
    let used = world.vendor.requests("/contacts").pop().unwrap();
    assert_eq!(used.headers["authorization"], "Bearer hush-access-2");
}

#[tokio::test(start_paused = true)]
async fn a_token_past_its_end_is_renewed_before_it_is_sent() {
    let world = World::signed_in().await;
    world.clock.sleep(SECOND * 25 * HOUR).await;
    world.session().send(write("/contacts")).await.unwrap();
    let seen = world.vendor.requests("/contacts");
    assert_eq!(seen.len(), 1, "the old token was not tried");
    assert_eq!(seen[0].headers["authorization"], "Bearer hush-access-2");
}

#[tokio::test(start_paused = true)]
async fn new_tokens_are_not_used_before_they_are_saved() {
    let world = World::signed_in().await;
    world.clock.sleep(SECOND * 25 * HOUR).await;
    world.memory.refuse_saves.store(true, Ordering::SeqCst);
    let error = world.session().send(read("/contacts")).await.unwrap_err();
    assert!(matches!(error, CallError::NotSent { .. }), "{error}");
    assert!(error.to_string().contains("the disk is full"), "{error}");
    world.session().send(read("/contacts")).await.unwrap_err();
    assert!(world.vendor.requests("/contacts").is_empty());

    // when the disk has room again, the tokens that were bought are saved, not bought again
    world.memory.refuse_saves.store(false, Ordering::SeqCst);
    world.clock.sleep(SECOND * HOUR).await;
    world.session().send(read("/contacts")).await.unwrap();
    assert_eq!(world.vendor.requests("/token").len(), 1);
    assert_eq!(world.memory.saves.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn whom_another_process_has_replaced_asks_for_no_token() {
    let world = World::signed_in().await;
    world.clock.sleep(SECOND * 25 * HOUR).await;
    world.memory.taken_over.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let error = world.session().send(read("/contacts")).await.unwrap_err();
        assert!(matches!(error, CallError::NotSent { .. }), "{error}");
        assert!(error.to_string().contains("another process"), "{error}");
        world.clock.sleep(SECOND * HOUR).await;
    }
    assert!(world.vendor.requests("/token").is_empty());
    assert!(world.vendor.requests("/contacts").is_empty());

    // it was the database that could not be asked for a while: no token was used up meanwhile
    world.memory.taken_over.store(false, Ordering::SeqCst);
    world.session().send(read("/contacts")).await.unwrap();
    assert_eq!(world.vendor.requests("/token").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_refresh_and_save_is_healed_by_the_vendors_grace() {
    let world = World::signed_in().await;
    world.clock.sleep(SECOND * 25 * HOUR).await;
    world.memory.refuse_saves.store(true, Ordering::SeqCst);
    world.session().send(read("/contacts")).await.unwrap_err();
    // the process dies here; the next one has only the used refresh token
    world.memory.refuse_saves.store(false, Ordering::SeqCst);
    let next = world.another_process().await;
    let session = next
        .session(&office(), connections::Lane::Live, "test")
        .unwrap();
    session.send(read("/contacts")).await.unwrap();
    let bodies: Vec<_> = world
        .vendor
        .requests("/token")
        .into_iter()
        .map(|seen| seen.body)
        .collect();
    assert_eq!(bodies.len(), 2);
    assert_eq!(
        bodies[0], bodies[1],
        "the same refresh token, within its grace"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_refresh_is_asked_for_again_at_once() {
    let world = World::signed_in().await;
    world.clock.sleep(SECOND * 25 * HOUR).await;
    world.vendor.state().lose_token_answer = true;
    world.session().send(write("/contacts")).await.unwrap();
    let times: Vec<_> = world
        .vendor
        .requests("/token")
        .iter()
        .map(|seen| seen.at)
        .collect();
    assert_eq!(times.len(), 2);
    assert!(times[1] - times[0] < SECOND * 25);

    world.clock.sleep(SECOND * 25 * HOUR).await;
    world.vendor.state().token_script.push_back(Reply::Hang);
    world.session().send(write("/contacts")).await.unwrap();
    let times: Vec<_> = world
        .vendor
        .requests("/token")
        .iter()
        .map(|seen| seen.at)
        .collect();
    assert!(times[3] - times[2] < SECOND * 25);
}

#[tokio::test(start_paused = true)]
async fn whoever_loses_the_race_with_another_process_uses_its_tokens() {
    let world = World::signed_in().await;
    let other = world.another_process().await;
    world.clock.sleep(SECOND * 25 * HOUR).await;
    let session = other
        .session(&office(), connections::Lane::Live, "test")
        .unwrap();
    session.send(read("/contacts")).await.unwrap();
    // long after the grace, with the old refresh token in memory
    world.clock.sleep(SECOND * 60).await;
    world.session().send(read("/contacts")).await.unwrap();
    assert_eq!(world.vendor.requests("/token").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_goes_on_when_its_caller_goes_away() {
    let world = World::signed_in().await;
    world.clock.sleep(SECOND * 25 * HOUR).await;
    let session = world.session();
    let call = tokio::spawn(async move { session.send(read("/contacts")).await });
    world
        .clock
        .sleep(std::time::Duration::from_millis(30))
        .await;
    assert_eq!(world.vendor.requests("/token").len(), 1, "under way");
    call.abort();
    world.clock.sleep(SECOND).await;
    assert_eq!(
        world.memory.saves.load(Ordering::SeqCst),
        2,
        "saved all the same"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dead_refresh_token_needs_a_person_and_is_not_hammered() {
    let world = World::signed_in().await;
    {
        let mut vendor = world.vendor.state();
        vendor.refresh = "another".to_owned();
        vendor.access = "another".to_owned();
    }
    let error = world.session().send(read("/contacts")).await.unwrap_err();
    assert!(matches!(error, CallError::Credentials { .. }), "{error}");
    assert!(!error.to_string().contains(SECRET), "{error}");
    let health = world.connections.health(&office()).unwrap();
    assert!(matches!(health, Health::NeedsSignIn { .. }), "{health:?}");
    assert!(!format!("{health:?}").contains(SECRET), "{health:?}");

    let before = world.vendor.state().seen.len();
    for _ in 0..20 {
        world.session().send(read("/contacts")).await.unwrap_err();
    }
    assert_eq!(
        world.vendor.state().seen.len(),
        before,
        "refused without asking the vendor"
    );

    world.sign_in("good").await.unwrap();
    assert_eq!(world.connections.health(&office()).unwrap(), Health::Ok);
    world.session().send(read("/contacts")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_for_now_leaves_the_sign_in_alone() {
    let world = World::signed_in().await;
    world.clock.sleep(SECOND * 25 * HOUR).await;
    let page = Reply::Answer(200, "<html>maintenance</html>".to_owned());
    let refused = Reply::Break(TransportError::NotSent("refused".to_owned()));
    world.vendor.state().token_script.push_back(page);
    world
        .vendor
        .state()
        .token_script
        .extend(std::iter::repeat_n(refused, 4));
    let error = world.session().send(read("/contacts")).await.unwrap_err();
    assert!(matches!(error, CallError::NotSent { .. }), "{error}");
    let health = world.connections.health(&office()).unwrap();
    assert!(matches!(health, Health::Degraded { .. }), "{health:?}");
    world.session().send(read("/contacts")).await.unwrap();
    assert_eq!(world.connections.health(&office()).unwrap(), Health::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_token_refused_right_after_its_refresh_ends_the_call() {
    let world = World::signed_in().await;
    let expired = || Reply::Answer(401, "expired".to_owned());
    world.vendor.script([expired(), expired()]);
    let error = world.session().send(read("/contacts")).await.unwrap_err();
    assert!(matches!(error, CallError::Credentials { .. }), "{error}");
    assert_eq!(world.vendor.requests("/contacts").len(), 2);
    assert_eq!(world.vendor.requests("/token").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_another_call_obtained_before_is_not_taken_for_a_new_one() {
    let world = World::signed_in().await;
    let session = world.session();
    world.vendor.script([Reply::status(500)]);
    let slow = session.send(read("/contacts"));
    let meanwhile = async {
        world.clock.sleep(SECOND / 10).await;
        world.vendor.state().access = "revoked".to_owned();
        world.session().send(read("/contacts")).await.unwrap();
        world.vendor.state().access = "revoked".to_owned();
    };
    let (answer, ()) = tokio::join!(slow, meanwhile);
    answer.unwrap();
    assert_eq!(world.vendor.requests("/token").len(), 2);
    assert_eq!(world.connections.health(&office()).unwrap(), Health::Ok);
}

/// Signed in without a user.
async fn by_itself() -> World {
    let world = World::new(json!({"scheme": "app", "client_id": "7"}), json!({})).await;
    let client = given(&[("client_secret", "hush-client")]);
    let connected = world
        .connections
        .connect(&office(), client, &purpose())
        .await;
    connected.unwrap();
    // long enough ago that a refused token may have ended, not long enough that it is renewed
    world.clock.sleep(SECOND * HOUR).await;
    world
}

#[tokio::test(start_paused = true)]
async fn scopes_are_asked_for_at_the_sign_in_and_again_at_each_renewal() {
    let world = by_itself().await;
    world.clock.sleep(SECOND * 25 * HOUR).await;
    world.session().send(read("/contacts")).await.unwrap();
    let asked: Vec<String> = world
        .vendor
        .requests("/token")
        .into_iter()
        .map(|seen| seen.body)
        .collect();
    assert!(asked[0].contains("scope=all"), "{asked:?}");
    assert_eq!(asked.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_right_after_a_fresh_token_lacks_a_right_and_the_rest_goes_on() {
    let world = by_itself().await;
    let expired = || Reply::Answer(401, "expired".to_owned());
    world.vendor.script([expired(), expired()]);
    let right = |error: CallError| match error {
        CallError::Right { right, .. } => right,
        other => panic!("{other}"),
    };
    let error = world.session().send(read("/barred")).await.unwrap_err();
    assert_eq!(right(error), "all");
    assert_eq!(world.vendor.requests("/token").len(), 2, "renewed once");
    // the token is fresh now: what is refused costs no other one
    world.vendor.script([expired()]);
    let error = world.session().send(write("/barred")).await.unwrap_err();
    assert_eq!(right(error), "all");
    // a scope that was not granted costs none at any time
    world.clock.sleep(SECOND * HOUR).await;
    world.vendor.script([expired()]);
    let error = world.session().send(read("/ungranted")).await.unwrap_err();
    assert_eq!(right(error), "more");
    assert_eq!(world.vendor.requests("/token").len(), 2);
    assert_eq!(world.connections.health(&office()).unwrap(), Health::Ok);
    world.session().send(read("/contacts")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_learnt_is_kept_across_processes_and_stands_in_no_renewals_way() {
    let world = World::signed_in().await;
    let session = world.session();
    session
        .learn("contact.update.phone", json!("refused"))
        .await;
    let saves = world.memory.saves.load(Ordering::SeqCst);
    session
        .learn("contact.update.phone", json!("refused"))
        .await;
    assert_eq!(world.memory.saves.load(Ordering::SeqCst), saves);
    let learned =
        |settings: &serde_json::Value| settings["learned"]["contact.update.phone"].clone();
    assert_eq!(learned(world.session().settings()), "refused");
    let other = world.another_process().await;
    let elsewhere = other
        .session(&office(), connections::Lane::Live, "test")
        .unwrap();
    assert_eq!(learned(elsewhere.settings()), "refused");

    // the newer version holds the same token: it is renewed all the same, in both processes once
    world.vendor.state().access = "revoked".to_owned();
    session.send(read("/contacts")).await.unwrap();
    elsewhere.send(read("/contacts")).await.unwrap();
    assert_eq!(world.vendor.requests("/token").len(), 1);
    assert_eq!(learned(world.session().settings()), "refused");
}
