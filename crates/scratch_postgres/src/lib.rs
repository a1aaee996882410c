//! A PostgreSQL server for the length of a test: from the installed programs, in a temporary folder, on a
//! free port of this machine, and gone with the value that stands for it.
//!
//! It does not flush the disk, so that tests are quick: what a test kills is Tandem, not the machine.
//! Nothing is downloaded, and a machine without PostgreSQL fails the test and says what to install.

use std::{
    ffi::OsStr,
    fs, io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// How long a server may take until it answers, in tries of [`PAUSE`].
const TRIES: u32 = 600;
const PAUSE: Duration = Duration::from_millis(50);

/// The user of the server; it needs no password.
const USER: &str = "tandem";

/// A running server.
pub struct Cluster {
    programs: PathBuf,
    folder: TempDir,
    /// Whom the server runs as, where this process is root: it refuses to be root.
    user: Option<(u32, u32)>,
    port: u16,
    /// It takes encrypted connections too.
    encrypts: bool,
    server: Option<Child>,
    databases: AtomicU32,
}

impl Cluster {
    /// Makes one and waits until it answers.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start, with what to do.
    #[must_use]
    pub fn start() -> Self {
        let mut cluster = Self::make();
        cluster.serve();
        cluster
    }

    /// The same with a certificate for `localhost` and this machine's own address, by an authority that nobody
    /// knows: [`authority`](Self::authority).
    ///
    /// # Panics
    /// If PostgreSQL or OpenSSL is not installed or does not do its work.
    #[must_use]
    pub fn start_encrypted() -> Self {
        let mut cluster = Self::make();
        let names = cluster.folder.path().join("names");
        fs::write(names, "subjectAltName=DNS:localhost,IP:127.0.0.1")
            .expect("a file can be written");
        for line in [
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3 \
             -subj /CN=authority -keyout authority.key -out authority.crt",
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
             -subj /CN=localhost -keyout server.key -out server.csr",
            "x509 -req -in server.csr -CA authority.crt -CAkey authority.key -CAcreateserial \
             -days 3 -extfile names -out server.crt",
        ] {
            let arguments: Vec<&OsStr> = line.split_whitespace().map(OsStr::new).collect();
            cluster.run_with(Path::new("openssl"), &arguments);
        }
        cluster.encrypts = true;
        cluster.serve();
        cluster
    }

    /// The certificate of who vouches for a server with a certificate.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.crt")
    }

    fn make() -> Self {
        let programs = programs().unwrap_or_else(|| {
            panic!(
                "this test needs the programs of PostgreSQL (initdb, postgres) and found none; \
                 install them: apt-get install postgresql, or put them into PATH"
            )
        });
        let folder = tempfile::Builder::new()
            .prefix("tandem-postgres")
            .tempdir()
            .expect("a temporary folder can be made");
        let user = substitute();
        #[cfg(unix)]
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid))
                .expect("root may give a folder away");
        }
        let mut cluster = Self {
            programs,
            folder,
            user,
            port: 0,
            encrypts: false,
            server: None,
            databases: AtomicU32::new(0),
        };
        let data = cluster.data();
        cluster.run(
            "initdb",
            &[
                "--username".as_ref(),
                USER.as_ref(),
                "--auth=trust".as_ref(),
                "--encoding=UTF8".as_ref(),
                "--locale=C".as_ref(),
                "--no-sync".as_ref(),
                "--pgdata".as_ref(),
                data.as_os_str(),
            ],
        );
        cluster.port = free_port().expect("a port is free");
        cluster
    }

    /// Begins to serve, on the port that it always has.
    ///
    /// # Panics
    /// If the server does not start.
    pub fn serve(&mut self) {
        let log = fs::File::create(self.folder.path().join("log")).expect("a log can be written");
        let mut command = self.command(&self.programs.join("postgres"));
        if self.encrypts {
            let file = |name: &str| self.folder.path().join(name).display().to_string();
            command
                .args(["-c", "ssl=on"])
                .args(["-c", &format!("ssl_cert_file={}", file("server.crt"))])
                .args(["-c", &format!("ssl_key_file={}", file("server.key"))]);
        }
        let child = command
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories="])
            .args(["-c", "fsync=off", "-c", "full_page_writes=off"])
            .args(["-c", "shared_buffers=32MB", "-c", "max_connections=200"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.server = Some(child.expect("the server can be started"));
        for _ in 0..TRIES {
            let answers = self
                .command(&self.programs.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status();
            if answers.is_ok_and(|status| status.success()) {
                return;
            }
            let ended = self.server.as_mut().and_then(|child| child.try_wait().ok());
            if ended.flatten().is_some() {
                break;
            }
            thread::sleep(PAUSE);
        }
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("PostgreSQL does not answer:\n{log}");
    }

    /// Ends the server as a crash would: at once, with every connection.
    pub fn crash(&mut self) {
        if let Some(mut server) = self.server.take() {
            let stopped = self
                .command(&self.programs.join("pg_ctl"))
                .args(["stop", "-m", "immediate", "-D"])
                .arg(self.data())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            if !stopped.is_ok_and(|status| status.success()) {
                let _ended = server.kill();
            }
            let _status = server.wait();
        }
    }

    /// A new empty database; its URL.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let port = self.port.to_string();
        self.run(
            "createdb",
            &["-h", "127.0.0.1", "-p", &port, "-U", USER, &name].map(OsStr::new),
        );
        format!("postgres://{USER}@127.0.0.1:{port}/{name}")
    }

    /// Runs SQL on a database; gives what it says, a row a line.
    ///
    /// # Panics
    /// If it fails.
    pub fn sql(&self, url: &str, sql: &str) -> String {
        self.run(
            "psql",
            &["-X", "-q", "-A", "-t", "-c", sql, url].map(OsStr::new),
        )
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        // what a person has set for their own servers
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        #[cfg(unix)]
        if let Some((uid, gid)) = self.user {
            use std::os::unix::process::CommandExt as _;
            command.uid(uid).gid(gid);
        }
        command
    }

    fn run(&self, program: &str, arguments: &[&OsStr]) -> String {
        self.run_with(&self.programs.join(program), arguments)
    }

    fn run_with(&self, program: &Path, arguments: &[&OsStr]) -> String {
        let shown = program.display();
        let output = self
            .command(program)
            .args(arguments)
            .output()
            .unwrap_or_else(|error| panic!("{shown} cannot be run: {error}"));
        assert!(
            output.status.success(),
            "{shown} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.crash();
    }
}

/// Where the programs are: in `PATH`, or where Debian puts them; the newest.
fn programs() -> Option<PathBuf> {
    let has = |folder: &Path| {
        ["initdb", "postgres", "pg_ctl", "psql"]
            .iter()
            .all(|program| folder.join(program).is_file())
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(folder) = std::env::split_paths(&path).find(|folder| has(folder)) {
        return Some(folder);
    }
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| {
            let folder = entry.ok()?.path();
            let version = folder.file_name()?.to_str()?.parse().ok()?;
            Some((version, folder.join("bin")))
        })
        .filter(|(_, folder)| has(folder))
        .collect();
    versions.sort();
    versions.pop().map(|(_, folder)| folder)
}

/// The user to run as where this process is root: `postgres`, else `nobody`.
fn substitute() -> Option<(u32, u32)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        // a file that this process makes belongs to whom it runs as
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        let own = file.as_file().metadata().expect("it can be looked at");
        if own.uid() != 0 {
            return None;
        }
        let users = fs::read_to_string("/etc/passwd").expect("the users can be read");
        let of = |wanted: &str| {
            users.lines().find_map(|line| {
                let mut parts = line.split(':');
                (parts.next() == Some(wanted)).then_some(())?;
                let uid = parts.nth(1)?.parse().ok()?;
                Some((uid, parts.next()?.parse().ok()?))
            })
        };
        of("postgres").or_else(|| of("nobody"))
    }
    #[cfg(not(unix))]
    None
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}
