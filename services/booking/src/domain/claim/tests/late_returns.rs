//! Fees of late returns.

use rstest::rstest;

use super::*;
use crate::domain::Booking;
use crate::domain::price::{PLATFORM_FEE_BPS, share};

/// Started half hours after the end at 150 % of 15,000 won.
#[rstest]
#[case("2026-12-01T13:30:00Z", None)]
#[case("2026-12-01T13:30:01Z", Some(22_500))]
#[case("2026-12-01T14:00:00Z", Some(22_500))]
#[case("2026-12-01T14:00:01Z", Some(33_750))]
#[case("2026-12-02T13:00:00Z", Some(540_000))]
#[case("2026-12-09T13:00:00Z", Some(1_000_000))]
fn late_return_costs_started_half_hours(#[case] completed_at: &str, #[case] fee: Option<i64>) {
    let booking = booking(State::Completed);
    let claim = late(&booking, &chain(&[]), completed_at);
    assert_eq!(claim.as_ref().map(|claim| claim.claimed_krw), fee);
    if let Some(claim) = claim {
        assert_eq!(claim.returned_at, Some(at(completed_at)));
        assert_eq!(
            claim.platform_fee_krw(),
            share(claim.claimed_krw, PLATFORM_FEE_BPS)
        );
        assert!(claim.evidence.is_empty());
    }
}

/// A side recorded the return, and the host completes the rental the next morning.
#[rstest]
#[case(Party::Guest, "2026-12-01T13:20:00Z", None)]
#[case(Party::Guest, "2026-12-01T13:40:00Z", Some(22_500))]
#[case(Party::Host, "2026-12-01T13:20:00Z", None)]
#[case(Party::Host, "2026-12-01T13:40:00Z", Some(22_500))]
fn car_is_back_when_a_side_has_recorded_it(
    #[case] by: Party,
    #[case] recorded_at: &str,
    #[case] fee: Option<i64>,
) {
    let booking = booking(State::Completed);
    let chain = chain(&[(Phase::Return, by, at(recorded_at))]);
    let claim = late(&booking, &chain, "2026-12-02T09:40:00Z");
    assert_eq!(claim.as_ref().map(|claim| claim.claimed_krw), fee);
    if let Some(claim) = claim {
        assert_eq!(claim.evidence, hashes(&chain));
    }
}

fn late(booking: &Booking, chain: &Chain, completed_at: &str) -> Option<Claim> {
    Claim::of_late_return(
        ClaimId(Uuid::from_u128(8)),
        booking,
        chain,
        &RULES,
        at(completed_at),
    )
}
