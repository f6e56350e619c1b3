//! How long to wait before looking again.

use std::time::Duration;

/// Pause after the first look that brought nothing definite.
const FIRST: Duration = Duration::from_secs(1);
/// Longest pause while an outcome is unknown.
const LONGEST: Duration = Duration::from_mins(5);
/// Pause after a refusal that only a person can resolve: it is worth asking now and then, not more.
pub const STUCK: Duration = Duration::from_hours(1);

/// The pause after so many checks that brought nothing definite: 1 s, 2 s, 4 s … 5 min.
pub fn pause(checks: i32) -> Duration {
    let doublings = checks.clamp(0, 16) as u32;
    FIRST.saturating_mul(1 << doublings).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_five_minutes() {
        let seconds = |checks| pause(checks).as_secs();
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
