//! Lists, pages, filters and the shapes of objects.

use serde_json::{Value, json};

use super::client::{Client, names};

async fn people(client: &Client, names: &[&str]) -> Vec<String> {
    let mut ids = Vec::new();
    for name in names {
        client.advance(1000);
        let email = format!("{}@x.de", name.to_lowercase());
        let body = json!({"name": name, "email": email});
        ids.push(client.create("/members", body).await);
    }
    ids
}

#[tokio::test]
async fn limit() {
    let client = Client::quiet(&[]).await;
    let records: Vec<Value> = (0..60).map(|n| json!({"name": format!("M{n}")})).collect();
    client
        .control
        .seed(sandbox::System::OfficeRnd, &records)
        .unwrap();
    let rows = async |path: &str| client.names(path).await.len();
    assert_eq!(rows("/members").await, 50);
    assert_eq!(rows("/members?$limit=0").await, 20);
    assert_eq!(rows("/members?$limit=7").await, 7);
    assert_eq!(rows("/members?$limit=-3").await, 4);
    assert_eq!(
        client.get("/members?$limit=51").await.failures(),
        ["$limit must not be greater than 50"]
    );
    assert_eq!(
        client.get("/members?$limit=many").await.failures(),
        ["$limit must be a number conforming to the specified constraints"]
    );
    client.turn("default_page", 25);
    client.turn("zero_page", 10);
    assert_eq!(rows("/members").await, 25);
    assert_eq!(rows("/members?$limit=0").await, 10);
}

#[tokio::test]
async fn cursors() {
    let client = Client::quiet(&[]).await;
    let empty = client.ok("/members").await;
    assert_eq!(
        empty,
        json!({"rangeStart": 0, "rangeEnd": 0, "results": []})
    );
    people(&client, &["A", "B", "C", "D", "E"]).await;
    for kind in ["offset", "key"] {
        client.turn("cursor", kind);
        let first = client.ok("/members?$limit=2").await;
        assert_eq!(
            (&first["rangeStart"], &first["rangeEnd"]),
            (&json!(1), &json!(2))
        );
        assert!(first.get("cursorPrev").is_none());
        let next = first["cursorNext"].as_str().unwrap().to_owned();
        let second = client
            .ok(&format!("/members?$limit=2&$cursorNext={next}"))
            .await;
        assert_eq!(names(&second), ["C", "D"]);
        assert_eq!(second["rangeStart"], 3);
        let last = second["cursorNext"].as_str().unwrap();
        let last = client
            .ok(&format!("/members?$limit=2&$cursorNext={last}"))
            .await;
        assert_eq!(names(&last), ["E"]);
        assert!(last.get("cursorNext").is_none());
        let back = last["cursorPrev"].as_str().unwrap();
        let back = client
            .ok(&format!("/members?$limit=2&$cursorPrev={back}"))
            .await;
        assert_eq!(
            (names(&back), &back["rangeStart"]),
            (names(&second), &json!(3))
        );
        assert!(back["cursorNext"].is_string());

        let both = format!("/members?$cursorNext={next}&$cursorPrev={next}");
        assert_eq!(client.get(&both).await.status, 504);
    }
    client.turn("cursor_absent", false);
    let page = client.ok("/members").await;
    assert_eq!(page.get("cursorNext"), Some(&Value::Null));
    assert_eq!(
        client.get("/members?$cursorNext=nonsense").await.status,
        500
    );
    client.turn("broken_cursor", "400");
    client.turn("both_cursors", "400");
    assert_eq!(
        client.get("/members?$cursorNext=nonsense").await.status,
        400
    );
    let next = client.ok("/members?$limit=1").await["cursorNext"].clone();
    client.turn("both_cursors", "cut");
    let both = format!("/members?$cursorNext={next}&$cursorPrev={next}");
    assert!(
        client.is_cut(&both.replace('"', "")).await,
        "no answer at all"
    );
    assert!(
        client.slept.lock().unwrap().as_secs() >= 30,
        "and that late"
    );
    client.turn("both_cursors", "400");
    let next = next.as_str().unwrap();
    let both = format!("/members?$cursorNext={next}&$cursorPrev={next}");
    assert_eq!(client.get(&both).await.status, 400);
}

