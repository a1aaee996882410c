//! A document as a system: its operations, and the connector that calls them.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use connector::{
    Account, Calls, Change, Connector, CreateOutcome, Credentials, Delivery, Description, Draft,
    Error, Fetched, Grant, IdentityKey, Incoming, Limits, Page, PageRequest, RemoveOutcome,
    Request, Response, UpdateOutcome, Verdict, WebhookError, WebhookKeys,
    catalog::{Catalog, Operation},
};
use http::header::RETRY_AFTER;
use jiff::Timestamp;
use record::{Entity, Read, RecordId, Schema};
use serde_json::Value as Json;

use crate::document::{Document, Unreadable};
use crate::operation::{METHODS, operation};
use crate::sign_in::{self, Way};

/// Requests in flight at once: nothing is known about the API.
const IN_FLIGHT: usize = 4;

/// A text that lives as long as the process, as what describes a system must. Systems are read once, at the start.
pub(crate) fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// A call that is not among the operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// `POST /files`.
    pub call: String,
    /// Why.
    pub why: &'static str,
}

/// What an import came to.
#[derive(Debug)]
pub struct Imported {
    /// What the document calls itself.
    pub title: String,
    /// Where the API lives. Empty: the document does not say, and the connection must.
    pub base_url: String,
    /// The ways to sign in, as the config names them.
    pub auth: String,
    /// The calls.
    pub operations: Vec<Operation>,
    /// What could not be taken.
    pub left_out: Vec<LeftOut>,
    ways: Vec<Way>,
}

/// Reads a document.
///
/// # Errors
/// When it is no OpenAPI 3.x in JSON, or nothing in it can be called.
pub fn read(text: &str) -> Result<Imported, Unreadable> {
    let document = Document::parse(text)?;
    let root = document.root();
    let mut operations: Vec<Operation> = Vec::new();
    let mut left_out = Vec::new();
    let mut taken = BTreeSet::new();
    for (path, item) in root["paths"].as_object().into_iter().flatten() {
        let item = document.meant(item);
        for method in METHODS {
            let call = &item[method];
            if !call.is_object() {
                continue;
            }
            let id = unique(name(path, method, call), &mut taken);
            match operation(&document, id, path, method, item, call) {
                Ok(operation) => operations.push(operation),
                Err(why) => left_out.push(LeftOut {
                    call: format!("{} {path}", method.to_uppercase()),
                    why,
                }),
            }
        }
    }
    if operations.is_empty() {
        return Err(Unreadable::Empty);
    }
    operations.sort_by(|one, other| one.family().cmp(other.family()));
    let ways = sign_in::ways(&document);
    Ok(Imported {
        title: root["info"]["title"]
            .as_str()
            .unwrap_or("An API")
            .to_owned(),
        base_url: server(root),
        auth: sign_in::words(&ways).to_owned(),
        operations,
        left_out,
        ways,
    })
}

/// The first server, with the defaults of its variables. Empty where it is only a path.
fn server(root: &Json) -> String {
    let server = &root["servers"][0];
    let mut url = server["url"].as_str().unwrap_or_default().to_owned();
    for (name, variable) in server["variables"].as_object().into_iter().flatten() {
        let value = variable["default"].as_str().unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), value);
    }
    match url.contains("://") {
        true => url.trim_end_matches('/').to_owned(),
        false => String::new(),
    }
}

/// `contacts.get_contact`: the first tag or the first word of the path, and the operation's own id or what it does.
fn name(path: &str, method: &str, call: &Json) -> String {
    let words: Vec<String> = path
        .split('/')
        .filter(|word| !word.is_empty() && !word.starts_with('{'))
        .map(snake)
        .filter(|word| !word.is_empty())
        .collect();
    let tag = call["tags"][0].as_str().map(snake);
    let family = tag.filter(|tag| !tag.is_empty()).or(words.first().cloned());
    let family = family.unwrap_or_else(|| "api".to_owned());
    let own = call["operationId"].as_str().map(snake);
    let own = own.filter(|own| !own.is_empty());
    let does = own.unwrap_or_else(|| {
        let mut does = vec![method.to_owned()];
        does.extend(words);
        does.join("_")
    });
    format!("{family}.{does}")
}

fn unique(id: String, taken: &mut BTreeSet<String>) -> String {
    let mut own = id.clone();
    let mut number = 2;
    while !taken.insert(own.clone()) {
        own = format!("{id}_{number}");
        number += 1;
    }
    own
}

