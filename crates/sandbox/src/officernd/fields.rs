//! What a body may hold: the fields of each create and update with their types.
//!
//! The lists are those of the vendor's v2 reference of February 2026; what the autumn of 2026 added is marked [`May::Late`].

use super::kind::Kind;

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Type {
    Text,
    Email,
    Date,
    Flag,
    Number,
    Texts,
    /// A list of objects, whose parts are not looked at.
    List,
    OneOf(&'static [&'static str]),
    Ref(Kind),
    Object(&'static [Field]),
    /// Custom properties, or an object whose parts are not looked at.
    Bag,
    /// Names of events.
    Events,
}

/// Whether a call takes a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum May {
    Not,
    Yes,
    Must,
    /// Since the autumn of 2026.
    Late,
    /// Only where the narrow update of the reference is switched off.
    Wide,
}

/// One field of a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) holds: Type,
    pub(super) create: May,
    pub(super) update: May,
}

pub(super) const fn field(name: &'static str, holds: Type, create: May, update: May) -> Field {
    Field {
        name,
        holds,
        create,
        update,
    }
}

const fn part(name: &'static str, holds: Type) -> Field {
    field(name, holds, May::Yes, May::Yes)
}

const ADDRESS: &[Field] = &[
    part("country", Type::Text),
    part("state", Type::Text),
    part("city", Type::Text),
    part("street", Type::Text),
    part("zip", Type::Text),
];

const BILLING: &[Field] = &[
    part("billingName", Type::Text),
    part("vatNumber", Type::Text),
    part("registrationNumber", Type::Text),
    part("paymentMethod", Type::Text),
    part("billingAddress", Type::Object(ADDRESS)),
    // in live records, and in no documented body
    field("shouldSendOverdueReminders", Type::Flag, May::Not, May::Not),
    field("taxRate", Type::Text, May::Not, May::Not),
    field("date", Type::Date, May::Not, May::Not),
];

const PRIVACY: &[Field] = &[
    part("isVisible", Type::Flag),
    part("showContactDetails", Type::Flag),
    part("showSocialProfiles", Type::Flag),
];

const SOCIAL: &[Field] = &[
    part("linkedin", Type::Text),
    part("twitter", Type::Text),
    part("instagram", Type::Text),
    part("facebook", Type::Text),
];

const MEMBER: &[Field] = &[
    field("properties", Type::Bag, May::Yes, May::Yes),
    field("name", Type::Text, May::Must, May::Yes),
    field("location", Type::Ref(Kind::Location), May::Must, May::Not),
    field("startDate", Type::Date, May::Must, May::Yes),
    field("email", Type::Email, May::Yes, May::Yes),
    field("phone", Type::Text, May::Yes, May::Late),
    field("image", Type::Text, May::Yes, May::Not),
    field("company", Type::Ref(Kind::Company), May::Yes, May::Not),
    field("description", Type::Text, May::Yes, May::Not),
    field("isBillingPerson", Type::Flag, May::Yes, May::Yes),
    field("isContactPerson", Type::Flag, May::Yes, May::Yes),
    field("address", Type::Object(ADDRESS), May::Yes, May::Yes),
    field("billingDetails", Type::Object(BILLING), May::Yes, May::Yes),
    field("portalPrivacy", Type::Object(PRIVACY), May::Yes, May::Yes),
    field("socialProfiles", Type::Object(SOCIAL), May::Yes, May::Yes),
    field("tags", Type::Texts, May::Late, May::Late),
];

