//! From the vendor's JSON of one contact to fields.
//!
//! The same contact looks different at each place, and what an absent property means differs too:
//! reading one contact leaves out what is empty, listings leave out what they do not carry. [`Shape`]
//! holds those differences; nothing is ever called empty that a place may just not show.

use std::collections::BTreeMap;

use jiff::Timestamp;
use record::{
    Completeness, Field, FieldName, FieldSpec, Fields, Freshness, Kind, Read, Record, RecordId,
    Schema,
};
use serde_json::{Map, Value as Json};

use super::standard::{CUSTOM_PREFIX, DND_CHANNELS, DND_PREFIX, GENDER};
use crate::{
    form::{points, present, typed},
    value,
};

/// Where a contact's JSON comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `GET /contacts/{id}`.
    Whole,
    /// The answer to a create.
    Created,
    /// The answer to a `PUT`.
    Updated,
    /// An item of `POST /contacts/search`, of which it is known whether names keep their case there.
    Found {
        /// The page was seen to carry names in their own case.
        names_keep_case: bool,
    },
    /// An item of `GET /contacts/`: names in lower case, and in their own case as `…Raw`.
    Listed,
}

impl Shape {
    /// What it means that `name` is not there at all.
    fn absent(self, name: &str) -> Field {
        match self {
            // No specification says that it can be read; some answers show it all the same.
            _ if name == GENDER => Field::Unknown,
            Self::Whole => Field::Empty,
            // `CreateContactSchema` has no time zone, and the sub-account may have filled one in.
            Self::Created if name == "timezone" => Field::Unknown,
            // `GetContectByIdSchema`, which this answer is documented to be, has neither.
            Self::Updated if matches!(name, "additionalEmails" | "additionalPhones") => {
                Field::Unknown
            }
            Self::Created | Self::Updated => Field::Empty,
            Self::Found { .. } | Self::Listed => Field::Unknown,
        }
    }
}

/// The fields of `schema` in this contact. What cannot be read is unknown.
pub(crate) fn fields(contact: &Map<String, Json>, schema: &Schema, shape: Shape) -> Fields {
    let custom = custom_values(contact);
    schema
        .fields
        .iter()
        .map(|spec| {
            let field = if spec.custom {
                custom_field(custom.as_ref(), spec, shape)
            } else {
                standard_field(contact, spec, shape)
            };
            (spec.name.clone(), field)
        })
        .collect()
}

/// Whether every field of the schema is known.
pub(crate) fn has_all(fields: &Fields, schema: &Schema) -> bool {
    schema
        .fields
        .iter()
        .all(|spec| fields.get(spec.name.as_str()).is_known())
}

/// The contact as a reading.
pub(crate) fn read(
    id: &str,
    contact: &Map<String, Json>,
    fields: Fields,
    freshness: Freshness,
    completeness: Completeness,
    sent: Timestamp,
) -> Read {
    let stamp = |key: &str| contact.get(key).and_then(value::instant);
    Read {
        record: Record {
            id: RecordId::new(id),
            fields,
        },
        freshness,
        completeness,
        as_of: sent,
        modified: stamp("dateUpdated"),
        created: stamp("dateAdded"),
        unclear: BTreeMap::new(),
    }
}

/// The contact's id, if it says one.
pub(crate) fn id(contact: &Map<String, Json>) -> Option<&str> {
    contact
        .get("id")
        .or_else(|| contact.get("_id"))
        .and_then(Json::as_str)
        .filter(|id| !id.is_empty())
}

/// Still shown, but deleted.
pub(crate) fn is_deleted(contact: &Map<String, Json>) -> bool {
    contact.get("deleted") == Some(&Json::Bool(true))
}

fn standard_field(contact: &Map<String, Json>, spec: &FieldSpec, shape: Shape) -> Field {
    let name = spec.name.as_str();
    if let Some(channel) = name.strip_prefix(DND_PREFIX) {
        return dnd_channel(contact, channel, shape);
    }
    match (name, shape) {
        ("firstName" | "lastName", Shape::Found { .. } | Shape::Listed) => {
            listed_name(contact, name, shape)
        }
        // The search calls it `address`.
        ("address1", Shape::Found { .. }) if !contact.contains_key("address1") => {
            present(contact.get("address"), spec.kind, shape.absent(name))
        }
        ("additionalEmails" | "additionalPhones", _) => {
            points(contact.get(name), name, shape.absent(name))
        }
        _ => present(contact.get(name), spec.kind, shape.absent(name)),
    }
}

/// A name out of a listing: its `…Raw` form if there is one, else the plain one if that cannot be a
/// lower-cased copy.
fn listed_name(contact: &Map<String, Json>, name: &str, shape: Shape) -> Field {
    let plain = contact.get(name);
    match contact.get(&format!("{name}Raw")) {
        Some(Json::Null) if plain.is_some_and(|plain| !plain.is_null()) => Field::Unknown,
        Some(raw) => present(Some(raw), Kind::Text, Field::Unknown),
        None => match plain {
            None => Field::Unknown,
            Some(Json::Null) => Field::Empty,
            Some(plain) => {
                let trusted = matches!(
                    shape,
                    Shape::Found {
                        names_keep_case: true
                    }
                );
                if trusted || has_upper_case(plain) {
                    typed(plain, Kind::Text)
                } else {
                    Field::Unknown
                }
            }
        },
    }
}

