//! A small search index and listing, in the way that the vendor's pages describe both: sorted by a stamp
//! and the id, going on after a pair of them.

use connector::{Body, Request};
use serde_json::{Value as Json, json};

use crate::fake::{LOCATION, Reply, ok};

/// One indexed contact.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) added: i64,
    pub(crate) updated: i64,
    pub(crate) first_name: String,
}

/// Whether search items have names in their own case, as newer captures do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    OwnCase,
    LowerCase,
}

pub(crate) fn instant(milliseconds: i64) -> String {
    format!(
        "{:.3}",
        jiff::Timestamp::from_millisecond(milliseconds).unwrap()
    )
}

fn item(entry: &Entry, names: Names) -> Json {
    let mut item = json!({
        "id": entry.id, "locationId": LOCATION, "email": format!("{}@example.org", entry.id),
        "phone": null, "additionalEmails": [], "additionalPhones": [], "companyName": null,
        "dateOfBirth": null, "city": null, "state": null, "postalCode": null, "country": "DE",
        "website": null, "timezone": null, "source": null, "assignedTo": null, "tags": [], "dnd": false,
        "dndSettings": {}, "type": "lead", "businessId": null, "customFields": [],
        "dateAdded": instant(entry.added), "dateUpdated": instant(entry.updated),
    });
    match names {
        Names::OwnCase => {
            item["firstName"] = json!(entry.first_name);
            item["lastName"] = Json::Null;
        }
        Names::LowerCase => {
            item["firstNameLowerCase"] = json!(entry.first_name.to_lowercase());
            item["lastNameLowerCase"] = Json::Null;
        }
    }
    item
}

/// Answers `POST /contacts/search`.
pub(crate) fn search(entries: &[Entry], names: Names, request: &Request) -> Reply {
    let Body::Json(body) = &request.body else {
        panic!("a search without a body")
    };
    assert!(body.get("page").is_none(), "pages end at 10,000");
    let limit = usize::try_from(body["pageLimit"].as_u64().unwrap()).unwrap();
    assert!((1..=500).contains(&limit));
    let field = body["sort"][0]["field"].as_str().unwrap_or("dateAdded");
    let key = |entry: &Entry| match field {
        "dateUpdated" => entry.updated,
        _ => entry.added,
    };
    let mut hits: Vec<&Entry> = entries.iter().collect();
    for filter in body["filters"].as_array().into_iter().flatten() {
        assert_eq!(filter["operator"], "range");
        let from: jiff::Timestamp = filter["value"]["gte"].as_str().unwrap().parse().unwrap();
        hits.retain(|entry| entry.updated >= from.as_millisecond());
    }
    let total = hits.len();
    hits.sort_by(|one, other| (key(one), &one.id).cmp(&(key(other), &other.id)));
    if body["sort"][0]["direction"] == "desc" {
        hits.reverse();
    }
    if let Some(after) = body["searchAfter"].as_array() {
        let after = (after[0].as_i64().unwrap(), after[1].as_str().unwrap());
        hits.retain(|entry| (key(entry), entry.id.as_str()) > after);
    }
    let contacts: Vec<Json> = hits
        .into_iter()
        .take(limit)
        .map(|entry| {
            let mut item = item(entry, names);
            item["address"] = Json::Null;
            item["searchAfter"] = json!([key(entry), entry.id]);
            item
        })
        .collect();
    ok(json!({ "contacts": contacts, "total": total, "traceId": "t" }))
}

/// Answers `GET /contacts/`: newest first, at most 100.
pub(crate) fn older(entries: &[Entry], request: &Request) -> Reply {
    let parameter = |name: &str| {
        request
            .query
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.clone())
    };
    let limit: usize = parameter("limit").unwrap().parse().unwrap();
    assert!((1..=100).contains(&limit));
    let mut hits: Vec<&Entry> = entries.iter().collect();
    hits.sort_by(|one, other| (other.added, &other.id).cmp(&(one.added, &one.id)));
    if let Some(after) = parameter("startAfter") {
        let after: (i64, String) = (after.parse().unwrap(), parameter("startAfterId").unwrap());
        hits.retain(|entry| (entry.added, entry.id.clone()) < after);
    }
    let page: Vec<&Entry> = hits.into_iter().take(limit).collect();
    let meta = match page.last() {
        Some(last) => json!({
            "total": entries.len(), "startAfter": last.added, "startAfterId": last.id,
        }),
        None => json!({ "total": entries.len() }),
    };
    let contacts: Vec<Json> = page
        .into_iter()
        .map(|entry| {
            let mut item = item(entry, Names::OwnCase);
            item["firstNameRaw"] = json!(entry.first_name);
            item["firstName"] = json!(entry.first_name.to_lowercase());
            item["lastNameRaw"] = Json::Null;
            item["address1"] = Json::Null;
            item.as_object_mut().unwrap().remove("additionalPhones");
            item
        })
        .collect();
    ok(json!({ "contacts": contacts, "meta": meta, "traceId": "t" }))
}
