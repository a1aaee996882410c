//! Making addresses.

use connector::{CallError, Connector, CreateOutcome, Draft, Error};
use onoffice::OnOffice;
use record::{Field, Point, PointKind, Value};
use serde_json::{Value as Json, json};

use crate::fake::{Asked, Fake, Reply, done, envelope, found, made, mirrored, refused, schema};

fn draft(fields: &[(&str, Field)]) -> Draft {
    Draft {
        fields: fields
            .iter()
            .map(|(name, field)| ((*name).into(), field.clone()))
            .collect(),
        ..Draft::default()
    }
}

fn named(name: &str) -> Draft {
    draft(&[("Name", Field::of(name))])
}

fn point(kind: PointKind, value: &str, main: bool) -> Point {
    Point {
        kind,
        value: value.into(),
        label: None,
        main,
    }
}

fn points(points: &[Point]) -> Field {
    Field::Value(Value::Points(points.to_vec()))
}

async fn create(fake: &Fake, drafts: &[Draft]) -> Vec<CreateOutcome> {
    OnOffice::new().create(fake, &schema().await, drafts).await
}

fn id(outcome: &CreateOutcome) -> &str {
    match outcome {
        CreateOutcome::Created { id, read: None, .. } => id.as_str(),
        other => panic!("{other:?}"),
    }
}

fn names(asked: &Asked) -> Vec<&str> {
    asked
        .actions
        .iter()
        .map(|action| action["parameters"]["Name"].as_str().unwrap_or(""))
        .collect()
}

#[tokio::test]
async fn a_draft_is_spelt_flat_and_never_asks_for_an_overwrite() {
    let fake = Fake::new(|_| Reply::Results(vec![made(181)]));
    let outcomes = create(
        &fake,
        &[draft(&[
            ("Name", Field::of("Beispiel")),
            ("Ort", Field::Empty),
            ("Land", Field::of("DEU")),
            ("Vip", Field::Value(Value::Boolean(true))),
            (
                "ArtDaten",
                Field::of(Value::Set(["Kunde".to_owned()].into())),
            ),
            ("Status2Adr", Field::of("status2adr_active")),
            (
                "emails",
                points(&[
                    point(PointKind::Email, "a@b.de", false),
                    point(PointKind::Email, "c@d.de", true),
                ]),
            ),
            (
                "phones",
                points(&[
                    point(PointKind::Mobile, "0170 1", false),
                    point(PointKind::Phone, "0241 1", false),
                ]),
            ),
        ])],
    )
    .await;
    assert_eq!(id(&outcomes[0]), "181");
    assert_eq!(
        fake.log()[0].parameters(),
        &json!({
            "Name": "Beispiel", "Land": "DEU", "Vip": 1, "ArtDaten": ["Kunde"], "Status2Adr": "status2adr_active",
            "email": "c@d.de", "default_email": "c@d.de",
            "mobile": "0170 1", "phone": "0241 1", "default_phone": "0170 1",
        })
    );
    // the second e-mail address has no place in a create and is added
    let second = &fake.log()[1].actions[0];
    assert_eq!(second["resourceid"], 181);
    assert_eq!(
        second["parameters"],
        json!({"email": {"action": "add", "newvalue": "a@b.de"}})
    );
}

#[tokio::test]
async fn batches_of_twenty_keep_the_order_even_if_the_answer_does_not() {
    let fake = Fake::new(|asked| {
        let results = asked.actions.iter().map(|action| {
            let name = action["parameters"]["Name"].as_str().unwrap();
            if name == "7" {
                refused(254, "Missing mandatory field \"Ort\"")
            } else {
                made(1000 + name.parse::<u64>().unwrap())
            }
        });
        let mut body = envelope(asked, results.collect());
        body["response"]["results"]
            .as_array_mut()
            .unwrap()
            .reverse();
        Reply::Body(body)
    });
    let drafts: Vec<Draft> = (0..45).map(|number| named(&number.to_string())).collect();
    let outcomes = create(&fake, &drafts).await;
    for (number, outcome) in outcomes.iter().enumerate() {
        if number == 7 {
            let CreateOutcome::Refused(refusal) = outcome else {
                panic!("{outcome:?}")
            };
            assert_eq!(
                (refusal.code.as_str(), refusal.fields.as_slice()),
                ("254", ["Ort".into()].as_slice())
            );
        } else {
            assert_eq!(id(outcome), (1000 + number).to_string());
        }
    }
    let sizes: Vec<usize> = fake.log().iter().map(|asked| asked.actions.len()).collect();
    assert_eq!(sizes, [20, 20, 5]);
}

