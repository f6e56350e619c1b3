//! Tables as job queues: claims of rows that are due.

use carshare_store::ClaimedRow;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};

use crate::error::Error;

/// A table with the columns of [`ClaimedRow`] and the times at which its rows are due.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    pub table: &'static str,
    pub due_column: &'static str,
    /// Whether a claim changes the version, so that a worker that hangs past its claim has lost it.
    pub fenced: bool,
}

impl Queue {
    /// Claims up to `limit` due rows, oldest first, until `until`; other workers skip them meanwhile.
    pub async fn claim(
        self,
        conn: &impl ConnectionTrait,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<ClaimedRow>, Error> {
        let Self {
            table,
            due_column,
            fenced,
        } = self;
        let step = i32::from(fenced);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        // ARRAY makes it an InitPlan, evaluated once: a joined subquery may be evaluated again and lock more than `limit` rows.
        let sql = format!(
            "UPDATE {table} SET {due_column} = $1, version = version + {step} WHERE id = ANY(ARRAY( \
                 SELECT id FROM {table} WHERE {due_column} <= $2 ORDER BY {due_column} LIMIT $3 FOR UPDATE SKIP LOCKED \
             )) RETURNING id, version, correlation_id, traceparent"
        );
        let claim = Statement::from_sql_and_values(
            DbBackend::Postgres,
            sql,
            [until.into(), now.into(), limit.into()],
        );
        Ok(ClaimedRow::find_by_statement(claim).all(conn).await?)
    }

    /// Returns when the next row is due.
    pub async fn next_due_at(self, conn: &impl ConnectionTrait) -> Result<Option<DateTime<Utc>>, Error> {
        let sql = format!("SELECT min({}) AS at FROM {}", self.due_column, self.table);
        let row = conn
            .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
            .await?;
        Ok(row.map(|row| row.try_get("", "at")).transpose()?.flatten())
    }
}
