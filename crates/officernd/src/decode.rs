//! From the vendor's JSON of one member or company to fields.
//!
//! A whole record leaves out most of what is empty, so an absent key is empty unless the field says otherwise. List
//! items are whole records too (a full dump of others was made of lists), but are read from who knows where,
//! and always carry `properties`, which a single record leaves out when empty.

use std::collections::BTreeMap;

use jiff::Timestamp;
use record::{
    Completeness, Field, FieldSpec, Fields, Freshness, Read, Record, RecordId, Schema, Value,
};
use serde_json::{Map, Value as Json};

use crate::{
    resource::{Absent, PROPERTIES, Resource, place},
    value,
};

/// Where a record's JSON comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One record by its id, or the answer to a write.
    Single,
    /// An item of a list.
    Listed,
}

/// The fields of `schema` in this record. What cannot be read is unknown.
pub(crate) fn fields(
    item: &Map<String, Json>,
    schema: &Schema,
    resource: &Resource,
    shape: Shape,
) -> Fields {
    schema
        .fields
        .iter()
        .map(|spec| (spec.name.clone(), field(item, spec, resource, shape)))
        .collect()
}

fn field(item: &Map<String, Json>, spec: &FieldSpec, resource: &Resource, shape: Shape) -> Field {
    let name = spec.name.as_str();
    if let Some(key) = name.strip_prefix(PROPERTIES) {
        return match item.get("properties") {
            Some(Json::Object(bag)) => bag
                .get(key)
                .map_or(Field::Empty, |json| value::read(json, spec.kind)),
            None if shape == Shape::Listed => Field::Unknown,
            None | Some(Json::Null) => Field::Empty,
            Some(_) => Field::Unknown,
        };
    }
    let Some(standard) = resource.standard(name) else {
        return Field::Unknown;
    };
    let json = match place(name) {
        (None, key) => item.get(key),
        (Some(object), key) => match item.get(object) {
            None | Some(Json::Null) => None,
            Some(Json::Object(object)) => match within(object, key) {
                Ok(json) => json,
                Err(NoObject) => return Field::Unknown,
            },
            Some(_) => return Field::Unknown,
        },
    };
    match json {
        Some(json) => value::read(json, spec.kind),
        None => match standard.absent {
            Absent::Empty => Field::Empty,
            Absent::False => Field::Value(Value::Boolean(false)),
            Absent::Unknown => Field::Unknown,
        },
    }
}

/// There is something else where an object should be.
struct NoObject;

/// A part of an object, or of an object in it (`billingAddress.city`).
fn within<'a>(object: &'a Map<String, Json>, key: &str) -> Result<Option<&'a Json>, NoObject> {
    let Some((inner, key)) = key.split_once('.') else {
        return Ok(object.get(key));
    };
    match object.get(inner) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(inner)) => within(inner, key),
        Some(_) => Err(NoObject),
    }
}

/// Whether what is missing in this record is missing for good. Fields that no answer is sure to carry do not
/// count.
fn is_whole(fields: &Fields, schema: &Schema, resource: &Resource) -> bool {
    schema.fields.iter().all(|spec| {
        let name = spec.name.as_str();
        fields.get(name).is_known()
            || resource
                .standard(name)
                .is_some_and(|standard| standard.absent == Absent::Unknown)
    })
}

