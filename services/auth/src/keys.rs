//! The signing keys of access tokens: made once for all replicas, kept sealed, several at a time.
//!
//! The table is the truth; the ring in memory is a copy that is read again now and then, so that a key made by another
//! replica or by `rotate-signing-key` is published and, after a while, signs.

mod key;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use carshare_chassis::config::millis;
use carshare_chassis::encryption::Sealer;
use carshare_chassis::identity::{Jwk, JwksSource};
use carshare_chassis::{Clock, Shutdown};
use carshare_store::{Db, Tx};
use futures::future::BoxFuture;
use futures::{FutureExt as _, TryFutureExt as _};
use serde::{Deserialize, Serialize};

pub use key::SigningKey;

use crate::domain::signing;
use crate::error::Error;
use crate::store::signing_keys;

/// `[signing_keys]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Age at which the copy in memory is read again.
    #[serde(rename = "refresh_ms", with = "millis")]
    pub refresh: Duration,
    /// How long a new key is published before it signs. Longer than `refresh_ms` here and `identity.jwks_refresh_ms`
    /// elsewhere, then nobody meets a token whose key is news to him.
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
    /// The ring of this database. Nothing is read yet, so a service starts while PostgreSQL is away.
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

    /// Reads the keys. When there is none yet the first one is made; of several replicas that start together one makes
    /// it and the others find it.
    pub async fn prepare(&self) -> Result<(), Error> {
        self.reload().await?;
        if self.known().is_empty() {
            self.add(Need::First).await?;
            self.reload().await?;
        }
        Ok(())
    }

    /// Adds a key, which signs when it has been published long enough. The older ones go on verifying.
    pub async fn rotate(&self) -> Result<(), Error> {
        self.add(Need::Another).await
    }

    /// The key that signs now.
    pub async fn signer(&self) -> Result<Arc<SigningKey>, Error> {
        if self.known().is_empty() {
            self.prepare().await?;
        }
        let keys = self.known();
        let ages: Vec<_> = keys.iter().map(|key| key.created_at()).collect();
        let chosen = signing::signer(&ages, self.0.clock.now(), self.0.config.publish_ahead);
        let key = chosen.and_then(|at| keys.get(at)).cloned();
        key.ok_or_else(|| {
            carshare_chassis::Error::internal(anyhow::anyhow!("there is no signing key")).into()
        })
    }

    /// The public keys, newest first: as the database has them now, or as last read while it is away.
    pub async fn public(&self) -> Result<Vec<Jwk>, Error> {
        if let Err(error) = self.prepare().await {
            if self.known().is_empty() {
                return Err(error);
            }
            tracing::warn!(%error, "the signing keys cannot be read, those known before are served");
        }
        Ok(self.known().iter().map(|key| key.jwk()).collect())
    }

    /// Reloads the keys periodically until `shutdown`.
    pub async fn run(&self, shutdown: Shutdown) {
        let pause = self.0.config.refresh;
        while !shutdown.is_cancelled() {
            if let Err(error) = self.prepare().await {
                tracing::warn!(%error, "the signing keys cannot be read");
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.0.clock.sleep(pause) => {}
            }
        }
    }

    fn known(&self) -> Vec<Arc<SigningKey>> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn reload(&self) -> Result<(), Error> {
        let stored = signing_keys::list(self.0.db.conn()).await?;
        let known = self.known();
        let keys = stored.iter().map(|row| {
            let same = known.iter().find(|key| key.kid() == row.kid).cloned();
            same.map_or_else(|| SigningKey::open(row, &self.0.sealer).map(Arc::new), Ok)
        });
        let keys = keys
            .collect::<anyhow::Result<Vec<_>>>()
            .map_err(carshare_chassis::Error::internal)?;
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

/// What a new key is made of.
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
    let key =
        SigningKey::sealed(input.seed, tx.now(), &input.sealer).map_err(carshare_chassis::Error::internal)?;
    let kid = key.kid.clone();
    tx.on_commit(move || tracing::info!(kid, "made a signing key"));
    signing_keys::insert(tx.conn(), key).await
}

/// When a key is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Only when there is none.
    First,
    Another,
}

/// Auth verifies tokens by its own keys.
impl JwksSource for KeyRing {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<Jwk>, carshare_chassis::Error>> {
        self.public().map_err(Into::into).boxed()
    }
}
