//! How a switch of this vendor is written down in one line of the registry.

use crate::switches::{Setting, Switch};
use crate::system::System;

const fn switch(
    name: &'static str,
    default: Setting,
    choices: &'static [&'static str],
    meaning: &'static str,
    test: &'static str,
) -> Switch {
    Switch {
        name,
        system: System::OfficeRnd,
        meaning,
        default,
        choices,
        test,
    }
}

pub(super) const fn flag(
    name: &'static str,
    default: bool,
    meaning: &'static str,
    test: &'static str,
) -> Switch {
    switch(name, Setting::Flag(default), &[], meaning, test)
}

pub(super) const fn number(
    name: &'static str,
    default: i64,
    meaning: &'static str,
    test: &'static str,
) -> Switch {
    switch(name, Setting::Number(default), &[], meaning, test)
}

/// The first choice is the default.
pub(super) const fn choice(
    name: &'static str,
    choices: &'static [&'static str],
    meaning: &'static str,
    test: &'static str,
) -> Switch {
    switch(name, Setting::Choice(choices[0]), choices, meaning, test)
}
