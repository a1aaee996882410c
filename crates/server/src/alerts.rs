//! Telling people what needs them: by e-mail and webhook, once when a trouble has lasted, once when it is over.
//!
//! What is wrong is looked at again and again ([`look`]); what follows from it is a function of values ([`book`]). The
//! book is durable, with every message that is not sent yet, and is stored before anything is sent. A message whose
//! outcome is not known is sent again: one too many is better than none, and both have the same id.

mod book;

mod look;

mod send;

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use serde_json::Value as Json;
use tokio::sync::Mutex;

pub(crate) use book::Book;
pub(crate) use send::{Channel, test};

use crate::{app::App, config};
use look::Looks;

/// How often it is looked.
const PACE: Duration = Duration::from_secs(5);

/// Under which name the store keeps the book.
const SETTING: &str = "alerts";

/// Held while the book is read and changed.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    book: Mutex<Option<Book>>,
}

impl Alerts {
    /// The book as it is.
    pub(crate) async fn book(&self, app: &App) -> Result<Book, store::Error> {
        let mut held = self.book.lock().await;
        if let Some(book) = &*held {
            return Ok(book.clone());
        }
        let book = read(app).await?;
        *held = Some(book.clone());
        Ok(book)
    }

    /// Stores the book, and holds it from then on.
    async fn keep(&self, app: &App, book: &Book) -> Result<(), store::Error> {
        let stored = serde_json::to_value(book).map_err(corrupt)?;
        let mut held = self.book.lock().await;
        app.store()
            .save_setting(app.workspace(), SETTING, &stored)
            .await?;
        *held = Some(book.clone());
        Ok(())
    }
}

async fn read(app: &App) -> Result<Book, store::Error> {
    let stored: Option<Json> = app.store().setting(app.workspace(), SETTING).await?;
    stored.map_or_else(
        || Ok(Book::default()),
        |stored| serde_json::from_value(stored).map_err(corrupt),
    )
}

fn corrupt(error: serde_json::Error) -> store::Error {
    store::Error::Corrupt {
        what: "alerts",
        why: error.to_string(),
    }
}

/// Who is told now, by the config in force.
pub(crate) fn channels(alerts: &config::Alerts) -> Vec<Channel> {
    let mut channels = Vec::new();
    if !alerts.email.is_empty() {
        channels.push(Channel::Email);
    }
    if alerts.webhook.is_some() {
        channels.push(Channel::Webhook);
    }
    channels
}

/// Looks and tells, again and again.
pub(crate) async fn watch(app: Arc<App>) {
    let mut looks = Looks::default();
    loop {
        if let Err(error) = once(&app, &mut looks).await {
            tracing::error!(%error, "alerts could not be seen to");
        }
        app.clock.sleep(PACE).await;
    }
}

async fn once(app: &App, looks: &mut Looks) -> Result<(), store::Error> {
    let Ok(in_force) = app.in_force() else {
        return Ok(());
    };
    let rules = &in_force.document.alerts;
    let troubles = look::troubles(app, &in_force.document, looks).await?;
    let (now, channels) = (app.clock.now(), channels(rules));
    let after = SignedDuration::from_mins(i64::from(rules.after_minutes));
    let mut book = app.alerts.book(app).await?;
    if book.judge(&troubles, now, after, &channels, || app.dice.token()) {
        app.alerts.keep(app, &book).await?;
    }
    send::due(app, &in_force.document, &mut book).await
}
