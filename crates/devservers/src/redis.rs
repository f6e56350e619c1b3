//! A private Redis server.

use anyhow::Result;
use redis::AsyncConnectionConfig;

use crate::options::ServerOptions;
use crate::programs;
use crate::server::{Kind, Server};

/// A Redis server with 512 logical databases that never outlives this process. It listens on 127.0.0.1 only.
pub struct PrivateRedis(Server);

const REDIS: Kind = Kind {
    name: "redis",
    script: include_str!("scripts/redis.sh"),
    stop_signal: "TERM",
    kill_signal: "KILL",
};

impl PrivateRedis {
    /// Starts `redis-server` and waits until it answers. A persistent one appends every write to a file.
    pub async fn start(options: ServerOptions) -> Result<Self> {
        let program = programs::redis_server()?.to_string_lossy().into_owned();
        let append_only = if options.persistent { "yes" } else { "no" };
        let variables = [("SERVER", program.as_str()), ("APPENDONLY", append_only)];
        Server::start(REDIS, &options, &variables, answers)
            .await
            .map(Self)
    }

    /// Returns the TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// Returns the URL of logical database 0.
    pub fn url(&self) -> String {
        url(self.port())
    }

    /// Stops the server: persistent data is on disk, the process and a temporary folder are gone.
    pub async fn stop(self) {
        self.0.stop().await;
    }

    /// Kills the server with signal 9; data that is not persistent is lost. [`Self::restart`] starts it again.
    pub async fn kill(&self) -> Result<()> {
        self.0.kill().await
    }

    /// Stops the server in order, if it runs, and starts it again on the same port.
    pub async fn restart(&self) -> Result<()> {
        self.0.restart(answers).await
    }
}

fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/0")
}

/// Returns whether the server answers a PING.
async fn answers(port: u16) -> bool {
    let Ok(client) = redis::Client::open(url(port)) else {
        return false;
    };
    let config = AsyncConnectionConfig::new();
    let connection = client.get_multiplexed_async_connection_with_config(&config).await;
    let Ok(mut connection) = connection else {
        return false;
    };
    let pong = redis::cmd("PING").query_async::<String>(&mut connection).await;
    pong.is_ok()
}
