//! The hand of the operator: what tests, demos and people do to a sandbox beside calling the vendors.

pub(crate) mod http;

use std::sync::{Arc, PoisonError};

use serde_json::Value;

use crate::core::Core;
use crate::highlevel;
use crate::officernd;
use crate::onoffice;
use crate::service::World;
use crate::system::System;
use crate::vendor::ActError;

/// The controls of one sandbox. Nothing done here counts as a request, meets a limit or a fault.
#[derive(Clone)]
pub struct Control {
    world: Arc<World>,
}

impl Control {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    /// Clock, switches, faults, counts, webhooks and the edit log.
    #[must_use]
    pub fn core(&self) -> &Core {
        &self.world.core
    }

    /// Fills in records in the shape of the vendor's create call and returns their ids.
    ///
    /// # Errors
    /// If a record does not have that shape.
    pub fn seed(&self, system: System, records: &[Value]) -> Result<Vec<String>, ActError> {
        self.world
            .with(system, |vendor, core| vendor.seed(records, core))
            .unwrap_or_else(|| Err(absent(system)))
    }

    /// Does what a person does in the vendor's UI or portal. The acts are listed in `docs/sandbox.md`.
    ///
    /// # Errors
    /// If there is no such act, its input does not fit, or what it names is not there.
    pub fn act(&self, system: System, act: &str, input: &Value) -> Result<Value, ActError> {
        self.world
            .with(system, |vendor, core| vendor.act(act, input, core))
            .unwrap_or_else(|| Err(absent(system)))
    }

    /// Everything a system holds, deleted records included.
    #[must_use]
    pub fn dump(&self, system: System) -> Value {
        self.world
            .with(system, |vendor, core| vendor.dump(core))
            .unwrap_or(Value::Null)
    }

    /// Empties one system; switches, faults and clock stay.
    pub fn reset_system(&self, system: System) {
        self.world.with(system, |vendor, core| vendor.reset(core));
    }

    /// Empties all systems and puts switches, faults, counts and webhooks back to the start. The clock and the edit
    /// log stay.
    pub fn reset(&self) {
        let core = &self.world.core;
        core.switches.reset();
        core.faults.clear();
        core.counts.reset();
        core.deliveries.reset();
        for system in System::ALL {
            self.reset_system(system);
        }
    }

    /// Looks at the state of the simulated HighLevel, under its lock.
    pub fn highlevel<T>(&self, look: impl FnOnce(&highlevel::State) -> T) -> T {
        look(
            &self
                .world
                .highlevel
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Looks at the state of the simulated onOffice, under its lock.
    pub fn onoffice<T>(&self, look: impl FnOnce(&onoffice::State) -> T) -> T {
        look(
            &self
                .world
                .onoffice
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Looks at the state of the simulated OfficeRnD, under its lock.
    pub fn officernd<T>(&self, look: impl FnOnce(&officernd::State) -> T) -> T {
        look(
            &self
                .world
                .officernd
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

fn absent(system: System) -> ActError {
    ActError::missing("system", system.as_str())
}
