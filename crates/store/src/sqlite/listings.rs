//! What is known of each record: hash, keys, and the reading until it is linked.

use std::collections::BTreeMap;

use record::{Entity, Read, RecordId};
use rusqlite::params;

use super::{
    codes::Code,
    database::{OptionalExtension, Row},
    fault::Outcome,
    keys, payload,
    session::{Session, limit},
};
use crate::{ConnectionName, Known, Snapshot, Workspace};

/// One entity of one connection of one workspace, as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) ws: i64,
    pub(super) connection: i64,
    pub(super) entity: i64,
}

impl Place {
    /// The place, if anything was ever stored of its connection.
    pub(super) fn find(
        session: &Session,
        workspace: &Workspace,
        connection: &ConnectionName,
        entity: Entity,
    ) -> Outcome<Option<Self>> {
        Ok(session
            .find_connection(workspace, connection)?
            .map(|(ws, connection)| Self {
                ws,
                connection,
                entity: entity.code(),
            }))
    }

    /// The place; for writing commands.
    pub(super) fn of(
        session: &Session,
        ws: i64,
        connection: &ConnectionName,
        entity: Entity,
    ) -> Outcome<Self> {
        Ok(Self {
            ws,
            connection: session.connection_number(ws, connection)?,
            entity: entity.code(),
        })
    }
}

/// How the records of a place are counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbering {
    /// The next free row number.
    pub(super) free: i64,
    /// How many records are known.
    pub(super) records: i64,
    /// The keys of rows up to this one are in the index; see keys.rs.
    pub(super) keyed: i64,
}

/// How the records of a place are counted.
pub(super) fn numbering(session: &Session, place: Place) -> Outcome<Numbering> {
    Ok(session
        .sql(
            "SELECT next_row, records, keyed FROM listing
             WHERE ws = ?1 AND connection = ?2 AND entity = ?3",
        )?
        .query_row(params![place.ws, place.connection, place.entity], |row| {
            Ok(Numbering {
                free: row.get(0)?,
                records: row.get(1)?,
                keyed: row.get(2)?,
            })
        })
        .optional()?
        .unwrap_or(Numbering {
            free: 1,
            records: 0,
            keyed: 0,
        }))
}

/// What is known of listed records.
pub(super) fn known(
    session: &Session,
    place: Place,
    ids: &[RecordId],
) -> Outcome<Vec<Option<Known>>> {
    // A sweep asks this of every record there is: what can be asked once is asked once.
    let any_dirty: bool = session
        .sql("SELECT EXISTS (SELECT 1 FROM tally WHERE ws = ?1 AND kind = 1 AND a = ?2 AND n > 0)")?
        .query_row(params![place.ws, place.connection], |row| row.get(0))?;
    let mut statement = session.sql(
        "SELECT row, coalesce(list_hash, 0), ?5 AND EXISTS (
             SELECT 1 FROM dirty
             WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND record = ?4)
         FROM record WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND record = ?4",
    )?;
    let mut known = Vec::with_capacity(ids.len());
    for id in ids {
        let mut rows = statement.query(params![
            place.ws,
            place.connection,
            place.entity,
            id.as_str(),
            any_dirty
        ])?;
        known.push(match rows.next()? {
            None => None,
            Some(row) => Some(Known {
                row: row.get(0)?,
                list_hash: row.get::<_, i64>(1)?.cast_unsigned(),
                dirty: row.get(2)?,
            }),
        });
    }
    Ok(known)
}

/// How many records are known.
pub(super) fn known_count(session: &Session, place: Place) -> Outcome<u64> {
    Ok(numbering(session, place)?.records.cast_unsigned())
}

