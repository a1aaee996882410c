//! The filters of `POST /contacts/search`: which fields and operators there are, and what they mean.

use serde_json::Value;

use super::contact::{Contact, Field};

/// A parsed filter.
#[derive(Debug)]
pub(crate) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Test {
        target: Target,
        test: Test,
    },
    /// A filter on something that the sandbox's contacts never have, such as opportunities.
    Never,
    /// The opposite of [`Filter::Never`].
    Always,
}

/// What a filter looks at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    Id,
    Text(Field),
    Lower(Field),
    ContactName,
    Tags,
    Followers,
    Dnd,
    Type,
    DateAdded,
    DateUpdated,
    DateOfBirth,
    DndStatus(&'static str),
    InboundStatus,
    Custom(String),
    /// Known to the vendor, empty in the sandbox.
    Empty,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Equal(Value),
    NotEqual(Value),
    Contains(String),
    NotContains(String),
    Exists,
    NotExists,
    Range {
        from: Option<Bound>,
        to: Option<Bound>,
    },
}

/// One end of a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bound {
    pub(crate) value: f64,
    pub(crate) inclusive: bool,
}

/// Operators by kind of field, as the vendor documents them.
#[derive(Debug, Clone, Copy)]
struct Allowed {
    equal: bool,
    contains: bool,
    exists: bool,
    range: bool,
}

const ID: Allowed = Allowed {
    equal: true,
    contains: false,
    exists: false,
    range: false,
};
const TEXT: Allowed = Allowed {
    equal: true,
    contains: true,
    exists: true,
    range: false,
};
const EQUAL: Allowed = Allowed {
    equal: true,
    contains: false,
    exists: true,
    range: false,
};
const DATE: Allowed = Allowed {
    equal: false,
    contains: false,
    exists: true,
    range: true,
};
const NUMBER: Allowed = Allowed {
    equal: true,
    contains: false,
    exists: true,
    range: true,
};

/// The longest value of a filter, in characters.
const LONGEST: usize = 75;

/// Parses the top level, which is an AND. `data_type` tells the kind of a custom field, if there is such a field.
pub(crate) fn parse<'t>(
    filters: &[Value],
    data_type: &impl Fn(&str) -> Option<&'t str>,
) -> Result<Filter, String> {
    filters
        .iter()
        .map(|filter| parse_one(filter, data_type))
        .collect::<Result<_, _>>()
        .map(Filter::All)
}

fn parse_one<'t>(
    filter: &Value,
    data_type: &impl Fn(&str) -> Option<&'t str>,
) -> Result<Filter, String> {
    if let Some(group) = filter.get("group") {
        let inner = filter["filters"]
            .as_array()
            .ok_or("filters must be an array")?;
        let inner = inner
            .iter()
            .map(|filter| parse_one(filter, data_type))
            .collect::<Result<_, _>>()?;
        return match group.as_str() {
            Some("AND") => Ok(Filter::All(inner)),
            Some("OR") => Ok(Filter::Any(inner)),
            _ => Err("group must be one of the following values: AND, OR".to_owned()),
        };
    }
    let field = filter["field"].as_str().ok_or("field must be a string")?;
    let operator = filter["operator"]
        .as_str()
        .ok_or("operator must be a string")?;
    if field == "opportunities" {
        return if operator == "nested" {
            Ok(Filter::Never)
        } else {
            Err(invalid_operator(field, operator))
        };
    }
    let (target, allowed) = target(field, data_type)?;
    let value = filter.get("value");
    let test = match operator {
        "eq" if allowed.equal => Test::Equal(scalar(value)?),
        "not_eq" if allowed.equal => Test::NotEqual(scalar(value)?),
        "contains" if allowed.contains => Test::Contains(needle(value)?),
        "not_contains" if allowed.contains => Test::NotContains(needle(value)?),
        "exists" if allowed.exists => Test::Exists,
        "not_exists" if allowed.exists => Test::NotExists,
        "range" if allowed.range => range(value)?,
        _ => return Err(invalid_operator(field, operator)),
    };
    Ok(match (&target, &test) {
        (Target::Empty, Test::NotEqual(_) | Test::NotContains(_) | Test::NotExists) => {
            Filter::Always
        }
        (Target::Empty, _) => Filter::Never,
        _ => Filter::Test { target, test },
    })
}

fn invalid_operator(field: &str, operator: &str) -> String {
    format!("invalid operator {operator} for field {field}")
}

