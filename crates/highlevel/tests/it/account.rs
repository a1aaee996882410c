//! Checking a connection.

use connector::{Account, Connector, Credentials, Error, SecretText, Tokens};
use record::Entity;
use serde_json::{Value as Json, json};

use crate::fake::{Fake, LOCATION, Reply, no, ok, private_token, signed_in};

fn tokens(scopes: &[&str]) -> Tokens {
    Tokens {
        access: SecretText::new("SECRET-access"),
        refresh: None,
        expires: None,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        account: Json::Null,
        further: Default::default(),
    }
}

fn location() -> Reply {
    ok(
        json!({"location": {"id": LOCATION, "name": "Heide Immobilien", "country": "de",
        "timezone": "Europe/Berlin", "settings": {"allowDuplicateContact": true}}, "traceId": "t"}),
    )
}

fn fine(operation: &str) -> Reply {
    match operation {
        "check.location" => location(),
        "check.contacts" => ok(json!({"contacts": [], "total": 0})),
        "locations.custom_fields" => ok(json!({"customFields": []})),
        "users.list" => ok(json!({"users": []})),
        other => panic!("{other}"),
    }
}

async fn check(fake: &Fake, credentials: &Credentials) -> Result<Account, Error> {
    fake.connector
        .check(fake, credentials, &[Entity::Contact], true)
        .await
}

#[tokio::test]
async fn a_good_connection_says_whose_it_is() {
    let fake = Fake::new(|request| fine(request.operation));
    let scopes = fake.connector.scopes(&[Entity::Contact], true);
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let account = check(&fake, &signed_in(tokens(&scopes))).await.unwrap();
    assert_eq!(account.id, LOCATION);
    assert_eq!(account.name, "Heide Immobilien");
    assert_eq!(account.country.as_deref(), Some("DE"));
    assert_eq!(account.time_zone.as_deref(), Some("Europe/Berlin"));
    assert!(account.missing.is_empty(), "{:?}", account.missing);
    assert_eq!(account.remarks.len(), 1);
    assert!(account.remarks[0].contains("duplicate contacts"));
}

#[tokio::test]
async fn missing_scopes_are_named_whether_listed_or_proven() {
    let fake = Fake::new(|request| fine(request.operation));
    let account = check(
        &fake,
        &signed_in(tokens(&["contacts.readonly", "locations.readonly"])),
    )
    .await
    .unwrap();
    assert_eq!(
        account.missing,
        [
            "contacts.write",
            "locations/customFields.readonly",
            "users.readonly"
        ]
    );

    let fake = Fake::new(|_| no(401, "The token is not authorized for this scope."));
    let account = check(&fake, &private_token()).await.unwrap();
    assert_eq!(
        account.missing,
        [
            "locations.readonly",
            "contacts.readonly",
            "locations/customFields.readonly",
            "users.readonly"
        ]
    );
    assert_eq!(account.name, LOCATION);
}

#[tokio::test]
async fn a_private_token_cannot_prove_its_right_to_write() {
    let fake = Fake::new(|request| fine(request.operation));
    let account = check(&fake, &private_token()).await.unwrap();
    assert!(account.missing.is_empty());
    assert!(
        account
            .remarks
            .iter()
            .any(|remark| remark.contains("contacts.write")),
        "{:?}",
        account.remarks
    );
}

#[tokio::test]
async fn the_wrong_location_and_the_wrong_token_say_what_to_do() {
    for (status, said, hint) in [
        (
            403,
            "The token does not have access to this location.",
            "`location_id`",
        ),
        (400, "Location not found", "`location_id`"),
        (401, "Token's user type mismatch!", "in the sub-account"),
        (401, "Invalid Private Integration token", "make a new one"),
    ] {
        let fake = Fake::new(move |_| no(status, said));
        let error = check(&fake, &private_token())
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(said) && error.contains(hint), "{error}");
        assert!(!error.contains("SECRET"), "{error}");
    }
}

#[test]
fn only_what_is_needed_is_asked_for() {
    let connector = highlevel::HighLevel::new();
    assert_eq!(
        connector.scopes(&[Entity::Contact], false),
        [
            "contacts.readonly",
            "locations.readonly",
            "locations/customFields.readonly",
            "users.readonly"
        ]
    );
    assert!(
        connector
            .scopes(&[Entity::Contact], true)
            .contains(&"contacts.write".to_owned())
    );
}
