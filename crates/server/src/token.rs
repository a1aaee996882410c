//! Who may use the API: bearer tokens, of which only hashes are kept.
//!
//! A token is 256 random bits, so one round of SHA-256 is enough to keep it: there is nothing to
//! guess. Comparing takes the same time whatever the difference.

use std::fmt::Write as _;

use http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::config::{Access, Api};

/// A token that was just made. Its text is shown or written down once.
#[derive(Clone)]
pub struct NewToken(String);

impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[token]")
    }
}

impl NewToken {
    /// A new random token.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(format!("tandem_{}", hexadecimal(&bytes))))
    }

    /// The text to put behind `Bearer`.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the config keeps of it.
    pub fn sha256(&self) -> String {
        hexadecimal(&Sha256::digest(self.0.as_bytes()))
    }
}

/// The hashes of all tokens that are taken.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tokens {
    hashes: Vec<(String, Access)>,
}

impl Tokens {
    /// The command line's own token and those of the config.
    pub(crate) fn new(own: &NewToken, api: Option<&Api>) -> Self {
        let configured = api
            .into_iter()
            .flat_map(|api| api.tokens.values())
            .map(|token| (token.sha256.clone(), token.access));
        Self {
            hashes: std::iter::once((own.sha256(), Access::Admin))
                .chain(configured)
                .collect(),
        }
    }

    /// What the bearer of these headers may do.
    pub(crate) fn access(&self, headers: &HeaderMap) -> Option<Access> {
        let token = headers
            .get(header::AUTHORIZATION)?
            .to_str()
            .ok()?
            .strip_prefix("Bearer ")?
            .trim();
        let hash = hexadecimal(&Sha256::digest(token.as_bytes()));
        let mut found = None;
        for (known, access) in &self.hashes {
            if bool::from(known.as_bytes().ct_eq(hash.as_bytes())) {
                found = found.max(Some(*access));
            }
        }
        found
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // writing into a string does not fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ApiToken;

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        headers
    }

    #[test]
    fn only_known_tokens_are_taken_each_with_its_access() {
        let own = NewToken::random().unwrap();
        let reader = NewToken::random().unwrap();
        let api = Api {
            tokens: [(
                "grafana".to_owned(),
                ApiToken {
                    sha256: reader.sha256(),
                    access: Access::Read,
                },
            )]
            .into(),
        };
        let tokens = Tokens::new(&own, Some(&api));
        let access = |value: &str| tokens.access(&headers(value));
        assert_eq!(
            access(&format!("Bearer {}", own.expose())),
            Some(Access::Admin)
        );
        assert_eq!(
            access(&format!("Bearer {}", reader.expose())),
            Some(Access::Read)
        );
        assert_eq!(access(&format!("Bearer {}", reader.sha256())), None);
        assert_eq!(access(&format!("Basic {}", own.expose())), None);
        assert_eq!(access("Bearer "), None);
        assert_eq!(tokens.access(&HeaderMap::new()), None);
        assert!(!format!("{own:?}").contains(own.expose()));
    }
}
