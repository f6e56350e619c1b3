//! Korean time, which Toss writes and Kakao counts its days by: UTC+9, no summer time.

use chrono::{DateTime, FixedOffset, NaiveDate, SubsecRound, TimeZone, Utc};

const OFFSET_SECONDS: i32 = 9 * 3600;

/// A moment as Toss writes it: `2025-03-04T10:15:31+09:00`, whole seconds.
pub(crate) fn seconds(moment: DateTime<Utc>) -> DateTime<FixedOffset> {
    in_korea(moment).trunc_subsecs(0)
}

/// The calendar day in Korea.
pub(crate) fn day(moment: DateTime<Utc>) -> NaiveDate {
    in_korea(moment).date_naive()
}

/// A moment in webhook envelopes: microseconds and, as the original has it, no offset.
pub(crate) fn without_offset(moment: DateTime<Utc>) -> String {
    in_korea(moment).format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

pub(crate) fn in_korea(moment: DateTime<Utc>) -> DateTime<FixedOffset> {
    // Nine hours are a valid offset, so the fallback (UTC) is never taken.
    let offset = FixedOffset::east_opt(OFFSET_SECONDS).unwrap_or_else(|| chrono::Offset::fix(&Utc));
    offset.from_utc_datetime(&moment.naive_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn korean_time_is_nine_hours_ahead() {
        let moment: DateTime<Utc> = "2025-03-04T16:15:31.2041189Z".parse().unwrap();
        assert_eq!(
            serde_json::to_string(&seconds(moment)).unwrap(),
            r#""2025-03-05T01:15:31+09:00""#
        );
        assert_eq!(without_offset(moment), "2025-03-05T01:15:31.204118");
        assert_eq!(day(moment).to_string(), "2025-03-05");
    }
}
