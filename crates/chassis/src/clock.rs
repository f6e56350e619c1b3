//! The injected wall clock, for business times, token expiry and due times. Tests move it. Deadlines of calls are monotonic and
//! independent of it, see [`crate::deadline`].
//!
//! The clock of a machine may be wrong, and replicas that disagree about the time would cancel each other's bookings. A process with
//! a database therefore synchronises its clock with it, see [`Clock::synchronize`].

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use tokio::sync::watch;
use tokio::time::Instant;

/// Interval at which a sleeper of the system clock reads the time again, in case that the clock was corrected.
const SLEEP_INTERVAL: Duration = Duration::from_mins(1);

/// Decimal places of a second: responses have the times that PostgreSQL stores, which are microseconds.
const PRECISION: u16 = 6;

/// The injected wall clock. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System(Arc<RwLock<Option<Reference>>>),
    /// A system clock that is advanced by hand.
    Movable(Box<Clock>, Arc<watch::Sender<TimeDelta>>),
    Manual(Arc<watch::Sender<DateTime<Utc>>>),
}

/// The time of a trusted clock at an instant of this process, from which time is counted monotonically.
#[derive(Clone, Copy, Debug)]
struct Reference {
    time: DateTime<Utc>,
    at: Instant,
}

/// Moves a manual [`Clock`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<watch::Sender<DateTime<Utc>>>);

impl Clock {
    /// Returns the clock of the machine, until it is synchronised with another one.
    pub fn system() -> Self {
        Self(Source::System(Arc::default()))
    }

    /// Returns a clock that runs as [`Clock::system`] and can be advanced, for development: days pass in a moment.
    pub fn movable() -> Self {
        Self(Source::Movable(Box::new(Self::system()), Arc::default()))
    }

    /// Advances a movable clock and wakes the sleepers that are due. Returns whether the clock is movable.
    pub fn advance(&self, by: Duration) -> bool {
        let Source::Movable(_, ahead) = &self.0 else {
            return false;
        };
        ahead.send_modify(|ahead| *ahead += delta(by));
        true
    }

    /// Returns a clock that stands still until its [`ManualClock`] moves it.
    pub fn manual(start: DateTime<Utc>) -> (Self, ManualClock) {
        let time = Arc::new(watch::Sender::new(start));
        (Self(Source::Manual(Arc::clone(&time))), ManualClock(time))
    }

    /// Returns the time, to the microsecond.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System(reference) => {
                let reference = *reference.read().unwrap_or_else(PoisonError::into_inner);
                let now = reference.map_or_else(machine_time, |reference| {
                    reference.time + delta(reference.at.elapsed())
                });
                now.trunc_subsecs(PRECISION)
            }
            Source::Movable(system, ahead) => system.now() + *ahead.borrow(),
            Source::Manual(time) => *time.borrow(),
        }
    }

    /// Sets a system clock, and all its clones, to the time that a trusted clock showed at `at`; later corrections of the
    /// machine's clock are not followed. Returns how far the machine's clock is ahead of the trusted one; zero for a
    /// manual clock, which is not changed.
    pub fn synchronize(&self, time: DateTime<Utc>, at: Instant) -> TimeDelta {
        match &self.0 {
            Source::System(reference) => {
                let ahead = machine_time() - (time + delta(at.elapsed()));
                *reference.write().unwrap_or_else(PoisonError::into_inner) = Some(Reference { time, at });
                ahead
            }
            Source::Movable(system, _) => system.synchronize(time, at),
            Source::Manual(_) => TimeDelta::zero(),
        }
    }

    /// Waits for `duration` of this clock.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now() + delta(duration)).await;
    }

    /// Waits until this clock shows `instant` or later.
    pub async fn sleep_until(&self, instant: DateTime<Utc>) {
        match &self.0 {
            Source::System(_) => self.sleep_system_until(instant).await,
            Source::Movable(system, ahead) => {
                let mut ahead = ahead.subscribe();
                loop {
                    let due = instant - *ahead.borrow_and_update();
                    tokio::select! {
                        () = system.sleep_system_until(due) => return,
                        // The sender lives in this clock.
                        _ = ahead.changed() => {}
                    }
                }
            }
            Source::Manual(time) => {
                // The sender lives in this clock, so the wait cannot fail.
                let _ = time.subscribe().wait_for(|now| *now >= instant).await;
            }
        }
    }

    async fn sleep_system_until(&self, instant: DateTime<Utc>) {
        while let Ok(left) = (instant - self.now()).to_std() {
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(SLEEP_INTERVAL)).await;
        }
    }
}

