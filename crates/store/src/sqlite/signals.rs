//! Signals, and the table of dirty records that they end in.

use std::sync::LazyLock;

use jiff::Timestamp;
use record::{Entity, RecordId};
use rusqlite::params;

use super::{
    codes::{Code, LANES, source_bit, sources_of},
    database::{OptionalExtension, Row, Statement},
    fault::Outcome,
    payload,
    session::{Kind, Session, limit, maybe_time, micros, time},
    tally::{Count, Tally},
};
use crate::{
    Accepted, Claim, ClaimRequest, ConnectionName, DeliveryRow, FailingPlace, Lane, Release,
    Signal, Workspace,
};

/// The due time of a record that a worker has: a new signal's own one is always earlier.
const TAKEN: i64 = i64::MAX;

/// Old delivery ids are dropped once in so many deliveries, at most so many at a time.
const PRUNE_EVERY: u32 = 64;
const PRUNE_ROWS: i64 = 512;

/// Marks records dirty. `came`: when; a signal without is taken to have come when it is due. What is due
/// earlier than it came has been waiting since then: a first listing says so of all its records.
pub(super) fn signal(
    session: &Session,
    ws: i64,
    signals: &[Signal],
    came: Option<Timestamp>,
) -> Outcome<()> {
    if signals.is_empty() {
        return Ok(());
    }
    let mut find = session.sql(
        "SELECT lane FROM dirty WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND record = ?4",
    )?;
    let mut insert = session.sql(
        "INSERT INTO dirty (ws, connection, entity, record, lane, due, generation, sources,
                            not_older_than, first_signalled, last_signalled, cause)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?12, ?10, ?11)",
    )?;
    let mut update = session.sql(
        "UPDATE dirty SET
             generation = ?7,
             lane = CASE WHEN lane < ?5 THEN lane ELSE ?5 END,
             due = CASE WHEN backoff = 0 AND due < ?6 THEN due ELSE ?6 END,
             backoff = 0,
             sources = sources | ?8,
             not_older_than = CASE WHEN not_older_than > ?9 THEN not_older_than
                                   ELSE coalesce(?9, not_older_than) END,
             last_signalled = CASE WHEN last_signalled > ?10 THEN last_signalled ELSE ?10 END,
             cause = coalesce(?11, cause)
         WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND record = ?4",
    )?;
    let mut tally = Tally::default();
    for signal in signals {
        let cause = signal
            .cause
            .as_ref()
            .map(|cause| payload::CAUSE.encode(cause))
            .transpose()?;
        let connection = session.connection_number(ws, &signal.connection)?;
        let entity = signal.entity.code();
        let record = signal.record.as_str();
        let lane = signal.lane.code();
        let due = micros(signal.due);
        let generation = session.next_generation();
        let source = source_bit(signal.source);
        let not_older_than = signal.not_older_than.map(micros);
        let came = micros(came.unwrap_or(signal.due));
        let before: Option<i64> = find
            .query_row(params![ws, connection, entity, record], |row| row.get(0))
            .optional()?;
        if let Some(before) = before {
            update.execute(params![
                ws,
                connection,
                entity,
                record,
                lane,
                due,
                generation,
                source,
                not_older_than,
                came,
                cause
            ])?;
            let after = before.min(lane);
            tally.add(
                Count::Dirty {
                    connection,
                    lane: before,
                },
                -1,
            );
            tally.add(
                Count::Dirty {
                    connection,
                    lane: after,
                },
                1,
            );
        } else {
            insert.execute(params![
                ws,
                connection,
                entity,
                record,
                lane,
                due,
                generation,
                source,
                not_older_than,
                came,
                cause,
                due.min(came)
            ])?;
            tally.add(Count::Dirty { connection, lane }, 1);
        }
    }
    tally.save(session, ws)
}

