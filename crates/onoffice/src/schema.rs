//! Which fields this client's addresses have, and what may be done with each.
//!
//! `fields` lists the active input fields with label, type and permitted values. It leaves out the
//! system fields `Status`, `Aenderung` and `uuid` and all contact entries (seen in real answers), and
//! it lists some that cannot be read. One field that is not active makes a whole read fail (141). So
//! the fields are put together here and then proven by one read of one record, which drops what is
//! refused: every later read asks only for what has been read before.

mod fields;

pub(crate) use fields::{of, usual};

use std::collections::BTreeSet;

use connector::{Calls, Error};
use record::{Choice, Entity, Schema};
use serde_json::{Value as Json, json};

use crate::{
    action::{Action, Verb},
    address::{self, company::COMPANY},
    answer::text,
    codes::is_unknown_field,
    exchange::{self, unexpected},
    points::Class,
};

const OPERATION: &str = "contacts.schema";

/// How many refused fields are dropped one after the other before the schema is given up.
const ROUNDS: usize = 40;

/// Reads the schema of addresses.
///
/// # Errors
/// When the fields cannot be read. Missing users or countries are no error: owner and country are then
/// open fields.
pub(crate) async fn read(calls: &dyn Calls, entity: Entity) -> Result<Schema, Error> {
    let listed = Action::new(
        Verb::Get,
        "fields",
        json!({"modules": ["address"], "labels": true, "language": "DEU", "realDataTypes": true}),
    );
    let (data, _) = exchange::read_one(calls, OPERATION, &listed, 1).await?;
    let elements = data
        .records
        .into_iter()
        .find(|record| record.id.as_deref() == Some("address"))
        .map(|record| record.elements)
        .filter(|elements| elements.values().any(Json::is_object))
        .ok_or_else(|| unexpected(OPERATION, "the field list has no fields of addresses"))?;
    let users = logins(calls).await?;
    let countries = choices(calls, countries(), |id, elements| {
        let title = elements.get("title").and_then(text)?.trim().to_owned();
        (id.len() == 3 && !title.is_empty()).then(|| Choice {
            key: id.to_owned(),
            label: title,
        })
    })
    .await?;
    let schema = Schema {
        entity,
        fields: fields::of(entity, fields::build(&elements, users, countries)),
    };
    prove(calls, schema).await
}

/// The users of the client by login, which is what records hold; labelled with name and e-mail address.
pub(crate) async fn logins(calls: &dyn Calls) -> Result<Vec<Choice>, Error> {
    choices(calls, users(), |id, elements| {
        let name = |key: &str| elements.get(key).and_then(text).unwrap_or_default();
        let login = name("username").trim().to_owned();
        let label = format!("{} {}", name("firstname").trim(), name("lastname").trim());
        let label = match label.trim() {
            "" => login.clone(),
            label => label.to_owned(),
        };
        let label = match name("email").trim() {
            "" => label,
            mail => format!("{label} <{mail}>"),
        };
        (!login.is_empty() && !id.is_empty()).then_some(Choice { key: login, label })
    })
    .await
}

/// The users of the client; needs no right of its own (documented: "Get users").
pub(crate) fn users() -> Action {
    Action::new(Verb::Get, "users", json!({}))
}

/// The client's country codes and names (documented: "Get Single- and multiselect values").
fn countries() -> Action {
    Action::new(
        Verb::Get,
        "confignewaddressfields",
        json!({"fieldname": "Land"}),
    )
    .on("fieldvalues")
}

/// Permitted values from a call of their own; none if the vendor refuses the call.
async fn choices(
    calls: &dyn Calls,
    action: Action,
    read: impl Fn(&str, &serde_json::Map<String, Json>) -> Option<Choice>,
) -> Result<Vec<Choice>, Error> {
    let reading = exchange::read(calls, OPERATION, std::slice::from_ref(&action), 1).await?;
    let data = match reading.results.into_iter().next() {
        Some(Ok(data)) => data,
        Some(Err(no)) => {
            tracing::info!(
                resource = action.resource_type,
                code = no.code,
                "no list of permitted values"
            );
            return Ok(Vec::new());
        }
        None => return Err(unexpected(OPERATION, "no result")),
    };
    let mut seen = BTreeSet::new();
    Ok(data
        .records
        .iter()
        .filter_map(|record| read(record.id.as_deref().unwrap_or_default(), &record.elements))
        .filter(|choice| seen.insert(choice.key.clone()))
        .collect())
}

/// Reads one record with all fields and drops those that are refused.
async fn prove(calls: &dyn Calls, mut schema: Schema) -> Result<Schema, Error> {
    for _ in 0..ROUNDS {
        let probe = address::read_action(&schema, json!({"listlimit": 1}));
        let reading = exchange::read(calls, OPERATION, std::slice::from_ref(&probe), 1).await?;
        let no = match reading.results.into_iter().next() {
            Some(Ok(_)) => return Ok(schema),
            Some(Err(no)) => no,
            None => return Err(unexpected(OPERATION, "no result")),
        };
        let refusal = no.refusal(&probe.parameters);
        let before = schema.fields.len();
        if is_unknown_field(no.code) {
            schema
                .fields
                .retain(|field| !refusal.fields.contains(&field.name));
        }
        if schema.fields.len() == before {
            return Err(no.error(OPERATION, &probe.parameters));
        }
        for field in &refusal.fields {
            tracing::info!(%field, "left out of the schema: the vendor does not let it be read");
        }
        if schema
            .fields
            .iter()
            .filter(|field| field.name.as_str() != COMPANY)
            .all(|field| Class::of_field(field.name.as_str()).is_some())
        {
            break;
        }
    }
    Err(unexpected(
        OPERATION,
        "the vendor refuses to read the fields that it lists",
    ))
}
