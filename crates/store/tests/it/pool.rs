//! The pool: no statement besides the work's own, and no failed call because of a connection that broke while it was idle.

use carshare_chassis::identity::Caller;
use carshare_chassis::rpc::CallContext;
use carshare_chassis::rpc::IdempotencyKey;
use carshare_store::{Db, Error, Tx, config};
use carshare_testkit::{Counts, Measured, eventually_true};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use sqlx::{Connection as _, PgConnection};

use crate::harness::{Harness, TIMEOUT, environment, event, execute};
use crate::metered::Metered;

const INSERT: &str = "INSERT INTO effects (key, note) VALUES ('k', 'written')";

impl Metered {
    /// Measures the third run of `work`: earlier ones prepare its statements.
    async fn measure(&self, work: impl AsyncFn(&Db)) -> Measured {
        work(&self.db).await;
        work(&self.db).await;
        self.meter.measure(work(&self.db)).await.1
    }
}

async fn read(db: &Db) {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, "SELECT $1 AS one", [1.into()]);
    let row = db.conn().query_one_raw(statement).await.unwrap().unwrap();
    assert_eq!(row.try_get::<i32>("", "one").unwrap(), 1);
}

async fn insert_and_publish(tx: &Tx, (): &()) -> Result<carshare_proto::auth::v1::UserUpdated, Error> {
    execute(tx, INSERT, []).await?;
    tx.publish(&event("u-1", "first"));
    tx.publish(&event("u-2", "second"));
    Ok(event("reply", "done"))
}

#[tokio::test]
async fn read_is_one_round_trip() {
    let metered = Metered::new().await;
    metered.measure(read).await.assert(Counts {
        statements: 1,
        round_trips: 1,
        commits: 0,
    });
}

#[tokio::test]
async fn transaction_adds_begin_and_commit_and_one_statement_for_its_events() {
    let metered = Metered::new().await;
    let publish = async |db: &Db| {
        db.transaction("test.publish", (), insert_and_publish)
            .await
            .unwrap();
    };
    metered.measure(publish).await.assert(Counts {
        statements: 2,
        round_trips: 4,
        commits: 1,
    });
}

#[tokio::test]
async fn idempotent_transaction_adds_the_lock_of_its_key() {
    let metered = Metered::new().await;
    let keys = std::cell::Cell::new(0);
    let publish = async |db: &Db| {
        keys.set(keys.get() + 1);
        let ctx = CallContext {
            idempotency: IdempotencyKey::parse(&format!("k-{}", keys.get())),
            ..CallContext::for_test(Caller::Service("gateway".into()))
        };
        db.idempotent(&ctx, "test.publish", (), insert_and_publish)
            .await
            .unwrap();
    };
    metered.measure(publish).await.assert(Counts {
        statements: 3,
        round_trips: 5,
        commits: 1,
    });
}

#[tokio::test]
async fn connection_that_was_ended_while_idle_fails_no_statement() {
    let metered = Metered::new().await;
    let mut admin = PgConnection::connect(&metered.harness.database.admin_url())
        .await
        .unwrap();
    let uses: [(&str, AsyncUse); 4] = [
        ("read", |db| Box::pin(read(db))),
        ("write", |db| {
            Box::pin(async {
                _ = db.conn().execute_unprepared(INSERT).await.unwrap();
            })
        }),
        ("readiness", |db| {
            Box::pin(async { db.check_writable().await.unwrap() })
        }),
        ("transaction", |db| {
            Box::pin(async { drop(db.transaction("test.idle", (), insert_and_publish).await.unwrap()) })
        }),
    ];
    for (name, run) in uses {
        // Several connections are open, and all of them are ended.
        futures::future::join_all((0..3).map(|_| run(&metered.db))).await;
        let sql = "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = 'store_test'";
        let ended: i64 = sqlx::query_scalar(sql).fetch_one(&mut admin).await.unwrap();
        assert!(ended > 0, "{name}");
        run(&metered.db).await;
    }
}

type AsyncUse = for<'d> fn(&'d Db) -> futures::future::BoxFuture<'d, ()>;

#[tokio::test]
async fn write_is_not_repeated_when_its_reply_is_lost() {
    let metered = Metered::new().await;
    read(&metered.db).await;
    let sql = "WITH written AS (INSERT INTO effects (key, note) VALUES ('k', 'once') RETURNING id) \
        SELECT pg_terminate_backend(pg_backend_pid()) FROM written";
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let lost = metered.db.conn().query_one_raw(statement).await.unwrap_err();
    assert!(matches!(Error::from(lost), Error::Unavailable(_)));
    read(&metered.db).await;
    assert_eq!(metered.harness.notes().await.len(), 0);
}

#[tokio::test]
async fn cancelled_read_returns_its_connection() {
    let harness = Harness::new().await;
    let one_connection = config::Database {
        max_connections: 1,
        ..harness.config.clone()
    };
    let db = Db::connect(&one_connection, environment(2).0).unwrap();
    let before = backend(&db).await;
    let slow = Statement::from_string(DbBackend::Postgres, "SELECT pg_sleep(0.05)");
    for _ in 0..3 {
        let cancelled = tokio::time::timeout(
            std::time::Duration::from_millis(5),
            db.conn().query_one_raw(slow.clone()),
        );
        assert!(cancelled.await.is_err());
    }
    eventually_true(TIMEOUT, || async { backend(&db).await == before }).await;
}

async fn backend(db: &Db) -> i32 {
    let statement = Statement::from_string(DbBackend::Postgres, "SELECT pg_backend_pid() AS pid");
    let row = db.conn().query_one_raw(statement).await.unwrap().unwrap();
    row.try_get("", "pid").unwrap()
}

#[tokio::test]
async fn close_waits_for_the_running_transaction_and_refuses_new_work() {
    let harness = Harness::new().await;
    let db = harness.replica(5);
    let closing = db.clone();
    let (running, closed) = tokio::join!(
        db.transaction("test.close", (), async |tx: &Tx, ()| {
            tokio::task::yield_now().await;
            execute(tx, INSERT, []).await
        }),
        closing.close(),
    );
    assert_eq!((running.unwrap(), closed), (1, ()));
    let refused: Error = db
        .transaction("test.closed", INSERT, crate::harness::execute_sql)
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
    assert_eq!(harness.notes().await, ["written"]);
}
