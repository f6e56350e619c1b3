//! Events waiting for their turn, in one lane for each key. Pure bookkeeping: no input or output.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use super::Entry;

/// What a lane is for: a stream and a key in it.
type Name = (Arc<str>, String);

/// All lanes of a consumer.
#[derive(Debug, Default)]
pub(super) struct Lanes(HashMap<Name, Lane>);

/// The events of one key, oldest first.
#[derive(Debug)]
pub(super) struct Lane {
    name: Name,
    entries: VecDeque<Entry>,
    failures: u32,
    not_before: Option<Instant>,
}

impl Lanes {
    /// Adds entries behind those that wait.
    pub(super) fn extend(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            // What cannot be read has no key; it waits for nobody.
            let key = entry
                .event
                .as_ref()
                .map_or_else(|_| entry.id.clone(), |event| event.key.clone());
            let name = (Arc::clone(&entry.stream), key);
            let lane = self.0.entry(name.clone()).or_insert_with(|| Lane::new(name));
            lane.entries.push_back(entry);
        }
    }

    /// Entries that wait.
    pub(super) fn len(&self) -> usize {
        self.0.values().map(|lane| lane.entries.len()).sum()
    }

    /// When the first lane that pauses is due again.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.0.values().filter_map(|lane| lane.not_before).min()
    }

    /// Takes out the lanes whose time has come.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Lane> {
        let due = |lane: &Lane| lane.not_before.is_none_or(|time| time <= now);
        let names: Vec<Name> = self
            .0
            .iter()
            .filter(|(_, lane)| due(lane))
            .map(|(name, _)| name.clone())
            .collect();
        names.iter().filter_map(|name| self.0.remove(name)).collect()
    }

    /// Puts a lane back if anything is left in it.
    pub(super) fn put_back(&mut self, lane: Lane) {
        if !lane.entries.is_empty() {
            self.0.insert(lane.name.clone(), lane);
        }
    }
}

impl Lane {
    fn new(name: Name) -> Self {
        Self {
            name,
            entries: VecDeque::new(),
            failures: 0,
            not_before: None,
        }
    }

    /// The entry whose turn it is.
    pub(super) fn first(&self) -> Option<&Entry> {
        self.entries.front()
    }

    /// How often that entry has failed.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// The first entry failed; the lane pauses.
    pub(super) fn failed(&mut self, until: Instant) {
        self.failures += 1;
        self.not_before = Some(until);
    }

    /// The first entry is done with.
    pub(super) fn pop(&mut self) {
        self.entries.pop_front();
        self.failures = 0;
        self.not_before = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Envelope;
    use std::time::Duration;

    fn entry(key: &str, id: &str) -> Entry {
        let event = Envelope {
            id: uuid::Uuid::nil(),
            name: "n".into(),
            key: key.into(),
            occurred_at: chrono::DateTime::UNIX_EPOCH,
            correlation_id: String::new(),
            traceparent: None,
            data: Vec::new(),
        };
        Entry {
            stream: "s".into(),
            id: id.into(),
            event: Ok(event),
            fields: Vec::new(),
        }
    }

    #[test]
    fn one_key_is_one_lane_in_order() {
        let mut lanes = Lanes::default();
        lanes.extend(vec![entry("a", "1"), entry("b", "2"), entry("a", "3")]);
        assert_eq!(lanes.len(), 3);
        let mut due = lanes.take_due(Instant::now());
        due.sort_by(|a, b| a.name.cmp(&b.name));
        let ids = |lane: &Lane| {
            lane.entries
                .iter()
                .map(|entry| entry.id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            due.iter().map(ids).collect::<Vec<_>>(),
            [vec!["1", "3"], vec!["2"]]
        );
        assert_eq!(lanes.len(), 0);
    }

    #[test]
    fn a_lane_that_failed_pauses_and_newcomers_queue_behind() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        lanes.extend(vec![entry("a", "1")]);
        let mut lane = lanes.take_due(now).remove(0);
        let until = now + Duration::from_secs(1);
        lane.failed(until);
        lanes.put_back(lane);
        lanes.extend(vec![entry("a", "2"), entry("b", "3")]);
        assert_eq!(lanes.next_due(), Some(until));
        let due = lanes.take_due(now);
        assert_eq!(
            due.iter().map(|lane| lane.name.1.as_str()).collect::<Vec<_>>(),
            ["b"]
        );
        let mut lane = lanes.take_due(until).remove(0);
        assert_eq!((lane.failures(), lane.first().unwrap().id.as_str()), (1, "1"));
        lane.pop();
        assert_eq!((lane.failures(), lane.first().unwrap().id.as_str()), (0, "2"));
    }

    #[test]
    fn an_empty_lane_is_forgotten() {
        let mut lanes = Lanes::default();
        lanes.extend(vec![entry("a", "1")]);
        let mut lane = lanes.take_due(Instant::now()).remove(0);
        lane.pop();
        lanes.put_back(lane);
        assert!(lanes.0.is_empty());
    }
}