#[tokio::test]
async fn a_lost_answer_is_unknown_for_its_batch_and_the_rest_is_not_sent() {
    let fake = Fake::new(|asked| match names(asked)[0] {
        "0" => Reply::Results(asked.actions.iter().map(|_| made(1)).collect()),
        _ => Reply::Lost,
    });
    let drafts: Vec<Draft> = (0..60).map(|number| named(&number.to_string())).collect();
    let outcomes = create(&fake, &drafts).await;
    assert!(
        outcomes[..20]
            .iter()
            .all(|outcome| matches!(outcome, CreateOutcome::Created { .. }))
    );
    assert!(
        outcomes[20..40]
            .iter()
            .all(|outcome| matches!(outcome, CreateOutcome::Unknown { .. }))
    );
    assert!(outcomes[40..].iter().all(|outcome| matches!(
        outcome,
        CreateOutcome::Failed(Error::Call(CallError::NotSent { .. }))
    )));
    assert_eq!(fake.log().len(), 2, "nothing is repeated");
}

#[tokio::test]
async fn what_may_have_happened_is_unknown_and_what_cannot_have_is_not() {
    let outcome = async |reply: fn(&Asked) -> Reply| {
        let fake = Fake::new(reply);
        create(&fake, &[named("a"), named("b")]).await
    };
    // a count that does not fit, a success without an id, trouble at the vendor, no JSON
    for reply in [
        (|_| Reply::Results(vec![made(1)])) as fn(&Asked) -> Reply,
        |_| {
            Reply::Results(vec![
                found(vec![], None),
                json!({"data": [], "status": {"errorcode": 0, "message": "OK"}}),
            ])
        },
        |_| {
            Reply::Results(vec![
                refused(1, "Unknown error occurred"),
                refused(1, "Unknown error occurred"),
            ])
        },
        |_| Reply::Raw(502, "bad gateway"),
        |_| {
            Reply::Body(
                json!({"status": {"code": 500, "errorcode": 78, "message": "x"}, "response": {"results": []}}),
            )
        },
    ] {
        for one in outcome(reply).await {
            assert!(matches!(one, CreateOutcome::Unknown { .. }), "{one:?}");
        }
    }
    // an envelope that was not understood did nothing
    for one in outcome(|_| Reply::Body(json!({"status": {"code": 500, "errorcode": 6, "message": "Syntax error"}, "response": {"results": []}}))).await {
        assert!(matches!(&one, CreateOutcome::Refused(refusal) if refusal.code == "6"), "{one:?}");
    }
    for one in outcome(|_| Reply::NotSent).await {
        assert!(matches!(
            one,
            CreateOutcome::Failed(Error::Call(CallError::NotSent { .. }))
        ));
    }
    for one in outcome(|_| Reply::Results(vec![refused(158, "no"), refused(158, "no")])).await {
        assert!(matches!(
            one,
            CreateOutcome::Failed(Error::Call(CallError::Credentials { .. }))
        ));
    }
    for one in outcome(|_| {
        Reply::Results(vec![
            refused(131, "Address creation without proper user rights"),
            refused(156, "x"),
        ])
    })
    .await
    {
        assert!(matches!(
            one,
            CreateOutcome::Failed(Error::MissingRight { .. })
        ));
    }
}

