//! Which records runs have just touched: an event about one of them carries on their chain of causes.
//!
//! It is kept in memory. After a restart a circle is noticed later, and noticed all the same.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use crate::act::Act;

/// How long a touch is remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_mins(15);

/// More are not remembered.
const MOST: usize = 20_000;

/// Ids of one act.
const IDS: usize = 40;

/// A connection and the id of a record on it.
type Record = (String, String);

/// What led to the touch of a record, and when that was.
type Touch = (Vec<String>, Timestamp);

/// The records that runs have just touched.
#[derive(Debug, Default)]
pub(crate) struct Touched(Mutex<HashMap<Record, Touch>>);

impl Touched {
    /// Notes what an act was about and what it answered.
    pub(crate) fn note(&self, act: &Act, output: &Json, chain: &[String], now: Timestamp) {
        let mut records: Vec<Record> = Vec::new();
        match act {
            Act::Operation {
                connection, input, ..
            } => {
                let mut ids = Vec::new();
                for value in [&Json::Object(input.clone()), output] {
                    collect(value, false, 0, &mut ids);
                }
                records.extend(ids.into_iter().map(|id| (connection.clone(), id)));
            }
            Act::Edit {
                connection, record, ..
            } => {
                records.push((connection.clone(), record.clone()));
                let other = &output["other"];
                if let (Some(connection), Some(record)) =
                    (other["connection"].as_str(), other["record"].as_str())
                {
                    records.push((connection.to_owned(), record.to_owned()));
                }
            }
            Act::Http { .. } | Act::Chat { .. } | Act::Email { .. } => return,
        }
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() + records.len() > MOST {
            held.retain(|_, (_, at)| now.duration_since(*at) < REMEMBERED);
        }
        if held.len() + records.len() > MOST {
            held.clear();
        }
        for record in records {
            held.insert(record, (chain.to_vec(), now));
        }
    }

    /// What led to an event about a record.
    pub(crate) fn chain(&self, connection: &str, id: &str, now: Timestamp) -> Vec<String> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get(&(connection.to_owned(), id.to_owned())) {
            Some((chain, at)) if now.duration_since(*at) < REMEMBERED => chain.clone(),
            _ => Vec::new(),
        }
    }
}

fn collect(value: &Json, is_id: bool, depth: usize, ids: &mut Vec<String>) {
    if depth > 5 || ids.len() >= IDS {
        return;
    }
    match value {
        Json::Object(members) => {
            for (name, member) in members {
                let lower = name.to_lowercase();
                let names_id = lower == "_id" || lower.ends_with("id") || lower.ends_with("ids");
                collect(member, names_id, depth + 1, ids);
            }
        }
        Json::Array(items) => {
            for item in items {
                collect(item, is_id, depth + 1, ids);
            }
        }
        Json::String(text) if is_id && !text.is_empty() => ids.push(text.clone()),
        Json::Number(number) if is_id => ids.push(number.to_string()),
        _ => {}
    }
}
