//! The API's own manners: who may ask, and how it says no.

use serde_json::Value as Json;

use crate::world::World;

async fn ask(
    method: &str,
    url: &str,
    token: Option<&str>,
    body: Option<(&str, &str)>,
) -> (u16, Json) {
    let mut request = reqwest::Client::new().request(method.parse().unwrap(), url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some((kind, body)) = body {
        request = request.header("content-type", kind).body(body.to_owned());
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    let json = serde_json::from_str(&text).unwrap_or(Json::String(text));
    (status, json)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_no_has_a_status_a_code_and_words() {
    let world = World::start().await;
    let server = world.serve().await;
    let url = |path: &str| format!("{}{path}", server.url);
    let own = Some(server.token.as_str());
    let json = |body| Some(("application/json", body));
    for (method, path, token, body, status, code) in [
        ("GET", "/api/v1/status", None, None, 401, "TDM-S002"),
        (
            "GET",
            "/api/v1/status",
            Some("tandem_0"),
            None,
            401,
            "TDM-S002",
        ),
        ("GET", "/metrics", None, None, 401, "TDM-S002"),
        ("GET", "/nowhere", None, None, 404, "TDM-Y007"),
        ("GET", "/api/v1/nowhere", own, None, 404, "TDM-Y007"),
        ("DELETE", "/healthz", None, None, 405, "TDM-S003"),
        (
            "GET",
            "/api/v1/calls?limit=many",
            own,
            None,
            400,
            "TDM-S003",
        ),
        ("GET", "/api/v1/calls?limits=1", own, None, 400, "TDM-S003"),
        (
            "GET",
            "/api/v1/connections/nobody",
            own,
            None,
            404,
            "TDM-K001",
        ),
        (
            "POST",
            "/api/v1/syncs/nothing/run",
            own,
            None,
            404,
            "TDM-Y001",
        ),
        (
            "POST",
            "/api/v1/reviews/0197a3c2/resolve",
            own,
            json("{\"choice\": \"x\"}"),
            404,
            "TDM-Y004",
        ),
        (
            "POST",
            "/api/v1/reviews/0197a3c2/resolve",
            own,
            json("{"),
            400,
            "TDM-S003",
        ),
        (
            "PUT",
            "/api/v1/config",
            own,
            Some(("application/yaml", "version: 7\n")),
            422,
            "TDM-C005",
        ),
        ("GET", "/connect/marketing", None, None, 403, ""),
        ("GET", "/oauth/callback?code=x&state=y", None, None, 403, ""),
    ] {
        let (got, answer) = ask(method, &url(path), token, body).await;
        assert_eq!(got, status, "{method} {path}: {answer}");
        if !code.is_empty() {
            assert_eq!(answer["code"], code, "{method} {path}: {answer}");
            assert!(!answer["message"].as_str().unwrap().is_empty());
        }
    }
    assert_eq!(ask("GET", &url("/healthz"), None, None).await.0, 200);
    assert_eq!(ask("GET", &url("/readyz"), None, None).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_config_may_look_and_only_look() {
    let world = World::start().await;
    let made = world.run_bare(&["token", "grafana"]).await;
    assert_eq!(made.code, 0, "{made:#?}");
    let token = made.out.trim();
    let part = &made.err[made.err.find("api:").unwrap()..];
    let config = world.write("tandem.yaml", &format!("{}\n{part}", world.config_text()));
    let server = world
        .serve_with(&["--config", config.to_str().unwrap()])
        .await;
    let url = |path: &str| format!("{}{path}", server.url);

    assert_eq!(
        ask("GET", &url("/api/v1/status"), Some(token), None)
            .await
            .0,
        200
    );
    let (status, page) = ask("GET", &url("/metrics"), Some(token), None).await;
    assert_eq!(status, 200);
    let page = page.as_str().unwrap();
    assert!(
        page.contains("tandem_connection_usable{connection=\"office\"} 0\n"),
        "{page}"
    );
    let (status, answer) = ask(
        "POST",
        &url("/api/v1/syncs/people/pause"),
        Some(token),
        None,
    )
    .await;
    assert_eq!((status, &answer["code"]), (403, &Json::from("TDM-S002")));

    // the token itself is nowhere: not in the database, not in the log
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes
            .windows(token.len())
            .any(|part| part == token.as_bytes());
        assert!(!found, "{}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_config_the_server_says_what_to_do() {
    let world = World::start().await;
    let ran = world.run(&["serve"]).await;
    ran.refused(3, &["TDM-C014", "tandem init"]);
}
