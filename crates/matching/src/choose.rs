//! One choice out of several judged candidates.

use crate::{KeyKind, Verdict};

/// A record of the other side that shares a key, and how it was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate<Id> {
    /// Which record.
    pub id: Id,
    /// How the pair was judged.
    pub verdict: Verdict,
    /// It already has a link in this sync, to another record than the one that is being matched.
    pub linked: bool,
}

/// What is to become of a record that has no link yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice<Id> {
    /// It belongs to this one.
    Link(Candidate<Id>),
    /// A person has to choose between these (best first), or say that it is none of them.
    Review(Vec<Candidate<Id>>),
    /// It belongs to nobody: it may be created on the other side.
    None,
}

/// Where more than so many share a name and nothing else, it is a common name and no question.
const MOST_NAMESAKES: usize = 3;

/// Whether a candidate is left to the record of this side that it surely belongs to: `rivals` are judged
/// against the candidate. Of people who share a mailbox or a phone, each goes with the one of their name.
pub fn is_spoken_for<'a>(verdict: &Verdict, rivals: impl IntoIterator<Item = &'a Verdict>) -> bool {
    verdict.is_of_household() && rivals.into_iter().any(Verdict::is_same)
}

/// Chooses among the candidates of one record.
///
/// One free record that surely is the same is linked, the one that is named by its id before all others. Two, or a sure one that is linked already, or
/// only doubtful ones, are a question. Records that are surely others are left out.
pub fn choose<Id>(candidates: impl IntoIterator<Item = Candidate<Id>>) -> Choice<Id> {
    let mut possible: Vec<Candidate<Id>> = candidates
        .into_iter()
        .filter(|candidate| rank(&candidate.verdict).is_some())
        // One of a household that has its own counterpart is nobody else's.
        .filter(|candidate| !(candidate.linked && candidate.verdict.is_of_household()))
        .collect();
    // A name that many bear says nothing.
    let by_name = |candidate: &Candidate<Id>| candidate.verdict.is_by_name_alone();
    if possible
        .iter()
        .filter(|candidate| by_name(candidate))
        .count()
        > MOST_NAMESAKES
    {
        possible.retain(|candidate| !by_name(candidate));
    }
    possible.sort_by_key(|candidate| std::cmp::Reverse(rank(&candidate.verdict)));
    let sure = possible
        .iter()
        .filter(|candidate| matches!(candidate.verdict, Verdict::Same { .. }))
        .count();
    if possible.is_empty() {
        return Choice::None;
    }
    // Who is named by its id is meant, whoever else looks like it.
    let named = |candidate: &Candidate<Id>| is_named(&candidate.verdict);
    if possible.iter().filter(|candidate| named(candidate)).count() == 1
        && let Some(index) = possible.iter().position(|one| named(one) && !one.linked)
    {
        return Choice::Link(possible.swap_remove(index));
    }
    if sure == 1 && !possible[0].linked {
        return Choice::Link(possible.swap_remove(0));
    }
    Choice::Review(possible)
}

/// Checks a choice from the other side: `rivals` are the *other* unlinked records of this side that
/// were judged against the chosen one. If one of them surely is the same too, it is a question.
pub fn confirm<Id, Rival>(
    choice: Choice<Id>,
    rivals: impl IntoIterator<Item = Candidate<Rival>>,
) -> Choice<Id> {
    match choice {
        Choice::Link(candidate) => {
            let named = is_named(&candidate.verdict);
            let contested = rivals.into_iter().any(|rival| {
                is_named(&rival.verdict)
                    || (!named && matches!(rival.verdict, Verdict::Same { .. }))
            });
            if contested {
                Choice::Review(vec![candidate])
            } else {
                Choice::Link(candidate)
            }
        }
        other => other,
    }
}

/// Whether the two are surely the same because one keeps the other's id.
fn is_named(verdict: &Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Same {
            by: KeyKind::External,
            ..
        }
    )
}

/// Sure before doubtful, then by what speaks for it; `None` for others.
fn rank(verdict: &Verdict) -> Option<(bool, u32)> {
    match verdict {
        Verdict::Same { score, .. } => Some((true, *score)),
        Verdict::Doubtful { score, .. } => Some((false, *score)),
        Verdict::Different { .. } => None,
    }
}
