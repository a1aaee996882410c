//! The vendor's error numbers. Texts vary in case and quotes, so only numbers decide.

use std::collections::BTreeSet;

use connector::{CallError, Error, Refusal};
use record::FieldName;
use serde_json::{Map, Value as Json};

use crate::points::Class;

/// "Your timestamp is too old or your server time is wrong."
pub(crate) const CLOCK: i64 = 136;

/// An action's number that says no more than that the trouble is in an action.
pub(crate) const IN_ACTION: i64 = 97;

/// A no, as the vendor put it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct No {
    pub(crate) code: i64,
    pub(crate) message: String,
}

/// What a number means for the thing that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The API user lacks a right.
    Right,
    /// There is no such record.
    Gone,
    /// There is no such record, or no right to it: the vendor does not tell which.
    GoneOrRight,
    /// Something broke at the vendor: a write may or may not have happened.
    Trouble,
    /// The content was refused.
    Content,
}

/// What `code` means.
pub(crate) fn meaning(code: i64) -> Meaning {
    match code {
        131 | 149 | 155 | 156 | 170 | 174 | 183 | 253 | 261 | 262 => Meaning::Right,
        235 => Meaning::Gone,
        80 | 292 | 293 => Meaning::GoneOrRight,
        1 => Meaning::Trouble,
        _ => Meaning::Content,
    }
}

/// Whether `code` says that a field is not there (any more).
pub(crate) fn is_unknown_field(code: i64) -> bool {
    matches!(code, 75 | 138 | 141 | 143 | 144 | 145)
}

/// Whether `code` says that the envelope was not understood, so that nothing in it was carried out.
pub(crate) fn is_envelope(code: i64) -> bool {
    matches!(code, 3..=9 | 13..=21 | 23..=25 | 247)
}

/// What a person should do about a number that refuses the credentials; `None` for all other numbers.
pub(crate) fn credentials_hint(code: i64) -> Option<&'static str> {
    Some(match code {
        13 | 22 | 28 | 30 => {
            "the token is not known: check that token and secret were copied whole and are not swapped"
        }
        40 | 44..=46 => {
            "the credentials are not valid: create a new token and secret for the API user"
        }
        41 => "the onOffice client is not known: was it moved or closed?",
        42 => "the onOffice client is not active: ask onOffice about the contract",
        43 | 104 => {
            "the API user does not exist or is locked: see Extras → Einstellungen → Benutzer"
        }
        47 | 48 => "the access of this API user was revoked: create a new token and secret",
        49 | 137 => "the secret does not belong to the token: connect again with the current pair",
        153 => "the token has no usable data any more: create a new token and secret",
        158 => {
            "this address is not on the API user's list of allowed IPs: add the server's address there"
        }
        _ => return None,
    })
}

impl No {
    /// The no as a refusal that blames the fields it names.
    pub(crate) fn refusal(&self, sent: &Map<String, Json>) -> Refusal {
        Refusal {
            code: self.code.to_string(),
            message: self.message.clone(),
            fields: self.blamed(sent).into_iter().map(FieldName::from).collect(),
        }
    }

    /// The no as a failed call, if it is about the connection and not about what was asked. A request that
    /// fails so as a whole never gets here (see `verdict`).
    pub(crate) fn as_call_error(&self, operation: &'static str) -> Option<CallError> {
        if self.code == CLOCK {
            let why = format!("the vendor says \"{}\" ({CLOCK})", self.message);
            return Some(CallError::NotSent { operation, why });
        }
        let why = format!("{} ({})", credentials_hint(self.code)?, self.code);
        Some(CallError::Credentials { operation, why })
    }

    /// The no as an error of a read.
    pub(crate) fn error(&self, operation: &'static str, sent: &Map<String, Json>) -> Error {
        if let Some(error) = self.as_call_error(operation) {
            return Error::Call(error);
        }
        match meaning(self.code) {
            Meaning::Right | Meaning::GoneOrRight => Error::MissingRight {
                operation,
                missing: self.right(),
            },
            _ => Error::Refused {
                operation,
                refusal: self.refusal(sent),
            },
        }
    }

    /// The missing right, in the vendor's words.
    pub(crate) fn right(&self) -> String {
        format!(
            "a right of the API user (\"{}\", {})",
            self.message, self.code
        )
    }

