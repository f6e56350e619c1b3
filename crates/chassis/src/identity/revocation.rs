//! Revoked access tokens: auth writes `revoked:<jti>` to Redis until the token expires and publishes the id, the gateway and the services
//! read the key and remember for a short time that a token is not revoked.

mod checked_tokens;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use chrono::{DateTime, Utc};
use redis::aio::ConnectionManager;
use redis::{AsyncCommands as _, Client};
use uuid::Uuid;

use self::checked_tokens::{CHANNEL, Subscription};
use crate::clock::Clock;
use crate::config::{Redis, RevocationPolicy};
use crate::error::Error;

/// Revoked tokens in Redis. Cheap to clone.
#[derive(Clone)]
pub struct Revocations {
    redis: ConnectionManager,
    policy: RevocationPolicy,
    client: Client,
    /// Opened at the first check: auth only writes.
    subscription: Arc<OnceLock<Subscription>>,
}

/// Upper bound of the delay of each call while Redis is unreachable.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(250);

/// Interval at which a token of an open stream is looked up again, for messages that were lost without notice.
const RECHECK_INTERVAL: Duration = Duration::from_secs(30);

impl Revocations {
    pub fn new(config: &Redis, policy: RevocationPolicy) -> anyhow::Result<Self> {
        Ok(Self {
            redis: config.shared()?,
            policy,
            client: config.client()?,
            subscription: Arc::default(),
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
        let mut commands = redis::pipe();
        commands
            .set_ex(key(token_id), 1, left_s.max(1))
            .ignore()
            .publish(CHANNEL, token_id.to_string())
            .ignore();
        let written = commands.query_async::<()>(&mut self.redis.clone()).await;
        written.map_err(|error| unavailable().cause(error))
    }

    /// Fails with `TOKEN_REVOKED` for a revoked token; while Redis is unreachable, as the policy says.
    pub async fn check(&self, token_id: Uuid) -> Result<(), Error> {
        if self.policy == RevocationPolicy::Off {
            return Ok(());
        }
        let checked = &self.subscription().tokens;
        if checked.contains(token_id) {
            return Ok(());
        }
        let version = checked.version();
        match self.is_revoked(token_id).await {
            Ok(false) => {
                checked.remember(token_id, version);
                Ok(())
            }
            Ok(true) => Err(Error::new(Common::TokenRevoked)),
            Err(error) if self.policy == RevocationPolicy::Closed => Err(unavailable().cause(error)),
            Err(error) => {
                metrics::counter!("identity_revocation_unchecked_total").increment(1);
                tracing::warn!(%error, "revocation cannot be checked, token accepted");
                Ok(())
            }
        }
    }

    /// Waits until a token is revoked; without limit if the policy is `off`.
    pub async fn revoked(&self, token_id: Uuid) {
        if self.policy == RevocationPolicy::Off {
            return std::future::pending().await;
        }
        // Before the first check, so that no message is missed.
        let mut messages = self.subscription().tokens.messages();
        while !self.is_revoked(token_id).await.is_ok_and(|is_revoked| is_revoked) {
            tokio::select! {
                () = messages.may_revoke(token_id) => {}
                () = tokio::time::sleep(RECHECK_INTERVAL) => {}
            }
        }
    }

    fn subscription(&self) -> &Subscription {
        self.subscription
            .get_or_init(|| Subscription::open(self.client.clone()))
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

#[cfg(test)]
mod tests {
    use carshare_testkit::{eventually_true, redis_url};

    use super::checked_tokens::MAX_AGE;
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    async fn gateway_and_auth() -> (Revocations, Revocations) {
        let redis = Redis::at(redis_url().await);
        let open = || Revocations::new(&redis, RevocationPolicy::Closed).unwrap();
        (open(), open())
    }

    /// Checks the token until it is remembered.
    async fn remember(gateway: &Revocations, token_id: Uuid) {
        eventually_true(TIMEOUT, async || {
            gateway.check(token_id).await.unwrap();
            let subscription = gateway.subscription.get().unwrap();
            subscription.tokens.contains(token_id)
        })
        .await;
    }

    #[tokio::test]
    async fn revocation_reaches_a_process_that_has_checked_the_token() {
        let (gateway, auth) = gateway_and_auth().await;
        let token_id = Uuid::from_u128(71);
        remember(&gateway, token_id).await;
        let (clock, _) = Clock::manual("2026-11-22T12:00:00Z".parse().unwrap());
        let ends = clock.now() + Duration::from_mins(15);
        let version = gateway.subscription.get().unwrap().tokens.version();
        auth.revoke(token_id, ends, &clock).await.unwrap();
        let tokens = &gateway.subscription.get().unwrap().tokens;
        // Only a message, which the age of a check does not replace, changes the version.
        eventually_true(TIMEOUT, async || {
            tokens.version() > version && !tokens.contains(token_id)
        })
        .await;
        let checked = gateway.check(token_id).await;
        assert!(checked.is_err_and(|error| error.is(Common::TokenRevoked)));
    }

    #[tokio::test]
    async fn wait_ends_when_the_token_is_revoked_and_at_once_if_it_was() {
        let (gateway, auth) = gateway_and_auth().await;
        let (token_id, other) = (Uuid::from_u128(73), Uuid::from_u128(74));
        let (clock, _) = Clock::manual("2026-11-22T12:00:00Z".parse().unwrap());
        let ends = clock.now() + Duration::from_mins(15);
        let mut revoked = Box::pin(gateway.revoked(token_id));
        assert!(futures::poll!(revoked.as_mut()).is_pending());
        eventually_true(TIMEOUT, async || {
            let tokens = &gateway.subscription().tokens;
            tokens.remember(other, tokens.version());
            tokens.contains(other)
        })
        .await;
        auth.revoke(other, ends, &clock).await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(50), &mut revoked).await;
        assert!(early.is_err());
        auth.revoke(token_id, ends, &clock).await.unwrap();
        tokio::time::timeout(TIMEOUT, revoked).await.unwrap();
        tokio::time::timeout(TIMEOUT, gateway.revoked(token_id))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn checked_token_is_not_looked_up_again() {
        let (gateway, mut auth) = gateway_and_auth().await;
        let token_id = Uuid::from_u128(72);
        remember(&gateway, token_id).await;
        // A key without a message, which the contract of this module forbids, shows whether Redis was asked.
        auth.redis.set_ex::<_, _, ()>(key(token_id), 1, 60).await.unwrap();
        assert!(gateway.check(token_id).await.is_ok());
        tokio::time::pause();
        tokio::time::advance(MAX_AGE).await;
        tokio::time::resume();
        assert!(gateway.check(token_id).await.is_err());
    }
}
