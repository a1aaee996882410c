//! What an administrator or a colleague does, and what the client then sees.

use sandbox::System;
use serde_json::{Value, json};

use super::{Call, Office, call, create, ids_of, modify, read};

#[tokio::test]
async fn missing_right_is_empty() {
    let office = Office::open();
    let id = office
        .made(json!({"Name": "X", "Benutzer": "jlindner"}))
        .await;
    let own = office.made(json!({"Name": "Y"})).await;
    office.act(
        "set_rights",
        json!({"address_read": "none", "address_write": "none"}),
    );
    let ask = read(json!({"data": ["Name"]}));
    let data = office.ok(&ask).await;
    assert_eq!(data, json!({"meta": {"cntabsolute": 0}, "records": []}));
    assert_eq!(office.code(&create(json!({"Name": "Z"}))).await, 131);
    assert_eq!(office.code(&modify(id, json!({"Name": "Z"}))).await, 261);
    assert_eq!(
        office
            .code(&call("read", "user", json!({"data": ["Nr"]})))
            .await,
        170
    );
    assert_eq!(
        office
            .code(&call("read", "log", json!({"listlimit": 0})))
            .await,
        156
    );
    let me = Call {
        id: json!(47),
        ..call("read", "user", json!({"data": ["Name"]}))
    };
    assert_eq!(
        office.ok(&me).await["records"][0]["elements"]["Name"],
        "tandem-api"
    );

    office.act(
        "set_rights",
        json!({"address_read": "own", "address_write": "own"}),
    );
    assert_eq!(office.ids(json!({})).await, [own]);
    assert_eq!(office.ids(json!({"recordids": [id, own]})).await, [own]);
    assert_eq!(office.code(&modify(id, json!({"Name": "Z"}))).await, 261);
    assert_eq!(office.code(&modify(own, json!({"Name": "Z"}))).await, 0);

    office.act("set_rights", json!({"address_read": "none"}));
    office.turn("missing_right_is_empty", json!(false));
    assert_eq!(office.code(&ask).await, 253);
}

#[tokio::test]
async fn access_is_renewed_revoked_and_bound_to_a_user() {
    let mut office = Office::open();
    let ask = call("get", "users", json!({}));
    office.act("revoke_access", json!({}));
    assert_eq!(office.code(&ask).await, 48);
    office.act("restore_access", json!({}));
    assert_eq!(office.code(&ask).await, 0);
    office.act("deactivate_user", json!({"login": "tandem-api"}));
    assert_eq!(office.code(&ask).await, 104);
    office.act("activate_user", json!({"login": "tandem-api"}));
    let fresh = office.act("regenerate_access", json!({}));
    assert_eq!(fresh["token"].as_str().unwrap().len(), 32);
    assert_eq!(fresh["secret"].as_str().unwrap().len(), 64);
    assert_eq!(office.code(&ask).await, 48);
    office.sign_in();
    assert_eq!(office.code(&ask).await, 0);
    office.act("set_allowed_ips", json!({"ips": ["203.0.113.9"]}));
    let body = json!({"token": office.token, "request": {"actions": [office.signed(&ask)]}});
    let answer: Value = serde_json::from_str(&office.text(body.to_string()).await).unwrap();
    assert_eq!(answer["status"]["errorcode"], 158);
    office.act("set_allowed_ips", json!({"ips": ["127.0.0.1"]}));
    assert_eq!(office.code(&ask).await, 0);
}

#[tokio::test]
async fn fields_describe_the_client() {
    let office = Office::open();
    let fields = async |parameters: Value| office.ok(&call("get", "fields", parameters)).await;
    let all = fields(json!({"modules": ["address"], "labels": true, "language": "DEU"})).await;
    assert_eq!(
        (&all["records"][0]["id"], &all["meta"]["cntabsolute"]),
        (&json!("address"), &Value::Null)
    );
    let elements = &all["records"][0]["elements"];
    assert_eq!(elements["label"], "Adressen");
    assert_eq!(
        elements["DSGVOStatus"],
        json!({"type": "singleselect", "length": null, "permittedvalues": {"ignorieren": "Ignorieren",
            "speicherungwiderrufen": "Speicherung widerrufen", "speicherungzugestimmt": "Speicherung zugestimmt"},
            "default": null, "filters": [], "dependencies": [], "compoundFields": [], "label": "DSGVO-Status",
            "fieldMeasureFormat": null})
    );
    assert_eq!(elements["Plz-Ort"]["compoundFields"], json!(["Plz", "Ort"]));
    for hidden in ["Status", "Aenderung", "uuid", "phone", "email"] {
        assert!(elements.get(hidden).is_none(), "{hidden}");
    }
    let some =
        fields(json!({"modules": ["address"], "fieldList": ["newsletter_aktiv", "Vorname"]})).await;
    let some = &some["records"][0]["elements"];
    assert_eq!(
        some["newsletter_aktiv"]["permittedvalues"],
        json!([1, 0, 2, 3, 4, 5])
    );
    assert_eq!(
        (
            &some["Vorname"]["length"],
            &some["Vorname"]["permittedvalues"]
        ),
        (&json!(80), &Value::Null)
    );
    assert_eq!(some.as_object().unwrap().len(), 2);
    office.act("deactivate_field", json!({"field": "Titel"}));
    let inactive = fields(json!({"modules": ["address"], "showOnlyInactive": true})).await;
    assert_eq!(
        inactive["records"][0]["elements"]
            .as_object()
            .unwrap()
            .keys()
            .collect::<Vec<_>>(),
        ["Titel"]
    );
    let every = fields(json!({})).await;
    assert_eq!(every["records"].as_array().unwrap().len(), 11);
    // mails have no fields here
    assert_eq!(every["records"][4]["elements"], json!([]));
    assert_eq!(
        office
            .code(&call("get", "fields", json!({"modules": ["nix"]})))
            .await,
        163
    );
    let values = Call {
        id: json!("fieldvalues"),
        ..call(
            "get",
            "confignewaddressfields",
            json!({"fieldname": "Anrede"}),
        )
    };
    let values = office.ok(&values).await;
    assert_eq!(
        values["records"][0],
        json!({"id": "Herr", "type": "", "elements": {"title": "Herr"}})
    );
}

