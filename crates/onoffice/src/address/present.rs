//! Telling a record that is gone from one that may not be changed.

use std::collections::{BTreeMap, HashSet};

use connector::Calls;
use record::RecordId;
use serde_json::json;

use super::{ADDRESS, number};
use crate::{
    action::{Action, ROWS, Verb},
    exchange,
};

/// Which of some records can be seen.
pub(super) struct Presence(BTreeMap<RecordId, bool>);

impl Presence {
    pub(super) fn is_present(&self, id: &RecordId) -> bool {
        self.0.get(id) == Some(&true)
    }

    pub(super) fn is_absent(&self, id: &RecordId) -> bool {
        self.0.get(id) == Some(&false)
    }
}

/// Looks for these records. What cannot be told is neither present nor absent.
pub(super) async fn present(
    calls: &dyn Calls,
    operation: &'static str,
    ids: &[RecordId],
) -> Presence {
    let mut presence = BTreeMap::new();
    for ids in ids.chunks(ROWS) {
        let numbers: Vec<u64> = ids.iter().filter_map(number).collect();
        let action = Action::new(
            Verb::Read,
            ADDRESS,
            json!({"data": ["Name"], "recordids": numbers, "listlimit": ROWS}),
        );
        match exchange::read_one(calls, operation, &action, ids.len()).await {
            Ok((data, _)) => {
                let seen: HashSet<String> = data
                    .records
                    .into_iter()
                    .filter_map(|record| record.id)
                    .collect();
                presence.extend(
                    ids.iter()
                        .map(|id| (id.clone(), seen.contains(id.as_str()))),
                );
            }
            Err(error) => {
                tracing::info!(%error, "whether the refused records exist could not be read")
            }
        }
    }
    Presence(presence)
}
