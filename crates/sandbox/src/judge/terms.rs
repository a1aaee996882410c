//! Which two systems are to agree, in what, and what may differ.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Field;
use super::held::Held;
use super::pairwise::Rules;
use crate::system::System;

/// What kind of records two systems are to agree in.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Entity {
    /// Contacts, addresses, members.
    #[default]
    People,
    /// Businesses of HighLevel, companies of OfficeRnD.
    Companies,
}

/// What two systems are to agree in.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Of which records.
    pub entity: Entity,
    /// The one.
    pub left: System,
    /// The other.
    pub right: System,
    /// The fields that are mapped.
    pub fields: BTreeSet<Field>,
    /// Which tags are compared.
    pub tags: Tags,
    /// Fields of which any difference is a declared loss.
    pub losses: BTreeSet<Field>,
    /// Fields that one end takes only when a record is made. What people say of them at the other end afterwards is a declared loss;
    /// what they say at this end has to cross like any other.
    pub create_only: BTreeMap<Field, End>,
    /// Whether people of a pair belong to companies that are a pair.
    pub company_links: bool,
    /// Values that one side keeps of the other: its id, its status.
    pub carried: Vec<Carried>,
    /// The country of numbers that name none, as alpha-2 code, where the record names none either.
    pub home: String,
    /// Whether archived records need a counterpart.
    pub archived_need_counterpart: bool,
    /// Which records of the left need a counterpart.
    pub left_needs: Scope,
    /// Which records of the right need a counterpart.
    pub right_needs: Scope,
}

/// One end of a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum End {
    Left,
    Right,
}

/// Which tags are compared.
#[derive(Clone, Debug)]
pub enum Tags {
    /// The left's and the right's word for the same; no others.
    Pairs(Vec<(String, String)>),
    /// All, whatever their case.
    All,
}

/// A value that stands at two places.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// How findings call it.
    pub name: String,
    /// Where the left has it.
    pub left: Place,
    /// Where the right has it.
    pub right: Place,
}

/// Where a record has a value.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// It is the record's id.
    Id,
    /// It is the record's status.
    Status,
    /// A custom field by its key: `contact.…` in HighLevel, the key of a custom property in OfficeRnD.
    Custom(String),
}

/// Which records need a counterpart.
#[derive(Clone, Debug)]
pub enum Scope {
    /// All that live.
    Everybody,
    /// None.
    Nobody,
    /// Those with one of these tags, whatever its case.
    Tagged(Vec<String>),
}

impl Terms {
    /// The mapping that ships between two systems, the left first; none where none does. `late` is about OfficeRnD, see
    /// [`Terms::highlevel_officernd`].
    #[must_use]
    pub fn shipped(left: System, right: System, late: bool) -> Option<Self> {
        match (left, right) {
            (System::HighLevel, System::OnOffice) => Some(Rules::default().terms()),
            (System::HighLevel, System::OfficeRnd) => Some(Self::highlevel_officernd(late)),
            _ => None,
        }
    }

    /// HighLevel and OfficeRnD, by what the tenant's member bodies take: since the autumn of 2026 (`late`) phone and tags can be
    /// updated; before, a phone number only crosses when a member is made, and tags do not cross.
    #[must_use]
    pub fn highlevel_officernd(late: bool) -> Self {
        let mut fields = BTreeSet::from([
            Field::Name,
            Field::Email,
            Field::Phone,
            Field::Company,
            Field::Street,
            Field::Postcode,
            Field::City,
            Field::Country,
        ]);
        let mut create_only = BTreeMap::from([(Field::Company, End::Left)]);
        if late {
            fields.insert(Field::Tags);
        } else {
            create_only.insert(Field::Phone, End::Right);
        }
        Self {
            entity: Entity::People,
            left: System::HighLevel,
            right: System::OfficeRnd,
            fields,
            tags: Tags::All,
            losses: BTreeSet::new(),
            create_only,
            company_links: false,
            carried: Vec::new(),
            home: "DE".to_owned(),
            archived_need_counterpart: false,
            left_needs: Scope::Everybody,
            right_needs: Scope::Everybody,
        }
    }

    /// Businesses of HighLevel and companies of OfficeRnD: what both can hold.
    #[must_use]
    pub fn highlevel_officernd_companies() -> Self {
        Self {
            entity: Entity::Companies,
            fields: BTreeSet::from([
                Field::Name,
                Field::Email,
                Field::Website,
                Field::Description,
                Field::Street,
                Field::Postcode,
                Field::City,
                Field::Country,
            ]),
            create_only: BTreeMap::new(),
            ..Self::highlevel_officernd(false)
        }
    }

    /// With the company as a link instead of a name: who belongs to a company on one side belongs to its counterpart on the other.
    /// Ask of the companies of the same two systems beside it; without, only whether there is a company is compared.
    #[must_use]
    pub fn with_company_links(mut self) -> Self {
        self.fields.remove(&Field::Company);
        self.losses.remove(&Field::Company);
        self.create_only.remove(&Field::Company);
        self.company_links = true;
        self
    }

    pub(super) fn needs_counterpart(&self, scope: &Scope, held: &Held) -> bool {
        if held.gone || (held.archived && !self.archived_need_counterpart) {
            return false;
        }
        match scope {
            Scope::Everybody => true,
            Scope::Nobody => false,
            Scope::Tagged(tags) => held.tags.iter().any(|own| {
                let own = own.to_lowercase();
                tags.iter().any(|tag| tag.to_lowercase() == own)
            }),
        }
    }
}

impl Place {
    pub(super) fn read<'h>(&self, held: &'h Held) -> &'h str {
        match self {
            Self::Id => &held.id,
            Self::Status => &held.status,
            Self::Custom(key) => held.custom.get(key).map_or("", String::as_str),
        }
    }
}
