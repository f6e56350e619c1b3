//! A bell: rung by whoever has made work, heard by the job that does it.

use std::sync::Arc;

use tokio::sync::Notify;

/// Wakes a job of this process. Cheap to clone; rings before anybody listens are kept, and many count as one.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// A bell that nobody hears yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has the job run now. Typically from [`crate::Tx::on_commit`].
    pub fn poke(&self) {
        self.0.notify_one();
    }

    /// Waits for the next poke.
    pub async fn poked(&self) {
        self.0.notified().await;
    }
}
