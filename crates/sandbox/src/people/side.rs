//! The systems that hold people, simulated yet or not.

use serde::{Deserialize, Serialize};

/// Where rows of people belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// HighLevel contacts.
    HighLevel,
    /// onOffice addresses.
    OnOffice,
    /// OfficeRnD members.
    OfficeRnd,
}

impl Side {
    /// All of them, in the order of listings.
    pub const ALL: [Self; 3] = [Self::HighLevel, Self::OnOffice, Self::OfficeRnd];

    /// The name in files and listings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HighLevel => "highlevel",
            Self::OnOffice => "onoffice",
            Self::OfficeRnd => "officernd",
        }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}
