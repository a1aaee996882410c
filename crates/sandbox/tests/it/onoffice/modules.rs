//! Links, estates, search criteria, files and mails: state, whitelists and codes.

use serde_json::{Value, json};

use super::{Call, Office, call, create, ids_of};

const URN: &str = "urn:onoffice-de-ns:smart:2.5:relationTypes:";

fn link(verb: &'static str, kind: &str, parent: Value, child: Value) -> Call {
    let given =
        json!({"relationtype": format!("{URN}{kind}"), "parentid": parent, "childid": child});
    call(verb, "relation", given)
}

fn below(kind: &str, ids: &Value) -> Call {
    call(
        "get",
        "idsfromrelation",
        json!({"relationtype": format!("{URN}{kind}"), "parentids": ids}),
    )
}

fn on(id: u64, call: Call) -> Call {
    Call {
        id: json!(id),
        ..call
    }
}

impl Office {
    async fn estate(&self, data: Value) -> u64 {
        ids_of(
            &self
                .ok(&call("create", "estate", json!({ "data": data })))
                .await,
        )[0]
    }

    async fn uploaded(&self, parameters: Value) -> Value {
        let data = json!({"data": "SGFsbG8="});
        let step = self.ok(&call("do", "uploadfile", data)).await["records"][0]["elements"].clone();
        assert_eq!(step["filesize"], 5);
        let mut given = parameters;
        given["tmpUploadId"] = step["tmpUploadId"].clone();
        self.one(&call("do", "uploadfile", given)).await
    }
}

#[tokio::test]
async fn links_are_made_read_from_one_side_and_taken_away() {
    let office = Office::open();
    let estate = office.estate(json!({"objektart": "haus"})).await;
    let (one, agent) = (
        office.made(json!({"Name": "One"})).await,
        office
            .made(json!({"Name": "Agent", "ArtDaten": ["Makler"]}))
            .await,
    );
    let kind = "estate:address:interested";
    office
        .ok(&link("create", kind, json!([estate]), json!([one, agent])))
        .await;
    let read = office.ok(&below(kind, &json!([estate, one]))).await;
    // a wrong direction is no error
    let expected =
        json!({estate.to_string(): [one.to_string(), agent.to_string()], one.to_string(): []});
    assert_eq!(read["records"][0]["elements"], expected);
    for (call, code) in [
        (
            link(
                "create",
                "estate:address:friend",
                json!([estate]),
                json!([one]),
            ),
            132,
        ),
        (
            link("create", kind, json!([estate, estate]), json!([one, agent])),
            219,
        ),
        (link("create", kind, json!([9]), json!([one])), 185),
        (
            link(
                "create",
                "estate:address:contactPerson",
                json!([estate]),
                json!([one]),
            ),
            263,
        ),
        (
            link(
                "create",
                "estate:address:contactPerson",
                json!([estate]),
                json!([agent]),
            ),
            0,
        ),
        (link("modify", kind, json!([estate]), json!([one])), 182),
        (link("delete", kind, json!(estate), json!(one)), 0),
        (link("delete", kind, json!(estate), json!(one)), 180),
    ] {
        assert_eq!(office.code(&call).await, code, "{:?}", call.parameters);
    }
    // who is gone is linked to nothing any more
    office.act("delete", json!({"id": agent}));
    let read = office.ok(&below(kind, &json!([estate]))).await;
    assert_eq!(
        read["records"][0]["elements"][estate.to_string()],
        json!([])
    );
}

#[tokio::test]
async fn relation_delete_listed_only() {
    let office = Office::open();
    let one = office.made(json!({"Name": "One"})).await;
    let made = json!({"data": {"Art": 153}, "relatedAddressId": one});
    let task = ids_of(&office.ok(&call("create", "task", made)).await)[0];
    let gone = link("delete", "task:address", json!(task), json!(one));
    assert_eq!(office.code(&gone).await, 168);
    office.turn("relation_delete_listed_only", json!(false));
    assert_eq!(office.code(&gone).await, 0);
}