fn target<'t>(
    field: &str,
    data_type: &impl Fn(&str) -> Option<&'t str>,
) -> Result<(Target, Allowed), String> {
    let text = |field| (Target::Text(field), TEXT);
    let equal = |field| (Target::Text(field), EQUAL);
    Ok(match field {
        "id" => (Target::Id, ID),
        "address" => text(Field::Address1),
        "city" => text(Field::City),
        "companyName" => text(Field::CompanyName),
        "phone" => text(Field::Phone),
        "postalCode" => text(Field::PostalCode),
        "source" => text(Field::Source),
        "state" => text(Field::State),
        "firstNameLowerCase" => (Target::Lower(Field::FirstName), TEXT),
        "lastNameLowerCase" => (Target::Lower(Field::LastName), TEXT),
        "tags" => (Target::Tags, TEXT),
        "assignedTo" => equal(Field::AssignedTo),
        "country" => equal(Field::Country),
        "email" => (Target::Lower(Field::Email), EQUAL),
        "timezone" => equal(Field::Timezone),
        "website" => equal(Field::Website),
        "contactName" => (Target::ContactName, EQUAL),
        "followers" => (Target::Followers, EQUAL),
        "dnd" => (Target::Dnd, EQUAL),
        "type" => (Target::Type, EQUAL),
        "businessName" => (Target::Empty, TEXT),
        "isValidWhatsapp" | "validEmail" | "activeWorkflows" | "finishedWorkflows" => {
            (Target::Empty, EQUAL)
        }
        "dateAdded" => (Target::DateAdded, DATE),
        "dateUpdated" => (Target::DateUpdated, DATE),
        "dateOfBirth" => (Target::DateOfBirth, DATE),
        "lastEmailClickedDate" | "lastEmailOpenedDate" | "lastAppointment" => (Target::Empty, DATE),
        "dndSettings.Email.status" => (Target::DndStatus("Email"), EQUAL),
        "dndSettings.SMS.status" => (Target::DndStatus("SMS"), EQUAL),
        "dndSettings.Call.status" => (Target::DndStatus("Call"), EQUAL),
        "inboundDndSettings.all.status" => (Target::InboundStatus, EQUAL),
        _ => {
            let id = field.strip_prefix("customFields.").unwrap_or_default();
            let id = id.split('.').next().unwrap_or_default();
            let allowed = match data_type(id) {
                Some("CHECKBOX" | "MULTIPLE_OPTIONS") => EQUAL,
                Some("NUMERICAL" | "MONETORY" | "MONETARY") => NUMBER,
                Some("DATE") => DATE,
                Some(_) => TEXT,
                None => return Err(format!("invalid field {field}")),
            };
            (Target::Custom(id.to_owned()), allowed)
        }
    })
}

fn scalar(value: Option<&Value>) -> Result<Value, String> {
    match value {
        Some(Value::String(text)) if text.chars().count() > LONGEST => Err(format!(
            "value must be shorter than or equal to {LONGEST} characters"
        )),
        Some(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => Ok(value.clone()),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            Ok(Value::Array(list.clone()))
        }
        _ => Err("value should not be empty".to_owned()),
    }
}

fn needle(value: Option<&Value>) -> Result<String, String> {
    match scalar(value)? {
        Value::String(text) => Ok(text.to_lowercase()),
        _ => Err("value must be a string".to_owned()),
    }
}

fn range(value: Option<&Value>) -> Result<Test, String> {
    let ends = value
        .and_then(Value::as_object)
        .ok_or("value must be an object with gte, lte, gt or lt")?;
    let (mut from, mut to) = (None, None);
    for (name, end) in ends {
        let value = number(end).ok_or_else(|| format!("{name} must be a number or a date"))?;
        match name.as_str() {
            "gte" => {
                from = Some(Bound {
                    value,
                    inclusive: true,
                })
            }
            "gt" => {
                from = Some(Bound {
                    value,
                    inclusive: false,
                })
            }
            "lte" => {
                to = Some(Bound {
                    value,
                    inclusive: true,
                })
            }
            "lt" => {
                to = Some(Bound {
                    value,
                    inclusive: false,
                })
            }
            _ => return Err(format!("property {name} should not exist")),
        }
    }
    Ok(Test::Range { from, to })
}

/// A number, or a date or timestamp as milliseconds since 1970.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of this era fit a double exactly"
)]
fn number(value: &Value) -> Option<f64> {
    if let Some(number) = value.as_f64() {
        return Some(number);
    }
    let text = value.as_str()?;
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return Some(timestamp.as_millisecond() as f64);
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>() {
        return Some(day_ms(date) as f64);
    }
    text.parse().ok()
}

fn day_ms(date: jiff::civil::Date) -> i64 {
    date.to_zoned(jiff::tz::TimeZone::UTC)
        .map(|zoned| zoned.timestamp().as_millisecond())
        .unwrap_or_default()
}

impl Filter {
    /// Lets every `eq` on a phone number fail, wherever it stands.
    pub(crate) fn blind_to_phones(&mut self) {
        match self {
            Self::All(filters) | Self::Any(filters) => {
                filters.iter_mut().for_each(Self::blind_to_phones)
            }
            Self::Test {
                target: Target::Text(Field::Phone),
                test: Test::Equal(_),
            } => *self = Self::Never,
            _ => {}
        }
    }

