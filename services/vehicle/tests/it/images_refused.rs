//! `CreateImageUpload` and `CompleteImageUpload` with invalid files, limits, other hosts and invalid fields.

use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use uuid::Uuid;

use crate::harness::images::{png, put};
use crate::harness::{Harness, assert_reason, wait_until};

#[tokio::test]
async fn upload_with_another_size_or_type_is_rejected_by_its_signature() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.inactive_car(host).await;
    let upload = harness
        .create_upload(host, &car.id, "image/png", 500)
        .await
        .unwrap();
    let mut longer = upload.clone();
    longer.headers.insert("content-length".into(), "501".into());
    assert_eq!(put(&longer, png(800, 600, 501)).await, 403);
    let mut html = upload.clone();
    html.headers.insert("content-type".into(), "text/html".into());
    assert_eq!(put(&html, png(800, 600, 500)).await, 403);
    assert_reason(
        harness.complete_upload(host, &car.id, &upload.image_id).await,
        ErrorReason::ImageNotUploaded,
    );
    harness.finish().await;
}

#[tokio::test]
async fn file_that_is_not_a_photo_is_deleted_also_when_it_is_uploaded_again() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.inactive_car(host).await;
    let table = [
        ("image/png", vec![b'<'; 500], "format"),
        ("image/jpeg", png(800, 600, 500), "format"),
        ("image/png", png(20_000, 1, 500), "dimensions"),
        ("image/png", png(800, 600, 500)[..60].to_vec(), "content"),
    ];
    let mut keys = Vec::new();
    for (content_type, file, fault) in table {
        let upload = harness
            .create_upload(host, &car.id, content_type, file.len())
            .await
            .unwrap();
        assert_eq!(put(&upload, file.clone()).await, 200);
        let error = assert_reason(
            harness.complete_upload(host, &car.id, &upload.image_id).await,
            ErrorReason::ImageInvalid,
        );
        assert_eq!(error.metadata()["fault"], fault);
        let key = format!("uploads/{}", upload.image_id);
        assert!(!harness.is_stored(&key).await);
        assert_reason(
            harness.complete_upload(host, &car.id, &upload.image_id).await,
            ErrorReason::ImageNotFound,
        );
        assert_eq!(put(&upload, file).await, 200);
        keys.push(key);
    }
    // The URLs have expired.
    harness.clock.advance(Duration::from_mins(21));
    wait_until(|| async { harness.row_count("vehicle_images").await == 0 }).await;
    for key in keys {
        assert!(!harness.is_stored(&key).await);
    }
    assert_eq!(
        harness.get(host, &car.id).await.unwrap().status(),
        VehicleStatus::Inactive
    );
    harness.finish().await;
}

#[tokio::test]
async fn file_of_another_size_than_declared_is_deleted() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.inactive_car(host).await;
    let upload = harness
        .create_upload(host, &car.id, "image/png", 500)
        .await
        .unwrap();
    // Uploaded with the credentials of the storage: the presigned request would be rejected.
    let key = format!("uploads/{}", upload.image_id);
    harness
        .objects
        .put(&key, "image/png", png(800, 600, 600).into())
        .await
        .unwrap();
    let error = assert_reason(
        harness.complete_upload(host, &car.id, &upload.image_id).await,
        ErrorReason::ImageInvalid,
    );
    assert_eq!(error.metadata()["fault"], "size");
    assert!(!harness.is_stored(&key).await);
    harness.finish().await;
}

#[tokio::test]
async fn create_image_upload_beyond_twenty_is_refused_and_expired_ones_do_not_count() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.inactive_car(host).await;
    for _ in 0..20 {
        harness
            .create_upload(host, &car.id, "image/webp", 1)
            .await
            .unwrap();
    }
    let error = assert_reason(
        harness.create_upload(host, &car.id, "image/webp", 1).await,
        ErrorReason::TooManyImages,
    );
    assert_eq!(error.metadata()["max"], "20");
    harness.clock.advance(Duration::from_hours(1));
    let upload = harness
        .create_upload(host, &car.id, "image/webp", 1)
        .await
        .unwrap();
    harness.clock.advance(Duration::from_hours(1));
    assert_reason(
        harness.complete_upload(host, &car.id, &upload.image_id).await,
        ErrorReason::ImageNotFound,
    );
    harness.finish().await;
}

#[tokio::test]
async fn image_uploads_of_another_host_are_not_found() {
    let harness = Harness::start().await;
    let (host, other) = (harness.host(), harness.host());
    let (car, others) = (
        harness.inactive_car(host).await,
        harness.inactive_car(other).await,
    );
    assert_reason(
        harness.create_upload(other, &car.id, "image/png", 1).await,
        ErrorReason::VehicleNotFound,
    );
    let upload = harness
        .create_upload(host, &car.id, "image/png", 1)
        .await
        .unwrap();
    assert_reason(
        harness.complete_upload(other, &car.id, &upload.image_id).await,
        ErrorReason::VehicleNotFound,
    );
    assert_reason(
        harness.complete_upload(other, &others.id, &upload.image_id).await,
        ErrorReason::ImageNotFound,
    );
    let unknown = Uuid::from_u128(1).to_string();
    assert_reason(
        harness.complete_upload(host, &car.id, &unknown).await,
        ErrorReason::ImageNotFound,
    );
    assert_reason(
        harness
            .create_upload(harness.guest(), &car.id, "image/png", 1)
            .await,
        Common::PermissionDenied,
    );
    harness.finish().await;
}

#[tokio::test]
async fn create_image_upload_with_invalid_fields_names_them() {
    let harness = Harness::start().await;
    for size in [0, (10 << 20) + 1] {
        let created = harness
            .create_upload(harness.host(), "seven", "image/gif", size)
            .await;
        let error = assert_reason(created, Common::InvalidArgument);
        let fields: Vec<&str> = error
            .violations()
            .iter()
            .map(|violation| violation.field.as_str())
            .collect();
        assert_eq!(fields, ["vehicle_id", "content_type", "size_bytes"]);
    }
    harness.finish().await;
}
