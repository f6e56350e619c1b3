//! Coupons for guests of bookings that their hosts have cancelled at short notice.

use carshare_proto::booking::v1::*;

use crate::harness::*;

/// A booking of 60,000 won for 09:00 on 1 December, paid.
#[tokio::test]
async fn guest_gets_a_coupon_that_only_they_can_redeem() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.confirmed(guest, host, &harness.car(host)).await;
    harness.clock.set(at("2026-11-30T10:00:00Z"));
    let quoted = harness.quote_cancellation(host, &booking.id).await.unwrap();
    assert_eq!(
        (quoted.refund_amount, quoted.compensation_amount),
        (60_000, 6_000)
    );
    harness.cancel(host, &booking.id).await.unwrap();
    let event = harness.published::<BookingCompensated>().await.remove(0);
    assert_eq!((&event.booking_id, event.amount), (&booking.id, 6_000));
    let coupons = harness.list_coupons(guest, 0, "").await.unwrap().coupons;
    let expected = Coupon {
        code: event.coupon_code.clone(),
        amount: Some(6_000),
        valid_from: Some(timestamp("2026-11-30T10:00:00Z")),
        valid_until: Some(timestamp("2027-11-30T10:00:00Z")),
        max_redemptions: Some(1),
        guest_id: Some(guest.id.to_string()),
        created_at: Some(timestamp("2026-11-30T10:00:00Z")),
        ..Default::default()
    };
    assert_eq!(coupons, [expected]);
    assert_eq!(event.valid_until, coupons[0].valid_until);
    let admin = harness.person("admin");
    for other in [harness.guest(), host, admin] {
        assert!(
            harness
                .list_coupons(other, 0, "")
                .await
                .unwrap()
                .coupons
                .is_empty()
        );
    }

    let car = harness.car(harness.host());
    let stranger = harness
        .create_with(harness.guest(), &car, &event.coupon_code)
        .await;
    assert_reason(stranger, ErrorReason::CouponNotFound);
    let booked = harness
        .create_with(guest, &car, &event.coupon_code)
        .await
        .unwrap();
    assert_eq!((booked.total_amount, booked.platform_fee), (54_000, 3_000));
    let other_car = harness.car(harness.host());
    let again = harness.create_with(guest, &other_car, &event.coupon_code).await;
    assert_reason(again, ErrorReason::CouponAlreadyUsed);
    harness.finish().await;
}

#[tokio::test]
async fn cancellation_in_time_by_the_guest_or_before_the_payment_is_not_compensated() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let in_time = harness.confirmed(guest, host, &harness.car(host)).await;
    harness.clock.set(at("2026-11-30T09:00:00Z"));
    harness.cancel(host, &in_time.id).await.unwrap();
    let by_guest = harness.confirmed(guest, host, &harness.car(host)).await;
    harness.clock.set(at("2026-11-30T12:00:00Z"));
    harness.cancel(guest, &by_guest.id).await.unwrap();
    let unpaid = harness.pending(guest, &harness.car(host)).await;
    harness.approve(host, &unpaid.id).await.unwrap();
    harness.cancel(host, &unpaid.id).await.unwrap();
    assert!(
        harness
            .list_coupons(guest, 0, "")
            .await
            .unwrap()
            .coupons
            .is_empty()
    );
    assert!(harness.published::<BookingCompensated>().await.is_empty());
    harness.finish().await;
}
