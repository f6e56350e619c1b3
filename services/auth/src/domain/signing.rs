//! Selection of the key that signs.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Returns the index in `created_at` of the key that signs: the newest one that has been published for `publish_ahead`, so
/// that every verifier has loaded it; the oldest one while there is none.
pub fn signer(created_at: &[DateTime<Utc>], now: DateTime<Utc>, publish_ahead: Duration) -> Option<usize> {
    let by_age = |index: &usize| created_at[*index];
    let published = (0..created_at.len()).filter(|index| created_at[*index] + publish_ahead <= now);
    published
        .max_by_key(by_age)
        .or_else(|| (0..created_at.len()).min_by_key(by_age))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_newest_published_key_signs() {
        let now: DateTime<Utc> = "2026-11-22T12:00:00Z".parse().unwrap();
        let ago = |minutes| now - TimeDelta::minutes(minutes);
        let table = [
            (vec![], None),
            // The only key signs at once.
            (vec![ago(0)], Some(0)),
            (vec![ago(60), ago(1)], Some(0)),
            (vec![ago(1), ago(60)], Some(1)),
            (vec![ago(60), ago(10)], Some(1)),
            (vec![ago(90), ago(11), ago(60), ago(9)], Some(1)),
            (vec![ago(2), ago(3)], Some(1)),
        ];
        for (keys, expected) in table {
            assert_eq!(signer(&keys, now, Duration::from_mins(10)), expected, "{keys:?}");
        }
    }
}
