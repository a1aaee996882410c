//! Who is who: identity keys of a person or an organisation, the judgement of two records, and the choice among
//! candidates.
//!
//! The order of work is: [`Person::keys`] finds candidates by equality, [`compare()`] judges each pair,
//! [`choose()`] makes one choice out of the judgements, and [`confirm`] checks it from the other side.
//! A link is made by itself only if a strong key is shared *and* nothing speaks against it. People
//! who live together share phones and mailboxes, and strangers share names; such pairs are questions.

mod rules;

mod person;

mod phone;

mod name;

mod organisation;

mod compare;

mod choose;

pub use choose::{Candidate, Choice, choose, confirm, is_spoken_for};
pub use compare::{Finding, Verdict, compare, explain};
pub use person::{Facts, IdentityKey, KeyKind, Person};
pub use phone::{is_but_for_country, is_of_country};
pub use rules::MatchRules;

#[cfg(test)]
mod tests;
