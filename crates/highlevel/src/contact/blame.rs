//! Which fields a refusal blames.
//!
//! The vendor validates with a well-known library whose texts begin with the property: `property
//! gender should not exist`, `email must be an email`, `customFields.0.field_value must be a string`,
//! `each value in tags must be a string`.

use record::{FieldName, Schema};

use super::standard::DND_PREFIX;
use crate::answer::Complaint;

/// What can be read out of a refusal's texts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Blame {
    /// The fields that are named.
    pub(crate) fields: Vec<FieldName>,
    /// Every text is plainly one of validation: nothing was carried out.
    pub(crate) is_validation: bool,
}

/// Reads a refusal of a body that held `sent`, with these custom fields in this order.
pub(crate) fn blame(
    complaint: &Complaint,
    schema: &Schema,
    sent: &[FieldName],
    custom_order: &[FieldName],
) -> Blame {
    let mut blame = Blame {
        fields: Vec::new(),
        is_validation: !complaint.texts.is_empty(),
    };
    for text in &complaint.texts {
        let named = match property(text) {
            Some((path, forbidden)) if forbidden || is_property(path, schema) => {
                field_of(path, schema, custom_order)
            }
            _ => {
                blame.is_validation = false;
                mentioned(text, sent)
            }
        };
        if let Some(name) = named
            && !blame.fields.contains(&name)
        {
            blame.fields.push(name);
        }
    }
    blame
}

/// The property that a validation text is about, and whether it is one that may not be there at all.
fn property(text: &str) -> Option<(&str, bool)> {
    let (start, forbids) = match text.strip_prefix("property ") {
        Some(rest) => (rest, true),
        None => (text.strip_prefix("each value in ").unwrap_or(text), false),
    };
    let (path, rest) = start.split_once(' ')?;
    let plain = path
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-'));
    let says = if forbids {
        rest.starts_with("should not exist")
    } else {
        ["must ", "should ", "has wrong ", "is not a valid "]
            .iter()
            .any(|start| rest.starts_with(start))
    };
    (plain && says && !path.is_empty()).then_some((path, forbids))
}

/// Whether a body can have such a property, so that the text is not about "something".
fn is_property(path: &str, schema: &Schema) -> bool {
    let head = path.split('.').next().unwrap_or(path);
    matches!(head, "customFields" | "dndSettings" | "locationId") || schema.field(head).is_some()
}

fn field_of(path: &str, schema: &Schema, custom_order: &[FieldName]) -> Option<FieldName> {
    let mut parts = path.split('.');
    let head = parts.next()?;
    match head {
        "customFields" => {
            let index: usize = parts.next()?.parse().ok()?;
            custom_order.get(index).cloned()
        }
        "dndSettings" => {
            let channel = parts.next()?;
            let name = format!("{DND_PREFIX}{channel}");
            schema.field(&name).map(|spec| spec.name.clone())
        }
        _ => schema.field(head).map(|spec| spec.name.clone()),
    }
}

/// A sent field whose name, or what people call it, stands in a text of any other form.
fn mentioned(text: &str, sent: &[FieldName]) -> Option<FieldName> {
    let words: Vec<String> = text
        .split(|letter: char| !letter.is_alphanumeric())
        .map(str::to_lowercase)
        .collect();
    sent.iter()
        .find(|name| {
            let name = name.as_str();
            let spelt = match name {
                "dateOfBirth" => "birth",
                "postalCode" => "postal",
                "assignedTo" => "assignedto",
                "address1" => "address",
                other => other,
            };
            words
                .iter()
                .any(|word| *word == spelt.to_lowercase() || *word == name.to_lowercase())
        })
        .cloned()
}

#[cfg(test)]
mod tests {
    use record::Entity;

    use super::*;
    use crate::contact::standard;

    fn blamed(texts: &[&str]) -> (Vec<String>, bool) {
        let schema = Schema {
            entity: Entity::Contact,
            fields: standard::specs(),
        };
        let complaint = Complaint {
            status: 422,
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
            duplicate: None,
        };
        let sent: Vec<FieldName> = ["email", "phone", "dateOfBirth"].map(Into::into).to_vec();
        let custom: Vec<FieldName> = ["customFields.a", "customFields.b"]
            .map(Into::into)
            .to_vec();
        let blame = blame(&complaint, &schema, &sent, &custom);
        let names = blame.fields.iter().map(ToString::to_string).collect();
        (names, blame.is_validation)
    }

    #[test]
    fn validation_texts_name_their_fields() {
        for (text, name) in [
            ("property gender should not exist", "gender"),
            ("email must be an email", "email"),
            ("each value in tags must be a string", "tags"),
            (
                "customFields.1.field_value must be a string",
                "customFields.b",
            ),
            (
                "dndSettings.Email.status must be one of the following values",
                "dndSettings.Email",
            ),
        ] {
            assert_eq!(blamed(&[text]), (vec![name.to_owned()], true), "{text}");
        }
        assert_eq!(
            blamed(&[
                "property additionalEmails should not exist",
                "phone must be a string"
            ]),
            (
                vec!["additionalEmails".to_owned(), "phone".to_owned()],
                true
            )
        );
        assert_eq!(
            blamed(&["property shoeSize should not exist"]),
            (Vec::new(), true)
        );
    }

    #[test]
    fn other_texts_are_no_proof_that_nothing_happened() {
        for text in [
            "Unprocessable Entity",
            "Something must have gone wrong",
            "",
            "must be",
        ] {
            assert_eq!(blamed(&[text]), (Vec::new(), false), "{text}");
        }
        assert_eq!(
            blamed(&["Invalid phone number"]),
            (vec!["phone".to_owned()], false)
        );
        assert_eq!(blamed(&[]), (Vec::new(), false));
        assert!(!blamed(&["email must be an email", "try again"]).1);
    }
}
