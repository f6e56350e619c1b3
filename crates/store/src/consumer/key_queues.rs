//! Queues of events, one per key. Pure bookkeeping without input or output.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use super::Entry;

/// A stream and a key in it.
type Name = (Arc<str>, String);

/// All queues of a consumer.
#[derive(Debug, Default)]
pub(super) struct KeyQueues(HashMap<Name, KeyQueue>);

/// The events of one key, oldest first.
#[derive(Debug)]
pub(super) struct KeyQueue {
    name: Name,
    entries: VecDeque<Entry>,
    failures: u32,
    not_before: Option<Instant>,
}

impl KeyQueues {
    /// Appends entries to the queues of their keys.
    pub(super) fn extend(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            // An entry that cannot be decoded has no key, so it waits for nothing.
            let key = entry
                .event
                .as_ref()
                .map_or_else(|_| entry.id.clone(), |event| event.key.clone());
            let name = (Arc::clone(&entry.stream), key);
            let queue = self.0.entry(name.clone()).or_insert_with(|| KeyQueue::new(name));
            queue.entries.push_back(entry);
        }
    }

    /// Returns the number of queued entries.
    pub(super) fn len(&self) -> usize {
        self.0.values().map(|queue| queue.entries.len()).sum()
    }

    /// Returns when the first paused queue is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.0.values().filter_map(|queue| queue.not_before).min()
    }

    /// Removes and returns the queues that are due.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<KeyQueue> {
        let due = |queue: &KeyQueue| queue.not_before.is_none_or(|time| time <= now);
        let names: Vec<Name> = self
            .0
            .iter()
            .filter(|(_, queue)| due(queue))
            .map(|(name, _)| name.clone())
            .collect();
        names.iter().filter_map(|name| self.0.remove(name)).collect()
    }

    /// Puts a queue back unless it is empty.
    pub(super) fn put_back(&mut self, queue: KeyQueue) {
        if !queue.entries.is_empty() {
            self.0.insert(queue.name.clone(), queue);
        }
    }
}

impl KeyQueue {
    fn new(name: Name) -> Self {
        Self {
            name,
            entries: VecDeque::new(),
            failures: 0,
            not_before: None,
        }
    }

    /// Returns the oldest entry.
    pub(super) fn first(&self) -> Option<&Entry> {
        self.entries.front()
    }

    /// Returns how often the oldest entry has failed.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Records a failure of the oldest entry and pauses the queue.
    pub(super) fn failed(&mut self, until: Instant) {
        self.failures += 1;
        self.not_before = Some(until);
    }

    /// Removes the oldest entry.
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
    fn one_key_has_one_queue_in_order() {
        let mut queues = KeyQueues::default();
        queues.extend(vec![entry("a", "1"), entry("b", "2"), entry("a", "3")]);
        assert_eq!(queues.len(), 3);
        let mut due = queues.take_due(Instant::now());
        due.sort_by(|a, b| a.name.cmp(&b.name));
        let ids = |queue: &KeyQueue| {
            queue
                .entries
                .iter()
                .map(|entry| entry.id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            due.iter().map(ids).collect::<Vec<_>>(),
            [vec!["1", "3"], vec!["2"]]
        );
        assert_eq!(queues.len(), 0);
    }

    #[test]
    fn failed_queue_pauses_and_later_events_append() {
        let (mut queues, now) = (KeyQueues::default(), Instant::now());
        queues.extend(vec![entry("a", "1")]);
        let mut queue = queues.take_due(now).remove(0);
        let until = now + Duration::from_secs(1);
        queue.failed(until);
        queues.put_back(queue);
        queues.extend(vec![entry("a", "2"), entry("b", "3")]);
        assert_eq!(queues.next_due(), Some(until));
        let due = queues.take_due(now);
        assert_eq!(
            due.iter().map(|queue| queue.name.1.as_str()).collect::<Vec<_>>(),
            ["b"]
        );
        let mut queue = queues.take_due(until).remove(0);
        assert_eq!((queue.failures(), queue.first().unwrap().id.as_str()), (1, "1"));
        queue.pop();
        assert_eq!((queue.failures(), queue.first().unwrap().id.as_str()), (0, "2"));
    }

    #[test]
    fn an_empty_lane_is_forgotten() {
        let mut queues = KeyQueues::default();
        queues.extend(vec![entry("a", "1")]);
        let mut queue = queues.take_due(Instant::now()).remove(0);
        queue.pop();
        queues.put_back(queue);
        assert!(queues.0.is_empty());
    }
}
