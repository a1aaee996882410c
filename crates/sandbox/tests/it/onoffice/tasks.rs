//! Tasks as their sheet says: what is refused, what reads back differently, what cannot be asked for.

use serde_json::{Value, json};

use super::{Call, Office, call, create, ids_of};

fn task(data: Value) -> Call {
    call("create", "task", json!({ "data": data }))
}

fn change(id: u64, data: Value) -> Call {
    Call {
        id: json!(id),
        ..call("modify", "task", json!({ "data": data }))
    }
}

fn list(parameters: Value) -> Call {
    call("read", "task", parameters)
}

impl Office {
    async fn task(&self, data: Value) -> u64 {
        let data = self.ok(&task(data)).await;
        data["records"][0]["id"].as_u64().unwrap()
    }

    async fn shown_task(&self, id: u64, fields: &[&str]) -> Value {
        let call = Call {
            id: json!(id),
            ..list(json!({ "data": fields }))
        };
        self.ok(&call).await["records"][0]["elements"].clone()
    }
}

#[tokio::test]
async fn a_task_is_made_changed_and_listed_with_its_person() {
    let office = Office::open();
    let person = office.ok(&create(json!({"Name": "Blum"}))).await;
    let person = person["records"][0]["id"].as_u64().unwrap();
    let given = json!({"data": {"Betreff": "Rückruf", "Aufgabe": "wegen Exposé", "Art": 153, "Prio": 2,
        "Deadline": "2026-06-20 12:30:00", "Deadline_strikt": 1, "Verantwortung": "tpohl"},
        "relatedAddressId": person});
    let made = office.ok(&call("create", "task", given)).await;
    assert_eq!(made["records"][0]["elements"], json!([]));
    let id = made["records"][0]["id"].as_u64().unwrap();
    let fields = [
        "Betreff",
        "Deadline_Zeit",
        "Deadline_strikt",
        "erledigt",
        "von",
        "Eintragsdatum",
    ];
    assert_eq!(
        office.shown_task(id, &fields).await,
        json!({"Betreff": "Rückruf", "Deadline_Zeit": "12:30:00", "Deadline_strikt": "1", "erledigt": "0",
            "von": "tandem-api", "Eintragsdatum": "2026-06-15"})
    );

    // done is two fields that know nothing of each other
    let answer = office
        .ok(&change(
            id,
            json!({"Status": 3, "Deadline_Zeit": "08:00:00"}),
        ))
        .await;
    assert_eq!(
        answer["records"][0],
        json!({"id": 0, "type": "task", "elements": {"success": "success"}})
    );
    let shown = office
        .shown_task(id, &["Status", "erledigt", "Deadline", "Kommentar"])
        .await;
    assert_eq!(
        (&shown["Status"], &shown["erledigt"]),
        (&json!("Erledigt"), &json!("0"))
    );
    assert_eq!(shown["Deadline"], "2026-06-20 08:00:00");
    assert!(
        shown["Kommentar"].as_str().unwrap().contains("Status"),
        "{shown}"
    );

    // the person's tasks, with the links because they were asked for
    let other = office.task(json!({"Betreff": "x", "Art": 155})).await;
    let of_person = list(json!({"data": ["Betreff"], "relatedAddressId": person}));
    let data = office.ok(&of_person).await;
    assert_eq!(ids_of(&data), [id]);
    assert_eq!(
        data["records"][0]["elements"]["relatedAddressId"],
        json!([person.to_string()])
    );
    let linked = call(
        "get",
        "idsfromrelation",
        json!({"parentids": [id],
        "relationtype": "urn:onoffice-de-ns:smart:2.5:relationTypes:task:address"}),
    );
    let linked = office.ok(&linked).await["records"][0]["elements"].clone();
    assert_eq!(linked[id.to_string()], json!([person.to_string()]));

    // no pages: windows by number, and the total is the number of rows
    let after = list(
        json!({"data": ["Betreff"], "listlimit": 1, "filter": {"Nr": [{"op": ">", "val": id}]}}),
    );
    let data = office.ok(&after).await;
    assert_eq!(
        (ids_of(&data), &data["meta"]["cntabsolute"]),
        (vec![other], &json!(1))
    );
    for refused in ["listoffset", "sortby"] {
        assert_eq!(
            office
                .code(&list(json!({"data": ["Betreff"], refused: 1})))
                .await,
            144
        );
    }
    assert_eq!(office.code(&list(json!({"data": ["Nr"]}))).await, 138);
    let gone = Call {
        id: json!(id),
        ..call("delete", "task", json!({}))
    };
    assert_eq!(office.code(&gone).await, 25);
}

#[tokio::test]
async fn wrong_values_and_unknown_links_are_refused_and_leave_nothing() {
    let office = Office::open();
    for (data, code) in [
        (json!({"Art": 153, "Status": 9}), 255),
        (json!({"Art": 153, "Prio": 0}), 255),
        (json!({"Art": 3}), 77),
        (json!({"Art": 153, "Deadline_Zeit": "soon"}), 255),
        (json!({"Art": 153, "Faellig": "2026-06-20"}), 138),
    ] {
        assert_eq!(office.code(&task(data.clone())).await, code, "{data}");
    }
    let stray = json!({"data": {"Art": 153}, "relatedAddressId": 77});
    assert_eq!(office.code(&call("create", "task", stray)).await, 292);
    assert_eq!(
        ids_of(&office.ok(&list(json!({"data": ["Betreff"]}))).await),
        [0; 0]
    );
    office.act(
        "set_rights",
        json!({"task_read": "none", "task_write": "none"}),
    );
    assert_eq!(office.code(&task(json!({"Art": 153}))).await, 156);
    let nothing = office.ok(&list(json!({"data": ["Betreff"]}))).await;
    assert_eq!(nothing, json!({"meta": {"cntabsolute": 0}, "records": []}));
}

