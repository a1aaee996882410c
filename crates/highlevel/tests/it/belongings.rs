//! Tasks, notes, appointments and opportunities of a contact: each request that is made about them is one that the vendor's
//! specification has, with what it may hold ([`crate::spec`] is asked about each).

use std::collections::{BTreeMap, BTreeSet};

use connector::{
    Change, Connector, CreateOutcome, Draft, Fetched, IdentityKey, KeyKind, PageRequest,
    RemoveOutcome, Request, UpdateOutcome,
};
use record::{Entity, Field, Record, RecordId, Schema, Value};
use serde_json::{Value as Json, json};

use crate::fake::{Fake, LOCATION, Reply, fields, ok};

const CONTACT: &str = "seD4PfOuKoVMLkEZqohJ";
const CALENDAR: &str = "CVokAlI8fgw4WYWoCtQz";

fn task() -> Json {
    json!({"id": "t1", "contactId": CONTACT, "title": "Anrufen", "body": "wegen", "completed": false,
        "dueDate": "2026-12-01T09:00:00.000Z", "assignedTo": "u1"})
}

fn note() -> Json {
    json!({"id": "n1", "contactId": CONTACT, "body": "mag Altbau", "dateAdded": "2026-11-01T09:00:00.000Z"})
}

fn appointment() -> Json {
    json!({"id": "a1", "contactId": CONTACT, "calendarId": CALENDAR, "title": "Besichtigung",
        "appointmentStatus": "confirmed", "startTime": "2026-12-01T09:00:00Z", "endTime": "2026-12-01T10:00:00Z",
        "locationId": LOCATION})
}

fn opportunity() -> Json {
    json!({"id": "o1", "contactId": CONTACT, "name": "Two desks", "pipelineId": "p1", "pipelineStageId": "s1",
        "status": "open", "monetaryValue": 700, "updatedAt": "2026-11-01T09:00:00.000Z"})
}

/// A sub-account with one of each.
fn answer(request: &Request) -> Reply {
    match request.operation {
        "users.list" => {
            ok(json!({"users": [{"id": "u1", "name": "Erika", "email": "erika@example.org"}]}))
        }
        "calendars.list" => ok(json!({"calendars": [{"id": CALENDAR, "name": "Besuche"}]})),
        "opportunities.pipelines" => ok(json!({"pipelines": [{"id": "p1", "name": "Sales",
            "stages": [{"id": "s1", "name": "New lead"}, {"id": "s2", "name": "Viewing"}]}]})),
        "contacts.search" => ok(
            json!({"contacts": [{"id": CONTACT, "locationId": LOCATION, "searchAfter": [1, "x"]}], "total": 1}),
        ),
        "tasks.search" | "tasks.list" => ok(json!({"tasks": [task()]})),
        "tasks.get" | "tasks.create" | "tasks.update" => ok(json!({"task": task()})),
        "notes.list" => ok(json!({"notes": [note()]})),
        "notes.get" | "notes.create" | "notes.update" => ok(json!({"note": note()})),
        "appointments.list" => ok(json!({"events": [appointment()]})),
        "appointments.get" => ok(json!({"event": appointment()})),
        "appointments.create" | "appointments.update" => ok(appointment()),
        "opportunities.list" => ok(json!({"opportunities": [opportunity()]})),
        "opportunities.get" | "opportunities.create" | "opportunities.update" => {
            ok(json!({"opportunity": opportunity()}))
        }
        "tasks.delete" | "notes.delete" | "appointments.delete" | "opportunities.delete" => {
            ok(json!({"succeded": true, "succeeded": true}))
        }
        other => panic!("{other}"),
    }
}

/// Everything that is done with records of one kind.
async fn all_of_it(entity: Entity, id: &str, new: Vec<(&str, Field)>, changed: (&str, Field)) {
    let fake = Fake::with(
        json!({"location_id": LOCATION, "calendar": CALENDAR, "country": "DE"}),
        answer,
    );
    let schema: Schema = fake.connector.schema(&fake, entity).await.unwrap();
    let request = PageRequest {
        cursor: None,
        limit: 100,
    };
    let page = fake.connector.list(&fake, &schema, request).await.unwrap();
    let ids: BTreeSet<&str> = page
        .reads
        .iter()
        .map(|read| read.record.id.as_str())
        .collect();
    assert_eq!(ids, BTreeSet::from([id]), "{entity}");
    let key = IdentityKey {
        kind: KeyKind::Parent,
        value: CONTACT.to_owned(),
    };
    let found = fake.connector.find(&fake, &schema, &[key]).await.unwrap();
    assert_eq!(found.len(), 1, "{entity}: {found:#?}");
    let ids = [RecordId::from(id)];
    let fetched = fake.connector.fetch(&fake, &schema, &ids).await.unwrap();
    let Fetched::Found(read) = &fetched[0] else {
        panic!("{entity}: {fetched:?}")
    };
    let drafts = [Draft {
        fields: fields(new),
        ..Draft::default()
    }];
    let made = fake.connector.create(&fake, &schema, &drafts).await;
    assert!(
        matches!(&made[0], CreateOutcome::Created { .. }),
        "{entity}: {made:?}"
    );
    let change = Change {
        current: Record::clone(&read.record),
        set: fields(vec![changed]),
        sets: BTreeMap::new(),
    };
    let written = fake.connector.update(&fake, &schema, &[change]).await;
    assert!(
        matches!(&written[0], UpdateOutcome::Done { .. }),
        "{entity}: {written:?}"
    );
    let removed = fake.connector.remove(&fake, entity, &ids).await;
    assert!(
        matches!(&removed[0], RemoveOutcome::Done),
        "{entity}: {removed:?}"
    );
    // each of the six kinds of request was made, and held against the specification on its way
    let word = match entity {
        Entity::Task => "tasks",
        Entity::Note => "notes",
        Entity::Appointment => "appointments",
        _ => "opportunities",
    };
    let sent: BTreeSet<&str> = fake.operations().into_iter().collect();
    for deed in ["get", "list", "create", "update", "delete"] {
        let operation = format!("{word}.{deed}");
        assert!(
            sent.contains(operation.as_str()),
            "{operation} is not among {sent:?}"
        );
    }
}

