//! Whether the description of the API names every route, and no other.

use std::collections::BTreeSet;

use serde_json::Value;

/// Where routes are made, and below which address.
const SOURCES: [&str; 1] = [include_str!("../api.rs")];

/// Method and address of every `.route(…)` in a source.
fn routes(source: &str) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (at, _) in source.match_indices(".route(") {
        let mut depth = 0_usize;
        let text: String = source[at + ".route".len()..]
            .chars()
            .take_while(|letter| {
                depth = match letter {
                    '(' => depth + 1,
                    ')' => depth - 1,
                    _ => depth,
                };
                depth > 0
            })
            .collect();
        let Some(path) = text.split('"').nth(1) else {
            continue;
        };
        for method in ["get", "post", "put", "delete"] {
            let begins = [
                format!(" {method}("),
                format!(".{method}("),
                format!("\n{method}("),
            ];
            if begins.iter().any(|begin| text.contains(begin)) {
                found.insert((method.to_owned(), path.to_owned()));
            }
        }
    }
    found
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let description: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let described: BTreeSet<(String, String)> = description["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap();
            methods.keys().map(|method| (method.clone(), path.clone()))
        })
        .collect();
    let made: BTreeSet<(String, String)> =
        SOURCES.iter().flat_map(|source| routes(source)).collect();
    assert!(made.len() > 40, "{made:?}");
    let missing: Vec<_> = made.difference(&described).collect();
    assert!(
        missing.is_empty(),
        "crates/server/openapi.json does not describe {missing:?}"
    );
    let extra: Vec<_> = described.difference(&made).collect();
    assert!(
        extra.is_empty(),
        "crates/server/openapi.json describes what is not there: {extra:?}"
    );
}
