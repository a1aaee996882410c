//! Actions, and the envelope that carries them. No secret is in it: see `sign`.

use connector::{Effect, Request};
use http::Method;
use serde_json::{Map, Value as Json, json};

/// The one path of the API. Customers are routed to their release whatever it says
/// (documented: "Redirection of the API version").
pub(crate) const PATH: &str = "/api/stable/api.php";

/// Most write actions in one request. The vendor documents no maximum; clients report trouble with many
/// parallel requests, none with some dozen actions in one.
pub(crate) const WRITES: usize = 20;

/// Most records in one read (documented). One more and the vendor silently answers with 20 (observed).
pub(crate) const ROWS: usize = 500;

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Read,
    Get,
    Create,
    Modify,
    Delete,
    Do,
}

impl Verb {
    fn urn(self) -> &'static str {
        match self {
            Self::Read => "urn:onoffice-de-ns:smart:2.5:smartml:action:read",
            Self::Get => "urn:onoffice-de-ns:smart:2.5:smartml:action:get",
            Self::Create => "urn:onoffice-de-ns:smart:2.5:smartml:action:create",
            Self::Modify => "urn:onoffice-de-ns:smart:2.5:smartml:action:modify",
            Self::Delete => "urn:onoffice-de-ns:smart:2.5:smartml:action:delete",
            Self::Do => "urn:onoffice-de-ns:smart:2.5:smartml:action:do",
        }
    }

    fn effect(self) -> Effect {
        match self {
            Self::Read | Self::Get => Effect::Read,
            Self::Create | Self::Modify | Self::Delete | Self::Do => Effect::Write,
        }
    }
}

/// One action of a request.
#[derive(Debug, Clone)]
pub(crate) struct Action {
    pub(crate) verb: Verb,
    pub(crate) resource_type: &'static str,
    /// The record for single reads and writes; `""` for none.
    pub(crate) resource_id: Json,
    pub(crate) parameters: Map<String, Json>,
}

impl Action {
    pub(crate) fn new(verb: Verb, resource_type: &'static str, parameters: Json) -> Self {
        Self {
            verb,
            resource_type,
            resource_id: json!(""),
            parameters: match parameters {
                Json::Object(parameters) => parameters,
                _ => Map::new(),
            },
        }
    }

    /// On this record or with this literal word.
    pub(crate) fn on(mut self, resource_id: impl Into<Json>) -> Self {
        self.resource_id = resource_id.into();
        self
    }
}

/// The request for these actions. An action's identifier is its place, so that answers can be matched
/// by it and by their order.
pub(crate) fn request(operation: &'static str, actions: &[Action], records: usize) -> Request {
    let effect = match actions
        .iter()
        .any(|action| action.verb.effect() == Effect::Write)
    {
        true => Effect::Write,
        false => Effect::Read,
    };
    let actions: Vec<Json> = actions
        .iter()
        .enumerate()
        .map(|(place, action)| {
            json!({
                "actionid": action.verb.urn(),
                "resourceid": action.resource_id,
                "resourcetype": action.resource_type,
                "identifier": place.to_string(),
                "parameters": action.parameters,
            })
        })
        .collect();
    let mut request = Request::new(operation, effect, Method::POST, PATH)
        .json(json!({ "request": { "actions": actions } }));
    request.records = records.max(1);
    request
}
