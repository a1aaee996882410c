//! The same work as a handler that somebody wrote for just this: axum, reqwest and SQLite, a durable row before the
//! answer and another when it is done.

use std::{path::Path, sync::mpsc};

use anyhow::Result;
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// Where it listens.
pub(crate) const PORT: u16 = 18_737;

/// Rows that one commit takes at most.
const BATCH: usize = 256;

enum Write {
    Begin(String, oneshot::Sender<i64>),
    End(i64, String),
}

#[derive(Clone)]
struct Hand {
    writes: mpsc::Sender<Write>,
    http: reqwest::Client,
    upstream: String,
}

/// Serves until it is killed.
pub(crate) async fn run(upstream: &str, folder: &Path) -> Result<()> {
    let database = Connection::open(folder.join("hand.db"))?;
    database.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE execution (id INTEGER PRIMARY KEY, event TEXT NOT NULL, answer TEXT);",
    )?;
    let (writes, wanted) = mpsc::channel();
    std::thread::spawn(move || {
        if let Err(error) = write(&database, &wanted) {
            eprintln!("error: {error}");
            std::process::exit(2);
        }
    });
    let hand = Hand {
        writes,
        http: reqwest::Client::builder().no_proxy().build()?,
        upstream: upstream.to_owned(),
    };
    let routes = Router::new().route("/", post(take)).with_state(hand);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", PORT)).await?;
    axum::serve(listener, routes).await?;
    Ok(())
}

/// One commit for all that wait.
fn write(database: &Connection, wanted: &mpsc::Receiver<Write>) -> rusqlite::Result<()> {
    while let Ok(first) = wanted.recv() {
        let mut begun = Vec::new();
        database.execute_batch("BEGIN IMMEDIATE")?;
        for one in std::iter::once(first).chain(wanted.try_iter().take(BATCH)) {
            match one {
                Write::Begin(event, answer) => {
                    database
                        .prepare_cached("INSERT INTO execution (event) VALUES (?1)")?
                        .execute([event])?;
                    begun.push((answer, database.last_insert_rowid()));
                }
                Write::End(id, answer) => {
                    database
                        .prepare_cached("UPDATE execution SET answer = ?2 WHERE id = ?1")?
                        .execute(params![id, answer])?;
                }
            }
        }
        database.execute_batch("COMMIT")?;
        for (answer, id) in begun {
            // who asked may have gone
            let _unheard = answer.send(id);
        }
    }
    Ok(())
}

async fn take(State(hand): State<Hand>, Json(event): Json<Value>) -> StatusCode {
    let (answer, kept) = oneshot::channel();
    if hand
        .writes
        .send(Write::Begin(event.to_string(), answer))
        .is_err()
    {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    let Ok(id) = kept.await else {
        return StatusCode::INTERNAL_SERVER_ERROR;
    };
    tokio::spawn(async move {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let mapped = json!({
            "id": event["id"],
            "name": format!("{} {}", text("first"), text("last")),
            "email": text("mail").to_lowercase(),
            "phone": text("phone").chars().filter(char::is_ascii_digit).collect::<String>(),
            "city": text("town").to_uppercase(),
            "source": "bench",
        });
        let sent = hand.http.put(&hand.upstream).json(&mapped).send().await;
        let said = match sent {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        if hand.writes.send(Write::End(id, said)).is_err() {
            eprintln!("error: the database is gone");
        }
    });
    StatusCode::ACCEPTED
}
