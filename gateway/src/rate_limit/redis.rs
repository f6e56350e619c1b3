//! Backlogs in Redis, on its clock: one script and one round trip for all budgets of a call.

use std::time::Duration;

use carshare_chassis::config::Redis;
use redis::Script;
use redis::aio::ConnectionManager;

use super::{Budget, gcra};

/// Short, because every call waits for it while Redis is unreachable.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(100);

/// KEYS: the budgets; ARGV: interval and period of each, in microseconds. Returns the backlogs that the call finds, and adds it
/// to them when all budgets admit it.
const TAKE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local backlogs, admitted = {}, true
for i, key in ipairs(KEYS) do
  backlogs[i] = math.max((tonumber(redis.call('GET', key)) or 0) - now, 0)
  if backlogs[i] + tonumber(ARGV[2 * i - 1]) > tonumber(ARGV[2 * i]) then admitted = false end
end
if admitted then
  for i, key in ipairs(KEYS) do
    local ahead = backlogs[i] + tonumber(ARGV[2 * i - 1])
    redis.call('SET', key, string.format('%.0f', now + ahead), 'PX', math.ceil(ahead / 1000))
  end
end
return backlogs
";

pub(super) struct Shared {
    redis: ConnectionManager,
    script: Script,
}

impl Shared {
    pub(super) fn new(config: &Redis) -> anyhow::Result<Self> {
        Ok(Self {
            redis: config.shared()?,
            script: Script::new(TAKE),
        })
    }

    pub(super) async fn take(&self, budgets: &[Budget]) -> anyhow::Result<Vec<Duration>> {
        let mut call = self.script.prepare_invoke();
        for budget in budgets {
            let interval = gcra::interval(budget.limit, budget.period);
            call.key(&budget.key)
                .arg(interval.as_micros() as u64)
                .arg(budget.period.as_micros() as u64);
        }
        let mut redis = self.redis.clone();
        let backlogs: Vec<u64> =
            tokio::time::timeout(RESPONSE_TIMEOUT, call.invoke_async(&mut redis)).await??;
        Ok(backlogs.into_iter().map(Duration::from_micros).collect())
    }
}