    /// The fields, as our schema names them, that the text of this no blames.
    fn blamed(&self, sent: &Map<String, Json>) -> BTreeSet<String> {
        let words = words(&self.message);
        let mut blamed = BTreeSet::new();
        match self.code {
            // these name the key that is not permitted, not the field it was sent for
            76 | 77 => {
                for (field, value) in sent {
                    if words.iter().any(|word| holds(value, word)) {
                        blamed.insert(ours(field));
                    }
                }
            }
            251 => {
                blamed.insert("Benutzer".to_owned());
            }
            81..=87 | 258..=260 | 300 => {
                let named = Class::ALL.iter().filter(|class| {
                    class
                        .keys()
                        .iter()
                        .any(|key| words.iter().any(|word| word == key))
                });
                blamed.extend(named.map(|class| class.field().to_owned()));
                if blamed.is_empty() {
                    blamed.extend(
                        sent.keys()
                            .filter_map(|key| Class::of_key(key))
                            .map(|class| class.field().to_owned()),
                    );
                }
            }
            75 | 138 | 141 | 143..=145 | 194 | 215 | 227..=229 | 252 | 254 | 255 | 294 => {
                blamed.extend(words.iter().map(|word| ours(word)));
            }
            _ => {}
        }
        blamed
    }
}

/// What the text names: all in quotes, else all after the colon or the last word.
fn words(message: &str) -> Vec<String> {
    let quoted: Vec<&str> = message.split('"').skip(1).step_by(2).collect();
    let named: Vec<&str> = match message.split_once(':') {
        _ if !quoted.is_empty() => quoted,
        Some((_, named)) => vec![named],
        None => message.split_whitespace().last().into_iter().collect(),
    };
    named
        .into_iter()
        .flat_map(|named| named.split(','))
        .map(|word| word.trim().trim_matches(['\'', '"', '.', '`']).to_owned())
        .filter(|word| !word.is_empty() && word != "%s")
        .collect()
}

fn holds(value: &Json, key: &str) -> bool {
    match value {
        Json::String(text) => text == key,
        Json::Array(elements) => elements.iter().any(|element| holds(element, key)),
        Json::Number(number) => number.to_string() == key,
        _ => false,
    }
}

/// Our name of a vendor's field: contact entries of all types are one field of ours.
pub(crate) fn ours(field: &str) -> String {
    Class::of_key(field).map_or_else(|| field.to_owned(), |class| class.field().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_blamed_field_is_read_out_of_each_form_of_text() {
        let sent = json!({
            "Anrede": "Frau", "HerkunftKontakt": ["Messe", "Website"], "Name": "x",
            "email": "kein@", "phone_business": {"action": "add", "newvalue": "1"}, "Vip": 1,
        });
        let sent = sent.as_object().unwrap();
        for (code, message, expected) in [
            (141, "Unknown field: Bemerkung", vec!["Bemerkung"]),
            (75, "Unknown field: \"Bemerkung\"", vec!["Bemerkung"]),
            (
                144,
                "Invalid field in input data: listoffset",
                vec!["listoffset"],
            ),
            (
                76,
                "Invalid multiselect key: Messe",
                vec!["HerkunftKontakt"],
            ),
            (77, "invalid singleselect key: 'Frau'", vec!["Anrede"]),
            (
                252,
                "Unknown value in select field \"Anrede\"",
                vec!["Anrede"],
            ),
            (254, "Missing mandatory field \"Name\"", vec!["Name"]),
            (255, "Invalid value for parameter \"Vip\"", vec!["Vip"]),
            (294, "Invalid data type for parameter Vip", vec!["Vip"]),
            (251, "Unknown user mmuster", vec!["Benutzer"]),
            (300, "Invalid address phone value", vec!["emails", "phones"]),
            (
                258,
                "The default entry for \"email\" must be passed also as normal, private or business entry!",
                vec!["emails"],
            ),
            (88, "Entry could not be modified", vec![]),
            (141, "", vec![]),
        ] {
            let no = No {
                code,
                message: message.into(),
            };
            let fields: Vec<_> = no
                .refusal(sent)
                .fields
                .iter()
                .map(|f| f.to_string())
                .collect();
            assert_eq!(fields, expected, "{code} {message}");
        }
    }
}
