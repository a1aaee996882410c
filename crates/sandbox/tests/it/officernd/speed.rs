//! Many members are answered by index. Counted are the objects that an answer looks at, not its time.

use serde_json::{Value, json};

use super::client::Client;

/// How many objects one answer may look at.
const MOST: u64 = 100;

#[tokio::test]
async fn many_members_answer_by_index() {
    let client = Client::quiet(&[]).await;
    let people: Vec<Value> = (0..50_000)
        .map(|number| {
            json!({"name": format!("Name {number}"), "email": format!("p{number}@x.de"),
                "companyName": format!("Firm {}", number / 20), "properties": {"crm_id": format!("hl{number}")}})
        })
        .collect();
    let ids = client
        .control
        .seed(sandbox::System::OfficeRnd, &people)
        .unwrap();
    client.advance(60_000);
    let looked_at = || {
        client
            .control
            .officernd(sandbox::officernd::State::looked_at)
    };
    let calls: Vec<(&str, Vec<String>)> = vec![
        (
            "by id",
            (0..50)
                .map(|n| format!("/members?_id={}", ids[n * 900]))
                .collect(),
        ),
        (
            "by e-mail",
            (0..50)
                .map(|n| format!("/members?email=p{}%40x.de", n * 900))
                .collect(),
        ),
        (
            "by property",
            (0..50)
                .map(|n| format!("/members?properties[crm_id]=hl{}", n * 900))
                .collect(),
        ),
        (
            "by company",
            (0..50)
                .map(|n| format!("/companies?name=Firm%20{n}"))
                .collect(),
        ),
        (
            "changed since",
            (0..50)
                .map(|_| "/members?modifiedAt[$gte]=2026-03-01T12:00:30Z".to_owned())
                .collect(),
        ),
    ];
    for (what, paths) in calls {
        for path in &paths {
            let before = looked_at();
            let rows = client.ok(path).await["results"].as_array().unwrap().len();
            assert_eq!(rows, usize::from(what != "changed since"), "{path}");
            let looks = looked_at() - before;
            assert!(looks <= MOST, "{what}: {looks} objects for {path}");
        }
    }
    let before = looked_at();
    let mut path = "/members".to_owned();
    let mut rows = 0;
    loop {
        let page = client.ok(&path).await;
        rows += page["results"].as_array().unwrap().len();
        match page["cursorNext"].as_str() {
            Some(next) => path = format!("/members?$cursorNext={next}"),
            None => break,
        }
    }
    assert_eq!(rows, 50_000);
    let looks = looked_at() - before;
    assert!(
        (50_000..=10 * 50_000).contains(&looks),
        "{looks} objects for a listing of 50,000"
    );
}
