//! A private PostgreSQL server.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Result;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::options::ServerOptions;
use crate::programs;
use crate::server::{Program, Server};

/// A PostgreSQL server that never outlives this process. It listens on 127.0.0.1 only and requires a
/// password by SCRAM, which its folder keeps; data of an earlier version, which trusted every local user, gets one too.
///
/// [`Server::stop`] rolls back open transactions, [`Server::kill`] writes nothing to disk, and [`Server::restart`] recovers.
pub type PrivatePostgres = Server<Postgres>;

/// The installed PostgreSQL. Its data folder is initialised if it is empty.
pub struct Postgres;

impl Program for Postgres {
    const NAME: &'static str = "postgres";
    const SCRIPT: &'static str = include_str!("scripts/postgres.sh");
    const STOP_SIGNAL: &'static str = "INT";
    const KILL_SIGNAL: &'static str = "QUIT";

    fn variables(options: &ServerOptions) -> Result<Vec<(&'static str, String)>> {
        let bin = programs::postgres_bin()?.to_string_lossy().into_owned();
        // Commits stay synchronous in any case: what was committed must survive a crash of the server (not of the machine).
        let durability = if options.persistent {
            ""
        } else {
            "-c fsync=off -c full_page_writes=off"
        };
        let settings = options.settings.iter().flat_map(|setting| ["-c", setting]);
        let settings: Vec<&str> = [durability].into_iter().chain(settings).collect();
        let mut variables = vec![("BIN", bin), ("SETTINGS", settings.join(" "))];
        variables.extend(
            options
                .small_disk_mb
                .map(|size| ("SMALL_DISK_MB", size.to_string())),
        );
        Ok(variables)
    }

    fn url(port: u16, password: &str) -> String {
        format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres")
    }

    async fn is_ready(url: &str) -> bool {
        let Ok(options) = PgConnectOptions::from_str(url) else {
            return false;
        };
        match options.connect().await {
            Ok(connection) => {
                connection.close().await.ok();
                true
            }
            Err(_) => false,
        }
    }
}

impl PrivatePostgres {
    /// Returns the URL of the superuser on database `postgres`, with the password.
    pub fn admin_url(&self) -> String {
        self.url_with_password()
    }

    /// Returns the folder of the small disk, for `CREATE TABLESPACE`.
    pub fn small_disk(&self) -> PathBuf {
        self.dir().join("small")
    }
}
