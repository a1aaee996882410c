//! What syncs do, as what begins runs and is waited for.

use serde_json::{Value as Json, json};
use store::{Effect, JournalEntry, Review, SyncEvents, SyncEventsCursor, WorkflowCame};

use super::{BATCH, Event, Listener, SYNCS};
use crate::{
    RunError, Runner,
    awaited::Awaited,
    model::{SyncEvent, SyncHappening, Trigger},
    runner::{read, stored},
    values::json as as_json,
};

impl Runner {
    /// Takes in what syncs did and asked since the last look; the first only notes where that is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn look_at_syncs(&self) -> Result<(), RunError> {
        let listeners = self.listeners().await?;
        self.of_syncs(&listeners).await
    }

    pub(super) async fn of_syncs(&self, listeners: &[Listener]) -> Result<(), RunError> {
        let held = self.store.workflow_cursor(&self.workspace, SYNCS).await?;
        let Some(held) = held else {
            let end = self.store.sync_events_end(&self.workspace).await?;
            self.accept_all(Some((SYNCS, &stored(&end)?)), &[]).await?;
            return Ok(());
        };
        let mut cursor: SyncEventsCursor = read(held, "cursor")?;
        loop {
            let events = self
                .store
                .sync_events_after(&self.workspace, cursor, BATCH)
                .await?;
            if events.journal.is_empty() && events.reviews.is_empty() {
                return Ok(());
            }
            let mut runs = Vec::new();
            for (workflow, graph) in listeners {
                let Trigger::Sync(wanted) = &graph.workflow.trigger else {
                    continue;
                };
                for entry in events.journal.iter().filter(|entry| fits(wanted, entry)) {
                    let origin = entry.entry.connection.as_str();
                    let record = entry.entry.record.as_str();
                    let chain = self.touched.chain(origin, record, self.clock.now());
                    let event = Some(format!("journal {}", entry.seq));
                    runs.push(self.begin(workflow, event, of_entry(entry), chain).await?);
                }
                for (number, review) in &events.reviews {
                    if asks(wanted, review) {
                        let event = Some(format!("review {number}"));
                        let trigger = of_review(review);
                        runs.push(self.begin(workflow, event, trigger, Vec::new()).await?);
                    }
                }
            }
            let came = self.came_of_syncs(&events).await?;
            if let Some(last) = events.journal.last() {
                cursor.journal = last.seq;
            }
            if let Some((last, _)) = events.reviews.last() {
                cursor.review = *last;
            }
            self.accept_with(Some((SYNCS, &stored(&cursor)?)), &runs, &came)
                .await?;
        }
    }

    /// The runs that wait for something that a sync did or asked.
    async fn came_of_syncs(&self, events: &SyncEvents) -> Result<Vec<WorkflowCame>, RunError> {
        let mut came = Vec::new();
        for source in self.store.workflow_wait_sources(&self.workspace).await? {
            if !source.starts_with("sync ") {
                continue;
            }
            let wants = |awaited: &Awaited, fits: &dyn Fn(&SyncEvent) -> bool| {
                awaited.sync.as_ref().is_some_and(fits)
            };
            let in_journal: Vec<_> = events
                .journal
                .iter()
                .map(|entry| move |awaited: &Awaited| wants(awaited, &|wanted| fits(wanted, entry)))
                .collect();
            let in_reviews: Vec<_> = events
                .reviews
                .iter()
                .map(|(_, review)| {
                    move |awaited: &Awaited| wants(awaited, &|wanted| asks(wanted, review))
                })
                .collect();
            let journal = events.journal.iter().zip(&in_journal);
            let journal = journal.map(|(entry, fits)| Event {
                id: Some(format!("journal {}", entry.seq)),
                body: of_entry(entry),
                fits,
            });
            let reviews = events.reviews.iter().zip(&in_reviews);
            let reviews = reviews.map(|((number, review), fits)| Event {
                id: Some(format!("review {number}")),
                body: of_review(review),
                fits,
            });
            let all: Vec<Event<'_>> = journal.chain(reviews).collect();
            came.extend(self.waited(&source, &all).await?);
        }
        Ok(came)
    }
}

/// Whether a workflow wants a journal entry.
fn fits(wanted: &SyncEvent, entry: &JournalEntry) -> bool {
    let entry = &entry.entry;
    let on = match entry.effect {
        Effect::Linked => SyncHappening::Linked,
        Effect::Created => SyncHappening::Created,
        Effect::Written => SyncHappening::Changed,
        Effect::Removed => SyncHappening::Removed,
        Effect::Refused => SyncHappening::Error,
        Effect::Unlinked | Effect::Observed => return false,
    };
    let is = |wanted: &Option<String>, held: &str| wanted.as_deref().is_none_or(|w| w == held);
    wanted.on == on
        && entry
            .sync
            .as_ref()
            .is_some_and(|sync| sync.as_str() == wanted.sync)
        && is(&wanted.entity, &entry.entity.to_string())
        && is(&wanted.connection, entry.connection.as_str())
        && wanted.field.as_ref().is_none_or(|field| {
            entry
                .field
                .as_ref()
                .is_some_and(|held| held.as_str() == field)
        })
}

/// Whether a workflow wants a review.
fn asks(wanted: &SyncEvent, review: &Review) -> bool {
    wanted.on == SyncHappening::Conflict
        && review.sync.as_str() == wanted.sync
        && wanted
            .entity
            .as_ref()
            .is_none_or(|entity| *entity == review.entity.to_string())
}

fn of_entry(entry: &JournalEntry) -> Json {
    let one = &entry.entry;
    json!({
        "sync": one.sync,
        "connection": one.connection,
        "entity": one.entity,
        "record": one.record.as_str(),
        "field": one.field.as_ref().map(|field| field.as_str().to_owned()),
        "before": as_json(&one.before),
        "after": as_json(&one.after),
        "link": one.link,
        "at": one.at.to_string(),
        "rule": one.rule,
        "note": one.note,
        "trace": one.cause.trace,
    })
}

fn of_review(review: &Review) -> Json {
    json!({
        "review": review.id,
        "sync": review.sync,
        "entity": review.entity,
        "kind": review.kind,
        "summary": review.summary,
        "left": review.left.as_ref().map(|id| id.as_str().to_owned()),
        "right": review.right.as_ref().map(|id| id.as_str().to_owned()),
        "at": review.opened.to_string(),
    })
}
