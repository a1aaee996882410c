//! What the meters say of a sync: how changes are found, how much of what is told is an echo, how long things take.

use std::collections::BTreeMap;

use record::Side;
use serde::Serialize;
use store::SyncName;

use crate::{Spread, spread::Timed};

/// What is counted under the name of a mapping: a change of it that no webhook told of.
pub(crate) const DRIFT: &str = "drift:";

/// What the meters say of a sync, over the life of the database.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// Changes of linked records that were found.
    pub changes: u64,
    /// The share of them that only a listing found: neither a webhook nor a question for changes told of it.
    /// `None`: there were none.
    pub gap: Option<f64>,
    /// The share of records told of by webhooks alone in which nothing was new: mostly what we wrote ourselves.
    /// `None`: none was told of.
    pub echo: Option<f64>,
    /// By mapping, how often it had changed where webhooks should have told and did not.
    pub drift: BTreeMap<String, u64>,
    /// How long edits on the right took until they stood on the left.
    pub lag_to_left: Option<Spread>,
    /// How long edits on the left took until they stood on the right.
    pub lag_to_right: Option<Spread>,
    /// How old the reading was when something was written on the left: an edit in between may be lost.
    pub overwrite_window_left: Option<Spread>,
    /// The same on the right.
    pub overwrite_window_right: Option<Spread>,
}

/// What the meters of a database say of one of its syncs.
pub fn measured(meters: &BTreeMap<String, i64>, sync: &SyncName) -> Measured {
    let count = |name: &str| {
        let count = meters.get(&format!("{sync}:{name}"));
        count
            .copied()
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or(0)
    };
    let (changes, echoes, told) = (count("changes"), count("echoes"), count("told"));
    let prefix = format!("{sync}:{DRIFT}");
    let drift = meters
        .range(prefix.clone()..)
        .take_while(|(name, _)| name.starts_with(&prefix))
        .map(|(name, count)| {
            let count = u64::try_from(*count).unwrap_or(0);
            (name[prefix.len()..].to_owned(), count)
        })
        .collect();
    let spread = |timed: Timed, side| timed.spread(meters, sync.as_str(), side);
    Measured {
        changes,
        gap: share(count("found_only_listed"), changes),
        echo: share(echoes, echoes + told),
        drift,
        lag_to_left: spread(Timed::Lag, Side::Left),
        lag_to_right: spread(Timed::Lag, Side::Right),
        overwrite_window_left: spread(Timed::Overwrite, Side::Left),
        overwrite_window_right: spread(Timed::Overwrite, Side::Right),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
