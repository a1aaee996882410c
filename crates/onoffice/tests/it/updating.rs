//! Changing and archiving addresses.

use connector::{CallError, Change, Connector, Error, RemoveOutcome, SetDelta, UpdateOutcome};
use onoffice::OnOffice;
use record::{Entity, Field, Fields, Point, PointKind, Record, RecordId, Value};
use serde_json::json;

use crate::fake::{Fake, Reply, address, done, found, mirrored, refused, schema};

fn fields(fields: &[(&str, Field)]) -> Fields {
    fields
        .iter()
        .map(|(name, field)| ((*name).into(), field.clone()))
        .collect()
}

fn change(id: &str, current: &[(&str, Field)], set: &[(&str, Field)]) -> Change {
    Change {
        current: Record {
            id: id.into(),
            fields: fields(current),
        },
        set: fields(set),
        sets: [].into(),
    }
}

fn renamed(id: &str) -> Change {
    change(id, &[], &[("Name", Field::of("Neu"))])
}

fn phones(values: &[&str]) -> Field {
    let points = values
        .iter()
        .enumerate()
        .map(|(place, value)| Point {
            kind: PointKind::Phone,
            value: (*value).into(),
            label: None,
            main: place == 0,
        })
        .collect();
    Field::of(Value::Points(points))
}

fn set(elements: &[&str]) -> Field {
    Field::of(Value::Set(
        elements.iter().map(|e| (*e).to_owned()).collect(),
    ))
}

async fn update(fake: &Fake, changes: &[Change]) -> Vec<UpdateOutcome> {
    OnOffice::new().update(fake, &schema().await, changes).await
}

fn all_done() -> Fake {
    Fake::new(|asked| Reply::Results(asked.actions.iter().map(|_| done()).collect()))
}

#[tokio::test]
async fn only_the_change_is_sent_and_sets_keep_what_others_added() {
    let fake = all_done();
    let mut one = change(
        "32",
        &[
            ("ArtDaten", set(&["Kunde", "Makler"])),
            ("Name", Field::of("Alt")),
            ("phones", phones(&["1"])),
        ],
        &[
            ("Name", Field::of("Neu")),
            ("Ort", Field::Empty),
            ("Land", Field::of("AUT")),
            ("phones", phones(&["1", "2"])),
        ],
    );
    one.sets.insert(
        "ArtDaten".into(),
        SetDelta {
            add: ["Eigentümer".to_owned()].into(),
            remove: ["Makler".to_owned()].into(),
        },
    );
    let outcomes = update(&fake, &[one]).await;
    assert!(matches!(&outcomes[0], UpdateOutcome::Done { read: None }));
    let log = fake.log();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].actions[0]["resourceid"], 32);
    assert_eq!(
        log[0].parameters(),
        &json!({
            "Name": "Neu", "Ort": "", "Land": "Österreich", "ArtDaten": ["Eigentümer", "Kunde"],
            "phone": {"action": "add", "newvalue": "2"},
        })
    );
}

#[tokio::test]
async fn nothing_to_change_is_no_call() {
    let fake = Fake::new(|_| panic!("nothing to send"));
    let mut same = change(
        "1",
        &[("phones", phones(&["1"])), ("ArtDaten", set(&["Kunde"]))],
        &[("phones", phones(&["1 "]))],
    );
    same.sets.insert(
        "ArtDaten".into(),
        SetDelta {
            add: ["Kunde".to_owned()].into(),
            ..SetDelta::default()
        },
    );
    assert!(matches!(
        update(&fake, &[same]).await[0],
        UpdateOutcome::Done { .. }
    ));
}

#[tokio::test]
async fn further_calls_of_many_records_go_together() {
    let fake = all_done();
    let changes: Vec<Change> = (1..=25)
        .map(|id| {
            let wanted: &[&str] = if id <= 3 {
                &["1", "2", "3"]
            } else {
                &["1", "2"]
            };
            change(
                &id.to_string(),
                &[("phones", phones(&["1"]))],
                &[("phones", phones(wanted))],
            )
        })
        .collect();
    let outcomes = update(&fake, &changes).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, UpdateOutcome::Done { .. }))
    );
    let sizes: Vec<usize> = fake.log().iter().map(|asked| asked.actions.len()).collect();
    assert_eq!(sizes, [20, 5, 3]);
}

