//! Changing and deleting records.

use std::collections::BTreeMap;

use connector::{Change, Connector, RemoveOutcome, SetDelta, UpdateOutcome};
use http::Method;
use record::{Entity, Field};
use serde_json::json;

use crate::fake::{Fake, MEMBER, Reply, fields, invalid, member, no, ok, record, schema, set};

fn change(pairs: Vec<(&str, Field)>) -> Change {
    Change {
        current: record(MEMBER, vec![("tags", set(&["old", "vip"]))]),
        set: fields(pairs),
        sets: BTreeMap::new(),
    }
}

async fn update(fake: &Fake, change: Change) -> UpdateOutcome {
    let schema = schema(Entity::Contact).await;
    let mut outcomes = fake.connector.update(fake, &schema, &[change]).await;
    outcomes.pop().unwrap()
}

fn blamed(outcome: &UpdateOutcome) -> Vec<&str> {
    match outcome {
        UpdateOutcome::Refused { refusal, .. } => {
            refusal.fields.iter().map(|name| name.as_str()).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn only_what_differs_is_sent_and_the_answer_is_the_record() {
    let fake = Fake::new(|_| ok(member(MEMBER)));
    let outcome = update(
        &fake,
        change(vec![
            ("name", Field::of("Ada Example")),
            ("email", Field::Empty),
        ]),
    )
    .await;
    assert_eq!(fake.operations(), ["members.update"]);
    assert_eq!(
        fake.bodies("members.update"),
        [json!({"name": "Ada Example", "email": null})]
    );
    assert!(
        matches!(&outcome, UpdateOutcome::Done { read: Some(read) } if read.decides()),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn an_object_goes_out_whole_whatever_a_put_does_with_its_other_parts() {
    let fake = Fake::new(|request| {
        let mut member = member(MEMBER);
        if request.method == Method::GET {
            // a key that the reference does not know must not go back
            member["address"]["geo"] = json!([52.5, 13.4]);
        }
        ok(member)
    });
    let outcome = update(
        &fake,
        change(vec![
            ("address.city", Field::of("Potsdam")),
            ("address.zip", Field::Empty),
            (
                "properties.desk",
                Field::Value(record::Value::Number(7.into())),
            ),
        ]),
    )
    .await;
    assert_eq!(fake.operations(), ["members.get", "members.update"]);
    assert_eq!(
        fake.bodies("members.update"),
        [json!({
            "address": {"street": "Am Ring 1", "zip": null, "city": "Potsdam", "country": "Germany"},
            "properties": {"crm id": "abc", "tier": "gold", "desk": 7},
        })]
    );
    // the scripted answer does not show the desk, so it proves nothing
    assert!(
        matches!(outcome, UpdateOutcome::Done { read: None }),
        "{outcome:?}"
    );
}

fn billed(more: serde_json::Value) -> serde_json::Value {
    let mut member = member(MEMBER);
    member["billingDetails"] = json!({"billingName": "Example Ltd", "vatNumber": "DE1",
        "billingAddress": {"city": "Berlin", "zip": "10115"}});
    if let (Some(own), Some(more)) = (member["billingDetails"].as_object_mut(), more.as_object()) {
        own.extend(more.clone());
    }
    member
}

#[tokio::test]
async fn billing_details_go_out_with_all_that_is_in_them() {
    // live ones hold more than a body is documented to take, and a part that is left out may be lost
    let fake = Fake::new(|_| ok(billed(json!({"taxRate": "t19", "date": null}))));
    update(
        &fake,
        change(vec![
            ("billingDetails.vatNumber", Field::of("DE2")),
            ("billingDetails.billingAddress.city", Field::of("Potsdam")),
            ("billingDetails.registrationNumber", Field::of("HRB 7")),
        ]),
    )
    .await;
    assert_eq!(
        fake.bodies("members.update"),
        [json!({"billingDetails": {
            "billingName": "Example Ltd", "vatNumber": "DE2", "registrationNumber": "HRB 7", "taxRate": "t19",
            "billingAddress": {"city": "Potsdam", "zip": "10115"},
        }})]
    );
    let nothing = Fake::new(|_| ok(member(MEMBER)));
    let city = ("billingDetails.billingAddress.city", Field::of("Potsdam"));
    update(&nothing, change(vec![city])).await;
    assert_eq!(
        nothing.bodies("members.update"),
        [json!({"billingDetails": {"billingAddress": {"city": "Potsdam"}}})]
    );
}

#[tokio::test]
async fn a_part_of_billing_details_that_is_not_taken_back_blames_them_and_is_not_left_out() {
    let fake = Fake::new(|request| match request.method == Method::GET {
        true => ok(billed(json!({"taxRate": "t19"}))),
        false => invalid(&["billingDetails.property taxRate should not exist"]),
    });
    let both = vec![
        ("billingDetails.vatNumber", Field::of("DE2")),
        ("name", Field::of("A")),
    ];
    let outcome = update(&fake, change(both)).await;
    assert_eq!(blamed(&outcome), ["billingDetails.vatNumber"]);
    assert_eq!(fake.bodies("members.update").len(), 1);
    // it is about this record, so the account is not taken to refuse them
    let learned = fake.learned.lock().unwrap();
    assert!(learned.is_empty(), "{learned:?}");
}

#[tokio::test]
async fn a_tag_list_is_replaced_by_what_was_read_with_the_change() {
    let fake = Fake::new(|_| ok(member(MEMBER)));
    let delta = SetDelta {
        add: ["new".to_owned()].into(),
        remove: ["old".to_owned()].into(),
    };
    let mut tags = change(Vec::new());
    tags.sets.insert("tags".into(), delta.clone());
    update(&fake, tags).await;
    assert_eq!(
        fake.bodies("members.update"),
        [json!({"tags": ["new", "vip"]})]
    );
    let mut blind = change(Vec::new());
    blind.current = record(MEMBER, Vec::new());
    blind.sets.insert("tags".into(), delta);
    assert_eq!(blamed(&update(&fake, blind).await), ["tags"]);
    assert_eq!(fake.sent().len(), 1, "unknown tags are not replaced");
}

#[tokio::test]
async fn tags_that_are_shown_as_they_were_were_not_taken() {
    let delta = SetDelta {
        add: ["new".to_owned()].into(),
        remove: Default::default(),
    };
    for (shown, before, dropped) in [
        (json!(["old", "vip"]), set(&["old", "vip"]), true),
        (json!(["new", "old", "vip"]), set(&["old", "vip"]), false),
        (json!([]), Field::Empty, true),
        // hidden: nothing is said of them
        (json!(null), set(&["old", "vip"]), false),
    ] {
        let answer = shown.clone();
        let fake = Fake::new(move |_| {
            let mut member = member(MEMBER);
            if !answer.is_null() {
                member["tags"] = answer.clone();
            }
            ok(member)
        });
        let mut tags = change(Vec::new());
        tags.current = record(MEMBER, vec![("tags", before)]);
        tags.sets.insert("tags".into(), delta.clone());
        match (update(&fake, tags).await, dropped) {
            (UpdateOutcome::Refused { refusal, .. }, true) => {
                assert_eq!(refusal.fields, [record::FieldName::from("tags")]);
            }
            (UpdateOutcome::Done { .. }, false) => {}
            (other, _) => panic!("{shown}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_field_that_the_account_never_takes_is_refused_once_and_then_here() {
    let fake = Fake::new(|request| {
        let phone = crate::fake::body(request).get("phone").is_some();
        if phone {
            invalid(&["property phone should not exist"])
        } else {
            ok(member(MEMBER))
        }
    });
    let phone = || {
        change(vec![
            ("phone", Field::of("+49 30 1")),
            ("name", Field::of("A")),
        ])
    };
    let schema = schema(Entity::Contact).await;
    let outcomes = fake
        .connector
        .update(
            &fake,
            &schema,
            &[phone(), phone(), change(vec![("name", Field::of("A"))])],
        )
        .await;
    assert_eq!(blamed(&outcomes[0]), ["phone"]);
    assert_eq!(blamed(&outcomes[1]), ["phone"]);
    assert!(matches!(outcomes[2], UpdateOutcome::Done { .. }));
    let keys: Vec<String> = fake.learned.lock().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["contact.update.phone"]);

    // as the next session knows it
    let settings =
        json!({"organization": "my-space", "learned": {"contact.update.phone": "refused"}});
    let fake = Fake::with(settings, |_| panic!("it is known to be refused"));
    assert_eq!(blamed(&update(&fake, phone()).await), ["phone"]);
}

#[tokio::test]
async fn a_company_goes_to_its_own_endpoint_whatever_the_method() {
    for taken in [Method::PUT, Method::POST, Method::PATCH] {
        let word = taken.as_str().to_lowercase();
        let fake = Fake::new(move |request| {
            if request.operation != "members.company" {
                return ok(member(MEMBER));
            }
            assert!(request.path.ends_with("/company"));
            if request.method == taken {
                Reply::Text(204, "")
            } else {
                no(404, &format!("Cannot {} /x", request.method))
            }
        });
        let company = "65a0000000000000000000aa";
        let outcome = update(
            &fake,
            change(vec![
                ("company", Field::of(company)),
                ("name", Field::of("A")),
            ]),
        )
        .await;
        assert!(
            matches!(outcome, UpdateOutcome::Done { read: None }),
            "{outcome:?}"
        );
        assert_eq!(fake.bodies("members.update"), [json!({"name": "A"})]);
        let last = fake.bodies("members.company").pop().unwrap();
        assert_eq!(last, json!({"company": company}));
        let learned = fake.learned.lock().unwrap().clone();
        assert_eq!(learned["contact.company_by"], word);

        // as the next session knows it: one call, the right one
        let settings = json!({"organization": "my-space", "learned": learned});
        let fake = Fake::with(settings, |_| Reply::Text(204, ""));
        update(&fake, change(vec![("company", Field::of(company))])).await;
        let methods: Vec<String> = fake
            .sent()
            .iter()
            .map(|sent| sent.method.to_string())
            .collect();
        assert_eq!(methods, [word.to_uppercase()]);
        assert!(fake.learned.lock().unwrap().is_empty());
    }
}

/// A 404 without a text, and what is there.
fn nowhere(member_is_there: bool, company_is_there: bool, taken: Method) -> Fake {
    Fake::new(move |request| match request.operation {
        "members.company" if request.method == taken => Reply::Text(204, ""),
        "members.company" => no(404, "Not Found"),
        "members.get" if member_is_there => ok(member(MEMBER)),
        "companies.get" if company_is_there => ok(json!({"_id": COMPANY, "name": "Acme"})),
        _ => no(404, "Item with Id (x)"),
    })
}

const COMPANY: &str = "65a0000000000000000000aa";

#[tokio::test]
async fn a_404_is_told_apart_by_a_read() {
    let set = || change(vec![("company", Field::of(COMPANY))]);
    let outcome = update(&nowhere(false, true, Method::GET), set()).await;
    assert!(matches!(outcome, UpdateOutcome::Gone), "{outcome:?}");

    let fake = nowhere(true, false, Method::GET);
    assert_eq!(blamed(&update(&fake, set()).await), ["company"]);
    let tries = fake.bodies("members.company").len();
    assert_eq!(
        tries, 1,
        "a company that is not there is no reason to try other ways"
    );

    let fake = nowhere(true, true, Method::PATCH);
    let outcome = update(&fake, set()).await;
    assert!(matches!(outcome, UpdateOutcome::Done { .. }), "{outcome:?}");
    assert_eq!(fake.learned.lock().unwrap()["contact.company_by"], "patch");
}

#[tokio::test]
async fn a_member_leaves_a_company_by_null_or_by_nothing() {
    for stays in [false, true] {
        let fake = Fake::new(move |request| match request.operation {
            "members.company" if crate::fake::body(request) == json!({}) => Reply::Text(204, ""),
            "members.company" => invalid(&["company must be a string"]),
            _ => {
                let mut member = member(MEMBER);
                if stays {
                    member["company"] = json!(COMPANY);
                }
                ok(member)
            }
        });
        let outcome = update(&fake, change(vec![("company", Field::Empty)])).await;
        match stays {
            false => assert!(matches!(outcome, UpdateOutcome::Done { .. }), "{outcome:?}"),
            true => assert_eq!(blamed(&outcome), ["company"]),
        }
    }
}

#[tokio::test]
async fn a_company_that_cannot_be_changed_is_learnt() {
    let fake = Fake::new(|request| match request.operation {
        "members.company" => no(404, &format!("Cannot {} /x", request.method)),
        _ => invalid(&["property company should not exist"]),
    });
    let outcome = update(&fake, change(vec![("company", Field::Empty)])).await;
    assert_eq!(blamed(&outcome), ["company"]);
    assert_eq!(
        fake.operations(),
        [
            "members.company",
            "members.company",
            "members.company",
            "members.update"
        ]
    );
    assert!(
        fake.learned
            .lock()
            .unwrap()
            .contains_key("contact.update.company")
    );
}

#[tokio::test]
async fn each_end_is_told_from_the_others() {
    type End = fn(&UpdateOutcome) -> bool;
    let cases: Vec<(fn() -> Reply, End)> = vec![
        (
            || no(404, "Item with Id (x)"),
            |outcome| matches!(outcome, UpdateOutcome::Gone),
        ),
        (
            || no(500, "Path 'name' is required."),
            |outcome| matches!(outcome, UpdateOutcome::Refused { refusal, .. } if refusal.fields == ["name".into()]),
        ),
        (
            || no(500, "Internal server error"),
            |outcome| matches!(outcome, UpdateOutcome::Unknown { .. }),
        ),
        (
            || Reply::TimeOut,
            |outcome| matches!(outcome, UpdateOutcome::Unknown { .. }),
        ),
        (
            || no(404, "Cannot PUT /x"),
            |outcome| matches!(outcome, UpdateOutcome::Refused { .. }),
        ),
    ];
    for (index, (reply, end)) in cases.into_iter().enumerate() {
        let fake = Fake::new(move |_| reply());
        let outcome = update(&fake, change(vec![("name", Field::of("A"))])).await;
        assert!(end(&outcome), "{index}: {outcome:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_not_sent() {
    let fake = Fake::new(|_| panic!("nothing may be sent"));
    for (name, field) in [
        ("status", Field::of("former")),
        ("description", Field::of("x")),
        ("name", Field::Empty),
        ("modifiedAt", Field::of("x")),
        ("nonsense", Field::of("x")),
        ("isBillingPerson", Field::of("x")),
    ] {
        assert_eq!(
            blamed(&update(&fake, change(vec![(name, field)])).await),
            [name]
        );
    }
}

#[tokio::test]
async fn a_delete_is_done_once() {
    let fake = Fake::new(|request| match request.path.rsplit('/').next().unwrap() {
        "there" => ok(member("there")),
        "gone" => no(404, "Item with Id (gone)"),
        "used" => no(500, "Member has invoices and should not be deleted"),
        _ => Reply::TimeOut,
    });
    let ids = ["there", "gone", "used", "lost"].map(Into::into);
    let outcomes = fake.connector.remove(&fake, Entity::Contact, &ids).await;
    assert!(matches!(outcomes[0], RemoveOutcome::Done));
    assert!(matches!(outcomes[1], RemoveOutcome::Gone));
    assert!(matches!(outcomes[2], RemoveOutcome::Refused(_)));
    assert!(matches!(outcomes[3], RemoveOutcome::Unknown { .. }));
}
