//! A large book answers as quickly as a small one. Both are asked in one run and the quickest answer of each counts, so that a
//! busy machine changes nothing: only a scan where there should be an index is a hundred times slower.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Call, Office, create, read};

const SMALL: usize = 200;
const LARGE: usize = 20_000;

/// How much slower the large book may be, and what any answer may take.
const SLOWER: u32 = 15;
const ANY: Duration = Duration::from_millis(2);

/// One of many alike calls on a book of this size.
type Ask = fn(&Book, usize) -> Call;

const KINDS: [(&str, Ask); 6] = [
    ("by id", |book, step| {
        let id = book.ids[step * book.ids.len() / 20];
        read(json!({"data": ["Name", "email"], "recordids": [id]}))
    }),
    ("by e-mail", |book, step| {
        let person = step * (book.ids.len() / 20);
        let filter = json!({"email": [{"op": "in", "val": [format!("P{person}@example.org")]}]});
        read(json!({"data": ["Name"], "filter": filter}))
    }),
    ("create", |_, step| {
        let email = format!("p{step}@example.org");
        create(json!({"Name": "Neu", "email": email, "checkDuplicate": true}))
    }),
    ("delta", |_, _| {
        let filter = json!({"Aenderung": [{"op": ">=", "val": "2026-06-15 10:01:00"}]});
        read(json!({"data": ["Name"], "filter": filter}))
    }),
    ("by digits of a number", |book, step| {
        let pattern = pattern_of(step * (book.ids.len() / 20));
        let filter = json!({"phone": [{"op": "like", "val": pattern}]});
        read(json!({"data": ["Name"], "filter": filter}))
    }),
    ("deep page", |book, step| {
        let offset = book.ids.len() - 50 + step;
        read(json!({"data": ["Name"], "listlimit": 20, "listoffset": offset}))
    }),
];

struct Book {
    office: Office,
    ids: Vec<u64>,
}

impl Book {
    fn of(number: usize) -> Self {
        let office = Office::open();
        let people: Vec<Value> = (0..number)
            .map(|number| json!({"Name": format!("Name{number}"), "email": format!("p{number}@example.org"), "phone": number_of(number)}))
            .collect();
        let ids = office.seed(&people);
        office.sleep(60);
        Self { office, ids }
    }

    /// The quickest of some calls of one kind.
    async fn quickest(&self, what: &str, ask: Ask) -> Duration {
        let mut quickest = Duration::MAX;
        for step in 0..20 {
            let call = ask(self, step);
            let start = Instant::now();
            let results = self.office.all(&[call]).await;
            quickest = quickest.min(start.elapsed());
            assert_eq!(results[0]["status"]["errorcode"], 0, "{what}");
            assert_ne!(results[0]["data"]["records"], json!([]), "{what}");
        }
        quickest
    }
}

#[tokio::test]
async fn a_large_book_answers_by_index() {
    let (small, large) = (Book::of(SMALL), Book::of(LARGE));
    for (what, ask) in KINDS {
        let usual = small.quickest(what, ask).await;
        let slow = large.quickest(what, ask).await;
        assert!(
            slow < usual * SLOWER || slow < ANY,
            "{what}: {usual:?} of {SMALL} and {slow:?} of {LARGE} people"
        );
    }
}

fn number_of(person: usize) -> String {
    format!("0171 {:07}", person * 7_919_993 % 9_999_991)
}

/// The digits of somebody's number with anything between them.
fn pattern_of(person: usize) -> String {
    let number = number_of(person);
    let digits = number.chars().filter(char::is_ascii_digit).skip(1);
    digits.map(|digit| format!("%{digit}")).collect::<String>() + "%"
}
