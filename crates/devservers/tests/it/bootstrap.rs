//! `bootstrap` on a real server.

use carshare_devservers::bootstrap::{bootstrap, role_url};
use sqlx::{Connection, Executor, PgConnection};

#[tokio::test]
async fn bootstrap_runs_concurrently_and_repeatedly() {
    let admin = carshare_testkit::postgres().await;
    let db = format!("bootstrap_{}", std::process::id());
    let roles = ["auth", "vehicle", "payment"];
    let (a, b, c) = tokio::join!(
        bootstrap(&admin, &db, &roles),
        bootstrap(&admin, &db, &roles),
        bootstrap(&admin, &db, &roles),
    );
    a.and(b).and(c).unwrap();
    let mut payment = PgConnection::connect(&role_url(&admin, &db, "payment").unwrap())
        .await
        .unwrap();
    for password in ["payment", ""] {
        let options: sqlx::postgres::PgConnectOptions =
            role_url(&admin, &db, "payment").unwrap().parse().unwrap();
        assert!(
            PgConnection::connect_with(&options.password(password))
                .await
                .is_err()
        );
    }
    let schema: String = sqlx::query_scalar("SELECT current_schema()")
        .fetch_one(&mut payment)
        .await
        .unwrap();
    assert_eq!(schema, "payment");
    payment.close().await.unwrap();
    let mut connection = PgConnection::connect(&admin).await.unwrap();
    connection
        .execute(sqlx::AssertSqlSafe(format!("DROP DATABASE {db} WITH (FORCE)")))
        .await
        .unwrap();
}

#[tokio::test]
async fn bootstrap_refuses_a_name_that_needs_quoting() {
    let refused = bootstrap("postgres://x@127.0.0.1/x", "x; DROP TABLE y", &[])
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "\"x; DROP TABLE y\" is not a plain lower-case name"
    );
}
