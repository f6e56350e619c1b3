//! The platform fee. Amounts are whole won: the currency has no minor unit.

/// The platform's share in basis points.
const FEE_BASIS_POINTS: i64 = 1_500;

/// Returns the platform fee of an amount after refunds: 15 %, rounded half up to the won.
pub fn fee_of(amount_krw: i64) -> i64 {
    (amount_krw * FEE_BASIS_POINTS + 5_000) / 10_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fee_is_fifteen_percent_rounded_half_up() {
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
        for (amount, fee) in table {
            assert_eq!(fee_of(amount), fee, "{amount}");
        }
    }

    proptest! {
        #[test]
        fn refunded_fee_is_between_zero_and_the_refund(amount in 1i64..1_000_000_000, share in 0.0f64..=1.0) {
            let refund = (amount as f64 * share) as i64;
            let fee_refund = fee_of(amount) - fee_of(amount - refund);
            prop_assert!((0..=refund).contains(&fee_refund));
        }
    }
}
