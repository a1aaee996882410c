//! Address reads, filters, sorting, paging, quicksearch.

use serde_json::{Value, json};

use super::{Call, Office, call, ids_of, modify, read};

async fn three(office: &Office) -> Vec<u64> {
    let mut ids = Vec::new();
    for (name, email, town) in [
        ("Zeller", "zeller@example.org", "Köln"),
        ("adler", "adler@example.org", "Aachen"),
        ("Müller", "", "Bonn"),
    ] {
        ids.push(
            office
                .made(json!({"Name": name, "email": email, "Ort": town, "Land": "DEU"}))
                .await,
        );
        office.sleep(60);
    }
    ids
}

#[tokio::test]
async fn values_have_the_vendors_forms() {
    let office = Office::open();
    let id = office
        .made(json!({
            "Vorname": "Erika", "Geburtsdatum": "1980-02-29", "Land": "AUT", "Vip": true, "salary": 1200,
            "ArtDaten": ["Kunde", "Eigentümer"], "email": "e@example.org", "phone": "0662 123456", "mobile": "0664 1",
        }))
        .await;
    let fields = [
        "Vorname",
        "Name",
        "KdNr",
        "Geburtsdatum",
        "Geburtsdatum2",
        "Land",
        "Vip",
        "Privat",
        "salary",
        "ArtDaten",
        "HerkunftKontakt",
        "Status",
        "Status2Adr",
        "Email",
        "Telefon1",
        "Telefax1",
        "newsletter_aktiv",
        "Tipp_ID",
        "letzter_Kontakt",
        "Aenderung",
        "phone",
        "mobile",
        "email",
        "fax",
        "Plz-Ort",
        "imageUrl",
        "Benutzer",
    ];
    let elements = office.elements(id, &fields).await;
    assert_eq!(
        elements,
        json!({
            "id": 1001, "Vorname": "Erika", "Name": "", "KdNr": 1, "Geburtsdatum": "1980-02-29",
            "Geburtsdatum2": "0000-00-00", "Land": "Österreich", "Vip": "1", "Privat": "0", "salary": "1200.00",
            "ArtDaten": "|Eigentümer||Kunde|", "HerkunftKontakt": null, "Status": "1",
            "Status2Adr": "status2adr_active", "Email": "e@example.org", "Telefon1": "0662 123456", "Telefax1": "",
            "newsletter_aktiv": "4", "Tipp_ID": "0", "letzter_Kontakt": "0000-00-00 00:00:00",
            "Aenderung": "2026-06-15 10:00:00", "phone__13023": "0662 123456", "mobile__13024": "0664 1",
            "email__13022": "e@example.org", "Plz-Ort": "", "imageUrl": "", "Benutzer": "tandem-api",
        })
    );
    let formatted = office
        .ok(&read(json!({
            "data": ["Geburtsdatum", "Geburtsdatum2", "Vip", "salary", "ArtDaten", "newsletter_aktiv", "Land"],
            "formatoutput": true, "outputlanguage": "DEU", "countryIsoCodeType": "ISO-3166-3",
        })))
        .await;
    assert_eq!(
        formatted["records"][0]["elements"],
        json!({
            "id": 1001, "Geburtsdatum": "29.02.1980", "Geburtsdatum2": "", "Vip": "Ja", "salary": "1200,00",
            "ArtDaten": ["Eigentümer", "Kunde"], "newsletter_aktiv": "keine Angabe", "Land": "AUT",
        })
    );
    let short = office
        .ok(&read(
            json!({"data": ["Land"], "countryIsoCodeType": "ISO-3166-2"}),
        ))
        .await;
    assert_eq!(short["records"][0]["elements"]["Land"], "AT");
    for (parameters, code) in [
        (json!({"data": ["Land"], "countryIsoCodeType": "DE"}), 255),
        (json!({"data": ["Land"], "outputlanguage": "de"}), 160),
        (json!({}), 167),
        (json!({"data": []}), 167),
        (json!({"data": "Name"}), 74),
        (json!({"data": [7]}), 291),
        (json!({"data": ["Name"], "recordids": 7}), 74),
        (json!({"data": ["Name"], "recordids": vec![7; 501]}), 302),
        (json!({"data": ["Name"], "filterid": 3}), 284),
    ] {
        assert_eq!(
            office.code(&read(parameters.clone())).await,
            code,
            "{parameters}"
        );
    }
}

