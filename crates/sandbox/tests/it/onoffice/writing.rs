//! Creating and changing addresses.

use serde_json::{Value, json};

use super::{Call, Office, call, create, modify, read};

#[tokio::test]
async fn creates_are_flat() {
    let office = Office::open();
    assert_eq!(
        office.code(&create(json!({"data": {"Name": "X"}}))).await,
        141
    );
    for (parameters, code) in [
        (json!({"Bemerkung": "x"}), 141),
        (json!({"Aenderung": "2026-01-01 00:00:00"}), 141),
        (json!({"ArtDaten": "Kunde"}), 74),
        (json!({"ArtDaten": ["Nix"]}), 76),
        (json!({"Anrede": "Nix"}), 77),
        (json!({"Name": ["x"]}), 187),
        (json!({"Name": null}), 215),
        (json!({"Geburtsdatum": "29.02.1980"}), 255),
        (json!({"Geburtsdatum": "1981-02-29"}), 255),
        (json!({"Vip": "vielleicht"}), 255),
        (json!({"Tipp_ID": "x"}), 228),
        (json!({"salary": "viel"}), 229),
        (json!({"phone": 7}), 300),
        (
            json!({"email": "a@example.org", "default_email": "b@example.org"}),
            258,
        ),
        (json!({"phone": "1", "default_phone": "2"}), 260),
    ] {
        assert_eq!(
            office.code(&create(parameters.clone())).await,
            code,
            "{parameters}"
        );
    }
    assert_eq!(office.ids(json!({})).await, Vec::<u64>::new());
}

#[tokio::test]
async fn nested_create_accepted() {
    let office = Office::open();
    office.turn("nested_create_accepted", json!(true));
    let id = office
        .made(json!({"data": {"Name": "X", "email": "x@example.org"}}))
        .await;
    assert_eq!(
        office.elements(id, &["Email"]).await["Email"],
        "x@example.org"
    );
}

