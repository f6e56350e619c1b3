//! Photos of pickups and returns, in one call and by presigned uploads to a real S3 server.

use std::time::Duration;

use carshare_booking::domain::handover::Digest;
use carshare_proto::booking::v1::*;
use carshare_proto::common::v1::ErrorReason as Common;
use uuid::Uuid;

use crate::harness::*;

const PICKUP: HandoverPhase = HandoverPhase::Pickup;

fn sha256(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

#[tokio::test]
async fn photo_of_one_call_is_private_evidence_with_both_hashes() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.confirmed(guest, host, &harness.car(host)).await;
    harness.clock.set(at("2026-12-01T08:30:00Z"));
    let file = png(800, 600);
    let photo = harness
        .upload_file(guest, &booking.id, (PICKUP, PhotoAngle::Front), file.clone())
        .await
        .unwrap();
    assert_eq!(
        (photo.phase(), photo.angle(), photo.party()),
        (PICKUP, PhotoAngle::Front, HandoverParty::Guest)
    );
    assert_eq!((photo.width, photo.height, photo.sequence), (800, 600, 1));
    assert_eq!(photo.recorded_at, Some(timestamp("2026-12-01T08:30:00Z")));
    assert_eq!(photo.upload_sha256, sha256(&file));

    let shown = get_file(photo.url()).await;
    assert_eq!(shown.headers()["content-type"], "image/jpeg");
    assert_eq!(shown.headers()["cache-control"], "private, no-store");
    assert_eq!(sha256(&shown.bytes().await.unwrap()), photo.sha256);
    assert_eq!(get_file(photo.thumbnail_url()).await.status().as_u16(), 200);
    let key = format!("handovers/{}/{}/photo.jpeg", booking.id, photo.id);
    let unsigned = get_file(&harness.objects.public_url(&key)).await;
    assert_eq!(unsigned.status().as_u16(), 403);

    // Both sides and admins see it, in the booking too.
    for person in [guest, host, harness.person("admin")] {
        let handover = harness.handover(person, &booking.id).await.unwrap();
        assert_eq!(
            (handover.pickup_photos.len(), handover.return_photos.len()),
            (1, 0)
        );
        let seen = &handover.pickup_photos[0];
        assert_eq!((&seen.id, &seen.sha256), (&photo.id, &photo.sha256));
        let seen = harness.get(person, &booking.id).await.unwrap();
        assert_eq!((seen.pickup_photos.len(), seen.return_photos.len()), (1, 0));
        assert_eq!(get_file(seen.pickup_photos[0].url()).await.status().as_u16(), 200);
    }
    harness.finish().await;
}

#[tokio::test]
async fn presigned_upload_is_converted_once_and_deleted() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    let file = png(400, 300);
    let upload = harness
        .create_upload(host, &booking.id, file.len())
        .await
        .unwrap();
    assert_eq!(
        (upload.method.as_str(), upload.expires_at),
        ("PUT", Some(timestamp("2026-12-01T09:15:00Z")))
    );
    let early = assert_reason(
        harness.complete_upload(host, &booking.id, &upload.photo_id).await,
        ErrorReason::PhotoInvalid,
    );
    assert_eq!(early.metadata()["fault"], "not_uploaded");
    assert_eq!(put(&upload, file.clone()).await, 200);
    // The other side did not announce it.
    assert_reason(
        harness
            .complete_upload(guest, &booking.id, &upload.photo_id)
            .await,
        ErrorReason::PhotoNotFound,
    );
    let photo = harness
        .complete_upload(host, &booking.id, &upload.photo_id)
        .await
        .unwrap();
    assert_eq!(
        (photo.id.as_str(), photo.party()),
        (upload.photo_id.as_str(), HandoverParty::Host)
    );
    assert_eq!(photo.upload_sha256, sha256(&file));
    let upload_key = format!("uploads/{}", photo.id);
    assert!(!harness.is_stored(&upload_key).await);

    let again = harness
        .complete_upload(host, &booking.id, &photo.id)
        .await
        .unwrap();
    assert_eq!((again.sequence, &again.sha256), (1, &photo.sha256));
    assert_eq!(harness.row_count("handover_entries").await, 1);
    // The URL still takes a file, which is not shown, and is deleted when it has expired.
    assert_eq!(put(&upload, vec![7; file.len()]).await, 200);
    assert_eq!(
        sha256(&get_file(photo.url()).await.bytes().await.unwrap()),
        photo.sha256
    );
    harness.clock.advance(Duration::from_hours(2));
    wait_until(|| async { !harness.is_stored(&upload_key).await }).await;
    harness.finish().await;
}

#[tokio::test]
async fn invalid_files_become_no_evidence() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    let front = (PICKUP, PhotoAngle::Front);
    for (file, fault) in [
        (vec![b'<'; 500], "format"),
        (png(20_000, 1), "dimensions"),
        (png(800, 600)[..60].to_vec(), "content"),
    ] {
        let refused = assert_reason(
            harness.upload_file(guest, &booking.id, front, file.clone()).await,
            ErrorReason::PhotoInvalid,
        );
        assert_eq!(refused.metadata()["fault"], fault);
        let upload = harness
            .create_upload(guest, &booking.id, file.len())
            .await
            .unwrap();
        assert_eq!(put(&upload, file).await, 200);
        let refused = assert_reason(
            harness
                .complete_upload(guest, &booking.id, &upload.photo_id)
                .await,
            ErrorReason::PhotoInvalid,
        );
        assert_eq!(refused.metadata()["fault"], fault);
        assert_reason(
            harness
                .complete_upload(guest, &booking.id, &upload.photo_id)
                .await,
            ErrorReason::PhotoNotFound,
        );
        assert!(!harness.is_stored(&format!("uploads/{}", upload.photo_id)).await);
    }
    assert_eq!(harness.row_count("handover_entries").await, 0);
    harness.clock.advance(Duration::from_hours(2));
    wait_until(|| async { harness.row_count("handover_photos").await == 0 }).await;
    harness.finish().await;
}

