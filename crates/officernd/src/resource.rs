//! The kinds of record that are kept in sync, members, companies, opportunities, bookings or visits and tickets, and the fields that each has.
//!
//! From the vendor's v2 reference (the bodies of POST and PUT as of February 2026), completed by what later
//! pages and clients show. What a PUT takes differs by tenant and date: `phone` and `tags` of members are offered as
//! writable until an account refuses them (see [`crate::settings`]); `description` and `image` of members are in no
//! known PUT.

use connector::Error;
use record::{Access, Entity, Kind};

use crate::{
    operation::{BOOKINGS, COMPANIES, MEMBERS, OPPORTUNITIES, Operations, TICKETS, VISITS},
    settings::{LOCATION, RESOURCE, START_DATE, Settings, TICKET_DEFAULTS},
    unsupported,
};

/// How a value is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clear {
    /// `null`: seen to clear (measured by others on a date).
    Null,
    /// There is no such thing.
    Never,
}

/// What it means that a property is not there at all in a whole record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// It has no value: keys without one are left out (seen in live records).
    Empty,
    /// It is `false` (seen in live records).
    False,
    /// Nothing: `tags` of members are left out of live reads even where there are some.
    Unknown,
}

/// A field that every record of the kind has.
#[derive(Debug)]
pub(crate) struct Standard {
    /// Its name; what stands before a dot is the object that holds it.
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) kind: Kind,
    pub(crate) access: Access,
    pub(crate) clear: Clear,
    pub(crate) absent: Absent,
    /// A create without it is refused.
    pub(crate) required: bool,
}

/// One kind of record.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) entity: Entity,
    /// The endpoint below the organisation's, without `/`.
    pub(crate) path: &'static str,
    pub(crate) operations: Operations,
    pub(crate) fields: &'static [Standard],
    /// How custom properties name it among their targets; in v1's words a company is a team.
    pub(crate) targets: &'static [&'static str],
    /// Whether lists can be narrowed to an e-mail address.
    pub(crate) found_by_email: bool,
    /// Whether lists can be narrowed to the member that they belong to.
    pub(crate) found_by_member: bool,
    /// Settings of the connection that give a new record what nothing else gives, each with the field; and whether one
    /// without is refused.
    pub(crate) defaults: &'static [(&'static str, &'static str)],
    /// What a PUT takes only together: it holds all of them whatever changes.
    pub(crate) together: &'static [&'static str],
    /// What each write asks for beside its body.
    pub(crate) query: Option<(&'static str, &'static str)>,
    /// Whether lists can be asked for what changed.
    pub(crate) polled: bool,
}

/// The field of tags.
pub(crate) const TAGS: &str = "tags";

/// The field of a member's company, which has an endpoint of its own.
pub(crate) const COMPANY: &str = "company";

/// The object of billing details. Live ones hold parts that no body is documented to take (`taxRate`, `date`,
/// `shouldSendOverdueReminders`), and whether those outlive an update without them is not known.
pub(crate) const BILLING: &str = "billingDetails";

/// The prefix of a custom property, before its key.
pub(crate) const PROPERTIES: &str = "properties.";

const fn field(name: &'static str, label: &'static str, kind: Kind, access: Access) -> Standard {
    Standard {
        name,
        label,
        kind,
        access,
        clear: match access {
            Access::ReadWrite => Clear::Null,
            _ => Clear::Never,
        },
        absent: Absent::Empty,
        required: false,
    }
}

impl Standard {
    const fn required(self) -> Self {
        Self {
            clear: Clear::Never,
            required: true,
            ..self
        }
    }

    const fn unclearable(self) -> Self {
        Self {
            clear: Clear::Never,
            ..self
        }
    }

    const fn flag(self) -> Self {
        Self {
            clear: Clear::Never,
            absent: Absent::False,
            ..self
        }
    }

    const fn unsaid(self) -> Self {
        Self {
            clear: Clear::Never,
            absent: Absent::Unknown,
            ..self
        }
    }

