//! Whatever the vendor answers: no panic, and no claim that a garbled answer does not carry.

use connector::{
    Change, Connector, CreateOutcome, Draft, IdentityKey, KeyKind, PageRequest, RemoveOutcome,
    UpdateOutcome,
};
use onoffice::OnOffice;
use proptest::prelude::*;
use record::{Entity, Field, Record, RecordId};
use serde_json::{Value as Json, json};

use crate::fake::{Fake, Reply, credentials, schema};

fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-3_i64..600).prop_map(Json::from),
        prop::sample::select(vec![
            "",
            "0",
            "7",
            "0000-00-00",
            "2026-10-25 02:30:00",
            "|a|",
            "DEU",
            "address",
            "success"
        ])
        .prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((key(), inner), 0..6)
                .prop_map(|pairs| Json::Object(pairs.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    let known = vec![
        "id",
        "elements",
        "meta",
        "cntabsolute",
        "records",
        "Name",
        "phone__1",
        "email__",
        "mobile__x__Comment",
        "Aenderung",
        "type",
        "permittedvalues",
        "username",
        "firma",
    ];
    prop::sample::select(known).prop_map(str::to_owned)
}

fn result() -> impl Strategy<Value = Json> {
    let code = prop_oneof![
        Just(json!(0)),
        Just(json!("0")),
        Just(json!(141)),
        Just(json!(292)),
        Just(Json::Null)
    ];
    let records = prop::collection::vec(value(), 0..4).prop_map(Json::from);
    let data = prop_oneof![
        value(),
        records.prop_map(|records| json!({"meta": {"cntabsolute": 3}, "records": records}))
    ];
    (code, data).prop_map(|(code, data)| json!({"status": {"errorcode": code, "message": "Unknown field: Name"}, "data": data}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_panics(results in prop::collection::vec(result(), 0..4), fitting in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let schema = schema().await;
            let connector = OnOffice::new();
            let fake = Fake::new(move |asked| {
                let mut results = results.clone();
                if fitting {
                    results.resize(asked.actions.len(), json!({"data": []}));
                }
                Reply::Results(results)
            });
            let ids = [RecordId::from("7"), RecordId::from("8")];
            let _ = connector.check(&fake, &credentials(), &[Entity::Contact], true).await;
            let _ = connector.schema(&fake, Entity::Contact).await;
            let _ = connector.fetch(&fake, &schema, &ids).await;
            let page = || PageRequest { cursor: None, limit: 500 };
            let _ = connector.list(&fake, &schema, page()).await;
            let since = PageRequest { cursor: Some(json!({"since": "2026-07-15T10:00:00Z"})), limit: 5 };
            let _ = connector.changes(&fake, &schema, since).await;
            let keys = [(KeyKind::Email, "a@b.de"), (KeyKind::Phone, "+4924124561")]
                .map(|(kind, value)| IdentityKey { kind, value: value.into() });
            let _ = connector.find(&fake, &schema, &keys).await;
            let fields: record::Fields = [("Name".into(), Field::of("x"))].into_iter().collect();
            for outcome in connector.create(&fake, &schema, &[Draft { fields: fields.clone(), ..Draft::default() }]).await {
                if let CreateOutcome::Created { id, .. } = outcome {
                    assert!(id.as_str().parse::<u64>().unwrap() > 0);
                }
            }
            let change = Change {
                current: Record { id: "7".into(), fields: record::Fields::new() },
                set: fields,
                sets: [].into(),
            };
            let before = fake.log().len();
            let updated = connector.update(&fake, &schema, &[change]).await;
            assert!(!matches!(updated[0], UpdateOutcome::Gone) || fake.log().len() > before + 1, "gone is looked for");
            let removed = connector.remove(&fake, Entity::Contact, &ids).await;
            assert!(!removed.iter().any(|one| matches!(one, RemoveOutcome::Failed(connector::Error::Unexpected { .. }))));
        });
    }
}
