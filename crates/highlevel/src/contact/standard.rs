//! The fields that every contact has, and what the vendor lets one do with each.
//!
//! From the schemas `CreateContactDto`, `UpdateContactDto` and `GetContectByIdSchema` of the contacts
//! specification. What is in the first only can be set at create; a `PUT` with it is refused (422).
//! `name` is left out on purpose: it says again what `firstName` and `lastName` say, and how the two
//! ways of writing fight is documented nowhere.

use record::{Access, Capability, Choice, CountryForm, Entity, FieldSpec, Kind, Rewrite};

/// How an empty value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clear {
    /// `null`: the specification calls the property nullable.
    Null,
    /// An empty string: it does not.
    Blank,
    /// There is no such thing.
    Never,
}

/// A field that every contact has.
#[derive(Debug)]
pub(crate) struct Standard {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) kind: Kind,
    pub(crate) access: Access,
    pub(crate) clear: Clear,
}

const fn field(
    name: &'static str,
    label: &'static str,
    kind: Kind,
    access: Access,
    clear: Clear,
) -> Standard {
    Standard {
        name,
        label,
        kind,
        access,
        clear,
    }
}

use Access::{CreateOnly, ReadOnly, ReadWrite};

/// All but the do-not-disturb channels, in the order of the vendor's contact page.
pub(crate) const STANDARD: [Standard; 24] = [
    field(
        "firstName",
        "First name",
        Kind::Text,
        ReadWrite,
        Clear::Null,
    ),
    field("lastName", "Last name", Kind::Text, ReadWrite, Clear::Null),
    field("email", "E-mail", Kind::Email, ReadWrite, Clear::Null),
    field("phone", "Phone", Kind::Phone, ReadWrite, Clear::Null),
    field(
        "additionalEmails",
        "Additional e-mails",
        Kind::Points,
        ReadOnly,
        Clear::Never,
    ),
    field(
        "additionalPhones",
        "Additional phones",
        Kind::Points,
        ReadOnly,
        Clear::Never,
    ),
    field(
        "companyName",
        "Business name",
        Kind::Text,
        CreateOnly,
        Clear::Never,
    ),
    field("gender", "Gender", Kind::Text, CreateOnly, Clear::Never),
    field(
        "dateOfBirth",
        "Date of birth",
        Kind::Date,
        ReadWrite,
        Clear::Null,
    ),
    field(
        "address1",
        "Street address",
        Kind::Text,
        ReadWrite,
        Clear::Null,
    ),
    field("city", "City", Kind::Text, ReadWrite, Clear::Null),
    field("state", "State", Kind::Text, ReadWrite, Clear::Null),
    field(
        "postalCode",
        "Postal code",
        Kind::Text,
        ReadWrite,
        Clear::Blank,
    ),
    field(
        "country",
        "Country",
        Kind::Country(CountryForm::Alpha2),
        ReadWrite,
        Clear::Blank,
    ),
    field("website", "Website", Kind::Url, ReadWrite, Clear::Null),
    field("timezone", "Time zone", Kind::Text, ReadWrite, Clear::Null),
    field(
        "source",
        "Contact source",
        Kind::Text,
        ReadWrite,
        Clear::Null,
    ),
    field("assignedTo", "Owner", Kind::User, ReadWrite, Clear::Null),
    field("tags", "Tags", Kind::Set, ReadWrite, Clear::Never),
    field(
        "dnd",
        "Do not disturb",
        Kind::Boolean,
        ReadWrite,
        Clear::Never,
    ),
    field("type", "Contact type", Kind::Text, ReadOnly, Clear::Never),
    field(
        BUSINESS,
        "Company",
        Kind::Reference(Entity::Company),
        ReadWrite,
        Clear::Null,
    ),
    field(
        "dateAdded",
        "Created",
        Kind::Instant,
        ReadOnly,
        Clear::Never,
    ),
    field(
        "dateUpdated",
        "Last changed",
        Kind::Instant,
        ReadOnly,
        Clear::Never,
    ),
];

/// The tags' field: written by adding and removing, since a `PUT` replaces them all.
pub(crate) const TAGS: &str = "tags";

/// The company's field: written by a call of its own, which `null` empties.
pub(crate) const BUSINESS: &str = "businessId";

/// Written, never documented to be read (some answers carry it all the same).
pub(crate) const GENDER: &str = "gender";

/// The prefix of a do-not-disturb channel's field, such as `dndSettings.Email`.
pub(crate) const DND_PREFIX: &str = "dndSettings.";

/// The channels: their name in the specification, as v3 spells it, and what people call it.
pub(crate) const DND_CHANNELS: [(&str, &str, &str); 6] = [
    ("Email", "email", "e-mail"),
    ("SMS", "sms", "text messages"),
    ("Call", "call", "calls"),
    ("WhatsApp", "whatsApp", "WhatsApp"),
    ("GMB", "gmb", "Google Business"),
    ("FB", "fb", "Facebook"),
];

/// The prefix of a custom field, before its id.
pub(crate) const CUSTOM_PREFIX: &str = "customFields.";

/// The standard field of this name.
pub(crate) fn standard(name: &str) -> Option<&'static Standard> {
    STANDARD.iter().find(|field| field.name == name)
}

/// The fields that need no call to be known, `assignedTo` without its choices.
pub(crate) fn specs() -> Vec<FieldSpec> {
    let mut specs: Vec<FieldSpec> = STANDARD.iter().map(spec).collect();
    let channels = DND_CHANNELS.iter().map(|(name, _, label)| FieldSpec {
        name: format!("{DND_PREFIX}{name}").into(),
        label: format!("Do not disturb: {label}"),
        kind: Kind::Choice,
        capability: Capability {
            clearable: false,
            refusals: ["permanent", "active"].map(str::to_owned).to_vec(),
            ..Capability::of(ReadWrite)
        },
        choices: [
            ("active", "Do not disturb"),
            ("inactive", "May be contacted"),
            ("permanent", "Never again"),
        ]
        .map(|(key, label)| Choice {
            key: key.to_owned(),
            label: label.to_owned(),
        })
        .to_vec(),
        custom: false,
    });
    let after_dnd = specs
        .iter()
        .position(|spec| spec.name.as_str() == "dnd")
        .map_or(specs.len(), |position| position + 1);
    specs.splice(after_dnd..after_dnd, channels);
    specs
}

fn spec(field: &Standard) -> FieldSpec {
    FieldSpec {
        name: field.name.into(),
        label: field.label.to_owned(),
        kind: field.kind,
        capability: Capability {
            rewrites: rewrites(field),
            // Tags are cleared by removing each.
            clearable: field.clear != Clear::Never || field.name == TAGS,
            refusals: match field.name {
                "dnd" => vec!["true".to_owned()],
                _ => Vec::new(),
            },
            ..Capability::of(field.access)
        },
        choices: Vec::new(),
        custom: false,
    }
}

/// Re-writings that are tolerated in a read-back: none is documented; phones are shown to come back as
/// E.164, tags and e-mails in lower case are what many users report.
fn rewrites(field: &Standard) -> Vec<Rewrite> {
    if field.access == ReadOnly {
        return Vec::new();
    }
    match field.kind {
        Kind::Email => vec![Rewrite::Lowercase, Rewrite::Trim],
        Kind::Phone => vec![Rewrite::Phone, Rewrite::Trim],
        Kind::Set => vec![Rewrite::Lowercase, Rewrite::Trim],
        Kind::Text | Kind::Url => vec![Rewrite::Trim],
        _ => Vec::new(),
    }
}
