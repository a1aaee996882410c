//! A sandbox, a folder for a database, and the binary to run on both.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use sandbox::{Sandbox, System};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A sandbox and a place for a database.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    /// The database, if it is none of this folder.
    server: Option<String>,
    pub(crate) sandbox: sandbox::Handle,
    stop: CancellationToken,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// It ended well; what it printed as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Json {
        assert_eq!(self.code, 0, "{self:#?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// It failed with this exit status, and said this code and these words.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:#?}");
        for word in words {
            assert!(self.err.contains(word), "`{word}` is not in {self:#?}");
        }
    }
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Server {
    /// Ends it as a power failure would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its number among the processes of this machine.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it ended by itself; its exit status.
    pub(crate) async fn ended(&mut self) -> i32 {
        let started = tokio::time::Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(started.elapsed() < PATIENCE, "the server goes on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Tells it to stop, and waits until it did.
    pub(crate) fn stop(mut self) -> i32 {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(&pid).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Server {
    /// From now on no file of the server can have more bytes than this; `None`: no limit.
    pub(crate) fn fill_disk(&self, largest: Option<u64>) {
        let largest = largest.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let status = Command::new("prlimit")
            .args(["--pid", &self.child.id().to_string()])
            .arg(format!("--fsize={largest}:unlimited"))
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The demo's config.
const DEMO: &str = include_str!("../../../../examples/demo.yaml");

/// The demo's config without its third system, for people, and without an address for webhooks: the server of a
/// test listens anywhere.
fn first_pair(demo: &str) -> String {
    let text = without(demo, "  coworking:\n", Some("# What is kept the same"));
    let text = without(&text, "\n  # The same HighLevel contacts and", None);
    people(&text)
}

/// A config for people and companies only.
fn people(demo: &str) -> String {
    let mut text = without(demo, "public_url:", Some("database:"));
    for (from, to) in [
        ("      # the calendar that new", Some("\n  office:")),
        (
            "      # Tasks of contacts",
            Some("\n  # The same HighLevel"),
        ),
        ("\n      # Opportunities: ", None),
    ] {
        let to = to.filter(|to| text.contains(to));
        if text.contains(from) {
            text = without(&text, from, to);
        }
    }
    text
}

fn without(text: &str, from: &str, to: Option<&str>) -> String {
    let begin = text.find(from).unwrap();
    let end = to.map_or(text.len(), |to| begin + text[begin..].find(to).unwrap());
    format!("{}{}", &text[..begin], &text[end..])
}

impl World {
    /// A new sandbox without people.
    pub(crate) async fn start() -> Self {
        let stop = CancellationToken::new();
        let sandbox = Sandbox::start(sandbox::Options::default(), stop.clone())
            .await
            .unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            server: None,
            sandbox,
            stop,
        }
    }

    /// From now on, the database is this one of a PostgreSQL server.
    pub(crate) fn move_to(&mut self, url: &str) {
        self.server = Some(url.to_owned());
    }

    /// The systems are gone from the network.
    pub(crate) async fn end_sandbox(&self) {
        self.stop.cancel();
        let started = tokio::time::Instant::now();
        while tokio::net::TcpStream::connect(self.sandbox.address())
            .await
            .is_ok()
        {
            assert!(started.elapsed() < PATIENCE, "the sandbox goes on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A request goes wrong at a system.
    pub(crate) fn fault(&self, rule: Json) {
        let rule = serde_json::from_value(rule).unwrap();
        self.sandbox.control().core().faults.add(rule);
    }

    /// What a person does in a system.
    pub(crate) fn act(&self, system: System, act: &str, input: Json) -> Json {
        self.sandbox.control().act(system, act, &input).unwrap()
    }

    /// The demo's config of the first two systems on this sandbox, with its webhook key, listening anywhere.
    pub(crate) fn config_text(&self) -> String {
        self.here(&first_pair(DEMO))
    }

    /// The same with all three systems.
    pub(crate) fn config_of_three(&self) -> String {
        let access = self.act(System::OfficeRnd, "access", json!({}));
        let location = access["locations"][0]["_id"].as_str().unwrap();
        self.here(&people(DEMO)).replace("LOCATION_ID", location)
    }

    fn here(&self, config: &str) -> String {
        let key = self.act(System::HighLevel, "access", json!({}))["webhookPublicKey"]
            .as_str()
            .unwrap()
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect::<String>();
        config
            .replace("http://127.0.0.1:4010", &self.sandbox.url())
            .replace("127.0.0.1:8484", "127.0.0.1:0")
            .replace(
                "    auth:\n      scheme: oauth\n",
                &format!(
                    "    webhook_keys:\n      ed25519: {key}\n    auth:\n      scheme: oauth\n"
                ),
            )
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Writes the usual config.
    pub(crate) fn config(&self) -> PathBuf {
        self.write("tandem.yaml", &self.config_text())
    }

    /// The database file, or what the files beside a server's database are named after.
    pub(crate) fn database(&self) -> PathBuf {
        let name = match &self.server {
            None => "tandem.db".to_owned(),
            Some(url) => format!("postgres-{}", url.rsplit('/').next().unwrap()),
        };
        self.folder.path().join(name)
    }

    /// What the binary is told to be the database.
    fn named(&self) -> String {
        let file = || self.database().to_str().unwrap().to_owned();
        self.server.clone().unwrap_or_else(file)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
        command.args(arguments);
        self.prepared(command)
    }

    fn prepared(&self, mut command: Command) -> Command {
        let access = self.act(System::HighLevel, "access", json!({}));
        let office = self.act(System::OnOffice, "show_access", json!({}));
        let coworking = self.act(System::OfficeRnd, "access", json!({}));
        let text = |json: &Json| json.as_str().unwrap().to_owned();
        command
            .current_dir(self.folder.path())
            .env_remove("TANDEM_DATABASE")
            .env_remove("TANDEM_CONFIG")
            .env_remove("TANDEM_LOG")
            .env("TANDEM_TEST_ID", text(&access["clientId"]))
            .env("TANDEM_TEST_SECRET", text(&access["clientSecret"]))
            .env("TANDEM_TEST_OO_TOKEN", text(&office["token"]))
            .env("TANDEM_TEST_OO_SECRET", text(&office["secret"]))
            .env("OFFICERND_CLIENT_ID", text(&coworking["clientId"]))
            .env("OFFICERND_CLIENT_SECRET", text(&coworking["clientSecret"]))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command on the database of this world to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        let database = self.named();
        let mut all = vec!["--database", &database];
        all.extend(arguments);
        self.run_bare(&all).await
    }

    /// Runs a command on the database of this world whom the rights of files bind, also where the tests
    /// themselves may do anything.
    pub(crate) async fn run_bound(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                "if [ \"$(id -u)\" = 0 ]; then set -- \"$0\" \"$@\"; \
                 exec setpriv --bounding-set -dac_override,-dac_read_search,-fowner \"$@\"; \
                 else exec \"$0\" \"$@\"; fi",
            ])
            .arg(env!("CARGO_BIN_EXE_tandem"))
            .args(["--database", &self.named()])
            .args(arguments);
        Self::to_its_end(self.prepared(command)).await
    }

    /// Runs a command on the database of this world in a terminal of its own; what stood there meanwhile, as it was drawn.
    pub(crate) async fn run_in_terminal(&self, arguments: &[&str]) -> Ran {
        let mut words = vec![env!("CARGO_BIN_EXE_tandem").to_owned()];
        words.extend(["--database".to_owned(), self.named()]);
        words.extend(arguments.iter().map(|word| (*word).to_owned()));
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let mut command = Command::new("script");
        command.args(["-qefc", &quoted.join(" "), "/dev/null"]);
        Self::to_its_end(self.prepared(command)).await
    }

    /// Starts a command on the database of this world.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.spawn_with(arguments, Stdio::null())
    }

    /// The same, with what it says on stderr going there.
    pub(crate) fn spawn_with(&self, arguments: &[&str], stderr: Stdio) -> Child {
        let database = self.named();
        let mut all = vec!["--database", &database];
        all.extend(arguments);
        self.command(&all)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap()
    }

    /// Runs a command to its end.
    pub(crate) async fn run_bare(&self, arguments: &[&str]) -> Ran {
        Self::to_its_end(self.command(arguments)).await
    }

    async fn to_its_end(mut command: Command) -> Ran {
        let ended = tokio::task::spawn_blocking(move || command.output());
        let output: Output = tokio::time::timeout(PATIENCE, ended)
            .await
            .expect("the command hangs")
            .unwrap()
            .unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts a server with the usual config.
    pub(crate) async fn serve(&self) -> Server {
        let config = self.config();
        self.serve_with(&["--config", config.to_str().unwrap()])
            .await
    }

    /// Starts a server with these arguments, and waits until it answers.
    pub(crate) async fn serve_with(&self, arguments: &[&str]) -> Server {
        let database = self.named();
        let mut all = vec!["--database", &database, "serve"];
        all.extend(arguments);
        self.spawned(self.command(&all)).await
    }

    /// Starts a server with the usual config whose files can be kept from growing: what a file system
    /// does that is full. See [`Server::fill_disk`].
    pub(crate) async fn serve_on_small_disk(&self) -> Server {
        let (config, database) = (self.config(), self.named());
        // The signal that comes with it is turned off, so that writes fail instead.
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_tandem"))
            .args(["--database", &database, "serve"])
            .args(["--config", config.to_str().unwrap()]);
        self.spawned(self.prepared(command)).await
    }

    /// Starts a server with the usual config that says what it says to somebody who goes away when it is up.
    pub(crate) async fn serve_to_nobody(&self) -> Server {
        let (config, database, folder) = (self.config(), self.named(), self.folder.path());
        let config = config.to_str().unwrap();
        let mut command = self.command(&["--database", &database, "serve", "--config", config]);
        std::fs::write(folder.join("server.log"), "").unwrap();
        let command = command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let listener = child.stderr.take();
        let server = self.reached(child, folder).await;
        drop(listener);
        server
    }

    async fn spawned(&self, command: Command) -> Server {
        let folder = self.folder.path();
        self.reached(Self::started(command, folder), folder).await
    }

    /// Starts a server with these arguments as if on another machine: what it leaves beside the database is in this folder,
    /// and so is what it says, in `server.log`. See [`reached`](Self::reached).
    pub(crate) fn start_in(&self, folder: &Path, arguments: &[&str]) -> Child {
        let database = self.named();
        let mut all = vec!["--database", &database, "serve"];
        all.extend(arguments);
        let mut command = self.command(&all);
        command.current_dir(folder);
        Self::started(command, folder)
    }

    fn started(mut command: Command, folder: &Path) -> Child {
        let log = std::fs::File::create(folder.join("server.log")).unwrap();
        command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }

    /// Waits until a server that was started in this folder answers.
    pub(crate) async fn reached(&self, mut child: Child, folder: &Path) -> Server {
        let database = folder.join(self.database().file_name().unwrap());
        let pid = child.id();
        let started = tokio::time::Instant::now();
        loop {
            let beside = std::fs::read(beside(&database))
                .ok()
                .and_then(|text| serde_json::from_slice::<Json>(&text).ok());
            if let Some(beside) = beside.filter(|beside| beside["pid"] == pid) {
                return Server {
                    child,
                    url: beside["url"].as_str().unwrap().to_owned(),
                    token: beside["token"].as_str().unwrap().to_owned(),
                };
            }
            let log = || std::fs::read_to_string(folder.join("server.log")).unwrap();
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the server ended with {status}: {}", log());
            }
            assert!(started.elapsed() < PATIENCE, "no server: {}", log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Connects both accounts, through the server or without one.
    pub(crate) async fn connect_both(&self) {
        self.connect_office().await;
        let ran = self.connect_marketing("first").await;
        assert_eq!(ran.code, 0, "{ran:#?}");
    }

    /// Connects onOffice with the token and secret of the sandbox.
    pub(crate) async fn connect_office(&self) {
        let ran = self
            .run(&[
                "connect",
                "office",
                "--field",
                "token=env:TANDEM_TEST_OO_TOKEN",
                "--field",
                "secret=env:TANDEM_TEST_OO_SECRET",
            ])
            .await;
        assert_eq!(ran.code, 0, "{ran:#?}");
    }

    /// Connects OfficeRnD with the application of the sandbox.
    pub(crate) async fn connect_coworking(&self) {
        let access = self.act(System::OfficeRnd, "access", json!({}));
        let slug = self.write("slug", access["slug"].as_str().unwrap());
        let organization = format!("organization=file:{}", slug.to_str().unwrap());
        let ran = self
            .run(&[
                "connect",
                "coworking",
                "--field",
                "client_id=env:OFFICERND_CLIENT_ID",
                "--field",
                "client_secret=env:OFFICERND_CLIENT_SECRET",
                "--field",
                &organization,
            ])
            .await;
        assert_eq!(ran.code, 0, "{ran:#?}");
    }

    /// Connects HighLevel through its sign-in pages, as a browser would, choosing this location.
    pub(crate) async fn connect_marketing(&self, location: &str) -> Ran {
        let database = self.named();
        let mut child = self
            .command(&[
                "--database",
                &database,
                "connect",
                "marketing",
                "--field",
                "client_id=env:TANDEM_TEST_ID",
                "--field",
                "client_secret=env:TANDEM_TEST_SECRET",
                "--json",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        let (link, rest) = tokio::task::spawn_blocking(move || read_link(out))
            .await
            .unwrap();
        if let Some(link) = &link {
            browse(link, location).await;
        }
        let ended = tokio::task::spawn_blocking(move || child.wait_with_output());
        let output = tokio::time::timeout(PATIENCE, ended)
            .await
            .expect("connect hangs")
            .unwrap()
            .unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: rest.join().unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A request to the server's API.
    pub(crate) async fn api(&self, server: &Server, method: &str, path: &str) -> (u16, Json) {
        let response = reqwest::Client::new()
            .request(method.parse().unwrap(), format!("{}{path}", server.url))
            .bearer_auth(&server.token)
            .send()
            .await
            .unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The file that says where the server of a database is.
pub(crate) fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".server");
    name.into()
}

/// The link in the first JSON that `connect` prints; the rest goes on being read.
fn read_link(out: std::process::ChildStdout) -> (Option<String>, std::thread::JoinHandle<String>) {
    use std::io::{BufRead as _, BufReader, Read as _};
    let mut reader = BufReader::new(out);
    let mut first = String::new();
    let mut link = None;
    while reader.read_line(&mut first).unwrap() > 0 {
        if let Ok(answer) = serde_json::from_str::<Json>(&first) {
            link = answer["link"].as_str().map(str::to_owned);
            break;
        }
    }
    let rest = std::thread::spawn(move || {
        let mut text = if link_is_none(&first) {
            first
        } else {
            String::new()
        };
        reader.read_to_string(&mut text).unwrap();
        text
    });
    (link, rest)
}

fn link_is_none(first: &str) -> bool {
    serde_json::from_str::<Json>(first).is_ok_and(|answer| answer["link"].is_null())
}

/// Follows a sign-in as a browser does, up to the page that Tandem shows at the end.
pub(crate) async fn browse(link: &str, location: &str) -> (u16, String) {
    let browser = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    browse_with(&browser, link, location).await
}

/// The same with a browser of one's own, which follows no redirects by itself.
pub(crate) async fn browse_with(
    browser: &reqwest::Client,
    link: &str,
    location: &str,
) -> (u16, String) {
    let next = |response: &reqwest::Response| {
        response
            .headers()
            .get("location")
            .map(|location| location.to_str().unwrap().to_owned())
    };
    let first = browser.get(link).send().await.unwrap();
    let Some(consent) = next(&first) else {
        return (first.status().as_u16(), first.text().await.unwrap());
    };
    let consent = format!("{consent}&sandbox_approve={location}");
    let approved = browser.get(consent).send().await.unwrap();
    let callback = next(&approved).expect("the consent page redirects back");
    let last = browser.get(callback).send().await.unwrap();
    (last.status().as_u16(), last.text().await.unwrap())
}
