//! Documents as systems, from outside.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod documents;
