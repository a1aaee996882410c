//! Questions for a person.

use std::borrow::Cow;

use record::{Entity, RecordId, Side};
use rusqlite::{ToSql, params};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{
    codes::Code,
    database::{OptionalExtension, Row},
    fault::Outcome,
    payload,
    questions::Closed,
    session::{Kind, Session, limit, maybe_time, micros, time, uuid},
};
use crate::{
    Link, LinkId, Question, Review, ReviewFilter, ReviewId, ReviewKind, ReviewState, Workspace,
};

/// What is stored of a review beside its columns.
#[derive(Serialize, Deserialize)]
pub(super) struct Body<'a> {
    summary: Cow<'a, str>,
    pub(super) details: Cow<'a, Json>,
}

/// Opens reviews. One that waits already for an answer to the same question is kept. Those that were put anew come
/// back: what waits for them may have another reason to wait now.
pub(super) fn open(session: &Session, ws: i64, reviews: &[Review]) -> Outcome<Vec<Closed>> {
    let mut anew = Vec::new();
    for review in reviews {
        anew.extend(open_one(session, ws, review)?);
    }
    Ok(anew)
}

fn open_one(session: &Session, ws: i64, review: &Review) -> Outcome<Option<Closed>> {
    let sync = session.sync_number(ws, &review.sync)?;
    let waiting: Option<(i64, i64, Option<String>, String)> = session
        .sql(
            "SELECT seq, state, choice, body FROM review INDEXED BY review_waiting
             WHERE ws = ?1 AND sync = ?2 AND kind = ?3 AND subject = ?4 AND entity = ?5 AND state < 2",
        )?
        .query_row(
            params![
                ws,
                sync,
                review.kind.code(),
                review.subject,
                review.entity.code()
            ],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .optional()?;
    let body = payload::REVIEW.encode(&Body {
        summary: Cow::Borrowed(&review.summary),
        details: Cow::Borrowed(&review.details),
    })?;
    let Some((seq, state, choice, before)) = waiting else {
        session
            .sql(
                "INSERT INTO review (ws, id, sync, entity, kind, subject, state, left_record,
                                     right_record, opened, decided, choice, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                ws,
                review.id.0.as_bytes(),
                sync,
                review.entity.code(),
                review.kind.code(),
                review.subject,
                review.state.code(),
                review.left.as_ref().map(RecordId::as_str),
                review.right.as_ref().map(RecordId::as_str),
                micros(review.opened),
                review.decided.map(micros),
                review.choice,
                body
            ])?;
        return Ok(None);
    };
    let is_put_off = ReviewState::of_code(state)? == ReviewState::Postponed;
    let waited = is_put_off && choice.is_some_and(|choice| crate::review::is_waiting(&choice));
    if review.waits_for().is_some() && !waited {
        // A person is asked already.
        return Ok(None);
    }
    let before: Body<'static> = payload::REVIEW.decode(&before)?;
    let is_same = *before.details == review.details;
    if is_put_off && !waited && is_same {
        return Ok(None);
    }
    session
        .sql(
            "UPDATE review SET state = ?2, left_record = ?3, right_record = ?4, decided = NULL,
                 choice = ?6, body = ?5 WHERE seq = ?1",
        )?
        .execute(params![
            seq,
            review.state.code(),
            review.left.as_ref().map(RecordId::as_str),
            review.right.as_ref().map(RecordId::as_str),
            body,
            review.choice,
        ])?;
    Ok((!waited && !is_same)
        .then(|| Closed::new(sync, review.entity, review.kind, &review.subject)))
}

/// Closes reviews that wait for a person; one that was closed meanwhile stays as it is.
pub(super) fn close(
    session: &Session,
    ws: i64,
    closed: &[(ReviewId, ReviewState, Option<String>)],
    at: Option<i64>,
) -> Outcome<Vec<Closed>> {
    let mut over = Vec::new();
    for (id, state, choice) in closed {
        let at = at.filter(|_| *state != ReviewState::Open);
        let row: Option<(i64, i64, i64, String)> = session
            .sql(
                "UPDATE review SET state = ?3, choice = ?4, decided = ?5
                 WHERE ws = ?1 AND id = ?2 AND state < 2 RETURNING sync, entity, kind, subject",
            )?
            .query_row(
                params![ws, id.0.as_bytes(), state.code(), choice, at],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )
            .optional()?;
        if let Some((sync, entity, kind, subject)) = row
            && matches!(state, ReviewState::Decided | ReviewState::Withdrawn)
        {
            over.push(Closed::new(
                sync,
                Entity::of_code(entity)?,
                ReviewKind::of_code(kind)?,
                &subject,
            ));
        }
    }
    Ok(over)
}

