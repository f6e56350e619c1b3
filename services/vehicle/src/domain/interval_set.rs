//! Sets of moments as half-open spans, with the two operations that opening hours need.

/// Sorted, disjoint, not touching, none empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans<T>(Vec<(T, T)>);

impl<T: Copy + Ord> Spans<T> {
    /// Everything in this set or in the other.
    pub fn union(self, other: Self) -> Self {
        self.0.into_iter().chain(other.0).collect()
    }

    /// Everything in this set that is not in the other.
    pub fn minus(self, other: &Self) -> Self {
        Self(
            self.0
                .into_iter()
                .flat_map(|span| other.gaps_within(span))
                .collect(),
        )
    }

    /// Is the whole of `span` in this set?
    pub fn contains(&self, (start, end): (T, T)) -> bool {
        self.0.iter().any(|&(from, to)| from <= start && end <= to)
    }

    /// The parts of `span` that are not in this set.
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

impl<T: Copy + Ord> FromIterator<(T, T)> for Spans<T> {
    /// In any order, overlapping or empty as they may be.
    fn from_iter<I: IntoIterator<Item = (T, T)>>(spans: I) -> Self {
        let mut sorted: Vec<(T, T)> = spans.into_iter().filter(|(start, end)| start < end).collect();
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

    fn spans(of: &[(i32, i32)]) -> Spans<i32> {
        of.iter().copied().collect()
    }

    #[test]
    fn spans_that_touch_are_one() {
        assert_eq!(spans(&[(5, 9), (0, 5), (12, 12), (7, 8)]), Spans(vec![(0, 9)]));
    }

    #[test]
    fn what_is_taken_away_leaves_the_parts_around_it() {
        let left = spans(&[(0, 10), (20, 30)]).minus(&spans(&[(3, 4), (8, 22)]));
        assert_eq!(left, Spans(vec![(0, 3), (4, 8), (22, 30)]));
    }

    proptest! {
        #[test]
        fn every_moment_agrees_with_the_definition(
            a in prop::collection::vec((0i32..40, 0i32..40), 0..6),
            b in prop::collection::vec((0i32..40, 0i32..40), 0..6),
        ) {
            let is_in = |of: &[(i32, i32)], t: i32| of.iter().any(|&(start, end)| start <= t && t < end);
            let union = spans(&a).union(spans(&b));
            let minus = spans(&a).minus(&spans(&b));
            for t in 0..40 {
                prop_assert_eq!(union.contains((t, t + 1)), is_in(&a, t) || is_in(&b, t));
                prop_assert_eq!(minus.contains((t, t + 1)), is_in(&a, t) && !is_in(&b, t));
            }
        }
    }
}
