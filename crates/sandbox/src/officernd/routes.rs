//! The route table: which path is which operation, and the scope that it takes.

use http::Method;

use super::kind::Kind;
use crate::core::Core;
use crate::counts::Access;

/// An operation of the simulated part of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Organization,
    List(Kind),
    Count(Kind),
    Get(Kind),
    Create(Kind),
    Update(Kind),
    Delete(Kind),
    /// Moves a member to a company, or out of one.
    Link,
    /// Sets a member's status by hand.
    Status,
    Portal,
}

pub(super) struct Row {
    pub(super) action: Action,
    pub(super) method: Method,
    /// Below the organization.
    pub(super) template: &'static str,
    pub(super) scope: &'static str,
}

impl Row {
    pub(super) fn access(&self) -> Access {
        if self.method == Method::GET {
            Access::Read
        } else {
            Access::Write
        }
    }
}

const fn row(action: Action, method: Method, template: &'static str, scope: &'static str) -> Row {
    Row {
        action,
        method,
        template,
        scope,
    }
}

use Action::{Count, Create, Delete, Get, Link, List, Organization, Portal, Status, Update};
use Kind as K;

const MEMBERS_READ: &str = "flex.community.members.read";
const MEMBERS_UPDATE: &str = "flex.community.members.update";
const MEMBERSHIPS_READ: &str = "flex.community.memberships.read";
const OPPORTUNITIES_READ: &str = "flex.community.opportunities.read";
const COMPANIES_READ: &str = "flex.community.companies.read";
const WEBHOOKS_READ: &str = "flex.settings.webhooks.read";
const PLANS_READ: &str = "flex.billing.plans.read";
const LOCATIONS_READ: &str = "flex.space.locations.read";

/// Everything below `/api/v2/organizations/{slug}`. Literals stand before placeholders.
static TABLE: &[Row] = &[
    row(
        Organization,
        Method::GET,
        "",
        "flex.settings.organization.read",
    ),
    row(List(K::Member), Method::GET, "/members", MEMBERS_READ),
    row(
        Create(K::Member),
        Method::POST,
        "/members",
        "flex.community.members.create",
    ),
    row(
        Count(K::Member),
        Method::GET,
        "/members/count",
        MEMBERS_READ,
    ),
    row(
        Get(K::Member),
        Method::GET,
        "/members/{memberId}",
        MEMBERS_READ,
    ),
    row(
        Update(K::Member),
        Method::PUT,
        "/members/{memberId}",
        MEMBERS_UPDATE,
    ),
    row(
        Delete(K::Member),
        Method::DELETE,
        "/members/{memberId}",
        "flex.community.members.delete",
    ),
    row(
        Link,
        Method::PUT,
        "/members/{memberId}/company",
        MEMBERS_UPDATE,
    ),
    row(
        Status,
        Method::PUT,
        "/members/{memberId}/status",
        MEMBERS_UPDATE,
    ),
    row(
        Portal,
        Method::PUT,
        "/members/{memberId}/portal-access",
        "flex.community.members.portalAccess.update",
    ),
    row(List(K::Company), Method::GET, "/companies", COMPANIES_READ),
    row(
        Create(K::Company),
        Method::POST,
        "/companies",
        "flex.community.companies.create",
    ),
    row(
        Get(K::Company),
        Method::GET,
        "/companies/{companyId}",
        COMPANIES_READ,
    ),
    row(
        Update(K::Company),
        Method::PUT,
        "/companies/{companyId}",
        "flex.community.companies.update",
    ),
    row(
        Delete(K::Company),
        Method::DELETE,
        "/companies/{companyId}",
        "flex.community.companies.delete",
    ),
    row(List(K::Location), Method::GET, "/locations", LOCATIONS_READ),
    row(
        Get(K::Location),
        Method::GET,
        "/locations/{locationId}",
        LOCATIONS_READ,
    ),
    row(
        List(K::Property),
        Method::GET,
        "/custom-properties",
        "flex.settings.customProperties.read",
    ),
    row(List(K::Plan), Method::GET, "/plans", PLANS_READ),
    row(Count(K::Plan), Method::GET, "/plans/count", PLANS_READ),
    row(Get(K::Plan), Method::GET, "/plans/{planId}", PLANS_READ),
    row(
        List(K::Membership),
        Method::GET,
        "/memberships",
        MEMBERSHIPS_READ,
    ),
    row(
        Create(K::Membership),
        Method::POST,
        "/memberships",
        "flex.community.memberships.create",
    ),
    row(
        Count(K::Membership),
        Method::GET,
        "/memberships/count",
        MEMBERSHIPS_READ,
    ),
    row(
        Get(K::Membership),
        Method::GET,
        "/memberships/{membershipId}",
        MEMBERSHIPS_READ,
    ),
    row(
        Update(K::Membership),
        Method::PUT,
        "/memberships/{membershipId}",
        "flex.community.memberships.update",
    ),
    row(
        Delete(K::Membership),
        Method::DELETE,
        "/memberships/{membershipId}",
        "flex.community.memberships.delete",
    ),
    row(
        List(K::Opportunity),
        Method::GET,
        "/opportunities",
        OPPORTUNITIES_READ,
    ),
    row(
        Create(K::Opportunity),
        Method::POST,
        "/opportunities",
        "flex.community.opportunities.create",
    ),
    row(
        Count(K::Opportunity),
        Method::GET,
        "/opportunities/count",
        OPPORTUNITIES_READ,
    ),
    row(
        Get(K::Opportunity),
        Method::GET,
        "/opportunities/{opportunityId}",
        OPPORTUNITIES_READ,
    ),
    row(
        Update(K::Opportunity),
        Method::PUT,
        "/opportunities/{opportunityId}",
        "flex.community.opportunities.update",
    ),
    row(
        Delete(K::Opportunity),
        Method::DELETE,
        "/opportunities/{opportunityId}",
        "flex.community.opportunities.delete",
    ),
    row(
        List(K::OpportunityStatus),
        Method::GET,
        "/opportunity-statuses",
        "flex.community.opportunityStatuses.read",
    ),
    row(List(K::Webhook), Method::GET, "/webhooks", WEBHOOKS_READ),
    row(
        Create(K::Webhook),
        Method::POST,
        "/webhooks",
        "flex.settings.webhooks.create",
    ),
    row(
        Get(K::Webhook),
        Method::GET,
        "/webhooks/{webhookId}",
        WEBHOOKS_READ,
    ),
    row(
        Update(K::Webhook),
        Method::PUT,
        "/webhooks/{webhookId}",
        "flex.settings.webhooks.update",
    ),
    row(
        Delete(K::Webhook),
        Method::DELETE,
        "/webhooks/{webhookId}",
        "flex.settings.webhooks.delete",
    ),
];

