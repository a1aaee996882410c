//! One connection to the server, for one thread: it waits for each answer.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    path::Path,
    time::Duration,
};

use tokio::runtime::Runtime;
use tokio_postgres::{Client, SimpleQueryMessage, error::SqlState};

use super::{
    dialect::translate,
    options::PostgresOptions,
    statement::{Row, Rows, Statement},
    tls::Tls,
};
use crate::{
    Error, Result,
    sqlite::{
        fault::{Fault, Outcome},
        writer::Flush,
    },
};

/// What every connection asks of its session: that an answered commit is on the disk whatever the server's
/// default is, and that the server too notices when this process is gone.
const SETTINGS: &str = "
    SET client_min_messages TO warning;
    SET statement_timeout TO 0;
    SET idle_in_transaction_session_timeout TO 0;
    SET tcp_keepalives_idle TO 30;
    SET tcp_keepalives_interval TO 10;
    SET tcp_keepalives_count TO 3;
    SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') = 'off'";

/// How often, and for how long, to ask what became of a commit whose answer was lost.
const ASK_AGAIN: Duration = Duration::from_millis(250);
const ASK_FOR: Duration = Duration::from_secs(20);

/// One connection to the server.
pub(crate) struct Connection {
    options: PostgresOptions,
    tls: Tls,
    pub(super) client: Client,
    statements: RefCell<HashMap<String, tokio_postgres::Statement>>,
    /// The transaction under way, if it writes with its number.
    transaction: RefCell<Option<Option<String>>>,
    /// Why the connection is gone.
    lost: RefCell<Option<String>>,
    /// A statement of the transaction failed: the server takes no more of it.
    pub(super) failed: Cell<bool>,
    // last: it has to outlive what runs on it
    pub(super) runtime: Runtime,
}

