//! A connection taken from the pool, which comes back when it is dropped.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::task::spawn;
use sea_orm::Statement;
use sea_query_sqlx::SqlxValues;
use sqlx::postgres::{PgConnection, PgQueryResult, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Postgres};
use tokio::runtime::Handle;
use tokio::time::{error::Elapsed, timeout};

use super::{Inner, Live, Permit};
use crate::error::{is_disconnected, is_unavailable};

/// Longest wait for the replies that a cancelled caller left unread, and for the rollback after them.
const CLEAN_TIMEOUT: Duration = Duration::from_secs(8);

/// A connection of the pool.
pub(crate) struct Connection {
    /// `None` in `drop` only.
    live: Option<(Live, Permit)>,
    pool: Arc<Inner>,
    /// It was idle in the pool and has not answered since.
    was_idle: bool,
    /// A statement was sent, or may have been, and its reply was not read to the end.
    is_waiting: bool,
    /// A transaction was begun, or may have been, and its end was not answered.
    in_transaction: bool,
    is_lost: bool,
}

impl Connection {
    pub(super) fn new(live: Live, pool: &Arc<Inner>, permit: Permit, was_idle: bool) -> Self {
        Self {
            live: Some((live, permit)),
            pool: Arc::clone(pool),
            was_idle,
            is_waiting: false,
            in_transaction: false,
            is_lost: false,
        }
    }

    /// Returns whether `error` is that of a connection which broke before it was taken: what it was to do may be done on
    /// another one. Once only, because an answer makes a connection a used one.
    pub(super) fn was_lost_while_idle(&self, error: &sqlx::Error) -> bool {
        self.was_idle && self.is_lost && !is_timeout(error) && !matches!(error, sqlx::Error::PoolTimedOut)
    }

    /// Waits for the server to answer an empty message.
    pub(super) async fn test(&mut self) -> Result<(), sqlx::Error> {
        if !self.was_idle {
            return Ok(());
        }
        let within = self.pool.acquire_timeout;
        let answered = timeout(within, self.raw()?.ping()).await;
        self.settle(answered).map_err(to_acquire_error)
    }

    pub(super) async fn begin(&mut self) -> Result<(), sqlx::Error> {
        let within = self.pool.acquire_timeout;
        self.in_transaction = true;
        let begun = timeout(within, self.raw()?.execute("BEGIN")).await;
        self.settle(begun).map_err(to_acquire_error)?;
        Ok(())
    }

    /// Ends the transaction. An error leaves unknown whether it was committed, unless the server sent it.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.end("COMMIT").await
    }

    pub(crate) async fn rollback(mut self) -> Result<(), sqlx::Error> {
        self.end("ROLLBACK").await
    }

    async fn end(&mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        let within = self.pool.response_timeout;
        let ended = timeout(within, self.raw()?.execute(statement)).await;
        // Either answer, a refusal too, ends the transaction.
        self.in_transaction = false;
        self.settle(ended)?;
        Ok(())
    }

    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<PgQueryResult, sqlx::Error> {
        let within = self.pool.response_timeout;
        let done = timeout(within, query(statement).execute(self.raw()?)).await;
        self.settle(done)
    }

    pub(crate) async fn execute_unprepared(&mut self, sql: &str) -> Result<PgQueryResult, sqlx::Error> {
        let within = self.pool.response_timeout;
        let done = timeout(within, self.raw()?.execute(AssertSqlSafe(sql))).await;
        self.settle(done)
    }

    /// Returns all rows. Their statement has ended then, so an error that comes after the first row is not lost.
    pub(crate) async fn fetch_all(&mut self, statement: Statement) -> Result<Vec<PgRow>, sqlx::Error> {
        let within = self.pool.response_timeout;
        let rows = timeout(within, query(statement).fetch_all(self.raw()?)).await;
        self.settle(rows)
    }

    /// Returns the connection to send something on. Until [`Self::settle`] its state is unknown.
    fn raw(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.is_waiting = true;
        match &mut self.live {
            Some((live, _)) if !self.is_lost => Ok(&mut live.raw),
            _ => Err(sqlx::Error::Io(io::ErrorKind::NotConnected.into())),
        }
    }

    /// Records what the reply says about the connection.
    fn settle<T>(&mut self, reply: Result<Result<T, sqlx::Error>, Elapsed>) -> Result<T, sqlx::Error> {
        let result = reply.unwrap_or_else(|_| Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into())));
        self.is_waiting = false;
        if result.as_ref().is_err_and(is_unavailable) {
            self.pool.record_failure();
        }
        match &result {
            Err(error) if is_disconnected(error) => {
                self.is_lost = true;
                if self.was_lost_while_idle(error) {
                    self.pool.discard_idle();
                }
            }
            _ => self.was_idle = false,
        }
        result
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some((live, permit)) = self.live.take().filter(|_| !self.is_lost) else {
            return;
        };
        if !self.is_waiting && !self.in_transaction {
            self.pool.put_back(live);
        } else if Handle::try_current().is_ok() {
            let pool = Arc::clone(&self.pool);
            spawn("clean_connection", clean(live, permit, pool, self.in_transaction));
        }
    }
}

/// Reads what is left of the replies, ends an open transaction and puts the connection back. One that does not answer is
/// closed, which rolls back too.
async fn clean(mut live: Live, permit: Permit, pool: Arc<Inner>, in_transaction: bool) {
    let cleaned = timeout(CLEAN_TIMEOUT, async {
        if in_transaction {
            live.raw.execute("ROLLBACK").await.map(drop)
        } else {
            live.raw.ping().await
        }
    });
    if let Ok(Ok(())) = cleaned.await {
        pool.put_back(live);
    }
    drop(permit);
}

fn query(statement: Statement) -> Query<'static, Postgres, SqlxValues> {
    let values = statement.values.unwrap_or(sea_orm::Values(Vec::new()));
    // The text of statements is written by this repository and sea-query; values are parameters.
    sqlx::query_with(AssertSqlSafe(statement.sql), SqlxValues(values))
}

/// Returns the error of a connection that could not be had in time: it does not answer.
fn to_acquire_error(error: sqlx::Error) -> sqlx::Error {
    if is_timeout(&error) {
        return sqlx::Error::PoolTimedOut;
    }
    error
}

fn is_timeout(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}
