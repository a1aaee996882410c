//! Which account it is, and what is missing.

use connector::{Account, Connector, Error, WebhookError, WebhookKeys};
use onoffice::OnOffice;
use record::Entity;
use serde_json::{Value as Json, json};

use crate::fake::{
    Asked, Fake, Reply, address, credentials, credentials_with, field_list, found, mirrored,
    refused,
};

fn fields() -> Json {
    found(
        vec![json!({"id": "address", "elements": field_list()})],
        None,
    )
}

fn imprint(company: &str) -> Reply {
    let elements =
        json!({"firma": company, "country": "AUT", "ustId": "ATU1", "handelsregisterNr": null});
    Reply::Results(vec![found(
        vec![json!({"id": "impressum", "type": null, "elements": elements})],
        None,
    )])
}

fn users() -> Reply {
    let user = |id: u64, name: &str| json!({"id": id, "type": null, "elements": {"id": id, "username": name}});
    Reply::Results(vec![found(vec![user(25, "paul"), user(17, "theo ")], None)])
}

fn account(company: &'static str) -> Fake {
    Fake::new(move |asked| match asked.resource() {
        "fields" => Reply::Results(vec![
            fields(),
            found(vec![address(1, json!({"KdNr": 5}))], 1),
        ]),
        "impressum" => imprint(company),
        _ => users(),
    })
}

async fn check(fake: &Fake) -> Result<Account, Error> {
    OnOffice::new()
        .check(fake, &credentials(), &[Entity::Contact], true)
        .await
}

#[tokio::test]
async fn an_account_is_known_by_its_imprint_whatever_the_token() {
    let first = check(&account("Muster Immobilien")).await.unwrap();
    assert_eq!(first.name, "Muster Immobilien");
    assert_eq!(first.country.as_deref(), Some("AT"));
    assert!(
        first.missing.is_empty() && first.remarks.is_empty(),
        "{first:?}"
    );
    let renewed = credentials_with(&"n".repeat(32));
    let again = OnOffice::new()
        .check(
            &account("Muster Immobilien"),
            &renewed,
            &[Entity::Contact],
            true,
        )
        .await;
    assert_eq!(again.unwrap().id, first.id);
    assert_ne!(
        check(&account("Andere Immobilien")).await.unwrap().id,
        first.id
    );
}

#[tokio::test]
async fn without_an_imprint_it_is_known_by_its_first_user() {
    let without = |users: fn() -> Reply| {
        Fake::new(move |asked| match asked.resource() {
            "fields" => Reply::Results(vec![
                fields(),
                found(vec![address(1, json!({"KdNr": 5}))], 1),
            ]),
            "impressum" => Reply::Body(mirrored(
                25,
                "Missing configuration for resourceType \"impressum\"",
            )),
            _ => users(),
        })
    };
    let account = check(&without(users)).await.unwrap();
    assert_eq!(account.id, "user:17:theo");
    assert!(
        account.remarks.iter().any(|remark| remark.contains("(25)")),
        "{:?}",
        account.remarks
    );
    let account = check(&without(|| {
        Reply::Results(vec![refused(170, "No read permission for this user")])
    }))
    .await
    .unwrap();
    assert!(
        account.id.starts_with("token:") && !account.id.contains("ttt"),
        "{}",
        account.id
    );
}

#[tokio::test]
async fn rights_that_are_missing_are_said_and_suspected_ones_remarked() {
    let rows = |row: fn() -> Json| {
        Fake::new(move |asked: &Asked| match asked.resource() {
            "fields" => Reply::Results(vec![
                found(
                    vec![json!({"id": "address", "elements": {"Name": {}}})],
                    None,
                ),
                row(),
            ]),
            "impressum" => imprint("Muster"),
            _ => users(),
        })
    };
    let account = check(&rows(|| found(Vec::new(), 0))).await.unwrap();
    assert!(account.missing.is_empty());
    assert!(
        account
            .remarks
            .iter()
            .any(|remark| remark.contains("Nur eigene")),
        "{:?}",
        account.remarks
    );
    assert!(
        account
            .remarks
            .iter()
            .any(|remark| remark.contains("Status2Adr")),
        "{:?}",
        account.remarks
    );
    let account = check(&rows(|| refused(156, "Access violation")))
        .await
        .unwrap();
    assert!(account.missing[0].contains("Access violation"));
}

