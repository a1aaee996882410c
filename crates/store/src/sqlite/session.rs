//! One connection to the database with what its commands share: names as small numbers, generations.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    sync::Arc,
};

use jiff::Timestamp;
use rusqlite::params;
use uuid::Uuid;

use super::{
    database::{Database, OptionalExtension, Statement},
    fault::{Fault, Outcome},
    keys::Recent,
    listings::Place,
    options::Options,
    writer::Flush,
};
use crate::{ConnectionName, Error, SyncName, Workspace};

/// What a small number stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Connection,
    Sync,
    Key,
}

impl Kind {
    pub(super) fn code(self) -> i64 {
        match self {
            Self::Connection => 1,
            Self::Sync => 2,
            Self::Key => 3,
        }
    }
}

/// The numbers of names, by workspace and kind.
type Numbers = HashMap<(i64, Kind), HashMap<Arc<str>, i64>>;

/// One connection to the database.
pub(crate) struct Session {
    /// The connection itself.
    pub(crate) database: Database,
    /// Deliveries are refused when so many records are dirty.
    pub(super) max_backlog: i64,
    /// How long delivery ids are remembered, in microseconds.
    pub(super) remember_deliveries: i64,
    /// Deliveries taken in since old ones were dropped.
    pub(super) unpruned: Cell<u32>,
    /// How commits flush the disk right now; `None`: not set yet.
    pub(super) flush: Cell<Option<Flush>>,
    /// Records whose keys are not in their index yet, as far as this session has followed them.
    pub(super) recent: RefCell<HashMap<Place, Recent>>,
    generation: Cell<i64>,
    workspaces: RefCell<HashMap<Workspace, i64>>,
    numbers: RefCell<Numbers>,
    names: RefCell<HashMap<i64, Arc<str>>>,
}

impl Session {
    /// `opening`: how often the database was opened; it keeps the generations of two processes apart.
    pub(crate) fn new(database: Database, options: &Options, opening: i64) -> Self {
        Self {
            database,
            max_backlog: i64::try_from(options.max_backlog).unwrap_or(i64::MAX),
            remember_deliveries: i64::from(options.remember_deliveries_hours) * 3_600_000_000,
            unpruned: Cell::new(0),
            flush: Cell::new(None),
            recent: RefCell::default(),
            generation: Cell::new(opening << 40),
            workspaces: RefCell::default(),
            numbers: RefCell::default(),
            names: RefCell::default(),
        }
    }

    /// A generation that no dirty record has had: a row that went and came back must not look like
    /// the one that an old claim is about.
    pub(super) fn next_generation(&self) -> i64 {
        let next = self.generation.get() + 1;
        self.generation.set(next);
        next
    }

    /// Goes on from the generations of a session of the same opening whose connection was lost.
    pub(crate) fn go_on_from(&self, lost: &Self) {
        self.generation.set(lost.generation.get());
    }

    /// Forgets the cached numbers: a rollback may have taken some back.
    pub(crate) fn forget(&self) {
        self.workspaces.borrow_mut().clear();
        self.numbers.borrow_mut().clear();
        self.names.borrow_mut().clear();
        self.recent.borrow_mut().clear();
    }

