//! Reading contacts by id.

use connector::{Connector, Error, Fetched};
use record::{Completeness, Field, Freshness, RecordId};
use serde_json::json;

use crate::{
    fake::{Fake, Reply, contact, no, ok, schema},
    spec,
};

#[tokio::test]
async fn each_id_ends_in_one_of_three_ways() {
    let fake = Fake::new(|request| match request.path.rsplit('/').next().unwrap() {
        "there" => ok(json!({"contact": contact("there"), "traceId": "t"})),
        "marked" => {
            let mut marked = contact("marked");
            marked["deleted"] = json!(true);
            ok(json!({"contact": marked}))
        }
        "gone" => no(400, "Contact not found for id:gone"),
        "gone404" => no(404, "Contact not found"),
        "route" => no(404, "Cannot GET /contacts/route"),
        "elsewhere" => {
            let mut elsewhere = contact("elsewhere");
            elsewhere["locationId"] = json!("anotherLocation");
            ok(json!({"contact": elsewhere}))
        }
        "another" => ok(json!({"contact": contact("someone")})),
        "empty" => ok(json!({"traceId": "t"})),
        "gateway" => Reply::Text(502, "<html>Bad gateway</html>"),
        "maintenance" => Reply::Text(200, "<html>We are improving</html>"),
        "scope" => no(401, "The token is not authorized for this scope."),
        other => panic!("{other}"),
    });
    let ids: Vec<RecordId> = [
        "there",
        "marked",
        "gone",
        "gone404",
        "route",
        "elsewhere",
        "another",
        "empty",
        "gateway",
        "maintenance",
        "scope",
    ]
    .map(RecordId::from)
    .to_vec();
    let fetched = fake
        .connector
        .fetch(&fake, &schema().await, &ids)
        .await
        .unwrap();
    let ends: Vec<String> = fetched
        .iter()
        .map(|fetched| match fetched {
            Fetched::Found(read) => format!("{} found", read.record.id),
            Fetched::Gone(id) => format!("{id} gone"),
            Fetched::Failed(id, error) => {
                let kind = match error {
                    Error::Call(_) => "not answered",
                    Error::Refused { .. } => "refused",
                    Error::Unexpected { .. } => "unexpected",
                    other => panic!("{other}"),
                };
                format!("{id} {kind}")
            }
        })
        .collect();
    assert_eq!(
        ends,
        [
            "there found",
            "marked gone",
            "gone gone",
            "gone404 gone",
            "route refused",
            "elsewhere unexpected",
            "another unexpected",
            "empty unexpected",
            "gateway not answered",
            "maintenance not answered",
            "scope not answered",
        ]
    );
}

#[tokio::test]
async fn a_read_contact_is_fresh_complete_and_says_what_is_empty() {
    let fake = Fake::new(|_| ok(json!({"contact": contact("c1"), "traceId": "t"})));
    let schema = schema().await;
    let fetched = fake
        .connector
        .fetch(&fake, &schema, &["c1".into()])
        .await
        .unwrap();
    let [Fetched::Found(read)] = &fetched[..] else {
        panic!("{fetched:?}")
    };
    assert_eq!(
        (read.freshness, read.completeness),
        (Freshness::Fresh, Completeness::Complete)
    );
    assert_eq!(read.as_of, "2026-11-21T10:00:00Z".parse().unwrap());
    assert_eq!(
        read.modified,
        Some("2026-02-03T04:05:06.789Z".parse().unwrap())
    );
    assert_eq!(
        read.created,
        Some("2026-01-02T03:04:05.678Z".parse().unwrap())
    );
    let fields = &read.record.fields;
    assert_eq!(fields.get("lastName"), &Field::of("von der Heide"));
    for spec in &schema.fields {
        let name = spec.name.as_str();
        assert_eq!(fields.get(name).is_known(), name != "gender", "{name}");
    }
    for empty in ["companyName", "website", "assignedTo", "customFields.text"] {
        assert_eq!(fields.get(empty), &Field::Empty, "{empty}");
    }
}

#[tokio::test]
async fn what_is_said_to_be_read_is_documented_to_be_shown() {
    let documented = spec::answer_properties("GetContectByIdSchema");
    // Shown by real answers, though no specification says so.
    let observed = ["additionalEmails", "additionalPhones", "gender"];
    for field in schema().await.fields {
        let property = field.name.as_str().split('.').next().unwrap().to_owned();
        assert!(
            documented.contains(&property) || observed.contains(&property.as_str()),
            "{property}"
        );
    }
}

#[tokio::test]
async fn an_id_cannot_change_the_request() {
    let fake = Fake::new(|_| no(400, "Contact not found for id:x"));
    let ids = [RecordId::from("../locations/x?y=")];
    fake.connector
        .fetch(&fake, &schema().await, &ids)
        .await
        .unwrap();
    assert_eq!(
        fake.sent()[0].path,
        "/contacts/%2E%2E%2Flocations%2Fx%3Fy%3D"
    );
}
