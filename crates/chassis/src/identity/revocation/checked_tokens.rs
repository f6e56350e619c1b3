//! Tokens that Redis did not list as revoked a moment ago, so that not every call asks.
//!
//! Each revocation is published after it is written, and the token is forgotten when the message arrives: within milliseconds. While
//! there is no subscription nothing is remembered and every call asks Redis. [`MAX_AGE`] bounds the delay when a subscription is
//! broken without notice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use redis::Client;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::task;

/// Channel of the ids of revoked tokens.
pub(super) const CHANNEL: &str = "revoked";
/// Longest time for which a token is remembered.
pub(super) const MAX_AGE: Duration = Duration::from_secs(5);
/// Revocations that a slow receiver may be behind; beyond them it learns that it has missed some.
const MESSAGES_LIMIT: usize = 256;
/// Number of tokens from which old ones are removed.
const PURGE_THRESHOLD: usize = 10_000;

pub(super) struct CheckedTokens {
    state: Mutex<State>,
    /// Revoked tokens; `None` when messages may have been lost.
    messages: broadcast::Sender<Option<Uuid>>,
}

/// Receives revocations from now on.
pub(super) struct Messages(broadcast::Receiver<Option<Uuid>>);

impl Default for CheckedTokens {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            messages: broadcast::Sender::new(MESSAGES_LIMIT),
        }
    }
}

