//! The check, and the schema of an account.

use connector::{CallError, Connector, Error};
use record::{Access, Entity, Kind};
use serde_json::json;

use crate::fake::{BERLIN, Fake, about, member, no, page, schema, signed_in};

const ALL: [Entity; 2] = [Entity::Contact, Entity::Company];

#[tokio::test]
async fn a_check_says_who_and_what_is_missing() {
    let fake = Fake::new(|request| match request.operation {
        "members.check" => page(&[member("65a000000000000000000001")]),
        "companies.check" | "custom_properties.list" => no(401, "Unauthorized access"),
        _ => about(request).unwrap(),
    });
    let credentials = signed_in(&[
        "flex.community.members.read",
        "flex.community.members.update",
    ]);
    let account = fake
        .connector
        .check(&fake, &credentials, &ALL, true)
        .await
        .unwrap();
    assert_eq!(
        (account.id.as_str(), account.name.as_str()),
        ("my-space", "My Space")
    );
    for scope in [
        "flex.community.companies.read",
        "flex.settings.customProperties.read",
        "flex.community.members.create",
    ] {
        let named = account.missing.iter().filter(|missing| *missing == scope);
        assert_eq!(named.count(), 1, "{scope}: {:?}", account.missing);
    }
    assert!(
        !account
            .missing
            .contains(&"flex.community.members.update".to_owned())
    );
    let remarks = account.remarks.join("\n");
    assert!(
        remarks.contains("flex.settings.webhooks.create"),
        "{remarks}"
    );
}

#[tokio::test]
async fn a_wrong_organisation_is_a_persons_matter() {
    let fake = Fake::new(|_| no(500, "Organization not found"));
    let error = fake
        .connector
        .check(&fake, &signed_in(&[]), &ALL, false)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Call(CallError::Credentials { why, .. }) if why.contains("organization")),
        "{error}"
    );
}

#[tokio::test]
async fn what_new_records_need_is_asked_for_until_the_settings_give_it() {
    let fake = Fake::with(json!({"organization": "my-space"}), |request| {
        about(request).unwrap_or_else(|| page(&[]))
    });
    let schema = fake.connector.schema(&fake, Entity::Contact).await.unwrap();
    for (name, setting) in [("location", "location"), ("startDate", "start_date")] {
        let capability = &schema.field(name).unwrap().capability;
        assert!(capability.required, "{name}");
        assert_eq!(capability.setting.as_deref(), Some(setting));
    }
    let account = fake
        .connector
        .check(&fake, &signed_in(&[]), &[Entity::Contact], true)
        .await
        .unwrap();
    let remarks = account.remarks.join("\n");
    assert!(
        remarks.contains(&format!("Berlin Mitte ({BERLIN})")) && remarks.contains("start_date"),
        "{remarks}"
    );

    let given = crate::fake::schema(Entity::Contact).await;
    for name in ["location", "startDate"] {
        assert!(!given.field(name).unwrap().capability.required, "{name}");
    }
}

#[tokio::test]
async fn a_default_that_is_of_no_use_is_told_with_what_there_is() {
    for settings in [
        json!({"organization": "my-space", "location": "Berlin Mitte"}),
        json!({"organization": "my-space", "start_date": "soon"}),
    ] {
        let fake = Fake::with(settings, |request| about(request).unwrap());
        let error = fake
            .connector
            .schema(&fake, Entity::Contact)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Setting { .. }), "{error}");
    }
}

#[tokio::test]
async fn the_schema_has_standard_fields_and_the_tenants_own() {
    let contact = schema(Entity::Contact).await;
    for (name, kind, access) in [
        ("name", Kind::Text, Access::ReadWrite),
        ("phone", Kind::Phone, Access::ReadWrite),
        ("description", Kind::LongText, Access::CreateOnly),
        ("location", Kind::Choice, Access::CreateOnly),
        ("status", Kind::Choice, Access::ReadOnly),
        ("modifiedAt", Kind::Instant, Access::ReadOnly),
        ("billingDetails.vatNumber", Kind::Text, Access::ReadWrite),
        (
            "billingDetails.billingAddress.city",
            Kind::Text,
            Access::ReadWrite,
        ),
        ("properties.crm id", Kind::Text, Access::ReadWrite),
        ("properties.tier", Kind::Choice, Access::ReadWrite),
        ("properties.desk", Kind::Number, Access::ReadWrite),
    ] {
        let spec = contact.field(name).unwrap();
        assert_eq!(
            (spec.kind, spec.capability.access),
            (kind, access),
            "{name}"
        );
    }
    assert!(contact.field("properties.seats").is_none());
    assert!(!contact.field("name").unwrap().capability.clearable);
    let places = &contact.field("location").unwrap().choices;
    assert_eq!(places[0].label, "Berlin Mitte");

    let company = schema(Entity::Company).await;
    assert!(company.field("phone").is_none());
    assert_eq!(
        company.field("tags").unwrap().capability.access,
        Access::ReadOnly
    );
    assert!(company.field("properties.seats").is_some());
}

#[tokio::test]
async fn what_the_account_was_found_to_refuse_is_in_its_schema() {
    let settings = json!({"organization": "my-space", "learned": {
        "contact.update.phone": "refused",
        "contact.update.tags": "refused", "contact.create.tags": "refused",
    }});
    let fake = Fake::with(settings, |request| about(request).unwrap());
    let schema = fake.connector.schema(&fake, Entity::Contact).await.unwrap();
    let access = |name: &str| schema.field(name).unwrap().capability.access;
    assert_eq!(access("phone"), Access::CreateOnly);
    assert_eq!(access("tags"), Access::ReadOnly);
    assert_eq!(access("email"), Access::ReadWrite);
}

#[tokio::test]
async fn without_the_right_to_see_them_custom_properties_are_left_out() {
    let fake = Fake::new(|request| match request.operation {
        "custom_properties.list" => no(401, "Unauthorized access"),
        _ => about(request).unwrap(),
    });
    let schema = fake.connector.schema(&fake, Entity::Contact).await.unwrap();
    assert!(schema.fields.iter().all(|field| !field.custom));
}
