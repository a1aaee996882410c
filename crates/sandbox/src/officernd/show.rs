//! Objects as API v2 shows them.

use serde_json::{Map, Value, json};

use super::State;
use super::kind::Kind;
use super::record::Record;
use super::status::{calculated, status_ms};
use crate::clock::iso_millis;
use crate::core::Core;

/// Where an object is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// By itself, in the answer to a get, a create or an update.
    One,
    /// In a list.
    List,
    /// In the answer to its deletion.
    Deleted,
    /// In an event of v2 shape.
    Event,
}

/// The stored fields that are shown, in the order of the reference.
fn shown(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Member => &[
            "name",
            "email",
            "phone",
            "image",
            "description",
            "location",
            "company",
            "startDate",
            "isBillingPerson",
            "isContactPerson",
            "address",
            "billingDetails",
            "portalPrivacy",
            "socialProfiles",
        ],
        Kind::Company => &[
            "startDate",
            "location",
            "name",
            "description",
            "email",
            "image",
            "url",
            "address",
            "billingDetails",
            "portalPrivacy",
            "hasActiveMembersAllowance",
            "activeMembersAllowanceLimit",
        ],
        Kind::Membership => &[
            "name",
            "isPersonal",
            "type",
            "location",
            "plan",
            "company",
            "member",
            "startDate",
            "endDate",
            "intervalLength",
            "price",
        ],
        Kind::Opportunity => &["name", "company", "member", "status", "startDate"],
        Kind::OpportunityStatus => &["description", "probability", "isSystem"],
        Kind::Location => &["name", "address", "timezone", "isOpen", "isPublic", "code"],
        Kind::Plan => &[
            "name",
            "description",
            "code",
            "type",
            "price",
            "intervalLength",
        ],
        Kind::Property => &[
            "key",
            "title",
            "placeholder",
            "type",
            "privacy",
            "targets",
            "values",
        ],
        Kind::Webhook => &["url", "description", "eventTypes", "secret", "isEnabled"],
    }
}

impl State {
    pub(super) fn show(
        &self,
        kind: Kind,
        record: &Record,
        view: View,
        core: &Core,
    ) -> Map<String, Value> {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        let with_properties = matches!(
            kind,
            Kind::Member | Kind::Company | Kind::Membership | Kind::Opportunity
        );
        if with_properties {
            let stored = record.get("properties").cloned().unwrap_or(json!({}));
            let empty = stored == json!({});
            let left_out = view == View::One
                && empty
                && core.switches.flag("officernd.empty_properties_left_out");
            if !left_out {
                put("properties", stored);
            }
        }
        put("_id", json!(record.id));
        let spare = core.switches.choice("officernd.unset_fields") == "left_out";
        for name in shown(kind) {
            let stored = record.get(name);
            let value = match stored {
                Some(Value::Bool(false)) if spare && kind == Kind::Member => None,
                Some(value) => Some(value.clone()),
                None if kind == Kind::Member || kind == Kind::Company => unset(name, kind, spare),
                None => None,
            };
            if let Some(value) = value {
                put(name, value);
            }
        }
        let now_ms = core.clock.now_ms();
        match kind {
            Kind::Member | Kind::Company => {
                let status = self.status(kind, record, status_ms(core));
                put("status", json!(status));
                if kind == Kind::Company || shows_tags(core) {
                    let tags = record.get("tags").cloned().unwrap_or(json!([]));
                    put("tags", tags);
                }
            }
            Kind::Membership => {
                put("status", json!("approved"));
                put("calculatedStatus", json!(calculated(record, now_ms)));
            }
            Kind::Opportunity => put("probability", json!(0)),
            _ => {}
        }
        let timed = with_properties;
        if timed {
            put("createdAt", json!(iso_millis(record.created_ms)));
            put("modifiedAt", json!(iso_millis(record.modified_ms)));
            let editors = core.switches.choice("officernd.member_editors") == "opaque";
            if kind != Kind::Member || editors {
                put("createdBy", json!(record.created_by));
                put("modifiedBy", json!(record.modified_by));
            }
        }
        object
    }

    /// The organization, which has no timestamps.
    pub(super) fn organization(&self, base: &str, core: &Core) -> Value {
        let mut shown = json!({
            "_id": self.organization_id,
            "name": self.organization_name,
            "slug": self.slug,
            "imageUrl": "",
            "description": "",
        });
        if core.switches.flag("officernd.region_shown") {
            shown["regionInfo"] = json!({"regionUrl": base});
        }
        shown
    }
}

/// Whether reads show the tags of members, which live reads of June 2026 did not.
fn shows_tags(core: &Core) -> bool {
    match core.switches.choice("officernd.member_tags") {
        "shown" => true,
        "hidden" => false,
        _ => core.switches.choice("officernd.put_profile") == "2026-10",
    }
}

/// What stands for a field that was never set.
fn unset(name: &str, kind: Kind, spare: bool) -> Option<Value> {
    match name {
        "billingDetails" => Some(json!({})),
        _ if spare => None,
        "isBillingPerson" | "isContactPerson" if kind == Kind::Member => Some(json!(false)),
        "address" | "socialProfiles" => Some(json!({})),
        "portalPrivacy" => {
            Some(json!({"isVisible": true, "showContactDetails": true, "showSocialProfiles": true}))
        }
        _ => None,
    }
}
