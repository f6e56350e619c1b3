//! The connection inside a transaction: sea-orm's, plus a note of failures that are worth another try.
//!
//! The note is what lets [`crate::Db::transaction`] retry whatever error type the work turns a failed statement into.

use std::sync::{Mutex, PoisonError};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use crate::error::{Retry, retry_of};

/// Statements of one transaction.
#[derive(Debug)]
pub struct Conn {
    transaction: DatabaseTransaction,
    retry: Mutex<Option<Retry>>,
}

impl Conn {
    pub(super) fn new(transaction: DatabaseTransaction) -> Self {
        Self {
            transaction,
            retry: Mutex::new(None),
        }
    }

    pub(super) fn retry(&self) -> Option<Retry> {
        *self.retry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn into_inner(self) -> DatabaseTransaction {
        self.transaction
    }

    fn note<T>(&self, result: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Some(retry) = result.as_ref().err().and_then(retry_of) {
            *self.retry.lock().unwrap_or_else(PoisonError::into_inner) = Some(retry);
        }
        result
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Conn {
    fn get_database_backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.note(self.transaction.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.note(self.transaction.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.note(self.transaction.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.note(self.transaction.query_all_raw(statement).await)
    }
}
