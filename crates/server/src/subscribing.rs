//! Webhooks that are subscribed by API: asked for as soon as an account is connected, and again every hour, in case
//! somebody took them away. Without a `public_url` nobody could reach us, and changes are found by polling.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use connections::SubscribeError;
use record::Entity;
use store::ConnectionName;

use crate::app::AppState;

/// How often it is looked whether anything is to be subscribed.
const LOOK: Duration = Duration::from_secs(10);

/// How long what was subscribed is taken to be there.
const GOOD: Duration = Duration::from_secs(3_600);

/// How long to wait after it could not be done.
const AGAIN: Duration = Duration::from_secs(600);

/// What was done last for a connection.
struct Last {
    address: String,
    entities: Vec<Entity>,
    events: BTreeSet<String>,
    /// By the steady clock.
    due: Duration,
    /// Said once, not every time.
    failed: Option<String>,
    subscribes: bool,
}

/// Subscribes and looks after it until the server stops.
pub(crate) async fn run(app: AppState) {
    let mut done: BTreeMap<ConnectionName, Last> = BTreeMap::new();
    loop {
        for (name, address, entities, events) in wanted(&app).await {
            let gone = app
                .connections
                .subscribed_to(&name)
                .is_ok_and(|to| to.is_none());
            let now = app.clock.steady();
            let before = done.get(&name).filter(|last| {
                last.address == address
                    && last.entities == entities
                    // what nobody waits for any more goes with the next turn
                    && events.is_subset(&last.events)
                    && last.due > now
                    // somebody has signed in anew since
                    && !(last.subscribes && gone)
            });
            if before.is_some() {
                continue;
            }
            let said = done.remove(&name).and_then(|last| last.failed);
            let last = subscribe(&app, &name, address, entities, events, said).await;
            done.insert(name, last);
        }
        app.clock.sleep(LOOK).await;
    }
}

/// The connected accounts that take part in a sync or that a workflow or a person waits for, and where their webhooks would go.
async fn wanted(app: &AppState) -> Vec<(ConnectionName, String, Vec<Entity>, BTreeSet<String>)> {
    let Ok(in_force) = app.in_force() else {
        return Vec::new();
    };
    let Some(public_url) = &in_force.document.public_url else {
        return Vec::new();
    };
    let outside = public_url.as_str().trim_end_matches('/');
    let mut wanted = Vec::new();
    for (name, config) in &in_force.document.connections {
        let connection = ConnectionName::from(name.as_str());
        let Ok(purpose) = app.purpose(&connection).await else {
            continue;
        };
        let connected = app
            .connections
            .account(&connection)
            .is_ok_and(|account| account.is_some());
        let usable = app
            .connections
            .health(&connection)
            .is_ok_and(|health| health.usable());
        let events = match app.events(&connection).await {
            Ok(events) => events,
            Err(error) => {
                tracing::error!(
                    connection = name,
                    error = error.message,
                    "what is waited for could not be read"
                );
                continue;
            }
        };
        let asked = !purpose.entities.is_empty() || !events.is_empty();
        if connected && usable && !config.read_only && asked {
            let address = format!("{outside}/hooks/{}", config.system);
            wanted.push((connection, address, purpose.entities, events));
        }
    }
    wanted
}

async fn subscribe(
    app: &AppState,
    name: &ConnectionName,
    address: String,
    entities: Vec<Entity>,
    events: BTreeSet<String>,
    said: Option<String>,
) -> Last {
    let named: Vec<String> = events.iter().cloned().collect();
    let connections = &app.connections;
    let outcome = connections
        .subscribe(name, &address, &entities, &named)
        .await;
    let now = app.clock.steady();
    match &outcome {
        Ok(subscribes) => app.hearing.subscribing(name, Ok(*subscribes)),
        Err(SubscribeError::Vendor(why)) => app.hearing.subscribing(name, Err(why.clone())),
        Err(SubscribeError::Unknown(_) | SubscribeError::SignedOut) => {}
    }
    let (due, failed, subscribes) = match outcome {
        Ok(subscribes) => {
            if subscribes && said.is_some() {
                tracing::info!(connection = %name, "webhooks are subscribed after all");
            }
            (now + GOOD, None, subscribes)
        }
        Err(SubscribeError::Unknown(_) | SubscribeError::SignedOut) => (now + LOOK, said, false),
        Err(SubscribeError::Vendor(why)) => {
            if said.as_ref() != Some(&why) {
                tracing::warn!(connection = %name, why, "webhooks could not be subscribed; changes are found by polling");
            }
            (now + AGAIN, Some(why), false)
        }
    };
    Last {
        address,
        entities,
        events,
        due,
        failed,
        subscribes,
    }
}
