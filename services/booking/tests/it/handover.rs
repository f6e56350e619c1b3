//! Reports, notes and confirmations of pickups and returns.

use std::time::Duration;

use carshare_booking::domain::handover::Digest;
use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use futures::future::join_all;

use crate::harness::*;

const PICKUP: HandoverPhase = HandoverPhase::Pickup;
const RETURN: HandoverPhase = HandoverPhase::Return;

#[tokio::test]
async fn pickup_and_return_are_reported_and_confirmed() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    let id = booking.id.as_str();
    let empty = harness.handover(guest, id).await.unwrap();
    assert!(empty.is_intact && empty.entries.is_empty());
    let record = empty.pickup_record.unwrap();
    assert_eq!(record.missing_angles, ANGLES.map(i32::from));
    assert!(!record.is_final && record.odometer_km.is_none());

    harness.upload_all(guest, id, PICKUP).await;
    let report = harness.report(guest, id, PICKUP, 12_345).await.unwrap();
    assert_eq!((report.sequence, report.kind()), (7, HandoverEntryKind::Report));
    let note = harness
        .note(host, id, PICKUP, "앞 범퍼 왼쪽에 흠집\n오래된 것")
        .await
        .unwrap();
    harness
        .confirm_handover(host, id, PICKUP, &report.sha256)
        .await
        .unwrap();
    let pickup = harness.handover(host, id).await.unwrap();
    let record = pickup.pickup_record.unwrap();
    let expected = HandoverRecord {
        odometer_km: Some(12_345),
        energy_percent: Some(80),
        reported_by: Some(HandoverParty::Guest.into()),
        reported_at: Some(timestamp("2026-12-01T09:00:00Z")),
        report_sha256: Some(report.sha256.clone()),
        confirmed_at: Some(timestamp("2026-12-01T09:00:00Z")),
        is_final: true,
        missing_angles: Vec::new(),
    };
    assert_eq!(record, expected);
    assert_eq!(pickup.entries.len(), 9);
    assert_eq!(pickup.entries[7], note);

    harness.clock.set(at("2026-12-01T12:50:00Z"));
    harness.upload_all(host, id, RETURN).await;
    harness.complete(guest, id).await.unwrap();
    let backwards = assert_reason(
        harness.report(host, id, RETURN, 12_344).await,
        ErrorReason::OdometerBackwards,
    );
    assert_eq!(backwards.metadata()["pickup_km"], "12345");
    let report = harness.report(host, id, RETURN, 12_400).await.unwrap();
    harness
        .confirm_handover(guest, id, RETURN, &report.sha256)
        .await
        .unwrap();
    let handover = harness.handover(guest, id).await.unwrap();
    assert!(handover.is_intact && handover.return_record.unwrap().is_final);
    assert_eq!(
        (handover.pickup_photos.len(), handover.return_photos.len()),
        (6, 6)
    );
    harness.finish().await;
}

#[tokio::test]
async fn entries_can_be_verified_without_the_service() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    let id = booking.id.as_str();
    harness
        .upload(guest, id, PICKUP, PhotoAngle::Front)
        .await
        .unwrap();
    harness.note(guest, id, PICKUP, "흠집").await.unwrap();
    harness.note(host, id, PICKUP, "확인").await.unwrap();
    let handover = harness.handover(guest, id).await.unwrap();
    let mut previous = "0".repeat(64);
    for (entry, sequence) in handover.entries.iter().zip(1..) {
        assert_eq!(
            (entry.sequence, statement_of(entry, "sequence")),
            (sequence, sequence.to_string().as_str())
        );
        assert_eq!(statement_of(entry, "previous"), previous);
        assert_eq!(statement_of(entry, "booking"), id);
        previous = Digest::of(entry.statement.as_bytes()).to_string();
        assert_eq!(entry.sha256, previous);
    }
    for entry in &handover.entries[1..] {
        let salt: Vec<u8> = (0..16)
            .map(|n| u8::from_str_radix(&entry.note_salt()[2 * n..2 * n + 2], 16).unwrap())
            .collect();
        let hash = Digest::of(&[&salt, entry.damage_notes().as_bytes()].concat());
        assert_eq!(statement_of(entry, "note_sha256"), hash.to_string());
    }
    let photo = &handover.pickup_photos[0];
    assert_eq!(statement_of(&handover.entries[0], "sha256"), photo.sha256);
    harness.finish().await;
}