/// Keeps snapshots. Returns their rows, in order.
pub(super) fn keep<'a>(
    session: &Session,
    ws: i64,
    snapshots: impl IntoIterator<Item = &'a Snapshot>,
) -> Outcome<Vec<i64>> {
    let mut numberings: BTreeMap<Place, Numbering> = BTreeMap::new();
    let mut rows = Vec::new();
    for snapshot in snapshots {
        let place = Place::of(session, ws, &snapshot.connection, snapshot.entity)?;
        let numbering = match numberings.get_mut(&place) {
            Some(numbering) => numbering,
            None => numberings
                .entry(place)
                .or_insert(numbering(session, place)?),
        };
        rows.push(keep_one(session, place, snapshot, numbering)?);
    }
    let mut save = session.sql(
        "INSERT INTO listing (ws, connection, entity, next_row, records, keyed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (ws, connection, entity)
         DO UPDATE SET next_row = excluded.next_row, records = excluded.records,
             keyed = excluded.keyed",
    )?;
    for (place, mut numbering) in numberings {
        if numbering.free - 1 - numbering.keyed >= keys::UNMERGED {
            numbering.keyed = keys::merge(session, place, numbering.keyed)?;
        }
        save.execute(params![
            place.ws,
            place.connection,
            place.entity,
            numbering.free,
            numbering.records,
            numbering.keyed
        ])?;
    }
    Ok(rows)
}

