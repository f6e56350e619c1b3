//! Measures the inbox: how much waits, for how long, and what is blocked. Notifies the worker of what waits.

use std::time::Duration;

use carshare_chassis::Shutdown;
use sea_orm::{ConnectionTrait as _, FromQueryResult};

use super::inbox::statement;
use super::{Shared, pause, worker};
use crate::db::Db;
use crate::error::Error;

/// How often an empty inbox is measured.
pub(super) const IDLE_INTERVAL: Duration = Duration::from_secs(15);
/// How often an inbox is measured in which something waits.
const INTERVAL: Duration = Duration::from_secs(5);

/// Numbers about the inbox, for metrics.
#[derive(Debug, FromQueryResult)]
struct InboxStatus {
    waiting: i64,
    dead: i64,
    /// Events whose predecessor has been missing for more than ten seconds.
    gaps: i64,
    oldest_seconds: f64,
}

impl Shared {
    /// Sets the gauges of the inbox until `shutdown`.
    pub(super) async fn measure(&self, shutdown: &Shutdown) {
        let worker = self.db.job_signal(worker::NAME);
        while !shutdown.is_cancelled() {
            let mut interval = IDLE_INTERVAL;
            if let Ok(status) = self.db.inbox_status().await {
                let set = |name, state, count: i64| {
                    metrics::gauge!(name, "group" => self.group, "state" => state).set(count as f64);
                };
                set("inbox_events", "waiting", status.waiting);
                set("inbox_events", "dead", status.dead);
                set("inbox_events", "gap", status.gaps);
                metrics::gauge!("inbox_oldest_seconds", "group" => self.group).set(status.oldest_seconds);
                if status.waiting > 0 {
                    worker.notify_one();
                    interval = INTERVAL;
                }
            }
            pause(interval, shutdown).await;
        }
    }
}

impl Db {
    async fn inbox_status(&self) -> Result<InboxStatus, Error> {
        let sql = "SELECT count(*) FILTER (WHERE i.dead_at IS NULL) AS waiting, \
                count(*) FILTER (WHERE i.dead_at IS NOT NULL) AS dead, \
                count(*) FILTER (WHERE i.key_seq > c.handled_seq + 1 \
                    AND i.filed_at < clock_timestamp() - interval '10 seconds' AND NOT EXISTS ( \
                        SELECT FROM inbox p WHERE p.source = i.source AND p.key = i.key AND p.key_seq = i.key_seq - 1 \
                    )) AS gaps, \
                coalesce(extract(epoch FROM clock_timestamp() - min(i.filed_at)), 0)::float8 AS oldest_seconds \
            FROM inbox i JOIN inbox_cursors c USING (source, key)";
        let row = self.conn().query_one_raw(statement(sql, [])).await?;
        let row = row.ok_or_else(|| Error::Internal(anyhow::anyhow!("an aggregate returned no row")))?;
        Ok(InboxStatus::from_query_result(&row, "")?)
    }
}
