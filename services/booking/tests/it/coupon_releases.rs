//! Ends of bookings that give their coupon back, and those that do not.

use carshare_proto::booking::v1::*;
use carshare_proto::vehicle::v1::ErrorReason as VehicleReason;
use uuid::Uuid;

use crate::events::PeerEvent;
use crate::harness::*;

/// A guest's booking with the coupon `CODE`, which can be redeemed once.
struct Setup {
    /// On the heap, so that the futures of tests stay small.
    harness: Box<Harness>,
    guest: Person,
    host: Person,
    booking: Booking,
}

impl Setup {
    async fn start() -> Self {
        let harness = Box::new(Harness::start().await);
        let (guest, host) = (harness.guest(), harness.host());
        let coupon = CreateCouponRequest {
            max_redemptions: Some(1),
            ..percent_off("CODE", 10)
        };
        harness.create_coupon(host, coupon).await.unwrap();
        let booking = harness
            .create_with(guest, &harness.car(host), "CODE")
            .await
            .unwrap();
        assert_eq!(harness.redeemed("CODE").await, 1);
        Self {
            harness,
            guest,
            host,
            booking,
        }
    }

    async fn approved() -> Self {
        let setup = Self::start().await;
        setup
            .harness
            .approve(setup.host, &setup.booking.id)
            .await
            .unwrap();
        setup
    }

    async fn paid() -> Self {
        let mut setup = Self::approved().await;
        setup.harness.capture(&setup.booking).await;
        setup
    }

    async fn wait_until_cancelled(&self) {
        wait_until(|| async {
            let booking = self.harness.get(self.guest, &self.booking.id).await.unwrap();
            booking.status() == BookingStatus::Cancelled
        })
        .await;
    }

    /// Asserts that the guest can redeem the coupon again.
    async fn assert_released(self) {
        let harness = self.harness;
        assert_eq!(harness.redeemed("CODE").await, 0);
        let again = harness
            .create_with(self.guest, &harness.car(self.host), "CODE")
            .await;
        assert_eq!(again.unwrap().total_amount, 54_000);
        assert_eq!(harness.redeemed("CODE").await, 1);
        assert_eq!(harness.row_count("coupon_redemptions").await, 2);
        harness.finish().await;
    }

    async fn assert_used(self) {
        let harness = self.harness;
        assert_eq!(harness.redeemed("CODE").await, 1);
        let again = harness
            .create_with(self.guest, &harness.car(self.host), "CODE")
            .await;
        assert_reason(again, ErrorReason::CouponAlreadyUsed);
        harness.finish().await;
    }
}

#[tokio::test]
async fn rejection_releases_the_coupon() {
    let setup = Setup::start().await;
    setup.harness.reject(setup.host, &setup.booking.id).await.unwrap();
    setup.assert_released().await;
}

#[tokio::test]
async fn expiry_releases_the_coupon() {
    let setup = Setup::start().await;
    setup.harness.clock.set(at("2026-11-23T12:00:20Z"));
    setup.wait_until_cancelled().await;
    setup.assert_released().await;
}

#[tokio::test]
async fn overdue_payment_releases_the_coupon() {
    let setup = Setup::approved().await;
    setup.harness.clock.set(at("2026-11-22T14:00:20Z"));
    setup.wait_until_cancelled().await;
    setup.assert_released().await;
}

#[tokio::test]
async fn declined_payment_releases_the_coupon() {
    let mut setup = Setup::approved().await;
    let booking = setup.booking.clone();
    setup
        .harness
        .send_peer_event(&booking, PeerEvent::Failed, Uuid::from_u128(1))
        .await;
    setup.wait_until_cancelled().await;
    setup.assert_released().await;
}

#[tokio::test]
async fn lost_car_releases_the_coupon() {
    let setup = Setup::start().await;
    setup.harness.vehicle().confirm_refusal = Some(VehicleReason::VehicleHoldLost);
    setup
        .harness
        .approve(setup.host, &setup.booking.id)
        .await
        .unwrap_err();
    setup.wait_until_cancelled().await;
    setup.assert_released().await;
}

#[tokio::test]
async fn cancellation_by_the_host_releases_the_coupon() {
    let setup = Setup::paid().await;
    setup.harness.cancel(setup.host, &setup.booking.id).await.unwrap();
    setup.assert_released().await;
}

#[tokio::test]
async fn cancellation_by_the_guest_before_the_payment_releases_the_coupon() {
    let setup = Setup::start().await;
    setup
        .harness
        .cancel(setup.guest, &setup.booking.id)
        .await
        .unwrap();
    setup.assert_released().await;
}

#[tokio::test]
async fn cancellation_of_a_paid_booking_by_the_guest_uses_the_coupon() {
    let mut setup = Setup::paid().await;
    setup
        .harness
        .cancel(setup.guest, &setup.booking.id)
        .await
        .unwrap();
    // Nor does its refund release it.
    let booking = setup.booking.clone();
    setup.harness.refund_first(&booking, 60_000).await;
    setup.assert_used().await;
}
