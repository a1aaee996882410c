//! The whole engine in one process against the simulated vendors: real connectors, real store, no
//! sockets. Agreement is judged by the sandbox from its own state.

mod clock;
mod faulty_store;
pub mod history;
mod life;
mod vendors;
mod world;

pub use clock::FastClock;
pub use faulty_store::{Failure, FaultyStore};
pub use life::Life;
pub use vendors::{HIGHLEVEL, OFFICERND, ONOFFICE};
pub use world::{
    Options, Running, World, demo_rules, member_rules, members, people, shipped_rules,
};
