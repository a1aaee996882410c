//! What a run would do, shown before anything is done: both sides are read, nothing is written to them.
//!
//! Both sides are listed into a workspace of their own ([`trial`]), so that a plan, also one of rules that are
//! not in force, leaves no trace in what the sync works with. Then every record is matched and every pair
//! decided by the same code that does the work ([`survey`]). What would become of each stays as a row
//! ([`row`]), with marks of what it follows from, so that exactly these rows can be carried out later
//! (see [`crate::apply`]).

mod forecast;
mod row;
mod survey;
mod trial;

use std::{collections::BTreeMap, sync::Arc};

use mapping::{References, SyncRules};
use record::{Entity, Field, RecordId, Side};
use serde::Serialize;
use serde_json::json;
use store::{Lane, PlanId, PlanState, StoredPlan, SyncName};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{Error, Progress, engine::Core, news, run};

pub use row::{Planned, PlannedField, What};
pub(crate) use trial::Trial;

use forecast::Forecast;
use survey::Survey;

/// So many plans of a sync are kept.
const KEPT: usize = 5;

/// What a run would do.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Plan {
    /// Under which its rows are kept.
    pub id: String,
    /// Of which sync.
    pub sync: String,
    /// It shows rules that are not in force.
    pub other_rules: bool,
    /// Records listed on the left.
    pub left: PlanSide,
    /// Records listed on the right.
    pub right: PlanSide,
    /// Pairs that are linked already.
    pub linked: u64,
    /// Of those, how many would be changed.
    pub changed: u64,
    /// Mappings that some linked pairs have no base for, because they are new or changed: how many pairs.
    pub without_base: BTreeMap<String, u64>,
    /// Linked pairs that are left alone: parked, or out of the scope.
    pub at_rest: u64,
    /// Linked pairs of which a record is not listed any more. The sync's delete rule decides about them.
    pub vanished: u64,
    /// Pairs that would be linked, by what they were matched by.
    pub matched: BTreeMap<String, u64>,
    /// Of the pairs that would be linked, how many differ in some mapped field.
    pub differing: u64,
    /// Conflicts that would be asked about.
    pub conflicts: u64,
    /// The same by mapping.
    pub conflicts_by: BTreeMap<String, u64>,
    /// Fields that cannot be written, by reason.
    pub blocked: BTreeMap<String, u64>,
    /// Fields that wait until the record that they name is linked. They follow by themselves then.
    pub awaiting: Vec<PlanAwaiting>,
    /// Records that would become a question, by reason.
    pub asked: BTreeMap<String, u64>,
    /// Sample rows, some of each kind.
    pub samples: Vec<PlanSample>,
    /// Calls that the run is expected to cost, by connection.
    pub calls: BTreeMap<String, u64>,
    /// How long each connection takes at least for them under the limits that hold on it, in seconds.
    pub seconds_by: BTreeMap<String, f64>,
    /// The longest of these: connections work at the same time.
    pub seconds: f64,
    /// What creating and changing records may set off, in words.
    pub consequences: Vec<String>,
    /// Mappings that are paused because their field is not there.
    pub paused_mappings: BTreeMap<String, String>,
    /// Rows that can be carried out.
    pub rows: u64,
    /// Rows that are questions for a person.
    pub questions: u64,
}

/// Fields of one mapping that name records of one connection which are not linked yet.
#[derive(Debug, Clone, Serialize)]
pub struct PlanAwaiting {
    /// The mapping.
    pub mapping: String,
    /// What the records are that they name.
    pub entity: Entity,
    /// Where those are.
    pub connection: String,
    /// How many fields wait.
    pub fields: u64,
    /// Some of the records that are waited for.
    pub examples: Vec<RecordId>,
}

/// One side of a plan.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PlanSide {
    /// The connection.
    pub connection: String,
    /// Records listed.
    pub listed: u64,
    /// Records that would be made on this side.
    pub creates: u64,
    /// Records that would be changed on this side.
    pub updates: u64,
    /// Fields that would be written on this side, in records that are there.
    pub writes: u64,
    /// The same by mapping.
    pub fields: BTreeMap<String, u64>,
    /// Records of this side that are one person with another record of it.
    pub duplicates: u64,
    /// Records of this side that would become a question.
    pub ambiguous: u64,
    /// Records of this side that would wait for the answer about another one, which may be the same.
    pub waiting: u64,
    /// Records of this side out of the scope of the sync.
    pub out_of_scope: u64,
    /// Records of this side without a counterpart that may not be made.
    pub not_created: u64,
    /// Records of this side that are left alone: deleted on the other side before, or just being made there.
    pub left_alone: u64,
}

