//! A sandbox from its options to a running server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::clock::Clock;
use crate::control::Control;
use crate::core::Core;
use crate::deliveries::{Outgoing, Sender};
use crate::highlevel;
use crate::officernd;
use crate::onoffice;
use crate::people;
use crate::service::{SandboxService, Sleep, World};
use crate::system::System;
use crate::vendor::ActError;

/// How many webhooks are in flight at once on a server.
const WEBHOOKS_IN_FLIGHT: usize = 32;
/// How long a webhook receiver may take; the real time-out is not documented.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// How a sandbox is set up.
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// A folder with `highlevel.jsonl`, `onoffice.jsonl` and `officernd.jsonl`, one record a line in the shape of the
    /// vendor's create call; see [`people::read_folder`].
    pub people: Option<PathBuf>,
    /// All ids, secrets, jitter and chances come from it.
    pub seed: u64,
    /// The sandbox's time.
    pub clock: Clock,
    /// Switches that differ from their defaults.
    pub switches: Vec<(String, Value)>,
    /// How webhooks are sent; by HTTP POST unless replaced.
    pub sender: Option<Sender>,
    /// How faults wait; by the runtime's timer unless replaced.
    pub sleep: Option<Sleep>,
    /// How many edits the log keeps.
    pub edit_log: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            people: None,
            seed: 1,
            clock: Clock::system(),
            switches: Vec::new(),
            sender: None,
            sleep: None,
            edit_log: 500_000,
        }
    }
}

/// Why a sandbox could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken or not ours.
    #[error("listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The people could not be read.
    #[error(transparent)]
    People(#[from] people::Error),
    /// A record was not accepted.
    #[error("take {} line {line}", path.display())]
    Seed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        #[source]
        source: ActError,
    },
    /// A switch could not be turned.
    #[error(transparent)]
    Switch(#[from] crate::switches::Error),
    /// The HTTP client for webhooks could not be made.
    #[error("make the webhook client")]
    Client(#[source] reqwest::Error),
}

/// A sandbox that is not (yet) listening.
#[derive(Clone)]
pub struct Sandbox {
    world: Arc<World>,
    sender: Sender,
}

/// A sandbox that listens.
#[derive(Clone)]
pub struct Handle {
    address: SocketAddr,
    sandbox: Sandbox,
    stopped: tokio_util::task::TaskTracker,
}

impl Sandbox {
    /// A sandbox for use in memory: no socket, no background work. Webhooks go out when
    /// [`Sandbox::deliver_due`] is called.
    ///
    /// # Errors
    /// If the people cannot be read or a switch does not exist.
    pub fn new(options: Options) -> Result<Self, Error> {
        let core = Core::new(options.clock, options.seed, options.edit_log);
        for (name, value) in &options.switches {
            core.switches.set(name, value)?;
        }
        let highlevel = highlevel::State::new(&core);
        let officernd = officernd::State::new(&core);
        let sleep = options
            .sleep
            .unwrap_or_else(|| Arc::new(|pause| Box::pin(tokio::time::sleep(pause))));
        let world = Arc::new(World {
            core,
            highlevel: Mutex::new(highlevel),
            onoffice: Mutex::new(onoffice::State::default()),
            officernd: Mutex::new(officernd),
            sleep,
        });
        let sender = match options.sender {
            Some(sender) => sender,
            None => http_sender()?,
        };
        let sandbox = Self { world, sender };
        if let Some(folder) = &options.people {
            sandbox.fill(folder)?;
        }
        Ok(sandbox)
    }

    /// Starts listening and sending webhooks, until `shutdown` is cancelled.
    ///
    /// # Errors
    /// If the address is taken, the people cannot be read or a switch does not exist.
    pub async fn start(options: Options, shutdown: CancellationToken) -> Result<Handle, Error> {
        let listen = options.listen;
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|source| Error::Listen {
                address: listen,
                source,
            })?;
        let address = listener.local_addr().map_err(|source| Error::Listen {
            address: listen,
            source,
        })?;
        let sandbox = Self::new(options)?;
        let stopped = tokio_util::task::TaskTracker::new();
        stopped.spawn(accept(
            listener,
            sandbox.service(),
            stopped.clone(),
            shutdown.clone(),
        ));
        stopped.spawn(deliver(sandbox.clone(), shutdown));
        stopped.close();
        Ok(Handle {
            address,
            sandbox,
            stopped,
        })
    }

    /// The sandbox as a tower service, to be called in memory. A dropped connection is its error.
    #[must_use]
    pub fn service(&self) -> SandboxService {
        SandboxService {
            world: Arc::clone(&self.world),
        }
    }

    /// The sandbox as an axum router; see [`SandboxService::into_router`].
    pub fn router(&self) -> axum::Router {
        self.service().into_router()
    }

    /// The controls, in-process.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.world))
    }

    /// Sends every webhook that is due by the sandbox's clock, one after the other, and returns how many there were.
    /// A server does this by itself.
    pub async fn deliver_due(&self) -> usize {
        let core = &self.world.core;
        let mut sent = 0;
        loop {
            let jobs = core.deliveries.take_due(core.clock.now_ms(), 1);
            let Some(job) = jobs.into_iter().next() else {
                return sent;
            };
            let outcome = (self.sender)(job.outgoing(core.clock.now_ms())).await;
            core.deliveries
                .finish(job, outcome, core.clock.now_ms(), &core.random);
            sent += 1;
        }
    }

    /// Fills each system from its file in a folder.
    fn fill(&self, folder: &Path) -> Result<(), Error> {
        for (side, file) in people::read_folder(folder)? {
            let Some(system) = System::from_name(side.as_str()) else {
                continue;
            };
            // one by one, so that an error has its line
            for line in &file.lines {
                let records = std::slice::from_ref(&line.record);
                let seeded = self.control().seed(system, records);
                seeded.map_err(|source| Error::Seed {
                    path: file.path.clone(),
                    line: line.number,
                    source,
                })?;
            }
        }
        Ok(())
    }
}

