//! A large book stays quick. The bounds are far above what is measured, so that only a scan where there should be an index fails.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Call, Office, create, read};

#[tokio::test]
async fn a_large_book_answers_by_index() {
    let office = Office::open();
    let people: Vec<Value> = (0..50_000)
        .map(|number| json!({"Name": format!("Name{number}"), "email": format!("p{number}@example.org"), "phone": format!("0241 {number}")}))
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
        assert!(spent < Duration::from_millis(250), "{what} took {spent:?}");
    }
}
