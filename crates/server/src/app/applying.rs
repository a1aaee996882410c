//! Putting a config into force: checked whole, durable first, then the accounts, then the engine.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use connections::{ConfigError, Configs, Connections, Restart};
use connector::{Connector, Description};
use http::StatusCode;
use store::{AppliedConfig, ConnectionName, SyncName};

use super::{App, InForce, write_lock};
use crate::{
    Code,
    calls::CallWriter,
    config::{self, Document, Problem, Problems},
    error::{ApiError, ApiResult},
    token::Tokens,
};

impl App {
    /// Reads and checks a config as far as that goes without asking any system.
    pub(crate) fn read(&self, text: &str) -> Result<Document, Problems> {
        self.read_with_known(text).or_else(|problems| {
            // a system may have been imported since
            match self.learn_systems() {
                true => self.read_with_known(text),
                false => Err(problems),
            }
        })
    }

    fn read_with_known(&self, text: &str) -> Result<Document, Problems> {
        let connectors = self.connectors.read();
        read(&connectors.unwrap_or_else(PoisonError::into_inner), text)
    }

    /// Takes systems that were imported since it was looked last; whether there are any.
    fn learn_systems(&self) -> bool {
        let Some(further) = &self.further else {
            return false;
        };
        let mut learnt = false;
        match further() {
            Ok(systems) => {
                self.connections.learn(&systems);
                let connectors = self.connectors.write();
                let mut connectors = connectors.unwrap_or_else(PoisonError::into_inner);
                for system in systems {
                    let name = system.describe().system;
                    if !connectors.iter().any(|own| own.describe().system == name) {
                        tracing::info!(system = name, "a system was imported");
                        connectors.push(system);
                        learnt = true;
                    }
                }
            }
            Err(why) => tracing::error!(why, "imported systems cannot be read; those before stay"),
        }
        learnt
    }

    /// Checks the syncs of a config against the accounts that are signed in, as they are now and with the settings that
    /// the config gives them. Says which syncs could not be checked and why.
    pub(crate) async fn check_live(
        &self,
        text: &str,
        document: &Document,
    ) -> ApiResult<Vec<(String, String)>> {
        let accounts = self.accounts_ahead(text, document).await?;
        let mut unchecked = Vec::new();
        let mut found: Vec<(Code, String, String, Option<String>)> = Vec::new();
        for (name, rules) in &document.syncs {
            let signed_out = [&rules.left, &rules.right]
                .into_iter()
                .find_map(|connection| {
                    let why = accounts.signed_out(&ConnectionName::from(connection.as_str()));
                    Some((connection, why.ok()??))
                });
            if let Some((connection, why)) = signed_out {
                unchecked.push((
                    name.clone(),
                    format!("connection `{connection}` is not signed in: {why}"),
                ));
                continue;
            }
            match self
                .engine
                .check_rules(&accounts, &SyncName::from(name.as_str()), rules)
                .await
            {
                Ok(problems) => found.extend(problems.into_iter().map(|problem| {
                    (
                        Code::ConfigSchema,
                        format!("syncs.{name}.{}", problem.path),
                        problem.message,
                        problem.hint,
                    )
                })),
                Err(error) => unchecked.push((name.clone(), error.to_string())),
            }
        }
        if found.is_empty() {
            return Ok(unchecked);
        }
        Err(config::locate(text, found).into())
    }

    /// The connections that the syncs of a config name, as they would be with it in force.
    async fn accounts_ahead(&self, text: &str, document: &Document) -> ApiResult<Connections> {
        let mut configs = configs(document);
        configs.retain(|name, _| {
            let mut syncs = document.syncs.values();
            syncs.any(|rules| [&rules.left, &rules.right].contains(&&name.to_string()))
        });
        let restarts = restarts(&self.calls, &configs).await?;
        self.connections
            .ahead(configs, |name| {
                restarts.get(name).cloned().unwrap_or_default()
            })
            .await
            .map_err(|errors| not_opened(text, &errors))
    }

    /// The rules of one sync out of a config that is not in force, checked against the accounts. Only rules can
    /// be looked at ahead: the accounts have to be those in force.
    pub(crate) async fn rules_ahead(
        &self,
        text: &str,
        sync: &str,
    ) -> ApiResult<mapping::SyncRules> {
        let mut document = self.read(text)?;
        document.syncs.retain(|name, _| name == sync);
        let Some(rules) = document.syncs.get(sync).cloned() else {
            return Err(ApiError::not_found(
                Code::SyncUnknown,
                format!("the config has no sync `{sync}`"),
            ));
        };
        let in_force = self.in_force()?;
        for connection in [&rules.left, &rules.right] {
            let of = |document: &Document| document.connections.get(connection).cloned();
            if of(&in_force.document) != of(&document) {
                return Err(ApiError::new(
                    StatusCode::CONFLICT,
                    Code::PlanUnfit,
                    format!("connection `{connection}` is another one in this config than in force"),
                )
                .hint("only rules can be planned ahead: put the connection into force first, with the old rules"));
            }
        }
        match self.check_live(text, &document).await?.pop() {
            None => Ok(rules),
            Some((_, why)) => Err(ApiError::new(StatusCode::CONFLICT, Code::PlanUnfit, why)),
        }
    }

