//! Copies revoked access tokens to Redis, where the gateway asks for them.
//!
//! The table is written in the transaction that ends a session; this copy comes after it, is tried at once, and is
//! made again every few seconds by [`crate::jobs::copy_revocations`]. So a sign-out counts while Redis is away, survives
//! a crash between the two, and comes back when Redis has lost its memory.

use std::time::Duration;

use carshare_chassis::identity::Revocations;
use carshare_store::Db;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::domain::SessionId;
use crate::error::Error;
use crate::store::revocations::{self, Revoked};

/// Copies revocations. Cheap to clone.
#[derive(Clone)]
pub struct Revoker {
    db: Db,
    redis: Revocations,
}

/// A caller who signs out does not wait longer for Redis.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Commands on their way at a time.
const PARALLEL: usize = 64;

impl Revoker {
    /// From this database to this Redis.
    pub fn new(db: Db, redis: Revocations) -> Self {
        Self { db, redis }
    }

    /// Copies the tokens of a session that was just ended. A failure is logged only: the job makes up for it.
    pub async fn copy_session(&self, id: SessionId) {
        let copied = tokio::time::timeout(RESPONSE_TIMEOUT, self.try_copy_session(id)).await;
        let failure = match copied {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(elapsed) => elapsed.to_string(),
        };
        metrics::counter!("auth_revocations_delayed_total").increment(1);
        tracing::warn!(session_id = %id, failure, "revoked tokens are not in Redis yet");
    }

    async fn try_copy_session(&self, id: SessionId) -> Result<(), Error> {
        let now = self.db.environment().clock.now();
        self.copy(revocations::list_of_session(self.db.conn(), id, now).await?)
            .await
    }

    /// Copies all that still count; says how many.
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
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await?)
    }
}
