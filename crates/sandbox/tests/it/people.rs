//! People in and out of files, and into a sandbox.

use sandbox::people::{Plan, Population, Side, read_folder};
use sandbox::{Options, Sandbox, System};

#[test]
fn a_population_survives_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let population = Population::shipped();
    population.write_to(folder.path()).unwrap();
    let files = read_folder(folder.path()).unwrap();
    for side in Side::ALL {
        let records: Vec<_> = files[&side]
            .lines
            .iter()
            .map(|line| line.record.clone())
            .collect();
        assert_eq!(records, population.records(side), "{side}");
    }
    let truth = std::fs::read_to_string(folder.path().join("truth.csv")).unwrap();
    assert_eq!(
        truth.lines().count(),
        1 + Side::ALL
            .iter()
            .map(|side| population.rows(*side).len())
            .sum::<usize>()
    );
}

#[test]
fn a_bad_row_names_its_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("onoffice.jsonl");
    std::fs::write(
        &path,
        "{\"Name\": \"A\"}\n\n{\"Name\": \"B\", \"Bemerkung\": \"x\"}\n",
    )
    .unwrap();
    let options = Options {
        people: Some(folder.path().to_owned()),
        ..Options::default()
    };
    let Err(error) = Sandbox::new(options) else {
        panic!("line 3 is wrong")
    };
    assert_eq!(error.to_string(), format!("take {} line 3", path.display()));
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("Unknown field: Bemerkung"), "{source}");
}

#[test]
fn every_shipped_row_is_accepted() {
    let sandbox = Sandbox::new(Options::default()).unwrap();
    let records = Population::shipped().records(Side::OnOffice);
    let ids = sandbox.control().seed(System::OnOffice, &records).unwrap();
    assert_eq!(ids.len(), records.len());
    sandbox.control().onoffice(|state| {
        for (address, record) in state.addresses().zip(&records) {
            assert_eq!(
                state.shown(address, "Name"),
                record["Name"].as_str().unwrap()
            );
            let main = address.entries.iter().filter(|entry| entry.main).count();
            let given = ["email", "phone"]
                .iter()
                .filter(|key| record.get(**key).is_some())
                .count();
            assert_eq!(main, given);
        }
    });
}

#[test]
fn a_hundred_thousand_people_can_be_made() {
    let population = Population::new(&Plan::large(1, 100_000));
    assert_eq!(population.highlevel.len(), 100_000);
}
