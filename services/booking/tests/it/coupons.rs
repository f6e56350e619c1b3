//! Coupons: what bookings with them cost, and how often they are redeemed.

use carshare_proto::booking::v1::*;
use rstest::rstest;

use crate::harness::*;

fn coupon_line(kind: PriceLineKind, percent: i32, amount: i64) -> PriceLine {
    PriceLine {
        kind: kind.into(),
        quantity: 0,
        unit_amount: 0,
        percent,
        amount,
    }
}

#[tokio::test]
async fn create_coupon_returns_it_and_its_issuer_alone_lists_it() {
    let harness = Harness::start().await;
    let (host, admin) = (harness.host(), harness.person("admin"));
    let car = harness.car(host);
    let request = CreateCouponRequest {
        min_price: 30_000,
        max_redemptions: Some(100),
        vehicle_id: Some(car.id.clone()),
        ..percent_off("winter10", 10)
    };
    let expected = Coupon {
        code: "WINTER10".into(),
        host_id: Some(host.id.to_string()),
        percent: Some(10),
        amount: None,
        min_price: 30_000,
        valid_from: Some(timestamp("2026-11-22T00:00:00Z")),
        valid_until: Some(timestamp("2026-12-31T00:00:00Z")),
        max_redemptions: Some(100),
        redemptions: 0,
        vehicle_id: Some(car.id.clone()),
        guest_id: None,
        disabled_at: None,
        created_at: Some(timestamp("2026-11-22T12:00:00Z")),
    };
    assert_eq!(harness.create_coupon(host, request).await.unwrap(), expected);
    let of_platform = harness
        .create_coupon(admin, won_off("WELCOME", 5_000))
        .await
        .unwrap();
    assert_eq!(
        (of_platform.host_id.as_ref(), of_platform.amount),
        (None, Some(5_000))
    );

    harness
        .create_with(harness.guest(), &car, "WINTER10")
        .await
        .unwrap();
    let redeemed = Coupon {
        redemptions: 1,
        ..expected
    };
    let lists = [
        (host, vec![redeemed]),
        (harness.host(), vec![]),
        (harness.person("admin"), vec![of_platform]),
    ];
    for (person, coupons) in lists {
        assert_eq!(
            harness.list_coupons(person, 0, "").await.unwrap().coupons,
            coupons
        );
    }
    harness.finish().await;
}

#[tokio::test]
async fn list_coupons_is_paged_newest_first() {
    let harness = Harness::start().await;
    let host = harness.host();
    for number in 0..5 {
        // Two of the same time.
        harness
            .clock
            .set(at(["2026-11-22T12:00:00Z", "2026-11-22T13:00:00Z"][number / 3]));
        harness
            .create_coupon(host, won_off(&format!("CODE{number}"), 1_000))
            .await
            .unwrap();
    }
    let all = harness.list_coupons(host, 0, "").await.unwrap().coupons;
    let codes: Vec<_> = all.iter().map(|coupon| coupon.code.as_str()).collect();
    assert_eq!(codes, ["CODE4", "CODE3", "CODE2", "CODE1", "CODE0"]);
    let (mut paged, mut token) = (Vec::new(), String::new());
    for length in [2, 2, 1] {
        let page = harness.list_coupons(host, 2, &token).await.unwrap();
        assert_eq!(page.coupons.len(), length);
        paged.extend(page.coupons);
        token = page.next_page_token;
    }
    assert_eq!((paged, token.as_str()), (all, ""));
    harness.finish().await;
}

#[rstest]
#[case::percent(percent_off("CODE", 10), PriceLineKind::HostCoupon, -6_000, 54_000, 8_100, 4_909)]
#[case::amount(won_off("CODE", 10_000), PriceLineKind::HostCoupon, -10_000, 50_000, 7_500, 4_545)]
#[case::platform(won_off("CODE", 5_000), PriceLineKind::PlatformCoupon, -5_000, 55_000, 4_000, 5_000)]
#[case::all_of_the_fee(won_off("CODE", 20_000), PriceLineKind::PlatformCoupon, -9_000, 51_000, 0, 4_636)]
#[tokio::test]
async fn coupon_is_a_line_of_quote_and_booking(
    #[case] coupon: CreateCouponRequest,
    #[case] kind: PriceLineKind,
    #[case] amount: i64,
    #[case] total: i64,
    #[case] fee: i64,
    #[case] vat: i64,
) {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let line = coupon_line(kind, coupon.percent(), amount);
    let issuer = match kind {
        PriceLineKind::PlatformCoupon => harness.person("admin"),
        _ => host,
    };
    harness.create_coupon(issuer, coupon).await.unwrap();
    let quote = harness.quote_with(guest, &car, "code").await.unwrap();
    assert_eq!(quote.price_lines.last(), Some(&line));
    assert_eq!(
        (quote.total_amount, quote.platform_fee, quote.vat_amount),
        (total, fee, vat)
    );
    assert_eq!(harness.redeemed("CODE").await, 0);
    let booking = harness.create_with(guest, &car, "Code").await.unwrap();
    assert_eq!(booking.price_lines, quote.price_lines);
    assert_eq!((booking.total_amount, booking.platform_fee), (total, fee));
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), booking);
    assert_eq!(harness.redeemed("CODE").await, 1);
    let redeemed =
        "SELECT booking_id || ' ' || guest_id || ' ' || amount_krw AS line FROM coupon_redemptions";
    let expected = format!("{} {} {}", booking.id, guest.id, -amount);
    assert_eq!(harness.lines(redeemed).await, [expected]);
    let event: BookingRequested = harness.event().await;
    let facts = event.booking.unwrap();
    assert_eq!((facts.total_amount, facts.platform_fee), (total, fee));
    harness.finish().await;
}