#[tokio::test]
async fn fields_come_and_become_mandatory() {
    let office = Office::open();
    let money = json!({"name": "ind_9_Feld_adressen1", "label": "Bank", "type": "singleselect",
        "permitted": {"ind_Schl_1": "Sparkasse"}});
    office.act("put_field", money);
    assert_eq!(
        office
            .code(&create(json!({"ind_9_Feld_adressen1": "Sparkasse"})))
            .await,
        77
    );
    let id = office
        .made(json!({"ind_9_Feld_adressen1": "ind_Schl_1"}))
        .await;
    office.act("set_mandatory_fields", json!({"fields": ["Name", "Email"]}));
    assert_eq!(office.code(&create(json!({"Name": "X"}))).await, 254);
    assert_eq!(
        office
            .code(&create(json!({"Name": "X", "email": "x@example.org"})))
            .await,
        0
    );
    assert_eq!(office.code(&modify(id, json!({"Name": ""}))).await, 254);
}

#[tokio::test]
async fn users_groups_and_their_numbers() {
    let office = Office::open();
    let users = office.ok(&call("get", "users", json!({}))).await;
    assert_eq!(users["meta"]["cntabsolute"], Value::Null);
    assert_eq!(
        users["records"][0],
        json!({"id": 21, "type": null, "elements": {"id": "21", "username": "jlindner", "firstname": "Jule",
            "lastname": "Lindner", "email": "jlindner@maklerhaus.example", "meetingurl": ""}})
    );
    let group = office
        .ok(&call(
            "get",
            "users",
            json!({"userfilter": "byGroupId", "groupId": 3}),
        ))
        .await;
    assert_eq!(ids_of(&group), [21, 23]);
    let read = office
        .ok(&call("read", "user", json!({"data": ["Nr", "Nachname"]})))
        .await;
    assert_eq!(
        read["records"][1]["elements"],
        json!({"Nr": "23", "Nachname": "Pohl "})
    );
    assert_eq!(
        office.ok(&call("read", "user", json!({}))).await["records"],
        json!([])
    );
    let groups = office.ok(&call("get", "groups", json!({}))).await;
    assert_eq!(
        groups["records"][0]["elements"]["userIds"],
        json!(["21", "23"])
    );
}

