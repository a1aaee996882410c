//! A record that is no longer there. Gone is proven before anything follows from it, a record whose
//! keys live on elsewhere is a question, and a delete never wins over an edit.

use connector::{Deletes, Fetched, RemoveOutcome};
use mapping::DeleteRule;
use record::{Entity, Field, Read, RecordId, Side};
use store::{
    Cause, Claim, Commit, Effect, JournalFilter, Link, LinkState, NewJournalEntry, Signal,
    SignalSource, SyncName, Tombstone,
};

use crate::{
    Error, breaker,
    engine::Core,
    identify::{self, Heirs, UNSEEN_TRIES},
    pair::index,
    reconcile::{ClaimEnd, Desk, cause_of},
    resolve,
    settle::last_known,
    witness::{self, Proof, Sight},
};

/// Works off a link of which at least one record was not found.
pub(crate) async fn vanished(
    desk: &mut Desk<'_>,
    claim: Claim,
    link: Link,
    sides: [Option<Fetched>; 2],
) -> Result<(), Error> {
    let cause = cause_of(&claim);
    let gone: Vec<Side> = Side::BOTH
        .into_iter()
        .filter(|side| matches!(sides[index(*side)], Some(Fetched::Gone(_))))
        .collect();
    for side in &gone {
        let missing = (link.id, link.record(*side));
        if witness::sight(desk, *side, Some(missing), &cause).await? != Sight::Shows {
            desk.end(
                &claim.record,
                ClaimEnd::Again {
                    after: None,
                    error: Some(format!(
                        "{} {} is not shown any more, and no other record is either: deleted, or a right was lost",
                        desk.pairing.end(*side).connection,
                        link.record(*side)
                    )),
                },
            );
            return Ok(());
        }
    }
    desk.end(&claim.record, ClaimEnd::Settled);
    desk.note_missed(&claim);
    match (gone.as_slice(), sides) {
        ([side], [Some(Fetched::Found(read)), _] | [_, Some(Fetched::Found(read))]) => {
            one_gone(desk, &claim, link, *side, &read, &cause).await
        }
        _ => {
            both_gone(desk, link, &cause);
            Ok(())
        }
    }
}

fn both_gone(desk: &mut Desk<'_>, link: Link, cause: &Cause) {
    // a list that lags may show either of them for a while: nobody is made anew for it
    bury(desk, &link, "both records are gone");
    for side in Side::BOTH {
        desk.forget_linked(&link, side, cause);
        desk.keep_last_known(&link, side, None, cause);
        let row = desk.unlinked_row(&link, side, cause, "both records are gone");
        desk.commit.journal.push(row);
    }
    desk.count("unlinked", 1);
    desk.commit.ended.push(link.id);
}

async fn one_gone(
    desk: &mut Desk<'_>,
    claim: &Claim,
    link: Link,
    gone: Side,
    survivor: &Read,
    cause: &Cause,
) -> Result<(), Error> {
    if desk.was_being_unmade(&link, gone).await? {
        end_link(desk, link, gone, survivor, cause, "its making was undone");
        return Ok(());
    }
    let now = desk.core.clock.now();
    let Heirs {
        records: heirs,
        proof,
    } = identify::heirs(desk, gone, &link, cause).await?;
    if heirs.is_empty() && proof == Proof::Missing && claim.attempts < UNSEEN_TRIES {
        desk.end(
            &claim.record,
            ClaimEnd::Again {
                after: None,
                error: Some(format!(
                    "{} {} is gone, and who may be it now is not shown: no other record is either, as if a right was lost",
                    desk.pairing.end(gone).connection,
                    link.record(gone)
                )),
            },
        );
        return Ok(());
    }
    if !heirs.is_empty() {
        let review = resolve::rebind_review(desk.pairing, &link, gone, &heirs, now);
        desk.review(review);
        desk.forget_linked(&link, gone, cause);
        desk.keep_last_known(&link, gone, None, cause);
        desk.keep_last_known(&link, gone.other(), Some(survivor), cause);
        desk.commit.links.push(Link {
            state: LinkState::Parked,
            ..link
        });
        return Ok(());
    }
    if desk.core.is_rematching(&desk.pairing.sync) {
        desk.end(&claim.record, desk.put_off());
        return Ok(());
    }
    let number = usize::from(!desk.is_let_go_on(claim));
    if !desk.may_change(breaker::Kind::Delete, number).await? {
        desk.end(
            &claim.record,
            ClaimEnd::Again {
                after: None,
                error: Some(breaker::Kind::Delete.stopped()),
            },
        );
        return Ok(());
    }
    desk.count(&format!("gone_{gone}"), 1);
    let rule = match gone {
        Side::Left => desk.pairing.rules.deletes.left,
        Side::Right => desk.pairing.rules.deletes.right,
    };
    match rule {
        DeleteRule::UnlinkAndAsk => {
            let review = resolve::deleted_review(
                desk.pairing,
                &link,
                gone,
                "the rule of this sync is to ask",
                now,
            );
            desk.review(review);
            end_link(
                desk,
                link,
                gone,
                survivor,
                cause,
                "its counterpart was deleted",
            );
            Ok(())
        }
        DeleteRule::Unlink => {
            end_link(
                desk,
                link,
                gone,
                survivor,
                cause,
                "its counterpart was deleted",
            );
            Ok(())
        }
        DeleteRule::Ignore => {
            if link.state == LinkState::Suspended {
                // Others were told when it was found to be gone first.
                desk.forget(gone, link.record(gone));
            } else {
                desk.forget_linked(&link, gone, cause);
            }
            desk.commit.links.push(Link {
                state: LinkState::Suspended,
                ..link
            });
            Ok(())
        }
        DeleteRule::Propagate | DeleteRule::Archive => {
            carry(desk, claim, link, gone, survivor, rule, cause).await
        }
    }
}

