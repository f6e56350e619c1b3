//! One Ed25519 key: creates, encrypts and decrypts it.

use anyhow::{Context as _, anyhow};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use carshare_chassis::encryption::Sealer;
use carshare_chassis::identity::Jwk;
use chrono::{DateTime, Utc};
use jsonwebtoken::EncodingKey;
use sha2::{Digest as _, Sha256};

use crate::store::signing_keys::StoredKey;

/// A decrypted key. It has no `Debug`.
pub struct SigningKey {
    kid: String,
    encoding: EncodingKey,
    public_key: Vec<u8>,
    created_at: DateTime<Utc>,
}

impl SigningKey {
    /// Creates a key and encrypts it for the table.
    pub fn sealed(seed: [u8; 32], created_at: DateTime<Utc>, sealer: &Sealer) -> anyhow::Result<StoredKey> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| anyhow!("the seed is invalid"))?;
        let public_key = pair.public_key().as_ref().to_vec();
        let kid = thumbprint(&public_key);
        let private = pair
            .to_pkcs8v1()
            .map_err(|_| anyhow!("the key cannot be encoded"))?;
        let sealed_private_key = sealer.seal(&associated_data(&kid), private.as_ref())?;
        Ok(StoredKey {
            kid,
            public_key,
            sealed_private_key,
            created_at,
        })
    }

    /// Decrypts a stored key.
    pub fn open(stored: &StoredKey, sealer: &Sealer) -> anyhow::Result<Self> {
        let StoredKey {
            kid,
            public_key,
            sealed_private_key,
            created_at,
        } = stored.clone();
        let private = sealer
            .open(&associated_data(&kid), &sealed_private_key)
            .with_context(|| format!("signing key {kid} cannot be decrypted with the configured keys"))?;
        Ok(Self {
            kid,
            encoding: EncodingKey::from_ed_der(&private),
            public_key,
            created_at,
        })
    }

    /// Returns the key id: the RFC 7638 thumbprint.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }

    pub fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }

    pub fn jwk(&self) -> Jwk {
        Jwk {
            kid: self.kid.clone(),
            x: BASE64_URL_SAFE_NO_PAD.encode(&self.public_key),
        }
    }
}

/// Returns the associated data that binds an encrypted key to its row.
fn associated_data(kid: &str) -> String {
    format!("signing_keys/{kid}")
}

/// Returns the RFC 7638 thumbprint, over the members of RFC 8037 §2 in lexicographic order.
fn thumbprint(public_key: &[u8]) -> String {
    let x = BASE64_URL_SAFE_NO_PAD.encode(public_key);
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprint_is_that_of_the_rfc_8037_example() {
        let public_key = BASE64_URL_SAFE_NO_PAD
            .decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
            .unwrap();
        assert_eq!(
            thumbprint(&public_key),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }
}
