//! The sandbox and the server that the demo runs on, and what it asks of them.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use http::Method;
use record::Entity;
use sandbox::{
    Sandbox, System,
    judge::{Pair, Rules, Truth},
    people::Population,
};
use serde_json::{Value as Json, json};
use server::Service;
use store::{ReviewFilter, SqliteStore, Store as _, SyncName};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    scenes,
    verdict::{Excuses, Verdict, verdict},
};
use crate::{
    client::{Client, Payload},
    commands::apply,
    wiring,
};

/// The sync of the config.
pub(super) const SYNC: &str = "people";

/// The config that is applied, with the sandbox's addresses put in.
const CONFIG: &str = include_str!("../../../../examples/demo.yaml");

/// The addresses that the config has for a sandbox and a server started by hand.
const SANDBOX: &str = "http://127.0.0.1:4010";
const LISTEN: &str = "127.0.0.1:8484";

/// The people were there so long before anybody connected anything.
const MONTH_MS: i64 = 30 * 86_400_000;

/// A running sandbox and a running server.
pub(super) struct Stage {
    pub(super) sandbox: sandbox::Handle,
    pub(super) database: PathBuf,
    handle: server::Handle,
    store: Arc<SqliteStore>,
    truth: Option<Truth>,
    address: SocketAddr,
    serving: JoinHandle<Result<(), server::ServeError>>,
    stop: CancellationToken,
    /// Removed with the stage, unless the database is to be kept.
    scratch: Option<PathBuf>,
}