#[tokio::test]
async fn later_report_replaces_an_earlier_one_until_it_is_confirmed() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    let id = booking.id.as_str();
    harness.upload_all(guest, id, PICKUP).await;
    let first = harness.report(guest, id, PICKUP, 100).await.unwrap();
    assert_reason(
        harness.confirm_handover(guest, id, PICKUP, &first.sha256).await,
        ErrorReason::HandoverChanged,
    );
    let second = harness.report(host, id, PICKUP, 101).await.unwrap();
    assert_reason(
        harness.confirm_handover(host, id, PICKUP, &first.sha256).await,
        ErrorReason::HandoverChanged,
    );
    assert_reason(
        harness.confirm_handover(guest, id, RETURN, &second.sha256).await,
        ErrorReason::HandoverChanged,
    );
    harness
        .confirm_handover(guest, id, PICKUP, &second.sha256)
        .await
        .unwrap();
    for refused in [
        harness.report(guest, id, PICKUP, 102).await.map(drop),
        harness.note(host, id, PICKUP, "흠집").await.map(drop),
        harness
            .upload(host, id, PICKUP, PhotoAngle::Detail)
            .await
            .map(drop),
        harness
            .confirm_handover(guest, id, PICKUP, &second.sha256)
            .await
            .map(drop),
    ] {
        let error = assert_reason(refused, ErrorReason::HandoverClosed);
        assert_eq!(
            (
                error.metadata()["phase"].as_str(),
                error.metadata()["status"].as_str()
            ),
            ("pickup", "active")
        );
    }
    let handover = harness.handover(host, id).await.unwrap();
    assert_eq!(handover.pickup_record.unwrap().odometer_km, Some(101));
    assert_eq!(handover.entries.len(), 9);
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_entries_are_one_chain_and_one_confirmation_wins() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    let id = booking.id.as_str();
    let notes = (0..16).map(|n| {
        let (harness, person) = (&harness, if n % 2 == 0 { guest } else { host });
        async move { harness.note(person, id, PICKUP, &format!("흠집 {n}")).await }
    });
    for note in join_all(notes).await {
        note.unwrap();
    }
    harness.upload_all(guest, id, PICKUP).await;
    let report = harness.report(guest, id, PICKUP, 100).await.unwrap();
    let confirmations = (0..8).map(|_| harness.confirm_handover(host, id, PICKUP, &report.sha256));
    let confirmed = join_all(confirmations).await;
    assert_eq!(confirmed.iter().filter(|reply| reply.is_ok()).count(), 1);
    let handover = harness.handover(guest, id).await.unwrap();
    assert!(handover.is_intact);
    assert_eq!(handover.entries.len(), 16 + 6 + 2);
    harness.finish().await;
}

#[tokio::test]
async fn calls_repeated_with_their_key_add_one_entry() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    let note = async |text: &str| {
        let request = AddHandoverNoteRequest {
            booking_id: booking.id.clone(),
            phase: PICKUP.into(),
            damage_notes: text.into(),
        };
        let request = with_idempotency_key(harness.request(guest, request), "key-1");
        into_message(harness.handovers.clone().add_handover_note(request).await)
    };
    let first = note("흠집").await.unwrap();
    assert_eq!(note("흠집").await.unwrap(), first);
    assert_reason(note("다른 흠집").await, Common::IdempotencyKeyReused);
    harness.upload_all(guest, &booking.id, PICKUP).await;
    let report = async |odometer_km| {
        let request = ReportHandoverRequest {
            booking_id: booking.id.clone(),
            phase: PICKUP.into(),
            odometer_km,
            energy_percent: 50,
            damage_notes: Some("흠집".into()),
        };
        let request = with_idempotency_key(harness.request(guest, request), "key-2");
        into_message(harness.handovers.clone().report_handover(request).await)
    };
    let reported = report(10).await.unwrap();
    assert_eq!(report(10).await.unwrap(), reported);
    let confirm = async || {
        let request = ConfirmHandoverRequest {
            booking_id: booking.id.clone(),
            phase: PICKUP.into(),
            report_sha256: reported.sha256.clone(),
            damage_notes: Some("동의".into()),
        };
        let request = with_idempotency_key(harness.request(host, request), "key-3");
        into_message(harness.handovers.clone().confirm_handover(request).await).unwrap()
    };
    let confirmed = confirm().await;
    harness.clock.advance(Duration::from_hours(2));
    assert_eq!(confirm().await, confirmed);
    assert_eq!(harness.row_count("handover_entries").await, 9);
    assert_eq!(harness.row_count("handover_notes").await, 3);
    harness.finish().await;
}
