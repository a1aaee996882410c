//! Listing and delta reads, while records come and go.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use connector::{Connector, Error, PageRequest};
use onoffice::OnOffice;
use proptest::prelude::*;
use record::Schema;
use serde_json::{Value as Json, json};

use crate::fake::{Asked, Fake, Reply, address, found, schema};

/// Addresses in the vendor's order, with their `Aenderung`.
#[derive(Debug, Default)]
struct Book {
    rows: Vec<(u64, String)>,
}

impl Book {
    fn numbered(ids: impl IntoIterator<Item = u64>) -> Arc<Mutex<Self>> {
        let rows = ids
            .into_iter()
            .map(|id| (id, "2026-01-01 00:00:00".to_owned()))
            .collect();
        Arc::new(Mutex::new(Self { rows }))
    }

    fn answer(&self, asked: &Asked) -> Reply {
        let parameters = asked.parameters();
        let number = |key: &str| usize::try_from(parameters[key].as_u64().unwrap_or(0)).unwrap();
        let since = parameters
            .pointer("/filter/Aenderung/0/val")
            .and_then(Json::as_str)
            .unwrap_or("");
        let matching: Vec<&(u64, String)> = self
            .rows
            .iter()
            .filter(|row| row.1.as_str() >= since)
            .collect();
        let page = matching
            .iter()
            .skip(number("listoffset"))
            .take(number("listlimit"))
            .map(|(id, changed)| address(*id, json!({"Name": "x", "Aenderung": changed})))
            .collect();
        Reply::Results(vec![found(page, matching.len())])
    }
}

fn behind(book: &Arc<Mutex<Book>>) -> Fake {
    let book = Arc::clone(book);
    Fake::new(move |asked| book.lock().unwrap().answer(asked))
}

/// Lists everything, doing something to the book before each page but the first.
async fn walk(
    fake: &Fake,
    schema: &Schema,
    limit: usize,
    mut between: impl FnMut(usize),
) -> Result<Vec<u64>, Error> {
    let mut listed = Vec::new();
    let mut cursor = None;
    for page in 0..10_000 {
        if page > 0 {
            between(page);
        }
        let page = OnOffice::new()
            .list(fake, schema, PageRequest { cursor, limit })
            .await?;
        assert!(page.reads.len() <= limit);
        listed.extend(
            page.reads
                .iter()
                .map(|read| read.record.id.as_str().parse::<u64>().unwrap()),
        );
        // as it comes back from the store
        cursor = page
            .next
            .map(|next| serde_json::from_str(&next.to_string()).unwrap());
        if cursor.is_none() {
            return Ok(listed);
        }
    }
    panic!("the listing does not end")
}

#[tokio::test]
async fn everything_is_listed_once_and_in_full_pages() {
    let schema = schema().await;
    let book = Book::numbered(1..=1234);
    let fake = behind(&book);
    let listed = walk(&fake, &schema, 500, |_| {}).await.unwrap();
    assert_eq!(listed, (1..=1234).collect::<Vec<u64>>());
    assert_eq!(fake.log().len(), 3);
    for size in [0, 1, 499, 500, 501] {
        let fake = behind(&Book::numbered(1..=size));
        let listed = walk(&fake, &schema, 1000, |_| {}).await.unwrap();
        assert_eq!(listed.len() as u64, size);
    }
    let fake = behind(&Book::numbered(1..=30));
    assert_eq!(walk(&fake, &schema, 1, |_| {}).await.unwrap().len(), 30);
}

#[tokio::test]
async fn more_counted_than_shown_is_an_error_and_no_listing_without_end() {
    let schema = schema().await;
    let fake = Fake::new(|_| {
        let row = address(7, json!({"Name": "x"}));
        Reply::Results(vec![found(vec![row], 3)])
    });
    let error = walk(&fake, &schema, 500, |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("counts more"), "{error}");
}

