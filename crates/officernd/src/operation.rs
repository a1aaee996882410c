//! The ids of the requests that this connector makes, as the call log and the counters show them, and the
//! scope that each needs.
//!
//! Scopes are named `flex.{module}.{resource}.{action}`; reading covers lists and single records (the
//! vendor's list of scopes).

pub(crate) const TOKEN: &str = "oauth.token";

pub(crate) const ORGANIZATION: &str = "organization.get";
pub(crate) const LOCATIONS: &str = "locations.list";
pub(crate) const CUSTOM_PROPERTIES: &str = "custom_properties.list";

pub(crate) const WEBHOOKS: &str = "webhooks.list";
pub(crate) const WEBHOOK_CREATE: &str = "webhooks.create";
pub(crate) const WEBHOOK_UPDATE: &str = "webhooks.update";
pub(crate) const WEBHOOK_DELETE: &str = "webhooks.delete";

/// The requests of one kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operations {
    pub(crate) check: &'static str,
    pub(crate) list: &'static str,
    pub(crate) changes: &'static str,
    pub(crate) find: &'static str,
    pub(crate) get: &'static str,
    pub(crate) create: &'static str,
    pub(crate) update: &'static str,
    pub(crate) delete: &'static str,
}

pub(crate) const MEMBERS: Operations = Operations {
    check: "members.check",
    list: "members.list",
    changes: "members.changes",
    find: "members.find",
    get: "members.get",
    create: "members.create",
    update: "members.update",
    delete: "members.delete",
};

/// The endpoint that sets a member's company.
pub(crate) const MEMBER_COMPANY: &str = "members.company";

pub(crate) const COMPANIES: Operations = Operations {
    check: "companies.check",
    list: "companies.list",
    changes: "companies.changes",
    find: "companies.find",
    get: "companies.get",
    create: "companies.create",
    update: "companies.update",
    delete: "companies.delete",
};

pub(crate) const OPPORTUNITIES: Operations = Operations {
    check: "opportunities.check",
    list: "opportunities.list",
    changes: "opportunities.changes",
    find: "opportunities.find",
    get: "opportunities.get",
    create: "opportunities.create",
    update: "opportunities.update",
    delete: "opportunities.delete",
};

pub(crate) const OPPORTUNITY_STATUSES: &str = "opportunity_statuses.list";

pub(crate) const BOOKINGS: Operations = Operations {
    check: "bookings.check",
    list: "bookings.list",
    changes: "bookings.changes",
    find: "bookings.find",
    get: "bookings.get",
    create: "bookings.create",
    update: "bookings.update",
    delete: "bookings.delete",
};

pub(crate) const BOOKING_CANCEL: &str = "bookings.cancel";

/// Visits stand in for appointments, if the connection says so. There is no update.
pub(crate) const VISITS: Operations = Operations {
    check: "visits.check",
    list: "visits.list",
    changes: "visits.changes",
    find: "visits.find",
    get: "visits.get",
    create: "visits.create",
    update: "",
    delete: "visits.delete",
};

/// Whoever comes: each visit names one.
pub(crate) const VISITORS: &str = "visitors.find";
pub(crate) const VISITOR_CREATE: &str = "visitors.create";

pub(crate) const RESOURCES: &str = "resources.list";

/// Tickets stand in for tasks. There is no delete.
pub(crate) const TICKETS: Operations = Operations {
    check: "tickets.check",
    list: "tickets.list",
    changes: "tickets.changes",
    find: "tickets.find",
    get: "tickets.get",
    create: "tickets.create",
    update: "tickets.update",
    delete: "",
};

/// Comments of tickets stand in for notes, if the connection says so. There is no update and no delete.
pub(crate) const TICKET_COMMENTS: &str = "ticket_comments.list";
pub(crate) const TICKET_COMMENT_CREATE: &str = "ticket_comments.create";

/// The types, severities and priorities of tickets.
pub(crate) const TICKET_OPTIONS: &str = "ticket_options.list";

pub(crate) const READ_TICKET_OPTIONS: &str = "flex.collaboration.ticketOptions.read";
pub(crate) const READ_ORGANIZATION: &str = "flex.settings.organization.read";
pub(crate) const READ_LOCATIONS: &str = "flex.space.locations.read";
pub(crate) const READ_PROPERTIES: &str = "flex.settings.customProperties.read";

/// The scope that a request of this operation needs.
pub(crate) fn scope(operation: &str) -> Option<String> {
    let of = |resource: &str, action: &str| {
        let action = match action {
            "create" | "update" | "delete" | "cancel" => action,
            "company" => "update",
            _ => "read",
        };
        Some(format!("flex.{resource}.{action}"))
    };
    let (resource, action) = operation.split_once('.')?;
    match resource {
        "members" | "companies" | "opportunities" | "visits" | "visitors" => {
            of(&format!("community.{resource}"), action)
        }
        "opportunity_statuses" => of("community.opportunityStatuses", action),
        "bookings" | "resources" => of(&format!("space.{resource}"), action),
        "tickets" => of("collaboration.tickets", action),
        "ticket_comments" => of("collaboration.ticketComments", action),
        "ticket_options" => Some(READ_TICKET_OPTIONS.to_owned()),
        "webhooks" => of("settings.webhooks", action),
        "organization" => Some(READ_ORGANIZATION.to_owned()),
        "locations" => Some(READ_LOCATIONS.to_owned()),
        "custom_properties" => Some(READ_PROPERTIES.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_but_the_sign_in_names_its_scope() {
        for (operation, named) in [
            (MEMBERS.list, "flex.community.members.read"),
            (MEMBERS.check, "flex.community.members.read"),
            (MEMBERS.update, "flex.community.members.update"),
            (MEMBER_COMPANY, "flex.community.members.update"),
            (COMPANIES.delete, "flex.community.companies.delete"),
            (WEBHOOK_CREATE, "flex.settings.webhooks.create"),
            (TICKETS.update, "flex.collaboration.tickets.update"),
            (WEBHOOKS, "flex.settings.webhooks.read"),
            (CUSTOM_PROPERTIES, READ_PROPERTIES),
            (VISITS.delete, "flex.community.visits.delete"),
            (VISITOR_CREATE, "flex.community.visitors.create"),
        ] {
            assert_eq!(scope(operation).as_deref(), Some(named));
        }
        assert_eq!(scope(TOKEN), None);
    }
}
