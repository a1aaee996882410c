//! Sign-in, tokens and their rotation.

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use serde_json::{Value, json};

use super::client::{Answer, Client};

const BACK: &str = "https://tandem.example/callback";

pub(crate) async fn authorize(client: &Client, approve: &str, extra: &str) -> Answer {
    let id = client.access()["clientId"].as_str().unwrap().to_owned();
    let path = format!(
        "/highlevel/v2/oauth/chooselocation?response_type=code&redirect_uri={BACK}&client_id={id}\
         &scope=contacts.readonly%20contacts.write%20users.readonly%20oauth.write%20oauth.readonly&state=s%26t{extra}{approve}"
    );
    client
        .raw(Request::get(path).body(Body::empty()).unwrap())
        .await
        .unwrap()
}

pub(crate) async fn code(client: &Client, approve: &str) -> String {
    let answer = authorize(client, &format!("&sandbox_approve={approve}"), "").await;
    assert_eq!(
        answer.status,
        302,
        "{}",
        String::from_utf8_lossy(&answer.raw)
    );
    let target = url::Url::parse(answer.headers["location"].to_str().unwrap()).unwrap();
    let parameter = |name: &str| {
        target
            .query_pairs()
            .find(|(own, _)| own == name)
            .unwrap()
            .1
            .into_owned()
    };
    assert_eq!(
        (target.path(), parameter("state")),
        ("/callback", "s&t".to_owned())
    );
    parameter("code")
}

/// A form-encoded token request, with the app's id and secret.
pub(crate) async fn token(client: &Client, pairs: &[(&str, &str)]) -> Answer {
    let access = client.access();
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("client_id", access["clientId"].as_str().unwrap());
    form.append_pair("client_secret", access["clientSecret"].as_str().unwrap());
    form.extend_pairs(pairs);
    let request = Request::post("/highlevel/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded");
    client
        .raw(request.body(Body::from(form.finish())).unwrap())
        .await
        .unwrap()
}