impl Connection {
    /// Connects. Blocks; not to be called where a runtime runs.
    pub(super) fn open(options: &PostgresOptions) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::Database(format!("no runtime could be started: {error}")))?;
        let tls = Tls::new(options)?;
        let client = runtime.block_on(connect(options, &tls))?;
        Ok(Self {
            options: options.clone(),
            tls,
            client,
            statements: RefCell::default(),
            transaction: RefCell::new(None),
            lost: RefCell::new(None),
            failed: Cell::new(false),
            runtime,
        })
    }

    /// Whether it is gone.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.borrow().is_some() || self.client.is_closed()
    }

    /// What is said of a connection that is gone.
    pub(crate) fn lost(&self) -> Error {
        let why = self.lost.borrow();
        let why = why.as_deref().unwrap_or("it was closed");
        Error::Unwritable(format!(
            "the connection to {} was lost ({why}); Tandem goes on by itself when the server is back",
            self.options.shown()
        ))
    }

    /// The fault of an error, with what it says about the connection.
    pub(super) fn fault(&self, error: tokio_postgres::Error) -> Fault {
        if let Some(why) =
            end_of_connection(&error).or_else(|| self.client.is_closed().then(|| error.to_string()))
        {
            self.transaction.replace(None);
            self.lost.borrow_mut().get_or_insert(why);
            return self.lost().into();
        }
        self.failed.set(true);
        Fault::Postgres(error)
    }

    /// A prepared statement, from one of SQLite's spelling.
    pub(crate) fn statement(&self, sql: &str) -> Outcome<Statement<'_>> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(Statement {
                connection: self,
                statement: statement.clone(),
            });
        }
        let statement = self
            .runtime
            .block_on(self.client.prepare(&translate(sql)))
            .map_err(|error| self.fault(error))?;
        self.statements
            .borrow_mut()
            .insert(sql.to_owned(), statement.clone());
        Ok(Statement {
            connection: self,
            statement,
        })
    }

    /// Runs statements without values, in PostgreSQL's own spelling.
    pub(crate) fn batch(&self, sql: &str) -> Outcome<()> {
        match sql {
            "COMMIT" => self.commit(),
            "ROLLBACK" => {
                self.transaction.replace(None);
                self.failed.set(false);
                self.run(sql)
            }
            _ => {
                self.run(sql)?;
                if sql.starts_with("ROLLBACK TO") {
                    self.failed.set(false);
                }
                Ok(())
            }
        }
    }

    fn run(&self, sql: &str) -> Outcome<()> {
        self.runtime
            .block_on(self.client.batch_execute(sql))
            .map_err(|error| self.fault(error))
    }

    /// Begins a transaction that writes, and learns its number: by that the server can be asked later
    /// what became of it.
    pub(crate) fn begin_writing(&self, flush: Flush) -> Outcome<()> {
        let soon = match flush {
            Flush::Now => "",
            Flush::WithNext => "SET LOCAL synchronous_commit TO off;",
        };
        let answer = self
            .runtime
            .block_on(self.client.simple_query(&format!(
                "BEGIN; {soon} SELECT CAST(pg_current_xact_id() AS text)"
            )))
            .map_err(|error| self.fault(error))?;
        let number = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(ToOwned::to_owned),
            _ => None,
        });
        self.transaction.replace(Some(number));
        Ok(())
    }

    /// Begins a transaction that sees one state of the database.
    pub(crate) fn begin_reading(&self) -> Outcome<()> {
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        self.transaction.replace(Some(None));
        Ok(())
    }

    /// Whether a transaction is under way.
    pub(crate) fn in_transaction(&self) -> bool {
        self.transaction.borrow().is_some()
    }

    /// Commits. If the answer is lost with the connection, the server is asked over a new one: what is said
    /// to have failed did not happen.
    fn commit(&self) -> Outcome<()> {
        if self.failed.get() {
            // The server would roll it back and call that no error.
            self.batch("ROLLBACK")?;
            return Err(Error::Database(
                "a statement failed, and its command went on as if it had not".to_owned(),
            )
            .into());
        }
        let number = self.transaction.replace(None).flatten();
        let answer = self.runtime.block_on(self.client.simple_query("COMMIT"));
        match answer {
            Ok(_) => Ok(()),
            Err(error) => {
                let fault = self.fault(error);
                if let Some(number) = number
                    && self.is_lost()
                {
                    tracing::warn!("the answer to a commit was lost; asking what became of it");
                    if self.runtime.block_on(self.was_committed(&number))? {
                        return Ok(());
                    }
                }
                Err(fault)
            }
        }
    }

    /// What became of a transaction, over a connection of its own.
    async fn was_committed(&self, number: &str) -> Outcome<bool> {
        let asked = tokio::time::timeout(ASK_FOR, async {
            loop {
                if let Some(answer) = self.ask_once(number).await {
                    return answer;
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
        });
        asked.await.map_err(|_| {
            Fault::Refused(Error::Unwritable(format!(
                "the connection to {} was lost in the middle of a commit, and the server does not come back: \
                 the commit may have happened",
                self.options.shown()
            )))
        })
    }

    async fn ask_once(&self, number: &str) -> Option<bool> {
        let client = connect(&self.options, &self.tls).await.ok()?;
        let row = client
            .query_one("SELECT pg_xact_status(CAST($1 AS text)::xid8)", &[&number])
            .await
            .ok()?;
        match row.get::<_, Option<&str>>(0) {
            // the old session has not noticed yet that nobody listens
            Some("in progress") => None,
            status => Some(status == Some("committed")),
        }
    }

    /// The rows of a statement that is run once.
    pub(super) fn query_once(&self, sql: &str) -> Outcome<Rows> {
        let rows = self
            .runtime
            .block_on(self.client.query(sql, &[]))
            .map_err(|error| self.fault(error))?;
        Ok(Rows {
            rows: rows.into_iter().map(Row).collect(),
            next: 0,
        })
    }

    /// The server's number of this session and when it began: together they name it for good.
    pub(super) fn own_session(&self) -> Outcome<(i64, String)> {
        let row = self
            .runtime
            .block_on(self.client.query_one(
                "SELECT CAST(pid AS bigint), CAST(backend_start AS text) FROM pg_stat_activity
                 WHERE pid = pg_backend_pid()",
                &[],
            ))
            .map_err(|error| self.fault(error))?;
        Ok((row.get(0), row.get(1)))
    }

    /// The options it was opened with.
    pub(super) fn options(&self) -> &PostgresOptions {
        &self.options
    }
}

async fn connect(options: &PostgresOptions, tls: &Tls) -> Result<Client> {
    let unreachable = |error: tokio_postgres::Error| unreachable(&error, options);
    let (client, connection) = options
        .config()
        .connect(tls.clone())
        .await
        .map_err(unreachable)?;
    tokio::spawn(async move {
        // its end is met by whoever uses the client
        let _ended = connection.await;
    });
    client.batch_execute(SETTINGS).await.map_err(unreachable)?;
    Ok(client)
}

/// Says why the server cannot be used.
fn unreachable(error: &tokio_postgres::Error, options: &PostgresOptions) -> Error {
    let why = match error.as_db_error() {
        Some(error) => error.message().to_owned(),
        None => with_causes(error),
    };
    Error::Unwritable(format!(
        "PostgreSQL at {} cannot be reached: {why}",
        options.shown()
    ))
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// Why an error means that the connection is gone, if it does.
fn end_of_connection(error: &tokio_postgres::Error) -> Option<String> {
    if let Some(error) = error.as_db_error() {
        let code = error.code();
        let gone = *code == SqlState::ADMIN_SHUTDOWN
            || *code == SqlState::CRASH_SHUTDOWN
            || *code == SqlState::CANNOT_CONNECT_NOW
            // the server has become a standby under us
            || *code == SqlState::READ_ONLY_SQL_TRANSACTION
            || code.code().starts_with("08");
        return gone.then(|| error.message().to_owned());
    }
    let io = std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>());
    (error.is_closed() || io).then(|| with_causes(error))
}

/// Says what the server's error means for the one who runs Tandem.
pub(crate) fn explain(error: &tokio_postgres::Error, path: &Path) -> Error {
    let Some(db) = error.as_db_error() else {
        return Error::Database(with_causes(error));
    };
    let said = db.message();
    let code = db.code();
    if *code == SqlState::DISK_FULL {
        return Error::Unwritable(format!(
            "no space is left for {} ({said}); free some, Tandem goes on by itself",
            path.display()
        ));
    }
    if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        return Error::Unwritable(format!("{}: {said}", path.display()));
    }
    Error::Database(format!("{} (SQLSTATE {})", said, code.code()))
}
