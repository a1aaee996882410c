//! The contract of a connector, kept by a system that lives in memory.

use async_trait::async_trait;
use connector::{
    Account, Calls, Change, Connector, CreateOutcome, Credentials, Delivery, Description, Draft,
    Error, Fetched, Grant, IdentityKey, Incoming, KeyKind, Page, PageRequest, RemoveOutcome,
    Request, Response, UpdateOutcome, Verdict, WebhookError, WebhookKeys,
};
use jiff::Timestamp;
use record::{Access, Capability, Entity, FieldSpec, Kind, Read, RecordId, Schema};
use serde_json::{Value as Json, json};

use super::{CompanyField, Memory, PAGE};

fn nothing(what: &str) -> Error {
    Error::Unsupported {
        system: "memory",
        what: what.to_owned(),
    }
}

#[async_trait]
impl Connector for Memory {
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
            id: self.description.system.to_owned(),
            name: "memory".to_owned(),
            country: Some("DE".to_owned()),
            time_zone: None,
            missing: Vec::new(),
            remarks: Vec::new(),
        })
    }

    async fn schema(&self, _: &dyn Calls, entity: Entity) -> Result<Schema, Error> {
        let field = |name: &str, kind: Kind, access: Access, clearable: bool| FieldSpec {
            name: name.into(),
            label: name.to_owned(),
            kind,
            capability: Capability {
                clearable,
                ..Capability::of(access)
            },
            choices: Vec::new(),
            custom: false,
        };
        let text = |name| field(name, Kind::Text, Access::ReadWrite, true);
        let email = field("email", Kind::Email, Access::ReadWrite, true);
        let CompanyField { access, clearable } = self.company;
        let fields = match entity {
            Entity::Company => vec![text("name"), email],
            _ => vec![
                text("firstName"),
                text("lastName"),
                email,
                field(
                    "company",
                    Kind::Reference(Entity::Company),
                    access,
                    clearable,
                ),
            ],
        };
        Ok(Schema { entity, fields })
    }

    async fn fetch(
        &self,
        _: &dyn Calls,
        schema: &Schema,
        ids: &[RecordId],
    ) -> Result<Vec<Fetched>, Error> {
        Ok(ids
            .iter()
            .map(|id| match self.read(schema.entity, id, schema) {
                Some(read) => Fetched::Found(Box::new(read)),
                None => Fetched::Gone(id.clone()),
            })
            .collect())
    }

    async fn changes(
        &self,
        _: &dyn Calls,
        schema: &Schema,
        page: PageRequest,
    ) -> Result<Page, Error> {
        let (ids, now): (Vec<RecordId>, u64) = {
            let state = self.state();
            let since = page
                .cursor
                .as_ref()
                .and_then(Json::as_u64)
                .unwrap_or(state.changes);
            let new = state
                .rows
                .iter()
                .filter(|((entity, _), row)| *entity == schema.entity && row.number > since)
                .filter(|((entity, _), _)| !(state.quiet_companies && *entity == Entity::Company));
            (new.map(|((_, id), _)| id.clone()).collect(), state.changes)
        };
        Ok(Page {
            reads: ids
                .iter()
                .filter_map(|id| self.read(schema.entity, id, schema))
                .collect(),
            next: None,
            resume: Some(json!(now)),
            total: None,
        })
    }

    async fn list(&self, _: &dyn Calls, schema: &Schema, page: PageRequest) -> Result<Page, Error> {
        let from = page.cursor.as_ref().and_then(Json::as_u64).unwrap_or(0);
        let from = usize::try_from(from).map_err(|_| nothing("count so far"))?;
        let ids: Vec<RecordId> = self.all(schema.entity).into_values().collect();
        let until = ids.len().min(from + page.limit.min(PAGE));
        Ok(Page {
            reads: ids[from..until]
                .iter()
                .filter_map(|id| self.read(schema.entity, id, schema))
                .collect(),
            next: (until < ids.len()).then(|| json!(until)),
            resume: None,
            total: None,
        })
    }

    async fn find(
        &self,
        _: &dyn Calls,
        schema: &Schema,
        keys: &[IdentityKey],
    ) -> Result<Vec<Read>, Error> {
        let ids = self.all(schema.entity).into_values();
        let reads = ids.filter_map(|id| self.read(schema.entity, &id, schema));
        Ok(reads
            .filter(|read| {
                keys.iter().any(|key| {
                    key.kind == KeyKind::Email
                        && read.record.fields.get("email").text() == Some(&key.value)
                })
            })
            .collect())
    }

    async fn create(&self, _: &dyn Calls, schema: &Schema, drafts: &[Draft]) -> Vec<CreateOutcome> {
        drafts
            .iter()
            .map(|draft| {
                if let Some(refusal) = self.refusal(schema.entity, &draft.fields) {
                    return CreateOutcome::Refused(refusal);
                }
                let id = self.put(schema.entity, None, draft.fields.clone());
                self.state()
                    .made
                    .push((schema.entity, draft.fields.clone()));
                CreateOutcome::Created {
                    read: self.read(schema.entity, &id, schema).map(Box::new),
                    id,
                    left_out: Vec::new(),
                }
            })
            .collect()
    }

    async fn update(
        &self,
        _: &dyn Calls,
        schema: &Schema,
        changes: &[Change],
    ) -> Vec<UpdateOutcome> {
        changes
            .iter()
            .map(|change| {
                if let Some(refusal) = self.refusal(schema.entity, &change.set) {
                    return UpdateOutcome::Refused {
                        refusal,
                        done: Vec::new(),
                    };
                }
                let id = &change.current.id;
                self.put(schema.entity, Some(id.clone()), change.set.clone());
                if schema.entity == Entity::Contact {
                    self.state().updates += 1;
                }
                UpdateOutcome::Done {
                    read: self.read(schema.entity, id, schema).map(Box::new),
                }
            })
            .collect()
    }

    async fn remove(&self, _: &dyn Calls, entity: Entity, ids: &[RecordId]) -> Vec<RemoveOutcome> {
        ids.iter()
            .map(|id| match self.state().rows.remove(&(entity, id.clone())) {
                Some(_) => RemoveOutcome::Done,
                None => RemoveOutcome::Gone,
            })
            .collect()
    }

    fn webhook(&self, _: &Incoming<'_>, _: &WebhookKeys) -> Result<Delivery, WebhookError> {
        Err(WebhookError::None("the memory"))
    }
}
