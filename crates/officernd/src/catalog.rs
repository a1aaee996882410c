//! What OfficeRnD offers beside the entities in sync: one entry per call of the public API v2, as data, a file per family of scopes.
//!
//! Facts are from the vendor's v2 reference of February 2026. What is left out stands in `left_out.json` with its reason: calls for
//! passwords and sign-in of members, and one of which neither body nor answer is documented.

use std::sync::LazyLock;

use connector::{
    Error, Response,
    catalog::{Catalog, Operation, rest},
};
use serde_json::Value as Json;

use crate::answer::Complaint;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    Catalog::read(
        &[
            ("community", include_str!("catalog/community.json")),
            ("space", include_str!("catalog/space.json")),
            ("billing", include_str!("catalog/billing.json")),
            ("collaboration", include_str!("catalog/collaboration.json")),
            ("settings", include_str!("catalog/settings.json")),
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

/// Every scope that an operation needs.
pub(crate) fn scopes() -> Vec<String> {
    let mut scopes: Vec<String> = CATALOG
        .operations
        .iter()
        .flat_map(|operation| operation.needs.clone())
        .collect();
    scopes.sort();
    scopes.dedup();
    scopes
}

pub(crate) fn answer(operation: &'static Operation, response: &Response) -> Result<Json, Error> {
    if response.status.is_success() {
        return rest::answer(operation, response);
    }
    Err(Error::Refused {
        operation: &operation.id,
        refusal: Complaint::of(response).refusal(Vec::new()),
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
            assert_eq!(operation.needs.len(), 1, "{}", operation.id);
            if let connector::catalog::Repeat::LookUp(by) = &operation.repeat {
                assert!(catalog.operation(by).is_some(), "{} → {by}", operation.id);
            }
        }
    }
}
