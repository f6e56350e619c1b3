//! Delays between checks of an unresolved charge or refund.

use std::time::Duration;

/// Delay after the first check without a definite result.
const INITIAL_DELAY: Duration = Duration::from_secs(1);
/// Upper bound of the delay while an outcome is unknown.
const MAX_DELAY: Duration = Duration::from_mins(5);
/// Interval of retries after an error that only an operator can resolve.
pub const STUCK_INTERVAL: Duration = Duration::from_hours(1);

/// Returns the delay after `checks` checks without a definite result: 1 s, 2 s, 4 s … 5 min.
pub fn delay(checks: i32) -> Duration {
    let doublings = checks.clamp(0, 16) as u32;
    INITIAL_DELAY.saturating_mul(1 << doublings).min(MAX_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_doubles_up_to_five_minutes() {
        let seconds = |checks| delay(checks).as_secs();
        assert_eq!(
            [
                seconds(0),
                seconds(1),
                seconds(2),
                seconds(8),
                seconds(9),
                seconds(i32::MAX)
            ],
            [1, 2, 4, 256, 300, 300]
        );
        assert_eq!(seconds(-1), 1);
    }
}
