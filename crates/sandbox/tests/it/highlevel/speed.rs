//! A large account answers by index. Counted are the contacts that an answer looks at, not its time.

use serde_json::{Value, json};

use super::client::Client;

/// How many contacts one answer may look at.
const MOST: u64 = 100;

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
    let looked_at = || {
        client
            .control
            .highlevel(sandbox::highlevel::State::looked_at)
    };
    for step in 0..100 {
        let before = looked_at();
        client.contact(&ids[step * 400]).await;
        few("a read", looked_at() - before);

        let before = looked_at();
        assert_eq!(client.search(email(step)).await.body["total"], 1);
        few("a search by e-mail", looked_at() - before);

        let before = looked_at();
        let body =
            json!({"locationId": client.location, "email": format!("P{}@example.org", step * 400)});
        assert_eq!(client.post("/contacts/", body).await.status, 400);
        few("a refused duplicate", looked_at() - before);

        let before = looked_at();
        assert_eq!(client.search(since.clone()).await.body["total"], 0);
        let page = client
            .search(json!({"pageLimit": 1, "searchAfter": newest}))
            .await;
        assert_eq!(page.body["total"], 50_000);
        few("two ordered pages", looked_at() - before);
    }
}

fn few(what: &str, looks: u64) {
    assert!(looks <= MOST, "{what}: {looks} of 50,000 contacts");
}
