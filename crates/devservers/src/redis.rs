//! A private Redis server.

use anyhow::Result;
use redis::AsyncConnectionConfig;

use crate::options::ServerOptions;
use crate::programs;
use crate::server::{Program, Server};

/// A Redis server with 512 logical databases that never outlives this process. It listens on 127.0.0.1 only and
/// requires a password, which its folder keeps.
///
/// A persistent one appends every write to a file; [`Server::kill`] loses the data of a temporary one.
pub type PrivateRedis = Server<Redis>;

/// The installed `redis-server`.
pub struct Redis;

impl Program for Redis {
    const NAME: &'static str = "redis";
    const SCRIPT: &'static str = include_str!("scripts/redis.sh");
    const STOP_SIGNAL: &'static str = "TERM";
    const KILL_SIGNAL: &'static str = "KILL";

    fn variables(options: &ServerOptions) -> Result<Vec<(&'static str, String)>> {
        let program = programs::redis_server()?.to_string_lossy().into_owned();
        let append_only = if options.persistent { "yes" } else { "no" };
        Ok(vec![("SERVER", program), ("APPENDONLY", append_only.to_owned())])
    }

    fn url(port: u16, password: &str) -> String {
        format!("redis://:{password}@127.0.0.1:{port}/0")
    }

    async fn is_ready(url: &str) -> bool {
        let Ok(client) = redis::Client::open(url) else {
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
}

impl PrivateRedis {
    /// Returns the URL of logical database 0, with the password.
    pub fn url(&self) -> String {
        self.url_with_password()
    }
}
