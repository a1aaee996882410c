//! How a connection's trouble shows, stays its own, and ends.

use connections::{Clock, Health};
use connector::{CallError, Calls};

use crate::support::{Reply, SECOND, World, office, purpose, read, write};

#[tokio::test(start_paused = true)]
async fn a_vendor_that_is_down_is_left_alone_and_probed() {
    let world = World::signed_in().await;
    world
        .vendor
        .script(std::iter::repeat_n(Reply::status(503), 6));
    world.session().send(read("/contacts")).await.unwrap_err();
    let Health::Degraded {
        retry: Some(retry), ..
    } = world.connections.health(&office()).unwrap()
    else {
        panic!("{:?}", world.connections.health(&office()));
    };
    for _ in 0..10 {
        let error = world.session().send(write("/contacts")).await.unwrap_err();
        assert!(matches!(error, CallError::NotSent { .. }), "{error}");
    }
    assert_eq!(world.vendor.requests("/contacts").len(), 5);

    world.connections.usable(&office()).await.unwrap();
    assert!(world.clock.now() >= retry);
    // the probe fails, the pause doubles
    world.session().send(read("/contacts")).await.unwrap_err();
    assert_eq!(world.vendor.requests("/contacts").len(), 6);
    let before = world.clock.steady();
    world.connections.usable(&office()).await.unwrap();
    assert!(world.clock.steady() - before >= SECOND * 29);
    world.session().send(read("/contacts")).await.unwrap();
    assert_eq!(world.connections.health(&office()).unwrap(), Health::Ok);
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_stop_the_calls_and_a_check_lets_them_go_on() {
    let world = World::signed_in().await;
    let mut health = world.connections.watch_health(&office()).unwrap();
    health.mark_unchanged();
    world.vendor.script([Reply::Answer(
        401,
        "hush-access-1 lacks contacts.write".to_owned(),
    )]);
    let error = world.session().send(write("/contacts")).await.unwrap_err();
    assert!(
        error.to_string().ends_with("[secret] lacks contacts.write"),
        "{error}"
    );
    assert!(health.has_changed().unwrap());
    assert!(!health.borrow_and_update().usable());

    world.session().send(read("/contacts")).await.unwrap_err();
    assert_eq!(world.vendor.requests("/contacts").len(), 1);
    world
        .connections
        .check(&office(), &purpose())
        .await
        .unwrap();
    world.session().send(read("/contacts")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_right_granted_at_the_vendor_is_noticed_without_a_person_here() {
    let world = World::signed_in().await;
    world.vendor.script([Reply::Answer(401, "no".to_owned())]);
    world.session().send(read("/contacts")).await.unwrap_err();
    world.session().send(read("/contacts")).await.unwrap_err();
    world.clock.sleep(SECOND * 301).await;
    world.session().send(read("/contacts")).await.unwrap();
    assert_eq!(world.connections.health(&office()).unwrap(), Health::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_connection_makes_no_call_until_it_is_resumed() {
    let world = World::signed_in().await;
    assert!(world.connections.stop(&office()).await.unwrap());
    let error = world.session().send(read("/contacts")).await.unwrap_err();
    assert!(error.to_string().contains("stopped"), "{error}");
    assert!(world.vendor.requests("/contacts").is_empty());
    world.connections.resume(&office()).await.unwrap();
    world.session().send(read("/contacts")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_limit_used_up_for_long_is_told_instead_of_waited_for() {
    let world = World::signed_in().await;
    world.vendor.script([Reply::Answer(429, "7200".to_owned())]);
    let before = world.clock.steady();
    let error = world.session().send(write("/contacts")).await.unwrap_err();
    assert!(matches!(error, CallError::NotSent { .. }), "{error}");
    assert!(world.clock.steady() - before < SECOND);
    world.connections.usable(&office()).await.unwrap();
    assert!(world.clock.steady() - before >= SECOND * 7199);
    world.session().send(write("/contacts")).await.unwrap();
    assert_eq!(world.connections.health(&office()).unwrap(), Health::Ok);
}
