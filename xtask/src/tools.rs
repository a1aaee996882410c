//! The tools that the checks need beside cargo itself, and running `cargo deny`.
//!
//! A tool that is on the path is used as it is. One that is missing is built from crates.io into
//! the target folder, so that nothing outside the checkout changes.

use anyhow::{Context as _, Result, bail};

use crate::run::{command, run, text, tools_folder, works};

const DENY: (&str, &str) = ("cargo-deny", "0.20.2");
/// The proxies whose examples are tried, and how each tells its version.
const PROXIES: [(&str, &str); 2] = [("nginx", "-v"), ("caddy", "version")];

const NEXTEST: (&str, &str) = ("cargo-nextest", "0.9.143");

/// Installs what is missing.
pub(crate) fn install() -> Result<()> {
    let mut packages = Vec::new();
    // SQLite and the crypto library are C; a vendor's own SDK is tried on the sandbox with node, and the web UI
    // is built with it and looked at in a browser
    for (program, package) in [
        ("cc", &["gcc", "libc6-dev"][..]),
        ("node", &["nodejs"][..]),
        ("npm", &["npm"][..]),
        ("chromium", &["chromium"][..]),
    ] {
        if !works(program, &["--version"]) {
            packages.extend_from_slice(package);
        }
    }
    // the store's contract is kept on PostgreSQL too; Debian keeps its programs out of the path
    let servers = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let has_server = servers
        .filter_map(Result::ok)
        .any(|version| version.path().join("bin/initdb").is_file());
    if !has_server && !works("initdb", &["--version"]) {
        packages.push("postgresql");
    }
    if !works("openssl", &["version"]) {
        packages.push("openssl");
    }
    if !packages.is_empty() {
        eprintln!("missing on this machine: {}", packages.join(", "));
        run("apt-get", &["update"])?;
        let install = ["install", "--yes", "--no-install-recommends"];
        run("apt-get", &[&install[..], &packages].concat())?;
    }
    for (program, version) in PROXIES {
        if !works(program, &[version])
            && let Err(error) = unpack(program)
        {
            eprintln!("!!! {program} could not be had, its example will not be tried: {error:#}");
        }
    }
    for (component, probe) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if !works("cargo", &[probe, "--version"]) {
            run("rustup", &["component", "add", component])?;
        }
    }
    for (tool, probe) in [(NEXTEST, "nextest"), (DENY, "deny")] {
        if !works("cargo", &[probe, "--version"]) {
            build(tool)?;
        }
    }
    Ok(())
}

/// Runs `cargo deny`. Without the advisory database (no way out to it) everything else is checked,
/// and that is said.
pub(crate) fn deny() -> Result<()> {
    let check = ["deny", "--locked", "check", "--hide-inclusion-graph"];
    run(
        "cargo",
        &[&check[..], &["bans", "licenses", "sources"]].concat(),
    )?;

    let fetched = command("cargo", &["deny", "--locked", "fetch", "db"])?
        .output()
        .context("could not start cargo deny")?;
    if fetched.status.success() {
        return run(
            "cargo",
            &[&check[..], &["--disable-fetch", "advisories"]].concat(),
        );
    }
    eprintln!("!!! ADVISORIES WERE NOT CHECKED: their database could not be fetched.");
    eprintln!("!!! Run `cargo deny check advisories` where it can be reached. What was said:");
    for line in String::from_utf8_lossy(&fetched.stderr).lines().take(6) {
        eprintln!("!!!   {line}");
    }
    Ok(())
}

/// What the tests are told of proxies that could not be had.
pub(crate) fn without_proxies() -> Vec<(&'static str, &'static str)> {
    let all = PROXIES
        .iter()
        .all(|(program, version)| works(program, &[version]));
    if all {
        return Vec::new();
    }
    eprintln!("!!! THE EXAMPLES FOR REVERSE PROXIES ARE NOT ALL TRIED: see the step `tools`.");
    vec![("TANDEM_WITHOUT_PROXIES", "1")]
}

/// Takes the program out of Debian's package of that name, without installing anything.
fn unpack(program: &str) -> Result<()> {
    let folder = tools_folder()?.join("packages");
    std::fs::create_dir_all(&folder)?;
    let script = format!(
        "cd '{}' && rm -f {program}_*.deb && {{ apt-get download {program} || \
         {{ apt-get update && apt-get download {program}; }}; }} && dpkg -x {program}_*.deb {program} && mkdir -p ../bin && \
         cp {program}/usr/*bin/{program} ../bin/",
        text(&folder)?
    );
    run("sh", &["-c", &script])
}

/// Builds a tool, not optimised: it runs for seconds and would build for minutes.
fn build((name, version): (&str, &str)) -> Result<()> {
    let folder = tools_folder()?;
    eprintln!("building {name} {version} into {}", folder.display());
    let build = folder.join("build");
    let arguments = [
        "install",
        "--locked",
        "--quiet",
        name,
        "--version",
        version,
        "--root",
        text(&folder)?,
        "--target-dir",
        text(&build)?,
    ];
    let status = command("cargo", &arguments)?
        .env("CARGO_PROFILE_RELEASE_LTO", "false")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .status()
        .with_context(|| format!("could not start cargo install {name}"))?;
    if !status.success() {
        bail!("{name} could not be built ({status})");
    }
    Ok(())
}
