//! Which fields there are, and that none is asked for that cannot be read.

use connector::{Connector, Error};
use onoffice::OnOffice;
use record::{Entity, Schema};
use serde_json::json;

use crate::fake::{Fake, Reply, field_list, found, mirrored, refused};

fn fields() -> Reply {
    Reply::Results(vec![found(
        vec![json!({"id": "address", "type": "", "elements": field_list()})],
        None,
    )])
}

async fn read(fake: &Fake) -> Result<Schema, Error> {
    OnOffice::new().schema(fake, Entity::Contact).await
}

#[tokio::test]
async fn users_and_countries_become_choices() {
    let fake = Fake::new(|asked| match asked.resource() {
        "fields" => fields(),
        "users" => Reply::Results(vec![found(
            vec![
                json!({"id": 21, "type": null, "elements": {"id": 21, "username": "mmuster ", "firstname": "Max", "lastname": "Muster "}}),
                json!({"id": 22, "type": null, "elements": {"id": 22, "username": "leer", "firstname": "", "lastname": null}}),
            ],
            None,
        )]),
        "confignewaddressfields" => {
            assert_eq!(asked.actions[0]["resourceid"], "fieldvalues");
            Reply::Results(vec![found(
                vec![
                    json!({"id": "DEU", "type": "", "elements": {"title": "Deutschland"}}),
                    json!({"id": "GBR", "type": "", "elements": {"title": "Großbritannien"}}),
                ],
                None,
            )])
        }
        _ => Reply::Results(vec![found(Vec::new(), 0)]),
    });
    let schema = read(&fake).await.unwrap();
    let choices = |name: &str| -> Vec<(String, String)> {
        let choices = &schema.field(name).unwrap().choices;
        choices
            .iter()
            .map(|choice| (choice.key.clone(), choice.label.clone()))
            .collect()
    };
    let pair = |key: &str, label: &str| (key.to_owned(), label.to_owned());
    assert_eq!(
        choices("Benutzer"),
        [pair("mmuster", "Max Muster"), pair("leer", "leer")]
    );
    assert_eq!(
        choices("Land"),
        [pair("DEU", "Deutschland"), pair("GBR", "Großbritannien")]
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_left_out_and_not_asked_for_again() {
    let fake = Fake::new(|asked| match asked.resource() {
        "fields" => fields(),
        "address" => {
            let asks = |name: &str| {
                asked.parameters()["data"]
                    .as_array()
                    .unwrap()
                    .contains(&json!(name))
            };
            // one at a time, as the vendor does, and in either placement
            if asks("uuid") {
                Reply::Body(mirrored(141, "Unknown field: uuid"))
            } else if asks("Vip") {
                Reply::Results(vec![refused(141, "Unknown field: \"Vip\"")])
            } else {
                Reply::Results(vec![found(Vec::new(), 0)])
            }
        }
        _ => Reply::Body(mirrored(25, "Missing configuration for resourceType")),
    });
    let schema = read(&fake).await.unwrap();
    assert!(schema.field("uuid").is_none() && schema.field("Vip").is_none());
    assert!(schema.field("Name").is_some() && schema.field("emails").is_some());
    let last = fake.log().last().unwrap().parameters()["data"].to_string();
    assert!(
        !last.contains("uuid") && last.contains("defaultemail"),
        "{last}"
    );
}

#[tokio::test]
async fn a_refusal_that_names_nothing_is_passed_on() {
    let fake = Fake::new(|asked| match asked.resource() {
        "fields" => fields(),
        "address" => Reply::Results(vec![refused(141, "Unknown field")]),
        _ => Reply::Results(vec![found(Vec::new(), None)]),
    });
    let Error::Refused { refusal, .. } = read(&fake).await.unwrap_err() else {
        panic!("a refusal")
    };
    assert_eq!(refusal.code, "141");
    assert_eq!(
        fake.log()
            .iter()
            .filter(|asked| asked.resource() == "address")
            .count(),
        1
    );

    let fake = Fake::new(|_| Reply::Results(vec![refused(156, "Access violation")]));
    let Error::MissingRight { missing, .. } = read(&fake).await.unwrap_err() else {
        panic!("a missing right")
    };
    assert!(missing.contains("Access violation"));
}

#[tokio::test]
async fn an_outage_in_between_is_not_taken_for_no_choices() {
    let fake = Fake::new(|asked| match asked.resource() {
        "fields" => fields(),
        "users" => Reply::Raw(503, "down"),
        _ => panic!("nothing more is asked"),
    });
    assert!(matches!(read(&fake).await, Err(Error::Call(_))));
}

#[tokio::test]
async fn a_field_list_without_fields_is_no_schema() {
    for elements in [json!([]), json!({"label": "Adressen"})] {
        let fake = Fake::new(move |_| {
            Reply::Results(vec![found(
                vec![json!({"id": "address", "elements": elements})],
                None,
            )])
        });
        assert!(matches!(read(&fake).await, Err(Error::Unexpected { .. })));
    }
    let fake = Fake::new(|_| Reply::NotSent);
    let other = OnOffice::new().schema(&fake, Entity::Opportunity).await;
    assert!(matches!(other, Err(Error::Unsupported { .. })));
}
