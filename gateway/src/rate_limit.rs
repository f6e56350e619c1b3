//! Rate limits by user, by the address of anonymous callers, and by the class that the contract names. The budgets are counted by GCRA in Redis, for all
//! replicas together; in this process while Redis is unreachable.
//!
//! Of a large budget a replica leases several calls at once and spends them without asking again ([`lease`]); a small one, such as
//! that of signing in, is asked for at every call and is exact.

mod client_ip;
mod gcra;
mod in_memory;
mod lease;
mod redis;

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use carshare_chassis::identity::Caller;
use carshare_chassis::method_registry::Policy;
use carshare_chassis::{Clock, Error};
use carshare_proto::common::v1::ErrorReason as Common;
use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

pub use client_ip::client_ip;

use crate::config::{Config, Limits};
use crate::method_table::Rpc;
use gcra::LimitDecision;
use in_memory::InMemory;
use redis::Shared;

/// A budget of `limit` calls in `period`, at once or spread.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Budget {
    key: BudgetKey,
    limit: u32,
    period: Duration,
    /// Largest number of calls that a replica leases at once.
    batch: u32,
}

/// Name and owner of a budget. As text it is the key in Redis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct BudgetKey {
    /// `address`, `user`, or the class; for headers and metrics.
    name: Cow<'static, str>,
    owner: Owner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Owner {
    Address(IpAddr),
    User(Uuid),
}

/// The tightest budget of a call after it was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimitStatus {
    budget: Budget,
    decision: LimitDecision,
}

pub struct RateLimiter {
    limits: Limits,
    shared: Option<Shared>,
    fallback: InMemory,
}

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

impl RateLimiter {
    /// # Errors
    /// An invalid Redis URL.
    pub fn new(config: &Config, clock: &Clock) -> anyhow::Result<Self> {
        let shared = config.redis.as_ref().map(Shared::new).transpose()?;
        Ok(Self {
            limits: config.limits.clone(),
            shared,
            fallback: InMemory::new(clock.clone()),
        })
    }

    /// Takes a call from all its budgets, or from none when it is refused. Returns the status, `None` when nothing is limited, and
    /// `RATE_LIMITED` above a limit.
    pub async fn take(
        &self,
        rpc: Option<&Rpc>,
        address: IpAddr,
        caller: &Caller,
    ) -> (Option<RateLimitStatus>, Result<(), Error>) {
        let budgets = self.budgets(rpc, address, caller);
        let backlogs = self.backlogs(&budgets).await;
        let statuses = budgets
            .into_iter()
            .zip(backlogs)
            .map(|(budget, backlog)| RateLimitStatus::of(budget, backlog));
        let Some(tightest) = statuses.max_by_key(RateLimitStatus::tightness) else {
            return (None, Ok(()));
        };
        let result = tightest.decision.retry_after.map_or(Ok(()), |after| {
            metrics::counter!("edge_limited_total", "budget" => tightest.budget.key.name.clone())
                .increment(1);
            Err(Error::new(Common::RateLimited)
                .with("budget", tightest.budget.key.name.as_ref())
                .retry_after(after))
        });
        (Some(tightest), result)
    }

    async fn backlogs(&self, budgets: &[Budget]) -> Vec<Duration> {
        if budgets.is_empty() {
            return Vec::new();
        }
        if let Some(shared) = &self.shared {
            match shared.take(budgets).await {
                Ok(backlogs) => return backlogs,
                Err(error) => {
                    metrics::counter!("edge_limit_fallback_total").increment(1);
                    tracing::debug!(%error, "Redis is unreachable, the call is counted in this process");
                }
            }
        }
        self.fallback.take(budgets)
    }

