//! `tandem demo` on the real binary, with people of one's own and a folder that keeps the database.

use std::{
    io::Read as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

/// People in all systems: 44 in HighLevel and onOffice, the first twelve of them in OfficeRnD too.
fn people() -> [(&'static str, Vec<Json>); 3] {
    let one = |number: usize| {
        let first = ["Anna", "Berta", "Clara", "Dora", "Emil", "Frida"][number % 6];
        let last = format!(
            "Probst{}",
            char::from(b'a' + u8::try_from(number % 26).unwrap())
        );
        let last = format!("{last}{}", number / 26);
        let email = format!("{}.{number}@probst.example", first.to_lowercase());
        let phone = format!("+4930555{:04}", 1000 + number);
        let street = format!("Lindenstr. {}", number + 1);
        (first, last, email, phone, street)
    };
    let contacts = (0..44).map(|number| {
        let (first, last, email, phone, street) = one(number);
        json!({"firstName": first, "lastName": last, "email": email, "phone": phone,
            "address1": street, "postalCode": "10969", "city": "Berlin", "country": "DE",
            "dateOfBirth": "1980-05-17", "tags": ["Kunde"]})
    });
    let addresses = (0..44).map(|number| {
        let (first, last, email, phone, street) = one(number);
        json!({"Vorname": first, "Name": last, "email": email, "phone": phone, "Strasse": street,
            "Plz": "10969", "Ort": "Berlin", "Land": "DEU", "Geburtsdatum": "1980-05-17",
            "ArtDaten": ["Kunde"]})
    });
    let members = (0..12).map(|number| {
        let (first, last, email, phone, street) = one(number);
        json!({"name": format!("{first} {last}"), "email": email, "phone": phone,
            "address": {"street": street, "zip": "10969", "city": "Berlin", "country": "Germany"},
            "companyName": if number < 4 { "Werft" } else { "" }})
    });
    [
        ("highlevel", contacts.collect()),
        ("onoffice", addresses.collect()),
        ("officernd", members.collect()),
    ]
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

/// Without `--once`: the report as it is printed, and how the demo ends when somebody presses Ctrl-C then.
fn demo_until_interrupted(arguments: &[&str]) -> (Json, std::process::ExitStatus) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tandem"))
        .args(["demo", "--json"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut printed = Vec::new();
    let report = loop {
        let mut some = [0; 65_536];
        let number = out.read(&mut some).unwrap();
        assert!(number > 0, "{}", String::from_utf8_lossy(&printed));
        printed.extend_from_slice(&some[..number]);
        if let Ok(report) = serde_json::from_slice(&printed) {
            break report;
        }
    };
    std::thread::sleep(Duration::from_secs(1));
    assert!(child.try_wait().unwrap().is_none(), "it stays up");
    let pid = child.id().to_string();
    let told = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(told.success());
    let since = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return (report, status);
        }
        if since.elapsed() > Duration::from_secs(30) {
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
    for (system, records) in people() {
        let lines: Vec<String> = records.iter().map(Json::to_string).collect();
        let file = people_folder.join(format!("{system}.jsonl"));
        std::fs::write(file, lines.join("\n")).unwrap();
    }
    let (people_folder, data) = (people_folder.to_str().unwrap(), data.to_str().unwrap());
    let arguments = ["--people", people_folder, "--data", data];
    let (report, status) = demo_until_interrupted(&arguments);
    assert!(status.success(), "{report:#}");
    for (number, (name, links)) in [("people", 44), ("members", 12)].into_iter().enumerate() {
        let sync = &report["syncs"][number];
        assert_eq!(sync["name"], name);
        assert!(sync["links"].as_u64().unwrap() >= links - 4, "{report:#}");
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
