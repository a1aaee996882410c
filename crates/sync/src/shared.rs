//! Readings that the syncs of one connection share: a record that several of them look at in one batch is read
//! once, unless something of ours was written to it since.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use connector::Fetched;
use jiff::Timestamp;
use record::{Read, RecordId, Side};
use store::Cause;

use crate::{Error, reconcile::Desk};

/// When something of ours was last written to records that several syncs look at, by the key of their lock.
#[derive(Debug, Default)]
pub(crate) struct Writes(Mutex<HashMap<String, Timestamp>>);

/// So many are kept before those are forgotten that no reading is old enough to need.
const KEPT: usize = 10_000;

impl Writes {
    /// Something is about to be written to these records, or was. Readings older than `longest` are used by nobody.
    fn note(&self, records: impl Iterator<Item = String>, now: Timestamp, longest: Duration) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() >= KEPT {
            let old = now.saturating_sub(longest).unwrap_or(Timestamp::MIN);
            last.retain(|_, at| *at >= old);
        }
        last.extend(records.map(|record| (record, now)));
    }

    /// Whether something was written to a record at this moment or later.
    fn since(&self, record: &str, moment: Timestamp) -> bool {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(record).is_some_and(|at| *at >= moment)
    }
}

impl Desk<'_> {
    /// Notes a write to these records, once before it is sent and once after its answer.
    pub(crate) fn note_writes(&self, side: Side, records: &[RecordId]) {
        let connection = &self.pairing.end(side).connection;
        if self.core.is_hub(connection, self.pairing.entity) {
            let keys = records.iter().map(|id| self.lock_key(side, id));
            let (now, longest) = (self.core.clock.now(), self.core.options.fresh_for);
            self.core.writes.note(keys, now, longest);
        }
    }

    /// Leaves a reading of the side that the claims are on to the next sync.
    pub(crate) fn share(&mut self, read: &Read) {
        if self.shares && read.decides() {
            self.shared.insert(read.record.id.clone(), read.clone());
        }
    }

    /// The reading of a record that the sync before left, if it is as good as a new one.
    fn left_by_others(&self, side: Side, id: &RecordId) -> Option<&Read> {
        let read = self.shared.get(id).filter(|_| side == self.side)?;
        // Half of the time is left for deciding and writing upon it.
        let longest = self.core.options.fresh_for / 2;
        let is_recent = read
            .as_of
            .saturating_add(longest)
            .is_ok_and(|until| self.core.clock.now() <= until);
        let untouched = || {
            let key = self.lock_key(side, id);
            !self.core.writes.since(&key, read.as_of)
        };
        (is_recent && untouched()).then_some(read)
    }

    /// Reads records of one side by id: fresh, or as the sync before has just read them.
    pub(crate) async fn fetch_or_share(
        &self,
        side: Side,
        ids: &[RecordId],
        cause: &Cause,
    ) -> Result<HashMap<RecordId, Fetched>, Error> {
        let mut found = HashMap::with_capacity(ids.len());
        let mut unread = Vec::with_capacity(ids.len());
        for id in ids {
            match self.left_by_others(side, id) {
                Some(read) => {
                    found.insert(id.clone(), Fetched::Found(Box::new(read.clone())));
                }
                None => unread.push(id.clone()),
            }
        }
        if !unread.is_empty() {
            found.extend(self.fetch(side, &unread, cause).await?);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_counts_until_something_is_written() {
        let writes = Writes::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(!writes.since("a", at(1)));
        writes.note(["a".to_owned()].into_iter(), at(5), Duration::from_secs(30));
        assert!(writes.since("a", at(4)) && writes.since("a", at(5)));
        assert!(!writes.since("a", at(6)) && !writes.since("b", at(1)));
        for number in 0..KEPT {
            let key = std::iter::once(number.to_string());
            writes.note(key, at(60), Duration::from_secs(30));
        }
        assert!(
            !writes.since("a", at(4)),
            "forgotten: nobody holds a reading of then"
        );
    }
}
