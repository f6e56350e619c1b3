//! The key set, cached. A token that names an unknown key waits for a fetch; a set that is old is fetched again behind the
//! back of the calls, so that a slow or unreachable auth delays no call whose key is cached.

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

/// Keys by id, as last fetched.
pub(super) struct KeyCache {
    source: Arc<dyn JwksSource>,
    clock: Clock,
    refresh: Duration,
    min_interval: Duration,
    known: RwLock<Known>,
    /// When a fetch was last begun. Held while fetching, so that a hundred waiting calls make one fetch.
    last_try: Arc<Mutex<Option<DateTime<Utc>>>>,
}

/// The right to fetch; it holds when that was last begun.
type Turn = OwnedMutexGuard<Option<DateTime<Utc>>>;

#[derive(Default)]
struct Known {
    keys: HashMap<String, Arc<DecodingKey>>,
    fetched_at: Option<DateTime<Utc>>,
}

impl KeyCache {
    pub(super) fn new(source: Arc<dyn JwksSource>, config: &config::Identity, clock: Clock) -> Self {
        Self {
            source,
            clock,
            refresh: config.jwks_refresh,
            min_interval: config.jwks_min_interval,
            known: RwLock::default(),
            last_try: Arc::default(),
        }
    }

    /// The key with this id; `None` when the current set has no such key.
    ///
    /// While auth is away, keys that were fetched before go on serving, however old. Only when there has never been a
    /// set is the error returned.
    pub(super) async fn get(self: &Arc<Self>, kid: &str) -> Result<Option<Arc<DecodingKey>>, Error> {
        if let Some(key) = self.find(kid) {
            self.refresh_when_old();
            return Ok(Some(key));
        }
        let turn = Arc::clone(&self.last_try).lock_owned().await;
        // Somebody else may have fetched it while this call waited for its turn.
        let fetched = match self.find(kid) {
            Some(_) => Ok(()),
            None => self.fetch_for_all(turn).await,
        };
        match (self.find(kid), fetched) {
            (Some(key), _) => Ok(Some(key)),
            (None, Err(error)) if self.fetched_at().is_none() => Err(error),
            (None, _) => Ok(None),
        }
    }

    /// Fetches in the background and waits for it: a caller that gives up, or whose deadline is short, takes nothing away
    /// from those who wait for the same keys.
    async fn fetch_for_all(self: &Arc<Self>, mut turn: Turn) -> Result<(), Error> {
        let cache = Arc::clone(self);
        let fetching = task::spawn("jwks fetch", async move { cache.fetch(&mut turn).await });
        fetching.await.map_err(Error::internal)?
    }

    fn refresh_when_old(self: &Arc<Self>) {
        if self
            .fetched_at()
            .is_some_and(|at| self.clock.now() < at + self.refresh)
        {
            return;
        }
        // When the lock is taken, somebody is fetching.
        if let Ok(mut last_try) = Arc::clone(&self.last_try).try_lock_owned() {
            let cache = Arc::clone(self);
            task::spawn("jwks refresh", async move {
                // It has been logged, and the old keys go on serving.
                let _ = cache.fetch(&mut last_try).await;
            });
        }
    }

    /// Fetches, unless there is a set and the last try was a moment ago.
    async fn fetch(&self, last_try: &mut Option<DateTime<Utc>>) -> Result<(), Error> {
        let now = self.clock.now();
        let just_tried = last_try.is_some_and(|at| now >= at && now < at + self.min_interval);
        if just_tried && self.fetched_at().is_some() {
            return Ok(());
        }
        *last_try = Some(now);
        let keys = self.source.fetch().await.inspect_err(|error| {
            tracing::warn!(error = ?error, "the key set cannot be fetched");
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
            tracing::warn!(kid = jwk.kid, %error, "a key of the set is not usable");
            None
        }
    }
}