#[tokio::test]
async fn a_person_does_the_same_in_the_user_interface_and_may_delete() {
    let office = Office::open();
    let made = office.act(
        "perform",
        json!({"action": "create", "resource": "task",
        "parameters": {"data": {"Art": 153, "Betreff": "von Hand"}}}),
    );
    let id = made["id"].as_u64().unwrap();
    assert_eq!(office.shown_task(id, &["von"]).await["von"], "jlindner");
    office.act("delete_record", json!({"module": "task", "id": id}));
    assert_eq!(office.shown_task(id, &["von"]).await, Value::Null);
    let log = call(
        "read",
        "log",
        json!({"listlimit": 5, "module": "task", "action": "delete"}),
    );
    let line = office.ok(&log).await["records"][0]["elements"].clone();
    assert_eq!(line["resourceId"], id.to_string());
}

#[tokio::test]
async fn task_status_label() {
    let office = Office::open();
    let id = office.task(json!({"Art": 153, "Status": 2})).await;
    assert_eq!(
        office.shown_task(id, &["Status"]).await["Status"],
        "In Bearbeitung"
    );
    // a filter goes by the number all the same
    let mine = list(json!({"data": ["Status"], "filter": {"Status": [{"op": "=", "val": 2}]}}));
    assert_eq!(ids_of(&office.ok(&mine).await), [id]);
    office.turn("task_status_label", json!(false));
    assert_eq!(office.shown_task(id, &["Status"]).await["Status"], "2");
}

#[tokio::test]
async fn task_modified_time() {
    let office = Office::open();
    let id = office.task(json!({"Art": 153})).await;
    office.sleep(60);
    office.ok(&change(id, json!({"Prio": 1}))).await;
    assert_eq!(
        office.shown_task(id, &["modified"]).await["modified"],
        "2026-06-15"
    );
    office.turn("task_modified_time", json!(true));
    assert_eq!(
        office.shown_task(id, &["modified"]).await["modified"],
        "2026-06-15 10:01:00"
    );
}

#[tokio::test]
async fn task_type_mandatory() {
    let office = Office::open();
    assert_eq!(office.code(&task(json!({"Betreff": "x"}))).await, 254);
    office.turn("task_type_mandatory", json!(false));
    assert_eq!(office.code(&task(json!({"Betreff": "x"}))).await, 0);
}

#[tokio::test]
async fn task_type_ids_listed() {
    let office = Office::open();
    let types = async || {
        let data = office
            .ok(&call("get", "actionkindtypes", json!({"lang": "DEU"})))
            .await;
        let kinds = data["records"].as_array().unwrap().clone();
        let kind = kinds
            .iter()
            .find(|kind| kind["elements"]["key"] == "Aufgabe")
            .unwrap();
        kind["elements"]["types"].clone()
    };
    assert_eq!(types().await["Rückruf"], "Rückruf");
    office.turn("task_type_ids_listed", json!(true));
    assert_eq!(types().await["153"], "Rückruf");
}

#[tokio::test]
async fn task_done_on_create_refused() {
    let office = Office::open();
    let done = task(json!({"Art": 153, "erledigt": true}));
    assert_eq!(office.code(&done).await, 138);
    office.turn("task_done_on_create_refused", json!(false));
    assert_eq!(office.code(&done).await, 0);
}

#[tokio::test]
async fn task_any_responsible() {
    let office = Office::open();
    let stranger = task(json!({"Art": 153, "Verantwortung": "nobody"}));
    assert_eq!(office.code(&stranger).await, 0);
    office.turn("task_any_responsible", json!(false));
    assert_eq!(office.code(&stranger).await, 251);
    let group =
        json!({"data": {"Art": 153, "Verantwortung": "Vertrieb"}, "responsibilityByGroup": 1});
    assert_eq!(office.code(&call("create", "task", group)).await, 0);
}

#[tokio::test]
async fn task_unknown_field() {
    let office = Office::open();
    let ask = list(json!({"data": ["Titel"]}));
    assert_eq!(office.code(&ask).await, 138);
    office.turn("task_unknown_field", json!("144"));
    assert_eq!(office.code(&ask).await, 144);
}

#[tokio::test]
async fn task_related_adds() {
    let office = Office::open();
    let (one, other) = (
        office.made(json!({"Name": "One"})).await,
        office.made(json!({"Name": "Other"})).await,
    );
    let links = async |replaced: bool| {
        office.turn("task_related_adds", json!(!replaced));
        let given = json!({"data": {"Art": 153}, "relatedAddressId": one});
        let made = office.ok(&call("create", "task", given)).await;
        let id = made["records"][0]["id"].as_u64().unwrap();
        office
            .ok(&Call {
                id: json!(id),
                ..call("modify", "task", json!({"relatedAddressId": other}))
            })
            .await;
        let one_task = Call {
            id: json!(id),
            ..list(json!({"data": ["Betreff"], "relatedAddressId": 0}))
        };
        office.ok(&one_task).await["records"][0]["elements"]["relatedAddressId"].clone()
    };
    assert_eq!(
        links(false).await,
        json!([one.to_string(), other.to_string()])
    );
    assert_eq!(links(true).await, json!([other.to_string()]));
}
