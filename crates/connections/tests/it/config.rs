//! Opening connections from a config, and putting another config into force.

use std::collections::BTreeMap;

use connections::{Clock, Configs, Health, Restart};
use connector::{Calls, Effect};
use serde_json::{Value as Json, json};
use store::ConnectionName;

use crate::support::{Reply, SECOND, World, office, read, write};

fn configs(office: &Json) -> Configs {
    BTreeMap::from([(
        crate::support::office(),
        serde_json::from_value(office.clone()).unwrap(),
    )])
}

fn restart(_: &ConnectionName) -> Restart {
    Restart::default()
}

#[tokio::test(start_paused = true)]
async fn every_mistake_is_told_and_nothing_is_changed() {
    let world = World::signed_in().await;
    let mut wrong = configs(&json!({"system": "example", "auth": {"scheme": "oath"}}));
    let nobody = json!({"system": "unheard-of", "auth": {"scheme": "x"}});
    wrong.insert("other".into(), serde_json::from_value(nobody).unwrap());
    let errors = world.connections.apply(wrong, restart).await.unwrap_err();
    let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "connections.office.auth.scheme: Example has no way to sign in called `oath`; known are oauth, key, app",
            "connections.other.system: there is no system `unheard-of`; known are example",
        ]
    );
    assert_eq!(world.connections.names(), [office()]);
    world.session().send(read("/contacts")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_changed_connection_keeps_its_sign_in_its_counts_and_its_watchers() {
    let world = World::signed_in().await;
    world.session().send(read("/contacts")).await.unwrap();
    let health = world.connections.watch_health(&office()).unwrap();
    let before = world.session();
    let changed = json!({
        "system": "example", "auth": {"scheme": "oauth", "client_id": "7"}, "read_only": true,
    });
    world
        .connections
        .apply(configs(&changed), restart)
        .await
        .unwrap();
    assert!(world.connections.describe(&office()).unwrap().read_only);
    world.session().send(write("/contacts")).await.unwrap_err();
    world.session().send(read("/contacts")).await.unwrap();
    assert_eq!(world.connections.counts(&office()).unwrap().reads, 3);

    // an old session and a new one with an expired token: still one refresh
    world.clock.sleep(SECOND * 25 * 3600).await;
    let after = world.session();
    let (old, new) = tokio::join!(before.send(read("/old")), after.send(read("/new")));
    old.unwrap();
    new.unwrap();
    assert_eq!(world.vendor.requests("/token").len(), 1);
    world.vendor.script([Reply::Answer(401, "no".to_owned())]);
    after.send(read("/contacts")).await.unwrap_err();
    assert!(matches!(*health.borrow(), Health::NeedsSignIn { .. }));
}

#[tokio::test(start_paused = true)]
async fn the_operators_own_limit_holds_beside_the_vendors() {
    let world = World::signed_in().await;
    let limited = json!({
        "system": "example", "auth": {"scheme": "oauth", "client_id": "7"},
        "limits": {"windows": [{"requests": 1, "seconds": 30, "writes_only": true}], "concurrency": 2},
    });
    let fresh = |_: &ConnectionName| Restart {
        fresh: true,
        ..Restart::default()
    };
    world
        .connections
        .apply(configs(&limited), fresh)
        .await
        .unwrap();
    let start = world.clock.steady();
    for request in [write("/contacts"), read("/contacts"), write("/contacts")] {
        let effect = request.effect;
        world.session().send(request).await.unwrap();
        let waited = world.clock.steady() - start > SECOND * 29;
        assert_eq!(
            waited,
            effect == Effect::Write && world.vendor.requests("/contacts").len() == 3
        );
    }
}

#[test]
fn the_schema_of_a_connection_refuses_what_the_config_refuses() {
    let schema = schemars::schema_for!(connections::ConnectionConfig).to_value();
    assert_eq!(schema["additionalProperties"], json!(false));
    assert_eq!(
        schema["properties"]["base_url"]["type"],
        json!(["string", "null"])
    );
    assert_eq!(schema["required"], json!(["system", "auth"]));
}
