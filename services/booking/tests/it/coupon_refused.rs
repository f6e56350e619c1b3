//! Coupons that are refused, and redeem nothing.

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::Vehicle;
use tonic::Code;

use crate::harness::*;

/// Asserts that quote and booking are refused for this reason, and that the car is released. Returns the lowest price, if it is the reason.
async fn assert_refused(
    harness: &Harness,
    (guest, car): (Person, &Vehicle),
    code: &str,
    reason: ErrorReason,
) -> Option<String> {
    assert_reason(harness.quote_with(guest, car, code).await, reason);
    let before = harness.vehicle().released.len();
    let refused = assert_reason(harness.create_with(guest, car, code).await, reason);
    wait_until(|| async { harness.vehicle().released.len() == before + 1 }).await;
    refused.metadata().get("min").cloned()
}

#[tokio::test]
async fn coupon_of_another_host_or_car_or_a_disabled_one_is_not_found() {
    let harness = Harness::start().await;
    let (guest, host, other) = (harness.guest(), harness.host(), harness.host());
    let car = harness.car(host);
    let of_a_car = CreateCouponRequest {
        vehicle_id: Some(harness.environment.ids.next().to_string()),
        ..percent_off("CAR1", 10)
    };
    harness.create_coupon(host, of_a_car).await.unwrap();
    harness
        .create_coupon(other, percent_off("OTHER", 10))
        .await
        .unwrap();
    harness
        .create_coupon(host, percent_off("PAST", 10))
        .await
        .unwrap();
    harness.disable_coupon(host, "PAST").await.unwrap();
    for code in ["UNKNOWN", "OTHER", "CAR1", "PAST"] {
        assert_refused(&harness, (guest, &car), code, ErrorReason::CouponNotFound).await;
    }
    assert_eq!(harness.booking_count().await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn coupon_is_valid_in_its_time_only() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let coupon = CreateCouponRequest {
        valid_from: Some(timestamp("2026-11-22T13:00:00Z")),
        valid_until: Some(timestamp("2026-11-22T14:00:00Z")),
        ..percent_off("CODE", 10)
    };
    harness.create_coupon(host, coupon).await.unwrap();
    assert_refused(&harness, (guest, &car), "CODE", ErrorReason::CouponNotValidNow).await;
    harness.clock.set(at("2026-11-22T14:00:00Z"));
    assert_refused(&harness, (guest, &car), "CODE", ErrorReason::CouponNotValidNow).await;
    harness.clock.set(at("2026-11-22T13:59:59Z"));
    harness.create_with(guest, &car, "CODE").await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn coupon_is_refused_after_its_maximum_to_its_guest_and_under_its_price() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let once = CreateCouponRequest {
        max_redemptions: Some(1),
        ..percent_off("ONCE", 10)
    };
    let dear = CreateCouponRequest {
        min_price: 60_001,
        ..percent_off("DEAR", 10)
    };
    for coupon in [once, dear, percent_off("MANY", 10), won_off("ALL60000", 60_000)] {
        harness.create_coupon(host, coupon).await.unwrap();
    }
    let other = harness.guest();
    let tokens = [
        harness.quote_with(other, &car, "ONCE").await.unwrap().quote_token,
        harness.quote_with(guest, &car, "MANY").await.unwrap().quote_token,
    ];
    for code in ["ONCE", "MANY"] {
        harness
            .create_with(guest, &harness.car(host), code)
            .await
            .unwrap();
    }
    assert_refused(&harness, (other, &car), "ONCE", ErrorReason::CouponUsedUp).await;
    assert_refused(&harness, (guest, &car), "ONCE", ErrorReason::CouponAlreadyUsed).await;
    assert_refused(&harness, (guest, &car), "MANY", ErrorReason::CouponAlreadyUsed).await;
    for (code, min) in [("DEAR", "60001"), ("ALL60000", "60001")] {
        let found = assert_refused(&harness, (guest, &car), code, ErrorReason::CouponMinPrice).await;
        assert_eq!(found.as_deref(), Some(min));
    }
    // A quote reserves no redemption.
    let quoted = harness.create_quoted(other, &car, &tokens[0]).await;
    assert_reason(quoted, ErrorReason::CouponUsedUp);
    let quoted = harness.create_quoted(guest, &car, &tokens[1]).await;
    assert_reason(quoted, ErrorReason::CouponAlreadyUsed);
    assert_eq!(
        (harness.redeemed("ONCE").await, harness.redeemed("MANY").await),
        (1, 1)
    );
    assert_eq!(harness.booking_count().await, 2);
    harness.finish().await;
}

#[tokio::test]
async fn booking_that_is_not_created_redeems_nothing() {
    let harness = Harness::start_with(|config| config.booking.max_open_requests = 1).await;
    let (guest, host) = (harness.guest(), harness.host());
    harness
        .create_coupon(host, percent_off("CODE", 10))
        .await
        .unwrap();
    let taken = harness.car(host);
    harness.pending(guest, &taken).await;
    let refused = harness.create_with(harness.guest(), &taken, "CODE").await;
    assert_reason(refused, ErrorReason::SlotTaken);
    // The constraint over live bookings refuses in the transaction, and so does the limit of the guest.
    harness.vehicle().holds.clear();
    let refused = harness.create_with(harness.guest(), &taken, "CODE").await;
    assert_reason(refused, ErrorReason::SlotTaken);
    let refused = harness.create_with(guest, &harness.car(host), "CODE").await;
    assert_reason(refused, ErrorReason::TooManyOpenRequests);
    assert_eq!(harness.redeemed("CODE").await, 0);
    assert_eq!(harness.row_count("coupon_redemptions").await, 0);
    harness.finish().await;
}

/// Coupons that break a rule, and the field that is named first.
fn malformed() -> [(CreateCouponRequest, &'static str); 17] {
    let valid = percent_off("CODE", 10);
    let code = |code: &str| (percent_off(code, 10), "code");
    let both = CreateCouponRequest {
        amount: Some(1),
        ..valid.clone()
    };
    let neither = CreateCouponRequest {
        percent: None,
        ..valid.clone()
    };
    let backwards = CreateCouponRequest {
        valid_until: Some(timestamp("2026-11-22T00:00:00Z")),
        ..valid.clone()
    };
    let without_end = CreateCouponRequest {
        valid_until: None,
        ..valid.clone()
    };
    let never = CreateCouponRequest {
        max_redemptions: Some(0),
        ..valid.clone()
    };
    let negative = CreateCouponRequest {
        min_price: -1,
        ..valid.clone()
    };
    let no_car = CreateCouponRequest {
        vehicle_id: Some("1".into()),
        ..valid
    };
    [
        code(""),
        code("ABC"),
        code(&"A".repeat(21)),
        code("CODE\u{0}"),
        code("CODE\n"),
        code("쿠폰쿠폰"),
        code("CODE 1"),
        (percent_off("CODE", 0), "percent"),
        (percent_off("CODE", 91), "percent"),
        (won_off("CODE", 0), "amount"),
        (both, "percent"),
        (neither, "percent"),
        (backwards, "valid_from"),
        (without_end, "valid_until"),
        (never, "max_redemptions"),
        (negative, "min_price"),
        (no_car, "vehicle_id"),
    ]
}

#[tokio::test]
async fn malformed_coupons_are_refused() {
    let harness = Harness::start().await;
    let (host, admin) = (harness.host(), harness.person("admin"));
    for (request, field) in malformed() {
        let refused = harness.create_coupon(host, request).await;
        let error = assert_reason(refused, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, field);
    }
    let percent_of_platform = harness.create_coupon(admin, percent_off("CODE", 10)).await;
    let error = assert_reason(percent_of_platform, Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "percent");
    assert_eq!(harness.row_count("coupons").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn malformed_codes_are_refused() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    for code in ["", "ABC", &"A".repeat(21), "CODE\u{0}"] {
        let replies = [
            harness.quote_with(guest, &car, code).await.map(drop),
            harness.create_with(guest, &car, code).await.map(drop),
            harness.disable_coupon(host, code).await.map(drop),
        ];
        for reply in replies {
            assert_reason(reply, Common::InvalidArgument);
        }
    }
    harness.finish().await;
}

#[tokio::test]
async fn coupons_are_created_and_disabled_by_their_issuer() {
    let harness = Harness::start().await;
    let (guest, host, admin) = (harness.guest(), harness.host(), harness.person("admin"));
    let refused = [
        harness
            .create_coupon(guest, percent_off("CODE", 10))
            .await
            .map(drop),
        harness.disable_coupon(guest, "CODE").await.map(drop),
    ];
    for reply in refused {
        assert_eq!(reply.unwrap_err().code(), Code::PermissionDenied);
    }
    harness
        .create_coupon(host, percent_off("CODE", 10))
        .await
        .unwrap();
    harness
        .create_coupon(admin, won_off("WELCOME", 1_000))
        .await
        .unwrap();
    let of_guest = harness.list_coupons(guest, 0, "").await.unwrap();
    assert!(of_guest.coupons.is_empty());
    for (person, code) in [(harness.host(), "code"), (admin, "Code"), (host, "WELCOME")] {
        let taken = CreateCouponRequest {
            code: code.into(),
            ..won_off("", 1_000)
        };
        assert_reason(
            harness.create_coupon(person, taken).await,
            ErrorReason::CouponCodeTaken,
        );
        assert_reason(
            harness.disable_coupon(person, code).await,
            ErrorReason::CouponNotFound,
        );
    }
    assert_reason(
        harness.disable_coupon(host, "UNKNOWN").await,
        ErrorReason::CouponNotFound,
    );
    let disabled = harness.disable_coupon(host, "code").await.unwrap();
    assert_eq!(disabled.disabled_at, Some(timestamp("2026-11-22T12:00:00Z")));
    harness.clock.set(at("2026-11-22T13:00:00Z"));
    assert_eq!(harness.disable_coupon(host, "CODE").await.unwrap(), disabled);
    // Every admin speaks for the platform.
    harness
        .disable_coupon(harness.person("admin"), "WELCOME")
        .await
        .unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn repeat_of_a_creation_under_its_key_returns_the_coupon() {
    let harness = Harness::start().await;
    let host = harness.host();
    let call = || async {
        let request = with_idempotency_key(harness.request(host, percent_off("CODE", 10)), "key-1");
        into_message(harness.coupons().create_coupon(request).await).unwrap()
    };
    assert_eq!(call().await, call().await);
    let again = harness.create_coupon(host, percent_off("CODE", 10)).await;
    assert_reason(again, ErrorReason::CouponCodeTaken);
    harness.finish().await;
}
