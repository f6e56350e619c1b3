//! Handovers in wrong states and at wrong times, of other users, without photos, and with invalid fields.

use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use uuid::Uuid;

use crate::harness::*;

const PICKUP: HandoverPhase = HandoverPhase::Pickup;
const RETURN: HandoverPhase = HandoverPhase::Return;

impl Harness {
    /// Asserts that neither a note nor a photo can be added.
    async fn assert_closed(&self, person: Person, booking_id: &str, phase: HandoverPhase, status: &str) {
        for refused in [
            self.note(person, booking_id, phase, "흠집").await.map(drop),
            self.upload(person, booking_id, phase, PhotoAngle::Front)
                .await
                .map(drop),
        ] {
            let error = assert_reason(refused, ErrorReason::HandoverClosed);
            assert_eq!(error.metadata()["status"], status);
        }
    }
}

#[tokio::test]
async fn pickup_and_return_are_recorded_in_their_states_and_times_only() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.pending(guest, &harness.car(host)).await;
    let id = booking.id.as_str();
    harness.assert_closed(guest, id, PICKUP, "pending").await;
    harness.approve(host, id).await.unwrap();
    harness.assert_closed(guest, id, PICKUP, "approved").await;
    harness.capture(&booking).await;
    harness.clock.set(at("2026-12-01T08:29:59Z"));
    harness.assert_closed(guest, id, PICKUP, "approved").await;
    harness.clock.set(at("2026-12-01T08:30:00Z"));
    harness.note(guest, id, PICKUP, "흠집").await.unwrap();
    harness.assert_closed(host, id, RETURN, "approved").await;

    harness.clock.set(at("2026-12-01T09:10:00Z"));
    harness.start_booking(guest, id).await.unwrap();
    harness.clock.set(at("2026-12-01T10:09:59Z"));
    harness.note(host, id, PICKUP, "흠집").await.unwrap();
    harness.clock.set(at("2026-12-01T10:10:00Z"));
    harness.assert_closed(host, id, PICKUP, "active").await;
    assert!(
        harness
            .handover(host, id)
            .await
            .unwrap()
            .pickup_record
            .unwrap()
            .is_final
    );
    harness.note(host, id, RETURN, "흠집").await.unwrap();

    harness.clock.set(at("2026-12-01T12:00:00Z"));
    harness.complete(host, id).await.unwrap();
    harness.clock.set(at("2026-12-02T11:59:59Z"));
    harness.note(guest, id, RETURN, "흠집").await.unwrap();
    assert!(
        !harness
            .handover(host, id)
            .await
            .unwrap()
            .return_record
            .unwrap()
            .is_final
    );
    harness.clock.set(at("2026-12-02T12:00:00Z"));
    harness.assert_closed(guest, id, RETURN, "completed").await;
    harness.assert_closed(guest, id, PICKUP, "completed").await;
    let handover = harness.handover(guest, id).await.unwrap();
    assert!(handover.return_record.unwrap().is_final);
    assert_eq!(handover.entries.len(), 4);
    harness.finish().await;
}

