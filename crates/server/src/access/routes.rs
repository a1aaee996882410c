//! Every route, what it needs, and what the act is called that it leaves. Routes that change nothing leave none.

use http::Method;
use store::Scope::{self, Admin, Config, Read, Work};

/// What a route needs of who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: it is the way in, and looks itself.
    Nothing,
    /// A person who is signed in, or everything.
    Person,
    /// This scope.
    Scope(Scope),
}

/// A route, and what is decided about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    /// The method, in lower case.
    pub(crate) method: &'static str,
    /// The address below `/api/v1`.
    pub(crate) path: &'static str,
    /// What it needs.
    pub(crate) need: Need,
    /// What the act is called; empty where it changes nothing.
    pub(crate) act: &'static str,
}

/// What is not in the table.
const UNKNOWN: Route = known("", "", Need::Scope(Admin), "unknown");

const fn known(method: &'static str, path: &'static str, need: Need, act: &'static str) -> Route {
    Route {
        method,
        path,
        need,
        act,
    }
}

/// What is decided about a route.
pub(crate) fn route(method: &Method, path: &str) -> Route {
    let method = match method.as_str() {
        "HEAD" => "GET",
        method => method,
    };
    ROUTES
        .iter()
        .find(|route| route.path == path && route.method.eq_ignore_ascii_case(method))
        .copied()
        .unwrap_or(UNKNOWN)
}

