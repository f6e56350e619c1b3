//! Named transactions: commit, roll back, try again, tell what went wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use carshare_chassis::Error as ChassisError;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_store::{Db, Error, Violation, Notify, config};
use futures::FutureExt as _;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::bench::{bench, event, execute, environment};

const ADD_GUEST: &str = "UPDATE rooms SET guests = guests + 1 WHERE number = 1";

async fn guests(db: &Db) -> i64 {
    db.transaction("test.guests", (), |tx, ()| {
        async move { execute(tx, "SELECT 1 FROM rooms, generate_series(1, guests)", []).await }.boxed()
    })
    .await
    .unwrap()
    .cast_signed()
}

#[tokio::test]
async fn a_commit_keeps_the_effect_and_then_rings() {
    let bench = bench().await;
    let wake = Notify::new();
    let bell = wake.clone();
    bench
        .db
        .transaction("test.add", bell, |tx, bell| {
            async move {
                let bell = bell.clone();
                tx.on_commit(move || bell.notify());
                execute(tx, ADD_GUEST, []).await
            }
            .boxed()
        })
        .await
        .unwrap();
    assert_eq!(guests(&bench.db).await, 1);
    assert_eq!(wake.notified().now_or_never(), Some(()));
}

#[tokio::test]
async fn an_error_rolls_everything_back_and_rings_nothing() {
    let bench = bench().await;
    let wake = Notify::new();
    let bell = wake.clone();
    let refused: ChassisError = bench
        .db
        .transaction("test.refused", bell, |tx, bell| {
            async move {
                let bell = bell.clone();
                tx.on_commit(move || bell.notify());
                execute(tx, ADD_GUEST, []).await?;
                tx.publish(&event("u", "never")).await?;
                Err::<(), _>(ChassisError::new(Common::Conflict))
            }
            .boxed()
        })
        .await
        .unwrap_err();
    assert!(refused.is(Common::Conflict));
    assert_eq!(guests(&bench.db).await, 0);
    assert_eq!(
        bench.db.outbox_backlog(std::time::Duration::ZERO).await.unwrap(),
        0
    );
    assert_eq!(wake.notified().now_or_never(), None);
}

#[tokio::test]
async fn a_serialization_failure_is_tried_again_whatever_the_work_makes_of_it() {
    let bench = bench().await;
    let tries = Arc::new(AtomicU32::new(0));
    let input = (Arc::clone(&tries), bench.database.url());
    // The work turns the failure into an error of its own; the transaction is tried again all the same.
    let done: Result<(), ChassisError> = bench
        .db
        .transaction("test.serializable", input, |tx, (tries, url)| {
            async move {
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
            }
            .boxed()
        })
        .await;
    done.unwrap();
    assert_eq!(tries.load(Ordering::SeqCst), 2);
    assert_eq!(guests(&bench.db).await, 2);
}

#[tokio::test]
async fn contention_without_end_is_given_up_as_a_conflict() {
    let bench = bench().await;
    let tries = Arc::new(AtomicU32::new(0));
    let lost: Error = bench
        .db
        .transaction("test.contention", Arc::clone(&tries), |tx, tries| {
            async move {
                tries.fetch_add(1, Ordering::SeqCst);
                execute(tx, "DO $$ BEGIN RAISE serialization_failure; END $$", []).await
            }
            .boxed()
        })
        .await
        .unwrap_err();
    assert!(matches!(lost, Error::Contention), "{lost:?}");
    assert_eq!(tries.load(Ordering::SeqCst), 6);
    assert!(ChassisError::from(lost).is(Common::Conflict));
}

#[tokio::test]
async fn a_connection_lost_before_commit_is_replaced() {
    let bench = bench().await;
    let tries = Arc::new(AtomicU32::new(0));
    let done: Result<u64, Error> = bench
        .db
        .transaction("test.broken", Arc::clone(&tries), |tx, tries| {
            async move {
                let affected = execute(tx, ADD_GUEST, []).await?;
                if tries.fetch_add(1, Ordering::SeqCst) == 0 {
                    execute(tx, "SELECT pg_terminate_backend(pg_backend_pid())", []).await?;
                }
                Ok(affected)
            }
            .boxed()
        })
        .await;
    assert_eq!(done.unwrap(), 1);
    assert_eq!(tries.load(Ordering::SeqCst), 2);
    assert_eq!(guests(&bench.db).await, 1);
}

