//! Making contacts.

use connector::{Connector, CreateOutcome, Draft, Error};
use record::{Completeness, Field, Fields, Freshness, Value};
use serde_json::{Value as Json, json};

use crate::fake::{Fake, LOCATION, Reply, contact, fields, no, schema, set};

async fn make(fake: &Fake, fields: Fields) -> CreateOutcome {
    let mut outcomes = fake
        .connector
        .create(
            fake,
            &schema().await,
            &[Draft {
                fields,
                ..Draft::default()
            }],
        )
        .await;
    assert_eq!(outcomes.len(), 1);
    outcomes.pop().unwrap()
}

fn everything() -> Fields {
    fields(vec![
        ("firstName", Field::of("Anna")),
        ("lastName", Field::of("von der Heide")),
        ("email", Field::of("anna@example.org")),
        ("phone", Field::Empty),
        ("companyName", Field::of("Heide GmbH")),
        ("gender", Field::of("female")),
        (
            "dateOfBirth",
            Field::Value(Value::Date("1990-09-25".parse().unwrap())),
        ),
        ("country", Field::of("DE")),
        ("dnd", Field::Value(Value::Boolean(true))),
        ("dndSettings.Email", Field::of("active")),
        ("tags", set(&["tandem", "käufer"])),
        ("customFields.text", Field::of("Am Ring 1")),
        (
            "customFields.area",
            Field::Value(Value::Number("81.5".parse().unwrap())),
        ),
        ("customFields.wish", set(&["Balkon"])),
        (
            "customFields.move",
            Field::Value(Value::Date("2027-01-01".parse().unwrap())),
        ),
    ])
}

#[tokio::test]
async fn a_draft_becomes_one_whitelisted_request() {
    let fake = Fake::new(|_| no(400, "not needed here"));
    make(&fake, everything()).await;
    let mut body = fake.body("contacts.create");
    body["customFields"]
        .as_array_mut()
        .unwrap()
        .sort_by_key(|item| item["id"].to_string());
    assert_eq!(
        body,
        json!({
            "locationId": LOCATION, "firstName": "Anna", "lastName": "von der Heide",
            "email": "anna@example.org", "companyName": "Heide GmbH", "gender": "female",
            "dateOfBirth": "1990-09-25", "country": "DE", "dnd": true,
            "dndSettings": {"Email": {"status": "active"}}, "tags": ["käufer", "tandem"],
            "customFields": [
                {"id": "area", "field_value": 81.5}, {"id": "move", "field_value": "2027-01-01"},
                {"id": "text", "field_value": "Am Ring 1"}, {"id": "wish", "field_value": ["Balkon"]},
            ],
        })
    );
}

/// How a create ends that is answered so.
async fn end(reply: fn() -> Reply) -> String {
    let fake = Fake::new(move |_| reply());
    match make(&fake, everything()).await {
        CreateOutcome::Created { id, read, .. } => {
            let read = read.expect("an answer is a reading");
            assert_eq!(read.freshness, Freshness::Fresh);
            format!("created {id} {:?}", read.completeness)
        }
        CreateOutcome::Existing {
            candidate,
            matching,
            taken,
        } => {
            let taken = taken.map(|field| format!(", takes each {field} once"));
            format!(
                "existing {candidate} {matching}{}",
                taken.unwrap_or_default()
            )
        }
        CreateOutcome::Unknown { why } => format!("unknown: {why}"),
        CreateOutcome::Refused(refusal) => {
            let names: Vec<String> = refusal.fields.iter().map(ToString::to_string).collect();
            format!("refused {} [{}]", refusal.code, names.join(" "))
        }
        CreateOutcome::Failed(error) => format!("failed: {error}"),
    }
}

#[tokio::test]
async fn a_duplicate_that_is_not_named_is_looked_up() {
    let fake = Fake::new(|request| match request.operation {
        "contacts.create" => no(400, "This location does not allow duplicated contacts."),
        _ => Reply::Json(
            200,
            json!({"contact": {"id": "c9", "email": "anna@example.org"}}),
        ),
    });
    let made = make(&fake, everything()).await;
    assert!(
        matches!(&made, CreateOutcome::Existing { candidate, matching, taken }
            if candidate.as_str() == "c9" && matching == "email" && *taken == Some("email".into())),
        "{made:?}"
    );
    assert_eq!(
        fake.operations(),
        ["contacts.create", "contacts.find_duplicate"]
    );
}

#[tokio::test]
async fn a_lookup_that_does_not_get_through_is_made_again_with_the_create() {
    let fake = Fake::new(|request| match request.operation {
        "contacts.create" => no(400, "This location does not allow duplicated contacts."),
        _ => Reply::Offline,
    });
    let made = make(&fake, everything()).await;
    assert!(
        matches!(&made, CreateOutcome::Failed(Error::Call(_))),
        "{made:?}"
    );
}

