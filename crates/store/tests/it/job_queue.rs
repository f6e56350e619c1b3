//! Job queues: claims, concurrency, notification and rows that come back.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use carshare_chassis::Error as ChassisError;
use carshare_chassis::request_context::RequestContext;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_store::{Db, Error, JobQueue, JobQueueOptions, Tx};
use carshare_testkit::eventually_true;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, FromQueryResult, raw_sql};
use tokio::sync::Semaphore;

use crate::harness::{Harness, Running, TIMEOUT};

const CLAIM_TIMEOUT: Duration = Duration::from_secs(30);
const CONCURRENCY: usize = 3;

/// Finishes a row by clearing its due time; rows with a negative id fail.
struct Tasks {
    db: Db,
    /// A permit lets one row finish.
    gate: Arc<Semaphore>,
    running: Arc<AtomicUsize>,
}

#[derive(FromQueryResult)]
struct Task {
    id: i64,
}

impl JobQueue for Tasks {
    const NAME: &'static str = "tasks";
    type Row = Task;
    type Error = ChassisError;

    async fn claim(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<Task>, ChassisError> {
        let limit = i64::try_from(limit).unwrap();
        let claim = Task::find_by_statement(raw_sql!(
            Postgres,
            r#"UPDATE tasks SET due_at = {until}, attempts = attempts + 1 WHERE id = ANY(ARRAY(
                   SELECT id FROM tasks WHERE due_at <= {now} ORDER BY due_at LIMIT {limit} FOR UPDATE SKIP LOCKED
               )) RETURNING id"#
        ));
        Ok(claim.all(self.db.conn()).await.map_err(Error::from)?)
    }

    async fn next_due_at(&self) -> Result<Option<DateTime<Utc>>, ChassisError> {
        let sql = raw_sql!(Postgres, "SELECT min(due_at) AS due_at FROM tasks");
        let row = self.db.conn().query_one_raw(sql).await.map_err(Error::from)?;
        let due_at = row.map(|row| row.try_get("", "due_at")).transpose();
        Ok(due_at.map_err(Error::from)?.flatten())
    }

    fn id(row: &Task) -> impl Display + Send {
        row.id
    }

    fn request_context(row: &Task) -> RequestContext {
        RequestContext::background(row.id.to_string(), None)
    }

    async fn work(&self, row: Task) -> Result<(), ChassisError> {
        self.running.fetch_add(1, Ordering::SeqCst);
        let permit = self.gate.acquire().await.unwrap();
        permit.forget();
        self.running.fetch_sub(1, Ordering::SeqCst);
        if row.id < 0 {
            return Err(ChassisError::new(Common::Unavailable));
        }
        let sql = raw_sql!(Postgres, "UPDATE tasks SET due_at = NULL WHERE id = {row.id}");
        self.db.conn().execute_raw(sql).await.map_err(Error::from)?;
        Ok(())
    }
}

struct Worker {
    gate: Arc<Semaphore>,
    running: Arc<AtomicUsize>,
    task: Running,
}

impl Worker {
    fn start(db: &Db, permits: usize, poll_interval: Duration) -> Self {
        let (gate, running) = (Arc::new(Semaphore::new(permits)), Arc::default());
        let queue = Tasks {
            db: db.clone(),
            gate: Arc::clone(&gate),
            running: Arc::clone(&running),
        };
        let options = JobQueueOptions {
            concurrency: CONCURRENCY,
            claim_timeout: CLAIM_TIMEOUT,
            poll_interval,
        };
        let db = db.clone();
        let run = |shutdown| async move { db.run_job_queue(queue, options, shutdown).await };
        Self {
            gate,
            running,
            task: Running::start(run),
        }
    }

    async fn reaches(&self, running: usize) {
        eventually_true(TIMEOUT, || async {
            self.running.load(Ordering::SeqCst) == running
        })
        .await;
    }
}

