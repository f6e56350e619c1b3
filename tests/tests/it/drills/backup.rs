//! `scripts/backup.sh` on the PostgreSQL server of a fleet, as its operator runs it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use carshare_mesh::Fleet;
use carshare_testkit::process::{Binary, Launch};
use carshare_testkit::{PrivatePostgres, ServerOptions, eventually_true};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

const SCRIPT: &str = include_str!("../../../../scripts/backup.sh");

/// Runs the script, which need not be readable for the server's user, as that user.
const AS_SERVER: &str = "uid=$(stat -c %u \"$SERVER\"); \
    if [ \"$(id -u)\" != \"$uid\" ]; then set -- setpriv --reuid=\"$uid\" --regid=\"$(id -g \"$uid\")\" --init-groups sh -c \"$SCRIPT\" backup.sh \"$@\"; \
    else set -- sh -c \"$SCRIPT\" backup.sh \"$@\"; fi; exec \"$@\"";

const TIMEOUT: Duration = Duration::from_mins(3);

/// Seconds after which a segment of the log that is not full is archived.
const ARCHIVE_TIMEOUT_S: u64 = 5;

pub struct Backup {
    /// Folder of the server, with its data in `data`.
    server: PathBuf,
    /// Folder of the backups.
    folder: PathBuf,
    /// URL of the superuser on the server.
    url: String,
}

impl Backup {
    /// Lets the server archive its log, and takes a base backup. `folder` is that of the fleet's data.
    pub async fn start(fleet: &Fleet, folder: &Path) -> Self {
        let postgres = fleet.dependencies().postgres().expect("its own PostgreSQL");
        let backup = Self {
            server: folder.join("postgres"),
            folder: folder.join("postgres/backup"),
            url: postgres.admin_url(),
        };
        assert!(
            backup.data().exists(),
            "the data is in {}",
            backup.data().display()
        );
        let seconds = ARCHIVE_TIMEOUT_S.to_string();
        backup.run(&["configure", backup.folder(), &seconds]).await;
        postgres.restart().await.expect("a restart");
        backup.run(&["base", backup.folder()]).await;
        backup
    }

    fn data(&self) -> PathBuf {
        self.server.join("data")
    }

    fn folder(&self) -> &str {
        self.folder.to_str().expect("a path")
    }

    /// Starts a command of the script.
    fn spawn(&self, args: &[&str]) -> Binary {
        let url: reqwest::Url = self.url.parse().expect("a URL");
        let text = |value: Option<&str>| value.expect("a part of the URL").to_owned();
        let env = [
            ("SCRIPT", SCRIPT.to_owned()),
            ("SERVER", self.server.display().to_string()),
            ("PGHOST", text(url.host_str())),
            ("PGPORT", url.port().expect("a port").to_string()),
            ("PGDATABASE", "carshare".to_owned()),
            ("PGUSER", url.username().to_owned()),
            ("PGPASSWORD", text(url.password())),
        ];
        let command = ["-c", AS_SERVER, "backup.sh"].iter().chain(args);
        let launch = Launch {
            args: command.map(|&arg| arg.to_owned()).collect(),
            env: env.map(|(name, value)| (name.to_owned(), value)).into(),
            dir: Some("/".into()),
        };
        Binary::spawn("/bin/sh", launch).expect("a shell")
    }

    /// Runs a command of the script.
    async fn run(&self, args: &[&str]) {
        let mut script = self.spawn(args);
        let status = script.wait(TIMEOUT).await.expect("an end");
        assert!(status.success(), "{args:?}: {}", script.logs().tail());
    }

    /// Receives the log as it is written: commits wait for it, so that none is lost with the server.
    pub async fn stream(&self) -> Binary {
        let receiver = self.spawn(&["stream", self.folder()]);
        for setting in [
            "ALTER SYSTEM SET synchronous_standby_names = 'pg_receivewal'",
            "SELECT pg_reload_conf()",
        ] {
            self.execute(setting).await;
        }
        eventually_true(TIMEOUT, async || {
            let mut session = PgConnection::connect(&self.url).await.expect("a session");
            let sql = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
            let synchronous: i64 = sqlx::query_scalar(sql)
                .fetch_one(&mut session)
                .await
                .expect("a row");
            synchronous == 1
        })
        .await;
        receiver
    }

    /// Archives the log up to now.
    pub async fn flush(&self) {
        self.run(&["flush", self.folder()]).await;
    }

    /// Executes a statement as the superuser.
    async fn execute(&self, sql: &str) {
        let mut session = PgConnection::connect(&self.url).await.expect("a session");
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut session).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The server's time, as `restore` takes it.
    pub async fn now(&self) -> String {
        let mut session = PgConnection::connect(&self.url).await.expect("a session");
        let now = sqlx::query_scalar("SELECT clock_timestamp()::text").fetch_one(&mut session);
        now.await.expect("a time")
    }

    /// The server is gone with its disk, but for the backups.
    pub async fn lose_server(&self, fleet: &Fleet) {
        let postgres = fleet.dependencies().postgres().expect("its own PostgreSQL");
        postgres.kill().await.expect("a kill");
        std::fs::remove_dir_all(self.data()).expect("data to lose");
    }

    /// Stops the server and sets its data aside.
    pub async fn stop_server(&self, fleet: &Fleet) {
        let postgres = fleet.dependencies().postgres().expect("its own PostgreSQL");
        postgres.kill().await.expect("a kill");
        std::fs::rename(self.data(), self.server.join("before")).expect("data to keep");
    }

    /// Restores the server and waits until it takes writes.
    pub async fn restore(&self, fleet: &Fleet, time: &str) {
        let data = self.data().display().to_string();
        self.run(&["restore", self.folder(), &data, time]).await;
        let postgres = fleet.dependencies().postgres().expect("its own PostgreSQL");
        postgres.restart().await.expect("a start");
        self.wait_until_writable(&self.url).await;
    }

    /// Replaces a schema by that of a copy of the server at an earlier time.
    pub async fn replace_schema(&self, schema: &str, time: &str) {
        let copy = self.copy(time).await;
        let of_copy = format!("{}/carshare", copy.admin_url().trim_end_matches("/postgres"));
        self.run(&["schema", self.folder(), schema, &of_copy]).await;
        copy.stop().await;
    }

    /// Restores a copy of the server, on another port.
    async fn copy(&self, time: &str) -> PrivatePostgres {
        let copy = self.server.join("copy");
        let data = copy.join("data").display().to_string();
        // The server's user makes the folder.
        self.run(&["copy", self.folder(), &data, time]).await;
        std::fs::copy(self.server.join("password"), copy.join("password")).expect("the password");
        let started = PrivatePostgres::start(ServerOptions::persistent(copy)).await;
        let started = started.expect("the copy starts");
        self.wait_until_writable(&started.admin_url()).await;
        started
    }

    async fn wait_until_writable(&self, url: &str) {
        eventually_true(TIMEOUT, async || {
            let Ok(mut session) = PgConnection::connect(url).await else {
                return false;
            };
            let recovering = sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(&mut session);
            !recovering.await.unwrap_or(true)
        })
        .await;
    }
}
