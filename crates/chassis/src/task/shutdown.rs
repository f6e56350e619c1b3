//! The shutdown signal. Every long-running task holds a clone and ends when it fires.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A shutdown signal. Cheap to clone; all clones are one signal.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// A signal that fires when [`Shutdown::trigger`] is called.
    pub fn new() -> Self {
        Self::default()
    }

    /// A signal that fires on SIGTERM or SIGINT. A second signal ends the process at once, without a drain.
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
            tracing::warn!("second signal, leaving at once");
            std::process::exit(130);
        });
        Ok(shutdown)
    }

    /// Fires the signal. Firing twice is the same as once.
    pub fn trigger(&self) {
        self.0.cancel();
    }

    /// Waits for the signal.
    pub async fn cancelled(&self) {
        self.0.cancelled().await;
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// A signal that fires with this one, and can be fired alone.
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }

    /// The same signal as a token, for libraries that take one.
    pub fn token(&self) -> &CancellationToken {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn clones_and_children_fire_together_but_a_child_alone_does_not_fire_its_parent() {
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
