//! Copies revoked access tokens to Redis, where the gateway and the services look them up.
//!
//! The transaction that ends a session stores them in the table `revocations`. They are copied right after it, and all of
//! them again every few seconds by [`crate::jobs::copy_revocations`]: a logout is effective although Redis was unreachable,
//! the process crashed in between, or Redis lost its data. Copying is idempotent, so several replicas may do it at once.

use std::future::ready;
use std::time::Duration;

use carshare_chassis::identity::Revocations;
use carshare_store::Db;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::domain::{SessionId, UserId};
use crate::error::Error;
use crate::store::revocations::{self, Revoked};

/// Copies revocations. Cheap to clone.
#[derive(Clone)]
pub struct Revoker {
    db: Db,
    redis: Revocations,
}

/// Longest time that a logout waits for Redis.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Redis commands in flight at a time.
const CONCURRENCY_LIMIT: usize = 64;

impl Revoker {
    pub fn new(db: Db, redis: Revocations) -> Self {
        Self { db, redis }
    }

    /// Copies the tokens of a session that was just ended. A failure is only logged, because the job copies them later.
    pub async fn copy_session(&self, id: SessionId) {
        let now = self.db.environment().clock.now();
        self.copy_soon(revocations::list_of_session(self.db.conn(), id, now))
            .await;
    }

    /// Copies the tokens of a user whose sessions were just ended. A failure is only logged, as above.
    pub async fn copy_user(&self, id: UserId) {
        let now = self.db.environment().clock.now();
        self.copy_soon(revocations::list_of_user(self.db.conn(), id, now))
            .await;
    }

    /// Copies tokens that were just revoked, of sessions that need not exist any more. A failure is only logged, as above.
    pub async fn copy_tokens(&self, tokens: Vec<Revoked>) {
        self.copy_soon(ready(Ok(tokens))).await;
    }

    async fn copy_soon(&self, tokens: impl Future<Output = Result<Vec<Revoked>, Error>>) {
        let copy = async { self.copy(tokens.await?).await };
        let failure = match tokio::time::timeout(RESPONSE_TIMEOUT, copy).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(elapsed) => elapsed.to_string(),
        };
        metrics::counter!("auth_revocations_delayed_total").increment(1);
        tracing::warn!(failure, "cannot copy revoked tokens to Redis");
    }

    /// Copies all unexpired ones and returns their number.
    pub async fn copy_all(&self) -> Result<usize, Error> {
        let all = revocations::list(self.db.conn(), self.db.environment().clock.now()).await?;
        let count = all.len();
        self.copy(all).await?;
        Ok(count)
    }

    async fn copy(&self, tokens: Vec<Revoked>) -> Result<(), Error> {
        let clock = &self.db.environment().clock;
        let writes = tokens
            .into_iter()
            .map(|token| self.redis.revoke(token.token_id.0, token.expires_at, clock));
        Ok(stream::iter(writes)
            .buffer_unordered(CONCURRENCY_LIMIT)
            .try_collect()
            .await?)
    }
}
