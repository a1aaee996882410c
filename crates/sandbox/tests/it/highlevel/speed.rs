//! A large account stays quick. The bounds are far above what is measured, so that only a scan where an index should
//! be fails.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::Client;

/// How often each is tried.
const ROUNDS: usize = 3;

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
    // the quickest of some rounds: what else the machine does is none of our business
    let mut spent = [Duration::MAX; 4];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for step in 0..100 {
            client.contact(&ids[step * 400]).await;
        }
        let reads = start.elapsed();
        let start = Instant::now();
        for step in 0..100 {
            assert_eq!(client.search(email(step)).await.body["total"], 1);
        }
        let searches = start.elapsed();
        let start = Instant::now();
        for step in 0..100 {
            let body = json!({"locationId": client.location, "email": format!("P{}@example.org", step * 400)});
            assert_eq!(client.post("/contacts/", body).await.status, 400);
        }
        let refused = start.elapsed();
        let start = Instant::now();
        for _ in 0..100 {
            assert_eq!(client.search(since.clone()).await.body["total"], 0);
            let page = client
                .search(json!({"pageLimit": 1, "searchAfter": newest}))
                .await;
            assert_eq!(page.body["total"], 50_000);
        }
        let pages = start.elapsed();
        for (least, now) in spent.iter_mut().zip([reads, searches, refused, pages]) {
            *least = now.min(*least);
        }
    }
    let kinds = [
        "100 reads",
        "100 searches by e-mail",
        "100 refused duplicates",
        "200 ordered pages",
    ];
    for (what, time) in kinds.into_iter().zip(spent) {
        assert!(time < Duration::from_millis(500), "{what} took {time:?}");
    }
}
