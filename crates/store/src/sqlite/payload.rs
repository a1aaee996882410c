//! Stored JSON with a format tag: `{"v":1,"d":…}`.
//!
//! A format that changes gets an upgrade that lifts the rows of the version before; rows are lifted
//! when they are read, never rewritten in bulk.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value as Json, value::RawValue};

use super::fault::Outcome;
use crate::Error;

/// Lifts the stored form of one version to that of the next.
type Upgrade = fn(Json) -> Json;

/// One kind of stored JSON.
pub(super) struct Format {
    what: &'static str,
    /// The first lifts version 1 to 2, and so on; the current version is one more than their number.
    upgrades: &'static [Upgrade],
}

#[derive(Serialize)]
struct Outgoing<'a, T: ?Sized> {
    v: usize,
    d: &'a T,
}

#[derive(Deserialize)]
struct Incoming<'a> {
    v: usize,
    #[serde(borrow)]
    d: &'a RawValue,
}

impl Format {
    /// A format of this name.
    pub(super) const fn new(what: &'static str, upgrades: &'static [Upgrade]) -> Self {
        Self { what, upgrades }
    }

    fn version(&self) -> usize {
        self.upgrades.len() + 1
    }

    fn corrupt(&self, why: impl std::fmt::Display) -> Error {
        Error::Corrupt {
            what: self.what,
            why: why.to_string(),
        }
    }

    /// The stored form of a value.
    pub(super) fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Outcome<String> {
        let outgoing = Outgoing {
            v: self.version(),
            d: value,
        };
        Ok(serde_json::to_string(&outgoing).map_err(|error| self.corrupt(error))?)
    }

    /// The value of a stored form of this version, which may borrow from it; `None` if it is of an earlier one.
    pub(super) fn borrow<'a, T: Deserialize<'a>>(&self, text: &'a str) -> Outcome<Option<T>> {
        let incoming: Incoming<'a> =
            serde_json::from_str(text).map_err(|error| self.corrupt(error))?;
        if incoming.v != self.version() {
            return Ok(None);
        }
        let value = serde_json::from_str(incoming.d.get()).map_err(|error| self.corrupt(error))?;
        Ok(Some(value))
    }

    /// The value of a stored form, of this version or an earlier one.
    pub(super) fn decode<T: DeserializeOwned>(&self, text: &str) -> Outcome<T> {
        let incoming: Incoming<'_> =
            serde_json::from_str(text).map_err(|error| self.corrupt(error))?;
        if incoming.v == self.version() {
            return Ok(serde_json::from_str(incoming.d.get()).map_err(|error| self.corrupt(error))?);
        }
        if incoming.v == 0 || incoming.v > self.version() {
            return Err(self
                .corrupt(format!(
                    "it has format {}, this version knows up to {}",
                    incoming.v,
                    self.version()
                ))
                .into());
        }
        let stored: Json =
            serde_json::from_str(incoming.d.get()).map_err(|error| self.corrupt(error))?;
        let lifted = self.upgrades[incoming.v - 1..]
            .iter()
            .fold(stored, |json, upgrade| upgrade(json));
        Ok(serde_json::from_value(lifted).map_err(|error| self.corrupt(error))?)
    }
}

/// What set something off.
pub(super) static CAUSE: Format = Format::new("cause", &[]);
/// A connection's state.
pub(super) static CONNECTION_STATE: Format = Format::new("connection state", &[]);
/// A sync's state.
pub(super) static SYNC_STATE: Format = Format::new("sync state", &[]);
/// A cursor of a poll or sweep.
pub(super) static CURSOR: Format = Format::new("cursor", &[]);
/// A record's keys.
pub(super) static KEYS: Format = Format::new("list of keys", &[]);
/// A reading.
pub(super) static READ: Format = Format::new("snapshot", &[]);
/// A link's base and rules.
pub(super) static LINK: Format = Format::new("link", &[]);
/// An intent's content.
pub(super) static INTENT: Format = Format::new("intent", &[]);
/// A review's question.
pub(super) static REVIEW: Format = Format::new("review", &[]);
/// A plan beside its rows.
pub(super) static PLAN: Format = Format::new("plan", &[]);
/// A row of a plan.
pub(super) static PLAN_ROW: Format = Format::new("plan row", &[]);
/// A draft or a version of a workflow.
pub(super) static WORKFLOW: Format = Format::new("workflow", &[]);
/// What a run of a workflow begins with, where it is, and what came of it.
pub(super) static WORKFLOW_RUN: Format = Format::new("workflow run", &[]);
/// What went into a step of a workflow and what came out.
pub(super) static WORKFLOW_STEP: Format = Format::new("workflow step", &[]);
/// Where somebody who looks for events of workflows goes on.
pub(super) static WORKFLOW_CURSOR: Format = Format::new("workflow cursor", &[]);
/// A journal row's values.
pub(super) static JOURNAL: Format = Format::new("journal row", &[]);

/// What is kept under a name.
pub(super) static SETTING: Format = Format::new("setting", &[]);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_of_every_earlier_version_are_lifted_and_newer_ones_refused() {
        static FIRST: Format = Format::new("thing", &[]);
        static THIRD: Format = Format::new(
            "thing",
            &[
                |old| json!({ "name": old }),
                |old| json!({ "names": [old["name"]] }),
            ],
        );
        let first = FIRST.encode("Ada").unwrap();
        assert_eq!(first, r#"{"v":1,"d":"Ada"}"#);
        let lifted: Json = THIRD.decode(&first).unwrap();
        assert_eq!(lifted, json!({ "names": ["Ada"] }));
        let second: Json = THIRD.decode(r#"{"v":2,"d":{"name":"Ada"}}"#).unwrap();
        assert_eq!(second, lifted);
        let third = THIRD.encode(&lifted).unwrap();
        let error = FIRST.decode::<String>(&third).unwrap_err();
        assert!(format!("{error:?}").contains("format 3"), "{error:?}");
    }
}
