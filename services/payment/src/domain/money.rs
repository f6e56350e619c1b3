//! Won and how they are shared. The won has no minor unit: everything is a whole number of them.

/// The platform's share in basis points.
const FEE_BASIS_POINTS: i64 = 1_500;

/// The platform's share of what a guest pays and does not get back: 15 %, rounded half up to the won.
pub fn fee_of(kept_krw: i64) -> i64 {
    (kept_krw * FEE_BASIS_POINTS + 5_000) / 10_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_fee_is_fifteen_percent_half_up() {
        let table = [
            (0, 0),
            (1, 0),
            (3, 0),
            (4, 1),
            (10, 2),
            (30, 5),
            (100, 15),
            (45_000, 6_750),
            (33_333, 5_000),
        ];
        for (kept, fee) in table {
            assert_eq!(fee_of(kept), fee, "{kept}");
        }
    }

    proptest! {
        #[test]
        fn giving_back_never_costs_a_side_more_than_is_given(kept in 1i64..1_000_000_000, share in 0.0f64..=1.0) {
            let back = (kept as f64 * share) as i64;
            let fee_back = fee_of(kept) - fee_of(kept - back);
            prop_assert!((0..=back).contains(&fee_back));
        }
    }
}
