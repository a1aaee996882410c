//! What a connection holds of its account, and how it is kept: sealed, under a version.

use async_trait::async_trait;
use connector::{Credentials, SecretText, Subscription};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use store::{ConnectionName, CredentialRow, Saved};
use vault::{KeyRing, OpenError, Place, RotateError, SealError};
use zeroize::Zeroizing;

/// Keeps sealed credentials. What it is given is opaque to it.
#[async_trait]
pub trait CredentialStore: Send + Sync + 'static {
    /// What is kept for a connection.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn load(
        &self,
        connection: &ConnectionName,
    ) -> Result<Option<CredentialRow>, CredentialStoreError>;

    /// Saves if the version is still `expected` (0: none yet). Durable when it returns.
    ///
    /// # Errors
    /// When it cannot be saved.
    async fn save_if_version(
        &self,
        connection: &ConnectionName,
        sealed: &[u8],
        expected: u64,
    ) -> Result<Saved, CredentialStoreError>;

    /// Says whether this process may still change what is kept, and so may sign in.
    ///
    /// # Errors
    /// When another process has taken over, or nobody can tell.
    async fn still_ours(&self) -> Result<(), CredentialStoreError>;
}

/// Credentials could not be read or saved.
#[derive(Debug, thiserror::Error)]
#[error("keep the credentials: {0}")]
pub struct CredentialStoreError(pub String);

/// Everything that a connection keeps of its account.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The form of this document.
    form: u32,
    pub(crate) credentials: Credentials,
    /// Which account it was made for.
    pub(crate) account: Option<KeptAccount>,
    /// Settings that the sign-in settled.
    pub(crate) settings: Json,
    /// When the tokens were obtained.
    pub(crate) obtained: Option<Timestamp>,
    /// The webhooks that were subscribed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<Subscription>,
}

/// The account that a connection belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptAccount {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// What is kept, and the version that it was read or saved as.
pub(crate) struct Held {
    pub(crate) kept: Kept,
    pub(crate) version: u64,
}

impl Held {
    /// Whether both speak with the same words: what was learnt beside them does not count.
    pub(crate) fn speaks_as(&self, other: &Self) -> bool {
        let token = |held: &Self| {
            let tokens = held.kept.credentials.tokens.as_ref();
            tokens.map(|tokens| tokens.access.expose().to_owned())
        };
        let given = |held: &Self| -> Vec<(String, String)> {
            let given = held.kept.credentials.given.iter();
            given
                .map(|(name, text)| (name.clone(), text.expose().to_owned()))
                .collect()
        };
        token(self) == token(other) && given(self) == given(other)
    }
}

/// What is kept cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptError {
    #[error(transparent)]
    Store(#[from] CredentialStoreError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Opened, but in no form that we know.
    #[error("read the saved credentials: their form is not known to this version")]
    Form,
}

const FORM: u32 = 1;

impl Kept {
    pub(crate) fn new(credentials: Credentials, settings: Json, obtained: Timestamp) -> Self {
        Self {
            form: FORM,
            credentials,
            account: None,
            settings,
            obtained: Some(obtained),
            subscription: None,
        }
    }

    pub(crate) fn seal(&self, vault: &KeyRing, place: Place<'_>) -> Result<Vec<u8>, KeptError> {
        let plain = Zeroizing::new(serde_json::to_vec(self).map_err(|_| KeptError::Form)?);
        Ok(vault.seal(place, &plain)?)
    }

    pub(crate) fn open(
        vault: &KeyRing,
        place: Place<'_>,
        sealed: &[u8],
    ) -> Result<Self, KeptError> {
        let plain = vault.open(place, sealed)?;
        // the parser's words could quote a secret, so they are dropped
        let kept: Self = serde_json::from_slice(&plain).map_err(|_| KeptError::Form)?;
        if kept.form == FORM {
            Ok(kept)
        } else {
            Err(KeptError::Form)
        }
    }
}

/// Removes every secret of these credentials from a text that is about to be shown or logged.
pub(crate) fn scrub(text: &str, credentials: &Credentials) -> String {
    let tokens = credentials.tokens.iter().flat_map(|tokens| {
        std::iter::once(&tokens.access)
            .chain(&tokens.refresh)
            .chain(tokens.further.values())
    });
    credentials
        .given
        .values()
        .chain(tokens)
        .map(SecretText::expose)
        .filter(|secret| secret.len() >= 6)
        .fold(text.to_owned(), |text, secret| {
            text.replace(secret, "[secret]")
        })
}

/// Seals the kept credentials of these connections anew with the current key of `vault`.
/// Gives back how many were sealed anew.
///
/// # Errors
/// When one cannot be read, opened or saved; those before it are done.
pub async fn reseal(
    store: &dyn CredentialStore,
    vault: &KeyRing,
    workspace: &str,
    connections: &[ConnectionName],
) -> Result<usize, ResealError> {
    let mut resealed = 0;
    for connection in connections {
        let place = Place {
            workspace,
            connection: connection.as_str(),
        };
        // a conflict means that somebody saved meanwhile: look again
        while let Some(row) = store.load(connection).await? {
            let Some(sealed) =
                vault
                    .rotate(place, &row.sealed)
                    .map_err(|source| ResealError::Rotate {
                        connection: connection.clone(),
                        source,
                    })?
            else {
                break;
            };
            let saved = store
                .save_if_version(connection, &sealed, row.version)
                .await?;
            if let Saved::Version(_) = saved {
                resealed += 1;
                break;
            }
        }
    }
    Ok(resealed)
}

/// Kept credentials could not be sealed anew.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    /// They cannot be read or saved.
    #[error(transparent)]
    Store(#[from] CredentialStoreError),
    /// They cannot be opened or sealed.
    #[error("seal the credentials of {connection} anew")]
    Rotate {
        /// Whose.
        connection: ConnectionName,
        /// Why.
        source: RotateError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_loses_every_secret_of_the_credentials() {
        let credentials: Credentials = serde_json::from_value(serde_json::json!({
            "scheme": "oauth", "given": {"client_secret": "given-secret", "id": "7"},
            "tokens": {
                "access": "access-secret", "refresh": "refresh-secret", "expires": null,
                "scopes": [], "account": null, "further": {"agency": "further-secret"},
            },
        }))
        .unwrap();
        let text = scrub(
            "7: given-secret, access-secret, refresh-secret and further-secret",
            &credentials,
        );
        assert_eq!(text, "7: [secret], [secret], [secret] and [secret]");
    }
}
