//! Claims and answers that are refused, and change nothing.

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;

use crate::harness::*;

#[tokio::test]
async fn claim_needs_a_completed_booking_of_the_host_evidence_and_time() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let active = harness.active(guest, host, &harness.car(host)).await;
    harness.clock.set(at("2026-12-01T13:00:00Z"));
    harness
        .upload(guest, &active.id, HandoverPhase::Pickup, PhotoAngle::Front)
        .await
        .unwrap_err();
    harness
        .upload(host, &active.id, HandoverPhase::Return, PhotoAngle::Detail)
        .await
        .unwrap();
    let photo = harness.last_entry(host, &active).await;
    let filed = harness.file(host, damage(&active, &[&photo])).await;
    assert_reason(filed, ErrorReason::BookingNotCompleted);
    let booking = harness.complete(guest, &active.id).await.unwrap();
    harness
        .note(host, &booking.id, HandoverPhase::Return, "긁힘")
        .await
        .unwrap();
    let note = harness.last_entry(host, &booking).await;

    let stranger = harness.host();
    let filed = harness.file(guest, damage(&booking, &[&photo])).await;
    assert_reason(filed, Common::PermissionDenied);
    let filed = harness.file(stranger, damage(&booking, &[&photo])).await;
    assert_reason(filed, ErrorReason::BookingNotFound);
    let unknown = "0".repeat(64);
    for evidence in [&[note.as_str()][..], &[&photo, &unknown]] {
        let filed = harness.file(host, damage(&booking, evidence)).await;
        assert_reason(filed, ErrorReason::ClaimEvidenceInvalid);
    }
    let too_high = FileBookingClaimRequest {
        amount: 10_000_001,
        ..damage(&booking, &[&photo])
    };
    let refused = assert_reason(
        harness.file(host, too_high).await,
        ErrorReason::ClaimAmountTooHigh,
    );
    assert_eq!(refused.metadata()["max"], "10000000");
    harness.clock.set(at("2026-12-04T13:00:00Z"));
    let filed = harness.file(host, damage(&booking, &[&photo])).await;
    let refused = assert_reason(filed, ErrorReason::ClaimPeriodOver);
    assert_eq!(refused.metadata()["days"], "3");
    assert!(harness.list_claims(host, &booking).await.unwrap().is_empty());
    assert!(harness.change_history(&booking).await.is_empty());
    harness.finish().await;
}

#[tokio::test]
async fn malformed_claims_are_refused() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, photo) = harness.returned(guest, host, &harness.car(host)).await;
    let valid = damage(&booking, &[&photo]);
    let malformed = [
        FileBookingClaimRequest {
            booking_id: "1".into(),
            ..valid.clone()
        },
        FileBookingClaimRequest {
            kind: 0,
            ..valid.clone()
        },
        FileBookingClaimRequest {
            kind: 9,
            ..valid.clone()
        },
        FileBookingClaimRequest {
            amount: 0,
            ..valid.clone()
        },
        FileBookingClaimRequest {
            amount: -1,
            ..valid.clone()
        },
        FileBookingClaimRequest {
            description: String::new(),
            ..valid.clone()
        },
        FileBookingClaimRequest {
            description: "가".repeat(2_001),
            ..valid.clone()
        },
        FileBookingClaimRequest {
            description: "a\u{0}b".into(),
            ..valid.clone()
        },
        FileBookingClaimRequest {
            evidence_sha256s: Vec::new(),
            ..valid.clone()
        },
        FileBookingClaimRequest {
            evidence_sha256s: vec!["ABC".into()],
            ..valid.clone()
        },
        FileBookingClaimRequest {
            evidence_sha256s: vec![photo.clone(), photo.clone()],
            ..valid.clone()
        },
        FileBookingClaimRequest {
            evidence_sha256s: vec![photo.clone(); 51],
            ..valid
        },
    ];
    for request in malformed {
        let refused = harness.file(host, request.clone()).await;
        assert_reason(refused, Common::InvalidArgument);
    }
    harness.finish().await;
}

#[tokio::test]
async fn booking_has_a_limit_of_claims() {
    let mut harness = Harness::start_with(|config| config.claims.max_claims = 2).await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, photo) = harness.returned(guest, host, &harness.car(host)).await;
    for _ in 0..2 {
        harness.file(host, damage(&booking, &[&photo])).await.unwrap();
    }
    let refused = harness.file(host, damage(&booking, &[&photo])).await;
    assert_eq!(
        assert_reason(refused, ErrorReason::TooManyClaims).metadata()["max"],
        "2"
    );
    harness.finish().await;
}

#[tokio::test]
async fn each_side_and_an_admin_can_do_only_their_part() {
    let mut harness = Harness::start().await;
    let (guest, host, admin) = (harness.guest(), harness.host(), harness.person("admin"));
    let (booking, photo) = harness.returned(guest, host, &harness.car(host)).await;
    let claim = harness.file(host, damage(&booking, &[&photo])).await.unwrap();
    assert_reason(harness.accept_claim(host, &claim).await, Common::PermissionDenied);
    assert_reason(harness.object_to(host, &claim).await, Common::PermissionDenied);
    assert_reason(
        harness.withdraw_claim(guest, &claim).await,
        Common::PermissionDenied,
    );
    assert_reason(harness.decide(host, &claim, 1).await, Common::PermissionDenied);
    assert_reason(
        harness.list_objected(guest, 0, "").await,
        Common::PermissionDenied,
    );
    let (other_guest, other_host) = (harness.guest(), harness.host());
    assert_reason(
        harness.accept_claim(other_guest, &claim).await,
        ErrorReason::BookingNotFound,
    );
    assert_reason(
        harness.withdraw_claim(other_host, &claim).await,
        ErrorReason::BookingNotFound,
    );
    assert_reason(
        harness.list_claims(other_guest, &booking).await,
        ErrorReason::BookingNotFound,
    );
    // Nothing to decide before an objection.
    assert_reason(harness.decide(admin, &claim, 1).await, ErrorReason::ClaimClosed);
    let unknown = BookingClaim {
        id: booking.id.clone(),
        ..claim.clone()
    };
    assert_reason(
        harness.accept_claim(guest, &unknown).await,
        ErrorReason::ClaimNotFound,
    );
    assert_reason(
        harness.decide(admin, &unknown, 1).await,
        ErrorReason::ClaimNotFound,
    );
    assert_eq!(harness.claim_of(host, &booking).await, claim);

    let objected = harness.object_to(guest, &claim).await.unwrap();
    let too_high = harness.decide(admin, &objected, 150_001).await;
    assert_eq!(
        assert_reason(too_high, ErrorReason::ClaimAmountTooHigh).metadata()["max"],
        "150000"
    );
    assert_reason(
        harness.decide(admin, &objected, -1).await,
        Common::InvalidArgument,
    );
    harness.finish().await;
}

#[tokio::test]
async fn repeat_of_a_filing_under_its_key_files_one_claim() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, photo) = harness.returned(guest, host, &harness.car(host)).await;
    let mut replies = Vec::new();
    for _ in 0..2 {
        let request = harness.request(host, damage(&booking, &[&photo]));
        let request = with_idempotency_key(request, "claim-1");
        let reply = harness.claims().file_booking_claim(request).await;
        replies.push(into_message(reply).unwrap());
    }
    assert_eq!(replies[0], replies[1]);
    assert_eq!(harness.claim_of(host, &booking).await, replies[0]);
    harness.finish().await;
}
