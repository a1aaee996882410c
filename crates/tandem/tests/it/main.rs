//! The real binary, its real server and the sandbox, over HTTP.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

mod world;

mod asked;
mod between;
mod catalog;
mod config;
mod database;
mod demo;
mod entities;
mod faults;
mod http;
mod killed;
mod lifecycle;
mod officernd;
mod plans;
mod probe;
mod recipes;
mod refused;
mod reviews;
mod sign_in;
mod webhooks;
mod work;
mod workflows;
