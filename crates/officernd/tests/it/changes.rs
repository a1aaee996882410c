//! Polling for `modifiedAt`.

use connector::{Connector, Page, PageRequest};
use record::Entity;
use serde_json::{Value as Json, json};

use crate::fake::{Fake, Reply, member, no, ok, page, parameter, schema};

async fn poll(fake: &Fake, cursor: Option<Json>) -> Page {
    let schema = schema(Entity::Contact).await;
    let page = PageRequest { cursor, limit: 50 };
    fake.connector.changes(fake, &schema, page).await.unwrap()
}

fn changed(id: &str, at: &str) -> Json {
    let mut item = member(id);
    item["modifiedAt"] = json!(at);
    item
}

fn ids(page: &Page) -> Vec<String> {
    let ids = page.reads.iter().map(|read| read.record.id.to_string());
    ids.collect()
}

#[tokio::test]
async fn the_first_poll_only_says_since_when() {
    let fake = Fake::new(|request| {
        assert_eq!(parameter(request, "modifiedAt[$gte]"), None);
        page(&[member("m1")])
    });
    let page = poll(&fake, None).await;
    assert!(page.reads.is_empty() && page.next.is_none());
    assert_eq!(page.resume.unwrap()["newest"], 1_795_255_199_000_i64);
}

#[tokio::test]
async fn a_poll_of_several_pages_moves_on_at_its_end_whatever_their_order() {
    let fake = Fake::new(|request| {
        let since = parameter(request, "modifiedAt[$gte]").unwrap();
        assert_eq!(since, "2026-11-21T09:58:00.000Z");
        match parameter(request, "$cursorNext") {
            None => ok(json!({"cursorNext": "2", "results":
                [changed("late", "2026-11-21T10:30:00.000Z")]})),
            Some("2") => page(&[changed("early", "2026-11-21T10:01:00.000Z")]),
            other => panic!("{other:?}"),
        }
    });
    let start = json!({"newest": 1_795_255_200_000_i64});
    let first = poll(&fake, Some(start)).await;
    assert_eq!(ids(&first), ["late"]);
    // a process that dies here begins the poll again
    assert_eq!(first.resume.unwrap()["newest"], 1_795_255_200_000_i64);
    let second = poll(&fake, first.next).await;
    assert_eq!(ids(&second), ["early"]);
    assert!(second.next.is_none());
    let end = second.resume.unwrap();
    assert_eq!(end["newest"], 1_795_257_000_000_i64);
    assert!(end.get("page").is_none());
}

#[tokio::test]
async fn what_the_overlap_shows_again_is_left_out_unless_it_changed() {
    let fake = Fake::new(|request| {
        let since = parameter(request, "modifiedAt[$gte]").unwrap();
        let again = since > "2026-11-21T09:58:00.000Z";
        page(&[
            changed("a", "2026-11-21T10:00:30.000Z"),
            changed(
                "b",
                if again {
                    "2026-11-21T10:01:00.001Z"
                } else {
                    "2026-11-21T10:01:00.000Z"
                },
            ),
        ])
    });
    let first = poll(&fake, Some(json!({"newest": 1_795_255_200_000_i64}))).await;
    assert_eq!(ids(&first), ["a", "b"]);
    let second = poll(&fake, first.resume).await;
    assert_eq!(ids(&second), ["b"]);
}

#[tokio::test]
async fn a_lost_place_within_a_poll_begins_the_poll_again() {
    let fake = Fake::new(|request| -> Reply {
        match parameter(request, "$cursorNext") {
            Some(_) => no(500, "Unexpected token in JSON"),
            None => page(&[changed("a", "2026-11-21T10:00:30.000Z")]),
        }
    });
    let place = json!({"newest": 1_795_255_200_000_i64, "page": {"next": "x", "newest": 1}});
    let page = poll(&fake, Some(place)).await;
    assert_eq!(ids(&page), ["a"]);
    assert_eq!(page.resume.unwrap()["newest"], 1_795_255_230_000_i64);
}
