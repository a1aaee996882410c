//! Tokens of programs that are kept beside the config, each with scopes, a person, and an end.

use jiff::{SignedDuration, Timestamp};
use store::{Scope, TokenRow};
use subtle::ConstantTimeEq as _;

use super::{Users, read, unfit, write};
use crate::{
    Code, NewToken,
    error::{ApiError, ApiResult},
};

/// How much later the last use has to be to be kept.
const USED_ANEW: SignedDuration = SignedDuration::from_secs(60);

impl Users {
    /// All tokens, by name.
    pub(crate) fn tokens(&self) -> Vec<TokenRow> {
        read(&self.tokens).clone()
    }

    /// The token whose text has this hash, if it is still taken.
    pub(crate) fn token(&self, hash: &str) -> Option<TokenRow> {
        let now = self.now();
        let tokens = read(&self.tokens);
        let mut found = None;
        for token in tokens.iter() {
            if bool::from(token.hash.as_bytes().ct_eq(hash.as_bytes())) {
                found = Some(token);
            }
        }
        found
            .filter(|token| token.ends.is_none_or(|ends| ends > now))
            .cloned()
    }

    /// Notes that a token was used now.
    pub(crate) async fn token_used(&self, token: &TokenRow) -> Result<(), store::Error> {
        let now = self.now();
        if token
            .used
            .is_some_and(|used| now.duration_since(used) < USED_ANEW)
        {
            return Ok(());
        }
        if let Some(known) = write(&self.tokens)
            .iter_mut()
            .find(|known| known.name == token.name)
        {
            known.used = Some(now);
        }
        self.store
            .token_used(&self.workspace, &token.name, now)
            .await
    }

    /// Makes a token.
    pub(crate) async fn add_token(
        &self,
        name: &str,
        mut scopes: Vec<Scope>,
        user: Option<String>,
        ends: Option<Timestamp>,
    ) -> ApiResult<(TokenRow, NewToken)> {
        scopes.sort_unstable();
        scopes.dedup();
        let fits = name.len() <= 48
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c));
        let bad = |message: String| {
            ApiError::new(http::StatusCode::BAD_REQUEST, Code::UserUnfit, message)
        };
        if !fits {
            return Err(bad(format!("`{name}` cannot be the name of a token")).hint(
                "a name begins with a lower case letter and goes on with lower case letters, digits, `-` and `_`, 48 in all at most",
            ));
        }
        if scopes.is_empty() {
            return Err(bad("a token without a scope may do nothing".to_owned())
                .hint("one or more of `read`, `work`, `config`, `admin`"));
        }
        let now = self.now();
        if ends.is_some_and(|ends| ends <= now) {
            return Err(bad("this token would have ended already".to_owned()));
        }
        let secret = NewToken::random().map_err(|error| ApiError::internal(error.to_string()))?;
        let token = TokenRow {
            name: name.to_owned(),
            hash: secret.sha256(),
            scopes,
            user,
            created: now,
            ends,
            used: None,
        };
        let _alone = self.one_at_a_time.lock().await;
        // who was removed meanwhile must not leave a token that is nobody's
        if let Some(user) = &token.user {
            self.known(user)?;
        }
        if !self.store.add_token(&self.workspace, &token).await? {
            return Err(unfit(format!("there is a token `{name}` already"))
                .hint("choose another name, or remove that one"));
        }
        let mut tokens = write(&self.tokens);
        tokens.push(token.clone());
        tokens.sort_by(|one, other| one.name.cmp(&other.name));
        Ok((token, secret))
    }

    /// Removes a token.
    pub(crate) async fn remove_token(&self, name: &str) -> ApiResult<()> {
        let _alone = self.one_at_a_time.lock().await;
        self.store.remove_token(&self.workspace, name).await?;
        write(&self.tokens).retain(|token| token.name != name);
        Ok(())
    }
}
