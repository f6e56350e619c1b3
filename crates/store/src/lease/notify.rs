//! A bell: changed by whoever has made work, heard by the job that does it.

use std::sync::Arc;

use tokio::sync::Notify;

/// Wakes a job of this process. Cheap to clone; rings before anybody listens are kept, and many count as one.
#[derive(Debug, Clone, Default)]
pub struct Notify(Arc<Notify>);

impl Notify {
    /// A bell that nobody hears yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has the job run now. Typically from [`crate::Tx::on_commit`].
    pub fn notify(&self) {
        self.0.notify_one();
    }

    /// Waits for the next poke.
    pub async fn poked(&self) {
        self.0.notified().await;
    }
}
