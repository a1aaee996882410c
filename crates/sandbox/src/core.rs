//! What all simulated vendors share: time, chance, switches, faults, counts, the edit log and outgoing webhooks.

use crate::clock::Clock;
use crate::counts::Counts;
use crate::deliveries::{Deliveries, Message};
use crate::edits::Edits;
use crate::faults::Faults;
use crate::random::Random;
use crate::switches::Switches;

/// The shared parts of one sandbox. Each locks itself, so a vendor may use them while its own state is locked.
#[derive(Debug)]
pub struct Core {
    /// The sandbox's time.
    pub clock: Clock,
    /// Named quirks.
    pub switches: Switches,
    /// What goes wrong on purpose.
    pub faults: Faults,
    /// Requests seen.
    pub counts: Counts,
    /// Webhooks on their way.
    pub deliveries: Deliveries,
    /// Every change to a record.
    pub edits: Edits,
    /// Ids, jitter and chances.
    pub random: Random,
}

impl Core {
    pub(crate) fn new(clock: Clock, seed: u64, edit_capacity: usize) -> Self {
        Self {
            clock,
            switches: Switches::new(),
            faults: Faults::default(),
            counts: Counts::default(),
            deliveries: Deliveries::new(),
            edits: Edits::new(edit_capacity),
            random: Random::new(seed),
        }
    }

    /// Queues a webhook, after the faults had their say.
    pub(crate) fn send(&self, message: Message) {
        let faults = self
            .faults
            .strike_webhook(message.system, message.event, &self.random);
        self.deliveries.queue(message, self.clock.now_ms(), &faults);
    }
}
