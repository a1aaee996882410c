//! Carrying out rows of a plan and nothing else: the same work as always, with a look at the plan before each
//! effect. What is not as it was shown is left out and says why.

use std::collections::HashMap;

use matching::Choice;
use record::{Fields, Read, RecordId};
use store::PlanRowState;

use crate::{
    children::Kin,
    decide::PairPlan,
    pair::{Pairing, index},
    plan::{Planned, What},
    reconcile::{Couple, Desk},
};

/// The rows that a desk may carry out, by the record that each is worked on from.
#[derive(Debug, Default)]
pub(crate) struct Permit {
    rows: HashMap<RecordId, Permitted>,
}

/// One row and what has become of it.
#[derive(Debug)]
pub(crate) struct Permitted {
    /// Its place in the plan.
    pub(crate) number: u64,
    /// What it shows.
    pub(crate) planned: Planned,
    /// The other record of the pair, if there is one.
    pub(crate) other: Option<RecordId>,
    /// How it ended, with a word about it.
    pub(crate) end: Option<(PlanRowState, Option<String>)>,
}

impl Permit {
    pub(crate) fn of(rows: impl IntoIterator<Item = (RecordId, Permitted)>) -> Self {
        Self {
            rows: rows.into_iter().collect(),
        }
    }

    /// What has become of the rows.
    pub(crate) fn into_rows(self) -> HashMap<RecordId, Permitted> {
        self.rows
    }
}

impl Desk<'_> {
    fn row(&self, record: &RecordId) -> Option<&Permitted> {
        self.permit.as_ref()?.rows.get(record)
    }

    fn end_row(&mut self, record: &RecordId, state: PlanRowState, note: Option<String>) {
        if let Some(row) = self
            .permit
            .as_mut()
            .and_then(|permit| permit.rows.get_mut(record))
        {
            row.end = Some((state, note));
        }
    }

    /// Of a plan, leaves this row out. Nothing else happens then.
    pub(crate) fn leave_out(&mut self, record: &RecordId, why: &str) {
        self.end_row(record, PlanRowState::LeftOut, Some(why.to_owned()));
    }

    /// Of a plan, this row was carried out, but for so many fields that were refused.
    pub(crate) fn carried_out(&mut self, record: &RecordId, refused: usize) {
        let note = (refused > 0).then(|| format!("{refused} fields were refused"));
        self.end_row(record, PlanRowState::Done, note);
    }

    /// Whether this may become of a record without a link. Without a plan, everything may.
    pub(crate) fn permits_choice(
        &mut self,
        record: &RecordId,
        read: &Read,
        choice: &Choice<RecordId>,
    ) -> bool {
        if self.permit.is_none() {
            return true;
        }
        let Some(row) = self.row(record) else {
            return false;
        };
        let as_shown = match (row.planned.what, choice) {
            (What::Link, Choice::Link(candidate)) if row.other.as_ref() == Some(&candidate.id) => {
                Ok(())
            }
            (What::Create, Choice::None) => Ok(()),
            // who it is follows from whom it belongs to: see `permits_kin`
            (What::Link, Choice::None) if self.pairing.compiled.parent().is_some() => Ok(()),
            (What::Change, _) => Err("the link has ended"),
            (_, Choice::Link(_)) => Err("it matches another record now"),
            (_, Choice::Review(_)) => Err("it is not sure any more who it is"),
            (_, Choice::None) => Err("it matches nobody any more"),
        };
        let mut reads = [None, None];
        reads[index(self.side)] = Some(&read.record.fields);
        let holds = as_shown
            .map_err(str::to_owned)
            .and_then(|()| row.planned.still_holds(self.pairing, reads));
        match holds {
            Ok(()) => true,
            Err(why) => {
                self.leave_out(record, &why);
                false
            }
        }
    }

    /// Whether this may become of a record that belongs to another one and has no link. Without a plan, everything may.
    pub(crate) fn permits_kin(&mut self, record: &RecordId, kin: &Kin<'_>) -> bool {
        if self.permit.is_none() {
            return true;
        }
        let Some(row) = self.row(record) else {
            return false;
        };
        let why = match (row.planned.what, kin) {
            (What::Create, Kin::Nobody) => return true,
            (What::Link, Kin::One(twin, _)) if row.other.as_ref() == Some(&twin.record.id) => {
                return true;
            }
            (What::Link, Kin::Nobody) => "none of the same record says the same any more",
            _ => "one that says the same, or almost, stands there already",
        };
        self.leave_out(record, why);
        false
    }

    /// What may be written for a pair: without a plan, all that was decided. `None`: the row is settled.
    pub(crate) fn permits_pair(
        &mut self,
        known: &Pairing,
        couple: &Couple,
        decided: PairPlan,
    ) -> Option<PairPlan> {
        if self.permit.is_none() {
            return Some(decided);
        }
        let record = couple.link.record(self.side);
        let other = couple.link.record(self.side.other());
        let row = self.row(record)?;
        let permitted = match (row.planned.what, &row.other) {
            // It was carried out before and the process died before it could say so.
            (What::Create, _) if couple.link.how == "created" => {
                self.carried_out(record, 0);
                return None;
            }
            (What::Link | What::Change, Some(shown)) if shown == other => {
                let reads = [0, 1].map(|at: usize| &couple.reads[at].record.fields);
                row.planned.restrict(known, reads, decided)
            }
            _ => Err("it was linked with another record meanwhile".to_owned()),
        };
        match permitted {
            Ok(decided) => Some(decided),
            Err(why) => {
                self.leave_out(record, &why);
                if couple.link.revisions.is_empty() {
                    self.unlink(couple);
                }
                None
            }
        }
    }

    /// Takes back a link that is not stored yet.
    fn unlink(&mut self, couple: &Couple) {
        let id = couple.link.id;
        let before = self.commit.links.len();
        self.commit.links.retain(|link| link.id != id);
        if self.commit.links.len() < before {
            self.commit.journal.retain(|row| row.link != Some(id));
            *self.counts.entry("linked".to_owned()).or_default() -= 1;
        }
    }

    /// What may be sent for a new record: without a plan, the whole draft. `None`: the row is left out.
    pub(crate) fn permits_draft(
        &mut self,
        known: &Pairing,
        record: &RecordId,
        draft: Fields,
    ) -> Option<Fields> {
        if self.permit.is_none() {
            return Some(draft);
        }
        match self.row(record)?.planned.restrict_draft(known, draft) {
            Ok(draft) => Some(draft),
            Err(why) => {
                self.leave_out(record, &why);
                None
            }
        }
    }
}
