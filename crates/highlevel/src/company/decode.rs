//! From the vendor's JSON of one company to fields.

use std::collections::BTreeMap;

use jiff::Timestamp;
use record::{Completeness, Field, Fields, Freshness, Read, Record, RecordId, Schema};
use serde_json::{Map, Value as Json};

use crate::{form::present, value};

/// The company's id, if it says one.
pub(super) fn id(company: &Map<String, Json>) -> Option<&str> {
    company
        .get("id")
        .or_else(|| company.get("_id"))
        .and_then(Json::as_str)
        .filter(|id| !id.is_empty())
}

/// The fields of `schema` in this company. One body, `BusinessDto`, serves everywhere, and all but name and
/// place are optional in it: what is not there has no value.
pub(super) fn fields(company: &Map<String, Json>, schema: &Schema) -> Fields {
    schema
        .fields
        .iter()
        .map(|spec| {
            let json = company.get(spec.name.as_str());
            (spec.name.clone(), present(json, spec.kind, Field::Empty))
        })
        .collect()
}

/// The company as a reading.
pub(super) fn read(
    id: &str,
    company: &Map<String, Json>,
    fields: Fields,
    freshness: Freshness,
    completeness: Completeness,
    sent: Timestamp,
) -> Read {
    let stamp = |key: &str| company.get(key).and_then(value::instant);
    Read {
        record: Record {
            id: RecordId::new(id),
            fields,
        },
        freshness,
        completeness,
        as_of: sent,
        modified: stamp("updatedAt"),
        created: stamp("createdAt"),
        unclear: BTreeMap::new(),
    }
}
