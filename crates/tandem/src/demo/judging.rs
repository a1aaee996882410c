//! The judgement of all syncs of the demo, from the sandbox's own state.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use record::{Entity, RecordId, Side};
use sandbox::{
    System,
    judge::{Agreement, Field, Question, Scope, Terms},
};
use store::{Store as _, SyncName};

use super::{
    stage::{SYNCS, Stage},
    verdict::{Belongings, Excuses, Verdict, of_belongings, title, verdict},
};
use crate::wiring;

#[cfg(test)]
mod tests;

/// What was found in all systems.
pub(super) struct Findings {
    /// By sync, in their order.
    pub(super) syncs: Vec<(&'static str, Verdict)>,
    /// People that were made twice although the two records share an e-mail address or a number, and
    /// companies although they share a name, by system.
    pub(super) duplicates: Vec<(System, String)>,
    /// People who are there twice because the records of two systems had nothing in common to find
    /// them by.
    pub(super) not_to_be_found: Vec<String>,
    /// Writes of ours that changed nothing, by system.
    pub(super) echo_writes: BTreeMap<System, usize>,
}

impl Findings {
    /// Whether both sides of each sync agree, or something says why not.
    pub(super) fn agree(&self) -> bool {
        self.duplicates.is_empty()
            && self
                .syncs
                .iter()
                .all(|(_, verdict)| verdict.unexplained.is_empty())
    }
}

/// What the two systems of a sync are to agree in, by the shipped rules, each kind of record apart.
fn terms(sync: &super::stage::Sync) -> Result<Vec<(Entity, Terms)>> {
    let mut people =
        Terms::shipped(sync.left, sync.right, false).context("nothing ships between the two")?;
    people.fields.insert(Field::Newsletter);
    if let Some(tag) = sync.made_if_tagged {
        people.left_needs = Scope::Tagged(vec![tag.to_owned()]);
    }
    if !sync.companies {
        return Ok(vec![(Entity::Contact, people)]);
    }
    Ok(vec![
        (Entity::Contact, people.with_company_links()),
        (Entity::Company, Terms::highlevel_officernd_companies()),
    ])
}

impl Stage {
    /// Whether all systems agree, and what explains where they do not.
    pub(super) async fn judge(&self) -> Result<Findings> {
        let mut questions = Vec::new();
        let mut of = Vec::new();
        let mut links = Vec::new();
        for (number, sync) in SYNCS.iter().enumerate() {
            let rows = self.links(sync.name).await?;
            for (entity, terms) in terms(sync)? {
                questions.push(Question {
                    terms,
                    pairs: rows
                        .iter()
                        .filter(|link| link.entity == entity)
                        .map(|link| (link.left.to_string(), link.right.to_string()))
                        .collect(),
                });
                of.push((number, entity));
            }
            links.push(rows);
        }
        let belongings = self.judge_belongings(&links);
        let found = self
            .sandbox
            .control()
            .judge_syncs(&questions, self.truth.as_ref());
        let reviews = self
            .handle
            .engine()
            .reviews(&store::ReviewFilter::default())
            .await?;
        let mut syncs: Vec<(&'static str, Verdict)> = SYNCS
            .iter()
            .map(|sync| (sync.name, Verdict::default()))
            .collect();
        for ((number, entity), agreement) in of.into_iter().zip(&found.syncs) {
            let name = SyncName::from(SYNCS[number].name);
            let blocked = self
                .store
                .blocked(&wiring::workspace(), &name, None)
                .await?;
            let left_alone = self.left_alone(&name, entity, agreement).await?;
            let excuses = Excuses::new(&links[number], &reviews, &blocked, left_alone);
            syncs[number].1.add(entity, verdict(agreement, &excuses));
        }
        for (number, entity, judged) in belongings {
            let excuses = Excuses::new(&links[number], &reviews, &[], BTreeSet::new());
            syncs[number].1.add(entity, of_belongings(judged, &excuses));
        }
        let in_words = |twin: &sandbox::judge::Duplicate| {
            let (system, id, of) = (title(twin.system), &twin.id, &twin.of);
            (twin.system, format!("{system} {id} is the same as {of}"))
        };
        let (findable, not_findable): (Vec<_>, Vec<_>) =
            found.duplicates.iter().partition(|twin| twin.findable);
        Ok(Findings {
            syncs,
            duplicates: findable.into_iter().map(in_words).collect(),
            not_to_be_found: not_findable
                .into_iter()
                .map(|twin| in_words(twin).1)
                .collect(),
            echo_writes: found.echo_writes,
        })
    }

    /// What is wrong with what belongs to people, by sync and entity.
    fn judge_belongings(&self, links: &[Vec<sync::LinkRow>]) -> Vec<(usize, Entity, Belongings)> {
        // of a record that is known with the one it belongs to, its own id
        let own = |id: &RecordId| {
            id.as_str()
                .rsplit(':')
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        let control = self.sandbox.control();
        let mut judged = Vec::new();
        for (number, sync) in SYNCS.iter().enumerate() {
            let of = |entity: Entity| -> Vec<(String, String)> {
                let rows = links[number].iter().filter(|link| link.entity == entity);
                rows.map(|link| (own(&link.left), own(&link.right)))
                    .collect()
            };
            for (entity, what) in sync.belongings {
                let pairs = of(*entity);
                let wrong = control.judge_belongings(*what, &of(Entity::Contact), &pairs);
                let pairs = pairs.len();
                judged.push((number, *entity, Belongings { pairs, wrong }));
            }
        }
        judged
    }

    /// Records without a counterpart that shall have none.
    async fn left_alone(
        &self,
        sync: &SyncName,
        entity: Entity,
        agreement: &Agreement,
    ) -> Result<BTreeSet<RecordId>> {
        let workspace = wiring::workspace();
        let mut left_alone = BTreeSet::new();
        for (side, ids) in [
            (Side::Left, &agreement.without_counterpart.left),
            (Side::Right, &agreement.without_counterpart.right),
        ] {
            let ids: Vec<RecordId> = ids.iter().map(|id| id.as_str().into()).collect();
            let ended = self
                .store
                .tombstones_of(&workspace, sync, entity, side, &ids)
                .await?;
            left_alone.extend(ended.into_iter().map(|tombstone| tombstone.record));
        }
        Ok(left_alone)
    }
}
