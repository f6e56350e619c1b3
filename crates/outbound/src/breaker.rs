//! Circuit breaker: refuses calls to a provider for some time after repeated failures, then admits one probe.
//!
//! closed --(consecutive failures)--> open --(time)--> half-open: one probe --(success)--> closed
//!                                     ^------------------(failure)------------------'

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use carshare_chassis::Clock;
use chrono::{DateTime, TimeDelta, Utc};

/// Circuit breaker of one provider. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Breaker(Arc<Inner>);

struct Inner {
    peer: &'static str,
    failures_to_open: u32,
    open_for: Duration,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: DateTime<Utc>,
    },
    /// Half-open: the probe has not finished.
    Probing,
}

/// Permission for one attempt, whose result is to be recorded. Dropped without one (a cancelled call), it does not count.
pub(crate) struct Permit {
    breaker: Breaker,
    recorded: bool,
    is_probe: bool,
}

impl Breaker {
    pub(crate) fn new(peer: &'static str, failures_to_open: u32, open_for: Duration, clock: Clock) -> Self {
        let state = Mutex::new(State::Closed { failures: 0 });
        let breaker = Self(Arc::new(Inner {
            peer,
            failures_to_open,
            open_for,
            clock,
            state,
        }));
        breaker.gauge(false);
        breaker
    }

    /// Permits an attempt, or returns how long to wait.
    pub(crate) fn permit(&self) -> Result<Permit, Duration> {
        let now = self.0.clock.now();
        let mut state = self.state();
        let is_probe = match *state {
            State::Closed { .. } => false,
            State::Open { until } if until <= now => {
                *state = State::Probing;
                true
            }
            State::Open { until } => return Err((until - now).to_std().unwrap_or_default()),
            // The probe ends at an unknown time.
            State::Probing => return Err(self.0.open_for),
        };
        Ok(Permit {
            breaker: self.clone(),
            recorded: false,
            is_probe,
        })
    }

    pub(crate) fn is_open(&self) -> bool {
        !matches!(*self.state(), State::Closed { .. })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn succeeded(&self, is_probe: bool) {
        let mut state = self.state();
        match *state {
            State::Closed { .. } => *state = State::Closed { failures: 0 },
            State::Probing if is_probe => {
                *state = State::Closed { failures: 0 };
                tracing::info!(peer = self.0.peer, "breaker closed");
                self.gauge(false);
            }
            // The call was admitted before the breaker opened.
            State::Probing | State::Open { .. } => {}
        }
    }

    fn failed(&self, is_probe: bool) {
        let mut state = self.state();
        *state = match *state {
            State::Closed { failures } if failures + 1 < self.0.failures_to_open => State::Closed {
                failures: failures + 1,
            },
            State::Closed { .. } => self.open(),
            State::Probing if is_probe => self.open(),
            unchanged => unchanged,
        };
    }

    fn open(&self) -> State {
        tracing::warn!(peer = self.0.peer, open_for = ?self.0.open_for, "breaker opened");
        self.gauge(true);
        let open_for = TimeDelta::from_std(self.0.open_for).unwrap_or(TimeDelta::MAX);
        State::Open {
            until: self.0.clock.now() + open_for,
        }
    }

    fn gauge(&self, open: bool) {
        metrics::gauge!("outbound_breaker_open", "peer" => self.0.peer).set(if open { 1.0 } else { 0.0 });
    }
}

impl Permit {
    pub(crate) fn succeeded(mut self) {
        self.recorded = true;
        self.breaker.succeeded(self.is_probe);
    }

    pub(crate) fn failed(mut self) {
        self.recorded = true;
        self.breaker.failed(self.is_probe);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.recorded || !self.is_probe {
            return;
        }
        // The next call may probe at once.
        *self.breaker.state() = State::Open {
            until: self.breaker.0.clock.now(),
        };
    }
}

#[cfg(test)]
mod tests {
    use carshare_chassis::ManualClock;

    use super::*;

    const OPEN_FOR: Duration = Duration::from_secs(30);

    fn breaker() -> (Breaker, ManualClock) {
        let (clock, manual) = Clock::manual("2026-11-22T12:00:00Z".parse().unwrap());
        (Breaker::new("peer", 5, OPEN_FOR, clock), manual)
    }

    fn fail(breaker: &Breaker, times: u32) {
        for _ in 0..times {
            breaker.permit().ok().unwrap().failed();
        }
    }

    fn wait(breaker: &Breaker) -> Option<Duration> {
        breaker.permit().err()
    }

    #[test]
    fn fifth_consecutive_failure_opens_the_breaker() {
        let (breaker, _) = breaker();
        fail(&breaker, 4);
        breaker.permit().ok().unwrap().succeeded();
        fail(&breaker, 4);
        assert_eq!(wait(&breaker), None);
        fail(&breaker, 1);
        assert_eq!(wait(&breaker), Some(OPEN_FOR));
    }

    #[test]
    fn one_probe_decides_after_the_open_time() {
        let (breaker, manual) = breaker();
        fail(&breaker, 5);
        manual.advance(Duration::from_secs(29));
        assert_eq!(wait(&breaker), Some(Duration::from_secs(1)));
        manual.advance(Duration::from_secs(1));
        let probe = breaker.permit().ok().unwrap();
        assert_eq!(wait(&breaker), Some(OPEN_FOR));
        probe.failed();
        assert_eq!(wait(&breaker), Some(OPEN_FOR));
        manual.advance(OPEN_FOR);
        breaker.permit().ok().unwrap().succeeded();
        fail(&breaker, 4);
        assert_eq!(wait(&breaker), None);
    }

    #[test]
    fn cancelled_probe_is_followed_by_another() {
        let (breaker, manual) = breaker();
        fail(&breaker, 5);
        manual.advance(OPEN_FOR);
        drop(breaker.permit().ok().unwrap());
        assert!(breaker.permit().is_ok());
    }

    #[test]
    fn results_of_calls_before_the_opening_are_ignored() {
        let (breaker, _) = breaker();
        let (early, other) = (breaker.permit().ok().unwrap(), breaker.permit().ok().unwrap());
        fail(&breaker, 5);
        early.succeeded();
        assert_eq!(wait(&breaker), Some(OPEN_FOR));
        other.failed();
        assert_eq!(wait(&breaker), Some(OPEN_FOR));
    }
}
