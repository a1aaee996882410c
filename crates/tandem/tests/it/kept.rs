//! The database as a whole: moved to a server, backed up while work goes on, and restored.

use std::time::Duration;

use sandbox::{
    Actor, System,
    judge::{Pair, Rules},
    people::Population,
};
use serde_json::{Value as Json, json};

use crate::{
    killed::{quiet, wait_until},
    world::{Ran, Server, World},
};

fn writes(world: &World) -> usize {
    let control = world.sandbox.control();
    let edits = control.core().edits.since(0);
    edits.iter().filter(|edit| edit.actor == Actor::Api).count()
}

async fn with_people() -> (World, Server) {
    let world = World::start().await;
    let control = world.sandbox.control();
    let switches = |name: &str, value| control.core().switches.set(name, &value).unwrap();
    switches("highlevel.rate_limit", json!(false));
    control.core().clock.run_with_offset(-30 * 86_400_000);
    control.populate(&Population::shipped()).unwrap();
    control.core().clock.run_with_offset(0);
    let text = world.config_text().replace(
        "    settings:\n      authorize_url",
        "    limits: {documented: false, concurrency: 8}\n    settings:\n      authorize_url",
    );
    let config = world.write("tandem.yaml", &text);
    let server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    world.connect_both().await;
    (world, server)
}

/// A user, a token, and what it took to make them.
async fn with_users(world: &World) -> Json {
    for words in [
        ["users", "add", "ada", "--role", "editor"],
        ["tokens", "add", "robot", "--scope", "work"],
    ] {
        let ran = world.run(&words).await;
        assert_eq!(ran.code, 0, "{ran:#?}");
    }
    let people = users_and_acts(world).await;
    assert_eq!(people["users"][0]["name"], "ada", "{people:#}");
    assert_eq!(people["tokens"][0]["name"], "robot", "{people:#}");
    assert_eq!(people["acts"].as_array().unwrap().len(), 2, "{people:#}");
    people
}

async fn users_and_acts(world: &World) -> Json {
    let users = world.run(&["users", "--json"]).await.json();
    let tokens = world.run(&["tokens", "--json"]).await.json();
    let acts = world.run(&["acts", "--json"]).await.json();
    let made = |act: &Json| {
        let made = ["user.add", "token.add"];
        made.iter().any(|what| act["what"] == *what)
    };
    let acts: Vec<&Json> = acts
        .as_array()
        .unwrap()
        .iter()
        .filter(|act| made(act))
        .collect();
    json!({"users": users, "tokens": tokens, "acts": acts})
}

/// What commands did to the database as a whole, the latest first.
async fn acts_on_the_database(world: &World) -> Vec<String> {
    let acts = world.run(&["acts", "--json"]).await.json();
    let acts = acts.as_array().unwrap().iter();
    let what = acts.map(|act| act["what"].as_str().unwrap().to_owned());
    what.filter(|what| what.starts_with("database.")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_moved_to_a_server_whole_and_work_goes_on_there() {
    let cluster = scratch_postgres::Cluster::start();
    let (mut world, server) = with_people().await;
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["state"], "done", "{run:#}");
    quiet(&world, &server).await;
    let people = with_users(&world).await;
    let url = cluster.database();
    let file = world.database();
    let migrate = ["migrate-store", "--from", file.to_str().unwrap(), "--to"];
    let migrate = |url: &str| [&migrate[..], &[url, "--json"]].concat().join(" ");
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let line = words(&migrate(&url));
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    // not while a server works on it
    world.run_bare(&line).await.refused(5, &["TDM-D001"]);
    assert_eq!(server.stop(), 0);
    let moved = world.run_bare(&line).await.json();
    let rows = |table: &str| {
        let tables = moved["tables"].as_array().unwrap();
        let found = tables.iter().find(|row| row["table"] == table).unwrap();
        found["rows"].as_u64().unwrap()
    };
    assert!(rows("link") > 380, "{moved:#}");
    assert_eq!(
        cluster.sql(&url, "SELECT count(*) FROM link"),
        rows("link").to_string()
    );
    // what is there is never written over
    world
        .run_bare(&line)
        .await
        .refused(5, &["TDM-D003", "already"]);
    let links_before = world.run(&["links", "people", "--json"]).await.json();

    world.move_to(&url);
    let before = writes(&world);
    let server = world.serve_with(&[]).await;
    let links = world.run(&["links", "people", "--json"]).await.json();
    assert_eq!(links, links_before);
    assert_eq!(users_and_acts(&world).await, people);
    assert_eq!(acts_on_the_database(&world).await, ["database.move"]);
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["state"], "done", "{run:#}");
    quiet(&world, &server).await;
    assert_eq!(writes(&world), before, "all agreed before and after");
    // a server is backed up with its own tools, and Tandem is told that it was restored
    let never = world.folder.path().join("never.db");
    world
        .run(&["backup", never.to_str().unwrap()])
        .await
        .refused(5, &["pg_dump", "tandem restore --already"]);
    assert_eq!(server.stop(), 0);
    let marked = world.run(&["restore", "--already"]).await;
    assert_eq!(marked.code, 0, "{marked:#?}");
    let told = ["database.restore", "database.move"];
    assert_eq!(acts_on_the_database(&world).await, told);
    let server = world.serve_with(&[]).await;
    assert_eq!(state(&world, &server).await, "rematching");
    wait_until(
        "the end of matching",
        Duration::from_secs(120),
        async || state(&world, &server).await == "running",
    )
    .await;
    assert_eq!(writes(&world), before, "nothing is made or removed by that");
    // a second server of the same database is told who has it
    world
        .run_bare(&["--database", &url, "serve"])
        .await
        .refused(5, &["TDM-D001"]);
}

