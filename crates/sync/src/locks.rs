//! What is locked while records are worked on: the records of a link and, for records without one,
//! their identity keys.
//!
//! A worker takes all its keys at once or waits; nobody holds some and waits for others, so there
//! is no deadlock. One process works on a component at a time, so the locks live in memory.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex},
};

use tokio::sync::Notify;

/// The set of keys held by somebody.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    held: Mutex<HashSet<String>>,
    freed: Notify,
}

impl Locks {
    /// Waits until all keys are free and takes them.
    pub(crate) async fn acquire(self: &Arc<Self>, keys: BTreeSet<String>) -> Guard {
        loop {
            // Registered before the look, so that a release in between is not missed.
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.try_take(&keys) {
                return Guard {
                    locks: Arc::clone(self),
                    keys,
                };
            }
            freed.await;
        }
    }

    /// Waits until nobody holds any of the keys, or the pause is over. Takes nothing.
    pub(crate) async fn wait_free(&self, keys: &BTreeSet<String>, pause: impl Future<Output = ()>) {
        tokio::pin!(pause);
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if !self.is_held(keys) {
                return;
            }
            tokio::select! {
                () = freed => {}
                () = &mut pause => return,
            }
        }
    }

    /// Whether somebody holds any of the keys at this moment.
    pub(crate) fn is_held<'a>(&self, keys: impl IntoIterator<Item = &'a String>) -> bool {
        let held = self.held.lock().expect("no panic while held");
        keys.into_iter().any(|key| held.contains(key))
    }

    fn try_take(&self, keys: &BTreeSet<String>) -> bool {
        let mut held = self.held.lock().expect("no panic while held");
        if keys.iter().any(|key| held.contains(key)) {
            return false;
        }
        held.extend(keys.iter().cloned());
        true
    }
}

/// Frees its keys when dropped.
#[derive(Debug)]
pub(crate) struct Guard {
    locks: Arc<Locks>,
    keys: BTreeSet<String>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        {
            let mut held = self.locks.held.lock().expect("no panic while held");
            for key in &self.keys {
                held.remove(key);
            }
        }
        self.locks.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn keys(of: &[&str]) -> BTreeSet<String> {
        of.iter().map(|key| (*key).to_owned()).collect()
    }

    #[tokio::test]
    async fn overlapping_keys_wait_and_disjoint_ones_do_not() {
        let locks = Arc::new(Locks::default());
        let first = locks.acquire(keys(&["a", "b"])).await;
        let _other = locks.acquire(keys(&["c"])).await;
        let waiting = tokio::spawn({
            let locks = Arc::clone(&locks);
            async move { locks.acquire(keys(&["b", "d"])).await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished());
        drop(first);
        let second = tokio::time::timeout(Duration::from_secs(5), waiting)
            .await
            .expect("freed")
            .expect("no panic");
        assert!(!locks.try_take(&keys(&["d"])));
        drop(second);
        assert!(locks.try_take(&keys(&["a", "b", "d"])));
    }
}
