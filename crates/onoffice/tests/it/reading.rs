//! Addresses by id.

use connector::{CallError, Connector, Error, Fetched};
use onoffice::OnOffice;
use record::{Field, Point, PointKind, Read, RecordId, Value};
use serde_json::{Value as Json, json};

use crate::fake::{Fake, NOW, Reply, address, found, mirrored, refused, schema};

fn ids(ids: &[&str]) -> Vec<RecordId> {
    ids.iter().map(|id| RecordId::from(*id)).collect()
}

async fn fetch(fake: &Fake, wanted: &[RecordId]) -> Result<Vec<Fetched>, Error> {
    OnOffice::new().fetch(fake, &schema().await, wanted).await
}

fn record(fetched: &Fetched) -> &Read {
    match fetched {
        Fetched::Found(read) => read,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_record_is_read_whole_and_says_how_good_it_is() {
    let fake = Fake::new(|asked| {
        let parameters = asked.parameters();
        assert_eq!(parameters["recordids"], json!([10891]));
        assert_eq!(
            parameters["listlimit"], 500,
            "without a limit only 20 would come"
        );
        assert_eq!(parameters["countryIsoCodeType"], "ISO-3166-3");
        let record = address(
            10891,
            json!({
                "Vorname": "Erika", "Name": "Beispiel", "Ort": "", "Land": "DEU", "Vip": "1", "KdNr": 77,
                "Geburtsdatum": "0000-00-00", "Eintragsdatum": "2026-07-01", "Aenderung": "2026-07-15 11:58:00",
                "ArtDaten": "|Kunde||Makler|", "Status2Adr": "status2adr_archive", "Status": "0",
                "Email": "erika@beispiel.de", "Benutzer": "mmuster ",
                "email__13027": "erika@beispiel.de", "email__13028": "e.beispiel@firma.de",
                "phone__13021": "0241 24561", "phone__13021__Comment": "Zentrale",
                "mobile__13030": "0170 1234567", "defaultphone__13030": "0170 1234567",
            }),
        );
        Reply::Results(vec![found(vec![record], 1)])
    });
    let fetched = fetch(&fake, &ids(&["10891"])).await.unwrap();
    let read = record(&fetched[0]);
    assert!(read.decides());
    assert_eq!(read.as_of, NOW.parse().unwrap());
    assert_eq!(read.modified, Some("2026-07-15T09:58:00Z".parse().unwrap()));
    assert_eq!(read.created, Some("2026-07-01T21:59:59Z".parse().unwrap()));
    let get = |name: &str| read.record.fields.get(name);
    assert_eq!(get("Ort"), &Field::Empty);
    assert_eq!(get("Telefon1"), &Field::Unknown, "left out by the answer");
    assert_eq!(get("Geburtsdatum"), &Field::Empty);
    assert_eq!(get("Status"), &Field::Value(Value::Boolean(false)));
    assert_eq!(get("Status2Adr").text(), Some("status2adr_archive"));
    assert_eq!(get("Benutzer").text(), Some("mmuster"));
    assert_eq!(get("KdNr"), &Field::Value(Value::Number(77.into())));
    assert_eq!(
        get("ArtDaten")
            .value()
            .and_then(Value::as_set)
            .unwrap()
            .len(),
        2
    );
    let point = |kind, value: &str, main| Point {
        kind,
        value: value.into(),
        label: None,
        main,
    };
    assert_eq!(
        get("emails"),
        &Field::Value(Value::Points(vec![
            point(PointKind::Email, "erika@beispiel.de", true),
            point(PointKind::Email, "e.beispiel@firma.de", false),
        ]))
    );
    assert_eq!(
        get("phones"),
        &Field::Value(Value::Points(vec![
            point(PointKind::Phone, "0241 24561", false),
            point(PointKind::Mobile, "0170 1234567", true),
        ]))
    );
    assert_eq!(get("faxes"), &Field::Empty, "asked for and none there");
}

#[tokio::test]
async fn ids_come_back_in_order_and_absent_ones_are_gone() {
    let fake = Fake::new(|_| {
        // ids as number and as text, and in the vendor's order
        let second = json!({"id": "9", "type": "address", "elements": {"id": "9", "Name": "B"}});
        Reply::Results(vec![found(
            vec![address(7, json!({"Name": "A"})), second],
            2,
        )])
    });
    let fetched = fetch(&fake, &ids(&["9", "8", "7", "0", "x"]))
        .await
        .unwrap();
    assert_eq!(
        record(&fetched[0]).record.fields.get("Name").text(),
        Some("B")
    );
    assert!(matches!(&fetched[1], Fetched::Gone(id) if id.as_str() == "8"));
    assert_eq!(
        record(&fetched[2]).record.fields.get("Name").text(),
        Some("A")
    );
    assert!(
        matches!(&fetched[3], Fetched::Failed(..)),
        "`0` would ask for record 0"
    );
    assert!(matches!(&fetched[4], Fetched::Failed(..)));
    assert_eq!(fake.log()[0].parameters()["recordids"], json!([9, 8, 7]));
}

#[tokio::test]
async fn more_than_a_page_of_ids_goes_in_pages() {
    let fake = Fake::new(|asked| {
        let wanted = asked.parameters()["recordids"].as_array().unwrap();
        let records: Vec<Json> = wanted
            .iter()
            .map(|id| address(id.as_u64().unwrap(), json!({"Name": "x"})))
            .collect();
        let total = records.len();
        Reply::Results(vec![found(records, total)])
    });
    let wanted: Vec<RecordId> = (1..=1001)
        .map(|id: u32| RecordId::from(id.to_string()))
        .collect();
    let fetched = fetch(&fake, &wanted).await.unwrap();
    assert_eq!(fetched.len(), 1001);
    assert!(
        fetched
            .iter()
            .zip(&wanted)
            .all(|(read, id)| record(read).record.id == *id)
    );
    assert_eq!(fake.log().len(), 3);
}

#[tokio::test]
async fn an_answer_that_was_cut_off_proves_no_absence() {
    let fake =
        Fake::new(|_| Reply::Results(vec![found(vec![address(1, json!({"Name": "x"}))], 2)]));
    let fetched = fetch(&fake, &ids(&["1", "2"])).await.unwrap();
    assert!(matches!(&fetched[0], Fetched::Found(_)));
    assert!(matches!(
        &fetched[1],
        Fetched::Failed(_, Error::Unexpected { .. })
    ));
}

#[tokio::test]
async fn a_row_that_says_nothing_empties_nothing() {
    let fake = Fake::new(|_| {
        Reply::Results(vec![found(
            vec![json!({"id": 1, "type": "address", "elements": []})],
            1,
        )])
    });
    let fetched = fetch(&fake, &ids(&["1"])).await.unwrap();
    assert!(record(&fetched[0]).record.fields.is_empty());
}

#[tokio::test]
async fn a_field_that_is_no_longer_active_is_named_in_either_placement() {
    for reply in [true, false] {
        let fake = Fake::new(move |_| match reply {
            true => Reply::Body(mirrored(141, "Unknown field: Ort")),
            false => Reply::Results(vec![refused(141, "Unknown field: Ort")]),
        });
        let Error::Refused { refusal, operation } = fetch(&fake, &ids(&["1"])).await.unwrap_err()
        else {
            panic!("a refusal")
        };
        assert_eq!(operation, "contacts.fetch");
        assert_eq!(refusal.fields, ["Ort".into()]);
    }
}

#[tokio::test]
async fn trouble_is_told_apart() {
    let failing = |reply: fn() -> Reply| Fake::new(move |_| reply());
    let error = fetch(
        &failing(|| Reply::Results(vec![refused(137, "The HMAC is invalid.")])),
        &ids(&["1"]),
    )
    .await;
    assert!(matches!(
        error,
        Err(Error::Call(CallError::Credentials { .. }))
    ));
    let error = fetch(&failing(|| Reply::Raw(200, "<html>")), &ids(&["1"])).await;
    assert!(matches!(error, Err(Error::Call(CallError::NotSent { .. }))));
    let error = fetch(
        &failing(|| Reply::Results(vec![refused(170, "No read permission for this user")])),
        &ids(&["1"]),
    )
    .await;
    assert!(matches!(error, Err(Error::MissingRight { .. })));
    let error = fetch(&failing(|| Reply::Results(Vec::new())), &ids(&["1"])).await;
    assert!(matches!(error, Err(Error::Unexpected { .. })));
    let error = fetch(
        &failing(|| Reply::Results(vec![found(vec![json!({"elements": {"Name": "x"}})], 1)])),
        &ids(&["1"]),
    )
    .await;
    assert!(matches!(error, Err(Error::Unexpected { .. })));
}

#[tokio::test]
async fn the_hour_that_exists_twice_is_no_evidence_of_time() {
    let fake = Fake::new(|_| {
        let record = address(1, json!({"Name": "x", "Aenderung": "2026-10-25 02:30:00"}));
        Reply::Results(vec![found(vec![record], 1)])
    });
    let fetched = fetch(&fake, &ids(&["1"])).await.unwrap();
    assert_eq!(record(&fetched[0]).modified, None);
    assert!(
        record(&fetched[0])
            .record
            .fields
            .get("Aenderung")
            .is_known()
    );
}
