//! Carrying out a plan: exactly the rows that it shows, through the same work as always.
//!
//! Before the first write all rows are held against both sides as they are now; if too many have changed, nothing
//! is written at all. Then each batch is read fresh once more and written by the desk that does all
//! work, which looks at the plan before each effect ([`crate::permit`]). A row that is not as it was shown is
//! left out and says why. What was done is marked in the plan, and what was done without being marked is
//! recognised, so that a plan can be carried out again after any interruption.

mod check;
mod report;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use record::{Entity, RecordId, Side};
use store::{
    Claim, Lane, Link, PlanId, PlanRow, PlanRowState, PlanState, Run, RunId, RunKind, RunState,
    SignalSource, StoredPlan, SyncName,
};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    Error, Progress,
    engine::Core,
    intents::{self, claim_for},
    news,
    pair::{Pairing, index},
    permit::{Permit, Permitted},
    plan::{Planned, What},
    reconcile::{ClaimEnd, Desk},
    run, setup,
};

use report::named;
pub use report::{NamedRow, PlanReport};

/// Rows that are held against the plan, or worked off, at once.
const PAGE: usize = 200;

/// How often a row is tried that could not be settled at once.
const TRIES: usize = 4;

/// Like a record that was waited for before: a parent that is not there yet is not waited for once more.
const ATTEMPTS: u32 = 8;

/// Rows that a report names.
const NAMED: usize = 100;

/// The share of rows that may have changed, unless somebody says otherwise.
pub const MOST_CHANGED: f64 = 0.1;

/// A note on rows of which nobody has said what became of them.
const SILENT: &str = "what became of it is not known yet";

fn refused(id: PlanId, why: impl Into<String>) -> Error {
    Error::Plan {
        plan: id.to_string(),
        why: why.into(),
    }
}

/// A plan by its id.
pub(crate) async fn stored(core: &Core, id: PlanId) -> Result<StoredPlan, Error> {
    core.store
        .plan(&core.workspace, id)
        .await?
        .ok_or_else(|| refused(id, "there is no such plan"))
}

/// Carries a plan out. `most_changed`: the share of its rows that may have changed; one row always may.
pub(crate) async fn apply(
    core: &Arc<Core>,
    id: PlanId,
    most_changed: f64,
    progress: &watch::Sender<Progress>,
) -> Result<PlanReport, Error> {
    let plan = stored(core, id).await?;
    let sync = plan.sync.clone();
    let pairings = ready(core, &plan).await?;
    let started = core.clock.now();
    let run = RunId(Uuid::now_v7());
    let Some(under_way) = core.begin_run(&sync, run) else {
        return Err(Error::Busy(sync.to_string()));
    };
    core.store
        .begin_run(
            &core.workspace,
            &Run {
                id: run,
                sync: sync.clone(),
                kind: RunKind::Planned,
                state: RunState::Running,
                started,
                ended: None,
                counts: BTreeMap::new(),
            },
        )
        .await?;
    let mut applying = Applying {
        core,
        plan: &plan,
        pairings,
        most_changed,
        progress,
        listed: false,
        checked: 0,
        changed: Vec::new(),
        left_out: 0,
    };
    let result = applying.run().await;
    drop(under_way);
    let state = match &result {
        Err(_) => RunState::Failed,
        Ok(None) => RunState::Done,
        Ok(Some(_)) => RunState::Stopped,
    };
    core.store
        .finish_run(&core.workspace, run, state, core.clock.now())
        .await?;
    core.wake();
    let why = result?;
    let mut report = applying.report(run, state, why).await?;
    report.seconds = core.clock.now().duration_since(started).as_secs_f64();
    Ok(report)
}

/// The pairings of the plan's sync, if its rules are those of the plan.
async fn ready(core: &Arc<Core>, plan: &StoredPlan) -> Result<Vec<Arc<Pairing>>, Error> {
    let (id, sync) = (plan.id, &plan.sync);
    if plan.state == PlanState::Making {
        return Err(refused(id, "it was not made to its end; make it again"));
    }
    core.rules_of(sync)?;
    // What an account has lost since is no reason to clear anything: so the schemas are read first.
    setup::resolve_all(core).await;
    let pairings = core.ready(sync)?;
    if pairings
        .iter()
        .any(|pairing| pairing.mode == mapping::Mode::Preview)
    {
        return Err(refused(
            id,
            "the mode of its sync is `preview`, in which nothing is written",
        ));
    }
    if core.pilot(sync).is_some() {
        return Err(refused(
            id,
            "its sync is in pilot, and nothing else of it is written until that ends",
        ));
    }
    if core.is_over_limit(sync) {
        return Err(refused(
            id,
            "its sync was stopped at a limit; answer that review first",
        ));
    }
    let shown: BTreeMap<String, String> =
        serde_json::from_value(plan.body["rules"].clone()).unwrap_or_default();
    if shown == news::in_force(core, sync) {
        return Ok(pairings);
    }
    let why = if plan.body["other_rules"] == true {
        "the rules that it shows are not in force. Pause the sync, put them into force with `tandem apply`, apply the plan, and let the sync go on"
    } else {
        "the rules, or the fields of an account, are not those of the plan any more; make it again"
    };
    Err(refused(id, why))
}