/// Whether this text was surely not put into lower case.
pub(crate) fn has_upper_case(json: &Json) -> bool {
    json.as_str()
        .is_some_and(|text| text.chars().any(char::is_uppercase))
}

/// `dndSettings` maps channels to `{status, message?, code?}`; v3 spells the channels differently.
fn dnd_channel(contact: &Map<String, Json>, channel: &str, shape: Shape) -> Field {
    let settings = match contact.get("dndSettings") {
        // An item of a search or a list that speaks of do-not-disturb has the channels where there are any (the items'
        // documented properties).
        None if contact.contains_key("dnd") => return Field::Empty,
        None => return shape.absent(channel),
        Some(Json::Null) => return Field::Empty,
        Some(Json::Object(settings)) => settings,
        Some(_) => return Field::Unknown,
    };
    let spelt = DND_CHANNELS
        .iter()
        .find(|(name, _, _)| *name == channel)
        .map_or(channel, |(_, v3, _)| *v3);
    match settings.get(channel).or_else(|| settings.get(spelt)) {
        None | Some(Json::Null) => Field::Empty,
        Some(setting) => present(setting.get("status"), Kind::Choice, Field::Empty),
    }
}

/// The custom values by id, which come as a list of objects (documented, and seen everywhere) or as one object.
/// `None`: this place shows none at all.
pub(crate) fn custom_values(contact: &Map<String, Json>) -> Option<Vec<(&str, &Json)>> {
    let items = match contact.get("customFields")? {
        Json::Array(items) => items,
        Json::Object(by_id) => {
            return Some(
                by_id
                    .iter()
                    .map(|(id, value)| (id.as_str(), value))
                    .collect(),
            );
        }
        Json::Null => return Some(Vec::new()),
        _ => return None,
    };
    Some(items.iter().filter_map(custom_value).collect())
}

/// One item's id and value, whose key differs between endpoints and versions.
fn custom_value(item: &Json) -> Option<(&str, &Json)> {
    let id = item["id"].as_str()?;
    let value = ["value", "fieldValue", "field_value"]
        .iter()
        .find_map(|key| item.get(key))
        .unwrap_or(&Json::Null);
    Some((id, value))
}

fn custom_field(custom: Option<&Vec<(&str, &Json)>>, spec: &FieldSpec, shape: Shape) -> Field {
    let Some(values) = custom else {
        return shape.absent(spec.name.as_str());
    };
    let id = spec
        .name
        .as_str()
        .strip_prefix(CUSTOM_PREFIX)
        .unwrap_or(spec.name.as_str());
    // Where the list is, what is not in it has no value.
    let json = values
        .iter()
        .find(|(found, _)| *found == id)
        .map(|(_, json)| *json);
    present(json, spec.kind, Field::Empty)
}

/// A field of a webhook, typed by its name alone: a standard one.
pub(crate) fn shown(json: &Json, kind: Kind) -> Field {
    match json {
        Json::Null => Field::Unknown,
        json => typed(json, kind),
    }
}

/// A custom field of a webhook, whose type is not known there: by the form of its value.
pub(crate) fn shown_custom(id: &str, json: &Json) -> (FieldName, Field) {
    let field = match json {
        Json::Null | Json::Object(_) => Field::Unknown,
        Json::Array(_) => typed(json, Kind::Set),
        Json::Number(_) => typed(json, Kind::Number),
        Json::Bool(_) => typed(json, Kind::Boolean),
        Json::String(_) => typed(json, Kind::Text),
    };
    (format!("{CUSTOM_PREFIX}{id}").into(), field)
}

#[cfg(test)]
mod tests {
    use record::{Entity, Value};
    use serde_json::json;

    use super::*;
    use crate::contact::{custom, standard};

    fn schema() -> Schema {
        let mut fields = standard::specs();
        for definition in [
            json!({"id": "num", "name": "Area", "dataType": "NUMERICAL"}),
            json!({"id": "day", "name": "Move-in", "dataType": "DATE"}),
            json!({"id": "box", "name": "Wishes", "dataType": "CHECKBOX"}),
            json!({"id": "file", "name": "Papers", "dataType": "FILE_UPLOAD"}),
        ] {
            fields.push(custom::spec(&definition).unwrap());
        }
        Schema {
            entity: Entity::Contact,
            fields,
        }
    }

    fn decoded(contact: Json, shape: Shape) -> Fields {
        fields(contact.as_object().unwrap(), &schema(), shape)
    }

