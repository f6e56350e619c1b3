//! Calls of large budgets that this replica has taken from Redis at once and not yet spent.
//!
//! Bound of the error, for R replicas and batches of n calls ([`batch`]): a budget never admits more than its limit, and may refuse
//! up to R·(n−1) calls too early, those that other replicas hold, and as many as the budget gains in [`VALIDITY`] (1.7 % of a
//! limit by minute).
//!
//! - A leased call is charged when it is leased and may be spent up to [`VALIDITY`] later, when its charge may have drained. That
//!   alone would let a burst exceed the limit by what drains in this time, which is why the capacity of the budget is smaller by it.
//! - A lease that has lapsed is given back with the next question for its budget: Redis takes off what has not drained of it.
//! - Only one question for several calls is under way for a budget; calls that come meanwhile ask for themselves alone.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Budget, BudgetKey};

/// Time for which a leased call may be spent.
pub(super) const VALIDITY: Duration = Duration::from_secs(1);
/// Budgets with a smaller limit are not leased.
const SMALLEST_LIMIT: u32 = 100;
const MAX_BATCH: u32 = 32;
/// Number of leases from which lapsed ones are removed.
const PURGE_THRESHOLD: usize = 10_000;

/// Returns the number of calls that are leased at once of a budget.
pub(super) fn batch(limit: u32) -> u32 {
    if limit < SMALLEST_LIMIT {
        1
    } else {
        (limit / 20).min(MAX_BATCH)
    }
}

/// Calls to take from a budget in Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) wanted: u32,
    /// Calls of a lapsed lease to give back, and the end of its charge.
    pub(super) unspent: u32,
    pub(super) charged_until_us: u64,
}

/// What Redis gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    /// The backlog that the first call found.
    pub(super) backlog: Duration,
    /// Zero when any budget of the call was exhausted.
    pub(super) calls: u32,
    /// Time of Redis, in microseconds, at which the charge of the last call has drained.
    pub(super) charged_until_us: u64,
}

/// The source of one call of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A leased call. The end of its charge names the lease.
    Lease {
        backlog: Duration,
        charged_until_us: u64,
    },
    Redis(Question),
}

#[derive(Default)]
pub(super) struct Leases {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    leases: HashMap<BudgetKey, Lease>,
    /// Number of leases after the last purge.
    kept: usize,
}

struct Lease {
    grant: Grant,
    unspent: u32,
    /// Time before the question was sent.
    asked_at: Instant,
    /// Whether a question for a batch is under way, which then replaces the lease.
    is_asking: bool,
}

impl Leases {
    /// Spends a leased call of each budget that has one; the others are to be asked for in Redis.
    pub(super) fn reserve(&self, budgets: &[Budget]) -> Vec<Source> {
        let mut state = self.state();
        let now = Instant::now();
        state.purge(now);
        budgets.iter().map(|budget| state.reserve(budget, now)).collect()
    }

    /// Keeps what is left of a grant after the call that asked for it.
    pub(super) fn keep(&self, budget: &Budget, question: Question, grant: Grant, asked_at: Instant) {
        if question.wanted > 1 {
            let lease = Lease {
                grant,
                unspent: grant.calls.saturating_sub(1),
                asked_at,
                is_asking: false,
            };
            self.state().leases.insert(budget.key.clone(), lease);
        }
    }

    /// Gives back the leased calls of a call that was refused.
    pub(super) fn give_back(&self, budgets: &[Budget], sources: &[Source]) {
        let mut state = self.state();
        for (budget, source) in budgets.iter().zip(sources) {
            match (source, state.leases.get_mut(&budget.key)) {
                (Source::Lease { charged_until_us, .. }, Some(lease))
                    if lease.grant.charged_until_us == *charged_until_us =>
                {
                    lease.unspent += 1;
                }
                (Source::Redis(question), Some(lease)) if question.wanted > 1 => lease.is_asking = false,
                _ => {}
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn reserve(&mut self, budget: &Budget, now: Instant) -> Source {
        let mut question = Question {
            wanted: budget.batch,
            unspent: 0,
            charged_until_us: 0,
        };
        if budget.batch <= 1 {
            return Source::Redis(question);
        }
        let asking = Lease {
            grant: Grant {
                backlog: Duration::ZERO,
                calls: 0,
                charged_until_us: 0,
            },
            unspent: 0,
            asked_at: now,
            is_asking: true,
        };
        let Some(lease) = self.leases.get_mut(&budget.key) else {
            self.leases.insert(budget.key.clone(), asking);
            return Source::Redis(question);
        };
        let is_valid = now < lease.asked_at + VALIDITY;
        if is_valid && lease.unspent > 0 {
            let backlog = lease.backlog(budget, now);
            lease.unspent -= 1;
            return Source::Lease {
                backlog,
                charged_until_us: lease.grant.charged_until_us,
            };
        }
        // The client of a call that asked may have gone away: its question counts for as long as a lease.
        if is_valid && lease.is_asking {
            question.wanted = 1;
        } else {
            (question.unspent, question.charged_until_us) = (lease.unspent, lease.grant.charged_until_us);
            *lease = asking;
        }
        Source::Redis(question)
    }

    /// Removes lapsed leases once their number has doubled, so that the cost of a call does not grow with the clients.
    fn purge(&mut self, now: Instant) {
        if self.leases.len() > PURGE_THRESHOLD.max(2 * self.kept) {
            self.leases.retain(|_, lease| now < lease.asked_at + VALIDITY);
            self.kept = self.leases.len();
        }
    }
}

impl Lease {
    /// Returns the backlog that the next leased call finds, by what this replica knows.
    fn backlog(&self, budget: &Budget, now: Instant) -> Duration {
        let spent = budget.interval() * (self.grant.calls - self.unspent);
        (self.grant.backlog + spent).saturating_sub(now - self.asked_at)
    }
}

#[cfg(test)]
mod tests;