#[tokio::test]
async fn a_connection_lost_in_commit_is_unknown_and_never_tried_again() {
    let bench = bench().await;
    let tries = Arc::new(AtomicU32::new(0));
    let unknown: Error = bench
        .db
        .transaction("test.broken_commit", Arc::clone(&tries), |tx, tries| {
            async move {
                tries.fetch_add(1, Ordering::SeqCst);
                execute(
                    tx,
                    "INSERT INTO effects (key, note) VALUES ('k', 'break at commit')",
                    [],
                )
                .await
            }
            .boxed()
        })
        .await
        .unwrap_err();
    assert!(matches!(unknown, Error::Unavailable(_)), "{unknown:?}");
    assert_eq!(tries.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn constraints_are_told_by_name_and_kind() {
    let bench = bench().await;
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
        let refused: Error = bench
            .db
            .transaction("test.constraint", sql, |tx, sql| execute(tx, sql, []).boxed())
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
async fn touching_periods_do_not_overlap() {
    let bench = bench().await;
    let sql = "INSERT INTO stays VALUES (1, '[2026-01-01,2026-01-02)'), (1, '[2026-01-02,2026-01-03)')";
    let made: Result<u64, Error> = bench
        .db
        .transaction("test.touching", sql, |tx, sql| execute(tx, sql, []).boxed())
        .await;
    assert_eq!(made.unwrap(), 2);
}

#[tokio::test]
async fn an_update_must_meet_the_version_it_expects() {
    assert!(Error::expect_one(1).is_ok());
    let stale = Error::expect_one(0).unwrap_err();
    assert!(ChassisError::from(stale).is(Common::Conflict));
}

#[tokio::test]
async fn an_absent_server_is_unavailable_and_says_when_to_come_back() {
    let url = format!(
        "postgres://nobody@127.0.0.1:{}/none",
        carshare_testkit::free_port().unwrap()
    );
    let config = config::Database {
        acquire_timeout_ms: 200,
        ..config::Database::at(url)
    };
    let db = Db::connect(&config, environment(1).0).unwrap();
    let away: ChassisError = db.ping().await.unwrap_err().into();
    assert!(away.is(Common::Unavailable));
    assert_eq!(away.retry_delay(), Some(std::time::Duration::from_secs(1)));
    let away: Error = db
        .transaction("test.away", (), |_, ()| async { Ok(()) }.boxed())
        .await
        .unwrap_err();
    assert!(matches!(away, Error::Unavailable(_)), "{away:?}");
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped() {
    let bench = bench().await;
    let config = config::Database {
        statement_timeout_ms: 50,
        ..bench.config.clone()
    };
    let db = Db::connect(&config, environment(2).0).unwrap();
    let slow: Error = db
        .transaction("test.slow", (), |tx, ()| {
            execute(tx, "SELECT pg_sleep(20)", []).boxed()
        })
        .await
        .unwrap_err();
    assert!(matches!(slow, Error::Unavailable(_)), "{slow:?}");
}

#[test]
fn a_wrong_url_is_not_repeated_in_the_error() {
    let refused = Db::connect(
        &config::Database::at("postgres://u:hunter2@h:notaport/d"),
        environment(1).0,
    )
    .err()
    .unwrap();
    assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
}

#[tokio::test]
async fn a_failure_that_the_work_ignores_is_no_commit() {
    let bench = bench().await;
    let wake = Notify::new();
    let bell = wake.clone();
    let refused: Result<(), Error> = bench
        .db
        .transaction("test.ignored", bell, |tx, bell| {
            async move {
                let bell = bell.clone();
                tx.on_commit(move || bell.notify());
                execute(tx, ADD_GUEST, []).await?;
                execute(tx, "INSERT INTO rooms SELECT * FROM rooms", [])
                    .await
                    .ok();
                Ok(())
            }
            .boxed()
        })
        .await;
    assert!(matches!(refused, Err(Error::Internal(_))), "{refused:?}");
    assert_eq!(guests(&bench.db).await, 0);
    assert_eq!(wake.notified().now_or_never(), None);
}
