//! The judgement of all syncs of the demo, from the sandbox's own state.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use record::{Entity, Side};
use sandbox::{
    System,
    judge::{Question, Scope, Terms},
};
use store::{Store as _, SyncName};

use super::{
    stage::{SYNCS, Stage},
    verdict::{Excuses, Verdict, title, verdict},
};
use crate::wiring;

/// What was found in all systems.
pub(super) struct Findings {
    /// By sync, in their order.
    pub(super) syncs: Vec<(&'static str, Verdict)>,
    /// People that were made twice although the two records share an e-mail address or a number, by
    /// system.
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

/// What the two systems of a sync are to agree in, by the shipped rules.
fn terms(sync: &super::stage::Sync) -> Result<Terms> {
    let mut terms =
        Terms::shipped(sync.left, sync.right, false).context("nothing ships between the two")?;
    if let Some(tag) = sync.made_if_tagged {
        terms.left_needs = Scope::Tagged(vec![tag.to_owned()]);
    }
    Ok(terms)
}

impl Stage {
    /// Whether all systems agree, and what explains where they do not.
    pub(super) async fn judge(&self) -> Result<Findings> {
        let mut questions = Vec::new();
        let mut links = Vec::new();
        for sync in &SYNCS {
            let rows = self.links(sync.name).await?;
            questions.push(Question {
                terms: terms(sync)?,
                pairs: rows
                    .iter()
                    .filter(|link| link.entity == Entity::Contact)
                    .map(|link| (link.left.to_string(), link.right.to_string()))
                    .collect(),
            });
            links.push(rows);
        }
        let found = self
            .sandbox
            .control()
            .judge_syncs(&questions, self.truth.as_ref());
        let reviews = self
            .handle
            .engine()
            .reviews(&store::ReviewFilter::default())
            .await?;
        let workspace = wiring::workspace();
        let mut syncs = Vec::new();
        for ((sync, rows), agreement) in SYNCS.iter().zip(&links).zip(&found.syncs) {
            let name = SyncName::from(sync.name);
            let blocked = self.store.blocked(&workspace, &name, None).await?;
            let mut left_alone = BTreeSet::new();
            for (side, ids) in [
                (Side::Left, &agreement.without_counterpart.left),
                (Side::Right, &agreement.without_counterpart.right),
            ] {
                let ids: Vec<record::RecordId> = ids.iter().map(|id| id.as_str().into()).collect();
                let ended = self
                    .store
                    .tombstones_of(&workspace, &name, Entity::Contact, side, &ids)
                    .await?;
                left_alone.extend(ended.into_iter().map(|tombstone| tombstone.record));
            }
            let excuses = Excuses::new(rows, &reviews, &blocked, left_alone);
            syncs.push((sync.name, verdict(agreement, &excuses)));
        }
        let in_words = |twin: &sandbox::judge::Duplicate| {
            let (system, id, of) = (title(twin.system), &twin.id, &twin.of);
            (
                twin.system,
                format!("{system} {id} is the same person as {of}"),
            )
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
}