    const fn clearable(self) -> Self {
        Self {
            clear: Clear::Null,
            ..self
        }
    }
}

use Access::{CreateOnly, ReadOnly, ReadWrite};

const COUNTRY: Kind = Kind::Country(record::CountryForm::Name);

/// A part of the billing details. Its country is a text: a record lives in one country only, that of its address.
const fn billing(name: &'static str, label: &'static str) -> Standard {
    field(name, label, Kind::Text, ReadWrite)
}

/// Members. `status` is calculated.
const MEMBER: [Standard; 37] = [
    field("name", "Name", Kind::Text, ReadWrite).required(),
    field("email", "E-mail", Kind::Email, ReadWrite),
    field("phone", "Phone", Kind::Phone, ReadWrite),
    field(
        "company",
        "Company",
        Kind::Reference(Entity::Company),
        ReadWrite,
    ),
    field("location", "Location", Kind::Choice, CreateOnly).required(),
    field("startDate", "Start date", Kind::Instant, ReadWrite).required(),
    field("address.street", "Street", Kind::Text, ReadWrite),
    field("address.zip", "Postcode", Kind::Text, ReadWrite),
    field("address.city", "City", Kind::Text, ReadWrite),
    field("address.state", "State", Kind::Text, ReadWrite),
    field("address.country", "Country", COUNTRY, ReadWrite),
    field("description", "About", Kind::LongText, CreateOnly),
    field("image", "Image", Kind::Url, CreateOnly),
    field(
        "isBillingPerson",
        "Billing person",
        Kind::Boolean,
        ReadWrite,
    )
    .flag(),
    field(
        "isContactPerson",
        "Contact person",
        Kind::Boolean,
        ReadWrite,
    )
    .flag(),
    field("tags", "Tags", Kind::Set, ReadWrite)
        .unsaid()
        .clearable(),
    field("socialProfiles.linkedin", "LinkedIn", Kind::Text, ReadWrite),
    field("socialProfiles.twitter", "Twitter", Kind::Text, ReadWrite),
    field(
        "socialProfiles.instagram",
        "Instagram",
        Kind::Text,
        ReadWrite,
    ),
    field("socialProfiles.facebook", "Facebook", Kind::Text, ReadWrite),
    field(
        "portalPrivacy.isVisible",
        "Portal: visible",
        Kind::Boolean,
        ReadWrite,
    )
    .unsaid(),
    field(
        "portalPrivacy.showContactDetails",
        "Portal: shows contact details",
        Kind::Boolean,
        ReadWrite,
    )
    .unsaid(),
    field(
        "portalPrivacy.showSocialProfiles",
        "Portal: shows social profiles",
        Kind::Boolean,
        ReadWrite,
    )
    .unsaid(),
    billing("billingDetails.billingName", "Billing: name"),
    billing("billingDetails.vatNumber", "Billing: VAT number"),
    billing(
        "billingDetails.registrationNumber",
        "Billing: registration number",
    ),
    billing("billingDetails.paymentMethod", "Billing: payment method"),
    billing("billingDetails.billingAddress.street", "Billing: street"),
    billing("billingDetails.billingAddress.zip", "Billing: postcode"),
    billing("billingDetails.billingAddress.city", "Billing: city"),
    billing("billingDetails.billingAddress.state", "Billing: state"),
    billing("billingDetails.billingAddress.country", "Billing: country"),
    field("status", "Status", Kind::Choice, ReadOnly),
    field("createdBy", "Created by (id)", Kind::Text, ReadOnly).unsaid(),
    field("modifiedBy", "Last changed by (id)", Kind::Text, ReadOnly).unsaid(),
    field("createdAt", "Created", Kind::Instant, ReadOnly).unsaid(),
    field("modifiedAt", "Last changed", Kind::Instant, ReadOnly).unsaid(),
];

