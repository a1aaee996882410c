//! Rate limits and what a refusal says.

use serde_json::json;

use super::client::{Answer, Client};

async fn read(client: &Client) -> Answer {
    client.get("/locations").await
}

#[tokio::test]
async fn minute() {
    let client = Client::new(&[]).await;
    for left in (0..400).rev() {
        let answer = read(&client).await;
        assert_eq!(
            (
                answer.status,
                answer.header("x-ratelimit-remaining-read-minute")
            ),
            (200, Some(left))
        );
        client.advance(100);
    }
    let refused = read(&client).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("x-ratelimit-limit-read-minute"), Some(400));
    assert_eq!(refused.header("x-ratelimit-reset-read-minute"), Some(20));
    assert_eq!(
        refused.header("x-ratelimit-remaining-read-day"),
        Some(19_600),
        "a refusal takes nothing"
    );
    client.turn("reset_header", "timestamp");
    let at_s = client.control.core().clock.now_ms() / 1000;
    assert_eq!(
        read(&client).await.header("x-ratelimit-reset-read-minute"),
        Some(at_s + 20)
    );
    client.turn("reads_a_minute", 401);
    assert_eq!(read(&client).await.status, 200);
    client.turn("rate_limit", false);
    let free = read(&client).await;
    assert_eq!(
        (free.status, free.header("x-ratelimit-limit-read-minute")),
        (200, None)
    );
}

#[tokio::test]
async fn day() {
    let client = Client::new(&[
        ("officernd.reads_a_day", json!(1)),
        ("officernd.writes_a_day", json!(1)),
    ])
    .await;
    assert_eq!(read(&client).await.status, 200);
    assert_eq!(read(&client).await.status, 429);
    assert_eq!(
        client.post("/members", json!({})).await.status,
        400,
        "writes have their own"
    );
    assert_eq!(client.post("/members", json!({})).await.status, 429);
    client.advance(24 * 60 * 60 * 1000);
    let scopes = client.access["scopes"].clone();
    let token = client.sign_in(&scopes).await.body["access_token"].clone();
    let again = client
        .call_as(token.as_str().unwrap(), "GET", "/locations", None)
        .await;
    assert_eq!(again.status, 200);
}

#[tokio::test]
async fn writes() {
    let client = Client::new(&[("officernd.writes_a_minute", json!(2))]).await;
    let write = async || client.post("/members", json!({})).await;
    let first = write().await;
    assert_eq!(first.status, 400);
    assert_eq!(first.header("x-ratelimit-limit-write-minute"), None);
    client.turn("write_headers", true);
    assert_eq!(
        write().await.header("x-ratelimit-remaining-write-minute"),
        Some(0)
    );
    assert_eq!(write().await.status, 429);
    assert_eq!(read(&client).await.status, 200);
}

#[tokio::test]
async fn window() {
    let client = Client::new(&[("officernd.reads_a_minute", json!(2))]).await;
    read(&client).await;
    client.advance(40_000);
    read(&client).await;
    client.advance(20_000);
    assert_eq!(read(&client).await.status, 200, "the first has left");
    assert_eq!(read(&client).await.status, 429, "the second has not");
    client.advance(60_000);
    client.turn("limit_window", "fixed");
    read(&client).await;
    client.advance(59_999);
    read(&client).await;
    assert_eq!(read(&client).await.status, 429);
    client.advance(1);
    read(&client).await;
    assert_eq!(read(&client).await.status, 200, "all at once are free");
}

#[tokio::test]
async fn refusals() {
    let client = Client::new(&[("officernd.reads_a_minute", json!(1))]).await;
    read(&client).await;
    client.advance(500);
    let refused = read(&client).await;
    assert_eq!(
        refused.body,
        json!({"statusCode": 429, "message": "ThrottlerException: Too Many Requests"})
    );
    assert_eq!(refused.header("retry-after-read-minute"), Some(60));
    assert_eq!(refused.header("retry-after"), None);
    client.turn("retry_after", "plain");
    assert_eq!(read(&client).await.header("retry-after"), Some(60));
    client.turn("retry_after", "none");
    client.turn("throttle_body", "text");
    let refused = read(&client).await;
    assert_eq!(
        (refused.header("retry-after"), refused.raw.as_ref()),
        (None, &b"Too Many Requests"[..])
    );
    client.turn("throttle_body", "empty");
    assert!(read(&client).await.raw.is_empty());
}