#[tokio::test]
async fn a_second_call_that_is_refused_tells_what_the_first_did() {
    let both = || {
        change(
            "9",
            &[("phones", phones(&["1"]))],
            &[
                ("Name", Field::of("Neu")),
                ("phones", phones(&["1", "2", "3"])),
            ],
        )
    };
    let second = |reply: fn() -> Reply| {
        let mut calls = 0;
        Fake::new(move |_| {
            calls += 1;
            if calls == 1 {
                Reply::Results(vec![done()])
            } else {
                reply()
            }
        })
    };
    let fake = second(|| Reply::Body(mirrored(87, "Ambiguous address phone record identifier")));
    let UpdateOutcome::Refused { refusal, done } = &update(&fake, &[both()]).await[0] else {
        panic!()
    };
    assert_eq!(refusal.fields, ["phones".into()]);
    assert_eq!(done, &["Name".into()]);

    let fake = second(|| Reply::Results(vec![refused(88, "Entry could not be modified")]));
    let UpdateOutcome::Refused { refusal, .. } = &update(&fake, &[both()]).await[0] else {
        panic!()
    };
    assert_eq!(
        refusal.fields,
        ["phones".into()],
        "there was nothing else in that call"
    );

    let fake = second(|| Reply::NotSent);
    assert!(matches!(
        update(&fake, &[both()]).await[0],
        UpdateOutcome::Unknown { .. }
    ));
    let fake = second(|| Reply::Lost);
    assert!(matches!(
        update(&fake, &[both()]).await[0],
        UpdateOutcome::Unknown { .. }
    ));
}

#[tokio::test]
async fn a_refused_field_is_named_and_nothing_of_its_call_counts_as_done() {
    let fake = Fake::new(|_| {
        Reply::Results(vec![refused(
            252,
            "Unknown value in select field \"Status2Adr\"",
        )])
    });
    let one = change(
        "9",
        &[],
        &[("Name", Field::of("Neu")), ("Status2Adr", Field::of("weg"))],
    );
    let UpdateOutcome::Refused { refusal, done } = &update(&fake, &[one]).await[0] else {
        panic!()
    };
    assert_eq!(refusal.fields, ["Status2Adr".into()]);
    assert!(done.is_empty());
}

#[tokio::test]
async fn gone_and_forbidden_are_told_apart_by_looking() {
    let hidden = "Unknown address record id. Record may not exist or the permission rights are not set accordingly for this action.";
    let fake = Fake::new(move |asked| match asked.resource() {
        "address" if asked.parameters().get("recordids").is_some() => {
            assert_eq!(asked.parameters()["recordids"], json!([1, 2]));
            Reply::Results(vec![found(vec![address(2, json!({"Name": "x"}))], 1)])
        }
        _ => Reply::Results(vec![
            refused(292, hidden),
            refused(80, hidden),
            refused(235, "Unknown record id 3"),
            refused(174, "Missing permission to perform modify call"),
            done(),
        ]),
    });
    let changes: Vec<Change> = ["1", "2", "3", "4", "5"].map(renamed).into();
    let outcomes = update(&fake, &changes).await;
    assert!(matches!(&outcomes[0], UpdateOutcome::Gone));
    assert!(matches!(
        &outcomes[1],
        UpdateOutcome::Failed(Error::MissingRight { .. })
    ));
    assert!(matches!(&outcomes[2], UpdateOutcome::Gone));
    assert!(matches!(
        &outcomes[3],
        UpdateOutcome::Failed(Error::MissingRight { .. })
    ));
    assert!(matches!(&outcomes[4], UpdateOutcome::Done { .. }));

    // and if it cannot be looked at, nothing is claimed
    let fake = Fake::new(move |asked| match asked.parameters().get("recordids") {
        Some(_) => Reply::Lost,
        None => Reply::Results(vec![refused(292, hidden)]),
    });
    assert!(matches!(
        &update(&fake, &[renamed("1")]).await[0],
        UpdateOutcome::Refused { .. }
    ));
}

