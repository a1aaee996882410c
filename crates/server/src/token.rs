//! Who may use the API: bearer tokens, of which only hashes are kept.
//!
//! A token is 256 random bits, so one round of SHA-256 is enough to keep it: there is nothing to
//! guess. Comparing takes the same time whatever the difference.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use store::Scope;
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

/// A token that is taken: its name in the config, or none where it is the command line's own.
type Taken = (Option<String>, Vec<Scope>);

/// The hashes of the command line's own token and of those of the config.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tokens {
    hashes: Vec<(String, Taken)>,
}

impl Tokens {
    /// The command line's own token and those of the config.
    pub(crate) fn new(own: &NewToken, api: Option<&Api>) -> Self {
        let configured = api
            .into_iter()
            .flat_map(|api| &api.tokens)
            .map(|(name, token)| {
                let scopes = scopes_of_access(token.access).to_vec();
                (token.sha256.clone(), (Some(name.clone()), scopes))
            });
        let own = (own.sha256(), (None, Scope::ALL.to_vec()));
        Self {
            hashes: std::iter::once(own).chain(configured).collect(),
        }
    }

    /// The token whose text has this hash.
    pub(crate) fn find(&self, hash: &str) -> Option<Taken> {
        let mut found: Option<&Taken> = None;
        for (known, taken) in &self.hashes {
            if bool::from(known.as_bytes().ct_eq(hash.as_bytes()))
                && found.is_none_or(|found| found.1.len() < taken.1.len())
            {
                found = Some(taken);
            }
        }
        found.cloned()
    }
}

/// What a token of the config may do.
pub(crate) fn scopes_of_access(access: Access) -> &'static [Scope] {
    match access {
        Access::Read => &[Scope::Read],
        Access::Admin => &Scope::ALL,
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

    #[test]
    fn only_known_tokens_are_taken_each_with_its_scopes() {
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
        assert_eq!(
            tokens.find(&own.sha256()),
            Some((None, Scope::ALL.to_vec()))
        );
        assert_eq!(
            tokens.find(&reader.sha256()),
            Some((Some("grafana".to_owned()), vec![Scope::Read]))
        );
        assert_eq!(tokens.find(reader.expose()), None);
        assert_eq!(tokens.find(""), None);
        assert!(!format!("{own:?}").contains(own.expose()));
    }
}
