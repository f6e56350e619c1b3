//! Signed-out access tokens. Auth writes `revoked:<jti>` to Redis until the token would have ended; the gateway asks.

use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use chrono::{DateTime, Utc};
use redis::AsyncCommands as _;
use redis::aio::ConnectionManager;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::{Redis, RevocationPolicy};
use crate::error::Error;

/// The list of revoked tokens. Cheap to clone.
#[derive(Clone)]
pub struct Revocations {
    redis: ConnectionManager,
    policy: RevocationPolicy,
}

/// Asking must not make every call slow while Redis is away.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(250);

impl Revocations {
    /// The list in this Redis. What to do while Redis is away is the policy's business.
    pub fn new(config: &Redis, policy: RevocationPolicy) -> anyhow::Result<Self> {
        Ok(Self {
            redis: config.shared()?,
            policy,
        })
    }

    /// Puts a token on the list until it ends by itself.
    pub async fn revoke(
        &self,
        token_id: Uuid,
        expires_at: DateTime<Utc>,
        clock: &Clock,
    ) -> Result<(), Error> {
        // Rounded up: never off the list while the token still counts.
        let left_s = (expires_at - clock.now()).num_seconds() + 1;
        let Ok(left_s) = u64::try_from(left_s) else {
            return Ok(());
        };
        let put = self
            .redis
            .clone()
            .set_ex::<_, _, ()>(key(token_id), 1, left_s.max(1))
            .await;
        put.map_err(|error| away().cause(error))
    }

    /// Refuses a token that is on the list.
    pub async fn check(&self, token_id: Uuid) -> Result<(), Error> {
        if self.policy == RevocationPolicy::Off {
            return Ok(());
        }
        match self.is_revoked(token_id).await {
            Ok(false) => Ok(()),
            Ok(true) => Err(Error::new(Common::TokenRevoked)),
            Err(error) if self.policy == RevocationPolicy::Closed => Err(away().cause(error)),
            Err(error) => {
                metrics::counter!("identity_revocation_unchecked_total").increment(1);
                tracing::warn!(%error, "revoked tokens cannot be asked for, the token is believed");
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

fn away() -> Error {
    Error::unavailable("redis is unavailable", Duration::from_secs(1))
}