/// Carries a delete to the other side, if nobody edited the record there.
async fn carry(
    desk: &mut Desk<'_>,
    claim: &Claim,
    link: Link,
    gone: Side,
    survivor: &Read,
    rule: DeleteRule,
    cause: &Cause,
) -> Result<(), Error> {
    let now = desk.core.clock.now();
    let other = gone.other();
    let ids = [link.record(other).clone()];
    if is_archived(desk, other, &ids, cause).await? {
        // By an earlier try that had no answer, or by a person: both sides are removed.
        let why = "deleted with its counterpart, which is archived already";
        end_link(desk, link, gone, survivor, cause, why);
        return Ok(());
    }
    let deletes = desk.pairing.end(other).description.deletes;
    let why_not = if !desk.pairing.may_write(other) {
        Some("this sync does not write to this side".to_owned())
    } else if deletes == Deletes::Never {
        Some("the system cannot remove records".to_owned())
    } else if rule == DeleteRule::Archive && deletes == Deletes::Delete {
        Some("the rule is to archive, and the system can only delete for good".to_owned())
    } else if is_edited(desk, &link, other, survivor) {
        Some("the remaining record was edited since the two last agreed".to_owned())
    } else {
        desk.went_with_another(&link, gone).await?
    };
    if let Some(why) = why_not {
        let review = resolve::deleted_review(desk.pairing, &link, gone, &why, now);
        desk.review(review);
        end_link(
            desk,
            link,
            gone,
            survivor,
            cause,
            "its counterpart was deleted",
        );
        return Ok(());
    }
    let held = what_it_holds(
        desk,
        &link,
        other,
        survivor,
        format!("deletes.{gone}"),
        cause,
    );
    desk.core.keep_before_removal(&held).await?;
    let calls = desk.calls_after(other, cause, survivor.as_of)?;
    let end = desk.pairing.end(other);
    let outcome = end
        .connector
        .remove(&*calls, desk.pairing.entity, &ids)
        .await
        .into_iter()
        .next();
    match outcome {
        Some(RemoveOutcome::Done) => {
            desk.commit.journal.extend(held);
            if deletes == Deletes::Delete {
                desk.forget_linked(&link, other, cause);
            }
            desk.count(&format!("removed_{other}"), 1);
            let why = "deleted with its counterpart";
            end_link(desk, link, gone, survivor, cause, why);
        }
        Some(RemoveOutcome::Gone) => both_gone(desk, link, cause),
        Some(RemoveOutcome::Refused(refusal)) => {
            let review =
                resolve::deleted_review(desk.pairing, &link, gone, &refusal.to_string(), now);
            desk.review(review);
            end_link(
                desk,
                link,
                gone,
                survivor,
                cause,
                "its counterpart was deleted",
            );
        }
        Some(RemoveOutcome::Failed(error)) => again(desk, claim, error.to_string()),
        Some(RemoveOutcome::Unknown { why }) => again(desk, claim, why),
        None => again(desk, claim, "the connector gave no outcome".to_owned()),
    }
    Ok(())
}

/// The journal rows of a record that is about to be removed, one for each value that it holds.
pub(crate) fn what_it_holds(
    desk: &Desk<'_>,
    link: &Link,
    side: Side,
    read: &Read,
    rule: String,
    cause: &Cause,
) -> Vec<NewJournalEntry> {
    read.record
        .fields
        .iter()
        .filter(|(_, field)| field.value().is_some())
        .map(|(name, field)| NewJournalEntry {
            at: desk.core.clock.now(),
            effect: Effect::Removed,
            connection: desk.pairing.end(side).connection.clone(),
            entity: desk.pairing.entity,
            record: link.record(side).clone(),
            field: Some(name.clone()),
            before: field.clone(),
            after: Field::Unknown,
            sync: Some(desk.pairing.sync.clone()),
            link: Some(link.id),
            rule: rule.clone(),
            cause: cause.clone(),
            run: desk.run,
            note: None,
        })
        .collect()
}