pub(crate) async fn location_tokens(client: &Client) -> Value {
    let code = code(client, "first").await;
    let answer = token(
        client,
        &[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", BACK),
        ],
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

pub(crate) async fn company_token(client: &Client) -> String {
    let code = code(client, "company").await;
    let answer = token(
        client,
        &[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("user_type", "Company"),
        ],
    )
    .await;
    assert_eq!(answer.body["userType"], "Company");
    assert!(answer.body.get("locationId").is_none());
    assert_eq!(
        answer.body["approvedLocations"].as_array().unwrap().len(),
        2
    );
    answer.body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn choose_location() {
    let client = Client::quiet(&[]);
    let page = authorize(&client, "", "").await;
    let html = String::from_utf8(page.raw.to_vec()).unwrap();
    assert_eq!(page.status, 200);
    for button in [
        "Musterhaus Immobilien",
        "Seeblick Wohnen",
        "Musterhaus Agentur (agency, all locations)",
    ] {
        assert!(html.contains(button), "{html}");
    }
    // What the button of the main location posts.
    let fields: Vec<(String, String)> = html
        .split("<input type=\"hidden\" name=\"")
        .skip(1)
        .map(|rest| {
            let (name, rest) = rest.split_once("\" value=\"").unwrap();
            (
                name.to_owned(),
                rest.split_once('"').unwrap().0.replace("&amp;", "&"),
            )
        })
        .collect();
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(&fields)
        .append_pair("sandbox_approve", &client.location);
    let pressed = Request::post("/highlevel/oauth/chooselocation")
        .body(Body::from(form.finish()))
        .unwrap();
    let sent_back = client.raw(pressed).await.unwrap();
    assert_eq!(sent_back.status, 302);
    assert!(
        sent_back.headers["location"]
            .to_str()
            .unwrap()
            .ends_with("&state=s%26t")
    );

    client.turn("highlevel.draft_app", true);
    let refused = authorize(&client, "&sandbox_approve=first", "").await;
    assert_eq!(refused.status, 400);
    assert!(String::from_utf8_lossy(&refused.raw).contains("error.noversionid"));
    let version = client.access()["apps"][0]["versionId"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        authorize(
            &client,
            "&sandbox_approve=first",
            &format!("&version_id={version}")
        )
        .await
        .status,
        302
    );

    client.turn("highlevel.draft_app", false);
    client.act(
        "configure_app",
        json!({"redirectUris": ["https://other.example/callback"]}),
    );
    assert_eq!(
        authorize(&client, "&sandbox_approve=first", "")
            .await
            .status,
        400,
        "only registered addresses"
    );
    let local = json!({"redirectUris": ["http://127.0.0.1:4100/back"]});
    client.act("configure_app", local);
    let id = client.access()["clientId"].as_str().unwrap().to_owned();
    let path = format!(
        "/highlevel/oauth/chooselocation?response_type=code&client_id={id}&scope=contacts.readonly\
         &redirect_uri=http://127.0.0.1:4100/back&sandbox_approve=first"
    );
    let ask = || client.raw(Request::get(&path).body(Body::empty()).unwrap());
    assert_eq!(ask().await.unwrap().status, 302);
    client.turn("highlevel.loopback_redirects", false);
    assert_eq!(ask().await.unwrap().status, 400);
}

#[tokio::test]
async fn codes() {
    let client = Client::quiet(&[("highlevel.token_request", json!("any"))]);
    let first = code(&client, "first").await;
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", first.as_str()),
    ];
    let tokens = token(&client, &grant).await;
    assert_eq!(
        (tokens.status, &tokens.body["locationId"]),
        (200, &json!(client.location))
    );
    assert_eq!(
        (&tokens.body["expires_in"], &tokens.body["userType"]),
        (&json!(86_399), &json!("Location"))
    );
    let claims = tokens.body["access_token"]
        .as_str()
        .unwrap()
        .split('.')
        .nth(1)
        .unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(
        (&claims["authClass"], &claims["authClassId"]),
        (&json!("Location"), &json!(client.location))
    );

    let again = token(&client, &grant).await;
    assert_eq!(again.status, 401, "a code is good once");
    assert_eq!(
        again.body["error_description"],
        "Authorization code not found"
    );

    let wrong = json!({"client_id": "x", "client_secret": "y", "grant_type": "authorization_code", "code": "nothing"});
    let request = Request::post("/highlevel/oauth/token")
        .body(Body::from(wrong.to_string()))
        .unwrap();
    assert_eq!(
        client.raw(request).await.unwrap().body["error_description"],
        "Authorization code not found",
        "JSON too; the code comes first"
    );

    let late = code(&client, "first").await;
    client.advance(600_000);
    assert_eq!(
        token(
            &client,
            &[("grant_type", "authorization_code"), ("code", &late)]
        )
        .await
        .status,
        401
    );
    client.turn("highlevel.code_life_s", 3_600);
    let slow = code(&client, "first").await;
    client.advance(600_000);
    let elsewhere = [
        ("grant_type", "authorization_code"),
        ("code", slow.as_str()),
        ("redirect_uri", "https://evil.example/"),
    ];
    assert_eq!(token(&client, &elsewhere).await.status, 400);
    assert_eq!(
        token(
            &client,
            &[("grant_type", "authorization_code"), ("code", &slow)]
        )
        .await
        .status,
        200
    );
    assert_eq!(
        token(&client, &[("grant_type", "password")]).await.body["message"],
        "Invalid parameter: grant_type"
    );
    assert_eq!(
        token(&client, &[("grant_type", "refresh_token")])
            .await
            .body["message"],
        "Missing parameter: refresh_token"
    );
}

#[tokio::test]
async fn refresh() {
    let client = Client::quiet(&[]);
    let first = location_tokens(&client).await;
    let path = format!("/users/?locationId={}", client.location);
    let text = |tokens: &Value, name: &str| tokens[name].as_str().unwrap().to_owned();
    let ask = async |token: &str| client.call_as(token, "GET", &path, None).await;
    client.advance(86_399_000 - 1);
    assert_eq!(ask(&text(&first, "access_token")).await.status, 200);
    client.advance(1);
    let expired = ask(&text(&first, "access_token")).await;
    assert_eq!(
        (expired.status, expired.body["message"].as_str()),
        (401, Some("Invalid token: access token is invalid"))
    );

    let old = text(&first, "refresh_token");
    let grant = [
        ("grant_type", "refresh_token"),
        ("refresh_token", old.as_str()),
    ];
    let second = token(&client, &grant).await.body;
    assert_eq!(ask(&text(&second, "access_token")).await.status, 200);
    client.advance(29_999);
    let mut twin = token(&client, &grant).await.body;
    twin["traceId"] = second["traceId"].clone();
    assert_eq!(twin, second, "for thirty seconds the same new pair");
    client.advance(1);
    let used = token(&client, &grant).await;
    assert_eq!(
        (used.status, used.body["message"].as_str()),
        (400, Some("Invalid grant: refresh token is invalid"))
    );

    client.turn("highlevel.refresh_grace_ms", 0);
    client.turn("highlevel.token_life_s", 60);
    let old = text(&second, "refresh_token");
    let grant = [
        ("grant_type", "refresh_token"),
        ("refresh_token", old.as_str()),
    ];
    client.act("set_location", json!({"active": false}));
    assert_eq!(
        token(&client, &grant).await.body["message"],
        "Location is not active"
    );
    client.act("set_location", json!({"active": true}));
    let third = token(&client, &grant).await;
    assert_eq!(
        (third.status, &third.body["expires_in"]),
        (200, &json!(60)),
        "the same refresh token works again"
    );
    assert_eq!(token(&client, &grant).await.status, 400);

    client.act("expire_tokens", json!({}));
    assert_eq!(ask(&text(&third.body, "access_token")).await.status, 401);
    client.act("revoke_tokens", json!({}));
    let old = text(&third.body, "refresh_token");
    assert_eq!(
        token(
            &client,
            &[("grant_type", "refresh_token"), ("refresh_token", &old)]
        )
        .await
        .status,
        400
    );
}

#[tokio::test]
async fn an_agency_gets_tokens_for_its_locations() {
    let client = Client::quiet(&[]);
    let company = company_token(&client).await;
    let access = client.access();
    let body = json!({"companyId": access["companyId"], "locationId": client.location});
    let minted = client
        .call_as(&company, "POST", "/oauth/locationToken", Some(&body))
        .await;
    assert_eq!(minted.status, 201);
    let scope = minted.body["scope"].as_str().unwrap();
    assert!(
        scope.contains("oauth.readonly")
            && scope.contains("oauth.write")
            && scope.contains("contacts.write")
    );
    assert_eq!(minted.body["expires_in"], 86_400);
    let token = minted.body["access_token"].as_str().unwrap();
    let listed = client
        .call_as(
            token,
            "GET",
            &format!("/contacts/?locationId={}", client.location),
            None,
        )
        .await;
    assert_eq!(listed.status, 200);

    let query = format!(
        "companyId={}&appId={}",
        access["companyId"].as_str().unwrap(),
        access["apps"][0]["appId"].as_str().unwrap()
    );
    let installed = client
        .call_as(
            &company,
            "GET",
            &format!("/oauth/installedLocations?{query}"),
            None,
        )
        .await;
    assert_eq!(
        (
            &installed.body["count"],
            &installed.body["locations"][0]["isInstalled"]
        ),
        (&json!(2), &json!(true))
    );
    let v3 = Request::get(format!(
        "/highlevel/oauth/installed-locations?{query}&pageSize=1"
    ))
    .header("authorization", format!("Bearer {company}"))
    .header("version", "v3");
    let v3 = client
        .raw(v3.body(Body::empty()).unwrap())
        .await
        .unwrap()
        .body;
    assert_eq!(
        (
            &v3["pagination"]["hasNextPage"],
            &v3["pagination"]["totalRecords"]
        ),
        (&json!(true), &json!(2))
    );

    client.act("uninstall", json!({"company": true}));
    let gone = client
        .call_as(
            token,
            "GET",
            &format!("/contacts/?locationId={}", client.location),
            None,
        )
        .await;
    assert_eq!(gone.status, 401, "an uninstall ends every token");
}

#[tokio::test]
async fn lost_tokens_come_back_by_reconnect() {
    let client = Client::quiet(&[]);
    location_tokens(&client).await;
    let access = client.access();
    let body = json!({"clientKey": access["clientId"], "clientSecret": access["clientSecret"], "locationId": client.location});
    let request = Request::post("/highlevel/oauth/reconnect")
        .body(Body::from(body.to_string()))
        .unwrap();
    let answer = client.raw(request).await.unwrap();
    assert_eq!(answer.body["expiresAt"], "2026-03-01T12:10:00.000Z");
    let code = answer.body["authorizationCode"].as_str().unwrap();
    assert_eq!(
        token(
            &client,
            &[("grant_type", "authorization_code"), ("code", code)]
        )
        .await
        .status,
        200
    );
}

#[tokio::test]
async fn v3_speaks_camel_case() {
    let client = Client::quiet(&[]);
    let code = code(&client, "first").await;
    let access = client.access();
    let mut body = json!({"clientId": access["clientId"], "clientSecret": access["clientSecret"], "grantType": "authorization_code"});
    let send = async |body: &Value| {
        let request = Request::post("/highlevel/oauth/token").header("version", "v3");
        client
            .raw(request.body(Body::from(body.to_string())).unwrap())
            .await
            .unwrap()
    };
    assert_eq!(send(&body).await.body["message"], "Missing parameter: code");
    body["code"] = json!(code);
    let tokens = send(&body).await.body;
    assert!(tokens["accessToken"].is_string() && tokens["refreshToken"].is_string());
    assert_eq!(
        (&tokens["expiresIn"], &tokens["userType"]),
        (&json!(86_399), &json!("Location"))
    );
}

#[tokio::test]
async fn token_request() {
    let client = Client::quiet(&[]);
    let access = client.access();
    let body = json!({"client_id": access["clientId"], "client_secret": access["clientSecret"],
        "grant_type": "authorization_code", "code": code(&client, "first").await});
    let send = async || {
        let request = Request::post("/highlevel/oauth/token");
        let request = request.body(Body::from(body.to_string())).unwrap();
        client.raw(request).await.unwrap()
    };
    let refused = send().await;
    assert_eq!(
        (refused.status, &refused.body["message"]),
        (400, &json!("Missing parameter: grant_type"))
    );
    client.turn("highlevel.token_request", "any");
    assert_eq!(send().await.status, 200);
}

#[tokio::test]
async fn minted_scopes_grow() {
    let client = Client::quiet(&[]);
    let company = company_token(&client).await;
    let body = json!({"companyId": client.access()["companyId"], "locationId": client.location});
    for (grow, has) in [(true, true), (false, false)] {
        client.turn("highlevel.minted_scopes_grow", grow);
        client.act(
            "install",
            json!({"company": true, "scopes": ["contacts.readonly"]}),
        );
        let minted = client
            .call_as(&company, "POST", "/oauth/locationToken", Some(&body))
            .await;
        let scope = minted.body["scope"].as_str().unwrap();
        assert_eq!(scope.contains("oauth.write"), has, "{scope}");
    }
}
