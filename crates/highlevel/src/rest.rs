//! What records have in common that are read, made, changed and deleted one by one, each by a call of its own.

use std::collections::BTreeMap;

use connector::{
    CallError, Calls, Change, CreateOutcome, Draft, Effect, Error, Fetched, IdentityKey, KeyKind,
    Refusal, RemoveOutcome, Request, Response, UpdateOutcome,
};
use http::{HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use record::{
    Access, Capability, Completeness, Field, FieldName, FieldSpec, Fields, Freshness, Kind, Read,
    Record, RecordId, Schema,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::{
    answer::Complaint,
    requests::{cannot, in_flight, segment},
    settings::Settings,
    value,
};

/// A body, or why nothing can be sent.
type Body = Result<Map<String, Json>, Refusal>;

/// One kind of record.
pub(crate) struct Rest {
    /// What people call one of them.
    pub(crate) noun: &'static str,
    /// The ids of its requests.
    pub(crate) get: &'static str,
    pub(crate) create: &'static str,
    pub(crate) update: &'static str,
    pub(crate) delete: &'static str,
    /// Where one is made.
    pub(crate) make_at: &'static str,
    /// Below which one is read and changed.
    pub(crate) below: &'static str,
    /// Below which one is deleted.
    pub(crate) delete_below: &'static str,
    /// Under which key an answer may hold it, or `""` for the answer itself.
    pub(crate) wraps: &'static [&'static str],
    /// When it was made and last changed.
    pub(crate) stamps: (&'static str, &'static str),
    /// The version of the API that describes it, where it is not the usual one.
    pub(crate) version: Option<&'static str>,
    /// What a body has beside the record's own fields.
    pub(crate) beside: fn(creating: bool) -> Map<String, Json>,
    /// The fields of a schema in the vendor's JSON.
    pub(crate) fields: fn(&Map<String, Json>, &Schema) -> Fields,
    /// A body out of checked fields.
    pub(crate) body: fn(&Fields, &Schema) -> Body,
}

/// Where polling stands: the newest change of those seen, in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Polled {
    pub(crate) newest: i64,
}

/// A field that every sub-account has and that cannot be emptied.
pub(crate) fn spec(
    name: &str,
    label: &str,
    kind: Kind,
    access: Access,
    required: bool,
) -> FieldSpec {
    FieldSpec {
        name: name.into(),
        label: label.to_owned(),
        kind,
        capability: Capability {
            required,
            clearable: false,
            ..Capability::of(access)
        },
        choices: Vec::new(),
        custom: false,
    }
}

/// Whether anybody asks for the records that belong to another one.
pub(crate) fn asks_for_children(keys: &[IdentityKey]) -> bool {
    keys.iter().any(|key| key.kind == KeyKind::Parent)
}

/// Whether a record belongs to one that a key names, by the field that says to which.
pub(crate) fn belongs(read: &Read, field: &str, keys: &[IdentityKey]) -> bool {
    let parent = read.record.fields.get(field).text();
    keys.iter()
        .any(|key| key.kind == KeyKind::Parent && parent == Some(key.value.as_str()))
}

impl Rest {
    /// A request in the version that describes these records.
    pub(crate) fn request(
        &self,
        operation: &'static str,
        effect: Effect,
        method: Method,
        path: impl Into<String>,
    ) -> Request {
        let mut request = Request::new(operation, effect, method, path);
        if let Some(version) = self.version {
            request.headers.insert(
                HeaderName::from_static("version"),
                HeaderValue::from_static(version),
            );
        }
        request
    }

    pub(crate) async fn fetch(
        &'static self,
        calls: &dyn Calls,
        schema: &Schema,
        ids: &[RecordId],
    ) -> Vec<Fetched> {
        in_flight(ids.iter().map(|id| self.one(calls, schema, id)).collect()).await
    }

    async fn one(&self, calls: &dyn Calls, schema: &Schema, id: &RecordId) -> Fetched {
        match self.read_one(calls, schema, id).await {
            Ok(Some(read)) => Fetched::Found(Box::new(read)),
            Ok(None) => Fetched::Gone(id.clone()),
            Err(error) => Fetched::Failed(id.clone(), error),
        }
    }

