//! Moving everything from a database file to a PostgreSQL server, checked row by row, all of it or nothing.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash as _, Hasher as _},
};

use rusqlite::{
    ToSql,
    types::{Value, ValueRef},
};
use serde::Serialize;

use super::{connection::Connection, options::PostgresOptions, owner, schema};
use crate::{
    Error, Result,
    sqlite::{fault::Outcome, session::Session},
};

/// Values in one statement that inserts; PostgreSQL takes 65,535.
const VALUES: usize = 8_000;

/// Rows that are read back at a time.
const FETCH: usize = 2_000;

/// What was moved of one table. The sum is over hashes of the rows: it is the same on both sides, or nothing
/// was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The table.
    pub table: String,
    /// Its rows.
    pub rows: u64,
    /// The sum of their hashes.
    pub sum: u64,
}

/// A table as the server has it.
struct Table {
    name: String,
    columns: Vec<String>,
    /// The column whose numbers the server gives out.
    numbered: Option<String>,
}

/// Moves everything that the file holds. To be called on a thread without a runtime.
pub(crate) fn to_postgres(session: &Session, options: &PostgresOptions) -> Outcome<Vec<Moved>> {
    let source = session.database.sqlite()?;
    let target = Connection::open(options)?;
    owner::own(&target)?;
    if schema::recognise(&target)? > 0 {
        return Err(Error::Foreign {
            path: options.shown().to_owned(),
            why: "it holds a database of Tandem already; name an empty one".to_owned(),
        }
        .into());
    }
    target.batch("BEGIN")?;
    schema::create(&target)?;
    let mut moved = Vec::new();
    for table in tables(&target)? {
        target.batch(&format!("DELETE FROM {}", table.name))?;
        let sent = send(source, &target, &table)?;
        if let Some(column) = &table.numbered {
            go_on_counting(source, &target, &table.name, column)?;
        }
        let found = read_back(&target, &table)?;
        if sent != found {
            return Err(Error::Database(format!(
                "table {} came over differently ({} rows were sent, {} found); nothing was moved",
                table.name, sent.rows, found.rows
            ))
            .into());
        }
        moved.push(found);
    }
    target.batch("COMMIT")?;
    Ok(moved)
}

/// The tables of the server, without the one that says which schema it has.
fn tables(target: &Connection) -> Outcome<Vec<Table>> {
    let mut statement = target.statement(
        "SELECT CAST(table_name AS text), CAST(column_name AS text),
             CASE WHEN is_identity = 'YES' THEN 1 ELSE 0 END
         FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name <> 'tandem_step'
         ORDER BY table_name, ordinal_position",
    )?;
    let mut rows = statement.query(&[])?;
    let mut tables: Vec<Table> = Vec::new();
    while let Some(row) = rows.next() {
        let text = |column| -> Outcome<String> {
            Ok(row
                .value(column)?
                .as_str()
                .map_err(rusqlite::Error::from)?
                .to_owned())
        };
        let (name, column) = (text(0)?, text(1)?);
        let numbered = row.value(2)?.as_i64().map_err(rusqlite::Error::from)? == 1;
        if tables.last().is_none_or(|last| last.name != name) {
            tables.push(Table {
                name,
                columns: Vec::new(),
                numbered: None,
            });
        }
        if let Some(table) = tables.last_mut() {
            if numbered {
                table.numbered = Some(column.clone());
            }
            table.columns.push(column);
        }
    }
    Ok(tables)
}

