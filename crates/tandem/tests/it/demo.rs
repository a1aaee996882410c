//! `tandem demo` on the real binary, with people of one's own and a folder that keeps the database.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use sandbox::people::{Plan, Population, Side};
use serde_json::{Value as Json, json};

/// People as they are in real accounts: most of them in two systems, some in all three, some in one alone; written every way, and
/// some twice.
fn people() -> Population {
    Population::new(&Plan {
        seed: 1898,
        both: 70,
        highlevel_only: 8,
        onoffice_only: 8,
        officernd_percent: 30,
        officernd_only: 6,
        duplicate_percent: 4,
        dirty: true,
    })
}

fn demo(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_tandem"))
        .arg("demo")
        .args(["--once", "--json"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Without `--once`, in a terminal: the report as it is printed, what the terminal showed meanwhile, and how the demo ends when
/// somebody presses Ctrl-C then.
fn demo_until_interrupted(
    folder: &Path,
    arguments: &[&str],
) -> (Json, String, std::process::ExitStatus) {
    let (printed, seen) = (folder.join("report.json"), folder.join("terminal"));
    let binary = env!("CARGO_BIN_EXE_tandem");
    let words: Vec<String> = [&[binary, "demo", "--json"], arguments]
        .concat()
        .iter()
        .map(|word| format!("'{word}'"))
        .collect();
    let line = format!("exec {} > '{}'", words.join(" "), printed.display());
    let mut child = Command::new("script")
        .args(["-qefc", &line])
        .arg(&seen)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let report = loop {
        let so_far = std::fs::read(&printed).unwrap_or_default();
        if let Ok(report) = serde_json::from_slice(&so_far) {
            break report;
        }
        if let Some(status) = child.try_wait().unwrap() {
            panic!("{status}: {}", std::fs::read_to_string(&seen).unwrap());
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    // what it says after the report is that it stays up, and how to end it
    let shown = || String::from_utf8_lossy(&std::fs::read(&seen).unwrap()).into_owned();
    let since = Instant::now();
    while !shown().contains("Ctrl-C ends it") {
        assert!(since.elapsed() < Duration::from_secs(120), "{}", shown());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(child.try_wait().unwrap().is_none(), "it stays up");
    let mut keys = child.stdin.take().unwrap();
    keys.write_all(b"\x03").unwrap();
    keys.flush().unwrap();
    let since = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return (report, shown(), status);
        }
        if since.elapsed() > Duration::from_secs(120) {
            child.kill().unwrap();
            panic!("Ctrl-C does not end it");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn people_of_ones_own_are_synced_and_the_database_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (people_folder, data) = (folder.path().join("people"), folder.path().join("data"));
    std::fs::create_dir(&people_folder).unwrap();
    let people = people();
    people.write_to(&people_folder).unwrap();
    let dirt = Side::ALL.iter().flat_map(|side| people.rows(*side));
    let dirty = dirt.filter(|row| !row.dirt.is_empty()).count();
    assert!(dirty > 50, "only {dirty} rows are dirty");
    let (people_folder, data) = (people_folder.to_str().unwrap(), data.to_str().unwrap());
    let arguments = ["--people", people_folder, "--data", data];
    let (report, shown, status) = demo_until_interrupted(folder.path(), &arguments);
    assert!(status.success(), "{report:#}");
    // both first syncs had their bars
    for sync in ["people", "members"] {
        let first = shown.split(&format!("First sync of {sync}")).nth(1);
        let first = first.unwrap_or_default().split("After ").next().unwrap();
        assert!(
            first.contains('█') && first.contains("syncing"),
            "{first:?}"
        );
    }
    for (number, (name, links)) in [("people", 70), ("members", 15)].into_iter().enumerate() {
        let sync = &report["syncs"][number];
        assert_eq!(sync["name"], name);
        assert!(sync["links"].as_u64().unwrap() >= links, "{report:#}");
        assert_eq!(sync["disagreements"], 0, "{report:#}");
        assert_eq!(sync["duplicates_made"], 0, "{report:#}");
    }
    for scene in report["scenes"].as_array().unwrap() {
        assert_eq!(scene["missing"], json!([]), "{scene:#}");
        // for the limit it takes more than a hundred people
        let left_out = scene["name"] == "burst";
        assert_eq!(scene["left_out"].is_string(), left_out, "{scene:#}");
    }

    // the database is there, and tells the same
    let database = format!("{data}/demo.db");
    let links = Command::new(env!("CARGO_BIN_EXE_tandem"))
        .args(["--database", &database, "links", "people", "--json"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let links: Vec<Json> = serde_json::from_slice(&links.stdout).unwrap();
    // with those that wait for a person
    let reported = report["syncs"][0]["links"].as_u64().unwrap();
    assert!(links.len() as u64 >= reported, "{} links", links.len());

    // a second demo would find another sandbox than the database knows
    let again = demo(&arguments);
    assert!(!again.status.success());
    let told = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(told.contains("demo.db is there already"), "{told}");
}
