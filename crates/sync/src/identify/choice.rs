//! Who a record is, judged from everybody who shares a key with it.

use matching::{Candidate, Choice, Person, Verdict, choose, compare, confirm, is_spoken_for};
use record::{RecordId, Side};
use store::{Key, PairDecision};

use super::{Other, Others, Seeker};
use crate::{pair::Pairing, reconcile::Desk};

/// Chooses among the candidates of one seeker.
pub(super) fn judge(desk: &Desk<'_>, seeker: &Seeker, others: &Others) -> Choice<RecordId> {
    let Seeker {
        claim,
        person,
        sought,
        ..
    } = seeker;
    others.choose(desk.pairing, desk.side, &claim.record, person, sought)
}

impl Others {
    /// Everybody of the other side (0) or of the own one (1) that shares a key, judged. `own` is left out of its side.
    pub(crate) fn judged(
        &self,
        pairing: &Pairing,
        which: usize,
        (own, person, keys): (&RecordId, &Person, &[Key]),
    ) -> Vec<Candidate<RecordId>> {
        let people = if which == 0 {
            &self.candidates
        } else {
            &self.rivals
        };
        self.sharing(which, keys)
            .into_iter()
            // The other side may use the same id for somebody else, or for the counterpart.
            .filter(|id| which == 0 || id != own)
            .filter_map(|id| {
                let other = people.get(&id)?;
                Some(Candidate {
                    verdict: compare(person, &other.person, &pairing.rules.matching),
                    linked: other.linked.is_some(),
                    id,
                })
            })
            .collect()
    }

    /// Chooses the counterpart of one record that has none. The one rule for it, for the work and for the plan.
    pub(crate) fn choose(
        &self,
        pairing: &Pairing,
        side: Side,
        own: &RecordId,
        person: &Person,
        keys: &[Key],
    ) -> Choice<RecordId> {
        let mut candidates = self.judged(pairing, 0, (own, person, keys));
        let decided = |candidate: &Candidate<RecordId>| self.decided(side, own, &candidate.id);
        if let Some(linked) = candidates
            .iter()
            .position(|candidate| decided(candidate) == Some(PairDecision::Link))
        {
            return Choice::Link(candidates.swap_remove(linked));
        }
        let kept_apart =
            |candidate: &Candidate<RecordId>| decided(candidate) == Some(PairDecision::KeepApart);
        let had_apart = candidates.iter().any(kept_apart);
        candidates.retain(|candidate| !kept_apart(candidate));
        // Whose counterpart this one may be is for a person to say, whatever it is called by now.
        let asked: Vec<_> = candidates
            .iter()
            .filter(|candidate| self.may_inherit(own, &candidate.id))
            .cloned()
            .collect();
        self.leave_to_theirs(pairing, &mut candidates, (own, person, keys));
        match choose(candidates) {
            Choice::None if !asked.is_empty() => Choice::Review(asked),
            Choice::Link(candidate)
                if names_another(pairing, side.other(), person, &candidate.id)
                    || names_another(
                        pairing,
                        side,
                        &self.candidates[&candidate.id].person,
                        own,
                    ) =>
            {
                // whose id is kept may not have been listed yet: they are meant, whatever mailbox they have now
                Choice::Review(vec![candidate])
            }
            Choice::Link(candidate) => {
                let person = &self.candidates[&candidate.id].person;
                let rivals: Vec<_> = self
                    .judged(pairing, 1, (own, person, keys))
                    .into_iter()
                    .filter(|rival| !rival.linked)
                    .collect();
                confirm(Choice::Link(candidate), rivals)
            }
            Choice::None if !had_apart => {
                // Two records of one person on this side: making both would double the double.
                let twins = self.twins(pairing, own, person, keys);
                if twins.is_empty() {
                    Choice::None
                } else {
                    twin(own, &twins)
                }
            }
            choice => choice,
        }
    }

    /// Leaves out candidates that share a mailbox or a phone with their household only and have somebody of
    /// their own name on this side.
    fn leave_to_theirs(
        &self,
        pairing: &Pairing,
        candidates: &mut Vec<Candidate<RecordId>>,
        (own, _, keys): (&RecordId, &Person, &[Key]),
    ) {
        let rivals: Vec<&Other> = self
            .sharing(1, keys)
            .iter()
            .filter(|id| *id != own)
            .filter_map(|id| self.rivals.get(id))
            .collect();
        let rules = &pairing.rules.matching;
        candidates.retain(|candidate| {
            let known = &self.candidates[&candidate.id].person;
            let verdicts: Vec<Verdict> = rivals
                .iter()
                .map(|rival| compare(&rival.person, known, rules))
                .collect();
            !is_spoken_for(&candidate.verdict, &verdicts)
        });
    }

    /// Records of the same side that surely are the same.
    pub(crate) fn twins(
        &self,
        pairing: &Pairing,
        own: &RecordId,
        person: &Person,
        keys: &[Key],
    ) -> Vec<Candidate<RecordId>> {
        self.judged(pairing, 1, (own, person, keys))
            .into_iter()
            .filter(|rival| matches!(rival.verdict, Verdict::Same { .. }))
            .collect()
    }
}

/// Of records that are one person on one side, the first by id is created; the others ask.
fn twin(own: &RecordId, twins: &[Candidate<RecordId>]) -> Choice<RecordId> {
    let first = twins.iter().all(|twin| !twin.linked && *own < twin.id);
    if first {
        Choice::None
    } else {
        // No candidate of the other side: the review names the twins as rivals.
        Choice::Review(Vec::new())
    }
}

/// Why a person is asked who a record is.
pub(crate) fn why_asked(candidates: &[Candidate<RecordId>], has_twins: bool) -> &'static str {
    if candidates.is_empty() {
        "another record of the same side is the same person"
    } else if candidates.iter().any(|candidate| candidate.linked) {
        "the match is linked already"
    } else if candidates.len() > 1 {
        "there are several possible matches"
    } else if has_twins {
        "another record of the same side matches as well"
    } else {
        "something speaks against it"
    }
}

pub(super) fn in_words(verdict: &Verdict, linked: bool) -> String {
    let mut words = matching::explain(verdict.findings());
    if linked {
        words.push_str("; linked already");
    }
    words
}

/// Whether a person keeps the id of a record of this side, and it is not that one.
fn names_another(pairing: &Pairing, side: Side, person: &Person, that: &RecordId) -> bool {
    let connection = pairing.end(side).connection.as_str();
    let mut kept = person
        .external()
        .filter_map(|id| id.strip_prefix(connection)?.strip_prefix('/'))
        .peekable();
    kept.peek().is_some() && kept.all(|id| id != that.as_str())
}