/// Sends a table's rows over.
fn send(source: &rusqlite::Connection, target: &Connection, table: &Table) -> Outcome<Moved> {
    let known: i64 = source.query_row(
        "SELECT count(*) FROM pragma_table_info(?1)",
        [&table.name],
        |row| row.get(0),
    )?;
    if usize::try_from(known) != Ok(table.columns.len()) {
        return Err(Error::Database(format!(
            "table {} has {known} columns in the file and {} on the server; update Tandem",
            table.name,
            table.columns.len()
        ))
        .into());
    }
    let columns = table.columns.join(", ");
    let at_once = VALUES / table.columns.len();
    let mut moved = Moved {
        table: table.name.clone(),
        rows: 0,
        sum: 0,
    };
    let mut statement = source.prepare(&format!("SELECT {columns} FROM {}", table.name))?;
    let mut rows = statement.query([])?;
    let mut waiting: Vec<Value> = Vec::new();
    loop {
        let row = rows.next()?;
        if let Some(row) = row {
            let mut hasher = DefaultHasher::new();
            for column in 0..table.columns.len() {
                let value: Value = row.get(column)?;
                hash(ValueRef::from(&value), &mut hasher);
                waiting.push(value);
            }
            moved.rows += 1;
            moved.sum = moved.sum.wrapping_add(hasher.finish());
        }
        let full = waiting.len() >= at_once * table.columns.len();
        if !waiting.is_empty() && (full || row.is_none()) {
            let mut sql = format!("INSERT INTO {} ({columns}) VALUES ", table.name);
            for first in (0..waiting.len()).step_by(table.columns.len()) {
                let places: Vec<String> = (1..=table.columns.len())
                    .map(|place| format!("?{}", first + place))
                    .collect();
                sql.push_str(if first == 0 { "(" } else { ", (" });
                sql.push_str(&places.join(", "));
                sql.push(')');
            }
            let values: Vec<&dyn ToSql> = waiting.iter().map(|value| value as _).collect();
            target.statement(&sql)?.execute(&values)?;
            waiting.clear();
        }
        if row.is_none() {
            return Ok(moved);
        }
    }
}

/// Lets the server give out numbers after the highest that was ever given out.
fn go_on_counting(
    source: &rusqlite::Connection,
    target: &Connection,
    table: &str,
    column: &str,
) -> Outcome<()> {
    let highest: i64 = source.query_row(
        &format!("SELECT coalesce(max({column}), 0) FROM {table}"),
        [],
        |row| row.get(0),
    )?;
    let given: i64 = source.query_row(
        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?1",
        [table],
        |row| row.get(0),
    )?;
    let last = highest.max(given);
    if last > 0 {
        target.batch(&format!(
            "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), {last})"
        ))?;
    }
    Ok(())
}

/// Reads a table's rows again, as the server has them.
fn read_back(target: &Connection, table: &Table) -> Outcome<Moved> {
    target.batch(&format!(
        "DECLARE moved NO SCROLL CURSOR FOR SELECT {} FROM {}",
        table.columns.join(", "),
        table.name
    ))?;
    let mut found = Moved {
        table: table.name.clone(),
        rows: 0,
        sum: 0,
    };
    loop {
        // not a prepared statement: its columns are others for each table
        let mut rows = target.query_once(&format!("FETCH {FETCH} FROM moved"))?;
        let before = found.rows;
        while let Some(row) = rows.next() {
            let mut hasher = DefaultHasher::new();
            for column in 0..table.columns.len() {
                hash(row.value(column)?, &mut hasher);
            }
            found.rows += 1;
            found.sum = found.sum.wrapping_add(hasher.finish());
        }
        if found.rows == before {
            target.batch("CLOSE moved")?;
            return Ok(found);
        }
    }
}

fn hash(value: ValueRef<'_>, hasher: &mut DefaultHasher) {
    match value {
        ValueRef::Null => 0_u8.hash(hasher),
        ValueRef::Integer(number) => (1_u8, number).hash(hasher),
        ValueRef::Real(number) => (2_u8, number.to_bits()).hash(hasher),
        ValueRef::Text(bytes) => (3_u8, bytes).hash(hasher),
        ValueRef::Blob(bytes) => (4_u8, bytes).hash(hasher),
    }
}

/// Moves everything that a store on a file holds.
pub(crate) fn moved(session: &Session, options: &PostgresOptions) -> Result<Vec<Moved>> {
    to_postgres(session, options).map_err(|fault| fault.into_error(options.shown().as_ref()))
}