#[tokio::test]
async fn deleting_what_was_listed_skips_nothing() {
    let schema = schema().await;
    // some at the front; the whole overlap; nearly everything that was listed
    for gone in [0..3, 494..500, 10..500] {
        let book = Book::numbered(1..=1500);
        let fake = behind(&book);
        let listed = walk(&fake, &schema, 500, |page| {
            if page == 1 {
                book.lock().unwrap().rows.drain(gone.clone());
            }
        })
        .await
        .unwrap();
        let listed: BTreeSet<u64> = listed.into_iter().collect();
        assert_eq!(listed, (1..=1500).collect(), "{gone:?}");
    }
}

#[tokio::test]
async fn another_order_of_the_vendor_is_walked_as_well() {
    let schema = schema().await;
    let book = Book::numbered((1..=1300).rev());
    let fake = behind(&book);
    let listed = walk(&fake, &schema, 500, |page| {
        if page == 1 {
            book.lock().unwrap().rows.drain(5..300);
        }
    })
    .await
    .unwrap();
    let listed: BTreeSet<u64> = listed.into_iter().collect();
    assert_eq!(listed.len(), 1300);
}

#[tokio::test]
async fn a_vendor_that_gives_less_than_asked_for_is_still_walked_to_the_end() {
    let schema = schema().await;
    let book = Book::numbered(1..=130);
    let fake = Fake::new(move |asked| {
        let mut asked = Asked {
            operation: asked.operation,
            actions: asked.actions.clone(),
        };
        asked.actions[0]["parameters"]["listlimit"] = json!(20);
        book.lock().unwrap().answer(&asked)
    });
    assert_eq!(walk(&fake, &schema, 500, |_| {}).await.unwrap().len(), 130);
}

