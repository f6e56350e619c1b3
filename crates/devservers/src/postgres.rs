//! A private PostgreSQL server.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Result;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::options::ServerOptions;
use crate::programs;
use crate::server::{Kind, Server};

/// A PostgreSQL server that never outlives this process. Every local user is trusted; it listens on 127.0.0.1 only.
pub struct PrivatePostgres(Server);

const POSTGRES: Kind = Kind {
    name: "postgres",
    script: include_str!("scripts/postgres.sh"),
    stop_signal: "INT",
    kill_signal: "QUIT",
};

impl PrivatePostgres {
    /// Makes a cluster if the folder holds none, starts the installed PostgreSQL on it and waits until it answers.
    pub async fn start(options: ServerOptions) -> Result<Self> {
        let bin = programs::postgres_bin()?.to_string_lossy().into_owned();
        // Commits stay synchronous in any case: what was committed must survive a crash of the server (not of the machine).
        let durability = if options.persistent {
            ""
        } else {
            "-c fsync=off -c full_page_writes=off"
        };
        let variables = [("BIN", bin.as_str()), ("DURABILITY", durability)];
        Server::start(POSTGRES, &options, &variables, answers)
            .await
            .map(Self)
    }

    /// Returns the TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// Returns the URL of the superuser on database `postgres`.
    pub fn admin_url(&self) -> String {
        admin_url(self.port())
    }

    /// Returns the folder of the small disk, for `CREATE TABLESPACE`.
    pub fn small_disk(&self) -> PathBuf {
        self.0.dir().join("small")
    }

    /// Stops the server: open transactions are rolled back, data is on disk, the process and a temporary folder are gone.
    pub async fn stop(self) {
        self.0.stop().await;
    }

    /// Crashes the server: every connection breaks at once and nothing is written out. [`Self::restart`] recovers it.
    pub async fn kill(&self) -> Result<()> {
        self.0.kill().await
    }

    /// Stops the server in order, if it runs, and starts it again on the same port with the same data.
    pub async fn restart(&self) -> Result<()> {
        self.0.restart(answers).await
    }
}

fn admin_url(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}

/// Returns whether the server accepts a connection.
async fn answers(port: u16) -> bool {
    let Ok(options) = PgConnectOptions::from_str(&admin_url(port)) else {
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
