//! `ListImages`, `ArrangeImages` and `DeleteImage`.

use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::vehicle_image_service_client::VehicleImageServiceClient;
use carshare_proto::vehicle::v1::*;
use tonic::transport::Channel;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::harness::images::{http, png, put};
use crate::harness::{
    Harness, Person, assert_reason, into_message, timestamp, wait_until, with_idempotency_key,
};

impl Harness {
    fn images(&self) -> VehicleImageServiceClient<Channel> {
        VehicleImageServiceClient::new(self.channel())
    }

    async fn list_images(&self, person: Person, vehicle_id: &str) -> Result<Vec<VehicleImage>, Status> {
        let vehicle_id = vehicle_id.to_owned();
        let request = self.request(person, ListImagesRequest { vehicle_id });
        let listed = into_message(self.images().list_images(request).await)?;
        Ok(listed.images)
    }

    async fn arrange(&self, host: Person, car: &Vehicle, ids: &[&str]) -> Result<Vec<VehicleImage>, Status> {
        let request = ArrangeImagesRequest {
            vehicle_id: car.id.clone(),
            image_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        };
        let arranged = self.images().arrange_images(self.request(host, request)).await;
        Ok(into_message(arranged)?.images)
    }

    fn deletion(&self, host: Person, car: &Vehicle, image_id: &str) -> Request<DeleteImageRequest> {
        let request = DeleteImageRequest {
            vehicle_id: car.id.clone(),
            image_id: image_id.to_owned(),
        };
        self.request(host, request)
    }

    async fn delete_image(
        &self,
        host: Person,
        car: &Vehicle,
        image_id: &str,
    ) -> Result<DeleteImageResponse, Status> {
        let request = self.deletion(host, car, image_id);
        into_message(self.images().delete_image(request).await)
    }

    /// Registers a car with this many photos and returns it with the photos.
    async fn car_with_photos(&self, host: Person, count: usize) -> (Vehicle, Vec<VehicleImage>) {
        let mut car = self.inactive_car(host).await;
        for _ in 0..count {
            car = self.add_photo(host, &car).await;
        }
        let images = self.list_images(host, &car.id).await.unwrap();
        assert_eq!(images.len(), count);
        (car, images)
    }
}

fn urls(images: &[VehicleImage]) -> Vec<String> {
    images.iter().map(|image| image.url.clone()).collect()
}

#[tokio::test]
async fn photos_are_listed_in_the_order_of_upload() {
    let harness = Harness::start().await;
    let host = harness.host();
    let (car, images) = harness.car_with_photos(host, 3).await;
    assert_eq!(urls(&images), car.images);
    let first = &images[0];
    assert_eq!(
        (first.content_type.as_str(), first.width, first.height),
        ("image/jpeg", 800, 600)
    );
    assert_eq!(
        harness.list_images(harness.guest(), &car.id).await.unwrap(),
        images
    );
    harness
        .set_status(host, &car, VehicleStatus::Inactive)
        .await
        .unwrap();
    assert_eq!(harness.list_images(host, &car.id).await.unwrap(), images);
    let hidden = harness.list_images(harness.guest(), &car.id).await;
    assert_reason(hidden, ErrorReason::VehicleNotFound);
    harness.finish().await;
}

#[tokio::test]
async fn named_photos_move_to_the_front_and_later_ones_come_last() {
    let harness = Harness::start().await;
    let host = harness.host();
    let (car, images) = harness.car_with_photos(host, 3).await;
    let [a, b, c] = [0, 1, 2].map(|n| images[n].clone());
    harness.clock.advance(Duration::from_mins(1));
    let arranged = harness.arrange(host, &car, &[&c.id]).await.unwrap();
    assert_eq!(arranged, [c.clone(), a.clone(), b.clone()]);
    let shown = harness.get(host, &car.id).await.unwrap();
    assert_eq!(
        (shown.images, shown.updated_at),
        (urls(&arranged), timestamp("23T09:01"))
    );

    let added = harness.add_photo(host, &car).await;
    assert_eq!(added.images[..3], urls(&arranged));
    let arranged = harness.arrange(host, &car, &[&b.id, &a.id]).await.unwrap();
    assert_eq!(arranged[..3], [b, a, c]);
    assert_eq!(arranged[3].url, added.images[3]);

    harness.clock.advance(Duration::from_mins(1));
    let before = harness.get(host, &car.id).await.unwrap();
    let cover = arranged[0].id.as_str();
    assert_eq!(harness.arrange(host, &car, &[cover]).await.unwrap(), arranged);
    assert_eq!(harness.get(host, &car.id).await.unwrap(), before);
    assert_eq!(harness.events::<VehicleUpdated>().await.len(), 2);
    harness.finish().await;
}

