//! The whole engine in one process against the simulated vendors: real connectors, real store, no
//! sockets. Agreement is judged by the sandbox from its own state.

mod world;

pub use world::{Options, World, people};
