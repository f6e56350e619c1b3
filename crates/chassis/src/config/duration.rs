//! Serde modules for durations: integers under keys that end in their unit, `timeout_ms` and `ttl_s`.
//!
//! ```text
//! #[serde(rename = "timeout_ms", with = "millis")]
//! timeout: Duration,
//! ```

use std::time::Duration;

use serde::de::Error;

/// Longest duration accepted, so that adding it to a time cannot overflow: 100 years.
const LIMIT: Duration = Duration::from_hours(100 * 365 * 24);

fn limited<E: Error>(duration: Duration) -> Result<Duration, E> {
    (duration <= LIMIT)
        .then_some(duration)
        .ok_or_else(|| E::custom("the duration exceeds 100 years"))
}

/// Whole milliseconds.
pub mod millis {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        duration.as_millis().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        super::limited(Duration::from_millis(u64::deserialize(deserializer)?))
    }
}

/// Whole seconds.
pub mod seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        duration.as_secs().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        super::limited(Duration::from_secs(u64::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sample {
        #[serde(rename = "pause_ms", with = "millis")]
        pause: Duration,
        #[serde(rename = "ttl_s", with = "seconds")]
        ttl: Duration,
    }

    #[test]
    fn durations_are_integers_of_their_unit() {
        let sample = Sample {
            pause: Duration::from_millis(1_500),
            ttl: Duration::from_mins(2),
        };
        let json = serde_json::json!({ "pause_ms": 1_500, "ttl_s": 120 });
        assert_eq!(serde_json::to_value(&sample).unwrap(), json);
        assert_eq!(serde_json::from_value::<Sample>(json).unwrap(), sample);
    }

    #[test]
    fn durations_over_a_hundred_years_and_negative_ones_are_refused() {
        for (json, cause) in [
            (
                serde_json::json!({ "pause_ms": 3_153_600_000_001_u64, "ttl_s": 0 }),
                "exceeds 100 years",
            ),
            (
                serde_json::json!({ "pause_ms": 0, "ttl_s": u64::MAX }),
                "exceeds 100 years",
            ),
            (serde_json::json!({ "pause_ms": -1, "ttl_s": 0 }), "invalid value"),
        ] {
            let error = serde_json::from_value::<Sample>(json).unwrap_err().to_string();
            assert!(error.contains(cause), "{error}");
        }
    }
}
