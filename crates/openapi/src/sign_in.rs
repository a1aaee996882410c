//! Signing in as the document says: bearer, basic, a key, or client credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector::{
    AuthScheme, Body, CallError, Calls, Credentials, Effect, Error, Grant, Request, SecretText,
    SignInField, Tokens,
};
use http::{HeaderName, HeaderValue, Method, header::AUTHORIZATION};
use jiff::SignedDuration;
use serde_json::Value as Json;

use crate::document::Document;
use crate::system::kept;

/// The operation that asks for a token.
pub(crate) const TOKEN: &str = "sign_in";

/// The life of a token whose answer does not say it.
const USUAL_LIFE: i64 = 3600;

/// How a request shows who sends it.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// Nothing is needed.
    Open,
    /// A token in the header `Authorization`.
    Bearer,
    /// A name and a password.
    Basic,
    /// A key in a header.
    Header(HeaderName),
    /// A key in the query.
    Query(String),
    /// A token that is asked for, at this address.
    Client(String),
}

fn field(name: &'static str, label: &'static str, secret: bool, help: &'static str) -> SignInField {
    SignInField {
        name,
        label,
        secret,
        help,
    }
}

impl Way {
    /// The word used in the config.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Open => "none",
            Self::Bearer => "token",
            Self::Basic => "basic",
            Self::Header(_) | Self::Query(_) => "api_key",
            Self::Client(_) => "client_credentials",
        }
    }

    /// What the user gives.
    pub(crate) fn scheme(&self) -> AuthScheme {
        let name = self.name();
        let fields = match self {
            Self::Open => Vec::new(),
            Self::Bearer => vec![field(
                "token",
                "Token",
                true,
                "a token of the API's own pages",
            )],
            Self::Basic => vec![
                field("username", "User", false, "the name to sign in with"),
                field("password", "Password", true, "its password"),
            ],
            Self::Header(_) | Self::Query(_) => {
                vec![field(
                    "key",
                    "API key",
                    true,
                    "a key of the API's own pages",
                )]
            }
            Self::Client(_) => {
                let fields = vec![
                    field("client_id", "Client ID", false, "of the application"),
                    field("client_secret", "Client secret", true, "of the application"),
                ];
                return AuthScheme::ClientCredentials { name, fields };
            }
        };
        AuthScheme::Pasted { name, fields }
    }

    /// Adds it to a request.
    pub(crate) fn sign(
        &self,
        request: &mut Request,
        credentials: &Credentials,
    ) -> Result<(), Error> {
        if request.operation == TOKEN {
            return Ok(());
        }
        let (name, value) = match self {
            Self::Open => return Ok(()),
            Self::Bearer => {
                let token = given(credentials, "token", request.operation)?;
                (AUTHORIZATION, format!("Bearer {token}"))
            }
            Self::Basic => {
                let user = given(credentials, "username", request.operation)?;
                let password = given(credentials, "password", request.operation)?;
                let pair = STANDARD.encode(format!("{user}:{password}"));
                (AUTHORIZATION, format!("Basic {pair}"))
            }
            Self::Header(name) => {
                let key = given(credentials, "key", request.operation)?;
                (name.clone(), key.to_owned())
            }
            Self::Query(name) => {
                let key = given(credentials, "key", request.operation)?.to_owned();
                request.query.push((name.clone(), key));
                return Ok(());
            }
            Self::Client(_) => {
                let tokens = credentials.tokens.as_ref();
                let token = tokens.ok_or_else(|| missing("the token", request.operation))?;
                (AUTHORIZATION, format!("Bearer {}", token.access.expose()))
            }
        };
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| missing("a secret without line breaks", request.operation))?;
        value.set_sensitive(true);
        request.headers.insert(name, value);
        Ok(())
    }
}

fn missing(what: &str, operation: &'static str) -> Error {
    CallError::Credentials {
        operation,
        why: format!("{what} is missing: connect again"),
    }
    .into()
}

fn given<'a>(
    credentials: &'a Credentials,
    name: &'static str,
    operation: &'static str,
) -> Result<&'a str, Error> {
    let text = credentials.given(name).map(str::trim);
    let text = text.filter(|text| !text.is_empty());
    text.ok_or_else(|| missing(name, operation))
}

