//! What HighLevel offers beside the entities in sync: one entry per operation, as data, a file per family.
//!
//! Methods, paths, versions, fields and scopes are from the vendor's OpenAPI files (the repository
//! `GoHighLevel/highlevel-api-docs`); a test holds the entries against facts extracted from those. What is left out
//! stands in `left_out.json` with its reason, call by call: sign-in calls, what moves files (recordings, uploads as
//! multipart), and what only an agency's own token may do: a connection is a sub-account.

use std::sync::LazyLock;

use connector::{
    CallError, Error, Response,
    catalog::{Catalog, Operation, rest},
};
use serde_json::{Value as Json, json};

use crate::{answer::Complaint, operation};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    Catalog::read(
        &[
            ("contacts", include_str!("catalog/contacts.json")),
            ("businesses", include_str!("catalog/businesses.json")),
            ("calendars", include_str!("catalog/calendars.json")),
            ("services", include_str!("catalog/services.json")),
            ("opportunities", include_str!("catalog/opportunities.json")),
            ("conversations", include_str!("catalog/conversations.json")),
            ("locations", include_str!("catalog/locations.json")),
            ("custom_fields", include_str!("catalog/custom_fields.json")),
            ("users", include_str!("catalog/users.json")),
            ("campaigns", include_str!("catalog/campaigns.json")),
            ("workflows", include_str!("catalog/workflows.json")),
        ],
        include_str!("catalog/fields.json"),
        include_str!("catalog/picks.json"),
    )
    .and_then(|catalog| {
        let fields = include_str!("catalog/fields.json");
        catalog.and_triggers(include_str!("catalog/triggers.json"), fields)
    })
    .and_then(|catalog| catalog.without(include_str!("catalog/left_out.json")))
    .map(|mut catalog| {
        catalog.operations.iter_mut().for_each(with_trace);
        catalog
    })
    .expect("the catalog's own data is read by a test")
});

/// Every answer that is an object carries the id of its request, for the vendor's support (seen live by others).
fn with_trace(operation: &mut Operation) {
    if operation.output["type"] == "object" {
        operation.output["properties"]["traceId"] = json!({
            "type": "string", "title": "Trace id", "description": "The request, for the vendor's support.",
        });
    }
}

pub(crate) fn catalog() -> &'static Catalog {
    &CATALOG
}

/// The scope that an operation needs, of the catalog or of those that a sync makes, for people.
pub(crate) fn right_of(operation: &str) -> String {
    let needs = match (operation::scope_of(operation), CATALOG.operation(operation)) {
        (Some(scope), _) => vec![scope],
        (None, Some(operation)) => operation.needs.iter().map(String::as_str).collect(),
        (None, None) => Vec::new(),
    };
    match needs.as_slice() {
        [] => "a scope that the vendor does not name".to_owned(),
        needs => format!("the scope {}", needs.join(" or ")),
    }
}

pub(crate) fn answer(operation: &'static Operation, response: &Response) -> Result<Json, Error> {
    if response.status.is_success() {
        return rest::answer(operation, response);
    }
    let complaint = Complaint::of(response);
    if complaint.is_missing_scope() {
        return Err(CallError::Right {
            operation: &operation.id,
            right: right_of(&operation.id),
        }
        .into());
    }
    Err(Error::Refused {
        operation: &operation.id,
        refusal: complaint.refusal(Vec::new()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_of_the_form_and_refers_only_to_what_is_there() {
        let catalog = catalog();
        assert!(catalog.operations.len() >= 100);
        for pick in catalog.picks.values() {
            assert!(catalog.operation(&pick.operation).is_some(), "{pick:?}");
        }
        for operation in &catalog.operations {
            if let Some(scope) = operation::scope_of(&operation.id) {
                assert!(
                    operation.needs.is_empty() || operation.needs.iter().any(|need| need == scope),
                    "{}: {scope}, and {:?} in the catalog",
                    operation.id,
                    operation.needs
                );
            }
            if let connector::catalog::Repeat::LookUp(by) = &operation.repeat {
                assert!(catalog.operation(by).is_some(), "{} → {by}", operation.id);
            }
        }
    }
}
