//! Which user of one account is which of another, proposed from their e-mail addresses.

use record::Choice;
use serde::Serialize;

/// A proposal. What is in doubt is left to a person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Owners {
    /// Users with the same e-mail address, that of the left first.
    pub pairs: Vec<(Choice, Choice)>,
    /// Users of the left without a counterpart.
    pub left: Vec<Choice>,
    /// Users of the right without a counterpart.
    pub right: Vec<Choice>,
}

impl Owners {
    /// Pairs the users of two accounts. An address that several users of one account share names none of them.
    pub fn propose(left: &[Choice], right: &[Choice]) -> Self {
        let mut owners = Self::default();
        for one in left {
            match counterpart(one, left, right) {
                Some(other) => owners.pairs.push((one.clone(), other.clone())),
                None => owners.left.push(one.clone()),
            }
        }
        owners.right = right
            .iter()
            .filter(|other| owners.pairs.iter().all(|(_, taken)| taken.key != other.key))
            .cloned()
            .collect();
        owners
    }
}

/// The only user of the other account with the e-mail address that this one has alone.
pub(crate) fn counterpart<'a>(
    user: &Choice,
    own: &[Choice],
    others: &'a [Choice],
) -> Option<&'a Choice> {
    let mail = mail(user)?;
    let same = |other: &&Choice| self::mail(other).is_some_and(|other| other == mail);
    let mut found = others.iter().filter(same);
    let counterpart = found.next()?;
    (found.next().is_none() && own.iter().filter(same).count() == 1).then_some(counterpart)
}

/// The address in a label such as `Anna Berger <anna@example.org>`.
fn mail(user: &Choice) -> Option<String> {
    let label = user.label.trim();
    let mail = match label.strip_suffix('>') {
        Some(label) => label.rsplit_once('<')?.1,
        None => label,
    };
    let mail = mail.trim().to_lowercase();
    (mail.contains('@') && !mail.contains(' ')).then_some(mail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(key: &str, label: &str) -> Choice {
        Choice {
            key: key.to_owned(),
            label: label.to_owned(),
        }
    }

    #[test]
    fn users_are_paired_by_an_address_that_is_theirs_alone() {
        let left = [
            user("l1", "Anna Berger <Anna@berger.example>"),
            user("l2", "Office <info@berger.example>"),
            user("l3", "Jan"),
        ];
        let right = [
            user("anna", "A. Berger <anna@berger.example>"),
            user("desk1", "One <info@berger.example>"),
            user("desk2", "Two <info@berger.example>"),
            user("jan", "Jan"),
        ];
        let owners = Owners::propose(&left, &right);
        let keys = |users: &[Choice]| {
            users
                .iter()
                .map(|user| user.key.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(owners.pairs, [(left[0].clone(), right[0].clone())]);
        assert_eq!(keys(&owners.left), ["l2", "l3"]);
        assert_eq!(keys(&owners.right), ["desk1", "desk2", "jan"]);
        assert_eq!(Owners::propose(&right, &left).pairs.len(), 1);
    }
}