#[tokio::test]
async fn announced_photos_expire_and_count_until_then() {
    let mut harness = Harness::start_with(|config| config.handover.max_photos = 2).await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    let abandoned = harness.create_upload(guest, &booking.id, 500).await.unwrap();
    let photo = harness
        .upload(guest, &booking.id, PICKUP, PhotoAngle::Front)
        .await
        .unwrap();
    for refused in [
        harness.create_upload(host, &booking.id, 500).await.map(drop),
        harness
            .upload(host, &booking.id, PICKUP, PhotoAngle::Rear)
            .await
            .map(drop),
    ] {
        let error = assert_reason(refused, ErrorReason::HandoverFull);
        assert_eq!(error.metadata()["max"], "2");
    }
    // The return counts by itself.
    harness
        .upload(guest, &booking.id, HandoverPhase::Return, PhotoAngle::Front)
        .await
        .unwrap();
    let files = harness.config.service.handover.complete_ttl + Duration::from_mins(30);
    harness.clock.advance(files);
    wait_until(|| async { harness.row_count("handover_photos").await == 2 }).await;
    assert_reason(
        harness
            .complete_upload(guest, &booking.id, &abandoned.photo_id)
            .await,
        ErrorReason::PhotoNotFound,
    );
    assert!(
        harness
            .is_stored(&format!("handovers/{}/{}/photo.jpeg", booking.id, photo.id))
            .await
    );
    harness.finish().await;
}

#[tokio::test]
async fn files_go_after_their_time_and_the_evidence_stays() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    let photo = harness
        .upload(guest, &booking.id, PICKUP, PhotoAngle::Front)
        .await
        .unwrap();
    harness.clock.advance(Duration::from_hours(181 * 24));
    let key = format!("handovers/{}/{}/photo.jpeg", booking.id, photo.id);
    wait_until(|| async { !harness.is_stored(&key).await }).await;
    wait_until(|| async {
        let handover = harness.handover(host, &booking.id).await.unwrap();
        handover.pickup_photos[0].url.is_none()
    })
    .await;
    let handover = harness.handover(host, &booking.id).await.unwrap();
    let seen = &handover.pickup_photos[0];
    assert_eq!((&seen.sha256, &seen.thumbnail_url), (&photo.sha256, &None));
    assert!(handover.is_intact);
    harness.finish().await;
}

#[tokio::test]
async fn uploads_repeated_with_their_key_are_one_photo() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    let upload = async |file: Vec<u8>| {
        let request = UploadPhotoRequest {
            booking_id: booking.id.clone(),
            phase: PICKUP.into(),
            angle: PhotoAngle::Front.into(),
            content_type: "image/png".into(),
            file: file.into(),
        };
        let request = with_idempotency_key(harness.request(guest, request), "key-1");
        into_message(harness.handovers.clone().upload_photo(request).await)
    };
    let first = upload(png(80, 60)).await.unwrap();
    assert_eq!(upload(png(80, 60)).await.unwrap(), first);
    assert_eq!(harness.row_count("handover_photos").await, 1);
    assert_reason(upload(png(60, 80)).await, Common::IdempotencyKeyReused);
    let announce = async || {
        let request = CreatePhotoUploadRequest {
            booking_id: booking.id.clone(),
            phase: PICKUP.into(),
            angle: PhotoAngle::Rear.into(),
            content_type: "image/png".into(),
            size_bytes: 500,
        };
        let request = with_idempotency_key(harness.request(guest, request), "key-2");
        into_message(harness.handovers.clone().create_photo_upload(request).await).unwrap()
    };
    assert_eq!(announce().await, announce().await);
    assert_eq!(harness.row_count("handover_photos").await, 2);
    harness.finish().await;
}

#[tokio::test]
async fn photos_of_other_bookings_and_unknown_ones_are_not_found() {
    let mut harness = Harness::start().await;
    let (guest, host, other) = (harness.guest(), harness.host(), harness.guest());
    let booking = harness.active(guest, host, &harness.car(host)).await;
    let upload = harness.create_upload(guest, &booking.id, 500).await.unwrap();
    let unknown = Uuid::from_u128(1).to_string();
    assert_reason(
        harness
            .complete_upload(other, &booking.id, &upload.photo_id)
            .await,
        ErrorReason::BookingNotFound,
    );
    assert_reason(
        harness.create_upload(other, &booking.id, 500).await,
        ErrorReason::BookingNotFound,
    );
    assert_reason(
        harness
            .upload(other, &booking.id, PICKUP, PhotoAngle::Front)
            .await,
        ErrorReason::BookingNotFound,
    );
    assert_reason(
        harness.complete_upload(guest, &booking.id, &unknown).await,
        ErrorReason::PhotoNotFound,
    );
    assert_reason(
        harness.complete_upload(guest, &unknown, &upload.photo_id).await,
        ErrorReason::BookingNotFound,
    );
    assert_eq!(harness.row_count("handover_photos").await, 1);
    harness.finish().await;
}
