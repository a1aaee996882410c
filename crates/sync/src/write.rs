//! Writing changes to one side so that one refused field blocks only itself.
//!
//! A refused change is cut down: the fields that the vendor blames are left out and the rest is sent
//! again; if it blames none, the change is halved until the field that it refuses stands alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use connector::{Calls, Change, Refusal, UpdateOutcome};
use record::{FieldName, Read};

use crate::pair::End;

/// How writing one record ended.
#[derive(Debug)]
pub(crate) struct Written {
    /// Fields that the vendor took.
    pub(crate) taken: BTreeSet<FieldName>,
    /// Fields that it refused.
    pub(crate) refused: Vec<(FieldName, Refusal)>,
    /// The record after the last call, when that call's answer was the record.
    pub(crate) read: Option<Box<Read>>,
    /// What is left open.
    pub(crate) rest: Rest,
}

/// What is left open after writing one record.
#[derive(Debug)]
pub(crate) enum Rest {
    /// Nothing: each field was taken or refused.
    Nothing,
    /// The record is gone.
    Gone,
    /// Some call's outcome is not known.
    Unknown(String),
    /// Some call did not come to pass.
    Failed(String),
}

struct Item {
    change: Change,
    groups: VecDeque<BTreeSet<FieldName>>,
    written: Written,
}

/// Writes the changes; one result for each, in their order.
pub(crate) async fn write(end: &End, calls: &dyn Calls, changes: Vec<Change>) -> Vec<Written> {
    let mut items: Vec<Item> = changes
        .into_iter()
        .map(|change| Item {
            groups: VecDeque::from([fields_of(&change)]),
            change,
            written: Written {
                taken: BTreeSet::new(),
                refused: Vec::new(),
                read: None,
                rest: Rest::Nothing,
            },
        })
        .collect();
    loop {
        let open: Vec<usize> = (0..items.len())
            .filter(|index| !items[*index].groups.is_empty())
            .collect();
        if open.is_empty() {
            break;
        }
        let mut sent = Vec::with_capacity(open.len());
        for index in &open {
            let item = &mut items[*index];
            let group = item.groups.pop_front().expect("open items have a group");
            sent.push((only(&item.change, &group), group));
        }
        let changes: Vec<Change> = sent.iter().map(|(change, _)| change.clone()).collect();
        let outcomes = end.connector.update(calls, &end.wanted, &changes).await;
        let missing = sent.len().saturating_sub(outcomes.len());
        let outcomes = outcomes
            .into_iter()
            .chain((0..missing).map(|_| UpdateOutcome::Unknown {
                why: "the connector gave no outcome".to_owned(),
            }));
        for ((index, (_, group)), outcome) in open.into_iter().zip(sent).zip(outcomes) {
            items[index].take(group, outcome);
        }
    }
    items.into_iter().map(|item| item.written).collect()
}

impl Item {
    fn take(&mut self, group: BTreeSet<FieldName>, outcome: UpdateOutcome) {
        match outcome {
            UpdateOutcome::Done { read } => {
                self.written.taken.extend(group);
                self.written.read = read;
            }
            UpdateOutcome::Refused { refusal, done } => self.cut(group, refusal, &done),
            UpdateOutcome::Gone => self.stop(Rest::Gone),
            UpdateOutcome::Unknown { why } => self.stop(Rest::Unknown(why)),
            UpdateOutcome::Failed(error) => self.stop(Rest::Failed(error.to_string())),
        }
    }

    fn stop(&mut self, rest: Rest) {
        self.groups.clear();
        self.written.read = None;
        self.written.rest = rest;
    }

    fn cut(&mut self, mut group: BTreeSet<FieldName>, refusal: Refusal, done: &[FieldName]) {
        for field in done {
            if group.remove(field) {
                self.written.taken.insert(field.clone());
            }
        }
        // An earlier answer no longer shows the record.
        self.written.read = None;
        let blamed: Vec<FieldName> = refusal
            .fields
            .iter()
            .filter(|field| group.contains(*field))
            .cloned()
            .collect();
        if !blamed.is_empty() || group.len() == 1 {
            let refused = if blamed.is_empty() {
                group.iter().cloned().collect()
            } else {
                blamed
            };
            for field in refused {
                group.remove(&field);
                self.written.refused.push((field, refusal.clone()));
            }
            if !group.is_empty() {
                self.groups.push_front(group);
            }
        } else if !group.is_empty() {
            let second = group
                .iter()
                .nth(group.len() / 2)
                .cloned()
                .expect("more than one");
            let right = group.split_off(&second);
            self.groups.push_front(right);
            self.groups.push_front(group);
        }
    }
}

fn fields_of(change: &Change) -> BTreeSet<FieldName> {
    change
        .set
        .iter()
        .map(|(name, _)| name.clone())
        .chain(change.sets.keys().cloned())
        .collect()
}

fn only(change: &Change, group: &BTreeSet<FieldName>) -> Change {
    Change {
        current: change.current.clone(),
        set: change
            .set
            .iter()
            .filter(|(name, _)| group.contains(*name))
            .map(|(name, field)| (name.clone(), field.clone()))
            .collect(),
        sets: change
            .sets
            .iter()
            .filter(|(name, _)| group.contains(*name))
            .map(|(name, delta)| (name.clone(), delta.clone()))
            .collect::<BTreeMap<_, _>>(),
    }
}
