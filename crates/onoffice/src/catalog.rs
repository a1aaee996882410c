//! What onOffice offers beside the entities in sync: one entry per documented pair of an action and a resource, as data.
//!
//! The API has one address for all. An entry's method is the action, its path the resource, and after a `/` the resource
//! id: a literal word that the vendor documents, or a place to be filled. All other input goes into the parameters. The answer is
//! `total`, where the vendor says it, and `records` with `id` and `elements`.
//!
//! Facts are from the vendor's documentation (apidoc.onoffice.de) and from what others measured on live accounts. What is left out
//! stands in `left_out.json` with its reason, pair by pair.

use std::sync::LazyLock;

use connector::{
    Error, Request, Response,
    catalog::{Catalog, Operation, trigger::Poll},
};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use crate::{
    action::{self, Action, Verb},
    answer::Answer,
    describe::SYSTEM,
    wall::Wall,
};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    Catalog::read(
        &[
            ("addresses", include_str!("catalog/addresses.json")),
            ("tasks", include_str!("catalog/tasks.json")),
            ("activities", include_str!("catalog/activities.json")),
            ("appointments", include_str!("catalog/appointments.json")),
            ("relations", include_str!("catalog/relations.json")),
            ("estates", include_str!("catalog/estates.json")),
            ("criteria", include_str!("catalog/criteria.json")),
            ("files", include_str!("catalog/files.json")),
            ("mails", include_str!("catalog/mails.json")),
            ("settings", include_str!("catalog/settings.json")),
            ("records", include_str!("catalog/records.json")),
        ],
        include_str!("catalog/fields.json"),
        include_str!("catalog/picks.json"),
    )
    .and_then(|catalog| {
        let fields = include_str!("catalog/fields.json");
        catalog.and_triggers(include_str!("catalog/triggers.json"), fields)
    })
    .and_then(|catalog| catalog.without(include_str!("catalog/left_out.json")))
    .expect("the catalog's own data is read by a test")
});

pub(crate) fn catalog() -> &'static Catalog {
    &CATALOG
}

/// A moment as a question for changes writes it: `wall` local date and time, `day` the local date, `utc` date and time.
pub(crate) fn since(poll: &Poll, at: Timestamp, settings: &Json) -> Result<String, Error> {
    let wall = || Wall::of(settings).map(|wall| wall.since(at));
    match poll.clock.as_str() {
        "wall" => wall(),
        "day" => Ok(wall()?.chars().take(10).collect()),
        "utc" => Ok(at.strftime("%Y-%m-%d %H:%M:%S").to_string()),
        other => Err(Error::Unsupported {
            system: SYSTEM,
            what: format!("there is no clock {other}"),
        }),
    }
}

/// The one action of an operation.
pub(crate) fn request(operation: &'static Operation, input: &Json) -> Result<Request, Error> {
    let wrong = |what: String| Error::Unsupported {
        system: SYSTEM,
        what: format!("{}: {what}", operation.id),
    };
    let verb = match operation.method.as_str() {
        "read" => Verb::Read,
        "get" => Verb::Get,
        "create" => Verb::Create,
        "modify" => Verb::Modify,
        "delete" => Verb::Delete,
        "do" => Verb::Do,
        other => return Err(wrong(format!("there is no action {other}"))),
    };
    let (resource, id) = match operation.path.split_once('/') {
        Some((resource, id)) => (resource, Some(id)),
        None => (operation.path.as_str(), None),
    };
    let mut parameters: Map<String, Json> = input.as_object().cloned().unwrap_or_default();
    let id = match id.map(|id| (id, id.strip_prefix('{').and_then(|id| id.strip_suffix('}')))) {
        None => json!(""),
        Some((_, Some(place))) => parameters
            .remove(place)
            .ok_or_else(|| wrong(format!("{place} is missing")))?,
        Some((word, None)) => json!(word),
    };
    let action = Action::new(verb, resource, Json::Object(parameters)).on(id);
    let mut request = action::request(&operation.id, &[action], 1);
    request.own_right = true;
    Ok(request)
}

pub(crate) fn answer(operation: &'static Operation, response: &Response) -> Result<Json, Error> {
    let id = operation.id.as_str();
    let unexpected = |what: &str| Error::Unexpected {
        operation: id,
        status: response.status.as_u16(),
        what: what.to_owned(),
    };
    let answer =
        Answer::parse(&response.body).ok_or_else(|| unexpected("it is no answer of onOffice"))?;
    let nothing = Map::new();
    let data = match answer.settle(1) {
        Ok(mut results) => match results.pop() {
            Some(Ok(data)) => data,
            Some(Err(no)) => return Err(no.error(id, &nothing)),
            None => return Err(unexpected("no result")),
        },
        Err(unmatched) => {
            return Err(match unmatched.top {
                Some(no) => no.error(id, &nothing),
                None => unexpected(&unmatched.what),
            });
        }
    };
    // an empty list and no fields at all look the same: the declared form says which it is
    let lists = operation
        .output
        .pointer("/properties/records/items/properties/elements/type")
        .is_some_and(|kind| kind == "array");
    let records: Vec<Json> = data
        .records
        .into_iter()
        .map(|row| match row.list {
            // some records hold a list instead of fields
            Some(list) => json!({"id": row.id, "elements": list}),
            None if lists => json!({"id": row.id, "elements": []}),
            None => json!({"id": row.id, "elements": row.elements}),
        })
        .collect();
    Ok(json!({"total": data.total, "records": records}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_of_the_form_and_every_entry_makes_a_request() {
        for operation in &catalog().operations {
            let request = request(operation, &operation.example).unwrap();
            let connector::Body::Json(body) = request.body else {
                panic!("{}", operation.id);
            };
            let action = &body["request"]["actions"][0];
            let urn = action["actionid"].as_str().unwrap();
            assert!(urn.ends_with(&format!(":{}", operation.method)), "{urn}");
            let reads = request.effect == connector::Effect::Read;
            assert_eq!(reads, operation.effect == connector::catalog::Effects::Read);
        }
    }

    #[test]
    fn what_the_path_names_is_no_parameter() {
        let operation = catalog().operation("address.modify").unwrap();
        let input = json!({"addressId": 17, "Ort": "Berlin"});
        let connector::Body::Json(body) = request(operation, &input).unwrap().body else {
            panic!()
        };
        let action = &body["request"]["actions"][0];
        assert_eq!(action["resourceid"], 17);
        assert_eq!(action["parameters"], json!({"Ort": "Berlin"}));
    }
}
