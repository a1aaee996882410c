//! A large book answers by index, as a small one does. Counted are the addresses that an answer looks at, not its time.

use serde_json::{Value, json};

use super::{Call, Office, create, read};

const PEOPLE: usize = 20_000;

/// How many addresses an answer may look at: those of its page, what a write reads again, and those whose number has the digits
/// asked for in another order.
const MOST: u64 = 2_000;

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

    /// The fewest addresses that one of some calls of a kind looks at: the first of them may fill a cache.
    async fn fewest(&self, what: &str, ask: Ask) -> u64 {
        let control = self.office.sandbox.control();
        let looked_at = || control.onoffice(sandbox::onoffice::State::looked_at);
        let mut fewest = u64::MAX;
        for step in 0..20 {
            let before = looked_at();
            let results = self.office.all(&[ask(self, step)]).await;
            fewest = fewest.min(looked_at() - before);
            assert_eq!(results[0]["status"]["errorcode"], 0, "{what}");
            assert_ne!(results[0]["data"]["records"], json!([]), "{what}");
        }
        fewest
    }
}

#[tokio::test]
async fn a_large_book_answers_by_index() {
    let book = Book::of(PEOPLE);
    for (what, ask) in KINDS {
        let fewest = book.fewest(what, ask).await;
        assert!(
            (1..=MOST).contains(&fewest),
            "{what}: {fewest} of {PEOPLE} people"
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
