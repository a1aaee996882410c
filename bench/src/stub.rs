//! A system whose pages come out of memory: what remains is the engine's own work.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use connector::{
    Account, AuthScheme, Calls, Change, Connector, CreateOutcome, Credentials, Deletes, Delivery,
    Description, Draft, EntityDescription, Error, Fetched, Grant, IdentityKey, Incoming, Limits,
    Page, PageRequest, RemoveOutcome, Request, Response, UpdateOutcome, Verdict, WebhookError,
    WebhookKeys,
};
use jiff::Timestamp;
use record::{
    Access, Capability, Completeness, CountryForm, Entity, Field, FieldSpec, Fields, Freshness,
    Kind, Read, Record, RecordId, Schema, Value,
};
use serde_json::{Value as Json, json};

/// Records of one page.
const PAGE: usize = 500;

/// The fields that both sides have, as the rows of a population name them.
pub(crate) const FIELDS: [(&str, Kind); 11] = [
    ("firstName", Kind::Text),
    ("lastName", Kind::Text),
    ("email", Kind::Email),
    ("phone", Kind::Phone),
    ("address1", Kind::Text),
    ("postalCode", Kind::Text),
    ("city", Kind::Text),
    ("country", Kind::Country(CountryForm::Alpha2)),
    ("companyName", Kind::Text),
    ("website", Kind::Url),
    ("tags", Kind::Set),
];

/// The system.
pub(crate) struct Stub {
    description: Description,
    reads: Arc<Vec<Read>>,
    by_id: HashMap<RecordId, usize>,
}

/// Readings of rows in the form of HighLevel's create call.
pub(crate) fn reads(rows: &[Json], as_of: Timestamp) -> Arc<Vec<Read>> {
    let read = |(number, row): (usize, &Json)| {
        let field = |name: &str| match &row[name] {
            Json::String(text) => Field::of(Value::Text(text.clone())),
            Json::Array(tags) => Field::of(Value::Set(
                tags.iter()
                    .filter_map(Json::as_str)
                    .map(str::to_owned)
                    .collect(),
            )),
            _ => Field::Empty,
        };
        Read {
            record: Record {
                id: RecordId::new(format!("record{number:08}")),
                fields: FIELDS
                    .iter()
                    .map(|(name, _)| ((*name).into(), field(name)))
                    .collect::<Fields>(),
            },
            freshness: Freshness::Fresh,
            completeness: Completeness::Complete,
            as_of,
            modified: Some(as_of),
            created: Some(as_of),
            unclear: BTreeMap::new(),
        }
    };
    Arc::new(rows.iter().enumerate().map(read).collect())
}

impl Stub {
    pub(crate) fn new(system: &'static str, reads: Arc<Vec<Read>>) -> Self {
        let by_id = reads
            .iter()
            .enumerate()
            .map(|(number, read)| (read.record.id.clone(), number))
            .collect();
        Self {
            description: Description {
                system,
                title: system,
                base_url: "https://stub.invalid",
                auth: vec![AuthScheme::Pasted {
                    name: "none",
                    fields: Vec::new(),
                }],
                entities: vec![EntityDescription {
                    entity: Entity::Contact,
                    title: "Contact",
                    list_page: PAGE,
                    fetch_batch: PAGE,
                    write_batch: PAGE,
                    writes_return_record: true,
                    search_lag: Duration::ZERO,
                    deletes: Deletes::Never,
                    absence_is_ambiguous: false,
                    create_consequences: Vec::new(),
                    shared_keys: Vec::new(),
                    tag_field: None,
                    change_overlap: Duration::ZERO,
                    polled: true,
                    own_fields: "",
                }],
                limits: Limits {
                    windows: Vec::new(),
                    concurrency: 8,
                },
                webhooks: false,
            },
            reads,
            by_id,
        }
    }
}

#[async_trait]
impl Connector for Stub {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn authorise(
        &self,
        _: &mut Request,
        _: &Credentials,
        _: &Json,
        _: Timestamp,
    ) -> Result<(), Error> {
        Ok(())
    }

    fn verdict(&self, _: &Request, _: &Response) -> Verdict {
        Verdict::Answered
    }

