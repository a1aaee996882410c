//! Making records.

use connector::{Connector, CreateOutcome, Draft};
use record::{Entity, Field, Schema, Value};
use serde_json::json;

use crate::fake::{BERLIN, Fake, MEMBER, Reply, SOFIA, fields, invalid, member, no, schema, set};

fn draft(pairs: Vec<(&str, Field)>) -> Draft {
    Draft {
        fields: fields(pairs),
        ..Draft::default()
    }
}

fn ada() -> Draft {
    draft(vec![
        ("name", Field::of("Ada Example")),
        ("email", Field::of("ada@example.test")),
        ("phone", Field::Empty),
        ("address.city", Field::of("Berlin")),
        ("properties.crm id", Field::of("abc")),
    ])
}

async fn create(fake: &Fake, draft: Draft) -> CreateOutcome {
    let schema = schema(Entity::Contact).await;
    let mut outcomes = fake.connector.create(fake, &schema, &[draft]).await;
    outcomes.pop().unwrap()
}

#[tokio::test]
async fn the_settings_give_what_no_mapping_gives() {
    let fake = Fake::new(|_| Reply::Json(201, member(MEMBER)));
    let outcome = create(&fake, ada()).await;
    assert_eq!(
        fake.bodies("members.create"),
        [json!({
            "name": "Ada Example", "email": "ada@example.test", "location": BERLIN,
            "startDate": "2026-11-21T00:00:00.000Z", "address": {"city": "Berlin"},
            "properties": {"crm id": "abc"},
        })]
    );
    let CreateOutcome::Created { id, read, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(id.as_str(), MEMBER);
    assert!(read.unwrap().decides());

    let mut mapped = ada();
    mapped.fields.set("location", Field::of(SOFIA));
    let at = "2026-01-02T03:04:05Z".parse().unwrap();
    mapped
        .fields
        .set("startDate", Field::Value(Value::Instant(at)));
    create(&fake, mapped).await;
    let body = &fake.bodies("members.create")[1];
    assert_eq!(body["location"], SOFIA);
    assert_eq!(body["startDate"], "2026-01-02T03:04:05.000Z");
}

#[tokio::test]
async fn without_location_or_start_date_nothing_is_sent() {
    for (settings, named) in [
        (
            json!({"organization": "my-space", "start_date": "today"}),
            "location",
        ),
        (
            json!({"organization": "my-space", "location": BERLIN}),
            "start_date",
        ),
    ] {
        let fake = Fake::with(settings, |_| panic!("nothing can come of it"));
        let outcome = create(&fake, ada()).await;
        assert!(
            matches!(&outcome, CreateOutcome::Refused(refusal) if refusal.message.contains(named)),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn refusals_blame_fields_and_what_is_never_taken_is_learnt_once() {
    let fake =
        Fake::new(|_| invalid(&["property tags should not exist", "email must be an email"]));
    let with_tags = || {
        let mut draft = ada();
        draft.fields.set("tags", set(&["vip"]));
        draft
    };
    let schema = schema(Entity::Contact).await;
    let outcomes = fake
        .connector
        .create(&fake, &schema, &[with_tags(), with_tags(), ada()])
        .await;
    let blamed: Vec<Vec<String>> = outcomes
        .iter()
        .map(|outcome| match outcome {
            CreateOutcome::Refused(refusal) => {
                refusal.fields.iter().map(ToString::to_string).collect()
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(blamed[0], ["tags", "email"]);
    assert_eq!(blamed[1], ["tags"], "known by now, and not sent again");
    assert_eq!(fake.bodies("members.create").len(), 2);
    let learned = fake.learned.lock().unwrap();
    let keys: Vec<&String> = learned.keys().collect();
    assert_eq!(keys, ["contact.create.tags"]);
}

#[tokio::test]
async fn a_broken_reference_is_a_refusal_and_trouble_is_not_known() {
    let fake = Fake::new(|_| no(500, "Specified office was not found"));
    let outcome = create(&fake, ada()).await;
    assert!(
        matches!(&outcome, CreateOutcome::Refused(refusal)
            if refusal.code == "500" && refusal.message.contains("setting `location`")),
        "{outcome:?}"
    );
    for reply in [
        || no(500, "Internal server error"),
        || Reply::Text(502, "<html>"),
        || Reply::TimeOut,
        || Reply::Text(201, "{}"),
        || Reply::Text(201, "[]"),
    ] {
        let fake = Fake::new(move |_| reply());
        let outcome = create(&fake, ada()).await;
        assert!(
            matches!(outcome, CreateOutcome::Unknown { .. }),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_leaves_out_what_was_sent_is_not_the_whole_record() {
    let fake = Fake::new(|_| {
        let mut shown = member(MEMBER);
        shown.as_object_mut().unwrap().remove("email");
        Reply::Json(201, shown)
    });
    let outcome = create(&fake, ada()).await;
    assert!(
        matches!(&outcome, CreateOutcome::Created { read: Some(read), .. } if !read.decides()),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_note_of_nobody_or_without_a_text_is_not_sent() {
    let settings = json!({"organization": "my-space", "notes_property": "Notes"});
    for lacking in ["member", "body"] {
        let fake = Fake::with(settings.clone(), |_| no(500, "nothing is to be asked"));
        let mut note = draft(vec![
            ("member", Field::of(MEMBER)),
            ("body", Field::of("has a dog")),
        ]);
        note.fields.set(lacking, Field::Empty);
        let schema = Schema {
            entity: Entity::Note,
            fields: Vec::new(),
        };
        let outcome = fake.connector.create(&fake, &schema, &[note]).await;
        assert!(
            matches!(outcome[..], [CreateOutcome::Refused(_)]),
            "{outcome:?}"
        );
        assert_eq!(fake.operations(), Vec::<&str>::new());
    }
}
