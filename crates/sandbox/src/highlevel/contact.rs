//! A contact as HighLevel stores it.

use std::sync::Arc;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;

/// The 20 letters and digits that name a contact.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContactId([u8; 20]);

impl ContactId {
    pub(crate) fn new(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The id of a text, if it is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 20] = text.as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(u8::is_ascii_alphanumeric)
            .then_some(Self(bytes))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl std::fmt::Debug for ContactId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl std::fmt::Display for ContactId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for ContactId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The fields of a contact that are plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the vendor's")]
pub enum Field {
    FirstName,
    LastName,
    Email,
    Phone,
    Address1,
    City,
    State,
    Country,
    PostalCode,
    Website,
    Timezone,
    Source,
    CompanyName,
    AssignedTo,
    Gender,
    BusinessId,
}

impl Field {
    /// All of them, in the order of the vendor's documentation.
    pub const ALL: [Self; 16] = [
        Self::FirstName,
        Self::LastName,
        Self::Email,
        Self::Phone,
        Self::Address1,
        Self::City,
        Self::State,
        Self::Country,
        Self::PostalCode,
        Self::Website,
        Self::Timezone,
        Self::Source,
        Self::CompanyName,
        Self::AssignedTo,
        Self::Gender,
        Self::BusinessId,
    ];

    /// The name in bodies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstName => "firstName",
            Self::LastName => "lastName",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Address1 => "address1",
            Self::City => "city",
            Self::State => "state",
            Self::Country => "country",
            Self::PostalCode => "postalCode",
            Self::Website => "website",
            Self::Timezone => "timezone",
            Self::Source => "source",
            Self::CompanyName => "companyName",
            Self::AssignedTo => "assignedTo",
            Self::Gender => "gender",
            Self::BusinessId => "businessId",
        }
    }
}

/// Who made a contact: `createdBy` in reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Creator {
    /// An app with an OAuth token.
    OAuth,
    /// A private integration token.
    PrivateIntegration,
    /// A person in the UI.
    WebUser,
    /// The filling of the sandbox.
    Import,
}

/// One contact.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    pub(crate) texts: [Option<Box<str>>; Field::ALL.len()],
    /// Day of birth.
    pub birthday: Option<Date>,
    /// Do not disturb, on all channels.
    pub dnd: bool,
    /// Do not disturb by channel, with the keys of the dated API versions.
    pub dnd_settings: Option<Box<Value>>,
    /// Do not disturb for incoming messages.
    pub inbound_dnd_settings: Option<Box<Value>>,
    /// Its tags, in the order they were added.
    pub tags: Vec<Arc<str>>,
    /// Values of custom fields by field id, those of deactivated fields included.
    pub custom_fields: Vec<(Arc<str>, Value)>,
    /// E-mail addresses beside the primary one.
    pub additional_emails: Vec<Box<str>>,
    /// Phone numbers beside the primary one.
    pub additional_phones: Vec<Box<str>>,
    /// Ids of the users who follow it.
    pub followers: Vec<Box<str>>,
    /// When it was created, in milliseconds since 1970.
    pub date_added: i64,
    /// When it was last changed, in milliseconds since 1970.
    pub date_updated: i64,
    /// Who created it.
    pub created_by: Creator,
    /// When it was deleted.
    pub deleted: Option<i64>,
    /// Which contact swallowed it.
    pub merged_into: Option<ContactId>,
}

impl Contact {
    pub(crate) fn new(id: ContactId, now_ms: i64, created_by: Creator) -> Self {
        Self {
            id,
            texts: std::array::from_fn(|_| None),
            birthday: None,
            dnd: false,
            dnd_settings: None,
            inbound_dnd_settings: None,
            tags: Vec::new(),
            custom_fields: Vec::new(),
            additional_emails: Vec::new(),
            additional_phones: Vec::new(),
            followers: Vec::new(),
            date_added: now_ms,
            date_updated: now_ms,
            created_by,
            deleted: None,
            merged_into: None,
        }
    }

    /// A text field; `None` where it is empty.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<&str> {
        self.texts[field as usize].as_deref()
    }

    pub(crate) fn set_text(&mut self, field: Field, value: Option<&str>) {
        self.texts[field as usize] = value.filter(|text| !text.is_empty()).map(Into::into);
    }

    /// First and last name with a space between, where there is any.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        match (self.text(Field::FirstName), self.text(Field::LastName)) {
            (Some(first), Some(last)) => Some(format!("{first} {last}")),
            (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
            (None, None) => None,
        }
    }

    /// Every e-mail address, the primary one first.
    pub fn emails(&self) -> impl Iterator<Item = &str> {
        self.text(Field::Email)
            .into_iter()
            .chain(self.additional_emails.iter().map(|email| &**email))
    }

    /// Every phone number, the primary one first.
    pub fn phones(&self) -> impl Iterator<Item = &str> {
        self.text(Field::Phone)
            .into_iter()
            .chain(self.additional_phones.iter().map(|phone| &**phone))
    }

    /// The names of the fields that differ from another version, in the vendor's words.
    pub(crate) fn changes_from(&self, before: &Self) -> Vec<Box<str>> {
        let mut changed: Vec<Box<str>> = Vec::new();
        for field in Field::ALL {
            if self.texts[field as usize] != before.texts[field as usize] {
                changed.push(field.name().into());
            }
        }
        let mut note = |differs: bool, name: &str| {
            if differs {
                changed.push(name.into());
            }
        };
        note(self.birthday != before.birthday, "dateOfBirth");
        note(self.dnd != before.dnd, "dnd");
        note(self.dnd_settings != before.dnd_settings, "dndSettings");
        note(
            self.inbound_dnd_settings != before.inbound_dnd_settings,
            "inboundDndSettings",
        );
        note(self.tags != before.tags, "tags");
        note(
            self.additional_emails != before.additional_emails,
            "additionalEmails",
        );
        note(
            self.additional_phones != before.additional_phones,
            "additionalPhones",
        );
        note(self.followers != before.followers, "followers");
        for (id, value) in &self.custom_fields {
            if !before
                .custom_fields
                .contains(&(Arc::clone(id), value.clone()))
            {
                changed.push(format!("customFields.{id}").into());
            }
        }
        for (id, _) in &before.custom_fields {
            if self.custom_fields.iter().all(|(kept, _)| kept != id) {
                changed.push(format!("customFields.{id}").into());
            }
        }
        changed
    }
}
