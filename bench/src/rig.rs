//! A server and a sandbox beside each other, signed in, with the shipped mapping between them.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use reqwest::{Client, Method};
use serde_json::{Map, Value as Json, json};
use server::Beside;
use tempfile::TempDir;

use crate::{
    Common,
    process::{Process, SandboxArguments},
};

/// The sync with onOffice in the shipped config.
pub(crate) const SYNC: &str = "people";

/// What HighLevel is synced with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pair {
    OnOffice,
    OfficeRnd,
}

impl Pair {
    /// The sync's name in the shipped config, the other connection's, and those of the pair that is left out.
    fn names(
        self,
    ) -> (
        &'static str,
        &'static str,
        [(&'static str, &'static str); 2],
    ) {
        match self {
            Self::OnOffice => (
                SYNC,
                "office",
                [("connections", "coworking"), ("syncs", "members")],
            ),
            Self::OfficeRnd => (
                "members",
                "coworking",
                [("connections", "office"), ("syncs", SYNC)],
            ),
        }
    }
}

/// How the two are set up.
pub(crate) struct Setup {
    pub(crate) pair: Pair,
    pub(crate) sandbox: SandboxArguments,
    /// Neither side limits calls, and Tandem knows.
    pub(crate) limits_off: bool,
    /// HighLevel is connected as an app with webhooks, else by a private token without.
    pub(crate) app: bool,
    /// The key that webhooks are checked with, if not the sandbox's.
    pub(crate) webhook_key: Option<String>,
}

/// A running pair.
pub(crate) struct Rig {
    pub(crate) tandem: Process,
    pub(crate) sandbox: Process,
    pub(crate) url: String,
    pub(crate) location: String,
    sandbox_url: String,
    sync: &'static str,
    token: String,
    http: Client,
    /// Deleted at the end.
    _folder: TempDir,
}

/// The `tandem` to measure.
pub(crate) fn binary(common: &Common) -> Result<PathBuf> {
    let binary = match &common.tandem {
        Some(binary) => std::path::absolute(binary)?,
        None => std::env::current_exe()?.with_file_name("tandem"),
    };
    if !binary.is_file() {
        bail!(
            "{} is not there: build it with `cargo build --release -p tandem -p bench`",
            binary.display()
        );
    }
    Ok(binary)
}

/// A folder for the databases of one run.
pub(crate) fn folder(common: &Common) -> Result<TempDir> {
    Ok(match &common.data {
        Some(data) => tempfile::tempdir_in(data)?,
        None => tempfile::tempdir()?,
    })
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port())
}