    /// A signed-in user is counted by user and not by address, which users of one mobile network or office share; but for a call of a class,
    /// so that many accounts do not allow more guesses from one address. A class with a higher limit than an address has (Toss's webhooks)
    /// replaces the budget of the address. The class of a public call is counted by address whoever calls: a token gives no further guesses
    /// of passwords.
    fn budgets(&self, rpc: Option<&Rpc>, address: IpAddr, caller: &Caller) -> Vec<Budget> {
        let user = caller.user().ok().map(|user| Owner::User(user.id));
        let is_public = rpc.is_some_and(|rpc| *rpc.method.policy() == Policy::Public);
        let class = rpc.and_then(|rpc| rpc.limit.as_ref());
        let budget =
            |name, owner, limit, period| Budget::new(name, owner, limit, period, self.shared.is_some());
        let by_address = budget(
            "address".into(),
            Owner::Address(address),
            self.limits.per_minute_by_address,
            MINUTE,
        );
        let by_user = user.map(|owner| budget("user".into(), owner, self.limits.per_hour_by_user, HOUR));
        let owner = user.filter(|_| !is_public).unwrap_or(Owner::Address(address));
        let of_class = |name, limit: u32, period| {
            budget(
                name,
                owner,
                limit.saturating_mul(self.limits.class_factor),
                period,
            )
        };
        let by_day = class.and_then(|class| {
            let limit = self.limits.per_day_by_class.get(&class.name)?;
            Some(of_class(format!("{}_by_day", class.name).into(), *limit, DAY))
        });
        let class = class.map(|class| {
            let limit = u32::try_from(class.per_minute).unwrap_or_default();
            of_class(class.name.clone().into(), limit, MINUTE)
        });
        let counts_address = match &class {
            Some(class) => class.limit <= by_address.limit,
            None => user.is_none(),
        };
        let by_address = counts_address.then_some(by_address);
        [by_address, by_user, class, by_day]
            .into_iter()
            .flatten()
            .filter(|budget| budget.limit > 0)
            .collect()
    }
}

impl Budget {
    fn new(name: Cow<'static, str>, owner: Owner, limit: u32, period: Duration, is_shared: bool) -> Self {
        Self {
            key: BudgetKey { name, owner },
            limit,
            period,
            batch: if is_shared { lease::batch(limit) } else { 1 },
        }
    }

    /// Returns the longest backlog. That of a leased budget is shorter than the period by the time for which a lease is valid, so
    /// that calls which are spent late do not add up to more than the limit.
    fn capacity(&self) -> Duration {
        if self.batch > 1 {
            self.period.saturating_sub(lease::VALIDITY)
        } else {
            self.period
        }
    }

    /// Returns the time that a call adds to the backlog.
    fn interval(&self) -> Duration {
        self.period / self.limit.max(1)
    }

    /// Decides on a call that finds this backlog.
    fn decide(&self, backlog: Duration) -> LimitDecision {
        gcra::decide(self.interval(), self.capacity(), backlog)
    }
}

impl fmt::Display for BudgetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit:{}:", self.name)?;
        match self.owner {
            Owner::Address(address) => address.fmt(f),
            Owner::User(id) => id.fmt(f),
        }
    }
}

impl RateLimitStatus {
    fn of(budget: Budget, backlog: Duration) -> Self {
        let decision = budget.decide(backlog);
        Self { budget, decision }
    }

    /// Orders statuses: by delay of a refusal, then by fewest remaining calls.
    fn tightness(&self) -> (Option<Duration>, std::cmp::Reverse<u32>) {
        (
            self.decision.retry_after,
            std::cmp::Reverse(self.decision.remaining),
        )
    }

    /// Writes `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers).
    pub fn write(&self, headers: &mut HeaderMap) {
        let Self {
            budget:
                Budget {
                    key: BudgetKey { name, .. },
                    limit,
                    period,
                    ..
                },
            decision,
        } = self;
        let policy = format!("\"{name}\";q={limit};w={}", period.as_secs());
        let status = format!(
            "\"{name}\";r={};t={}",
            decision.remaining,
            decision.full_in.as_secs_f64().ceil()
        );
        for (header, value) in [("ratelimit-policy", policy), ("ratelimit", status)] {
            headers
                .extend(HeaderValue::try_from(value).map(|value| (HeaderName::from_static(header), value)));
        }
    }
}

#[cfg(test)]
mod tests;
