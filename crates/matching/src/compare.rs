//! The judgement of one pair of records.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    KeyKind, MatchRules, Person,
    name::{Likeness, Part},
    organisation, phone,
};

/// Whether two records are one person, or one organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// They are: a trusted key is shared and nothing speaks against it.
    Same {
        /// The most trusted key they share.
        by: KeyKind,
        /// How much speaks for it; comparable between verdicts only.
        score: u32,
        /// What was found.
        explanation: Vec<Finding>,
    },
    /// They may be; a person has to look.
    Doubtful {
        /// How much speaks for it; comparable between verdicts only.
        score: u32,
        /// What was found.
        why: Vec<Finding>,
    },
    /// They are not.
    Different {
        /// What was found.
        why: Vec<Finding>,
    },
}

/// One thing that was found when two records were compared. It says what, never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// One names the other's id.
    SameExternalId,
    /// They share an e-mail address.
    SameEmail,
    /// They share a phone number.
    SamePhone,
    /// The same number, read as one of another country.
    PhoneButForCountry,
    /// Both have e-mail addresses, and none is shared.
    OtherEmail,
    /// The same name.
    SameName,
    /// First and last name are exchanged.
    SwappedName,
    /// A short form, one of several names, or a typing error.
    CloseName,
    /// The same last name with another first name.
    OtherFirstName,
    /// The same first name with another last name.
    OtherLastName,
    /// Another name.
    OtherName,
    /// One has no name.
    NoName,
    /// The same birthday.
    SameBirthday,
    /// Birthdays that differ by a typing error.
    CloseBirthday,
    /// Other birthdays.
    OtherBirthday,
    /// The same postcode.
    SamePostcode,
    /// The same street.
    SameStreet,
    /// Another postcode or street.
    OtherAddress,
    /// The same company.
    SameCompany,
    /// They share no key that may link by itself.
    NoTrustedKey,
    /// Beside the name there is nothing that both have.
    NameAlone,
}

impl Finding {
    /// In words, as part of a list.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SameExternalId => "one names the other's id",
            Self::SameEmail => "same e-mail address",
            Self::SamePhone => "same phone number",
            Self::PhoneButForCountry => "same phone number but for its country",
            Self::OtherEmail => "other e-mail address",
            Self::SameName => "same name",
            Self::SwappedName => "first and last name exchanged",
            Self::CloseName => "similar name",
            Self::OtherFirstName => "same last name, other first name",
            Self::OtherLastName => "same first name, other last name",
            Self::OtherName => "other name",
            Self::NoName => "name missing",
            Self::SameBirthday => "same birthday",
            Self::CloseBirthday => "almost the same birthday",
            Self::OtherBirthday => "other birthday",
            Self::SamePostcode => "same postcode",
            Self::SameStreet => "same street",
            Self::OtherAddress => "other address",
            Self::SameCompany => "same company",
            Self::NoTrustedKey => "no e-mail address or phone number in common",
            Self::NameAlone => "nothing else that both have",
        }
    }
}

/// Findings as one line for people.
pub fn explain(findings: &[Finding]) -> String {
    let words: Vec<&str> = findings.iter().map(|finding| finding.as_str()).collect();
    words.join(", ")
}

impl Verdict {
    /// Whether they surely are.
    pub fn is_same(&self) -> bool {
        matches!(self, Self::Same { .. })
    }

    /// Whether what they share may be the household's and not one person's: the first names are two.
    pub(crate) fn is_of_household(&self) -> bool {
        let others = [Finding::OtherFirstName, Finding::OtherName];
        matches!(self, Self::Doubtful { why, .. } if why.iter().any(|finding| others.contains(finding))
            && !why.contains(&Finding::SameBirthday))
    }

    /// Whether it is only a name that speaks for it.
    pub(crate) fn is_by_name_alone(&self) -> bool {
        matches!(self, Self::Doubtful { why, .. } if why.contains(&Finding::NameAlone))
    }

