//! Backlogs in this process: for while Redis is away, and for one gateway without Redis.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use carshare_chassis::Clock;
use chrono::{DateTime, TimeDelta, Utc};

use super::{Budget, gcra};

/// More keys than this are cleared of those that have drained.
const MANY: usize = 10_000;

/// When each backlog has drained, by key.
pub(super) struct Local {
    clock: Clock,
    drained_at: Mutex<HashMap<String, DateTime<Utc>>>,
}

impl Local {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            drained_at: Mutex::default(),
        }
    }

    /// The backlogs that the call finds. It is put onto them when all budgets admit it.
    pub(super) fn take(&self, budgets: &[Budget]) -> Vec<Duration> {
        let now = self.clock.now();
        let mut drained_at = self.drained_at.lock().unwrap_or_else(PoisonError::into_inner);
        if drained_at.len() > MANY {
            drained_at.retain(|_, at| *at > now);
        }
        let backlog = |budget: &Budget| {
            let at = drained_at.get(&budget.key).copied().unwrap_or(now);
            (at - now).to_std().unwrap_or_default()
        };
        let backlogs: Vec<Duration> = budgets.iter().map(backlog).collect();
        let verdicts: Vec<_> = budgets
            .iter()
            .zip(&backlogs)
            .map(|(budget, backlog)| gcra::judge(budget.limit, budget.period, *backlog))
            .collect();
        if verdicts.iter().all(|verdict| verdict.retry_after.is_none()) {
            for (budget, verdict) in budgets.iter().zip(verdicts) {
                let ahead = TimeDelta::from_std(verdict.full_in).unwrap_or_default();
                drained_at.insert(budget.key.clone(), now + ahead);
            }
        }
        backlogs
    }
}
