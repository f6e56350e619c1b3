//! Deadlines of calls. A deadline travels as `grpc-timeout`, and each hop gives the next one a little less time, so that the response,
//! even an error, still arrives in time.

use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use futures::FutureExt as _;
use futures::future::{Either, ready};
use http::HeaderMap;
use tokio::time::{Instant, timeout_at};

use crate::error::Error;

/// Header of the gRPC protocol with the time left.
pub const GRPC_TIMEOUT: &str = "grpc-timeout";

/// Monotonic time at which a call ends, independent of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

/// Bounds of the fiftieth of the time left that a hop keeps.
const KEEP_AT_LEAST: Duration = Duration::from_millis(5);
const KEEP_AT_MOST: Duration = Duration::from_millis(100);

/// The grpc-timeout value has at most eight digits.
const DIGITS_LIMIT: u128 = 100_000_000;

impl Deadline {
    /// Returns the deadline in `duration` from now.
    pub fn after(duration: Duration) -> Self {
        // A century cannot overflow the clock.
        Self(Instant::now() + duration.min(Duration::from_hours(24 * 36_500)))
    }

    /// Returns the time left; zero when the deadline has passed.
    pub fn remaining(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    pub fn is_expired(&self) -> bool {
        self.remaining().is_zero()
    }

    /// For tokio's timers.
    pub fn instant(&self) -> Instant {
        self.0
    }

    /// Returns the deadline for the next hop, which is earlier by the share that this hop keeps; it may have passed.
    pub fn for_next_hop(&self) -> Self {
        Self::after(next_hop(self.remaining()))
    }
}

/// Returns what remains of `left` without the share of a hop.
fn next_hop(left: Duration) -> Duration {
    left.saturating_sub((left / 50).clamp(KEEP_AT_LEAST, KEEP_AT_MOST))
}

/// Returns the time that `grpc-timeout` gives a call; `None` without one or with a malformed one.
pub fn requested(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get(GRPC_TIMEOUT)
        .and_then(|value| parse_timeout(value.to_str().ok()?))
}

/// Returns the deadline of a call that arrives with these headers. A unary call always has one, at most `limit` from now; a
/// stream has one only when the caller set it.
pub fn of_request(headers: &HeaderMap, is_unary: bool, limit: Duration) -> Option<Deadline> {
    let limit = is_unary.then_some(limit);
    let allowed = requested(headers).into_iter().chain(limit).min();
    allowed.map(Deadline::after)
}

/// Runs `work` until the deadline and fails with `DEADLINE_EXCEEDED` there. Work whose deadline has passed is not begun.
pub fn within<T, F>(deadline: Option<Deadline>, work: F) -> impl Future<Output = Result<T, Error>> + use<T, F>
where
    F: Future<Output = Result<T, Error>>,
{
    let late = || Error::new(Common::DeadlineExceeded);
    match deadline {
        None => Either::Left(Either::Left(work)),
        // A timeout would poll the work once.
        Some(deadline) if deadline.is_expired() => Either::Left(Either::Right(ready(Err(late())))),
        Some(deadline) => Either::Right(
            timeout_at(deadline.instant(), work).map(move |result| result.unwrap_or_else(|_| Err(late()))),
        ),
    }
}

/// Parses a `grpc-timeout` value: up to eight digits and a unit.
pub fn parse_timeout(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_hours(count)),
        "M" => Some(Duration::from_mins(count)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// Formats a `grpc-timeout` value in the finest unit that fits, rounded down.
pub fn format_timeout(left: Duration) -> String {
    if left.as_micros() < DIGITS_LIMIT {
        return format!("{}u", left.as_micros());
    }
    if left.as_millis() < DIGITS_LIMIT {
        return format!("{}m", left.as_millis());
    }
    format!("{}S", u128::from(left.as_secs()).min(DIGITS_LIMIT - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn protocol_values_are_parsed() {
        let expected = [
            ("2H", 7_200_000),
            ("3M", 180_000),
            ("4S", 4_000),
            ("50m", 50),
            ("2000u", 2),
            ("99999999n", 99),
        ];
        for (text, ms) in expected {
            assert_eq!(parse_timeout(text).map(|d| d.as_millis()), Some(ms), "{text}");
        }
        for wrong in ["", "5", "S", "-5S", "5s", "123456789S", "1.5S", "５S"] {
            assert_eq!(parse_timeout(wrong), None, "{wrong}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn unary_calls_are_limited_and_streams_keep_the_requested_time() {
        let limit = Duration::from_secs(15);
        let remaining = |requested: Option<&'static str>, is_unary| {
            let headers = requested.map(|value| (GRPC_TIMEOUT.parse().unwrap(), value.parse().unwrap()));
            let deadline = of_request(&headers.into_iter().collect(), is_unary, limit);
            deadline.map(|deadline| deadline.remaining().as_secs())
        };
        assert_eq!(remaining(None, true), Some(15));
        assert_eq!(remaining(Some("3S"), true), Some(3));
        assert_eq!(remaining(Some("1H"), true), Some(15));
        assert_eq!(remaining(Some("soon"), true), Some(15));
        assert_eq!(remaining(None, false), None);
        assert_eq!(remaining(Some("1H"), false), Some(3_600));
    }

    #[test]
    fn long_times_are_formatted_in_a_coarser_unit() {
        assert_eq!(format_timeout(Duration::from_secs(99)), "99000000u");
        assert_eq!(format_timeout(Duration::from_secs(100)), "100000m");
        assert_eq!(format_timeout(Duration::from_secs(200_000)), "200000S");
    }

    #[test]
    fn each_hop_keeps_a_fiftieth_between_5_and_100_ms() {
        for (left_ms, next_ms) in [(1_000, 980), (100, 95), (60_000, 59_900), (3, 0)] {
            assert_eq!(
                next_hop(Duration::from_millis(left_ms)),
                Duration::from_millis(next_ms)
            );
        }
    }

    #[test]
    fn passed_deadline_has_no_time_left() {
        let passed = Deadline::after(Duration::ZERO);
        assert!(passed.is_expired());
        assert_eq!(passed.remaining(), Duration::ZERO);
        assert!(!Deadline::after(Duration::MAX).is_expired());
    }

    proptest! {
        #[test]
        fn formatted_timeout_is_parsed_back_and_never_longer(micros in 0u64..u64::MAX) {
            let left = Duration::from_micros(micros);
            let back = parse_timeout(&format_timeout(left)).unwrap();
            prop_assert!(back <= left);
        }
    }
}