#[tokio::test]
async fn a_task_that_cannot_be_looked_at_is_tried_again() {
    let fake = Fake::new(|_| Reply::Results(vec![found(Vec::new(), 0)]));
    let schema = OnOffice::new().schema(&fake, Entity::Task).await.unwrap();
    let change = change("9", &[], &[("Betreff", Field::of("Anrufen"))]);
    for looked_at in [Reply::Lost, Reply::NotSent] {
        let mut looked_at = Some(looked_at);
        let fake = Fake::new(move |asked| match asked.actions[0]["actionid"].as_str() {
            Some(modify) if modify.ends_with(":modify") => {
                Reply::Results(vec![refused(80, "Unknown record or missing right")])
            }
            _ => looked_at.take().unwrap_or(Reply::Lost),
        });
        let outcome = OnOffice::new()
            .update(&fake, &schema, std::slice::from_ref(&change))
            .await;
        assert!(
            matches!(outcome[..], [UpdateOutcome::Failed(Error::Call(_))]),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_unknown_and_the_rest_waits() {
    let fake = Fake::new(|_| Reply::Lost);
    let changes: Vec<Change> = (1..=21).map(|id: u32| renamed(&id.to_string())).collect();
    let outcomes = update(&fake, &changes).await;
    assert!(
        outcomes[..20]
            .iter()
            .all(|outcome| matches!(outcome, UpdateOutcome::Unknown { .. }))
    );
    assert!(matches!(
        &outcomes[20],
        UpdateOutcome::Failed(Error::Call(CallError::NotSent { .. }))
    ));
    let fake = Fake::new(|_| {
        Reply::Results(vec![found(
            vec![json!({"id": 0, "elements": {"success": "error"}})],
            None,
        )])
    });
    assert!(matches!(
        &update(&fake, &[renamed("1")]).await[0],
        UpdateOutcome::Unknown { .. }
    ));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_here() {
    let fake = Fake::new(|_| panic!("nothing to send"));
    let mut unknown_set = change("1", &[], &[]);
    unknown_set.sets.insert(
        "ArtDaten".into(),
        SetDelta {
            add: ["Kunde".to_owned()].into(),
            ..SetDelta::default()
        },
    );
    let outcomes = update(
        &fake,
        &[
            change("1", &[], &[("Email", Field::of("a@b.de"))]),
            change("1", &[], &[("phones", phones(&["1"]))]),
            unknown_set,
            change("1", &[], &[("Vip", Field::Empty)]),
            change("abc", &[], &[("Name", Field::of("x"))]),
        ],
    )
    .await;
    for (outcome, field) in outcomes.iter().zip(["Email", "phones", "ArtDaten", "Vip"]) {
        let UpdateOutcome::Refused { refusal, .. } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(refusal.fields, [field.into()]);
    }
    assert!(matches!(&outcomes[4], UpdateOutcome::Refused { .. }));
}

#[tokio::test]
async fn archiving_is_the_only_removal() {
    let fake = Fake::new(|asked| match asked.parameters().get("recordids") {
        Some(_) => Reply::Results(vec![found(vec![address(3, json!({"Name": "x"}))], 1)]),
        None => {
            assert_eq!(
                asked.parameters(),
                &json!({"Status2Adr": "status2adr_archive"})
            );
            Reply::Results(vec![
                done(),
                refused(292, "Unknown address record id"),
                refused(292, "Unknown address record id"),
                refused(141, "Unknown field: Status2Adr"),
            ])
        }
    });
    let ids = ["1", "2", "x", "3", "4"].map(RecordId::from);
    let outcomes = OnOffice::new().remove(&fake, Entity::Contact, &ids).await;
    assert!(matches!(&outcomes[0], RemoveOutcome::Done));
    assert!(matches!(&outcomes[1], RemoveOutcome::Gone));
    assert!(matches!(&outcomes[2], RemoveOutcome::Refused(_)));
    assert!(matches!(
        &outcomes[3],
        RemoveOutcome::Failed(Error::MissingRight { .. })
    ));
    let RemoveOutcome::Refused(refusal) = &outcomes[4] else {
        panic!("{outcomes:?}")
    };
    assert_eq!(refusal.fields, ["Status2Adr".into()]);
}

#[tokio::test]
async fn what_is_archived_already_is_known() {
    let fake = Fake::new(|asked| {
        assert_eq!(asked.parameters()["data"], json!(["Status2Adr"]));
        assert_eq!(asked.parameters()["recordids"], json!([1, 2, 3]));
        Reply::Results(vec![found(
            vec![
                address(1, json!({"Status2Adr": "status2adr_active"})),
                address(2, json!({"Status2Adr": "status2adr_archive"})),
            ],
            2,
        )])
    });
    let ids = ["1", "2", "3"].map(RecordId::from);
    let archived = OnOffice::new().archived(&fake, Entity::Contact, &ids).await;
    assert_eq!(archived.unwrap(), [RecordId::from("2")]);
}