#[tokio::test]
async fn empty_pages() {
    let client = Client::quiet(&[]).await;
    let range = async |path: &str| {
        let page = client.ok(path).await;
        (page["rangeStart"].clone(), page["rangeEnd"].clone())
    };
    assert_eq!(range("/members").await, (json!(0), json!(0)));
    client.turn("empty_range", "counted");
    assert_eq!(range("/members").await, (json!(1), json!(0)));
    assert_eq!(range("/visitors").await, (json!(1), json!(0)));
}

#[tokio::test]
async fn dirty_data() {
    let client = Client::quiet(&[("officernd.dirty_every", json!(1))]).await;
    let person = |n: i32| {
        json!({"name": format!("M{n}"), "email": format!("m{n}@x.de"), "phone": "1",
            "address": {"zip": "50667", "city": "Köln"}, "companyName": "Acme"})
    };
    let people: Vec<Value> = (1..=5).map(person).collect();
    client
        .control
        .seed(sandbox::System::OfficeRnd, &people)
        .unwrap();
    let page = client.ok("/members").await;
    let rows = page["results"].as_array().unwrap();
    assert_eq!(rows[0]["address"], json!({"zip": "Köln", "city": "50667"}));
    assert_eq!(
        (&rows[0]["phone"], rows[1].get("phone")),
        (&json!("1"), None)
    );
    assert_eq!(rows[2]["email"], rows[1]["email"]);
    let gone = rows[3]["company"].as_str().unwrap();
    assert_eq!(client.get(&format!("/companies/{gone}")).await.status, 404);
    assert_eq!(rows[4]["address"]["zip"], "Köln", "and so on");
    client.turn("dirty_every", 0);
    client
        .control
        .seed(sandbox::System::OfficeRnd, &[person(6)])
        .unwrap();
    assert_eq!(client.ok("/members").await["results"][5]["phone"], "1");
}

#[tokio::test]
async fn pages_shift() {
    let client = Client::quiet(&[]).await;
    for (kind, expected) in [("offset", ["D"].as_slice()), ("key", &["C", "D"])] {
        client.turn("cursor", kind);
        let ids = people(&client, &["A", "B", "C", "D"]).await;
        let first = client.ok("/members?$limit=2").await;
        let next = first["cursorNext"].as_str().unwrap();
        client.delete(&format!("/members/{}", ids[0])).await;
        let rest = client
            .names(&format!("/members?$limit=2&$cursorNext={next}"))
            .await;
        assert_eq!(rest, expected, "{kind}");
        for id in &ids[1..] {
            client.delete(&format!("/members/{id}")).await;
        }
    }
}

