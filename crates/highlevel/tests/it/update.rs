//! Changing and deleting contacts.

use std::collections::BTreeMap;

use connector::{Change, Connector, RemoveOutcome, SetDelta, UpdateOutcome};
use record::{Field, Fields, Record, RecordId, Value};
use serde_json::{Value as Json, json};

use crate::fake::{Fake, Reply, contact, fields, no, ok, schema, set};

fn change(current: Fields, set: Fields, tags: (&[&str], &[&str])) -> Change {
    let owned = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
    let delta = SetDelta {
        add: owned(tags.0),
        remove: owned(tags.1),
    };
    let mut sets = BTreeMap::new();
    if delta != SetDelta::default() {
        sets.insert("tags".into(), delta);
    }
    Change {
        current: Record {
            id: "c1".into(),
            fields: current,
        },
        set,
        sets,
    }
}

async fn apply(fake: &Fake, change: Change) -> UpdateOutcome {
    let mut outcomes = fake
        .connector
        .update(fake, &schema().await, &[change])
        .await;
    assert_eq!(outcomes.len(), 1);
    outcomes.pop().unwrap()
}

fn put_answer() -> Json {
    let mut held = contact("c1");
    held["firstName"] = json!("Berta");
    json!({"succeded": true, "contact": held, "traceId": "t"})
}

fn berta() -> Fields {
    fields(vec![("firstName", Field::of("Berta"))])
}

#[tokio::test]
async fn only_what_differs_is_sent_and_empty_is_said_as_each_field_takes_it() {
    let fake = Fake::new(|_| ok(put_answer()));
    let current = fields(vec![
        ("dndSettings.SMS", Field::of("permanent")),
        ("dndSettings.Email", Field::of("inactive")),
        ("dndSettings.Call", Field::Empty),
    ]);
    let new = fields(vec![
        ("firstName", Field::of("Berta")),
        ("email", Field::Empty),
        ("source", Field::Empty),
        ("assignedTo", Field::Empty),
        ("dateOfBirth", Field::Empty),
        ("postalCode", Field::Empty),
        ("country", Field::Empty),
        ("dndSettings.Email", Field::of("active")),
        ("customFields.text", Field::Empty),
        ("customFields.wish", Field::Empty),
        ("customFields.area", Field::Value(Value::Number(90.into()))),
    ]);
    apply(&fake, change(current, new, (&[], &[]))).await;
    let mut body = fake.body("contacts.update");
    body["customFields"]
        .as_array_mut()
        .unwrap()
        .sort_by_key(|item| item["id"].to_string());
    assert_eq!(
        body,
        json!({
            "firstName": "Berta", "email": null, "source": null, "assignedTo": null,
            "dateOfBirth": null, "postalCode": "", "country": "",
            // The channel that was not touched goes along, so that it is not lost.
            "dndSettings": {"Email": {"status": "active"}, "SMS": {"status": "permanent"}},
            "customFields": [{"id": "area", "field_value": 90}, {"id": "text", "field_value": ""},
                {"id": "wish", "field_value": []}],
        })
    );
}