#[tokio::test]
async fn an_empty_success_is_no_empty_account() {
    let schema = schema().await;
    let nothing = Fake::new(|_| {
        Reply::Results(vec![
            json!({"data": [], "status": {"errorcode": 0, "message": "OK"}}),
        ])
    });
    assert!(matches!(
        walk(&nothing, &schema, 500, |_| {}).await,
        Err(Error::Unexpected { .. })
    ));
    let contradiction = Fake::new(|_| Reply::Results(vec![found(Vec::new(), 7)]));
    assert!(matches!(
        walk(&contradiction, &schema, 500, |_| {}).await,
        Err(Error::Unexpected { .. })
    ));
    let foreign = PageRequest {
        cursor: Some(json!({"searchAfter": 1})),
        limit: 500,
    };
    assert!(matches!(
        OnOffice::new().list(&nothing, &schema, foreign).await,
        Err(Error::Unexpected { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is deleted and made meanwhile: what was there all the time is listed.
    #[test]
    fn what_is_there_throughout_is_listed(
        size in 0_u64..160,
        limit in 1_usize..40,
        edits in prop::collection::vec((0_usize..200, 0_usize..30, 0_u64..10), 0..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let schema = runtime.block_on(schema());
        let book = Book::numbered(1..=size);
        let fake = behind(&book);
        let mut edits = edits.into_iter();
        let listed = runtime.block_on(walk(&fake, &schema, limit, |_| {
            let Some((at, gone, new)) = edits.next() else { return };
            let mut book = book.lock().unwrap();
            let begin = at.min(book.rows.len());
            let end = (begin + gone).min(book.rows.len());
            book.rows.drain(begin..end);
            let next = 1000 + book.rows.last().map_or(0, |row| row.0);
            book.rows.extend((next..next + new).map(|id| (id, String::new())));
        })).unwrap();
        let listed: BTreeSet<u64> = listed.into_iter().collect();
        for (id, _) in book.lock().unwrap().rows.iter().filter(|(id, _)| *id <= size) {
            prop_assert!(listed.contains(id), "{} was skipped", id);
        }
    }
}

async fn poll(fake: &Fake, schema: &Schema, cursor: Option<Json>) -> (Vec<String>, Json) {
    let mut ids = Vec::new();
    let mut at = cursor.clone();
    loop {
        let page = OnOffice::new()
            .changes(
                fake,
                schema,
                PageRequest {
                    cursor: at,
                    limit: 500,
                },
            )
            .await
            .unwrap();
        ids.extend(page.reads.iter().map(|read| read.record.id.to_string()));
        let resume = page
            .resume
            .expect("a poll always says where the next begins");
        match page.next {
            // before a poll is worked off, it resumes where it began
            Some(next) => {
                assert_eq!(Some(&resume), cursor.as_ref());
                at = Some(next);
            }
            None => return (ids, resume),
        }
    }
}

#[tokio::test]
async fn a_poll_begins_at_the_vendors_clock_and_goes_back_by_the_overlap() {
    let schema = schema().await;
    let book = Book::numbered([1, 2, 3]);
    let fake = behind(&book);
    let (ids, cursor) = poll(&fake, &schema, None).await;
    assert!(ids.is_empty(), "from now on");
    assert_eq!(cursor, json!({"since": "2026-07-15T10:00:00Z"}));

    book.lock().unwrap().rows[1].1 = "2026-07-15 12:00:30".into();
    *fake.date.lock().unwrap() = Some("Wed, 15 Jul 2026 10:01:00 GMT");
    let (ids, cursor) = poll(&fake, &schema, Some(cursor)).await;
    assert_eq!(ids, ["2"]);
    assert_eq!(cursor, json!({"since": "2026-07-15T10:01:00Z"}));
    let filter = fake.log().last().unwrap().parameters()["filter"].clone();
    assert_eq!(
        filter,
        json!({"Aenderung": [{"op": ">=", "val": "2026-07-15 11:55:00"}]})
    );

    // a clock over there that goes back does not take the cursor with it
    *fake.date.lock().unwrap() = Some("Wed, 15 Jul 2026 09:00:00 GMT");
    let (_, cursor) = poll(&fake, &schema, Some(cursor)).await;
    assert_eq!(cursor, json!({"since": "2026-07-15T10:01:00Z"}));
}

#[tokio::test]
async fn a_long_poll_misses_nothing_that_changes_meanwhile() {
    let schema = schema().await;
    let book = Book::numbered(1..=1200);
    for row in &mut book.lock().unwrap().rows[50..] {
        row.1 = "2026-07-15 11:59:00".into();
    }
    let inner = Arc::clone(&book);
    let mut calls = 0;
    let fake = Fake::new(move |asked| {
        calls += 1;
        let mut book = inner.lock().unwrap();
        if calls == 2 {
            // behind the walk: it joins the set before the offset
            book.rows[10].1 = "2026-07-15 12:00:05".into();
            book.rows.remove(200);
        }
        book.answer(asked)
    });
    let start = json!({"since": "2026-07-15T10:00:00Z"});
    let (first, cursor) = poll(&fake, &schema, Some(start)).await;
    assert_eq!(
        first.iter().collect::<BTreeSet<_>>().len(),
        1150,
        "all that had changed before the poll"
    );
    let (second, _) = poll(&fake, &schema, Some(cursor)).await;
    assert!(
        second.contains(&"11".to_owned()),
        "and what changed meanwhile by the next"
    );
}

#[tokio::test]
async fn in_the_hour_that_exists_twice_a_poll_goes_back_an_hour_more() {
    let schema = schema().await;
    let book = Book::numbered([1]);
    let fake = behind(&book);
    // 02:57 summer time; changed 20 minutes later, at 02:17 winter time
    book.lock().unwrap().rows[0].1 = "2026-10-25 02:17:00".into();
    let (ids, _) = poll(
        &fake,
        &schema,
        Some(json!({"since": "2026-10-25T00:57:00Z"})),
    )
    .await;
    assert_eq!(ids, ["1"]);
    let filter = fake.log()[0].parameters()["filter"].clone();
    assert_eq!(filter["Aenderung"][0]["val"], "2026-10-25 01:52:00");
}

#[tokio::test]
async fn without_the_vendors_clock_its_stamps_move_the_cursor() {
    let schema = schema().await;
    let book = Book::numbered([1]);
    let fake = behind(&book);
    *fake.date.lock().unwrap() = None;
    book.lock().unwrap().rows[0].1 = "2026-07-15 12:07:00".into();
    let (_, cursor) = poll(
        &fake,
        &schema,
        Some(json!({"since": "2026-07-15T10:00:00Z"})),
    )
    .await;
    assert_eq!(cursor, json!({"since": "2026-07-15T10:07:00Z"}));
}
