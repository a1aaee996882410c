//! Around the actions: signatures, clocks, tokens, status blocks, encoding.

use sandbox::System;
use serde_json::{Value, json};

use super::{Office, call, create, modify, read};

#[tokio::test]
async fn results_come_in_order_and_echo_what_was_asked() {
    let office = Office::open();
    let mut first = office.signed(&create(
        json!({"Name": "Über/Straße", "email": "u@example.org"}),
    ));
    first["identifier"] = json!("lead/7");
    let second = office.signed(&read(json!({"data": ["Name"]})));
    let body = json!({"token": office.token, "request": {"actions": [first, second]}});
    let text = office.text(body.to_string()).await;
    assert_eq!(
        text,
        concat!(
            r#"{"status":{"code":200,"errorcode":0,"message":"OK"},"response":{"results":["#,
            r#"{"actionid":"urn:onoffice-de-ns:smart:2.5:smartml:action:create","resourceid":"","resourcetype":"address","#,
            r#""cacheable":false,"identifier":"lead\/7","data":{"meta":{"cntabsolute":null},"#,
            r#""records":[{"id":1001,"type":"address","elements":[]}]},"status":{"errorcode":0,"message":"OK"}},"#,
            r#"{"actionid":"urn:onoffice-de-ns:smart:2.5:smartml:action:read","resourceid":"","resourcetype":"address","#,
            r#""cacheable":true,"identifier":"test","data":{"meta":{"cntabsolute":1},"#,
            r#""records":[{"id":1001,"type":"address","elements":{"id":1001,"Name":"\u00dcber\/Stra\u00dfe"}}]},"#,
            r#""status":{"errorcode":0,"message":"OK"}}]}}"#,
        )
    );
}

#[tokio::test]
async fn php_escapes() {
    let office = Office::open();
    office.turn("php_escapes", json!(false));
    let body = json!({"token": office.token, "request": {"actions": [
        office.signed(&create(json!({"Name": "Über/Straße"}))),
        office.signed(&read(json!({"data": ["Name"]}))),
    ]}});
    assert!(office.text(body.to_string()).await.contains("Über/Straße"));
}

#[tokio::test]
async fn empty_elements_as_array() {
    let office = Office::open();
    assert_eq!(
        office.ok(&create(json!({"Name": "A"}))).await["records"][0]["elements"],
        json!([])
    );
    office.turn("empty_elements_as_array", json!(false));
    assert_eq!(
        office.ok(&create(json!({"Name": "B"}))).await["records"][0]["elements"],
        json!({})
    );
}

#[tokio::test]
async fn batch_ends_at_error() {
    let office = Office::open();
    for (ends, results) in [(false, 3), (true, 2)] {
        office.turn("batch_ends_at_error", json!(ends));
        let named = |name: String| office.signed(&create(json!({ "Name": name })));
        let wrong = office.signed(&create(json!({"Nothing": "x"})));
        let actions = [
            named(format!("First {ends}")),
            wrong,
            named(format!("Last {ends}")),
        ];
        let body = json!({"token": office.token, "request": {"actions": actions}});
        let answer: Value = serde_json::from_str(&office.text(body.to_string()).await).unwrap();
        let got = answer["response"]["results"].as_array().unwrap();
        assert_eq!(got.len(), results, "{answer:#}");
        assert_eq!(got[1]["status"]["errorcode"], 141, "{answer:#}");
        let held = office.sandbox.control().dump(System::OnOffice).to_string();
        assert!(held.contains(&format!("First {ends}")));
        assert_eq!(held.contains(&format!("Last {ends}")), !ends);
    }
}

#[tokio::test]
async fn broken_envelopes() {
    let office = Office::open();
    let token = &office.token;
    for (body, code) in [
        (String::new(), 9),
        ("{".to_owned(), 4),
        (json!({"request": {"actions": [1]}}).to_string(), 13),
        (json!({"token": token}).to_string(), 14),
        (json!({"token": token, "request": {}}).to_string(), 15),
        (
            json!({"token": token, "request": {"actions": []}}).to_string(),
            15,
        ),
    ] {
        let answer: Value = serde_json::from_str(&office.text(body.clone()).await).unwrap();
        assert_eq!(answer["status"]["errorcode"], code, "{body}");
        assert_eq!(answer["response"]["results"], json!([]));
    }
    let mut not_utf8 = json!({"token": token}).to_string().into_bytes();
    not_utf8.push(0xff);
    let answer: Value = serde_json::from_str(&office.text(not_utf8).await).unwrap();
    assert_eq!(answer["status"]["errorcode"], 7);
}

