//! The connector against a scripted onOffice: every call goes through signing and verdict as it would
//! in the product, and the answers are samples of our own in the forms that the vendor documents.
#![expect(clippy::unwrap_used, reason = "a test stops where its script is wrong")]

mod fake;

mod schema;

mod reading;

mod listing;

mod finding;

mod creating;

mod updating;

mod calendar;

mod account;

mod garbage;

mod catalog;