struct Applying<'a> {
    core: &'a Arc<Core>,
    plan: &'a StoredPlan,
    pairings: Vec<Arc<Pairing>>,
    most_changed: f64,
    progress: &'a watch::Sender<Progress>,
    /// Both sides were listed just now.
    listed: bool,
    checked: u64,
    changed: Vec<NamedRow>,
    left_out: u64,
}

impl Applying<'_> {
    /// Says why it was stopped, if it was.
    async fn run(&mut self) -> Result<Option<String>, Error> {
        let sync = &self.plan.sync;
        self.settle_intents().await?;
        if !(self.core.is_running() && self.core.is_ready(sync)) {
            // Nobody has looked lately: who is who is found among what is listed.
            for pairing in &self.pairings {
                run::list_both(self.core, pairing, Lane::Backfill, self.progress).await?;
            }
            self.listed = true;
        }
        self.progress
            .send_modify(|progress| progress.phase = "checking");
        self.check().await?;
        if let Some(why) = self.too_many(self.changed.len() as u64) {
            return Ok(Some(why));
        }
        self.progress
            .send_modify(|progress| progress.phase = "syncing");
        let stopped = self.write().await?;
        self.settle_intents().await?;
        self.hear_from_the_silent().await?;
        if stopped.is_none() {
            let counts = self.counts().await?;
            if !counts.contains_key(&PlanRowState::Waiting) {
                let applied = StoredPlan {
                    state: PlanState::Applied,
                    ..self.plan.clone()
                };
                self.core
                    .store
                    .save_plan(&self.core.workspace, &applied)
                    .await?;
            }
        }
        self.progress
            .send_modify(|progress| progress.phase = "done");
        Ok(stopped)
    }

    async fn counts(&self) -> Result<BTreeMap<PlanRowState, u64>, Error> {
        let (store, workspace) = (&self.core.store, &self.core.workspace);
        Ok(store.count_plan_rows(workspace, self.plan.id).await?)
    }

    async fn waiting_after(&self, after: u64) -> Result<Vec<PlanRow>, Error> {
        let (store, workspace) = (&self.core.store, &self.core.workspace);
        let state = Some(PlanRowState::Waiting);
        Ok(store
            .plan_rows(workspace, self.plan.id, state, after, PAGE)
            .await?)
    }

    /// Whether so many changed rows are too many, of all that were checked.
    fn too_many(&self, changed: u64) -> Option<String> {
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let share = changed as f64 / self.checked.max(1) as f64;
        (changed > 1 && share > self.most_changed).then(|| {
            format!(
                "{changed} of {} rows have changed since the plan was made, more than the share of {} that may",
                self.checked, self.most_changed
            )
        })
    }

    fn pairing(&self, entity: Entity) -> Option<Arc<Pairing>> {
        self.pairings
            .iter()
            .find(|pairing| pairing.entity == entity)
            .cloned()
    }

    /// Creates of the sync that had no answer are looked for, where nobody else does that.
    async fn settle_intents(&self) -> Result<(), Error> {
        let sync = &self.plan.sync;
        let begun = self.core.clock.now();
        loop {
            let overview = self.core.store.overview(&self.core.workspace).await?;
            let open = overview.intents.get(sync.as_str()).copied().unwrap_or(0);
            let waited = self.core.clock.now().duration_since(begun).as_secs_f64();
            if open == 0 || waited > run::LONGEST_INTENT.as_secs_f64() {
                return Ok(());
            }
            if !(self.core.is_running() && self.core.is_started(sync)) {
                self.core.doubt_stranded().await?;
                for pairing in &self.pairings {
                    intents::look(self.core, pairing, 50).await?;
                }
            }
            self.core.clock.sleep(run::LOOK).await;
        }
    }

    /// Writes the rows that wait. Says why it stopped, if it did.
    async fn write(&mut self) -> Result<Option<String>, Error> {
        let mut after = 0;
        loop {
            let page = self.waiting_after(after).await?;
            let Some(last) = page.last() else {
                return Ok(None);
            };
            after = last.number;
            let number = page.len() as u64;
            for (pairing, rows) in self.by_entity(page) {
                let mut by_side: [Vec<(PlanRow, Planned)>; 2] = [Vec::new(), Vec::new()];
                for row in rows {
                    let planned = planned(&row)?;
                    by_side[index(planned.side)].push((row, planned));
                }
                for (side, rows) in Side::BOTH.into_iter().zip(by_side) {
                    let marks = self.write_rows(&pairing, side, rows).await?;
                    let left_out = |(_, state, _): &&Mark| *state == PlanRowState::LeftOut;
                    self.left_out += marks.iter().filter(left_out).count() as u64;
                    self.core
                        .store
                        .mark_plan_rows(&self.core.workspace, self.plan.id, &marks)
                        .await?;
                }
            }
            self.progress
                .send_modify(|progress| progress.done += number);
            if let Some(why) = self.too_many(self.left_out) {
                return Ok(Some(why));
            }
        }
    }

    /// Works off rows of one side by the desk that does all work.
    async fn write_rows(
        &self,
        pairing: &Pairing,
        side: Side,
        rows: Vec<(PlanRow, Planned)>,
    ) -> Result<Vec<Mark>, Error> {
        // Where both sides were just listed, nobody else has to be asked who is there.
        let lane = if self.listed {
            Lane::Backfill
        } else {
            Lane::Reconcile
        };
        let mut marks = Vec::with_capacity(rows.len());
        let mut open: HashMap<RecordId, Permitted> = rows
            .into_iter()
            .filter_map(|(row, planned)| {
                let permitted = Permitted {
                    number: row.number,
                    other: record(&row, side.other()).cloned(),
                    planned,
                    end: None,
                };
                Some((record(&row, side)?.clone(), permitted))
            })
            .collect();
        for tried in 1..=TRIES {
            if open.is_empty() {
                break;
            }
            let mut ids: Vec<&RecordId> = open.keys().collect();
            ids.sort_unstable();
            let claims: Vec<Claim> = ids
                .into_iter()
                .map(|id| self.claim(pairing, side, lane, id))
                .collect();
            let mut desk = Desk::new(self.core, pairing, side, lane);
            desk.permit = Some(Permit::of(open.drain()));
            let failed = desk.work(&claims).await.err();
            let left_behind = desk.finish();
            self.core.commit(left_behind).await?;
            let mut ends = std::mem::take(&mut desk.ends);
            let rows = desk.permit.take().map(Permit::into_rows);
            let mut longest = Duration::ZERO;
            for (record, mut row) in rows.into_iter().flatten() {
                let again = match ends.remove(&record) {
                    Some(ClaimEnd::Again { after, error }) => Some((after, error)),
                    Some(ClaimEnd::Later { why, .. }) => Some((None, Some(why))),
                    None if row.end.is_none() => {
                        Some((None, failed.as_ref().map(ToString::to_string)))
                    }
                    _ => None,
                };
                match (again, row.end.take()) {
                    (Some((after, _)), _) if tried < TRIES => {
                        longest = longest.max(after.unwrap_or(self.core.options.retry));
                        open.insert(record, row);
                    }
                    (Some((_, error)), _) => {
                        let why = error.unwrap_or_else(|| SILENT.to_owned());
                        marks.push((row.number, PlanRowState::Waiting, Some(why)));
                    }
                    (None, Some((state, note))) => marks.push((row.number, state, note)),
                    (None, None) => {
                        let silent = Some(SILENT.to_owned());
                        marks.push((row.number, PlanRowState::Waiting, silent));
                    }
                }
            }
            if !open.is_empty() {
                self.core.clock.sleep(longest).await;
            }
        }
        Ok(marks)
    }

    fn claim(&self, pairing: &Pairing, side: Side, lane: Lane, record: &RecordId) -> Claim {
        let connection = &pairing.end(side).connection;
        let now = self.core.clock.now();
        Claim {
            lane,
            attempts: ATTEMPTS,
            last_signalled: self.plan.made,
            ..claim_for(
                connection,
                pairing.entity,
                record,
                SignalSource::Person,
                now,
            )
        }
    }

    /// Rows of which nobody has said what became of them: what the links say now.
    async fn hear_from_the_silent(&self) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let page = self.waiting_after(after).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.number;
            let mut marks: Vec<Mark> = Vec::new();
            for (pairing, rows) in self.by_entity(page) {
                let links = links(self.core, &pairing, &rows).await?;
                for row in rows {
                    if row.note.as_deref() != Some(SILENT) {
                        continue;
                    }
                    let planned = planned(&row)?;
                    let own = record(&row, planned.side);
                    let link = own.and_then(|own| links[index(planned.side)].get(own));
                    let target = planned.side.other();
                    let open = match own {
                        Some(own) => {
                            self.core
                                .store
                                .intents_of(
                                    &self.core.workspace,
                                    &pairing.sync,
                                    pairing.entity,
                                    target,
                                    std::slice::from_ref(own),
                                )
                                .await?
                        }
                        None => Vec::new(),
                    };
                    if planned.what == What::Create && link.is_some_and(is_made) {
                        marks.push((row.number, PlanRowState::Done, None));
                    } else if open.is_empty() {
                        let why = "the rules leave it alone now: out of the scope, deleted before, or asked about";
                        let why = Some(why.to_owned());
                        marks.push((row.number, PlanRowState::LeftOut, why));
                    }
                }
            }
            self.core
                .store
                .mark_plan_rows(&self.core.workspace, self.plan.id, &marks)
                .await?;
        }
    }

    async fn report(
        self,
        run: RunId,
        state: RunState,
        why: Option<String>,
    ) -> Result<PlanReport, Error> {
        let (store, workspace) = (&self.core.store, &self.core.workspace);
        let rows = self.counts().await?;
        let count = |state| rows.get(&state).copied().unwrap_or(0);
        let changed = self.changed.len() as u64;
        let mut told = Vec::new();
        if state == RunState::Stopped && self.left_out == 0 {
            told = self.changed;
        } else {
            for state in [PlanRowState::LeftOut, PlanRowState::Waiting] {
                let found = store
                    .plan_rows(workspace, self.plan.id, Some(state), 0, NAMED)
                    .await?;
                told.extend(
                    found
                        .into_iter()
                        .filter_map(|row| Some(named(&row, row.note.clone()?))),
                );
            }
        }
        told.truncate(NAMED);
        let counts = store
            .runs(workspace, Some(&self.plan.sync), 10)
            .await?
            .into_iter()
            .find(|one| one.id == run)
            .map(|run| run.counts)
            .unwrap_or_default();
        Ok(PlanReport {
            plan: self.plan.id.to_string(),
            sync: self.plan.sync.to_string(),
            run: run.to_string(),
            state,
            why,
            checked: self.checked,
            changed,
            done: count(PlanRowState::Done),
            left_out: count(PlanRowState::LeftOut),
            waiting: count(PlanRowState::Waiting),
            questions: count(PlanRowState::Question),
            counts,
            rows: told,
            seconds: 0.0,
        })
    }
}

