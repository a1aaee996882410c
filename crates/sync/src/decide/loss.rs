//! Values that a side can hold only in part, or not at all, where the rules say what becomes of them. Pure.

use mapping::{CompiledMapping, Loss, OnLoss};
use merge::{Decision, Why};
use record::{Field, Fields, Side, Sides};
use store::Blocked;

use super::{Held, mark_of};

/// A question about a value that a side cannot hold.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The value.
    pub(crate) value: Field,
    /// What is lost of it.
    pub(crate) loss: Loss,
    /// A person was asked about this value before.
    pub(crate) before: bool,
}

/// What a person says about one value.
#[derive(Debug, Clone)]
pub(crate) struct LossAnswer {
    /// The side that cannot hold it.
    pub(crate) side: Side,
    /// The mark of the value that was asked about. The answer is about no other.
    pub(crate) asked: u64,
    /// As much as the side can hold is written; or nothing is.
    pub(crate) shorten: bool,
}

/// One value that one side cannot hold whole.
pub(super) struct What<'a> {
    pub(super) mapping: &'a CompiledMapping,
    pub(super) number: usize,
    pub(super) side: Side,
    pub(super) value: &'a Field,
    pub(super) loss: &'a Loss,
    pub(super) on_loss: OnLoss,
    pub(super) answer: Option<&'a LossAnswer>,
    pub(super) schema_hash: u64,
}

impl What<'_> {
    /// What is written; or the row that says why nothing is.
    pub(super) fn becomes(&self, blocked: Option<&Blocked>) -> Result<Field, Box<Held>> {
        let value_hash = self.mark();
        let answer = self
            .answer
            .filter(|answer| answer.side == self.side && answer.asked == value_hash);
        let shorten = self.on_loss == OnLoss::Shorten || answer.is_some_and(|one| one.shorten);
        if shorten {
            // What the system shortens by itself is sent whole.
            let held = self.loss.partial.then(|| self.value.clone());
            if let Some(held) = held.or_else(|| self.mapping.shortened(self.side, self.value)) {
                return Ok(held);
            }
        }
        let row = blocked.filter(|row| row.value_hash == value_hash);
        let left = answer.is_some_and(|answer| !answer.shorten);
        let asks = self.on_loss == OnLoss::Ask && !left;
        let reason = match row {
            _ if left => format!("left by a person: {}", self.loss),
            Some(row) => row.reason.clone(),
            None if asks => format!("a person is asked: {}", self.loss),
            None => self.loss.to_string(),
        };
        Err(Box::new(Held {
            mapping: self.number,
            side: self.side,
            reason,
            value_hash,
            known: !left && row.is_some_and(|row| row.schema_hash == self.schema_hash),
            awaits: None,
            asks: asks.then(|| Asked {
                value: self.value.clone(),
                loss: self.loss.clone(),
                before: row.is_some(),
            }),
        }))
    }

    /// By what a value is recognised that was asked about: it, what of it is lost, and the rule. It is stored.
    fn mark(&self) -> u64 {
        mark_of(&(self.value, self.loss, self.on_loss == OnLoss::Ask))
    }
}

/// What the journal says of a value of which a part was written.
pub(super) fn shortened(loss: &Loss) -> String {
    if loss.partial {
        loss.to_string()
    } else {
        format!("shortened: {loss}")
    }
}

/// What is decided where both sides mean the same as far as each can hold it, and one of them holds what is new to the
/// other only in part: there is nothing to write, and something to say.
pub(super) fn unwritten(
    mapping: &CompiledMapping,
    bases: Option<Sides<&Fields>>,
    now: &[Field; 2],
) -> Option<Decision> {
    mapping.on_loss()?;
    let [left, right] = now;
    let now = Sides::new(left, right);
    Side::BOTH.into_iter().find_map(|side| {
        let (value, there) = (*now.get(side.other()), *now.get(side));
        let is_new = match bases {
            Some(bases) => mapping.read(side.other(), bases.get(side.other())) != *value,
            None => *there == Field::Empty,
        };
        let is_lost = is_new
            && value != there
            && mapping.writable(side)
            && mapping.lossy(side, value).is_some();
        is_lost.then(|| Decision::Write {
            to: side,
            value: value.clone(),
            loser: there.value().cloned(),
            why: Why::OnlyChange,
        })
    })
}
