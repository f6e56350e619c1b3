//! One Ed25519 key: made, sealed, opened.

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

/// A key that can sign. It does not print.
pub struct SigningKey {
    kid: String,
    encoding: EncodingKey,
    public_key: Vec<u8>,
    created_at: DateTime<Utc>,
}

impl SigningKey {
    /// A new key as it is stored.
    pub fn sealed(seed: [u8; 32], created_at: DateTime<Utc>, sealer: &Sealer) -> anyhow::Result<StoredKey> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| anyhow!("no key of this seed"))?;
        let public_key = pair.public_key().as_ref().to_vec();
        let kid = thumbprint(&public_key);
        let private = pair
            .to_pkcs8v1()
            .map_err(|_| anyhow!("the key cannot be encoded"))?;
        let sealed_private_key = sealer.seal(&place(&kid), private.as_ref())?;
        Ok(StoredKey {
            kid,
            public_key,
            sealed_private_key,
            created_at,
        })
    }

    /// A stored key, opened.
    pub fn open(stored: &StoredKey, sealer: &Sealer) -> anyhow::Result<Self> {
        let StoredKey {
            kid,
            public_key,
            sealed_private_key,
            created_at,
        } = stored.clone();
        let private = sealer
            .open(&place(&kid), &sealed_private_key)
            .with_context(|| format!("signing key {kid} cannot be unsealed with the configured keys"))?;
        Ok(Self {
            kid,
            encoding: EncodingKey::from_ed_der(&private),
            public_key,
            created_at,
        })
    }

    /// Its id: the RFC 7638 thumbprint.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// When it was made.
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

/// Binds the sealed bytes to their row.
fn place(kid: &str) -> String {
    format!("signing_keys/{kid}")
}

/// RFC 7638, with the members of RFC 8037 §2 in lexicographic order.
fn thumbprint(public_key: &[u8]) -> String {
    let x = BASE64_URL_SAFE_NO_PAD.encode(public_key);
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_id_is_the_thumbprint_of_rfc_8037() {
        let public_key = BASE64_URL_SAFE_NO_PAD
            .decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
            .unwrap();
        assert_eq!(
            thumbprint(&public_key),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }
}
