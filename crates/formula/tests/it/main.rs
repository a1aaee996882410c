//! Formulas from outside: strangers' expressions over strangers' values.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

mod attacked;