/// Companies. They have no phone; `status` and `tags` are only read.
const COMPANY_FIELDS: [Standard; 30] = [
    field("name", "Name", Kind::Text, ReadWrite).required(),
    field("email", "E-mail", Kind::Email, ReadWrite),
    field("url", "Website", Kind::Url, ReadWrite),
    field("location", "Location", Kind::Choice, ReadWrite).required(),
    field("startDate", "Start date", Kind::Instant, ReadWrite).required(),
    field("address.street", "Street", Kind::Text, ReadWrite),
    field("address.zip", "Postcode", Kind::Text, ReadWrite),
    field("address.city", "City", Kind::Text, ReadWrite),
    field("address.state", "State", Kind::Text, ReadWrite),
    field("address.country", "Country", COUNTRY, ReadWrite),
    field("description", "About", Kind::LongText, ReadWrite),
    field("image", "Image", Kind::Url, ReadWrite),
    field(
        "portalPrivacy.isVisible",
        "Portal: visible",
        Kind::Boolean,
        ReadWrite,
    )
    .unsaid(),
    field(
        "hasActiveMembersAllowance",
        "Has an allowance of active members",
        Kind::Boolean,
        ReadWrite,
    )
    .unsaid(),
    field(
        "activeMembersAllowanceLimit",
        "Active members allowed",
        Kind::Number,
        ReadWrite,
    ),
    billing("billingDetails.billingName", "Billing: name"),
    billing("billingDetails.vatNumber", "Billing: VAT number"),
    billing(
        "billingDetails.registrationNumber",
        "Billing: registration number",
    ),
    billing("billingDetails.paymentMethod", "Billing: payment method"),
    billing("billingDetails.billingAddress.street", "Billing: street"),
    billing("billingDetails.billingAddress.zip", "Billing: postcode"),
    billing("billingDetails.billingAddress.city", "Billing: city"),
    billing("billingDetails.billingAddress.state", "Billing: state"),
    billing("billingDetails.billingAddress.country", "Billing: country"),
    field("tags", "Tags", Kind::Set, ReadOnly).unsaid(),
    field("status", "Status", Kind::Choice, ReadOnly),
    field("createdBy", "Created by (id)", Kind::Text, ReadOnly).unsaid(),
    field("modifiedBy", "Last changed by (id)", Kind::Text, ReadOnly).unsaid(),
    field("createdAt", "Created", Kind::Instant, ReadOnly).unsaid(),
    field("modifiedAt", "Last changed", Kind::Instant, ReadOnly).unsaid(),
];

/// Tickets, which stand in for tasks: they know no day and nobody who is responsible. What a new one needs beside its
/// member and subject are ids of the organisation's own options.
const TICKET: [Standard; 9] = [
    field("subject", "Subject", Kind::Text, ReadWrite).required(),
    field("message", "Message", Kind::LongText, ReadWrite),
    field("status", "Status", Kind::Choice, ReadWrite).unclearable(),
    field(
        "member",
        "Member",
        Kind::Reference(Entity::Contact),
        CreateOnly,
    )
    .required(),
    field("type", "Type", Kind::Choice, CreateOnly).required(),
    field("severity", "Severity", Kind::Choice, ReadWrite).required(),
    field("priority", "Priority", Kind::Choice, ReadWrite).required(),
    field("createdAt", "Created", Kind::Instant, ReadOnly).unsaid(),
    field("modifiedAt", "Last changed", Kind::Instant, ReadOnly).unsaid(),
];

/// The statuses of tickets (the vendor's reference).
pub(crate) const TICKET_STATUSES: [&str; 4] = ["new", "open", "pending", "resolved"];

static TICKETS_RESOURCE: Resource = Resource {
    entity: Entity::Task,
    path: "tickets",
    operations: TICKETS,
    fields: &TICKET,
    targets: &[],
    found_by_email: false,
    found_by_member: false,
    defaults: &TICKET_DEFAULTS,
    together: &[],
    query: None,
    polled: false,
};

