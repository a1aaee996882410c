//! The sandbox and the server that the demo runs on, and what it asks of them.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use connections::HttpOptions;
use http::Method;
use record::{Entity, RecordId};
use sandbox::{
    Sandbox, System,
    judge::{Belonging, Truth},
    people::Population,
};
use serde_json::{Value as Json, json};
use server::{Browsers, Service};
use store::{ReviewFilter, SqlStore, Store as _, SyncName};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{cast::Cast, scenes};
use crate::{
    client::{Client, Payload},
    commands::apply,
    database::Database,
    wiring,
};

/// A sync of the config.
pub(super) struct Sync {
    pub(super) name: &'static str,
    pub(super) left: System,
    pub(super) right: System,
    /// A record of the left gets a counterpart only with this tag.
    pub(super) made_if_tagged: Option<&'static str>,
    /// Companies are in it, and who belongs to which.
    pub(super) companies: bool,
    /// What belongs to the people in it.
    pub(super) belongings: &'static [(Entity, Belonging)],
}

/// The syncs of the config, in the order in which they are run for the first time.
pub(super) const SYNCS: [Sync; 2] = [
    Sync {
        name: "people",
        left: System::HighLevel,
        right: System::OnOffice,
        made_if_tagged: None,
        companies: false,
        belongings: &[
            (Entity::Task, Belonging::Tasks),
            (Entity::Note, Belonging::Notes("Notiz")),
            (Entity::Appointment, Belonging::Appointments),
        ],
    },
    Sync {
        name: "members",
        left: System::HighLevel,
        right: System::OfficeRnd,
        made_if_tagged: Some("coworking"),
        companies: true,
        belongings: &[(Entity::Opportunity, Belonging::Opportunities)],
    },
];

/// The config that is applied, with the sandbox's addresses put in.
pub(super) const CONFIG: &str = include_str!("../../../../examples/demo.yaml");

/// The addresses that the config has for a sandbox and a server started by hand.
const SANDBOX: &str = "http://127.0.0.1:4010";
const LISTEN: &str = "127.0.0.1:8484";

/// What the config has for a location of the sandbox's OfficeRnD.
const LOCATION: &str = "LOCATION_ID";

/// What the config has for a calendar of the sandbox's HighLevel.
const CALENDAR: &str = "CALENDAR_ID";

/// How long the demo waits for an answer of a system; an installation waits longer.
pub(super) const ANSWER: Duration = Duration::from_secs(6);

/// The people were there so long before anybody connected anything.
const MONTH_MS: i64 = 30 * 86_400_000;

/// A running sandbox and a running server.
pub(super) struct Stage {
    pub(super) sandbox: sandbox::Handle,
    pub(super) database: PathBuf,
    pub(super) handle: server::Handle,
    pub(super) store: Arc<SqlStore>,
    pub(super) truth: Option<Truth>,
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
        let network = HttpOptions {
            total_timeout: ANSWER,
            ..HttpOptions::default()
        };
        let opened = wiring::open_with(
            &Database::File(database.clone()),
            None,
            pace(),
            network,
            Browsers::AnyoneHere,
        )
        .await?;
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
        let coworking = control.act(System::OfficeRnd, "access", &json!({}))?;
        let viewings = json!({"kind": "calendar", "fields": {"name": "Besichtigungen"}});
        let viewings = control.act(System::HighLevel, "make_thing", &viewings)?;
        let ids = [
            (
                LOCATION,
                coworking["locations"][0]["_id"]
                    .as_str()
                    .context("the simulated OfficeRnD has no location")?,
            ),
            (
                CALENDAR,
                viewings["id"]
                    .as_str()
                    .context("the simulated HighLevel made no calendar")?,
            ),
        ];
        let text = config(&sandbox.url(), address, &access["webhookPublicKey"], ids);
        apply::check_here(&text, &database)?;
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

    /// Signs in to all accounts as a person would.
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
        let coworking = control.act(System::OfficeRnd, "access", &json!({}))?;
        self.client()
            .post(
                "/api/v1/connections/coworking/connect",
                json!({"fields": {
                    "client_id": coworking["clientId"],
                    "client_secret": coworking["clientSecret"],
                    "organization": coworking["slug"],
                }}),
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
            if quiet && control.core().deliveries.are_done() {
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

    pub(super) async fn links(&self, sync: &str) -> Result<Vec<sync::LinkRow>> {
        Ok(self
            .handle
            .engine()
            .links(&SyncName::from(sync), None, 0)
            .await?)
    }

    /// A company that is linked, by its id in OfficeRnD.
    pub(super) async fn company(&self) -> Result<Option<String>> {
        let links = self.links(SYNCS[1].name).await?;
        Ok(links
            .into_iter()
            .find(|link| link.entity == Entity::Company)
            .map(|link| link.right.to_string()))
    }

    /// Linked records that have what the scenes play with, and of which no system has another one like them: those in
    /// two systems first, then those in all three.
    pub(super) async fn records_to_play_on(
        &self,
    ) -> Result<(Vec<scenes::Pair>, Vec<scenes::Trio>)> {
        let control = self.sandbox.control();
        let members: BTreeMap<RecordId, RecordId> = self
            .links(SYNCS[1].name)
            .await?
            .into_iter()
            .filter(|link| link.entity == Entity::Contact)
            .map(|link| (link.left, link.right))
            .collect();
        let held = System::ALL.map(|system| (system, control.held(system)));
        let cast = Cast::new(held, &self.questions().await?);
        let mut pairs = Vec::new();
        let mut trios = Vec::new();
        for link in self.links(SYNCS[0].name).await? {
            if link.entity != Entity::Contact {
                continue;
            }
            let contact =
                control.act(System::HighLevel, "get_contact", &json!({"id": link.left}))?;
            if !contact["email"].is_string() || !contact["dateOfBirth"].is_string() {
                continue;
            }
            let member = members.get(&link.left);
            let mut records = vec![
                (System::HighLevel, link.left.as_str()),
                (System::OnOffice, link.right.as_str()),
            ];
            records.extend(member.map(|member| (System::OfficeRnd, member.as_str())));
            if !cast.has(&records) {
                continue;
            }
            let pair = scenes::Pair {
                highlevel: link.left.to_string(),
                onoffice: link.right.to_string(),
            };
            match member {
                Some(member) => trios.push(scenes::Trio {
                    pair,
                    officernd: member.to_string(),
                }),
                None => pairs.push(pair),
            }
        }
        Ok((pairs, trios))
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

    /// Fields that do not cross.
    pub(super) async fn refused(&self, sync: &str) -> Result<Vec<store::Blocked>> {
        Ok(self
            .store
            .blocked(&wiring::workspace(), &SyncName::from(sync), None)
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

/// The shipped config, with the addresses of this run, the sandbox's webhook key, and ids of things in it.
fn config(sandbox: &str, listen: SocketAddr, key: &Json, ids: [(&str, &str); 2]) -> String {
    ids.into_iter()
        .fold(CONFIG.to_owned(), |text, (stands, id)| {
            text.replace(stands, id)
        })
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
