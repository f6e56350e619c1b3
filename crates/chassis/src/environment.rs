//! Injected clock, id generator and randomness, and the certificates of the process, in one value.

use chrono::{DateTime, Utc};

use crate::clock::{Clock, ManualClock};
use crate::config::Tls;
use crate::ids::Ids;
use crate::local_network::LocalNode;
use crate::random::Random;
use crate::tls::{Certificate, Certificates, Source};

/// Clock, ids and randomness of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Environment {
    pub clock: Clock,
    pub ids: Ids,
    /// Random numbers and secrets.
    pub random: Random,
    /// The place of this service among those that the process hosts, if they are several.
    pub(crate) local: Option<LocalNode>,
    certificates: Certificates,
}

impl Environment {
    pub fn system() -> Self {
        Self::of_clock(Clock::system())
    }

    /// Returns the environment of a development mesh, whose clock can be advanced.
    pub fn movable() -> Self {
        Self::of_clock(Clock::movable())
    }

    fn of_clock(clock: Clock) -> Self {
        Self {
            ids: Ids::system(clock.clone()),
            clock,
            random: Random::system(),
            local: None,
            certificates: Certificates::default(),
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
                certificates: Certificates::default(),
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

    /// Returns the certificate of a section, which all servers and channels with this environment share; `None` for plain text.
    ///
    /// # Errors
    /// A certificate that cannot be used, or a section without one that does not allow plain text.
    pub fn certificate(&self, tls: &Tls) -> anyhow::Result<Option<Certificate>> {
        let source = Source::mesh(tls)?;
        source
            .map(|source| self.certificates.get(source, &self.clock))
            .transpose()
    }
}
