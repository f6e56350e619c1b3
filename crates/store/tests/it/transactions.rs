//! Named transactions: commit, rollback, retries and error classification.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use carshare_chassis::Error as ChassisError;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_store::{Db, Error, Tx, Violation, config};
use futures::FutureExt as _;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::sync::Notify;

use crate::harness::{Harness, environment, event, execute, execute_sql};

const ADD_GUEST: &str = "UPDATE rooms SET guests = guests + 1 WHERE number = 1";

async fn guests(db: &Db) -> i64 {
    db.transaction(
        "test.guests",
        "SELECT 1 FROM rooms, generate_series(1, guests)",
        execute_sql,
    )
    .await
    .unwrap()
    .cast_signed()
}

#[tokio::test]
async fn commit_runs_on_commit_actions() {
    let harness = Harness::new().await;
    let committed = Arc::new(Notify::new());
    harness
        .db
        .transaction("test.add", Arc::clone(&committed), async |tx: &Tx, committed| {
            let committed = Arc::clone(committed);
            tx.on_commit(move || committed.notify_one());
            execute(tx, ADD_GUEST, []).await
        })
        .await
        .unwrap();
    assert_eq!(guests(&harness.db).await, 1);
    assert_eq!(committed.notified().now_or_never(), Some(()));
}

#[tokio::test]
async fn error_rolls_back_and_drops_on_commit_actions() {
    let harness = Harness::new().await;
    let committed = Arc::new(Notify::new());
    let refused: ChassisError = harness
        .db
        .transaction(
            "test.refused",
            Arc::clone(&committed),
            async |tx: &Tx, committed| {
                let committed = Arc::clone(committed);
                tx.on_commit(move || committed.notify_one());
                execute(tx, ADD_GUEST, []).await?;
                tx.publish(&event("u", "never"));
                Err::<(), _>(ChassisError::new(Common::Conflict))
            },
        )
        .await
        .unwrap_err();
    assert!(refused.is(Common::Conflict));
    assert_eq!(guests(&harness.db).await, 0);
    assert_eq!(
        harness
            .db
            .outbox_backlog(std::time::Duration::ZERO)
            .await
            .unwrap(),
        0
    );
    assert_eq!(committed.notified().now_or_never(), None);
}

