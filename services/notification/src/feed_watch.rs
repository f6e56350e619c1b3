//! Wakes live streams when their person's feed has grown, on whichever replica it was written.
//!
//! PostgreSQL announces the person's id on commit (`NOTIFY`); one connection per process listens. An announcement can be
//! lost with that connection, so every stream is woken when it comes back, and each also reads at its heartbeats.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use carshare_chassis::{Clock, Shutdown};
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use uuid::Uuid;

use crate::store::notifications::CHANNEL;

/// Pause before the listening connection is made again.
const RECONNECT: Duration = Duration::from_secs(1);

/// Who is listening in this process.
#[derive(Clone, Default)]
pub struct FeedWatch {
    people: Arc<Mutex<HashMap<Uuid, watch::Sender<()>>>>,
}

pub struct Wakes {
    live: FeedWatch,
    user_id: Uuid,
    signal: watch::Receiver<()>,
}

impl FeedWatch {
    /// Listens for one person until the result is dropped.
    pub fn follow(&self, user_id: Uuid) -> Wakes {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let signal = people
            .entry(user_id)
            .or_insert_with(|| watch::channel(()).0)
            .subscribe();
        Wakes {
            live: self.clone(),
            user_id,
            signal,
        }
    }

    /// Streams of how many people are open.
    pub fn followed(&self) -> usize {
        self.people.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Listens to the database until the shutdown.
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
                () = clock.sleep(RECONNECT) => {}
            }
        }
    }

    async fn listen(&self, url: &str) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect(url).await?;
        listener.listen(CHANNEL).await?;
        self.wake_all();
        // `None` means that the connection was lost, and announcements with it.
        while let Some(announcement) = listener.try_recv().await? {
            if let Ok(user_id) = announcement.payload().parse() {
                self.wake(user_id);
            }
        }
        Ok(())
    }

    fn wake(&self, user_id: Uuid) {
        if let Some(sender) = self
            .people
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&user_id)
        {
            sender.send_replace(());
        }
    }

    fn wake_all(&self) {
        for sender in self
            .people
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
        {
            sender.send_replace(());
        }
    }
}

impl Wakes {
    /// Waits until the feed may have grown since the last call.
    pub async fn next(&mut self) {
        // The sender lives in the table for as long as we do.
        let _ = self.signal.changed().await;
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        let mut people = self.live.people.lock().unwrap_or_else(PoisonError::into_inner);
        // Our own receiver still counts.
        if people
            .get(&self.user_id)
            .is_some_and(|sender| sender.receiver_count() == 1)
        {
            people.remove(&self.user_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_wake_reaches_all_streams_of_the_person_and_nobody_else() {
        let live = FeedWatch::default();
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (mut first, mut second, mut other) = (live.follow(a), live.follow(a), live.follow(b));
        live.wake(a);
        first.next().await;
        second.next().await;
        assert!(other.next().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_wake_between_two_waits_is_not_lost() {
        let live = FeedWatch::default();
        let mut ear = live.follow(Uuid::from_u128(1));
        live.wake_all();
        live.wake_all();
        ear.next().await;
        assert!(ear.next().now_or_never().is_none());
    }

    #[test]
    fn nobody_is_remembered_after_the_last_stream() {
        let live = FeedWatch::default();
        let first = live.follow(Uuid::from_u128(1));
        let second = live.follow(Uuid::from_u128(1));
        drop(first);
        assert_eq!(live.followed(), 1);
        drop(second);
        assert_eq!(live.followed(), 0);
    }
}
