//! Sets of half-open intervals, with the operations that opening hours need.

/// Intervals that are sorted, disjoint, not adjacent and not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntervalSet<T>(Vec<(T, T)>);

impl<T: Copy + Ord> IntervalSet<T> {
    pub fn union(self, other: Self) -> Self {
        self.0.into_iter().chain(other.0).collect()
    }

    pub fn minus(self, other: &Self) -> Self {
        Self(
            self.0
                .into_iter()
                .flat_map(|interval| other.gaps_within(interval))
                .collect(),
        )
    }

    /// Returns whether the whole interval is in this set.
    pub fn contains(&self, (start, end): (T, T)) -> bool {
        self.0.iter().any(|&(from, to)| from <= start && end <= to)
    }

    /// Returns the parts of the interval that are not in this set.
    fn gaps_within(&self, (start, end): (T, T)) -> Vec<(T, T)> {
        let mut gaps = Vec::new();
        let mut open = start;
        for &(from, to) in self.0.iter().filter(|&&(from, to)| from < end && start < to) {
            if open < from {
                gaps.push((open, from));
            }
            open = open.max(to);
        }
        if open < end {
            gaps.push((open, end));
        }
        gaps
    }
}

impl<T: Copy + Ord> FromIterator<(T, T)> for IntervalSet<T> {
    /// Accepts intervals in any order, overlapping or empty.
    fn from_iter<I: IntoIterator<Item = (T, T)>>(intervals: I) -> Self {
        let mut sorted: Vec<(T, T)> = intervals.into_iter().filter(|(start, end)| start < end).collect();
        sorted.sort_unstable();
        let mut merged: Vec<(T, T)> = Vec::with_capacity(sorted.len());
        for (start, end) in sorted {
            match merged.last_mut() {
                Some((_, last)) if start <= *last => *last = end.max(*last),
                _ => merged.push((start, end)),
            }
        }
        Self(merged)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(of: &[(i32, i32)]) -> IntervalSet<i32> {
        of.iter().copied().collect()
    }

    #[test]
    fn adjacent_intervals_are_merged() {
        assert_eq!(
            set(&[(5, 9), (0, 5), (12, 12), (7, 8)]),
            IntervalSet(vec![(0, 9)])
        );
    }

    #[test]
    fn minus_leaves_the_parts_around() {
        let left = set(&[(0, 10), (20, 30)]).minus(&set(&[(3, 4), (8, 22)]));
        assert_eq!(left, IntervalSet(vec![(0, 3), (4, 8), (22, 30)]));
    }

    proptest! {
        #[test]
        fn operations_agree_with_their_definition(
            a in prop::collection::vec((0i32..40, 0i32..40), 0..6),
            b in prop::collection::vec((0i32..40, 0i32..40), 0..6),
        ) {
            let is_in = |of: &[(i32, i32)], t: i32| of.iter().any(|&(start, end)| start <= t && t < end);
            let union = set(&a).union(set(&b));
            let minus = set(&a).minus(&set(&b));
            for t in 0..40 {
                prop_assert_eq!(union.contains((t, t + 1)), is_in(&a, t) || is_in(&b, t));
                prop_assert_eq!(minus.contains((t, t + 1)), is_in(&a, t) && !is_in(&b, t));
            }
        }
    }
}