#[tokio::test]
async fn every_answer_has_its_outcome() {
    for (reply, expected) in [
        (
            (|| {
                Reply::Json(
                    400,
                    json!({"statusCode": 400,
                        "message": "This location does not allow duplicated contacts.",
                        "meta": {"contactId": "c9", "matchingField": "email", "contactName": "Anna"}}),
                )
            }) as fn() -> Reply,
            "existing c9 email, takes each email once",
        ),
        (
            || no(400, "This location does not allow duplicated contacts."),
            "refused duplicate []",
        ),
        (|| no(400, "Invalid country code"), "refused 400 [country]"),
        (
            || {
                Reply::Json(
                    422,
                    json!({"message": ["property gender should not exist"],
                        "error": "Unprocessable Entity", "statusCode": 422}),
                )
            },
            "refused 422 [gender]",
        ),
        (
            || {
                Reply::Json(
                    422,
                    json!({"message": ["customFields.0.field_value must be a number", "email must be an email"],
                        "error": "Unprocessable Entity", "statusCode": 422}),
                )
            },
            "refused 422 [customFields.area email]",
        ),
        (
            || no(422, "Contact could not be indexed"),
            "unknown: HighLevel answered 422 without naming a field: Contact could not be indexed",
        ),
        (|| Reply::TimeOut, "unknown: no answer in time"),
        (
            || Reply::Text(502, "<html>"),
            "unknown: the server is in trouble (HTTP 502, content type none, 6 bytes)",
        ),
        (
            || no(500, "Internal server error"),
            "unknown: the server is in trouble (HTTP 500, content type none, 52 bytes)",
        ),
        (
            || Reply::Text(200, "<html>"),
            "unknown: something that is not the API answered (HTTP 200, content type none, 6 bytes)",
        ),
        (
            || Reply::Json(201, json!({"traceId": "t"})),
            "unknown: unexpected answer to contacts.create (HTTP 201): the answer (15 bytes, content \
             type none) could not be read as the expected JSON: missing field `contact` (line 1 column 15)",
        ),
        (
            || Reply::Json(201, json!({"contact": {"firstName": "Anna"}})),
            "unknown: the answer names no contact",
        ),
        (
            || Reply::Offline,
            "failed: contacts.create was not carried out: no connection",
        ),
        (
            || no(403, "The token does not have access to this location."),
            "failed: the connection was refused at contacts.create: The token does not have access to \
             this location. (the token is for another sub-account: check `location_id`, or sign in for \
             this one)",
        ),
    ] {
        assert_eq!(end(reply).await, expected);
    }
}

fn answer() -> Json {
    json!({
        "id": "new1", "locationId": LOCATION, "deleted": false, "type": "lead",
        "dateAdded": "2026-11-21T10:00:00.100Z", "dateUpdated": "2026-11-21T10:00:00.100Z",
        "firstName": "Anna", "lastName": "von der Heide", "email": "anna@example.org",
        "companyName": "Heide GmbH", "dateOfBirth": "1990-09-25T00:00:00.000Z", "country": "DE",
        "dnd": true, "dndSettings": {"Email": {"status": "active", "code": "101"}},
        "tags": ["käufer", "tandem"], "birthMonth": 9, "birthDay": 25,
        "customFields": [{"id": "text", "value": "Am Ring 1"}, {"id": "area", "value": 81.5},
            {"id": "wish", "value": ["Balkon"]}, {"id": "move", "value": "2027-01-01"}],
    })
}

#[tokio::test]
async fn an_answer_that_shows_what_was_sent_is_the_record() {
    let fake = Fake::new(|_| Reply::Json(201, json!({"contact": answer(), "traceId": "t"})));
    let CreateOutcome::Created { id, read, .. } = make(&fake, everything()).await else {
        panic!()
    };
    let read = read.unwrap();
    assert_eq!(id.as_str(), "new1");
    assert!(read.decides());
    let held = &read.record.fields;
    for (name, field) in everything()
        .iter()
        .filter(|(name, _)| name.as_str() != "gender")
    {
        assert_eq!(held.get(name.as_str()), field, "{name}");
    }
    assert_eq!(held.get("website"), &Field::Empty);
    // Documented to be left out of this answer, and the account may have filled it in.
    assert_eq!(held.get("timezone"), &Field::Unknown);
}

#[tokio::test]
async fn an_answer_that_leaves_out_what_was_sent_is_not_the_whole_record() {
    let mut short = answer();
    short.as_object_mut().unwrap().remove("companyName");
    let fake = Fake::new(move |_| Reply::Json(201, json!({"contact": short})));
    let CreateOutcome::Created { read, .. } = make(&fake, everything()).await else {
        panic!()
    };
    let read = read.unwrap();
    assert_eq!(read.completeness, Completeness::Partial);
    assert_eq!(read.record.fields.get("companyName"), &Field::Unknown);
}

#[tokio::test]
async fn what_cannot_be_said_is_refused_before_anything_is_sent() {
    let fake = Fake::new(|_| panic!("nothing is to be sent"));
    for (name, field) in [
        (
            "dateAdded",
            Field::Value(Value::Instant("2026-01-01T00:00:00Z".parse().unwrap())),
        ),
        ("additionalEmails", Field::Value(Value::Points(Vec::new()))),
        ("shoeSize", Field::of("43")),
        ("dnd", Field::of("yes")),
        ("customFields.area", Field::of("many")),
        (
            "customFields.area",
            Field::Value(Value::Number("12345678901234567.891".parse().unwrap())),
        ),
    ] {
        let CreateOutcome::Refused(refusal) = make(&fake, fields(vec![(name, field)])).await else {
            panic!("{name}")
        };
        assert_eq!(refusal.code, "unsupported");
        assert_eq!(refusal.fields, [name.into()]);
    }
}

#[tokio::test]
async fn outcomes_keep_the_order_of_their_drafts() {
    let fake = Fake::new(|request| {
        let connector::Body::Json(body) = &request.body else {
            panic!()
        };
        let name = body["firstName"].as_str().unwrap().to_owned();
        let mut made = contact(&name);
        made["firstName"] = json!(name);
        Reply::Json(201, json!({"contact": made}))
    });
    let drafts: Vec<Draft> = (0..50)
        .map(|number| Draft {
            fields: fields(vec![("firstName", Field::of(format!("n{number}")))]),
            ..Draft::default()
        })
        .collect();
    let outcomes = fake.connector.create(&fake, &schema().await, &drafts).await;
    for (number, outcome) in outcomes.iter().enumerate() {
        let CreateOutcome::Created { id, .. } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(id.as_str(), format!("n{number}"));
    }
    assert_eq!(outcomes.len(), 50);
}