const COMPANY: &[Field] = &[
    field("properties", Type::Bag, May::Yes, May::Yes),
    field("startDate", Type::Date, May::Must, May::Yes),
    field("location", Type::Ref(Kind::Location), May::Must, May::Yes),
    field("name", Type::Text, May::Must, May::Yes),
    field("description", Type::Text, May::Yes, May::Yes),
    field("email", Type::Email, May::Yes, May::Yes),
    field("image", Type::Text, May::Yes, May::Yes),
    field("url", Type::Text, May::Yes, May::Yes),
    field("address", Type::Object(ADDRESS), May::Yes, May::Yes),
    field("billingDetails", Type::Object(BILLING), May::Yes, May::Yes),
    field("portalPrivacy", Type::Object(PRIVACY), May::Yes, May::Yes),
    field("hasActiveMembersAllowance", Type::Flag, May::Yes, May::Yes),
    field(
        "activeMembersAllowanceLimit",
        Type::Number,
        May::Yes,
        May::Yes,
    ),
    field("tags", Type::Texts, May::Not, May::Not),
];

const MEMBERSHIP: &[Field] = &[
    field("properties", Type::Bag, May::Yes, May::Wide),
    field("name", Type::Text, May::Must, May::Wide),
    field("startDate", Type::Date, May::Must, May::Yes),
    field("location", Type::Ref(Kind::Location), May::Must, May::Wide),
    field("plan", Type::Ref(Kind::Plan), May::Must, May::Wide),
    field("endDate", Type::Date, May::Yes, May::Yes),
    field("member", Type::Ref(Kind::Member), May::Yes, May::Wide),
    field("company", Type::Ref(Kind::Company), May::Yes, May::Wide),
    field("isPersonal", Type::Flag, May::Yes, May::Wide),
    field(
        "type",
        Type::OneOf(&["month_to_month", "fixed"]),
        May::Yes,
        May::Wide,
    ),
    field(
        "intervalLength",
        Type::OneOf(&["once", "hour", "day", "month"]),
        May::Yes,
        May::Wide,
    ),
    field("price", Type::Number, May::Not, May::Yes),
];

const OPPORTUNITY: &[Field] = &[
    field("properties", Type::Bag, May::Yes, May::Yes),
    field("name", Type::Text, May::Yes, May::Yes),
    field("startDate", Type::Date, May::Yes, May::Yes),
    field(
        "status",
        Type::Ref(Kind::OpportunityStatus),
        May::Yes,
        May::Yes,
    ),
    field("member", Type::Ref(Kind::Member), May::Yes, May::Not),
    field("company", Type::Ref(Kind::Company), May::Yes, May::Not),
];

const WEBHOOK: &[Field] = &[
    field("eventTypes", Type::Events, May::Must, May::Wide),
    field("url", Type::Text, May::Must, May::Wide),
    field("description", Type::Text, May::Yes, May::Wide),
    field("isEnabled", Type::Flag, May::Yes, May::Yes),
];

const LOCATION: &[Field] = &[
    part("name", Type::Text),
    part("address", Type::Object(ADDRESS)),
    part("timezone", Type::Text),
    part("code", Type::Text),
    part("isOpen", Type::Flag),
    part("isPublic", Type::Flag),
];

const PLAN: &[Field] = &[
    part("name", Type::Text),
    part("code", Type::Text),
    part("description", Type::Text),
    part("type", Type::Text),
    part("price", Type::Number),
    part("intervalLength", Type::OneOf(&["once", "month"])),
];

const PROPERTY: &[Field] = &[
    part("key", Type::Text),
    part("title", Type::Text),
    part("placeholder", Type::Text),
    part("type", Type::Text),
    part("privacy", Type::Text),
    part("targets", Type::Texts),
    part("values", Type::Texts),
];

const STATUS: &[Field] = &[
    part("description", Type::Text),
    part("probability", Type::Number),
];

/// The fields of a kind.
pub(super) fn of(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Member => MEMBER,
        Kind::Company => COMPANY,
        Kind::Membership => MEMBERSHIP,
        Kind::Opportunity => OPPORTUNITY,
        Kind::Webhook => WEBHOOK,
        Kind::Location => LOCATION,
        Kind::Plan => PLAN,
        Kind::Property => PROPERTY,
        Kind::OpportunityStatus => STATUS,
    }
}
