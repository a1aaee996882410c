//! Addresses as companies, and who belongs to which.
//!
//! A company is an address whose form of address is "Firma"; its name stands in `Zusatz1`. A person belongs to the
//! company that is the main contact of the relation `address:contact:address` ("main → second contact", documented), which
//! is a resource of its own. It is not among the relations that the documentation says can be deleted: where the vendor
//! refuses that, nothing is linked anew either, because a person in two companies is worse than one in the wrong one.

use std::collections::HashMap;

use connector::{Calls, Error, Refusal};
use record::{Entity, Field, Read, Schema};
use serde_json::{Value as Json, json};

use super::number;
use crate::{
    action::{Action, ROWS, Verb},
    answer::text,
    codes::{Meaning, meaning},
    exchange::{self, Written},
};

/// The field of a person's company.
pub(crate) const COMPANY: &str = "company";

/// The field that tells companies from people, and what it says of a company (documented: Herr, Frau, Firma, Familie,
/// Eheleute).
pub(crate) const SALUTATION: &str = "Anrede";
pub(crate) const FIRM: &str = "Firma";

/// The field of a company's name.
pub(crate) const NAME: &str = "Zusatz1";

const RELATION: &str = "urn:onoffice-de-ns:smart:2.5:relationTypes:address:contact:address";

const READ: &str = "contacts.company";
const WRITE: &str = "contacts.set_company";

/// What a filter says besides, so that it finds only records of this entity.
pub(super) fn only(entity: Entity, filter: Option<Json>) -> Option<Json> {
    if entity != Entity::Company {
        return filter;
    }
    let mut filter = filter.unwrap_or_else(|| json!({}));
    filter[SALUTATION] = json!([{"op": "=", "val": FIRM}]);
    Some(filter)
}

/// Adds the company of each person, where the schema has it.
pub(super) async fn fill(
    calls: &dyn Calls,
    schema: &Schema,
    reads: &mut [Read],
) -> Result<(), Error> {
    if schema.entity != Entity::Contact || schema.field(COMPANY).is_none() || reads.is_empty() {
        return Ok(());
    }
    let mut companies: HashMap<String, Field> = HashMap::new();
    let people: Vec<u64> = reads
        .iter()
        .filter_map(|read| number(&read.record.id))
        .collect();
    for people in people.chunks(ROWS) {
        let action = Action::new(
            Verb::Get,
            "idsfromrelation",
            json!({"relationtype": RELATION, "childids": people}),
        );
        let (data, _) = exchange::read_one(calls, READ, &action, people.len()).await?;
        for row in data.records {
            for (person, linked) in row.elements {
                companies.insert(person, company(&linked));
            }
        }
    }
    for read in reads {
        // one without links is in the answer with an empty list; one that is not in it is not known
        let company = companies
            .remove(read.record.id.as_str())
            .unwrap_or(Field::Unknown);
        read.record.fields.set(COMPANY, company);
    }
    Ok(())
}

/// The one company of a person. Of several nobody says which one is meant. An answer may hold one twice (observed).
fn company(linked: &Json) -> Field {
    let mut ids: Vec<String> = linked
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(text)
        .collect();
    ids.sort();
    ids.dedup();
    match &ids[..] {
        [] => Field::Empty,
        [one] => Field::of(one.as_str()),
        _ => Field::Unknown,
    }
}

/// How a change of company ended that was not carried out.
pub(super) enum Stopped {
    Refused(Refusal),
    Unclear(String),
    Failed(Error),
}

/// Takes a person out of one company and puts it into another.
pub(super) async fn move_to(
    calls: &dyn Calls,
    person: u64,
    now: &Field,
    wanted: &Field,
) -> Result<(), Stopped> {
    if now == wanted {
        return Ok(());
    }
    let Some(now) = id(now)? else {
        return match id(wanted)? {
            Some(company) => link(calls, person, company).await,
            None => Ok(()),
        };
    };
    let unlink = Action::new(
        Verb::Delete,
        "relation",
        json!({"relationtype": RELATION, "parentid": now, "childid": person}),
    );
    match send(calls, &unlink).await {
        Written::No(no) if meaning(no.code) != Meaning::Right && no.code != NOT_LINKED => {
            return Err(refused(format!(
                "onOffice does not let the link to the company {now} be removed by API ({}): remove it there, on the \
                 tab of the contact persons",
                no.code
            )));
        }
        Written::No(no) if no.code == NOT_LINKED => {}
        written => ended(written)?,
    }
    let Some(company) = id(wanted)? else {
        return Ok(());
    };
    let Err(stopped) = link(calls, person, company).await else {
        return Ok(());
    };
    // Somebody without a company would look as if a person had taken them out of it.
    if matches!(stopped, Stopped::Unclear(_)) {
        return Err(stopped);
    }
    match (stopped, link(calls, person, now).await) {
        (stopped, Ok(())) => Err(stopped),
        (_, Err(_)) => Err(Stopped::Unclear(format!(
            "the link to the company {now} was removed, the one to {company} was not made, and the first could not be \
             made again"
        ))),
    }
}

/// The two were not linked.
const NOT_LINKED: i64 = 180;

pub(super) async fn link(calls: &dyn Calls, person: u64, company: u64) -> Result<(), Stopped> {
    let link = Action::new(
        Verb::Create,
        "relation",
        json!({"relationtype": RELATION, "parentid": [company], "childid": [person]}),
    );
    ended(send(calls, &link).await)
}

async fn send(calls: &dyn Calls, action: &Action) -> Written {
    let mut written = exchange::write(calls, WRITE, std::slice::from_ref(action)).await;
    written
        .pop()
        .unwrap_or_else(|| Written::Unclear("there was no answer to the link".into()))
}

fn ended(written: Written) -> Result<(), Stopped> {
    match written {
        Written::Done(_) => Ok(()),
        Written::No(no) if meaning(no.code) == Meaning::Right => {
            Err(Stopped::Failed(Error::MissingRight {
                operation: WRITE,
                missing: no.right(),
            }))
        }
        Written::No(no) => Err(refused(format!("{} ({})", no.message, no.code))),
        Written::Unclear(why) => Err(Stopped::Unclear(why)),
        Written::NotSent(error) => Err(Stopped::Failed(Error::Call(error))),
    }
}

fn refused(message: String) -> Stopped {
    Stopped::Refused(Refusal {
        code: "relation".into(),
        message,
        fields: vec![COMPANY.into()],
    })
}

/// The record number in a field.
pub(super) fn id(field: &Field) -> Result<Option<u64>, Stopped> {
    match field {
        Field::Empty => Ok(None),
        Field::Value(record::Value::Text(text)) => match text.trim().parse() {
            Ok(id) => Ok(Some(id)),
            Err(_) => Err(refused(format!("`{text}` is no record number"))),
        },
        _ => Err(refused("which company it belongs to is not known".into())),
    }
}