static MEMBERS_RESOURCE: Resource = Resource {
    entity: Entity::Contact,
    path: "members",
    operations: MEMBERS,
    fields: &MEMBER,
    targets: &["member", "members"],
    found_by_email: true,
    found_by_member: false,
    defaults: &[(LOCATION, "location"), (START_DATE, "startDate")],
    together: &[],
    query: None,
    polled: true,
};

static COMPANIES_RESOURCE: Resource = Resource {
    entity: Entity::Company,
    path: "companies",
    operations: COMPANIES,
    fields: &COMPANY_FIELDS,
    targets: &["team", "teams", "company", "companies"],
    found_by_email: false,
    found_by_member: false,
    defaults: &[(LOCATION, "location"), (START_DATE, "startDate")],
    together: &[],
    query: None,
    polled: true,
};

/// Opportunities. Whom one is for is said when it is made; `dealSize` and `probability` are only read; the status is known
/// by its id and its description, never by the name that people see.
const OPPORTUNITY: [Standard; 12] = [
    field("name", "Name", Kind::Text, ReadWrite).required(),
    field(
        "member",
        "Member",
        Kind::Reference(Entity::Contact),
        CreateOnly,
    ),
    field(
        "company",
        "Company",
        Kind::Reference(Entity::Company),
        CreateOnly,
    ),
    field("status", "Status", Kind::Choice, ReadWrite).required(),
    field("startDate", "Expected start", Kind::Instant, ReadWrite),
    field("dealSize", "Deal size", Kind::Number, ReadOnly),
    field("probability", "Probability", Kind::Number, ReadOnly),
    field("membersCount", "Members", Kind::Number, ReadOnly),
    field("createdBy", "Created by (id)", Kind::Text, ReadOnly).unsaid(),
    field("modifiedBy", "Last changed by (id)", Kind::Text, ReadOnly).unsaid(),
    field("createdAt", "Created", Kind::Instant, ReadOnly).unsaid(),
    field("modifiedAt", "Last changed", Kind::Instant, ReadOnly).unsaid(),
];

static OPPORTUNITIES_RESOURCE: Resource = Resource {
    entity: Entity::Opportunity,
    path: "opportunities",
    operations: OPPORTUNITIES,
    fields: &OPPORTUNITY,
    targets: &["lead", "leads", "opportunity", "opportunities"],
    found_by_email: false,
    found_by_member: true,
    defaults: &[],
    together: &[],
    query: None,
    polled: true,
};

/// Whether a booking was cancelled: set by a call of its own, and never taken back.
pub(crate) const CANCELLED: &str = "isCancelled";

/// Bookings of resources. Times are moments; a booking that was cancelled stays.
const BOOKING: [Standard; 12] = [
    field("title", "Title", Kind::Text, ReadWrite),
    field("start", "Start", Kind::Instant, ReadWrite).required(),
    field("end", "End", Kind::Instant, ReadWrite).required(),
    field("resource", "Resource", Kind::Choice, ReadWrite).required(),
    field(
        "member",
        "Member",
        Kind::Reference(Entity::Contact),
        ReadWrite,
    ),
    field(
        "company",
        "Company",
        Kind::Reference(Entity::Company),
        ReadWrite,
    ),
    field(CANCELLED, "Cancelled", Kind::Boolean, ReadWrite).flag(),
    field("description", "Description", Kind::LongText, ReadWrite),
    field("isTentative", "Tentative", Kind::Boolean, ReadOnly).flag(),
    field("location", "Location", Kind::Choice, ReadOnly),
    field("createdAt", "Created", Kind::Instant, ReadOnly).unsaid(),
    field("modifiedAt", "Last changed", Kind::Instant, ReadOnly).unsaid(),
];

static BOOKINGS_RESOURCE: Resource = Resource {
    entity: Entity::Appointment,
    path: "bookings",
    operations: BOOKINGS,
    fields: &BOOKING,
    targets: &["booking", "bookings"],
    found_by_email: false,
    found_by_member: true,
    defaults: &[(RESOURCE, "resource")],
    together: &["start", "end", "resource"],
    query: Some(("isSilent", "true")),
    polled: false,
};

