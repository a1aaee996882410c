//! Which action and resource is answered by what.

use serde_json::Value as Json;

use super::answer::Answered;
use super::errors::{Failure, fail_with};
use super::local_time::CivilSeconds;
use super::quirks::Quirks;
use super::request::{Action, Verb};
use super::state::{Change, State};
use super::{info, log, read, search, write};

/// The pairs that this simulation answers.
const KNOWN: [(Verb, &str); 12] = [
    (Verb::Read, "address"),
    (Verb::Create, "address"),
    (Verb::Modify, "address"),
    (Verb::Get, "search"),
    (Verb::Get, "fields"),
    (Verb::Get, "confignewaddressfields"),
    (Verb::Get, "users"),
    (Verb::Read, "user"),
    (Verb::Get, "groups"),
    (Verb::Get, "filters"),
    (Verb::Read, "log"),
    (Verb::Do, "executeMarketplaceWebhooks"),
];

/// Whether an action with a resource is answered at all; else 25.
pub(crate) fn is_known(verb: Verb, resource_type: &str) -> bool {
    KNOWN.contains(&(verb, resource_type))
}

/// Whether clients may keep the answer.
pub(crate) fn is_cacheable(action: &Json) -> bool {
    let verb = action
        .get("actionid")
        .and_then(Json::as_str)
        .and_then(Verb::parse);
    matches!(verb, Some(Verb::Read | Verb::Get))
        && action.get("resourcetype").and_then(Json::as_str) != Some("log")
}

/// Carries out one checked action.
pub(crate) fn carry_out(
    state: &mut State,
    quirks: &Quirks,
    now: CivilSeconds,
    action: &Action<'_>,
) -> Result<(Answered, Option<Change>), Failure> {
    let Action {
        resource_id,
        parameters,
        caller,
        ..
    } = action;
    let changed = |(answered, change): (Answered, Change)| (answered, Some(change));
    let only = |answered: Answered| (answered, None);
    match (action.verb, action.resource_type) {
        (Verb::Read, "address") => {
            read::read(state, quirks, caller, resource_id, parameters).map(only)
        }
        (Verb::Create, "address") => {
            write::create(state, quirks, caller, now, parameters).map(changed)
        }
        (Verb::Modify, "address") => {
            write::modify(state, quirks, caller, now, resource_id, parameters).map(changed)
        }
        (Verb::Get, "search") => {
            search::search(state, quirks, caller, resource_id, parameters).map(only)
        }
        (Verb::Get, "fields") => info::fields(state, quirks, parameters).map(only),
        (Verb::Get, "confignewaddressfields") => {
            info::field_values(state, quirks, resource_id, parameters).map(only)
        }
        (Verb::Get, "users") => info::users(state, quirks, caller, parameters).map(only),
        (Verb::Read, "user") => {
            info::user(state, quirks, caller, resource_id, parameters).map(only)
        }
        (Verb::Get, "groups") => Ok(only(info::groups(state, quirks))),
        (Verb::Get, "filters") => info::filters(state, quirks, parameters).map(only),
        (Verb::Read, "log") => log::read(state, quirks, caller, parameters).map(only),
        (Verb::Do, "executeMarketplaceWebhooks") => {
            info::announce(state, resource_id, parameters).map(changed)
        }
        (_, resource_type) => Err(fail_with(25, resource_type)),
    }
}
