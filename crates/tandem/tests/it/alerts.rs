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

const PATIENCE: Duration = Duration::from_secs(60);

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

async fn metrics(server: &crate::world::Server) -> String {
    let request = reqwest::Client::new().get(format!("{}/metrics", server.url));
    let answer = request.bearer_auth(&server.token).send().await.unwrap();
    answer.text().await.unwrap()
}