impl Messages {
    /// Waits until this token may have been revoked.
    pub(super) async fn may_revoke(&mut self, token_id: Uuid) {
        loop {
            match self.0.recv().await {
                Ok(Some(revoked)) if revoked != token_id => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

#[derive(Default)]
struct State {
    is_subscribed: bool,
    /// Number of messages and of changes of the subscription.
    version: u64,
    checked_at: HashMap<Uuid, Instant>,
    /// Number of tokens after the last purge.
    kept: usize,
}

/// Subscription in a task of its own, which ends when this is dropped.
pub(super) struct Subscription {
    pub(super) tokens: Arc<CheckedTokens>,
    _end: DropGuard,
}

impl CheckedTokens {
    /// Returns whether the token was checked in the last moments.
    pub(super) fn contains(&self, token_id: Uuid) -> bool {
        let state = self.state();
        let checked_at = state.checked_at.get(&token_id);
        checked_at.is_some_and(|at| Instant::now() < *at + MAX_AGE)
    }

    /// Returns the version to pass to [`Self::remember`]. Read before Redis is asked.
    pub(super) fn version(&self) -> u64 {
        self.state().version
    }

    /// Remembers a token that is not revoked, unless a message arrived since `version`: it may have been this token's.
    pub(super) fn remember(&self, token_id: Uuid, version: u64) {
        let mut state = self.state();
        if !state.is_subscribed || state.version != version {
            return;
        }
        let now = Instant::now();
        if state.checked_at.len() > PURGE_THRESHOLD.max(2 * state.kept) {
            state.checked_at.retain(|_, at| now < *at + MAX_AGE);
            state.kept = state.checked_at.len();
        }
        state.checked_at.insert(token_id, now);
    }

    pub(super) fn messages(&self) -> Messages {
        Messages(self.messages.subscribe())
    }

    fn forget(&self, token_id: Uuid) {
        let mut state = self.state();
        state.version += 1;
        state.checked_at.remove(&token_id);
        // Fails without receivers.
        let _ = self.messages.send(Some(token_id));
    }

    /// Begins or ends to remember.
    fn set_subscribed(&self, is_subscribed: bool) {
        let mut state = self.state();
        state.version += 1;
        state.is_subscribed = is_subscribed;
        state.checked_at.clear();
        let _ = self.messages.send(None);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    pub(super) fn open(client: Client) -> Self {
        let (tokens, end) = (Arc::<CheckedTokens>::default(), CancellationToken::new());
        let listening = listen(client, Arc::clone(&tokens));
        let ended = end.clone();
        task::spawn("revocation subscription", async move {
            tokio::select! {
                () = ended.cancelled() => {}
                () = listening => {}
            }
        });
        Self {
            tokens,
            _end: end.drop_guard(),
        }
    }
}

/// Follows the channel, and subscribes again when the connection breaks.
async fn listen(client: Client, tokens: Arc<CheckedTokens>) {
    let mut failures = 0;
    loop {
        if let Err(error) = follow(&client, &tokens, &mut failures).await {
            tracing::debug!(%error, "subscription to revocations is broken");
        }
        tokens.set_subscribed(false);
        failures += 1;
        tokio::time::sleep(Backoff::RECONNECT.nominal_delay(failures)).await;
    }
}

async fn follow(client: &Client, tokens: &CheckedTokens, failures: &mut u32) -> anyhow::Result<()> {
    let mut connection = client.get_async_pubsub().await?;
    connection.subscribe(CHANNEL).await?;
    *failures = 0;
    tokens.set_subscribed(true);
    let mut messages = connection.on_message();
    while let Some(message) = messages.next().await {
        tokens.forget(message.get_payload::<String>()?.parse()?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use carshare_testkit::proxy::FaultProxy;
    use carshare_testkit::{eventually_true, redis_url};
    use futures::FutureExt as _;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);
    const TOKEN: Uuid = Uuid::from_u128(1);

    fn subscribed() -> CheckedTokens {
        let tokens = CheckedTokens::default();
        tokens.set_subscribed(true);
        tokens
    }

    #[tokio::test(start_paused = true)]
    async fn checked_token_is_remembered_for_a_limited_time() {
        let tokens = subscribed();
        tokens.remember(TOKEN, tokens.version());
        assert!(tokens.contains(TOKEN) && !tokens.contains(Uuid::from_u128(2)));
        tokio::time::advance(MAX_AGE).await;
        assert!(!tokens.contains(TOKEN));
    }

    #[test]
    fn token_revoked_during_the_check_is_not_remembered() {
        let tokens = subscribed();
        let version = tokens.version();
        tokens.forget(TOKEN);
        tokens.remember(TOKEN, version);
        assert!(!tokens.contains(TOKEN));
    }

    #[test]
    fn nothing_is_remembered_without_a_subscription() {
        let tokens = CheckedTokens::default();
        tokens.remember(TOKEN, tokens.version());
        assert!(!tokens.contains(TOKEN));
        let tokens = subscribed();
        tokens.remember(TOKEN, tokens.version());
        tokens.set_subscribed(false);
        assert!(!tokens.contains(TOKEN));
    }

    #[tokio::test(start_paused = true)]
    async fn old_tokens_are_removed() {
        let tokens = subscribed();
        for id in 0..=PURGE_THRESHOLD {
            tokens.remember(Uuid::from_u128(id as u128), tokens.version());
        }
        tokio::time::advance(MAX_AGE).await;
        tokens.remember(TOKEN, tokens.version());
        assert_eq!(tokens.state().checked_at.len(), 1);
    }

    #[tokio::test]
    async fn receiver_waits_for_its_token_or_for_lost_messages() {
        let tokens = subscribed();
        let mut messages = tokens.messages();
        tokens.forget(Uuid::from_u128(2));
        assert!(messages.may_revoke(TOKEN).now_or_never().is_none());
        tokens.forget(TOKEN);
        assert!(messages.may_revoke(TOKEN).now_or_never().is_some());
        tokens.set_subscribed(true);
        assert!(messages.may_revoke(TOKEN).now_or_never().is_some());
        for id in 0..=MESSAGES_LIMIT {
            tokens.forget(Uuid::from_u128(1_000 + id as u128));
        }
        assert!(messages.may_revoke(TOKEN).now_or_never().is_some());
    }

    #[tokio::test]
    async fn subscription_ends_with_its_connection_and_is_opened_again() {
        let (proxy, url) = FaultProxy::in_front_of(&redis_url().await).await.unwrap();
        let subscription = Subscription::open(Client::open(url).unwrap());
        let is_subscribed = || subscription.tokens.state().is_subscribed;
        eventually_true(TIMEOUT, async || is_subscribed()).await;
        proxy.cut();
        eventually_true(TIMEOUT, async || !is_subscribed()).await;
        proxy.heal();
        eventually_true(TIMEOUT, async || is_subscribed()).await;
    }
}
