//! Fees of late returns, and rentals that a confirmed handover starts and completes.

use carshare_proto::booking::v1::*;
use carshare_proto::vehicle::v1::ErrorReason as VehicleReason;
use rstest::rstest;

use crate::harness::*;

impl Harness {
    /// Returns a confirmed booking for 09:00 to 13:00, and the guest's report of its pickup at 08:45.
    async fn reported_pickup(&mut self, guest: Person, host: Person) -> (Booking, HandoverEntry) {
        let booking = self.confirmed(guest, host, &self.car(host)).await;
        self.clock.set(at("2026-12-01T08:45:00Z"));
        self.upload_all(guest, &booking.id, HandoverPhase::Pickup).await;
        let report = self
            .report(guest, &booking.id, HandoverPhase::Pickup, 12_345)
            .await
            .unwrap();
        (booking, report)
    }
}

/// The rental of 15,000 won an hour ends at 13:00.
#[rstest]
#[case("2026-12-01T13:30:00Z", None)]
#[case("2026-12-01T13:31:00Z", Some(22_500))]
#[tokio::test]
async fn completion_after_the_grace_period_files_a_claim(
    #[case] completed_at: &str,
    #[case] fee: Option<i64>,
) {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    harness.clock.set(at(completed_at));
    harness.complete(host, &booking.id).await.unwrap();
    let claims = harness.list_claims(guest, &booking).await.unwrap();
    let fees: Vec<i64> = claims.iter().map(|claim| claim.claimed_amount).collect();
    assert_eq!(fees, Vec::from_iter(fee));
    if let Some(claim) = claims.first() {
        assert_eq!(claim.kind(), BookingClaimKind::LateReturn);
        assert_eq!(claim.returned_at, Some(timestamp(completed_at)));
        let accepted = harness.accept_claim(guest, claim).await.unwrap();
        assert_eq!(accepted.approved_amount, Some(22_500));
        let approved = harness.published::<BookingClaimApproved>().await.remove(0);
        assert_eq!(approved.claim.unwrap().platform_fee, 3_375);
    }
    harness.finish().await;
}

#[tokio::test]
async fn return_that_the_guest_recorded_in_time_costs_nothing() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    harness.clock.set(at("2026-12-01T12:55:00Z"));
    harness
        .upload(guest, &booking.id, HandoverPhase::Return, PhotoAngle::Front)
        .await
        .unwrap();
    harness.clock.set(at("2026-12-02T09:00:00Z"));
    harness.complete(host, &booking.id).await.unwrap();
    assert!(harness.list_claims(host, &booking).await.unwrap().is_empty());
    harness.finish().await;
}

#[tokio::test]
async fn host_waives_the_fee_of_a_late_return() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    harness.clock.set(at("2026-12-01T15:00:00Z"));
    harness.complete(guest, &booking.id).await.unwrap();
    let claim = harness.claim_of(guest, &booking).await;
    assert_eq!(claim.claimed_amount, 45_000);
    let waived = harness.withdraw_claim(host, &claim).await.unwrap();
    assert_eq!(waived.status(), BookingClaimStatus::Withdrawn);
    harness.finish().await;
}

/// Nobody has reported the return, so nothing shows when it was.
#[tokio::test]
async fn rental_that_a_timer_completes_has_no_claim() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    harness.clock.set(at("2026-12-02T13:00:00Z"));
    wait_until(|| async {
        harness.get(guest, &booking.id).await.unwrap().status() == BookingStatus::Completed
    })
    .await;
    assert!(harness.list_claims(host, &booking).await.unwrap().is_empty());
    harness.finish().await;
}

#[tokio::test]
async fn confirmed_pickup_starts_the_rental_and_confirmed_return_completes_it() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, report) = harness.reported_pickup(guest, host).await;
    let id = booking.id.as_str();
    harness
        .confirm_handover(host, id, HandoverPhase::Pickup, &report.sha256)
        .await
        .unwrap();
    assert_eq!(
        harness.get(guest, id).await.unwrap().status(),
        BookingStatus::Active
    );
    harness.clock.set(at("2026-12-01T14:00:00Z"));
    harness.upload_all(guest, id, HandoverPhase::Return).await;
    let report = harness
        .report(guest, id, HandoverPhase::Return, 12_400)
        .await
        .unwrap();
    harness.clock.set(at("2026-12-01T16:00:00Z"));
    harness
        .confirm_handover(host, id, HandoverPhase::Return, &report.sha256)
        .await
        .unwrap();
    let completed = harness.get(guest, id).await.unwrap();
    assert_eq!(completed.status(), BookingStatus::Completed);
    // An hour late, as the guest has recorded it.
    let claim = harness.claim_of(guest, &booking).await;
    assert_eq!(claim.claimed_amount, 22_500);
    assert_eq!(claim.evidence_sha256s, [report.sha256]);
    let history = harness.history(&booking).await;
    assert_eq!(
        history[3..],
        [
            "approved→active paid by host",
            "active→completed paid by host",
            "completed→completed paid by host"
        ]
    );
    harness.finish().await;
}

#[tokio::test]
async fn pickup_without_a_confirmed_hold_is_recorded_and_does_not_start_the_rental() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, report) = harness.reported_pickup(guest, host).await;
    let id = booking.id.as_str();
    harness.vehicle().confirm_refusal = Some(VehicleReason::VehicleClosed);
    harness
        .confirm_handover(host, id, HandoverPhase::Pickup, &report.sha256)
        .await
        .unwrap();
    assert_eq!(
        harness.get(guest, id).await.unwrap().status(),
        BookingStatus::Approved
    );
    harness.vehicle().confirm_refusal = None;
    harness.start_booking(guest, id).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn pickup_of_a_booking_that_has_lost_its_car_is_refused() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, report) = harness.reported_pickup(guest, host).await;
    let id = booking.id.as_str();
    harness.vehicle().confirm_refusal = Some(VehicleReason::VehicleHoldLost);
    let refused = harness
        .confirm_handover(host, id, HandoverPhase::Pickup, &report.sha256)
        .await;
    assert_reason(refused, ErrorReason::HandoverClosed);
    let cancelled = harness.get(guest, id).await.unwrap();
    assert_eq!(cancelled.status(), BookingStatus::Cancelled);
    harness.finish().await;
}

/// The host records the return in time, and the guest confirms it in the evening.
#[tokio::test]
async fn late_confirmation_by_the_guest_is_no_late_return() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    let id = booking.id.as_str();
    harness.clock.set(at("2026-12-01T13:10:00Z"));
    harness.upload_all(host, id, HandoverPhase::Return).await;
    let report = harness
        .report(host, id, HandoverPhase::Return, 12_400)
        .await
        .unwrap();
    harness.clock.set(at("2026-12-01T19:00:00Z"));
    harness
        .confirm_handover(guest, id, HandoverPhase::Return, &report.sha256)
        .await
        .unwrap();
    let completed = harness.get(guest, id).await.unwrap();
    assert_eq!(completed.status(), BookingStatus::Completed);
    assert!(harness.list_claims(host, &booking).await.unwrap().is_empty());
    harness.finish().await;
}
