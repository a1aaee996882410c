//! What is stored of a record that was made: its link, what it was made without, and what is looked at again.

use std::collections::HashMap;

use connector::{Fetched, Refusal};
use jiff::Timestamp;
use record::{FieldName, Fields, Read, RecordId};
use store::{Blocked, Cause, IntentEnd, LinkId};

use super::{Labour, Made, created_row, newborn};
use crate::{
    Error,
    decide::hash_of,
    identify,
    pair::Pairing,
    reconcile::{ClaimEnd, Desk},
};

impl Desk<'_> {
    pub(super) async fn made(
        &mut self,
        known: &Pairing,
        made: Vec<(Labour, RecordId, Option<Box<Read>>)>,
        cause: &Cause,
    ) -> Result<(), Error> {
        let target = self.side.other();
        let missing: Vec<RecordId> = made
            .iter()
            .filter(|(_, _, read)| !read.as_ref().is_some_and(|read| read.decides()))
            .map(|(_, id, _)| id.clone())
            .collect();
        let mut found: HashMap<RecordId, Fetched> = if missing.is_empty() {
            HashMap::new()
        } else {
            match self.fetch(target, &missing, cause).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::warn!(sync = %self.pairing.sync, %error, "made records could not be read back");
                    HashMap::new()
                }
            }
        };
        for (labour, id, read) in made {
            let read = match read {
                Some(read) if read.decides() => Some(*read),
                _ => match found.remove(&id) {
                    Some(Fetched::Found(read)) => Some(*read),
                    _ => None,
                },
            };
            self.born(known, &labour, id, read.as_ref());
        }
        Ok(())
    }

    /// Links a record that was made with the one that it was made from.
    fn born(&mut self, known: &Pairing, labour: &Labour, id: RecordId, read: Option<&Read>) {
        let now = self.core.clock.now();
        // Such a field may be taken of a record that is there. Whether it is, the next look finds out.
        let is_learned = |refusal: &Refusal| refusal.code == Refusal::LEARNED;
        let (later, refused): (Vec<_>, Vec<_>) = labour
            .dropped
            .iter()
            .partition(|(_, refusal)| is_learned(refusal));
        let names = |dropped: &[&(FieldName, Refusal)]| -> Vec<FieldName> {
            dropped.iter().map(|(field, _)| field.clone()).collect()
        };
        let made = Made {
            draft: &labour.draft,
            refused: &names(&refused),
            later: &names(&later),
            id,
            read,
        };
        let born = newborn(known, &labour.intent, &labour.birth.read, made, now);
        let target = labour.intent.target;
        let cause = &labour.intent.cause;
        self.core
            .forget_unmade(&labour.intent.sync, &labour.intent.source);
        self.commit
            .intents
            .push((labour.intent.id, IntentEnd::Closed));
        self.commit.journal.push(created_row(
            self.pairing,
            &born.link,
            target,
            cause,
            self.run,
            now,
        ));
        self.count("refused", born.waiting.len());
        self.await_those(&born.waiting, &labour.birth.claim);
        self.commit.blocked.extend(born.waiting);
        let made = read.map(|read| &read.record.fields);
        for (field, refusal) in refused {
            self.block_dropped(known, labour, (born.link.id, made), (field, refusal), now);
        }
        self.commit
            .snapshots
            .push(self.linked_snapshot(self.side, &labour.birth.read));
        match read {
            Some(read) => self
                .commit
                .snapshots
                .push(self.linked_snapshot(target, read)),
            None => self.commit.snapshots.push(store::Snapshot {
                connection: self.pairing.end(target).connection.clone(),
                entity: self.pairing.entity,
                read: None,
                record: born.link.record(target).clone(),
                keys: identify::index_keys(
                    self.core,
                    self.pairing,
                    target,
                    born.link.record(target),
                    &labour.intent.draft,
                ),
                list_hash: None,
            }),
        }
        let record = born.link.record(target).clone();
        if born.look_again {
            let signal = store::Signal {
                connection: self.pairing.end(target).connection.clone(),
                entity: self.pairing.entity,
                record: record.clone(),
                lane: labour.birth.claim.lane,
                source: store::SignalSource::OwnWrite,
                not_older_than: None,
                due: now,
                cause: Some(Cause {
                    passed: [cause.passed.clone(), vec![self.pairing.sync.clone()]].concat(),
                    ..cause.clone()
                }),
            };
            self.commit.signals.push(signal);
        }
        self.signal_neighbours(target, &record, &labour.birth.claim, cause, born.look_again);
        self.births.push((born.link.id, labour.intent.id));
        self.commit.links.push(born.link);
        self.note_missed(&labour.birth.claim);
        self.count(&format!("created_{target}"), 1);
        self.note_seen(self.side, &labour.birth.claim.record);
        self.carried_out(&labour.birth.claim.record, labour.dropped.len());
        self.end(&labour.birth.claim.record, ClaimEnd::Settled);
    }

    /// Lists a field that a new record was made without, with the value that would be sent next.
    fn block_dropped(
        &mut self,
        known: &Pairing,
        labour: &Labour,
        (link, made): (LinkId, Option<&Fields>),
        (field, refusal): (&FieldName, &Refusal),
        now: Timestamp,
    ) {
        let target = labour.intent.target;
        let mapping = known
            .compiled
            .mappings()
            .iter()
            .find(|mapping| mapping.written(target).contains(field));
        if let Some(mapping) = mapping {
            let meaning = mapping.read(target.other(), &labour.intent.source_fields);
            let raw = mapping.put(target, &meaning, made.unwrap_or(&labour.draft));
            self.commit.blocked.push(Blocked {
                sync: self.pairing.sync.clone(),
                link,
                mapping: mapping.id().to_owned(),
                side: target,
                reason: refusal.to_string(),
                value_hash: hash_of(&raw),
                schema_hash: self.pairing.end(target).schema_hash,
                since: now,
                awaits: None,
            });
            self.count("refused", 1);
        }
    }
}
