//! Companies, which HighLevel calls businesses: read, found, made, changed, deleted.

use std::collections::BTreeMap;

use connector::{
    Change, Connector, CreateOutcome, Draft, Fetched, IdentityKey, KeyKind, PageRequest,
    RemoveOutcome, UpdateOutcome,
};
use record::{Access, Completeness, Entity, Field, Fields, Kind, Record, Schema};
use serde_json::{Value as Json, json};

use crate::{
    fake::{Fake, LOCATION, Reply, fields, no, ok},
    spec,
};

async fn schema() -> Schema {
    let fake = Fake::new(|_| panic!("the fields need no call"));
    fake.connector.schema(&fake, Entity::Company).await.unwrap()
}

/// As `GET /businesses/{id}` shows it.
fn business(number: usize) -> Json {
    json!({
        "id": format!("63771dcac1116f0e21de8{number:03}"), "locationId": LOCATION, "name": format!("Firma {number}"),
        "phone": "+4930901820", "email": format!("Info{number}@firma.example"), "country": "DE",
        "createdAt": "2026-01-02T03:04:05.678Z", "updatedAt": "2026-02-03T04:05:06.789Z",
    })
}

fn id(number: usize) -> String {
    business(number)["id"].as_str().unwrap().to_owned()
}

/// Serves pages of these by `skip` and `limit`, as the specification has them.
fn serving(companies: impl Fn(usize) -> Vec<Json> + Send + Sync + 'static) -> Fake {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    Fake::new(move |request| {
        assert_eq!(request.operation, "businesses.list");
        let companies = companies(calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
        let number = |name: &str| -> usize {
            let (_, value) = request.query.iter().find(|(key, _)| key == name).unwrap();
            value.parse().unwrap()
        };
        let page: Vec<Json> = companies
            .into_iter()
            .skip(number("skip"))
            .take(number("limit"))
            .collect();
        ok(json!({ "businesses": page }))
    })
}

