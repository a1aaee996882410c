//! Appointments as their sheet says: wall-clock time in, UTC out of the list; cancelled is not deleted.

use serde_json::{Value, json};

use super::{Call, Office, call, ids_of};

fn with(data: Value) -> Call {
    let given = json!({"data": data, "subscribers": {"users": [21], "groups": []}});
    call("create", "calendar", given)
}

fn at(id: u64, verb: &'static str, parameters: Value) -> Call {
    Call {
        id: json!(id),
        ..call(verb, "calendar", parameters)
    }
}

fn list(from: &str, to: &str, data: &[&str]) -> Call {
    let filter = json!({"startDate": from, "endDate": to});
    call(
        "get",
        "appointmentList",
        json!({"data": data, "filter": filter}),
    )
}

const VIEWING: [(&str, &str); 4] = [
    ("description", "Besichtigung"),
    ("art", "Besichtigung"),
    ("start_dt", "2026-07-01 17:45:00"),
    ("end_dt", "2026-07-01 18:15:00"),
];

fn viewing(more: &[(&str, Value)]) -> Value {
    let given = VIEWING.map(|(name, value)| (name.to_owned(), json!(value)));
    let more = more
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    given.into_iter().chain(more).collect()
}

impl Office {
    async fn appointment(&self, data: Value) -> u64 {
        ids_of(&self.ok(&with(data)).await)[0]
    }

    async fn whole(&self, id: u64) -> Value {
        self.ok(&at(id, "read", json!({}))).await["records"][0]["elements"].clone()
    }
}

#[tokio::test]
async fn times_are_the_walls_on_both_sides_of_the_change_and_utc_in_the_list() {
    let office = Office::open();
    for (start, end, utc) in [
        (
            "2026-10-24 09:00:00",
            "2026-10-24 10:00:00",
            "2026-10-24T07:00:00+00:00",
        ),
        (
            "2026-10-26 09:00:00",
            "2026-10-26 10:00:00",
            "2026-10-26T08:00:00+00:00",
        ),
    ] {
        let id = office
            .appointment(json!({"start_dt": start, "end_dt": end}))
            .await;
        assert_eq!(office.whole(id).await["start_dt"], start);
        let listed = office
            .ok(&list(&start[..10], &start[..10], &["date", "modified"]))
            .await;
        let shown = &listed["records"][0]["elements"];
        assert_eq!(shown["date"]["start"], utc);
        assert_eq!(shown["modified"], "2026-06-15T08:00:00+00:00");
    }
}

#[tokio::test]
async fn cancelled_is_not_deleted_and_links_add_up() {
    let office = Office::open();
    let (one, other) = (
        office.made(json!({"Name": "One"})).await,
        office.made(json!({"Name": "Other"})).await,
    );
    let id = office.appointment(viewing(&[])).await;
    office
        .ok(&at(id, "modify", json!({"relatedAddressIds": [one]})))
        .await;
    office
        .ok(&at(id, "modify", json!({"relatedAddressIds": [other]})))
        .await;
    assert_eq!(
        office.whole(id).await["assignedaddressids"],
        json!([one, other])
    );
    let replaced = json!({"relatedAddressIds": [other], "replaceAddressIds": true});
    office.ok(&at(id, "modify", replaced)).await;
    assert_eq!(office.whole(id).await["assignedaddressids"], json!([other]));

    // status beats abgesagt
    let both = json!({"data": {"abgesagt": false, "status": "canceled"}});
    office.ok(&at(id, "modify", both)).await;
    let shown = office.whole(id).await;
    assert_eq!(
        (&shown["abgesagt"], &shown["status"]),
        (&json!(true), &json!("canceled"))
    );
    let edited = |more: Value| {
        let mut given = json!({"modifiedstart": "2026-06-15 07:59:00", "allusers": true});
        given["showcancelled"] = more;
        call("read", "calendar", given)
    };
    assert_eq!(ids_of(&office.ok(&edited(json!(false))).await), [0; 0]);
    assert_eq!(ids_of(&office.ok(&edited(json!(true))).await), [id]);
    let listed = office
        .ok(&list("2026-07-01", "2026-07-01", &["status", "contacts"]))
        .await;
    let shown = &listed["records"][0]["elements"];
    assert_eq!(shown["status"]["value"], "canceled");
    assert_eq!(
        shown["contacts"],
        json!([{"id": other.to_string(), "confirmationStatus": "not-set"}])
    );

    office.ok(&at(id, "delete", json!({}))).await;
    assert_eq!(office.whole(id).await, Value::Null);
    assert_eq!(office.code(&at(id, "delete", json!({}))).await, 169);
}

