//! `kill -9` between an effect at a vendor and the local commit: nothing is made twice, nothing is
//! lost, and both sides agree in the end. The effects are counted at the sandbox.

use std::time::{Duration, Instant};

use sandbox::{
    Actor,
    judge::{Pair, Rules},
    people::Population,
};
use serde_json::json;

use crate::world::{Server, World};

/// How many writes of ours the sandbox has seen.
fn writes(world: &World) -> usize {
    let control = world.sandbox.control();
    let edits = control.core().edits.since(0);
    edits.iter().filter(|edit| edit.actor == Actor::Api).count()
}

/// Asks the server for a full run of a sync, and does not wait for its end.
pub(crate) fn begin_run(server: &Server, sync: &str) {
    let (run, token) = (
        format!("{}/api/v1/syncs/{sync}/run", server.url),
        server.token.clone(),
    );
    tokio::spawn(async move {
        let run = reqwest::Client::new()
            .post(run)
            .bearer_auth(token)
            .send()
            .await;
        // The server is killed while it answers.
        drop(run);
    });
}

/// Waits until something has come to pass.
pub(crate) async fn wait_until(what: &str, longest: Duration, mut done: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < longest, "{what} did not come to pass");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Waits until everything is worked off and no webhook is on its way.
pub(crate) async fn quiet(world: &World, server: &Server) {
    let control = world.sandbox.control();
    wait_until("quiet", Duration::from_secs(120), async || {
        let (_, status) = world.api(server, "GET", "/api/v1/status").await;
        let dirty = status["dirty"].as_object().is_none_or(|dirty| {
            dirty
                .values()
                .flat_map(|lanes| lanes.as_object().into_iter().flatten())
                .all(|(_, count)| count.as_u64() == Some(0))
        });
        let intents = status["intents"]
            .as_object()
            .is_none_or(|intents| intents.values().all(|count| count.as_u64() == Some(0)));
        let waiting = !control.core().deliveries.are_done();
        dirty && intents && !waiting
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_the_middle_of_its_writes_makes_nothing_twice() {
    killed_in_the_middle(&World::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_it_makes_nothing_twice_either() {
    let cluster = scratch_postgres::Cluster::start();
    let mut world = World::start().await;
    world.move_to(&cluster.database());
    killed_in_the_middle(&world).await;
}

async fn killed_in_the_middle(world: &World) {
    let control = world.sandbox.control();
    control
        .core()
        .switches
        .set("highlevel.rate_limit", &json!(false))
        .unwrap();
    control.core().clock.run_with_offset(-30 * 86_400_000);
    let truth = control.populate(&Population::shipped()).unwrap();
    control.core().clock.run_with_offset(0);
    let text = world.config_text().replace(
        "    settings:\n      authorize_url",
        "    limits: {documented: false, concurrency: 8}\n    settings:\n      authorize_url",
    );
    let config = world.write("tandem.yaml", &text);
    let config = config.to_str().unwrap();
    let mut server = world.serve_with(&["--config", config]).await;
    world.connect_both().await;
    // Each time a little further: in the middle of creates, of updates, of the second side.
    for more in [1, 25, 60, 3, 90] {
        let target = writes(world) + more;
        begin_run(&server, "people");
        wait_until("the writes", Duration::from_secs(120), async || {
            writes(world) >= target
        })
        .await;
        server.kill();
        server = world.serve_with(&[]).await;
    }
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["state"], "done", "{run:#}");
    quiet(world, &server).await;
    let runs = world.run(&["runs", "--json"]).await.json();
    let states: Vec<&str> = runs
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|run| run["state"].as_str())
        .collect();
    assert!(states.contains(&"interrupted"), "{states:?}");
    assert!(!states.contains(&"running"), "{states:?}");

    let links = world.run(&["links", "people", "--json"]).await.json();
    let pairs: Vec<Pair> = links
        .as_array()
        .unwrap()
        .iter()
        .map(|link| Pair {
            highlevel: link["left"].as_str().unwrap().to_owned(),
            onoffice: link["right"].as_str().unwrap().to_owned(),
        })
        .collect();
    let judgement = control.judge(&pairs, &Rules::default(), Some(&truth));
    assert_eq!(judgement.duplicates, [], "made twice");
    assert_eq!(judgement.broken_pairs, []);
    let (_, status) = world.api(&server, "GET", "/api/v1/status").await;
    let count = |of: &str| -> u64 {
        match &status[of]["people"] {
            serde_json::Value::Object(kinds) => kinds.values().filter_map(|n| n.as_u64()).sum(),
            number => number.as_u64().unwrap_or(0),
        }
    };
    assert!(
        judgement.disagreements.len() as u64 <= count("blocked"),
        "{:#?}",
        judgement.disagreements
    );
    let alone = judgement.without_counterpart.highlevel.len()
        + judgement.without_counterpart.onoffice.len();
    // of records that may be one, one is asked about, and the others wait for its answer
    let reviews = world.run(&["reviews", "--all", "--json"]).await.json();
    let asked = reviews.as_array().unwrap().iter();
    let asked = asked.filter(|row| row["state"] == "open" || row["state"] == "postponed");
    let asked = asked.count();
    assert!(
        alone <= asked,
        "{alone} without a counterpart, but {asked} questions and who waits for them"
    );
    assert!(pairs.len() > 380, "{} pairs", pairs.len());
}
