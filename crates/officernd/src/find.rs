//! Members that carry an e-mail address.
//!
//! Lists of members are narrowed by `email`, exactly as it is stored: another spelling of the same address is not found
//! here, and is found by the caller's own index of listings. Nothing narrows by phone, and nothing narrows
//! companies by e-mail.

use connector::{Calls, Error, IdentityKey, KeyKind};
use record::{Read, Schema};

use crate::{api::in_flight, list::reading, pages, resource::Resource};

pub(crate) async fn find(
    calls: &dyn Calls,
    schema: &Schema,
    resource: &Resource,
    keys: &[IdentityKey],
) -> Result<Vec<Read>, Error> {
    if !resource.found_by_email {
        return Ok(Vec::new());
    }
    let operation = resource.operations.find;
    let asked = calls.now();
    let place = format!("/{}", resource.path);
    let narrowed: Vec<[(&str, &str); 1]> = keys
        .iter()
        .filter(|key| key.kind == KeyKind::Email)
        .map(|key| [("email", key.value.as_str())])
        .collect();
    let questions = narrowed
        .iter()
        .map(|narrowed| pages::all_of(calls, operation, &place, narrowed))
        .collect();
    let mut found: Vec<Read> = Vec::new();
    for items in in_flight(questions).await {
        for item in items? {
            let read = reading(operation, &item, schema, resource, asked)?;
            if !found.iter().any(|known| known.record.id == read.record.id) {
                found.push(read);
            }
        }
    }
    Ok(found)
}
