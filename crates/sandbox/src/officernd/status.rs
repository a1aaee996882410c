//! The calculated status of members and companies: from what they bought, from open opportunities, or set by hand.

use super::State;
use super::kind::Kind;
use super::record::Record;
use super::shape::millis;
use crate::core::Core;

/// A status that was set by hand, and sticks until it is set to automatic.
pub(super) const BY_HAND: &str = "#status";
/// A sign-up that nobody approved yet.
pub(super) const UNAPPROVED: &str = "#unapproved";
/// Whether the member may sign in to the portal.
pub(super) const PORTAL: &str = "#portal";
/// What an opportunity's status means: `open`, `won` or `lost`.
pub(super) const STAGE: &str = "#stage";

impl State {
    /// The status of a member or company at a time.
    #[must_use]
    pub fn status<'r>(&self, kind: Kind, record: &'r Record, now_ms: i64) -> &'r str {
        if kind == Kind::Company {
            return self.of_company(record, now_ms);
        }
        if record.flag(UNAPPROVED) {
            return "not_approved";
        }
        if let Some(by_hand) = record.get(BY_HAND).and_then(|value| value.as_str()) {
            return by_hand;
        }
        let company = self.table(Kind::Company).record(record.text("company"));
        match company.map(|company| self.of_company(company, now_ms)) {
            Some(status) if status != "inactive" => status,
            _ => self
                .bought(&record.id, "member", now_ms)
                .unwrap_or("contact"),
        }
    }

    fn of_company(&self, company: &Record, now_ms: i64) -> &'static str {
        self.bought(&company.id, "company", now_ms)
            .unwrap_or("inactive")
    }

    /// What the memberships and opportunities of somebody come to.
    fn bought(&self, id: &str, field: &'static str, now_ms: i64) -> Option<&'static str> {
        let memberships: Vec<&Record> = self
            .table(Kind::Membership)
            .with(field, id)
            .filter(|membership| membership.flag("isPersonal") == (field == "member"))
            .collect();
        let lasting = |wanted: &str| {
            memberships.iter().any(|membership| {
                membership.text("intervalLength") != "once"
                    && calculated(membership, now_ms) == wanted
            })
        };
        let open = || {
            self.table(Kind::Opportunity)
                .with(field, id)
                .any(|opportunity| self.is_open(opportunity))
        };
        if lasting("active") {
            Some("active")
        } else if lasting("not_started") {
            Some("pending")
        } else if lasting("expired") {
            Some("former")
        } else if !memberships.is_empty() {
            Some("drop-in")
        } else {
            open().then_some("lead")
        }
    }

    fn is_open(&self, opportunity: &Record) -> bool {
        let status = self
            .table(Kind::OpportunityStatus)
            .record(opportunity.text("status"));
        // no status, or one that is gone, is still open
        status.is_none_or(|status| matches!(status.text(STAGE), "" | "open"))
    }
}

/// The time for which a status is shown: now, or the midnight before it, in milliseconds since 1970.
pub(super) fn status_ms(core: &Core) -> i64 {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let now_ms = core.clock.now_ms();
    match core.switches.choice("officernd.status_follows_time") {
        "midnight" => now_ms - now_ms.rem_euclid(DAY_MS),
        _ => now_ms,
    }
}

/// Where a membership stands.
pub(super) fn calculated(membership: &Record, now_ms: i64) -> &'static str {
    let time = |field: &str| millis(membership.text(field));
    if time("endDate").is_some_and(|end_ms| end_ms < now_ms) {
        "expired"
    } else if time("startDate").is_some_and(|start_ms| start_ms > now_ms) {
        "not_started"
    } else {
        "active"
    }
}
