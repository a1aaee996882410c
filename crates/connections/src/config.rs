//! What the config says of one connection, and checking it against the system's description.

use std::{collections::BTreeMap, num::NonZeroU32, path::Path, time::Duration};

use connector::{AuthScheme, Description, Effect, Limits, SecretText, Window};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use url::Url;

/// One authorised account in a system.
///
/// ```yaml
/// agency:
///   system: example
///   auth:
///     scheme: oauth
///     client_id: abc-123
///     client_secret: env:EXAMPLE_CLIENT_SECRET
///   settings:
///     country: DE
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionConfig {
    /// The system, by its short name.
    pub system: String,
    /// Where the API lives, if not at the vendor's usual address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub base_url: Option<Url>,
    /// How to sign in.
    pub auth: AuthConfig,
    /// What the system needs to know of the account and is no secret, such as its id or country.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Json>,
    /// Keys that verify webhooks, by name, if not the vendor's published ones. Public keys may
    /// stand here; shared secrets as `env:NAME` or `file:PATH`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub webhook_keys: BTreeMap<String, String>,
    /// Use less than the vendor allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsConfig>,
    /// Never write to this account, whatever a sync says.
    #[serde(default)]
    pub read_only: bool,
    /// `base_url` may lead to this machine or a private network, and may be plain `http`.
    /// Needed for the sandbox.
    #[serde(default)]
    pub allow_private_addresses: bool,
}

/// How to sign in: the scheme and what it needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuthConfig {
    /// One of the system's ways to sign in.
    pub scheme: String,
    /// What the scheme needs, by name. Secrets only as `env:NAME` or `file:PATH`; what is left out
    /// is asked for when the connection is made.
    #[serde(flatten)]
    pub fields: BTreeMap<String, String>,
}

/// Limits other than those of the vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// The vendor's documented limits hold. Switch them off only for a sandbox whose limits are off.
    #[serde(default = "yes")]
    pub documented: bool,
    /// Sliding windows; they hold beside the vendor's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowConfig>,
    /// Requests in flight at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<NonZeroU32>,
}

fn yes() -> bool {
    true
}

/// At most `requests` within any span of `seconds`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowConfig {
    /// How many.
    pub requests: NonZeroU32,
    /// Within how many seconds.
    pub seconds: NonZeroU32,
    /// Only writing requests count.
    #[serde(default)]
    pub writes_only: bool,
}

/// Something in a connection's config cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ConfigError {
    /// Where it stands, such as `connections.agency.auth.client_secret`.
    pub place: String,
    /// What is wrong and what to do. Holds no secret.
    pub problem: String,
}

impl ConfigError {
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
        }
    }
}

/// Where a secret comes from.
fn reference(text: &str) -> Option<Reference<'_>> {
    text.strip_prefix("env:")
        .map(Reference::Env)
        .or_else(|| text.strip_prefix("file:").map(Reference::File))
}

/// The secret that `env:NAME` or `file:PATH` refers to.
///
/// # Errors
/// Why there is none, without any secret.
pub fn secret(text: &str) -> Result<SecretText, String> {
    match reference(text) {
        Some(reference) => reference.resolve(),
        None => Err("a secret is given as `env:NAME` or `file:PATH`".to_owned()),
    }
}

enum Reference<'a> {
    Env(&'a str),
    File(&'a str),
}

impl Reference<'_> {
    fn resolve(&self) -> Result<SecretText, String> {
        let text = match self {
            Self::Env(name) => std::env::var(name).map_err(|error| match error {
                std::env::VarError::NotPresent => {
                    format!("the environment has no variable `{name}`")
                }
                std::env::VarError::NotUnicode(_) => {
                    format!("the variable `{name}` is no text")
                }
            })?,
            Self::File(path) => std::fs::read_to_string(Path::new(path))
                .map_err(|error| format!("the file `{path}` cannot be read: {error}"))?,
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err("the secret is empty".to_owned());
        }
        Ok(SecretText::new(text))
    }
}

