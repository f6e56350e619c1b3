//! `CreateImageUpload`, `CompleteImageUpload`: photos go straight to a real S3 server by the presigned request.

use carshare_objects::Error as ObjectsError;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use std::time::Duration;
use tonic::Status;
use uuid::Uuid;

use crate::harness::{Harness, Person, keyed, only, refused, stamp};

/// A PNG as far as anybody looks.
fn png(width: u32, height: u32, size: usize) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 2, 0, 0, 0]);
    bytes.resize(size, 0);
    bytes
}

impl Harness {
    async fn announce(
        &self,
        host: Person,
        vehicle_id: &str,
        content_type: &str,
        size: usize,
    ) -> Result<ImageUpload, Status> {
        let photo = CreateImageUploadRequest {
            vehicle_id: vehicle_id.into(),
            content_type: content_type.into(),
            size_bytes: size as i64,
        };
        only(
            self.client
                .clone()
                .create_image_upload(self.by(host, photo))
                .await,
        )
    }

    async fn complete(&self, host: Person, vehicle_id: &str, image_id: &str) -> Result<Vehicle, Status> {
        let photo = CompleteImageUploadRequest {
            vehicle_id: vehicle_id.into(),
            image_id: image_id.into(),
        };
        only(
            self.client
                .clone()
                .complete_image_upload(self.by(host, photo))
                .await,
        )
    }

    /// A photo that is there and checked.
    async fn photo(&self, host: Person, car: &Vehicle) -> Vehicle {
        let upload = self.announce(host, &car.id, "image/png", 500).await.unwrap();
        assert_eq!(put(&upload, png(800, 600, 500)).await, 200);
        self.complete(host, &car.id, &upload.image_id).await.unwrap()
    }

    async fn is_stored(&self, key: &str) -> bool {
        match self.objects.head(key).await {
            Ok(_) => true,
            Err(ObjectsError::NotFound) => false,
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap()
}

/// Sends the file exactly as told; the status of the answer.
async fn put(upload: &ImageUpload, file: Vec<u8>) -> u16 {
    let method: reqwest::Method = upload.method.parse().unwrap();
    let request = http().request(method, &upload.url).body(file);
    let request = upload
        .headers
        .iter()
        .fold(request, |request, (name, value)| request.header(name, value));
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_first_photo_activates_the_car_and_the_second_does_not() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.waiting_car(host).await;
    let upload = harness.announce(host, &car.id, "image/png", 500).await.unwrap();
    assert_eq!(
        (upload.method.as_str(), upload.expires_at),
        ("PUT", stamp("23T09:15"))
    );
    let file = png(800, 600, 500);
    assert_eq!(put(&upload, file.clone()).await, 200);

    let active = harness.complete(host, &car.id, &upload.image_id).await.unwrap();
    assert_eq!((active.status(), active.images.len()), (VehicleStatus::Active, 1));
    assert!(active.images[0].ends_with(&format!("/vehicles/vehicles/{}/{}.png", car.id, upload.image_id)));
    let shown = http().get(&active.images[0]).send().await.unwrap();
    assert_eq!(shown.headers()["content-type"], "image/png");
    assert_eq!(shown.bytes().await.unwrap(), file);

    let second = harness.photo(host, &car).await;
    assert_eq!((second.images.len(), &second.images[0]), (2, &active.images[0]));
    let told = VehicleActivated {
        vehicle_id: car.id,
        owner_id: host.id.to_string(),
        title: "제네시스 G80".into(),
    };
    assert_eq!(harness.told::<VehicleActivated>().await, [told]);
    harness.finish().await;
}

#[tokio::test]
async fn what_is_uploaded_after_the_check_is_not_shown() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.waiting_car(host).await;
    let upload = harness.announce(host, &car.id, "image/png", 500).await.unwrap();
    put(&upload, png(800, 600, 500)).await;
    let shown = harness
        .complete(host, &car.id, &upload.image_id)
        .await
        .unwrap()
        .images
        .remove(0);
    assert_eq!(put(&upload, vec![7; 500]).await, 200);
    let bytes = http().get(shown).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(bytes, png(800, 600, 500));
    harness.finish().await;
}

#[tokio::test]
async fn size_and_type_are_part_of_the_signature() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.waiting_car(host).await;
    let upload = harness.announce(host, &car.id, "image/png", 500).await.unwrap();
    let mut longer = upload.clone();
    longer.headers.insert("content-length".into(), "501".into());
    assert_eq!(put(&longer, png(800, 600, 501)).await, 403);
    let mut html = upload.clone();
    html.headers.insert("content-type".into(), "text/html".into());
    assert_eq!(put(&html, png(800, 600, 500)).await, 403);
    refused(
        harness.complete(host, &car.id, &upload.image_id).await,
        ErrorReason::ImageNotUploaded,
    );
    harness.finish().await;
}

#[tokio::test]
async fn a_file_that_is_no_photo_is_removed() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.waiting_car(host).await;
    let table = [
        ("image/png", vec![b'<'; 500], "format"),
        ("image/jpeg", png(800, 600, 500), "format"),
        ("image/png", png(0, 600, 500), "dimensions"),
        ("image/png", png(100_000, 600, 500), "dimensions"),
    ];
    for (content_type, file, fault) in table {
        let upload = harness.announce(host, &car.id, content_type, 500).await.unwrap();
        assert_eq!(put(&upload, file).await, 200);
        let error = refused(
            harness.complete(host, &car.id, &upload.image_id).await,
            ErrorReason::ImageInvalid,
        );
        assert_eq!(error.metadata()["fault"], fault);
        assert!(!harness.is_stored(&format!("uploads/{}", upload.image_id)).await);
        refused(
            harness.complete(host, &car.id, &upload.image_id).await,
            ErrorReason::ImageNotFound,
        );
    }
    assert_eq!(harness.rows("vehicle_images").await, 0);
    assert_eq!(
        harness.get(host, &car.id).await.unwrap().status(),
        VehicleStatus::Inactive
    );
    harness.finish().await;
}

