//! Single statements on the pool, each a transaction of its own.

use std::sync::Arc;

use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement,
};
use sqlx::postgres::PgRow;

use super::Pool;

#[async_trait::async_trait]
impl ConnectionTrait for Pool {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let mut connection = self.acquire_tested().await.map_err(acquire_error)?;
        Ok(connection.execute(statement).await.map_err(exec_error)?.into())
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut connection = self.acquire_tested().await.map_err(acquire_error)?;
        let done = connection.execute_unprepared(sql).await;
        Ok(done.map_err(exec_error)?.into())
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self
            .fetch_all(statement)
            .await?
            .into_iter()
            .next()
            .map(Into::into))
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let rows = self.fetch_all(statement).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}

impl Pool {
    async fn fetch_all(&self, statement: Statement) -> Result<Vec<PgRow>, DbErr> {
        if !is_read(&statement.sql) {
            let mut connection = self.acquire_tested().await.map_err(acquire_error)?;
            return connection.fetch_all(statement).await.map_err(query_error);
        }
        loop {
            let mut connection = self.acquire().await.map_err(acquire_error)?;
            match connection.fetch_all(statement.clone()).await {
                Err(error) if connection.was_lost_while_idle(&error) => {}
                rows => return rows.map_err(query_error),
            }
        }
    }
}

/// Returns whether a statement may be repeated when its reply was lost. A function called by it may write; such a function
/// must be safe to repeat, as it would be repeated by its caller.
fn is_read(sql: &str) -> bool {
    let writes = ["INSERT ", "UPDATE ", "DELETE "];
    (sql.starts_with("SELECT") || sql.starts_with("WITH")) && !writes.iter().any(|word| sql.contains(word))
}

pub(crate) fn acquire_error(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        error => DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))),
    }
}

pub(crate) fn exec_error(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

pub(crate) fn query_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
}

#[cfg(test)]
mod tests {
    use super::is_read;

    #[test]
    fn statement_that_names_a_write_is_no_read() {
        for sql in ["SELECT 1", "WITH a AS (SELECT 1) SELECT * FROM a"] {
            assert!(is_read(sql), "{sql}");
        }
        for sql in [
            "INSERT INTO a VALUES (1) RETURNING id",
            "WITH a AS (DELETE FROM b RETURNING id) SELECT * FROM a",
            "UPDATE a SET b = 1 RETURNING b",
            "VACUUM",
        ] {
            assert!(!is_read(sql), "{sql}");
        }
    }
}
