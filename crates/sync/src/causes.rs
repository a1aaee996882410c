//! What follows from what, where syncs share a connection: one sync writes a record, and the others that
//! see it then act because of that, whoever tells them to look.
//!
//! The signal of our own write carries its cause, but it may not be the one that is worked off first: a
//! message without a cause may have been waiting for the record. So it is kept here, until each of
//! the others has looked. Only in memory: after a restart a chain begins anew.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use record::{Entity, RecordId};
use store::{Cause, ConnectionName, SyncName};

/// How many records of a generation; two are kept.
const GENERATION: usize = 10_000;

type Key = (ConnectionName, Entity, RecordId);

/// A write of ours, and who has not seen what it wrote yet.
struct Carried {
    cause: Cause,
    unseen: BTreeSet<SyncName>,
}

#[derive(Default)]
struct Generations {
    new: HashMap<Key, Carried>,
    old: HashMap<Key, Carried>,
}

/// The causes of what we wrote and others have to look at.
#[derive(Default)]
pub(crate) struct Causes(Mutex<Generations>);

impl Causes {
    fn with<T>(&self, with: impl FnOnce(&mut Generations) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A record was written because of this, and these syncs have to look at it.
    pub(crate) fn note(
        &self,
        connection: &ConnectionName,
        entity: Entity,
        record: &RecordId,
        cause: Cause,
        unseen: BTreeSet<SyncName>,
    ) {
        let key = (connection.clone(), entity, record.clone());
        self.with(|kept| {
            kept.old.remove(&key);
            kept.new.insert(key, Carried { cause, unseen });
            if kept.new.len() >= GENERATION {
                kept.old = std::mem::take(&mut kept.new);
            }
        });
    }

    /// Why a record is as a sync finds it, if that is our doing and it has not looked since.
    pub(crate) fn of(
        &self,
        connection: &ConnectionName,
        entity: Entity,
        record: &RecordId,
        sync: &SyncName,
    ) -> Option<Cause> {
        let key = (connection.clone(), entity, record.clone());
        self.with(|kept| {
            let carried = kept.new.get(&key).or_else(|| kept.old.get(&key))?;
            carried.unseen.contains(sync).then(|| carried.cause.clone())
        })
    }

    /// Whether only other syncs than this one have to look at a record because of what we wrote to it.
    pub(crate) fn is_for_others(
        &self,
        connection: &ConnectionName,
        entity: Entity,
        record: &RecordId,
        sync: &SyncName,
    ) -> bool {
        let key = (connection.clone(), entity, record.clone());
        self.with(|kept| {
            let carried = kept.new.get(&key).or_else(|| kept.old.get(&key));
            carried.is_some_and(|carried| !carried.unseen.contains(sync))
        })
    }

    /// A sync has to look again at what it wrote itself.
    pub(crate) fn look_again(
        &self,
        connection: &ConnectionName,
        entity: Entity,
        record: &RecordId,
        sync: &SyncName,
    ) {
        let key = (connection.clone(), entity, record.clone());
        self.with(|kept| {
            for generation in [&mut kept.new, &mut kept.old] {
                if let Some(carried) = generation.get_mut(&key) {
                    carried.unseen.insert(sync.clone());
                }
            }
        });
    }

    /// A sync has looked at a record.
    pub(crate) fn seen(
        &self,
        connection: &ConnectionName,
        entity: Entity,
        record: &RecordId,
        sync: &SyncName,
    ) {
        let key = (connection.clone(), entity, record.clone());
        self.with(|kept| {
            for generation in [&mut kept.new, &mut kept.old] {
                if let Some(carried) = generation.get_mut(&key) {
                    carried.unseen.remove(sync);
                    if carried.unseen.is_empty() {
                        generation.remove(&key);
                    }
                }
            }
        });
    }
}