/// The ways to sign in that the document names, each once. What it does not know how to do is passed over.
pub(crate) fn ways(document: &Document) -> Vec<Way> {
    let schemes = document.root()["components"]["securitySchemes"].as_object();
    let mut ways: Vec<Way> = Vec::new();
    for scheme in schemes.into_iter().flat_map(|schemes| schemes.values()) {
        if let Some(way) = way(document.meant(scheme))
            && !ways.iter().any(|known| known.name() == way.name())
        {
            ways.push(way);
        }
    }
    if ways.is_empty() {
        ways.push(match schemes.is_some_and(|schemes| !schemes.is_empty()) {
            // every way ends in a token that somebody can paste
            true => Way::Bearer,
            false => Way::Open,
        });
    }
    ways
}

fn way(scheme: &Json) -> Option<Way> {
    let word = |name: &str| scheme[name].as_str().map(str::to_lowercase);
    match (word("type")?.as_str(), word("scheme").as_deref()) {
        ("http", Some("bearer")) => Some(Way::Bearer),
        ("http", Some("basic")) => Some(Way::Basic),
        ("apikey", _) => {
            let name = scheme["name"].as_str()?;
            match word("in")?.as_str() {
                "header" if name.eq_ignore_ascii_case("authorization") => {
                    Some(Way::Header(AUTHORIZATION))
                }
                "header" => HeaderName::try_from(name).ok().map(Way::Header),
                "query" => Some(Way::Query(name.to_owned())),
                _ => None,
            }
        }
        ("oauth2", _) => {
            let address = scheme.pointer("/flows/clientCredentials/tokenUrl");
            match address.and_then(Json::as_str) {
                Some(address) => Some(Way::Client(address.to_owned())),
                None => Some(Way::Bearer),
            }
        }
        _ => None,
    }
}

/// Asks for a token. The setting `token_url` goes before the document's address.
pub(crate) async fn token(
    calls: &dyn Calls,
    credentials: &Credentials,
    address: &str,
    scopes: &[String],
) -> Result<Grant, Error> {
    let address = calls.settings()["token_url"].as_str().unwrap_or(address);
    let wrong = || Error::Setting {
        setting: "token_url",
        hint: "it must be the full address that answers tokens, with https://".to_owned(),
    };
    let (base, path) = match address.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').ok_or_else(wrong)?;
            (Some(format!("{scheme}://{host}")), format!("/{path}"))
        }
        None if address.starts_with('/') => (None, address.to_owned()),
        None => return Err(wrong()),
    };
    let mut request = Request::new(TOKEN, Effect::SignIn, Method::POST, path);
    request.base_url = base;
    let mut form = vec![("grant_type".to_owned(), "client_credentials".to_owned())];
    for name in ["client_id", "client_secret"] {
        form.push((name.to_owned(), given(credentials, name, TOKEN)?.to_owned()));
    }
    if !scopes.is_empty() {
        form.push(("scope".to_owned(), scopes.join(" ")));
    }
    request.body = Body::Form(form);
    let response = calls.send(request).await?;
    let unexpected = |what: &str| Error::Unexpected {
        operation: TOKEN,
        status: response.status.as_u16(),
        what: what.to_owned(),
    };
    if !response.status.is_success() {
        return Err(CallError::Credentials {
            operation: TOKEN,
            why: format!("no token was given (HTTP {})", response.status.as_u16()),
        }
        .into());
    }
    let body: Json = response.json(TOKEN)?;
    let access = body["access_token"]
        .as_str()
        .filter(|token| !token.is_empty());
    let access = access.ok_or_else(|| unexpected("it holds no access_token"))?;
    let life = body["expires_in"].as_i64().filter(|life| *life > 0);
    let life = SignedDuration::from_secs(life.unwrap_or(USUAL_LIFE));
    let granted = body["scope"].as_str().map(|scopes| {
        let words = scopes.split_whitespace();
        words.map(str::to_owned).collect()
    });
    Ok(Grant {
        tokens: Tokens {
            access: SecretText::new(access),
            refresh: None,
            expires: response.sent.checked_add(life).ok(),
            scopes: granted.unwrap_or_else(|| scopes.to_vec()),
            account: Json::Null,
            further: std::collections::BTreeMap::new(),
        },
        settings: Json::Object(serde_json::Map::new()),
    })
}

/// The words for the config, for people.
pub(crate) fn words(ways: &[Way]) -> &'static str {
    let words: Vec<&str> = ways.iter().map(Way::name).collect();
    kept(&words.join(", "))
}
