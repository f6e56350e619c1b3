//! Backlogs in this process, while Redis is unreachable or not configured.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use carshare_chassis::Clock;
use chrono::{DateTime, TimeDelta, Utc};

use super::{Budget, BudgetKey};

/// Number of keys from which drained ones are removed.
const PURGE_THRESHOLD: usize = 10_000;

pub(super) struct InMemory {
    clock: Clock,
    backlogs: Mutex<Backlogs>,
}

#[derive(Default)]
struct Backlogs {
    /// Time at which each backlog is empty, by key.
    drained_at: HashMap<BudgetKey, DateTime<Utc>>,
    /// Number of keys after the last purge.
    kept: usize,
}

impl InMemory {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            backlogs: Mutex::default(),
        }
    }

    /// Returns the backlogs that the call finds, and adds it to them when all budgets admit it.
    pub(super) fn take(&self, budgets: &[Budget]) -> Vec<Duration> {
        let now = self.clock.now();
        let mut state = self.backlogs.lock().unwrap_or_else(PoisonError::into_inner);
        state.purge(now);
        let drained_at = &mut state.drained_at;
        let backlog = |budget: &Budget| {
            let at = drained_at.get(&budget.key).copied().unwrap_or(now);
            (at - now).to_std().unwrap_or_default()
        };
        let backlogs: Vec<Duration> = budgets.iter().map(backlog).collect();
        let decisions: Vec<_> = budgets
            .iter()
            .zip(&backlogs)
            .map(|(budget, backlog)| budget.decide(*backlog))
            .collect();
        if decisions.iter().all(|decision| decision.retry_after.is_none()) {
            for (budget, decision) in budgets.iter().zip(decisions) {
                let ahead = TimeDelta::from_std(decision.full_in).unwrap_or_default();
                drained_at.insert(budget.key.clone(), now + ahead);
            }
        }
        backlogs
    }
}

impl Backlogs {
    /// Removes drained keys once their number has doubled, so that the cost of a call does not grow with the clients.
    fn purge(&mut self, now: DateTime<Utc>) {
        if self.drained_at.len() > PURGE_THRESHOLD.max(2 * self.kept) {
            self.drained_at.retain(|_, at| *at > now);
            self.kept = self.drained_at.len();
        }
    }
}