#[tokio::test]
async fn sort_text_of_modules() {
    let office = Office::open();
    for (number, price) in [("B", 2), ("A", 10)] {
        office
            .estate(json!({"objektnr_extern": number, "kaufpreis": price}))
            .await;
    }
    let read = |sort: Value| {
        let mut given = json!({"data": ["Id", "kaufpreis"], "sortorder": "DESC"});
        given["sortby"] = sort;
        call("read", "estate", given)
    };
    let first = async |sort: Value| {
        office.ok(&read(sort)).await["records"][0]["elements"]["kaufpreis"].clone()
    };
    assert_eq!(first(json!({"kaufpreis": "DESC"})).await, "10.00");
    assert_eq!(first(json!("kaufpreis")).await, "2.00");
    office.turn("sort_text_of_modules", json!(true));
    assert_eq!(first(json!("kaufpreis")).await, "10.00");
    assert_eq!(office.code(&read(json!({"preis": "ASC"}))).await, 212);
}

#[tokio::test]
async fn estates_have_their_fields_stamps_and_search() {
    let office = Office::open();
    let id = office
        .estate(
            json!({"objektart": "haus", "ort": "Aachen", "strasse": "Markt", "kaufpreis": 160000}),
        )
        .await;
    let owner = office
        .made(json!({"Vorname": "Olga", "Name": "Eigner"}))
        .await;
    office
        .ok(&link(
            "create",
            "estate:address:owner",
            json!([id]),
            json!([owner]),
        ))
        .await;
    office.sleep(60);
    office
        .ok(&on(
            id,
            call("modify", "estate", json!({"data": {"status": 0}})),
        ))
        .await;
    let read = |more: Value| {
        let mut given =
            json!({"data": ["status", "status2", "kaufpreis", "benutzer", "geaendert_am"]});
        given["filter"] = more;
        call("read", "estate", given)
    };
    let data = office
        .ok(&read(
            json!({"geaendert_am": [{"op": ">", "val": "2026-06-15 10:00:30"}]}),
        ))
        .await;
    assert_eq!(
        data["records"][0]["elements"],
        json!({"status": "0", "status2": "status2obj_archiviert", "kaufpreis": "160000.00", "benutzer": "47",
            "geaendert_am": "2026-06-15 10:01:00"})
    );
    for (data, code) in [
        (json!({"preis": 1}), 143),
        (json!({"objektart": "schloss"}), 77),
    ] {
        assert_eq!(
            office
                .code(&call("create", "estate", json!({ "data": data })))
                .await,
            code
        );
    }
    let search = |input: &str| Call {
        id: json!("estate"),
        ..call("get", "search", json!({ "input": input }))
    };
    assert_eq!(ids_of(&office.ok(&search("markt eigner")).await), [id]);
    assert_eq!(ids_of(&office.ok(&search("markt niemand")).await), [0; 0]);
    office.act(
        "set_rights",
        json!({"estate_read": "none", "estate_write": "none"}),
    );
    assert_eq!(office.ok(&read(json!({}))).await["meta"]["cntabsolute"], 0);
    assert_eq!(
        office
            .code(&call("create", "estate", json!({"data": {}})))
            .await,
        149
    );
    assert_eq!(
        office
            .code(&on(id, call("modify", "estate", json!({"data": {}}))))
            .await,
        262
    );
}