#[tokio::test]
async fn colleagues_edit_merge_and_delete() {
    let office = Office::open();
    let made = office.act(
        "create",
        json!({"fields": {"Name": "Anna", "email": "anna@example.org", "phone": "0241 1"}}),
    );
    let anna = made["id"].as_u64().unwrap();
    let twin = office
        .made(json!({"Name": "Anna", "Ort": "Köln", "email": "anna2@example.org"}))
        .await;
    let gone = office.made(json!({"Name": "Weg"})).await;
    office.sleep(1);
    office.act("edit", json!({"id": anna, "fields": {"Vorname": "Anna", "Email": "neu@example.org"}, "user": "tpohl"}));
    office.act(
        "add_entry",
        json!({"id": anna, "kind": "mobile", "value": "0171 1", "main": true, "comment": "abends"}),
    );
    office.act("remove_entry", json!({"id": anna, "entry": "0241 1"}));
    office.act("merge", json!({"into": anna, "from": twin}));
    office.act("delete", json!({"id": gone}));
    let elements = office
        .elements(anna, &["Vorname", "Ort", "Email", "Telefon1", "email"])
        .await;
    assert_eq!(
        elements,
        json!({"id": anna, "Vorname": "Anna", "Ort": "Köln", "Email": "neu@example.org", "Telefon1": "0171 1",
            "email__13022": "neu@example.org", "email__13024": "anna2@example.org"})
    );
    assert_eq!(
        office.ids(json!({"recordids": [anna, twin, gone]})).await,
        [anna]
    );
    let control = office.sandbox.control();
    control.onoffice(|state| {
        let removed: Vec<_> = state
            .removed()
            .iter()
            .map(|each| (u64::from(each.address.id), each.merged_into))
            .collect();
        assert_eq!(
            removed,
            [(twin, Some(u32::try_from(anna).unwrap())), (gone, None)]
        );
    });
    assert!(
        control
            .act(System::OnOffice, "delete", &json!({"id": gone}))
            .is_err()
    );
    assert!(
        control
            .act(System::OnOffice, "fly", &json!({}))
            .unwrap_err()
            .to_string()
            .contains("regenerate_access")
    );

    let log = office
        .ok(&call(
            "read",
            "log",
            json!({"listlimit": 10, "filter": {"action": [{"op": "=", "val": "delete"}],
            "dateTime": [{"op": ">=", "val": "2026-06-15 10:00:01"}]}}),
        ))
        .await;
    assert_eq!(log["meta"]["cntabsolute"], 2);
    let newest = &log["records"][0];
    assert_eq!(newest["type"], "Log");
    assert_eq!(
        (
            &newest["elements"]["resourceId"],
            &newest["elements"]["userId"],
            &newest["elements"]["dateTime"]
        ),
        (
            &json!(gone.to_string()),
            &json!("21"),
            &json!("2026-06-15 10:00:01")
        )
    );
    let count = office
        .ok(&call("read", "log", json!({"listlimit": 0})))
        .await;
    assert_eq!(
        (&count["meta"]["cntabsolute"], &count["records"]),
        (&json!(9), &json!([]))
    );
    assert_eq!(office.code(&call("read", "log", json!({}))).await, 256);
}

#[tokio::test]
async fn seeding_and_resetting() {
    let office = Office::open();
    let ids = office.seed(&[
        json!({"Name": "X", "email": "x@example.org ", "Land": "DEU", "ArtDaten": ["Eigentümer"]}),
    ]);
    assert_eq!(
        office.elements(ids[0], &["Email", "Land"]).await["Email"],
        "x@example.org "
    );
    let control = office.sandbox.control();
    let error = control
        .seed(System::OnOffice, &[json!({"Name": "Y"}), json!({"Nix": 1})])
        .unwrap_err();
    assert!(
        error.to_string().contains("record 1: Unknown field: Nix"),
        "{error}"
    );
    assert_eq!(
        control.dump(System::OnOffice)["addresses"][0]["values"]["Land"],
        "Deutschland"
    );
    control.reset_system(System::OnOffice);
    assert_eq!(office.ids(json!({})).await, Vec::<u64>::new());
}

#[tokio::test]
async fn saves_in_the_interface_are_announced_and_writes_through_the_api_are_not() {
    let sent = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = std::sync::Arc::clone(&sent);
    let office = Office::with(sandbox::Options {
        sender: Some(std::sync::Arc::new(move |outgoing: sandbox::Outgoing| {
            log.lock().unwrap().push(outgoing);
            Box::pin(async { Ok(200) })
        })),
        ..sandbox::Options::default()
    });
    let id = office.made(json!({"Name": "X"})).await;
    office.act("edit", json!({"id": id, "fields": {"Name": "Y"}}));
    office.act(
        "set_webhook",
        json!({"url": "https://provider.example/hook", "secret": "providersecret"}),
    );
    office.ok(&modify(id, json!({"Name": "Z"}))).await;
    assert_eq!(office.sandbox.deliver_due().await, 0);
    office.act(
        "edit",
        json!({"id": id, "fields": {"Name": "A"}, "user": "tpohl"}),
    );
    let fire = Call {
        id: json!(id),
        ..call(
            "do",
            "executeMarketplaceWebhooks",
            json!({"module": "address"}),
        )
    };
    office.ok(&fire).await;
    assert_eq!(office.sandbox.deliver_due().await, 2);
    let outgoing = sent.lock().unwrap().clone();
    for (outgoing, user) in outgoing.iter().zip(["23", "47"]) {
        assert_eq!((outgoing.method.as_str(), outgoing.body.len()), ("GET", 0));
        let url = url::Url::parse(&outgoing.url).unwrap();
        let query: std::collections::HashMap<_, _> = url.query_pairs().collect();
        assert_eq!(
            (&*query["addressId"], &*query["userId"]),
            (id.to_string().as_str(), user)
        );
        assert_eq!(query["timestamp"], office.seconds().to_string());
        assert_eq!(query["signature"].len(), 64);
    }
    office.act("remove_webhook", json!({}));
    office.act("edit", json!({"id": id, "fields": {"Name": "B"}}));
    assert_eq!(office.sandbox.deliver_due().await, 0);
}
