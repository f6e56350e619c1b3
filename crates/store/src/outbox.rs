//! Rows of the outbox.

use std::time::Duration;

use carshare_chassis::request_context::RequestContext;
use carshare_chassis::telemetry::propagation;
use carshare_proto::events::EventMessage;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::db::Db;
use crate::error::Error;
use crate::transaction::Tx;

/// Appends an event with the trace and correlation id of the current request.
pub(crate) async fn append<E: EventMessage>(tx: &Tx, event: &E) -> Result<(), Error> {
    let id = tx.new_id();
    let context = RequestContext::current();
    let correlation_id = context
        .as_ref()
        .map_or_else(|| id.to_string(), |context| context.correlation_id().to_owned());
    let traceparent = match context {
        Some(context) => context.traceparent(),
        None => propagation::of_current_span().and_then(|context| propagation::to_traceparent(&context)),
    };
    let sql = "INSERT INTO outbox (id, name, key, occurred_at, correlation_id, traceparent, data) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = [
        id.into(),
        E::NAME.into(),
        event.key().into(),
        tx.now().into(),
        correlation_id.into(),
        traceparent.into(),
        event.encode_to_vec().into(),
    ];
    tx.conn()
        .execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values))
        .await?;
    Ok(())
}

impl Db {
    /// Counts events that have waited in the outbox for longer than `age`. Normally none waits for a minute; zero counts all
    /// unsent ones.
    pub async fn outbox_backlog(&self, age: Duration) -> Result<u64, Error> {
        let before: DateTime<Utc> =
            self.environment().clock.now() - TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX);
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM outbox WHERE sent_at IS NULL AND occurred_at <= $1")
                .bind(before)
                .fetch_one(self.pool())
                .await?;
        Ok(count.unsigned_abs())
    }
}
