//! Listing everything.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use connector::{Connector, Error, Page, PageRequest};
use record::{Completeness, Freshness, Schema};
use serde_json::{Value as Json, json};

use crate::{
    fake::{Fake, no, ok, schema},
    index::{Entry, Names, instant, older, search},
};

/// Contacts of which up to `ties` share the millisecond of their making.
fn many(count: usize, ties: usize) -> Vec<Entry> {
    (0..count)
        .map(|number| {
            let added = 1_760_000_000_000 + i64::try_from(number / ties).unwrap() * 1_000;
            Entry {
                // Ids do not follow the order of making.
                id: format!("c{:05}", (number * 7_919) % count),
                added,
                updated: added,
                first_name: format!("Anna{number}"),
            }
        })
        .collect()
}

fn serving(entries: Arc<Mutex<Vec<Entry>>>, names: Names) -> Fake {
    Fake::new(move |request| {
        let entries = entries.lock().unwrap();
        match request.operation {
            "contacts.search" => search(&entries, names, request),
            "contacts.list" => older(&entries, request),
            other => panic!("{other}"),
        }
    })
}

async fn page(
    fake: &Fake,
    schema: &Schema,
    cursor: Option<Json>,
    limit: usize,
) -> Result<Page, Error> {
    fake.connector
        .list(fake, schema, PageRequest { cursor, limit })
        .await
}

/// All ids, in order, with what `between` does after each page.
async fn all(fake: &Fake, schema: &Schema, limit: usize, between: impl Fn(usize)) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = None;
    for number in 0.. {
        assert!(number < 1_000, "the listing does not end");
        let page = page(fake, schema, cursor, limit).await.unwrap();
        ids.extend(
            page.reads
                .iter()
                .map(|read| read.record.id.as_str().to_owned()),
        );
        between(number);
        // A cursor is stored as text and may be taken up by another process.
        cursor = match page.next {
            Some(next) => Some(serde_json::from_str(&next.to_string()).unwrap()),
            None => return ids,
        };
    }
    unreachable!()
}

#[tokio::test]
async fn a_search_goes_past_ten_thousand_and_loses_no_ties() {
    let schema = schema().await;
    let entries = many(10_501, 700);
    let fake = serving(Arc::new(Mutex::new(entries)), Names::OwnCase);
    let ids = all(&fake, &schema, 500, |_| ()).await;
    assert_eq!(ids.len(), 10_501);
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>().len(), 10_501);
    // 22 pages and the empty one.
    assert_eq!(fake.operations(), vec!["contacts.search"; 23]);
}

#[tokio::test]
async fn the_older_listing_takes_over_where_names_lost_their_case() {
    let schema = schema().await;
    for ties in [1, 300] {
        let fake = serving(Arc::new(Mutex::new(many(1_050, ties))), Names::LowerCase);
        let first = page(&fake, &schema, None, 500).await.unwrap();
        assert_eq!(first.reads.len(), 100);
        assert_eq!(first.total, Some(1_050));
        assert!(
            first.reads[0]
                .record
                .fields
                .get("firstName")
                .text()
                .unwrap()
                .starts_with("Anna")
        );
        let ids = all(&fake, &schema, 500, |_| ()).await;
        assert_eq!(ids.len(), 1_050);
        assert_eq!(ids.into_iter().collect::<BTreeSet<_>>().len(), 1_050);
        // One search finds out, and only on the first page.
        let operations = fake.operations();
        assert_eq!(operations[2], "contacts.search");
        assert!(operations[3..].iter().all(|name| *name == "contacts.list"));
    }
}

#[tokio::test]
async fn the_search_is_kept_where_the_older_listing_is_gone() {
    let entries = many(3, 1);
    let fake = Fake::new(move |request| match request.operation {
        "contacts.search" => search(&entries, Names::LowerCase, request),
        _ => no(404, "Cannot GET /contacts/"),
    });
    let page = page(&fake, &schema().await, None, 500).await.unwrap();
    assert_eq!(page.reads.len(), 3);
    assert!(page.next.is_none());
    for read in &page.reads {
        assert!(!read.record.fields.get("firstName").is_known());
        assert_eq!(read.completeness, Completeness::Partial);
    }
}

#[tokio::test]
async fn completeness_is_that_of_the_fields_asked_for() {
    let schema = schema().await;
    let without = |names: &[&str]| {
        let mut fewer = schema.clone();
        fewer
            .fields
            .retain(|field| !names.contains(&field.name.as_str()));
        fewer
    };
    let first = async |fake: &Fake, schema: &Schema| {
        let read = &page(fake, schema, None, 500).await.unwrap().reads[0];
        assert_eq!(read.freshness, Freshness::PossiblyStale);
        read.completeness
    };
    let entries = Arc::new(Mutex::new(many(3, 1)));
    let by_search = serving(entries.clone(), Names::OwnCase);
    assert_eq!(first(&by_search, &schema).await, Completeness::Partial);
    let fewer = without(&["gender"]);
    assert_eq!(first(&by_search, &fewer).await, Completeness::Complete);

    // The older listing shows no additional phones.
    let by_listing = serving(entries, Names::LowerCase);
    assert_eq!(first(&by_listing, &fewer).await, Completeness::Partial);
    let fewer = without(&["gender", "additionalPhones"]);
    assert_eq!(first(&by_listing, &fewer).await, Completeness::Complete);

    // Without names there is nothing that the search could spoil.
    let nameless = without(&["gender", "firstName", "lastName"]);
    let before = by_listing.operations().len();
    assert_eq!(first(&by_listing, &nameless).await, Completeness::Complete);
    assert_eq!(by_listing.operations()[before..], ["contacts.search"]);
}