/// Takes a webhook in.
pub(super) fn accept(session: &Session, ws: i64, delivery: &DeliveryRow) -> Outcome<Accepted> {
    let connection = session.connection_number(ws, &delivery.connection)?;
    if let Some(id) = &delivery.delivery {
        let seen: Option<i64> = session
            .sql("SELECT 1 FROM delivery WHERE ws = ?1 AND connection = ?2 AND delivery = ?3")?
            .query_row(params![ws, connection, id], |row| row.get(0))
            .optional()?;
        if seen.is_some() {
            return Ok(Accepted::Duplicate);
        }
    }
    if !delivery.signals.is_empty() && backlog(session, ws)? >= session.max_backlog {
        return Ok(Accepted::Full);
    }
    if let Some(id) = &delivery.delivery {
        session
            .sql("INSERT INTO delivery (ws, connection, delivery, at) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![ws, connection, id, micros(delivery.at)])?;
        prune(session, ws, delivery.at)?;
    }
    signal(session, ws, &delivery.signals, Some(delivery.at))?;
    Ok(Accepted::New)
}

/// How many records of the workspace are dirty.
fn backlog(session: &Session, ws: i64) -> Outcome<i64> {
    session
        .sql("SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM tally WHERE ws = ?1 AND kind = 1")?
        .query_row([ws], |row| row.get(0))
}

fn prune(session: &Session, ws: i64, now: Timestamp) -> Outcome<()> {
    let count = session.unpruned.get() + 1;
    session.unpruned.set(count % PRUNE_EVERY);
    if count < PRUNE_EVERY {
        return Ok(());
    }
    session
        .sql(
            "DELETE FROM delivery WHERE (ws, connection, delivery) IN
                (SELECT ws, connection, delivery FROM delivery
                 WHERE ws = ?1 AND at < ?2 ORDER BY at LIMIT ?3)",
        )?
        .execute(params![
            ws,
            micros(now).saturating_sub(session.remember_deliveries),
            PRUNE_ROWS
        ])?;
    Ok(())
}

/// Leases dirty records.
pub(super) fn claim(
    session: &Session,
    workspace: &Workspace,
    request: &ClaimRequest,
) -> Outcome<Vec<Claim>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let now = micros(request.now);
    let mut connections = Vec::new();
    for name in &request.connections {
        if let Some(id) = session.find(ws, Kind::Connection, name.as_str())? {
            connections.push(id);
            end_old_leases(session, ws, id, now)?;
        }
    }
    let Some((connection, entity)) = most_urgent(session, ws, &connections, request)? else {
        return Ok(Vec::new());
    };
    let mut claims = Vec::new();
    let name = session.connection_name(connection)?;
    let mut select = session.sql(
        "SELECT record, generation, lane, sources, not_older_than, first_signalled,
                last_signalled, attempts, cause
         FROM dirty INDEXED BY dirty_ready
         WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND lane = ?4 AND lease = 0 AND due <= ?5
         ORDER BY due LIMIT ?6",
    )?;
    for lane in LANES.into_iter().filter(|lane| *lane <= request.lane) {
        let rest = request.limit.saturating_sub(claims.len());
        if rest == 0 {
            break;
        }
        let mut rows = select.query(params![
            ws,
            connection,
            entity.code(),
            lane.code(),
            now,
            limit(rest)
        ])?;
        while let Some(row) = rows.next()? {
            claims.push(claim_of(row, name.clone(), entity)?);
        }
    }
    let mut lease = session
        .sql(
            "UPDATE dirty SET lease = ?5, due = ?6, backoff = 0
             WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND record = ?4",
        )?
        .each();
    for claim in &claims {
        lease.add(params![
            ws,
            connection,
            entity.code(),
            claim.record.as_str(),
            micros(request.lease_until).max(1),
            TAKEN
        ])?;
    }
    lease.run()?;
    Ok(claims)
}

/// What a worker had for too long waits again, as of the end of the lease.
fn end_old_leases(session: &Session, ws: i64, connection: i64, now: i64) -> Outcome<()> {
    session
        .sql(
            "UPDATE dirty INDEXED BY dirty_leased
             SET due = CASE WHEN due = ?4 THEN lease ELSE due END, lease = 0
             WHERE ws = ?1 AND connection = ?2 AND lease > 0 AND lease <= ?3",
        )?
        .execute(params![ws, connection, now, TAKEN])?;
    Ok(())
}

/// The numbers of these places, as far as anything is known of them.
fn places(
    session: &Session,
    ws: i64,
    of: &[(ConnectionName, Entity)],
) -> Outcome<Vec<(i64, Entity)>> {
    let mut places = Vec::with_capacity(of.len());
    for (name, entity) in of {
        if let Some(connection) = session.find(ws, Kind::Connection, name.as_str())? {
            places.push((connection, *entity));
        }
    }
    Ok(places)
}

