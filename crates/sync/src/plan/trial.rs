//! Where a plan is tried out: an engine that never works, on a workspace of its own. What is listed there is
//! seen by nobody else and goes when the plan is made; what a process that died left there goes before
//! the next plan.

use std::{collections::BTreeMap, sync::Arc};

use mapping::SyncRules;
use store::{SyncName, Workspace};

use crate::{
    Error,
    engine::{Core, Engine, EngineParts},
    setup,
};

/// Rows that are dropped at once: others want to store something, too.
pub(super) const AT_ONCE: usize = 5_000;

/// Where a plan is tried out.
pub(crate) struct Trial {
    /// Its listings, and the rules that are tried. It has no links: those are read from the real one.
    pub(crate) core: Arc<Core>,
}

impl Trial {
    /// Begins one, with the rules in force unless others are given. Only one may be under way: see
    /// [`Core::planning`].
    pub(crate) async fn begin(
        core: &Arc<Core>,
        sync: &SyncName,
        rules: Option<SyncRules>,
    ) -> Result<Self, Error> {
        let others = rules.is_some();
        let rules = match rules {
            Some(rules) => rules,
            None => core.rules_of(sync)?,
        };
        let trial = Self {
            core: Engine::new(EngineParts {
                store: Arc::clone(&core.store),
                connections: Arc::clone(&core.connections),
                clock: Arc::clone(&core.clock),
                workspace: Workspace::new(format!("{}/plan", core.workspace)),
                syncs: BTreeMap::from([(sync.clone(), rules)]),
                options: core.options.clone(),
            })
            .into_core(),
        };
        trial.clear().await?;
        if others {
            setup::resolve_all(&trial.core).await;
            trial.core.ready(sync)?;
        } else {
            trial.core.set_pairings(core.ready(sync)?, Vec::new());
        }
        Ok(trial)
    }

    /// Ends it.
    pub(crate) async fn end(self) -> Result<(), Error> {
        self.clear().await
    }

    async fn clear(&self) -> Result<(), Error> {
        let (store, workspace) = (&self.core.store, &self.core.workspace);
        while !store.drop_listings(workspace, AT_ONCE).await? {}
        Ok(())
    }
}
