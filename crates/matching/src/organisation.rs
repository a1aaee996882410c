//! Companies and the like: who they are stands in their name, and many carry nothing else.
//!
//! A name alone never links: one-person firms share it by chance, chains by design. It is a question, so that a
//! company that is on both sides without an address is not doubled, and not guessed.

use record::fold;

use crate::{Finding, KeyKind, MatchRules, Person, Verdict, compare::shared_keys};

/// The name of an organisation, as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Organisation {
    /// Folded, as it is spelled.
    spelled: String,
    /// The same without its legal form.
    core: String,
}

impl Organisation {
    pub(crate) fn new(name: Option<&str>) -> Self {
        let name = name.unwrap_or_default();
        Self {
            spelled: fold::loose(name),
            core: fold::organisation(name),
        }
    }

    /// By which others of that name are found.
    pub(crate) fn key(&self) -> Option<&str> {
        (!self.core.is_empty()).then_some(&self.core)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Likeness {
    Same,
    /// But for its legal form.
    Close,
    Other,
    Missing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Same,
    /// The same postcode, and a street that one does not say.
    Near,
    Other,
    Unknown,
}

/// Judges one pair of organisations.
pub(crate) fn compare(
    one: &Person,
    other: &Person,
    names: (&Organisation, &Organisation),
    rules: &MatchRules,
) -> Verdict {
    let mut findings = Vec::with_capacity(5);
    let shared = shared_keys(one, other, &mut findings);
    // One mailbox of many is no news about a company, as it would be about a person.
    findings.retain(|finding| *finding != Finding::OtherEmail);
    let name = likeness(names.0, names.1);
    findings.push(match name {
        Likeness::Same => Finding::SameName,
        Likeness::Close => Finding::CloseName,
        Likeness::Other => Finding::OtherName,
        Likeness::Missing => Finding::NoName,
    });
    let place = place(one, other);
    match place {
        Place::Same => findings.extend([Finding::SamePostcode, Finding::SameStreet]),
        Place::Near => findings.push(Finding::SamePostcode),
        Place::Other => findings.push(Finding::OtherAddress),
        Place::Unknown => {}
    }
    let alike = matches!(name, Likeness::Same | Likeness::Close);
    let by = rules.keys.iter().copied().find(|kind| match kind {
        KeyKind::Name => name == Likeness::Same,
        KeyKind::NamePostcode => name == Likeness::Same && place == Place::Same,
        KeyKind::NameBirthday => false,
        kind => shared.contains(kind),
    });
    let contradicted = rules.name_check && (!alike || place == Place::Other);
    let score = score(&shared, name, place);
    match by {
        Some(by) if !contradicted => Verdict::Same {
            by,
            score,
            explanation: findings,
        },
        None if !alike && shared.is_empty() => Verdict::Different { why: findings },
        _ => {
            if by.is_none() {
                findings.push(Finding::NoTrustedKey);
            }
            Verdict::Doubtful {
                score,
                why: findings,
            }
        }
    }
}

fn likeness(one: &Organisation, other: &Organisation) -> Likeness {
    if one.core.is_empty() || other.core.is_empty() {
        Likeness::Missing
    } else if one.spelled == other.spelled {
        Likeness::Same
    } else if one.core == other.core {
        Likeness::Close
    } else {
        Likeness::Other
    }
}

fn place(one: &Person, other: &Person) -> Place {
    let (Some(here), Some(there)) = (&one.postcode, &other.postcode) else {
        return Place::Unknown;
    };
    if here != there {
        return Place::Other;
    }
    match (&one.street, &other.street) {
        (Some(here), Some(there)) if street(here) == street(there) => Place::Same,
        (Some(_), Some(_)) => Place::Other,
        _ => Place::Near,
    }
}

/// A folded street, its usual short form written out.
fn street(folded: &str) -> String {
    folded
        .split(' ')
        .map(|word| match word.strip_suffix("str") {
            Some(name) => format!("{name}strasse"),
            None => word.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn score(shared: &[KeyKind], name: Likeness, place: Place) -> u32 {
    let keys: u32 = shared
        .iter()
        .map(|kind| match kind {
            KeyKind::External => 80,
            KeyKind::Email => 40,
            _ => 30,
        })
        .sum();
    let name = match name {
        Likeness::Same => 20,
        Likeness::Close => 15,
        Likeness::Missing => 2,
        Likeness::Other => 0,
    };
    let place = match place {
        Place::Same => 6,
        Place::Near => 3,
        Place::Unknown => 1,
        Place::Other => 0,
    };
    keys + name + place
}
