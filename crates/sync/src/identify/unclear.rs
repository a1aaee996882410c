//! Records of whom a person has to say who they are: one question at a time for those who may be one.
//!
//! Somebody who is there twice, namesakes and households are one question, about the record that was met first. The others
//! wait for its answer and say so. When it is closed or put anew, the store signals whoever waits for it.

use std::collections::{BTreeMap, BTreeSet};

use matching::Candidate;
use record::{RecordId, Side};
use store::{Review, ReviewFilter, ReviewKind};

use super::{Others, Seeker, choice::in_words, why_asked};
use crate::{
    Error,
    reconcile::{ClaimEnd, Desk},
    resolve::{self, Unclear},
};

/// The questions about who somebody is that are put to people.
#[derive(Default)]
pub(crate) struct Asked {
    /// About whom.
    about: BTreeSet<(Side, RecordId)>,
    /// Who stands to choose, and in the question about whom.
    named: BTreeMap<(Side, RecordId), (Side, RecordId)>,
}

impl Asked {
    pub(crate) fn of<'a>(reviews: impl IntoIterator<Item = &'a Review>) -> Self {
        let mut asked = Self::default();
        for review in reviews {
            if let Some((side, record)) = resolve::subject_of(review) {
                let candidates = resolve::listed(review, "candidates");
                asked.add((side, record), candidates);
            }
        }
        asked
    }

    pub(crate) fn add(
        &mut self,
        (side, record): (Side, RecordId),
        candidates: impl IntoIterator<Item = RecordId>,
    ) {
        for id in candidates {
            let about = (side, record.clone());
            self.named.entry((side.other(), id)).or_insert(about);
        }
        self.about.insert((side, record));
    }

    /// About whom the question is that comes before the one about this record.
    pub(crate) fn before(
        &self,
        (side, own): (Side, &RecordId),
        candidates: &[Candidate<RecordId>],
        twins: &[RecordId],
    ) -> Option<Before> {
        if self.about.contains(&(side, own.clone())) {
            return None;
        }
        let candidates: Vec<_> = candidates
            .iter()
            .map(|candidate| (side.other(), candidate.id.clone()))
            .collect();
        let twins = twins.iter().map(|id| (side, id.clone()));
        let mut beside = candidates.iter().cloned().chain(twins);
        if let Some((side, record)) = beside.find(|record| self.about.contains(record)) {
            return Some(Before {
                side,
                record,
                concerns_it: true,
            });
        }
        let mut named = candidates.iter();
        let (side, record) = named.find_map(|candidate| self.named.get(candidate))?;
        Some(Before {
            side: *side,
            record: record.clone(),
            concerns_it: false,
        })
    }
}

/// The record that is asked about before another one.
pub(crate) struct Before {
    pub(crate) side: Side,
    pub(crate) record: RecordId,
    /// The two may be one; else they only have a candidate in common.
    concerns_it: bool,
}

/// Asks about these records, or lets them wait for the question about another one.
pub(super) async fn ask(
    desk: &mut Desk<'_>,
    unclear: Vec<(Seeker, Vec<Candidate<RecordId>>)>,
    others: &Others,
) -> Result<(), Error> {
    if unclear.is_empty() {
        return Ok(());
    }
    let unclear: Vec<_> = unclear
        .into_iter()
        .map(|(seeker, candidates)| {
            let rivals = rivals(desk, &seeker, others);
            (seeker, candidates, rivals)
        })
        .collect();
    let names: BTreeSet<RecordId> = unclear
        .iter()
        .flat_map(|(seeker, candidates, rivals)| {
            let candidates = candidates.iter().map(|candidate| &candidate.id);
            let rivals = rivals.iter().map(|(id, _)| id);
            candidates.chain(rivals).chain([&seeker.claim.record])
        })
        .cloned()
        .collect();
    let reviews = put(desk, names).await?;
    let mut asked = Asked::of(&reviews);
    for (seeker, candidates, rivals) in unclear {
        let twins: Vec<RecordId> = rivals.iter().map(|(id, _)| id.clone()).collect();
        let about = (desk.side, seeker.claim.record.clone());
        let before = asked.before((desk.side, &about.1), &candidates, &twins);
        let listed: Vec<(RecordId, String)> = candidates
            .iter()
            .map(|candidate| {
                let words = in_words(&candidate.verdict, candidate.linked);
                (candidate.id.clone(), words)
            })
            .collect();
        let sure = candidates
            .iter()
            .filter(|candidate| candidate.verdict.is_same())
            .map(|candidate| candidate.id.clone())
            .collect();
        let question = Unclear {
            side: desk.side,
            record: &about.1,
            candidates: &listed,
            sure: &sure,
            rivals: &rivals,
            why: why_asked(&candidates, !rivals.is_empty()),
            all_free: candidates.iter().all(|candidate| !candidate.linked)
                && twins.iter().all(|id| others.is_free(id)),
        };
        let review = question.review(desk.pairing, desk.core.clock.now());
        match before {
            Some(before) => {
                let subject = resolve::unclear_subject(before.side, &before.record);
                let mut stored = reviews.iter().filter(|review| review.subject == subject);
                let is_shown = |review: &Review| resolve::names(review, &about.1);
                if before.concerns_it && stored.any(|review| !is_shown(review)) {
                    // The question was put before this one was there.
                    desk.commit.signals.push(resolve::person_signal(
                        desk.core,
                        desk.pairing,
                        before.side,
                        &before.record,
                    ));
                }
                desk.count("waits_for_an_answer", 1);
                let waiting = resolve::waiting(desk.pairing, review, &before);
                desk.commit.reviews.push(waiting);
            }
            None => {
                asked.add(about, candidates.into_iter().map(|candidate| candidate.id));
                desk.review(review);
            }
        }
        desk.end(&seeker.claim.record, ClaimEnd::Settled);
    }
    Ok(())
}

/// The questions that people are asked about who these records are.
async fn put(desk: &Desk<'_>, names: BTreeSet<RecordId>) -> Result<Vec<Review>, Error> {
    let filter = ReviewFilter {
        sync: Some(desk.pairing.sync.clone()),
        kind: Some(ReviewKind::Ambiguous),
        records: Some(names.into_iter().collect()),
        ..ReviewFilter::default()
    };
    let core = desk.core;
    let mut reviews = core.store.reviews(&core.workspace, &filter).await?;
    reviews.retain(|review| review.entity == desk.pairing.entity && review.is_asked());
    Ok(reviews)
}

/// Records of the same side that surely are the same, each with why.
fn rivals(desk: &Desk<'_>, seeker: &Seeker, others: &Others) -> Vec<(RecordId, String)> {
    let own = &seeker.claim.record;
    others
        .twins(desk.pairing, own, &seeker.person, &seeker.sought)
        .into_iter()
        .map(|twin| (twin.id, in_words(&twin.verdict, twin.linked)))
        .collect()
}