/// Withdraws reviews that wait.
pub(super) fn withdraw(
    session: &Session,
    ws: i64,
    withdrawn: &[Question],
    at: Option<i64>,
) -> Outcome<Vec<Closed>> {
    let mut over = Vec::new();
    for question in withdrawn {
        let Question { kind, subject, .. } = question;
        let sync = session.sync_number(ws, &question.sync)?;
        let entity = question.entity.map(Code::code);
        let mut withdraw = session.sql(
            "UPDATE review INDEXED BY review_waiting SET state = 3, decided = ?5
             WHERE ws = ?1 AND sync = ?2 AND kind = ?3 AND subject = ?4
                 AND entity = coalesce(?6, entity) AND state < 2
             RETURNING entity",
        )?;
        let mut rows = withdraw.query(params![ws, sync, kind.code(), subject, at, entity])?;
        while let Some(row) = rows.next()? {
            let entity = Entity::of_code(row.get(0)?)?;
            over.push(Closed::new(sync, entity, *kind, subject));
        }
    }
    Ok(over)
}

/// Withdraws what was asked about records that got a link: who they are, and what became of their create.
/// Such a question has the side and the record as its subject. The link is the reason that is kept.
pub(super) fn withdraw_linked(
    session: &Session,
    ws: i64,
    links: &[&Link],
    at: Option<i64>,
) -> Outcome<Vec<Closed>> {
    let mut over = Vec::new();
    let kinds = [
        ReviewKind::Ambiguous,
        ReviewKind::UnprovenCreate,
        ReviewKind::Refused,
    ];
    for of_sync in links.chunk_by(|one, other| one.sync == other.sync) {
        let sync = session.sync_number(ws, &of_sync[0].sync)?;
        for kind in kinds {
            // Mostly nothing waits, and then a first sync asks once for each batch.
            let waits: bool = session
                .sql(
                    "SELECT EXISTS (SELECT 1 FROM review INDEXED BY review_waiting
                     WHERE ws = ?1 AND sync = ?2 AND kind = ?3 AND state < 2)",
                )?
                .query_row(params![ws, sync, kind.code()], |row| row.get(0))?;
            if !waits {
                continue;
            }
            let mut withdraw = session.sql(
                "UPDATE review INDEXED BY review_waiting SET state = 3, choice = ?6, decided = ?7
                 WHERE ws = ?1 AND sync = ?2 AND kind = ?3 AND subject = ?4 AND entity = ?5
                     AND state < 2",
            )?;
            for link in of_sync {
                for side in Side::BOTH {
                    let subject = format!("{side}:{}", link.record(side));
                    let rows = withdraw.execute(params![
                        ws,
                        sync,
                        kind.code(),
                        subject,
                        link.entity.code(),
                        format!("linked with {}", link.record(side.other())),
                        at
                    ])?;
                    if rows > 0 {
                        over.push(Closed::new(sync, link.entity, kind, &subject));
                    }
                }
            }
        }
    }
    Ok(over)
}

/// Withdraws what was asked about fields of a link that ended: their subjects begin with its id.
pub(super) fn withdraw_of_link(
    session: &Session,
    ws: i64,
    sync: i64,
    link: LinkId,
    at: Option<i64>,
) -> Outcome<()> {
    let first = link.to_string();
    let last = format!("{first}\u{10ffff}");
    for kind in [ReviewKind::Conflict, ReviewKind::Refused, ReviewKind::Lossy] {
        session
            .sql(
                "UPDATE review INDEXED BY review_waiting SET state = 3, decided = ?6
                 WHERE ws = ?1 AND sync = ?2 AND kind = ?3 AND subject >= ?4 AND subject < ?5
                     AND state < 2",
            )?
            .execute(params![ws, sync, kind.code(), first, last, at])?;
    }
    Ok(())
}

const COLUMNS: &str = "id, sync, entity, kind, subject, left_record, right_record, state, choice, \
                       opened, decided, body";

fn review_of(session: &Session, row: Row<'_>) -> Outcome<Review> {
    let body: Body<'static> = payload::REVIEW.decode(&row.get::<_, String>(11)?)?;
    Ok(Review {
        id: ReviewId(uuid(
            row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?,
        )?),
        sync: session.sync_name(row.get(1)?)?,
        entity: Code::of_code(row.get(2)?)?,
        kind: Code::of_code(row.get(3)?)?,
        subject: row.get(4)?,
        left: row.get::<_, Option<String>>(5)?.map(RecordId::new),
        right: row.get::<_, Option<String>>(6)?.map(RecordId::new),
        state: Code::of_code(row.get(7)?)?,
        choice: row.get(8)?,
        opened: time(row.get(9)?)?,
        decided: maybe_time(row.get(10)?)?,
        summary: body.summary.into_owned(),
        details: body.details.into_owned(),
    })
}

/// One review.
pub(super) fn one(
    session: &Session,
    workspace: &Workspace,
    id: ReviewId,
) -> Outcome<Option<Review>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(None);
    };
    let mut statement = session.sql(&format!(
        "SELECT {COLUMNS} FROM review WHERE ws = ?1 AND id = ?2"
    ))?;
    let mut rows = statement.query(params![ws, id.0.as_bytes()])?;
    rows.next()?.map(|row| review_of(session, row)).transpose()
}

