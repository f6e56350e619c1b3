//! Jobs: deletion of expired holds, past occupancies and expired uploads.

use std::time::Duration;

use carshare_proto::vehicle::v1::*;
use uuid::Uuid;

use crate::harness::{Harness, wait_until};

#[tokio::test]
async fn expired_holds_and_past_occupancies_are_deleted_and_releases_are_kept() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    let tuesday = ("24T10:00", "24T14:00");
    harness.hold(Uuid::from_u128(1), &car, tuesday).await.unwrap();
    let now = harness.clock.now();
    harness
        .execute(&format!(
            "INSERT INTO released_bookings VALUES ('{}', '{now}')",
            Uuid::from_u128(2)
        ))
        .await;
    harness.clock.advance(Duration::from_mins(11));
    wait_until(|| async { harness.row_count("occupancies").await == 0 }).await;
    harness.confirm(Uuid::from_u128(3), &car, tuesday).await.unwrap();
    harness.clock.advance(Duration::from_hours(92 * 24));
    wait_until(|| async { harness.row_count("occupancies").await == 0 }).await;
    assert_eq!(harness.row_count("released_bookings").await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn uploads_that_expired_are_deleted_with_their_files() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.inactive_car(host).await;
    let photo = CreateImageUploadRequest {
        vehicle_id: car.id,
        content_type: "image/png".into(),
        size_bytes: 3,
    };
    let upload = harness
        .client
        .clone()
        .create_image_upload(harness.request(host, photo))
        .await
        .unwrap()
        .into_inner();
    let key = format!("uploads/{}", upload.image_id);
    harness
        .objects
        .put(&key, "image/png", (&b"abc"[..]).into())
        .await
        .unwrap();
    harness.clock.advance(Duration::from_hours(2));
    wait_until(|| async { harness.row_count("vehicle_images").await == 0 }).await;
    assert!(matches!(
        harness.objects.head(&key).await,
        Err(carshare_objects::Error::NotFound)
    ));
    harness.finish().await;
}