/// Whether a record is in the archive already, where that is what removing means.
pub(crate) async fn is_archived(
    desk: &Desk<'_>,
    side: Side,
    ids: &[RecordId; 1],
    cause: &Cause,
) -> Result<bool, Error> {
    let end = desk.pairing.end(side);
    let calls = desk.calls(side, cause)?;
    let archived = end
        .connector
        .archived(&*calls, desk.pairing.entity, ids)
        .await?;
    Ok(archived == *ids)
}

fn again(desk: &mut Desk<'_>, claim: &Claim, error: String) {
    desk.end(
        &claim.record,
        ClaimEnd::Again {
            after: None,
            error: Some(error),
        },
    );
}

/// Whether anybody edited the record since the two sides last agreed, mapped fields or not.
pub(crate) fn is_edited(desk: &Desk<'_>, link: &Link, side: Side, read: &Read) -> bool {
    let mapped = desk.pairing.compiled.mappings().iter().any(|mapping| {
        mapping.read(side, &read.record.fields) != mapping.read(side, link.base(side))
    });
    let stamp = match side {
        Side::Left => link.stamp_left.or(link.wrote_left),
        Side::Right => link.stamp_right.or(link.wrote_right),
    };
    let otherwise = match (read.modified, stamp) {
        (Some(modified), Some(stamp)) => modified > stamp,
        // Without stamps only mapped fields can show an edit.
        (Some(modified), None) => {
            modified
                > match side {
                    Side::Left => link.seen_left,
                    Side::Right => link.seen_right,
                }
        }
        (None, _) => false,
    };
    mapped || otherwise
}

/// Ends a link; the survivor is left alone from now on.
pub(crate) fn end_link(
    desk: &mut Desk<'_>,
    link: Link,
    gone: Side,
    survivor: &Read,
    cause: &Cause,
    why: &str,
) {
    desk.forget_linked(&link, gone, cause);
    desk.keep_last_known(&link, gone, None, cause);
    desk.keep_last_known(&link, gone.other(), Some(survivor), cause);
    bury(desk, &link, why);
    let row = desk.unlinked_row(&link, gone, cause, why);
    desk.commit.journal.push(row);
    desk.count("unlinked", 1);
    desk.commit.ended.push(link.id);
}

/// Nothing brings the records of an ending link back.
fn bury(desk: &mut Desk<'_>, link: &Link, why: &str) {
    let at = desk.core.clock.now();
    for side in Side::BOTH {
        desk.commit.tombstones.push(Tombstone {
            sync: desk.pairing.sync.clone(),
            entity: desk.pairing.entity,
            side,
            record: link.record(side).clone(),
            why: why.to_owned(),
            at,
        });
    }
}

impl Core {
    /// Stores what a record holds that is about to be removed, for afterwards it is nowhere. `rows` say
    /// so after the removal; that it has happened is not known yet.
    pub(crate) async fn keep_before_removal(&self, rows: &[NewJournalEntry]) -> Result<(), Error> {
        let journal = rows
            .iter()
            .map(|row| NewJournalEntry {
                effect: Effect::Observed,
                note: Some(ABOUT_TO_GO.to_owned()),
                ..row.clone()
            })
            .collect();
        self.commit(Commit {
            journal,
            ..Commit::default()
        })
        .await
    }
}

/// The note of what a record held that was about to be removed.
const ABOUT_TO_GO: &str = "about to be removed";

/// How many rows of a record's journal are looked through, newest first.
const ROWS: usize = 1_000;

/// The rule of what an undo removes.
pub(crate) const UNMADE: &str = "undone by a person";

