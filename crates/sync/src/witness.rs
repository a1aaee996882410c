//! Whether a side still shows us what we know to be there. Some systems answer a read without the right to it like one
//! that finds nothing, so that nothing follows from what is not found before they have shown something else, in the same
//! answer: a right that is lost for a moment may be back when the next question is asked.

use connector::{Fetched, IdentityKey, KeyKind, PageRequest};
use record::{Read, RecordId, Side};
use store::{Cause, Link, LinkId};

use crate::{Error, identify, intents::identity_key, reconcile::Desk};

/// How many other records are read to prove that a side still shows us its records.
const WITNESSES: usize = 5;

/// Among so many links those are sought that can be found by a key.
const LOOKED_THROUGH: usize = 4 * WITNESSES;

/// What a side shows of what is known to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Records, so that what is not found is not there.
    Shows,
    /// None of several that are linked.
    Hides,
    /// Nothing, and nothing is known to be there.
    Empty,
}

/// Whether a side showed, in the answer about who is there, somebody of whom that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It was not asked, or nobody is known whom it would find.
    #[default]
    None,
    /// It did: who is not in that answer is not there.
    Shown,
    /// It did not: a right may have been lost just then.
    Missing,
}

/// Who was found.
pub(crate) struct Found {
    /// Those who carry one of the keys.
    pub(crate) reads: Vec<Read>,
    /// How far it is believed that nobody else does.
    pub(crate) proof: Proof,
}

/// Asks a side who carries these keys, and in the same request for some who are linked there (not by the link `except`):
/// whoever is looked for together with them is not there if they are.
pub(crate) async fn find(
    desk: &Desk<'_>,
    side: Side,
    wanted: &[IdentityKey],
    except: Option<LinkId>,
    cause: &Cause,
) -> Result<Found, Error> {
    let end = desk.pairing.end(side);
    let mut known: Vec<(RecordId, IdentityKey)> = Vec::new();
    if end.description.absence_is_ambiguous {
        let links = linked(desk, except, LOOKED_THROUGH).await?;
        let with_keys = links.iter().filter_map(|link| with_key(desk, side, link));
        known.extend(with_keys.take(WITNESSES));
    }
    // First, so that they stand in the same question as the others.
    let of_known = known.iter().map(|(_, key)| key);
    let asked: Vec<IdentityKey> = of_known.chain(wanted).cloned().collect();
    let calls = desk.calls(side, cause)?;
    let mut reads = end.connector.find(&*calls, &end.wanted, &asked).await?;
    let is_known = |read: &Read| known.iter().any(|(id, _)| *id == read.record.id);
    let proof = if known.is_empty() {
        Proof::None
    } else if reads.iter().any(is_known) {
        Proof::Shown
    } else {
        Proof::Missing
    };
    let is_meant = |read: &Read| {
        let record = &read.record;
        let keys = identify::keys(desk.pairing, side, Some(&record.id), &record.fields);
        let mut keys = keys.iter().filter_map(identity_key);
        keys.any(|key| wanted.contains(&key))
    };
    reads.retain(|read| !is_known(read) || is_meant(read));
    Ok(Found { reads, proof })
}

/// Links whose records should be there, of the entity itself: a right to read others says nothing of these.
async fn linked(
    desk: &Desk<'_>,
    except: Option<LinkId>,
    at_most: usize,
) -> Result<Vec<Link>, Error> {
    let core = desk.core;
    let mut links = core
        .store
        .some_links(
            &core.workspace,
            &desk.pairing.sync,
            desk.pairing.entity,
            at_most + usize::from(except.is_some()),
        )
        .await?;
    links.retain(|link| Some(link.id) != except);
    links.truncate(at_most);
    Ok(links)
}

/// The record of a link with a key by which one question finds it among others: its address, or the name of a company.
fn with_key(desk: &Desk<'_>, side: Side, link: &Link) -> Option<(RecordId, IdentityKey)> {
    let record = link.record(side);
    let keys = identify::keys(desk.pairing, side, Some(record), link.base(side));
    let keys: Vec<IdentityKey> = keys.iter().filter_map(identity_key).collect();
    let of = |kind| keys.iter().find(|key| key.kind == kind);
    let key = of(KeyKind::Email).or_else(|| of(KeyKind::Name))?;
    Some((record.clone(), key.clone()))
}

/// Looks at other records than that of one link, and in the same request once more at its own, `missing`, which was not
/// found: if that is there after all, or the others are not, it hides them.
pub(crate) async fn sight(
    desk: &Desk<'_>,
    side: Side,
    missing: Option<(LinkId, &RecordId)>,
    cause: &Cause,
) -> Result<Sight, Error> {
    let end = desk.pairing.end(side);
    if !end.description.absence_is_ambiguous {
        return Ok(Sight::Shows);
    }
    let links = linked(desk, missing.map(|(link, _)| link), WITNESSES).await?;
    let mut others: Vec<RecordId> = links.iter().map(|link| link.record(side).clone()).collect();
    if others.is_empty() {
        let calls = desk.calls(side, cause)?;
        let first = PageRequest {
            cursor: None,
            limit: WITNESSES + 1,
        };
        let page = end.connector.list(&*calls, &end.wanted, first).await?;
        if page.reads.is_empty() {
            return Ok(Sight::Empty);
        }
        let Some((_, missing)) = missing else {
            return Ok(Sight::Shows);
        };
        let listed = page.reads.into_iter().map(|read| read.record.id);
        others.extend(listed.filter(|id| id != missing).take(WITNESSES));
    }
    let mut asked = others.clone();
    asked.extend(missing.map(|(_, record)| record.clone()));
    let found = desk.fetch(side, &asked, cause).await?;
    let shown = |record: &RecordId| matches!(found.get(record), Some(Fetched::Found(_)));
    let is_missing =
        missing.is_none_or(|(_, record)| matches!(found.get(record), Some(Fetched::Gone(_))));
    Ok(if is_missing && others.iter().any(shown) {
        Sight::Shows
    } else {
        Sight::Hides
    })
}
