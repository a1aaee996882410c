//! What one run may do at most.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may be done within an hour before the sync stops and asks. Creates and overwrites of a run that a
/// person started do not count; its deletes do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Deletes and archivings, of all linked records.
    pub deletes: Limit,
    /// Records of which a value is overwritten, of all linked records.
    pub overwrites: Limit,
    /// Creates, of all records of the side that they come from.
    pub creates: Limit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deletes: Limit {
                share: 0.05,
                number: 100,
            },
            overwrites: Limit {
                share: 0.2,
                number: 500,
            },
            creates: Limit {
                share: 1.0,
                number: 500,
            },
        }
    }
}

/// A limit by share and by number. Passing either stops the run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// A share of the records, from 0 to 1. It counts from the 11th record on, so that small sets of
    /// records can be worked with.
    #[schemars(example = 0.2, range(min = 0.0, max = 1.0))]
    pub share: f64,
    /// A number of records.
    #[schemars(example = 500)]
    pub number: u64,
}

impl Limit {
    /// So few that no share of them is alarming.
    const FEW: u64 = 10;

    /// Whether `count` out of `all` is too many.
    #[expect(
        clippy::cast_precision_loss,
        reason = "shares of more than 2^53 records are not told apart"
    )]
    pub fn is_passed_by(&self, count: u64, all: u64) -> bool {
        count > self.number || (count > Self::FEW && count as f64 > self.share * all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_bound_stops_but_a_handful_does_not() {
        let limit = Limit {
            share: 0.2,
            number: 500,
        };
        for (count, all, passed) in [
            (10, 10, false),
            (11, 20, true),
            (20, 100, false),
            (21, 100, true),
            (500, 1_000_000, false),
            (501, 1_000_000, true),
        ] {
            assert_eq!(limit.is_passed_by(count, all), passed, "{count} of {all}");
        }
    }
}
