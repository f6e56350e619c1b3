//! Verifies access tokens: signature, issuer and audience once, expiry and revocation on every call.

use std::sync::Arc;
use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use jsonwebtoken::{Algorithm, Validation};
use uuid::Uuid;

use super::jwks_cache::JwksCache;
use super::verified_tokens::{TokenHash, Verified, VerifiedTokens};
use super::{Claims, JwksSource, Revocations, UserCaller};
use crate::clock::Clock;
use crate::config;
use crate::error::Error;

/// Verifier of access tokens. Cheap to clone.
#[derive(Clone)]
pub struct Verifier {
    parts: Arc<Parts>,
    revocations: Option<Revocations>,
}

struct Parts {
    keys: Arc<JwksCache>,
    verified: VerifiedTokens,
    validation: Validation,
    clock: Clock,
    leeway: Duration,
    revocation_checked_by: Vec<String>,
}

/// Upper bound of the length of a token, far above that of ours; a longer one is not parsed.
const MAX_TOKEN_BYTES: usize = 4096;

/// Upper bound of the tokens whose signature is not verified again.
const VERIFIED_TOKENS: usize = 10_000;

impl Verifier {
    pub fn new(config: &config::Identity, source: Arc<dyn JwksSource>, clock: Clock) -> Self {
        let parts = Parts {
            keys: Arc::new(JwksCache::new(source, config, clock.clone())),
            verified: VerifiedTokens::new(VERIFIED_TOKENS),
            validation: validation(config),
            leeway: config.leeway,
            revocation_checked_by: config.revocation_checked_by.clone(),
            clock,
        };
        Self {
            parts: Arc::new(parts),
            revocations: None,
        }
    }

    /// Refuses revoked tokens too.
    pub fn with_revocations(mut self, revocations: Revocations) -> Self {
        self.revocations = Some(revocations);
        self
    }

    /// Returns the user of a token (without the word `Bearer`).
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, `TOKEN_EXPIRED` or `TOKEN_REVOKED`; `UNAVAILABLE` when there are no keys.
    pub async fn verify(&self, token: &str) -> Result<UserCaller, Error> {
        self.verify_from(None, token).await
    }

    /// The same for a token that the service `peer` passed on, which may have checked its revocation.
    pub async fn verify_from(&self, peer: Option<&str>, token: &str) -> Result<UserCaller, Error> {
        let user = self.signed_user(token).await?;
        let parts = &self.parts;
        if parts.clock.now() >= user.expires_at + parts.leeway {
            return Err(Error::new(Common::TokenExpired));
        }
        let is_checked = peer.is_some_and(|peer| parts.revocation_checked_by.iter().any(|name| name == peer));
        if let Some(revocations) = &self.revocations
            && !is_checked
        {
            revocations.check(user.token_id).await?;
        }
        Ok(user)
    }

    /// Waits until the token with this id is revoked; without limit if revocations are not checked.
    pub async fn revoked(&self, token_id: Uuid) {
        match &self.revocations {
            Some(revocations) => revocations.revoked(token_id).await,
            None => std::future::pending().await,
        }
    }

    /// Returns the user of a token whose signature is valid; the token may have expired.
    async fn signed_user(&self, token: &str) -> Result<UserCaller, Error> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Error::new(Common::Unauthenticated));
        }
        let parts = &self.parts;
        let hash = TokenHash::of(token);
        if let Some(known) = parts.verified.find(hash)
            && let Some(key) = parts.keys.get(&known.key_id).await?
            && Arc::ptr_eq(&key, &known.key)
        {
            return Ok(known.user);
        }
        let header = jsonwebtoken::decode_header(token).map_err(unauthenticated)?;
        let key_id = header.kid.ok_or_else(|| Error::new(Common::Unauthenticated))?;
        let Some(key) = parts.keys.get(&key_id).await? else {
            return Err(Error::new(Common::Unauthenticated).cause(anyhow::anyhow!("unknown key id")));
        };
        let decoded = jsonwebtoken::decode::<Claims>(token, &key, &parts.validation);
        let user = UserCaller::from(decoded.map_err(unauthenticated)?.claims);
        let verified = Verified {
            user: user.clone(),
            key_id,
            key,
        };
        parts.verified.insert(hash, verified, parts.clock.now());
        Ok(user)
    }
}

/// jsonwebtoken checks signature, algorithm, issuer and audience; [`Verifier::verify`] checks the expiry by the injected clock.
fn validation(config: &config::Identity) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[&config.issuer]);
    validation.set_audience(&[&config.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_exp = false;
    validation
}

fn unauthenticated(error: jsonwebtoken::errors::Error) -> Error {
    Error::new(Common::Unauthenticated).cause(error)
}

#[cfg(test)]
mod tests;
