//! Bounds what each client, and all together, have in flight at a time in this process.
//!
//! A request whose body is still arriving holds a place without any work being done. When all places of a key are taken, the request that
//! has been arriving longest gives up its place to the new one: whoever begins requests and does not finish them keeps nobody out.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carshare_chassis::telemetry::pool_usage::{InUse, PoolUsage};
use tokio::sync::oneshot;

/// Numbers in flight, by key. Cheap to clone.
#[derive(Clone, Debug)]
pub struct InFlight<K> {
    /// For each key; 0 = no limit.
    max: usize,
    keys: Arc<Mutex<HashMap<K, Places>>>,
    usage: Option<Arc<PoolUsage>>,
}

/// The places of a key that are taken.
#[derive(Debug, Default)]
struct Places {
    count: usize,
    /// Those of requests whose body had not arrived when they took it, oldest first.
    arriving: BTreeMap<u64, Arrival>,
    next_id: u64,
}

/// One of the places of a key, which is free when it is dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    of: InFlight<K>,
    key: K,
    /// In `arriving`.
    id: Option<u64>,
    _in_use: Option<InUse>,
}

/// The body of a request, until it has arrived whole. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Arrival(Arc<Mutex<Option<oneshot::Sender<()>>>>);

impl Arrival {
    /// Returns the arrival, and what resolves with `Ok` when the request has to end.
    pub fn new() -> (Self, oneshot::Receiver<()>) {
        let (end, ended) = oneshot::channel();
        (Self(Arc::new(Mutex::new(Some(end)))), ended)
    }

    /// Ends the request. Returns whether it was still arriving.
    pub fn end(&self) -> bool {
        self.take().is_some_and(|end| end.send(()).is_ok())
    }

    /// Records that the body has arrived: the request is not ended any more.
    pub fn finish(&self) {
        drop(self.take());
    }

    /// Returns whether the body is still arriving.
    pub fn is_pending(&self) -> bool {
        self.end_of().is_some()
    }

    fn take(&self) -> Option<oneshot::Sender<()>> {
        self.end_of().take()
    }

    fn end_of(&self) -> MutexGuard<'_, Option<oneshot::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> InFlight<K> {
    pub fn new(max: usize) -> Self {
        Self {
            max,
            keys: Arc::default(),
            usage: None,
        }
    }

    /// Measures the places as a pool of this name, if they are limited. For those of one key.
    pub fn measured(mut self, pool: &'static str) -> Self {
        self.usage = (self.max > 0).then(|| Arc::new(PoolUsage::new(pool, self.max)));
        self
    }

    /// Takes a place of the key; `None` if all are taken by what is not arriving.
    pub fn take(&self, key: K, arrival: Option<&Arrival>) -> Option<Place<K>> {
        let mut keys = self.keys();
        let places = keys.entry(key.clone()).or_default();
        if self.max > 0 && places.count >= self.max && !places.end_oldest_arriving() {
            return None;
        }
        let id = arrival.map(|arrival| places.note(arrival.clone()));
        places.count += 1;
        Some(Place {
            of: self.clone(),
            key,
            id,
            _in_use: self.usage.as_ref().map(|usage| usage.take()),
        })
    }
}

impl<K> InFlight<K> {
    fn keys(&self) -> MutexGuard<'_, HashMap<K, Places>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// Returns whether there was one.
    fn end_oldest_arriving(&mut self) -> bool {
        while let Some((_, arrival)) = self.arriving.pop_first() {
            if arrival.end() {
                return true;
            }
        }
        false
    }

    fn note(&mut self, arrival: Arrival) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.arriving.insert(id, arrival);
        id
    }
}

impl<K: Eq + Hash> Place<K> {
    /// Keeps the place until there is a response. Not a closure of the caller: its type would name the layers below once more.
    pub fn until_answered<R>(self) -> impl FnOnce(&R) {
        move |_| drop(self)
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut keys = self.of.keys();
        let Some(places) = keys.get_mut(&self.key) else {
            return;
        };
        if let Some(id) = self.id {
            places.arriving.remove(&id);
        }
        places.count -= 1;
        if places.count == 0 {
            keys.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_places_and_a_dropped_one_is_free() {
        let in_flight = InFlight::new(2);
        let take = |key| in_flight.take(key, None);
        let first = take("a");
        let second = take("a");
        assert!(first.is_some() && second.is_some() && take("a").is_none());
        let other = take("b");
        assert!(other.is_some());
        drop(first);
        assert!(take("a").is_some());
        drop((second, other));
        assert!(in_flight.keys().is_empty());
    }

    #[test]
    fn zero_is_no_limit() {
        let in_flight = InFlight::new(0);
        let places: Vec<_> = (0..9).map(|_| in_flight.take("a", None)).collect();
        assert!(places.iter().all(Option::is_some));
    }

    #[test]
    fn oldest_arriving_request_ends_for_a_new_one() {
        let in_flight = InFlight::new(3);
        let (whole, mut whole_ended) = Arrival::new();
        let (older, mut older_ended) = Arrival::new();
        let (newer, mut newer_ended) = Arrival::new();
        let places = [&whole, &older, &newer].map(|arrival| in_flight.take((), Some(arrival)).unwrap());
        whole.finish();
        let first = in_flight.take((), None).unwrap();
        assert!(older_ended.try_recv().is_ok() && newer_ended.try_recv().is_err());
        assert!(!older.is_pending() && newer.is_pending());
        let second = in_flight.take((), None).unwrap();
        assert!(newer_ended.try_recv().is_ok() && whole_ended.try_recv().is_err());
        assert!(in_flight.take((), None).is_none(), "the others are at work");
        drop((places, first, second));
        assert!(in_flight.keys().is_empty());
    }
}
