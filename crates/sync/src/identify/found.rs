//! What follows once it is known who a record is, or once a system named who it may be.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Fetched, IdentityKey};
use matching::{Candidate, Verdict, compare};
use record::{Fields, Read, RecordId, Side};
use store::{Cause, Claim, Link};

use super::{Others, Seeker, choice::in_words, chunks, keys, others::by_index, person};
use crate::{
    Error,
    create::Birth,
    decide::{Overrides, decide},
    intents::identity_key,
    pair::Pairing,
    reconcile::{ClaimEnd, Couple, Desk, cause_of},
    references, resolve,
    witness::{self, Proof},
};

/// A record and the one of the other side that it is.
pub(crate) struct Match {
    pub(crate) claim: Claim,
    pub(crate) read: Read,
    pub(crate) twin: RecordId,
    /// As it was read, if it was read whole.
    pub(crate) of_twin: Option<Read>,
    pub(crate) how: String,
}

pub(super) async fn link_matched(
    desk: &mut Desk<'_>,
    matched: Vec<(Seeker, Candidate<RecordId>)>,
    mut others: Others,
) -> Result<(), Error> {
    let matches = matched
        .into_iter()
        .map(|(seeker, candidate)| Match {
            how: matching::explain(candidate.verdict.findings()),
            of_twin: others
                .candidates
                .remove(&candidate.id)
                .and_then(|other| other.read),
            twin: candidate.id,
            claim: seeker.claim,
            read: seeker.read,
        })
        .collect();
    link_all(desk, matches).await
}

/// Links matched records. Pairs that agree in all mapped fields as listed need no further reading;
/// the others are read fresh and aligned.
pub(crate) async fn link_all(desk: &mut Desk<'_>, matches: Vec<Match>) -> Result<(), Error> {
    let mut linked = Vec::with_capacity(matches.len());
    for Match {
        claim,
        read,
        twin,
        of_twin,
        how,
    } in matches
    {
        let other = of_twin.filter(|read| desk.pairing.knows(desk.side.other(), read));
        let (left, right) = match desk.side {
            Side::Left => (claim.record.clone(), twin),
            Side::Right => (twin, claim.record.clone()),
        };
        let link = resolve::new_link(desk.core, desk.pairing, left, right, &how);
        let row = resolve::linked_row(desk.pairing, &link, link.created, Some(cause_of(&claim)));
        desk.commit.journal.push(row);
        // Part of the commit even if its first look fails.
        desk.commit.links.push(link.clone());
        desk.count("linked", 1);
        let couple = other.map(|other| Couple {
            claim: claim.clone(),
            link: link.clone(),
            reads: match desk.side {
                Side::Left => [read, other],
                Side::Right => [other, read],
            },
            taken_up: Vec::new(),
        });
        linked.push((claim, link, couple));
    }
    let fields: Vec<_> = linked
        .iter()
        .filter_map(|(_, _, couple)| couple.as_ref())
        .flat_map(Couple::fields)
        .collect();
    let known = references::known(desk.core, desk.pairing, &fields).await?;
    drop(fields);
    let mut agreed = Vec::new();
    let mut differing = Vec::new();
    for (claim, link, couple) in linked {
        match couple {
            Some(couple) if agrees(&known, &couple) => agreed.push(couple),
            _ => differing.push((claim, link)),
        }
    }
    desk.couples(agreed, &Overrides::new()).await?;
    let size = desk.core.options.live_batch.max(1);
    for chunk in chunks(differing, size) {
        desk.pairs(chunk, &Overrides::new()).await?;
    }
    Ok(())
}

fn agrees(pairing: &Pairing, couple: &Couple) -> bool {
    let plan = decide(
        pairing,
        &couple.link,
        &couple.reads[0],
        &couple.reads[1],
        &[],
        &Overrides::new(),
    );
    plan.writes_nothing()
        && plan.conflicts.is_empty()
        && plan.held.is_empty()
        && plan.waiting.is_empty()
}

/// A record that the system named as equal to one that we wanted to make.
pub(crate) struct Named {
    pub(crate) fields: Fields,
    is_linked: bool,
}

/// Looks at the record that the system named. The inner error is why that could not be done now.
pub(crate) async fn named_by_system(
    desk: &Desk<'_>,
    claim: &Claim,
    candidate: &RecordId,
) -> Result<Result<Named, String>, Error> {
    let target = desk.side.other();
    let ids = std::slice::from_ref(candidate);
    if let Some(link) = desk.links_of(target, ids).await?.get(candidate) {
        // It is somebody else's already, and never a match: what was agreed on is enough for its words.
        return Ok(Ok(Named {
            fields: link.base(target).clone(),
            is_linked: true,
        }));
    }
    let mut found = desk.fetch(target, ids, &cause_of(claim)).await?;
    Ok(match found.remove(candidate) {
        Some(Fetched::Found(other)) => Ok(Named {
            fields: other.record.fields,
            is_linked: false,
        }),
        Some(Fetched::Gone(_)) | None => {
            Err("the record that the system named as equal is gone".to_owned())
        }
        Some(Fetched::Failed(_, error)) => Err(error.to_string()),
    })
}

