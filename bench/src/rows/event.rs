//! Events, from the outbox of auth to the copies of profiles in two other services.

use std::time::Duration;

use anyhow::Result;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::time::{Instant, sleep};

use super::Bench;
use crate::load::Load;
use crate::report::Measured;

/// Events published at once.
const EVENTS: i64 = 20_000;
/// Services that handle each.
const CONSUMERS: u64 = 2;

/// One event of each of many accounts, at once.
const PUBLISH: &str = "WITH next AS ( \
        INSERT INTO auth.event_sequences AS known (key, last_seq) \
        SELECT id::text, 1 FROM auth.users WHERE role = 'guest' ORDER BY id LIMIT $1 \
        ON CONFLICT (key) DO UPDATE SET last_seq = known.last_seq + 1 RETURNING key, last_seq) \
    INSERT INTO auth.outbox (id, name, key, key_seq, occurred_at, correlation_id, data) \
    SELECT gen_random_uuid(), 'user.updated', key, last_seq, now(), 'bench', \
        '\\x0a24'::bytea || convert_to(key, 'UTF8') || '\\x1233'::bytea || '\\x0a24'::bytea || convert_to(key, 'UTF8') \
        || '\\x1209'::bytea || convert_to('김하나', 'UTF8') || '\\x1801'::bytea FROM next";

/// Events of auth that a service has not handled.
const WAITING: &str = "SELECT ((SELECT 2 * sum(last_seq) FROM auth.event_sequences) \
    - (SELECT coalesce(sum(handled_seq), 0) FROM vehicle.inbox_cursors WHERE source = 'auth') \
    - (SELECT coalesce(sum(handled_seq), 0) FROM booking.inbox_cursors WHERE source = 'auth'))::bigint";

/// Publishes events and waits until both services have handled all.
pub async fn events(bench: &mut Bench<'_>) -> Result<Vec<Measured>> {
    let admin_url = bench.running.admin_url.clone();
    publish(&admin_url).await?;
    let measured = bench
        .measure("event through relay and consumer", publish(&admin_url))
        .await?;
    Ok(vec![measured])
}

async fn publish(admin_url: &str) -> Result<Load> {
    let mut connection = PgConnection::connect(admin_url).await?;
    let begin = Instant::now();
    sqlx::query(PUBLISH).bind(EVENTS).execute(&mut connection).await?;
    // As a process without a worker does after its commits.
    sqlx::query("SELECT pg_notify('outbox.auth', '')")
        .execute(&mut connection)
        .await?;
    loop {
        sleep(Duration::from_millis(200)).await;
        let waiting: i64 = sqlx::query_scalar(WAITING).fetch_one(&mut connection).await?;
        if waiting == 0 {
            break;
        }
        anyhow::ensure!(
            begin.elapsed() < Duration::from_mins(5),
            "{waiting} events are not handled"
        );
    }
    let seconds = begin.elapsed().as_secs_f64();
    Ok(Load {
        requests: EVENTS.unsigned_abs() * CONSUMERS,
        seconds,
        p50_ms: 0.0,
        p99_ms: 0.0,
        failed: 0,
    })
}