#[tokio::test]
async fn records_by_number() {
    let office = Office::open();
    let ids = three(&office).await;
    let single = |id: Value| Call {
        id,
        ..read(json!({"data": ["Name"]}))
    };
    for (id, found) in [
        (json!(ids[1]), vec![ids[1]]),
        (json!(ids[1].to_string()), vec![ids[1]]),
        (json!("0"), vec![]),
        (json!("2f1c0f9e-0000-4000-8000-000000000000"), vec![]),
        (Value::Null, ids.clone()),
    ] {
        let data = office.ok(&single(id.clone())).await;
        assert_eq!(ids_of(&data), found, "{id}");
        assert_eq!(data["meta"]["cntabsolute"], found.len(), "{id}");
    }
    let data = json!({"data": ["Name"], "recordids": [ids[2], "9", ids[0].to_string()]});
    assert_eq!(ids_of(&office.ok(&read(data)).await), [ids[0], ids[2]]);
    let uuid = office.elements(ids[1], &["uuid"]).await["uuid"].clone();
    assert_eq!(
        office
            .ids(json!({"filter": {"uuid": [{"op": "=", "val": uuid}]}}))
            .await,
        [ids[1]]
    );
}

#[tokio::test]
async fn unknown_field_refused() {
    let office = Office::open();
    three(&office).await;
    let asks = [
        read(json!({"data": ["Name", "Bemerkung"]})),
        read(json!({"data": ["Name", "name"]})),
        read(json!({"data": ["Name"], "filter": {"Bemerkung": [{"op": "=", "val": 1}]}})),
    ];
    for ask in &asks {
        assert_eq!(office.code(ask).await, 141);
    }
    let plain = read(json!({"data": ["Name", "Zusatz2"]}));
    assert_eq!(office.code(&plain).await, 0);
    office.act("deactivate_field", json!({"field": "Zusatz2"}));
    assert_eq!(office.code(&plain).await, 141);
    office.turn("unknown_field_refused", json!(false));
    for ask in &asks {
        assert_eq!(office.code(ask).await, 0);
    }
    let elements = office.ok(&plain).await["records"][0]["elements"].clone();
    assert_eq!(elements, json!({"id": 1001, "Name": "Zeller"}));
}

#[tokio::test]
async fn id_selectable() {
    let office = Office::open();
    let ids = three(&office).await;
    for name in ["id", "Id"] {
        assert_eq!(office.code(&read(json!({"data": [name]}))).await, 141);
        assert_eq!(
            office.code(&read(json!({"data": ["Name", name]}))).await,
            141
        );
    }
    assert_eq!(office.code(&read(json!({"data": ["ID"]}))).await, 141);
    assert_eq!(office.code(&read(json!({"data": ["ID", "Name"]}))).await, 0);
    office.turn("id_selectable", json!(true));
    assert_eq!(office.code(&read(json!({"data": ["Id", "Name"]}))).await, 0);
    assert_eq!(office.code(&read(json!({"data": ["Id"]}))).await, 141);
    assert_eq!(
        office
            .ids(json!({"filter": {"id": [{"op": ">", "val": ids[0]}]}}))
            .await,
        ids[1..]
    );
}

#[tokio::test]
async fn listlimit_over_500() {
    let office = Office::open();
    let people: Vec<Value> = (0..520)
        .map(|number| json!({"Name": format!("N{number:03}")}))
        .collect();
    let all = office.seed(&people);
    let page = |limit: Value, offset: u64| json!({"listlimit": limit, "listoffset": offset});
    assert_eq!(office.ids(json!({})).await, all[..20]);
    assert_eq!(office.ids(page(json!(500), 0)).await, all[..500]);
    assert_eq!(office.ids(page(json!("500"), 500)).await, all[500..]);
    assert_eq!(office.ids(page(json!(501), 0)).await, all[..20]);
    assert_eq!(office.ids(page(json!(100), 600)).await, Vec::<u64>::new());
    let data = office
        .ok(&read(json!({"data": ["Name"], "listlimit": 1})))
        .await;
    assert_eq!(data["meta"]["cntabsolute"], 520);
    office.turn("listlimit_over_500", json!("cap"));
    assert_eq!(office.ids(page(json!(501), 0)).await.len(), 500);
    assert_eq!(
        office
            .code(&read(json!({"data": ["Name"], "listlimit": "many"})))
            .await,
        228
    );
}

