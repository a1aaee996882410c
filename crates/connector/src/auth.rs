//! How one signs in to a system, and what one then holds.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A way to sign in that a system offers.
#[derive(Debug, Clone)]
pub enum AuthScheme {
    /// OAuth 2 authorization code with a redirect, refresh tokens and scopes.
    AuthorizationCode {
        /// The word used in the config.
        name: &'static str,
        /// What the user types in beforehand: client id and secret.
        fields: Vec<SignInField>,
    },
    /// Something pasted once: a private token, or token and secret.
    Pasted {
        /// The word used in the config.
        name: &'static str,
        /// What the user pastes.
        fields: Vec<SignInField>,
    },
    /// OAuth 2 client credentials: no user, no refresh token.
    ClientCredentials {
        /// The word used in the config.
        name: &'static str,
        /// What the user types in: client id and secret.
        fields: Vec<SignInField>,
    },
}

impl AuthScheme {
    /// The word used in the config.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AuthorizationCode { name, .. }
            | Self::Pasted { name, .. }
            | Self::ClientCredentials { name, .. } => name,
        }
    }

    /// What the user has to give.
    pub fn fields(&self) -> &[SignInField] {
        match self {
            Self::AuthorizationCode { fields, .. }
            | Self::Pasted { fields, .. }
            | Self::ClientCredentials { fields, .. } => fields,
        }
    }
}

/// One thing a user gives to sign in.
#[derive(Debug, Clone)]
pub struct SignInField {
    /// Its key in the config and in [`Credentials`].
    pub name: &'static str,
    /// What people see.
    pub label: &'static str,
    /// Must never be shown again.
    pub secret: bool,
    /// Where to find it at the vendor, and its form.
    pub help: &'static str,
}

/// Secret text. Never printed; written out only into a sealed credential.
#[derive(Clone)]
pub struct SecretText(SecretString);

impl SecretText {
    /// Keeps this text secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself, for the moment of use.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// All that is needed to act as one connection. It is only ever stored sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Credentials {
    /// Which [`AuthScheme`] they belong to.
    pub scheme: String,
    /// What the user gave, by field name.
    pub given: std::collections::BTreeMap<String, SecretText>,
    /// What the system gave, if the scheme has tokens.
    pub tokens: Option<Tokens>,
}

impl Credentials {
    /// What the user gave for `field`.
    pub fn given(&self, field: &str) -> Option<&str> {
        self.given.get(field).map(SecretText::expose)
    }
}

/// Tokens as the system issued them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tokens {
    /// Goes into requests.
    pub access: SecretText,
    /// Buys the next pair. Single use at most systems.
    pub refresh: Option<SecretText>,
    /// When the access token ends, by our clock.
    pub expires: Option<Timestamp>,
    /// What was granted.
    pub scopes: Vec<String>,
    /// Which account it is for, as far as the token answer says
    /// (for HighLevel `locationId`, `companyId`, `userType`).
    pub account: serde_json::Value,
    /// Further secrets of the sign-in that a later refresh needs, by the connector's own names (for
    /// HighLevel the agency's pair, from which a location's pair is made). Most systems have none.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub further: std::collections::BTreeMap<String, SecretText>,
}

/// What a sign-in ended with.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The tokens.
    pub tokens: Tokens,
    /// Settings that the grant settles, such as the location id; merged into the connection's.
    pub settings: serde_json::Value,
}
