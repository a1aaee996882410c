//! The real binary, its real server and the sandbox, over HTTP.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

mod world;

mod alerts;
mod asked;
mod attached;
mod between;
mod by_hand;
mod catalog;
mod config;
mod database;
mod demo;
mod entities;
mod faults;
mod http;
mod kept;
mod killed;
mod killed_often;
mod lifecycle;
mod marketplace;
mod nodes;
mod officernd;
mod people;
mod plans;
mod practise;
mod probe;
mod proxied;
mod recipes;
mod refused;
mod reviews;
mod sign_in;
mod skipped;
mod told;
mod webhooks;
mod work;
mod workflows;