#[tokio::test]
async fn criteria_find_people_for_an_estate() {
    let office = Office::open();
    let one = office.made(json!({"Name": "One"})).await;
    let given = json!({"addressid": one, "data": {"objektart": "haus", "kaufpreis__von": "50000",
        "kaufpreis__bis": "100000", "range_plz": "52062", "range": "10"}});
    let id = ids_of(&office.ok(&call("create", "searchcriteria", given)).await)[0];
    let list = call(
        "get",
        "searchcriterias",
        json!({"mode": "internal", "ids": [one]}),
    );
    let shown = office.ok(&list).await["records"][0]["elements"].clone();
    assert_eq!(shown["range_kaufpreis"], json!(["50000", "100000"]));
    assert_eq!(shown["objektart"], json!(["haus"]));
    assert_eq!(shown["_meta"]["internaladdressid"], one.to_string());
    let suitors = |price: u32| {
        call(
            "get",
            "qualifiedsuitors",
            json!({"estatedata": {"plz": "52062", "kaufpreis": price}}),
        )
    };
    let best = office.ok(&suitors(90_000)).await["records"][0].clone();
    // the record is the customer number
    assert_eq!(
        (&best["id"], &best["elements"]["percentage"]),
        (&json!(1), &json!(100))
    );
    let half = office.ok(&suitors(900_000)).await["records"][0]["elements"].clone();
    assert_eq!(
        half,
        json!({"percentage": 50, "deviated": [{"kaufpreis": 0}], "searchcriteria": id})
    );
    let search = |data: Value| Call {
        id: json!("searchcriteria"),
        ..call("get", "search", json!({ "searchdata": data }))
    };
    assert_eq!(
        ids_of(&office.ok(&search(json!({"range_plz": "52062"}))).await),
        [id]
    );
    let off = on(
        id,
        call(
            "modify",
            "searchcriteria",
            json!({"data": {"sys_status": "0"}}),
        ),
    );
    office.ok(&off).await;
    assert_eq!(
        ids_of(&office.ok(&search(json!({"range_plz": "52062"}))).await),
        [0; 0]
    );
    let bare = json!({"addressid": one, "data": {"kaufpreis": 1}});
    assert_eq!(
        office.code(&call("create", "searchcriteria", bare)).await,
        141
    );
    let gone = on(id, call("delete", "searchcriteria", json!({})));
    assert_eq!(office.code(&gone).await, 0);
    assert_eq!(office.code(&gone).await, 95);
}

