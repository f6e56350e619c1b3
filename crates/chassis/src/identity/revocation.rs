//! Revoked access tokens: auth writes `revoked:<jti>` to Redis until the token expires, the gateway reads it.

use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use chrono::{DateTime, Utc};
use redis::AsyncCommands as _;
use redis::aio::ConnectionManager;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::{Redis, RevocationPolicy};
use crate::error::Error;

/// Revoked tokens in Redis. Cheap to clone.
#[derive(Clone)]
pub struct Revocations {
    redis: ConnectionManager,
    policy: RevocationPolicy,
}

/// Upper bound of the delay of each call while Redis is unreachable.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(250);

impl Revocations {
    pub fn new(config: &Redis, policy: RevocationPolicy) -> anyhow::Result<Self> {
        Ok(Self {
            redis: config.shared()?,
            policy,
        })
    }

    /// Revokes a token until it expires.
    pub async fn revoke(
        &self,
        token_id: Uuid,
        expires_at: DateTime<Utc>,
        clock: &Clock,
    ) -> Result<(), Error> {
        // Rounded up, so that the entry outlives the token.
        let left_s = (expires_at - clock.now()).num_seconds() + 1;
        let Ok(left_s) = u64::try_from(left_s) else {
            return Ok(());
        };
        let written = self
            .redis
            .clone()
            .set_ex::<_, _, ()>(key(token_id), 1, left_s.max(1))
            .await;
        written.map_err(|error| unavailable().cause(error))
    }

    /// Fails with `TOKEN_REVOKED` for a revoked token; while Redis is unreachable, as the policy says.
    pub async fn check(&self, token_id: Uuid) -> Result<(), Error> {
        if self.policy == RevocationPolicy::Off {
            return Ok(());
        }
        match self.is_revoked(token_id).await {
            Ok(false) => Ok(()),
            Ok(true) => Err(Error::new(Common::TokenRevoked)),
            Err(error) if self.policy == RevocationPolicy::Closed => Err(unavailable().cause(error)),
            Err(error) => {
                metrics::counter!("identity_revocation_unchecked_total").increment(1);
                tracing::warn!(%error, "revocation cannot be checked, token accepted");
                Ok(())
            }
        }
    }

    async fn is_revoked(&self, token_id: Uuid) -> anyhow::Result<bool> {
        let mut redis = self.redis.clone();
        Ok(tokio::time::timeout(RESPONSE_TIMEOUT, redis.exists(key(token_id))).await??)
    }
}

fn key(token_id: Uuid) -> String {
    format!("revoked:{token_id}")
}

fn unavailable() -> Error {
    Error::unavailable("redis is unavailable", Duration::from_secs(1))
}
