//! The key set, cached: fetched when it is old or when a token names a key it lacks, by one caller at a time.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::DecodingKey;
use tokio::sync::Mutex;

use super::{Jwk, JwksSource};
use crate::clock::Clock;
use crate::config;
use crate::error::Error;

/// Keys by id, as last fetched.
pub(super) struct KeyCache {
    source: Arc<dyn JwksSource>,
    clock: Clock,
    refresh: TimeDelta,
    min_interval: TimeDelta,
    known: RwLock<Known>,
    /// Held while fetching, so that a hundred waiting calls make one fetch. Holds the time of the last try.
    fetching: Mutex<Option<DateTime<Utc>>>,
}

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
            refresh: millis(config.jwks_refresh_ms),
            min_interval: millis(config.jwks_min_interval_ms),
            known: RwLock::default(),
            fetching: Mutex::default(),
        }
    }

    /// The key with this id; `None` when the current set has no such key.
    ///
    /// While auth is away, keys that were fetched before go on serving, however old. Only when there has never been a
    /// set is the error returned.
    pub(super) async fn get(&self, kid: &str) -> Result<Option<Arc<DecodingKey>>, Error> {
        if let (Some(key), true) = (self.find(kid), self.is_fresh()) {
            return Ok(Some(key));
        }
        let fetched = self.fetch(kid).await;
        match (self.find(kid), fetched) {
            (Some(key), _) => Ok(Some(key)),
            (None, Err(error)) if !self.was_fetched() => Err(error),
            (None, _) => Ok(None),
        }
    }

    async fn fetch(&self, kid: &str) -> Result<(), Error> {
        let mut last_try = self.fetching.lock().await;
        if self.find(kid).is_some() && self.is_fresh() {
            return Ok(());
        }
        let now = self.clock.now();
        if self.was_fetched() && last_try.is_some_and(|at| now - at < self.min_interval && now >= at) {
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

    fn was_fetched(&self) -> bool {
        self.fetched_at().is_some()
    }

    fn is_fresh(&self) -> bool {
        self.fetched_at()
            .is_some_and(|at| self.clock.now() - at < self.refresh)
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

fn millis(ms: u64) -> TimeDelta {
    TimeDelta::from_std(Duration::from_millis(ms)).unwrap_or(TimeDelta::MAX)
}
