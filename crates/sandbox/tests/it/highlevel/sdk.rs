//! The vendor's own SDK for Node, unchanged, against the sandbox over HTTP.
//!
//! It comes from the npm registry by its lockfile, so this needs `node`, `npm` and a registry (or its cache).

use std::path::PathBuf;
use std::process::{Command, Output};

use sandbox::{Options, Sandbox, System};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

fn run(program: &str, arguments: &[&str]) -> Output {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sdk");
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output();
    let output = output.unwrap_or_else(|error| {
        panic!("{program} is needed for this test and did not start: {error}")
    });
    assert!(
        output.status.success(),
        "{program} {arguments:?} failed\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_vendors_own_sdk_works_unchanged() {
    let shutdown = CancellationToken::new();
    let handle = Sandbox::start(Options::default(), shutdown.clone())
        .await
        .unwrap();
    let url = handle.url();
    let output = tokio::task::spawn_blocking(move || {
        run(
            "npm",
            &["ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        );
        run("node", &["run.cjs", &url])
    })
    .await
    .unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let id = said["contactId"].as_str().unwrap();
    handle
        .control()
        .highlevel(|state| assert!(state.contact(id).unwrap().deleted.is_some()));
    let totals = handle.control().core().counts.totals(System::HighLevel);
    assert!(totals.throttled >= 1, "{totals:?}");
    shutdown.cancel();
    handle.stopped().await;
}
