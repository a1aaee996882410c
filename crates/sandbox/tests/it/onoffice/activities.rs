//! Activities as their sheet says: one for each address, flat when made, nested when changed, never deleted.

use serde_json::{Value, json};

use super::{Call, Office, call, ids_of};

fn note(addresses: &[u64], text: &str) -> Call {
    let given = json!({"addressids": addresses, "actionkind": "Telefonat", "actiontype": "Ausgang", "note": text,
        "Datum": "1999-01-01 00:00:00"});
    call("create", "agentslog", given)
}

fn list(parameters: Value) -> Call {
    call("read", "agentslog", parameters)
}

#[tokio::test]
async fn activity_answer() {
    let office = Office::open();
    let (one, other) = (
        office.made(json!({"Name": "One"})).await,
        office.made(json!({"Name": "Other"})).await,
    );
    let made = office.ok(&note(&[one, other], "zusammen")).await;
    assert_eq!(made["records"][0]["type"], "agentsLog");
    assert_eq!(ids_of(&made).len(), 1);
    let of_other = list(json!({"data": ["Bemerkung", "Adress_nr"], "addressid": [other]}));
    let data = office.ok(&of_other).await;
    assert_eq!(
        data["records"][0]["elements"],
        json!({"Bemerkung": "zusammen", "Adress_nr": [other.to_string()]})
    );
    office.turn("activity_answer", json!("all"));
    assert_eq!(ids_of(&office.ok(&note(&[one, other], "y")).await).len(), 2);
}

#[tokio::test]
async fn activity_note_mandatory() {
    let office = Office::open();
    let one = office.made(json!({"Name": "One"})).await;
    let silent = call(
        "create",
        "agentslog",
        json!({"addressids": [one], "actionkind": "Brief"}),
    );
    assert_eq!(office.code(&silent).await, 0);
    office.turn("activity_note_mandatory", json!(true));
    assert_eq!(office.code(&silent).await, 113);
}

#[tokio::test]
async fn an_activity_is_changed_and_found_again() {
    let office = Office::open();
    let one = office.made(json!({"Name": "One"})).await;
    let first = ids_of(&office.ok(&note(&[one], "erst")).await)[0];
    office.sleep(60);
    let second = ids_of(&office.ok(&note(&[one], "dann")).await)[0];
    let all = list(json!({"data": ["Nr", "Datum", "merkmal"]}));
    let data = office.ok(&all).await;
    // newest first, and the German date of a create is passed over
    assert_eq!(ids_of(&data), [second, first]);
    let shown = &data["records"][1]["elements"];
    assert_eq!(
        *shown,
        json!({"Nr": first.to_string(), "Datum": "2026-06-15 10:00:00", "merkmal": null})
    );

    office.sleep(60);
    let given = json!({"data": {"note": "nun", "cost": 179.99, "duration": 7200, "features": ["indMulti1780Select8196"]}});
    let changed = Call {
        id: json!(first),
        ..call("modify", "agentslog", given)
    };
    let answer = office.ok(&changed).await["records"][0].clone();
    assert_eq!(answer["id"], first);
    for (name, value) in [
        ("Bemerkung", "nun"),
        ("Kosten", "179.99"),
        ("dauer", "7200"),
        ("merkmal", "|indMulti1780Select8196|"),
        ("Uhrzeit", "10:00:00"),
    ] {
        assert_eq!(answer["elements"][name], value, "{answer}");
    }
    let since = list(json!({"data": ["Bemerkung"], "sortby": {"Nr": "ASC"},
        "filter": {"Datum_bearb": [{"op": ">=", "val": "2026-06-15 10:02:00"}]}}));
    assert_eq!(ids_of(&office.ok(&since).await), [first]);
    let flat = Call {
        id: json!(first),
        ..call("modify", "agentslog", json!({"note": "flat"}))
    };
    assert_eq!(office.code(&flat).await, 167);
    let gone = Call {
        id: json!(first),
        ..call("delete", "agentslog", json!({}))
    };
    assert_eq!(office.code(&gone).await, 25);
    let single = Call {
        id: json!(first),
        ..call("get", "agentslog", json!({"data": ["Nr"]}))
    };
    assert_eq!(office.code(&single).await, 25);
}

#[tokio::test]
async fn what_is_wrong_has_its_code() {
    let office = Office::open();
    let one = office.made(json!({"Name": "One"})).await;
    let with = |name: &str, value: Value| {
        let mut given =
            json!({"addressids": [one], "actionkind": "Email", "actiontype": "Ausgang"});
        given[name] = value;
        call("create", "agentslog", given)
    };
    for (name, value, code) in [
        ("addressids", json!([]), 98),
        ("addressids", json!(one), 99),
        ("addressids", json!([9]), 292),
        ("estateid", json!(9), 293),
        ("actionkind", json!("Mail"), 100),
        ("actiontype", json!("Beratung"), 101),
        ("origincontact", json!("Kino"), 220),
        ("features", json!(["x"]), 221),
        ("cost", json!(-1), 222),
        ("duration", json!("lang"), 223),
        ("reasoncancellation", json!("Lage"), 224),
        ("advisorylevel", json!("H"), 225),
        ("userid", json!(9), 251),
    ] {
        assert_eq!(office.code(&with(name, value)).await, code, "{name}");
    }
    for unfiltered in ["Benutzer", "Adress_nr", "dauer"] {
        let ask = list(json!({"data": ["Nr"], "filter": {unfiltered: [{"op": "=", "val": 1}]}}));
        assert_eq!(office.code(&ask).await, 141, "{unfiltered}");
    }
    office.act("set_rights", json!({"activity_write": "none"}));
    assert_eq!(office.code(&note(&[one], "x")).await, 156);
}
