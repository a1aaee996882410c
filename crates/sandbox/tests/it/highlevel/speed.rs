//! A large account stays quick. The bounds are far above what is measured, so that only a scan where an index should
//! be fails.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::Client;

#[tokio::test]
async fn a_large_account_answers_by_index() {
    let client = Client::quiet(&[]);
    let people: Vec<Value> = (0..50_000)
        .map(|number| json!({"firstName": format!("P{number}"), "email": format!("p{number}@example.org"), "phone": format!("+49241{number:06}")}))
        .collect();
    let ids = client
        .control
        .seed(sandbox::System::HighLevel, &people)
        .unwrap();
    let newest =
        client.search(json!({"pageLimit": 1})).await.body["contacts"][0]["searchAfter"].clone();
    let email = |step: usize| json!({"pageLimit": 1, "filters": [{"field": "email", "operator": "eq", "value": format!("p{}@example.org", step * 400)}]});
    let since = json!({"pageLimit": 100, "sort": [{"field": "dateUpdated", "direction": "asc"}],
        "filters": [{"field": "dateUpdated", "operator": "range", "value": {"gt": "2026-03-01T12:00:01Z"}}]});
    let mut spent = Vec::new();
    let mut measure = |what: &'static str, start: Instant| spent.push((what, start.elapsed()));

    let start = Instant::now();
    for step in 0..100 {
        client.contact(&ids[step * 400]).await;
    }
    measure("100 reads", start);
    let start = Instant::now();
    for step in 0..100 {
        assert_eq!(client.search(email(step)).await.body["total"], 1);
    }
    measure("100 searches by e-mail", start);
    let start = Instant::now();
    for step in 0..100 {
        let body =
            json!({"locationId": client.location, "email": format!("P{}@example.org", step * 400)});
        assert_eq!(client.post("/contacts/", body).await.status, 400);
    }
    measure("100 refused duplicates", start);
    let start = Instant::now();
    for _ in 0..100 {
        assert_eq!(client.search(since.clone()).await.body["total"], 0);
        let page = client
            .search(json!({"pageLimit": 1, "searchAfter": newest}))
            .await;
        assert_eq!(page.body["total"], 50_000);
    }
    measure("200 ordered pages", start);
    for (what, time) in spent {
        assert!(time < Duration::from_millis(500), "{what} took {time:?}");
    }
}