#[tokio::test]
async fn order() {
    let client = Client::quiet(&[]).await;
    let ids = people(&client, &["B", "C", "A"]).await;
    client.advance(1000);
    client
        .put(&format!("/members/{}", ids[0]), json!({"email": "z@x.de"}))
        .await;
    assert_eq!(client.names("/members").await, ["B", "C", "A"]);
    let by = |sort: &str| {
        let sort: String = url::form_urlencoded::byte_serialize(sort.as_bytes()).collect();
        format!("/members?$sort={sort}")
    };
    assert_eq!(
        client.names(&by(r#"{"modifiedAt":"asc"}"#)).await,
        ["C", "A", "B"]
    );
    assert_eq!(
        client.names(&by(r#"{"name":"desc"}"#)).await,
        ["C", "B", "A"]
    );
    let numbers = by(r#"{"email":1}"#);
    assert_eq!(
        client.get(&numbers).await.failures(),
        ["$sort must be a json string"]
    );
    assert_eq!(
        client.get(&by(r#"{"phone":"asc"}"#)).await.failures(),
        ["$sort.property phone should not exist"]
    );
    client.turn("sort_syntax", "numbers");
    assert_eq!(client.names(&numbers).await, ["A", "C", "B"]);
    assert_eq!(client.get(&by(r#"{"name":"asc"}"#)).await.status, 400);
    client.turn("sort_syntax", "ignored");
    assert_eq!(client.names(&by("whatever")).await, ["B", "C", "A"]);
    client.turn("default_order", "modified");
    assert_eq!(client.names("/members").await, ["B", "A", "C"]);
    assert_eq!(
        client.get("/locations?$sort=x").await.failures(),
        ["property $sort should not exist"]
    );
}

#[tokio::test]
async fn filters() {
    let client = Client::quiet(&[]).await;
    let company = client.create("/companies", json!({"name": "Acme"})).await;
    let ids = people(&client, &["Ann", "Bob"]).await;
    client.advance(1000);
    let cy = client
        .create(
            "/members",
            json!({"name": "Cy", "email": "ANN@x.de", "company": company,
                "properties": {"crm_id": "7 a", "Newsletter": true}}),
        )
        .await;
    let path = |query: &str| format!("/members?{query}");
    let find = async |query: &str| client.names(&path(query)).await;
    assert_eq!(
        find("email=ann%40x.de").await,
        ["Ann"],
        "exact, case and all"
    );
    assert_eq!(find("name=Bob&email=ann%40x.de").await, [] as [&str; 0]);
    assert_eq!(find(&format!("company={company}")).await, ["Cy"]);
    let two = format!("_id[$in]={},{cy}", ids[1]);
    assert_eq!(
        client.get(&path(&two)).await.failures(),
        ["_id must be a string"]
    );
    client.turn("set_filters", "any");
    assert_eq!(find(&two).await, ["Bob", "Cy"]);
    assert_eq!(find("properties[crm_id]=7%20a").await, ["Cy"]);
    assert_eq!(
        find("properties[Newsletter]=true").await,
        [] as [&str; 0],
        "filters of properties know texts only"
    );
    assert_eq!(find("status[$in]=contact,lead").await.len(), 3);
    assert_eq!(
        client.get(&path("status=nice")).await.failures(),
        [
            "status must be one of the following values: active, former, pending, contact, not_approved, drop-in, lead"
        ]
    );
    let from = "2026-03-01T12:00:02.000Z";
    assert_eq!(
        find(&format!("modifiedAt[$gte]={from}")).await,
        ["Bob", "Cy"]
    );
    assert_eq!(find(&format!("modifiedAt[$gt]={from}")).await, ["Cy"]);
    assert_eq!(find(&format!("createdAt[$lt]={from}")).await, ["Ann"]);
    assert_eq!(
        find(&format!("modifiedAt[$lte]={from}&modifiedAt[$gte]={from}")).await,
        ["Bob"]
    );
    assert_eq!(
        client.get(&path("modifiedAt[$gte]=today")).await.failures(),
        ["modifiedAt must be a valid ISO 8601 date string"]
    );
    client.delete(&format!("/members/{}", ids[0])).await;
    assert_eq!(find("email=ann%40x.de").await, [] as [&str; 0]);
}

#[tokio::test]
async fn selection() {
    let client = Client::quiet(&[]).await;
    let id = people(&client, &["Ann"]).await.remove(0);
    let row = async |query: &str| client.ok(query).await["results"][0].clone();
    assert_eq!(
        row("/members?$select=name,nonsense").await,
        json!({"_id": id, "name": "Ann"})
    );
    assert_eq!(row("/members?$select=nonsense").await, json!({"_id": id}));
    assert_eq!(
        client.get("/members?$select=").await.failures(),
        ["$select should not be empty"]
    );
    let one = client.ok(&format!("/members/{id}?$select=name")).await;
    assert_eq!(one["email"], "ann@x.de", "a get selects nothing");
}

#[tokio::test]
async fn unknown_parameters() {
    let client = Client::quiet(&[]).await;
    let id = people(&client, &["Ann"]).await.remove(0);
    assert_eq!(
        client
            .get("/members?phone=1&$populate=company")
            .await
            .failures(),
        [
            "property phone should not exist",
            "property $populate should not exist"
        ]
    );
    assert_eq!(
        client
            .get("/memberships?modifiedAt[$gte]=2026-01-01")
            .await
            .failures(),
        ["property modifiedAt should not exist"],
        "memberships have no filter by time"
    );
    assert_eq!(client.get(&format!("/members/{id}?x=1")).await.status, 200);
    assert_eq!(client.get("/members/count?x=1").await.status, 200);
    client.turn("query_whitelist", false);
    assert_eq!(client.names("/members?phone=1").await, ["Ann"]);
}

#[tokio::test]
async fn counts() {
    let client = Client::quiet(&[]).await;
    people(&client, &["Ann", "Bob"]).await;
    let company = client.create("/companies", json!({})).await;
    let plan = client.access["plans"][0]["_id"].clone();
    client
        .create("/memberships", json!({"company": company, "plan": plan}))
        .await;
    let count = async |path: &str| client.ok(path).await;
    assert_eq!(count("/members/count?name=Ann").await, json!({"total": 1}));
    assert_eq!(
        count("/members/count?$countBy=status").await,
        json!({"total": 2, "groups": [{"key": "contact", "count": 2}]})
    );
    let nobody = "/memberships/count?company=aaaaaaaaaaaaaaaaaaaaaaaa";
    assert_eq!(count(nobody).await["total"], 1, "every filter is ignored");
    client.turn("count_ignores_filters", "none");
    assert_eq!(count(nobody).await["total"], 0);
    client.turn("count_ignores_filters", "all");
    assert_eq!(count("/members/count?name=Ann").await["total"], 2);
}

#[tokio::test]
async fn shapes() {
    let client = Client::quiet(&[]).await;
    let mut body = client.enough("Ada");
    body["isContactPerson"] = json!(false);
    let made = client.post("/members", body).await.body;
    let id = made["_id"].as_str().unwrap();
    let member = json!({"_id": id, "name": "Ada", "location": client.location,
        "startDate": "2026-01-01T00:00:00.000Z", "billingDetails": {}, "status": "contact",
        "createdAt": "2026-03-01T12:00:00.000Z", "modifiedAt": "2026-03-01T12:00:00.000Z",
        "createdBy": made["createdBy"], "modifiedBy": made["createdBy"]});
    assert_eq!(made, member);
    assert_eq!(made["createdBy"].as_str().unwrap().len(), 24);
    assert_eq!(client.member(id).await, member);
    let listed = client.ok("/members").await["results"][0].clone();
    assert_eq!(listed["properties"], json!({}));
    client.turn("empty_properties_left_out", false);
    client.turn("member_editors", "left_out");
    client.turn("unset_fields", "shown");
    let full = client.member(id).await;
    assert_eq!(
        (&full["properties"], full.get("modifiedBy")),
        (&json!({}), None)
    );
    assert_eq!(
        (&full["isContactPerson"], &full["address"]),
        (&json!(false), &json!({}))
    );
    let company = client.create("/companies", json!({})).await;
    let company = client.ok(&format!("/companies/{company}")).await;
    assert_eq!(
        (&company["status"], &company["tags"]),
        (&json!("inactive"), &json!([]))
    );
}

#[tokio::test]
async fn organization() {
    let client = Client::quiet(&[]).await;
    let shown = client.ok("").await;
    assert_eq!(
        (&shown["slug"], &shown["_id"], shown.get("regionInfo")),
        (
            &client.access["slug"],
            &client.access["organizationId"],
            None
        )
    );
    client.turn("region_shown", true);
    assert!(client.ok("/").await["regionInfo"]["regionUrl"].is_string());
}

#[tokio::test]
async fn settings_can_be_read() {
    let client = Client::quiet(&[]).await;
    assert_eq!(
        client.names("/locations?isOpen=true").await,
        ["Werkhof Mitte", "Werkhof Hafen"]
    );
    let one = client.ok(&format!("/locations/{}", client.location)).await;
    assert_eq!(one["timezone"], "Europe/Berlin");
    client.act(
        "add_property",
        json!({"key": "highlevel id", "targets": ["member"]}),
    );
    let properties = client.ok("/custom-properties").await;
    let added = properties["results"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&added["key"], &added["type"], &added["targets"]),
        (&json!("highlevel id"), &json!("String"), &json!(["member"]))
    );
    assert_eq!(client.names("/plans?code=day-pass").await, ["Day Pass"]);
    let statuses = client.ok("/opportunity-statuses").await;
    let open = &statuses["results"][0];
    assert_eq!(
        (&open["description"], &open["isSystem"], open.get("name")),
        (
            &json!("System status for open opportunities"),
            &json!(true),
            None
        )
    );
}
