//! The calculated status.

use serde_json::{Value, json};

use super::client::Client;

const DAY: i64 = 24 * 60 * 60 * 1000;

async fn status(client: &Client, id: &str) -> String {
    let member = client.act("get_member", json!({"id": id}));
    let status = member["status"].as_str().unwrap().to_owned();
    // the API says the same
    let listed = format!("/members?_id={id}&status={status}");
    assert_eq!(
        client.ok(&listed).await["results"][0]["status"],
        json!(status)
    );
    status
}

#[tokio::test]
async fn follows_what_was_bought() {
    let client = Client::quiet(&[("officernd.token_life_s", json!(9_999_999))]).await;
    let id = client.create("/members", json!({})).await;
    assert_eq!(status(&client, &id).await, "contact");
    let statuses = client.ok("/opportunity-statuses").await["results"].clone();
    let deal = json!({"name": "Trial", "member": id, "status": statuses[0]["_id"], "startDate": "2026-04-01"});
    let deal = client.post("/opportunities", deal).await.body;
    assert_eq!(status(&client, &id).await, "lead");
    let path = format!("/opportunities/{}", deal["_id"].as_str().unwrap());
    client
        .put(&path, json!({"status": statuses[2]["_id"]}))
        .await;
    assert_eq!(status(&client, &id).await, "contact", "the deal is lost");

    let plans = client.access["plans"].clone();
    let personal = |plan: &Value, start: &str, more: Value| {
        let mut body =
            json!({"member": id, "isPersonal": true, "plan": plan["_id"], "startDate": start});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    let day_pass = personal(&plans[2], "2026-02-01", json!({"intervalLength": "once"}));
    client.create("/memberships", day_pass).await;
    assert_eq!(status(&client, &id).await, "drop-in");
    let month = personal(&plans[0], "2026-03-10", json!({"endDate": "2026-04-10"}));
    client.create("/memberships", month).await;
    assert_eq!(status(&client, &id).await, "pending");
    client.advance(10 * DAY);
    assert_eq!(status(&client, &id).await, "active", "by time alone");
    client.advance(31 * DAY);
    assert_eq!(status(&client, &id).await, "former");
}

#[tokio::test]
async fn by_time() {
    let client = Client::quiet(&[("officernd.token_life_s", json!(1_000_000))]).await;
    let id = client.create("/members", json!({})).await;
    let plan = client.access["plans"][0]["_id"].clone();
    let month = json!({"member": id, "isPersonal": true, "plan": plan, "startDate": "2026-03-01T15:00:00Z"});
    client.create("/memberships", month).await;
    assert_eq!(status(&client, &id).await, "pending");
    // from noon to the evening
    client.advance(DAY / 3);
    assert_eq!(status(&client, &id).await, "active");
    client.turn("status_follows_time", "midnight");
    assert_eq!(status(&client, &id).await, "pending");
    assert_eq!(client.names("/members?status=pending").await.len(), 1);
    client.advance(DAY / 2);
    assert_eq!(status(&client, &id).await, "active");
}

#[tokio::test]
async fn members_take_their_companys() {
    let client = Client::quiet(&[]).await;
    let company = client.create("/companies", json!({})).await;
    let id = client.create("/members", json!({"company": company})).await;
    assert_eq!(status(&client, &id).await, "contact");
    let plan = client.access["plans"][1]["_id"].clone();
    let membership = client
        .create("/memberships", json!({"company": company, "plan": plan}))
        .await;
    assert_eq!(status(&client, &id).await, "active");
    let shown = client.ok(&format!("/companies/{company}")).await;
    assert_eq!(shown["status"], "active");
    client.delete(&format!("/memberships/{membership}")).await;
    let shown = client.ok(&format!("/companies/{company}")).await;
    assert_eq!(shown["status"], "inactive");
    let own = json!({"member": id, "isPersonal": true, "plan": plan});
    client.create("/memberships", own).await;
    assert_eq!(status(&client, &id).await, "active", "her own");
}

#[tokio::test]
async fn by_hand() {
    let client = Client::quiet(&[]).await;
    let id = client.create("/members", json!({})).await;
    let path = format!("/members/{id}/status");
    let portal = format!("/members/{id}/portal-access");
    let set = async |word: &str| client.put(&path, json!({"status": word})).await.status;
    let open = || client.act("get_member", json!({"id": id}))["#portal"] == true;
    let enabled = json!({"isPortalAccessEnabled": true});
    client.put(&portal, enabled.clone()).await;
    assert_eq!(set("former").await, 204);
    assert_eq!(
        (status(&client, &id).await, open()),
        ("former".to_owned(), false)
    );
    assert_eq!(set("auto").await, 204);
    assert_eq!(status(&client, &id).await, "contact");
    client.turn("manual_status_cuts_portal", false);
    client.put(&portal, enabled).await;
    client.act("set_status", json!({"id": id, "status": "former"}));
    assert!(open());
    assert_eq!(
        client
            .put(&path, json!({"status": "active"}))
            .await
            .failures(),
        ["status must be one of the following values: former, contact, auto"]
    );
}

#[tokio::test]
async fn a_sign_up_waits_for_approval() {
    let client = Client::quiet(&[]).await;
    let made = client.act("create_member", json!({"name": "Ann", "approved": false}));
    let id = made["_id"].as_str().unwrap();
    assert_eq!(status(&client, id).await, "not_approved");
    client.act("approve_member", json!({"id": id}));
    assert_eq!(status(&client, id).await, "contact");
}

#[tokio::test]
async fn silence() {
    let client = Client::quiet(&[]).await;
    client.subscribe(&["member.updated"]).await;
    let company = client.create("/companies", json!({})).await;
    let id = client.create("/members", json!({"company": company})).await;
    let plan = client.access["plans"][0]["_id"].clone();
    let body = json!({"company": company, "plan": plan});
    let moved = async || {
        client.advance(1000);
        let before = client.member(&id).await["modifiedAt"].clone();
        client.create("/memberships", body.clone()).await;
        let after = client.member(&id).await["modifiedAt"].clone();
        (before != after, client.events().await.len())
    };
    assert_eq!(moved().await, (false, 0), "nobody is told");
    client.turn("status_moves_modified", true);
    assert_eq!(moved().await, (true, 1));
}
