//! The cheapest real look at an account: which one it is, and what its API user lacks.

mod rights;

use connector::{Account, Calls, Credentials, Error};
use record::{Country, Entity};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::{
    action::{Action, Verb},
    address::{self, ADDRESS},
    answer::{Data, integer, text},
    attached::Sort,
    codes::{Meaning, meaning},
    exchange::{self, unexpected},
    schema,
    sign::Keys,
};

const OPERATION: &str = "account.check";

/// Fields without which a sync of contacts is lame, and what is lame about it.
const WANTED: [(&str, &str); 3] = [
    ("Status2Adr", "addresses cannot be archived"),
    ("Vorname", "first names cannot be kept in sync"),
    ("Name", "surnames cannot be kept in sync"),
];

/// Reads the account.
///
/// The rights of an API user cannot be listed by API, and a missing one mostly shows as an empty
/// success. So `missing` holds only what the vendor refused in so many words, or answered to the question for one record;
/// what looks like a right too narrow is a remark.
pub(crate) async fn check(
    calls: &dyn Calls,
    credentials: &Credentials,
    entities: &[Entity],
    write: bool,
) -> Result<Account, Error> {
    let keys = Keys::of(credentials)?;
    for entity in entities {
        if *entity != Entity::Appointment && Sort::of(*entity).is_none() {
            address::supported(*entity)?;
        }
    }
    let mut missing = Vec::new();
    let mut remarks = Vec::new();
    let address = addresses(calls, &mut missing, &mut remarks).await?;
    rights::look(calls, entities, write, address, &mut missing, &mut remarks).await?;
    let imprint = optional(
        calls,
        imprint(),
        "Extras → Einstellungen → Grundeinstellungen",
        &mut remarks,
    )
    .await?;
    let users = optional(calls, schema::users(), "Benutzer", &mut remarks).await?;
    let company = imprint
        .as_ref()
        .and_then(|data| data.records.first())
        .map(|record| &record.elements)
        .filter(|elements| !field(elements, "firma").is_empty());
    let first_user = users.as_ref().and_then(first_user);
    let (id, name) = match (company, first_user) {
        (Some(imprint), _) => (identity(imprint), field(imprint, "firma")),
        (None, Some((number, login))) => {
            remarks.push("the imprint (Impressum) has no company name: the account is recognised by its first user".into());
            (
                format!("user:{number}:{login}"),
                format!("onOffice client of {login}"),
            )
        }
        (None, None) => {
            remarks.push(
                "neither imprint nor users can be read: another account behind new credentials would not be noticed"
                    .into(),
            );
            (
                format!("token:{}", fingerprint(&[keys.token])),
                "onOffice client".into(),
            )
        }
    };
    Ok(Account {
        id,
        name,
        country: company
            .and_then(|imprint| Country::parse(&field(imprint, "country")))
            .map(|country| country.alpha2().to_owned()),
        time_zone: None,
        missing,
        remarks,
    })
}

/// Fields and one row of addresses, whose number is the answer.
async fn addresses(
    calls: &dyn Calls,
    missing: &mut Vec<String>,
    remarks: &mut Vec<String>,
) -> Result<Option<u64>, Error> {
    let fields = Action::new(
        Verb::Get,
        "fields",
        json!({"modules": [ADDRESS], "labels": true, "language": "DEU"}),
    );
    let row = Action::new(
        Verb::Read,
        ADDRESS,
        json!({"data": ["KdNr"], "listlimit": 1}),
    );
    let actions = [fields, row];
    let reading = exchange::read(calls, OPERATION, &actions, 1).await?;
    let [fields, row]: [_; 2] = reading
        .results
        .try_into()
        .map_err(|_| unexpected(OPERATION, "two actions got another number of results"))?;
    match fields {
        Ok(data) => {
            let active = data.records.first().map(|record| &record.elements);
            let lacking = WANTED
                .iter()
                .filter(|(name, _)| !active.is_some_and(|active| active.contains_key(*name)));
            remarks.extend(
                lacking.map(|(name, lame)| format!("the field {name} is not active: {lame}")),
            );
        }
        Err(no) if meaning(no.code) == Meaning::Right => missing.push(no.right()),
        Err(no) => return Err(no.error(OPERATION, &actions[0].parameters)),
    }
    match row {
        Ok(data) if data.records.is_empty() => remarks.push(
            "no address is visible: the client may be new, or the API user lacks the right to read addresses, has \
             \"Nur eigene\", or may only see what is published on the website (API-Benutzer → Rechte)"
                .into(),
        ),
        Ok(data) => {
            let id = data.records[0].id.as_deref();
            return Ok(id.and_then(|id| id.parse().ok()));
        }
        Err(no) if matches!(meaning(no.code), Meaning::Right | Meaning::GoneOrRight) => missing.push(no.right()),
        Err(no) => return Err(no.error(OPERATION, &actions[1].parameters)),
    }
    Ok(None)
}

/// The imprint of the API user's client or office (documented: "Read Imprint").
fn imprint() -> Action {
    let asked = json!({"data": ["firma", "country", "ustId", "handelsregisterNr"]});
    Action::new(Verb::Read, "impressum", asked)
}

/// What an account can do without. A call that does not come to pass is an error all the same.
async fn optional(
    calls: &dyn Calls,
    action: Action,
    what: &str,
    remarks: &mut Vec<String>,
) -> Result<Option<Data>, Error> {
    let reading = exchange::read(calls, OPERATION, std::slice::from_ref(&action), 1).await?;
    match reading.results.into_iter().next() {
        Some(Ok(data)) => Ok(Some(data)),
        Some(Err(no)) => {
            remarks.push(format!(
                "{what} cannot be read: \"{}\" ({})",
                no.message, no.code
            ));
            Ok(None)
        }
        None => Err(unexpected(OPERATION, "no result")),
    }
}

/// An id for the client, which no answer names: made of what its imprint says it is. It stays when token
/// and secret are renewed, and changes when the same credentials lead to another client, or the client
/// changes its name; then a person is asked.
fn identity(imprint: &Map<String, Json>) -> String {
    let parts = ["firma", "country", "ustId", "handelsregisterNr"]
        .map(|key| field(imprint, key).to_lowercase());
    format!("imprint:{}", fingerprint(&parts))
}

fn fingerprint(parts: &[impl AsRef<str>]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_ref().as_bytes());
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn field(elements: &Map<String, Json>, key: &str) -> String {
    elements
        .get(key)
        .and_then(text)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// The user with the lowest number: the one that was there first.
fn first_user(users: &Data) -> Option<(i64, String)> {
    let numbered = users.records.iter().filter_map(|record| {
        let number = integer(&Json::from(record.id.clone()?))?;
        let login = field(&record.elements, "username");
        (!login.is_empty()).then_some((number, login))
    });
    numbered.min()
}