    async fn read_one(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        id: &RecordId,
    ) -> Result<Option<Read>, Error> {
        let path = format!("{}/{}", self.below, segment(id.as_str()));
        let request = self.request(self.get, Effect::Read, Method::GET, path);
        let response = calls.send(request).await?;
        if !response.status.is_success() {
            let complaint = Complaint::of(&response);
            if self.is_gone(&complaint) {
                return Ok(None);
            }
            return Err(Error::Refused {
                operation: self.get,
                refusal: complaint.refusal(Vec::new()),
            });
        }
        let item = self.answered(self.get, &response)?;
        let Some(item) = item else { return Ok(None) };
        if item.get("deleted") == Some(&Json::Bool(true)) {
            return Ok(None);
        }
        let unexpected = |what: String| Error::Unexpected {
            operation: self.get,
            status: response.status.as_u16(),
            what,
        };
        if id_of(&item) != Some(id.as_str()) {
            return Err(unexpected(format!("it is not the {} {id}", self.noun)));
        }
        if let (Some(location), Some(ours)) = (
            item.get("locationId").and_then(Json::as_str),
            Settings::of(calls).location_if_set(),
        ) && location != ours
        {
            return Err(unexpected(format!(
                "the {} {id} belongs to sub-account {location}, not to {ours}",
                self.noun
            )));
        }
        Ok(self.read(&item, schema, Freshness::Fresh, response.sent))
    }

    /// What is answered for one that is not there is documented nowhere; what contacts answer is taken for it, with
    /// the other word.
    fn is_gone(&self, complaint: &Complaint) -> bool {
        complaint.is_gone()
            || (matches!(complaint.status, 400 | 422)
                && complaint.says(self.noun)
                && complaint.says("not found"))
    }

    /// One item as a reading.
    pub(crate) fn read(
        &self,
        item: &Map<String, Json>,
        schema: &Schema,
        freshness: Freshness,
        sent: Timestamp,
    ) -> Option<Read> {
        let id = id_of(item)?;
        let fields = (self.fields)(item, schema);
        let known = schema
            .fields
            .iter()
            .all(|spec| fields.get(spec.name.as_str()).is_known());
        let stamp = |key: &str| item.get(key).and_then(value::instant);
        Some(Read {
            record: Record {
                id: RecordId::new(id),
                fields,
            },
            freshness,
            completeness: if known || freshness == Freshness::Fresh {
                Completeness::Complete
            } else {
                Completeness::Partial
            },
            as_of: sent,
            modified: stamp(self.stamps.1),
            created: stamp(self.stamps.0),
            unclear: BTreeMap::new(),
        })
    }

    fn answered(
        &self,
        operation: &'static str,
        response: &Response,
    ) -> Result<Option<Map<String, Json>>, Error> {
        let body: Json = response.json(operation)?;
        Ok(self.wraps.iter().find_map(|wrap| {
            let item = if wrap.is_empty() { &body } else { &body[*wrap] };
            item.as_object()
                .filter(|item| id_of(item).is_some())
                .cloned()
        }))
    }

    pub(crate) async fn create(
        &'static self,
        calls: &dyn Calls,
        schema: &Schema,
        drafts: &[Draft],
        defaults: &Fields,
    ) -> Vec<CreateOutcome> {
        in_flight(
            drafts
                .iter()
                .map(|draft| self.make(calls, schema, draft, defaults))
                .collect(),
        )
        .await
    }

    async fn make(
        &self,
        calls: &dyn Calls,
        schema: &Schema,
        draft: &Draft,
        defaults: &Fields,
    ) -> CreateOutcome {
        let location = match Settings::of(calls).location() {
            Ok(location) => location,
            Err(error) => return CreateOutcome::Failed(error),
        };
        // A new record has nothing yet: there is nothing to clear.
        let given: Fields = draft
            .fields
            .iter()
            .filter(|(_, field)| field.value().is_some())
            .map(|(name, field)| (name.clone(), field.clone()))
            .collect();
        let mut body = match self.checked(&given, schema, true) {
            Ok(body) => body,
            Err(refusal) => return CreateOutcome::Refused(refusal),
        };
        // What a setting gives need not be among the fields that a sync maps.
        for (name, field) in defaults.iter() {
            if let (Some(text), false) = (field.text(), body.contains_key(name.as_str())) {
                body.insert(name.to_string(), Json::String(text.to_owned()));
            }
        }
        body.extend((self.beside)(true));
        body.insert("locationId".to_owned(), Json::String(location.to_owned()));
        let request = self
            .request(self.create, Effect::Write, Method::POST, self.make_at)
            .json(Json::Object(body));
        let response = match calls.send(request).await {
            Ok(response) => response,
            Err(CallError::OutcomeUnknown { why, .. }) => return CreateOutcome::Unknown { why },
            Err(error) => return CreateOutcome::Failed(Error::Call(error)),
        };
        if response.status.is_success() {
            return match self.answered(self.create, &response) {
                Ok(Some(item)) => CreateOutcome::Created {
                    id: RecordId::new(id_of(&item).unwrap_or_default()),
                    read: None,
                    left_out: Vec::new(),
                },
                Ok(None) => CreateOutcome::Unknown {
                    why: format!("the answer names no {}", self.noun),
                },
                Err(error) => CreateOutcome::Unknown {
                    why: error.to_string(),
                },
            };
        }
        let complaint = Complaint::of(&response);
        if !response.status.is_client_error() {
            return CreateOutcome::Unknown {
                why: complaint.message(),
            };
        }
        CreateOutcome::Refused(complaint.refusal(blamed(&complaint, &given)))
    }

