//! Which records a sync is about.

use record::{Fields, Side};

use crate::pair::Pairing;

/// Whether a record is surely in the scope of the sync. Where a field that decides it is unknown, it
/// is not: nothing is made or linked on a guess.
pub(crate) fn contains(pairing: &Pairing, side: Side, fields: &Fields) -> bool {
    pairing.compiled.in_scope(side, fields) == Some(true)
}
