//! How much a catalog can do, counted honestly: two ways to the same thing count once.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Catalog, Operation, trigger::Source};

/// How many different things a system can do and tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Distinct {
    /// Actions, by what they do: the same method and path in another version of the API counts once, one that the vendor
    /// discourages does not count.
    pub actions: usize,
    /// Where one address stands for all: documented pairs of an action and a resource. Else as many as `actions`.
    pub pairs: usize,
    /// Triggers, by the event that tells of them, or by the question that is asked.
    pub triggers: usize,
}

impl Catalog {
    /// Counts what is there, each thing once.
    #[must_use]
    pub fn distinct(&self) -> Distinct {
        let current = || self.operations.iter().filter(|one| !one.deprecated);
        let actions: BTreeSet<(&str, String, Option<&str>)> = current().map(kind).collect();
        let pairs: BTreeSet<(&str, String)> = current()
            .map(|operation| {
                let pair = if is_one_address(&self.operations) {
                    pair(&operation.path).to_owned()
                } else {
                    place(&operation.path)
                };
                (operation.method.as_str(), pair)
            })
            .collect();
        let triggers: BTreeSet<String> = self
            .triggers
            .iter()
            .map(|trigger| match &trigger.source {
                Source::Webhook { events, .. } => {
                    let mut events = events.clone();
                    events.sort_unstable();
                    events.join(" ")
                }
                Source::Poll(poll) => format!("{} {}", poll.operation, trigger.id),
            })
            .collect();
        Distinct {
            actions: actions.len(),
            pairs: pairs.len(),
            triggers: triggers.len(),
        }
    }

    /// The pairs of an action and a resource, where one address stands for all.
    #[must_use]
    pub fn pairs(&self) -> Option<usize> {
        is_one_address(&self.operations).then(|| self.distinct().pairs)
    }
}

/// Where one address stands for all, an operation's method is the vendor's action.
fn is_one_address(operations: &[Operation]) -> bool {
    operations.iter().any(|operation| operation.method == "do")
}

/// What tells an action from others. Two entries for one resource do different things where there is one address for all, such as
/// listing and reading one.
fn kind(operation: &Operation) -> (&str, String, Option<&str>) {
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    let by_path = methods.contains(&operation.method.as_str());
    let own = (!by_path).then_some(operation.id.as_str());
    (&operation.method, place(&operation.path), own)
}

/// A path whatever its places are called, in whichever version.
fn place(path: &str) -> String {
    let is_version = |part: &str| {
        let number = part.strip_prefix('v');
        number.is_some_and(|number| {
            !number.is_empty() && number.bytes().all(|at| at.is_ascii_digit())
        })
    };
    let path = path.split('?').next().unwrap_or(path);
    path.split('/')
        .filter(|part| !part.is_empty() && !is_version(part))
        .map(|part| if part.starts_with('{') { "{}" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

/// The resource of a path: without the place of a record, and without a word that only names the module.
fn pair(path: &str) -> &str {
    match path.split_once('/') {
        // these are documented once for each module
        Some(("search" | "file", _)) => path,
        Some((resource, _)) => resource,
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn entry(id: &str, method: &str, path: &str, deprecated: bool) -> Json {
        json!({"id": id, "title": id, "description": id, "method": method, "path": path, "deprecated": deprecated,
            "needs": "none documented", "effect": "read", "repeat": "repeatable", "input": {}, "output": {}, "example": {}})
    }

    fn catalog(entries: &[Json], triggers: &Json) -> Catalog {
        let text = json!(entries).to_string();
        let read = Catalog::read(&[("test", text.as_str())], "{}", "{}").unwrap();
        read.and_triggers(&triggers.to_string(), "{}").unwrap()
    }

    #[test]
    fn twins_aliases_and_what_is_discouraged_count_once() {
        let told = |id: &str, events: &[&str]| {
            json!({"id": id, "title": id, "description": id, "output": {}, "example": {},
                "needs": "none documented", "source": {"webhook": {"events": events, "set_up": "by hand"}}})
        };
        let counted = catalog(
            &[
                entry("a.get", "GET", "/a/{id}", false),
                entry("a.get_v3", "GET", "/v3/a/{aId}/", false),
                entry("a.put", "PUT", "/a/{id}", false),
                entry("a.list", "GET", "/a", false),
                entry("a.old", "GET", "/a/all", true),
            ],
            &json!([told("a.made", &["A", "B"]), told("a.gone", &["C"])]),
        );
        let of = |actions, pairs, triggers| Distinct {
            actions,
            pairs,
            triggers,
        };
        assert_eq!(counted.distinct(), of(3, 3, 2));
        assert_eq!(counted.pairs(), None);
        // one address: listing and reading one are two things, and one pair
        let counted = catalog(
            &[
                entry("a.list", "read", "a", false),
                entry("a.get", "read", "a/{id}", false),
                entry("a.do", "do", "a", false),
                entry("find.a", "get", "search/a", false),
                entry("find.b", "get", "search/b", false),
            ],
            &json!([]),
        );
        assert_eq!(counted.distinct(), of(5, 4, 0));
        assert_eq!(counted.pairs(), Some(4));
    }
}
