//! Waiting until the gateway says that it can serve.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

const RESPONSE_TIMEOUT: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);

/// Asks `/readyz` until it says 200.
pub(crate) async fn wait(gateway: &str) -> Result<()> {
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build()?;
    let end = Instant::now() + RESPONSE_TIMEOUT;
    let mut last = "no answer".to_owned();
    while Instant::now() < end {
        match http.get(format!("{gateway}/readyz")).send().await {
            Ok(reply) if reply.status().is_success() => return Ok(()),
            Ok(reply) => last = format!("{}: {}", reply.status(), reply.text().await.unwrap_or_default()),
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(PAUSE).await;
    }
    bail!("the gateway was not ready within {RESPONSE_TIMEOUT:?}: {last}")
}