/// Where a row stands now, and why.
type Mark = (u64, PlanRowState, Option<String>);

fn record(row: &PlanRow, side: Side) -> Option<&RecordId> {
    match side {
        Side::Left => row.left.as_ref(),
        Side::Right => row.right.as_ref(),
    }
}

/// What a stored row says.
fn planned(row: &PlanRow) -> Result<Planned, Error> {
    serde_json::from_value(row.body.clone()).map_err(|error| {
        store::Error::Corrupt {
            what: "plan row",
            why: error.to_string(),
        }
        .into()
    })
}

fn is_made(link: &Link) -> bool {
    link.how == "created"
}

/// Links that hold a record of these rows, by the record, left and right.
async fn links(
    core: &Core,
    pairing: &Pairing,
    rows: &[PlanRow],
) -> Result<[HashMap<RecordId, Link>; 2], Error> {
    let mut links = [HashMap::new(), HashMap::new()];
    for side in Side::BOTH {
        let ids: Vec<RecordId> = rows
            .iter()
            .filter_map(|row| record(row, side).cloned())
            .collect();
        let found = core
            .store
            .links_of(&core.workspace, &pairing.sync, pairing.entity, side, &ids)
            .await?;
        links[index(side)] = found
            .into_iter()
            .map(|link| (link.record(side).clone(), link))
            .collect();
    }
    Ok(links)
}

/// The plans of a sync, newest first.
pub(crate) async fn list(core: &Core, sync: Option<&SyncName>) -> Result<Vec<StoredPlan>, Error> {
    Ok(core.store.plans(&core.workspace, sync, 0).await?)
}
