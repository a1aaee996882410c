//! Sending what is to be told, in order and until it arrived.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use workflow::{Act, Outcome};

use super::book::{Book, Letter, Word};
use crate::{app::App, config::Document};

/// How long after each failed try the next comes; the last one again and again.
const WAITS: [SignedDuration; 5] = [
    SignedDuration::from_secs(15),
    SignedDuration::from_mins(1),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(15),
    SignedDuration::from_hours(1),
];

/// So often it is tried: for about three days.
const TRIES: u32 = 75;

/// A way to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Channel {
    /// By the mail server of the config.
    Email,
    /// A request to the address of the config.
    Webhook,
}

/// Sends what is due. What cannot be sent keeps what follows it on its channel waiting, so that nobody hears of an end
/// before the beginning.
pub(super) async fn due(
    app: &App,
    document: &Document,
    book: &mut Book,
) -> Result<(), store::Error> {
    let mut at = 0;
    let mut stuck = Vec::new();
    while at < book.letters.len() {
        let letter = &book.letters[at];
        let now = app.clock.now();
        if stuck.contains(&letter.channel) {
            at += 1;
            continue;
        }
        if letter.due > now {
            stuck.push(letter.channel);
            at += 1;
            continue;
        }
        let sent = send(app, document, letter).await;
        if settle(&mut book.letters, at, sent, app.clock.now()) {
            stuck.push(book.letters[at].channel);
            at += 1;
        }
        app.alerts.keep(app, book).await?;
    }
    Ok(())
}

/// Notes how a try went. Says whether the message still waits.
fn settle(letters: &mut Vec<Letter>, at: usize, sent: Result<(), String>, now: Timestamp) -> bool {
    let letter = &mut letters[at];
    let (id, channel) = (letter.id.clone(), letter.channel);
    match sent {
        Ok(()) => {
            tracing::info!(id, ?channel, "an alert was sent");
            letters.remove(at);
            false
        }
        Err(why) => {
            letter.tries += 1;
            if letter.tries >= TRIES {
                tracing::error!(
                    id,
                    ?channel,
                    why,
                    "an alert could not be sent and is given up"
                );
                letters.remove(at);
                return false;
            }
            tracing::warn!(id, ?channel, why, "an alert could not be sent yet");
            let wait = WAITS[(letter.tries as usize - 1).min(WAITS.len() - 1)];
            letter.due = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
            letter.error = Some(why);
            true
        }
    }
}

/// Sends one message now. The error holds no secret.
async fn send(app: &App, document: &Document, letter: &Letter) -> Result<(), String> {
    let act = match letter.channel {
        Channel::Email => Act::Email {
            to: document.alerts.email.join(", "),
            subject: letter.subject(),
            text: letter.text(),
        },
        Channel::Webhook => {
            let address = document.alerts.webhook.as_deref().unwrap_or_default();
            let address = match address.starts_with("env:") || address.starts_with("file:") {
                true => connections::secret(address)?.expose().to_owned(),
                false => address.to_owned(),
            };
            Act::Http {
                method: "POST".to_owned(),
                url: address,
                headers: BTreeMap::from([("idempotency-key".to_owned(), letter.id.clone())]),
                query: Vec::new(),
                body: body(letter),
                timeout: 20,
                repeatable: true,
            }
        }
    };
    match app.web.perform(&act).await {
        Outcome::Done(_) => Ok(()),
        Outcome::Failed(failure) => Err(failure.message),
        Outcome::Unknown(why) => Err(why),
    }
}

/// What a webhook gets. Chats show its `text`.
fn body(letter: &Letter) -> Json {
    let incident = letter.incident.as_ref();
    json!({
        "id": letter.id,
        "state": letter.word,
        "kind": incident.map(|incident| incident.kind),
        "about": incident.map(|incident| &incident.about),
        "why": incident.map(|incident| &incident.why),
        "since": incident.map(|incident| incident.since),
        "until": incident.filter(|_| letter.word == Word::Over).and_then(|incident| incident.clear),
        "text": format!("{}\n{}", letter.subject(), letter.text()),
    })
}

/// Sends a test on each channel now: what came of it, by channel.
pub(crate) async fn test(app: &App, document: &Document) -> Vec<(Channel, Result<(), String>)> {
    let mut results = Vec::new();
    let id = format!("{:.16}-test", app.dice.token());
    for channel in super::channels(&document.alerts) {
        let letter = Letter::new(Word::Test, channel, None, id.clone(), app.clock.now());
        results.push((channel, send(app, document, &letter).await));
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_tried_later_and_given_up_in_the_end() {
        let letter = Letter::new(
            Word::Test,
            Channel::Email,
            None,
            "a".to_owned(),
            Timestamp::UNIX_EPOCH,
        );
        let mut letters = vec![letter];
        let mut now = Timestamp::UNIX_EPOCH;
        let mut tries = 0;
        while !letters.is_empty() {
            tries += 1;
            settle(&mut letters, 0, Err("no".to_owned()), now);
            if let Some(letter) = letters.first() {
                assert!(letter.due > now && letter.error.is_some());
                now = letter.due;
            }
        }
        assert_eq!(tries, TRIES);
        let days = now.duration_since(Timestamp::UNIX_EPOCH).as_hours() / 24;
        assert!((2..4).contains(&days), "{days}");
    }
}
