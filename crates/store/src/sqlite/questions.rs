//! Waking the records whose question waits for that about another one.
//!
//! Of records that may be one, one question is put. Who waits for it and that it was closed are compared in the
//! transaction that changes either, so that no order of commits, and no death between two, leaves anybody waiting for nothing.

use jiff::Timestamp;
use record::{Entity, RecordId};
use rusqlite::params;

use super::{
    codes::Code, database::OptionalExtension as _, fault::Outcome, payload, reviews::Body,
    session::Session, signals,
};
use crate::{ConnectionName, Lane, Review, ReviewKind, Signal, SignalSource, review::waits_for};

/// A question that was closed or put anew.
pub(super) struct Closed {
    sync: i64,
    entity: Entity,
    kind: ReviewKind,
    subject: String,
}

impl Closed {
    pub(super) fn new(sync: i64, entity: Entity, kind: ReviewKind, subject: &str) -> Self {
        let subject = subject.to_owned();
        Self {
            sync,
            entity,
            kind,
            subject,
        }
    }
}

/// Signals the records that wait for one of these questions, and those of these new ones that wait for a question
/// that nobody is asked. To be called after all of them were stored.
pub(super) fn wake(
    session: &Session,
    ws: i64,
    closed: &[Closed],
    new: &[Review],
    at: Option<Timestamp>,
) -> Outcome<()> {
    let mut woken = Vec::new();
    for question in closed {
        woken.extend(waiting_for(session, ws, question, at)?);
    }
    for review in new {
        let Some(awaited) = review.waits_for() else {
            continue;
        };
        let sync = session.sync_number(ws, &review.sync)?;
        let awaited = Closed::new(sync, review.entity, review.kind, awaited);
        if !is_asked(session, ws, &awaited)? {
            woken.extend(waiting_for(session, ws, &awaited, at)?);
        }
    }
    signals::signal(session, ws, &woken, at)
}

fn waiting_for(
    session: &Session,
    ws: i64,
    question: &Closed,
    at: Option<Timestamp>,
) -> Outcome<Vec<Signal>> {
    let mut statement = session.sql(
        "SELECT body FROM review INDEXED BY review_choice
         WHERE ws = ?1 AND sync = ?2 AND kind = ?3 AND choice = ?4 AND entity = ?5 AND state = 1",
    )?;
    let mut rows = statement.query(params![
        ws,
        question.sync,
        question.kind.code(),
        waits_for(&question.subject),
        question.entity.code()
    ])?;
    let mut woken = Vec::new();
    while let Some(row) = rows.next()? {
        let body: Body<'static> = payload::REVIEW.decode(&row.get::<_, String>(0)?)?;
        let named = |key: &str| body.details[key].as_str();
        if let (Some(connection), Some(record)) = (named("connection"), named("record")) {
            woken.push(Signal {
                connection: ConnectionName::from(connection),
                entity: question.entity,
                record: RecordId::from(record),
                lane: Lane::Reconcile,
                source: SignalSource::Link,
                not_older_than: None,
                due: at.unwrap_or(Timestamp::UNIX_EPOCH),
                cause: None,
            });
        }
    }
    Ok(woken)
}

/// Whether a person is asked this question: it is open, or a person put it off.
fn is_asked(session: &Session, ws: i64, question: &Closed) -> Outcome<bool> {
    let mut statement = session.sql(
        "SELECT choice FROM review INDEXED BY review_waiting
         WHERE ws = ?1 AND sync = ?2 AND kind = ?3 AND subject = ?4 AND entity = ?5 AND state < 2",
    )?;
    let choice: Option<Option<String>> = statement
        .query_row(
            params![
                ws,
                question.sync,
                question.kind.code(),
                question.subject,
                question.entity.code()
            ],
            |row| row.get(0),
        )
        .optional()?;
    Ok(choice
        .is_some_and(|choice| !choice.is_some_and(|choice| crate::review::is_waiting(&choice))))
}
