//! Backlogs in Redis, on its clock: one script and one round trip for all budgets of a call that are not leased.

use std::time::Duration;

use anyhow::ensure;
use carshare_chassis::config::Redis;
use redis::Script;
use redis::aio::ConnectionManager;
use tokio::time::Instant;

use super::Budget;
use super::lease::{Grant, Leases, Question, Source};

/// Short, because every call waits for it while Redis is unreachable.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(100);

/// KEYS: the budgets; ARGV: interval and capacity of each in microseconds, the calls wanted, the calls of a lapsed lease to give back
/// and the time at which their charge ends. Gives back what has not drained of them, and takes up to the wanted calls when all
/// budgets admit one. Returns for each the backlog that the call finds, the calls taken and the end of their charge.
const TAKE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local found, calls, changed, admitted = {}, {}, {}, true
for i, key in ipairs(KEYS) do
  local interval, capacity, wanted, unspent, charged = unpack(ARGV, 5 * i - 4, 5 * i)
  local given_back = math.max(charged - math.max(now, charged - unspent * interval), 0)
  found[i] = math.max((tonumber(redis.call('GET', key)) or 0) - now - given_back, 0)
  local room = tonumber(interval) > 0 and math.floor((capacity - found[i]) / interval) or tonumber(wanted)
  calls[i] = math.min(room, tonumber(wanted))
  changed[i] = given_back > 0
  if calls[i] < 1 then admitted = false end
end
local reply = {}
for i, key in ipairs(KEYS) do
  if not admitted then calls[i] = 0 end
  local ahead = found[i] + calls[i] * ARGV[5 * i - 4]
  if ahead > 0 and (admitted or changed[i]) then
    redis.call('SET', key, string.format('%.0f', now + ahead), 'PX', math.ceil(ahead / 1000))
  elseif changed[i] then
    redis.call('DEL', key)
  end
  reply[3 * i - 2], reply[3 * i - 1], reply[3 * i] = found[i], calls[i], now + ahead
end
return reply
";

pub(super) struct Shared {
    redis: ConnectionManager,
    script: Script,
    leases: Leases,
}

impl Shared {
    pub(super) fn new(config: &Redis) -> anyhow::Result<Self> {
        Ok(Self {
            redis: config.shared()?,
            script: Script::new(TAKE),
            leases: Leases::default(),
        })
    }

    /// Returns the backlogs that the call finds. It is spent from leases, or in Redis, when all budgets admit it.
    pub(super) async fn take(&self, budgets: &[Budget]) -> anyhow::Result<Vec<Duration>> {
        let sources = self.leases.reserve(budgets);
        let questions: Vec<(&Budget, Question)> = budgets
            .iter()
            .zip(&sources)
            .filter_map(|(budget, source)| match source {
                Source::Redis(question) => Some((budget, *question)),
                Source::Lease { .. } => None,
            })
            .collect();
        let grants = if questions.is_empty() {
            Vec::new()
        } else {
            let asked_at = Instant::now();
            let asked = self.ask(&questions).await;
            let is_admitted = |grants: &Vec<Grant>| grants.iter().all(|grant| grant.calls > 0);
            if asked.as_ref().is_ok_and(is_admitted) {
                for ((budget, question), grant) in questions.iter().zip(asked.iter().flatten()) {
                    self.leases.keep(budget, *question, *grant, asked_at);
                }
            } else {
                self.leases.give_back(budgets, &sources);
            }
            asked?
        };
        let mut grants = grants.into_iter();
        let backlog = |source: &Source| match source {
            Source::Lease { backlog, .. } => Some(*backlog),
            Source::Redis(_) => grants.next().map(|grant| grant.backlog),
        };
        Ok(sources.iter().filter_map(backlog).collect())
    }

    async fn ask(&self, questions: &[(&Budget, Question)]) -> anyhow::Result<Vec<Grant>> {
        let mut call = self.script.prepare_invoke();
        for (budget, question) in questions {
            call.key(budget.key.to_string())
                .arg(budget.interval().as_micros() as u64)
                .arg(budget.capacity().as_micros() as u64)
                .arg(question.wanted)
                .arg(question.unspent)
                .arg(question.charged_until_us);
        }
        let mut redis = self.redis.clone();
        let reply: Vec<u64> = tokio::time::timeout(RESPONSE_TIMEOUT, call.invoke_async(&mut redis)).await??;
        ensure!(
            reply.len() == 3 * questions.len(),
            "Redis answered for other budgets"
        );
        let grant = |values: &[u64]| Grant {
            backlog: Duration::from_micros(values[0]),
            calls: values[1] as u32,
            charged_until_us: values[2],
        };
        Ok(reply.chunks_exact(3).map(grant).collect())
    }
}

#[cfg(test)]
mod tests;
