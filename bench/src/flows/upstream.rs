//! The system that the executions write to: it takes everything and knows when.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use axum::{Json, Router, extract::State, routing::any};
use serde_json::{Value, json};

#[derive(Default)]
struct Heard {
    count: AtomicUsize,
    first: Mutex<HashMap<usize, Instant>>,
}

/// A running one.
pub(super) struct Upstream {
    /// Where upserts go.
    pub(super) url: String,
    heard: Arc<Heard>,
}

async fn upsert(State(heard): State<Arc<Heard>>, Json(body): Json<Value>) -> Json<Value> {
    let id = body["id"]
        .as_u64()
        .or_else(|| body["id"].as_str()?.parse().ok());
    if let Some(id) = id.and_then(|id| usize::try_from(id).ok()) {
        let mut first = heard.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.entry(id).or_insert_with(Instant::now);
    }
    heard.count.fetch_add(1, Ordering::SeqCst);
    Json(json!({"id": id, "ok": true}))
}

impl Upstream {
    pub(super) async fn start() -> Result<Self> {
        let heard = Arc::new(Heard::default());
        let routes = Router::new()
            .route("/upsert", any(upsert))
            .with_state(Arc::clone(&heard));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/upsert", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { url, heard })
    }

    /// How many upserts there were.
    pub(super) fn count(&self) -> usize {
        self.heard.count.load(Ordering::SeqCst)
    }

    /// Whether there are so many within this time.
    pub(super) async fn reaches(&self, count: usize, longest: Duration) -> bool {
        let begun = Instant::now();
        while self.count() < count {
            if begun.elapsed() > longest {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        true
    }

    /// Forgets which events it has heard of.
    pub(super) fn forget(&self) {
        let mut first = self
            .heard
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        first.clear();
    }

    /// When it first heard of an event.
    pub(super) fn when(&self, id: usize) -> Option<Instant> {
        let first = self
            .heard
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        first.get(&id).copied()
    }
}
