//! The fields of an account, and what HighLevel says of itself.

use connector::{Connector, Deletes};
use record::{Access, Entity, Kind};
use serde_json::json;

use crate::{
    fake::{Fake, Reply, no, ok, schema},
    spec,
};

#[tokio::test]
async fn fields_have_the_rights_that_the_specification_gives() {
    let schema = schema().await;
    let access = |name: &str| schema.field(name).unwrap().capability.access;
    for name in [
        "firstName",
        "email",
        "tags",
        "dnd",
        "dndSettings.SMS",
        "customFields.area",
    ] {
        assert_eq!(access(name), Access::ReadWrite, "{name}");
    }
    for name in ["companyName", "gender"] {
        assert_eq!(access(name), Access::CreateOnly, "{name}");
    }
    for name in [
        "additionalEmails",
        "additionalPhones",
        "type",
        "dateAdded",
        "dateUpdated",
    ] {
        assert_eq!(access(name), Access::ReadOnly, "{name}");
    }
    assert!(!schema.field("dnd").unwrap().capability.clearable);
    assert!(schema.field("tags").unwrap().capability.clearable);
    let owner = schema.field("assignedTo").unwrap();
    assert_eq!(owner.kind, Kind::User);
    assert_eq!(owner.choices[0].label, "Erika Muster <erika@example.org>");
    let wish = schema.field("customFields.wish").unwrap();
    assert_eq!((wish.kind, wish.custom), (Kind::Set, true));
    assert_eq!(wish.choices.len(), 2);
    let mut names: Vec<&str> = schema
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), schema.fields.len());
}

#[tokio::test]
async fn a_missing_right_leaves_fields_out_and_breaks_nothing() {
    let fake = Fake::new(|_| no(401, "The token is not authorized for this scope."));
    let schema = fake.connector.schema(&fake, Entity::Contact).await.unwrap();
    assert!(schema.field("firstName").is_some());
    assert!(schema.fields.iter().all(|field| !field.custom));
    assert!(schema.field("assignedTo").unwrap().choices.is_empty());
}

#[tokio::test]
async fn trouble_is_not_taken_for_a_missing_right() {
    for reply in [
        (|| Reply::Text(503, "busy")) as fn() -> Reply,
        || no(401, "The token has expired"),
        || no(403, "The token does not have access to this location."),
        || ok(json!({"traceId": "t"})),
    ] {
        let fake = Fake::new(move |_| reply());
        assert!(fake.connector.schema(&fake, Entity::Contact).await.is_err());
    }
}

#[tokio::test]
async fn without_a_location_it_says_what_to_set() {
    let fake = Fake::with(json!({}), |_| panic!("nothing is to be sent"));
    let error = fake
        .connector
        .schema(&fake, Entity::Contact)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("`location_id`"), "{error}");
}

#[test]
fn the_description_tells_what_the_engine_has_to_know() {
    let connector = highlevel::HighLevel::new();
    let description = connector.describe();
    assert_eq!(description.system, "highlevel");
    let contact = description.entity(Entity::Contact).unwrap();
    assert_eq!(contact.deletes, Deletes::Delete);
    assert_eq!(contact.tag_field, Some("tags"));
    assert!(contact.change_overlap > contact.search_lag);
    assert!(!contact.create_consequences.is_empty());
    for entity in Entity::ALL {
        assert!(description.entity(entity).is_some(), "{entity}");
    }
    let names: Vec<&str> = description
        .auth
        .iter()
        .map(|scheme| scheme.name())
        .collect();
    assert_eq!(names, ["oauth", "private_token"]);
    let secret = |field: &connector::SignInField| field.secret;
    assert!(description.auth[1].fields().iter().all(secret));
}

#[test]
fn what_a_create_is_said_to_show_is_documented() {
    let documented = spec::answer_properties("CreateContactSchema");
    for property in [
        "tags",
        "customFields",
        "dndSettings",
        "companyName",
        "assignedTo",
    ] {
        assert!(documented.contains(&property.to_owned()), "{property}");
    }
    // Why a create's answer leaves the time zone unknown.
    assert!(!documented.contains(&"timezone".to_owned()));
}