/// Starts a server and waits until it says where it is.
pub(crate) async fn serve(
    common: &Common,
    folder: &Path,
    config: &Json,
) -> Result<(Process, Beside)> {
    let file = folder.join("tandem.yaml");
    std::fs::write(&file, serde_yaml_ng::to_string(config)?)?;
    let database = folder.join("tandem.db");
    let mut tandem = Process::tandem(
        &binary(common)?,
        &[
            "serve",
            "--log",
            &common.log,
            "--config",
            &file.display().to_string(),
            "--database",
            &database.display().to_string(),
        ],
        folder,
    )?;
    for _ in 0..600 {
        tandem.is_there()?;
        if let Some(beside) = Beside::read(&database)? {
            return Ok((tandem, beside));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the server does not come up")
}

/// The shipped config, changed by what a bench needs.
fn config(setup: &Setup, sandbox: &str, port: u16, access: &Access, key: &str) -> Result<Json> {
    let (sync, other, left_out) = setup.pair.names();
    let mut config: Json = serde_yaml_ng::from_str(include_str!("../../examples/demo.yaml"))?;
    config["listen"] = json!(format!("127.0.0.1:{port}"));
    config["public_url"] = json!(format!("http://127.0.0.1:{port}"));
    // What is measured here is the one pair.
    for (part, name) in left_out {
        if let Some(part) = config[part].as_object_mut() {
            part.remove(name);
        }
    }
    let limits = if setup.limits_off {
        json!({"documented": false})
    } else {
        Json::Null
    };
    let highlevel = &mut config["connections"]["marketing"];
    highlevel["base_url"] = json!(format!("{sandbox}/highlevel"));
    highlevel["settings"] = json!({"country": "DE", "location_id": access.location,
        "authorize_url": format!("{sandbox}/highlevel/v2/oauth/chooselocation")});
    highlevel["auth"] = json!({"scheme": if setup.app { "oauth" } else { "private_token" }});
    highlevel["webhook_keys"] = json!({"ed25519": key});
    highlevel["limits"] = limits.clone();
    let connection = &mut config["connections"][other];
    connection["limits"] = limits;
    match setup.pair {
        Pair::OnOffice => connection["base_url"] = json!(format!("{sandbox}/onoffice")),
        Pair::OfficeRnd => {
            connection["base_url"] = json!(format!("{sandbox}/officernd"));
            connection["settings"]["token_url"] = json!(format!("{sandbox}/officernd/oauth/token"));
            connection["settings"]["location"] = access.office.clone();
        }
    }
    // What is measured here is people, and their companies.
    if let Some(entities) = config["syncs"][sync]["entities"].as_object_mut() {
        entities.retain(|entity, _| ["company", "contact"].contains(&entity.as_str()));
    }
    let contact = &mut config["syncs"][sync]["entities"]["contact"];
    contact["limits"]["creates"] = json!({"share": 1.0, "number": 10_000_000});
    // Everybody gets a counterpart, not only who carries a tag.
    if let Some(create) = contact["create"].as_object_mut() {
        create.remove("only");
    }
    Ok(without_nulls(config))
}

/// What the config needs of the sandbox's accounts.
struct Access {
    /// HighLevel's sub-account.
    location: String,
    /// Where new members of OfficeRnD belong.
    office: Json,
}

fn without_nulls(json: Json) -> Json {
    match json {
        Json::Object(map) => Json::Object(
            map.into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect::<Map<_, _>>(),
        ),
        Json::Array(list) => list.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

impl Rig {
    /// Starts both and signs in.
    pub(crate) async fn start(common: &Common, setup: Setup) -> Result<Self> {
        let folder = folder(common)?;
        let (sandbox, sandbox_url) = Process::sandbox(&setup.sandbox).await?;
        let http = Client::builder().no_proxy().build()?;
        let act = |system: &str, act: &str, input: Json| {
            let request = http
                .post(format!("{sandbox_url}/_sandbox/{system}/act/{act}"))
                .json(&input);
            async move {
                let answer: Json = request.send().await?.error_for_status()?.json().await?;
                Ok::<_, anyhow::Error>(answer)
            }
        };
        let access = act("highlevel", "access", json!({})).await?;
        let office = act("onoffice", "show_access", json!({})).await?;
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}");
        if setup.app {
            let app = json!({"redirectUris": [format!("{url}/oauth/callback")],
                             "webhookUrl": format!("{url}/hooks/highlevel")});
            act("highlevel", "configure_app", app).await?;
        }
        let text = |json: &Json, key: &str| -> Result<String> {
            Ok(json[key]
                .as_str()
                .with_context(|| format!("the sandbox shows no {key}"))?
                .to_owned())
        };
        let location = text(&access, "mainLocationId")?;
        let key = match &setup.webhook_key {
            Some(key) => key.clone(),
            None => text(&access, "webhookPublicKey")?,
        };
        let coworking = act("officernd", "access", json!({})).await?;
        let accounts = Access {
            location: location.clone(),
            office: coworking["locations"][0]["_id"].clone(),
        };
        let config = config(&setup, &sandbox_url, port, &accounts, &key)?;
        let (tandem, beside) = serve(common, folder.path(), &config).await?;
        let rig = Self {
            tandem,
            sandbox,
            url,
            sync: setup.pair.names().0,
            token: beside.token().to_owned(),
            sandbox_url,
            http,
            location,
            _folder: folder,
        };
        if setup.app {
            let given = json!({"client_id": text(&access, "clientId")?,
                               "client_secret": text(&access, "clientSecret")?});
            rig.sign_in_as_app(given).await?;
        } else {
            let given = json!({"token": text(&access, "privateToken")?});
            rig.connect("marketing", given).await?;
        }
        let (_, other, _) = setup.pair.names();
        let given = match setup.pair {
            Pair::OnOffice => {
                json!({"token": text(&office, "token")?, "secret": text(&office, "secret")?})
            }
            Pair::OfficeRnd => json!({
                "client_id": text(&coworking, "clientId")?,
                "client_secret": text(&coworking, "clientSecret")?,
                "organization": text(&coworking, "slug")?,
            }),
        };
        rig.connect(other, given).await?;
        rig.until_ready().await?;
        rig.reset_counts().await?;
        Ok(rig)
    }

    async fn connect(&self, connection: &str, fields: Json) -> Result<Json> {
        self.api(
            Method::POST,
            &format!("/connections/{connection}/connect"),
            Some(json!({"fields": fields})),
        )
        .await
    }

    /// Goes the way of a browser: our link, the vendor's page, back to us.
    async fn sign_in_as_app(&self, fields: Json) -> Result<()> {
        let begun = self.connect("marketing", fields).await?;
        let link = begun["link"].as_str().context("no link to sign in with")?;
        let browser = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let next = |response: reqwest::Response| -> Result<String> {
            let status = response.status();
            let to = response
                .headers()
                .get(http::header::LOCATION)
                .ok_or_else(|| anyhow!("no redirect but {status}"))?;
            Ok(to.to_str()?.to_owned())
        };
        let vendor = next(browser.get(link).send().await?)?;
        let approved = format!("{vendor}&sandbox_approve={}", self.location);
        let back = next(browser.get(approved).send().await?)?;
        browser.get(back).send().await?.error_for_status()?;
        Ok(())
    }

    /// Waits until the sync knows both accounts.
    async fn until_ready(&self) -> Result<()> {
        // A run or plan reads the accounts, so there is nothing to wait for but the sign-ins.
        let begun = Instant::now();
        loop {
            let status = self.api(Method::GET, "/connections", None).await?;
            let signed_in = status
                .as_array()
                .into_iter()
                .flatten()
                .all(|connection| connection["account"].is_object());
            if signed_in {
                return Ok(());
            }
            if begun.elapsed() > Duration::from_secs(10) {
                bail!("the accounts do not get ready: {status}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks the server.
    pub(crate) async fn api(&self, method: Method, path: &str, body: Option<Json>) -> Result<Json> {
        let mut request = self
            .http
            .request(method, format!("{}/api/v1{path}", self.url))
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{path} answered {status}: {text}");
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// A full run of the sync; ends with its report.
    pub(crate) async fn sync(&self) -> Result<Json> {
        self.api(Method::POST, &format!("/syncs/{}/run", self.sync), None)
            .await
    }

    /// Uses the sandbox's controls.
    pub(crate) async fn control(
        &self,
        method: Method,
        path: &str,
        body: Option<Json>,
    ) -> Result<Json> {
        let mut request = self
            .http
            .request(method, format!("{}/_sandbox/{path}", self.sandbox_url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("the sandbox's {path} answered {status}: {text}");
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// Counts from zero again.
    pub(crate) async fn reset_counts(&self) -> Result<()> {
        self.control(Method::DELETE, "counts", None).await?;
        Ok(())
    }

    /// What the systems counted since.
    pub(crate) async fn counts(&self) -> Result<Json> {
        self.control(Method::GET, "counts", None).await
    }
}

/// Requests of one system whose route's template ends so, with this method, whatever the answer.
pub(crate) fn requests(counts: &Json, system: &str, method: &str, route: &str) -> f64 {
    sum(counts, system, |line| {
        line["method"] == method && has_route(line, route)
    })
}

/// Requests of one system whose route's template ends so, with this answer.
pub(crate) fn requests_answered(counts: &Json, system: &str, route: &str, status: u16) -> f64 {
    sum(counts, system, |line| {
        line["status"] == status && has_route(line, route)
    })
}

fn has_route(line: &Json, route: &str) -> bool {
    line["route"]
        .as_str()
        .is_some_and(|template| template.ends_with(route))
}

fn sum(counts: &Json, system: &str, fits: impl Fn(&Json) -> bool) -> f64 {
    counts[system]["routes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|line| fits(line))
        .filter_map(|line| line["count"].as_f64())
        .fold(0.0, |sum, count| sum + count)
}
