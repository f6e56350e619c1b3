//! The daily quota of requests per API. Days are those of Korea.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::kst;

/// Counters of the current day.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    day: Option<NaiveDate>,
    used: HashMap<String, u32>,
}

impl Quota {
    /// Counts a request to `api` and returns whether it is within the day's `limit`.
    pub(crate) fn take(&mut self, api: &str, now: DateTime<Utc>, limit: u32) -> bool {
        let today = Some(kst::day(now));
        if self.day != today {
            self.day = today;
            self.used.clear();
        }
        let used = self.used.entry(api.to_owned()).or_default();
        *used = used.saturating_add(1);
        *used <= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quota_counts_per_api_and_resets_at_korean_midnight() {
        let mut quota = Quota::default();
        let evening: DateTime<Utc> = "2025-03-04T14:59:59Z".parse().unwrap();
        assert!(quota.take("a", evening, 1));
        assert!(!quota.take("a", evening, 1));
        assert!(quota.take("b", evening, 1));
        let midnight: DateTime<Utc> = "2025-03-04T15:00:00Z".parse().unwrap();
        assert!(quota.take("a", midnight, 1));
    }
}