impl ManualClock {
    /// Moves the clock forward and wakes the sleepers that are due.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now += delta(by));
    }

    /// Sets the clock, also backwards.
    pub fn set(&self, to: DateTime<Utc>) {
        self.0.send_replace(to);
    }

    pub fn now(&self) -> DateTime<Utc> {
        *self.0.borrow()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the only place that reads the machine's clock"
)]
fn machine_time() -> DateTime<Utc> {
    Utc::now()
}

/// Converts a duration; one above 292 million years saturates.
fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    fn noon() -> DateTime<Utc> {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn manual_clock_stands_still_until_moved() {
        let (clock, manual) = Clock::manual(noon());
        assert_eq!(clock.now(), noon());
        manual.advance(Duration::from_secs(90));
        assert_eq!(clock.now().to_rfc3339(), "2026-11-22T12:01:30+00:00");
        manual.set(noon());
        assert_eq!(clock.now(), noon());
    }

    #[test]
    fn sleepers_wake_when_due_and_not_before() {
        let (clock, manual) = Clock::manual(noon());
        let mut sleeper = std::pin::pin!(clock.sleep(Duration::from_mins(1)));
        assert!(sleeper.as_mut().now_or_never().is_none());
        manual.advance(Duration::from_secs(59));
        assert!(sleeper.as_mut().now_or_never().is_none());
        manual.advance(Duration::from_secs(1));
        assert!(sleeper.as_mut().now_or_never().is_some());
    }

    #[test]
    fn synchronised_clock_follows_the_trusted_time_and_not_the_machine() {
        let clock = Clock::system();
        let copy = clock.clone();
        let ninety_seconds_ago = Instant::now() - Duration::from_secs(90);
        let ahead = clock.synchronize(noon(), ninety_seconds_ago);
        assert!(ahead.abs() > TimeDelta::hours(1), "{ahead}");
        let since_noon = copy.now() - noon();
        assert!((90..100).contains(&since_noon.num_seconds()), "{since_noon}");
        let (clock, _manual) = Clock::manual(noon());
        let later = noon() + TimeDelta::hours(1);
        assert_eq!(clock.synchronize(later, Instant::now()), TimeDelta::zero());
        assert_eq!(clock.now(), noon());
    }

    #[tokio::test]
    async fn movable_clock_runs_and_can_be_advanced() {
        let clock = Clock::movable();
        let before = clock.now();
        let mut sleeper = std::pin::pin!(clock.sleep(Duration::from_hours(24)));
        assert!(sleeper.as_mut().now_or_never().is_none());
        assert!(clock.clone().advance(Duration::from_hours(25)));
        sleeper.await;
        let passed = clock.now() - before;
        assert!((25 * 60..25 * 60 + 5).contains(&passed.num_minutes()), "{passed}");
        assert!(!Clock::system().advance(Duration::from_hours(1)));
    }

    #[tokio::test]
    async fn movable_clock_stays_ahead_of_the_trusted_time() {
        let clock = Clock::movable();
        clock.advance(Duration::from_hours(24));
        clock.synchronize(noon(), Instant::now());
        let ahead = clock.now() - noon();
        assert_eq!(ahead.num_hours(), 24);
        let past = clock.now() - TimeDelta::seconds(1);
        clock.sleep_until(past).await;
    }

    #[test]
    fn sleep_until_a_past_time_returns_at_once() {
        let (clock, _manual) = Clock::manual(noon());
        assert!(clock.sleep_until(noon()).now_or_never().is_some());
        let system = Clock::system();
        assert!(
            system
                .sleep_until(noon() - TimeDelta::days(3650))
                .now_or_never()
                .is_some()
        );
    }
}
