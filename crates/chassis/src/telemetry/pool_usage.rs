//! Use of a bounded pool as metrics: `pool_in_use{pool}` of `pool_capacity{pool}`.
//!
//! Several pools of one name in a process, as those of the services of `carshare serve --all`, add up.

use metrics::{Gauge, gauge};

use super::prometheus;

/// Gauges of one pool. Its capacity counts until it is dropped.
#[derive(Debug)]
pub struct PoolUsage {
    in_use: Gauge,
    capacity: Gauge,
    size: f64,
}

/// A place of a pool that is taken until this is dropped.
#[must_use = "the place is free when this is dropped"]
pub struct InUse(Gauge);

impl PoolUsage {
    /// Registers a pool; `name` is a word, the same in every process.
    pub fn new(name: &'static str, capacity: usize) -> Self {
        // A handle that is made before the recorder records nothing.
        prometheus::recorder();
        let usage = Self {
            in_use: gauge!("pool_in_use", "pool" => name),
            capacity: gauge!("pool_capacity", "pool" => name),
            size: capacity as f64,
        };
        usage.in_use.increment(0.0);
        usage.capacity.increment(usage.size);
        usage
    }

    /// Counts a place as taken. Does not wait: the pool itself decides who gets one.
    pub fn take(&self) -> InUse {
        self.in_use.increment(1.0);
        InUse(self.in_use.clone())
    }
}

impl Drop for PoolUsage {
    fn drop(&mut self) {
        self.capacity.decrement(self.size);
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

impl std::fmt::Debug for InUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InUse")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(metric: &str) -> String {
        let text = prometheus::render();
        let line = text.lines().find_map(|line| line.strip_prefix(metric));
        line.expect("the series").trim().to_owned()
    }

    #[test]
    fn places_count_while_they_are_held_and_pools_of_one_name_add_up() {
        let (in_use, capacity) = ("pool_in_use{pool=\"test\"}", "pool_capacity{pool=\"test\"}");
        let (first, second) = (PoolUsage::new("test", 3), PoolUsage::new("test", 2));
        assert_eq!((value(in_use), value(capacity)), ("0".to_owned(), "5".to_owned()));
        let places = (first.take(), second.take());
        assert_eq!(value(in_use), "2");
        drop(places.0);
        drop(second);
        assert_eq!((value(in_use), value(capacity)), ("1".to_owned(), "3".to_owned()));
    }
}
