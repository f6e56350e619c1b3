//! Readiness: may balancers send us calls? Asked over HTTP (`/readyz`) and over `grpc.health.v1`.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use tokio_util::sync::CancellationToken;

/// A check that takes longer has failed.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

type Check = Arc<dyn Fn() -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// The things this process needs to be of use. Other services are not among them: a mesh in which everybody waits for
/// everybody never starts. Cheap to clone.
#[derive(Clone, Default)]
pub struct Readiness {
    checks: Vec<(&'static str, Check)>,
    draining: CancellationToken,
}

/// The answer, per check: `None` when it is fine.
#[derive(Debug)]
pub struct Report {
    /// Name and trouble of each check.
    pub checks: Vec<(&'static str, Option<String>)>,
    /// The process is on its way out.
    pub draining: bool,
}

impl Readiness {
    /// Ready as soon as it runs.
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

    /// From now on not ready.
    pub fn begin_drain(&self) {
        self.draining.cancel();
    }

    /// Runs all checks, side by side.
    pub async fn report(&self) -> Report {
        let checks = self.checks.iter().map(|(name, check)| async move {
            let trouble = match tokio::time::timeout(RESPONSE_TIMEOUT, check()).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(format!("{error:#}")),
                Err(_) => Some("timed out".to_owned()),
            };
            (*name, trouble)
        });
        Report {
            checks: join_all(checks).await,
            draining: self.draining.is_cancelled(),
        }
    }

    pub(crate) async fn draining(&self) {
        self.draining.cancelled().await;
    }
}

impl Report {
    pub fn is_ready(&self) -> bool {
        !self.draining && self.checks.iter().all(|(_, trouble)| trouble.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_failing_check_makes_it_not_ready_and_is_named() {
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
    async fn a_draining_process_is_not_ready() {
        let readiness = Readiness::new();
        readiness.clone().begin_drain();
        assert!(!readiness.report().await.is_ready());
    }
}