#[tokio::test]
async fn deletes_and_creates_between_pages_shift_nothing() {
    let schema = schema().await;
    for names in [Names::OwnCase, Names::LowerCase] {
        let entries = Arc::new(Mutex::new(many(1_000, 50)));
        let fake = serving(entries.clone(), names);
        let untouched: BTreeSet<String> = entries
            .lock()
            .unwrap()
            .iter()
            .map(|entry| entry.id.clone())
            .filter(|id| !id.ends_with("00"))
            .collect();
        let ids = all(&fake, &schema, 100, |number| {
            let mut entries = entries.lock().unwrap();
            if number == 2 {
                entries.retain(|entry| !entry.id.ends_with("00"));
            }
            if number == 3 {
                entries.extend(many(1_010, 50).split_off(1_000));
            }
        })
        .await;
        let seen: BTreeSet<String> = ids.into_iter().collect();
        assert!(untouched.is_subset(&seen), "{names:?}");
    }
}

#[tokio::test]
async fn a_short_page_is_not_the_end() {
    // A server that caps pages at 40, whatever is asked for.
    let entries = many(130, 1);
    let fake = Fake::new(move |request| {
        let mut request = request.clone();
        if let connector::Body::Json(body) = &mut request.body {
            body["pageLimit"] = json!(40);
        }
        search(&entries, Names::OwnCase, &request)
    });
    assert_eq!(all(&fake, &schema().await, 500, |_| ()).await.len(), 130);
}

#[tokio::test]
async fn a_server_that_repeats_itself_is_noticed() {
    let entries = many(1_000, 1);
    let fake = Fake::new(move |request| {
        let mut request = request.clone();
        if let connector::Body::Json(body) = &mut request.body {
            body.as_object_mut().unwrap().remove("searchAfter");
        }
        search(&entries, Names::OwnCase, &request)
    });
    let schema = schema().await;
    let first = page(&fake, &schema, None, 100).await.unwrap();
    let error = page(&fake, &schema, first.next, 100).await.unwrap_err();
    assert!(error.to_string().contains("would never end"), "{error}");
}

#[tokio::test]
async fn a_small_account_takes_one_call_and_an_empty_one_too() {
    let schema = schema().await;
    let fake = serving(Arc::new(Mutex::new(many(7, 1))), Names::OwnCase);
    assert_eq!(all(&fake, &schema, 500, |_| ()).await.len(), 7);
    assert_eq!(fake.operations(), ["contacts.search"]);
    let fake = serving(Arc::new(Mutex::new(Vec::new())), Names::OwnCase);
    assert!(all(&fake, &schema, 500, |_| ()).await.is_empty());
    assert_eq!(fake.operations(), ["contacts.search"]);
}

#[tokio::test]
async fn where_the_next_page_begins_is_worked_out_if_it_is_not_said() {
    let items = |from: usize| -> Vec<Json> {
        (from..from + 2)
            .map(|number| {
                json!({"id": format!("c{number}"), "firstName": "Anna",
                       "dateAdded": instant(1_760_000_000_000 + i64::try_from(number).unwrap())})
            })
            .collect()
    };
    let fake = Fake::new(move |request| {
        let connector::Body::Json(body) = &request.body else {
            panic!()
        };
        match body.get("searchAfter") {
            None => ok(json!({"contacts": items(0)})),
            Some(after) if *after == json!([1_760_000_000_001_i64, "c1"]) => {
                ok(json!({"contacts": items(2)}))
            }
            Some(after) if *after == json!([1_760_000_000_003_i64, "c3"]) => {
                ok(json!({"contacts": []}))
            }
            other => panic!("{other:?}"),
        }
    });
    let ids = all(&fake, &schema().await, 2, |_| ()).await;
    assert_eq!(ids, ["c0", "c1", "c2", "c3"]);
}

#[tokio::test]
async fn an_item_without_an_id_is_an_error_and_not_skipped() {
    let fake = Fake::new(|_| ok(json!({"contacts": [{"firstName": "Anna"}], "total": 1})));
    let error = page(&fake, &schema().await, None, 10).await.unwrap_err();
    assert!(error.to_string().contains("has no id"), "{error}");
    let fake = Fake::new(|_| panic!("nothing is to be sent"));
    let error = page(&fake, &schema().await, Some(json!({"old": 1})), 10)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("begin anew"), "{error}");
}
