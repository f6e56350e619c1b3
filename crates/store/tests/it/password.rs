//! The password of the role changes while its processes run: the URL is read again from its file.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use carshare_chassis::task::Shutdown;
use carshare_store::{Db, Error, Relay, config};
use carshare_testkit::{TempDir, eventually_true};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::harness::{Harness, Running, TIMEOUT, append, environment, event};

/// A role of this test's own, because passwords belong to the whole server; it may do what the role of the schema may.
struct Role {
    harness: Harness,
    name: String,
    file: PathBuf,
    _folder: TempDir,
}

impl Role {
    async fn create() -> Self {
        let harness = Harness::new().await;
        let folder = TempDir::create("password").unwrap();
        let role = Self {
            name: format!("{}_role", harness.database.name()),
            file: folder.path().join("database-url"),
            harness,
            _folder: folder,
        };
        role.admin(&format!(
            "CREATE ROLE {name} LOGIN PASSWORD 'first' IN ROLE store_test; ALTER ROLE {name} SET search_path = store_test, public",
            name = role.name
        ))
        .await;
        role.write_file("first");
        role
    }

    async fn admin(&self, sql: &str) {
        let mut admin = PgConnection::connect(&self.harness.database.admin_url())
            .await
            .unwrap();
        admin.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    }

    fn url(&self, password: &str) -> String {
        let url = self.harness.database.url();
        let (_, server) = url.split_once('@').unwrap();
        format!("postgres://{}:{password}@{server}", self.name)
    }

    /// A newline, as editors add it.
    fn write_file(&self, password: &str) {
        std::fs::write(&self.file, self.url(password) + "\n").unwrap();
    }

    async fn set_password(&self, password: &str) {
        self.admin(&format!("ALTER ROLE {} PASSWORD '{password}'", self.name))
            .await;
    }

    async fn end_sessions(&self) {
        self.admin(&format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = '{}'",
            self.name
        ))
        .await;
    }

    fn connect(&self, reload: bool) -> Db {
        let config = config::Database::at(self.url("first"));
        let db = Db::connect(&config, environment(5).0).unwrap();
        db.reload_url_from(reload.then(|| self.file.clone()));
        db
    }

    /// The role is dropped: it owns nothing.
    async fn finish(self, db: Db) {
        db.close().await;
        self.admin(&format!("DROP ROLE {}", self.name)).await;
    }
}

async fn read(db: &Db) -> Result<(), Error> {
    let statement = Statement::from_string(DbBackend::Postgres, "SELECT 1");
    db.conn().query_one_raw(statement).await?;
    Ok(())
}

/// Calls at a time, as of a service under load.
const CALLERS: usize = 4;

/// Repeats a call whose connection was ended, as callers do. Each connection that was open can end one attempt; a refused password would
/// end all of them.
async fn repeated(call: impl AsyncFn() -> Result<(), Error>) {
    for _ in 0..=CALLERS {
        match call().await {
            Err(Error::Unavailable(_)) => {}
            result => return result.unwrap(),
        }
    }
    call().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_while_the_password_changes() {
    let role = Role::create().await;
    let db = role.connect(true);
    let stop = AtomicBool::new(false);
    let call = || async {
        let mut calls = 0;
        while !stop.load(Ordering::Relaxed) {
            repeated(async || read(&db).await).await;
            repeated(async || db.transaction("test.publish", event("key", "note"), append).await).await;
            calls += 1;
        }
        calls
    };
    let change = async {
        for password in ["second", "third"] {
            role.write_file(password);
            role.set_password(password).await;
            role.end_sessions().await;
            // Every caller has worked on with the new password.
            let note = "SELECT count(*) AS count FROM pg_stat_activity WHERE usename = $1 AND state = 'idle'";
            eventually_true(TIMEOUT, || async {
                let mut admin = PgConnection::connect(&role.harness.database.admin_url())
                    .await
                    .unwrap();
                let count: i64 = sqlx::query_scalar(note)
                    .bind(&role.name)
                    .fetch_one(&mut admin)
                    .await
                    .unwrap();
                count > 0
            })
            .await;
        }
        stop.store(true, Ordering::Relaxed);
    };
    let (calls, ()) = tokio::join!(futures::future::join_all((0..CALLERS).map(|_| call())), change);
    assert!(calls.iter().all(|calls| *calls > 0), "{calls:?}");
    role.finish(db).await;
}

#[tokio::test]
async fn refused_password_is_unavailable_until_the_file_has_the_new_one() {
    let role = Role::create().await;
    let db = role.connect(true);
    role.set_password("second").await;
    let refused = read(&db).await.unwrap_err();
    assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
    std::fs::write(&role.file, "nonsense").unwrap();
    read(&db).await.unwrap_err();
    role.write_file("wrong");
    read(&db).await.unwrap_err();
    role.write_file("second");
    read(&db).await.unwrap();
    role.finish(db).await;
}

#[tokio::test]
async fn url_without_a_file_is_not_read_again() {
    let role = Role::create().await;
    let db = role.connect(false);
    role.write_file("second");
    role.set_password("second").await;
    read(&db).await.unwrap_err();
    role.finish(db).await;
}

/// The relay listens on a connection of its own; without it, events of other processes wait for the next poll.
#[tokio::test(flavor = "multi_thread")]
async fn relay_listens_again_with_the_new_password() {
    let role = Role::create().await;
    let db = role.connect(true);
    let relay = Relay::new(&db, &role.harness.redis, "auth");
    let relay = Running::start(|shutdown: Shutdown| relay.run(shutdown));
    let listens = || async {
        let mut admin = PgConnection::connect(&role.harness.database.admin_url())
            .await
            .unwrap();
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND query LIKE 'LISTEN%'";
        let count: i64 = sqlx::query_scalar(sql)
            .bind(&role.name)
            .fetch_one(&mut admin)
            .await
            .unwrap();
        count == 1
    };
    eventually_true(TIMEOUT, listens).await;
    role.write_file("second");
    role.set_password("second").await;
    role.end_sessions().await;
    eventually_true(Duration::from_secs(30), listens).await;
    relay.stop().await;
    role.finish(db).await;
}
