//! Looking contacts up by e-mail and phone.

use connector::{Body, Connector, IdentityKey, KeyKind};
use record::{Completeness, Freshness};
use serde_json::json;

use crate::fake::{Fake, no, ok, schema};

fn key(kind: KeyKind, value: &str) -> IdentityKey {
    IdentityKey {
        kind,
        value: value.to_owned(),
    }
}

#[tokio::test]
async fn all_ways_are_asked_and_each_contact_is_given_once() {
    let fake = Fake::new(|request| match (request.operation, &request.body) {
        ("contacts.find_duplicate", _) => {
            let by = &request.query[1];
            match (by.0.as_str(), by.1.as_str()) {
                ("email", "a+b@example.org") => {
                    ok(json!({"contact": {"id": "c1", "email": "a+b@example.org"}}))
                }
                ("email", _) => ok(json!({"contact": null, "traceId": "t"})),
                ("number", "+4930901820") => ok(json!({"contact": {"id": "byPhone"}})),
                ("number", _) => no(400, "Contact not found"),
                other => panic!("{other:?}"),
            }
        }
        (_, Body::Json(body)) if body.get("filters").is_some() => {
            assert_eq!(
                body["filters"],
                json!([{ "group": "OR", "filters": [
                    {"field": "email", "operator": "eq", "value": "a+b@example.org"},
                    {"field": "email", "operator": "eq", "value": "second@example.org"},
                    {"field": "phone", "operator": "eq", "value": "+4930901820"},
                    {"field": "phone", "operator": "eq", "value": "+431234567"},
                ]}])
            );
            // The index misses the phone, and shows a deleted contact.
            ok(json!({"contacts": [
                {"id": "c1", "email": "A+B@example.org"}, {"id": "dead", "deleted": true}
            ], "total": 2}))
        }
        (_, Body::Json(body)) => match body["query"].as_str().unwrap() {
            "second@example.org" => ok(json!({"contacts": [
                {"id": "c2", "email": "main@example.org", "additionalEmails": [{"email": "Second@example.org"}]},
                {"id": "c3", "email": null, "additionalEmails": ["second@example.org"]},
                {"id": "fuzzy", "email": "second@example.com"},
            ], "total": 3})),
            "+431234567" => ok(json!({"contacts": [
                {"id": "c4", "additionalPhones": [{"phone": "+43 1 234567", "phoneLabel": null}]},
                {"id": "fuzzy2", "phone": "+43123456789"},
            ], "total": 2})),
            _ => ok(json!({"contacts": [], "total": 0})),
        },
        other => panic!("{other:?}"),
    });
    let keys = [
        key(KeyKind::Email, "a+b@example.org"),
        key(KeyKind::Email, "second@example.org"),
        key(KeyKind::Phone, "+4930901820"),
        key(KeyKind::Phone, "+431234567"),
    ];
    let found = fake
        .connector
        .find(&fake, &schema().await, &keys)
        .await
        .unwrap();
    let mut ids: Vec<&str> = found.iter().map(|read| read.record.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["byPhone", "c1", "c2", "c3", "c4"]);
    for read in &found {
        assert_eq!(
            (read.freshness, read.completeness),
            (Freshness::PossiblyStale, Completeness::Partial)
        );
    }
}

#[tokio::test]
async fn a_value_too_long_for_the_search_still_goes_to_the_lookup() {
    let long = format!("{}@example.org", "x".repeat(80));
    let fake = Fake::new(|request| {
        assert_eq!(request.operation, "contacts.find_duplicate");
        ok(json!({"contact": {"id": "c1"}}))
    });
    let keys = [key(KeyKind::Email, &long)];
    let found = fake
        .connector
        .find(&fake, &schema().await, &keys)
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(fake.operations().len(), 1);
}

#[tokio::test]
async fn one_way_that_fails_is_not_taken_for_nothing_found() {
    let fake = Fake::new(|request| match request.operation {
        "contacts.search" => ok(json!({"contacts": [], "total": 0})),
        _ => no(422, "number must be a phone"),
    });
    let keys = [key(KeyKind::Phone, "+4930901820")];
    let result = fake.connector.find(&fake, &schema().await, &keys).await;
    assert!(result.is_err());
}

#[tokio::test]
async fn no_keys_no_calls() {
    let fake = Fake::new(|_| panic!("nothing is to be sent"));
    let found = fake.connector.find(&fake, &schema().await, &[]).await;
    assert!(found.unwrap().is_empty());
}
