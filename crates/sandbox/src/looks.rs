//! How many stored records a system took into its hands: tells an index from a scan without a clock.

use std::sync::atomic::{AtomicU64, Ordering};

/// A count that goes up with each record looked at. A clone goes on from where the original stood.
#[derive(Debug, Default)]
pub(crate) struct Looks(AtomicU64);

impl Looks {
    pub(crate) fn one(&self) {
        self.many(1);
    }

    pub(crate) fn many(&self, records: usize) {
        let records = u64::try_from(records).expect("a count of records fits 64 bits");
        self.0.fetch_add(records, Ordering::Relaxed);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Clone for Looks {
    fn clone(&self) -> Self {
        Self(AtomicU64::new(self.count()))
    }
}
