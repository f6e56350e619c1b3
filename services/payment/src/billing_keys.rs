//! Encrypts billing keys at rest, bound to their row, and hashes them for comparison.

use carshare_chassis::config::Secret;
use carshare_chassis::encryption::Sealer;
use sha2::{Digest as _, Sha256};

use crate::domain::ids::PaymentMethodId;

/// Encrypts and decrypts billing keys.
pub struct BillingKeys(Sealer);

impl BillingKeys {
    /// Creates it with the configured keys.
    pub fn new(sealer: Sealer) -> Self {
        Self(sealer)
    }

    /// Encrypts the billing key of a payment method.
    pub fn seal(&self, method: PaymentMethodId, key: &Secret) -> anyhow::Result<Vec<u8>> {
        self.0.seal(&associated_data(method), key.expose().as_bytes())
    }

    /// Decrypts the billing key of a payment method; an error when it was sealed for another one.
    pub fn open(&self, method: PaymentMethodId, sealed: &[u8]) -> anyhow::Result<Secret> {
        let key = self.0.open(&associated_data(method), sealed)?;
        Ok(String::from_utf8(key)
            .map_err(|_| anyhow::anyhow!("a billing key is not UTF-8"))?
            .into())
    }
}

/// Returns the SHA-256 of a billing key, by which a card that is registered again is recognised. The keys are long and
/// random, so the hash needs no salt.
pub fn hash(key: &Secret) -> Vec<u8> {
    Sha256::digest(key.expose().as_bytes()).to_vec()
}

fn associated_data(method: PaymentMethodId) -> String {
    format!("payment_methods.billing_key/{method}")
}