impl Desk<'_> {
    /// Stores how the removal of a record stands whose making is undone.
    pub(crate) async fn tell_of_unmaking(
        &self,
        link: &Link,
        side: Side,
        effect: Effect,
        note: &str,
        cause: &Cause,
    ) -> Result<(), Error> {
        let row = NewJournalEntry {
            effect,
            rule: UNMADE.to_owned(),
            ..self.unlinked_row(link, side, cause, note)
        };
        self.core
            .commit(Commit {
                journal: vec![row],
                ..Commit::default()
            })
            .await
    }

    /// Whether an undo was about to remove this record and nothing tells that it did not: the process
    /// ended, or the system did not answer. What is gone so is not carried to the record that it came from.
    async fn was_being_unmade(&self, link: &Link, gone: Side) -> Result<bool, Error> {
        let filter = JournalFilter {
            connection: Some(self.pairing.end(gone).connection.clone()),
            record: Some(link.record(gone).clone()),
            link: Some(link.id),
            ..JournalFilter::default()
        };
        let rows = self
            .core
            .store
            .journal(&self.core.workspace, &filter)
            .await?;
        let last = rows
            .iter()
            .find(|row| row.entry.rule == UNMADE && row.entry.field.is_none());
        Ok(last.is_some_and(|row| row.entry.effect == Effect::Observed))
    }

    /// Why a record that is gone takes nobody along, if another sync removed it, or the record that it belonged to: a
    /// delete goes no further by itself.
    async fn went_with_another(&self, link: &Link, gone: Side) -> Result<Option<String>, Error> {
        let own = link.record(gone);
        if let Some(sync) = self
            .removed_by_another(link, gone, link.entity, own)
            .await?
        {
            return Ok(Some(format!(
                "sync `{sync}` removed it, and a delete goes no further by itself"
            )));
        }
        let Some((mapping, entity)) = self.pairing.compiled.parent() else {
            return Ok(None);
        };
        for name in mapping.fields(gone) {
            if let Some(id) = link.base(gone).get(name.as_str()).text()
                && let parent = RecordId::from(id.trim())
                && let Some(sync) = self.removed_by_another(link, gone, entity, &parent).await?
            {
                return Ok(Some(format!(
                    "sync `{sync}` removed the {entity} that it belonged to, and a delete goes no further by itself"
                )));
            }
        }
        Ok(None)
    }

    /// The other sync that removed a record of this side since the two were linked. What it was about to remove counts
    /// too: this is stored before the removal, and that it is over only after it.
    async fn removed_by_another(
        &self,
        link: &Link,
        side: Side,
        entity: Entity,
        record: &RecordId,
    ) -> Result<Option<SyncName>, Error> {
        let filter = JournalFilter {
            connection: Some(self.pairing.end(side).connection.clone()),
            entity: Some(entity),
            record: Some(record.clone()),
            limit: ROWS,
            ..JournalFilter::default()
        };
        let (store, workspace) = (&self.core.store, &self.core.workspace);
        let rows = store.journal(workspace, &filter).await?;
        Ok(rows.into_iter().map(|row| row.entry).find_map(|entry| {
            let removed = match entry.effect {
                Effect::Removed => true,
                Effect::Observed => entry.note.as_deref() == Some(ABOUT_TO_GO),
                _ => false,
            };
            entry
                .sync
                .filter(|sync| removed && entry.at >= link.created && *sync != link.sync)
        }))
    }

    /// A record that is proven gone needs no snapshot and no keys.
    pub(crate) fn forget(&mut self, side: Side, record: &RecordId) {
        self.commit.gone.push((
            self.pairing.end(side).connection.clone(),
            self.pairing.entity,
            record.clone(),
        ));
    }

    /// The same for a record whose link ends here. No listing misses it after that, so the other syncs of its connection
    /// are told to look, too: nothing else may say it to them.
    pub(crate) fn forget_linked(&mut self, link: &Link, side: Side, cause: &Cause) {
        let (connection, entity) = (&self.pairing.end(side).connection, self.pairing.entity);
        let record = link.record(side);
        if self.core.is_hub(connection, entity) {
            self.commit.signals.push(Signal {
                connection: connection.clone(),
                entity,
                record: record.clone(),
                lane: self.lane,
                source: SignalSource::Link,
                not_older_than: None,
                due: self.core.clock.now(),
                cause: Some(cause.clone()),
            });
        }
        self.forget(side, record);
    }

    /// Keeps what only the base of an ending link still knows of one of its records.
    fn keep_last_known(&mut self, link: &Link, side: Side, read: Option<&Read>, cause: &Cause) {
        let now = self.core.clock.now();
        let rows = last_known(self.pairing, link, side, read, now, cause, self.run);
        self.commit.journal.extend(rows);
    }

    pub(crate) fn unlinked_row(
        &self,
        link: &Link,
        side: Side,
        cause: &Cause,
        why: &str,
    ) -> NewJournalEntry {
        NewJournalEntry {
            at: self.core.clock.now(),
            effect: Effect::Unlinked,
            connection: self.pairing.end(side).connection.clone(),
            entity: self.pairing.entity,
            record: link.record(side).clone(),
            field: None,
            before: Field::Unknown,
            after: Field::Unknown,
            sync: Some(self.pairing.sync.clone()),
            link: Some(link.id),
            rule: format!("deletes.{side}"),
            cause: cause.clone(),
            run: self.run,
            note: Some(why.to_owned()),
        }
    }
}
