//! Periodic jobs: when they are due, by one process a period, on request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use carshare_chassis::Error as ChassisError;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_store::{Backlog, Db, DueJob, Error, Schedule, Tx};
use carshare_testkit::eventually_true;
use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection};

use crate::harness::{Harness, Running, TIMEOUT, publish};

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
        let (runs, schedule) = (self.0.clone(), Schedule::every(db, "count", HOUR));
        let job = move || {
            runs.fetch_add(1, Ordering::SeqCst);
            async { Ok::<(), ChassisError>(()) }
        };
        Running::start(|shutdown| schedule.run(shutdown, job))
    }
}

async fn notify(db: &Db) {
    async fn notify_job(tx: &Tx, (): &()) -> Result<(), Error> {
        tx.notify_job("count");
        Ok(())
    }
    db.transaction("test.notify", (), notify_job).await.unwrap();
}

/// Returns the due time of the only job.
async fn due_at(harness: &Harness) -> Option<DateTime<Utc>> {
    let mut connection = PgConnection::connect(&harness.database.url()).await.unwrap();
    sqlx::query_scalar("SELECT due_at FROM schedules")
        .fetch_optional(&mut connection)
        .await
        .unwrap()
}

/// Waits until the run of this period is claimed.
async fn claimed(harness: &Harness) {
    eventually_true(TIMEOUT, || async {
        due_at(harness)
            .await
            .is_some_and(|due_at| due_at > harness.clock.now())
    })
    .await;
}

/// Waits until the job is due after `delay`.
async fn due_in(harness: &Harness, delay: Duration) {
    let expected = Some(harness.clock.now() + delay);
    eventually_true(TIMEOUT, || async { due_at(harness).await == expected }).await;
}

async fn set_due_at(harness: &Harness, due_at: DateTime<Utc>) {
    let mut connection = PgConnection::connect(&harness.database.url()).await.unwrap();
    sqlx::query("INSERT INTO schedules (name, due_at) VALUES ('count', $1)")
        .bind(due_at)
        .execute(&mut connection)
        .await
        .unwrap();
}

#[tokio::test]
async fn runs_at_start_and_then_every_period() {
    let harness = Harness::new().await;
    let runs = Runs::default();
    let running = runs.start(&harness.db);
    runs.reach(1).await;
    claimed(&harness).await;
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
    let schedule = Schedule::every(&harness.db, "slow", HOUR);
    // The first run takes an hour; the clock stands still from then on.
    let job = move || {
        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
            clock.advance(HOUR);
        }
        async { Ok::<(), ChassisError>(()) }
    };
    let running = Running::start(|shutdown| schedule.run(shutdown, job));
    runs.reach(2).await;
    running.stop().await;
}

#[tokio::test]
async fn two_processes_run_a_job_once_per_period() {
    let harness = Harness::new().await;
    let (environment, clock) = crate::harness::environment(9);
    let other = Db::connect(&harness.config, environment).unwrap();
    // A claim that waits for its first connection would use a time of two periods ago.
    for db in [&harness.db, &other] {
        db.check_writable().await.unwrap();
    }
    let runs = Runs::default();
    let running = [runs.start(&harness.db), runs.start(&other)];
    for period in 1..=5 {
        runs.reach(period).await;
        claimed(&harness).await;
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
async fn run_claimed_by_another_process_is_not_repeated() {
    let harness = Harness::new().await;
    set_due_at(&harness, harness.clock.now() + HOUR).await;
    let runs = Runs::default();
    let running = runs.start(&harness.db);
    harness.clock.advance(HOUR / 2);
    assert_eq!(due_at(&harness).await, Some(harness.clock.now() + HOUR / 2));
    harness.clock.advance(HOUR / 2);
    runs.reach(1).await;
    running.stop().await;
}

#[tokio::test]
async fn due_time_set_by_a_clock_that_was_ahead_is_ignored() {
    let harness = Harness::new().await;
    set_due_at(&harness, harness.clock.now() + 3 * HOUR).await;
    let runs = Runs::default();
    let running = runs.start(&harness.db);
    runs.reach(1).await;
    due_in(&harness, HOUR).await;
    running.stop().await;
}

#[tokio::test]
async fn failed_run_is_repeated_after_a_delay() {
    let harness = Harness::new().await;
    let runs = Runs::default();
    let (counted, schedule) = (runs.0.clone(), Schedule::every(&harness.db, "failing", HOUR));
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
    let running = Running::start(|shutdown| schedule.run(shutdown, job));
    runs.reach(1).await;
    due_in(&harness, Duration::from_secs(15)).await;
    harness.clock.advance(Duration::from_secs(15));
    runs.reach(2).await;
    running.stop().await;
}

#[tokio::test]
async fn panicked_run_is_repeated_after_a_delay() {
    let harness = Harness::new().await;
    let runs = Runs::default();
    let (counted, schedule) = (runs.0.clone(), Schedule::every(&harness.db, "panicking", HOUR));
    let job = move || {
        let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            assert!(!first, "the first run panics");
            Ok::<(), ChassisError>(())
        }
    };
    let running = Running::start(|shutdown| schedule.run(shutdown, job));
    runs.reach(1).await;
    due_in(&harness, Duration::from_secs(15)).await;
    harness.clock.advance(Duration::from_secs(15));
    runs.reach(2).await;
    running.stop().await;
}

static FORGOTTEN: AtomicU32 = AtomicU32::new(0);

#[tokio::test]
async fn process_forgets_what_it_measured_when_another_one_claims_the_run() {
    let harness = Harness::new().await;
    set_due_at(&harness, harness.clock.now() + HOUR).await;
    let runs = Runs::default();
    let counted = runs.0.clone();
    let schedule = Schedule::every(&harness.db, "count", HOUR).on_claimed_elsewhere(|| {
        FORGOTTEN.fetch_add(1, Ordering::SeqCst);
    });
    let job = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Ok::<(), ChassisError>(()) }
    };
    let running = Running::start(|shutdown| schedule.run(shutdown, job));
    eventually_true(TIMEOUT, || async { FORGOTTEN.load(Ordering::SeqCst) == 1 }).await;
    harness.clock.advance(HOUR);
    runs.reach(1).await;
    assert_eq!(
        FORGOTTEN.load(Ordering::SeqCst),
        1,
        "its own run is not forgotten"
    );
    running.stop().await;
}

#[tokio::test]
async fn backlog_is_the_oldest_event_without_a_position_and_all_jobs() {
    let harness = Harness::new().await;
    let nothing = Backlog {
        oldest_event: None,
        jobs: vec![],
    };
    assert_eq!(harness.db.backlog().await.unwrap(), nothing);
    let noon = harness.clock.now();
    publish(&harness.db, "u-1", "one").await;
    harness.clock.advance(HOUR);
    publish(&harness.db, "u-2", "two").await;
    set_due_at(&harness, noon).await;
    let waiting = Backlog {
        oldest_event: Some(noon),
        jobs: vec![DueJob {
            name: "count".to_owned(),
            due_at: noon,
        }],
    };
    assert_eq!(harness.db.backlog().await.unwrap(), waiting);
    let relay = harness.relay();
    eventually_true(TIMEOUT, || async {
        harness.db.backlog().await.unwrap().oldest_event.is_none()
    })
    .await;
    relay.stop().await;
}
