//! Other processes: one that has the file, one that may not write it, one that is killed.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use store::{Accepted, Commit, Error, Options, SqliteStore};

use super::empty;
use crate::suite::things::*;

/// What the other process is to do, and with which database.
const TASK: &str = "STORE_TEST_TASK";
const DATABASE: &str = "STORE_TEST_DATABASE";

/// This test program once more, as a process of its own.
fn other(program: &Path, task: &str, database: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--exact", "sqlite::process::the_other_process"])
        .args(["--ignored", "--nocapture", "--quiet"])
        .env(TASK, task)
        .env(DATABASE, database)
        .stdout(Stdio::piped());
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the other tests of this file, as a process of its own"]
async fn the_other_process() {
    let (Ok(task), Ok(database)) = (std::env::var(TASK), std::env::var(DATABASE)) else {
        return;
    };
    let opened = SqliteStore::open(&Options::at(database));
    match task.as_str() {
        "open" => match opened {
            Ok(_) => println!("\nopened"),
            Err(Error::Unwritable(why)) => println!("\nunwritable {why}"),
            Err(error) => println!("\nerror {error}"),
        },
        "hold" => {
            let _held = opened.unwrap();
            println!("\nholding");
            std::thread::sleep(Duration::from_secs(600));
        }
        "limited" => accept_until_refused_and_again(Arc::new(opened.unwrap())).await,
        "accept" => accept_for_ever(Arc::new(opened.unwrap())).await,
        other => panic!("no task {other}"),
    }
}

#[expect(clippy::print_stdout, reason = "the parent reads it")]
/// Takes deliveries in on many tasks and says so of each once it is answered.
async fn accept_for_ever(store: Under) {
    let run = std::process::id();
    let mut callers = Vec::new();
    for caller in 0..16 {
        let store = store.clone();
        callers.push(tokio::spawn(async move {
            for number in 0.. {
                let name = format!("{run}-{caller}-{number}");
                let row = delivery(Some(&name), &name, at(0));
                assert_eq!(
                    store.accept_delivery(&ws(), row).await.unwrap(),
                    Accepted::New
                );
                println!("\naccepted {name}");
                if number % 7 == 0 {
                    let whole = Commit {
                        journal: vec![entry(&name, "email")],
                        meters: [("journalled".to_owned(), 1)].into(),
                        ..Commit::default()
                    };
                    store.commit(&ws(), whole).await.unwrap();
                    println!("\njournalled {name}");
                }
            }
        }));
    }
    for caller in callers {
        caller.await.unwrap();
    }
}

#[expect(clippy::print_stdout, reason = "the parent reads it")]
/// Takes deliveries in until the disk says no, and goes on trying until it says yes.
async fn accept_until_refused_and_again(store: Under) {
    let mut refused = 0;
    for number in 0.. {
        let name = format!("{number}");
        let row = delivery(Some(&name), &name, at(0));
        match store.accept_delivery(&ws(), row).await {
            Ok(_) if refused > 0 => {
                println!("\naccepted {name}");
                println!("\nagain");
                store.overview(&ws()).await.unwrap();
                return;
            }
            Ok(_) => println!("\naccepted {name}"),
            Err(Error::Unwritable(why)) => {
                assert!(why.contains("tandem.db"), "{why}");
                refused += 1;
                println!("\nunwritable {why}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// The words after the first that begins a line of its own.
fn said(line: &str) -> Option<(&str, &str)> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    [
        "opened",
        "unwritable",
        "error",
        "holding",
        "accepted",
        "journalled",
        "again",
    ]
    .contains(&word)
    .then_some((word, rest))
}

fn wait_for(child: &mut Child, word: &str) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines {
        if said(&line.unwrap()).is_some_and(|(said, _)| said == word) {
            return;
        }
    }
    panic!("the other process never said {word}");
}

#[test]
fn a_second_process_is_refused_and_a_killed_one_blocks_nobody() {
    let file = empty();
    let options = file.options();
    let program = std::env::current_exe().unwrap();
    let mut child = other(&program, "hold", &options.path).spawn().unwrap();
    wait_for(&mut child, "holding");
    let pid = child.id().to_string();
    let error = SqliteStore::open(&options).err().unwrap();
    assert!(
        matches!(&error, Error::InUse { pid: named, .. } if *named == pid),
        "{error}"
    );
    assert!(error.to_string().contains(&pid), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(options.path.with_extension("db.lock").exists());
    SqliteStore::open(&options).unwrap();
}

#[test]
fn a_file_or_folder_that_may_not_be_written_is_named() {
    let file = empty();
    let options = file.options();
    drop(SqliteStore::open(&options).unwrap());
    let folder = options.path.parent().unwrap();
    // Nothing is read-only for root, so the other process is somebody else then; and it may not
    // reach into the folder of the build.
    let root = fs::metadata(folder).unwrap().uid() == 0;
    let program = folder.join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&program, 0o755);
    let answer = || {
        let mut command = other(&program, "open", &options.path);
        if root {
            command.uid(65534).gid(65534);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let answer = text.lines().find_map(said);
        let (word, rest) = answer.unwrap_or_else(|| panic!("no answer in {text}"));
        (word.to_owned(), rest.to_owned())
    };
    let lock = options.path.with_extension("db.lock");
    mode(&options.path, 0o444);
    mode(&lock, 0o666);
    mode(folder, 0o777);
    let (word, why) = answer();
    assert_eq!(word, "unwritable", "{why}");
    assert!(why.contains("tandem.db is read-only"), "{why}");

    mode(&lock, 0o444);
    mode(folder, 0o555);
    let (word, why) = answer();
    mode(folder, 0o755);
    assert_eq!(word, "unwritable", "{why}");
    assert!(why.contains("tandem.db.lock cannot be written"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let file = empty();
    let options = file.options();
    let program = std::env::current_exe().unwrap();
    let mut accepted = BTreeSet::new();
    let mut journalled = BTreeSet::new();
    for round in 0..6_u64 {
        let mut child = other(&program, "accept", &options.path).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let enough = accepted.len() + 300 + 177 * usize::try_from(round).unwrap();
        for line in lines {
            let line = line.unwrap();
            match said(&line) {
                Some(("accepted", name)) => accepted.insert(name.to_owned()),
                Some(("journalled", name)) => journalled.insert(name.to_owned()),
                _ => continue,
            };
            if accepted.len() == enough {
                child.kill().unwrap();
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let store: Under = Arc::new(SqliteStore::open(&options).unwrap());
        store.end_leases(&ws()).await.unwrap();
        let mut all = request(at(0));
        all.limit = 1_000_000;
        let claims = store.claim(&ws(), all).await.unwrap();
        let there: BTreeSet<&str> = claims.iter().map(|claim| claim.record.as_str()).collect();
        for name in &accepted {
            assert!(
                there.contains(name.as_str()),
                "round {round}: {name} is lost"
            );
        }
        let journal = store
            .journal(&ws(), &store::JournalFilter::default())
            .await
            .unwrap();
        let there: BTreeSet<&str> = journal
            .iter()
            .map(|row| row.entry.record.as_str())
            .collect();
        for name in &journalled {
            assert!(
                there.contains(name.as_str()),
                "round {round}: {name} is not journalled"
            );
        }
        let meter = store.overview(&ws()).await.unwrap().meters["journalled"];
        assert_eq!(
            usize::try_from(meter).unwrap(),
            journal.len(),
            "round {round}: half a commit is there"
        );
        let name = accepted.first().unwrap();
        let repeat = delivery(Some(name), name, at(0));
        let answer = store.accept_delivery(&ws(), repeat).await.unwrap();
        assert_eq!(answer, Accepted::Duplicate);
    }
    assert!(accepted.len() > 2000 && !journalled.is_empty());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_disk_that_refuses_writes_for_a_while_costs_nothing_that_was_answered() {
    let file = empty();
    let options = file.options();
    // The shell limits the size of files (in blocks of 512 bytes) and turns the signal for it off, so
    // that writes fail as on a full disk, in the middle of commits.
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; ulimit -S -f 2000; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::process::the_other_process"])
        .args(["--ignored", "--nocapture", "--quiet"])
        .env(TASK, "limited")
        .env(DATABASE, &options.path)
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut accepted = Vec::new();
    let mut refused = 0;
    let mut again = false;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        match said(&line.unwrap()) {
            Some(("accepted", name)) => accepted.push(name.to_owned()),
            Some(("unwritable", _)) => {
                refused += 1;
                if refused == 10 {
                    let status = Command::new("prlimit")
                        .args(["--pid", &child.id().to_string(), "--fsize=unlimited"])
                        .status();
                    assert!(status.unwrap().success());
                }
            }
            Some(("again", _)) => again = true,
            _ => {}
        }
    }
    assert!(child.wait().unwrap().success());
    assert!(
        again && refused >= 10 && accepted.len() > 10,
        "{refused} {again}"
    );
    let store: Under = Arc::new(SqliteStore::open(&options).unwrap());
    let mut all = request(at(0));
    all.limit = 1_000_000;
    let claims = store.claim(&ws(), all).await.unwrap();
    let mut there: Vec<u64> = claims
        .iter()
        .map(|claim| claim.record.as_str().parse().unwrap())
        .collect();
    there.sort_unstable();
    let expected: Vec<u64> = accepted.iter().map(|name| name.parse().unwrap()).collect();
    assert_eq!(there, expected, "what was answered, and nothing else");
}
