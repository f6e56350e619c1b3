//! `PostgresMeter` in front of the shared server.

use anyhow::Result;
use carshare_testkit::{Counts, Database, PostgresMeter};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, Executor, PgConnection, PgPool};

async fn migrate(_: String) -> Result<()> {
    Ok(())
}

async fn meter() -> (Database, PostgresMeter) {
    let database = Database::create("vehicle", migrate).await;
    let meter = PostgresMeter::start(&database.url()).await.unwrap();
    (database, meter)
}

async fn add(connection: &mut PgConnection) -> i32 {
    let sum = sqlx::query_scalar("SELECT $1 + 1").bind(1);
    sum.fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn prepared_statement_is_one_round_trip_from_its_second_execution() {
    let (_database, meter) = meter().await;
    let mut connection = PgConnection::connect(meter.url()).await.unwrap();
    let (sum, first) = meter.measure(add(&mut connection)).await;
    assert_eq!(sum, 2);
    first.assert(Counts {
        statements: 1,
        round_trips: 2,
        commits: 0,
    });
    let (_, second) = meter.measure(add(&mut connection)).await;
    second.assert(Counts {
        statements: 1,
        round_trips: 1,
        commits: 0,
    });
    assert_eq!(second.statements, ["SELECT $1 + 1"]);
}

#[tokio::test]
async fn transaction_control_is_counted_apart_from_statements() {
    let (_database, meter) = meter().await;
    let mut connection = PgConnection::connect(meter.url()).await.unwrap();
    let ((), measured) = meter
        .measure(async {
            for statement in ["BEGIN", "CREATE TABLE cars ()", "COMMIT", "BEGIN", "ROLLBACK"] {
                connection.execute(statement).await.unwrap();
            }
        })
        .await;
    measured.assert(Counts {
        statements: 1,
        round_trips: 5,
        commits: 1,
    });
}

#[tokio::test]
async fn pings_of_a_pool_after_the_work_are_round_trips() {
    let (_database, meter) = meter().await;
    let pool: PgPool = PgPoolOptions::new().connect(meter.url()).await.unwrap();
    let read = || async {
        pool.execute("SELECT 1").await.unwrap();
    };
    read().await;
    let ((), measured) = meter.measure(read()).await;
    measured.assert(Counts {
        statements: 1,
        round_trips: 3,
        commits: 0,
    });
}

#[tokio::test]
#[should_panic(expected = "1 round trips for these statements:\n  SELECT 7")]
async fn failed_assertion_lists_the_statements() {
    let (_database, meter) = meter().await;
    let mut connection = PgConnection::connect(meter.url()).await.unwrap();
    let (_, measured) = meter.measure(connection.execute("SELECT 7")).await;
    measured.assert(Counts {
        statements: 2,
        round_trips: 1,
        commits: 0,
    });
}
