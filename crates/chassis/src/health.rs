//! Readiness of a process, reported over HTTP (`/readyz`) and `grpc.health.v1`.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use tokio_util::sync::CancellationToken;

/// A check that takes longer fails.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

type Check = Arc<dyn Fn() -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// Readiness checks of what the process needs. Other services are not among them: a mesh whose services wait for each other never
/// starts. Cheap to clone.
#[derive(Clone, Default)]
pub struct Readiness {
    checks: Vec<(&'static str, Check)>,
    draining: CancellationToken,
}

/// Results of the checks.
#[derive(Debug)]
pub struct Report {
    /// Name and failure of each check.
    pub checks: Vec<(&'static str, Option<String>)>,
    pub draining: bool,
}

impl Readiness {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn check<F, Fut>(&mut self, name: &'static str, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.checks.push((name, Arc::new(move || check().boxed())));
    }

    /// Makes the process not ready.
    pub fn begin_drain(&self) {
        self.draining.cancel();
    }

    /// Returns whether the process drains.
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Runs all checks concurrently.
    pub async fn report(&self) -> Report {
        let checks = self.checks.iter().map(|(name, check)| async move {
            let failure = match tokio::time::timeout(CHECK_TIMEOUT, check()).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(format!("{error:#}")),
                Err(_) => Some("timed out".to_owned()),
            };
            (*name, failure)
        });
        Report {
            checks: join_all(checks).await,
            draining: self.is_draining(),
        }
    }

    pub(crate) async fn draining(&self) {
        self.draining.cancelled().await;
    }
}

impl Report {
    pub fn is_ready(&self) -> bool {
        !self.draining && self.checks.iter().all(|(_, failure)| failure.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn failing_check_makes_the_process_not_ready() {
        let mut readiness = Readiness::new();
        readiness.check("postgres", || async { Ok(()) });
        assert!(readiness.report().await.is_ready());
        readiness.check("redis", || async { anyhow::bail!("connection refused") });
        let report = readiness.report().await;
        assert!(!report.is_ready());
        assert_eq!(
            report.checks,
            [
                ("postgres", None),
                ("redis", Some("connection refused".to_owned()))
            ]
        );
    }

    #[tokio::test]
    async fn draining_process_is_not_ready() {
        let readiness = Readiness::new();
        readiness.clone().begin_drain();
        assert!(!readiness.report().await.is_ready());
    }
}
