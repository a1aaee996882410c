//! Whether a side still shows us what we know to be there. Some systems answer a read without the right to it like one
//! that finds nothing, so that nothing follows from what is not found before they have shown something else, in the same
//! answer: a right that is lost for a moment may be back when the next question is asked.

use connector::{Fetched, PageRequest};
use record::{RecordId, Side};
use store::{Cause, Key, LinkId};

use crate::{Error, identify, reconcile::Desk};

/// How many other links are read to prove that a side still shows us its records.
const WITNESSES: usize = 5;

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

/// Linked records of a side where absence proves nothing, each with an e-mail address by which it is found: who is looked for
/// together with them is not there if they are.
pub(crate) async fn found_by_address(
    desk: &Desk<'_>,
    side: Side,
) -> Result<Vec<(RecordId, Key)>, Error> {
    let pairing = desk.pairing;
    if !pairing.end(side).description.absence_is_ambiguous {
        return Ok(Vec::new());
    }
    let core = desk.core;
    let links = core
        .store
        .links_after(&core.workspace, &pairing.sync, None, WITNESSES)
        .await?;
    let of_entity = links
        .into_iter()
        .filter(|link| link.entity == pairing.entity);
    Ok(of_entity
        .filter_map(|link| {
            let record = link.record(side).clone();
            let keys = identify::keys(pairing, side, Some(&record), link.base(side));
            let email = matching::KeyKind::Email.as_str();
            let key = keys.into_iter().find(|key| key.kind == email)?;
            Some((record, key))
        })
        .collect())
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
    let core = desk.core;
    let except = missing.map(|(link, _)| link);
    let others: Vec<RecordId> = core
        .store
        .links_after(&core.workspace, &desk.pairing.sync, None, WITNESSES + 1)
        .await?
        .into_iter()
        .filter(|other| Some(other.id) != except && other.entity == desk.pairing.entity)
        .take(WITNESSES)
        .map(|other| other.record(side).clone())
        .collect();
    if others.is_empty() {
        let calls = desk.calls(side, cause)?;
        let first = PageRequest {
            cursor: None,
            limit: 1,
        };
        let page = end.connector.list(&*calls, &end.wanted, first).await?;
        return Ok(if page.reads.is_empty() {
            Sight::Empty
        } else {
            Sight::Shows
        });
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
