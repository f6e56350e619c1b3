//! Signing keys of access tokens: shared by all replicas and stored encrypted.
//!
//! Each process has a copy of the table in memory and reloads it periodically, so that a key added by another replica or by
//! `rotate-signing-key` is published, and signs once every verifier has had time to load it.

mod key;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use carshare_chassis::config::millis;
use carshare_chassis::encryption::Sealer;
use carshare_chassis::identity::{Jwk, JwksSource};
use carshare_chassis::{Clock, Shutdown};
use carshare_store::{Db, Tx};
use futures::future::BoxFuture;
use futures::{FutureExt as _, TryFutureExt as _};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use key::SigningKey;

use crate::audit::{self, Action, Entry, Origin};
use crate::domain::signing;
use crate::error::Error;
use crate::store::signing_keys;

/// `[signing_keys]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Interval at which a process reloads the keys.
    #[serde(rename = "refresh_ms", with = "millis")]
    pub refresh: Duration,
    /// How long a new key is published before it signs. Longer than `refresh_ms` here and `identity.jwks_refresh_ms` of the
    /// verifiers, so that each has loaded a key before it sees a token signed with it.
    #[serde(rename = "publish_ahead_ms", with = "millis")]
    pub publish_ahead: Duration,
}

/// The signing keys. Cheap to clone.
#[derive(Clone)]
pub struct KeyRing(Arc<Ring>);

struct Ring {
    db: Db,
    sealer: Arc<Sealer>,
    clock: Clock,
    config: Config,
    keys: RwLock<Vec<Arc<SigningKey>>>,
}

impl KeyRing {
    /// Creates it without keys: they are loaded at first use, so that a service starts while PostgreSQL is unreachable.
    pub fn new(db: Db, sealer: Arc<Sealer>, config: Config) -> Self {
        let clock = db.environment().clock.clone();
        Self(Arc::new(Ring {
            db,
            sealer,
            clock,
            config,
            keys: RwLock::default(),
        }))
    }

    /// Loads the keys, and creates the first one if there is none. Of several replicas that start together one creates it
    /// and the others load it.
    pub async fn load(&self) -> Result<(), Error> {
        self.reload().await?;
        if self.in_memory().is_empty() {
            self.add(Need::First).await?;
            self.reload().await?;
        }
        Ok(())
    }

    /// Adds a key, which signs once it has been published for `publish_ahead_ms`. Older keys continue to verify for a
    /// week, and are deleted then.
    pub async fn rotate(&self) -> Result<(), Error> {
        self.add(Need::Another).await
    }

    /// Removes a key at once, and adds one: tokens that it signed are refused as soon as the verifiers have loaded the keys again. If an
    /// older key is left, it signs until the new one has been published for `publish_ahead_ms`; otherwise the new one signs at once.
    ///
    /// # Errors
    /// [`Error::Internal`] when there is no such key.
    pub async fn retire(&self, kid: String) -> Result<(), Error> {
        self.add(Need::Replacement(kid)).await
    }

    /// Returns the key that signs.
    pub async fn signer(&self) -> Result<Arc<SigningKey>, Error> {
        if self.in_memory().is_empty() {
            self.load().await?;
        }
        let keys = self.in_memory();
        let ages: Vec<_> = keys.iter().map(|key| key.created_at()).collect();
        let chosen = signing::signer(&ages, self.0.clock.now(), self.0.config.publish_ahead);
        let key = chosen.and_then(|index| keys.get(index)).cloned();
        Ok(key.context("there is no signing key")?)
    }

    /// Returns the public keys, newest first, as they were at most `refresh_ms` ago: a new key does not sign for longer than
    /// that.
    pub async fn public(&self) -> Result<Vec<Jwk>, Error> {
        if self.in_memory().is_empty() {
            self.load().await?;
        }
        Ok(self.in_memory().iter().map(|key| key.jwk()).collect())
    }

    /// Reloads the keys periodically until `shutdown`.
    pub async fn run(&self, shutdown: Shutdown) {
        let interval = self.0.config.refresh;
        while !shutdown.is_cancelled() {
            if let Err(error) = self.load().await {
                tracing::warn!(%error, "cannot load the signing keys");
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.0.clock.sleep(interval) => {}
            }
        }
    }

    fn in_memory(&self) -> Vec<Arc<SigningKey>> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn reload(&self) -> Result<(), Error> {
        let stored = signing_keys::list(self.0.db.conn()).await?;
        let loaded = self.in_memory();
        let keys = stored.iter().map(|row| {
            let same = loaded.iter().find(|key| key.kid() == row.kid).cloned();
            same.map_or_else(|| SigningKey::open(row, &self.0.sealer).map(Arc::new), Ok)
        });
        let keys = keys.collect::<anyhow::Result<_>>()?;
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    async fn add(&self, need: Need) -> Result<(), Error> {
        let seed = self.0.db.environment().random.bytes::<32>();
        let input = Input {
            need,
            seed,
            sealer: Arc::clone(&self.0.sealer),
        };
        self.0.db.transaction("signing_keys.add", input, add).await
    }
}

struct Input {
    need: Need,
    seed: [u8; 32],
    sealer: Arc<Sealer>,
}

async fn add(tx: &Tx, input: &Input) -> Result<(), Error> {
    signing_keys::lock(tx.conn()).await?;
    if input.need == Need::First && !signing_keys::list(tx.conn()).await?.is_empty() {
        return Ok(());
    }
    let origin = Origin::without_client(tx.new_id());
    if let Need::Replacement(kid) = &input.need {
        if !signing_keys::delete(tx.conn(), kid).await? {
            return Err(anyhow::anyhow!("there is no signing key {kid}").into());
        }
        let retired = Entry::success(Action::SigningKeyRetire);
        audit::record(tx, &origin, &retired.change(json!({"kid": kid}), json!(null))).await?;
    }
    let key = SigningKey::sealed(input.seed, tx.now(), &input.sealer)?;
    // The first key is no act of an operator.
    if input.need != Need::First {
        let added = Entry::success(Action::SigningKeyAdd);
        audit::record(tx, &origin, &added.change(json!(null), json!({"kid": key.kid}))).await?;
    }
    let kid = key.kid.clone();
    tx.on_commit(move || tracing::info!(kid, "signing key created"));
    signing_keys::insert(tx.conn(), key).await
}

/// Condition for adding a key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Need {
    /// There is none.
    First,
    /// None: it is added to those that exist.
    Another,
    /// The key with this id exists, and is removed.
    Replacement(String),
}

/// Source of the keys with which this service itself verifies tokens.
impl JwksSource for KeyRing {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<Jwk>, carshare_chassis::Error>> {
        self.public().map_err(Into::into).boxed()
    }
}