/// The ids of all pages, each once.
async fn all(fake: &Fake, limit: usize) -> Vec<String> {
    let schema = schema().await;
    let mut ids: Vec<String> = Vec::new();
    let mut cursor = None;
    for turn in 0.. {
        assert!(turn < 50, "the listing does not end");
        let request = PageRequest { cursor, limit };
        let page = fake.connector.list(fake, &schema, request).await.unwrap();
        for read in &page.reads {
            assert_eq!(read.completeness, Completeness::Complete);
            let id = read.record.id.as_str().to_owned();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    ids
}

#[tokio::test]
async fn the_fields_are_those_of_the_specification() {
    let schema = schema().await;
    let documented = spec::answer_properties("BusinessDto");
    for field in &schema.fields {
        assert!(
            documented.contains(&field.name.to_string()),
            "{}",
            field.name
        );
        let stamp = matches!(field.name.as_str(), "createdAt" | "updatedAt");
        let access = field.capability.access;
        assert_eq!(access == Access::ReadOnly, stamp, "{}", field.name);
    }
    let name = &schema.field("name").unwrap().capability;
    assert!(name.required && !name.clearable);
    assert_eq!(schema.field("email").unwrap().kind, Kind::Email);
    let description = highlevel::HighLevel::new();
    let company = description
        .describe()
        .entity(Entity::Company)
        .unwrap()
        .clone();
    assert!(!company.polled, "nothing can be asked for changes");
    let scopes = description.scopes(&[Entity::Company], true);
    assert!(scopes.contains(&"businesses.readonly".to_owned()));
    assert!(scopes.contains(&"businesses.write".to_owned()));
    assert!(!scopes.contains(&"contacts.readonly".to_owned()));
}

#[tokio::test]
async fn all_are_listed_once_also_where_some_go_meanwhile() {
    let fake = serving(|_| (0..10).map(business).collect());
    let expected: Vec<String> = (0..10).map(id).collect();
    assert_eq!(all(&fake, 4).await, expected);
    // Three that were listed are deleted after the first page: what follows moves forward.
    let fake = serving(|call| {
        let from = if call == 0 { 0 } else { 3 };
        (from..10).map(business).collect()
    });
    assert_eq!(all(&fake, 4).await, expected);
    // The last of a page is deleted itself.
    let fake = serving(|call| {
        (0..10)
            .filter(|number| call == 0 || *number != 3)
            .map(business)
            .collect()
    });
    assert_eq!(all(&fake, 4).await, expected);
    assert_eq!(all(&serving(|_| Vec::new()), 4).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_listing_that_does_not_get_on_ends_with_an_error() {
    let fake = Fake::new(|_| ok(json!({ "businesses": [business(1), business(2)] })));
    let schema = schema().await;
    let page = |cursor| PageRequest { cursor, limit: 2 };
    let first = fake
        .connector
        .list(&fake, &schema, page(None))
        .await
        .unwrap();
    let error = fake
        .connector
        .list(&fake, &schema, page(first.next))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("never end"), "{error}");
}

#[tokio::test]
async fn one_is_read_by_id_and_one_that_is_gone_is_known_to_be() {
    let fake = Fake::new(|request| match request.path.rsplit('/').next().unwrap() {
        "gone" => no(400, "Business not found for id:gone"),
        "empty" => ok(json!({ "business": null })),
        "foreign" => ok(json!({"business": {"id": "foreign", "name": "x", "locationId": "other"}})),
        "broken" => no(400, "Something else"),
        _ => ok(json!({ "business": business(7) })),
    });
    let ids = [id(7).as_str(), "gone", "empty", "foreign", "broken"].map(Into::into);
    let fetched = fake
        .connector
        .fetch(&fake, &schema().await, &ids)
        .await
        .unwrap();
    let Fetched::Found(read) = &fetched[0] else {
        panic!("{fetched:?}")
    };
    assert!(read.decides() && read.modified.is_some());
    assert_eq!(read.record.fields.get("name").text(), Some("Firma 7"));
    assert_eq!(read.record.fields.get("website"), &Field::Empty);
    assert!(matches!(&fetched[1], Fetched::Gone(id) if id.as_str() == "gone"));
    assert!(matches!(fetched[2], Fetched::Gone(_)));
    for failed in &fetched[3..] {
        assert!(matches!(failed, Fetched::Failed(..)), "{failed:?}");
    }
}

#[tokio::test]
async fn keys_are_looked_for_in_all_of_them() {
    let fake = serving(|_| (0..230).map(business).collect());
    let key = |kind, value: &str| IdentityKey {
        kind,
        value: value.to_owned(),
    };
    let found = fake
        .connector
        .find(
            &fake,
            &schema().await,
            &[key(KeyKind::Email, "info217@firma.example")],
        )
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].record.id.as_str(), id(217));
    assert!(!found[0].decides());
    assert_eq!(fake.operations().len(), 3);
    let local = serving(|_| {
        vec![
            json!({"id": "a", "name": "A", "phone": "030 901820"}),
            json!({"id": "b", "name": "B"}),
        ]
    });
    let found = local
        .connector
        .find(
            &local,
            &schema().await,
            &[key(KeyKind::Phone, "+4930901820")],
        )
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn nothing_is_polled() {
    let fake = Fake::new(|_| panic!("there is nothing to ask"));
    let page = fake
        .connector
        .changes(&fake, &schema().await, PageRequest::default())
        .await
        .unwrap();
    assert!(page.reads.is_empty() && page.next.is_none() && page.resume.is_some());
}

async fn make(fake: &Fake) -> CreateOutcome {
    let draft = Draft {
        fields: fields(vec![
            ("name", Field::of("Firma 1")),
            ("email", Field::of("info1@firma.example")),
            ("website", Field::Empty),
        ]),
        ..Draft::default()
    };
    let mut outcomes = fake.connector.create(fake, &schema().await, &[draft]).await;
    assert_eq!(outcomes.len(), 1);
    outcomes.pop().unwrap()
}

#[tokio::test]
async fn one_is_made_and_comes_back_under_a_misspelt_key() {
    let fake = Fake::new(|_| {
        Reply::Json(
            201,
            json!({"success": true, "buiseness": business(1), "traceId": "t"}),
        )
    });
    let CreateOutcome::Created { id: made, read, .. } = make(&fake).await else {
        panic!()
    };
    assert_eq!(made.as_str(), id(1));
    assert!(read.unwrap().decides());
    assert_eq!(
        fake.body("businesses.create"),
        json!({"locationId": LOCATION, "name": "Firma 1", "email": "info1@firma.example"})
    );
    // An answer without what was sent says nothing of it.
    let fake = Fake::new(|_| {
        Reply::Json(
            201,
            json!({"success": true, "buiseness": {"id": "b1", "name": "Firma 1"}}),
        )
    });
    assert!(matches!(
        make(&fake).await,
        CreateOutcome::Created { read: None, .. }
    ));
}

#[tokio::test]
async fn what_is_not_surely_made_is_not_said_to_be() {
    let end = async |reply: fn() -> Reply| make(&Fake::new(move |_| reply())).await;
    for reply in [
        (|| Reply::TimeOut) as fn() -> Reply,
        || ok(json!({"success": false})),
        || ok(json!({"success": true})),
        || no(500, "boom"),
    ] {
        assert!(matches!(end(reply).await, CreateOutcome::Unknown { .. }));
    }
    assert!(matches!(
        end(|| Reply::Offline).await,
        CreateOutcome::Failed(_)
    ));
    let refused = || {
        Reply::Json(
            422,
            json!({"message": ["email must be an email"], "error": "Unprocessable Entity"}),
        )
    };
    let CreateOutcome::Refused(refusal) = end(refused).await else {
        panic!()
    };
    assert_eq!(refusal.fields, ["email".into()]);
}

async fn change(fake: &Fake, set: Fields) -> UpdateOutcome {
    let change = Change {
        current: Record {
            id: id(1).as_str().into(),
            fields: Fields::new(),
        },
        set,
        sets: BTreeMap::new(),
    };
    let mut outcomes = fake
        .connector
        .update(fake, &schema().await, &[change])
        .await;
    assert_eq!(outcomes.len(), 1);
    outcomes.pop().unwrap()
}

#[tokio::test]
async fn one_is_changed_by_what_differs() {
    let fake = Fake::new(|_| ok(json!({"success": true, "buiseness": business(1)})));
    let set = || fields(vec![("name", Field::of("Firma 1")), ("city", Field::Empty)]);
    let UpdateOutcome::Done { read: Some(read) } = change(&fake, set()).await else {
        panic!()
    };
    assert!(read.decides());
    assert_eq!(
        fake.body("businesses.update"),
        json!({"name": "Firma 1", "city": ""})
    );
    for (reply, expected) in [
        ((|| no(400, "Business not found")) as fn() -> Reply, "Gone"),
        (|| no(422, "name must be a string"), "Refused"),
        (|| no(503, "later"), "Unknown"),
        (|| Reply::TimeOut, "Unknown"),
        (|| Reply::Offline, "Failed"),
        (
            || ok(json!({"success": true, "buiseness": {"id": "x"}})),
            "Done { read: None }",
        ),
    ] {
        let fake = Fake::new(move |_| reply());
        let outcome = format!("{:?}", change(&fake, set()).await);
        assert!(outcome.starts_with(expected), "{outcome}");
    }
    let fake = Fake::new(|_| panic!("nothing is to be sent"));
    let nameless = change(&fake, fields(vec![("name", Field::Empty)])).await;
    assert!(matches!(nameless, UpdateOutcome::Refused { .. }));
}

#[tokio::test]
async fn one_is_deleted() {
    for (reply, expected) in [
        ((|| ok(json!({"success": true}))) as fn() -> Reply, "Done"),
        (|| ok(json!({"success": false})), "Unknown"),
        (|| no(400, "Business not found"), "Gone"),
        (|| no(400, "Business has contacts"), "Refused"),
        (|| Reply::TimeOut, "Unknown"),
    ] {
        let fake = Fake::new(move |_| reply());
        let ids = [id(1).as_str().into()];
        let ends = fake.connector.remove(&fake, Entity::Company, &ids).await;
        let end: &RemoveOutcome = &ends[0];
        assert!(format!("{end:?}").starts_with(expected), "{end:?}");
    }
}
