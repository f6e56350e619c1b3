//! Delay before the next attempt.

use std::time::Duration;

use carshare_chassis::Random;
use chrono::{DateTime, Utc};
use http::{HeaderMap, header};

use crate::config::Config;

/// Returns the delay after attempt number `attempt` (from 0): doubled each time, and shortened at random by up to a half so
/// that callers that failed together do not retry together.
pub(crate) fn delay(config: &Config, attempt: u32, random: &Random) -> Duration {
    let doubled = config
        .backoff
        .saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX));
    let longest = doubled.min(config.backoff_max);
    longest.mul_f64(0.5 + random.unit() / 2.0)
}

/// Parses `Retry-After`, in seconds or as a date (RFC 9110 §10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_doubles_up_to_the_maximum() {
        let config = Config::default();
        let random = Random::seeded(1);
        for (attempt, longest_ms) in [(0, 100), (1, 200), (2, 400), (3, 800), (9, 5_000), (200, 5_000)] {
            let delay = delay(&config, attempt, &random);
            let longest = Duration::from_millis(longest_ms);
            assert!(longest / 2 <= delay && delay <= longest, "{attempt}: {delay:?}");
        }
    }

    #[test]
    fn retry_after_parses_seconds_and_dates() {
        let now: DateTime<Utc> = "2015-10-21T07:27:50Z".parse().unwrap();
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            read("Wed, 21 Oct 2015 07:28:00 GMT"),
            Some(Duration::from_secs(10))
        );
        assert_eq!(read("Wed, 21 Oct 2015 07:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
        assert_eq!(read("-1"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