impl ConnectionConfig {
    /// The chosen scheme.
    pub(crate) fn scheme<'a>(&self, description: &'a Description) -> Option<&'a AuthScheme> {
        description
            .auth
            .iter()
            .find(|scheme| scheme.name() == self.auth.scheme)
    }

    /// Where the API lives.
    pub(crate) fn base_url<'a>(&'a self, description: &Description) -> &'a str
    where
        'static: 'a,
    {
        self.base_url
            .as_ref()
            .map_or(description.base_url, |url| url.as_str())
            .trim_end_matches('/')
    }

    /// Checks everything that can be checked without the network. All errors, not only the first.
    /// Secrets are looked at only by the form of their reference.
    pub fn validate(&self, name: &str, description: &Description) -> Vec<ConfigError> {
        let place = format!("connections.{name}");
        let mut errors = Vec::new();
        if let Some(url) = &self.base_url {
            errors.extend(self.validate_url(&place, url));
        }
        match self.scheme(description) {
            None => {
                let known: Vec<_> = description.auth.iter().map(AuthScheme::name).collect();
                errors.push(ConfigError::new(
                    format!("{place}.auth.scheme"),
                    format!(
                        "{} has no way to sign in called `{}`; known are {}",
                        description.title,
                        self.auth.scheme,
                        known.join(", ")
                    ),
                ));
            }
            Some(scheme) => errors.extend(self.validate_fields(&place, scheme)),
        }
        errors
    }

    fn validate_url(&self, place: &str, url: &Url) -> Option<ConfigError> {
        let problem = match url.scheme() {
            "https" => None,
            "http" if self.allow_private_addresses => None,
            "http" => Some(
                "plain http would show the credentials to everybody on the way; use https, or set `allow_private_addresses: true` for a sandbox",
            ),
            _ => Some("the address must begin with https://"),
        };
        let problem = problem.or_else(|| {
            (url.query().is_some() || url.fragment().is_some() || !url.username().is_empty())
                .then_some("only host, port and path may stand here")
        });
        problem.map(|problem| ConfigError::new(format!("{place}.base_url"), problem))
    }

    fn validate_fields(&self, place: &str, scheme: &AuthScheme) -> Vec<ConfigError> {
        let check = |(name, value): (&String, &String)| {
            let place = format!("{place}.auth.{name}");
            let Some(field) = scheme.fields().iter().find(|field| field.name == name) else {
                let known: Vec<_> = scheme.fields().iter().map(|field| field.name).collect();
                return Some(ConfigError::new(
                    place,
                    format!(
                        "`{}` needs no such thing; known are {}",
                        scheme.name(),
                        known.join(", ")
                    ),
                ));
            };
            (field.secret && reference(value).is_none()).then(|| {
                ConfigError::new(
                    place,
                    "a secret does not belong into the config; write `env:NAME` or `file:PATH`, or leave it out and give it at `tandem connect`",
                )
            })
        };
        self.auth.fields.iter().filter_map(check).collect()
    }

    /// What the user gave in the config for signing in, secrets fetched.
    ///
    /// # Errors
    /// When a variable or file that is referred to is not there.
    pub(crate) fn given(&self, name: &str) -> Result<BTreeMap<String, SecretText>, ConfigError> {
        let resolve = |(field, value): (&String, &String)| {
            let text = match reference(value) {
                Some(reference) => reference.resolve().map_err(|problem| {
                    ConfigError::new(format!("connections.{name}.auth.{field}"), problem)
                })?,
                None => SecretText::new(value.as_str()),
            };
            Ok((field.clone(), text))
        };
        self.auth.fields.iter().map(resolve).collect()
    }

    /// The webhook keys, secrets fetched.
    ///
    /// # Errors
    /// When a variable or file that is referred to is not there.
    pub(crate) fn webhook_keys(&self, name: &str) -> Result<BTreeMap<String, String>, ConfigError> {
        let resolve = |(key, value): (&String, &String)| {
            let text = match reference(value) {
                Some(reference) => reference
                    .resolve()
                    .map_err(|problem| {
                        ConfigError::new(format!("connections.{name}.webhook_keys.{key}"), problem)
                    })?
                    .expose()
                    .to_owned(),
                None => value.clone(),
            };
            Ok((key.clone(), text))
        };
        self.webhook_keys.iter().map(resolve).collect()
    }

    /// The settings as one JSON object.
    pub(crate) fn settings(&self) -> Json {
        Json::Object(self.settings.clone().into_iter().collect())
    }
}

impl LimitsConfig {
    /// The windows in the contract's form; they hold beside the documented ones.
    pub(crate) fn windows(&self) -> Vec<Window> {
        self.windows
            .iter()
            .map(|window| Window {
                requests: window.requests.get(),
                per: Duration::from_secs(window.seconds.get().into()),
                effect: window.writes_only.then_some(Effect::Write),
            })
            .collect()
    }

    /// The concurrency to keep to.
    pub(crate) fn concurrency(&self, documented: &Limits) -> usize {
        self.concurrency.map_or(documented.concurrency, |limit| {
            documented.concurrency.min(limit.get() as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use connector::SignInField;

    use super::*;

    fn description() -> Description {
        let field = |name, secret| SignInField {
            name,
            label: name,
            secret,
            help: "",
        };
        Description {
            system: "example",
            title: "Example",
            base_url: "https://api.example.org/",
            auth: vec![AuthScheme::Pasted {
                name: "key",
                fields: vec![field("id", false), field("secret", true)],
            }],
            entities: Vec::new(),
            limits: Limits {
                windows: Vec::new(),
                concurrency: 4,
            },
            webhooks: false,
        }
    }

    fn parse(text: Json) -> ConnectionConfig {
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn every_problem_is_named_with_its_place_and_no_secret() {
        let config = parse(serde_json::json!({
            "system": "example", "base_url": "http://10.0.0.1",
            "auth": {"scheme": "key", "secret": "hunter2hunter2", "sceret": "env:X"},
        }));
        let errors = config.validate("office", &description());
        let places: Vec<_> = errors.iter().map(|error| error.place.as_str()).collect();
        assert_eq!(
            places,
            [
                "connections.office.base_url",
                "connections.office.auth.sceret",
                "connections.office.auth.secret",
            ]
        );
        assert!(!format!("{errors:?}").contains("hunter2"));
    }

    #[test]
    fn secrets_come_from_files_and_a_missing_one_says_which() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "hunter2\n").unwrap();
        let config = parse(serde_json::json!({
            "system": "example",
            "auth": {"scheme": "key", "id": "7", "secret": format!("file:{}", file.display())},
        }));
        assert!(config.validate("office", &description()).is_empty());
        let given = config.given("office").unwrap();
        assert_eq!(given["secret"].expose(), "hunter2");
        assert_eq!(given["id"].expose(), "7");

        let config = parse(serde_json::json!({
            "system": "example", "auth": {"scheme": "key", "secret": "env:TANDEM_TEST_NOT_SET"},
        }));
        let error = config.given("office").unwrap_err().to_string();
        assert_eq!(
            error,
            "connections.office.auth.secret: the environment has no variable `TANDEM_TEST_NOT_SET`"
        );
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = serde_json::from_value::<ConnectionConfig>(serde_json::json!({
            "system": "example", "auth": {"scheme": "key"}, "readonly": true,
        }))
        .unwrap_err();
        assert!(error.to_string().contains("unknown field `readonly`"));
    }
}
