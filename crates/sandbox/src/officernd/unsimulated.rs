//! What of the vendor's reference the sandbox does not simulate. It says so in its own words, whoever calls, so that its
//! answer is never taken for the vendor's.

use http::Method;
use serde_json::json;

use super::things::below;
use crate::vendor::Answer;

/// A call that is not simulated.
pub(super) struct Unsimulated {
    method: Method,
    /// Below the organization.
    pub(super) template: &'static str,
    why: &'static str,
}

const fn call(method: Method, template: &'static str, why: &'static str) -> Unsimulated {
    Unsimulated {
        method,
        template,
        why,
    }
}

/// All of them, as `docs/sandbox.md` lists them.
static CALLS: [Unsimulated; 1] = [call(
    Method::PUT,
    "/charges/{chargeId}",
    "what it takes is documented nowhere",
)];

/// The call of a request, if it is one of these.
pub(super) fn find(method: &Method, path: &str) -> Option<&'static Unsimulated> {
    let (_, rest) = below(path)?;
    let fits = |own: &&Unsimulated| own.method == *method && fits(own.template, rest);
    CALLS.iter().find(fits)
}

fn fits(template: &str, path: &str) -> bool {
    let (wanted, given): (Vec<&str>, Vec<&str>) =
        (template.split('/').collect(), path.split('/').collect());
    wanted.len() == given.len()
        && wanted
            .into_iter()
            .zip(given)
            .all(|(wanted, given)| wanted == given || wanted.starts_with('{') && !given.is_empty())
}

impl Unsimulated {
    /// An answer that is none of the vendor's.
    pub(super) fn answer(&self) -> Answer {
        let message = format!(
            "the sandbox does not simulate {} {}: {}",
            self.method, self.template, self.why
        );
        Answer::json(
            501,
            &json!({"statusCode": 501, "message": message, "error": "Not Implemented"}),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::{routes, things};
    use super::*;

    /// Calls of the vendor's reference, without that for tokens, and the one that only a scope speaks of.
    const REFERENCE: usize = 151 + 1;

    #[test]
    fn every_call_of_the_reference_is_simulated_or_says_that_it_is_not() {
        let simulated = routes::calls().chain(things::calls());
        let all: std::collections::BTreeSet<String> = simulated
            .chain(CALLS.iter().map(|own| (&own.method, own.template)))
            .map(|(method, template)| format!("{method} {template}"))
            .collect();
        assert_eq!(all.len(), REFERENCE, "{all:#?}");
    }

    #[test]
    fn the_document_lists_what_is_not_simulated() {
        let document = include_str!("../../../../docs/sandbox.md");
        for own in &CALLS {
            let named = format!("`{} {}`", own.method, own.template);
            assert!(document.contains(&named), "{named}");
        }
    }
}