    fn scopes(&self, _: &[Entity], _: bool) -> Vec<String> {
        Vec::new()
    }

    fn authorize_url(
        &self,
        _: &str,
        _: &Credentials,
        _: &Json,
        _: &str,
        _: &[String],
        _: &str,
    ) -> Result<String, Error> {
        Err(nothing("sign in with a redirect"))
    }

    async fn exchange_code(
        &self,
        _: &dyn Calls,
        _: &Credentials,
        _: &str,
        _: &str,
    ) -> Result<Grant, Error> {
        Err(nothing("exchange a code"))
    }

    async fn refresh(&self, _: &dyn Calls, _: &Credentials, _: &[String]) -> Result<Grant, Error> {
        Err(nothing("refresh"))
    }

    async fn check(
        &self,
        _: &dyn Calls,
        _: &Credentials,
        _: &[Entity],
        _: bool,
    ) -> Result<Account, Error> {
        Ok(Account {
            id: "1".to_owned(),
            name: "memory".to_owned(),
            country: Some("DE".to_owned()),
            time_zone: None,
            missing: Vec::new(),
            remarks: Vec::new(),
        })
    }

    async fn schema(&self, _: &dyn Calls, entity: Entity) -> Result<Schema, Error> {
        let field = |(name, kind): &(&str, Kind)| FieldSpec {
            name: (*name).into(),
            label: (*name).to_owned(),
            kind: *kind,
            capability: Capability::of(Access::ReadWrite),
            choices: Vec::new(),
            custom: false,
        };
        Ok(Schema {
            entity,
            fields: FIELDS.iter().map(field).collect(),
        })
    }

    async fn fetch(
        &self,
        _: &dyn Calls,
        _: &Schema,
        ids: &[RecordId],
    ) -> Result<Vec<Fetched>, Error> {
        Ok(ids
            .iter()
            .map(|id| match self.by_id.get(id) {
                Some(number) => Fetched::Found(Box::new(self.reads[*number].clone())),
                None => Fetched::Gone(id.clone()),
            })
            .collect())
    }

    async fn changes(&self, _: &dyn Calls, _: &Schema, _: PageRequest) -> Result<Page, Error> {
        Ok(Page {
            reads: Vec::new(),
            next: None,
            resume: Some(json!(0)),
            total: None,
        })
    }

    async fn list(&self, _: &dyn Calls, _: &Schema, page: PageRequest) -> Result<Page, Error> {
        let from = page.cursor.as_ref().and_then(Json::as_u64).unwrap_or(0) as usize;
        let until = self.reads.len().min(from + page.limit.min(PAGE));
        Ok(Page {
            reads: self.reads[from..until].to_vec(),
            next: (until < self.reads.len()).then(|| json!(until)),
            resume: None,
            total: Some(self.reads.len() as u64),
        })
    }

    async fn find(&self, _: &dyn Calls, _: &Schema, _: &[IdentityKey]) -> Result<Vec<Read>, Error> {
        Ok(Vec::new())
    }

    async fn create(&self, _: &dyn Calls, _: &Schema, drafts: &[Draft]) -> Vec<CreateOutcome> {
        drafts
            .iter()
            .map(|_| CreateOutcome::Failed(nothing("create")))
            .collect()
    }

    async fn update(&self, _: &dyn Calls, _: &Schema, changes: &[Change]) -> Vec<UpdateOutcome> {
        changes
            .iter()
            .map(|_| UpdateOutcome::Failed(nothing("update")))
            .collect()
    }

    async fn remove(&self, _: &dyn Calls, _: Entity, ids: &[RecordId]) -> Vec<RemoveOutcome> {
        ids.iter()
            .map(|_| RemoveOutcome::Failed(nothing("remove")))
            .collect()
    }

    fn webhook(&self, _: &Incoming<'_>, _: &WebhookKeys) -> Result<Delivery, WebhookError> {
        Err(WebhookError::None("the stub"))
    }
}

fn nothing(what: &str) -> Error {
    Error::Unsupported {
        system: "memory",
        what: what.to_owned(),
    }
}