#[tokio::test]
async fn each_module_that_is_to_be_in_sync_is_looked_at_and_asked_about() {
    let seen = |right: fn(&Asked) -> Json| {
        Fake::new(move |asked: &Asked| match asked.resource() {
            "fields" => Reply::Results(vec![
                fields(),
                found(vec![address(7, json!({"KdNr": 5}))], 1),
            ]),
            "impressum" => imprint("Muster"),
            "task" => Reply::Results(vec![
                found(vec![json!({"id": 31, "type": "task", "elements": {}})], 1),
                refused(253, "No access to agentslog"),
                found(
                    vec![json!({"id": 25, "type": null, "elements": {"id": 25}})],
                    None,
                ),
            ]),
            "checkuserrecordsright" => Reply::Results(vec![
                found(vec![json!({"id": 0, "type": "", "elements": ["7"]})], 1),
                right(asked),
            ]),
            _ => users(),
        })
    };
    let check = |fake: Fake, write: bool| async move {
        let entities = [Entity::Contact, Entity::Task, Entity::Note];
        OnOffice::new()
            .check(&fake, &credentials(), &entities, write)
            .await
            .unwrap()
    };
    let none = |_: &Asked| found(vec![json!({"id": 0, "type": "", "elements": []})], 1);
    let account = check(seen(none), true).await;
    assert_eq!(account.missing.len(), 2, "{account:?}");
    assert!(
        account.missing[0].contains("No access to agentslog"),
        "{account:?}"
    );
    assert!(
        account.missing[1].contains("change Aufgaben"),
        "{account:?}"
    );
    // PHP may make an object of a list
    let as_object = |_: &Asked| found(vec![json!({"id": 0, "elements": {"0": "31"}})], 1);
    let account = check(seen(as_object), true).await;
    assert_eq!(account.missing.len(), 1, "{account:?}");
    // who only reads needs no right to write, and a client that cannot be asked says so
    assert_eq!(check(seen(none), false).await.missing.len(), 1);
    let account = check(seen(|_| refused(163, "missing parameter")), true).await;
    assert_eq!(account.missing.len(), 1, "{account:?}");
    assert!(
        account
            .remarks
            .iter()
            .any(|remark| remark.contains("Aufgaben cannot be asked")),
        "{account:?}"
    );
}

#[tokio::test]
async fn wrong_keys_and_a_refusing_vendor_are_errors() {
    let fake = Fake::new(|_| panic!("keys of the wrong length are not sent"));
    let short = credentials_with("zu kurz");
    let error = OnOffice::new()
        .check(&fake, &short, &[Entity::Contact], true)
        .await
        .unwrap_err();
    assert!(
        matches!(
            &error,
            Error::Setting {
                setting: "token",
                ..
            }
        ),
        "{error}"
    );
    let fake = Fake::new(|_| {
        Reply::Results(vec![
            refused(48, "Client access revoked!"),
            refused(48, "x"),
        ])
    });
    let error = check(&fake).await.unwrap_err().to_string();
    assert!(
        error.contains("revoked") && error.contains("(48)"),
        "{error}"
    );
    let other = OnOffice::new()
        .check(&fake, &credentials(), &[Entity::Opportunity], true)
        .await;
    assert!(matches!(other, Err(Error::Unsupported { .. })));
}

#[test]
fn the_description_promises_what_the_connector_keeps() {
    let connector = OnOffice::new();
    let description = connector.describe();
    assert_eq!(description.system, "onoffice");
    assert!(!description.webhooks && description.limits.windows.is_empty());
    let contact = description.entity(Entity::Contact).unwrap();
    assert_eq!(
        (contact.list_page, contact.fetch_batch, contact.write_batch),
        (500, 500, 20)
    );
    assert!(
        contact.absence_is_ambiguous
            && !contact.writes_return_record
            && contact.tag_field.is_none()
    );
    assert!(!contact.create_consequences.is_empty());
    let headers = http::HeaderMap::new();
    let incoming = connector::Incoming {
        headers: &headers,
        query: "",
        body: b"{}",
        received: crate::fake::NOW.parse().unwrap(),
    };
    assert!(matches!(
        connector.webhook(&incoming, &WebhookKeys::default()),
        Err(WebhookError::None(_))
    ));
}
