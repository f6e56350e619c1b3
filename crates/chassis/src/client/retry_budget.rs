//! Retries are a tenth of the calls at most, so that they help a peer that stumbles and do not dead_letter one that is down.

use std::sync::atomic::{AtomicU32, Ordering};

/// What one call pays in and one retry costs.
const DEPOSIT: u32 = 1;
const COST: u32 = 10;
/// Ten retries are in the purse at first, and never more.
const FULL: u32 = 10 * COST;

/// The purse of one channel.
pub(super) struct Budget(AtomicU32);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(FULL))
    }
}

impl Budget {
    /// A call was begun.
    pub(super) fn deposit(&self) {
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |purse| {
                Some((purse + DEPOSIT).min(FULL))
            });
    }

    /// May a call be repeated?
    pub(super) fn withdraw(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |purse| {
                purse.checked_sub(COST)
            })
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_retries_at_once_then_one_for_ten_calls() {
        let budget = Budget::default();
        assert_eq!((0..20).filter(|_| budget.withdraw()).count(), 10);
        for _ in 0..9 {
            budget.deposit();
        }
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(budget.withdraw());
        assert!(!budget.withdraw());
    }

    #[test]
    fn the_purse_does_not_grow_without_end() {
        let budget = Budget::default();
        (0..1000).for_each(|_| budget.deposit());
        assert_eq!((0..1000).filter(|_| budget.withdraw()).count(), 10);
    }
}
