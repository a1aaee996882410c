//! What goes on as long as the engine runs: work by lanes, polls, sweeps, rules and creates that wait.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use record::Entity;
use store::{ConnectionName, Lane};
use tokio_util::sync::CancellationToken;

use super::{Core, SCHEMA_PAUSE};
use crate::{intents, listing, reconcile, restored, run, setup};

pub(super) type Task = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

pub(super) fn boxed(future: impl Future<Output = ()> + Send + 'static) -> Task {
    Box::pin(future)
}

/// Claims and works off dirty records.
pub(super) async fn work(core: Arc<Core>, lane: Lane, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let woken = core.waker.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        let workable = core.workable();
        let begun = if workable.connections.is_empty() {
            Ok(None)
        } else {
            core.claim_and_begin(&workable, lane).await
        };
        match begun {
            Ok(Some((claims, at_work))) => {
                core.busy.fetch_add(1, Ordering::SeqCst);
                reconcile::reconcile(&core, claims).await;
                drop(at_work);
                core.busy.fetch_sub(1, Ordering::SeqCst);
                core.finished.notify_waiters();
            }
            Ok(None) => {
                let wait = core.until_next(&workable).await;
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = &mut woken => {}
                    () = core.clock.sleep(wait) => {}
                }
            }
            Err(error) => {
                tracing::error!(%error, "dirty records could not be claimed");
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = core.clock.sleep(Duration::from_secs(5)) => {}
                }
            }
        }
    }
}

async fn pause_for(core: &Core, wait: Duration, shutdown: &CancellationToken) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = core.clock.sleep(wait) => {}
    }
}

/// Reads schemas anew from time to time, and at once where a sync is not ready.
pub(super) async fn keep_rules_resolved(core: Arc<Core>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let wait = if core.unready.read().expect("no panic while held").is_empty() {
            core.options.schema
        } else {
            Duration::from_secs(15).min(core.options.schema)
        };
        tokio::select! {
            () = core.doubted.notified() => {}
            () = pause_for(&core, wait, &shutdown) => {}
        }
        if !shutdown.is_cancelled() {
            setup::resolve_all(&core).await;
            core.wake();
            // Not more often, however much is refused.
            pause_for(&core, SCHEMA_PAUSE, &shutdown).await;
        }
    }
}

pub(super) async fn look_for_creates(core: Arc<Core>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        if let Err(error) = core.doubt_stranded().await {
            tracing::warn!(%error, "creates whose outcome could not be stored wait");
        }
        for pairing in core.all_pairings() {
            if core.is_started(&pairing.sync)
                && let Err(error) = intents::look(&core, &pairing, 50).await
            {
                tracing::warn!(sync = %pairing.sync, %error, "creates without an answer could not be looked for");
            }
        }
        pause_for(&core, Duration::from_secs(1), &shutdown).await;
    }
}

/// How soon it is asked what changed when a message says that something did.
const SOON: Duration = Duration::from_secs(5);

pub(super) async fn keep_polling(core: Arc<Core>, shutdown: CancellationToken) {
    let mut last: HashMap<(ConnectionName, Entity), Timestamp> = HashMap::new();
    // Each on its own: who waits, for an answer or for the end of a create, waits alone.
    let mut under_way = BTreeSet::new();
    let mut polls = FuturesUnordered::new();
    while !shutdown.is_cancelled() {
        for (pairing, side) in core.distinct_ends() {
            let connection = pairing.end(side).connection.clone();
            let every = core.poll_pause(&connection);
            let key = (connection, pairing.entity);
            let now = core.clock.now();
            if !core.is_started(&pairing.sync) {
                continue;
            }
            // Something changed that no message names.
            let asked = core.is_asked_for(&key);
            let every = if asked { SOON.min(every) } else { every };
            let dear = match listing::least_pause(&core, &pairing, side).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(connection = %key.0, %error, "what a listing costs could not be read");
                    continue;
                }
            };
            let every = every.max(dear);
            let due = last
                .get(&key)
                .is_none_or(|last| last.saturating_add(every).is_ok_and(|at| at <= now));
            if !due || !under_way.insert(key.clone()) {
                continue;
            }
            core.is_no_more_asked_for(&key);
            last.insert(key.clone(), now);
            let core = &core;
            polls.push(async move {
                if let Err(error) = listing::poll(core, &pairing, side).await {
                    tracing::warn!(connection = %key.0, %error, "a poll failed");
                }
                key
            });
        }
        let pause = core
            .options
            .poll_without_webhooks
            .min(core.options.poll_with_webhooks)
            .min(Duration::from_secs(1));
        tokio::select! {
            Some(ended) = polls.next() => {
                under_way.remove(&ended);
            }
            () = pause_for(&core, pause, &shutdown) => {}
        }
    }
}

pub(super) async fn keep_sweeping(core: Arc<Core>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        restored::go_on(&core).await;
        for (pairing, side) in core.distinct_ends() {
            if !core.is_started(&pairing.sync) {
                continue;
            }
            if core.is_listing(&pairing.sync) {
                // An earlier process was stopped during the first listing, or a right was missing.
                if core.run_of(&pairing.sync).is_none()
                    && let Err(error) = run::list_first(&core, &pairing.sync).await
                {
                    tracing::warn!(sync = %pairing.sync, %error, "the first listing failed");
                }
                if core.is_unlisted(&pairing) {
                    continue;
                }
            }
            let connection = &pairing.end(side).connection;
            let last = core
                .store
                .last_sweep(&core.workspace, connection, pairing.entity)
                .await;
            let now = core.clock.now();
            let every = match listing::between_sweeps(&core, &pairing, side).await {
                Ok(every) => every,
                Err(error) => {
                    tracing::warn!(%connection, %error, "what a listing costs could not be read");
                    continue;
                }
            };
            let due = match last {
                Ok(last) => {
                    last.is_none_or(|(at, _)| at.saturating_add(every).is_ok_and(|at| at <= now))
                }
                Err(error) => {
                    tracing::warn!(%connection, %error, "the last sweep could not be read");
                    false
                }
            };
            if due
                && let Err(error) =
                    run::list_side(&core, &pairing, side, Lane::Reconcile, &|_, _| {}).await
            {
                tracing::warn!(%connection, %error, "a sweep failed");
            }
        }
        pause_for(
            &core,
            core.options.sweep.min(Duration::from_secs(5)),
            &shutdown,
        )
        .await;
    }
}