#[tokio::test]
async fn arrangement_of_unknown_photos_or_by_others_is_refused() {
    let harness = Harness::start().await;
    let host = harness.host();
    let (car, images) = harness.car_with_photos(host, 2).await;
    let (_, elsewhere) = harness.car_with_photos(host, 1).await;
    let announced = harness
        .create_upload(host, &car.id, "image/png", 500)
        .await
        .unwrap();
    for id in [&elsewhere[0].id, &announced.image_id] {
        let refused = harness.arrange(host, &car, &[&images[1].id, id]).await;
        assert_reason(refused, ErrorReason::ImageNotFound);
    }
    let second = images[1].id.as_str();
    let refused = harness.arrange(harness.host(), &car, &[second]).await;
    assert_reason(refused, ErrorReason::VehicleNotFound);
    let refused = harness.arrange(harness.guest(), &car, &[second]).await;
    assert_reason(refused, Common::PermissionDenied);
    for ids in [&[][..], &["x"], &[second, second]] {
        let error = assert_reason(harness.arrange(host, &car, ids).await, Common::InvalidArgument);
        assert!(error.violations()[0].field.starts_with("image_ids"), "{ids:?}");
    }
    assert_eq!(harness.list_images(host, &car.id).await.unwrap(), images);
    harness.finish().await;
}

#[tokio::test]
async fn deleted_photo_and_its_file_are_gone() {
    let harness = Harness::start().await;
    let host = harness.host();
    let (car, images) = harness.car_with_photos(host, 2).await;
    harness.clock.advance(Duration::from_mins(1));
    let keys = |image: &VehicleImage| {
        ["photo", "thumbnail"].map(|name| format!("vehicles/{}/{}/{name}.jpeg", car.id, image.id))
    };
    for _ in 0..2 {
        let request = with_idempotency_key(harness.deletion(host, &car, &images[0].id), "k1");
        harness.images().delete_image(request).await.unwrap();
    }
    let left = &images[1..];
    assert_eq!(harness.list_images(host, &car.id).await.unwrap(), left);
    let shown = harness.get(host, &car.id).await.unwrap();
    assert_eq!(
        (shown.images, shown.updated_at),
        (urls(left), timestamp("23T09:01"))
    );
    assert_eq!(harness.events::<VehicleUpdated>().await.len(), 1);
    for (deleted, kept) in keys(&images[0]).iter().zip(keys(&images[1])) {
        assert!(!harness.is_stored(deleted).await);
        assert!(harness.is_stored(&kept).await);
    }
    let erased = http().get(&images[0].url).send().await.unwrap();
    assert_eq!(erased.status().as_u16(), 404);
    // The row stays until no call can write the files again.
    harness.clock.advance(Duration::from_hours(1));
    wait_until(|| async { harness.row_count("vehicle_images").await == 1 }).await;
    assert_reason(
        harness.delete_image(host, &car, &images[0].id).await,
        ErrorReason::ImageNotFound,
    );
    assert_reason(
        harness.complete_upload(host, &car.id, &images[0].id).await,
        ErrorReason::ImageNotFound,
    );
    harness.finish().await;
}

#[tokio::test]
async fn only_photo_of_an_active_car_is_kept() {
    let harness = Harness::start().await;
    let host = harness.host();
    let (car, images) = harness.car_with_photos(host, 1).await;
    let only = images[0].id.as_str();
    assert_reason(harness.delete_image(host, &car, only).await, ErrorReason::NoImage);
    assert_reason(
        harness.delete_image(harness.host(), &car, only).await,
        ErrorReason::VehicleNotFound,
    );
    let unknown = Uuid::from_u128(1).to_string();
    assert_reason(
        harness.delete_image(host, &car, &unknown).await,
        ErrorReason::ImageNotFound,
    );
    let error = assert_reason(
        harness.delete_image(host, &car, "x").await,
        Common::InvalidArgument,
    );
    assert_eq!(error.violations()[0].field, "image_id");
    harness
        .set_status(host, &car, VehicleStatus::Inactive)
        .await
        .unwrap();
    harness.delete_image(host, &car, only).await.unwrap();
    assert_reason(
        harness.set_status(host, &car, VehicleStatus::Active).await,
        ErrorReason::NoImage,
    );
    harness.finish().await;
}

#[tokio::test]
async fn file_uploaded_after_the_photo_was_deleted_is_deleted() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let upload = harness
        .create_upload(host, &car.id, "image/png", 500)
        .await
        .unwrap();
    put(&upload, png(800, 600, 500)).await;
    let completed = harness.complete_upload(host, &car.id, &upload.image_id).await;
    completed.unwrap();
    harness.delete_image(host, &car, &upload.image_id).await.unwrap();
    // The job runs while the URL takes uploads.
    harness.clock.advance(Duration::from_mins(10));
    assert_eq!(put(&upload, png(800, 600, 500)).await, 200);
    let rows = harness.row_count("vehicle_images").await;
    harness.clock.advance(Duration::from_mins(11));
    wait_until(|| async { harness.row_count("vehicle_images").await == rows - 1 }).await;
    assert!(!harness.is_stored(&format!("uploads/{}", upload.image_id)).await);
    harness.finish().await;
}
