//! Finding records by their keys.
//!
//! Keys come in no order, so that each one written into their index by itself costs a page of the disk:
//! in a first sync that was more than all else together. New records therefore keep their keys beside
//! them only (`kept`, in the order of rows); once many wait, or nothing else is to be done, they are
//! merged into the index in its own order, where one page takes many of them. `listing.keyed` says up
//! to which row that was done. Who looks for records meanwhile follows the later rows in memory.
//!
//! What makes that safe: for as long as `keyed` stands, the keys of later rows only become more. Before
//! those of one change, or it goes, they are merged.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState},
};

use record::RecordId;
use rusqlite::params;
use serde::Deserialize;

use super::{
    database::{OptionalExtension, Statement},
    fault::Outcome,
    listings::{Place, numbering},
    payload,
    session::{Kind, Session},
};
use crate::Key;

/// So many records wait at most for their keys to be merged into the index.
pub(super) const UNMERGED: i64 = 8192;

/// Records of a place whose keys are not in the index yet, as one session has followed them.
pub(super) struct Recent {
    /// Rows after this one, which is `listing.keyed`.
    after: i64,
    /// Up to this one.
    upto: i64,
    hasher: RandomState,
    /// The first row by the hash of a key; whoever finds one looks at the record's own keys.
    first: HashMap<u64, i64, Hashed>,
    /// The others: few keys have any.
    others: HashMap<u64, Vec<i64>, Hashed>,
}

/// Takes what is a hash already as it is.
type Hashed = BuildHasherDefault<AsIs>;

#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only hashes are hashed");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// A key as it stands in a row.
#[derive(Deserialize)]
struct KeyOf<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

/// Goes through the keys of a row without a copy of each.
fn each_key(kept: &str, mut take: impl FnMut(&str, &str)) -> Outcome<()> {
    match payload::KEYS.borrow::<Vec<KeyOf<'_>>>(kept)? {
        Some(keys) => keys.iter().for_each(|key| take(&key.kind, &key.value)),
        None => {
            let keys = payload::KEYS.decode::<Vec<Key>>(kept)?;
            keys.iter().for_each(|key| take(&key.kind, &key.value));
        }
    }
    Ok(())
}

impl Recent {
    fn after(row: i64) -> Self {
        Self {
            after: row,
            upto: row,
            hasher: RandomState::new(),
            first: HashMap::default(),
            others: HashMap::default(),
        }
    }

    /// Reads the rows that are new since the last time.
    fn follow(&mut self, session: &Session, place: Place) -> Outcome<()> {
        let mut statement = session.sql(
            "SELECT row, keys FROM kept
             WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND row > ?4 ORDER BY row",
        )?;
        let mut rows =
            statement.query(params![place.ws, place.connection, place.entity, self.upto])?;
        while let Some(found) = rows.next()? {
            let row: i64 = found.get(0)?;
            let keys: String = found.get(1)?;
            let Self {
                hasher,
                first,
                others,
                ..
            } = self;
            each_key(&keys, |kind, value| {
                let hash = hasher.hash_one((kind, value));
                match first.entry(hash) {
                    Entry::Vacant(place) => {
                        place.insert(row);
                    }
                    Entry::Occupied(place) if *place.get() == row => {}
                    Entry::Occupied(_) => {
                        let others = others.entry(hash).or_default();
                        if others.last() != Some(&row) {
                            others.push(row);
                        }
                    }
                }
            })?;
            self.upto = row;
        }
        Ok(())
    }

    /// Rows that may carry a key, in their order.
    fn of(&self, key: &Key) -> impl Iterator<Item = i64> {
        let hash = self
            .hasher
            .hash_one((key.kind.as_str(), key.value.as_str()));
        let others = self.others.get(&hash).map_or(&[][..], Vec::as_slice);
        self.first.get(&hash).into_iter().chain(others).copied()
    }
}

