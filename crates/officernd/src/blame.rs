//! Which fields a refusal blames, and which of them the account never takes.
//!
//! Failures of validation begin with the property (`property phone should not exist`, `email must be an email`,
//! `address.city must be a string`, `each value in tags must be a string`). Broken rules name what they are about in
//! v1's words (`Specified office was not found`, `Path 'name' is required.`).

use record::FieldName;

use crate::answer::Complaint;

/// What can be read out of a refusal's texts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Blame {
    /// The fields that are named.
    pub(crate) fields: Vec<FieldName>,
    /// Properties of the body that may not be there at all.
    pub(crate) forbidden: Vec<String>,
}

/// v1's words for what v2 calls otherwise.
const OLD_WORDS: [(&str, &str); 2] = [("office", "location"), ("team", "company")];

/// Reads a refusal of a body that held these fields.
pub(crate) fn blame(complaint: &Complaint, sent: &[FieldName]) -> Blame {
    let mut blame = Blame::default();
    for text in &complaint.texts {
        if let Some((object, key)) = part(text) {
            let exact = format!("{object}.{key}");
            let is_exact = sent.iter().any(|name| name.as_str() == exact);
            let below = sent.iter().filter(|name| match is_exact {
                true => name.as_str() == exact,
                false => crate::resource::place(name.as_str()).0 == Some(object),
            });
            add(&mut blame.fields, below);
            continue;
        }
        let Some((path, forbidden)) = property(text) else {
            let named = sent.iter().filter(|name| mentions(text, name.as_str()));
            add(&mut blame.fields, named);
            continue;
        };
        let head = path.split('.').next().unwrap_or(path);
        if forbidden && head == path {
            blame.forbidden.push(head.to_owned());
        }
        let exact = sent.iter().filter(|name| name.as_str() == path);
        let below = sent
            .iter()
            .filter(|name| name.as_str().split('.').next() == Some(head));
        if exact.clone().next().is_some() {
            add(&mut blame.fields, exact);
        } else {
            add(&mut blame.fields, below);
        }
    }
    blame
}

fn add<'a>(fields: &mut Vec<FieldName>, named: impl Iterator<Item = &'a FieldName>) {
    for name in named {
        if !fields.contains(name) {
            fields.push(name.clone());
        }
    }
}

/// The part of an object that may not be there: `billingDetails.property taxRate should not exist`. It may have gone out because it
/// was there, and then all of that object that was to be written is to blame.
fn part(text: &str) -> Option<(&str, &str)> {
    let (object, rest) = text.split_once(".property ")?;
    let key = rest.strip_suffix(" should not exist")?;
    let plain = |path: &str| path.chars().all(|letter| letter.is_ascii_alphanumeric());
    // what is in an object of an object is part of the outer one
    let outer = object.split('.').next().unwrap_or(object);
    object.split('.').all(plain).then_some((outer, key))
}

/// The property that a text of validation is about, and whether it is one that may not be there at all.
fn property(text: &str) -> Option<(&str, bool)> {
    let (start, forbids) = match text.strip_prefix("property ") {
        Some(rest) => (rest, true),
        None => (text.strip_prefix("each value in ").unwrap_or(text), false),
    };
    let (path, rest) = start.split_once(' ')?;
    let plain = path
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-' | '$'));
    let says = if forbids {
        rest.starts_with("should not exist")
    } else {
        ["must ", "should ", "has wrong ", "is not a valid "]
            .iter()
            .any(|start| rest.starts_with(start))
    };
    // a sentence begins with a capital: "Membership startDate should be …"
    let begins_low = path.starts_with(|first: char| first.is_ascii_lowercase());
    (plain && says && begins_low).then_some((path, forbids))
}

/// Whether a text of a broken rule is about this field.
fn mentions(text: &str, field: &str) -> bool {
    let words: Vec<String> = text
        .split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
        .map(str::to_lowercase)
        .collect();
    let (object, key) = crate::resource::place(field);
    if object == Some("properties") {
        return text.contains(&format!("'{key}'")) || text.contains(&format!("\"{key}\""));
    }
    let named = [key.to_lowercase()];
    let old = OLD_WORDS
        .iter()
        .filter(|(_, new)| *new == key)
        .map(|(old, _)| (*old).to_owned());
    named
        .into_iter()
        .chain(old)
        .any(|word| words.contains(&word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(texts: &[&str], sent: &[&str]) -> (Vec<String>, Vec<String>) {
        let complaint = Complaint {
            status: 400,
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        };
        let sent: Vec<FieldName> = sent.iter().map(|name| FieldName::from(*name)).collect();
        let blame = blame(&complaint, &sent);
        let fields = blame.fields.iter().map(ToString::to_string).collect();
        (fields, blame.forbidden)
    }

    #[test]
    fn each_text_of_the_array_blames_its_field() {
        let sent = ["name", "phone", "tags", "address.city", "address.zip"];
        let (fields, forbidden) = read(
            &[
                "property phone should not exist",
                "each value in tags must be a string",
                "address.city must be a string",
            ],
            &sent,
        );
        assert_eq!(fields, ["phone", "tags", "address.city"]);
        assert_eq!(forbidden, ["phone"]);
        let sent = ["name", "billingDetails.vatNumber", "properties.shoe size"];
        for (text, field) in [
            ("billingDetails.property taxRate should not exist", sent[1]),
            (
                "billingDetails.billingAddress.property planet should not exist",
                sent[1],
            ),
            ("properties.property shoe size should not exist", sent[2]),
        ] {
            let (fields, forbidden) = read(&[text], &sent);
            assert_eq!(
                (fields, forbidden),
                (vec![field.to_owned()], Vec::new()),
                "{text}"
            );
        }
        let sent = ["address.city", "address.zip"];
        let (fields, _) = read(&["address must be an object"], &sent);
        assert_eq!(fields, ["address.city", "address.zip"]);
    }

    #[test]
    fn broken_rules_name_fields_in_old_words_too() {
        let sent = ["name", "location", "company", "startDate"];
        for (text, field) in [
            ("Specified office was not found", "location"),
            ("Path 'name' is required.", "name"),
            (
                "Cast to ObjectId failed for value \"x\" at path \"team\"",
                "company",
            ),
            (
                "Membership startDate should be before the endDate",
                "startDate",
            ),
        ] {
            assert_eq!(read(&[text], &sent).0, [field], "{text}");
        }
        assert_eq!(read(&["Internal server error"], &sent).0, [] as [&str; 0]);
    }

    proptest! {
        /// Nothing is blamed that was not sent, whatever is said.
        #[test]
        fn only_what_was_sent_is_blamed(text in "\\PC{0,60}", sent in "[a-z]{1,8}(\\.[a-z]{1,8})?") {
            let (fields, _) = read(&[&text, "property x should not exist"], &[&sent]);
            prop_assert!(fields.iter().all(|field| *field == sent));
        }
    }
}
