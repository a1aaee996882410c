//! Fields that do not cross, sync by sync, the longest blocked first. Told from what is stored: no account is asked.

use mapping::SyncRules;
use record::Side;
use store::{BlockedField, BlockedFilter, BlockedSum, SyncName};

use crate::{
    BlockedAfter, BlockedRow, BlockedSumAfter, BlockedSumRow, Error, engine::Core, report::After,
};

/// So many are read at once.
const PAGE: usize = 1_000;

/// Each of each record.
pub(crate) async fn blocked(
    core: &Core,
    sync: Option<&SyncName>,
    of: &BlockedFilter,
    after: Option<&BlockedAfter>,
    limit: usize,
) -> Result<Vec<BlockedRow>, Error> {
    let mut listed = Vec::new();
    for (name, mut place) in from(core, sync, after) {
        let rules = core.rules_of(&name)?;
        while let Some(wanted) = wanted(limit, listed.len()) {
            let rows = core
                .store
                .blocked_after(&core.workspace, &name, of, place.as_ref(), wanted)
                .await?;
            let whole = rows.len() == wanted;
            place = rows.last().map(|row| row.blocked.place());
            listed.extend(rows.into_iter().map(|row| told(&name, &rules, row)));
            if !whole {
                break;
            }
        }
    }
    Ok(listed)
}

/// Shows each blocked field of a sync with the records of its link, in pages.
pub(crate) async fn each(
    core: &Core,
    sync: &SyncName,
    of: &BlockedFilter,
    mut shown: impl FnMut(BlockedField) + Send,
) -> Result<(), Error> {
    let mut place = None;
    loop {
        let rows = core
            .store
            .blocked_after(&core.workspace, sync, of, place.as_ref(), PAGE)
            .await?;
        let whole = rows.len() == PAGE;
        place = rows.last().map(|row| row.blocked.place());
        rows.into_iter().for_each(&mut shown);
        if !whole {
            return Ok(());
        }
    }
}

/// Each once for each reason.
pub(crate) async fn sums(
    core: &Core,
    sync: Option<&SyncName>,
    after: Option<&BlockedSumAfter>,
    limit: usize,
) -> Result<Vec<BlockedSumRow>, Error> {
    let mut listed = Vec::new();
    for (name, mut place) in from(core, sync, after) {
        let rules = core.rules_of(&name)?;
        while let Some(wanted) = wanted(limit, listed.len()) {
            let sums = core
                .store
                .blocked_sums(&core.workspace, &name, place.as_ref(), wanted)
                .await?;
            let whole = sums.len() == wanted;
            place = sums.last().map(BlockedSum::place);
            listed.extend(sums.into_iter().map(|sum| told_sum(&name, &rules, sum)));
            if !whole {
                break;
            }
        }
    }
    Ok(listed)
}

/// The syncs that a page is about, the first of them from a place on.
fn from<Place: Clone>(
    core: &Core,
    sync: Option<&SyncName>,
    after: Option<&After<Place>>,
) -> Vec<(SyncName, Option<Place>)> {
    let names: Vec<SyncName> = match sync {
        Some(sync) => vec![sync.clone()],
        None => {
            let rules = core.rules.read().expect("no panic while held");
            rules.keys().cloned().collect()
        }
    };
    names
        .into_iter()
        .filter(|name| after.is_none_or(|after| after.sync <= *name))
        .map(|name| {
            let place = after.filter(|after| after.sync == name);
            let place = place.map(|after| after.place.clone());
            (name, place)
        })
        .collect()
}

/// How many to read next, if any. `limit` 0: all of them.
fn wanted(limit: usize, so_far: usize) -> Option<usize> {
    match limit {
        0 => Some(PAGE),
        limit => Some(PAGE.min(limit - so_far)).filter(|wanted| *wanted > 0),
    }
}

fn connection(rules: &SyncRules, side: Side) -> String {
    match side {
        Side::Left => rules.left.clone(),
        Side::Right => rules.right.clone(),
    }
}

fn told(sync: &SyncName, rules: &SyncRules, row: BlockedField) -> BlockedRow {
    let BlockedField {
        blocked,
        entity,
        left,
        right,
    } = row;
    BlockedRow {
        cursor: After {
            sync: sync.clone(),
            place: blocked.place(),
        }
        .to_string(),
        sync: sync.to_string(),
        entity,
        mapping: blocked.mapping,
        connection: connection(rules, blocked.side),
        left,
        right,
        reason: blocked.reason,
        since: blocked.since,
        awaits: blocked.awaits.map(|awaited| awaited.record),
    }
}

fn told_sum(sync: &SyncName, rules: &SyncRules, sum: BlockedSum) -> BlockedSumRow {
    let cursor = After {
        sync: sync.clone(),
        place: sum.place(),
    };
    BlockedSumRow {
        cursor: cursor.to_string(),
        sync: sync.to_string(),
        entity: sum.entity,
        mapping: sum.mapping,
        side: sum.side,
        connection: connection(rules, sum.side),
        records: sum.records,
        reason: sum.reason,
        since: sum.since,
    }
}