#[tokio::test]
async fn a_whole_answer_is_the_record() {
    let fake = Fake::new(|_| ok(put_answer()));
    let outcome = apply(&fake, change(Fields::new(), berta(), (&[], &[]))).await;
    let UpdateOutcome::Done { read: Some(read) } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(read.decides());
    assert_eq!(read.record.fields.get("firstName").text(), Some("Berta"));
    assert_eq!(read.record.fields.get("website"), &Field::Empty);

    // An echo of the change, or an answer that lacks what was sent, is not.
    let echo = json!({"id": "c1", "firstName": "Berta"});
    let mut lacking = contact("c1");
    lacking.as_object_mut().unwrap().remove("firstName");
    let another = contact("c2");
    for held in [echo, lacking, another, Json::Null] {
        let fake = Fake::new(move |_| ok(json!({"succeded": true, "contact": held})));
        let outcome = apply(&fake, change(Fields::new(), berta(), (&[], &[]))).await;
        assert!(
            matches!(outcome, UpdateOutcome::Done { read: None }),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn tags_are_added_and_removed_and_never_put() {
    let fake = Fake::new(|request| match request.operation {
        "contacts.update" => ok(put_answer()),
        "contacts.add_tags" => Reply::Json(201, json!({"tags": ["käufer", "neu"], "traceId": "t"})),
        "contacts.remove_tags" => ok(json!({"tags": ["neu"], "traceId": "t"})),
        other => panic!("{other}"),
    });
    let outcome = apply(
        &fake,
        change(Fields::new(), berta(), (&["neu"], &["käufer"])),
    )
    .await;
    assert_eq!(
        fake.operations(),
        [
            "contacts.update",
            "contacts.add_tags",
            "contacts.remove_tags"
        ]
    );
    assert_eq!(fake.body("contacts.update"), json!({"firstName": "Berta"}));
    assert_eq!(fake.body("contacts.add_tags"), json!({"tags": ["neu"]}));
    assert_eq!(
        fake.body("contacts.remove_tags"),
        json!({"tags": ["käufer"]})
    );
    let UpdateOutcome::Done { read: Some(read) } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(read.record.fields.get("tags"), &set(&["neu"]));
    // The stamp in the `PUT`'s answer is from before the tags' calls.
    assert_eq!(read.record.fields.get("dateUpdated"), &Field::Unknown);
    assert_eq!(read.modified, None);
}

#[tokio::test]
async fn tags_alone_bring_no_record_and_a_set_of_tags_becomes_a_difference() {
    let fake = Fake::new(|_| ok(json!({"tags": ["a", "c"]})));
    let current = fields(vec![("tags", set(&["a", "b"]))]);
    let wanted = fields(vec![("tags", set(&["a", "c"]))]);
    let outcome = apply(&fake, change(current, wanted.clone(), (&[], &[]))).await;
    assert!(matches!(outcome, UpdateOutcome::Done { read: None }));
    assert_eq!(fake.body("contacts.add_tags"), json!({"tags": ["c"]}));
    assert_eq!(fake.body("contacts.remove_tags"), json!({"tags": ["b"]}));

    let fake = Fake::new(|_| panic!("nothing is to be sent"));
    let outcome = apply(&fake, change(Fields::new(), wanted, (&[], &[]))).await;
    let UpdateOutcome::Refused { refusal, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(refusal.message.contains("unknown"), "{refusal}");
}

#[tokio::test]
async fn a_tag_both_added_and_removed_stays() {
    let fake = Fake::new(|_| ok(json!({"tags": ["a"]})));
    apply(
        &fake,
        change(Fields::new(), Fields::new(), (&["a"], &["a"])),
    )
    .await;
    assert_eq!(fake.operations(), ["contacts.add_tags"]);
}

#[tokio::test]
async fn other_sets_are_written_whole() {
    let fake = Fake::new(|_| ok(put_answer()));
    let mut change = change(
        fields(vec![("customFields.wish", set(&["Balkon", "Garten"]))]),
        Fields::new(),
        (&[], &[]),
    );
    change.sets.insert(
        "customFields.wish".into(),
        SetDelta {
            add: ["Keller".to_owned()].into(),
            remove: ["Balkon".to_owned()].into(),
        },
    );
    apply(&fake, change).await;
    assert_eq!(
        fake.body("contacts.update"),
        json!({"customFields": [{"id": "wish", "field_value": ["Garten", "Keller"]}]})
    );
}

/// How a change of a name, a tag added and a tag removed ends, if these calls are answered so.
async fn end(put: fn() -> Reply, add: fn() -> Reply, remove: fn() -> Reply) -> String {
    let fake = Fake::new(move |request| match request.operation {
        "contacts.update" => put(),
        "contacts.add_tags" => add(),
        "contacts.remove_tags" => remove(),
        other => panic!("{other}"),
    });
    match apply(&fake, change(Fields::new(), berta(), (&["neu"], &["alt"]))).await {
        UpdateOutcome::Done { read } => format!("done {}", read.is_some()),
        UpdateOutcome::Refused { refusal, done } => format!(
            "refused {refusal} {:?}, done {:?}",
            refusal
                .fields
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            done.iter().map(ToString::to_string).collect::<Vec<_>>()
        ),
        UpdateOutcome::Gone => "gone".to_owned(),
        UpdateOutcome::Unknown { why } => format!("unknown: {why}"),
        UpdateOutcome::Failed(error) => format!("failed: {error}"),
    }
}

#[tokio::test]
async fn every_end_says_how_far_it_went() {
    let fine = || ok(put_answer());
    let tags = || ok(json!({"tags": []}));
    let gone = || no(400, "Contact not found for id:c1");
    let duplicate = || {
        Reply::Json(
            400,
            json!({"message": "This location does not allow duplicated contacts.",
                   "meta": {"contactId": "c9", "matchingField": "phone"}}),
        )
    };
    let forbidden = || {
        Reply::Json(
            422,
            json!({"message": ["property firstName should not exist"], "error": "Unprocessable Entity"}),
        )
    };
    let no_tag = || no(422, "Tag is too long");

    assert_eq!(end(fine, tags, tags).await, "done true");
    assert_eq!(end(gone, tags, tags).await, "gone");
    assert_eq!(end(fine, gone, tags).await, "gone");
    assert_eq!(
        end(duplicate, tags, tags).await,
        "refused This location does not allow duplicated contacts. It is the phone of contact c9. \
         (duplicate) [\"phone\"], done []"
    );
    let nameless = || no(400, "This location does not allow duplicated contacts.");
    assert_eq!(
        end(nameless, tags, tags).await,
        "refused This location does not allow duplicated contacts. (duplicate) [], done []"
    );
    assert_eq!(
        end(forbidden, tags, tags).await,
        "refused property firstName should not exist (422) [\"firstName\"], done []"
    );
    assert_eq!(
        end(fine, no_tag, tags).await,
        "refused Tag is too long (422) [\"tags\"], done [\"firstName\"]"
    );
    assert_eq!(
        end(fine, tags, no_tag).await,
        "refused tags were added, but not removed: Tag is too long (422) [\"tags\"], done [\"firstName\"]"
    );
    assert_eq!(
        end(|| Reply::TimeOut, tags, tags).await,
        "unknown: no answer in time"
    );
    assert_eq!(
        end(|| Reply::Offline, tags, tags).await,
        "failed: contacts.update was not carried out: no connection"
    );
    // Once a part is written, it is not as if nothing had happened.
    assert_eq!(
        end(fine, || Reply::Offline, tags).await,
        "unknown: firstName written, then: contacts.add_tags was not carried out: no connection"
    );
    assert_eq!(
        end(fine, tags, || Reply::TimeOut).await,
        "unknown: firstName, tags written, then: no answer in time"
    );
}

#[tokio::test]
async fn what_cannot_be_changed_is_refused_before_anything_is_sent() {
    let fake = Fake::new(|_| panic!("nothing is to be sent"));
    for (name, field) in [
        ("companyName", Field::of("Heide GmbH")),
        ("gender", Field::of("female")),
        ("type", Field::of("customer")),
        ("dnd", Field::Empty),
        ("dndSettings.Email", Field::Empty),
        ("customFields.gone", Field::of("x")),
    ] {
        let outcome = apply(
            &fake,
            change(Fields::new(), fields(vec![(name, field)]), (&["neu"], &[])),
        )
        .await;
        let UpdateOutcome::Refused { refusal, done } = outcome else {
            panic!("{name}")
        };
        assert_eq!((refusal.fields, done), (vec![name.into()], vec![]));
    }
}

#[tokio::test]
async fn a_change_of_nothing_is_done_without_a_call() {
    let fake = Fake::new(|_| panic!("nothing is to be sent"));
    let outcome = apply(&fake, change(Fields::new(), Fields::new(), (&[], &[]))).await;
    assert!(matches!(outcome, UpdateOutcome::Done { read: None }));
}

#[tokio::test]
async fn deleting_ends_in_one_of_five_ways() {
    let fake = Fake::new(|request| match request.path.rsplit('/').next().unwrap() {
        "spelt" => ok(json!({"succeded": true})),
        "spelled" => ok(json!({"succeeded": true, "traceId": "t"})),
        "gone" => no(400, "Contact not found for id:gone"),
        "locked" => no(422, "Contact is locked"),
        "silent" => Reply::TimeOut,
        "odd" => ok(json!({"succeeded": false})),
        "offline" => Reply::Offline,
        other => panic!("{other}"),
    });
    let ids: Vec<RecordId> = [
        "spelt", "spelled", "gone", "locked", "silent", "odd", "offline",
    ]
    .map(RecordId::from)
    .to_vec();
    let outcomes = fake
        .connector
        .remove(&fake, record::Entity::Contact, &ids)
        .await;
    let names: Vec<&str> = outcomes
        .iter()
        .map(|outcome| match outcome {
            RemoveOutcome::Done => "done",
            RemoveOutcome::Gone => "gone",
            RemoveOutcome::Refused(_) => "refused",
            RemoveOutcome::Unknown { .. } => "unknown",
            RemoveOutcome::Failed(_) => "failed",
        })
        .collect();
    assert_eq!(
        names,
        [
            "done", "done", "gone", "refused", "unknown", "unknown", "failed"
        ]
    );
}
