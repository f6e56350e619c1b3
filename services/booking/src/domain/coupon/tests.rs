//! For which bookings a coupon is valid.

use rstest::rstest;
use uuid::Uuid;

use super::*;

const HOST: UserId = UserId(Uuid::from_u128(1));
const OTHER: UserId = UserId(Uuid::from_u128(2));
const GUEST: UserId = UserId(Uuid::from_u128(6));
const CAR: VehicleId = VehicleId(Uuid::from_u128(3));
const OTHER_CAR: VehicleId = VehicleId(Uuid::from_u128(4));

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn noon() -> DateTime<Utc> {
    at("2026-11-22T12:00:00Z")
}

/// Valid on 22 November, for one more booking.
fn coupon() -> Coupon {
    Coupon {
        id: CouponId(Uuid::from_u128(5)),
        code: CouponCode::new("Summer10"),
        host_id: Some(HOST),
        terms: CouponTerms::HostPercent(10),
        min_price_krw: 30_000,
        valid_from: at("2026-11-22T00:00:00Z"),
        valid_until: at("2026-11-23T00:00:00Z"),
        max_redemptions: Some(3),
        redeemed: 2,
        vehicle_id: None,
        guest_id: None,
        disabled_at: None,
        created_by: HOST,
        created_at: at("2026-11-01T00:00:00Z"),
    }
}

fn rental() -> CouponUse {
    CouponUse {
        vehicle_id: CAR,
        host_id: HOST,
        guest_id: GUEST,
        price_krw: 30_000,
        is_redeemed: false,
    }
}

#[test]
fn code_is_in_upper_case() {
    assert_eq!(coupon().code.as_str(), "SUMMER10");
}

#[rstest]
#[case(coupon())]
#[case(Coupon { vehicle_id: Some(CAR), ..coupon() })]
#[case(Coupon { guest_id: Some(GUEST), ..coupon() })]
#[case(Coupon { max_redemptions: None, ..coupon() })]
#[case(Coupon { valid_from: noon(), ..coupon() })]
#[case(Coupon { min_price_krw: 0, ..coupon() })]
fn valid_coupon_has_its_terms(#[case] coupon: Coupon) {
    assert_eq!(coupon.use_for(rental(), noon()), Ok(CouponTerms::HostPercent(10)));
}

#[test]
fn coupon_of_the_platform_is_valid_for_cars_of_every_host() {
    let terms = CouponTerms::PlatformAmount(5_000);
    let platform = Coupon {
        host_id: None,
        terms,
        ..coupon()
    };
    for host_id in [HOST, OTHER] {
        let rental = CouponUse { host_id, ..rental() };
        assert_eq!(platform.use_for(rental, noon()), Ok(terms));
    }
}

#[rstest]
#[case(Coupon { disabled_at: Some(noon()), ..coupon() }, CouponRefusal::NotFound)]
#[case(Coupon { host_id: Some(OTHER), ..coupon() }, CouponRefusal::NotFound)]
#[case(Coupon { vehicle_id: Some(OTHER_CAR), ..coupon() }, CouponRefusal::NotFound)]
#[case(Coupon { guest_id: Some(OTHER), ..coupon() }, CouponRefusal::NotFound)]
#[case(Coupon { valid_until: noon(), ..coupon() }, CouponRefusal::NotValidNow)]
#[case(Coupon { valid_from: at("2026-11-22T12:00:01Z"), ..coupon() }, CouponRefusal::NotValidNow)]
#[case(Coupon { redeemed: 3, ..coupon() }, CouponRefusal::UsedUp)]
#[case(Coupon { min_price_krw: 30_001, ..coupon() }, CouponRefusal::MinPrice { min_krw: 30_001 })]
fn coupon_that_is_not_valid_is_refused(#[case] coupon: Coupon, #[case] expected: CouponRefusal) {
    assert_eq!(coupon.use_for(rental(), noon()), Err(expected));
}

#[test]
fn coupon_is_refused_to_a_guest_who_has_redeemed_it() {
    let rental = CouponUse {
        is_redeemed: true,
        ..rental()
    };
    assert_eq!(coupon().use_for(rental, noon()), Err(CouponRefusal::AlreadyUsed));
}

#[rstest]
#[case(29_999, Ok(CouponTerms::HostAmount(29_999)))]
#[case(30_000, Err(CouponRefusal::MinPrice { min_krw: 30_001 }))]
fn amount_of_a_host_is_refused_unless_a_part_of_the_price_stays(
    #[case] amount_krw: i64,
    #[case] expected: Result<CouponTerms, CouponRefusal>,
) {
    let fixed = Coupon {
        terms: CouponTerms::HostAmount(amount_krw),
        min_price_krw: 0,
        ..coupon()
    };
    assert_eq!(fixed.use_for(rental(), noon()), expected);
}