/// Visits of a member at a location. They have no name, cannot be changed, and say no time of a change; `visitor` is who comes, which
/// the API asks for beside the member.
const VISIT: [Standard; 7] = [
    field("start", "Start", Kind::Instant, CreateOnly).required(),
    field("end", "End", Kind::Instant, CreateOnly).required(),
    field(
        "member",
        "Member",
        Kind::Reference(Entity::Contact),
        CreateOnly,
    )
    .required(),
    field("location", "Location", Kind::Choice, CreateOnly).required(),
    field(VISITOR, "Visitor (id)", Kind::Text, ReadOnly),
    field("createdAt", "Created", Kind::Instant, ReadOnly).unsaid(),
    field("modifiedAt", "Last changed", Kind::Instant, ReadOnly).unsaid(),
];

/// Who comes.
pub(crate) const VISITOR: &str = "visitor";

pub(crate) static VISITS_RESOURCE: Resource = Resource {
    entity: Entity::Appointment,
    path: "visits",
    operations: VISITS,
    fields: &VISIT,
    targets: &[],
    found_by_email: false,
    found_by_member: true,
    defaults: &[(LOCATION, "location")],
    together: &[],
    query: None,
    polled: false,
};

impl Resource {
    /// The kind of record that stands for `entity` on this connection.
    ///
    /// # Errors
    /// When none does, or its settings do not say which.
    pub(crate) fn chosen(settings: Settings<'_>, entity: Entity) -> Result<&'static Self, Error> {
        if entity == Entity::Appointment && settings.visits()? {
            return Ok(&VISITS_RESOURCE);
        }
        Self::of(entity).ok_or_else(|| unsupported(entity))
    }

    /// The kind of record that holds those of `entity`: notes are part of members.
    pub(crate) fn holding(entity: Entity) -> Option<&'static Self> {
        match entity {
            Entity::Note => Some(&MEMBERS_RESOURCE),
            other => Self::of(other),
        }
    }

    /// The kind of record that stands for `entity`.
    pub(crate) fn of(entity: Entity) -> Option<&'static Self> {
        match entity {
            Entity::Contact => Some(&MEMBERS_RESOURCE),
            Entity::Company => Some(&COMPANIES_RESOURCE),
            Entity::Opportunity => Some(&OPPORTUNITIES_RESOURCE),
            Entity::Appointment => Some(&BOOKINGS_RESOURCE),
            Entity::Task => Some(&TICKETS_RESOURCE),
            _ => None,
        }
    }

    /// The standard field of this name.
    pub(crate) fn standard(&self, name: &str) -> Option<&'static Standard> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// The statuses of members (the vendor's reference and help pages). That of companies adds `inactive` and
/// lacks `contact`.
pub(crate) const STATUSES: [&str; 8] = [
    "active",
    "former",
    "pending",
    "contact",
    "inactive",
    "not_approved",
    "drop-in",
    "lead",
];

/// Where a field stands in a body: the object that holds it, if one does, and its key there.
pub(crate) fn place(name: &str) -> (Option<&str>, &str) {
    match name.split_once('.') {
        Some((object, key)) => (Some(object), key),
        None => (None, name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_placed() {
        let visits = std::iter::once(&VISITS_RESOURCE);
        for resource in Entity::ALL
            .into_iter()
            .filter_map(Resource::of)
            .chain(visits)
        {
            for (index, field) in resource.fields.iter().enumerate() {
                let first = resource
                    .fields
                    .iter()
                    .position(|one| one.name == field.name);
                assert_eq!(first, Some(index), "{}", field.name);
            }
            assert!(resource.standard("modifiedAt").unwrap().access == ReadOnly);
        }
        assert_eq!(place("address.city"), (Some("address"), "city"));
        assert_eq!(place("properties.a.b c"), (Some("properties"), "a.b c"));
        assert_eq!(place("email"), (None, "email"));
    }
}