#[tokio::test]
async fn report_without_every_required_photo_is_refused() {
    let mut harness = Harness::start_with(|config| {
        use carshare_booking::domain::handover::Angle;
        config.handover.required_angles = vec![Angle::Dashboard, Angle::Front];
    })
    .await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    let id = booking.id.as_str();
    for (angle, missing) in [
        (PhotoAngle::Detail, "front,dashboard"),
        (PhotoAngle::Front, "dashboard"),
    ] {
        harness.upload(guest, id, PICKUP, angle).await.unwrap();
        let error = assert_reason(
            harness.report(guest, id, PICKUP, 1).await,
            ErrorReason::PhotosMissing,
        );
        assert_eq!(error.metadata()["angles"], missing);
    }
    // Either side may have taken it.
    harness
        .upload(host, id, PICKUP, PhotoAngle::Dashboard)
        .await
        .unwrap();
    harness.report(guest, id, PICKUP, 1).await.unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn reports_and_notes_are_limited_and_a_confirmation_is_not() {
    let mut harness = Harness::start_with(|config| config.handover.max_notes = 2).await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    let id = booking.id.as_str();
    harness.upload_all(guest, id, PICKUP).await;
    harness.note(guest, id, PICKUP, "흠집").await.unwrap();
    let report = harness.report(guest, id, PICKUP, 1).await.unwrap();
    for refused in [
        harness.note(host, id, PICKUP, "흠집").await,
        harness.report(host, id, PICKUP, 2).await,
    ] {
        let error = assert_reason(refused, ErrorReason::HandoverFull);
        assert_eq!(error.metadata()["max"], "2");
    }
    harness
        .confirm_handover(host, id, PICKUP, &report.sha256)
        .await
        .unwrap();
    harness.finish().await;
}

#[tokio::test]
async fn handovers_of_other_users_are_not_found_and_admins_only_read() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    let id = booking.id.as_str();
    harness.note(guest, id, PICKUP, "흠집").await.unwrap();
    let unknown = Uuid::from_u128(1).to_string();
    for (person, id) in [
        (harness.guest(), id),
        (harness.host(), id),
        (guest, unknown.as_str()),
        (host, unknown.as_str()),
    ] {
        assert_reason(harness.handover(person, id).await, ErrorReason::BookingNotFound);
        assert_reason(
            harness.note(person, id, PICKUP, "x").await,
            ErrorReason::BookingNotFound,
        );
        assert_reason(
            harness.report(person, id, PICKUP, 1).await,
            ErrorReason::BookingNotFound,
        );
        assert_reason(
            harness
                .confirm_handover(person, id, PICKUP, &"0".repeat(64))
                .await,
            ErrorReason::BookingNotFound,
        );
    }
    let admin = harness.person("admin");
    assert_eq!(harness.handover(admin, id).await.unwrap().entries.len(), 1);
    assert_reason(
        harness.note(admin, id, PICKUP, "x").await,
        Common::PermissionDenied,
    );
    harness.finish().await;
}

#[tokio::test]
async fn invalid_fields_are_named() {
    let harness = Harness::start().await;
    let fields = |status: Result<HandoverEntry, tonic::Status>| {
        let error = assert_reason(status, Common::InvalidArgument);
        let fields = error.violations().iter().map(|violation| violation.field.clone());
        fields.collect::<Vec<_>>()
    };
    let report = ReportHandoverRequest {
        booking_id: "seven".into(),
        phase: 0,
        odometer_km: -1,
        energy_percent: 101,
        damage_notes: Some(String::new()),
    };
    let report = harness.request(harness.guest(), report);
    let refused = into_message(harness.handovers.clone().report_handover(report).await);
    assert_eq!(
        fields(refused),
        [
            "booking_id",
            "phase",
            "odometer_km",
            "energy_percent",
            "damage_notes"
        ]
    );
    let id = Uuid::from_u128(1).to_string();
    let control = harness.note(harness.guest(), &id, PICKUP, "\u{7}").await;
    assert_eq!(fields(control), ["damage_notes"]);
    let hash = harness
        .confirm_handover(harness.guest(), &id, PICKUP, "ABC")
        .await;
    assert_eq!(fields(hash), ["report_sha256"]);
    let photo = UploadPhotoRequest {
        booking_id: id,
        phase: 3,
        angle: 0,
        content_type: "image/gif".into(),
        file: vec![0; (3 << 20) + 1].into(),
    };
    let photo = harness.request(harness.guest(), photo);
    let refused = into_message(harness.handovers.clone().upload_photo(photo).await);
    let error = assert_reason(refused, Common::InvalidArgument);
    let fields: Vec<_> = error
        .violations()
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(fields, ["phase", "angle", "content_type", "file"]);
    harness.finish().await;
}