/// Verb and path of every row.
#[cfg(test)]
pub(super) fn calls() -> impl Iterator<Item = (&'static Method, &'static str)> {
    TABLE.iter().map(|row| (&row.method, row.template))
}

/// What a path and verb come to.
pub(super) enum Found<'a> {
    Row {
        row: &'static Row,
        slug: &'a str,
        /// What stands for the placeholder.
        id: &'a str,
    },
    /// The path is known, the verb is not.
    WrongVerb,
    Nothing,
}

/// Looks a request up. A slash at the end is allowed.
pub(super) fn find<'a>(method: &Method, path: &'a str, core: &Core) -> Found<'a> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let Some(rest) = path.strip_prefix("/api/v2/organizations/") else {
        return Found::Nothing;
    };
    let (slug, rest) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let mut known = false;
    for row in TABLE {
        let Some(id) = matches(row.template, rest) else {
            continue;
        };
        if !present(row, core) {
            continue;
        }
        known = true;
        if takes(row, method, core) {
            return Found::Row { row, slug, id };
        }
    }
    if known {
        Found::WrongVerb
    } else {
        Found::Nothing
    }
}

/// The row of a request whatever the switches say, for counting and faults.
pub(super) fn template(method: &Method, path: &str) -> Option<&'static Row> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let rest = path.strip_prefix("/api/v2/organizations/")?;
    let rest = rest.find('/').map_or("", |at| &rest[at..]);
    let fits = |row: &&Row| matches(row.template, rest).is_some();
    let same = TABLE.iter().filter(fits).find(|row| row.method == *method);
    // the member endpoints of later in 2026 may have another verb
    let later = || {
        TABLE
            .iter()
            .filter(fits)
            .find(|row| matches!(row.action, Link | Status))
    };
    same.or_else(later)
}

fn present(row: &Row, core: &Core) -> bool {
    !matches!(row.action, Link | Status)
        || core.switches.choice("officernd.member_endpoints") != "absent"
}

/// The verb of the two member endpoints of later in 2026 is not known.
fn takes(row: &Row, method: &Method, core: &Core) -> bool {
    if !matches!(row.action, Link | Status) {
        return row.method == *method;
    }
    match core.switches.choice("officernd.member_endpoints") {
        "post" => *method == Method::POST,
        "patch" => *method == Method::PATCH,
        _ => *method == Method::PUT,
    }
}

fn matches<'a>(template: &str, path: &'a str) -> Option<&'a str> {
    let mut id = "";
    let mut wanted = template.split('/');
    let mut given = path.split('/');
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(id),
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {
                id = given;
            }
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_win_over_placeholders() {
        let action = |method: &Method, path: &str| template(method, path).map(|row| row.action);
        let base = "/api/v2/organizations/acme";
        assert_eq!(action(&Method::GET, base), Some(Organization));
        let count = format!("{base}/members/count");
        assert_eq!(action(&Method::GET, &count), Some(Count(K::Member)));
        let one = format!("{base}/members/abc/");
        assert_eq!(action(&Method::PUT, &one), Some(Update(K::Member)));
        let link = format!("{base}/members/abc/company");
        assert_eq!(action(&Method::PATCH, &link), Some(Link));
        assert_eq!(action(&Method::GET, "/api/v2/members"), None);
    }
}
