//! The menu of services, bookings, when an event calendar is available, and what became of an e-mail.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use super::client::{Answer, Client};

impl Client {
    /// As v3 speaks.
    async fn v3(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/highlevel{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("Version", "v3");
        let body = match body.is_null() {
            true => Body::empty(),
            false => Body::from(body.to_string()),
        };
        self.raw(request.body(body).unwrap()).await.unwrap()
    }

    async fn service(&self, slug: &str, staff: &str) -> String {
        let body = json!({"locationId": self.location, "name": slug, "slug": slug, "staff": [{"id": staff}]});
        let made = self
            .v3(Method::POST, "/calendars/services/catalog", body)
            .await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.body["service"]["id"].as_str().unwrap().to_owned()
    }

    async fn book(&self, contact: &str, service: &str, more: Value) -> Answer {
        let mut body = json!({"locationId": self.location, "contactId": contact, "timezone": "Europe/Berlin",
            "startTime": "2026-12-01T10:00:00+01:00", "endTime": "2026-12-01T11:00:00+01:00", "services": [{"id": service}]});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        self.v3(Method::POST, "/calendars/services/bookings", body)
            .await
    }
}

#[tokio::test]
async fn only_v3_knows_them() {
    let client = Client::quiet(&[]);
    let path = format!("/calendars/services/catalog?locationId={}", client.location);
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(client.v3(Method::GET, &path, Value::Null).await.status, 200);
}

#[tokio::test]
async fn a_service_has_a_slug_of_its_own_and_somebody_who_gives_it() {
    let client = Client::quiet(&[]);
    client.service("valuation", "u1").await;
    let path = "/calendars/services/catalog";
    let mut body = json!({"locationId": client.location, "name": "B", "slug": "valuation", "staff": [{"id": "u1"}]});
    assert_eq!(
        client.v3(Method::POST, path, body.clone()).await.status,
        400
    );
    body["slug"] = json!("b");
    body["staff"] = json!([]);
    assert_eq!(
        client.v3(Method::POST, path, body.clone()).await.status,
        422
    );
    body["staff"] = json!([{"id": "u1"}]);
    body["isPrivate"] = json!(true);
    body["variations"] = json!([{"name": "Short", "serviceDuration": 15}]);
    let made = client.v3(Method::POST, path, body).await.body;
    let id = made["service"]["id"].as_str().unwrap();
    let variation = &made["service"]["variations"][0];
    assert_eq!(variation["id"].as_str().map(str::len), Some(24));
    let kept =
        json!({"variations": [{"id": variation["id"], "name": "Shorter"}, {"name": "Long"}]});
    let put = client
        .v3(Method::PUT, &format!("{path}/{id}"), kept)
        .await
        .body;
    assert_eq!(put["service"]["variations"][0]["id"], variation["id"]);
    assert_eq!(put["service"]["name"], "B");
    let list = format!("{path}?locationId={}&isPrivate=true", client.location);
    let private = client.v3(Method::GET, &list, Value::Null).await.body;
    assert_eq!(private["services"].as_array().map(Vec::len), Some(1));
    assert_eq!(private["services"][0]["id"], id);
}

#[tokio::test]
async fn who_gives_a_service_gives_one_at_a_time() {
    let client = Client::quiet(&[]);
    let contact = client.create(json!({})).await;
    let (one, other) = (
        client.service("one", "u1").await,
        client.service("other", "u2").await,
    );
    let booked = client.book(&contact, &one, json!({})).await;
    assert_eq!(booked.status, 201, "{}", booked.body);
    assert_eq!(booked.body["status"], "confirmed");
    assert_eq!(booked.body["title"], "one");
    assert_eq!(booked.body["services"][0]["serviceStaffId"], "u1");
    let taken = client.book(&contact, &one, json!({})).await;
    assert_eq!(taken.status, 400);
    assert_eq!(client.book(&contact, &other, json!({})).await.status, 201);
    let later =
        json!({"startTime": "2026-12-01T11:00:00+01:00", "endTime": "2026-12-01T12:00:00+01:00"});
    assert_eq!(client.book(&contact, &one, later).await.status, 201);
    // a cancelled one takes no time
    let id = booked.body["bookingId"].as_str().unwrap();
    let path = format!("/calendars/services/bookings/{id}");
    let cancelled = client
        .v3(Method::PUT, &path, json!({"status": "cancelled"}))
        .await;
    assert_eq!(cancelled.body["services"], booked.body["services"]);
    assert_eq!(client.book(&contact, &one, json!({})).await.status, 201);
    let nobody = client
        .book(&contact, "65e5f6dfacf123513228d384", json!({}))
        .await;
    assert_eq!(nobody.status, 400);
}

#[tokio::test]
async fn a_place_that_asks_needs_an_answer_and_another_takes_none() {
    let client = Client::quiet(&[]);
    let contact = client.create(json!({})).await;
    let service = client.service("one", "u1").await;
    let usual = client
        .book(&contact, &service, json!({"meetingLocation": "At home"}))
        .await;
    assert_eq!(usual.status, 201, "{}", usual.body);
    assert!(usual.body["meetingLocation"].is_null());
    assert_eq!(usual.body["messages"].as_array().map(Vec::len), Some(1));
    let place = json!({"locationId": client.location, "name": "Home", "slug": "home", "locationType": "ask_booker"});
    let place = client
        .v3(Method::POST, "/calendars/services/locations", place)
        .await;
    let mut there = json!({"serviceLocationId": place.body["id"],
        "startTime": "2026-12-02T10:00:00+01:00", "endTime": "2026-12-02T11:00:00+01:00"});
    assert_eq!(
        client.book(&contact, &service, there.clone()).await.status,
        400
    );
    there["meetingLocation"] = json!("At home");
    let booked = client.book(&contact, &service, there).await;
    assert_eq!(booked.body["meetingLocation"], "At home");
}

#[tokio::test]
async fn a_calendar_has_one_schedule_of_its_own() {
    let client = Client::quiet(&[]);
    let calendar =
        json!({"locationId": client.location, "name": "Open house", "calendarType": "event"});
    let calendar = client.post("/calendars/", calendar).await;
    let id = calendar.body["calendar"]["id"].as_str().unwrap();
    let path = format!("/calendars/schedules/event-calendar/{id}");
    assert_eq!(client.v3(Method::GET, &path, Value::Null).await.status, 400);
    let rules =
        json!([{"type": "wday", "day": "monday", "intervals": [{"from": "09:00", "to": "17:00"}]}]);
    let body = json!({"rules": rules, "timezone": "Europe/Berlin"});
    assert_eq!(
        client.v3(Method::POST, &path, body.clone()).await.status,
        201
    );
    assert_eq!(client.v3(Method::POST, &path, body).await.status, 400);
    let put = client
        .v3(Method::PUT, &path, json!({"timezone": "Europe/Vienna"}))
        .await;
    assert_eq!(
        (
            &put.body["schedule"]["rules"],
            &put.body["schedule"]["timezone"]
        ),
        (&rules, &json!("Europe/Vienna"))
    );
}

#[tokio::test]
async fn what_became_of_an_email_adds_up() {
    let client = Client::quiet(&[]);
    let contact = client.create(json!({})).await;
    let send = |provider: &str| {
        json!({"type": "Email", "subType": "Email", "status": "pending", "contactId": contact, "html": "Hello",
            "conversationProviderId": provider})
    };
    let path = |sent: &Answer| {
        let id = sent.body["emailMessageId"].as_str().unwrap();
        format!("/conversations/messages/email/{id}/status")
    };
    let own = client.post("/conversations/messages", send("")).await;
    let delivered = json!({"status": "delivered"});
    let refused = client.v3(Method::PUT, &path(&own), delivered).await;
    assert_eq!(refused.status, 403);
    let theirs = client.post("/conversations/messages", send("p1")).await;
    for status in ["clicked", "failed"] {
        let body = json!({"status": status, "events": {"clicked": 1, "opened": 0},
            "recipients": [{"emailId": "anna@example.org", "status": status}]});
        let put = client.v3(Method::PUT, &path(&theirs), body).await;
        assert_eq!(put.status, 200, "{}", put.body);
    }
    let state = client.control.dump(sandbox::System::HighLevel);
    let mut things = state["things"].as_array().unwrap().iter();
    let outcome = things.find(|thing| thing["kind"] == "email outcome");
    let outcome = &outcome.unwrap()["fields"];
    let events = json!({"clicked": 2, "opened": 1, "delivered": 1, "accepted": 1});
    assert_eq!(outcome["events"], events);
    assert_eq!(
        outcome["recipients"]["anna@example.org"]["status"],
        "failed"
    );
}
