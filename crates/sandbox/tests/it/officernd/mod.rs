//! The simulated OfficeRnD through its API.

pub(crate) mod client;
mod errors;
mod judging;
mod limits;
mod older;
mod reading;
mod socket;
mod speed;
mod status;
mod things;
mod tokens;
mod webhooks;
mod writing;