#[tokio::test]
async fn broken_actions_fail_one_by_one() {
    let office = Office::open();
    let good = office.signed(&read(json!({"data": ["Name"]})));
    let with = |key: &str, value: Value| {
        let mut action = good.clone();
        action[key] = value;
        action
    };
    let without = |key: &str| {
        let mut action = good.clone();
        action.as_object_mut().unwrap().remove(key);
        action
    };
    let actions = vec![
        (json!(7), 247),
        (without("actionid"), 16),
        (with("actionid", json!("")), 17),
        (with("actionid", json!("urn:x:read")), 23),
        (without("resourcetype"), 19),
        (with("resourcetype", json!("Address")), 25),
        (without("resourceid"), 18),
        (without("timestamp"), 136),
        (without("hmac"), 137),
        (with("hmac_version", json!("3")), 137),
        (with("parameters", json!({"": 1})), 21),
        (without("parameters"), 20),
        (with("hmac_version", json!(2)), 0),
        (with("timestamp", json!(office.seconds().to_string())), 0),
        (with("resourceid", Value::Null), 0),
    ];
    let answer = office
        .raw(actions.iter().map(|(action, _)| action.clone()).collect())
        .await;
    for (result, (action, code)) in answer["response"]["results"]
        .as_array()
        .unwrap()
        .iter()
        .zip(&actions)
    {
        assert_eq!(result["status"]["errorcode"], *code, "{action}");
        assert_eq!(result["data"].is_array(), *code != 0, "{action}");
    }
}

#[tokio::test]
async fn error_placement() {
    let office = Office::open();
    let batch = || {
        vec![
            office.signed(&create(json!({"Name": "Stays"}))),
            office.signed(&create(json!({"Bemerkung": "x"}))),
            office.signed(&modify(999, json!({"Name": "x"}))),
        ]
    };
    let answer = office.raw(batch()).await;
    let text = "Unknown field: Bemerkung";
    assert_eq!(
        answer["status"],
        json!({"code": 500, "errorcode": 141, "message": text})
    );
    let results = &answer["response"]["results"];
    assert_eq!(results[0]["status"]["errorcode"], 0);
    assert_eq!(
        results[1]["status"],
        json!({"errorcode": 141, "message": text})
    );
    assert_eq!(
        (&results[1]["data"], &results[1]["cacheable"]),
        (&json!([]), &json!(false))
    );
    assert_eq!(results[2]["status"]["errorcode"], 80);

    office.turn("error_placement", json!("silent"));
    let answer = office.raw(batch()).await;
    assert_eq!(
        answer["status"],
        json!({"code": 200, "errorcode": 0, "message": "OK"})
    );
    assert_eq!(answer["response"]["results"][1]["status"]["errorcode"], 141);

    office.turn("error_placement", json!("97"));
    let answer = office.raw(batch()).await;
    assert_eq!(
        answer["status"],
        json!({"code": 500, "errorcode": 97, "message": "Error in action"})
    );
    assert_eq!(office.ids(json!({})).await.len(), 3);
}

#[tokio::test]
async fn timestamp_window() {
    let office = Office::open();
    let ask = read(json!({"data": ["Name"]}));
    let now = office.seconds();
    let code = |answer: Value| answer["response"]["results"][0]["status"]["errorcode"].clone();
    for (offset, expected) in [(-120, 0), (120, 0), (-121, 136), (121, 136)] {
        let action = office.signed_at(&ask, now + offset);
        assert_eq!(code(office.raw(vec![action]).await), expected, "{offset}");
    }
    office.turn("timestamp_window_seconds", json!(10));
    assert_eq!(
        code(office.raw(vec![office.signed_at(&ask, now - 11)]).await),
        136
    );
}

#[tokio::test]
async fn clock_offset() {
    let office = Office::open();
    office.turn("clock_offset_seconds", json!(3600));
    let ask = create(json!({"Name": "Later"}));
    let response = office
        .post(
            json!({"token": office.token, "request": {"actions": [office.signed(&ask)]}})
                .to_string(),
        )
        .await;
    // the Date header lets a client find the server's time
    assert_eq!(response.headers()["date"], "Mon, 15 Jun 2026 09:00:00 GMT");
    assert_eq!(office.code(&ask).await, 136);
    let action = office.signed_at(&ask, office.seconds() + 3600);
    let answer = office.raw(vec![action]).await;
    assert_eq!(answer["response"]["results"][0]["status"]["errorcode"], 0);
    office.turn("clock_offset_seconds", json!(0));
    let elements = office.elements(1001, &["Aenderung", "Eintragsdatum"]).await;
    assert_eq!(elements["Aenderung"], "2026-06-15 11:00:00");
    assert_eq!(elements["Eintragsdatum"], "2026-06-15");
}

#[tokio::test]
async fn signatures_cover_neither_parameters_nor_record() {
    let office = Office::open();
    let id = office.made(json!({"Name": "Alt"})).await;
    let mut action = office.signed(&modify(1, json!({})));
    action["resourceid"] = json!(id.to_string());
    action["parameters"] = json!({"Name": "Neu"});
    let answer = office.raw(vec![action.clone()]).await;
    assert_eq!(answer["status"]["errorcode"], 0);
    assert_eq!(office.elements(id, &["Name"]).await["Name"], "Neu");
    action["resourcetype"] = json!("users");
    action["actionid"] = json!("urn:onoffice-de-ns:smart:2.5:smartml:action:get");
    assert_eq!(office.raw(vec![action]).await["status"]["errorcode"], 137);
}

