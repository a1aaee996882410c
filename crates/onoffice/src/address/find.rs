//! Addresses by e-mail address or phone number.
//!
//! E-mail: the filter `email` matches any entry of a record exactly (documented: "Read Addresses").
//!
//! Phone: the filter `phone` likewise, but numbers are stored as they were typed. So the digits of the
//! number are looked for in their order with anything between them (`%1%7%6…%`), which finds every
//! spelling and some strangers; a record is only given back if one of its own numbers, read as people
//! there write them, is the wanted one. Should a client refuse that filter, the quick search is asked for
//! the last digits in one piece, which finds fewer spellings.

use std::collections::BTreeMap;

use connector::{Calls, Error, IdentityKey, KeyKind};
use record::{Country, Entity, Field, Locale, Read, RecordId, Schema, Value, phone};
use serde_json::{Value as Json, json};

use super::{company, fetch, number, read_action, reads, walk};
use crate::{
    action::{Action, ROWS, Verb, WRITES},
    codes::Meaning,
    codes::meaning,
    describe::SYSTEM,
    exchange,
    points::Class,
    wall::Wall,
};

const OPERATION: &str = "contacts.find";

/// E-mail addresses in one filter.
const EMAILS: usize = 50;

/// One question to the vendor.
struct Question<'a> {
    filter: Json,
    /// The number that a record must have; `None` for e-mail, where the vendor's match is exact.
    phone: Option<&'a str>,
}

/// Records that carry one of these keys, each once.
pub(crate) async fn find(
    calls: &dyn Calls,
    schema: &Schema,
    keys: &[IdentityKey],
) -> Result<Vec<Read>, Error> {
    let wall = Wall::of(calls.settings())?;
    let locale = Locale::new(country(calls.settings())?);
    if schema.entity == Entity::Company {
        let filter = company::only(schema.entity, None).unwrap_or_default();
        let all = all(calls, schema, &wall, &filter).await?;
        return Ok(all
            .into_iter()
            .filter(|read| keys.iter().any(|key| carries(read, key, &locale)))
            .collect());
    }
    let questions = questions(schema, keys)?;
    let mut found: BTreeMap<RecordId, Read> = BTreeMap::new();
    let mut refused: Vec<&str> = Vec::new();
    for questions in questions.chunks(WRITES) {
        let actions: Vec<Action> = questions
            .iter()
            .map(|question| {
                read_action(
                    schema,
                    json!({"filter": question.filter, "listlimit": ROWS}),
                )
            })
            .collect();
        let reading = exchange::read(calls, OPERATION, &actions, actions.len()).await?;
        for ((question, action), result) in questions.iter().zip(&actions).zip(reading.results) {
            let records = match (result, question.phone) {
                (Ok(data), _)
                    if data
                        .total
                        .is_none_or(|total| total <= data.records.len() as u64) =>
                {
                    reads(OPERATION, &data.records, schema, &wall, reading.sent)?
                }
                (Ok(_), _) => all(calls, schema, &wall, &question.filter).await?,
                (Err(no), Some(phone)) if meaning(no.code) == Meaning::Content => {
                    tracing::info!(
                        code = no.code,
                        "the phone filter is refused, asking the quick search"
                    );
                    refused.push(phone);
                    continue;
                }
                (Err(no), _) => return Err(no.error(OPERATION, &action.parameters)),
            };
            keep(&mut found, records, question.phone, &locale);
        }
    }
    for phones in refused.chunks(WRITES) {
        for (phone, records) in quick_search(calls, schema, phones).await? {
            keep(&mut found, records, Some(phone), &locale);
        }
    }
    let mut found: Vec<Read> = found.into_values().collect();
    company::fill(calls, schema, &mut found).await?;
    Ok(found)
}

/// Whether a company carries a key. Nothing finds a folded name, so all companies are read and compared.
fn carries(read: &Read, key: &IdentityKey, locale: &Locale) -> bool {
    let fields = &read.record.fields;
    let text = |name: &str| fields.get(name).text();
    match key.kind {
        KeyKind::Name => {
            text(company::NAME).is_some_and(|name| record::fold::organisation(name) == key.value)
        }
        KeyKind::Phone => has(read, &key.value, locale),
        KeyKind::Email => match fields.get(Class::Emails.field()).value() {
            Some(Value::Points(points)) => points
                .iter()
                .any(|point| point.value.trim().to_lowercase() == key.value),
            _ => text(Class::Emails.main_field())
                .is_some_and(|mail| mail.trim().to_lowercase() == key.value),
        },
        // it belongs to no other record
        KeyKind::Parent => false,
    }
}

