//! Stable codes for what a person can meet, each with a page in `docs/errors`.
//!
//! The command line, the API and the logs show the same code. A code is never given another
//! meaning; one that is no longer used stays reserved.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal;)+) => {
        /// What went wrong, for looking it up.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(
                #[doc = $title]
                $name,
            )+
        }

        impl Code {
            /// All codes in their order.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code as people see it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }

            /// What happened, in one line.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)+
                }
            }

            /// The page about it: what happened, why, what to do.
            pub fn page(self) -> &'static str {
                match self {
                    $(Self::$name => include_str!(concat!("../../../docs/errors/", $code, ".md")),)+
                }
            }
        }
    };
}

codes! {
    ConfigSyntax = "TDM-C001", "The config is not YAML";
    ConfigUnknownKey = "TDM-C002", "The config has a key that Tandem does not know";
    ConfigValue = "TDM-C003", "A value in the config cannot be used";
    ConfigDuplicateKey = "TDM-C004", "A key stands twice in the config";
    ConfigVersion = "TDM-C005", "The config is of a version that this Tandem does not know";
    ConfigSystem = "TDM-C006", "A connection names a system that Tandem does not know";
    ConfigConnection = "TDM-C007", "A connection cannot be used as it is written";
    ConfigSecret = "TDM-C008", "A secret stands in the config in the clear";
    ConfigReference = "TDM-C009", "A sync names a connection that the config does not have";
    ConfigRules = "TDM-C010", "The rules of a sync contradict themselves";
    ConfigSchema = "TDM-C011", "The rules of a sync do not fit the fields of a system";
    ConfigOwners = "TDM-C012", "Two syncs want to own the same field";
    ConfigFile = "TDM-C013", "The config file cannot be read";
    ConfigMissing = "TDM-C014", "No config has been applied to this database";

    ConnectionUnknown = "TDM-K001", "There is no connection of this name";
    ConnectionSignedOut = "TDM-K002", "A connection is not signed in, or its credentials are refused";
    ConnectionAccount = "TDM-K003", "The credentials lead to another account";
    ConnectionRights = "TDM-K004", "A scope or right is missing";
    ConnectionUnreachable = "TDM-K005", "A system cannot be reached";
    ConnectionAnswer = "TDM-K006", "A system gave an answer that cannot be used";
    ConnectionSecretSource = "TDM-K007", "A secret that the config refers to is not there";
    ConnectionSignIn = "TDM-K008", "A sign-in could not be finished";

    DatabaseInUse = "TDM-D001", "The database is in use by another process";
    DatabaseUnwritable = "TDM-D002", "The database cannot be written";
    DatabaseForeign = "TDM-D003", "The file is no database that this Tandem can use";
    DatabaseFailed = "TDM-D004", "The database failed";
    VaultKey = "TDM-D005", "The key that seals credentials is missing or is another one";

    SyncUnknown = "TDM-Y001", "There is no sync of this name";
    SyncBusy = "TDM-Y002", "This sync is already running";
    SyncStopped = "TDM-Y003", "A run stopped because it would change more than its limit";
    ReviewUnknown = "TDM-Y004", "There is no such review, or it is decided";
    ReviewChoice = "TDM-Y005", "A review does not have this choice";
    SyncFailed = "TDM-Y006", "A run ended by an error";
    NotFound = "TDM-Y007", "There is no such record, link or address";
    PlanOvertaken = "TDM-Y010", "Something changed since a plan was made";
    SyncAtWork = "TDM-Y008", "A sync is at work on the connection that is to be probed";
    LinksFile = "TDM-Y011", "A file of links cannot be used as it stands";
    ReviewAlways = "TDM-Y012", "An answer cannot become a rule";
    PlanUnfit = "TDM-Y009", "There is no such plan, or it cannot be carried out as it stands";

    OperationUnknown = "TDM-O001", "A system has no operation of this name";
    OperationInput = "TDM-O002", "The input does not fit an operation";
    OperationRefused = "TDM-O003", "A system refused an operation";
    OperationUncertain = "TDM-O004", "Whether an operation took effect is not known";
    DocumentUnreadable = "TDM-O005", "The document of an API cannot be imported";

    WorkflowUnknown = "TDM-F001", "There is no workflow of this name, or it was never published";
    WorkflowInvalid = "TDM-F002", "A workflow cannot be as it is written";
    WorkflowRunUnfit = "TDM-F003", "There is no such run of a workflow, or it does not stand so";
    WorkflowHook = "TDM-F004", "A request that should begin a workflow does not show its secret";

    PortTaken = "TDM-S001", "The address to listen on cannot be had";
    Unauthorised = "TDM-S002", "The request has no valid token, or one that may not do this";
    BadRequest = "TDM-S003", "The request could not be understood";
    BodyTooLarge = "TDM-S004", "The request body is larger than allowed";
    ServerGone = "TDM-S005", "The server that holds the database cannot be reached";
    Internal = "TDM-S006", "Something went wrong inside Tandem";
    Stopping = "TDM-S007", "Tandem is stopping or still starting";
    PeopleFile = "TDM-S008", "A folder of people for the simulated systems cannot be used";
    SignInRefused = "TDM-S009", "A sign-in to Tandem was refused";
    UserUnfit = "TDM-S010", "There is no such user or token, or it cannot be as asked";

    WebhookSignature = "TDM-W001", "A webhook's signature is missing or wrong";
    WebhookBody = "TDM-W002", "A webhook's body could not be read";
    WebhookFull = "TDM-W003", "The backlog of webhooks is full";
    WebhookUnknown = "TDM-W004", "A webhook came for something that is not connected";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no code of ours.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no error code of Tandem")]
pub struct UnknownCode(String);

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownCode(text.to_owned()))
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_that_says_what_why_and_what_to_do() {
        for code in Code::ALL {
            let page = code.page();
            assert!(
                page.starts_with(&format!("# {code}: {}\n", code.title())),
                "the page of {code} must begin with its title"
            );
            for part in ["## What happened", "## Why", "## What to do"] {
                assert!(page.contains(part), "the page of {code} lacks `{part}`");
            }
        }
    }

    #[test]
    fn codes_are_unique_and_read_back() {
        let unique: std::collections::BTreeSet<_> =
            Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(unique.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(code.as_str().parse::<Code>().unwrap(), *code);
        }
        assert!("TDM-X999".parse::<Code>().is_err());
    }
}
