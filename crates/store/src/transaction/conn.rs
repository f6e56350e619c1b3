//! The connection inside a transaction, with a record of its failures.
//!
//! The record lets [`crate::Db::transaction`] retry whatever error type the work turns a failed statement into, and keeps
//! it from reporting as committed what PostgreSQL will not commit.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use tokio::sync;

use crate::error::{Retry, is_refusal, is_transient, retry_of};
use crate::pool::{Connection, exec_error, query_error};

/// Executes the statements of one transaction.
pub struct Conn {
    connection: sync::Mutex<Connection>,
    failures: Mutex<Failures>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Failures {
    retry: Option<Retry>,
    /// A statement failed for a reason that passes by itself.
    transient: bool,
    /// PostgreSQL refused a statement: whatever follows, the transaction can only be rolled back.
    aborted: bool,
}

impl Conn {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection: sync::Mutex::new(connection),
            failures: Mutex::default(),
        }
    }

    pub(super) fn retry(&self) -> Option<Retry> {
        self.failures().retry
    }

    pub(super) fn has_transient_failure(&self) -> bool {
        self.failures().transient
    }

    pub(super) fn is_aborted(&self) -> bool {
        self.failures().aborted
    }

    pub(super) fn into_inner(self) -> Connection {
        self.connection.into_inner()
    }

    fn record<T>(&self, result: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Err(error) = &result {
            let mut failures = self.failures();
            failures.retry = retry_of(error).or(failures.retry);
            failures.transient |= is_transient(error);
            failures.aborted |= is_refusal(error);
        }
        result
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Conn {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let done = self.connection.lock().await.execute(statement).await;
        self.record(done.map(Into::into).map_err(exec_error))
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let done = self.connection.lock().await.execute_unprepared(sql).await;
        self.record(done.map(Into::into).map_err(exec_error))
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let rows = self.query_all_raw(statement).await?;
        Ok(rows.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let rows = self.connection.lock().await.fetch_all(statement).await;
        let rows = rows.map(|rows| rows.into_iter().map(Into::into).collect());
        self.record(rows.map_err(query_error))
    }
}