impl Stage {
    /// Starts both and puts the config into force.
    pub(super) async fn open(
        people: Option<&Path>,
        data: Option<&Path>,
        stop: &CancellationToken,
    ) -> Result<Self> {
        let stop = stop.child_token();
        let (sandbox, truth) = sandbox(people, &stop).await?;
        let (folder, scratch) = match data {
            Some(folder) => (folder.to_owned(), None),
            None => {
                let folder =
                    std::env::temp_dir().join(format!("tandem-demo-{}", std::process::id()));
                (folder.clone(), Some(folder))
            }
        };
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        let database = folder.join("demo.db");
        if database.exists() {
            bail!(
                "{} is there already; the sandbox starts empty each time, so the demo needs a new folder",
                database.display()
            );
        }
        let opened = wiring::open(&database, pace()).await?;
        let listener = Service::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let address = listener.local_addr()?;
        let control = sandbox.control();
        control.act(
            System::HighLevel,
            "configure_app",
            &json!({
                "redirectUris": [format!("http://{address}/oauth/callback")],
                "webhookUrl": format!("http://{address}/hooks/highlevel"),
            }),
        )?;
        let access = control.act(System::HighLevel, "access", &json!({}))?;
        let text = config(&sandbox.url(), address, &access["webhookPublicKey"]);
        apply::check_here(&text)?;
        let handle = opened.service.handle();
        here(&handle)
            .call(Method::PUT, "/api/v1/config", Payload::Text(text))
            .await
            .context("the config of the demo was refused")?;
        let serving = tokio::spawn(opened.service.run(listener, stop.clone()));
        Ok(Self {
            sandbox,
            database,
            handle,
            store: opened.store,
            truth,
            address,
            serving,
            stop,
            scratch,
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The API.
    pub(super) fn client(&self) -> Client {
        here(&self.handle)
    }

    /// Signs in to both accounts as a person would.
    pub(super) async fn connect(&self) -> Result<()> {
        let control = self.sandbox.control();
        let access = control.act(System::HighLevel, "access", &json!({}))?;
        let begun = self
            .client()
            .post(
                "/api/v1/connections/marketing/connect",
                json!({"fields": {
                    "client_id": access["clientId"],
                    "client_secret": access["clientSecret"],
                }}),
            )
            .await?;
        let link = begun["link"].as_str().context("no link to sign in with")?;
        let browser = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        // The link leads to the vendor's page; there the person chooses a location and agrees.
        let page = located(&browser, link).await?;
        let agreed = located(&browser, &format!("{page}&sandbox_approve=first")).await?;
        let answer = browser.get(agreed).send().await?;
        if !answer.status().is_success() {
            bail!("signing in to HighLevel failed: {}", answer.text().await?);
        }
        let office = control.act(System::OnOffice, "show_access", &json!({}))?;
        self.client()
            .post(
                "/api/v1/connections/office/connect",
                json!({"fields": {"token": office["token"], "secret": office["secret"]}}),
            )
            .await?;
        Ok(())
    }

    /// Waits until all webhooks are through and everything is worked off.
    pub(super) async fn quiet(&self, longest: Duration) -> Result<()> {
        let begun = std::time::Instant::now();
        loop {
            let quiet = self.handle.engine().quiet(longest).await?;
            let control = self.sandbox.control();
            if quiet && control.core().deliveries.next_due_ms().is_none() {
                return Ok(());
            }
            if begun.elapsed() > longest {
                bail!(
                    "it does not get quiet within {} s; see the failing records: {:?}",
                    longest.as_secs(),
                    self.handle.engine().status().await?.failing_records
                );
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Reads what changed, without waiting for the next poll. A side that fails is left to the engine.
    pub(super) async fn poll(&self) -> Result<()> {
        if let Err(error) = self.handle.engine().poll_now().await {
            tracing::info!(%error, "a poll failed; the next one goes on");
        }
        Ok(())
    }

    /// Lists both sides whole.
    pub(super) async fn sweep(&self) -> Result<()> {
        // Stamps of the last second are not final; a search lags.
        tokio::time::sleep(Duration::from_secs(3)).await;
        self.handle.engine().sweep_now().await?;
        Ok(())
    }

    async fn links(&self) -> Result<Vec<sync::LinkRow>> {
        Ok(self
            .handle
            .engine()
            .links(&SyncName::from(SYNC), None, 0)
            .await?)
    }

    /// Linked pairs whose records have what the scenes play with.
    pub(super) async fn pairs_to_play_on(&self) -> Result<Vec<scenes::Pair>> {
        let control = self.sandbox.control();
        let mut pairs = Vec::new();
        for link in self.links().await? {
            if link.entity != Entity::Contact {
                continue;
            }
            let contact =
                control.act(System::HighLevel, "get_contact", &json!({"id": link.left}))?;
            if contact["email"].is_string() && contact["dateOfBirth"].is_string() {
                pairs.push(scenes::Pair {
                    highlevel: link.left.to_string(),
                    onoffice: link.right.to_string(),
                });
            }
        }
        Ok(pairs)
    }

    /// Whether both sides agree, and what explains where they do not.
    pub(super) async fn judge(&self) -> Result<Verdict> {
        let links = self.links().await?;
        let pairs: Vec<Pair> = links
            .iter()
            .map(|link| Pair {
                highlevel: link.left.to_string(),
                onoffice: link.right.to_string(),
            })
            .collect();
        let judgement =
            self.sandbox
                .control()
                .judge(&pairs, &Rules::default(), self.truth.as_ref());
        let workspace = wiring::workspace();
        let sync = SyncName::from(SYNC);
        let reviews = self
            .handle
            .engine()
            .reviews(&ReviewFilter {
                sync: Some(sync.clone()),
                ..ReviewFilter::default()
            })
            .await?;
        let blocked = self.store.blocked(&workspace, &sync, None).await?;
        let mut left_alone = BTreeSet::new();
        for (side, ids) in [
            (record::Side::Left, &judgement.without_counterpart.highlevel),
            (record::Side::Right, &judgement.without_counterpart.onoffice),
        ] {
            let ids: Vec<record::RecordId> = ids.iter().map(|id| id.as_str().into()).collect();
            for tombstone in self
                .store
                .tombstones_of(&workspace, &sync, Entity::Contact, side, &ids)
                .await?
            {
                left_alone.insert(tombstone.record);
            }
        }
        let excuses = Excuses::new(&links, &reviews, &blocked, left_alone);
        Ok(verdict(judgement, &excuses))
    }

    /// Answers the question whether a mass change may go on, if it was asked.
    pub(super) async fn let_go_on(&self) -> Result<bool> {
        let mut asked = false;
        for question in self.questions().await? {
            if question.kind == store::ReviewKind::MassChange {
                self.client()
                    .post(
                        &format!("/api/v1/reviews/{}/resolve", question.id),
                        json!({"choice": "continue"}),
                    )
                    .await?;
                asked = true;
            }
        }
        Ok(asked)
    }

    /// What Tandem says of itself.
    pub(super) async fn status(&self) -> Result<sync::Status> {
        Ok(self.handle.engine().status().await?)
    }

    /// Open questions.
    pub(super) async fn questions(&self) -> Result<Vec<store::Review>> {
        Ok(self
            .handle
            .engine()
            .reviews(&ReviewFilter {
                state: Some(store::ReviewState::Open),
                ..ReviewFilter::default()
            })
            .await?)
    }

    /// Fields that a system refused.
    pub(super) async fn refused(&self) -> Result<Vec<store::Blocked>> {
        Ok(self
            .store
            .blocked(&wiring::workspace(), &SyncName::from(SYNC), None)
            .await?)
    }

    /// Ends both.
    pub(super) async fn close(self) -> Result<()> {
        self.stop.cancel();
        self.serving.await??;
        self.store.close().await?;
        self.sandbox.stopped().await;
        if let Some(folder) = self.scratch {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("the folder {} cannot be removed", folder.display()))?;
        }
        Ok(())
    }
}

fn here(handle: &server::Handle) -> Client {
    Client::Here {
        router: handle.router(),
        token: handle.token().expose().to_owned(),
    }
}

/// The demo waits less between two looks than an installation does.
fn pace() -> sync::Options {
    sync::Options {
        poll_with_webhooks: Duration::from_secs(30),
        poll_without_webhooks: Duration::from_secs(3),
        retry: Duration::from_secs(1),
        ..sync::Options::default()
    }
}

async fn sandbox(
    people: Option<&Path>,
    stop: &CancellationToken,
) -> Result<(sandbox::Handle, Option<Truth>)> {
    let clock = sandbox::Clock::system();
    clock.run_with_offset(-MONTH_MS);
    let sandbox = Sandbox::start(
        sandbox::Options {
            people: people.map(Path::to_owned),
            clock,
            ..sandbox::Options::default()
        },
        stop.clone(),
    )
    .await?;
    let control = sandbox.control();
    let truth = match people {
        Some(_) => None,
        None => Some(control.populate(&Population::shipped())?),
    };
    control.core().clock.run_with_offset(0);
    Ok((sandbox, truth))
}

/// The shipped config, with the addresses of this run and the sandbox's webhook key.
fn config(sandbox: &str, listen: SocketAddr, key: &Json) -> String {
    CONFIG
        .replace(SANDBOX, sandbox)
        .replace(LISTEN, &listen.to_string())
        .replacen(
            "    settings:\n      authorize_url",
            &format!("    webhook_keys:\n      ed25519: {key}\n    settings:\n      authorize_url"),
            1,
        )
}

/// Where an address sends the browser on to.
async fn located(browser: &reqwest::Client, url: &str) -> Result<String> {
    let answer = browser.get(url).send().await?;
    let status = answer.status();
    match answer.headers().get(http::header::LOCATION) {
        Some(to) => Ok(to.to_str()?.to_owned()),
        None => bail!(
            "signing in to HighLevel failed: no redirect but {status}: {}",
            answer.text().await?
        ),
    }
}
