//! Tokens and scopes.

use serde_json::json;

use super::client::Client;

#[tokio::test]
async fn answer() {
    let client = Client::quiet(&[]).await;
    let scopes = json!(["flex.community.members.read", "officernd.api.read"]);
    let answer = client.sign_in(&scopes).await;
    let token = answer.body["access_token"].as_str().unwrap();
    assert!(token.starts_with("eyJ") && token.split('.').count() == 3);
    assert_eq!(
        answer.body,
        json!({"access_token": token, "token_type": "Bearer", "expires_in": 3599,
            "scope": "flex.community.members.read officernd.api.read"})
    );
    client.turn("token_field", "token");
    assert!(client.sign_in(&scopes).await.body["token"].is_string());
}

#[tokio::test]
async fn five_a_minute() {
    let client = Client::new(&[]).await;
    // one was taken to open; failed calls count as well
    for _ in 0..4 {
        assert_eq!(client.ask_for_token(&[]).await.status, 400);
    }
    let refused = client
        .sign_in(&json!(["flex.community.members.read"]))
        .await;
    assert_eq!(refused.status, 429);
    assert_eq!(
        refused.raw.as_ref(),
        b"Too many requests, please try again later"
    );
    client.advance(60_000);
    client.turn("tokens_a_minute", 1);
    let scopes = json!(["flex.community.members.read"]);
    assert_eq!(client.sign_in(&scopes).await.status, 200);
    assert_eq!(client.sign_in(&scopes).await.status, 429);
    let totals = client
        .control
        .core()
        .counts
        .totals(sandbox::System::OfficeRnd);
    assert_eq!((totals.sign_ins, totals.throttled, totals.reads), (8, 2, 0));
}

#[tokio::test]
async fn life() {
    let client = Client::quiet(&[]).await;
    client.advance(3_598_999);
    assert_eq!(client.get("/members").await.status, 200);
    client.advance(1);
    let expired = client.get("/members").await;
    assert_eq!(
        (expired.status, expired.body),
        (
            401,
            json!({"statusCode": 401, "message": "Unauthorized access", "error": "Unauthorized"})
        )
    );
    client.turn("token_life_s", 5);
    let answer = client
        .sign_in(&json!(["flex.community.members.read"]))
        .await;
    assert_eq!(answer.body["expires_in"], 5);
    let token = answer.body["access_token"].as_str().unwrap();
    assert_eq!(
        client.call_as(token, "GET", "/members", None).await.status,
        200
    );
    client.act("expire_tokens", json!({}));
    assert_eq!(
        client.call_as(token, "GET", "/members", None).await.status,
        401
    );
}

#[tokio::test]
async fn ungranted_scope() {
    let client = Client::quiet(&[]).await;
    client.act(
        "set_scopes",
        json!({"scopes": ["flex.community.members.read"]}),
    );
    let asked = json!([
        "flex.community.members.read",
        "flex.community.members.update"
    ]);
    let refused = client.sign_in(&asked).await;
    assert_eq!(
        (refused.status, &refused.body["access_token"]),
        (400, &json!(null)),
        "one fails all"
    );
    client.turn("ungranted_scope", "drop");
    let answer = client.sign_in(&asked).await;
    assert_eq!(answer.body["scope"], "flex.community.members.read");
    let none = client
        .sign_in(&json!(["flex.community.members.update"]))
        .await;
    assert_eq!(none.status, 400);
}

#[tokio::test]
async fn refusals() {
    let client = Client::quiet(&[("officernd.tokens_a_minute", json!(100))]).await;
    let id = client.access["clientId"].as_str().unwrap();
    let secret = client.access["clientSecret"].as_str().unwrap();
    let scope = "flex.community.members.read";
    let form = |grant: &str, secret: &str, scope: &str| {
        [
            ("grant_type", grant.to_owned()),
            ("client_id", id.to_owned()),
            ("client_secret", secret.to_owned()),
            ("scope", scope.to_owned()),
        ]
    };
    let wrong = [
        form("client_credentials", "nonsense", scope),
        form("client_credentials", secret, "flex.community.nothing.read"),
        form("client_credentials", secret, ""),
        form("password", secret, scope),
    ];
    let ask = async |form: &[(&str, String); 4]| {
        let form: Vec<(&str, &str)> = form
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        client.ask_for_token(&form).await
    };
    let mut same = Vec::new();
    for form in &wrong {
        let answer = ask(form).await;
        assert_eq!(answer.status, 400);
        same.push(answer.raw);
    }
    assert!(same.iter().all(|body| body == &same[0]), "{same:?}");
    client.turn("token_error", "told_apart");
    let mut errors = Vec::new();
    for form in &wrong {
        errors.push(ask(form).await.body["error"].clone());
    }
    assert_eq!(
        errors,
        [
            "invalid_client",
            "invalid_scope",
            "invalid_request",
            "unsupported_grant_type"
        ]
    );
    client.turn("token_error", "text");
    assert_eq!(ask(&wrong[0]).await.raw.as_ref(), b"Bad Request");
}

#[tokio::test]
async fn missing_scope() {
    let client = Client::quiet(&[]).await;
    let answer = client
        .sign_in(&json!([
            "flex.community.companies.read",
            "officernd.api.write"
        ]))
        .await;
    let token = answer.body["access_token"].as_str().unwrap();
    let refused = client.call_as(token, "GET", "/members", None).await;
    let nobody = client.call_as("nonsense", "GET", "/members", None).await;
    assert_eq!((refused.status, &refused.raw), (401, &nobody.raw));
    assert_eq!(
        client
            .call_as(token, "GET", "/companies", None)
            .await
            .status,
        200
    );
    client.turn("missing_scope", "403");
    assert_eq!(
        client.call_as(token, "GET", "/members", None).await.status,
        403
    );
}

#[tokio::test]
async fn an_application_loses_its_secret_and_goes() {
    let client = Client::quiet(&[]).await;
    let other = client.act(
        "create_application",
        json!({"scopes": ["flex.space.locations.read"]}),
    );
    assert_eq!(other["scopes"], json!(["flex.space.locations.read"]));
    client.act("rotate_secret", json!({}));
    let scopes = json!(["flex.community.members.read"]);
    assert_eq!(client.sign_in(&scopes).await.status, 400);
    assert_eq!(
        client.get("/members").await.status,
        200,
        "the token lives on"
    );
    client.act(
        "remove_application",
        json!({"clientId": client.access["clientId"]}),
    );
    assert_eq!(client.get("/members").await.status, 401);
}