/// Keeps one snapshot; moves the numbering. The keys of a new record are merged into their index later.
fn keep_one(
    session: &Session,
    place: Place,
    snapshot: &Snapshot,
    numbering: &mut Numbering,
) -> Outcome<i64> {
    let id = snapshot.record.as_str();
    let hash = snapshot.list_hash.map(u64::cast_signed);
    let keys = payload::KEYS.encode(&snapshot.keys)?;
    let body = snapshot
        .read
        .as_ref()
        .map(|read| payload::READ.encode(read))
        .transpose()?;
    let known: Option<(i64, Option<i64>)> = session
        .sql(
            "SELECT row, list_hash FROM record
             WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND record = ?4",
        )?
        .query_row(
            params![place.ws, place.connection, place.entity, id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((row, before)) = known else {
        let row = numbering.free;
        numbering.free += 1;
        numbering.records += 1;
        session
            .sql(
                "INSERT INTO record (ws, connection, entity, record, row, list_hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                place.ws,
                place.connection,
                place.entity,
                id,
                row,
                hash
            ])?;
        session
            .sql(
                "INSERT INTO kept (ws, connection, entity, row, keys, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                place.ws,
                place.connection,
                place.entity,
                row,
                keys,
                body
            ])?;
        return Ok(row);
    };
    if hash.is_some() && hash != before {
        session
            .sql(
                "UPDATE record SET list_hash = ?5
                 WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND record = ?4",
            )?
            .execute(params![place.ws, place.connection, place.entity, id, hash])?;
    }
    let (keys_before, body_before): (String, Option<String>) = session
        .sql(
            "SELECT keys, body FROM kept
             WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND row = ?4",
        )?
        .query_row(
            params![place.ws, place.connection, place.entity, row],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
    if let (Some(read), Some(before)) = (&snapshot.read, &body_before)
        && body != body_before
        && payload::READ.decode::<Read>(before)?.is_newer_than(read)
    {
        return Ok(row);
    }
    if keys != keys_before {
        if row > numbering.keyed {
            numbering.keyed = keys::merge(session, place, numbering.keyed)?;
        }
        keys::remove(session, place, row, &keys_before)?;
        keys::add(session, place, row, &snapshot.keys)?;
    }
    if keys != keys_before || body != body_before {
        session
            .sql(
                "UPDATE kept SET keys = ?5, body = ?6
                 WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND row = ?4",
            )?
            .execute(params![
                place.ws,
                place.connection,
                place.entity,
                row,
                keys,
                body
            ])?;
    }
    Ok(row)
}

/// Forgets records that are gone.
pub(super) fn forget(
    session: &Session,
    ws: i64,
    gone: &[(ConnectionName, Entity, RecordId)],
) -> Outcome<()> {
    for (connection, entity, record) in gone {
        let place = Place::of(session, ws, connection, *entity)?;
        let row: Option<i64> = session
            .sql(
                "SELECT row FROM record
                 WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND record = ?4",
            )?
            .query_row(
                params![ws, place.connection, place.entity, record.as_str()],
                |row| row.get(0),
            )
            .optional()?;
        let Some(row) = row else {
            continue;
        };
        let keys: String = session
            .sql(
                "SELECT keys FROM kept
                 WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND row = ?4",
            )?
            .query_row(params![ws, place.connection, place.entity, row], |row| {
                row.get(0)
            })?;
        let keyed = numbering(session, place)?.keyed;
        if row > keyed {
            keys::merge_place(session, place, keyed)?;
        }
        keys::remove(session, place, row, &keys)?;
        for sql in [
            "DELETE FROM kept WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND row = ?4",
            "DELETE FROM record WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND row = ?4",
        ] {
            session
                .sql(sql)?
                .execute(params![ws, place.connection, place.entity, row])?;
        }
        session
            .sql(
                "UPDATE listing SET records = records - 1
                 WHERE ws = ?1 AND connection = ?2 AND entity = ?3",
            )?
            .execute(params![ws, place.connection, place.entity])?;
    }
    Ok(())
}

/// What is kept of records.
pub(super) fn snapshots(
    session: &Session,
    place: Place,
    connection: &ConnectionName,
    entity: Entity,
    ids: &[RecordId],
) -> Outcome<Vec<Option<Snapshot>>> {
    let mut statement = session.sql(
        "SELECT r.record, r.list_hash, k.keys, k.body FROM record r
         JOIN kept k ON k.ws = r.ws AND k.connection = r.connection AND k.entity = r.entity
             AND k.row = r.row
         WHERE r.ws = ?1 AND r.connection = ?2 AND r.entity = ?3 AND r.record = ?4",
    )?;
    let mut snapshots = Vec::with_capacity(ids.len());
    for id in ids {
        let mut rows = statement.query(params![
            place.ws,
            place.connection,
            place.entity,
            id.as_str()
        ])?;
        snapshots.push(match rows.next()? {
            Some(row) => Some(snapshot_of(row, connection, entity)?),
            None => None,
        });
    }
    Ok(snapshots)
}

/// What is kept of records in the order of rows.
pub(super) fn snapshots_after(
    session: &Session,
    place: Place,
    connection: &ConnectionName,
    entity: Entity,
    after: i64,
    at_most: usize,
) -> Outcome<Vec<(i64, Snapshot)>> {
    let mut statement = session.sql(
        "SELECT r.record, r.list_hash, k.keys, k.body, r.row
         FROM record r INDEXED BY record_row
         JOIN kept k ON k.ws = r.ws AND k.connection = r.connection AND k.entity = r.entity
             AND k.row = r.row
         WHERE r.ws = ?1 AND r.connection = ?2 AND r.entity = ?3 AND r.row > ?4
         ORDER BY r.row LIMIT ?5",
    )?;
    let mut rows = statement.query(params![
        place.ws,
        place.connection,
        place.entity,
        after,
        limit(at_most)
    ])?;
    let mut snapshots = Vec::new();
    while let Some(row) = rows.next()? {
        snapshots.push((row.get(4)?, snapshot_of(row, connection, entity)?));
    }
    Ok(snapshots)
}

/// Reads a snapshot from `record, list_hash, keys, body`.
fn snapshot_of(row: Row<'_>, connection: &ConnectionName, entity: Entity) -> Outcome<Snapshot> {
    let keys: String = row.get(2)?;
    let body: Option<String> = row.get(3)?;
    Ok(Snapshot {
        connection: connection.clone(),
        entity,
        read: body
            .map(|body| payload::READ.decode::<Read>(&body))
            .transpose()?,
        record: RecordId::new(row.get::<_, String>(0)?),
        keys: payload::KEYS.decode(&keys)?,
        list_hash: row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned),
    })
}
