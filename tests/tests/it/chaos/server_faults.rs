//! Faults of PostgreSQL, Redis and the connections to them.

use std::time::Duration;

use super::Run;
use crate::harness::Dice;
use crate::harness::{Servers, fault_lasts};

#[derive(Clone, Copy, Debug)]
enum Fault {
    TerminateSessions,
    RestartPostgresImmediately,
    RestartPostgresFast,
    ReadOnly,
    FullDisk,
    LockTable,
    CutPostgres,
    StallPostgres,
    SlowPostgres,
    CutRedis,
    StallRedis,
    EmptyRedis,
    TrimStreams,
    SnapshotRedis,
    RollBackRedis,
}

/// Frequent ones are listed more than once.
const FAULTS: [Fault; 24] = [
    Fault::TerminateSessions,
    Fault::TerminateSessions,
    Fault::TerminateSessions,
    Fault::TerminateSessions,
    Fault::RestartPostgresImmediately,
    Fault::RestartPostgresFast,
    Fault::ReadOnly,
    Fault::FullDisk,
    Fault::LockTable,
    Fault::LockTable,
    Fault::CutPostgres,
    Fault::CutPostgres,
    Fault::StallPostgres,
    Fault::SlowPostgres,
    Fault::CutRedis,
    Fault::CutRedis,
    Fault::StallRedis,
    Fault::EmptyRedis,
    Fault::EmptyRedis,
    Fault::TrimStreams,
    Fault::TrimStreams,
    Fault::TrimStreams,
    Fault::SnapshotRedis,
    Fault::RollBackRedis,
];

const TABLES: [&str; 8] = [
    "booking.bookings",
    "booking.inbox_cursors",
    "booking.outbox",
    "payment.payments",
    "payment.inbox_cursors",
    "vehicle.occupancies",
    "vehicle.inbox_cursors",
    "notification.notifications",
];

/// Injects one fault after the other until the run is over.
pub async fn inject(servers: &Servers, dice: Dice, run: &Run) {
    while !run.is_over() {
        let fault = dice.pick(&FAULTS);
        run.begins(&format!("{fault:?}"));
        if matches!(
            fault,
            Fault::CutRedis
                | Fault::StallRedis
                | Fault::EmptyRedis
                | Fault::TrimStreams
                | Fault::SnapshotRedis
                | Fault::RollBackRedis
        ) {
            redis(servers, fault, &dice).await;
        } else if matches!(
            fault,
            Fault::CutPostgres | Fault::StallPostgres | Fault::SlowPostgres
        ) {
            connection(servers, fault, &dice).await;
        } else {
            postgres(servers, fault, &dice).await;
        }
        fault_lasts(dice.duration(100, 2_500)).await;
    }
}

async fn redis(servers: &Servers, fault: Fault, dice: &Dice) {
    match fault {
        Fault::EmptyRedis => servers.empty_redis().await.expect("Redis"),
        Fault::TrimStreams => servers.trim_streams().await.expect("Redis"),
        Fault::SnapshotRedis => servers.snapshot_redis().await.expect("Redis"),
        Fault::RollBackRedis => servers.roll_back_redis().await,
        _ => {
            if matches!(fault, Fault::CutRedis) {
                servers.redis_proxy.cut();
            } else {
                servers.redis_proxy.stall();
            }
            fault_lasts(dice.duration(100, 5_000)).await;
            servers.redis_proxy.heal();
        }
    }
}

/// The connections of one service to PostgreSQL.
async fn connection(servers: &Servers, fault: Fault, dice: &Dice) {
    let services: Vec<&str> = servers.postgres_proxies.keys().copied().collect();
    let proxy = &servers.postgres_proxies[dice.pick(&services)];
    match fault {
        Fault::CutPostgres => proxy.cut(),
        Fault::StallPostgres => proxy.stall(),
        _ => proxy.delay(Duration::from_millis(100)),
    }
    fault_lasts(dice.duration(100, 6_000)).await;
    proxy.heal();
}

async fn postgres(servers: &Servers, fault: Fault, dice: &Dice) {
    match fault {
        Fault::TerminateSessions => {
            let limit = 1 + dice.below(10);
            servers.terminate_sessions(limit).await.expect("a session");
        }
        Fault::RestartPostgresImmediately => servers.restart_postgres_immediately().await,
        Fault::RestartPostgresFast => servers.postgres.restart().await.expect("a restart"),
        Fault::ReadOnly => {
            servers.set_read_only(true).await.expect("a session");
            fault_lasts(dice.duration(500, 6_000)).await;
            servers.set_read_only(false).await.expect("a session");
        }
        Fault::FullDisk => {
            servers.fill_disk().await.expect("a session");
            fault_lasts(dice.duration(500, 6_000)).await;
            servers.free_disk().await.expect("a session");
        }
        _ => {
            let table = dice.pick(&TABLES);
            let lock = servers.lock_table(table).await.expect("a session");
            fault_lasts(dice.duration(500, 8_000)).await;
            drop(lock);
        }
    }
}
