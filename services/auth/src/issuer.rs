//! Issues access and refresh tokens.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
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
    /// Lifetime of an access token.
    #[serde(rename = "access_token_ttl_s", with = "seconds")]
    pub access_token_ttl: Duration,
    /// Lifetime of a refresh token; each refresh issues a new one of full lifetime.
    #[serde(rename = "refresh_token_ttl_s", with = "seconds")]
    pub refresh_token_ttl: Duration,
    /// Lifetime of a session from its login, however often it is refreshed.
    #[serde(rename = "absolute_ttl_s", with = "seconds")]
    pub absolute_ttl: Duration,
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
    absolute_ttl: Duration,
}

/// An issuer with the current key loaded: it awaits nothing, so that it can be used inside a transaction.
pub struct Signer {
    key: Arc<SigningKey>,
    terms: Arc<Terms>,
}

/// A pair of tokens. Its `Debug` output contains neither.
#[derive(Debug)]
pub struct Issued {
    pub access_token: config::Secret,
    /// The `jti` of the access token.
    pub access_token_id: TokenId,
    pub access_expires_at: DateTime<Utc>,
    pub refresh_token: RefreshToken,
    pub refresh_expires_at: DateTime<Utc>,
    /// Lifetime of the access token.
    pub expires_in_s: i64,
}

impl Issuer {
    /// Creates an issuer for the configured `iss` and `aud`.
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
            absolute_ttl: sessions.absolute_ttl,
        };
        Self {
            keys,
            terms: Arc::new(terms),
        }
    }

    /// Returns a signer with the current key.
    pub async fn signer(&self) -> Result<Signer, Error> {
        Ok(Signer {
            key: self.keys.signer().await?,
            terms: Arc::clone(&self.terms),
        })
    }
}

impl Signer {
    /// Returns the end of the absolute lifetime of a session that began at `created_at`.
    pub fn session_expires_at(&self, created_at: DateTime<Utc>) -> DateTime<Utc> {
        created_at + self.terms.absolute_ttl
    }

    /// Issues a pair of tokens for the user's session, which began at `created_at`. None outlives the session.
    pub fn issue(
        &self,
        user: &User,
        session: SessionId,
        created_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Issued, Error> {
        let terms = &self.terms;
        // Claims are in whole seconds; the expiry stored in the row has to be that of the claims.
        let issued_at = whole_second(now);
        let session_expires_at = self.session_expires_at(created_at);
        let access_expires_at = issued_at + terms.access_ttl;
        let access_expires_at = access_expires_at.min(whole_second(session_expires_at));
        let access_token_id = TokenId(terms.environment.ids.next());
        let claims = Claims {
            iss: terms.issuer.clone(),
            aud: terms.audience.clone(),
            sub: user.id.0,
            role: user.token_role(),
            email_verified: user.is_verified,
            jti: access_token_id.0,
            sid: session.0,
            iat: issued_at.timestamp(),
            exp: access_expires_at.timestamp(),
        };
        Ok(Issued {
            access_token: self.sign(&claims)?.into(),
            access_token_id,
            access_expires_at,
            refresh_token: RefreshToken::new(terms.environment.random.bytes()),
            refresh_expires_at: (now + terms.refresh_ttl).min(session_expires_at),
            expires_in_s: (access_expires_at - issued_at).num_seconds(),
        })
    }

    fn sign(&self, claims: &Claims) -> Result<String, Error> {
        let header = Header {
            kid: Some(self.key.kid().to_owned()),
            ..Header::new(Algorithm::EdDSA)
        };
        Ok(jsonwebtoken::encode(&header, claims, self.key.encoding()).context("cannot sign a token")?)
    }
}

fn whole_second(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::seconds(1)).unwrap_or(time)
}