/// Small letters, digits and `_`.
fn snake(text: &str) -> String {
    let mut snake = String::with_capacity(text.len() + 4);
    let mut before = ' ';
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() {
            if letter.is_ascii_uppercase()
                && (before.is_ascii_lowercase() || before.is_ascii_digit())
            {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
        } else if !snake.ends_with('_') && !snake.is_empty() {
            snake.push('_');
        }
        before = letter;
    }
    snake.trim_end_matches('_').to_owned()
}

/// The connector of an imported document.
pub struct OpenApi {
    description: Description,
    catalog: &'static Catalog,
    ways: Vec<Way>,
}

impl OpenApi {
    /// The system of this name.
    ///
    /// # Errors
    /// When the name is none, or what was imported is no catalog.
    pub fn new(name: &str, imported: Imported) -> Result<Self, Unreadable> {
        let plain =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        let begins = name.starts_with(|letter: char| letter.is_ascii_lowercase());
        if !begins || !name.chars().all(plain) {
            return Err(Unreadable::Name(name.to_owned()));
        }
        let operations = serde_json::to_string(&imported.operations)
            .map_err(|error| Unreadable::Text(error.to_string()))?;
        let catalog = Catalog::read(&[("document", &operations)], "{}", "{}")?;
        Ok(Self {
            description: Description {
                system: kept(name),
                title: kept(&imported.title),
                base_url: kept(&imported.base_url),
                auth: imported.ways.iter().map(Way::scheme).collect(),
                entities: Vec::new(),
                limits: Limits {
                    windows: Vec::new(),
                    concurrency: IN_FLIGHT,
                },
                webhooks: false,
            },
            catalog: Box::leak(Box::new(catalog)),
            ways: imported.ways,
        })
    }

    fn way(&self, scheme: &str) -> Option<&Way> {
        self.ways.iter().find(|way| way.name() == scheme)
    }

    fn nothing(&self, entity: Entity) -> Error {
        Error::Unsupported {
            system: self.description.title,
            what: format!("records of kind {entity}: it was imported for its operations"),
        }
    }

    fn no_redirect<T>(&self) -> Result<T, Error> {
        Err(Error::Unsupported {
            system: self.description.title,
            what: "sign in by redirect".to_owned(),
        })
    }
}

#[async_trait]
impl Connector for OpenApi {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn authorise(
        &self,
        request: &mut Request,
        credentials: &Credentials,
        _settings: &Json,
        _now: Timestamp,
    ) -> Result<(), Error> {
        match self.way(&credentials.scheme) {
            Some(way) => way.sign(request, credentials),
            None => Err(Error::Unsupported {
                system: self.description.title,
                what: format!("sign-in by `{}`", credentials.scheme),
            }),
        }
    }

    fn verdict(&self, _request: &Request, response: &Response) -> Verdict {
        match response.status.as_u16() {
            429 => {
                let wait = response.headers.get(RETRY_AFTER);
                let wait = wait.and_then(|value| value.to_str().ok()?.trim().parse().ok());
                Verdict::Throttled {
                    wait: wait.map(Duration::from_secs),
                    daily: false,
                }
            }
            401 => Verdict::TokenRefused,
            status @ (408 | 500..) => Verdict::Unavailable {
                message: format!("HTTP {status}"),
            },
            _ => Verdict::Answered,
        }
    }

    fn scopes(&self, _entities: &[Entity], _write: bool) -> Vec<String> {
        let needed = self
            .catalog
            .operations
            .iter()
            .flat_map(|operation| &operation.needs);
        let needed: BTreeSet<&String> = needed.collect();
        needed.into_iter().cloned().collect()
    }

    fn authorize_url(
        &self,
        _base_url: &str,
        _credentials: &Credentials,
        _settings: &Json,
        _redirect_uri: &str,
        _scopes: &[String],
        _state: &str,
    ) -> Result<String, Error> {
        self.no_redirect()
    }

    async fn exchange_code(
        &self,
        _calls: &dyn Calls,
        _credentials: &Credentials,
        _redirect_uri: &str,
        _code: &str,
    ) -> Result<Grant, Error> {
        self.no_redirect()
    }

    async fn refresh(
        &self,
        calls: &dyn Calls,
        credentials: &Credentials,
        scopes: &[String],
    ) -> Result<Grant, Error> {
        match self.way(&credentials.scheme) {
            Some(Way::Client(address)) => sign_in::token(calls, credentials, address, scopes).await,
            _ => self.no_redirect(),
        }
    }