/// One sample.
#[derive(Debug, Clone, Serialize)]
pub struct PlanSample {
    /// What would happen.
    pub what: What,
    /// What the records are.
    pub entity: Entity,
    /// The record on the left.
    pub left: Option<RecordId>,
    /// The record on the right.
    pub right: Option<RecordId>,
    /// Why.
    pub why: String,
    /// Values side by side by mapping: left now, right now, and which side is written.
    pub fields: BTreeMap<String, (Field, Field, Option<Side>)>,
}

impl Plan {
    /// Counts a field that waits for another record.
    fn awaits(&mut self, mapping: &str, connection: &str, entity: Entity, record: &RecordId) {
        const EXAMPLES: usize = 3;
        let place = self.awaiting.iter_mut().find(|each| {
            each.mapping == mapping && each.connection == connection && each.entity == entity
        });
        let awaiting = match place {
            Some(awaiting) => awaiting,
            None => {
                self.awaiting.push(PlanAwaiting {
                    mapping: mapping.to_owned(),
                    entity,
                    connection: connection.to_owned(),
                    fields: 0,
                    examples: Vec::new(),
                });
                self.awaiting.last_mut().expect("one was just added")
            }
        };
        awaiting.fields += 1;
        if awaiting.examples.len() < EXAMPLES && !awaiting.examples.contains(record) {
            awaiting.examples.push(record.clone());
        }
    }

    fn side(&mut self, side: Side) -> &mut PlanSide {
        match side {
            Side::Left => &mut self.left,
            Side::Right => &mut self.right,
        }
    }
}

/// Plans a run of a sync; under other rules, if they are given.
pub(crate) async fn plan(
    core: &Arc<Core>,
    sync: &SyncName,
    rules: Option<SyncRules>,
    progress: &watch::Sender<Progress>,
) -> Result<Plan, Error> {
    let _alone = core.planning.lock().await;
    let other_rules = rules.is_some();
    let trial = Trial::begin(core, sync, rules).await?;
    let id = PlanId(Uuid::now_v7());
    let mut kept = StoredPlan {
        id,
        sync: sync.clone(),
        state: PlanState::Making,
        made: core.clock.now(),
        body: json!({}),
    };
    core.store.save_plan(&core.workspace, &kept).await?;
    let mut plan = Plan {
        id: id.to_string(),
        sync: sync.to_string(),
        other_rules,
        ..Plan::default()
    };
    let mut forecast = Forecast::default();
    let mut matched = References::new();
    for pairing in trial.core.ready(sync)? {
        let reports = run::list_both(&trial.core, &pairing, Lane::Backfill, progress).await?;
        // A refused listing reads the accounts anew.
        let pairing = trial
            .core
            .pairings_of_sync(sync, pairing.entity)
            .unwrap_or(pairing);
        for (side, report) in Side::BOTH.into_iter().zip(reports) {
            let of_side = plan.side(side);
            of_side.listed += report.listed;
            of_side.connection = pairing.end(side).connection.to_string();
            forecast.listed(pairing.end(side), report.listed);
        }
        plan.paused_mappings.extend(pairing.paused.iter().cloned());
        progress.send_modify(|progress| progress.phase = "matching");
        let survey = Survey::new(core, &trial.core, &pairing, id, &mut plan, &mut matched);
        let done = survey.run().await?;
        forecast.worked(&pairing, &done);
    }
    forecast.tell(core, &mut plan);
    kept.state = PlanState::Ready;
    kept.body = json!({
        "rules": news::in_force(&trial.core, sync),
        "other_rules": other_rules,
        "plan": serde_json::to_value(&plan).map_err(|error| Error::Plan {
            plan: id.to_string(),
            why: format!("it cannot be stored: {error}"),
        })?,
    });
    core.store.save_plan(&core.workspace, &kept).await?;
    trial.end().await?;
    drop_old(core, sync).await?;
    progress.send_modify(|progress| progress.phase = "done");
    Ok(plan)
}

/// Of each sync the newest plans are kept, and of those that were not made to their end none but the newest.
async fn drop_old(core: &Core, sync: &SyncName) -> Result<(), Error> {
    let plans = core.store.plans(&core.workspace, Some(sync), 0).await?;
    for (number, plan) in plans.into_iter().enumerate() {
        if number >= KEPT || plan.state == PlanState::Making {
            let (store, workspace) = (&core.store, &core.workspace);
            while !store.drop_plan(workspace, plan.id, trial::AT_ONCE).await? {}
        }
    }
    Ok(())
}