fn text(text: &str) -> Field {
    Field::of(text)
}

fn instant(text: &str) -> Field {
    Field::Value(Value::Instant(text.parse().unwrap()))
}

#[tokio::test]
async fn every_request_about_a_task_is_in_the_specification() {
    let new = vec![
        ("title", text("Anrufen")),
        ("body", text("wegen")),
        ("dueDate", instant("2026-12-01T09:00:00Z")),
        ("completed", Field::Value(Value::Boolean(false))),
        ("assignedTo", text("u1")),
        ("contactId", text(CONTACT)),
    ];
    let id = format!("{CONTACT}:t1");
    all_of_it(Entity::Task, &id, new, ("title", text("Besuchen"))).await;
}

#[tokio::test]
async fn every_request_about_a_note_is_in_the_specification() {
    let new = vec![("body", text("mag Altbau")), ("contactId", text(CONTACT))];
    let id = format!("{CONTACT}:n1");
    all_of_it(Entity::Note, &id, new, ("body", text("mag Neubau"))).await;
}

#[tokio::test]
async fn every_request_about_an_appointment_is_in_the_specification() {
    let new = vec![
        ("title", text("Besichtigung")),
        ("startTime", instant("2026-12-01T09:00:00Z")),
        ("endTime", instant("2026-12-01T10:00:00Z")),
        ("contactId", text(CONTACT)),
    ];
    all_of_it(Entity::Appointment, "a1", new, ("title", text("Notar"))).await;
}

#[tokio::test]
async fn every_request_about_an_opportunity_is_in_the_specification() {
    let new = vec![
        ("name", text("Two desks")),
        ("contactId", text(CONTACT)),
        ("stage", text("p1/s1")),
        ("monetaryValue", Field::Value(Value::Number(700.into()))),
    ];
    all_of_it(Entity::Opportunity, "o1", new, ("stage", text("p1/s2"))).await;
}

/// The vendor shows milliseconds, and takes none: as a day of a record, and as a value of an operation.
#[tokio::test]
async fn when_a_task_is_due_is_written_in_whole_seconds() {
    let fake = Fake::with(json!({"location_id": LOCATION, "country": "DE"}), answer);
    let schema = fake.connector.schema(&fake, Entity::Task).await.unwrap();
    let due = || instant("2026-12-01T09:00:00.250Z");
    let drafts = [Draft {
        fields: fields(vec![
            ("title", text("Anrufen")),
            ("dueDate", due()),
            ("contactId", text(CONTACT)),
        ]),
        ..Draft::default()
    }];
    fake.connector.create(&fake, &schema, &drafts).await;
    assert_eq!(fake.body("tasks.create")["dueDate"], "2026-12-01T09:00:00Z");
    let ids = [RecordId::from(format!("{CONTACT}:t1").as_str())];
    let fetched = fake.connector.fetch(&fake, &schema, &ids).await.unwrap();
    let Fetched::Found(read) = &fetched[0] else {
        panic!("{fetched:?}")
    };
    let change = Change {
        current: Record::clone(&read.record),
        set: fields(vec![("dueDate", due())]),
        sets: BTreeMap::new(),
    };
    fake.connector.update(&fake, &schema, &[change]).await;
    assert_eq!(fake.body("tasks.update")["dueDate"], "2026-12-01T09:00:00Z");

    for (id, given, sent) in [
        ("create", "2026-12-01T09:00:00.250Z", "2026-12-01T09:00:00Z"),
        (
            "update",
            "2026-12-01T10:00:00.5+01:00",
            "2026-12-01T09:00:00Z",
        ),
        // what is no moment is the vendor's to refuse
        ("update", "tomorrow", "tomorrow"),
    ] {
        let operation = fake
            .connector
            .catalog()
            .operation(&format!("contacts.tasks.{id}"));
        let input = json!({"contactId": CONTACT, "taskId": "t1", "title": "Anrufen", "completed": false, "dueDate": given});
        let request = fake
            .connector
            .operation_request(operation.unwrap(), &input, &json!({}))
            .unwrap();
        let connector::Body::Json(body) = request.body else {
            panic!("{id}")
        };
        assert_eq!(body["dueDate"], sent, "{id}");
    }
}
