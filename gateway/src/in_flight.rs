//! Bounds what each client has in flight at a time in this process.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Numbers in flight, by key. Cheap to clone.
#[derive(Clone, Debug)]
pub struct InFlight<K> {
    /// For each key; 0 = no limit.
    max: usize,
    counts: Arc<Mutex<HashMap<K, usize>>>,
}

/// One of the places of a key, which is free when it is dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    of: InFlight<K>,
    key: K,
}

impl<K: Clone + Eq + Hash> InFlight<K> {
    pub fn new(max: usize) -> Self {
        Self {
            max,
            counts: Arc::default(),
        }
    }

    /// Takes a place of the key; `None` if all are taken.
    pub fn take(&self, key: K) -> Option<Place<K>> {
        let mut counts = self.counts();
        let count = counts.entry(key.clone()).or_default();
        if self.max > 0 && *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Place {
            of: self.clone(),
            key,
        })
    }
}

impl<K> InFlight<K> {
    fn counts(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut counts = self.of.counts();
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_places_and_a_dropped_one_is_free() {
        let in_flight = InFlight::new(2);
        let first = in_flight.take("a");
        let second = in_flight.take("a");
        assert!(first.is_some() && second.is_some() && in_flight.take("a").is_none());
        let other = in_flight.take("b");
        assert!(other.is_some());
        drop(first);
        assert!(in_flight.take("a").is_some());
        drop((second, other));
        assert!(in_flight.counts().is_empty());
    }

    #[test]
    fn zero_is_no_limit() {
        let in_flight = InFlight::new(0);
        let places: Vec<_> = (0..9).map(|_| in_flight.take("a")).collect();
        assert!(places.iter().all(Option::is_some));
    }
}
