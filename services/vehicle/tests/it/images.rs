//! `CreateImageUpload` and `CompleteImageUpload`, with presigned uploads to a real S3 server.

use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;

use crate::harness::images::{http, png, put};
use crate::harness::{Harness, assert_reason, into_message, timestamp, wait_until, with_idempotency_key};

#[tokio::test]
async fn first_photo_activates_the_car_and_the_second_does_not() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.inactive_car(host).await;
    let upload = harness
        .create_upload(host, &car.id, "image/png", 500)
        .await
        .unwrap();
    assert_eq!(
        (upload.method.as_str(), upload.expires_at),
        ("PUT", timestamp("23T09:15"))
    );
    assert_eq!(put(&upload, png(800, 600, 500)).await, 200);

    let active = harness
        .complete_upload(host, &car.id, &upload.image_id)
        .await
        .unwrap();
    assert_eq!((active.status(), active.images.len()), (VehicleStatus::Active, 1));
    let folder = format!("/vehicles/vehicles/{}/{}", car.id, upload.image_id);
    assert!(active.images[0].ends_with(&format!("{folder}/photo.jpeg")));
    let thumbnail = active.thumbnail_url.clone().unwrap();
    assert!(thumbnail.ends_with(&format!("{folder}/thumbnail.jpeg")));
    for url in [&active.images[0], &thumbnail] {
        let shown = http().get(url).send().await.unwrap();
        let headers = shown.headers().clone();
        assert_eq!(headers["content-type"], "image/jpeg");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        let shown = shown.bytes().await.unwrap();
        assert!(shown.starts_with(b"\xff\xd8\xff") && shown.ends_with(b"\xff\xd9"));
    }
    assert!(!harness.is_stored(&format!("uploads/{}", upload.image_id)).await);

    let second = harness.add_photo(host, &car).await;
    assert_eq!((second.images.len(), &second.images[0]), (2, &active.images[0]));
    let expected_event = VehicleActivated {
        vehicle_id: car.id,
        owner_id: host.id.to_string(),
        title: "제네시스 G80".into(),
    };
    assert_eq!(harness.events::<VehicleActivated>().await, [expected_event]);
    harness.finish().await;
}

#[tokio::test]
async fn file_uploaded_after_completion_is_not_shown() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.inactive_car(host).await;
    let upload = harness
        .create_upload(host, &car.id, "image/png", 500)
        .await
        .unwrap();
    put(&upload, png(800, 600, 500)).await;
    let shown = harness
        .complete_upload(host, &car.id, &upload.image_id)
        .await
        .unwrap()
        .images
        .remove(0);
    assert_eq!(put(&upload, vec![7; 500]).await, 200);
    let bytes = http().get(shown).send().await.unwrap().bytes().await.unwrap();
    assert!(bytes.starts_with(b"\xff\xd8\xff"));
    // Nobody reads the upload, and it is deleted when its URL has expired.
    let upload_key = format!("uploads/{}", upload.image_id);
    let raw = http()
        .get(harness.objects.public_url(&upload_key))
        .send()
        .await
        .unwrap();
    assert_eq!(raw.status().as_u16(), 403);
    harness.clock.advance(Duration::from_hours(1));
    wait_until(|| async { !harness.is_stored(&upload_key).await }).await;
    harness.finish().await;
}

#[tokio::test]
async fn complete_image_upload_repeated_returns_the_same_car() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.inactive_car(host).await;
    let upload = harness
        .create_upload(host, &car.id, "image/png", 500)
        .await
        .unwrap();
    put(&upload, png(800, 600, 500)).await;
    let first = harness
        .complete_upload(host, &car.id, &upload.image_id)
        .await
        .unwrap();
    harness.clock.advance(Duration::from_mins(1));
    assert_eq!(
        harness
            .complete_upload(host, &car.id, &upload.image_id)
            .await
            .unwrap(),
        first
    );
    assert_eq!(harness.events::<VehicleActivated>().await.len(), 1);
    harness.finish().await;
}

#[tokio::test]
async fn photos_completed_concurrently_activate_the_car_once() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.inactive_car(host).await;
    let mut uploads = Vec::new();
    for _ in 0..4 {
        let upload = harness
            .create_upload(host, &car.id, "image/png", 500)
            .await
            .unwrap();
        put(&upload, png(800, 600, 500)).await;
        uploads.push(upload);
    }
    let completing = uploads
        .iter()
        .map(|upload| harness.complete_upload(host, &car.id, &upload.image_id));
    for completed in futures::future::join_all(completing).await {
        completed.unwrap();
    }
    assert_eq!(harness.get(host, &car.id).await.unwrap().images.len(), 4);
    assert_eq!(harness.events::<VehicleActivated>().await.len(), 1);
    harness.finish().await;
}

#[tokio::test]
async fn create_image_upload_repeated_with_its_key_creates_one_photo() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.inactive_car(host).await;
    let create_upload = async |size_bytes| {
        let vehicle_id = car.id.clone();
        let photo = CreateImageUploadRequest {
            vehicle_id,
            content_type: "image/png".into(),
            size_bytes,
        };
        into_message(
            harness
                .client
                .clone()
                .create_image_upload(with_idempotency_key(harness.request(host, photo), "key-1"))
                .await,
        )
    };
    let first = create_upload(500).await.unwrap();
    assert_eq!(create_upload(500).await.unwrap(), first);
    assert_eq!(harness.row_count("vehicle_images").await, 1);
    assert_reason(create_upload(501).await, Common::IdempotencyKeyReused);
    harness.finish().await;
}
