//! What the clock asks for.

use std::time::Duration;

use carshare_proto::vehicle::v1::*;
use uuid::Uuid;

use crate::bench::{Bench, soon};

#[tokio::test]
async fn dead_holds_and_old_memories_are_swept() {
    let bench = Bench::start().await;
    let car = bench.car(bench.host()).await;
    bench
        .hold(Uuid::from_u128(1), &car, ("24T10:00", "24T14:00"))
        .await
        .unwrap();
    let told_at = bench.clock.now();
    bench
        .execute(&format!(
            "INSERT INTO released_bookings VALUES ('{}', '{told_at}')",
            Uuid::from_u128(2)
        ))
        .await;
    bench.clock.advance(Duration::from_mins(11));
    soon(|| async { bench.rows("occupancies").await == 0 }).await;
    assert_eq!(bench.rows("released_bookings").await, 1);
    bench.clock.advance(Duration::from_hours(720));
    soon(|| async { bench.rows("released_bookings").await == 0 }).await;
    bench.finish().await;
}

#[tokio::test]
async fn uploads_that_were_never_completed_are_swept_with_their_files() {
    let bench = Bench::start().await;
    let host = bench.host();
    let car = bench.waiting_car(host).await;
    let photo = CreateImageUploadRequest {
        vehicle_id: car.id,
        content_type: "image/png".into(),
        size_bytes: 3,
    };
    let upload = bench
        .client
        .clone()
        .create_image_upload(bench.by(host, photo))
        .await
        .unwrap()
        .into_inner();
    let key = format!("uploads/{}", upload.image_id);
    bench
        .objects
        .put(&key, "image/png", (&b"abc"[..]).into())
        .await
        .unwrap();
    bench.clock.advance(Duration::from_hours(2));
    soon(|| async { bench.rows("vehicle_images").await == 0 }).await;
    assert!(matches!(
        bench.objects.head(&key).await,
        Err(carshare_objects::Error::NotFound)
    ));
    bench.finish().await;
}
