//! Objects as API v1 shows them, which is what events carry.

use serde_json::{Map, Value, json};

use super::State;
use super::kind::Kind;
use super::record::Record;
use super::status::{BY_HAND, calculated};
use crate::clock::iso_millis;

/// The name in v1 of a field of v2; none where v1 has no such field under one name.
pub(super) fn name(kind: Kind, field: &str) -> Option<&str> {
    Some(match field {
        "location" => "office",
        "company" => "team",
        "isBillingPerson" => "billingPerson",
        "isContactPerson" => "contactPerson",
        "billingDetails" => "paymentDetails",
        "status" if kind == Kind::Company => "calculatedStatus",
        "socialProfiles" => return None,
        hidden if hidden.starts_with('#') => return None,
        same => same,
    })
}

impl State {
    pub(super) fn show_v1(&self, kind: Kind, record: &Record, now_ms: i64) -> Map<String, Value> {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        put("_id", json!(record.id));
        put("organization", json!(self.organization_id));
        for (field, value) in record.fields() {
            let empty = field == "properties" && *value == json!({});
            if let Some(name) = name(kind, field).filter(|_| !empty) {
                put(name, value.clone());
            }
        }
        if let Some(Value::Object(social)) = record.get("socialProfiles") {
            for (network, value) in social {
                match network.as_str() {
                    "twitter" => put("twitterHandle", value.clone()),
                    other => put(other, value.clone()),
                }
            }
        }
        match kind {
            Kind::Member => {
                let status = self.status(kind, record, now_ms);
                let by_hand = record.get(BY_HAND).and_then(Value::as_str);
                put("status", json!(by_hand.unwrap_or(status)));
                put("calculatedStatus", json!(status));
                for flag in ["contactPerson", "billingPerson"] {
                    if !object.contains_key(flag) {
                        object.insert(flag.to_owned(), json!(false));
                    }
                }
            }
            Kind::Company => put("calculatedStatus", json!(self.status(kind, record, now_ms))),
            Kind::Membership => {
                put("status", json!("approved"));
                put("calculatedStatus", json!(calculated(record, now_ms)));
            }
            _ => {}
        }
        for (name, value) in [
            ("createdAt", iso_millis(record.created_ms)),
            ("createdBy", record.created_by.to_string()),
            ("modifiedAt", iso_millis(record.modified_ms)),
            ("modifiedBy", record.modified_by.to_string()),
        ] {
            object.insert(name.to_owned(), Value::from(value));
        }
        object
    }
}
