//! Notifies live streams when the feed of their user has grown, on whichever replica.
//!
//! PostgreSQL sends the user's id on commit (`NOTIFY`) to one listening connection per process. Notifications sent while that
//! connection is lost are lost too, so all streams are notified when it is established again, and each also reads its feed
//! at every heartbeat.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use carshare_chassis::{Clock, Shutdown};
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use uuid::Uuid;

use crate::domain::ids::UserId;
use crate::store::notifications::CHANNEL;

/// Delay before the listening connection is established again.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

type Senders = HashMap<UserId, watch::Sender<()>>;

/// The users whose feeds are watched in this process. Cheap to clone.
#[derive(Clone, Default)]
pub struct FeedWatch {
    senders: Arc<Mutex<Senders>>,
}

/// Watches the feed of one user until it is dropped.
pub struct FeedWatcher {
    feeds: FeedWatch,
    user: UserId,
    signal: watch::Receiver<()>,
}

impl FeedWatch {
    /// Starts to watch the feed of a user.
    pub fn watch(&self, user: UserId) -> FeedWatcher {
        let signal = self
            .senders()
            .entry(user)
            .or_insert_with(|| watch::channel(()).0)
            .subscribe();
        FeedWatcher {
            feeds: self.clone(),
            user,
            signal,
        }
    }

    /// Listens to the database until `shutdown`.
    pub async fn run(self, url: String, clock: Clock, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                result = self.listen(&url) => if let Err(error) = result {
                    tracing::warn!(%error, "live streams: the listening connection is lost");
                },
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = clock.sleep(RECONNECT_DELAY) => {}
            }
        }
    }

    async fn listen(&self, url: &str) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect(url).await?;
        listener.listen(CHANNEL).await?;
        self.notify_all();
        // `None` means that the connection was lost, and notifications with it.
        while let Some(notification) = listener.try_recv().await? {
            if let Ok(user_id) = Uuid::try_parse(notification.payload()) {
                self.notify(UserId(user_id));
            }
        }
        Ok(())
    }

    fn notify(&self, user: UserId) {
        if let Some(sender) = self.senders().get(&user) {
            sender.send_replace(());
        }
    }

    fn notify_all(&self) {
        for sender in self.senders().values() {
            sender.send_replace(());
        }
    }

    fn senders(&self) -> MutexGuard<'_, Senders> {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FeedWatcher {
    /// Waits until the feed may have grown since the last call.
    pub async fn changed(&mut self) {
        // The sender exists as long as this watcher.
        let _ = self.signal.changed().await;
    }
}

impl Drop for FeedWatcher {
    fn drop(&mut self) {
        let mut senders = self.feeds.senders();
        // This watcher's own receiver is still counted.
        if senders
            .get(&self.user)
            .is_some_and(|sender| sender.receiver_count() == 1)
        {
            senders.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const A: UserId = UserId(Uuid::from_u128(1));
    const B: UserId = UserId(Uuid::from_u128(2));

    #[tokio::test]
    async fn notify_reaches_all_streams_of_the_user_only() {
        let feeds = FeedWatch::default();
        let (mut first, mut second, mut other) = (feeds.watch(A), feeds.watch(A), feeds.watch(B));
        feeds.notify(A);
        first.changed().await;
        second.changed().await;
        assert!(other.changed().now_or_never().is_none());
    }

    #[tokio::test]
    async fn notify_between_two_waits_is_not_lost() {
        let feeds = FeedWatch::default();
        let mut watcher = feeds.watch(A);
        feeds.notify_all();
        feeds.notify_all();
        watcher.changed().await;
        assert!(watcher.changed().now_or_never().is_none());
    }

    #[test]
    fn user_is_removed_with_the_last_watcher() {
        let feeds = FeedWatch::default();
        let (first, second) = (feeds.watch(A), feeds.watch(A));
        drop(first);
        assert_eq!(feeds.senders().len(), 1);
        drop(second);
        assert_eq!(feeds.senders().len(), 0);
    }
}
