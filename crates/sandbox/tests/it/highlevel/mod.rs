//! The simulated HighLevel as its clients meet it.

pub(crate) mod client;

mod businesses;
mod custom_fields;
mod limits;
mod oauth;
mod sdk;
mod search;
mod services;
mod speed;
mod tags;
mod tasks;
mod transport;
mod upsert;
mod webhooks;
mod writes;