    pub(crate) fn accepts(&self, contact: &Contact) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.accepts(contact)),
            Self::Any(filters) => filters.iter().any(|filter| filter.accepts(contact)),
            Self::Test { target, test } => accepts(target, test, contact),
            Self::Never => false,
            Self::Always => true,
        }
    }

    /// The value that a top-level `eq` wants of a target, if there is one: a way in through an index.
    pub(crate) fn wanted(&self, target: &Target) -> Option<&str> {
        let Self::All(filters) = self else {
            return None;
        };
        filters.iter().find_map(|filter| match filter {
            Self::Test {
                target: own,
                test: Test::Equal(Value::String(value)),
            } if own == target => Some(&**value),
            _ => None,
        })
    }

    /// The range that the top level wants of a target, and whether it wants nothing else.
    pub(crate) fn bounds(&self, target: &Target) -> (Option<Bound>, Option<Bound>, bool) {
        let Self::All(filters) = self else {
            return (None, None, false);
        };
        let range = filters.iter().find_map(|filter| match filter {
            Self::Test {
                target: own,
                test: Test::Range { from, to },
            } if own == target => Some((*from, *to)),
            _ => None,
        });
        match range {
            Some((from, to)) => (from, to, filters.len() == 1),
            None => (None, None, filters.is_empty()),
        }
    }
}

fn accepts(target: &Target, test: &Test, contact: &Contact) -> bool {
    match target {
        Target::Id => texts(test, std::iter::once(contact.id.as_str())),
        Target::Text(field) => texts(test, contact.text(*field).into_iter()),
        Target::Lower(field) => texts(
            test,
            contact
                .text(*field)
                .map(str::to_lowercase)
                .iter()
                .map(String::as_str),
        ),
        Target::ContactName => texts(
            test,
            contact
                .name()
                .map(|name| name.to_lowercase())
                .iter()
                .map(String::as_str),
        ),
        Target::Tags => texts(test, contact.tags.iter().map(|tag| &**tag)),
        Target::Followers => texts(test, contact.followers.iter().map(|user| &**user)),
        Target::Type => texts(test, std::iter::once("lead")),
        Target::DndStatus(channel) => texts(
            test,
            contact
                .dnd_settings
                .iter()
                .filter_map(|settings| settings[*channel]["status"].as_str()),
        ),
        Target::InboundStatus => texts(
            test,
            contact
                .inbound_dnd_settings
                .iter()
                .filter_map(|settings| settings["all"]["status"].as_str()),
        ),
        Target::Dnd => match test {
            Test::Equal(value) => *value == Value::Bool(contact.dnd),
            Test::NotEqual(value) => *value != Value::Bool(contact.dnd),
            Test::Exists => true,
            _ => false,
        },
        Target::DateAdded => date(test, Some(contact.date_added)),
        Target::DateUpdated => date(test, Some(contact.date_updated)),
        Target::DateOfBirth => date(test, contact.birthday.map(day_ms)),
        Target::Custom(id) => {
            let value = contact
                .custom_fields
                .iter()
                .find(|(own, _)| **own == **id)
                .map(|(_, value)| value);
            custom(test, value)
        }
        Target::Empty => false,
    }
}

/// A test on a text, or on a list of texts of which one has to pass.
fn texts<'c>(test: &Test, mut values: impl Iterator<Item = &'c str>) -> bool {
    let equals = |wanted: &Value, own: &str| match wanted {
        Value::String(wanted) => wanted.to_lowercase() == own.to_lowercase(),
        Value::Array(list) => list
            .iter()
            .filter_map(Value::as_str)
            .any(|wanted| wanted.to_lowercase() == own.to_lowercase()),
        _ => false,
    };
    match test {
        Test::Equal(wanted) => values.any(|own| equals(wanted, own)),
        Test::NotEqual(wanted) => !values.any(|own| equals(wanted, own)),
        Test::Contains(needle) => values.any(|own| own.to_lowercase().contains(needle)),
        Test::NotContains(needle) => !values.any(|own| own.to_lowercase().contains(needle)),
        Test::Exists => values.next().is_some(),
        Test::NotExists => values.next().is_none(),
        Test::Range { .. } => false,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of this era fit a double exactly"
)]
fn date(test: &Test, value: Option<i64>) -> bool {
    match test {
        Test::Exists => value.is_some(),
        Test::NotExists => value.is_none(),
        Test::Range { from, to } => value.is_some_and(|value| within(value as f64, *from, *to)),
        _ => false,
    }
}

fn within(value: f64, from: Option<Bound>, to: Option<Bound>) -> bool {
    from.is_none_or(|from| value > from.value || (from.inclusive && value >= from.value))
        && to.is_none_or(|to| value < to.value || (to.inclusive && value <= to.value))
}

fn custom(test: &Test, value: Option<&Value>) -> bool {
    match (test, value) {
        (Test::Exists, value) => value.is_some(),
        (Test::NotExists, value) => value.is_none(),
        (Test::Range { from, to }, Some(value)) => {
            number(value).is_some_and(|value| within(value, *from, *to))
        }
        (Test::Range { .. }, None) => false,
        (Test::Equal(wanted), Some(Value::Number(own))) => number(wanted) == own.as_f64(),
        (Test::NotEqual(wanted), Some(Value::Number(own))) => number(wanted) != own.as_f64(),
        (test, Some(Value::Array(list))) => texts(test, list.iter().filter_map(Value::as_str)),
        (test, value) => texts(test, value.and_then(Value::as_str).into_iter()),
    }
}
