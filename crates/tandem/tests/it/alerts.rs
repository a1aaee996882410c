//! People are told of what needs them: once, and once when it is over, whatever happens to the mail server and to us.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, extract::State, routing::post};
use serde_json::{Value as Json_, json};

use crate::{killed::wait_until, world::World};

const PATIENCE: Duration = Duration::from_secs(120);

/// A mail server that takes messages, or puts everybody off.
#[derive(Clone, Default)]
struct Mail {
    taken: Arc<Mutex<Vec<String>>>,
    puts_off: Arc<AtomicBool>,
}

impl Mail {
    fn start(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mail = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mail = mail.clone();
                std::thread::spawn(move || mail.answer(stream.unwrap()));
            }
        });
        port
    }

    fn answer(&self, stream: std::net::TcpStream) -> Option<()> {
        let mut out = stream.try_clone().unwrap();
        let mut lines = BufReader::new(stream).lines();
        out.write_all(b"220 here\r\n").ok()?;
        let mut message: Option<String> = None;
        while let Some(Ok(line)) = lines.next() {
            let said = match (&mut message, line.as_str()) {
                (Some(text), ".") => {
                    let text = std::mem::take(text);
                    message = None;
                    if self.puts_off.load(Ordering::SeqCst) {
                        "451 later"
                    } else {
                        self.taken.lock().unwrap().push(text);
                        "250 taken"
                    }
                }
                (Some(text), line) => {
                    text.push_str(line);
                    text.push('\n');
                    continue;
                }
                (None, "DATA") => {
                    message = Some(String::new());
                    "354 go on"
                }
                (None, "QUIT") => "221 bye",
                (None, _) => "250 ok",
            };
            out.write_all(format!("{said}\r\n").as_bytes()).ok()?;
        }
        Some(())
    }

    /// How many messages have this subject.
    fn about(&self, subject: &str) -> usize {
        let taken = self.taken.lock().unwrap();
        let line = format!("Subject: {subject}\n");
        taken.iter().filter(|text| text.contains(&line)).count()
    }
}

type Heard = Arc<Mutex<Vec<Json_>>>;

async fn hear(State(heard): State<Heard>, Json(body): Json<Json_>) {
    heard.lock().unwrap().push(body);
}

async fn webhook() -> (String, Heard) {
    let heard = Heard::default();
    let router = Router::new()
        .route("/told", post(hear))
        .with_state(Arc::clone(&heard));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/told", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, heard)
}

fn told(heard: &Heard, kind: &str, state: &str) -> usize {
    let heard = heard.lock().unwrap();
    let of = heard
        .iter()
        .filter(|body| body["kind"] == kind && body["state"] == state);
    of.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_trouble_is_told_once_and_once_when_it_is_over() {
    let world = World::start().await;
    let mail = Mail::default();
    let port = mail.start();
    let (url, heard) = webhook().await;
    let secret = world.write("webhook", &url);
    let config = format!(
        "{}\nmail:\n  host: 127.0.0.1\n  port: {port}\n  security: none\n  from: Tandem <tandem@example.org>\n\
         workflows:\n  allow_private_addresses: true\nalerts:\n  email: [operations@example.org]\n  \
         webhook: file:{}\n  after_minutes: 0\n",
        world.config_text(),
        secret.display()
    );
    let file = world.write("alerts.yaml", &config);
    let arguments = ["--config", file.to_str().unwrap()];
    let server = world.serve_with(&arguments).await;
    world.connect_both().await;
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["state"], "done", "{run:#}");

    // a test comes through on both, and says if it does not
    let tested = world.run(&["alerts", "--test", "--json"]).await.json();
    assert!(
        tested
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["sent"] == true),
        "{tested:#}"
    );
    assert_eq!(mail.about("Tandem: a test of alerts"), 1);
    mail.puts_off.store(true, Ordering::SeqCst);
    let tested = world.run(&["alerts", "--test"]).await;
    assert_eq!(tested.code, 1, "{tested:#?}");
    assert!(tested.out.contains("451"), "{tested:#?}");

    // the mail server puts us off, then we die: nobody hears it twice, and nobody not at all
    let ran = world.run(&["pause", "people"]).await;
    assert_eq!(ran.code, 0, "{ran:#?}");
    wait_until("the webhook", PATIENCE, async || {
        told(&heard, "paused", "begun") == 1
    })
    .await;
    wait_until("a try by e-mail", PATIENCE, async || {
        let alerts = world.run(&["alerts", "--json"]).await.json();
        alerts["unsent"][0]["tries"].as_u64() >= Some(1)
    })
    .await;
    server.kill();
    mail.puts_off.store(false, Ordering::SeqCst);
    let server = world.serve_with(&arguments).await;
    let subject = "Tandem: sync people stands still";
    wait_until("the e-mail", PATIENCE, async || mail.about(subject) == 1).await;
    let alerts = world.run(&["alerts", "--json"]).await.json();
    assert_eq!(alerts["open"].as_array().unwrap().len(), 1, "{alerts:#}");
    assert_eq!(alerts["unsent"], json!([]), "{alerts:#}");
    let status = world.run(&["status"]).await;
    assert!(status.out.contains("Alert: paused people"), "{status:#?}");
    let metrics = metrics(&server).await;
    assert!(
        metrics.contains("tandem_alerts_open{kind=\"paused\"} 1\n"),
        "{metrics}"
    );
    // looked at again and again, and told no more
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(
        (mail.about(subject), told(&heard, "paused", "begun")),
        (1, 1)
    );

    let ran = world.run(&["resume", "people"]).await;
    assert_eq!(ran.code, 0, "{ran:#?}");
    let over = "Tandem: over: sync people stands still";
    wait_until("the end", PATIENCE, async || {
        mail.about(over) == 1 && told(&heard, "paused", "over") == 1
    })
    .await;
    let alerts = world.run(&["alerts", "--json"]).await.json();
    assert_eq!(alerts["open"], json!([]), "{alerts:#}");
    assert_eq!(alerts["past"][0]["about"], "people", "{alerts:#}");

    // a connection that nobody can reach
    world.end_sandbox().await;
    let checked = world.run(&["check", "office"]).await;
    assert_ne!(checked.code, 0, "{checked:#?}");
    wait_until("the connection", PATIENCE, async || {
        told(&heard, "connection", "begun") >= 1
    })
    .await;
    let heard = heard.lock().unwrap();
    let body = heard
        .iter()
        .find(|body| body["kind"] == "connection")
        .unwrap();
    assert!(
        body["text"].as_str().unwrap().contains("needs attention"),
        "{body:#}"
    );
}

