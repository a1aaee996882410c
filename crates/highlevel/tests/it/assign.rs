//! Putting contacts into companies, by the call that does nothing else.

use std::collections::BTreeMap;

use connector::{Change, Connector, CreateOutcome, Draft, UpdateOutcome};
use record::{Access, Field, Fields, Record};
use serde_json::{Value as Json, json};

use crate::fake::{Fake, LOCATION, Reply, contact, fields, no, ok, schema};

fn change(id: &str, pairs: Vec<(&str, Field)>) -> Change {
    Change {
        current: Record {
            id: id.into(),
            fields: Fields::new(),
        },
        set: fields(pairs),
        sets: BTreeMap::new(),
    }
}

async fn apply(fake: &Fake, changes: &[Change]) -> Vec<UpdateOutcome> {
    fake.connector.update(fake, &schema().await, changes).await
}

/// The bodies of all calls that put contacts into companies.
fn assigned(fake: &Fake) -> Vec<Json> {
    fake.sent()
        .into_iter()
        .filter(|request| request.operation == "contacts.set_business")
        .map(|request| match request.body {
            connector::Body::Json(json) => json,
            _ => panic!("no JSON"),
        })
        .collect()
}

fn body(request: &connector::Request) -> Json {
    match &request.body {
        connector::Body::Json(json) => json.clone(),
        _ => Json::Null,
    }
}

#[tokio::test]
async fn the_company_is_written_by_its_own_call_and_never_put() {
    let spec = schema().await.field("businessId").unwrap().clone();
    assert_eq!(spec.capability.access, Access::ReadWrite);
    assert!(spec.capability.clearable);
    assert_eq!(spec.kind, record::Kind::Reference(record::Entity::Company));

    let fake = Fake::new(|request| match request.operation {
        "contacts.update" => ok(json!({"succeded": true, "contact": contact("c1")})),
        "contacts.set_business" => ok(json!({"success": true, "ids": ["c1"]})),
        other => panic!("{other}"),
    });
    let set = vec![
        ("firstName", Field::of("Anna")),
        ("businessId", Field::of("b1")),
    ];
    let outcome = apply(&fake, &[change("c1", set)]).await.pop().unwrap();
    assert_eq!(fake.body("contacts.update"), json!({"firstName": "Anna"}));
    assert_eq!(
        fake.body("contacts.set_business"),
        json!({"locationId": LOCATION, "ids": ["c1"], "businessId": "b1"})
    );
    let UpdateOutcome::Done { read: Some(read) } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(read.record.fields.get("businessId"), &Field::of("b1"));
    assert_eq!(
        read.modified, None,
        "the stamp is from before the last call"
    );

    let fake = Fake::new(|_| ok(json!({"success": true, "ids": ["c1"]})));
    let out = change("c1", vec![("businessId", Field::Empty)]);
    assert!(matches!(
        apply(&fake, &[out]).await[0],
        UpdateOutcome::Done { read: None }
    ));
    assert_eq!(assigned(&fake)[0]["businessId"], Json::Null);
}

#[tokio::test]
async fn contacts_of_one_company_share_a_call() {
    let fake = Fake::new(|request| ok(json!({"success": true, "ids": body(request)["ids"]})));
    let changes: Vec<Change> = (0..60)
        .map(|number| {
            let company = if number < 55 { "b1" } else { "b2" };
            change(
                &format!("c{number}"),
                vec![("businessId", Field::of(company))],
            )
        })
        .collect();
    let outcomes = apply(&fake, &changes).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, UpdateOutcome::Done { .. }))
    );
    let mut sizes: Vec<usize> = assigned(&fake)
        .iter()
        .map(|body| body["ids"].as_array().unwrap().len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [5, 5, 50]);
}

#[tokio::test]
async fn one_that_is_refused_stops_only_itself_and_says_what_was_done() {
    let fake = Fake::new(|request| match request.operation {
        "contacts.update" => ok(json!({"succeded": true, "contact": contact("bad")})),
        _ => {
            let ids = body(request)["ids"].clone();
            if ids.as_array().unwrap().contains(&json!("bad")) {
                no(422, "contact does not belong to location")
            } else {
                ok(json!({"success": true, "ids": ids}))
            }
        }
    });
    let changes = [
        change("good", vec![("businessId", Field::of("b1"))]),
        change(
            "bad",
            vec![
                ("businessId", Field::of("b1")),
                ("firstName", Field::of("Anna")),
            ],
        ),
    ];
    let outcomes = apply(&fake, &changes).await;
    assert!(matches!(outcomes[0], UpdateOutcome::Done { .. }));
    let UpdateOutcome::Refused { refusal, done } = &outcomes[1] else {
        panic!("{outcomes:?}")
    };
    assert_eq!(refusal.fields, ["businessId".into()]);
    assert_eq!(done[..], ["firstName".into()]);
}

#[tokio::test]
async fn a_contact_that_the_answer_leaves_out_was_not_changed() {
    let fake = Fake::new(|_| ok(json!({"success": true, "ids": ["c1"]})));
    let changes = ["c1", "c2"].map(|id| change(id, vec![("businessId", Field::of("b1"))]));
    let outcomes = apply(&fake, &changes).await;
    assert!(matches!(outcomes[0], UpdateOutcome::Done { .. }));
    assert!(matches!(outcomes[1], UpdateOutcome::Refused { .. }));

    let fake = Fake::new(|_| Reply::TimeOut);
    let outcomes = apply(&fake, &changes).await;
    assert!(matches!(outcomes[0], UpdateOutcome::Unknown { .. }));
    let fake = Fake::new(|_| Reply::Offline);
    let outcomes = apply(&fake, &changes).await;
    assert!(matches!(outcomes[0], UpdateOutcome::Failed(_)));
}

/// How making a contact of a company ends if the call for the company is answered so.
async fn made(assign: fn() -> Reply) -> (CreateOutcome, Fake) {
    let fake = Fake::new(move |request| match request.operation {
        "contacts.create" => Reply::Json(201, json!({ "contact": contact("c1") })),
        "contacts.set_business" => assign(),
        other => panic!("{other}"),
    });
    let draft = Draft {
        fields: fields(vec![
            ("firstName", Field::of("Anna")),
            ("businessId", Field::of("b1")),
        ]),
        ..Draft::default()
    };
    let mut outcomes = fake
        .connector
        .create(&fake, &schema().await, &[draft])
        .await;
    (outcomes.pop().unwrap(), fake)
}

#[tokio::test]
async fn a_new_contact_is_put_into_its_company_or_said_to_be_without() {
    let (outcome, fake) = made(|| ok(json!({"success": true, "ids": ["c1"]}))).await;
    let CreateOutcome::Created {
        read: Some(read),
        left_out,
        ..
    } = outcome
    else {
        panic!()
    };
    assert_eq!(
        fake.body("contacts.create"),
        json!({"firstName": "Anna", "locationId": LOCATION})
    );
    assert_eq!(read.record.fields.get("businessId"), &Field::of("b1"));
    assert!(left_out.is_empty());

    for (reply, has_read) in [
        ((|| no(422, "business is unknown")) as fn() -> Reply, true),
        (|| Reply::Offline, true),
        (|| Reply::TimeOut, false),
    ] {
        let (outcome, _) = made(reply).await;
        let CreateOutcome::Created { id, read, left_out } = outcome else {
            panic!("the contact itself was made")
        };
        assert_eq!(id.as_str(), "c1");
        assert_eq!(left_out, ["businessId".into()]);
        assert_eq!(read.is_some(), has_read);
    }
}