    #[test]
    fn one_contact_leaves_out_what_is_empty() {
        let fields = decoded(
            json!({
                "id": "c1", "firstName": "Erika", "email": "", "phone": null, "dnd": false,
                "dateOfBirth": "1990-09-25", "tags": ["VIP", "buyer"], "country": "DE",
                "dateAdded": "2026-01-02T03:04:05.678Z",
                "dndSettings": {"Email": {"status": "active", "code": "101"}, "sms": {"status": "inactive"}},
                "additionalEmails": [{"email": "e2@example.org"}],
                "customFields": [
                    {"id": "num", "value": "81.5"}, {"id": "day", "value": 1_700_006_400_000_i64},
                    {"id": "box", "value": ["balcony", "garden"]},
                    {"id": "file", "value": {"u1": {"url": "https://x.example/1", "meta": {}}}},
                    {"id": "not-in-schema", "value": "ignored"}
                ],
            }),
            Shape::Whole,
        );
        assert_eq!(fields.get("firstName"), &Field::of("Erika"));
        for name in [
            "email",
            "phone",
            "lastName",
            "additionalPhones",
            "dndSettings.Call",
        ] {
            assert_eq!(fields.get(name), &Field::Empty, "{name}");
        }
        assert_eq!(fields.get("gender"), &Field::Unknown);
        assert_eq!(fields.get("dnd"), &Field::Value(Value::Boolean(false)));
        assert_eq!(fields.get("dndSettings.Email").text(), Some("active"));
        assert_eq!(fields.get("dndSettings.SMS").text(), Some("inactive"));
        let set = |items: &[&str]| {
            Field::Value(Value::Set(
                items.iter().map(|item| (*item).to_owned()).collect(),
            ))
        };
        assert_eq!(fields.get("tags"), &set(&["VIP", "buyer"]));
        assert_eq!(fields.get("customFields.box"), &set(&["balcony", "garden"]));
        assert_eq!(
            fields.get("customFields.file"),
            &set(&["https://x.example/1"])
        );
        assert_eq!(
            fields.get("customFields.num"),
            &Field::Value(Value::Number("81.5".parse().unwrap()))
        );
        assert_eq!(
            fields.get("customFields.day"),
            &Field::Value(Value::Date("2023-11-15".parse().unwrap()))
        );
        assert_eq!(fields.get("customFields.not-in-schema"), &Field::Unknown);
    }

    #[test]
    fn custom_values_are_read_in_every_shape() {
        for custom in [
            json!([{"id": "num", "value": 3}]),
            json!([{"id": "num", "field_value": 3}]),
            json!([{"id": "num", "fieldValue": 3}]),
            json!({"num": 3}),
        ] {
            let fields = decoded(json!({"id": "c1", "customFields": custom}), Shape::Whole);
            let three = Field::Value(Value::Number(3.into()));
            assert_eq!(fields.get("customFields.num"), &three, "{custom}");
            assert_eq!(fields.get("customFields.box"), &Field::Empty, "{custom}");
        }
    }

    #[test]
    fn a_value_of_another_form_is_unknown_and_not_empty() {
        let fields = decoded(
            json!({"id": "c1", "dateOfBirth": "soon", "dnd": "perhaps", "tags": "x",
                   "customFields": [{"id": "num", "value": "many"}]}),
            Shape::Whole,
        );
        for name in ["dateOfBirth", "dnd", "customFields.num"] {
            assert_eq!(fields.get(name), &Field::Unknown, "{name}");
        }
    }

    #[test]
    fn a_listing_empties_nothing_that_it_does_not_show() {
        let fields = decoded(
            json!({"id": "c1", "email": null, "firstNameLowerCase": "erika", "address": "Am Ring 1",
                   "customFields": [{"id": "num", "value": 3}]}),
            Shape::Found {
                names_keep_case: false,
            },
        );
        assert_eq!(fields.get("email"), &Field::Empty);
        assert_eq!(fields.get("address1").text(), Some("Am Ring 1"));
        assert_eq!(fields.get("customFields.box"), &Field::Empty);
        for name in [
            "firstName",
            "lastName",
            "timezone",
            "tags",
            "dndSettings.Email",
        ] {
            assert_eq!(fields.get(name), &Field::Unknown, "{name}");
        }
        assert!(!has_all(&fields, &schema()));
    }

    #[test]
    fn lower_cased_names_are_not_taken_for_names() {
        let listed = |contact: Json| decoded(contact, Shape::Listed).get("firstName").clone();
        assert_eq!(
            listed(json!({"firstName": "erika", "firstNameRaw": "Erika"})),
            Field::of("Erika")
        );
        assert_eq!(listed(json!({"firstName": "erika"})), Field::Unknown);
        assert_eq!(
            listed(json!({"firstName": "erika", "firstNameRaw": null})),
            Field::Unknown
        );
        assert_eq!(
            listed(json!({"firstName": null, "firstNameRaw": null})),
            Field::Empty
        );
        let found = |names_keep_case| {
            decoded(
                json!({"firstName": "erika"}),
                Shape::Found { names_keep_case },
            )
            .get("firstName")
            .clone()
        };
        assert_eq!(found(true), Field::of("erika"));
        assert_eq!(found(false), Field::Unknown);
    }
}
