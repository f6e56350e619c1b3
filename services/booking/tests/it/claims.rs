//! Claims from filing to payment.

use carshare_proto::booking::v1::*;
use futures::future::join_all;

use crate::harness::*;

#[tokio::test]
async fn accepted_claim_is_charged_and_paid() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, photo) = harness.returned(guest, host, &harness.car(host)).await;
    let filed = harness.file(host, damage(&booking, &[&photo])).await.unwrap();
    let expected = BookingClaim {
        id: filed.id.clone(),
        booking_id: booking.id.clone(),
        kind: BookingClaimKind::Damage.into(),
        status: BookingClaimStatus::Open.into(),
        claimed_amount: 150_000,
        description: Some("왼쪽 뒷문이 긁혔습니다".into()),
        evidence_sha256s: vec![photo],
        object_by: Some(timestamp("2026-12-04T13:00:00Z")),
        created_at: Some(timestamp("2026-12-01T13:00:00Z")),
        updated_at: Some(timestamp("2026-12-01T13:00:00Z")),
        ..Default::default()
    };
    assert_eq!(filed, expected);
    harness.clock.advance(hours(1));
    let accepted = harness.accept_claim(guest, &filed).await.unwrap();
    assert_eq!(accepted.status(), BookingClaimStatus::AwaitingPayment);
    assert_eq!(accepted.approved_amount, Some(150_000));
    assert_eq!(accepted.payment_due_at, Some(timestamp("2026-12-08T14:00:00Z")));
    let approved = harness.published::<BookingClaimApproved>().await.remove(0);
    let facts = approved.claim.unwrap();
    assert_eq!(facts.platform_fee, 0);
    let charged = facts.claim.unwrap();
    assert_eq!((&charged.id, charged.description), (&filed.id, None));

    harness.capture_claim(&accepted).await;
    for person in [guest, host, harness.person("admin")] {
        let paid = harness.claim_of(person, &booking).await;
        assert_eq!(paid.status(), BookingClaimStatus::Paid);
    }
    let history = [
        "claim_filed by host",
        "claim_approved by guest",
        "claim_paid by payment",
    ];
    assert_eq!(harness.change_history(&booking).await, history);
    let events = harness.events(&booking).await;
    let events: Vec<_> = events.iter().filter(|name| name.contains("claim")).collect();
    assert_eq!(
        events,
        [
            "booking.claim_filed",
            "booking.claim_approved",
            "booking.claim_paid"
        ]
    );

    harness.refund_charge(&booking, &filed.id, 50_000).await;
    assert_eq!(harness.claim_of(host, &booking).await.refunded_amount, 50_000);
    harness.finish().await;
}

#[tokio::test]
async fn admin_decides_about_an_objection() {
    let mut harness = Harness::start().await;
    let (guest, host, admin) = (harness.guest(), harness.host(), harness.person("admin"));
    let (booking, photo) = harness.returned(guest, host, &harness.car(host)).await;
    let mut claims = Vec::new();
    for _ in 0..3 {
        let filed = harness.file(host, damage(&booking, &[&photo])).await.unwrap();
        claims.push(harness.object_to(guest, &filed).await.unwrap());
    }
    assert_eq!(claims[0].status(), BookingClaimStatus::Objected);
    assert_eq!(
        claims[0].objection.as_deref(),
        Some("인수할 때부터 있던 흠집입니다")
    );
    let first = harness.list_objected(admin, 2, "").await.unwrap();
    assert_eq!(first.claims, claims[..2]);
    let second = harness
        .list_objected(admin, 2, &first.next_page_token)
        .await
        .unwrap();
    assert_eq!(
        (second.claims, second.next_page_token),
        (claims[2..].to_vec(), String::new())
    );

    let approved = harness.decide(admin, &claims[0], 120_000).await.unwrap();
    assert_eq!(approved.status(), BookingClaimStatus::AwaitingPayment);
    assert_eq!(approved.approved_amount, Some(120_000));
    assert_eq!(
        approved.decision_reason.as_deref(),
        Some("인수 사진에는 흠집이 없습니다")
    );
    let rejected = harness.decide(admin, &claims[1], 0).await.unwrap();
    assert_eq!(rejected.status(), BookingClaimStatus::Rejected);
    let withdrawn = harness.withdraw_claim(host, &claims[2]).await.unwrap();
    assert_eq!(withdrawn.status(), BookingClaimStatus::Withdrawn);
    assert!(
        harness
            .list_objected(admin, 0, "")
            .await
            .unwrap()
            .claims
            .is_empty()
    );
    harness.fail_claim(&approved).await;
    let statuses: Vec<_> = harness
        .list_claims(guest, &booking)
        .await
        .unwrap()
        .iter()
        .map(BookingClaim::status)
        .collect();
    let newest_first = [
        BookingClaimStatus::Withdrawn,
        BookingClaimStatus::Rejected,
        BookingClaimStatus::PaymentFailed,
    ];
    assert_eq!(statuses, newest_first);
    let history = harness.change_history(&booking).await;
    assert_eq!(
        history[6..],
        [
            "claim_approved by admin",
            "claim_rejected by admin",
            "claim_withdrawn by host",
            "claim_payment_failed by payment",
        ]
    );
    harness.finish().await;
}

