//! Polling for changes.

use std::sync::{Arc, Mutex};

use connector::{Connector, PageRequest};
use serde_json::Value as Json;

use crate::{
    fake::{Fake, no, schema},
    index::{Entry, Names, search},
};

type Index = Arc<Mutex<Vec<Entry>>>;

/// The vendor's time at the beginning of each test; not the same as ours.
const START: i64 = 1_760_000_000_000;

fn entry(id: &str, updated: i64) -> Entry {
    Entry {
        id: id.to_owned(),
        added: START - 1_000_000,
        updated: START + updated,
        first_name: "Anna".to_owned(),
    }
}

fn serving(entries: Vec<Entry>) -> (Fake, Index) {
    let index: Index = Arc::new(Mutex::new(entries));
    let served = index.clone();
    let fake = Fake::new(move |request| search(&served.lock().unwrap(), Names::LowerCase, request));
    (fake, index)
}

fn put(index: &Index, changed: Entry) {
    let mut index = index.lock().unwrap();
    index.retain(|entry| entry.id != changed.id);
    index.push(changed);
}

/// One whole poll: what it shows, and where the next begins.
async fn poll(fake: &Fake, resume: Option<Json>, limit: usize) -> (Vec<String>, Json) {
    let schema = schema().await;
    let mut shown = Vec::new();
    let mut cursor = resume;
    for _ in 0..1_000 {
        let page = fake
            .connector
            .changes(fake, &schema, PageRequest { cursor, limit })
            .await
            .unwrap();
        shown.extend(
            page.reads
                .iter()
                .map(|read| read.record.id.as_str().to_owned()),
        );
        let resume = page.resume.expect("changes always say where to resume");
        match page.next {
            Some(next) => cursor = Some(serde_json::from_str(&next.to_string()).unwrap()),
            None => return (shown, resume),
        }
    }
    panic!("the poll does not end");
}

#[tokio::test]
async fn the_first_poll_only_marks_the_present() {
    let (fake, index) = serving(vec![entry("old", 0)]);
    let (shown, resume) = poll(&fake, None, 100).await;
    assert!(shown.is_empty());
    assert_eq!(fake.operations(), ["contacts.search"]);
    put(&index, entry("new", 5_000));
    let (shown, _) = poll(&fake, Some(resume), 100).await;
    assert!(shown.contains(&"new".to_owned()), "{shown:?}");
}

#[tokio::test]
async fn an_empty_account_misses_nothing_that_comes() {
    let (fake, index) = serving(Vec::new());
    let (_, resume) = poll(&fake, None, 100).await;
    put(&index, entry("first", 0));
    let (shown, _) = poll(&fake, Some(resume), 100).await;
    assert_eq!(shown, ["first"]);
}

#[tokio::test]
async fn a_change_that_reaches_the_index_late_is_still_found() {
    let (fake, index) = serving(vec![entry("a", 0)]);
    let (_, resume) = poll(&fake, None, 100).await;
    put(&index, entry("b", 20_000));
    let (_, resume) = poll(&fake, Some(resume), 100).await;
    // Changed before `b`, indexed after it was shown.
    put(&index, entry("late", 11_000));
    fake.pass(9);
    let (shown, _) = poll(&fake, Some(resume), 100).await;
    assert_eq!(shown, ["late"]);
}

#[tokio::test]
async fn nothing_is_shown_twice_and_a_second_change_is_shown() {
    let (fake, index) = serving(vec![entry("a", 0), entry("b", 10)]);
    let (_, resume) = poll(&fake, None, 100).await;
    put(&index, entry("b", 5_000));
    let (_, mut resume) = poll(&fake, Some(resume), 100).await;
    for _ in 0..5 {
        fake.pass(30);
        let (shown, next) = poll(&fake, Some(resume), 100).await;
        assert!(shown.is_empty(), "{shown:?}");
        resume = next;
    }
    // Even within the millisecond of the change before.
    let mut again = entry("b", 5_000);
    again.first_name = "Berta".to_owned();
    put(&index, again);
    let (shown, _) = poll(&fake, Some(resume), 100).await;
    assert_eq!(shown, ["b"]);
}

#[tokio::test]
async fn a_bulk_change_ends_in_silence() {
    // More at once than digests are kept of.
    let bulk: Vec<Entry> = (0..2_500)
        .map(|number| entry(&format!("c{number:04}"), number * 4))
        .collect();
    let (fake, _) = serving(bulk);
    let (_, resume) = poll(&fake, None, 500).await;
    let (shown, mut resume) = poll(&fake, Some(resume), 500).await;
    assert_eq!(shown.len(), 2_500);
    fake.pass(61);
    (_, resume) = poll(&fake, Some(resume), 500).await;
    let before = fake.operations().len();
    let (shown, _) = poll(&fake, Some(resume), 500).await;
    assert!(shown.is_empty(), "{}", shown.len());
    assert_eq!(fake.operations().len() - before, 1);
}

#[tokio::test]
async fn a_poll_can_be_taken_up_in_the_middle_and_from_each_page() {
    let (fake, index) = serving(vec![entry("a", 0)]);
    let (_, begin) = poll(&fake, None, 100).await;
    for number in 1..=250 {
        // Two hundred share one millisecond.
        put(
            &index,
            entry(&format!("c{number:03}"), 70_000 + (number / 200) * 90_000),
        );
    }
    let schema = schema().await;
    let request = |cursor| PageRequest {
        cursor: Some(cursor),
        limit: 100,
    };
    let first = fake
        .connector
        .changes(&fake, &schema, request(begin.clone()))
        .await
        .unwrap();
    assert_eq!(first.reads.len(), 100);
    // The process dies here: `resume` after the first page goes on without losing one.
    let (rest, _) = poll(&fake, first.resume, 100).await;
    let seen = first.reads.iter().map(|read| read.record.id.to_string());
    let all: std::collections::BTreeSet<String> = seen.chain(rest).collect();
    assert_eq!(all.iter().filter(|id| id.starts_with('c')).count(), 250);
    // And so does starting over.
    let (again, _) = poll(&fake, Some(begin), 100).await;
    assert_eq!(again.iter().filter(|id| id.starts_with('c')).count(), 250);
}

#[tokio::test]
async fn a_contact_that_changes_during_the_poll_is_not_lost() {
    let (fake, index) = serving((0..300).map(|n| entry(&format!("c{n:03}"), n)).collect());
    let (_, begin) = poll(&fake, None, 100).await;
    let schema = schema().await;
    let mut cursor = Some(begin);
    let mut last = Vec::new();
    while let Some(from) = cursor.take() {
        let page = fake
            .connector
            .changes(
                &fake,
                &schema,
                PageRequest {
                    cursor: Some(from),
                    limit: 100,
                },
            )
            .await
            .unwrap();
        last.extend(page.reads.iter().map(|read| read.record.id.to_string()));
        // Moves from a page that is still to come to the end.
        put(&index, entry("c150", 200_000));
        cursor = page.next;
    }
    assert!(last.contains(&"c150".to_owned()));
}

#[tokio::test]
async fn a_refused_poll_is_an_error() {
    let fake = Fake::new(|_| no(400, "invalid field"));
    let error = fake
        .connector
        .changes(&fake, &schema().await, PageRequest::default())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the vendor refused contacts.search: invalid field (400)"
    );
}