#[tokio::test]
async fn quote_token_carries_its_coupon_whatever_becomes_of_it() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    for code in ["FIRST", "SECOND"] {
        harness.create_coupon(host, percent_off(code, 10)).await.unwrap();
    }
    let token = harness
        .quote_with(guest, &car, "FIRST")
        .await
        .unwrap()
        .quote_token;
    let plain = harness.quote(guest, quote_of(&car)).await.unwrap().quote_token;
    for (token, code) in [(&token, "SECOND"), (&plain, "FIRST")] {
        let request = CreateBookingRequest {
            quote_token: Some(token.clone()),
            ..with_coupon(&car, code)
        };
        assert_reason(harness.create(guest, request).await, ErrorReason::QuoteInvalid);
    }
    assert!(harness.vehicle().placed.is_empty());
    harness.disable_coupon(host, "FIRST").await.unwrap();
    let booking = harness.create_quoted(guest, &car, &token).await.unwrap();
    assert_eq!(booking.total_amount, 54_000);
    assert_eq!(harness.redeemed("FIRST").await, 1);
    // Of the same guest, with the same code.
    let (other, other_car) = (harness.guest(), harness.car(host));
    let token = harness
        .quote_with(other, &other_car, "SECOND")
        .await
        .unwrap()
        .quote_token;
    let request = CreateBookingRequest {
        quote_token: Some(token),
        ..with_coupon(&other_car, "second")
    };
    assert_eq!(harness.create(other, request).await.unwrap().total_amount, 54_000);
    assert_eq!(harness.redeemed("SECOND").await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn repeat_under_its_key_redeems_once() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let coupon = CreateCouponRequest {
        max_redemptions: Some(1),
        ..percent_off("CODE", 10)
    };
    harness.create_coupon(host, coupon).await.unwrap();
    let call = || async {
        let request = with_idempotency_key(harness.request(guest, with_coupon(&car, "CODE")), "key-1");
        into_message(harness.client.clone().create_booking(request).await).unwrap()
    };
    assert_eq!(call().await, call().await);
    assert_eq!(harness.redeemed("CODE").await, 1);
    assert!(harness.vehicle().released.is_empty());
    harness.finish().await;
}

#[tokio::test]
async fn change_of_a_booking_keeps_the_coupon() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    harness
        .create_coupon(host, percent_off("CODE", 10))
        .await
        .unwrap();
    let booking = harness.create_with(guest, &car, "CODE").await.unwrap();
    harness.approve(host, &booking.id).await.unwrap();
    harness.capture(&booking).await;
    let changed = harness
        .changed(guest, host, &booking, "2026-12-01T15:00:00Z")
        .await;
    let line = coupon_line(PriceLineKind::HostCoupon, 10, -9_000);
    assert_eq!(changed.price_lines.last(), Some(&line));
    assert_eq!((changed.total_amount, changed.platform_fee), (81_000, 12_150));
    assert_eq!(harness.redeemed("CODE").await, 1);
    harness.assert_changes_agree().await;
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_guests_at_once_redeem_a_coupon_as_often_as_its_maximum() {
    let harness = Harness::start().await;
    let host = harness.host();
    let coupon = CreateCouponRequest {
        max_redemptions: Some(5),
        ..percent_off("CODE", 10)
    };
    harness.create_coupon(host, coupon).await.unwrap();
    let requests = (0..20).map(|_| harness.request(harness.guest(), with_coupon(&harness.car(host), "CODE")));
    let (accepted, refusals) = harness.create_on_two_replicas(requests.collect()).await;
    assert_eq!((accepted.len(), refusals.len()), (5, 15));
    assert!(accepted.iter().all(|booking| booking.total_amount == 54_000));
    for refusal in refusals {
        assert_reason(Err::<(), _>(refusal), ErrorReason::CouponUsedUp);
    }
    assert_eq!(
        (harness.redeemed("CODE").await, harness.booking_count().await),
        (5, 5)
    );
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guest_redeems_a_coupon_once_however_often_they_book_at_once() {
    let harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    harness
        .create_coupon(host, percent_off("CODE", 10))
        .await
        .unwrap();
    let requests = (0..4).map(|_| harness.request(guest, with_coupon(&harness.car(host), "CODE")));
    let (accepted, refusals) = harness.create_on_two_replicas(requests.collect()).await;
    assert_eq!((accepted.len(), refusals.len()), (1, 3));
    for refusal in refusals {
        assert_reason(Err::<(), _>(refusal), ErrorReason::CouponAlreadyUsed);
    }
    assert_eq!(
        (harness.redeemed("CODE").await, harness.booking_count().await),
        (1, 1)
    );
    harness.finish().await;
}