#[tokio::test]
async fn retries_serialization_failures_that_the_work_maps_to_its_own_error() {
    let harness = Harness::new().await;
    let tries = Arc::new(AtomicU32::new(0));
    let input = (Arc::clone(&tries), harness.database.url());
    // The work turns the failure into an error of its own; the transaction is tried again all the same.
    let done: Result<(), ChassisError> = harness
        .db
        .transaction("test.serializable", input, async |tx: &Tx, (tries, url)| {
            execute(tx, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", []).await?;
            execute(tx, "SELECT guests FROM rooms WHERE number = 1", []).await?;
            if tries.fetch_add(1, Ordering::SeqCst) == 0 {
                let mut other = PgConnection::connect(url).await.map_err(Error::from)?;
                other.execute(ADD_GUEST).await.map_err(Error::from)?;
            }
            execute(tx, ADD_GUEST, [])
                .await
                .map_err(|_| ChassisError::new(Common::Internal))?;
            Ok(())
        })
        .await;
    done.unwrap();
    assert_eq!(tries.load(Ordering::SeqCst), 2);
    assert_eq!(guests(&harness.db).await, 2);
}

#[tokio::test]
async fn gives_up_on_contention_after_six_attempts() {
    let harness = Harness::new().await;
    let tries = Arc::new(AtomicU32::new(0));
    let lost: Error = harness
        .db
        .transaction("test.contention", Arc::clone(&tries), async |tx: &Tx, tries| {
            tries.fetch_add(1, Ordering::SeqCst);
            execute(tx, "DO $$ BEGIN RAISE serialization_failure; END $$", []).await
        })
        .await
        .unwrap_err();
    assert!(matches!(lost, Error::Contention), "{lost:?}");
    assert_eq!(tries.load(Ordering::SeqCst), 6);
    assert!(ChassisError::from(lost).is(Common::Conflict));
}

#[tokio::test]
async fn retries_on_a_new_connection_when_one_is_lost_before_commit() {
    let harness = Harness::new().await;
    let tries = Arc::new(AtomicU32::new(0));
    let done: Result<u64, Error> = harness
        .db
        .transaction("test.broken", Arc::clone(&tries), async |tx: &Tx, tries| {
            let affected = execute(tx, ADD_GUEST, []).await?;
            if tries.fetch_add(1, Ordering::SeqCst) == 0 {
                execute(tx, "SELECT pg_terminate_backend(pg_backend_pid())", []).await?;
            }
            Ok(affected)
        })
        .await;
    assert_eq!(done.unwrap(), 1);
    assert_eq!(tries.load(Ordering::SeqCst), 2);
    assert_eq!(guests(&harness.db).await, 1);
}

#[tokio::test]
async fn does_not_retry_when_the_connection_is_lost_during_commit() {
    let harness = Harness::new().await;
    let tries = Arc::new(AtomicU32::new(0));
    let unknown: Error = harness
        .db
        .transaction(
            "test.broken_commit",
            Arc::clone(&tries),
            async |tx: &Tx, tries| {
                tries.fetch_add(1, Ordering::SeqCst);
                execute(
                    tx,
                    "INSERT INTO effects (key, note) VALUES ('k', 'break at commit')",
                    [],
                )
                .await
            },
        )
        .await
        .unwrap_err();
    assert!(matches!(unknown, Error::Unavailable(_)), "{unknown:?}");
    assert_eq!(tries.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn constraint_violations_carry_name_and_kind() {
    let harness = Harness::new().await;
    let table = [
        ("INSERT INTO rooms VALUES (1, 1)", "rooms_pkey", Violation::Unique),
        (
            "INSERT INTO rooms VALUES (9, 0)",
            "rooms_have_beds",
            Violation::Check,
        ),
        ("INSERT INTO rooms VALUES (9, NULL)", "beds", Violation::NotNull),
        (
            "INSERT INTO stays VALUES (9, '[2026-01-01,2026-01-02)')",
            "stays_room_exists",
            Violation::ForeignKey,
        ),
        (
            "INSERT INTO stays VALUES (1, '[2026-01-01,2026-01-03)'), (1, '[2026-01-02,2026-01-04)')",
            "stays_no_overlap",
            Violation::Exclusion,
        ),
    ];
    for (sql, name, kind) in table {
        let refused: Error = harness
            .db
            .transaction("test.constraint", sql, execute_sql)
            .await
            .unwrap_err();
        assert!(refused.violates(name), "{sql}: {refused:?}");
        let Error::Conflict { violation, .. } = refused else {
            panic!("{sql}: {refused:?}")
        };
        assert_eq!(violation, kind, "{sql}");
        assert!(
            ChassisError::from(Error::Conflict {
                constraint: name.into(),
                violation
            })
            .is(Common::Internal)
        );
    }
}

#[tokio::test]
async fn adjacent_periods_do_not_overlap() {
    let harness = Harness::new().await;
    let sql = "INSERT INTO stays VALUES (1, '[2026-01-01,2026-01-02)'), (1, '[2026-01-02,2026-01-03)')";
    let made: Result<u64, Error> = harness.db.transaction("test.touching", sql, execute_sql).await;
    assert_eq!(made.unwrap(), 2);
}

#[tokio::test]
async fn update_with_another_version_is_stale() {
    assert!(Error::expect_one(1).is_ok());
    let stale = Error::expect_one(0).unwrap_err();
    assert!(ChassisError::from(stale).is(Common::Conflict));
}

#[tokio::test]
async fn unreachable_server_is_unavailable_with_retry_delay() {
    let url = format!(
        "postgres://nobody@127.0.0.1:{}/none",
        carshare_testkit::free_port().unwrap()
    );
    let config = config::Database {
        acquire_timeout: Duration::from_millis(200),
        ..config::Database::at(url)
    };
    let db = Db::connect(&config, environment(1).0).unwrap();
    let unavailable: ChassisError = db.check_writable().await.unwrap_err().into();
    assert!(unavailable.is(Common::Unavailable));
    assert_eq!(unavailable.retry_delay(), Some(std::time::Duration::from_secs(1)));
    let unavailable: Error = db
        .transaction("test.unavailable", (), async |_: &Tx, ()| Ok(()))
        .await
        .unwrap_err();
    assert!(matches!(unavailable, Error::Unavailable(_)), "{unavailable:?}");
}

#[tokio::test]
async fn statement_timeout_is_unavailable() {
    let harness = Harness::new().await;
    let config = config::Database {
        statement_timeout: Duration::from_millis(50),
        ..harness.config.clone()
    };
    let db = Db::connect(&config, environment(2).0).unwrap();
    let slow: Error = db
        .transaction("test.slow", "SELECT pg_sleep(20)", execute_sql)
        .await
        .unwrap_err();
    assert!(matches!(slow, Error::Unavailable(_)), "{slow:?}");
}

#[test]
fn invalid_url_is_not_part_of_the_error() {
    let refused = Db::connect(
        &config::Database::at("postgres://u:hunter2@h:notaport/d"),
        environment(1).0,
    )
    .err()
    .unwrap();
    assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
}

#[tokio::test]
async fn ignored_statement_failure_is_an_internal_error() {
    let harness = Harness::new().await;
    let committed = Arc::new(Notify::new());
    let refused: Result<(), Error> = harness
        .db
        .transaction(
            "test.ignored",
            Arc::clone(&committed),
            async |tx: &Tx, committed| {
                let committed = Arc::clone(committed);
                tx.on_commit(move || committed.notify_one());
                execute(tx, ADD_GUEST, []).await?;
                execute(tx, "INSERT INTO rooms SELECT * FROM rooms", [])
                    .await
                    .ok();
                Ok(())
            },
        )
        .await;
    assert!(matches!(refused, Err(Error::Internal(_))), "{refused:?}");
    assert_eq!(guests(&harness.db).await, 0);
    assert_eq!(committed.notified().now_or_never(), None);
}