/// When the first free record of each entity is due, of those that have any.
fn first_due(
    session: &Session,
    ws: i64,
    connection: i64,
    lane: Lane,
) -> Outcome<Vec<(Entity, i64)>> {
    // One statement for all: what is asked this often is worth one way to a server and no more.
    static EACH: LazyLock<String> = LazyLock::new(|| {
        let of_one = |entity: &Entity| {
            format!(
                "SELECT {0} AS entity, min(due) AS due FROM dirty INDEXED BY dirty_ready
                 WHERE ws = ?1 AND connection = ?2 AND entity = {0} AND lane = ?3 AND lease = 0",
                entity.code()
            )
        };
        let each: Vec<String> = Entity::ALL.iter().map(of_one).collect();
        each.join(" UNION ALL ")
    });
    let mut statement = session.sql(&EACH)?;
    let mut rows = statement.query(params![ws, connection, lane.code()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if let Some(due) = row.get(1)? {
            found.push((Entity::of_code(row.get(0)?)?, due));
        }
    }
    Ok(found)
}

/// Where the most urgent and oldest due record is.
fn most_urgent(
    session: &Session,
    ws: i64,
    connections: &[i64],
    request: &ClaimRequest,
) -> Outcome<Option<(i64, Entity)>> {
    let except = places(session, ws, &request.except)?;
    for lane in LANES.into_iter().filter(|lane| *lane <= request.lane) {
        let mut due = Vec::new();
        for connection in connections {
            let waiting = first_due(session, ws, *connection, lane)?.into_iter();
            due.extend(waiting.map(|(entity, due)| (entity, due, *connection)));
        }
        due.retain(|(entity, due, connection)| {
            *due <= micros(request.now) && !except.contains(&(*connection, *entity))
        });
        let mut best: Option<(i64, i64, Entity)> = None;
        for entity in Entity::ALL {
            if lane == Lane::Backfill && best.is_some() {
                // In a first sync what others name comes before those who name it.
                break;
            }
            for (_, due, connection) in due.iter().filter(|(of, _, _)| *of == entity) {
                if best.is_none_or(|(oldest, _, _)| *due < oldest) {
                    best = Some((*due, *connection, entity));
                }
            }
        }
        if let Some((_, connection, entity)) = best {
            return Ok(Some((connection, entity)));
        }
    }
    Ok(None)
}

/// Reads a claim from `record, generation, lane, sources, not_older_than, first_signalled, last_signalled,
/// attempts, cause`.
fn claim_of(row: Row<'_>, connection: ConnectionName, entity: Entity) -> Outcome<Claim> {
    let cause: Option<String> = row.get(8)?;
    Ok(Claim {
        connection,
        entity,
        record: RecordId::new(row.get::<_, String>(0)?),
        generation: row.get::<_, i64>(1)?.cast_unsigned(),
        lane: Code::of_code(row.get(2)?)?,
        sources: sources_of(row.get(3)?),
        not_older_than: maybe_time(row.get(4)?)?,
        first_signalled: time(row.get(5)?)?,
        last_signalled: time(row.get(6)?)?,
        attempts: row.get(7)?,
        cause: cause
            .map(|cause| payload::CAUSE.decode(&cause))
            .transpose()?,
    })
}

/// Ends claims that are done. A record with a newer signal stays dirty, with a clean slate.
pub(super) fn settle(session: &Session, ws: i64, claims: &[Claim]) -> Outcome<()> {
    if claims.is_empty() {
        return Ok(());
    }
    let mut find = find_taken(session)?;
    let mut delete = session.sql(
        "DELETE FROM dirty WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND record = ?4",
    )?;
    let mut keep = session.sql(
        "UPDATE dirty SET lease = 0, attempts = 0, error = NULL, backoff = 0
         WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND record = ?4",
    )?;
    let mut tally = Tally::default();
    for claim in claims {
        let connection = session.connection_number(ws, &claim.connection)?;
        let key = params![ws, connection, claim.entity.code(), claim.record.as_str()];
        let Some(taken) = find.query_row(key, Taken::of_row).optional()? else {
            continue;
        };
        if taken.generation == claim.generation.cast_signed() {
            delete.execute(key)?;
            let lane = taken.lane;
            tally.add(Count::Dirty { connection, lane }, -1);
        } else if taken.due < TAKEN {
            keep.execute(key)?;
        } else {
            // Nothing came since it was taken, and not by this worker: another one has it.
            continue;
        }
        tally.add(Count::Failing { connection }, -i64::from(taken.failed));
    }
    tally.save(session, ws)
}

/// What settling and releasing must know of a dirty record.
struct Taken {
    generation: i64,
    lane: i64,
    due: i64,
    failed: bool,
}

impl Taken {
    fn of_row(row: Row<'_>) -> Outcome<Self> {
        Ok(Self {
            generation: row.get(0)?,
            lane: row.get(1)?,
            due: row.get(2)?,
            failed: row.get(3)?,
        })
    }
}

fn find_taken(session: &Session) -> Outcome<Statement<'_>> {
    session.sql(
        "SELECT generation, lane, due, error IS NOT NULL FROM dirty
         WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND record = ?4",
    )
}