impl Handle {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The sandbox behind it.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The controls, in-process.
    #[must_use]
    pub fn control(&self) -> Control {
        self.sandbox.control()
    }

    /// Resolves when everything has ended after the shutdown.
    pub async fn stopped(&self) {
        self.stopped.wait().await;
    }
}

/// Takes connections until shut down. A request that a fault drops ends its connection without an answer.
async fn accept(
    listener: TcpListener,
    service: SandboxService,
    tasks: tokio_util::task::TaskTracker,
    shutdown: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the sandbox could not accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection ended before it began");
            continue;
        }
        let service = service.clone();
        let shutdown = shutdown.clone();
        tasks.spawn(async move {
            let handler = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                service.clone().call(request.map(Body::new))
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), handler);
            tokio::select! {
                () = shutdown.cancelled() => {}
                served = connection => {
                    if let Err(error) = served {
                        tracing::debug!(%error, "a connection ended early");
                    }
                }
            }
        });
    }
}

/// Sends webhooks when they are due, several at a time, until shut down.
async fn deliver(sandbox: Sandbox, shutdown: CancellationToken) {
    let core = &sandbox.world.core;
    let mut flying = JoinSet::new();
    loop {
        let now_ms = core.clock.now_ms();
        for job in core
            .deliveries
            .take_due(now_ms, WEBHOOKS_IN_FLIGHT - flying.len())
        {
            let sending = (sandbox.sender)(job.outgoing(now_ms));
            flying.spawn(async move { (job, sending.await) });
        }
        let pause = core
            .deliveries
            .next_due_ms()
            .map_or(i64::MAX, |due| (due - now_ms).max(1));
        let pause = Duration::from_millis(u64::try_from(pause).unwrap_or(1).min(60_000));
        tokio::select! {
            () = shutdown.cancelled() => return,
            Some(ended) = flying.join_next(), if !flying.is_empty() => {
                if let Ok((job, outcome)) = ended {
                    core.deliveries.finish(job, outcome, core.clock.now_ms(), &core.random);
                }
            }
            () = core.deliveries.queued(), if flying.len() < WEBHOOKS_IN_FLIGHT => {}
            () = core.clock.moved() => {}
            () = tokio::time::sleep(pause), if flying.len() < WEBHOOKS_IN_FLIGHT => {}
        }
    }
}

fn http_sender() -> Result<Sender, Error> {
    let client = reqwest::Client::builder()
        .timeout(WEBHOOK_TIMEOUT)
        .no_proxy()
        .build()
        .map_err(Error::Client)?;
    Ok(Arc::new(move |outgoing: Outgoing| {
        let client = client.clone();
        Box::pin(async move {
            let mut request = client.request(outgoing.method, &*outgoing.url);
            if !outgoing.body.is_empty() {
                request = request.header("content-type", "application/json");
            }
            for (name, value) in &outgoing.headers {
                request = request.header(name, value);
            }
            let response = request
                .body(outgoing.body)
                .send()
                .await
                .map_err(|error| error.to_string())?;
            let status = response.status().as_u16();
            // Read to the end so that the connection can be used again.
            drop(response.bytes().await);
            Ok(status)
        })
    }))
}
