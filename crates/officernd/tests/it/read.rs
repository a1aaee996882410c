//! Reading and finding records.

use connector::{CallError, Connector, Error, Fetched, IdentityKey, KeyKind};
use record::{Entity, Field, RecordId};
use serde_json::json;

use crate::fake::{Fake, Reply, member, no, ok, page, parameter, schema};

#[tokio::test]
async fn each_id_ends_in_one_of_three_ways() {
    let fake = Fake::new(|request| match request.path.rsplit('/').next().unwrap() {
        "there" => ok(member("there")),
        "gone" => no(404, "Item with Id (gone)"),
        "route" => no(
            404,
            "Cannot GET /api/v2/organizations/my-space/members/route",
        ),
        "another" => ok(member("someone")),
        "trouble" => no(500, "Internal server error"),
        "gateway" => Reply::Text(502, "<html>Bad gateway</html>"),
        "right" => no(401, "Unauthorized access"),
        other => panic!("{other}"),
    });
    let names = [
        "there", "gone", "route", "another", "trouble", "gateway", "right",
    ];
    let ids: Vec<RecordId> = names.map(RecordId::from).to_vec();
    let schema = schema(Entity::Contact).await;
    let fetched = fake.connector.fetch(&fake, &schema, &ids).await.unwrap();
    for (name, fetched) in names.iter().zip(&fetched) {
        match (*name, fetched) {
            ("there", Fetched::Found(read)) => {
                assert!(read.decides());
                let fields = &read.record.fields;
                assert_eq!(fields.get("address.city").text(), Some("Berlin"));
                assert_eq!(fields.get("properties.crm id").text(), Some("abc"));
                assert_eq!(fields.get("properties.desk"), &Field::Empty);
            }
            ("gone", Fetched::Gone(_)) => {}
            ("right", Fetched::Failed(_, Error::Call(CallError::Right { right, .. }))) => {
                assert_eq!(right, "flex.community.members.read");
            }
            ("route" | "another" | "trouble" | "gateway", Fetched::Failed(..)) => {}
            (name, other) => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_address_that_several_carry_finds_them_all() {
    let fake = Fake::new(|request| match parameter(request, "email") {
        Some("ada@example.test") => match parameter(request, "$cursorNext") {
            None => ok(json!({"cursorNext": "n", "results": [member("m1"), member("m2")]})),
            Some(_) => page(&[member("m3")]),
        },
        Some(_) => page(&[]),
        None => panic!("not narrowed"),
    });
    let key = |kind, value: &str| IdentityKey {
        kind,
        value: value.to_owned(),
    };
    let keys = [
        key(KeyKind::Email, "ada@example.test"),
        key(KeyKind::Email, "nobody@example.test"),
        key(KeyKind::Phone, "+4930000000"),
    ];
    let found = fake
        .connector
        .find(&fake, &schema(Entity::Contact).await, &keys)
        .await
        .unwrap();
    let ids: Vec<&str> = found.iter().map(|read| read.record.id.as_str()).collect();
    assert_eq!(ids, ["m1", "m2", "m3"]);
    assert_eq!(fake.sent().len(), 3, "phones narrow nothing");
}

#[tokio::test]
async fn companies_are_found_by_address_and_by_name_however_it_is_spelled() {
    let company = |id: &str, name: &str, email: Option<&str>| json!({"_id": id, "name": name, "email": email, "location": "l1", "startDate": "2026-01-01"});
    let fake = Fake::new(move |request| {
        assert!(request.path.ends_with("/companies"), "{}", request.path);
        match parameter(request, "$cursorNext") {
            None => ok(json!({"cursorNext": "n", "results": [
                company("c1", "MUELLER Bau", None),
                company("c2", "Schmidt Dach GmbH", Some("Info@Schmidt.example")),
            ]})),
            Some(_) => page(&[company("c3", "Müller Bau GmbH & Co. KG", None)]),
        }
    });
    let find = async |kind, value: &str| {
        let key = IdentityKey {
            kind,
            value: value.to_owned(),
        };
        let found = fake
            .connector
            .find(&fake, &schema(Entity::Company).await, &[key])
            .await
            .unwrap();
        let ids: Vec<String> = found
            .iter()
            .map(|read| read.record.id.to_string())
            .collect();
        ids
    };
    assert_eq!(find(KeyKind::Name, "muller bau").await, ["c1", "c3"]);
    assert_eq!(find(KeyKind::Email, "info@schmidt.example").await, ["c2"]);
    assert_eq!(find(KeyKind::Name, "muller").await, [""; 0]);
    let asked = fake.sent().len();
    assert_eq!(find(KeyKind::Phone, "+4930000000").await, [""; 0]);
    assert_eq!(fake.sent().len(), asked, "they have no phone");
}
