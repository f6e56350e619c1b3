//! Periodic work: when it is due, by one process, on request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use carshare_chassis::Error as ChassisError;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_store::{Db, Lease, Notify};
use carshare_testkit::eventually_true;

use crate::bench::{Bench, Running, SOON, bench};

const HOUR: Duration = Duration::from_hours(1);

/// Counts the runs of a job.
#[derive(Clone, Default)]
struct Runs(Arc<AtomicU32>);

impl Runs {
    async fn reach(&self, expected: u32) {
        eventually_true(SOON, || async { self.0.load(Ordering::SeqCst) >= expected }).await;
        assert_eq!(self.0.load(Ordering::SeqCst), expected);
    }

    fn start(&self, db: &Db, wake: &Notify) -> Running {
        let (runs, lease) = (self.0.clone(), Lease::every(db, "count", HOUR).notified_by(wake));
        let job = move || {
            runs.fetch_add(1, Ordering::SeqCst);
            async { Ok::<(), ChassisError>(()) }
        };
        Running::start(|shutdown| lease.run(shutdown, job))
    }
}

/// The lease is free and due again.
async fn is_idle(bench: &Bench) -> bool {
    let url = bench.database.url();
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&url)
        .await
        .unwrap();
    sqlx::query_scalar("SELECT count(*) = 1 FROM leases WHERE owner IS NULL")
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_job_runs_at_first_and_then_each_period_of_the_injected_clock() {
    let bench = bench().await;
    let runs = Runs::default();
    let running = runs.start(&bench.db, &Notify::new());
    runs.reach(1).await;
    eventually_true(SOON, || is_idle(&bench)).await;
    bench.clock.advance(HOUR / 2);
    bench.clock.advance(HOUR / 2);
    runs.reach(2).await;
    running.stop().await;
}

#[tokio::test]
async fn a_period_that_passes_while_the_job_runs_is_not_lost() {
    let bench = bench().await;
    let runs = Runs::default();
    let (counted, clock) = (runs.0.clone(), bench.clock.clone());
    let lease = Lease::every(&bench.db, "slow", HOUR);
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
async fn two_processes_run_it_once_a_period() {
    let bench = bench().await;
    let (environment, clock) = crate::bench::environment(9);
    let other = Db::connect(&bench.config, environment).unwrap();
    let runs = Runs::default();
    let running = [
        runs.start(&bench.db, &Notify::new()),
        runs.start(&other, &Notify::new()),
    ];
    for period in 1..=5 {
        runs.reach(period).await;
        eventually_true(SOON, || is_idle(&bench)).await;
        bench.clock.advance(HOUR);
        clock.advance(HOUR);
    }
    for running in running {
        running.stop().await;
    }
}

#[tokio::test]
async fn a_poke_runs_it_at_once() {
    let bench = bench().await;
    let (runs, wake) = (Runs::default(), Notify::new());
    let running = runs.start(&bench.db, &wake);
    runs.reach(1).await;
    wake.notify();
    runs.reach(2).await;
    running.stop().await;
}

#[tokio::test]
async fn a_poke_waits_for_the_process_that_is_at_it() {
    let bench = bench().await;
    let (runs, wake) = (Runs::default(), Notify::new());
    let running = runs.start(&bench.db, &wake);
    runs.reach(1).await;
    eventually_true(SOON, || is_idle(&bench)).await;
    hold(&bench, bench.clock.now() + Duration::from_secs(30)).await;
    wake.notify();
    hold(&bench, bench.clock.now()).await; // it is done; the clock stands still
    runs.reach(2).await;
    running.stop().await;
}

/// Another process holds the lease until then.
async fn hold(bench: &Bench, until: chrono::DateTime<chrono::Utc>) {
    let url = bench.database.url();
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&url)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO leases VALUES ('count', '00000000-0000-0000-0000-000000000001', $1, $2) \
         ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = $1",
    )
    .bind(until)
    .bind(bench.clock.now())
    .execute(&mut connection)
    .await
    .unwrap();
}

#[tokio::test]
async fn a_process_that_died_at_work_is_followed_when_its_lease_ends() {
    let bench = bench().await;
    hold(&bench, bench.clock.now() + Duration::from_secs(30)).await;
    let runs = Runs::default();
    let running = runs.start(&bench.db, &Notify::new());
    bench.clock.advance(Duration::from_secs(29));
    bench.clock.advance(Duration::from_secs(1));
    runs.reach(1).await;
    running.stop().await;
}

#[tokio::test]
async fn a_job_that_failed_is_run_again_soon() {
    let bench = bench().await;
    let runs = Runs::default();
    let (counted, lease) = (runs.0.clone(), Lease::every(&bench.db, "failing", HOUR));
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
    eventually_true(SOON, || is_idle(&bench)).await;
    bench.clock.advance(Duration::from_secs(15));
    runs.reach(2).await;
    running.stop().await;
}

/// Nor does it take the work beside it along.
#[tokio::test]
async fn a_job_that_panicked_is_run_again_soon() {
    let bench = bench().await;
    let runs = Runs::default();
    let (counted, lease) = (runs.0.clone(), Lease::every(&bench.db, "panicking", HOUR));
    let job = move || {
        let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            assert!(!first, "told you");
            Ok::<(), ChassisError>(())
        }
    };
    let running = Running::start(|shutdown| lease.run(shutdown, job));
    runs.reach(1).await;
    eventually_true(SOON, || is_idle(&bench)).await;
    bench.clock.advance(Duration::from_secs(15));
    runs.reach(2).await;
    running.stop().await;
}