#[tokio::test]
async fn what_is_wrong_has_its_code() {
    let office = Office::open();
    for (data, code) in [
        (json!({"end_dt": "2026-07-01 10:00:00"}), 91),
        (json!({"start_dt": "2026-07-01 10:00:00"}), 92),
        (
            json!({"start_dt": "2026-07-01 10:00:00", "end_dt": "2026-07-01 09:00:00"}),
            93,
        ),
        (
            json!({"start_dt": "gestern", "end_dt": "2026-07-01 09:00:00"}),
            122,
        ),
        (viewing(&[("ort", json!("Aachen"))]), 154),
        (viewing(&[("art", json!("Picknick"))]), 252),
        (viewing(&[("erinnerung", json!("4 minutes"))]), 77),
        (viewing(&[("rp_tage", json!(1000))]), 255),
    ] {
        assert_eq!(office.code(&with(data.clone())).await, code, "{data}");
    }
    for (beside, code) in [
        (json!({"subscribers": {"users": ["x"]}}), 301),
        (json!({"subscribers": {"users": [9]}}), 251),
        (json!({"subscribers": {"groups": 3}}), 295),
        (json!({"location": {"estate": "Markt 1"}}), 290),
        (json!({"relatedAddressIds": [9]}), 292),
        (json!({"relatedEstateId": 9}), 293),
    ] {
        let mut given = beside.clone();
        given["data"] = viewing(&[]);
        assert_eq!(
            office.code(&call("create", "calendar", given)).await,
            code,
            "{beside}"
        );
    }
    let read = |parameters: Value| call("read", "calendar", parameters);
    assert_eq!(office.code(&read(json!({}))).await, 289);
    // a filter on the beginning is no period
    let filter = json!({"start_dt": [{"op": ">", "val": "2026-07-01"}]});
    assert_eq!(office.code(&read(json!({ "filter": filter }))).await, 289);
    let edited = json!({"filter": filter, "modifiedstart": "2026-06-01 00:00:00"});
    assert_eq!(office.code(&read(edited)).await, 241);
    let texts = json!({"datestart": "2026-07-01", "dateend": "2026-07-02", "users": ["21"]});
    assert_eq!(office.code(&read(texts)).await, 301);
    let untimed = call(
        "get",
        "appointmentList",
        json!({"data": ["id"], "filter": {}}),
    );
    assert_eq!(office.code(&untimed).await, 289);
    let period = json!({"start_dt": "2026-07-01 10:00:00", "end_dt": "2026-07-01 11:00:00"});
    let conflicts = call("get", "appointmentConflicts", json!({ "data": period }));
    assert_eq!(office.code(&conflicts).await, 305);
}

#[tokio::test]
async fn all_day_times() {
    let office = Office::open();
    let whole = viewing(&[("ganztags", json!(true))]);
    let id = office.appointment(whole.clone()).await;
    let shown = office.whole(id).await;
    assert_eq!(
        (&shown["start_dt"], &shown["end_dt"]),
        (&json!("2026-07-01 00:00:00"), &json!("2026-07-01 23:59:59"))
    );
    let listed = office
        .ok(&list("2026-07-01", "2026-07-01", &["date"]))
        .await;
    let date = &listed["records"][0]["elements"]["date"];
    assert_eq!(
        *date,
        json!({"start": "2026-06-30T22:00:00+00:00", "end": "2026-07-01T21:59:59+00:00", "allDay": true})
    );
    office.turn("all_day_times", json!("kept"));
    let id = office.appointment(whole).await;
    assert_eq!(office.whole(id).await["start_dt"], "2026-07-01 17:45:00");
}

#[tokio::test]
async fn recurring_anchor_lost() {
    let office = Office::open();
    let id = office.appointment(viewing(&[])).await;
    let series = json!({"data": {"rp_flag": true, "rp_type": "w", "rp_tage": 1}});
    office.ok(&at(id, "modify", series.clone())).await;
    assert_eq!(office.whole(id).await["start_dt"], "0000-00-00 00:00:00");
    office.turn("recurring_anchor_lost", json!(false));
    let id = office.appointment(viewing(&[])).await;
    office.ok(&at(id, "modify", series)).await;
    assert_eq!(office.whole(id).await["start_dt"], "2026-07-01 17:45:00");
}

#[tokio::test]
async fn unattended_listed() {
    let office = Office::open();
    office
        .ok(&call("create", "calendar", json!({"data": viewing(&[])})))
        .await;
    let ask = list("2026-07-01", "2026-07-01", &["id"]);
    assert_eq!(ids_of(&office.ok(&ask).await), [0; 0]);
    office.turn("unattended_listed", json!(true));
    assert_eq!(ids_of(&office.ok(&ask).await).len(), 1);
}

#[tokio::test]
async fn participants_are_counted_with_their_groups_and_conflicts_are_seen() {
    let office = Office::open();
    let given = json!({"data": viewing(&[("ressources", json!(["Konferenzraum"]))]), "subscribers": {"groups": [3]}});
    let id = ids_of(&office.ok(&call("create", "calendar", given)).await)[0];
    assert_eq!(office.whole(id).await["user_ids"], json!([21, 23]));
    let asked = json!({"data": {"start_dt": "2026-07-01 18:00:00", "end_dt": "2026-07-01 19:00:00",
        "transitTimePre": "00:00:00", "transitTimePost": "00:00:00", "ressources": ["Konferenzraum", "Firmenfahrzeug"]},
        "subscribers": {"users": [23, 25]}});
    let data = office.ok(&call("get", "appointmentConflicts", asked)).await;
    let shown: Vec<&Value> = data["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["elements"])
        .collect();
    assert_eq!(
        shown,
        [
            &json!([{"id": 23}]),
            &json!([{"id": "Konferenzraum"}]),
            &json!([]),
            &json!([])
        ]
    );
}
