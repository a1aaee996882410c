//! Executions of one workflow beside Node-RED, n8n and a handler written by hand: webhook → map six fields → HTTP
//! upsert → done, with the upstream on the same machine.
//!
//! The peers come from npm, in the versions that are named here; without them nothing is measured. Each is one process
//! that is asked by this one, and its processor time is what `/proc` says of it. Node-RED keeps nothing; n8n keeps
//! executions in SQLite, tuned (no progress saved) and with its limits off; Tandem and the handler answer when an
//! event is durable.

mod hand;
mod memory;
mod peers;
mod upstream;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use futures::{StreamExt as _, stream};
use reqwest::{Client, Method};
use serde_json::{Value as Json, json};

use crate::{
    Common,
    figures::{Figures, Target},
    process::Process,
    rig,
};

pub(crate) use hand::run as handler;
pub(crate) use memory::run as memory;
use upstream::Upstream;

/// Requests under way at once.
const AT_ONCE: usize = 64;

/// What opens the webhooks.
const SECRET: &str = "of the bench";

/// Executions of those that are much slower.
const FEW: usize = 1_000;

/// How long the effects of what was sent are waited for.
const PATIENCE: Duration = Duration::from_secs(600);

/// One who does the work.
struct Worker {
    process: Process,
    /// Where events go.
    url: String,
    http: Client,
}

/// What came of one run.
struct Ran {
    seconds: f64,
    /// Processor time of an execution, in milliseconds.
    cpu: f64,
}

impl Worker {
    fn new(process: Process, url: String) -> Result<Self> {
        Ok(Self {
            process,
            url,
            http: Client::builder().no_proxy().build()?,
        })
    }

    async fn send(&self, n: usize) -> Result<()> {
        self.send_to(&self.url, n).await
    }

    async fn send_to(&self, url: &str, n: usize) -> Result<()> {
        let event = json!({"id": n, "first": format!("Anna {n}"), "last": "Blum", "mail": format!("A{n}@Example.org"),
            "phone": "030 123456", "town": "Berlin"});
        let answer = self
            .http
            .post(url)
            .header("x-tandem-secret", SECRET)
            .json(&event)
            .send()
            .await?;
        let status = answer.status();
        ensure!(status.is_success(), "an event was answered {status}");
        answer.bytes().await?;
        Ok(())
    }

