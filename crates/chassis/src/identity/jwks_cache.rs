//! Cache of the key set. A token with an unknown key id waits for a fetch; an old set is fetched again in the background, so that a
//! slow or unreachable auth delays no call whose key is cached.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::DecodingKey;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{Jwk, JwksSource};
use crate::clock::Clock;
use crate::config;
use crate::error::Error;
use crate::task;

pub(super) struct JwksCache {
    source: Arc<dyn JwksSource>,
    clock: Clock,
    refresh: Duration,
    min_interval: Duration,
    known: RwLock<Known>,
    /// Time at which the last fetch began. Locked during a fetch, so that waiting calls cause one fetch.
    last_fetch: Arc<Mutex<Option<DateTime<Utc>>>>,
}

/// Lock for fetching, with the time at which the last fetch began.
type FetchLock = OwnedMutexGuard<Option<DateTime<Utc>>>;

#[derive(Default)]
struct Known {
    keys: HashMap<String, Arc<DecodingKey>>,
    fetched_at: Option<DateTime<Utc>>,
}

impl JwksCache {
    pub(super) fn new(source: Arc<dyn JwksSource>, config: &config::Identity, clock: Clock) -> Self {
        Self {
            source,
            clock,
            refresh: config.jwks_refresh,
            min_interval: config.jwks_min_interval,
            known: RwLock::default(),
            last_fetch: Arc::default(),
        }
    }

    /// Returns the key with this id; `None` when the current set has no such key.
    ///
    /// While auth is unreachable, fetched keys stay valid without limit. The error is returned only if no set was ever fetched.
    pub(super) async fn get(self: &Arc<Self>, kid: &str) -> Result<Option<Arc<DecodingKey>>, Error> {
        if let Some(key) = self.find(kid) {
            self.refresh_when_old();
            return Ok(Some(key));
        }
        let lock = Arc::clone(&self.last_fetch).lock_owned().await;
        // Another call may have fetched it while this one waited for the lock.
        let fetched = match self.find(kid) {
            Some(_) => Ok(()),
            None => self.fetch_in_background(lock).await,
        };
        match (self.find(kid), fetched) {
            (Some(key), _) => Ok(Some(key)),
            (None, Err(error)) if self.fetched_at().is_none() => Err(error),
            (None, _) => Ok(None),
        }
    }

    /// Fetches in a task and waits for it: a call that is cancelled does not cancel the fetch for others.
    async fn fetch_in_background(self: &Arc<Self>, mut lock: FetchLock) -> Result<(), Error> {
        let cache = Arc::clone(self);
        let fetching = task::spawn("jwks fetch", async move { cache.fetch(&mut lock).await });
        fetching.await.map_err(Error::internal)?
    }

    fn refresh_when_old(self: &Arc<Self>) {
        if self
            .fetched_at()
            .is_some_and(|at| self.clock.now() < at + self.refresh)
        {
            return;
        }
        // A taken lock means that a fetch runs.
        if let Ok(mut last_fetch) = Arc::clone(&self.last_fetch).try_lock_owned() {
            let cache = Arc::clone(self);
            task::spawn("jwks refresh", async move {
                // The error was logged, and the old keys stay in use.
                let _ = cache.fetch(&mut last_fetch).await;
            });
        }
    }

    /// Fetches, unless there is a set and the last fetch began within the shortest interval.
    async fn fetch(&self, last_fetch: &mut Option<DateTime<Utc>>) -> Result<(), Error> {
        let now = self.clock.now();
        let is_recent = last_fetch.is_some_and(|at| now >= at && now < at + self.min_interval);
        if is_recent && self.fetched_at().is_some() {
            return Ok(());
        }
        *last_fetch = Some(now);
        let keys = self.source.fetch().await.inspect_err(|error| {
            tracing::warn!(error = ?error, "key set cannot be fetched");
        })?;
        let keys = keys.iter().filter_map(decoding_key).collect();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known {
            keys,
            fetched_at: Some(now),
        };
        Ok(())
    }

    fn find(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys
            .get(kid)
            .cloned()
    }

    fn fetched_at(&self) -> Option<DateTime<Utc>> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .fetched_at
    }
}

fn decoding_key(jwk: &Jwk) -> Option<(String, Arc<DecodingKey>)> {
    match DecodingKey::from_ed_components(&jwk.x) {
        Ok(key) => Some((jwk.kid.clone(), Arc::new(key))),
        Err(error) => {
            tracing::warn!(kid = jwk.kid, %error, "key of the set is invalid");
            None
        }
    }
}
