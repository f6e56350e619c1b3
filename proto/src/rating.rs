//! The average of ratings, as every service shows it.

use crate::common::v1::Rating;

impl Rating {
    /// Returns the rating of `count` reviews with `sum` stars; `None` without reviews.
    pub fn of(sum: i64, count: i64) -> Option<Self> {
        if count <= 0 {
            return None;
        }
        let average_hundredths = (200 * sum + count) / (2 * count);
        Some(Self {
            count,
            average_hundredths: i32::try_from(average_hundredths).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_is_rounded_half_up() {
        let average = |sum, count| Rating::of(sum, count).map(|rating| rating.average_hundredths);
        assert_eq!(average(0, 0), None);
        assert_eq!(average(5, 1), Some(500));
        assert_eq!(average(14, 3), Some(467));
        assert_eq!(average(13, 3), Some(433));
        // 1.005 and 4.995 stars.
        assert_eq!(average(201, 200), Some(101));
        assert_eq!(average(999, 200), Some(500));
        assert_eq!(average(5_000_000_000, 1_000_000_000), Some(500));
    }
}
