//! Background removal of the databases of finished tests. Those left at the end are removed with the private server.

use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::mpsc::{Sender, channel};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

/// Queues the removal of the database, open connections included. Failures are ignored.
pub(super) fn remove(admin_url: &str, name: &str) {
    static QUEUE: LazyLock<Sender<(String, String)>> = LazyLock::new(start);
    QUEUE.send((admin_url.to_owned(), name.to_owned())).ok();
}

/// Starts a thread with its own runtime, since the runtimes of tests end with their tests.
fn start() -> Sender<(String, String)> {
    let (sender, queue) = channel::<(String, String)>();
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            return;
        };
        for (admin_url, name) in queue {
            runtime.block_on(drop_database(&admin_url, &name)).ok();
        }
    });
    sender
}

async fn drop_database(admin_url: &str, name: &str) -> anyhow::Result<()> {
    let mut admin = PgConnectOptions::from_str(admin_url)?.connect().await?;
    admin
        .execute(AssertSqlSafe(format!(
            "DROP DATABASE IF EXISTS {name} WITH (FORCE)"
        )))
        .await?;
    Ok(admin.close().await?)
}
