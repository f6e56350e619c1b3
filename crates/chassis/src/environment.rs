//! Injected clock, id generator and randomness, in one value.

use chrono::{DateTime, Utc};

use crate::clock::{Clock, ManualClock};
use crate::ids::Ids;
use crate::local_network::LocalNode;
use crate::random::Random;

/// Clock, ids and randomness of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Environment {
    pub clock: Clock,
    pub ids: Ids,
    /// Random numbers and secrets.
    pub random: Random,
    /// The place of this service among those that the process hosts, if they are several.
    pub(crate) local: Option<LocalNode>,
}

impl Environment {
    pub fn system() -> Self {
        let clock = Clock::system();
        Self {
            ids: Ids::system(clock.clone()),
            clock,
            random: Random::system(),
            local: None,
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
                local: None,
            },
            manual,
        )
    }

    /// Returns the environment of a service that is served to, and calls, the other services of its process.
    pub fn with_local(self, node: LocalNode) -> Self {
        Self {
            local: Some(node),
            ..self
        }
    }
}