#[tokio::test]
async fn sort_map() {
    let office = Office::open();
    let ids = three(&office).await;
    let (zeller, adler, mueller) = (ids[0], ids[1], ids[2]);
    assert_eq!(
        office.ids(json!({"sortby": "Name"})).await,
        [adler, mueller, zeller]
    );
    assert_eq!(
        office
            .ids(json!({"sortby": "Name", "sortorder": "DESC"}))
            .await,
        [zeller, mueller, adler]
    );
    assert_eq!(
        office
            .ids(json!({"sortby": "KdNr", "sortorder": "DESC"}))
            .await,
        [mueller, adler, zeller]
    );
    office.ok(&modify(zeller, json!({"Ort": "Trier"}))).await;
    assert_eq!(
        office.ids(json!({"sortby": "Aenderung"})).await,
        [adler, mueller, zeller]
    );
    assert_eq!(
        office
            .code(&read(json!({"data": ["Name"], "sortby": "nix"})))
            .await,
        212
    );
    assert_eq!(office.ids(json!({"sortby": {"Name": "ASC"}})).await, ids);
    office.turn("sort_map", json!("works"));
    assert_eq!(
        office.ids(json!({"sortby": {"Name": "ASC"}})).await,
        [adler, mueller, zeller]
    );
}

#[tokio::test]
async fn filters_of_every_kind() {
    let office = Office::open();
    let ids = three(&office).await;
    let (zeller, adler, mueller) = (ids[0], ids[1], ids[2]);
    office
        .ok(&modify(
            adler,
            json!({"ArtDaten": ["Kunde"], "Geburtsdatum": "1990-05-01", "salary": "900"}),
        ))
        .await;
    office
        .ok(&modify(
            zeller,
            json!({"ArtDaten": ["Kunde", "Makler"], "salary": 10_000}),
        ))
        .await;
    let found = async |filter: Value| office.ids(json!({"filter": filter})).await;
    let is = |op: &str, value: Value| json!([{"op": op, "val": value}]);
    for (filter, expected) in [
        (json!([]), vec![zeller, adler, mueller]),
        (json!({"Name": is("=", json!("ZELLER "))}), vec![zeller]),
        (json!({"Name": is("is", json!("zeller"))}), vec![zeller]),
        (
            json!({"Name": is("!=", json!("Zeller"))}),
            vec![adler, mueller],
        ),
        (
            json!({"Name": is("LIKE", json!("%ller"))}),
            vec![zeller, mueller],
        ),
        (json!({"Name": is("not like", json!("%ller"))}), vec![adler]),
        (
            json!({"Ort": is("IN", json!(["aachen", "Bonn"]))}),
            vec![adler, mueller],
        ),
        (
            json!({"Email": is("NOT IN", json!(["adler@example.org"]))}),
            vec![zeller, mueller],
        ),
        (json!({"Name": is(">=", json!("m"))}), vec![zeller, mueller]),
        (
            json!({"Name": is("between", json!(["a", "b"]))}),
            vec![adler],
        ),
        (json!({"salary": is(">", json!(1000))}), vec![zeller]),
        (json!({"salary": is("=", json!("900"))}), vec![adler]),
        (
            json!({"Geburtsdatum": is("=", json!("1990-05-01"))}),
            vec![adler],
        ),
        (
            json!({"Geburtsdatum": is("<", json!("1990-01-01"))}),
            vec![zeller, mueller],
        ),
        (
            json!({"ArtDaten": is("=", json!("Kunde"))}),
            vec![zeller, adler],
        ),
        (
            json!({"ArtDaten": is("in", json!(["Makler", "Notar"]))}),
            vec![zeller],
        ),
        (
            json!({"ArtDaten": is("not in", json!(["Makler"]))}),
            vec![adler, mueller],
        ),
        (
            json!({"ArtDaten": is("like", json!("%Makl%"))}),
            vec![zeller],
        ),
        (
            json!({"Land": is("=", json!("DEU"))}),
            vec![zeller, adler, mueller],
        ),
        (
            json!({"Status": is("=", json!(1)), "Ort": is("=", json!("Köln"))}),
            vec![zeller],
        ),
        (json!({"KdNr": is("<=", json!(2))}), vec![zeller, adler]),
        (
            json!({"Name": [{"op": ">", "val": "a"}, {"op": "<", "val": "n"}]}),
            vec![adler, mueller],
        ),
    ] {
        assert_eq!(found(filter.clone()).await, expected, "{filter}");
    }
    for (filter, code) in [
        (json!({"Name": is("~", json!("x"))}), 142),
        (json!({"ArtDaten": is(">", json!("x"))}), 232),
        (json!({"Name": "Zeller"}), 257),
        (json!({"Name": [{"val": "x"}]}), 257),
        (json!({"Name": is("in", json!("x"))}), 257),
        (json!({"Name": is("between", json!(["x"]))}), 257),
        (json!({"Aenderung": is(">", json!("gestern"))}), 257),
        (json!({"imageUrl": is("=", json!("x"))}), 141),
    ] {
        let ask = read(json!({"data": ["Name"], "filter": filter}));
        assert_eq!(office.code(&ask).await, code, "{}", ask.parameters);
    }
    let filter = office.act(
        "save_filter",
        json!({"name": "Makler", "filter": {"ArtDaten": is("=", json!("Makler"))}}),
    );
    assert_eq!(
        office.ids(json!({"filterid": filter["id"]})).await,
        [zeller]
    );
    let listed = office
        .ok(&call("get", "filters", json!({"module": "address"})))
        .await;
    assert_eq!(listed["records"][0]["elements"]["name"], "Makler");
}

