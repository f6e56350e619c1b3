//! Generates UUIDs of version 7 from the injected clock and randomness: they sort by creation, and a seeded environment generates the
//! same ones each time.

use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use crate::clock::Clock;
use crate::random::Random;

/// Generator of ids. Cheap to clone; clones share the counter that keeps ids of one millisecond in order.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
    random: Random,
    /// Millisecond and counter of the last id.
    last: Arc<Mutex<(u64, u16)>>,
}

/// The counter fills the 12 bits between timestamp and randomness (RFC 9562 §6.2, method 1).
const COUNT_MAX: u16 = 0x0fff;

impl Ids {
    pub fn system(clock: Clock) -> Self {
        Self::new(clock, Random::system())
    }

    pub fn new(clock: Clock, random: Random) -> Self {
        Self {
            clock,
            random,
            last: Arc::default(),
        }
    }

    /// Generates an id, which sorts after all earlier ones of the process.
    pub fn next(&self) -> Uuid {
        let now = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        let (millis, count) = self.tick(now);
        let mut tail = self.random.bytes::<10>();
        tail[..2].copy_from_slice(&count.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }

    /// Returns millisecond and counter of the next id. A clock that stands still or goes back only increments the counter.
    fn tick(&self, now: u64) -> (u64, u16) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = match *last {
            (millis, _) if now > millis => (now, 0),
            (millis, COUNT_MAX) => (millis + 1, 0),
            (millis, count) => (millis, count + 1),
        };
        *last
    }
}

/// Defines the typed ids of a service, so that ids of different kinds cannot be confused: `typed_ids! { /// A car. VehicleId }`.
#[macro_export]
macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub ::uuid::Uuid);

        impl $name {
            /// Parses the id in `field` of a request or event.
            pub fn parse(field: &str, text: &str) -> ::std::result::Result<Self, $crate::Error> {
                $crate::proto_types::uuid(field, text).map(Self)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(seed: u64) -> Ids {
        let (clock, _) = Clock::manual("2026-11-22T12:00:00Z".parse().unwrap());
        Ids::new(clock, Random::seeded(seed))
    }

    #[test]
    fn ids_are_version_7_of_the_injected_time() {
        let id = ids(1).next();
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.get_timestamp().map(|t| t.to_unix()), Some((1_795_348_800, 0)));
    }

    #[test]
    fn ids_of_one_millisecond_sort_by_creation() {
        let ids = ids(2);
        let made: Vec<Uuid> = (0..10_000).map(|_| ids.next()).collect();
        assert!(made.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn same_seed_generates_the_same_ids() {
        assert_eq!(ids(3).next(), ids(3).next());
        assert_ne!(ids(3).next(), ids(4).next());
    }
}
