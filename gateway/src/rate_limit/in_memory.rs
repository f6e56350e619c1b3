//! Backlogs in this process: for while Redis is away, and for one gateway without Redis.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use carshare_chassis::Clock;
use chrono::{DateTime, TimeDelta, Utc};

use super::{Budget, gcra};

/// From so many keys on those that have drained are looked for, whenever there are twice as many as were left.
const MANY: usize = 10_000;

/// When each backlog has drained, by key.
pub(super) struct Local {
    clock: Clock,
    ledger: Mutex<Ledger>,
}

#[derive(Default)]
struct Ledger {
    drained_at: HashMap<String, DateTime<Utc>>,
    /// Live keys when it was last cleared.
    left: usize,
}

impl Local {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            ledger: Mutex::default(),
        }
    }

    /// The backlogs that the call finds. It is put onto them when all budgets authorize it.
    pub(super) fn take(&self, budgets: &[Budget]) -> Vec<Duration> {
        let now = self.clock.now();
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.clear_drained(now);
        let drained_at = &mut ledger.drained_at;
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

impl Ledger {
    /// Looks through all keys so rarely that it does not matter how many clients there are.
    fn clear_drained(&mut self, now: DateTime<Utc>) {
        if self.drained_at.len() > MANY.max(2 * self.left) {
            self.drained_at.retain(|_, at| *at > now);
            self.left = self.drained_at.len();
        }
    }
}