/// Reviews after this number, each with its own, oldest first.
pub(super) fn after(
    session: &Session,
    workspace: &Workspace,
    after: i64,
    at_most: usize,
) -> Outcome<Vec<(i64, Review)>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let mut statement = session.sql(&format!(
        "SELECT {COLUMNS}, seq FROM review NOT INDEXED WHERE ws = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"
    ))?;
    let mut rows = statement.query(params![ws, after, limit(at_most)])?;
    let mut reviews = Vec::new();
    while let Some(row) = rows.next()? {
        reviews.push((row.get(12)?, review_of(session, row)?));
    }
    Ok(reviews)
}

/// Lists reviews in the order of opening.
pub(super) fn list(
    session: &Session,
    workspace: &Workspace,
    filter: &ReviewFilter,
) -> Outcome<Vec<Review>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let sync = match &filter.sync {
        None => None,
        Some(sync) => match session.find(ws, Kind::Sync, sync.as_str())? {
            None => return Ok(Vec::new()),
            some => some,
        },
    };
    let of_some = sync.is_some() || filter.kind.is_some();
    let found = if filter.records.is_none() && filter.state.is_some() && of_some {
        let syncs = match sync {
            Some(sync) => vec![sync],
            None => session
                .sql("SELECT id FROM name WHERE ws = ?1 AND kind = ?2")?
                .query_map(params![ws, Kind::Sync.code()], |row| row.get(0))?
                .collect::<Outcome<_>>()?,
        };
        let kinds = filter
            .kind
            .map_or(ReviewKind::ALL.to_vec(), |kind| vec![kind]);
        // Of each kind by itself: between those of a rare one there may be very many others.
        let mut found = Vec::new();
        for sync in syncs {
            for kind in &kinds {
                found.extend(list_of(session, ws, filter, Some(sync), Some(*kind))?);
            }
        }
        found.sort_by_key(|(seq, _)| *seq);
        if filter.limit > 0 {
            found.truncate(filter.limit);
        }
        found
    } else {
        list_of(session, ws, filter, sync, filter.kind)?
    };
    Ok(found.into_iter().map(|(_, review)| review).collect())
}

/// Reviews of one sync and kind, or of all, each with its number.
fn list_of(
    session: &Session,
    ws: i64,
    filter: &ReviewFilter,
    sync: Option<i64>,
    kind: Option<ReviewKind>,
) -> Outcome<Vec<(i64, Review)>> {
    // A record has few reviews and a workspace may have very many: with records, only theirs are looked up.
    let column = if filter.records.is_some() { "+" } else { "" };
    let index = match (&filter.records, filter.state) {
        (None, Some(_)) if sync.is_some() && kind.is_some() => "INDEXED BY review_state",
        (None, Some(_)) => "INDEXED BY review_order",
        _ => "",
    };
    let mut sql = format!("SELECT {COLUMNS}, seq FROM review {index} WHERE {column}ws = ?1");
    if filter.waiting {
        sql.push_str(" AND state = 1 AND substr(choice, 1, 10) = 'waits for '");
    }
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(ws)];
    let mut narrow = |condition: &str, value: Box<dyn ToSql>| {
        values.push(value);
        sql.push_str(&condition.replace('$', &format!("?{}", values.len())));
    };
    if let Some(sync) = sync {
        narrow(&format!(" AND {column}sync = $"), Box::new(sync));
    }
    if let Some(state) = filter.state {
        narrow(&format!(" AND {column}state = $"), Box::new(state.code()));
    }
    if let Some(kind) = kind {
        narrow(&format!(" AND {column}kind = $"), Box::new(kind.code()));
    }
    if let Some(records) = &filter.records {
        let ids: Vec<&str> = records.iter().map(RecordId::as_str).collect();
        narrow(
            " AND seq IN (
                SELECT seq FROM review WHERE ws = ?1 AND left_record IN (SELECT value FROM json_each($))
                UNION
                SELECT seq FROM review WHERE ws = ?1 AND right_record IN (SELECT value FROM json_each($)))",
            Box::new(Json::from(ids).to_string()),
        );
    }
    if let Some(after) = filter.after {
        narrow(
            " AND seq > (SELECT seq FROM review WHERE ws = ?1 AND id = $)",
            Box::new(after.0.as_bytes().to_vec()),
        );
    }
    narrow(" ORDER BY seq LIMIT $", Box::new(limit(filter.limit)));
    let mut statement = session.sql(&sql)?;
    let mut rows = statement.query(values.as_slice())?;
    let mut reviews = Vec::new();
    while let Some(row) = rows.next()? {
        reviews.push((row.get(12)?, review_of(session, row)?));
    }
    Ok(reviews)
}
