//! Readiness of a gateway.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

const READY_TIMEOUT: Duration = Duration::from_mins(1);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Polls `/readyz` until it returns 200.
pub async fn wait(gateway: &str) -> Result<()> {
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build()?;
    let end = Instant::now() + READY_TIMEOUT;
    let mut last = "no reply".to_owned();
    while Instant::now() < end {
        match http.get(format!("{gateway}/readyz")).send().await {
            Ok(reply) if reply.status().is_success() => return Ok(()),
            Ok(reply) => last = format!("{}: {}", reply.status(), reply.text().await.unwrap_or_default()),
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    bail!("the gateway was not ready within {READY_TIMEOUT:?}: {last}")
}