fn questions<'a>(schema: &Schema, keys: &'a [IdentityKey]) -> Result<Vec<Question<'a>>, Error> {
    let of = |kind: KeyKind| {
        keys.iter()
            .filter(move |key| key.kind == kind)
            .map(|key| key.value.as_str())
    };
    let emails: Vec<&str> = of(KeyKind::Email).collect();
    let mut questions: Vec<Question<'a>> = emails
        .chunks(EMAILS)
        .map(|emails| {
            // addresses are stored as they were typed; a blank at the end is the usual slip
            let spellings: Vec<String> = emails
                .iter()
                .flat_map(|email| [(*email).to_owned(), format!("{email} ")])
                .collect();
            Question {
                filter: json!({"email": [{"op": "in", "val": spellings}]}),
                phone: None,
            }
        })
        .collect();
    for phone in of(KeyKind::Phone) {
        if schema.field(Class::Phones.field()).is_none()
            && schema.field(Class::Phones.main_field()).is_none()
        {
            return Err(Error::Unsupported {
                system: SYSTEM,
                what: "look up a phone number: no phone field can be read".into(),
            });
        }
        let Some(digits) = significant(phone) else {
            continue;
        };
        let pattern: String = digits.chars().map(|digit| format!("%{digit}")).collect();
        questions.push(Question {
            filter: json!({"phone": [{"op": "like", "val": format!("{pattern}%")}]}),
            phone: Some(phone),
        });
    }
    Ok(questions)
}

/// The digits that every spelling of a number has: those after the calling code, which has at most three.
/// `None` if too few are left to look for.
fn significant(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let significant = digits.get(3..)?;
    (significant.len() >= 4).then(|| significant.to_owned())
}

fn keep(
    found: &mut BTreeMap<RecordId, Read>,
    records: Vec<Read>,
    phone: Option<&str>,
    locale: &Locale,
) {
    for read in records {
        if phone.is_none_or(|phone| has(&read, phone, locale)) {
            found.entry(read.record.id.clone()).or_insert(read);
        }
    }
}

/// Whether one of the record's own numbers is this one.
fn has(read: &Read, wanted: &str, locale: &Locale) -> bool {
    let fields = &read.record.fields;
    let residence = fields.get("Land").text().and_then(Country::parse);
    let locale = locale.residing(residence);
    let is = |raw: &str| phone::read(raw, &locale).dialable() == Some(wanted);
    let entries = match fields.get(Class::Phones.field()) {
        Field::Value(Value::Points(points)) => points.as_slice(),
        _ => &[],
    };
    entries.iter().any(|point| is(&point.value))
        || fields
            .get(Class::Phones.main_field())
            .text()
            .is_some_and(is)
}

/// All records of a filter that matches more than one page.
async fn all(
    calls: &dyn Calls,
    schema: &Schema,
    wall: &Wall,
    filter: &Json,
) -> Result<Vec<Read>, Error> {
    let mut found = Vec::new();
    let mut place = None;
    loop {
        let step = walk::step(calls, OPERATION, schema, Some(filter), place, ROWS).await?;
        found.extend(reads(OPERATION, &step.rows, schema, wall, step.seen.sent)?);
        place = step.next;
        if place.is_none() {
            return Ok(found);
        }
    }
}

/// The quick search over all contact entries, for the last six digits of each number in one piece.
async fn quick_search<'a>(
    calls: &dyn Calls,
    schema: &Schema,
    phones: &[&'a str],
) -> Result<Vec<(&'a str, Vec<Read>)>, Error> {
    let actions: Vec<Action> = phones
        .iter()
        .map(|phone| {
            let last = &phone[phone.len().saturating_sub(6)..];
            let parameters = json!({"input": last, "includecontactdata": true, "listlimit": ROWS});
            Action::new(Verb::Get, "search", parameters).on(super::ADDRESS)
        })
        .collect();
    let reading = exchange::read(calls, OPERATION, &actions, actions.len()).await?;
    let mut found = Vec::new();
    for ((phone, action), result) in phones.iter().zip(&actions).zip(reading.results) {
        let data = result.map_err(|no| no.error(OPERATION, &action.parameters))?;
        let ids: Vec<RecordId> = data
            .records
            .iter()
            .filter_map(|record| record.id.as_deref().map(RecordId::from))
            .filter(|id| number(id).is_some())
            .collect();
        let fetched = fetch::fetch(calls, schema, &ids).await?;
        let mut records = Vec::new();
        for fetched in fetched {
            match fetched {
                connector::Fetched::Found(read) => records.push(*read),
                connector::Fetched::Gone(_) => {}
                connector::Fetched::Failed(_, error) => return Err(error),
            }
        }
        found.push((*phone, records));
    }
    Ok(found)
}

/// The country whose people write phone numbers without a calling code.
fn country(settings: &Json) -> Result<Country, Error> {
    match settings.get("country") {
        None | Some(Json::Null) => Ok(Country::GERMANY),
        Some(named) => named
            .as_str()
            .and_then(Country::parse)
            .ok_or_else(|| Error::Setting {
                setting: "country",
                hint: "write it as an ISO code such as DE, AT or CH".into(),
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_is_in_every_spelling_of_a_number() {
        assert_eq!(significant("+4917612345").as_deref(), Some("7612345"));
        assert_eq!(significant("+43123").as_deref(), None);
        assert_eq!(significant("+"), None);
        let in_order = |spelling: &str, digits: &str| {
            let mut rest = spelling.chars();
            digits.chars().all(|digit| rest.any(|c| c == digit))
        };
        for spelling in [
            "0176/123 45",
            "+49 (0)176 12345",
            "0049176-12345",
            "017612345",
        ] {
            assert!(
                in_order(spelling, &significant("+4917612345").unwrap()),
                "{spelling}"
            );
        }
    }
}