#[tokio::test]
async fn contact_filters_look_at_main_or_any_entry() {
    let office = Office::open();
    let id = office
        .made(
            json!({"Name": "X", "email": "main@example.org", "email_private": "Second@Example.org",
            "default_email": "main@example.org", "phone": "0241 24561", "mobile": "0171 1"}),
        )
        .await;
    let found = async |field: &str, value: &str| {
        let filter = json!({field: [{"op": "=", "val": value}]});
        !office.ids(json!({"filter": filter})).await.is_empty()
    };
    assert!(found("Email", "MAIN@example.org").await);
    assert!(!found("Email", "second@example.org").await);
    assert!(found("email", "second@example.org").await);
    assert!(found("Telefon1", "0241 24561").await);
    assert!(found("phone", "0171 1").await);
    assert!(!found("phone", "024124561").await);
    for (field, pattern, expected) in [
        ("phone", "%2%4%1%2%4%5%6%1%", true),
        ("phone", "%0171_1", true),
        ("phone", "%9%", false),
        ("Telefon1", "%0171%", false),
        ("email", "SECOND@%", true),
        ("email", "%", true),
        ("fax", "%", true),
        ("fax", "%1%", false),
    ] {
        let filter = json!({field: [{"op": "like", "val": pattern}]});
        assert_eq!(
            !office.ids(json!({"filter": filter})).await.is_empty(),
            expected,
            "{field} {pattern}"
        );
    }
    let elements = office
        .elements(id, &["email", "defaultemail", "defaultfax"])
        .await;
    assert_eq!(
        elements,
        json!({"id": id, "email__13022": "main@example.org", "email_private__13023": "Second@Example.org",
            "defaultemail__13022": "main@example.org"})
    );
}

#[tokio::test]
async fn normalized_phone_filter() {
    let office = Office::open();
    let id = office
        .made(json!({"Name": "X", "phone": "0241 / 12 34 567"}))
        .await;
    let filter = json!({"normalizedPhoneNumbers": [{"op": "=", "val": "492411234567"}]});
    assert_eq!(
        office
            .code(&read(json!({"data": ["Name"], "filter": filter})))
            .await,
        141
    );
    office.turn("normalized_phone_filter", json!(true));
    assert_eq!(office.ids(json!({"filter": filter})).await, [id]);
}

#[tokio::test]
async fn only_main_entry_readable() {
    let office = Office::open();
    let id = office
        .made(json!({"Name": "X", "email": "one@example.org"}))
        .await;
    let add = |value: &str| json!({"email": {"action": "add", "newvalue": value}});
    office.ok(&modify(id, add("two@example.org"))).await;
    assert_eq!(
        office
            .elements(id, &["email"])
            .await
            .as_object()
            .unwrap()
            .len(),
        3
    );
    office.turn("only_main_entry_readable", json!(true));
    let elements = office.elements(id, &["email"]).await;
    assert_eq!(
        elements,
        json!({"id": id, "email__13022": "one@example.org"})
    );
}