    /// A prepared statement.
    pub(super) fn sql(&self, sql: &str) -> Outcome<Statement<'_>> {
        self.database.sql(sql)
    }

    /// The workspace's number, if anything was ever stored in it.
    pub(super) fn find_workspace(&self, workspace: &Workspace) -> Outcome<Option<i64>> {
        if let Some(id) = self.workspaces.borrow().get(workspace) {
            return Ok(Some(*id));
        }
        let found: Option<i64> = self
            .sql("SELECT id FROM workspace WHERE name = ?1")?
            .query_row([workspace.as_str()], |row| row.get(0))
            .optional()?;
        if let Some(id) = found {
            self.workspaces.borrow_mut().insert(workspace.clone(), id);
        }
        Ok(found)
    }

    /// The workspace's number; for writing commands.
    pub(super) fn workspace(&self, workspace: &Workspace) -> Outcome<i64> {
        if let Some(id) = self.find_workspace(workspace)? {
            return Ok(id);
        }
        let id = self
            .sql("INSERT INTO workspace (name) VALUES (?1) RETURNING id")?
            .query_row([workspace.as_str()], |row| row.get(0))?;
        self.workspaces.borrow_mut().insert(workspace.clone(), id);
        Ok(id)
    }

    /// The number of a name, if it was ever stored.
    pub(super) fn find(&self, ws: i64, kind: Kind, name: &str) -> Outcome<Option<i64>> {
        if let Some(id) = self
            .numbers
            .borrow()
            .get(&(ws, kind))
            .and_then(|numbers| numbers.get(name))
        {
            return Ok(Some(*id));
        }
        let found: Option<i64> = self
            .sql("SELECT id FROM name WHERE ws = ?1 AND kind = ?2 AND name = ?3")?
            .query_row(params![ws, kind.code(), name], |row| row.get(0))
            .optional()?;
        if let Some(id) = found {
            self.remember(ws, kind, name.into(), id);
        }
        Ok(found)
    }

    /// The number of a name; for writing commands.
    pub(super) fn number(&self, ws: i64, kind: Kind, name: &str) -> Outcome<i64> {
        if let Some(id) = self.find(ws, kind, name)? {
            return Ok(id);
        }
        let id = self
            .sql("INSERT INTO name (ws, kind, name) VALUES (?1, ?2, ?3) RETURNING id")?
            .query_row(params![ws, kind.code(), name], |row| row.get(0))?;
        self.remember(ws, kind, name.into(), id);
        Ok(id)
    }

    fn remember(&self, ws: i64, kind: Kind, name: Arc<str>, id: i64) {
        self.names.borrow_mut().insert(id, name.clone());
        self.numbers
            .borrow_mut()
            .entry((ws, kind))
            .or_default()
            .insert(name, id);
    }

    /// The name of a number.
    pub(super) fn name(&self, id: i64) -> Outcome<Arc<str>> {
        if let Some(name) = self.names.borrow().get(&id) {
            return Ok(name.clone());
        }
        let name: Arc<str> = self
            .sql("SELECT name FROM name WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?;
        self.names.borrow_mut().insert(id, name.clone());
        Ok(name)
    }

    /// The connection's number; for writing commands.
    pub(super) fn connection_number(&self, ws: i64, name: &ConnectionName) -> Outcome<i64> {
        self.number(ws, Kind::Connection, name.as_str())
    }

    /// The sync's number; for writing commands.
    pub(super) fn sync_number(&self, ws: i64, name: &SyncName) -> Outcome<i64> {
        self.number(ws, Kind::Sync, name.as_str())
    }

    /// Workspace and connection, if anything was ever stored of them.
    pub(super) fn find_connection(
        &self,
        workspace: &Workspace,
        name: &ConnectionName,
    ) -> Outcome<Option<(i64, i64)>> {
        self.find_in(workspace, Kind::Connection, name.as_str())
    }

    /// Workspace and sync, if anything was ever stored of them.
    pub(super) fn find_sync(
        &self,
        workspace: &Workspace,
        name: &SyncName,
    ) -> Outcome<Option<(i64, i64)>> {
        self.find_in(workspace, Kind::Sync, name.as_str())
    }

    fn find_in(
        &self,
        workspace: &Workspace,
        kind: Kind,
        name: &str,
    ) -> Outcome<Option<(i64, i64)>> {
        let Some(ws) = self.find_workspace(workspace)? else {
            return Ok(None);
        };
        Ok(self.find(ws, kind, name)?.map(|id| (ws, id)))
    }

    /// The connection of a number.
    pub(super) fn connection_name(&self, id: i64) -> Outcome<ConnectionName> {
        Ok(ConnectionName::new(self.name(id)?))
    }

    /// The sync of a number.
    pub(super) fn sync_name(&self, id: i64) -> Outcome<SyncName> {
        Ok(SyncName::new(self.name(id)?))
    }
}

/// A point in time as it is stored: microseconds UTC.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A stored point in time.
pub(super) fn time(micros: i64) -> Outcome<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|error| {
        Fault::Refused(Error::Corrupt {
            what: "point in time",
            why: error.to_string(),
        })
    })
}

/// A stored point in time that may be missing.
pub(super) fn maybe_time(micros: Option<i64>) -> Outcome<Option<Timestamp>> {
    micros.map(time).transpose()
}

/// A stored id.
pub(super) fn uuid(bytes: &[u8]) -> Outcome<Uuid> {
    Uuid::from_slice(bytes).map_err(|error| {
        Fault::Refused(Error::Corrupt {
            what: "id",
            why: error.to_string(),
        })
    })
}

/// A limit as a statement takes it; 0 means none.
pub(super) fn limit(limit: usize) -> i64 {
    match limit {
        0 => i64::MAX,
        some => i64::try_from(some).unwrap_or(i64::MAX),
    }
}

/// The options that matter to the commands on a database that is no file.
pub(crate) fn limits(shown: &str, max_backlog: u64, remember_deliveries_hours: u32) -> Options {
    Options {
        max_backlog,
        remember_deliveries_hours,
        ..Options::at(shown)
    }
}
