//! The kinds of objects that are simulated, and what a client may do with each in lists.

use super::query::Spec;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A person.
    Member,
    /// A company ("team" in v1 and in errors).
    Company,
    /// A place of the operator ("office" in v1 and in errors).
    Location,
    /// The definition of a custom property.
    Property,
    /// What can be bought.
    Plan,
    /// What somebody bought.
    Membership,
    /// What somebody might buy.
    Opportunity,
    /// A stage of opportunities.
    OpportunityStatus,
    /// Where events are sent.
    Webhook,
}

/// How a list may be narrowed by one query parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// Equal text, or one of several with `[$in]`.
    Text,
    /// The same, of a fixed set.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// One of several, for fields and parameters that are lists.
    Texts,
    /// Equal, or a range with `[$gte]` and the like.
    Date,
    /// A time that begins or ends what is asked for.
    Window,
    /// `properties[key]=text`.
    Properties,
}

pub(super) const MEMBER_STATUSES: &[&str] = &[
    "active",
    "former",
    "pending",
    "contact",
    "not_approved",
    "drop-in",
    "lead",
];

pub(super) const COMPANY_STATUSES: &[&str] = &[
    "active",
    "former",
    "pending",
    "inactive",
    "not_approved",
    "drop-in",
    "lead",
];

impl Kind {
    pub(super) const ALL: [Self; 9] = [
        Self::Member,
        Self::Company,
        Self::Location,
        Self::Property,
        Self::Plan,
        Self::Membership,
        Self::Opportunity,
        Self::OpportunityStatus,
        Self::Webhook,
    ];

    /// The word in the edit log, in acts and in the names of events.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Company => "company",
            Self::Location => "location",
            Self::Property => "property",
            Self::Plan => "plan",
            Self::Membership => "membership",
            Self::Opportunity => "opportunity",
            Self::OpportunityStatus => "opportunity_status",
            Self::Webhook => "webhook",
        }
    }

    /// The word in the vendor's errors, which are in the terms of v1.
    pub(super) fn old_word(self) -> &'static str {
        match self {
            Self::Company => "team",
            Self::Location => "office",
            Self::OpportunityStatus => "status",
            other => other.word(),
        }
    }

    /// What its lists and counts may be asked.
    pub(super) fn spec(self) -> Spec {
        Spec {
            filters: self.filters(),
            required: &[],
            parents: &[],
            sorts: self.sorts(),
            counts_by: self.counts_by(),
            selects: true,
        }
    }

    /// The query parameters that narrow a list.
    fn filters(self) -> &'static [(&'static str, Filter)] {
        const MEMBER: &[(&str, Filter)] = &[
            ("_id", Filter::Text),
            ("name", Filter::Text),
            ("email", Filter::Text),
            ("location", Filter::Text),
            ("company", Filter::Text),
            ("status", Filter::OneOf(MEMBER_STATUSES)),
            ("createdAt", Filter::Date),
            ("modifiedAt", Filter::Date),
            ("properties", Filter::Properties),
        ];
        const COMPANY: &[(&str, Filter)] = &[
            ("_id", Filter::Text),
            ("name", Filter::Text),
            ("location", Filter::Text),
            ("status", Filter::OneOf(COMPANY_STATUSES)),
            ("createdAt", Filter::Date),
            ("modifiedAt", Filter::Date),
            ("properties", Filter::Properties),
        ];
        const OPPORTUNITY: &[(&str, Filter)] = &[
            ("_id", Filter::Text),
            ("company", Filter::Text),
            ("member", Filter::Text),
            ("createdAt", Filter::Date),
            ("modifiedAt", Filter::Date),
        ];
        const LOCATION: &[(&str, Filter)] = &[
            ("_id", Filter::Text),
            ("name", Filter::Text),
            ("isOpen", Filter::Flag),
            ("isPublic", Filter::Flag),
        ];
        match self {
            Self::Member => MEMBER,
            Self::Company => COMPANY,
            Self::Location => LOCATION,
            Self::Plan => &[("name", Filter::Text), ("code", Filter::Text)],
            Self::Membership => &[("company", Filter::Text), ("member", Filter::Text)],
            Self::Opportunity => OPPORTUNITY,
            Self::Property | Self::OpportunityStatus | Self::Webhook => &[],
        }
    }

    /// The fields that `$sort` takes; none where it is no parameter at all.
    fn sorts(self) -> &'static [&'static str] {
        match self {
            Self::Member => &[
                "name",
                "email",
                "location",
                "company",
                "status",
                "modifiedAt",
            ],
            Self::Company => &["name", "email", "startDate"],
            _ => &[],
        }
    }

    /// The fields that `$countBy` takes.
    fn counts_by(self) -> &'static [&'static str] {
        match self {
            Self::Member => &["status", "company", "location"],
            _ => &[],
        }
    }

    /// The fields by whose text objects are found without a scan.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Member => &["name", "email", "company"],
            Self::Company => &["name"],
            Self::Membership | Self::Opportunity => &["member", "company"],
            _ => &[],
        }
    }
}
