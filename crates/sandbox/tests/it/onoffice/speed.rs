//! A large book stays quick. The bounds are far above what is measured, so that only a scan where there should be an index fails.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Call, Office, create, read};

#[tokio::test]
async fn a_large_book_answers_by_index() {
    let office = Office::open();
    let people: Vec<Value> = (0..50_000)
        .map(|number| json!({"Name": format!("Name{number}"), "email": format!("p{number}@example.org"), "phone": number_of(number)}))
        .collect();
    let ids = office.seed(&people);
    office.sleep(60);
    let batches: Vec<(&str, Vec<Call>)> = vec![
        ("by id", (0..20).map(|step| read(json!({"data": ["Name", "email"], "recordids": [ids[step * 2000]]}))).collect()),
        (
            "by e-mail",
            (0..20)
                .map(|step| read(json!({"data": ["Name"], "filter": {"email": [{"op": "in", "val": [format!("P{}@example.org", step * 1999)]}]}})))
                .collect(),
        ),
        ("create", (0..20).map(|step| create(json!({"Name": "Neu", "email": format!("p{step}@example.org"), "checkDuplicate": true}))).collect()),
        (
            "delta",
            (0..20).map(|_| read(json!({"data": ["Name"], "filter": {"Aenderung": [{"op": ">=", "val": "2026-06-15 10:01:00"}]}}))).collect(),
        ),
        (
            "by digits of a number",
            (0..20).map(|step| read(json!({"data": ["Name"], "filter": {"phone": [{"op": "like", "val": pattern_of(step * 2000)}]}}))).collect(),
        ),
        ("deep page", (0..20).map(|step| read(json!({"data": ["Name"], "listlimit": 20, "listoffset": 49_000 + step}))).collect()),
    ];
    for (what, calls) in batches {
        let start = Instant::now();
        let results = office.all(&calls).await;
        let spent = start.elapsed();
        assert!(
            results
                .iter()
                .all(|result| result["status"]["errorcode"] == 0),
            "{what}"
        );
        assert!(
            results
                .iter()
                .all(|result| result["data"]["records"] != json!([])),
            "{what}"
        );
        let bound = if what == "by digits of a number" {
            3
        } else {
            1
        };
        assert!(spent < Duration::from_secs(bound), "{what} took {spent:?}");
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