#[tokio::test]
async fn a_refused_value_is_blamed_on_its_field() {
    for (code, message, field) in [
        (141, "Unknown field: Vorname", "Vorname"),
        (76, "Invalid multiselect key: Kunde", "ArtDaten"),
        (300, "Invalid address phone value", "emails"),
        (
            258,
            "The default entry for email must be passed also as normal, private or business entry!",
            "emails",
        ),
    ] {
        let fake = Fake::new(move |_| Reply::Body(mirrored(code, message)));
        let outcomes = create(
            &fake,
            &[draft(&[
                ("Vorname", Field::of("Erika")),
                (
                    "ArtDaten",
                    Field::of(Value::Set(["Kunde".to_owned()].into())),
                ),
                ("emails", points(&[point(PointKind::Email, "kein@", true)])),
            ])],
        )
        .await;
        let CreateOutcome::Refused(refusal) = &outcomes[0] else {
            panic!("{outcomes:?}")
        };
        assert_eq!(refusal.fields, [field.into()], "{code}");
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_here_and_the_rest_is_made() {
    let fake = Fake::new(|asked| Reply::Results(asked.actions.iter().map(|_| made(5)).collect()));
    let outcomes = create(
        &fake,
        &[
            draft(&[
                ("KdNr", Field::of("7")),
                ("gibtsnicht", Field::of("x")),
                ("Name", Field::of("a")),
            ]),
            draft(&[("Name", Field::of("x".repeat(81)))]),
            draft(&[("emails", points(&[point(PointKind::Fax, "1", true)]))]),
            named("good"),
        ],
    )
    .await;
    let CreateOutcome::Refused(refusal) = &outcomes[0] else {
        panic!("{outcomes:?}")
    };
    assert_eq!(refusal.fields, ["KdNr".into(), "gibtsnicht".into()]);
    assert!(matches!(&outcomes[1], CreateOutcome::Refused(_)));
    assert!(matches!(&outcomes[2], CreateOutcome::Refused(_)));
    assert_eq!(id(&outcomes[3]), "5");
    assert_eq!(names(&fake.log()[0]), ["good"]);
}

#[tokio::test]
async fn an_entry_that_cannot_be_added_does_not_undo_the_create() {
    let fake = Fake::new(|asked| match asked.operation {
        "contacts.create" => Reply::Results(
            asked
                .actions
                .iter()
                .enumerate()
                .map(|(place, _)| made(place as u64 + 1))
                .collect(),
        ),
        _ => Reply::Results(vec![refused(300, "Invalid address phone value"), done()]),
    });
    let two = draft(&[(
        "phones",
        points(&[
            point(PointKind::Phone, "1", true),
            point(PointKind::Phone, "2", false),
        ]),
    )]);
    let outcomes = create(&fake, &[two.clone(), two]).await;
    assert_eq!((id(&outcomes[0]), id(&outcomes[1])), ("1", "2"));
    assert_eq!(
        fake.log().len(),
        2,
        "the further entries of all records go together"
    );
}

#[tokio::test]
async fn with_the_vendors_duplicate_check_an_id_that_was_there_is_no_new_record() {
    let settings = json!({"check_duplicate": true});
    let drafts = || -> Vec<Draft> {
        ["a@b.de", "c@d.de", "a@b.de"]
            .iter()
            .map(|email| draft(&[("emails", points(&[point(PointKind::Email, email, true)]))]))
            .chain([named("ohne")])
            .collect()
    };
    let fake = Fake::new(|asked| {
        assert_eq!(
            asked.parameters()["filter"],
            json!({"email": [{"op": "in", "val": ["a@b.de", "c@d.de"]}]})
        );
        for action in &asked.actions[1..] {
            assert_eq!(action["parameters"]["checkDuplicate"], true);
            assert_eq!(
                action["parameters"]["noOverrideByDuplicate"], true,
                "never the one without the other"
            );
        }
        let there =
            json!({"id": 7, "type": "address", "elements": {"id": 7, "email__1": "c@d.de"}});
        Reply::Results(vec![
            found(vec![there], 1),
            made(90),
            made(7),
            made(90),
            made(91),
        ])
    })
    .with_settings(settings.clone());
    let outcomes = create(&fake, &drafts()).await;
    assert_eq!(id(&outcomes[0]), "90");
    assert!(
        matches!(&outcomes[1], CreateOutcome::Existing { candidate, .. } if candidate.as_str() == "7")
    );
    // the first draft of the batch had just made it
    assert!(
        matches!(&outcomes[2], CreateOutcome::Existing { candidate, .. } if candidate.as_str() == "90")
    );
    assert_eq!(id(&outcomes[3]), "91");

    // without the look before, no answered id is known to be new
    let fake = Fake::new(|_| {
        Reply::Results(vec![
            refused(257, "x"),
            made(90),
            made(7),
            made(91),
            made(92),
        ])
    })
    .with_settings(settings);
    let outcomes = create(&fake, &drafts()).await;
    assert!(
        outcomes[..3]
            .iter()
            .all(|outcome| matches!(outcome, CreateOutcome::Existing { .. }))
    );
    assert_eq!(id(&outcomes[3]), "92");

    let fake = Fake::new(|asked| {
        assert!(
            asked
                .actions
                .iter()
                .all(|action| action["parameters"].get("checkDuplicate").is_none())
        );
        Reply::Results(asked.actions.iter().map(|_| made(1)).collect::<Vec<Json>>())
    });
    create(&fake, &drafts()).await;
}