/// A channel that cannot work is said when the config is applied, each at its place, and what a reference leads to is not shown.
#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_cannot_work_is_an_error_at_apply() {
    let world = World::start().await;
    let secret = world.write("webhook", "not an address with hunter2");
    let inside = world.write("inside", "http://10.1.2.3/hunter2");
    let mail = "mail:\n  host: 127.0.0.1\n  from: Tandem <tandem@example.org>\n";
    let cases = [
        (
            "alerts:\n  email: [operations@example.org]\n".to_owned(),
            "alerts.email",
            "no mail server",
        ),
        (
            format!(
                "{mail}alerts:\n  email: [operations@example.org, 'a@example.org, b@example.org']\n"
            ),
            "alerts.email[1]",
            "no e-mail address",
        ),
        (
            format!("{mail}alerts:\n  email: [operations]\n"),
            "alerts.email[0]",
            "no e-mail address",
        ),
        (
            "alerts:\n  webhook: hooks.example.org\n".to_owned(),
            "alerts.webhook",
            "no address",
        ),
        (
            "alerts:\n  webhook: env:TANDEM_TEST_NO_SUCH_VARIABLE\n".to_owned(),
            "alerts.webhook",
            "TANDEM_TEST_NO_SUCH_VARIABLE",
        ),
        (
            format!("alerts:\n  webhook: file:{}\n", secret.display()),
            "alerts.webhook",
            "no address",
        ),
        (
            format!("alerts:\n  webhook: file:{}\n", inside.display()),
            "alerts.webhook",
            "private network",
        ),
        (
            "alerts:\n  webhook: http://localhost:9/told\n".to_owned(),
            "alerts.webhook",
            "allow_private_addresses",
        ),
        (
            "alerts:\n  emails: [operations@example.org]\n".to_owned(),
            "alerts",
            "`emails` is not known here",
        ),
        (
            "alerts:\n  error_share: 30\n".to_owned(),
            "alerts.error_share",
            "from 0.01 to 1",
        ),
    ];
    for (channel, place, said) in cases {
        let file = world.write("wrong.yaml", &format!("{}\n{channel}", world.config_text()));
        let ran = world.run(&["apply", file.to_str().unwrap()]).await;
        ran.refused(3, &[place, said, "nothing was changed"]);
        assert!(!ran.err.contains("hunter2"), "{ran:#?}");
    }
}

