//! Delays between checks of an unresolved charge or refund.

use std::time::Duration;

use carshare_chassis::Backoff;

/// Delays while an outcome is unknown.
const UNRESOLVED: Backoff = Backoff {
    initial: Duration::from_secs(1),
    max: Duration::from_mins(5),
};
/// Interval of retries after an error that only an operator can resolve.
pub const STUCK_INTERVAL: Duration = Duration::from_hours(1);

/// Returns the delay after `checks` earlier checks without a definite result: 1 s, 2 s, 4 s … 5 min.
pub fn delay(checks: i32) -> Duration {
    UNRESOLVED.nominal_delay(u32::try_from(checks).unwrap_or(0).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_doubles_up_to_five_minutes() {
        let table = [
            (-1, 1),
            (0, 1),
            (1, 2),
            (2, 4),
            (8, 256),
            (9, 300),
            (i32::MAX, 300),
        ];
        for (checks, delay_s) in table {
            assert_eq!(delay(checks).as_secs(), delay_s, "{checks}");
        }
    }
}
