//! Bodies, checked against their whitelists the way the vendor's validator does it.

use serde_json::{Map, Value};

use super::fields::{Field, May, Type};
use crate::clock::iso_millis;

/// Whose body it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    Create,
    Update,
    /// A person in the UI, who may change every field; nothing is required.
    Person,
}

/// How strictly a body is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) writer: Writer,
    pub(super) late: bool,
    pub(super) wide: bool,
    pub(super) whitelist: bool,
    pub(super) enums: bool,
    pub(super) emails: bool,
    pub(super) nulls: bool,
}

impl Rules {
    /// What a person may type in.
    pub(super) const PERSON: Self = Self {
        writer: Writer::Person,
        late: true,
        wide: true,
        whitelist: true,
        enums: true,
        emails: false,
        nulls: true,
    };

    fn may(self, field: &Field) -> May {
        let may = match self.writer {
            Writer::Create => field.create,
            Writer::Update => field.update,
            Writer::Person => return May::Yes,
        };
        match may {
            May::Late if self.late => May::Yes,
            May::Wide if self.wide => May::Yes,
            May::Late | May::Wide => May::Not,
            other => other,
        }
    }
}

/// Reads a body: all failures at once, unknown fields first, as the vendor's validator lists them.
pub(super) fn read(
    fields: &'static [Field],
    body: &Map<String, Value>,
    rules: Rules,
    events: &[&str],
) -> Result<Vec<(&'static str, Value)>, Vec<String>> {
    let mut reader = Reader {
        rules,
        events,
        failures: Vec::new(),
    };
    let allowed: Vec<&'static Field> = fields
        .iter()
        .filter(|field| rules.may(field) != May::Not)
        .collect();
    if rules.whitelist {
        for name in body.keys() {
            if !allowed.iter().any(|field| field.name == name) {
                reader.fail(format!("property {name} should not exist"));
            }
        }
    }
    let mut values = Vec::new();
    for field in allowed {
        let must = rules.may(field) == May::Must;
        match body.get(field.name) {
            None if must => reader.wrong_type(field.name, field.holds),
            Some(Value::Null) if must || field.name == "name" || !rules.nulls => {
                reader.wrong_type(field.name, field.holds);
            }
            None => {}
            Some(Value::Null) => values.push((field.name, Value::Null)),
            Some(value) => {
                if let Some(value) = reader.value("", field.name, field.holds, value) {
                    values.push((field.name, value));
                }
            }
        }
    }
    if reader.failures.is_empty() {
        Ok(values)
    } else {
        Err(reader.failures)
    }
}

struct Reader<'a> {
    rules: Rules,
    events: &'a [&'a str],
    failures: Vec<String>,
}

impl Reader<'_> {
    fn fail(&mut self, failure: String) {
        self.failures.push(failure);
    }

    fn wrong_type(&mut self, name: &str, holds: Type) {
        self.fail(match holds {
            Type::Text | Type::Ref(_) => format!("{name} must be a string"),
            Type::Email => format!("{name} must be an email"),
            Type::Date => format!("{name} must be a valid ISO 8601 date string"),
            Type::Flag => format!("{name} must be a boolean value"),
            Type::Number => {
                format!("{name} must be a number conforming to the specified constraints")
            }
            Type::Texts | Type::List | Type::Events => format!("{name} must be an array"),
            Type::OneOf(words) => one_of(name, words),
            Type::Object(_) | Type::Bag => format!("{name} must be an object"),
        });
    }

    /// The value as it is stored; none where it does not fit.
    fn value(&mut self, parent: &str, name: &str, holds: Type, value: &Value) -> Option<Value> {
        let path = format!("{parent}{name}");
        let fits = match (holds, value) {
            (Type::Text | Type::Ref(_), Value::String(_)) => true,
            (Type::Email, Value::String(text)) => !self.rules.emails || is_email(text),
            (Type::Flag, Value::Bool(_)) | (Type::Number, Value::Number(_)) => true,
            (Type::OneOf(words), Value::String(word)) => {
                !self.rules.enums || words.contains(&word.as_str())
            }
            (Type::Bag, Value::Object(_)) | (Type::List, Value::Array(_)) => true,
            (Type::Date, Value::String(text)) => {
                if let Some(at_ms) = millis(text) {
                    return Some(Value::from(iso_millis(at_ms)));
                }
                false
            }
            (Type::Texts, Value::Array(items)) => {
                if !items.iter().all(Value::is_string) {
                    self.fail(format!("each value in {path} must be a string"));
                    return None;
                }
                true
            }
            (Type::Events, Value::Array(items)) => {
                let known = |item: &Value| {
                    item.as_str()
                        .is_some_and(|item| self.events.contains(&item))
                };
                if self.rules.enums && !items.iter().all(known) {
                    let message = one_of(&format!("each value in {path}"), self.events);
                    self.fail(message);
                    return None;
                }
                true
            }
            (Type::Object(parts), Value::Object(given)) => {
                return Some(self.object(&path, parts, given));
            }
            _ => false,
        };
        if fits {
            Some(value.clone())
        } else {
            self.wrong_type(&path, holds);
            None
        }
    }

    fn object(&mut self, path: &str, parts: &[Field], given: &Map<String, Value>) -> Value {
        let parent = format!("{path}.");
        let mut kept = Map::new();
        for (name, value) in given {
            let may = |part: &&Field| part.name == name && self.rules.may(part) != May::Not;
            match parts.iter().find(may) {
                Some(_) if value.is_null() => {
                    kept.insert(name.clone(), Value::Null);
                }
                Some(part) => {
                    if let Some(value) = self.value(&parent, name, part.holds, value) {
                        kept.insert(name.clone(), value);
                    }
                }
                None if self.rules.whitelist => {
                    self.fail(format!("{parent}property {name} should not exist"));
                }
                None => {}
            }
        }
        Value::Object(kept)
    }
}

/// The validator's text for a word that is not in a set.
pub(super) fn one_of(name: &str, words: &[&str]) -> String {
    format!(
        "{name} must be one of the following values: {}",
        words.join(", ")
    )
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let plain = |part: &str| !part.is_empty() && !part.contains([' ', '@', ',', ';']);
    plain(local) && plain(domain) && domain.contains('.') && !domain.ends_with('.')
}

/// Milliseconds since 1970 of an ISO 8601 date or time; without a zone it is UTC.
pub(super) fn millis(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_millisecond());
    }
    let local = text.parse::<jiff::civil::DateTime>().ok()?;
    let time = local.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(time.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{fields, kind::Kind};
    use super::*;

    fn failures(kind: Kind, body: &Value, rules: Rules) -> Vec<String> {
        read(
            fields::of(kind),
            body.as_object().expect("an object"),
            rules,
            &[],
        )
        .unwrap_err()
    }

    #[test]
    fn every_failure_is_listed_unknown_fields_first() {
        let rules = Rules {
            writer: Writer::Create,
            late: false,
            emails: true,
            ..Rules::PERSON
        };
        let body = json!({"name": 5, "startDate": "soon", "phone": "1", "tags": [], "email": "x",
            "address": {"city": 1, "planet": "Mars"}});
        assert_eq!(
            failures(Kind::Member, &body, rules),
            [
                "property tags should not exist",
                "name must be a string",
                "location must be a string",
                "startDate must be a valid ISO 8601 date string",
                "email must be an email",
                "address.city must be a string",
                "address.property planet should not exist",
            ]
        );
    }

    #[test]
    fn dates_are_stored_in_one_form() {
        assert_eq!(millis("1970-01-02"), Some(86_400_000));
        assert_eq!(millis("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(millis("yesterday"), None);
    }
}
