//! Billing keys at rest: sealed, bound to the row they belong to, recognisable by a hash.

use carshare_chassis::config::Secret;
use carshare_chassis::encryption::Sealer;
use sha2::{Digest as _, Sha256};

use crate::domain::ids::MethodId;

/// Seals and opens billing keys.
pub struct BillingKeys(Sealer);

impl BillingKeys {
    /// With the keys of the configuration.
    pub fn new(sealer: Sealer) -> Self {
        Self(sealer)
    }

    /// The key as it is stored with this method.
    pub fn seal(&self, method: MethodId, key: &Secret) -> anyhow::Result<Vec<u8>> {
        self.0.seal(&place(method), key.expose().as_bytes())
    }

    /// The key of this method.
    pub fn open(&self, method: MethodId, sealed: &[u8]) -> anyhow::Result<Secret> {
        let key = self.0.open(&place(method), sealed)?;
        Ok(String::from_utf8(key)
            .map_err(|_| anyhow::anyhow!("a billing key is not text"))?
            .into())
    }
}

/// The same key has the same hash, by which a card that is registered again is recognised. The keys are long and random:
/// the hash does not lead back.
pub fn hash(key: &Secret) -> Vec<u8> {
    Sha256::digest(key.expose().as_bytes()).to_vec()
}

fn place(method: MethodId) -> String {
    format!("payment_methods.billing_key/{method}")
}
