//! The examples of `docs/reverse-proxy.md`, on the real proxies: what vendors need gets through as it was sent, and nothing
//! else does.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum::{Router, body::Bytes, routing::post};
use reqwest::{Certificate, Client, header::HeaderMap};
use sandbox::System;
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;

use crate::{
    webhooks::meter,
    world::{Server, World, browse_with},
};

const DOCUMENT: &str = include_str!("../../../../docs/reverse-proxy.md");

/// The host that the examples name.
const HOST: &str = "tandem.example.org";

/// How long a proxy may take to answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// The example in this language.
fn example(language: &str) -> &'static str {
    let after = DOCUMENT.split(&format!("```{language}\n")).nth(1);
    after.expect("there is one").split("```").next().unwrap()
}

/// Puts something else into an example, which has to be in it.
fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in {text}");
    text.replace(from, to)
}

/// Where the program of a proxy is: on the path, or where `cargo xtask test tools` unpacks it. `None`: it was said that there
/// is none.
fn program(name: &str) -> Option<PathBuf> {
    let unpacked = Path::new(env!("CARGO_BIN_EXE_tandem"))
        .ancestors()
        .nth(2)
        .unwrap()
        .join("tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain([unpacked, "/usr/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|program| program.is_file());
    let left_out = std::env::var_os("TANDEM_WITHOUT_PROXIES").is_some();
    assert!(
        found.is_some() || left_out,
        "this test needs {name} and found none. `cargo xtask test tools` unpacks it; \
         TANDEM_WITHOUT_PROXIES=1 leaves the test out"
    );
    if found.is_none() {
        not_held(&format!(
            "the examples of docs/reverse-proxy.md were not tried on {name}: there is none"
        ));
    }
    found
}

/// Says what was not looked at for want of something: here, and at the end of `cargo xtask test`.
fn not_held(what: &str) {
    use std::io::Write as _;
    eprintln!("NOT HELD: {what}");
    if let Some(notes) = std::env::var_os("TANDEM_TEST_NOTES") {
        let mut notes = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(notes)
            .unwrap();
        notes.write_all(format!("{what}\n").as_bytes()).unwrap();
    }
}