    /// What was found.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Same { explanation, .. } => explanation,
            Self::Doubtful { why, .. } | Self::Different { why } => why,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Birthday {
    Same,
    Close,
    Other,
    Unknown,
}

/// Judges one pair.
pub fn compare(one: &Person, other: &Person, rules: &MatchRules) -> Verdict {
    if let (Some(this), Some(that)) = (&one.organisation, &other.organisation) {
        return organisation::compare(one, other, (this, that), rules);
    }
    let mut findings = Vec::with_capacity(6);
    let shared = shared_keys(one, other, &mut findings);
    let near_phone = !shared.contains(&KeyKind::Phone)
        && one.phones.iter().any(|number| {
            let mut others = other.phones.iter();
            others.any(|other| phone::is_but_for_country(number, other))
        });
    if near_phone {
        findings.push(Finding::PhoneButForCountry);
    }
    let likeness = one.name.compare(&other.name);
    let no_name = one.name.is_empty() || other.name.is_empty();
    findings.push(name_finding(likeness, no_name));
    let birthday = birthdays(one.birthday, other.birthday);
    match birthday {
        Birthday::Same => findings.push(Finding::SameBirthday),
        Birthday::Close => findings.push(Finding::CloseBirthday),
        Birthday::Other => findings.push(Finding::OtherBirthday),
        Birthday::Unknown => {}
    }
    let same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
    let postcode = same(&one.postcode, &other.postcode);
    let street = same(&one.street, &other.street);
    for (is, finding) in [
        (postcode, Finding::SamePostcode),
        (street, Finding::SameStreet),
        (same(&one.company, &other.company), Finding::SameCompany),
    ] {
        if is {
            findings.push(finding);
        }
    }
    let by = rules.keys.iter().copied().find(|kind| match kind {
        KeyKind::NameBirthday => is_same(likeness) && birthday == Birthday::Same,
        KeyKind::NamePostcode => is_same(likeness) && postcode,
        kind => shared.contains(kind),
    });
    let judged = match by {
        Some(by) => strong(by, &shared, likeness, no_name, birthday, rules),
        None if one.known() & other.known() == 0 => name_alone(likeness),
        None => weak(
            likeness,
            birthday,
            postcode && street,
            near_phone || !shared.is_empty(),
        ),
    };
    let score = score(&shared, likeness, birthday, postcode, street);
    match (judged, by) {
        (Judged::Same, Some(by)) => Verdict::Same {
            by,
            score,
            explanation: findings,
        },
        (Judged::Same | Judged::Doubtful, _) => {
            if by.is_none() {
                findings.push(if one.known() & other.known() == 0 {
                    Finding::NameAlone
                } else {
                    Finding::NoTrustedKey
                });
            }
            Verdict::Doubtful {
                score,
                why: findings,
            }
        }
        (Judged::Different, _) => Verdict::Different { why: findings },
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Judged {
    Same,
    Doubtful,
    Different,
}

/// The pair shares a trusted key: does anything speak against it?
fn strong(
    by: KeyKind,
    shared: &[KeyKind],
    likeness: Likeness,
    no_name: bool,
    birthday: Birthday,
    rules: &MatchRules,
) -> Judged {
    if !rules.name_check {
        return Judged::Same;
    }
    if no_name {
        // a mailbox is mostly one person's, a phone often is not
        return match birthday {
            Birthday::Same => Judged::Same,
            Birthday::Unknown if by != KeyKind::Phone => Judged::Same,
            _ => Judged::Doubtful,
        };
    }
    match (likeness.first, likeness.last, birthday) {
        // the same name; namesakes in one household (father and son) have another birthday
        (Part::Same, Part::Same, Birthday::Same | Birthday::Unknown) => Judged::Same,
        (Part::Same, Part::Same, Birthday::Close) if shared.len() > 1 => Judged::Same,
        (Part::Same, Part::Same, _) => Judged::Doubtful,
        // a typing error in the last name; relatives share it exactly or not at all
        (Part::Same, Part::Close, Birthday::Same | Birthday::Unknown) => Judged::Same,
        // Andrea and Andreas, Hans and Johannes: one person only if the birthday says so
        (Part::Close, Part::Same | Part::Close, Birthday::Same) => Judged::Same,
        // a last name changed by marriage
        (Part::Same, Part::Other, Birthday::Same) => Judged::Same,
        (Part::Same | Part::Close, _, _) | (Part::Missing, _, _) => Judged::Doubtful,
        // other first name: people of one household
        (Part::Other, _, Birthday::Other) => Judged::Different,
        // other first and last name on one phone: a switchboard or a shared flat
        (Part::Other, Part::Other, Birthday::Unknown) if by == KeyKind::Phone => Judged::Different,
        (Part::Other, _, _) => Judged::Doubtful,
    }
}

/// The pair shares no trusted key: is it worth a question?
fn weak(likeness: Likeness, birthday: Birthday, same_address: bool, shares_a_key: bool) -> Judged {
    let alike = likeness.first >= Part::Close && likeness.last >= Part::Close;
    match birthday {
        Birthday::Same if alike => Judged::Doubtful,
        // a marriage
        Birthday::Same if likeness.first == Part::Same && same_address => Judged::Doubtful,
        Birthday::Close if is_same(likeness) && same_address => Judged::Doubtful,
        Birthday::Unknown if is_same(likeness) && same_address => Judged::Doubtful,
        Birthday::Unknown if alike && shares_a_key => Judged::Doubtful,
        _ => Judged::Different,
    }
}

/// Nothing but the name can be compared: the whole of it is a question, since nothing speaks against it.
fn name_alone(likeness: Likeness) -> Judged {
    if is_same(likeness) {
        Judged::Doubtful
    } else {
        Judged::Different
    }
}

fn is_same(likeness: Likeness) -> bool {
    likeness.first == Part::Same && likeness.last == Part::Same
}

pub(crate) fn shared_keys(
    one: &Person,
    other: &Person,
    findings: &mut Vec<Finding>,
) -> Vec<KeyKind> {
    let shares = |a: &[String], b: &[String]| a.iter().any(|value| b.contains(value));
    let mut shared = Vec::with_capacity(3);
    for (a, b, kind, finding) in [
        (
            &one.external,
            &other.external,
            KeyKind::External,
            Finding::SameExternalId,
        ),
        (
            &one.emails,
            &other.emails,
            KeyKind::Email,
            Finding::SameEmail,
        ),
        (
            &one.phones,
            &other.phones,
            KeyKind::Phone,
            Finding::SamePhone,
        ),
    ] {
        if shares(a, b) {
            shared.push(kind);
            findings.push(finding);
        } else if kind == KeyKind::Email && !a.is_empty() && !b.is_empty() {
            findings.push(Finding::OtherEmail);
        }
    }
    shared
}

fn name_finding(likeness: Likeness, no_name: bool) -> Finding {
    if no_name {
        return Finding::NoName;
    }
    match (likeness.first, likeness.last) {
        (Part::Same, Part::Same) if likeness.swapped => Finding::SwappedName,
        (Part::Same, Part::Same) => Finding::SameName,
        (Part::Other, Part::Same | Part::Close) => Finding::OtherFirstName,
        (Part::Same | Part::Close, Part::Other) => Finding::OtherLastName,
        (Part::Other, _) | (_, Part::Other) => Finding::OtherName,
        (Part::Missing, _) | (_, Part::Missing) => Finding::NoName,
        (Part::Close, _) | (_, Part::Close) => Finding::CloseName,
    }
}

fn birthdays(one: Option<Date>, other: Option<Date>) -> Birthday {
    let (Some(one), Some(other)) = (one, other) else {
        return Birthday::Unknown;
    };
    if one == other {
        return Birthday::Same;
    }
    let day_and_month = i16::from(one.day()) == i16::from(other.month())
        && one.month() == other.day()
        && one.year() == other.year();
    let digits = one
        .to_string()
        .bytes()
        .zip(other.to_string().bytes())
        .filter(|(a, b)| a != b)
        .count();
    if day_and_month || digits == 1 {
        Birthday::Close
    } else {
        Birthday::Other
    }
}

fn score(
    shared: &[KeyKind],
    likeness: Likeness,
    birthday: Birthday,
    postcode: bool,
    street: bool,
) -> u32 {
    let keys: u32 = shared
        .iter()
        .map(|kind| match kind {
            KeyKind::External => 80,
            KeyKind::Email => 40,
            _ => 30,
        })
        .sum();
    let part = |part| match part {
        Part::Same => 10,
        Part::Close => 5,
        Part::Missing => 2,
        Part::Other => 0,
    };
    let name = part(likeness.first) + part(likeness.last) - u32::from(likeness.swapped);
    let birthday = match birthday {
        Birthday::Same => 20,
        Birthday::Close => 8,
        Birthday::Unknown => 4,
        Birthday::Other => 0,
    };
    keys + name + birthday + 3 * u32::from(postcode) + 3 * u32::from(street)
}
