//! Places of open streams. Streams of users and of others have pools of their own, so that health and reflection, which are open to everybody,
//! cannot keep users from their notifications, and one caller has a few places only.

use std::net::IpAddr;
use std::sync::Arc;

use carshare_chassis::Error;
use carshare_chassis::identity::Caller;
use carshare_chassis::telemetry::pool_usage::{InUse, PoolUsage};
use carshare_proto::common::v1::ErrorReason as Common;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::config::Config;
use crate::in_flight::{InFlight, Place};
use crate::problem::DEFAULT_RETRY_AFTER;

#[derive(Debug)]
pub struct Streams {
    users: Pool,
    anonymous: Pool,
    by_caller: InFlight<Owner>,
}

#[derive(Debug)]
struct Pool {
    places: Arc<Semaphore>,
    usage: PoolUsage,
}

impl Pool {
    fn new(name: &'static str, max: usize) -> Self {
        let max = max.min(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(max)),
            usage: PoolUsage::new(name, max),
        }
    }

    fn take(&self) -> Option<(OwnedSemaphorePermit, InUse)> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some((place, self.usage.take()))
    }
}

/// Whose places a stream takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Owner {
    User(Uuid),
    Address(IpAddr),
}

/// The places of a stream, which are free when it is dropped.
#[derive(Debug)]
pub struct Places {
    _pool: (OwnedSemaphorePermit, InUse),
    _caller: Place<Owner>,
}

impl Streams {
    pub fn new(config: &Config) -> Self {
        Self {
            users: Pool::new("user_streams", config.edge.max_streams),
            anonymous: Pool::new("anonymous_streams", config.edge.max_anonymous_streams),
            by_caller: InFlight::new(config.limits.streams_by_caller),
        }
    }

    /// Takes the places of a stream.
    ///
    /// # Errors
    /// `RATE_LIMITED` when the caller has too many open, `UNAVAILABLE` when the gateway has.
    pub fn take(&self, caller: &Caller, address: IpAddr) -> Result<Places, Error> {
        let (owner, pool) = match caller {
            Caller::User(user) => (Owner::User(user.id), &self.users),
            Caller::Anonymous | Caller::Service(_) => (Owner::Address(address), &self.anonymous),
        };
        let Some(caller) = self.by_caller.take(owner, None) else {
            metrics::counter!("edge_limited_total", "budget" => "streams_by_caller").increment(1);
            return Err(Error::new(Common::RateLimited).retry_after(DEFAULT_RETRY_AFTER));
        };
        let Some(pool) = pool.take() else {
            metrics::counter!("edge_streams_refused_total").increment(1);
            return Err(Error::unavailable(
                "the gateway has too many open streams",
                DEFAULT_RETRY_AFTER,
            ));
        };
        Ok(Places {
            _pool: pool,
            _caller: caller,
        })
    }
}
