//! Injected randomness. The system source is cryptographically secure; a seeded one makes a test repeatable.

use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng as _, RngCore, SeedableRng as _};

/// A source of random bytes. Cheap to clone; clones of a seeded source share one sequence.
#[derive(Clone, Debug)]
pub struct Random(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Seeded(Arc<Mutex<StdRng>>),
}

impl Random {
    /// Returns the cryptographic generator of the thread, seeded by the operating system.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Returns a source with the same sequence for the same seed. Never for secrets.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))))
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        self.with(|rng| {
            let mut bytes = [0; N];
            rng.fill_bytes(&mut bytes);
            bytes
        })
    }

    /// Returns a number in `[0, 1)`.
    pub fn unit(&self) -> f64 {
        self.with(|rng| rng.random::<f64>())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the only place that reads the machine's randomness"
    )]
    fn with<T>(&self, work: impl FnOnce(&mut dyn RngCore) -> T) -> T {
        match &self.0 {
            Source::System => work(&mut rand::rng()),
            Source::Seeded(rng) => work(&mut *rng.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence() {
        let (a, b) = (Random::seeded(7), Random::seeded(7));
        assert_eq!(a.bytes::<16>(), b.bytes::<16>());
        assert!((a.unit() - b.unit()).abs() < f64::EPSILON);
        assert_ne!(Random::seeded(7).bytes::<16>(), Random::seeded(8).bytes::<16>());
    }

    #[test]
    fn unit_stays_below_one() {
        let random = Random::system();
        assert!((0..1000).map(|_| random.unit()).all(|x| (0.0..1.0).contains(&x)));
    }
}