#[tokio::test]
async fn claim_is_approved_by_the_lapse_of_time_and_fails_unpaid() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, photo) = harness.returned(guest, host, &harness.car(host)).await;
    let filed = harness.file(host, damage(&booking, &[&photo])).await.unwrap();
    harness.clock.set(at("2026-12-04T13:00:00Z"));
    wait_until(|| async {
        harness.claim_of(guest, &booking).await.status() == BookingClaimStatus::AwaitingPayment
    })
    .await;
    let approved = harness.claim_of(guest, &booking).await;
    assert_eq!(approved.approved_amount, Some(150_000));
    let refused = harness.object_to(guest, &filed).await;
    let reason = assert_reason(refused, ErrorReason::ClaimClosed);
    assert_eq!(reason.metadata()["status"], "awaiting_payment");
    harness.clock.set(at("2026-12-11T13:00:00Z"));
    wait_until(|| async {
        harness.claim_of(guest, &booking).await.status() == BookingClaimStatus::PaymentFailed
    })
    .await;
    // Payment refunds a capture that becomes known now.
    harness.capture_claim(&approved).await;
    assert_eq!(
        harness.claim_of(guest, &booking).await.status(),
        BookingClaimStatus::PaymentFailed
    );
    // Of the stream: the outbox keeps published events for as long as the guest has time to pay.
    let events = harness.events(&booking).await;
    let closed = events.iter().filter(|name| *name == "booking.claim_closed");
    assert_eq!(closed.count(), 1);
    let history = [
        "claim_filed by host",
        "claim_approved by timer",
        "claim_payment_failed by timer",
    ];
    assert_eq!(harness.change_history(&booking).await, history);
    harness.finish().await;
}

#[tokio::test]
async fn of_concurrent_answers_one_counts() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (booking, photo) = harness.returned(guest, host, &harness.car(host)).await;
    let filed = harness.file(host, damage(&booking, &[&photo])).await.unwrap();
    let answers = (0..9).map(|number| {
        let (harness, filed) = (&harness, &filed);
        async move {
            match number % 3 {
                0 => harness.object_to(guest, filed).await,
                1 => harness.withdraw_claim(host, filed).await,
                _ => harness.accept_claim(guest, filed).await,
            }
        }
    });
    let answered = join_all(answers).await.into_iter().flatten().count();
    // The host can withdraw a claim after an objection, too.
    assert!((1..=2).contains(&answered), "{answered}");
    assert_eq!(harness.change_history(&booking).await.len(), 1 + answered);
    harness.finish().await;
}

#[tokio::test]
async fn account_stays_while_a_claim_is_open_and_its_texts_are_erased_with_it() {
    let mut harness = Harness::start().await;
    let (guest, host, admin) = (harness.guest(), harness.host(), harness.person("admin"));
    let (booking, photo) = harness.returned(guest, host, &harness.car(host)).await;
    let filed = harness.file(host, damage(&booking, &[&photo])).await.unwrap();
    let mut attempt = 0;
    let mut assert_closed = async |harness: &Harness, expected| {
        attempt += 1;
        for person in [guest, host] {
            assert_eq!(harness.close(person, attempt).await.unwrap(), expected);
        }
    };
    assert_closed(&harness, (false, 1)).await;
    let objected = harness.object_to(guest, &filed).await.unwrap();
    assert_closed(&harness, (false, 1)).await;
    let approved = harness.decide(admin, &objected, 100_000).await.unwrap();
    assert_closed(&harness, (false, 1)).await;
    harness.capture_claim(&approved).await;
    assert_closed(&harness, (true, 0)).await;
    let refused = harness.file(host, damage(&booking, &[&photo])).await;
    assert_reason(refused, ErrorReason::ClaimPartyClosed);

    harness.delete_account(guest).await;
    let claim = harness.claim_of(host, &booking).await;
    assert_eq!((claim.objection, claim.decision_reason), (None, None));
    assert_eq!(claim.description, filed.description);
    harness.delete_account(host).await;
    let claim = harness.claim_of(admin, &booking).await;
    assert_eq!((claim.description, claim.approved_amount), (None, Some(100_000)));
    harness.finish().await;
}
