//! Hashing and trying passwords: one at a time, slowly where it was wrong.

use std::time::Duration;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use http::StatusCode;
use jiff::Timestamp;

use super::{LONGEST, Users, read, refused};
use crate::{
    Code,
    error::{ApiError, ApiResult},
};

/// Most who wait for their password to be tried.
const MOST_WAITING: usize = 8;
/// How long the next try waits after a wrong password, whoever makes it.
pub(super) const AFTER_WRONG: Duration = Duration::from_secs(1);
/// A password that nobody has is tried in the place of one that is not there, so that the time does not say who there is.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyBpdA$\
    9xQwDlnPMIc9YqDLmzMPFpqmb3LBQoTxlMSTeeQnJZ0";

/// Whose turn it is.
pub(super) struct Trying {
    /// One password is tried at a time, for that takes memory and a core. Whoever gave a wrong one waits
    /// outside, so that those who try passwords keep nobody else from coming in.
    one_at_a_time: tokio::sync::Mutex<()>,
    /// Who may wait for their turn.
    waiting: tokio::sync::Semaphore,
}

impl Default for Trying {
    fn default() -> Self {
        Self {
            one_at_a_time: tokio::sync::Mutex::default(),
            waiting: tokio::sync::Semaphore::new(MOST_WAITING),
        }
    }
}

/// The hash of a password, as a PHC string.
pub(super) async fn hashed(password: String) -> ApiResult<String> {
    let hashed = tokio::task::spawn_blocking(move || {
        Argon2::default()
            .hash_password(password.as_bytes())
            .map(|hash| hash.to_string())
    });
    hashed
        .await
        .map_err(|error| ApiError::internal(format!("hashing broke off: {error}")))?
        .map_err(|error| ApiError::internal(format!("hashing failed: {error}")))
}

impl Users {
    /// Checks a password; says since when it is the user's.
    pub(super) async fn verify(&self, name: &str, password: String) -> ApiResult<Timestamp> {
        let Ok(place) = self.trying.waiting.try_acquire() else {
            return Err(ApiError::new(
                StatusCode::TOO_MANY_REQUESTS,
                Code::BadRequest,
                "too many passwords are being tried",
            )
            .hint("try again in a few seconds"));
        };
        let alone = self.trying.one_at_a_time.lock().await;
        if read(&self.people)
            .values()
            .all(|user| user.password.is_none())
        {
            return Err(refused("no password was set yet")
                .hint("open the link that Tandem printed when it started"));
        }
        let known = self.find(name).and_then(|user| user.password);
        let since = known.as_ref().map(|(_, since)| *since);
        let against = known.map_or_else(|| NOBODYS.to_owned(), |(hash, _)| hash);
        let verified = tokio::task::spawn_blocking(move || {
            if password.len() > LONGEST {
                return Ok(false);
            }
            let known = PasswordHash::new(&against)
                .map_err(|error| format!("the kept hash cannot be read: {error}"))?;
            Ok::<bool, String>(
                Argon2::default()
                    .verify_password(password.as_bytes(), &known)
                    .is_ok(),
            )
        });
        let verified = verified.await;
        drop((alone, place));
        match (verified, since) {
            (Ok(Ok(true)), Some(since)) => Ok(since),
            (Ok(Ok(_)), _) => {
                self.clock.sleep(AFTER_WRONG).await;
                Err(refused("the name or the password is wrong"))
            }
            (Ok(Err(why)), _) => Err(ApiError::internal(why)),
            (Err(error), _) => Err(ApiError::internal(format!("verifying broke off: {error}"))),
        }
    }

    /// Refuses whoever knew a password that was replaced meanwhile.
    pub(super) fn still(&self, name: &str, known: Timestamp) -> ApiResult<()> {
        let now = self.find(name).and_then(|user| user.password);
        if now.is_some_and(|(_, since)| since == known) {
            Ok(())
        } else {
            Err(refused("the password was replaced meanwhile"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_that_is_nobodys_takes_as_long_as_any_other() {
        let nobodys = PasswordHash::new(NOBODYS).unwrap();
        let own = Argon2::default()
            .hash_password(b"four words make it")
            .unwrap();
        assert_eq!(nobodys.algorithm, own.algorithm);
        assert_eq!(nobodys.version, own.version);
        assert_eq!(nobodys.params, own.params);
        Argon2::default()
            .verify_password(b"", &nobodys)
            .unwrap_err();
    }
}
