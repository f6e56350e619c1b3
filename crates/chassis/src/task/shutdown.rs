//! The shutdown signal, at which every long-running task ends.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A shutdown signal. Cheap to clone; all clones are one signal.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a signal that fires on SIGTERM or SIGINT. A second one ends the process at once, without a drain.
    pub fn from_signals() -> std::io::Result<Self> {
        let shutdown = Self::new();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let firing = shutdown.clone();
        super::spawn("signals", async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            tracing::info!("signal received, draining");
            firing.trigger();
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            tracing::warn!("second signal, exiting");
            crate::telemetry::log_writer::flush_log();
            std::process::exit(130);
        });
        Ok(shutdown)
    }

    /// Fires the signal; firing it again has no effect.
    pub fn trigger(&self) {
        self.0.cancel();
    }

    pub async fn cancelled(&self) {
        self.0.cancelled().await;
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Returns a signal that fires with this one, and may fire before.
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }

    /// Returns the token of the signal, for libraries.
    pub fn token(&self) -> &CancellationToken {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn clones_and_children_fire_with_their_parent_and_not_the_reverse() {
        let parent = Shutdown::new();
        let child = parent.child();
        let other = parent.child();
        other.trigger();
        assert!(!parent.is_cancelled());
        parent.clone().trigger();
        child.cancelled().await;
        assert!(parent.is_cancelled());
    }
}
