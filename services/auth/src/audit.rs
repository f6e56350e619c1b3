//! The security record: appends audit events and hashes e-mail addresses for them.
//!
//! An event is written in the transaction of its effect by [`record`]; that of a refused call, which has none, by [`Audit::record`].

use std::time::Duration;

use anyhow::Context as _;
use aws_lc_rs::hmac;
use carshare_chassis::config;
use carshare_chassis::rpc::CallContext;
use carshare_store::{Db, Tx};
use serde::{Deserialize, Serialize};

use crate::domain::Email;
pub use crate::domain::audit::{AccountHash, Action, Entry, Origin};
use crate::error::Error;
use crate::store::audit_events;
pub use crate::store::audit_events::insert as record;

/// `[audit]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Age in days at which events are deleted, 30 or more.
    pub retention_days: u32,
}

/// The shortest retention, which the trigger of the table enforces too.
const MIN_RETENTION_DAYS: u32 = 30;

const ACCOUNT: &[u8] = b"carshare.auth account hash";

/// Writes events of their own and hashes e-mail addresses. Cheap to clone.
#[derive(Clone)]
pub struct Audit {
    db: Db,
    accounts: AccountHasher,
    retention: Duration,
}

/// Hashes e-mail addresses with a key that is not in the database.
#[derive(Clone)]
pub struct AccountHasher(hmac::Key);

impl Audit {
    pub fn new(db: Db, seal: &config::Seal, config: &Config) -> anyhow::Result<Self> {
        anyhow::ensure!(
            config.retention_days >= MIN_RETENTION_DAYS,
            "audit.retention_days must be {MIN_RETENTION_DAYS} or more"
        );
        Ok(Self {
            db,
            accounts: AccountHasher::new(seal)?,
            retention: Duration::from_hours(24 * u64::from(config.retention_days)),
        })
    }

    /// Returns the keyed hash of an e-mail address. It changes with `seal.primary`.
    pub fn account(&self, email: &Email) -> AccountHash {
        self.accounts.hash(email)
    }

    /// Records an event that has no other effect.
    pub async fn record(&self, origin: &Origin, entry: Entry) -> Result<(), Error> {
        let input = (origin.clone(), entry);
        self.db.transaction("audit_events.record", input, insert).await
    }

    /// Deletes events at the end of their retention.
    pub async fn purge(&self) -> Result<(), Error> {
        let before = self.db.environment().clock.now() - self.retention;
        let deleted = audit_events::delete_before(self.db.conn(), before).await?;
        metrics::counter!("housekeeping_removed_total", "table" => "audit_events").increment(deleted);
        Ok(())
    }
}

async fn insert(tx: &Tx, (origin, entry): &(Origin, Entry)) -> Result<(), Error> {
    record(tx, origin, entry).await
}

impl AccountHasher {
    /// Derives the key from the primary key of `[seal]`.
    pub fn new(config: &config::Seal) -> anyhow::Result<Self> {
        let secret = config.keys.get(&config.primary);
        let secret = secret.context("seal.primary names no key of seal.keys")?;
        Ok(Self::with(secret))
    }

    fn with(secret: &config::Secret) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().trim().as_bytes());
        let derived = hmac::sign(&root, ACCOUNT);
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    pub fn hash(&self, email: &Email) -> AccountHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(hmac::sign(&self.0, email.as_str().as_bytes()).as_ref());
        AccountHash(hash)
    }
}

/// Returns the hashes of an e-mail address with each key of `[seal]`, by the key's name: events that are older than `seal.primary` have
/// that of an earlier key.
pub fn account_hashes(config: &config::Seal, email: &Email) -> Vec<(String, AccountHash)> {
    let keys = config.keys.iter();
    keys.map(|(name, secret)| (name.clone(), AccountHasher::with(secret).hash(email)))
        .collect()
}

impl From<&CallContext> for Origin {
    fn from(context: &CallContext) -> Self {
        Self {
            client: context.client.clone(),
            correlation_id: context.correlation_id.clone(),
        }
    }
}
