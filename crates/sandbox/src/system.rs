//! Which vendor a request, switch or fault belongs to.

use serde::{Deserialize, Serialize};

/// One simulated vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// HighLevel, API v2.
    HighLevel,
    /// onOffice enterprise.
    OnOffice,
    /// OfficeRnD, Flex.
    OfficeRnd,
}

impl System {
    /// All systems, in the order of listings.
    pub const ALL: [Self; 3] = [Self::HighLevel, Self::OnOffice, Self::OfficeRnd];

    /// The name in paths, switches and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HighLevel => "highlevel",
            Self::OnOffice => "onoffice",
            Self::OfficeRnd => "officernd",
        }
    }

    /// The system of a name as [`System::as_str`] writes it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.as_str() == name)
    }

    /// The system behind a vendor's public host name, so that a client with a fixed host works through a proxy or a
    /// hosts entry.
    #[must_use]
    pub fn from_host(host: &str) -> Option<Self> {
        match host {
            "services.leadconnectorhq.com"
            | "marketplace.gohighlevel.com"
            | "marketplace.leadconnectorhq.com" => Some(Self::HighLevel),
            "api.onoffice.de" => Some(Self::OnOffice),
            "app.officernd.com" | "identity.officernd.com" | "staging.officernd.com" => {
                Some(Self::OfficeRnd)
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for System {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}