/// Records that carry one of these keys, in the order of the keys.
pub(super) fn candidates(
    session: &Session,
    place: Place,
    keys: &[Key],
) -> Outcome<Vec<(Key, RecordId)>> {
    let numbering = numbering(session, place)?;
    let mut followed = session.recent.borrow_mut();
    let recent = followed
        .entry(place)
        .or_insert_with(|| Recent::after(numbering.keyed));
    if recent.after != numbering.keyed {
        *recent = Recent::after(numbering.keyed);
    }
    if recent.upto + 1 < numbering.free {
        recent.follow(session, place)?;
    }
    let mut indexed = session.sql(
        "SELECT r.record FROM record_key k
         JOIN record r INDEXED BY record_row
             ON r.ws = k.ws AND r.connection = k.connection AND r.entity = k.entity AND r.row = k.row
         WHERE k.ws = ?1 AND k.connection = ?2 AND k.entity = ?3 AND k.kind = ?4 AND k.value = ?5
         ORDER BY k.row",
    )?;
    let mut later = session.sql(
        "SELECT r.record, k.keys FROM record r INDEXED BY record_row
         JOIN kept k ON k.ws = r.ws AND k.connection = r.connection AND k.entity = r.entity
             AND k.row = r.row
         WHERE r.ws = ?1 AND r.connection = ?2 AND r.entity = ?3 AND r.row = ?4",
    )?;
    let mut candidates = Vec::new();
    for key in keys {
        if let Some(kind) = session.find(place.ws, Kind::Key, &key.kind)? {
            let mut rows = indexed.query(params![
                place.ws,
                place.connection,
                place.entity,
                kind,
                key.value
            ])?;
            while let Some(row) = rows.next()? {
                candidates.push((key.clone(), RecordId::new(row.get::<_, String>(0)?)));
            }
        }
        for row in recent.of(key) {
            let found: Option<(String, String)> = later
                .query_row(
                    params![place.ws, place.connection, place.entity, row],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            let Some((record, keys)) = found else {
                continue;
            };
            let mut carries = false;
            each_key(&keys, |kind, value| {
                carries |= kind == key.kind && value == key.value;
            })?;
            if carries {
                candidates.push((key.clone(), RecordId::new(record)));
            }
        }
    }
    Ok(candidates)
}

/// Merges the keys of all rows after this one into the index. Returns the last row, from which on
/// `listing.keyed` has to be.
pub(super) fn merge(session: &Session, place: Place, keyed: i64) -> Outcome<i64> {
    let mut last = keyed;
    let mut all: Vec<(i64, String, i64)> = Vec::new();
    {
        let mut statement = session.sql(
            "SELECT row, keys FROM kept
             WHERE ws = ?1 AND connection = ?2 AND entity = ?3 AND row > ?4 ORDER BY row",
        )?;
        let mut rows = statement.query(params![place.ws, place.connection, place.entity, keyed])?;
        while let Some(found) = rows.next()? {
            last = found.get(0)?;
            let keys: String = found.get(1)?;
            for key in payload::KEYS.decode::<Vec<Key>>(&keys)? {
                let kind = session.number(place.ws, Kind::Key, &key.kind)?;
                all.push((kind, key.value, last));
            }
        }
    }
    all.sort_unstable();
    let mut insert = insert(session)?.each();
    for (kind, value, row) in all {
        insert.add(params![
            place.ws,
            place.connection,
            place.entity,
            kind,
            value,
            row
        ])?;
    }
    insert.run()?;
    Ok(last)
}

/// The same, and notes it.
pub(super) fn merge_place(session: &Session, place: Place, keyed: i64) -> Outcome<()> {
    let last = merge(session, place, keyed)?;
    session
        .sql("UPDATE listing SET keyed = ?4 WHERE ws = ?1 AND connection = ?2 AND entity = ?3")?
        .execute(params![place.ws, place.connection, place.entity, last])?;
    Ok(())
}

/// Places with keys that wait to be merged, and up to which row those of each are.
pub(super) fn unmerged(session: &Session) -> Outcome<Vec<(Place, i64)>> {
    let mut statement = session
        .sql("SELECT ws, connection, entity, keyed FROM listing WHERE keyed < next_row - 1")?;
    let places = statement.query_map(params![], |row| {
        let place = Place {
            ws: row.get(0)?,
            connection: row.get(1)?,
            entity: row.get(2)?,
        };
        Ok((place, row.get(3)?))
    })?;
    places.collect()
}

/// Adds keys of a row to the index.
pub(super) fn add(session: &Session, place: Place, row: i64, keys: &[Key]) -> Outcome<()> {
    let mut insert = insert(session)?;
    for key in keys {
        insert.execute(params![
            place.ws,
            place.connection,
            place.entity,
            session.number(place.ws, Kind::Key, &key.kind)?,
            key.value,
            row
        ])?;
    }
    Ok(())
}

fn insert(session: &Session) -> Outcome<Statement<'_>> {
    session.sql(
        "INSERT INTO record_key (ws, connection, entity, kind, value, row)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
    )
}

/// Takes keys of a row, as `kept` has them, out of the index.
pub(super) fn remove(session: &Session, place: Place, row: i64, kept: &str) -> Outcome<()> {
    let mut statement = session.sql(
        "DELETE FROM record_key WHERE ws = ?1 AND connection = ?2 AND entity = ?3
             AND kind = ?4 AND value = ?5 AND row = ?6",
    )?;
    for key in payload::KEYS.decode::<Vec<Key>>(kept)? {
        statement.execute(params![
            place.ws,
            place.connection,
            place.entity,
            session.number(place.ws, Kind::Key, &key.kind)?,
            key.value,
            row
        ])?;
    }
    Ok(())
}
