//! Who records were while a history went on. Its end does not tell: people rename, and two who share a mailbox may bear one
//! name by then that were two people when one of them was made.

use std::collections::HashMap;

use sandbox::{
    System,
    judge::{Duplicate, Held},
};

use super::judge::WINDOW_MS;
use crate::World;

/// Each living record as it was from a moment on.
#[derive(Default)]
pub(super) struct Seen(HashMap<(System, String), Vec<(i64, Who)>>);

/// What tells people of one household apart.
#[derive(Clone, PartialEq, Eq)]
struct Who {
    first: String,
    last: String,
    birthday: String,
    emails: Vec<String>,
}

impl Who {
    fn of(held: &Held) -> Self {
        Self {
            first: held.first_name.to_lowercase(),
            last: held.last_name.to_lowercase(),
            birthday: held.birthday.clone(),
            emails: held
                .emails
                .iter()
                .chain([&held.email])
                .map(|email| email.trim().to_lowercase())
                .filter(|email| !email.is_empty())
                .collect(),
        }
    }

    /// Neither is called anything like the other's first name, and they were born on days that are no slip of the pen, or have
    /// nothing but a phone in common, like two of one office.
    fn is_somebody_else(&self, other: &Self) -> bool {
        let is_called = |name: &str, who: &Self| {
            let mut names = who
                .first
                .split_whitespace()
                .chain(who.last.split_whitespace());
            names.any(|called| called == name)
        };
        let strangers = |one: &Self, other: &Self| {
            !one.first.is_empty()
                && one
                    .first
                    .split_whitespace()
                    .all(|name| !is_called(name, other))
        };
        let days = self.birthday.bytes().zip(other.birthday.bytes());
        let are_born = !self.birthday.is_empty() && !other.birthday.is_empty();
        let is_born_otherwise = are_born && days.filter(|(one, other)| one != other).count() > 1;
        let shares_mailbox = self.emails.iter().any(|email| other.emails.contains(email));
        let have_a_phone = !are_born && !shares_mailbox && self.last != other.last;
        strangers(self, other) && strangers(other, self) && (is_born_otherwise || have_a_phone)
    }
}

impl Seen {
    /// Looks at all living records.
    pub(super) fn look(&mut self, world: &World, systems: &[System]) {
        let now = world.control.core().clock.now_ms();
        for system in systems {
            for held in world.living(*system) {
                let who = Who::of(&held);
                let seen = self.0.entry((*system, held.id)).or_default();
                if seen.last().is_none_or(|(_, last)| *last != who) {
                    seen.push((now, who));
                }
            }
        }
    }

    /// Whether one was another person than its double when it was made. Of people who share a mailbox or a phone, those with
    /// another first name and another birthday are two, and so are strangers on one phone: each is made, and who renames one into the other later, or gives
    /// both one birthday, makes the double themselves.
    pub(super) fn were_two(&self, world: &World, duplicate: &Duplicate) -> bool {
        let edits = world.control.core().edits.since(0);
        let made = edits.iter().find(|edit| {
            edit.system == duplicate.system
                && *edit.id == *duplicate.id
                && edit.operation == sandbox::Operation::Create
        });
        let seen = |id: &str| self.0.get(&(duplicate.system, id.to_owned()));
        let (Some(made), Some(one), Some(other)) = (made, seen(&duplicate.id), seen(&duplicate.of))
        else {
            return false;
        };
        let Some((_, born)) = one.first() else {
            return false;
        };
        // what we read just before we made it
        let known = other.iter().enumerate().filter(|(number, (from, _))| {
            let until = other.get(number + 1).map_or(i64::MAX, |(until, _)| *until);
            *from <= made.at_ms && made.at_ms - WINDOW_MS <= until
        });
        known
            .map(|(_, (_, who))| who)
            .any(|who| who.is_somebody_else(born))
    }
}
