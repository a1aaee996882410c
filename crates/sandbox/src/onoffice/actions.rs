//! Which action and resource is answered by what.

use serde_json::Value as Json;

use super::ask::{Ask, Outcome};
use super::errors::fail_with;
use super::request::{ResourceId, Verb};
use super::{
    activity, appointments, calendar, client, criteria, estate, files, info, kinds, log, mail,
    offers, read, relation, search, task, write,
};

type Handler = fn(&mut Ask<'_>) -> Outcome;

/// The pairs that this simulation answers.
const PAIRS: [(Verb, &str, Handler); 69] = [
    (Verb::Read, "address", |ask| {
        read::read(
            ask.state,
            ask.quirks,
            &ask.caller(),
            ask.resource,
            ask.parameters,
        )
    }),
    (Verb::Create, "address", |ask| {
        let (answered, change) = write::create(
            ask.state,
            ask.quirks,
            &ask.caller(),
            ask.now.wall,
            ask.parameters,
        )?;
        ask.changes.push(change);
        Ok(answered)
    }),
    (Verb::Modify, "address", |ask| {
        let (caller, now) = (ask.caller(), ask.now.wall);
        let (answered, change) = write::modify(
            ask.state,
            ask.quirks,
            &caller,
            now,
            ask.resource,
            ask.parameters,
        )?;
        ask.changes.push(change);
        Ok(answered)
    }),
    (Verb::Get, "search", |ask| match ask.resource {
        ResourceId::Word(word) if word == "estate" => estate::search(ask),
        ResourceId::Word(word) if word == "searchcriteria" => criteria::search(ask),
        _ => search::search(
            ask.state,
            ask.quirks,
            &ask.caller(),
            ask.resource,
            ask.parameters,
        ),
    }),
    (Verb::Get, "fields", |ask| {
        info::fields(ask.state, ask.quirks, ask.parameters)
    }),
    (Verb::Get, "confignewaddressfields", |ask| {
        info::field_values(ask.state, ask.quirks, ask.resource, ask.parameters)
    }),
    (Verb::Get, "users", |ask| {
        info::users(ask.state, ask.quirks, &ask.caller(), ask.parameters)
    }),
    (Verb::Read, "user", |ask| {
        info::user(
            ask.state,
            ask.quirks,
            &ask.caller(),
            ask.resource,
            ask.parameters,
        )
    }),
    (Verb::Get, "groups", |ask| {
        Ok(info::groups(ask.state, ask.quirks))
    }),
    (Verb::Get, "filters", |ask| {
        info::filters(ask.state, ask.quirks, ask.parameters)
    }),
    (Verb::Read, "log", |ask| {
        log::read(ask.state, ask.quirks, &ask.caller(), ask.parameters)
    }),
    (Verb::Do, "executeMarketplaceWebhooks", info::announce),
    (
        Verb::Get,
        "addressCompletionFields",
        client::completion_fields,
    ),
    (Verb::Do, "sendaddresscompletion", mail::completion),
    (Verb::Do, "registerNewsletter", mail::newsletter),
    (Verb::Get, "downloadFiles", files::page),
    (Verb::Create, "task", task::create),
    (Verb::Modify, "task", task::modify),
    (Verb::Read, "task", task::read),
    (Verb::Create, "agentslog", activity::create),
    (Verb::Modify, "agentslog", activity::modify),
    (Verb::Read, "agentslog", activity::read),
    (Verb::Get, "actionkindtypes", kinds::list),
    (Verb::Create, "calendar", calendar::create),
    (Verb::Modify, "calendar", calendar::modify),
    (Verb::Delete, "calendar", calendar::delete),
    (Verb::Read, "calendar", appointments::read),
    (Verb::Get, "appointmentList", appointments::list),
    (Verb::Get, "appointmentConflicts", appointments::conflicts),
    (Verb::Get, "calendarResources", appointments::resources),
    (Verb::Do, "appointmentAffirmation", appointments::confirm),
    (Verb::Create, "relation", relation::create),
    (Verb::Modify, "relation", relation::modify),
    (Verb::Delete, "relation", relation::delete),
    (Verb::Get, "idsfromrelation", relation::ids),
    (Verb::Create, "estate", estate::create),
    (Verb::Modify, "estate", estate::modify),
    (Verb::Read, "estate", estate::read),
    (Verb::Get, "estateCategories", estate::categories),
    (Verb::Get, "priceOffer", offers::read),
    (Verb::Do, "priceOffer", offers::make),
    (Verb::Get, "estatepictures", files::pictures),
    (Verb::Create, "searchcriteria", criteria::create),
    (Verb::Modify, "searchcriteria", criteria::modify),
    (Verb::Delete, "searchcriteria", criteria::delete),
    (Verb::Get, "searchcriterias", criteria::list),
    (Verb::Get, "searchCriteriaFields", criteria::fields),
    (Verb::Get, "qualifiedsuitors", criteria::suitors),
    (Verb::Do, "uploadfile", files::upload),
    (Verb::Get, "file", files::list),
    (Verb::Modify, "fileRelation", files::describe),
    (Verb::Delete, "fileRelation", files::delete),
    (Verb::Do, "sendmail", mail::sendmail),
    (Verb::Get, "emailInfo", mail::info),
    (Verb::Do, "emailassignments", mail::assign),
    (Verb::Get, "templates", mail::templates),
    (Verb::Get, "emailtemplatefolders", mail::folders),
    (Verb::Get, "emailsignature", mail::signatures),
    (Verb::Read, "impressum", client::imprint),
    (Verb::Read, "basicsettings", client::settings),
    (Verb::Get, "getlink", client::link),
    (Verb::Get, "macroresolve", client::resolve),
    (Verb::Get, "regions", client::regions),
    (Verb::Get, "regionsLiveSearch", client::region_search),
    (Verb::Read, "userphoto", client::photos),
    (Verb::Get, "checkuserrecordsright", client::rights),
    (Verb::Create, "workinglist", client::work_list),
    (Verb::Get, "multiselectconfiguration", client::multiselect),
    (Verb::Read, "recordsLastSeen", client::last_seen),
];

/// Reads whose answers may not be kept, as the documentation's samples show.
const NEVER_KEPT: [&str; 8] = [
    "log",
    "task",
    "recordsLastSeen",
    "getlink",
    "appointmentConflicts",
    "checkuserrecordsright",
    "basicsettings",
    "emailtemplatefolders",
];

/// Whether an action with a resource is answered at all; else 25.
pub(crate) fn is_known(verb: Verb, resource_type: &str) -> bool {
    PAIRS
        .iter()
        .any(|(known, resource, _)| *known == verb && *resource == resource_type)
}

/// Whether clients may keep the answer.
pub(crate) fn is_cacheable(action: &Json) -> bool {
    let verb = action
        .get("actionid")
        .and_then(Json::as_str)
        .and_then(Verb::parse);
    let resource = action.get("resourcetype").and_then(Json::as_str);
    matches!(verb, Some(Verb::Read | Verb::Get))
        && !resource.is_some_and(|resource| NEVER_KEPT.contains(&resource))
}

/// Carries out one checked action.
pub(crate) fn carry_out(ask: &mut Ask<'_>, verb: Verb, resource_type: &str) -> Outcome {
    let known = PAIRS
        .iter()
        .find(|(known, resource, _)| *known == verb && *resource == resource_type);
    match known {
        Some((_, _, handler)) => handler(ask),
        None => Err(fail_with(25, resource_type)),
    }
}