    /// The config is read from this file at each start.
    pub(crate) fn note_file(&self, file: Option<String>) {
        if let Some(file) = file {
            let mut known = self
                .config_file
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *known = Some(file);
        }
    }

    /// The file that the config is read from at each start, if it is.
    pub(crate) fn config_file(&self) -> Option<String> {
        let known = self
            .config_file
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// Puts a checked config into force: durable first, then the accounts, then the engine.
    pub(crate) async fn apply(&self, text: &str, document: Document) -> ApiResult<Arc<InForce>> {
        let _one_at_a_time = self.applying.lock().await;
        let configs = configs(&document);
        let restarts = restarts(&self.calls, &configs).await?;
        self.connections
            .apply(configs, |name| {
                restarts.get(name).cloned().unwrap_or_default()
            })
            .await
            .map_err(|errors| not_opened(text, &errors))?;
        let applied = match self.keep(text).await {
            Ok(applied) => applied,
            Err(error) => {
                self.back_to_before().await;
                return Err(error.into());
            }
        };
        let in_force = Arc::new(in_force(document, &applied));
        *write_lock(&self.tokens) = Tokens::new(&self.own_token, Some(&in_force.document.api));
        *write_lock(&self.in_force) = Some(Arc::clone(&in_force));
        *write_lock(&self.broken) = None;
        self.calls.keep_days(in_force.document.retention.calls_days);
        *write_lock(&self.outside) = for_workflows(&in_force.document);
        self.flows.look_anew();
        self.engine
            .can_be_told(in_force.document.public_url.is_some());
        for (sync, why) in self.engine.apply(syncs(&in_force.document)).await {
            tracing::info!(%sync, why, "the sync cannot run yet");
        }
        tracing::info!(revision = in_force.revision, "a config was put into force");
        Ok(in_force)
    }

    /// Stores a config as a new revision; the one in force, word by word, stays what it is.
    async fn keep(&self, text: &str) -> Result<AppliedConfig, store::Error> {
        let (store, workspace) = (&self.store, &self.workspace);
        match store.applied_config(workspace).await? {
            Some(same) if same.document == text => Ok(same),
            _ => store.apply_config(workspace, text, self.clock.now()).await,
        }
    }

    /// The accounts of the config that is still in force, after a new one could not be stored.
    async fn back_to_before(&self) {
        let configs = self
            .in_force()
            .map(|in_force| configs(&in_force.document))
            .unwrap_or_default();
        if let Err(errors) = self
            .connections
            .apply(configs, |_| Restart::default())
            .await
        {
            for error in errors {
                tracing::error!(%error, "the config before could not be gone back to");
            }
        }
    }
}

pub(super) fn read(connectors: &[Arc<dyn Connector>], text: &str) -> Result<Document, Problems> {
    let descriptions: Vec<&Description> = connectors
        .iter()
        .map(|connector| connector.describe())
        .collect();
    config::read(text, &descriptions)
}

pub(super) fn in_force(document: Document, applied: &AppliedConfig) -> InForce {
    InForce {
        document,
        revision: applied.revision,
        applied: applied.applied,
    }
}

pub(super) fn configs(document: &Document) -> Configs {
    document
        .connections
        .iter()
        .map(|(name, config)| (ConnectionName::from(name.as_str()), config.clone()))
        .collect()
}

/// What steps of workflows may use beside the connections.
pub(super) fn for_workflows(document: &Document) -> workflow::Outside {
    workflow::Outside {
        allow_private: document.workflows.allow_private_addresses,
        mail: document.mail.clone(),
    }
}

pub(super) fn syncs(document: &Document) -> BTreeMap<SyncName, mapping::SyncRules> {
    document
        .syncs
        .iter()
        .map(|(name, rules)| (SyncName::from(name.as_str()), rules.clone()))
        .collect()
}

/// What budgets may assume of the time before this process: the calls of the last day.
pub(super) async fn restarts(
    calls: &CallWriter,
    configs: &Configs,
) -> Result<BTreeMap<ConnectionName, Restart>, store::Error> {
    let mut restarts = BTreeMap::new();
    for name in configs.keys() {
        restarts.insert(name.clone(), calls.restart(name).await?);
    }
    Ok(restarts)
}

/// What is wrong with the connections of a config, at its places.
fn not_opened(text: &str, errors: &[ConfigError]) -> ApiError {
    let found = errors
        .iter()
        .map(|error| {
            let (place, problem) = (error.place.clone(), error.problem.clone());
            (Code::ConnectionSecretSource, place, problem, None)
        })
        .collect();
    config::locate(text, found).into()
}

pub(super) fn from_connections(errors: &[ConfigError]) -> Problems {
    Problems {
        problems: errors
            .iter()
            .map(|error| {
                Problem::without_text(Code::ConnectionSecretSource, &error.place, &error.problem)
            })
            .collect(),
    }
}