/// The record as a reading.
pub(crate) fn read(
    id: &str,
    item: &Map<String, Json>,
    schema: &Schema,
    resource: &Resource,
    shape: Shape,
    sent: Timestamp,
) -> Read {
    let fields = fields(item, schema, resource, shape);
    let stamp = |key: &str| item.get(key).and_then(value::instant);
    Read {
        freshness: match shape {
            Shape::Single => Freshness::Fresh,
            Shape::Listed => Freshness::PossiblyStale,
        },
        completeness: if shape == Shape::Single || is_whole(&fields, schema, resource) {
            Completeness::Complete
        } else {
            Completeness::Partial
        },
        record: Record {
            id: RecordId::new(id),
            fields,
        },
        as_of: sent,
        modified: stamp("modifiedAt"),
        created: stamp("createdAt"),
        unclear: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use record::{Access, Capability, Entity, Kind};
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        let resource = Resource::of(Entity::Contact).unwrap();
        let mut fields: Vec<FieldSpec> = resource
            .fields
            .iter()
            .map(|field| (field.name, field.kind, false))
            .chain([("properties.crm id", Kind::Text, true)])
            .map(|(name, kind, custom)| FieldSpec {
                name: name.into(),
                label: name.to_owned(),
                kind,
                capability: Capability::of(Access::ReadWrite),
                choices: Vec::new(),
                custom,
            })
            .collect();
        fields.dedup_by(|one, other| one.name == other.name);
        Schema {
            entity: Entity::Contact,
            fields,
        }
    }

    fn decoded(item: &Json, shape: Shape) -> Read {
        let resource = Resource::of(Entity::Contact).unwrap();
        let item = item.as_object().unwrap();
        read(
            "m1",
            item,
            &schema(),
            resource,
            shape,
            Timestamp::UNIX_EPOCH,
        )
    }

    #[test]
    fn absent_keys_are_empty_but_for_those_that_may_be_left_out() {
        let read = decoded(
            &json!({"_id": "m1", "name": "Ada Example", "email": null, "company": null,
                "location": "60c0ffee0000000000000001", "status": "contact", "billingDetails": {},
                "createdAt": "2026-02-20T10:00:00.000Z", "modifiedAt": "2026-02-20T10:00:00.000Z"}),
            Shape::Single,
        );
        let fields = &read.record.fields;
        assert_eq!(fields.get("name").text(), Some("Ada Example"));
        for name in [
            "email",
            "phone",
            "company",
            "startDate",
            "address.city",
            "billingDetails.vatNumber",
            "billingDetails.billingAddress.city",
            "properties.crm id",
        ] {
            assert_eq!(fields.get(name), &Field::Empty, "{name}");
        }
        for name in ["tags", "portalPrivacy.isVisible", "createdBy"] {
            assert_eq!(fields.get(name), &Field::Unknown, "{name}");
        }
        assert_eq!(
            fields.get("isBillingPerson"),
            &Field::Value(Value::Boolean(false))
        );
        assert!(read.decides());
        assert_eq!(read.modified, Some("2026-02-20T10:00:00Z".parse().unwrap()));
    }

    #[test]
    fn an_item_of_a_list_is_whole_if_it_carries_its_properties() {
        let mut item = json!({"_id": "m1", "name": "Ada", "properties": {"crm id": "x"},
            "address": {"city": "Berlin"}, "startDate": "2026-03-01",
            "billingDetails": {"vatNumber": "DE1", "billingAddress": {"city": "Bonn"}}});
        let read = decoded(&item, Shape::Listed);
        assert_eq!(read.completeness, Completeness::Complete);
        assert_eq!(read.freshness, Freshness::PossiblyStale);
        let fields = &read.record.fields;
        assert_eq!(fields.get("properties.crm id").text(), Some("x"));
        assert_eq!(fields.get("address.city").text(), Some("Berlin"));
        let billed = fields.get("billingDetails.billingAddress.city");
        assert_eq!(billed.text(), Some("Bonn"));
        assert_eq!(
            fields.get("startDate"),
            &Field::Value(Value::Instant("2026-03-01T00:00:00Z".parse().unwrap()))
        );
        item.as_object_mut().unwrap().remove("properties");
        let read = decoded(&item, Shape::Listed);
        assert_eq!(read.completeness, Completeness::Partial);
        assert_eq!(read.record.fields.get("properties.crm id"), &Field::Unknown);
    }

    #[test]
    fn what_is_of_another_form_is_unknown() {
        let read = decoded(
            &json!({"_id": "m1", "name": ["x"], "address": "Berlin", "properties": 7,
                "startDate": "soon", "isContactPerson": "perhaps"}),
            Shape::Single,
        );
        for name in [
            "name",
            "address.city",
            "properties.crm id",
            "startDate",
            "isContactPerson",
        ] {
            assert_eq!(read.record.fields.get(name), &Field::Unknown, "{name}");
        }
    }
}
