//! Lists, page by page.

use connector::{Connector, PageRequest};
use record::{Completeness, Entity};
use serde_json::json;

use crate::fake::{Fake, member, no, ok, page, parameter, schema};

fn from(cursor: Option<serde_json::Value>) -> PageRequest {
    PageRequest { cursor, limit: 500 }
}

#[tokio::test]
async fn pages_follow_the_vendors_cursor_to_the_end() {
    let fake = Fake::new(|request| {
        assert_eq!(parameter(request, "$limit"), Some("50"));
        assert_eq!(parameter(request, "$cursorPrev"), None);
        match parameter(request, "$cursorNext") {
            None => ok(
                json!({"rangeStart": 1, "rangeEnd": 1, "cursorNext": "a=", "results": [member("m1")]}),
            ),
            Some("a=") => ok(
                json!({"rangeStart": 2, "rangeEnd": 2, "cursorNext": "b", "cursorPrev": "p",
                "results": [member("m2")]}),
            ),
            // documented as null, seen to be absent
            Some("b") => ok(
                json!({"rangeStart": 3, "rangeEnd": 3, "cursorNext": null, "results": [member("m3")]}),
            ),
            other => panic!("{other:?}"),
        }
    });
    let schema = schema(Entity::Contact).await;
    let (mut cursor, mut ids) = (None, Vec::new());
    loop {
        let page = fake
            .connector
            .list(&fake, &schema, from(cursor))
            .await
            .unwrap();
        for read in &page.reads {
            assert_eq!(read.completeness, Completeness::Complete);
            ids.push(read.record.id.to_string());
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(ids, ["m1", "m2", "m3"]);
}

#[tokio::test]
async fn a_cursor_that_is_not_taken_any_more_begins_anew() {
    let fake = Fake::new(|request| match parameter(request, "$cursorNext") {
        Some("old") => no(500, "Unexpected token o in JSON at position 0"),
        None => page(&[member("m1")]),
        other => panic!("{other:?}"),
    });
    let schema = schema(Entity::Contact).await;
    let page = fake
        .connector
        .list(&fake, &schema, from(Some(json!({"next": "old"}))))
        .await
        .unwrap();
    assert_eq!(page.reads.len(), 1);
    assert!(page.next.is_none());
    // but not for ever
    let tired = json!({"next": "old", "anew": 3});
    let result = fake.connector.list(&fake, &schema, from(Some(tired))).await;
    assert!(result.is_err());
}

#[tokio::test]
async fn a_list_that_does_not_get_on_is_an_error_and_an_empty_page_is_the_end() {
    let fake = Fake::new(|request| match parameter(request, "$cursorNext") {
        Some("same") => ok(json!({"cursorNext": "same", "results": [member("m1")]})),
        _ => ok(json!({"rangeStart": 0, "rangeEnd": 0, "cursorNext": "x", "results": []})),
    });
    let schema = schema(Entity::Company).await;
    let stuck = from(Some(json!({"next": "same"})));
    assert!(fake.connector.list(&fake, &schema, stuck).await.is_err());
    let page = fake
        .connector
        .list(&fake, &schema, from(None))
        .await
        .unwrap();
    assert!(page.next.is_none() && page.reads.is_empty());
    assert_eq!(fake.operations(), ["companies.list", "companies.list"]);
}
