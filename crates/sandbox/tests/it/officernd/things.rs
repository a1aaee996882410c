//! Bookings, visits, tickets and their like: the same questions, pages, bodies and errors as those of members.

use serde_json::{Value, json};

use super::client::{Client, names};

const NOBODY: &str = "aaaaaaaaaaaaaaaaaaaaaaaa";

async fn first(client: &Client, path: &str) -> String {
    let page = client.ok(path).await;
    page["results"][0]["_id"].as_str().unwrap().to_owned()
}

async fn made(client: &Client, path: &str, body: Value) -> Value {
    let answer = client.post(path, body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body
}

async fn visitors(client: &Client, names: &[&str]) -> Vec<String> {
    let mut ids = Vec::new();
    for name in names {
        client.advance(1000);
        let body = json!({"name": name, "type": "reception", "email": format!("{name}@x.de"), "company": "Acme, not an id"});
        let made = made(client, "/visitors", body).await;
        ids.push(made["_id"].as_str().unwrap().to_owned());
    }
    ids
}

async fn booking(client: &Client, more: Value) -> Value {
    let resource = first(client, "/resources").await;
    let mut body = json!({"resource": resource, "start": "2026-03-02T09:00:00.000Z", "end": "2026-03-02T10:00:00.000Z"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    made(client, "/bookings", body).await
}

#[tokio::test]
async fn pages() {
    let client = Client::quiet(&[]).await;
    assert_eq!(
        client.ok("/visitors").await,
        json!({"rangeStart": 0, "rangeEnd": 0, "results": []})
    );
    visitors(&client, &["A", "B", "C", "D", "E"]).await;
    for kind in ["offset", "key"] {
        client.turn("cursor", kind);
        let one = client.ok("/visitors?$limit=2").await;
        let next = one["cursorNext"].as_str().unwrap();
        assert!(one.get("cursorPrev").is_none());
        let two = client
            .ok(&format!("/visitors?$limit=2&$cursorNext={next}"))
            .await;
        assert_eq!(
            (names(&two), &two["rangeStart"]),
            (vec!["C".into(), "D".into()], &json!(3))
        );
        let back = two["cursorPrev"].as_str().unwrap();
        let back = client
            .ok(&format!("/visitors?$limit=2&$cursorPrev={back}"))
            .await;
        assert_eq!(names(&back), names(&one));
        let both = format!("/visitors?$cursorNext={next}&$cursorPrev={next}");
        assert_eq!(client.get(&both).await.status, 504);
    }
    assert_eq!(client.get("/visitors?$cursorNext=2").await.status, 500);
    client.turn("cursor_absent", false);
    assert_eq!(client.ok("/visitors").await["cursorNext"], Value::Null);
    client.turn("zero_page", 3);
    client.turn("default_page", 4);
    for (question, rows) in [("", 4), ("?$limit=0", 3), ("?$limit=-1", 2)] {
        assert_eq!(
            client.names(&format!("/visitors{question}")).await.len(),
            rows
        );
    }
    assert_eq!(
        client.get("/visitors?$limit=51&phone=1").await.failures(),
        [
            "$limit must not be greater than 50",
            "property phone should not exist"
        ]
    );
}

#[tokio::test]
async fn questions() {
    let client = Client::quiet(&[]).await;
    let ids = visitors(&client, &["A", "B"]).await;
    assert_eq!(client.names("/visitors?email=B%40x.de").await, ["B"]);
    let none: [&str; 0] = [];
    assert_eq!(client.names("/visitors?email=nobody").await, none);
    assert_eq!(
        client.get("/visitors?type=robot").await.failures(),
        ["type must be one of the following values: preregistration, reception"]
    );
    assert_eq!(
        client.ok("/visitors?$select=name,nonsense").await["results"][0],
        json!({"_id": ids[0], "name": "A"})
    );
    assert_eq!(
        client.get("/visitors?$select=").await.failures(),
        ["$select should not be empty"]
    );
    assert_eq!(
        client.get("/visitors?$sort=x").await.failures(),
        ["property $sort should not exist"]
    );
    let one = format!("/visitors/{}?$select=name&x=1", ids[0]);
    assert_eq!(
        client.ok(&one).await["email"],
        "A@x.de",
        "a get selects nothing"
    );

    for (date, amount) in [("2026-01-01", 1), ("2026-03-01", 3), ("2026-02-01", 2)] {
        let body = json!({"date": date, "location": client.location, "lines": [], "currency": amount.to_string()});
        made(&client, "/payments", body).await;
    }
    let order = async |question: &str| {
        let page = client.ok(&format!("/payments?{question}")).await;
        let rows = page["results"].as_array().unwrap();
        rows.iter()
            .map(|row| row["currency"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        order("$sort=%7B%22date%22:%22desc%22%7D").await,
        ["3", "2", "1"]
    );
    assert_eq!(order("date[$gte]=2026-02-01").await, ["3", "2"]);
    client.turn("default_order", "modified");
    assert_eq!(order("").await.len(), 3);

    let company = client.create("/companies", json!({})).await;
    let member = client.create("/members", json!({})).await;
    let contract = json!({"documentType": "x", "company": company, "member": member,
        "startDate": "2026-01-01", "plans": [], "oneOffPlans": [], "resources": []});
    let id = made(&client, "/contracts", contract).await["_id"].clone();
    let count = async |question: &str| client.ok(&format!("/contracts/count{question}")).await;
    assert_eq!(
        count("?status=signed&nonsense=1").await,
        json!({"total": 0})
    );
    let sign = format!("/contracts/{}/sign", id.as_str().unwrap());
    assert_eq!(client.post(&sign, json!({})).await.status, 202);
    assert_eq!(
        count("?status=signed&$countBy=company").await,
        json!({"total": 1, "groups": [{"key": company, "count": 1}]})
    );
    client.turn("count_ignores_filters", "all");
    assert_eq!(count("?status=draft").await["total"], 1);

    made(
        &client,
        "/posts",
        json!({"title": "T", "description": "d", "locations": [client.location]}),
    )
    .await;
    let posts =
        async |question: &str| client.ok(&format!("/posts?{question}")).await["rangeEnd"].clone();
    let location = &client.location;
    assert_eq!(
        posts(&format!("locations={NOBODY}&locations={location}")).await,
        1
    );
    assert_eq!(posts(&format!("locations={NOBODY}")).await, 0);
}

#[tokio::test]
async fn bodies() {
    let client = Client::quiet(&[]).await;
    assert_eq!(
        client
            .post("/visits", json!({"nonsense": 1, "start": "soon", "end": 5}))
            .await
            .failures(),
        [
            "property nonsense should not exist",
            "visitor must be a string",
            "location must be a string",
            "start must be a valid ISO 8601 date string",
            "end must be a valid ISO 8601 date string",
        ]
    );
    let visitor = visitors(&client, &["A"]).await.remove(0);
    let message = async |visitor: &str, location: &str| {
        let body = json!({"visitor": visitor, "location": location, "start": "2026-03-02", "end": "2026-03-03"});
        let answer = client.post("/visits", body).await;
        (
            answer.status,
            answer.body["message"].as_str().unwrap_or("").to_owned(),
        )
    };
    assert_eq!(
        message(NOBODY, &client.location).await,
        (500, "Specified visitor was not found".to_owned())
    );
    assert_eq!(
        message(&visitor, NOBODY).await,
        (500, "Specified office was not found".to_owned())
    );
    let (status, text) = message(&visitor, "nonsense").await;
    assert!(
        status == 500 && text.contains("24 character hex string"),
        "{text}"
    );
    client.turn("bad_reference", "400");
    assert_eq!(message(NOBODY, &client.location).await.0, 400);
    assert_eq!(message(&visitor, &client.location.clone()).await.0, 201);
    let empty = client
        .post("/visitors", json!({"name": "", "type": "reception"}))
        .await;
    assert_eq!(
        (empty.status, &empty.body["message"]),
        (500, &json!("Path 'name' is required."))
    );
    client.turn("message_arrays", false);
    assert!(client.post("/visits", json!({})).await.body["message"].is_string());
    assert_eq!(client.get(&format!("/visitors/{NOBODY}")).await.status, 404);
    client.turn("unsupported_verb", "405");
    assert_eq!(client.put("/visitors", json!({})).await.status, 405);
}

#[tokio::test]
async fn narrow_updates() {
    let client = Client::quiet(&[]).await;
    let body = json!({"title": "Party", "location": client.location, "start": "2026-03-02", "end": "2026-03-03"});
    let event = made(&client, "/events", body).await["_id"].clone();
    let path = format!("/events/{}", event.as_str().unwrap());
    assert_eq!(
        client
            .put(&path, json!({"where": "Roof", "description": "d"}))
            .await
            .failures(),
        ["property description should not exist"]
    );
    assert_eq!(
        client.put(&path, json!({"where": "Roof"})).await.body["where"],
        "Roof"
    );
    client.turn("narrow_puts", false);
    let answer = client.put(&path, json!({"description": "d"})).await;
    assert_eq!(answer.body["description"], "d");
}

#[tokio::test]
async fn stamps() {
    let client = Client::quiet(&[]).await;
    let visitor = visitors(&client, &["A"]).await.remove(0);
    let has = async |path: &str, name: &str| client.ok(path).await.get(name).is_some();
    let visitor = format!("/visitors/{visitor}");
    let id = booking(&client, json!({})).await["_id"].clone();
    let booking = format!("/bookings/{}", id.as_str().unwrap());
    assert!(!has(&visitor, "createdAt").await && !has(&visitor, "modifiedAt").await);
    assert!(has(&booking, "modifiedAt").await && has(&booking, "createdBy").await);
    client.turn("stamps", "all");
    assert!(has(&visitor, "createdAt").await && has(&visitor, "modifiedBy").await);
}

#[tokio::test]
async fn parent_filters() {
    let client = Client::quiet(&[]).await;
    assert_eq!(
        client.get("/assignments").await.failures(),
        ["one of resource, membership should not be empty"]
    );
    assert_eq!(client.get("/payment-details?$limit=5").await.status, 400);
    let resource = first(&client, "/resources").await;
    let of = async |resource: &str| {
        client
            .ok(&format!("/assignments?resource={resource}"))
            .await["rangeEnd"]
            .clone()
    };
    assert_eq!(
        (of(&resource).await, of(NOBODY).await),
        (json!(1), json!(0))
    );
    client.turn("parent_filter_required", false);
    assert_eq!(client.ok("/assignments").await["rangeEnd"], 1);
}

#[tokio::test]
async fn silence() {
    let client = Client::quiet(&[]).await;
    let mails = || {
        let dump = client.control.dump(sandbox::System::OfficeRnd);
        let about = |mail: &Value| mail["about"].as_str().unwrap().to_owned();
        dump["mails"]
            .as_array()
            .unwrap()
            .iter()
            .map(about)
            .collect::<Vec<_>>()
    };
    let id = booking(&client, json!({})).await["_id"].clone();
    let path = format!("/bookings/{}", id.as_str().unwrap());
    assert_eq!(mails(), ["create"]);
    let cancel = async |query: &str| {
        client
            .post(&format!("{path}/cancel{query}"), json!({}))
            .await
    };
    assert_eq!(cancel("?isSilent=true").await.body["isCancelled"], true);
    assert_eq!(mails().len(), 1, "asked to be silent");
    cancel("?isSilent=false").await;
    client.delete(&path).await;
    assert_eq!(mails(), ["create", "set", "delete"]);
    client.turn("booking_mails", false);
    booking(&client, json!({})).await;
    assert_eq!(mails().len(), 3);
}

#[tokio::test]
async fn occurrences() {
    let client = Client::quiet(&[]).await;
    let weekly = json!({"recurrence": {"rrule": "FREQ=WEEKLY;COUNT=3"}, "isTentative": false});
    let made = booking(&client, weekly).await;
    assert_eq!(
        (
            &made["seriesStart"],
            &made["seriesEnd"],
            made.get("isTentative")
        ),
        (
            &json!("2026-03-02T09:00:00.000Z"),
            &json!("2026-03-16T10:00:00.000Z"),
            None
        )
    );
    booking(&client, json!({})).await;
    assert_eq!(
        client
            .get("/bookings/occurrences?seriesStart=2026-03-01")
            .await
            .failures(),
        ["seriesEnd must be a valid ISO 8601 date string"]
    );
    let starts = async |more: &str| {
        let span = "seriesStart=2026-03-01&seriesEnd=2026-03-10";
        let page = client
            .ok(&format!("/bookings/occurrences?{span}{more}"))
            .await;
        let rows = page["results"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| row["start"].as_str().unwrap()[..10].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(starts("").await, ["2026-03-02", "2026-03-02", "2026-03-09"]);
    let id = made["_id"].as_str().unwrap();
    assert_eq!(starts(&format!("&_id={id}&$limit=1")).await, ["2026-03-02"]);
    assert_eq!(
        client.ok("/bookings?seriesEnd[$gt]=2026-03-10").await["rangeEnd"],
        1,
        "the series is one row"
    );
}

#[tokio::test]
async fn ticket_comments() {
    let client = Client::quiet(&[]).await;
    let option = first(&client, "/ticket-options").await;
    let member = client.create("/members", json!({"name": "Anna"})).await;
    let ticket = async |subject: &str| {
        let body = json!({"type": option, "severity": option, "priority": option,
            "member": member, "subject": subject});
        let made = made(&client, "/tickets", body).await;
        format!("/ticket-comments/{}", made["_id"].as_str().unwrap())
    };
    let (first, second) = (ticket("Notes").await, ticket("Lamp").await);
    let body = json!({"text": "likes dogs", "member": member, "isPublic": false});
    let comment = made(&client, &first, body).await;
    // no page of the reference says that they can be read
    assert_eq!(client.get(&first).await.status, 404);
    client.turn("ticket_comments_read", true);
    let listed = client.ok(&first).await;
    assert_eq!(listed["results"][0]["_id"], comment["_id"]);
    assert_eq!(listed["results"][0]["text"], "likes dogs");
    assert_eq!(client.ok(&second).await["results"], json!([]));
    let of_none = format!("/ticket-comments/{NOBODY}");
    assert_eq!(client.get(&of_none).await.status, 404);
    // of a ticket that is not there, by nobody, by somebody who is not there
    let text = json!({"text": "lost", "member": member, "isPublic": false});
    assert_eq!(client.post(&of_none, text).await.status, 404);
    let by_nobody = json!({"text": "lost", "isPublic": false});
    let refused = client.post(&first, by_nobody).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.body.to_string().contains("member must be a string"),
        "{}",
        refused.body
    );
    let by_a_stranger = json!({"text": "lost", "member": NOBODY, "isPublic": false});
    assert_eq!(client.post(&first, by_a_stranger).await.status, 500);
    assert_eq!(client.ok(&first).await["rangeEnd"], 1);
    // the operator's own people write without naming a member, and only at a ticket that is there
    let act = |fields: serde_json::Value| {
        let input = json!({"kind": "ticket_comment", "fields": fields});
        client
            .control
            .act(sandbox::System::OfficeRnd, "make_thing", &input)
    };
    let ticket = first.rsplit('/').next().unwrap();
    let said = act(json!({"ticket": NOBODY, "text": "lost"})).unwrap_err();
    assert!(said.to_string().contains("there is no ticket"), "{said}");
    let said = act(json!({"ticket": ticket, "text": "lost", "member": NOBODY})).unwrap_err();
    assert!(said.to_string().contains("there is no member"), "{said}");
    act(json!({"ticket": ticket, "text": "by the team"})).unwrap();
    assert_eq!(client.ok(&first).await["rangeEnd"], 2);
}

#[tokio::test]
async fn a_booking_is_validated_and_not_made() {
    let client = Client::quiet(&[]).await;
    let resource = first(&client, "/resources").await;
    let times = json!({"resource": resource, "start": "2026-03-02T09:00:00.000Z", "end": "2026-03-02T10:00:00.000Z"});
    let answer = client.post("/bookings/validate", times.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body["location"], client.location, "{}", answer.body);
    assert_eq!(answer.body["seriesEnd"], times["end"]);
    assert_eq!(answer.body.get("_id"), None);
    assert_eq!(client.ok("/bookings").await["rangeEnd"], 0, "it is made");
    let mut of_nothing = times.clone();
    of_nothing["resource"] = json!(NOBODY);
    assert_eq!(
        client.post("/bookings/validate", of_nothing).await.status,
        500
    );
    // one that is there, later
    let made = booking(&client, json!({"title": "Talk"})).await;
    let mut later = times;
    later["_id"] = made["_id"].clone();
    later["end"] = json!("2026-03-02T11:00:00.000Z");
    let answer = client.post("/bookings/validate", later).await.body;
    assert_eq!(
        (&answer["title"], &answer["end"]),
        (&json!("Talk"), &json!("2026-03-02T11:00:00.000Z"))
    );
    let path = format!("/bookings/{}", made["_id"].as_str().unwrap());
    assert_eq!(client.ok(&path).await["end"], made["end"], "it is changed");
}

#[tokio::test]
async fn the_billing_settings_and_an_integration_are_shown() {
    let client = Client::quiet(&[]).await;
    let billing = client.ok("/settings/billing").await;
    assert_eq!(
        (&billing["currency"], billing.get("_id")),
        (&json!("EUR"), None)
    );
    let integration = client.control.dump(sandbox::System::OfficeRnd)["things"]
        .as_array()
        .unwrap()
        .iter()
        .find(|thing| thing["kind"] == "integration")
        .unwrap()["id"]
        .clone();
    let path = format!("/integrations/{}", integration.as_str().unwrap());
    let shown = client.ok(&path).await;
    assert_eq!(
        (&shown["_id"], &shown["settings"]["isExternal"]),
        (&integration, &json!(true))
    );
}

#[tokio::test]
async fn what_is_not_simulated_says_so() {
    let client = Client::quiet(&[]).await;
    let path = format!("/charges/{NOBODY}");
    let answer = client.call("PUT", &path, None).await;
    assert_eq!(answer.status, 501, "{path}: {}", answer.body);
    assert_eq!(
        answer.body["message"],
        "the sandbox does not simulate PUT /charges/{chargeId}: what it takes is documented nowhere"
    );
    // what nobody ever heard of is answered as the vendor does
    let answer = client.get("/coins/nonsense").await;
    assert_eq!(answer.status, 404, "{}", answer.body);
}

#[tokio::test]
async fn who_signs_in_has_a_password_of_their_own() {
    let client = Client::quiet(&[]).await;
    let ada = json!({"email": "ada@x.de", "password": "one", "name": "Ada"});
    let made = client.post("/auth/signup", ada.clone()).await;
    assert_eq!((made.status, &made.body["name"]), (201, &json!("Ada")));
    assert_eq!(client.post("/auth/signup", ada).await.status, 500);
    let sign_in = async |password: &str| {
        let body = json!({"email": "ada@x.de", "password": password});
        client.post("/auth/signin", body).await
    };
    assert_eq!(sign_in("two").await.status, 401);
    assert_eq!(sign_in("one").await.body["_id"], made.body["_id"]);
    let change = json!({"email": "ada@x.de", "oldPassword": "one", "newPassword": "two"});
    assert_eq!(client.put("/password", change.clone()).await.status, 204);
    assert_eq!(client.put("/password", change).await.status, 401);
    assert_eq!(
        (sign_in("one").await.status, sign_in("two").await.status),
        (401, 200)
    );
    let reset = json!({"email": "ada@x.de"});
    assert_eq!(
        client.post("/password/reset", reset.clone()).await.status,
        204
    );
    assert_eq!(sign_in("two").await.status, 200);
    // a token is given out for a member
    assert_eq!(
        client.post("/auth/impersonate", reset.clone()).await.status,
        404
    );
    let member = client
        .create("/members", json!({"email": "ada@x.de"}))
        .await;
    let token = client.post("/auth/impersonate", reset).await.body["token"].clone();
    let verified = client.post("/auth/verify", json!({"token": token})).await;
    assert_eq!(
        verified.body,
        json!({"isValid": true, "member": member, "user": made.body["_id"]})
    );
    let none = client.post("/auth/verify", json!({"token": "x"})).await;
    assert_eq!(none.body, json!({"isValid": false}));
}

#[tokio::test]
async fn coins_are_what_the_credits_of_a_month_are_worth() {
    let client = Client::quiet(&[]).await;
    let (ada, ben) = (
        client.create("/members", json!({})).await,
        client.create("/members", json!({})).await,
    );
    for (member, count, interval, start, end) in [
        (&ada, 5, "month", "2026-01-01", "2026-03-15"),
        (&ada, 7, "once", "2026-02-01", "2026-12-31"),
        (&ada, 9, "month", "2026-05-01", "2026-12-31"),
        (&ben, 3, "month", "2026-01-01", "2026-12-31"),
    ] {
        let body = json!({"member": member, "count": count, "intervalLength": interval, "validFor": "all",
            "startDate": start, "endDate": end});
        let made = client.post("/credits", body).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
    assert_eq!(client.get("/coins/stats").await.status, 400);
    let path = format!("/coins/stats?month=2026-03-01&member={ada}");
    let stats = client.get(&path).await.body;
    let worth = |place: &str| -> Vec<Value> {
        let rows = stats["results"].as_array().unwrap().iter();
        rows.map(|row| row[place]["remaining"].clone()).collect()
    };
    assert_eq!(worth("monthly"), [json!(5.0), json!(0.0)], "{stats}");
    assert_eq!(worth("once"), [json!(0.0), json!(7.0)], "{stats}");
    assert_eq!(stats["results"][0]["member"], json!(ada));
}

#[tokio::test]
async fn ways_to_pay_documents_and_what_accounting_says() {
    let client = Client::quiet(&[]).await;
    let methods = async || client.get("/payments/methods").await.body["paymentMethods"].clone();
    assert_eq!(methods().await, json!([]));
    let member = client.create("/members", json!({})).await;
    let card = json!({"type": "stripe", "method": "card", "data": "tok", "isPersonal": true, "member": member});
    let card = client.post("/payment-details", card).await;
    assert_eq!(card.status, 201, "{}", card.body);
    assert_eq!(methods().await, json!(["card"]));

    let place = client.access["locations"][0]["_id"].clone();
    let payment = async || {
        let body = json!({"date": "2026-03-01", "location": place, "lines": [], "member": member});
        let made = client.post("/payments", body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.body["_id"].as_str().unwrap().to_owned()
    };
    let (one, other) = (payment().await, payment().await);
    let document = client.get(&format!("/payments/{one}/documents")).await.body;
    assert_eq!(
        (&document["_id"], &document["type"]),
        (&json!(one), &json!("invoice"))
    );
    let nobody = client.get(&format!("/payments/{NOBODY}/documents")).await;
    assert_eq!(nobody.status, 404);

    let allocation = json!({"target": other, "amount": 5});
    let path = format!("/payments/{one}/allocations");
    let allocation = client.post(&path, allocation).await;
    let id = allocation.body["_id"].as_str().unwrap();
    let path = format!("{path}/{id}/accounting");
    let refused = client.put(&path, json!({"provider": "books"})).await;
    assert_eq!(refused.failures(), ["externalOrgId must be a string"]);
    let accounting = json!({"provider": "books", "externalOrgId": "7"});
    let told = client.put(&path, accounting.clone()).await;
    assert_eq!(told.body["_id"], json!(one), "{}", told.body);
    assert_eq!(told.body["allocations"][0]["accounting"], accounting);
    let wrong = format!("/payments/{other}/allocations/{id}/accounting");
    assert_eq!(client.put(&wrong, accounting).await.status, 404);
}