    pub(crate) async fn update(
        &'static self,
        calls: &dyn Calls,
        schema: &Schema,
        changes: &[Change],
    ) -> Vec<UpdateOutcome> {
        in_flight(
            changes
                .iter()
                .map(|change| self.put(calls, schema, change))
                .collect(),
        )
        .await
    }

    async fn put(&self, calls: &dyn Calls, schema: &Schema, change: &Change) -> UpdateOutcome {
        let nothing_done = |refusal| UpdateOutcome::Refused {
            refusal,
            done: Vec::new(),
        };
        if let Some(name) = change.sets.keys().next() {
            return nothing_done(cannot(name, "is no set"));
        }
        let mut body = match self.checked(&change.set, schema, false) {
            Ok(body) => body,
            Err(refusal) => return nothing_done(refusal),
        };
        body.extend((self.beside)(false));
        let path = format!("{}/{}", self.below, segment(change.current.id.as_str()));
        let request = self
            .request(self.update, Effect::Write, Method::PUT, path)
            .json(Json::Object(body));
        let response = match calls.send(request).await {
            Ok(response) => response,
            Err(CallError::OutcomeUnknown { why, .. }) => return UpdateOutcome::Unknown { why },
            Err(error) => return UpdateOutcome::Failed(Error::Call(error)),
        };
        if response.status.is_success() {
            return UpdateOutcome::Done { read: None };
        }
        let complaint = Complaint::of(&response);
        if self.is_gone(&complaint) {
            UpdateOutcome::Gone
        } else if response.status.is_client_error() {
            nothing_done(complaint.refusal(blamed(&complaint, &change.set)))
        } else {
            UpdateOutcome::Unknown {
                why: complaint.message(),
            }
        }
    }

    pub(crate) async fn remove(
        &'static self,
        calls: &dyn Calls,
        ids: &[RecordId],
    ) -> Vec<RemoveOutcome> {
        in_flight(ids.iter().map(|id| self.delete(calls, id)).collect()).await
    }

    async fn delete(&self, calls: &dyn Calls, id: &RecordId) -> RemoveOutcome {
        let path = format!("{}/{}", self.delete_below, segment(id.as_str()));
        let request = self.request(self.delete, Effect::Write, Method::DELETE, path);
        let response = match calls.send(request).await {
            Ok(response) => response,
            Err(CallError::OutcomeUnknown { why, .. }) => return RemoveOutcome::Unknown { why },
            Err(error) => return RemoveOutcome::Failed(Error::Call(error)),
        };
        if response.status.is_success() {
            return RemoveOutcome::Done;
        }
        let complaint = Complaint::of(&response);
        if self.is_gone(&complaint) {
            RemoveOutcome::Gone
        } else if response.status.is_client_error() {
            RemoveOutcome::Refused(complaint.refusal(Vec::new()))
        } else {
            RemoveOutcome::Unknown {
                why: complaint.message(),
            }
        }
    }

    fn checked(&self, set: &Fields, schema: &Schema, creating: bool) -> Body {
        let mut known = Fields::new();
        for (name, field) in set.iter() {
            let Some(spec) = schema.field(name.as_str()) else {
                return Err(cannot(name, "is no field of these records"));
            };
            match spec.capability.access {
                Access::ReadWrite => {}
                Access::CreateOnly if creating => {}
                Access::CreateOnly => {
                    return Err(cannot(name, "can only be set when the record is made"));
                }
                Access::ReadOnly => return Err(cannot(name, "cannot be written by API")),
            }
            match field {
                Field::Unknown => {}
                Field::Empty if !spec.capability.clearable => {
                    return Err(cannot(name, "cannot be emptied by API"));
                }
                field => known.set(name.clone(), field.clone()),
            }
        }
        (self.body)(&known, schema)
    }
}

/// The record's id, if it says one.
pub(crate) fn id_of(item: &Map<String, Json>) -> Option<&str> {
    item.get("id")
        .or_else(|| item.get("_id"))
        .and_then(Json::as_str)
        .filter(|id| !id.is_empty())
}

/// The sent fields that a refusal names: validation texts begin with the property, or with `property`.
fn blamed(complaint: &Complaint, sent: &Fields) -> Vec<FieldName> {
    let named = |name: &FieldName| {
        complaint.texts.iter().any(|text| {
            let start = text.strip_prefix("property ").unwrap_or(text);
            start.split([' ', '.']).next() == Some(name.as_str())
        })
    };
    sent.iter()
        .map(|(name, _)| name)
        .filter(|name| named(name))
        .cloned()
        .collect()
}
