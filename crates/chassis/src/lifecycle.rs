//! Runs the server of a process with its admin port beside it, and drains it when the shutdown fires.

use std::future::Future;
use std::net::SocketAddr;

use anyhow::Context as _;
use tracing::field::display;

use crate::config::Common;
use crate::health::Readiness;
use crate::task::Shutdown;
use crate::{admin, task};

/// Runs `serving` until the shutdown fires, then drains: readiness fails, `server.drain_delay_ms` later `stop` fires, upon which
/// `serving` has to end. Dropped or failed, it leaves no port open.
///
/// # Errors
/// The admin port cannot be opened, or `serving` panicked.
pub async fn run(
    name: &'static str,
    common: &Common,
    readiness: Readiness,
    address: Option<SocketAddr>,
    serving: impl Future<Output = ()> + Send + 'static,
    stop: Shutdown,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let stopped = Shutdown::new();
    let _guards = (
        stop.token().clone().drop_guard(),
        stopped.token().clone().drop_guard(),
    );
    let admin = admin::spawn(&common.admin, readiness.clone(), stopped.clone()).await?;
    let serving = task::spawn("server", serving);
    let (address, admin) = (address.map(display), admin.map(display));
    tracing::info!(service = name, address, admin, "serving");
    shutdown.cancelled().await;
    readiness.begin_drain();
    tokio::time::sleep(common.server.drain_delay).await;
    stop.trigger();
    serving.await.context("the server task failed")?;
    stopped.trigger();
    tracing::info!(service = name, "drained");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn server_stops_after_the_drain_delay_and_is_not_ready_meanwhile() {
        let mut common = Common::default();
        common.server.drain_delay = Duration::from_secs(5);
        let (readiness, stop, shutdown) = (Readiness::new(), Shutdown::new(), Shutdown::new());
        let (observed, stopping, started) = (readiness.clone(), stop.clone(), Instant::now());
        let serving = async move {
            observed.draining().await;
            assert_eq!(started.elapsed(), Duration::ZERO);
            stopping.cancelled().await;
            assert_eq!(started.elapsed(), Duration::from_secs(5));
        };
        shutdown.trigger();
        run("test", &common, readiness, None, serving, stop, shutdown)
            .await
            .unwrap();
    }
}