#[tokio::test]
async fn entry_key() {
    let office = Office::open();
    let id = office
        .made(json!({"Name": "X", "phone_business": "0241 1"}))
        .await;
    office.act(
        "change_entry",
        json!({"id": id, "entry": "0241 1", "comment": "Zentrale"}),
    );
    for (word, key) in [
        ("underscored", "phone_business__13022"),
        ("glued", "phonebusiness__13022"),
        ("plain", "phone__13022"),
    ] {
        office.turn("entry_key", json!(word));
        let elements = office.elements(id, &["phone"]).await;
        assert_eq!(
            elements,
            json!({"id": id, key: "0241 1", format!("{key}__Comment"): "Zentrale"})
        );
    }
}

#[tokio::test]
async fn archived_listed() {
    let office = Office::open();
    let ids = three(&office).await;
    office
        .ok(&modify(ids[0], json!({"Status2Adr": "status2adr_archive"})))
        .await;
    let archived = json!({"filter": {"Status": [{"op": "=", "val": 0}]}});
    assert_eq!(office.ids(json!({})).await, ids);
    assert_eq!(office.ids(archived.clone()).await, ids[..1]);
    office.turn("archived_listed", json!(false));
    assert_eq!(office.ids(json!({})).await, ids[1..]);
    assert_eq!(office.ids(archived).await, ids[..1]);
    assert_eq!(office.elements(ids[0], &["Status"]).await["Status"], "0");
}

#[tokio::test]
async fn changes_are_found_by_local_time_even_in_the_repeated_hour() {
    let office = Office::open();
    let id = office.made(json!({"Name": "X"})).await;
    let clock = &office.sandbox.control();
    let at = |text: &str| {
        let moment: jiff::Timestamp = text.parse().unwrap();
        clock.core().clock.freeze(Some(moment.as_millisecond()));
    };
    let since = |from: &str| json!({"filter": {"Aenderung": [{"op": ">=", "val": from}]}});
    at("2026-10-25T00:40:00Z");
    office.ok(&modify(id, json!({"Name": "first"}))).await;
    assert_eq!(
        office.elements(id, &["Aenderung"]).await["Aenderung"],
        "2026-10-25 02:40:00"
    );
    // fifty minutes later the wall shows an earlier time
    at("2026-10-25T01:30:00Z");
    office.ok(&modify(id, json!({"Name": "second"}))).await;
    assert_eq!(
        office.elements(id, &["Aenderung"]).await["Aenderung"],
        "2026-10-25 02:30:00"
    );
    assert!(office.ids(since("2026-10-25 02:40:00")).await.is_empty());
    assert_eq!(office.ids(since("2026-10-25 02:30:00")).await, [id]);
    assert_eq!(office.ids(since("2026-10-25")).await, [id]);
}

#[tokio::test]
async fn quicksearch() {
    let office = Office::open();
    let ids = three(&office).await;
    let search = |parameters: Value| Call {
        id: json!("address"),
        ..call("get", "search", parameters)
    };
    let data = office
        .ok(&search(json!({"input": "zell example.org"})))
        .await;
    assert_eq!(ids_of(&data), [ids[0]]);
    assert_eq!(
        data["records"][0]["elements"],
        json!({"customerno": 1, "firstname": "", "surname": "Zeller", "company": "", "addressDescription": "Köln",
            "emailaddress": ["zeller@example.org"], "primaryEmail": "zeller@example.org"})
    );
    let sorted = json!({"input": "l", "sortby": "Name", "sortorder": "DESC"});
    assert_eq!(
        ids_of(&office.ok(&search(sorted)).await),
        [ids[0], ids[2], ids[1]]
    );
    assert_eq!(office.code(&search(json!({"input": " "}))).await, 69);
    assert_eq!(
        office
            .code(&search(json!({"input": "l", "sortby": {"Name": "ASC"}})))
            .await,
        212
    );
    assert_eq!(
        office
            .code(&call("get", "search", json!({"input": "l"})))
            .await,
        24
    );
}