    /// Nothing is asked: no call of an unknown API is known to be harmless. So the account is what is told of it: where it is, who
    /// signs in, and the setting `account`, by which two accounts with bare tokens are told apart.
    async fn check(
        &self,
        calls: &dyn Calls,
        credentials: &Credentials,
        _entities: &[Entity],
        _write: bool,
    ) -> Result<Account, Error> {
        let at = match calls.base_url() {
            "" => self.description.base_url,
            own => own,
        };
        if at.is_empty() {
            return Err(Error::Setting {
                setting: "base_url",
                hint: "the document does not say where the API lives; set it for the connection"
                    .to_owned(),
            });
        }
        let who = ["username", "client_id"]
            .iter()
            .find_map(|name| credentials.given(name));
        let account = calls.settings()["account"].as_str();
        let parts = [Some(at), who, account];
        Ok(Account {
            id: parts.into_iter().flatten().collect::<Vec<_>>().join(" "),
            name: account.unwrap_or(self.description.title).to_owned(),
            country: None,
            time_zone: None,
            missing: Vec::new(),
            remarks: vec!["the sign-in is tried by the first call".to_owned()],
        })
    }

    async fn schema(&self, _calls: &dyn Calls, entity: Entity) -> Result<Schema, Error> {
        Err(self.nothing(entity))
    }

    async fn fetch(
        &self,
        _calls: &dyn Calls,
        schema: &Schema,
        _ids: &[RecordId],
    ) -> Result<Vec<Fetched>, Error> {
        Err(self.nothing(schema.entity))
    }

    async fn changes(
        &self,
        _calls: &dyn Calls,
        schema: &Schema,
        _page: PageRequest,
    ) -> Result<Page, Error> {
        Err(self.nothing(schema.entity))
    }

    async fn list(
        &self,
        _calls: &dyn Calls,
        schema: &Schema,
        _page: PageRequest,
    ) -> Result<Page, Error> {
        Err(self.nothing(schema.entity))
    }

    async fn find(
        &self,
        _calls: &dyn Calls,
        schema: &Schema,
        _keys: &[IdentityKey],
    ) -> Result<Vec<Read>, Error> {
        Err(self.nothing(schema.entity))
    }

    async fn create(
        &self,
        _calls: &dyn Calls,
        schema: &Schema,
        drafts: &[Draft],
    ) -> Vec<CreateOutcome> {
        let refused = |_| CreateOutcome::Failed(self.nothing(schema.entity));
        drafts.iter().map(refused).collect()
    }

    async fn update(
        &self,
        _calls: &dyn Calls,
        schema: &Schema,
        changes: &[Change],
    ) -> Vec<UpdateOutcome> {
        let refused = |_| UpdateOutcome::Failed(self.nothing(schema.entity));
        changes.iter().map(refused).collect()
    }

    async fn remove(
        &self,
        _calls: &dyn Calls,
        entity: Entity,
        ids: &[RecordId],
    ) -> Vec<RemoveOutcome> {
        let refused = |_| RemoveOutcome::Failed(self.nothing(entity));
        ids.iter().map(refused).collect()
    }

    fn catalog(&self) -> &'static Catalog {
        self.catalog
    }

    fn webhook(
        &self,
        _incoming: &Incoming<'_>,
        _keys: &WebhookKeys,
    ) -> Result<Delivery, WebhookError> {
        Err(WebhookError::None(self.description.title))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_made_of_tags_ids_and_paths() {
        let call = |text: &str| serde_json::from_str::<Json>(text).unwrap();
        let tagged = call(r#"{"tags": ["Contact Notes"], "operationId": "get-allNotes"}"#);
        assert_eq!(
            name("/contacts/{id}/notes", "get", &tagged),
            "contact_notes.get_all_notes"
        );
        assert_eq!(
            name("/contacts/{id}/notes", "get", &json!({})),
            "contacts.get_contacts_notes"
        );
        assert_eq!(name("/{id}", "get", &json!({})), "api.get");
        let mut taken = BTreeSet::new();
        let twice = [(), ()].map(|()| unique("a.b".to_owned(), &mut taken));
        assert_eq!(twice, ["a.b", "a.b_2"]);
    }

    #[test]
    fn the_server_is_the_first_with_its_defaults() {
        let root = json!({"servers": [{"url": "https://{region}.example.com/v1/",
            "variables": {"region": {"default": "eu"}}}, {"url": "https://other.example.com"}]});
        assert_eq!(server(&root), "https://eu.example.com/v1");
        assert_eq!(server(&json!({"servers": [{"url": "/api"}]})), "");
    }
}
