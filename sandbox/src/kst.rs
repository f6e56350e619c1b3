//! Korean time (UTC+9, no daylight saving time), for timestamps of Toss and days of Kakao.

use chrono::{DateTime, FixedOffset, NaiveDate, SubsecRound, TimeZone, Utc};

const OFFSET_SECONDS: i32 = 9 * 3600;

/// Converts a time to the form of Toss: `2025-03-04T10:15:31+09:00`, whole seconds.
pub(crate) fn seconds(time: DateTime<Utc>) -> DateTime<FixedOffset> {
    in_korea(time).trunc_subsecs(0)
}

/// Returns the calendar day in Korea.
pub(crate) fn day(time: DateTime<Utc>) -> NaiveDate {
    in_korea(time).date_naive()
}

/// Formats a time for webhook envelopes: microseconds and, as at Toss, no offset.
pub(crate) fn without_offset(time: DateTime<Utc>) -> String {
    in_korea(time).format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

pub(crate) fn in_korea(time: DateTime<Utc>) -> DateTime<FixedOffset> {
    // Nine hours are a valid offset, so the fallback (UTC) is never taken.
    let offset = FixedOffset::east_opt(OFFSET_SECONDS).unwrap_or_else(|| chrono::Offset::fix(&Utc));
    offset.from_utc_datetime(&time.naive_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn korean_time_is_nine_hours_ahead_of_utc() {
        let time: DateTime<Utc> = "2025-03-04T16:15:31.2041189Z".parse().unwrap();
        assert_eq!(
            serde_json::to_string(&seconds(time)).unwrap(),
            r#""2025-03-05T01:15:31+09:00""#
        );
        assert_eq!(without_offset(time), "2025-03-05T01:15:31.204118");
        assert_eq!(day(time).to_string(), "2025-03-05");
    }
}
