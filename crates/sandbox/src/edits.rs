//! The log of every change to a record, whoever made it.
//!
//! A test reads it to count the writes that reached a system, including those that changed nothing. It holds field
//! names, never values: the state holds those.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::clock::iso_millis;
use crate::system::System;

/// Who changed a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    /// A client of the vendor's API.
    Api,
    /// A person in the vendor's UI, played by the control API.
    User,
    /// The filling of the sandbox.
    Seed,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// A new record.
    Create,
    /// Fields of a record; without field names, a write that changed nothing.
    Update,
    /// A record taken away or archived.
    Delete,
    /// A record swallowed by another.
    Merge,
}

/// One change.
#[derive(Debug, Clone, Serialize)]
pub struct Edit {
    /// Counts up from 1 in one sandbox.
    pub sequence: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// The vendor.
    pub system: System,
    /// Who.
    pub actor: Actor,
    /// What.
    pub operation: Operation,
    /// The kind of record, in the vendor's word.
    pub entity: &'static str,
    /// The record's id.
    pub id: Box<str>,
    /// The fields whose stored value changed, in the vendor's names.
    pub fields: Box<[Box<str>]>,
}

impl Edit {
    /// The time in the form that the vendors print.
    #[must_use]
    pub fn at(&self) -> String {
        iso_millis(self.at_ms)
    }
}

/// The log, bounded: the oldest entries go first.
#[derive(Debug)]
pub struct Edits {
    inner: Mutex<Inner>,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Inner {
    entries: VecDeque<Edit>,
    next: u64,
}

/// A change before it got its number.
pub(crate) struct Entry<'a> {
    pub(crate) at_ms: i64,
    pub(crate) system: System,
    pub(crate) actor: Actor,
    pub(crate) operation: Operation,
    pub(crate) entity: &'static str,
    pub(crate) id: &'a str,
    pub(crate) fields: Vec<Box<str>>,
}

impl Edits {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            inner: Mutex::default(),
            capacity,
        }
    }

    pub(crate) fn add(&self, entry: Entry<'_>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.next += 1;
        let edit = Edit {
            sequence: inner.next,
            at_ms: entry.at_ms,
            system: entry.system,
            actor: entry.actor,
            operation: entry.operation,
            entity: entry.entity,
            id: entry.id.into(),
            fields: entry.fields.into_boxed_slice(),
        };
        if inner.entries.len() >= self.capacity {
            inner.entries.pop_front();
        }
        inner.entries.push_back(edit);
    }

    /// The entries with a greater sequence number than the one given, oldest first.
    #[must_use]
    pub fn since(&self, sequence: u64) -> Vec<Edit> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let start = inner
            .entries
            .partition_point(|edit| edit.sequence <= sequence);
        inner.entries.range(start..).cloned().collect()
    }

    /// The sequence number of the newest entry, 0 if there never was one.
    #[must_use]
    pub fn last_sequence(&self) -> u64 {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next
    }
}
