//! Webhooks: signed, over HTTP to the real server, and straight into the store.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use connections::{Clock as _, SystemClock};
use futures::future::try_join_all;
use record::{Entity, RecordId};
use serde_json::json;
use store::{
    Accepted, ConnectionName, DeliveryRow, Lane, Signal, SignalSource, SqliteStore, Store as _,
    Workspace,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    Common,
    figures::{Figures, Target, percentile},
    process::SandboxArguments,
    rig::{self, Rig, Setup},
};

pub(crate) async fn run(common: &Common, webhooks: usize, at_once: usize) -> Result<Figures> {
    let mut figures = Figures::new(format!("{webhooks} webhooks, {at_once} at once"));
    let key = Ed25519KeyPair::generate()
        .ok()
        .context("no key could be made")?;
    let rig = Rig::start(
        common,
        Setup {
            sandbox: SandboxArguments::default(),
            pair: crate::rig::Pair::OnOffice,
            limits_off: true,
            app: false,
            webhook_key: Some(STANDARD.encode(key.public_key())),
        },
    )
    .await?;
    let clock = SystemClock::new();
    let now = clock.now();
    let requests: Arc<Vec<Vec<u8>>> = Arc::new(
        (0..webhooks)
            .map(|number| request(&key, &rig.location, number, &now.to_string()))
            .collect(),
    );
    let address = rig.url.trim_start_matches("http://").to_owned();
    let before = rig.tandem.cost()?;
    let begun = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let workers = (0..at_once).map(|_| {
        let (requests, next, address) = (Arc::clone(&requests), Arc::clone(&next), address.clone());
        tokio::spawn(async move { send(&address, &requests, &next).await })
    });
    let mut waits = Vec::with_capacity(webhooks);
    for of_worker in try_join_all(workers).await? {
        waits.extend(of_worker?);
    }
    let seconds = begun.elapsed().as_secs_f64();
    let after = rig.tandem.cost()?;
    if waits.len() != webhooks {
        bail!("{} of {webhooks} were acknowledged", waits.len());
    }
    waits.sort_by(f64::total_cmp);
    figures.judge(
        "acknowledged by the server",
        webhooks as f64 / seconds,
        "/s",
        Target::AtLeast(5000.0),
    );
    figures.note(
        "acknowledged after, median",
        1000.0 * percentile(&waits, 0.5),
        "ms",
    );
    figures.note(
        "acknowledged after, 99 %",
        1000.0 * percentile(&waits, 0.99),
        "ms",
    );
    figures.note(
        "processor time of the server per record",
        1e6 * (after.cpu - before.cpu) / webhooks as f64,
        "µs",
    );
    figures.note("peak memory of the server", after.peak, "MB");
    rig.tandem.stop().await?;
    drop(requests);
    store_level(common, &mut figures, webhooks, at_once).await?;
    Ok(figures)
}

/// One signed webhook as it stands on the wire, in the form of the vendor's `ContactUpdate`.
fn request(key: &Ed25519KeyPair, location: &str, number: usize, now: &str) -> Vec<u8> {
    let body = json!({
        "type": "ContactUpdate",
        "locationId": location,
        "versionId": "5f5a1f2c3b4d5e6f70819203",
        "appId": "5f5a1f2c3b4d5e6f70819203",
        "id": format!("benchContact{number:08}"),
        "address1": "Hauptstraße 1",
        "city": "Aachen",
        "country": "DE",
        "firstName": "Anna",
        "lastName": format!("Muster{number}"),
        "email": format!("anna.muster{number}@bench.example"),
        "phone": format!("+49241{number:07}"),
        "tags": ["kunde", "newsletter"],
        "dateAdded": now,
        "dateUpdated": now,
        "timestamp": now,
        "webhookId": format!("bench-{number:08}"),
    })
    .to_string();
    let signature = STANDARD.encode(key.sign(body.as_bytes()));
    format!(
        "POST /hooks/highlevel HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
         x-ghl-signature: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends whatever is next on one connection; seconds until each was acknowledged.
async fn send(address: &str, requests: &[Vec<u8>], next: &AtomicUsize) -> Result<Vec<f64>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut waits = Vec::new();
    let mut answer = vec![0; 4096];
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let begun = Instant::now();
        stream.write_all(request).await?;
        let mut read = 0;
        while !is_whole(&answer[..read]) {
            let more = stream.read(&mut answer[read..]).await?;
            if more == 0 {
                bail!("the server closed the connection");
            }
            read += more;
        }
        if !answer.starts_with(b"HTTP/1.1 200") {
            bail!("answered {}", String::from_utf8_lossy(&answer[..read]));
        }
        waits.push(begun.elapsed().as_secs_f64());
    }
    Ok(waits)
}

/// Whether an answer with a `content-length` is there to its end.
fn is_whole(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|end| end == b"\r\n\r\n") else {
        return false;
    };
    let length: usize = String::from_utf8_lossy(&answer[..head])
        .to_ascii_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
        .unwrap_or(0);
    answer.len() >= head + 4 + length
}

/// The same without HTTP and signatures.
async fn store_level(
    common: &Common,
    figures: &mut Figures,
    webhooks: usize,
    at_once: usize,
) -> Result<()> {
    let folder = rig::folder(common)?;
    let options = store::Options::at(folder.path().join("tandem.db"));
    let store = Arc::new(tokio::task::spawn_blocking(move || SqliteStore::open(&options)).await??);
    let now = SystemClock::new().now();
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let workers = (0..at_once).map(|_| {
        let (store, next) = (Arc::clone(&store), Arc::clone(&next));
        tokio::spawn(async move {
            let workspace = Workspace::from("default");
            let connection = ConnectionName::from("marketing");
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= webhooks {
                    return Ok::<_, anyhow::Error>(());
                }
                let delivery = DeliveryRow {
                    connection: connection.clone(),
                    delivery: Some(format!("bench-{number:08}")),
                    event: "ContactUpdate".to_owned(),
                    signals: vec![Signal {
                        connection: connection.clone(),
                        entity: Entity::Contact,
                        record: RecordId::new(format!("benchContact{number:08}")),
                        lane: Lane::Live,
                        source: SignalSource::Webhook,
                        not_older_than: Some(now),
                        due: now,
                        cause: None,
                    }],
                    at: now,
                };
                if store.accept_delivery(&workspace, delivery).await? != Accepted::New {
                    bail!("a new delivery was not taken");
                }
            }
        })
    });
    for worker in try_join_all(workers).await? {
        worker?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    figures.note(
        "made durable by the store alone",
        webhooks as f64 / seconds,
        "/s",
    );
    store.close().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_to_its_end() {
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n"));
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"));
        assert!(is_whole(
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
        ));
    }
}
