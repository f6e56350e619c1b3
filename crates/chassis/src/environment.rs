//! Injected clock, id generator and randomness, in one value.

use chrono::{DateTime, Utc};

use crate::clock::{Clock, ManualClock};
use crate::ids::Ids;
use crate::random::Random;

/// Clock, ids and randomness of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Environment {
    pub clock: Clock,
    pub ids: Ids,
    /// Random numbers and secrets.
    pub random: Random,
}

impl Environment {
    pub fn system() -> Self {
        let clock = Clock::system();
        Self {
            ids: Ids::system(clock.clone()),
            clock,
            random: Random::system(),
        }
    }

    /// Returns an environment with a manual clock and seeded randomness, for tests.
    pub fn manual(start: DateTime<Utc>, seed: u64) -> (Self, ManualClock) {
        let (clock, manual) = Clock::manual(start);
        let random = Random::seeded(seed);
        (
            Self {
                ids: Ids::new(clock.clone(), random.clone()),
                clock,
                random,
            },
            manual,
        )
    }
}