/// All routes below `/api/v1`, and `/metrics`.
#[rustfmt::skip]
pub(crate) const ROUTES: &[Route] = &[
    // Signing in
    known("get", "/session", Need::Nothing, ""),
    known("post", "/session", Need::Nothing, "session.begin"),
    known("delete", "/session", Need::Person, "session.end"),
    known("post", "/password", Need::Nothing, "password.set"),
    known("put", "/password", Need::Person, "password.replace"),
    // Who may come in
    known("get", "/users", Need::Scope(Admin), ""),
    known("post", "/users", Need::Scope(Admin), "user.add"),
    known("put", "/users/{name}", Need::Scope(Admin), "user.role"),
    known("delete", "/users/{name}", Need::Scope(Admin), "user.remove"),
    known("post", "/users/{name}/link", Need::Scope(Admin), "user.link"),
    known("post", "/users/{name}/sign-out", Need::Scope(Admin), "user.sign_out"),
    known("get", "/tokens", Need::Scope(Read), ""),
    known("post", "/tokens", Need::Person, "token.add"),
    known("delete", "/tokens/{name}", Need::Person, "token.remove"),
    known("get", "/acts", Need::Scope(Admin), ""),
    // How it stands
    known("get", "/status", Need::Scope(Read), ""),
    known("get", "/events", Need::Scope(Read), ""),
    known("get", "/metrics", Need::Scope(Read), ""),
    known("get", "/series", Need::Scope(Read), ""),
    known("get", "/systems", Need::Scope(Read), ""),
    known("get", "/alerts", Need::Scope(Read), ""),
    known("post", "/alerts/test", Need::Scope(Work), "alerts.test"),
    known("get", "/retention", Need::Scope(Read), ""),
    // Connections
    known("get", "/connections", Need::Scope(Read), ""),
    known("get", "/connections/{name}", Need::Scope(Read), ""),
    known("post", "/connections/{name}/check", Need::Scope(Work), ""),
    known("post", "/connections/{name}/connect", Need::Scope(Admin), "connection.connect"),
    known("post", "/connections/{name}/confirm", Need::Scope(Admin), "connection.confirm"),
    known("get", "/connections/{name}/disconnect", Need::Scope(Read), ""),
    known("post", "/connections/{name}/disconnect", Need::Scope(Admin), "connection.disconnect"),
    known("get", "/connections/{name}/fields", Need::Scope(Read), ""),
    known("post", "/connections/{name}/fields", Need::Scope(Config), "connection.add_field"),
    known("get", "/connections/{name}/accounts", Need::Scope(Read), ""),
    known("get", "/connections/{name}/users/{other}", Need::Scope(Read), ""),
    known("get", "/connections/{name}/probes", Need::Scope(Read), ""),
    known("post", "/connections/{name}/probes", Need::Scope(Work), "connection.probe"),
    known("post", "/probes/{run}", Need::Scope(Work), ""),
    known("get", "/connections/{name}/operations", Need::Scope(Read), ""),
    known("get", "/connections/{name}/operations/{operation}", Need::Scope(Read), ""),
    known("post", "/connections/{name}/operations/{operation}", Need::Scope(Work), "operation.run"),
    known("get", "/connections/{name}/picks/{kind}", Need::Scope(Read), ""),
    known("get", "/connections/{name}/triggers", Need::Scope(Read), ""),
    known("get", "/connections/{name}/triggers/{trigger}", Need::Scope(Read), ""),
    known("post", "/connections/{name}/triggers/{trigger}", Need::Scope(Work), ""),
    known("get", "/connections/{name}/samples/{entity}", Need::Scope(Read), ""),
    known("get", "/connections/{name}/records/{entity}/{id}", Need::Scope(Read), ""),
    known("get", "/sign-ins/{ticket}", Need::Scope(Read), ""),
    // Syncs
    known("get", "/syncs", Need::Scope(Read), ""),
    known("post", "/syncs/{name}/plan", Need::Scope(Work), "sync.plan"),
    known("post", "/syncs/{name}/run", Need::Scope(Work), "sync.run"),
    known("post", "/syncs/{name}/pause", Need::Scope(Work), "sync.pause"),
    known("post", "/syncs/{name}/resume", Need::Scope(Work), "sync.resume"),
    known("get", "/syncs/{name}/links", Need::Scope(Read), ""),
    known("post", "/syncs/{name}/links/split", Need::Scope(Work), "link.split"),
    known("get", "/syncs/{name}/decisions", Need::Scope(Read), ""),
    known("post", "/syncs/{name}/decisions/forget", Need::Scope(Work), "link.forget"),
    known("post", "/links/import", Need::Scope(Work), "link.import"),
    known("get", "/syncs/{name}/blocked", Need::Scope(Read), ""),
    known("get", "/syncs/{name}/skipped", Need::Scope(Read), ""),
    known("get", "/plans", Need::Scope(Read), ""),
    known("get", "/plans/{id}", Need::Scope(Read), ""),
    known("get", "/plans/{id}/rows", Need::Scope(Read), ""),
    known("post", "/plans/{id}/apply", Need::Scope(Work), "plan.apply"),
    known("get", "/reviews", Need::Scope(Read), ""),
    known("post", "/reviews/resolve", Need::Scope(Work), "review.resolve_many"),
    known("post", "/reviews/{id}/resolve", Need::Scope(Work), "review.resolve"),
    // Records and history
    known("post", "/undo/plan", Need::Scope(Work), ""),
    known("post", "/undo", Need::Scope(Work), "undo"),
    known("get", "/explain", Need::Scope(Read), ""),
    known("get", "/calls", Need::Scope(Read), ""),
    known("get", "/journal", Need::Scope(Read), ""),
    known("get", "/failing", Need::Scope(Read), ""),
    known("post", "/retry", Need::Scope(Work), "retry"),
    known("get", "/blocked", Need::Scope(Read), ""),
    known("get", "/blocked/fields", Need::Scope(Read), ""),
    known("get", "/runs", Need::Scope(Read), ""),
    // Workflows
    known("get", "/workflows", Need::Scope(Read), ""),
    known("post", "/workflows", Need::Scope(Config), "workflow.save"),
    known("post", "/workflows/validate", Need::Scope(Read), ""),
    known("post", "/workflows/test", Need::Scope(Config), ""),
    known("get", "/workflows/{name}", Need::Scope(Read), ""),
    known("delete", "/workflows/{name}/draft", Need::Scope(Config), "workflow.discard"),
    known("get", "/workflows/{name}/diff", Need::Scope(Read), ""),
    known("post", "/workflows/{name}/publish", Need::Scope(Config), "workflow.publish"),
    known("post", "/workflows/{name}/pause", Need::Scope(Work), "workflow.pause"),
    known("post", "/workflows/{name}/resume", Need::Scope(Work), "workflow.resume"),
    known("post", "/workflows/{name}/run", Need::Scope(Work), "workflow.run"),
    known("get", "/workflow-form", Need::Scope(Read), ""),
    known("get", "/recipes", Need::Scope(Read), ""),
    known("get", "/workflow-runs", Need::Scope(Read), ""),
    known("get", "/workflow-runs/{run}", Need::Scope(Read), ""),
    known("post", "/workflow-runs/{run}/answer", Need::Scope(Work), "workflow_run.answer"),
    known("post", "/workflow-runs/{run}/cancel", Need::Scope(Work), "workflow_run.cancel"),
    known("post", "/workflow-runs/{run}/replay", Need::Scope(Work), "workflow_run.replay"),
    // Config and backup
    known("get", "/config", Need::Scope(Read), ""),
    known("put", "/config", Need::Scope(Config), "config.apply"),
    known("get", "/config/revisions", Need::Scope(Read), ""),
    known("get", "/config/revisions/{revision}", Need::Scope(Read), ""),
    known("post", "/config/revisions/{revision}/apply", Need::Scope(Config), "config.back_to"),
    known("get", "/backup", Need::Scope(Admin), "backup.download"),
    known("post", "/backup", Need::Scope(Admin), "backup.make"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn what_is_decided_of_every_route_stands_in_the_description() {
        let description: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
        let mut undecided: BTreeSet<String> = BTreeSet::new();
        let mut known = BTreeSet::from([("get".to_owned(), "/metrics".to_owned())]);
        for (path, methods) in description["paths"].as_object().unwrap() {
            for (method, described) in methods.as_object().unwrap() {
                let decided = ROUTES
                    .iter()
                    .find(|route| route.method == method && route.path == path);
                known.insert((method.clone(), path.clone()));
                let needs = decided.map(|route| match route.need {
                    Need::Nothing => "nothing",
                    Need::Person => "person",
                    Need::Scope(scope) => crate::access::word(scope),
                });
                if needs.is_none() || described["x-needs"].as_str() != needs {
                    undecided.insert(format!(
                        "{method} {path}: decided {needs:?}, described {}",
                        described["x-needs"]
                    ));
                }
            }
        }
        assert!(undecided.is_empty(), "not decided alike: {undecided:#?}");
        let gone: Vec<_> = ROUTES
            .iter()
            .filter(|route| !known.contains(&(route.method.to_owned(), route.path.to_owned())))
            .collect();
        assert!(gone.is_empty(), "decided, and not there: {gone:?}");
    }

    #[test]
    fn what_is_not_decided_needs_everything() {
        assert_eq!(route(&Method::POST, "/nowhere").need, Need::Scope(Admin));
        assert_eq!(route(&Method::PATCH, "/status").need, Need::Scope(Admin));
        assert_eq!(route(&Method::HEAD, "/status").need, Need::Scope(Read));
    }

    #[test]
    fn what_changes_something_leaves_an_act_or_is_known_to_change_nothing() {
        let silent: Vec<&str> = ROUTES
            .iter()
            .filter(|route| route.method != "get" && route.act.is_empty())
            .map(|route| route.path)
            .collect();
        assert_eq!(
            silent,
            [
                "/connections/{name}/check",
                "/probes/{run}",
                "/connections/{name}/triggers/{trigger}",
                "/undo/plan",
                "/workflows/validate",
                "/workflows/test",
            ]
        );
    }
}
