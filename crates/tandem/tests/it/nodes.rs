//! Two nodes on one PostgreSQL database: one works, the other stands by and takes over. What a vendor counts over all
//! programs holds over both, however the one ends.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use sandbox::System;
use scratch_postgres::Cluster;
use serde_json::json;

use crate::{
    killed::wait_until,
    officernd::{location, ready},
    world::{Server, World},
};

/// What OfficeRnD allows in any minute.
const TOKENS_A_MINUTE: u64 = 5;

/// Two machines and their database.
struct Nodes {
    cluster: Cluster,
    url: String,
    world: World,
    folders: [PathBuf; 2],
}

impl Nodes {
    /// The first works, and is connected to OfficeRnD, whose tokens are good for two seconds. The second stands by.
    async fn start() -> (Self, Server, std::process::Child) {
        let cluster = Cluster::start();
        let url = cluster.database();
        let mut world = World::start().await;
        world.move_to(&url);
        let control = world.sandbox.control();
        let switches = &control.core().switches;
        switches.set("officernd.token_life_s", &json!(2)).unwrap();
        let settings = format!("location: {}", location(&world));
        world.write("tandem.yaml", &ready(&world, &settings).await);
        let first = world.folder.path().to_owned();
        let second = first.join("second");
        fs::create_dir(&second).unwrap();
        let nodes = Self {
            cluster,
            url,
            world,
            folders: [first, second],
        };
        let first = nodes.start_node(0);
        let first = nodes.world.reached(first, &nodes.folders[0]).await;
        nodes.world.connect_coworking().await;
        // both nodes have one key, as the documentation says
        let key = format!("{}.key", nodes.beside());
        fs::copy(nodes.folders[0].join(&key), nodes.folders[1].join(&key)).unwrap();
        let second = nodes.start_node(1);
        nodes.said(1, "standing by").await;
        (nodes, first, second)
    }

    fn beside(&self) -> String {
        let database = self.world.database();
        database.file_name().unwrap().to_str().unwrap().to_owned()
    }

    fn start_node(&self, node: usize) -> std::process::Child {
        let config = self.folders[0].join("tandem.yaml");
        let arguments = ["--standby", "--config", config.to_str().unwrap()];
        self.world.start_in(&self.folders[node], &arguments)
    }

    /// Waits until a node said this.
    async fn said(&self, node: usize, words: &str) {
        let log = self.folders[node].join("server.log");
        wait_until(words, Duration::from_secs(60), async || {
            tokio::time::sleep(Duration::from_millis(20)).await;
            fs::read_to_string(&log).unwrap().contains(words)
        })
        .await;
    }

    /// Token requests so far. None was refused.
    fn tokens(&self) -> u64 {
        let counts = self.world.sandbox.control().core().counts.all();
        let counts = counts.get(&System::OfficeRnd);
        let routes = counts.into_iter().flat_map(|counts| &counts.routes);
        let mut tokens = 0;
        for route in routes.filter(|route| route.route == "/oauth/token") {
            assert_eq!(route.status, 200, "more than were allowed: {route:?}");
            tokens += route.count;
        }
        tokens
    }

    /// Asks a node for something that needs a good token, again and again, until this came to pass.
    async fn busy(&self, server: &Server, what: &str, longest: Duration, done: impl Fn() -> bool) {
        let begun = Instant::now();
        while !done() {
            assert!(begun.elapsed() < longest, "{what} did not come to pass");
            self.ask(server);
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Asks a node for something that needs a good token, without waiting for it.
    fn ask(&self, server: &Server) {
        let check = format!("{}/api/v1/connections/coworking/check", server.url);
        let request = reqwest::Client::new()
            .post(check)
            .bearer_auth(&server.token);
        // a node that is killed does not answer
        tokio::spawn(async move { drop(request.send().await) });
    }

    /// Ends the connections of a process to the database, as a network does that comes back.
    fn cut_off(&self, pid: u32) {
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tandem {pid}'"
        );
        self.cluster.sql(&self.url, &sql);
    }

    /// Whether a process has the lock without which none works.
    fn has_database(&self, pid: u32) -> bool {
        let sql = format!(
            "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
             WHERE l.locktype = 'advisory' AND l.granted AND a.application_name = 'tandem {pid}'"
        );
        self.cluster.sql(&self.url, &sql).trim() == "1"
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_take_over_from_each_other_keep_the_limit_on_tokens_and_both_get_to_work() {
    let (nodes, first, second) = Nodes::start().await;
    let spent = || nodes.tokens() >= TOKENS_A_MINUTE;
    nodes
        .busy(&first, "five tokens", Duration::from_secs(60), spent)
        .await;
    // It dies in the middle of its work; the second knows only that somebody was there.
    nodes.ask(&first);
    first.kill();
    let before = nodes.tokens();
    let second = nodes.world.reached(second, &nodes.folders[1]).await;
    let first = nodes.start_node(0);
    let spent = || nodes.tokens() >= before + TOKENS_A_MINUTE;
    nodes
        .busy(
            &second,
            "work of the second",
            Duration::from_secs(150),
            spent,
        )
        .await;
    // It ends in order, and leaves word of what it sent.
    nodes.said(0, "standing by").await;
    let before = nodes.tokens();
    assert_eq!(second.stop(), 0);
    let first = nodes.world.reached(first, &nodes.folders[0]).await;
    let works = || nodes.tokens() > before;
    nodes
        .busy(&first, "work of the first", Duration::from_secs(150), works)
        .await;
    assert_eq!(first.stop(), 0);
    nodes.tokens();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_cut_off_asks_for_no_token_beside_its_successor_and_ends() {
    let (nodes, mut first, second) = Nodes::start().await;
    let pid = second.id();
    // whoever is quicker has the database; the first is not to be, now
    wait_until(
        "the second takes over",
        Duration::from_secs(60),
        async || {
            nodes.cut_off(first.pid());
            tokio::time::sleep(Duration::from_millis(20)).await;
            nodes.has_database(pid)
        },
    )
    .await;
    // The token that both know of has ended. The second waits a minute, since it does not know what was sent before; the
    // first has room in what it counts, and can read the database again.
    let before = nodes.tokens();
    assert!(before < TOKENS_A_MINUTE, "{before}");
    let asked = Instant::now();
    while asked.elapsed() < Duration::from_secs(4) {
        nodes.ask(&first);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(first.ended().await, 5);
    nodes.said(0, "TDM-D001").await;
    assert_eq!(
        nodes.tokens(),
        before,
        "the first asked after {:?}",
        asked.elapsed()
    );
    // its successor gets to work when it may
    let second = nodes.world.reached(second, &nodes.folders[1]).await;
    let works = || nodes.tokens() > before;
    nodes
        .busy(
            &second,
            "work of the second",
            Duration::from_secs(150),
            works,
        )
        .await;
    assert_eq!(second.stop(), 0);
    nodes.tokens();
}