#[tokio::test]
async fn legacy_signature() {
    use md5::{Digest, Md5};
    let hex = |text: String| -> String {
        Md5::digest(text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    };
    let office = Office::open();
    let action_id = "urn:onoffice-de-ns:smart:2.5:smartml:action:create";
    let now = office.seconds();
    let parameters = r#"{"Name":"M\u00fcller","email":"m@example.org"}"#;
    let fields = format!(
        "{},{action_id},,,{},{now},address",
        office.token, office.secret
    );
    let hmac = hex(format!(
        "{}{}",
        office.secret,
        hex(format!("{parameters},{fields}"))
    ));
    let action = json!({
        "actionid": action_id, "resourceid": "", "resourcetype": "address", "identifier": "",
        "timestamp": now, "hmac": hmac, "parameters": {"email": "m@example.org", "Name": "Müller"},
    });
    assert_eq!(
        office.raw(vec![action.clone()]).await["status"]["errorcode"],
        0
    );
    let mut tampered = action.clone();
    tampered["parameters"]["Name"] = json!("Meier");
    assert_eq!(office.raw(vec![tampered]).await["status"]["errorcode"], 137);
    let mut float = action.clone();
    float["parameters"]["salary"] = json!(1.5);
    assert_eq!(office.raw(vec![float]).await["status"]["errorcode"], 243);
    office.turn("hmac_v1", json!(false));
    assert_eq!(office.raw(vec![action]).await["status"]["errorcode"], 137);
}

#[tokio::test]
async fn wrong_token() {
    let mut office = Office::open();
    let ask = call("get", "users", json!({}));
    office.token = "f".repeat(32);
    let answer = office.raw(vec![office.signed(&ask)]).await;
    assert_eq!(
        answer["status"],
        json!({"code": 400, "errorcode": 22, "message": "Not authenticated"})
    );
    assert_eq!(answer["response"]["results"], json!([]));
    for code in ["48", "49", "137"] {
        office.turn("wrong_token", json!(code));
        assert_eq!(office.code(&ask).await.to_string(), code);
    }
    office.sign_in();
    office.secret = "0".repeat(64);
    assert_eq!(office.code(&ask).await, 137);
}

#[tokio::test]
async fn only_post_to_the_one_page() {
    use tower::ServiceExt;
    let office = Office::open();
    for (method, path, status) in [
        ("GET", "/onoffice/api/stable/api.php", 405),
        ("POST", "/onoffice/api/v1/api.php", 404),
        ("POST", "/onoffice/api/latest/api.php", 200),
    ] {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .body(axum::body::Body::empty());
        let response = office
            .sandbox
            .service()
            .oneshot(request.unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{method} {path}");
    }
}

#[tokio::test]
async fn counts_and_faults_name_actions() {
    use sandbox::{Fault, Rule, System};
    let office = Office::open();
    let control = office.sandbox.control();
    control.core().faults.add(Rule {
        system: System::OnOffice,
        method: None,
        path: None,
        action: Some("create *".to_owned()),
        event: None,
        nth: Some(2),
        every: None,
        rate: None,
        count: None,
        fault: Fault::ActionError {
            code: 78,
            message: "Entry could not be created".to_owned(),
        },
    });
    let results = office
        .all(&[
            create(json!({})),
            create(json!({})),
            read(json!({"data": ["Name"]})),
        ])
        .await;
    let codes: Vec<_> = results
        .iter()
        .map(|result| &result["status"]["errorcode"])
        .collect();
    assert_eq!(codes, [0, 78, 0]);
    let counts = control.core().counts.all();
    let counts = &counts[&System::OnOffice];
    assert_eq!(
        (
            counts.totals.reads,
            counts.totals.writes,
            counts.totals.failed
        ),
        (0, 1, 1)
    );
    assert_eq!(
        (
            counts.actions["create address"],
            counts.actions["read address"]
        ),
        (2, 1)
    );
}

/// Each order tells another of three errors of one action.
#[tokio::test]
async fn validation_order() {
    let office = Office::open();
    let mut wrong = office.signed_at(&read(json!({})), office.seconds() - 3600);
    wrong["resourcetype"] = json!("Address");
    for (order, code) in [
        ("words_time_hmac", 25),
        ("time_hmac_words", 136),
        ("hmac_time_words", 137),
    ] {
        office.turn("validation_order", json!(order));
        let answer = office.raw(vec![wrong.clone()]).await;
        assert_eq!(
            answer["response"]["results"][0]["status"]["errorcode"], code,
            "{order}"
        );
        let fine = office.raw(vec![office.signed(&read(json!({"data": ["Name"]})))]);
        assert_eq!(fine.await["status"]["errorcode"], 0, "{order}");
    }
}