/// The system named a record that it holds equal to one that we wanted to make.
pub(crate) async fn candidate_of_system(
    desk: &mut Desk<'_>,
    birth: Birth,
    candidate: RecordId,
    matching: &str,
    named: Named,
) -> Result<(), Error> {
    let Birth { claim, read, .. } = birth;
    let cause = cause_of(&claim);
    let target = desk.side.other();
    let own = person(
        desk.pairing,
        desk.side,
        Some(&claim.record),
        &read.record.fields,
    );
    let verdict = compare(
        &own,
        &person(desk.pairing, target, Some(&candidate), &named.fields),
        &desk.pairing.rules.matching,
    );
    let is_same = matches!(verdict, Verdict::Same { .. });
    let is_free = !named.is_linked && !desk.is_taken(target, &candidate);
    if is_same && is_free {
        let (left, right) = match desk.side {
            Side::Left => (claim.record.clone(), candidate),
            Side::Right => (candidate, claim.record.clone()),
        };
        let how = format!(
            "{}; the system named it",
            matching::explain(verdict.findings())
        );
        let link = resolve::new_link(desk.core, desk.pairing, left, right, &how);
        let row = resolve::linked_row(desk.pairing, &link, link.created, Some(cause));
        desk.commit.journal.push(row);
        desk.commit.links.push(link.clone());
        desk.count("linked", 1);
        return desk.pairs(vec![(claim, link)], &Overrides::new()).await;
    }
    let words = in_words(&verdict, !is_free);
    let question = resolve::Unclear {
        side: desk.side,
        record: &claim.record,
        candidates: &[(candidate, words)],
        sure: &BTreeSet::new(),
        rivals: &[],
        why: &format!("the system refuses a second record with the same {matching}"),
        all_free: is_free,
    };
    let review = question.review(desk.pairing, desk.core.clock.now());
    desk.review(review);
    desk.end(&claim.record, ClaimEnd::Settled);
    Ok(())
}

/// Who may be what a record became.
pub(crate) struct Heirs {
    /// Each with what speaks for it.
    pub(crate) records: Vec<(RecordId, String)>,
    /// How far it is believed that there are no others.
    pub(crate) proof: Proof,
}

/// Records of the side on which one vanished that carry its keys: where it was merged into or made
/// anew.
pub(crate) async fn heirs(
    desk: &Desk<'_>,
    gone: Side,
    link: &Link,
    cause: &Cause,
) -> Result<Heirs, Error> {
    let base = link.base(gone);
    let was = person(desk.pairing, gone, None, base);
    let mut keys = keys(desk.pairing, gone, None, base);
    // A namesake is no heir.
    keys.retain(|key| key.kind != matching::KeyKind::NameAlone.as_str());
    let mut ids: BTreeSet<RecordId> = by_index(desk, gone, &keys)
        .await?
        .into_values()
        .flatten()
        .collect();
    let wanted: Vec<IdentityKey> = keys.iter().filter_map(identity_key).collect();
    let mut proof = Proof::None;
    let mut found_now = BTreeSet::new();
    if !wanted.is_empty() {
        let found = witness::find(desk, gone, &wanted, Some(link.id), cause).await?;
        proof = found.proof;
        found_now.extend(found.reads.into_iter().map(|read| read.record.id));
        found_now.remove(link.record(gone));
        ids.extend(found_now.iter().cloned());
    }
    ids.remove(link.record(gone));
    let ids: Vec<RecordId> = ids.into_iter().collect();
    let mut heirs = BTreeMap::new();
    for fetched in desk.fetch(gone, &ids, cause).await?.into_values() {
        match fetched {
            Fetched::Found(read) => {
                let verdict = compare(
                    &was,
                    &person(
                        desk.pairing,
                        gone,
                        Some(&read.record.id),
                        &read.record.fields,
                    ),
                    &desk.pairing.rules.matching,
                );
                // Whoever carries its address or number now may be what it was merged into, whatever
                // the name says.
                let of_read = super::keys(
                    desk.pairing,
                    gone,
                    Some(&read.record.id),
                    &read.record.fields,
                );
                let inherits = keys
                    .iter()
                    .any(|key| identity_key(key).is_some() && of_read.contains(key));
                if inherits || matches!(verdict, Verdict::Same { .. }) {
                    heirs.insert(
                        read.record.id.clone(),
                        matching::explain(verdict.findings()),
                    );
                }
            }
            // It was there a moment ago.
            Fetched::Gone(id) if found_now.contains(&id) && proof == Proof::Shown => {
                proof = Proof::Missing;
            }
            Fetched::Gone(_) => {}
            Fetched::Failed(_, error) => return Err(error.into()),
        }
    }
    Ok(Heirs {
        records: heirs.into_iter().collect(),
        proof,
    })
}
