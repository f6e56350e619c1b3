//! Periodic work: when it is due, by one process, on request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use carshare_chassis::Error as ChassisError;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_store::{Db, Error, Lease, Tx};
use carshare_testkit::eventually_true;

use crate::harness::{Harness, Running, TIMEOUT};

const HOUR: Duration = Duration::from_hours(1);

/// Counts the runs of a job.
#[derive(Clone, Default)]
struct Runs(Arc<AtomicU32>);

impl Runs {
    async fn reach(&self, expected: u32) {
        eventually_true(TIMEOUT, || async { self.0.load(Ordering::SeqCst) >= expected }).await;
        assert_eq!(self.0.load(Ordering::SeqCst), expected);
    }

    fn start(&self, db: &Db) -> Running {
        let (runs, lease) = (self.0.clone(), Lease::every(db, "count", HOUR));
        let job = move || {
            runs.fetch_add(1, Ordering::SeqCst);
            async { Ok::<(), ChassisError>(()) }
        };
        Running::start(|shutdown| lease.run(shutdown, job))
    }
}

async fn notify(db: &Db) {
    async fn notify_job(tx: &Tx, (): &()) -> Result<(), Error> {
        tx.notify_job("count");
        Ok(())
    }
    db.transaction("test.notify", (), notify_job).await.unwrap();
}

/// Returns whether nobody holds the lease.
async fn is_idle(harness: &Harness) -> bool {
    let url = harness.database.url();
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&url)
        .await
        .unwrap();
    sqlx::query_scalar("SELECT count(*) = 1 FROM leases WHERE owner IS NULL")
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn runs_at_start_and_then_every_period() {
    let harness = Harness::new().await;
    let runs = Runs::default();
    let running = runs.start(&harness.db);
    runs.reach(1).await;
    eventually_true(TIMEOUT, || is_idle(&harness)).await;
    harness.clock.advance(HOUR / 2);
    harness.clock.advance(HOUR / 2);
    runs.reach(2).await;
    running.stop().await;
}

#[tokio::test]
async fn period_counts_from_the_start_of_a_run() {
    let harness = Harness::new().await;
    let runs = Runs::default();
    let (counted, clock) = (runs.0.clone(), harness.clock.clone());
    let lease = Lease::every(&harness.db, "slow", HOUR);
    // The first run takes an hour; the clock stands still from then on.
    let job = move || {
        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
            clock.advance(HOUR);
        }
        async { Ok::<(), ChassisError>(()) }
    };
    let running = Running::start(|shutdown| lease.run(shutdown, job));
    runs.reach(2).await;
    running.stop().await;
}

#[tokio::test]
async fn two_processes_run_a_job_once_per_period() {
    let harness = Harness::new().await;
    let (environment, clock) = crate::harness::environment(9);
    let other = Db::connect(&harness.config, environment).unwrap();
    let runs = Runs::default();
    let running = [runs.start(&harness.db), runs.start(&other)];
    for period in 1..=5 {
        runs.reach(period).await;
        eventually_true(TIMEOUT, || is_idle(&harness)).await;
        harness.clock.advance(HOUR);
        clock.advance(HOUR);
    }
    for running in running {
        running.stop().await;
    }
}

#[tokio::test]
async fn notify_job_runs_the_job_after_the_commit() {
    let harness = Harness::new().await;
    let runs = Runs::default();
    let running = runs.start(&harness.db);
    runs.reach(1).await;
    notify(&harness.db).await;
    runs.reach(2).await;
    running.stop().await;
}

#[tokio::test]
async fn notify_job_waits_for_the_process_that_holds_the_lease() {
    let harness = Harness::new().await;
    let runs = Runs::default();
    let running = runs.start(&harness.db);
    runs.reach(1).await;
    eventually_true(TIMEOUT, || is_idle(&harness)).await;
    hold(&harness, harness.clock.now() + Duration::from_secs(30)).await;
    notify(&harness.db).await;
    hold(&harness, harness.clock.now()).await; // it is done; the clock stands still
    runs.reach(2).await;
    running.stop().await;
}

/// Another process holds the lease until then.
async fn hold(harness: &Harness, until: chrono::DateTime<chrono::Utc>) {
    let url = harness.database.url();
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&url)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO leases VALUES ('count', '00000000-0000-0000-0000-000000000001', $1, $2) \
         ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = $1",
    )
    .bind(until)
    .bind(harness.clock.now())
    .execute(&mut connection)
    .await
    .unwrap();
}

#[tokio::test]
async fn takes_an_expired_lease() {
    let harness = Harness::new().await;
    hold(&harness, harness.clock.now() + Duration::from_secs(30)).await;
    let runs = Runs::default();
    let running = runs.start(&harness.db);
    harness.clock.advance(Duration::from_secs(29));
    harness.clock.advance(Duration::from_secs(1));
    runs.reach(1).await;
    running.stop().await;
}

#[tokio::test]
async fn failed_run_is_repeated_after_a_delay() {
    let harness = Harness::new().await;
    let runs = Runs::default();
    let (counted, lease) = (runs.0.clone(), Lease::every(&harness.db, "failing", HOUR));
    let job = move || {
        let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if first {
                Err(ChassisError::new(Common::Unavailable))
            } else {
                Ok(())
            }
        }
    };
    let running = Running::start(|shutdown| lease.run(shutdown, job));
    runs.reach(1).await;
    eventually_true(TIMEOUT, || is_idle(&harness)).await;
    harness.clock.advance(Duration::from_secs(15));
    runs.reach(2).await;
    running.stop().await;
}

/// Nor does it take the work beside it along.
#[tokio::test]
async fn panicked_run_is_repeated_after_a_delay() {
    let harness = Harness::new().await;
    let runs = Runs::default();
    let (counted, lease) = (runs.0.clone(), Lease::every(&harness.db, "panicking", HOUR));
    let job = move || {
        let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            assert!(!first, "the first run panics");
            Ok::<(), ChassisError>(())
        }
    };
    let running = Running::start(|shutdown| lease.run(shutdown, job));
    runs.reach(1).await;
    eventually_true(TIMEOUT, || is_idle(&harness)).await;
    harness.clock.advance(Duration::from_secs(15));
    runs.reach(2).await;
    running.stop().await;
}
