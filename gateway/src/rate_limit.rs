//! Rate limits: by address, by user, and a budget for each class that the contract names. GCRA in Redis, so that all gateways
//! count together, in one round trip for all budgets of a call; in this process while Redis is away.

mod client_ip;
mod gcra;
mod in_memory;
mod redis;

use std::net::IpAddr;
use std::time::Duration;

use carshare_chassis::identity::Caller;
use carshare_chassis::{Clock, Error};
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::options::v1::Limit;
use http::{HeaderMap, HeaderName, HeaderValue};

pub use client_ip::client_address;

use crate::config::{Config, Limits};
use gcra::LimitDecision;
use in_memory::Local;
use redis::Shared;

/// What may be spent: `limit` calls in `period`, all at once or spread.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Budget {
    /// `address`, `user`, or the class; for headers and metrics.
    name: String,
    /// Whose budget it is.
    key: String,
    limit: u32,
    period: Duration,
}

/// How the tightest budget of a call stands after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimitStatus {
    budget: Budget,
    verdict: LimitDecision,
}

pub struct Limiter {
    limits: Limits,
    shared: Option<Shared>,
    local: Local,
}

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

impl Limiter {
    /// A limiter that counts in the configured Redis.
    ///
    /// # Errors
    /// A Redis URL that is none.
    pub fn new(config: &Config, clock: &Clock) -> anyhow::Result<Self> {
        let shared = config.redis.as_ref().map(Shared::new).transpose()?;
        Ok(Self {
            limits: config.limits.clone(),
            shared,
            local: Local::new(clock.clone()),
        })
    }

    /// Takes a call, of a class or of none, from all budgets it belongs to. A refused call takes from none.
    ///
    /// Returns `RATE_LIMITED` above the limit; the status is returned in both cases. `None` when nothing is limited.
    pub async fn take(
        &self,
        class: Option<&Limit>,
        address: IpAddr,
        caller: &Caller,
    ) -> (Option<RateLimitStatus>, Result<(), Error>) {
        let budgets = self.budgets(class, address, caller);
        let backlogs = self.backlogs(&budgets).await;
        let judged = budgets
            .into_iter()
            .zip(backlogs)
            .map(|(budget, backlog)| RateLimitStatus::of(budget, backlog));
        let Some(tightest) = judged.max_by_key(RateLimitStatus::tightness) else {
            return (None, Ok(()));
        };
        let refused = tightest.verdict.retry_after.map_or(Ok(()), |after| {
            metrics::counter!("edge_limited_total", "budget" => tightest.budget.name.clone()).increment(1);
            Err(Error::new(Common::RateLimited)
                .with("budget", &tightest.budget.name)
                .retry_after(after))
        });
        (Some(tightest), refused)
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
                    tracing::debug!(%error, "calls are counted in this process");
                }
            }
        }
        self.local.take(budgets)
    }

    /// A class that admits more than an address may ask for otherwise (Toss's webhooks) stands instead of that.
    fn budgets(&self, class: Option<&Limit>, address: IpAddr, caller: &Caller) -> Vec<Budget> {
        let user = caller.user().ok().map(|user| user.id);
        let by_address = Budget::new(
            "address",
            address.to_string(),
            self.limits.per_minute_by_address,
            MINUTE,
        );
        let by_user = user.map(|id| Budget::new("user", id.to_string(), self.limits.per_hour_by_user, HOUR));
        let class = class.map(|class| {
            let whose = user.map_or_else(|| address.to_string(), |id| id.to_string());
            let limit = u32::try_from(class.per_minute).unwrap_or_default();
            Budget::new(
                &class.name,
                whose,
                limit.saturating_mul(self.limits.class_factor),
                MINUTE,
            )
        });
        let narrow = class.as_ref().is_none_or(|class| class.limit <= by_address.limit);
        let by_address = narrow.then_some(by_address);
        [by_address, by_user, class]
            .into_iter()
            .flatten()
            .filter(|budget| budget.limit > 0)
            .collect()
    }
}

impl Budget {
    fn new(name: &str, whose: String, limit: u32, period: Duration) -> Self {
        Self {
            name: name.to_owned(),
            key: format!("limit:{name}:{whose}"),
            limit,
            period,
        }
    }
}

impl RateLimitStatus {
    fn of(budget: Budget, backlog: Duration) -> Self {
        let verdict = gcra::judge(budget.limit, budget.period, backlog);
        Self { budget, verdict }
    }

    /// A refusal is tighter than any rest, a long one than a short one.
    fn tightness(&self) -> (Option<Duration>, std::cmp::Reverse<u32>) {
        (
            self.verdict.retry_after,
            std::cmp::Reverse(self.verdict.remaining),
        )
    }

    /// `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers).
    pub fn write(&self, headers: &mut HeaderMap) {
        let Self {
            budget: Budget {
                name, limit, period, ..
            },
            verdict,
        } = self;
        let policy = format!("\"{name}\";q={limit};w={}", period.as_secs());
        let rest = format!(
            "\"{name}\";r={};t={}",
            verdict.remaining,
            verdict.full_in.as_secs_f64().ceil()
        );
        for (header, value) in [("ratelimit-policy", policy), ("ratelimit", rest)] {
            headers
                .extend(HeaderValue::from_str(&value).map(|value| (HeaderName::from_static(header), value)));
        }
    }
}

#[cfg(test)]
mod tests;
