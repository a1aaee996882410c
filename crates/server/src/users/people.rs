//! Adding people, their roles and passwords, and removing them.

use std::sync::PoisonError;

use jiff::Timestamp;
use store::{Role, UserRow};

use super::{
    LINK_LASTS, OWNER, Users, fits, hash, read, refused, same,
    trying::{AFTER_WRONG, hashed},
    unfit, write,
};
use crate::{
    Code, NewToken,
    error::{ApiError, ApiResult},
};

/// The longest name of a user.
const LONGEST_NAME: usize = 64;

/// A user who was given a link to set a password.
pub(crate) struct Invited {
    /// The user.
    pub(crate) user: UserRow,
    /// The secret of the link.
    pub(crate) secret: NewToken,
    /// Until when it works.
    pub(crate) ends: Timestamp,
}

impl Users {
    /// All users, by name.
    pub(crate) fn all(&self) -> Vec<UserRow> {
        read(&self.people).values().cloned().collect()
    }

    /// Adds a user, who sets a password through a link.
    pub(crate) async fn invite(&self, name: &str, role: Role) -> ApiResult<Invited> {
        let fits = name.len() <= LONGEST_NAME
            && name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.@".contains(c));
        if !fits {
            return Err(ApiError::new(
                http::StatusCode::BAD_REQUEST,
                Code::UserUnfit,
                format!("`{name}` cannot be the name of a user"),
            )
            .hint(
                "lower case letters, digits, `-`, `_`, `.` and `@`, 64 in all at most: `ada` or `ada@example.org`",
            ));
        }
        let _alone = self.one_at_a_time.lock().await;
        if self.find(name).is_some() {
            return Err(
                unfit(format!("there is a user `{name}` already")).hint(format!(
                    "`tandem users link {name}` makes a new link for them"
                )),
            );
        }
        let user = UserRow {
            name: name.to_owned(),
            role,
            ..self.owner()
        };
        self.with_link(user).await
    }

    /// A new link for a user to set a password; one made before no longer works. The password until now does, until the
    /// link is used.
    pub(crate) async fn new_link(&self, name: &str) -> ApiResult<Invited> {
        let _alone = self.one_at_a_time.lock().await;
        let user = self.known(name)?;
        self.with_link(user).await
    }

    async fn with_link(&self, mut user: UserRow) -> ApiResult<Invited> {
        let secret = NewToken::random().map_err(|error| ApiError::internal(error.to_string()))?;
        let ends = self.now() + LINK_LASTS;
        user.link = Some((hash(secret.expose()), ends));
        self.keep(user.clone(), false).await?;
        Ok(Invited { user, secret, ends })
    }

    /// Gives a user another role.
    pub(crate) async fn set_role(&self, name: &str, role: Role) -> ApiResult<UserRow> {
        let _alone = self.one_at_a_time.lock().await;
        let mut user = self.known(name)?;
        self.not_the_last_owner(&user, role == Role::Owner)?;
        user.role = role;
        self.keep(user.clone(), false).await?;
        Ok(user)
    }

    /// Removes a user; their sessions and tokens end with it.
    pub(crate) async fn remove(&self, name: &str) -> ApiResult<()> {
        let _alone = self.one_at_a_time.lock().await;
        let user = self.known(name)?;
        self.not_the_last_owner(&user, false)?;
        self.store.remove_user(&self.workspace, name).await?;
        write(&self.people).remove(name);
        write(&self.sessions).retain(|_, session| session.user != name);
        write(&self.tokens).retain(|token| token.user.as_deref() != Some(name));
        Ok(())
    }

    /// Somebody has to be left who may do everything. Who never set a password does not count beside those who did.
    fn not_the_last_owner(&self, user: &UserRow, stays_owner: bool) -> ApiResult<()> {
        if stays_owner || user.role != Role::Owner {
            return Ok(());
        }
        let needs_password = self.has_owner();
        let others = read(&self.people).values().any(|other| {
            other.name != user.name
                && other.role == Role::Owner
                && (other.password.is_some() || !needs_password)
        });
        if others {
            return Ok(());
        }
        Err(unfit(format!(
            "`{}` is the last owner: nobody would be left who may do everything",
            user.name
        ))
        .hint("make somebody else an owner first, who has set a password"))
    }

    /// Sets a password through a link, and ends all sessions of its user. Says whose it is.
    pub(crate) async fn set_by_link(&self, secret: &str, password: String) -> ApiResult<String> {
        fits(&password)?;
        let alone = self.one_at_a_time.lock().await;
        let is_first = {
            let mut link = self
                .first_link
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let good = link
                .as_ref()
                .is_some_and(|link| same(link.expose(), secret));
            if good {
                *link = None;
            }
            good
        };
        let user = if is_first {
            Some(self.find(OWNER).unwrap_or_else(|| self.owner()))
        } else {
            self.of_link(&hash(secret))
        };
        let Some(mut user) = user else {
            drop(alone);
            self.clock.sleep(AFTER_WRONG).await;
            return Err(
                refused("this link was used, is too old, or a newer one was made")
                    .hint("ask an owner for a new one: `tandem users link NAME`"),
            );
        };
        if is_first {
            user.role = Role::Owner;
        }
        user.link = None;
        let name = user.name.clone();
        self.set(user, password).await?;
        Ok(name)
    }

    fn of_link(&self, hash: &str) -> Option<UserRow> {
        let now = self.now();
        let people = read(&self.people);
        let user = people.values().find(|user| {
            let link = user.link.as_ref();
            link.is_some_and(|(known, ends)| same(known, hash) && *ends > now)
        });
        user.cloned()
    }

    /// Replaces the password of whoever knows the old one, and ends all their sessions.
    pub(crate) async fn replace(&self, name: &str, old: String, new: String) -> ApiResult<()> {
        fits(&new)?;
        let known = self.verify(name, old).await?;
        let _alone = self.one_at_a_time.lock().await;
        self.still(name, known)?;
        self.set(self.known(name)?, new).await
    }

    async fn set(&self, mut user: UserRow, password: String) -> ApiResult<()> {
        user.password = Some((hashed(password).await?, self.now()));
        let name = user.name.clone();
        self.keep(user, true).await?;
        tracing::info!(
            user = name,
            "a password was set; all sessions of this user ended"
        );
        Ok(())
    }
}
