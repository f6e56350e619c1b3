//! Issues the pair of tokens of a session.

use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::config::seconds;
use carshare_chassis::identity::Claims;
use carshare_chassis::{Environment, config};
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, Header};
use serde::{Deserialize, Serialize};

use crate::domain::{RefreshToken, SessionId, TokenId, User};
use crate::error::Error;
use crate::keys::{KeyRing, SigningKey};

/// `[sessions]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Life of an access token.
    #[serde(rename = "access_token_ttl_s", with = "seconds")]
    pub access_token_ttl: Duration,
    /// Life of a refresh token; each one that is traded gives a new one with a whole life.
    #[serde(rename = "refresh_token_ttl_s", with = "seconds")]
    pub refresh_token_ttl: Duration,
    /// How long a session that has run out is kept for questions, before it is removed.
    #[serde(rename = "keep_expired_s", with = "seconds")]
    pub keep_expired: Duration,
}

/// Issues tokens. Cheap to clone.
#[derive(Clone)]
pub struct Issuer {
    keys: KeyRing,
    terms: Arc<Terms>,
}

struct Terms {
    environment: Environment,
    issuer: String,
    audience: String,
    access_ttl: Duration,
    refresh_ttl: Duration,
}

/// An issuer with its key in hand: it needs nothing more from anywhere, so it works inside a transaction.
pub struct Signer {
    key: Arc<SigningKey>,
    terms: Arc<Terms>,
}

/// A pair of tokens, fresh. Debug shows no token.
#[derive(Debug)]
pub struct Issued {
    pub access_token: config::Secret,
    /// Its `jti`.
    pub access_token_id: TokenId,
    pub access_expires_at: DateTime<Utc>,
    /// The token to be traded for the next pair.
    pub refresh_token: RefreshToken,
    pub refresh_expires_at: DateTime<Utc>,
    /// Life of the access token.
    pub expires_in_s: i64,
}

impl Issuer {
    /// Issues in the name that everybody verifies against.
    pub fn new(
        keys: KeyRing,
        identity: &config::Identity,
        sessions: &Config,
        environment: Environment,
    ) -> Self {
        let terms = Terms {
            environment,
            issuer: identity.issuer.clone(),
            audience: identity.audience.clone(),
            access_ttl: sessions.access_token_ttl,
            refresh_ttl: sessions.refresh_token_ttl,
        };
        Self {
            keys,
            terms: Arc::new(terms),
        }
    }

    /// Takes the key that signs now.
    pub async fn signer(&self) -> Result<Signer, Error> {
        Ok(Signer {
            key: self.keys.signer().await?,
            terms: Arc::clone(&self.terms),
        })
    }
}

impl Signer {
    /// A pair for the user's session at the time `now`.
    pub fn issue(&self, user: &User, session: SessionId, now: DateTime<Utc>) -> Result<Issued, Error> {
        let terms = &self.terms;
        // Claims count whole seconds: the row says when the token really ends.
        let issued_at = now.duration_trunc(TimeDelta::seconds(1)).unwrap_or(now);
        let access_expires_at = issued_at + terms.access_ttl;
        let access_token_id = TokenId(terms.environment.ids.next());
        let claims = Claims {
            iss: terms.issuer.clone(),
            aud: terms.audience.clone(),
            sub: user.id.0,
            role: user.role,
            jti: access_token_id.0,
            sid: session.0,
            iat: issued_at.timestamp(),
            exp: access_expires_at.timestamp(),
        };
        Ok(Issued {
            access_token: self.sign(&claims)?.into(),
            access_token_id,
            access_expires_at,
            refresh_token: RefreshToken::of(terms.environment.random.bytes()),
            refresh_expires_at: now + terms.refresh_ttl,
            expires_in_s: (access_expires_at - issued_at).num_seconds(),
        })
    }

    fn sign(&self, claims: &Claims) -> Result<String, Error> {
        let header = Header {
            kid: Some(self.key.kid().to_owned()),
            ..Header::new(Algorithm::EdDSA)
        };
        let signed = jsonwebtoken::encode(&header, claims, self.key.encoding());
        Ok(signed.map_err(carshare_chassis::Error::internal)?)
    }
}
