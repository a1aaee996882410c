//! Rate limits and what a refusal says.

use serde_json::json;

use super::client::{Answer, Client};

fn header(answer: &Answer, name: &str) -> Option<i64> {
    answer
        .headers
        .get(name)
        .map(|value| value.to_str().unwrap().parse().unwrap())
}

async fn ask(client: &Client) -> Answer {
    client
        .get(&format!("/users/?locationId={}", client.location))
        .await
}

#[tokio::test]
async fn burst() {
    let client = Client::new(&[]);
    for left in (0..100).rev() {
        let answer = ask(&client).await;
        assert_eq!(
            (answer.status, header(&answer, "x-ratelimit-remaining")),
            (200, Some(left))
        );
        client.advance(10);
    }
    let refused = ask(&client).await;
    assert_eq!(
        (refused.status, &refused.body["statusCode"]),
        (429, &json!(429))
    );
    assert_eq!(header(&refused, "x-ratelimit-max"), Some(100));
    assert_eq!(
        header(&refused, "x-ratelimit-interval-milliseconds"),
        Some(10_000)
    );
    assert_eq!(
        header(&refused, "x-ratelimit-daily-remaining"),
        Some(199_900),
        "a refusal takes nothing"
    );
    client.advance(10_000 - 1_000);
    assert_eq!(
        ask(&client).await.status,
        200,
        "the window slides: the first request has left it"
    );
    assert_eq!(ask(&client).await.status, 429);
    client.turn("highlevel.burst_limit", 102);
    assert_eq!(ask(&client).await.status, 200);
    client.turn("highlevel.burst_window_ms", 1);
    client.advance(1);
    assert_eq!(
        header(&ask(&client).await, "x-ratelimit-remaining"),
        Some(101)
    );
    client.turn("highlevel.rate_limit", false);
    assert_eq!(header(&ask(&client).await, "x-ratelimit-max"), None);
}

#[tokio::test]
async fn daily() {
    let client = Client::new(&[("highlevel.daily_limit", json!(2))]);
    ask(&client).await;
    ask(&client).await;
    let refused = ask(&client).await;
    assert_eq!(
        (
            refused.status,
            header(&refused, "x-ratelimit-daily-remaining")
        ),
        (429, Some(0))
    );
    assert_eq!(header(&refused, "x-ratelimit-limit-daily"), Some(2));
    assert_eq!(
        header(&refused, "x-ratelimit-daily-reset"),
        Some(12 * 60 * 60 * 1000)
    );
    client.turn("highlevel.daily_reset_header", false);
    assert_eq!(header(&ask(&client).await, "x-ratelimit-daily-reset"), None);
    client.advance(12 * 60 * 60 * 1000);
    assert_eq!(ask(&client).await.status, 200, "a new day");
}

#[tokio::test]
async fn refusals() {
    let client = Client::new(&[("highlevel.burst_limit", json!(0))]);
    assert!(ask(&client).await.headers.get("retry-after").is_none());
    client.turn("highlevel.retry_after", true);
    assert_eq!(header(&ask(&client).await, "retry-after"), Some(1));
    for (choice, body) in [
        ("text", "Too Many Requests"),
        ("empty", ""),
        ("html", "<html><body>429 Too Many Requests</body></html>"),
    ] {
        client.turn("highlevel.throttle_body", choice);
        let refused = ask(&client).await;
        assert_eq!(
            (refused.status, refused.raw.as_ref()),
            (429, body.as_bytes())
        );
    }
    let totals = client
        .control
        .core()
        .counts
        .totals(sandbox::System::HighLevel);
    assert_eq!((totals.reads, totals.throttled, totals.failed), (5, 5, 0));
}

#[tokio::test]
async fn each_location_and_app_has_its_own() {
    let client = Client::new(&[("highlevel.burst_limit", json!(1))]);
    assert_eq!(ask(&client).await.status, 200);
    assert_eq!(ask(&client).await.status, 429);
    let tokens = super::oauth::location_tokens(&client).await;
    let path = format!("/users/?locationId={}", client.location);
    let app = client
        .call_as(tokens["access_token"].as_str().unwrap(), "GET", &path, None)
        .await;
    assert_eq!(app.status, 200, "the app's budget is another");
}