#[tokio::test]
async fn a_file_of_another_size_than_announced_is_removed() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.waiting_car(host).await;
    let upload = harness.announce(host, &car.id, "image/png", 500).await.unwrap();
    // Only the storage's own keys can do this: the signed request cannot.
    let key = format!("uploads/{}", upload.image_id);
    harness
        .objects
        .put(&key, "image/png", png(800, 600, 600).into())
        .await
        .unwrap();
    let error = refused(
        harness.complete(host, &car.id, &upload.image_id).await,
        ErrorReason::ImageInvalid,
    );
    assert_eq!(error.metadata()["fault"], "size");
    assert!(!harness.is_stored(&key).await);
    harness.finish().await;
}

#[tokio::test]
async fn a_photo_completed_twice_is_one() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.waiting_car(host).await;
    let upload = harness.announce(host, &car.id, "image/png", 500).await.unwrap();
    put(&upload, png(800, 600, 500)).await;
    let first = harness.complete(host, &car.id, &upload.image_id).await.unwrap();
    harness.clock.advance(Duration::from_mins(1));
    assert_eq!(
        harness.complete(host, &car.id, &upload.image_id).await.unwrap(),
        first
    );
    assert_eq!(harness.told::<VehicleActivated>().await.len(), 1);
    harness.finish().await;
}

#[tokio::test]
async fn photos_completed_at_once_activate_the_car_once() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.waiting_car(host).await;
    let mut uploads = Vec::new();
    for _ in 0..4 {
        let upload = harness.announce(host, &car.id, "image/png", 500).await.unwrap();
        put(&upload, png(800, 600, 500)).await;
        uploads.push(upload);
    }
    let completing = uploads
        .iter()
        .map(|upload| harness.complete(host, &car.id, &upload.image_id));
    for completed in futures::future::join_all(completing).await {
        completed.unwrap();
    }
    assert_eq!(harness.get(host, &car.id).await.unwrap().images.len(), 4);
    assert_eq!(harness.told::<VehicleActivated>().await.len(), 1);
    harness.finish().await;
}

#[tokio::test]
async fn a_car_has_twenty_photos_at_most_and_given_up_ones_do_not_count() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.waiting_car(host).await;
    for _ in 0..20 {
        harness.announce(host, &car.id, "image/webp", 1).await.unwrap();
    }
    let error = refused(
        harness.announce(host, &car.id, "image/webp", 1).await,
        ErrorReason::TooManyImages,
    );
    assert_eq!(error.metadata()["max"], "20");
    harness.clock.advance(Duration::from_hours(1));
    let upload = harness.announce(host, &car.id, "image/webp", 1).await.unwrap();
    harness.clock.advance(Duration::from_hours(1));
    refused(
        harness.complete(host, &car.id, &upload.image_id).await,
        ErrorReason::ImageNotFound,
    );
    harness.finish().await;
}

#[tokio::test]
async fn photos_are_of_ones_own_car() {
    let harness = Harness::start().await;
    let (host, other) = (harness.host(), harness.host());
    let (car, others) = (harness.waiting_car(host).await, harness.waiting_car(other).await);
    refused(
        harness.announce(other, &car.id, "image/png", 1).await,
        ErrorReason::VehicleNotFound,
    );
    let upload = harness.announce(host, &car.id, "image/png", 1).await.unwrap();
    refused(
        harness.complete(other, &car.id, &upload.image_id).await,
        ErrorReason::VehicleNotFound,
    );
    refused(
        harness.complete(other, &others.id, &upload.image_id).await,
        ErrorReason::ImageNotFound,
    );
    let unknown = Uuid::from_u128(1).to_string();
    refused(
        harness.complete(host, &car.id, &unknown).await,
        ErrorReason::ImageNotFound,
    );
    refused(
        harness.announce(harness.guest(), &car.id, "image/png", 1).await,
        Common::PermissionDenied,
    );
    harness.finish().await;
}

#[tokio::test]
async fn announcements_name_every_wrong_field() {
    let harness = Harness::start().await;
    for size in [0, (10 << 20) + 1] {
        let announced = harness.announce(harness.host(), "seven", "image/gif", size).await;
        let error = refused(announced, Common::InvalidArgument);
        let fields: Vec<&str> = error
            .violations()
            .iter()
            .map(|violation| violation.field.as_str())
            .collect();
        assert_eq!(fields, ["vehicle_id", "content_type", "size_bytes"]);
    }
    harness.finish().await;
}

#[tokio::test]
async fn an_announcement_repeated_under_its_key_is_one_photo() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.waiting_car(host).await;
    let announce = async |size_bytes| {
        let vehicle_id = car.id.clone();
        let photo = CreateImageUploadRequest {
            vehicle_id,
            content_type: "image/png".into(),
            size_bytes,
        };
        only(
            harness
                .client
                .clone()
                .create_image_upload(keyed(harness.by(host, photo), "key-1"))
                .await,
        )
    };
    let first = announce(500).await.unwrap();
    assert_eq!(announce(500).await.unwrap(), first);
    assert_eq!(harness.rows("vehicle_images").await, 1);
    refused(announce(501).await, Common::IdempotencyKeyReused);
    harness.finish().await;
}
