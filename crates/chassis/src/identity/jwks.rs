//! Sources of the public keys that verify access tokens.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::Deserialize;

use crate::error::Error;

/// One public Ed25519 key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Jwk {
    /// Key id in the header of tokens.
    pub kid: String,
    /// The 32 bytes of the key, base64url without padding.
    pub x: String,
}

/// Source of the current keys.
pub trait JwksSource: Send + Sync + 'static {
    /// Returns the keys, newest first.
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<Jwk>, Error>>;
}

/// Constant keys: of a test, or none.
#[derive(Clone, Debug, Default)]
pub struct StaticJwks(Arc<Vec<Jwk>>);

impl StaticJwks {
    pub fn new(keys: impl IntoIterator<Item = Jwk>) -> Self {
        Self(Arc::new(keys.into_iter().collect()))
    }

    /// Parses a JSON Web Key Set (RFC 7517).
    pub fn from_json(set: &serde_json::Value) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Jwk>,
        }
        Ok(Self::new(Set::deserialize(set)?.keys))
    }
}

impl JwksSource for StaticJwks {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<Jwk>, Error>> {
        futures::future::ready(Ok(self.0.to_vec())).boxed()
    }
}