async fn pairs(world: &World) -> Vec<Pair> {
    let links = world.run(&["links", "people", "--json"]).await.json();
    let links = links.as_array().unwrap().iter();
    links
        .map(|link| Pair {
            highlevel: link["left"].as_str().unwrap().to_owned(),
            onoffice: link["right"].as_str().unwrap().to_owned(),
        })
        .collect()
}

async fn download(server: &Server, token: Option<&str>) -> (u16, Vec<u8>) {
    let mut request = reqwest::Client::new().get(format!("{}/api/v1/backup", server.url));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.bytes().await.unwrap().to_vec())
}

/// What `tandem token` prints: the token, and its hash for the config.
fn token_and_hash(ran: &Ran) -> (String, String) {
    let all = format!("{}\n{}", ran.out, ran.err);
    let words = || all.split_whitespace().map(|word| word.trim_matches('"'));
    let hash = words()
        .find(|word| word.len() == 64 && word.chars().all(|letter| letter.is_ascii_hexdigit()));
    let token = words().find(|word| word.starts_with("tandem_"));
    (token.unwrap().to_owned(), hash.unwrap().to_owned())
}

/// How the sync stands.
async fn state(world: &World, server: &Server) -> String {
    let (_, status) = world.api(server, "GET", "/api/v1/status").await;
    status["syncs"][0]["state"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_makes_nothing_twice() {
    let (world, server) = with_people().await;
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["state"], "done", "{run:#}");
    quiet(&world, &server).await;
    let people = with_users(&world).await;
    let backup = world.folder.path().join("monday.db");
    let backup = backup.to_str().unwrap();
    let made = world.run(&["backup", backup, "--json"]).await.json();
    assert_eq!(made["file"], backup);
    world
        .run(&["backup", backup])
        .await
        .refused(5, &["TDM-D002", "already"]);

    // what there is of all that grows
    let kept = world.run(&["retention", "--json"]).await.json();
    let row = |what: &str| {
        let rows = kept["kept"].as_array().unwrap();
        rows.iter().find(|row| row["what"] == what).unwrap().clone()
    };
    assert!(row("journal")["rows"].as_u64().unwrap() > 380, "{kept:#}");
    assert_eq!(row("journal_values")["days"], 730, "{kept:#}");
    assert_eq!(row("sync_runs")["rows"], 1, "{kept:#}");
    assert!(kept["bytes"].as_u64().unwrap() > 100_000, "{kept:#}");
    let told = world.run(&["retention"]).await;
    assert!(told.out.contains("at most 2000000"), "{told:#?}");

    // as a download: the same, for the owner only
    let config = std::fs::read_to_string(world.folder.path().join("tandem.yaml")).unwrap();
    let reading = world.run(&["token", "look"]).await;
    let (token, hash) = token_and_hash(&reading);
    let with_token = world.write(
        "token.yaml",
        &format!("{config}\napi:\n  tokens:\n    look: {{sha256: {hash}}}\n"),
    );
    let applied = world.run(&["apply", with_token.to_str().unwrap()]).await;
    assert_eq!(applied.code, 0, "{applied:#?}");
    let (status, refusal) = download(&server, Some(&token)).await;
    assert_eq!(status, 403, "{}", String::from_utf8_lossy(&refusal));
    assert_eq!(download(&server, None).await.0, 401);
    let (status, downloaded) = download(&server, Some(&server.token)).await;
    assert_eq!(status, 200);
    assert!(downloaded.starts_with(b"SQLite format 3\0"));
    assert_eq!(downloaded.len() as u64 % 4096, 0);
    let left = std::fs::read_dir(world.folder.path()).unwrap();
    let left: Vec<_> = left
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("download"))
        .collect();
    assert!(left.is_empty(), "{left:?}");

    // What comes after the backup is in both systems, and the backup knows nothing of it.
    let backed_up = pairs(&world).await.len();
    for number in 0..30 {
        let who = json!({
            "firstName": "Late",
            "lastName": format!("Comer{number}"),
            "email": format!("late.comer.{number}@example.org"),
        });
        world.act(System::HighLevel, "create_contact", who);
    }
    wait_until("the late comers", Duration::from_secs(120), async || {
        pairs(&world).await.len() == backed_up + 30
    })
    .await;
    quiet(&world, &server).await;
    let before = pairs(&world).await;
    server.kill();
    world
        .run(&["restore", backup])
        .await
        .refused(5, &["TDM-D001", "already"]);
    for ending in ["", "-wal", "-shm"] {
        let file = format!("{}{ending}", world.database().display());
        drop(std::fs::remove_file(file));
    }
    let restored = world.run(&["restore", backup]).await;
    assert_eq!(restored.code, 0, "{restored:#?}");

    let server = world.serve_with(&[]).await;
    assert_eq!(users_and_acts(&world).await, people);
    assert_eq!(state(&world, &server).await, "rematching");
    let told = world.run(&["status"]).await;
    assert!(told.out.contains("restored"), "{told:#?}");
    wait_until(
        "the end of matching",
        Duration::from_secs(120),
        async || state(&world, &server).await == "running",
    )
    .await;
    quiet(&world, &server).await;
    let after = pairs(&world).await;
    let control = world.sandbox.control();
    let judgement = control.judge(&after, &Rules::default(), None);
    assert_eq!(judgement.duplicates, [], "made twice");
    assert_eq!(after.len(), before.len(), "everybody is found again");
    // and it stays so
    server.kill();
    let server = world.serve_with(&[]).await;
    assert_eq!(state(&world, &server).await, "running");
}