/// Gives claims back to be tried again. A newer signal's own due time stands.
pub(super) fn release(session: &Session, ws: i64, releases: &[Release]) -> Outcome<()> {
    if releases.is_empty() {
        return Ok(());
    }
    let mut find = find_taken(session)?;
    let mut update = session.sql(
        "UPDATE dirty SET lease = 0, due = ?5, backoff = ?6, attempts = attempts + ?7, error = ?8
         WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND record = ?4",
    )?;
    let mut tally = Tally::default();
    for release in releases {
        let claim = &release.claim;
        let connection = session.connection_number(ws, &claim.connection)?;
        let entity = claim.entity.code();
        let record = claim.record.as_str();
        let found = find
            .query_row(params![ws, connection, entity, record], Taken::of_row)
            .optional()?;
        let Some(taken) = found else {
            continue;
        };
        let same = taken.generation == claim.generation.cast_signed();
        if !same && taken.due == TAKEN {
            // Another worker has it.
            continue;
        }
        let failed = release.error.is_some();
        update.execute(params![
            ws,
            connection,
            entity,
            record,
            if same { micros(release.due) } else { taken.due },
            same && failed,
            failed && !release.put_off,
            release.error
        ])?;
        tally.add(
            Count::Failing { connection },
            i64::from(failed) - i64::from(taken.failed),
        );
    }
    tally.save(session, ws)
}

/// When the next dirty record is due; one that a worker has is due when its lease ends.
pub(super) fn next_due(
    session: &Session,
    workspace: &Workspace,
    connections: &[ConnectionName],
    except: &[(ConnectionName, Entity)],
) -> Outcome<Option<Timestamp>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(None);
    };
    let except = places(session, ws, except)?;
    let mut leased = session.sql(
        "SELECT min(lease) FROM dirty INDEXED BY dirty_leased
         WHERE ws = ?1 AND connection = ?2 AND lease > 0",
    )?;
    let mut earliest: Option<i64> = None;
    let mut consider = |due: Option<i64>| {
        if let Some(due) = due {
            earliest = Some(earliest.map_or(due, |earliest| earliest.min(due)));
        }
    };
    for name in connections {
        let Some(connection) = session.find(ws, Kind::Connection, name.as_str())? else {
            continue;
        };
        consider(leased.query_row(params![ws, connection], |row| row.get(0))?);
        for lane in LANES {
            for (entity, due) in first_due(session, ws, connection, lane)? {
                if !except.contains(&(connection, entity)) {
                    consider(Some(due));
                }
            }
        }
    }
    maybe_time(earliest)
}

/// Ends all leases.
pub(super) fn end_leases(session: &Session, workspace: &Workspace) -> Outcome<u64> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(0);
    };
    let ended = session
        .sql(
            "UPDATE dirty INDEXED BY dirty_leased
             SET due = CASE WHEN due = ?2 THEN first_signalled ELSE due END, lease = 0
             WHERE ws = ?1 AND lease > 0",
        )?
        .execute(params![ws, TAKEN])?;
    Ok(ended as u64)
}

/// Dirty records whose last try failed, oldest first.
pub(super) fn failing(
    session: &Session,
    workspace: &Workspace,
    connection: Option<&ConnectionName>,
    after: Option<&FailingPlace>,
    at_most: usize,
) -> Outcome<Vec<(Claim, String)>> {
    let Some(ws) = session.find_workspace(workspace)? else {
        return Ok(Vec::new());
    };
    let connection = match connection {
        None => None,
        Some(name) => match session.find(ws, Kind::Connection, name.as_str())? {
            None => return Ok(Vec::new()),
            some => some,
        },
    };
    let (index, narrowed) = if connection.is_some() {
        ("dirty_failing", "AND connection = ?2")
    } else {
        ("dirty_failed", "AND CAST(?2 AS BIGINT) IS NULL")
    };
    let mut statement = session.sql(&format!(
        "SELECT record, generation, lane, sources, not_older_than, first_signalled,
                last_signalled, attempts, cause, connection, entity, error
         FROM dirty INDEXED BY {index}
         WHERE ws = ?1 {narrowed} AND error IS NOT NULL
             AND (first_signalled, record, entity, connection) > (?4, ?5, ?6, ?7)
         ORDER BY first_signalled, record, entity, connection LIMIT ?3"
    ))?;
    let (since, record, entity, of) = match after {
        Some(place) => (
            micros(place.since),
            place.record.as_str(),
            place.entity.code(),
            session
                .find(ws, Kind::Connection, place.connection.as_str())?
                .unwrap_or(i64::MAX),
        ),
        None => (i64::MIN, "", -1, -1),
    };
    let mut rows = statement.query(params![
        ws,
        connection,
        limit(at_most),
        since,
        record,
        entity,
        of
    ])?;
    let mut failing = Vec::new();
    while let Some(row) = rows.next()? {
        let connection = session.connection_name(row.get(9)?)?;
        let claim = claim_of(row, connection, Code::of_code(row.get(10)?)?)?;
        failing.push((claim, row.get(11)?));
    }
    Ok(failing)
}