#[tokio::test]
async fn mobiles_are_filed_as_mobiles() {
    let office = Office::open();
    let id = office
        .made(
            json!({"phone": "0171 2345678", "phone_business": "0241 1", "default_phone": "0241 1"}),
        )
        .await;
    let elements = office.elements(id, &["phone", "mobile", "Telefon1"]).await;
    assert_eq!(elements["mobile__13022"], "0171 2345678");
    assert_eq!(elements["phone_business__13023"], "0241 1");
    assert_eq!(elements["Telefon1"], "0241 1");
    // under its old name it is not found any more
    let change = |key: &str| json!({key: {"action": "modify", "oldvalue": "0171 2345678", "newvalue": "0171 9"}});
    assert_eq!(office.code(&modify(id, change("phone"))).await, 83);
    assert_eq!(office.code(&modify(id, change("mobile"))).await, 0);
    let swiss = office
        .made(json!({"phone": "079 123 45 67", "Land": "CHE"}))
        .await;
    let elements = office.elements(swiss, &["mobile"]).await;
    assert_eq!(elements.as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn first_entry_is_main() {
    let office = Office::open();
    let parameters = json!({"email": "a@example.org", "email_private": "b@example.org"});
    let main = async |id: u64| office.elements(id, &["Email"]).await["Email"].clone();
    let add = json!({"email": {"action": "add", "newvalue": "c@example.org"}});
    let drop = json!({"email": {"action": "delete", "oldvalue": "a@example.org"}});
    for (word, on_create, after_delete, after_add) in [
        ("create", "a@example.org", "", ""),
        ("always", "a@example.org", "b@example.org", "c@example.org"),
        ("never", "", "", ""),
    ] {
        office.turn("first_entry_is_main", json!(word));
        let id = office.made(parameters.clone()).await;
        assert_eq!(main(id).await, on_create, "{word}");
        office.ok(&modify(id, drop.clone())).await;
        assert_eq!(main(id).await, after_delete, "{word}");
        let bare = office.made(json!({"Name": "X"})).await;
        office.ok(&modify(bare, add.clone())).await;
        assert_eq!(main(bare).await, after_add, "{word}");
    }
}

#[tokio::test]
async fn check_duplicate_overwrites_by_any_email() {
    let office = Office::open();
    let id = office
        .made(json!({"Vorname": "Erika", "Name": "Alt", "email": "main@example.org", "email_private": "Zweite@example.org"}))
        .await;
    office
        .made(json!({"Name": "Später", "email": "zweite@example.org"}))
        .await;
    let lead = |extra: Value| {
        let mut lead = json!({"Name": "Neu", "email": "zweite@example.org"});
        lead.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        lead
    };
    let kept = lead(json!({"checkDuplicate": true, "noOverrideByDuplicate": true}));
    assert_eq!(office.made(kept).await, id);
    assert_eq!(office.elements(id, &["Name"]).await["Name"], "Alt");
    assert_eq!(office.made(lead(json!({"checkDuplicate": true}))).await, id);
    let elements = office.elements(id, &["Vorname", "Name"]).await;
    assert_eq!(
        elements,
        json!({"id": id, "Vorname": "Erika", "Name": "Neu"})
    );
    assert_ne!(office.made(lead(json!({}))).await, id);
}

#[tokio::test]
async fn duplicate_matches_secondary() {
    let office = Office::open();
    office.turn("duplicate_matches_secondary", json!(false));
    let id = office
        .made(json!({"email": "main@example.org", "email_private": "second@example.org"}))
        .await;
    let lead = |email: &str| json!({"email": email, "checkDuplicate": true});
    assert_ne!(office.made(lead("second@example.org")).await, id);
    assert_eq!(office.made(lead("main@example.org")).await, id);
}

#[tokio::test]
async fn status_write_ignored() {
    let office = Office::open();
    let id = office.made(json!({"Name": "X", "Status": 0})).await;
    let status = async || office.elements(id, &["Status", "Status2Adr"]).await;
    assert_eq!(status().await["Status"], "1");
    office.ok(&modify(id, json!({"Status": "0"}))).await;
    assert_eq!(status().await["Status"], "1");
    office
        .ok(&modify(id, json!({"Status2Adr": "status2adr_archive"})))
        .await;
    assert_eq!(
        status().await,
        json!({"id": id, "Status": "0", "Status2Adr": "status2adr_archive"})
    );
    office.turn("status_write_ignored", json!(false));
    office.ok(&modify(id, json!({"Status": 1}))).await;
    assert_eq!(status().await["Status"], "1");
}

#[tokio::test]
async fn main_fields_writable() {
    let office = Office::open();
    for name in ["Email", "Telefon1", "Telefax1"] {
        assert_eq!(
            office.code(&create(json!({name: "x@example.org"}))).await,
            141
        );
    }
    office.turn("main_fields_writable", json!(true));
    let id = office.made(json!({"Email": "x@example.org"})).await;
    assert_eq!(
        office.elements(id, &["Email"]).await["Email"],
        "x@example.org"
    );
}

#[tokio::test]
async fn contact_actions_and_their_errors() {
    let office = Office::open();
    let id = office
        .made(
            json!({"phone": "0241 1", "email": "a@example.org", "default_email": "a@example.org"}),
        )
        .await;
    let phone = |action: Value| json!({"phone": action});
    for (parameters, code) in [
        (phone(json!({"newvalue": "1"})), 81),
        (phone(json!({"action": "replace"})), 82),
        (
            phone(json!({"action": "modify", "oldvalue": "nix", "newvalue": "1"})),
            83,
        ),
        (phone(json!({"action": "add"})), 85),
        (phone(json!({"action": "modify", "oldvalue": "0241 1"})), 85),
        (phone(json!({"action": "modify", "newvalue": "1"})), 86),
        (phone(json!({"action": "delete"})), 86),
        (phone(json!({"action": "add", "newvalue": 5})), 300),
        (json!({"default_phone": "0241 1"}), 141),
        (
            json!({"email": {"action": "modify", "oldvalue": "a@example.org", "newvalue": "b@example.org", "default": false}}),
            259,
        ),
    ] {
        assert_eq!(
            office.code(&modify(id, parameters.clone())).await,
            code,
            "{parameters}"
        );
    }
    // nothing of an action that fails is kept
    let half = json!({"Name": "Neu", "phone": {"action": "delete", "oldvalue": "nix"}});
    assert_eq!(office.code(&modify(id, half)).await, 83);
    assert_eq!(office.elements(id, &["Name"]).await["Name"], "");

    let done = office
        .ok(&modify(id, json!({
            "phone": {"action": "add", "newvalue": "0241 2", "default": true},
            "email": {"action": "modify", "oldvalue": "A@example.org ", "newvalue": "b@example.org"},
        })))
        .await;
    assert_eq!(
        done["records"],
        json!([{"id": 0, "type": "address", "elements": {"success": "success"}}])
    );
    let elements = office.elements(id, &["phone", "Telefon1", "Email"]).await;
    assert_eq!(
        (&elements["Telefon1"], &elements["Email"]),
        (&json!("0241 2"), &json!("b@example.org"))
    );
    office
        .ok(&modify(
            id,
            phone(json!({"action": "add", "newvalue": "0241 2"})),
        ))
        .await;
    assert_eq!(
        office
            .code(&modify(
                id,
                phone(json!({"action": "delete", "oldvalue": "0241 2"}))
            ))
            .await,
        87
    );
}

#[tokio::test]
async fn flat_contact_refused() {
    let office = Office::open();
    let id = office
        .made(json!({"email": "a@example.org", "email_private": "p@example.org"}))
        .await;
    let flat = modify(id, json!({"email": "b@example.org"}));
    assert_eq!(office.code(&flat).await, 141);
    office.turn("flat_contact_refused", json!(false));
    office.ok(&flat).await;
    let elements = office.elements(id, &["Email", "email"]).await;
    assert_eq!(elements["Email"], "b@example.org");
    assert_eq!(elements.as_object().unwrap().len(), 4);
}

#[tokio::test]
async fn contact_action_list() {
    let office = Office::open();
    let id = office.made(json!({"email": "a@example.org"})).await;
    let several = modify(
        id,
        json!({"email": [
            {"action": "add", "newvalue": "b@example.org"},
            {"action": "delete", "oldvalue": "a@example.org"},
        ]}),
    );
    assert_eq!(office.code(&several).await, 82);
    office.turn("contact_action_list", json!(true));
    office.ok(&several).await;
    let elements = office.elements(id, &["email"]).await;
    assert_eq!(
        elements.as_object().unwrap().values().nth(1),
        Some(&json!("b@example.org"))
    );
}

#[tokio::test]
async fn contact_change_stamps() {
    let office = Office::open();
    let id = office.made(json!({"email": "a@example.org"})).await;
    let stamp = async || office.elements(id, &["Aenderung"]).await["Aenderung"].clone();
    office.sleep(60);
    let change = |from: &str, to: &str| json!({"email": {"action": "modify", "oldvalue": from, "newvalue": to}});
    office
        .ok(&modify(id, change("a@example.org", "b@example.org")))
        .await;
    office.act("edit", json!({"id": id, "fields": {"Telefon1": "0241 1"}}));
    assert_eq!(stamp().await, "2026-06-15 10:00:00");
    office.turn("contact_change_stamps", json!(true));
    office
        .ok(&modify(id, change("b@example.org", "c@example.org")))
        .await;
    assert_eq!(stamp().await, "2026-06-15 10:01:00");
    office.sleep(60);
    office.act("edit", json!({"id": id, "fields": {"Telefon1": "0241 2"}}));
    assert_eq!(stamp().await, "2026-06-15 10:02:00");
}

#[tokio::test]
async fn unchanged_write_stamps() {
    let office = Office::open();
    let id = office.made(json!({"Name": "X"})).await;
    let stamp = async || office.elements(id, &["Aenderung"]).await["Aenderung"].clone();
    office.sleep(60);
    office.ok(&modify(id, json!({"Name": "X"}))).await;
    assert_eq!(stamp().await, "2026-06-15 10:01:00");
    office.turn("unchanged_write_stamps", json!(false));
    office.sleep(60);
    office.ok(&modify(id, json!({"Name": "X"}))).await;
    assert_eq!(stamp().await, "2026-06-15 10:01:00");
    office.ok(&modify(id, json!({"Name": "Y"}))).await;
    assert_eq!(stamp().await, "2026-06-15 10:02:00");
}

#[tokio::test]
async fn writes_that_change_nothing_are_told_apart() {
    let office = Office::open();
    let id = office
        .made(json!({"Name": "X", "ArtDaten": ["Kunde", "Makler"], "email": "x@example.org"}))
        .await;
    office
        .ok(&modify(
            id,
            json!({"Name": "X", "ArtDaten": ["Makler", "Kunde"], "Beziehung": []}),
        ))
        .await;
    office.ok(&modify(id, json!({"email": {"action": "modify", "oldvalue": "x@example.org", "newvalue": "x@example.org"}}))).await;
    office
        .ok(&modify(
            id,
            json!({"Name": "Y", "email": {"action": "add", "newvalue": "y@example.org"}}),
        ))
        .await;
    let edits = office.sandbox.control().core().edits.since(1);
    let fields: Vec<Vec<&str>> = edits
        .iter()
        .map(|edit| edit.fields.iter().map(|field| &**field).collect())
        .collect();
    assert_eq!(fields, [vec![], vec![], vec!["Name", "email"]]);
}

#[tokio::test]
async fn too_long() {
    let office = Office::open();
    let long = "ä".repeat(81);
    let id = office
        .made(json!({"Name": long, "email": format!("{}@example.org", "x".repeat(100))}))
        .await;
    let elements = office.elements(id, &["Name", "Email"]).await;
    assert_eq!(elements["Name"], "ä".repeat(80));
    assert_eq!(elements["Email"].as_str().unwrap().len(), 100);
    office.turn("too_long", json!("refuse"));
    assert_eq!(office.code(&create(json!({"Name": long}))).await, 255);
    assert_eq!(
        office.code(&create(json!({"Name": "ä".repeat(80)}))).await,
        0
    );
}

#[tokio::test]
async fn unknown_country() {
    let office = Office::open();
    let stored = async |written: &str| {
        let id = office.made(json!({"Land": written})).await;
        office.elements(id, &["Land"]).await["Land"].clone()
    };
    for (written, expected) in [
        ("DEU", "Deutschland"),
        ("deutschland", "Deutschland"),
        ("CHE", "Schweiz"),
        ("DE", "DE"),
    ] {
        assert_eq!(stored(written).await, expected);
    }
    let iso = office
        .ok(&read(
            json!({"data": ["Land"], "countryIsoCodeType": "ISO-3166-3"}),
        ))
        .await;
    assert_eq!(iso["records"][3]["elements"]["Land"], "");
    office.turn("unknown_country", json!("refuse"));
    assert_eq!(office.code(&create(json!({"Land": "DE"}))).await, 255);
}

#[tokio::test]
async fn unknown_user_accepted() {
    let office = Office::open();
    let id = office.made(json!({"Benutzer": "niemand"})).await;
    assert_eq!(
        office.elements(id, &["Benutzer"]).await["Benutzer"],
        "niemand"
    );
    office.turn("unknown_user_accepted", json!(false));
    assert_eq!(
        office
            .code(&modify(id, json!({"Benutzer": "niemand"})))
            .await,
        251
    );
    assert_eq!(
        office
            .code(&modify(id, json!({"Benutzer": "jlindner"})))
            .await,
        0
    );
}

#[tokio::test]
async fn missing_record() {
    let office = Office::open();
    assert_eq!(
        office
            .code(&call("modify", "address", json!({"Name": "X"})))
            .await,
        79
    );
    assert_eq!(office.code(&modify(5, json!({"Name": "X"}))).await, 80);
    let word = Call {
        id: json!("x"),
        ..call("modify", "address", json!({"Name": "X"}))
    };
    assert_eq!(office.code(&word).await, 80);
    office.turn("missing_record", json!("292"));
    assert_eq!(office.code(&modify(5, json!({"Name": "X"}))).await, 292);
    // addresses cannot be deleted through the API
    assert_eq!(office.code(&call("delete", "address", json!({}))).await, 25);
}

#[tokio::test]
async fn clearing_values() {
    let office = Office::open();
    let id = office
        .made(json!({"Name": "X", "Anrede": "Frau", "ArtDaten": ["Kunde"], "Geburtsdatum": "1980-01-01", "Land": "DEU"}))
        .await;
    office
        .ok(&modify(id, json!({"Name": "", "Anrede": "", "ArtDaten": [], "Geburtsdatum": "0000-00-00", "Land": ""})))
        .await;
    assert_eq!(
        office
            .elements(id, &["Name", "Anrede", "ArtDaten", "Geburtsdatum", "Land"])
            .await,
        json!({"id": id, "Name": "", "Anrede": "", "ArtDaten": "", "Geburtsdatum": "0000-00-00", "Land": ""})
    );
}