/// Makes rows with these ids due now, and notifies the queue of this process.
async fn insert(db: &Db, ids: &[i64]) {
    struct Ids(Vec<i64>);

    async fn insert_rows(tx: &Tx, Ids(ids): &Ids) -> Result<(), Error> {
        let (ids, now) = (ids.clone(), tx.now());
        let sql = raw_sql!(
            Postgres,
            "INSERT INTO tasks (id, due_at) SELECT unnest({ids}::bigint[]), {now}"
        );
        tx.conn().execute_raw(sql).await?;
        tx.notify_job(Tasks::NAME);
        Ok(())
    }
    db.transaction("test.insert", Ids(ids.to_vec()), insert_rows)
        .await
        .unwrap();
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    let row = db
        .conn()
        .query_one_raw(sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql));
    row.await.unwrap().unwrap().try_get("", "count").unwrap()
}

async fn done(db: &Db) -> i64 {
    count(db, "SELECT count(*) AS count FROM tasks WHERE due_at IS NULL").await
}

#[tokio::test]
async fn works_on_due_rows_with_bounded_concurrency() {
    let harness = Harness::new().await;
    insert(&harness.db, &[1, 2, 3, 4, 5, 6, 7]).await;
    let worker = Worker::start(&harness.db, 0, Duration::from_hours(1));
    worker.reaches(CONCURRENCY).await;
    let claimed = "SELECT count(*) AS count FROM tasks WHERE attempts > 0";
    assert_eq!(count(&harness.db, claimed).await, 3);
    worker.gate.add_permits(7);
    eventually_true(TIMEOUT, || async { done(&harness.db).await == 7 }).await;
    assert_eq!(
        count(&harness.db, "SELECT sum(attempts) AS count FROM tasks").await,
        7
    );
    worker.task.stop().await;
}

#[tokio::test]
async fn notification_starts_work_before_the_next_poll() {
    let harness = Harness::new().await;
    let worker = Worker::start(&harness.db, 10, Duration::from_hours(1));
    insert(&harness.db, &[1]).await;
    eventually_true(TIMEOUT, || async { done(&harness.db).await == 1 }).await;
    insert(&harness.db, &[2]).await;
    eventually_true(TIMEOUT, || async { done(&harness.db).await == 2 }).await;
    worker.task.stop().await;
}

#[tokio::test]
async fn two_workers_claim_each_row_once() {
    let harness = Harness::new().await;
    let ids: Vec<i64> = (1..=40).collect();
    insert(&harness.db, &ids).await;
    let poll = Duration::from_secs(1);
    let workers = [
        Worker::start(&harness.db, 100, poll),
        Worker::start(&harness.replica(2), 100, poll),
    ];
    eventually_true(TIMEOUT, || async { done(&harness.db).await == 40 }).await;
    assert_eq!(
        count(&harness.db, "SELECT max(attempts)::bigint AS count FROM tasks").await,
        1
    );
    for worker in workers {
        worker.task.stop().await;
    }
}

#[tokio::test]
async fn row_of_a_crashed_worker_is_due_again_when_its_claim_ends() {
    let harness = Harness::new().await;
    insert(&harness.db, &[1]).await;
    let crashed = Worker::start(&harness.db, 0, Duration::from_secs(1));
    crashed.reaches(1).await;
    crashed.task.crash();
    let worker = Worker::start(&harness.db, 10, Duration::from_hours(1));
    assert_eq!(done(&harness.db).await, 0);
    harness.clock.advance(CLAIM_TIMEOUT);
    eventually_true(TIMEOUT, || async { done(&harness.db).await == 1 }).await;
    worker.task.stop().await;
}

#[tokio::test]
async fn failed_row_is_due_again_when_its_claim_ends() {
    let harness = Harness::new().await;
    insert(&harness.db, &[-1]).await;
    let worker = Worker::start(&harness.db, 10, Duration::from_hours(1));
    let attempts = || count(&harness.db, "SELECT attempts::bigint AS count FROM tasks");
    for attempt in 1..=3 {
        eventually_true(TIMEOUT, || async { attempts().await == attempt }).await;
        harness.clock.advance(CLAIM_TIMEOUT);
    }
    assert_eq!(done(&harness.db).await, 0);
    worker.task.stop().await;
}

#[tokio::test]
async fn shutdown_waits_for_rows_in_work() {
    let harness = Harness::new().await;
    insert(&harness.db, &[1]).await;
    let worker = Worker::start(&harness.db, 0, Duration::from_hours(1));
    worker.reaches(1).await;
    worker.task.shutdown.trigger();
    worker.gate.add_permits(1);
    worker.task.stop().await;
    assert_eq!(done(&harness.db).await, 1);
}