    /// Waits until it answers.
    async fn ready(&mut self, upstream: &Upstream) -> Result<()> {
        let begun = Instant::now();
        loop {
            self.process.is_there()?;
            let before = upstream.count();
            if self.send(0).await.is_ok()
                && upstream.reaches(before + 1, Duration::from_secs(5)).await
            {
                return Ok(());
            }
            if begun.elapsed() > Duration::from_secs(180) {
                bail!("{} does not get ready", self.url);
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// As many as it can.
    async fn all(&self, upstream: &Upstream, executions: usize) -> Result<Ran> {
        let before = self.process.cost()?;
        let (from, begun) = (upstream.count(), Instant::now());
        let sent: Vec<Result<()>> = stream::iter(1..=executions)
            .map(|n| self.send(n))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        sent.into_iter().collect::<Result<Vec<_>>>()?;
        ensure!(
            upstream.reaches(from + executions, PATIENCE).await,
            "of {executions} executions {} had their effect",
            upstream.count() - from
        );
        let seconds = begun.elapsed().as_secs_f64();
        let cpu = self.process.cost()?.cpu - before.cpu;
        Ok(Ran {
            seconds,
            cpu: cpu * 1000.0 / executions as f64,
        })
    }

    /// So many a second, evenly; how long until the effect of all but one in a hundred, in milliseconds.
    async fn paced(&self, upstream: &Upstream, rate: f64, executions: usize) -> Result<f64> {
        upstream.forget();
        let begun = tokio::time::Instant::now();
        let sent: Vec<Result<(usize, Instant)>> = stream::iter(1..=executions)
            .map(|n| async move {
                tokio::time::sleep_until(begun + Duration::from_secs_f64(n as f64 / rate)).await;
                let at = Instant::now();
                self.send(n).await?;
                Ok((n, at))
            })
            .buffer_unordered(4096)
            .collect()
            .await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut took = Vec::with_capacity(executions);
        for sent in sent {
            let (n, at) = sent?;
            let effect = upstream.when(n).context("an execution had no effect")?;
            took.push(effect.saturating_duration_since(at).as_secs_f64() * 1000.0);
        }
        took.sort_by(f64::total_cmp);
        let place = (took.len() * 99 / 100).min(took.len().saturating_sub(1));
        took.get(place).copied().context("nothing was measured")
    }
}

/// The workflow of the bench; `steps` after the six fields are mapped.
fn workflow(name: &str, upstream: &str, wait: bool) -> Json {
    let map = json!({"id": "map", "map": {
        "id": "{{ trigger.body.id }}",
        "name": "{{ trigger.body.first }} {{ trigger.body.last }}",
        "email": "{{ lower(trigger.body.mail) }}",
        "phone": "{{ digits(trigger.body.phone) }}",
        "city": "{{ upper(trigger.body.town) }}",
        "source": "bench"}});
    let after = if wait {
        json!({"id": "wait", "delay": {"for": "3 days"}})
    } else {
        json!({"id": "upsert", "http": {"method": "PUT", "url": upstream, "body": "{{ steps.map }}"}})
    };
    json!({"version": 1, "name": name, "trigger": {"webhook": {"secret": "file:secret"}}, "steps": [map, after]})
}

struct Tandem {
    worker: Worker,
    base: String,
    token: String,
    _folder: tempfile::TempDir,
}

impl Tandem {
    /// `beside`: what stands in the config beside the address.
    async fn start(common: &Common, upstream: &Upstream, beside: Json) -> Result<Self> {
        let folder = rig::folder(common)?;
        std::fs::write(folder.path().join("secret"), SECRET)?;
        let port = rig::free_port()?;
        let mut config = json!({"version": 1, "listen": format!("127.0.0.1:{port}"),
            "workflows": {"allow_private_addresses": true}});
        if let (Some(config), Json::Object(beside)) = (config.as_object_mut(), beside) {
            config.extend(beside);
        }
        let (process, beside) = rig::serve(common, folder.path(), &config).await?;
        let base = format!("http://127.0.0.1:{port}");
        let tandem = Self {
            worker: Worker::new(process, format!("{base}/hooks/workflows/upsert"))?,
            base,
            token: beside.token().to_owned(),
            _folder: folder,
        };
        for (name, wait) in [("upsert", false), ("parked", true)] {
            let text = workflow(name, &upstream.url, wait).to_string();
            let body = json!({"text": text, "publish": true});
            tandem.api(Method::POST, "/workflows", Some(body)).await?;
        }
        Ok(tandem)
    }

    async fn api(&self, method: Method, path: &str, body: Option<Json>) -> Result<Json> {
        let url = format!("{}/api/v1{path}", self.base);
        let mut request = self
            .worker
            .http
            .request(method, url)
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path} answered {status}: {text}");
        Ok(serde_json::from_str(&text)?)
    }
}

pub(crate) async fn run(common: &Common, peers: &Path, executions: usize) -> Result<Figures> {
    let peers = peers::Peers::find(peers)?;
    let upstream = Arc::new(Upstream::start().await?);
    let mut figures = Figures::new(format!(
        "{executions} executions: webhook, six fields, HTTP upsert; Node-RED {} and n8n {} beside",
        peers::NODE_RED,
        peers::N8N
    ));

    let mut tandem = Tandem::start(common, &upstream, json!({})).await?;
    tandem.worker.ready(&upstream).await?;
    let own = tandem.worker.all(&upstream, executions).await?;
    let rate = executions as f64 / own.seconds;
    figures.judge(
        "durable executions a second",
        rate,
        "/s",
        Target::AtLeast(1000.0),
    );
    figures.note("processor time of an execution", own.cpu, "ms");
    let p99 = tandem
        .worker
        .paced(&upstream, rate / 2.0, executions.min(20_000))
        .await?;
    figures.judge(
        "99 % had their effect at half of that rate after",
        p99,
        "ms",
        Target::AtMost(50.0),
    );

    // memory over many runs, with what is kept of them
    let first = tandem.worker.process.cost()?.memory;
    tandem.worker.all(&upstream, executions).await?;
    let second = tandem.worker.process.cost()?.memory;
    figures.judge(
        "memory after as many more runs, more than before",
        second - first,
        "MB",
        Target::AtMost(10.0),
    );
    memory::parked(&tandem, &mut figures).await?;
    tandem.worker.process.stop().await?;

    let folder = rig::folder(common)?;
    let mut handler = Worker::new(
        Process::handler(&upstream.url, folder.path())?,
        format!("http://127.0.0.1:{}/", hand::PORT),
    )?;
    handler.ready(&upstream).await?;
    let by_hand = handler.all(&upstream, executions).await?;
    figures.note("by hand: processor time", by_hand.cpu, "ms");
    figures.judge(
        "processor time against the handler by hand",
        own.cpu / by_hand.cpu,
        "×",
        Target::AtMost(3.0),
    );
    handler.process.stop().await?;

    let (process, url, _folder) = peers.node_red(common, &upstream.url)?;
    let mut red = Worker::new(process, url)?;
    red.ready(&upstream).await?;
    let of_red = red.all(&upstream, executions).await?;
    figures.note(
        "Node-RED: executions a second",
        executions as f64 / of_red.seconds,
        "/s",
    );
    figures.note("Node-RED: processor time, nothing kept", of_red.cpu, "ms");
    figures.judge(
        "processor time against Node-RED",
        own.cpu / of_red.cpu,
        "×",
        Target::AtMost(1.0),
    );
    red.process.stop().await?;

    let (process, url, _folder) = peers.n8n(common, &upstream.url).await?;
    let mut n8n = Worker::new(process, url)?;
    n8n.ready(&upstream).await?;
    let few = executions.min(FEW);
    let of_n8n = n8n.all(&upstream, few).await?;
    figures.note(
        "n8n: executions a second",
        few as f64 / of_n8n.seconds,
        "/s",
    );
    figures.note("n8n: processor time", of_n8n.cpu, "ms");
    figures.judge(
        "n8n's processor time against ours",
        of_n8n.cpu / own.cpu,
        "×",
        Target::AtLeast(30.0),
    );
    n8n.process.stop().await?;
    Ok(figures)
}