/// A certificate for the host with its key, as two files of a folder.
fn certificate(folder: &Path) -> (String, String) {
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (file("fullchain.pem"), file("privkey.pem"));
    // of an authority it would be without this: such a one is no server's
    let config = file("openssl.cnf");
    std::fs::write(&config, "[req]\ndistinguished_name = name\n[name]\n").unwrap();
    let made = Command::new("openssl")
        .args([
            "req",
            "-config",
            &config,
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-nodes", "-days", "2", "-subj", &format!("/CN={HOST}")])
        .args(["-addext", &format!("subjectAltName=DNS:{HOST}")])
        .args(["-keyout", &key, "-out", &certificate])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    (certificate, key)
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A proxy that runs; ended with the test.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// nginx with the example, on this port.
fn nginx(program: &Path, folder: &Path, port: u16, upstream: &str) -> Proxy {
    let (certificate, key) = certificate(folder);
    let server = example("nginx");
    let server = with(
        server,
        "listen 443 ssl",
        &format!("listen 127.0.0.1:{port} ssl"),
    );
    let server = with(&server, "127.0.0.1:8484", upstream);
    let place = format!("/etc/letsencrypt/live/{HOST}");
    let server = with(&server, &format!("{place}/fullchain.pem"), &certificate);
    let server = with(&server, &format!("{place}/privkey.pem"), &key);
    let here = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {here}/{kind};\n"))
        .concat();
    // one process, so that nothing of it outlives the test; nobody else may look into the folder anyway
    let text = format!(
        "daemon off;\nmaster_process off;\npid {here}/nginx.pid;\nerror_log {here}/nginx.log;\nevents {{}}\n\
         http {{\naccess_log off;\n{temporary}{server}}}\n"
    );
    let config = folder.join("nginx.conf");
    std::fs::write(&config, text).unwrap();
    let log = folder.join("nginx.log");
    let child = Command::new(program)
        .arg("-e")
        .arg(log)
        .arg("-c")
        .arg(config)
        .stderr(Stdio::inherit())
        .spawn();
    Proxy(child.unwrap())
}

/// Caddy with the example, on this port. It gets no certificate from anywhere here.
fn caddy(program: &Path, folder: &Path, port: u16, upstream: &str) -> Proxy {
    let (certificate, key) = certificate(folder);
    let site = format!("https://{HOST}:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate} {key}\n");
    let text = with(example("caddyfile"), &format!("{HOST} {{\n"), &site);
    let text = with(&text, "127.0.0.1:8484", upstream);
    let config = folder.join("Caddyfile");
    std::fs::write(
        &config,
        format!("{{\n\tadmin off\n\tauto_https off\n}}\n{text}"),
    )
    .unwrap();
    let log = std::fs::File::create(folder.join("caddy.log")).unwrap();
    let child = Command::new(program)
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(config)
        .env("HOME", folder)
        .env("XDG_DATA_HOME", folder)
        .env("XDG_CONFIG_HOME", folder)
        .stderr(log)
        .spawn();
    Proxy(child.unwrap())
}

/// Takes in the next request as it comes: its headers and its bytes.
async fn catcher() -> (SocketAddr, mpsc::Receiver<(HeaderMap, Bytes)>) {
    let (sender, caught) = mpsc::channel(16);
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route(
        "/",
        post(move |headers: HeaderMap, body: Bytes| async move {
            sender.send((headers, body)).await.unwrap();
        }),
    );
    tokio::spawn(axum::serve(listener, router).into_future());
    (address, caught)
}

/// A server behind a proxy, and a client outside that knows it by its public name only.
async fn behind(
    name: &str,
    start: impl Fn(&Path, &Path, u16, &str) -> Proxy,
) -> Option<(World, Server, Proxy, Client, String)> {
    let program = program(name)?;
    let world = World::start().await;
    let port = free_port();
    let public = format!("https://{HOST}:{port}");
    let first = "version: 1\n";
    let text = with(
        &world.config_text(),
        first,
        &format!("{first}public_url: {public}\n"),
    );
    let config = world.write("tandem.yaml", &text);
    let server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    let upstream = server.url.strip_prefix("http://").unwrap();
    let proxy = start(&program, world.folder.path(), port, upstream);
    let pem = std::fs::read(world.folder.path().join("fullchain.pem")).unwrap();
    let client = Client::builder()
        .resolve(HOST, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .tls_certs_merge([Certificate::from_pem(&pem).unwrap()])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let started = tokio::time::Instant::now();
    let healthy = format!("{public}/healthz");
    let answer = loop {
        match client.get(&healthy).send().await {
            Ok(answer) => break answer,
            Err(error) => assert!(started.elapsed() < PATIENCE, "{name}: {error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.unwrap(), "ok\n");
    Some((world, server, proxy, client, public))
}

async fn all_of_it(name: &str, start: impl Fn(&Path, &Path, u16, &str) -> Proxy) {
    let Some((world, server, _proxy, client, public)) = behind(name, start).await else {
        return;
    };
    // somebody signs in: the link, the redirect and the page at the end are of the public address
    world.connect_office().await;
    let access = world.act(System::HighLevel, "access", json!({}));
    let redirect = format!("{public}/oauth/callback");
    let (catcher, mut caught) = catcher().await;
    let app = json!({"redirectUris": [redirect], "webhookUrl": format!("http://{catcher}/")});
    world.act(System::HighLevel, "configure_app", app);
    let fields = json!({"client_id": access["clientId"], "client_secret": access["clientSecret"]});
    let begun = Client::new()
        .post(format!(
            "{}/api/v1/connections/marketing/connect",
            server.url
        ))
        .bearer_auth(&server.token)
        .json(&json!({"fields": fields}))
        .send()
        .await
        .unwrap();
    let begun: Json = begun.json().await.unwrap();
    let link = begun["link"].as_str().unwrap();
    assert!(link.starts_with(&format!("{public}/connect/")), "{begun:#}");
    let (status, page) = browse_with(&client, link, "first").await;
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("is connected to"), "{page}");

    // a webhook is signed over its exact bytes: it comes through whole, or it is refused
    let new = json!({"firstName": "Änne", "lastName": "Groß", "email": "aenne@example.org"});
    world.act(System::HighLevel, "create_contact", new);
    let next = tokio::time::timeout(PATIENCE, caught.recv());
    let (headers, body) = next.await.expect("a webhook comes").unwrap();
    let signed: HeaderMap = headers
        .into_iter()
        .filter_map(|(name, value)| Some((name?, value)))
        .filter(|(name, _)| name.as_str().starts_with("x-") || name == "content-type")
        .collect();
    let hook = format!("{public}/hooks/highlevel");
    let send = async |body: Bytes| {
        let sent = client.post(&hook).headers(signed.clone()).body(body);
        sent.send().await.unwrap().status().as_u16()
    };
    assert_eq!(send(body.clone()).await, 200);
    assert_eq!(meter(&server, "accepted").await, 1.0);
    let mut spoilt = body.to_vec();
    spoilt.push(b'\n');
    assert_eq!(send(spoilt.into()).await, 401);
    // as the document says how to check it
    let unsigned = client.post(&hook).body("{}").send().await.unwrap();
    assert_eq!(unsigned.status(), 401);

    // nothing else gets through, not even to a no of the server
    for path in [
        "/",
        "/api/v1/status",
        "/metrics",
        "/hooks",
        "/oauth/callback/x",
    ] {
        let answer = client.get(format!("{public}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        let said = answer.text().await.unwrap();
        assert!(!said.contains("TDM-"), "{path}: {said}");
    }
    let large = vec![b'x'; 3 * 1024 * 1024];
    // whoever only looks after sending all may see a reset
    if let Ok(answer) = client.post(&hook).body(large).send().await {
        // Caddy passes a body on while it is read: one without a length that it could refuse at once, or one that was begun, ends
        // in a gateway that got no whole request
        let status = answer.status().as_u16();
        assert!(matches!(status, 413 | 502), "{status}");
    }
    assert_eq!(meter(&server, "accepted").await, 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_lets_through_what_vendors_need_and_nothing_else() {
    all_of_it("nginx", nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_lets_through_what_vendors_need_and_nothing_else() {
    all_of_it("caddy", caddy).await;
}