/// Asks for a check of a connection again and again, until the webhook was told.
async fn check_until(
    world: &World,
    server: &crate::world::Server,
    connection: &str,
    heard: &Heard,
    (kind, state): (&str, &str),
) {
    let path = format!("/api/v1/connections/{connection}/check");
    wait_until(&format!("{kind} {state}"), PATIENCE * 2, async || {
        world.api(server, "POST", &path).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        told(heard, kind, state) >= 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_trouble_is_told_once_with_its_end_on_both_channels() {
    let world = World::start().await;
    crate::work::people(&world);
    let mail = Mail::default();
    let port = mail.start();
    let (url, heard) = webhook().await;
    let config = format!(
        "{}\nmail:\n  host: 127.0.0.1\n  port: {port}\n  security: none\n  from: Tandem <tandem@example.org>\n\
         workflows:\n  allow_private_addresses: true\nalerts:\n  email: [operations@example.org]\n  webhook: {url}\n  \
         after_minutes: 0\n  idle_hours: 2\n  error_share: 0.5\n  quota_left: 0.9\n",
        world.config_text(),
    );
    let file = world.write("alerts.yaml", &config);
    let arguments = ["--config", file.to_str().unwrap()];
    let server = world.serve_with(&arguments).await;
    world.connect_both().await;
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["state"], "done", "{run:#}");
    assert_eq!(heard.lock().unwrap().len(), 0, "nothing is wrong yet");

    // onOffice fails: that connection, and many of its calls
    world.fault(json!({"system": "onoffice", "fault": {"kind": "non_json"}}));
    check_until(&world, &server, "office", &heard, ("connection", "begun")).await;
    check_until(&world, &server, "office", &heard, ("errors", "begun")).await;
    world.sandbox.control().core().faults.clear();
    check_until(&world, &server, "office", &heard, ("connection", "over")).await;
    check_until(&world, &server, "office", &heard, ("errors", "over")).await;

    // of a day's limit of HighLevel less than what is told of is left, and then it is larger
    let control = world.sandbox.control();
    let switches = &control.core().switches;
    switches.set("highlevel.daily_limit", &json!(300)).unwrap();
    check_until(&world, &server, "marketing", &heard, ("quota", "begun")).await;
    switches
        .set("highlevel.daily_limit", &json!(200_000))
        .unwrap();
    check_until(&world, &server, "marketing", &heard, ("quota", "over")).await;

    // three hours ago something happened last
    server.stop();
    let database = rusqlite::Connection::open(world.database()).unwrap();
    let three_hours = 3 * 3_600 * 1_000_000_i64;
    let moved = database.execute("UPDATE journal SET at = at - ?1", [three_hours]);
    assert!(moved.unwrap() > 0);
    drop(database);
    let server = world.serve_with(&arguments).await;
    wait_until("idle", PATIENCE, async || {
        told(&heard, "idle", "begun") == 1
    })
    .await;
    let new = json!({"Vorname": "Emil", "Name": "Kern", "email": "emil@kern.example"});
    world
        .sandbox
        .control()
        .seed(sandbox::System::OnOffice, &[new])
        .unwrap();
    // the server may have made them before this run looks
    let run = world.run(&["sync", "people", "--json"]).await.json();
    assert_eq!(run["state"], "done", "{run:#}");
    wait_until("the end of idle", PATIENCE, async || {
        told(&heard, "idle", "over") == 1
    })
    .await;

    // by a person
    world.run(&["pause", "people"]).await;
    wait_until("paused", PATIENCE, async || {
        told(&heard, "paused", "begun") == 1
    })
    .await;
    world.run(&["resume", "people"]).await;
    wait_until("resumed", PATIENCE, async || {
        told(&heard, "paused", "over") == 1
    })
    .await;

    let subjects = [
        ("connection", "connection office needs attention"),
        ("errors", "many calls of connection office fail"),
        (
            "quota",
            "the limit of connection marketing is nearly used up",
        ),
        ("idle", "nothing happens in sync people"),
        ("paused", "sync people stands still"),
    ];
    wait_until("all mails", PATIENCE, async || {
        let alerts = world.run(&["alerts", "--json"]).await.json();
        alerts["unsent"] == json!([]) && alerts["open"] == json!([])
    })
    .await;
    for (kind, subject) in subjects {
        for (state, before) in [("begun", "Tandem: "), ("over", "Tandem: over: ")] {
            let both = (
                told(&heard, kind, state),
                mail.about(&format!("{before}{subject}")),
            );
            assert_eq!(both, (1, 1), "{kind} {state}: {:#?}", heard.lock().unwrap());
        }
    }
    assert_eq!(server.stop(), 0);
}

async fn metrics(server: &crate::world::Server) -> String {
    let request = reqwest::Client::new().get(format!("{}/metrics", server.url));
    let answer = request.bearer_auth(&server.token).send().await.unwrap();
    answer.text().await.unwrap()
}
