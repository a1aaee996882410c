//! Who writes into which record at this moment.
//!
//! What can only be written whole, a member's properties or the parts of an object, is read and written back with something
//! changed. Two who do that at once with one record take each other's change away: a note of a member and a field of the
//! member, say. So whoever does it holds the record's pen from before the reading to after the writing.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, Weak},
};

use futures::lock::{Mutex, OwnedMutexGuard};

/// The pens of all records that are written into now, by record.
#[derive(Debug, Default)]
pub(crate) struct Pens(std::sync::Mutex<HashMap<String, Weak<Mutex<()>>>>);

impl Pens {
    /// Waits for the pen of a record. It is given back when what is returned is dropped.
    pub(crate) async fn of(&self, record: &str) -> OwnedMutexGuard<()> {
        let pen = {
            let mut pens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            pens.retain(|_, pen| pen.strong_count() > 0);
            let held = pens.get(record).and_then(Weak::upgrade);
            held.unwrap_or_else(|| {
                let pen = Arc::new(Mutex::new(()));
                pens.insert(record.to_owned(), Arc::downgrade(&pen));
                pen
            })
        };
        pen.lock_owned().await
    }
}
