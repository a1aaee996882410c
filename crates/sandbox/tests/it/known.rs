//! The table of `docs/sandbox.md` that says of each known oddity of a vendor which switch turns it: it leaves none out, and
//! what it names is there.

use std::collections::{BTreeMap, BTreeSet};

use sandbox::Switches;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The collections that the items are out of, and how many each has.
const COLLECTIONS: [(&str, usize); 6] = [
    ("HighLevel quirk", 32),
    ("HighLevel conflict", 14),
    ("onOffice checklist", 6),
    ("OfficeRnD error", 9),
    ("OfficeRnD quirk", 12),
    ("OfficeRnD hint", 8),
];

/// Items that are about documents, not about what a vendor does.
const NO_BEHAVIOUR: [&str; 3] = [
    "HighLevel quirk 30",
    "HighLevel quirk 31",
    "HighLevel quirk 32",
];

/// Items for whose behaviour nobody ever reported another, and that no switch touches.
const UNDISPUTED: [&str; 3] = [
    // there is one call, for the notes of one contact
    "HighLevel quirk 26",
    "onOffice checklist 1",
    // of tasks alone; the other rows of this item have switches
    "onOffice checklist 4",
];

/// Items that say several things, and how many: each has a row of its own.
const PARTS: [(&str, usize); 7] = [
    ("onOffice checklist 4", 9),
    ("OfficeRnD error 8", 2),
    ("OfficeRnD quirk 1", 3),
    ("OfficeRnD quirk 10", 2),
    ("OfficeRnD hint 3", 10),
    ("OfficeRnD hint 4", 2),
    ("OfficeRnD hint 7", 2),
];

struct Row {
    item: String,
    known: String,
    switches: Vec<String>,
    tests: Vec<String>,
}

/// What stands in backticks and has this in it.
fn quoted(cell: &str, mark: &str) -> Vec<String> {
    let inside = cell.split('`').skip(1).step_by(2);
    let marked = inside.filter(|word| word.contains(mark));
    marked.map(str::to_owned).collect()
}

fn rows() -> Vec<Row> {
    let document = std::fs::read_to_string(format!("{ROOT}/docs/sandbox.md")).unwrap();
    let table = document
        .split("\n## What is known of the vendors, and its switch\n")
        .nth(1)
        .expect("the chapter is there");
    let lines = table.lines().filter(|line| line.starts_with("| "));
    lines
        .skip(2)
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
            let [item, known, switch, tests] = cells[..] else {
                panic!("not four cells: {line}");
            };
            Row {
                item: item.trim().to_owned(),
                known: known.to_owned(),
                switches: quoted(switch, "."),
                tests: quoted(tests, "::"),
            }
        })
        .collect()
}

#[test]
fn every_known_item_is_in_the_table_and_no_other() {
    let expected: BTreeSet<String> = COLLECTIONS
        .iter()
        .flat_map(|(name, count)| (1..=*count).map(move |number| format!("{name} {number}")))
        .collect();
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows() {
        *found.entry(row.item).or_default() += 1;
    }
    assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), expected);
    for (item, count) in found {
        let parts = PARTS.iter().find(|(own, _)| *own == item);
        assert_eq!(count, parts.map_or(1, |(_, parts)| *parts), "{item}");
    }
}

#[test]
fn every_item_has_a_switch_that_is_there_and_a_test_that_turns_it() {
    let registry: BTreeMap<_, _> = Switches::registry()
        .into_iter()
        .map(|switch| (switch.name, switch))
        .collect();
    let mut unturned = BTreeSet::new();
    for row in rows() {
        let what = format!("{}: {}", row.item, row.known);
        assert_eq!(
            row.tests.is_empty(),
            NO_BEHAVIOUR.contains(&&*row.item),
            "{what}"
        );
        if row.switches.is_empty() && !row.tests.is_empty() {
            unturned.insert(row.item.clone());
        }
        for name in &row.switches {
            let switch = registry.get(name.as_str());
            let switch = switch.unwrap_or_else(|| panic!("{what}: no switch {name}"));
            let of_vendor = name.split('.').next().unwrap();
            assert!(
                row.item.to_lowercase().starts_with(of_vendor),
                "{what}: {name}"
            );
            // each switch's own test turns it (`control`); what is named here is that one, or one more
            let turned = row.tests.iter().any(|test| {
                *test == switch.test || body(test).contains(name.split_once('.').unwrap().1)
            });
            assert!(turned, "{what}: no test named here turns {name}");
        }
        for test in &row.tests {
            body(test);
        }
    }
    let undisputed = UNDISPUTED.map(str::to_owned);
    assert_eq!(unturned, BTreeSet::from(undisputed));
}

/// What a test of this program does.
fn body(test: &str) -> String {
    let (module, function) = test.rsplit_once("::").unwrap();
    let file = format!(
        "{ROOT}/crates/sandbox/tests/it/{}.rs",
        module.replace("::", "/")
    );
    let source = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let after = source.split(&format!("fn {function}()")).nth(1);
    let after = after.unwrap_or_else(|| panic!("{file} has no test {function}"));
    after.split("\n}\n").next().unwrap().to_owned()
}