#[tokio::test]
async fn files_are_put_somewhere_once_and_there_is_one_title_picture() {
    let office = Office::open();
    let estate = office.estate(json!({})).await;
    let put = |kind: &str| {
        json!({"module": "estate", "relatedRecordId": estate, "file": "haus.jpg", "title": "Haus", "Art": kind,
            "setDefaultPublicationRights": true})
    };
    let first = office.uploaded(put("Foto")).await;
    let elements = &first["data"]["records"][0]["elements"];
    let file: u64 = elements["fileId"].as_str().unwrap().parse().unwrap();
    let mut again = put("Foto");
    again["tmpUploadId"] = elements["tmpUploadId"].clone();
    assert_eq!(office.code(&call("do", "uploadfile", again)).await, 129);
    assert_eq!(
        office.uploaded(put("Titelbild")).await["status"]["errorcode"],
        0
    );
    assert_eq!(
        office.uploaded(put("Titelbild")).await["status"]["errorcode"],
        239
    );
    assert_eq!(
        office.uploaded(put("Gemälde")).await["status"]["errorcode"],
        162
    );

    // the old title picture becomes a photo
    let describe =
        json!({"relationtype": "estate", "parentid": estate, "fileId": file, "Art": "Titelbild"});
    office.ok(&call("modify", "fileRelation", describe)).await;
    let list = |more: Value| {
        let mut given = json!({ "estateid": estate });
        given["fileid"] = more;
        Call {
            id: json!("estate"),
            ..call("get", "file", given)
        }
    };
    let types: Vec<Value> = office.ok(&list(Value::Null)).await["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["elements"]["type"].clone())
        .collect();
    assert_eq!(types, ["Titelbild", "Foto"]);
    assert_eq!(
        office.ok(&list(json!(file))).await["records"][0]["elements"]["content"],
        "SGFsbG8="
    );
    let pictures = json!({"estateids": [estate], "categories": ["Titelbild"]});
    let shown = office.ok(&call("get", "estatepictures", pictures)).await;
    assert_eq!(
        shown["records"][0]["elements"][0]["estateid"],
        estate.to_string()
    );
    let gone = call(
        "delete",
        "fileRelation",
        json!({"relationtype": "estate", "parentid": estate, "fileId": file}),
    );
    assert_eq!(office.code(&gone).await, 0);
    assert_eq!(office.code(&gone).await, 127);
    let nowhere = Call {
        id: json!("estate"),
        ..call("get", "file", json!({}))
    };
    assert_eq!(office.code(&nowhere).await, 110);
    let other = Call {
        id: json!("task"),
        ..call("get", "file", json!({}))
    };
    assert_eq!(office.code(&other).await, 24);
}

#[tokio::test]
async fn newsletter_opt_in() {
    let office = Office::open();
    let one = office
        .made(json!({"Name": "One", "email": "one@example.org"}))
        .await;
    let register = |to: bool| {
        on(
            one,
            call("do", "registerNewsletter", json!({ "register": to })),
        )
    };
    let after = async |to: bool| {
        office.ok(&register(to)).await;
        office.elements(one, &["newsletter_aktiv"]).await["newsletter_aktiv"].clone()
    };
    assert_eq!(after(true).await, "3");
    assert_eq!(after(false).await, "2");
    office.turn("newsletter_opt_in", json!(false));
    assert_eq!(after(true).await, "1");
    let log = call(
        "read",
        "agentslog",
        json!({"data": ["Aktionstyp"], "addressid": [one]}),
    );
    assert_eq!(office.ok(&log).await["meta"]["cntabsolute"], 3);
}

#[tokio::test]
async fn mails_need_the_own_mailbox_and_a_receiver() {
    let office = Office::open();
    let one = office
        .made(json!({"Name": "One", "email": "one@example.org"}))
        .await;
    let mail = |identity: &str, to: Value| {
        let given =
            json!({"emailidentity": identity, "receiver": to, "subject": "Hallo", "body": "…"});
        call("do", "sendmail", given)
    };
    let own = "tandem-api@maklerhaus.example";
    for (call, code) in [
        (mail("jlindner@maklerhaus.example", json!([one])), 51),
        (mail("", json!([one])), 50),
        (mail(own, json!([])), 53),
        (mail(own, json!("one@example.org")), 52),
        (mail(own, json!(["nobody"])), 55),
        (mail(own, json!([one])), 0),
    ] {
        assert_eq!(office.code(&call).await, code);
    }
}

#[tokio::test]
async fn every_module_describes_its_fields_and_a_webhook_tells_of_tasks() {
    let office = Office::open();
    let fields = call(
        "get",
        "fields",
        json!({"modules": ["task", "estate", "agentsLog", "calendar"], "labels": true}),
    );
    let data = office.ok(&fields).await;
    let of = |place: usize| &data["records"][place]["elements"];
    assert_eq!(of(0)["Status"]["type"], "varchar");
    assert_eq!(of(1)["objektart"]["permittedvalues"]["haus"], "Haus");
    // usable, but not described, as on live clients
    assert_eq!(of(1)["geaendert_am"], Value::Null);
    assert_eq!(of(2)["Bemerkung"]["type"], "text");
    assert_eq!(of(3)["start_dt"]["type"], "datetime");

    office.act(
        "set_webhook",
        json!({"url": "https://provider.example/hook", "secret": "s"}),
    );
    let id = ids_of(
        &office
            .ok(&call("create", "task", json!({"data": {"Art": 153}})))
            .await,
    )[0];
    let tell = on(
        id,
        call(
            "do",
            "executeMarketplaceWebhooks",
            json!({"module": "task"}),
        ),
    );
    office.ok(&tell).await;
    assert!(
        office
            .sandbox
            .control()
            .core()
            .deliveries
            .next_due_ms()
            .is_some()
    );
    let one = office.ok(&create(json!({"Name": "X"}))).await;
    assert_eq!(ids_of(&one).len(), 1);
    let wrong = on(
        id,
        call(
            "do",
            "executeMarketplaceWebhooks",
            json!({"module": "agentslog"}),
        ),
    );
    assert_eq!(office.code(&wrong).await, 163);
}
