//! The engine against the simulated vendors.

mod first;
