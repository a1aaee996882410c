//! Named quirks of the vendors that can be turned, each with its meaning and default in one registry.
//!
//! The default is the harder case for a client wherever sources disagree. `docs/sandbox.md` lists the same registry;
//! a test compares the two.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use serde::Serialize;
use serde_json::Value;

use crate::system::System;

/// One switch: what can be turned, what it means, how it stands unless told otherwise.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Switch {
    /// `<system>.<what>`.
    pub name: &'static str,
    /// The vendor whose behaviour it changes.
    pub system: System,
    /// What it changes, in one sentence.
    pub meaning: &'static str,
    /// How it stands at the start.
    pub default: Setting,
    /// What a [`Setting::Choice`] may be.
    pub choices: &'static [&'static str],
    /// The test that turns it, as `module::function` of the integration tests.
    pub test: &'static str,
}

/// How a switch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Setting {
    /// On or off.
    Flag(bool),
    /// A whole number, with the unit in the switch's name or meaning.
    Number(i64),
    /// One of a few words.
    Choice(&'static str),
}

/// Why a switch could not be turned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No switch has that name.
    #[error("no switch is named {0:?}")]
    Unknown(String),
    /// The value is of another kind or not among the choices.
    #[error("switch {name} takes {takes}, not {value}")]
    Value {
        /// The switch.
        name: &'static str,
        /// What it takes.
        takes: String,
        /// What came.
        value: Value,
    },
}

/// How all switches of one sandbox stand.
#[derive(Debug)]
pub struct Switches {
    settings: RwLock<BTreeMap<&'static str, Setting>>,
}

impl Switches {
    pub(crate) fn new() -> Self {
        Self {
            settings: RwLock::new(defaults()),
        }
    }

    /// Every switch there is.
    #[must_use]
    pub fn registry() -> Vec<&'static Switch> {
        REGISTRIES
            .iter()
            .flat_map(|registry| registry.iter())
            .collect()
    }

    /// Turns one switch.
    ///
    /// # Errors
    /// If there is no such switch, or it takes another kind of value.
    pub fn set(&self, name: &str, value: &Value) -> Result<(), Error> {
        self.set_all([(name, value)])
    }

    /// Sets several, or none if anything about one is wrong.
    ///
    /// # Errors
    /// If there is no such switch or it cannot take a value.
    pub fn set_all<'a>(
        &self,
        wanted: impl IntoIterator<Item = (&'a str, &'a Value)>,
    ) -> Result<(), Error> {
        let settings: Vec<(&'static str, Setting)> = wanted
            .into_iter()
            .map(|(name, value)| setting(name, value))
            .collect::<Result<_, _>>()?;
        self.settings
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(settings);
        Ok(())
    }

    /// Puts every switch back to its default.
    pub fn reset(&self) {
        *self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = defaults();
    }

    /// Whether a switch is on.
    ///
    /// # Panics
    /// If no on/off switch has that name; names are constants of this crate.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        match self.get(name) {
            Setting::Flag(flag) => flag,
            other => panic!("switch {name} is {other:?}, not a flag"),
        }
    }

    /// The number that a switch is set to.
    ///
    /// # Panics
    /// If no numeric switch has that name; names are constants of this crate.
    #[must_use]
    pub fn number(&self, name: &str) -> i64 {
        match self.get(name) {
            Setting::Number(number) => number,
            other => panic!("switch {name} is {other:?}, not a number"),
        }
    }

    /// The word that a switch is set to.
    ///
    /// # Panics
    /// If no switch with words has that name; names are constants of this crate.
    #[must_use]
    pub fn choice(&self, name: &str) -> &'static str {
        match self.get(name) {
            Setting::Choice(word) => word,
            other => panic!("switch {name} is {other:?}, not a choice"),
        }
    }

    /// How all switches stand.
    #[must_use]
    pub fn all(&self) -> BTreeMap<&'static str, Setting> {
        self.settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn get(&self, name: &str) -> Setting {
        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        *settings
            .get(name)
            .unwrap_or_else(|| panic!("no switch is named {name:?}"))
    }
}

/// The registries of the vendors; a vendor adds its own here.
const REGISTRIES: [&[Switch]; 3] = [
    crate::highlevel::SWITCHES,
    crate::onoffice::SWITCHES,
    crate::officernd::SWITCHES,
];

fn find(name: &str) -> Option<&'static Switch> {
    Switches::registry()
        .into_iter()
        .find(|switch| switch.name == name)
}

/// A switch and what it is to be set to.
fn setting(name: &str, value: &Value) -> Result<(&'static str, Setting), Error> {
    let switch = find(name).ok_or_else(|| Error::Unknown(name.to_owned()))?;
    let setting = match (switch.default, value) {
        (Setting::Flag(_), Value::Bool(flag)) => Some(Setting::Flag(*flag)),
        (Setting::Number(_), Value::Number(number)) => number.as_i64().map(Setting::Number),
        (Setting::Choice(_), Value::String(word)) => switch
            .choices
            .iter()
            .find(|choice| *choice == word)
            .map(|choice| Setting::Choice(choice)),
        _ => None,
    };
    let setting = setting.ok_or_else(|| Error::Value {
        name: switch.name,
        takes: takes(switch),
        value: value.clone(),
    })?;
    Ok((switch.name, setting))
}

fn defaults() -> BTreeMap<&'static str, Setting> {
    Switches::registry()
        .into_iter()
        .map(|switch| (switch.name, switch.default))
        .collect()
}

fn takes(switch: &Switch) -> String {
    match switch.default {
        Setting::Flag(_) => "true or false".to_owned(),
        Setting::Number(_) => "a whole number".to_owned(),
        Setting::Choice(_) => format!("one of {}", switch.choices.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_unique_and_carry_their_system() {
        let mut seen = std::collections::BTreeSet::new();
        for switch in Switches::registry() {
            assert!(seen.insert(switch.name), "{} is there twice", switch.name);
            assert!(
                switch.name.starts_with(&format!("{}.", switch.system)),
                "{}",
                switch.name
            );
            if let Setting::Choice(word) = switch.default {
                assert!(
                    switch.choices.contains(&word),
                    "{} defaults to {word}",
                    switch.name
                );
            }
        }
    }

    #[test]
    fn wrong_kinds_are_refused_with_what_is_taken() {
        let switches = Switches::new();
        let error = switches
            .set("highlevel.search_lag_ms", &json!("soon"))
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "switch highlevel.search_lag_ms takes a whole number, not \"soon\""
        );
        assert!(switches.set("highlevel.no_such", &json!(1)).is_err());
    }
}
