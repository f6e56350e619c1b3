//! Bounds of the conversion, against a real S3 server.

use carshare_chassis::config::Secret;

use super::*;
use crate::Config;

/// A JPEG of one colour.
fn file() -> bytes::Bytes {
    let mut file = Vec::new();
    let image = ::image::RgbImage::new(40, 30);
    ::image::codecs::jpeg::JpegEncoder::new(&mut file)
        .encode_image(&image)
        .unwrap();
    file.into()
}

#[tokio::test]
async fn conversion_beyond_the_waiting_ones_is_refused_at_once() {
    let server = carshare_testkit::s3().await;
    let config = Config {
        endpoint: server.endpoint.clone(),
        bucket: "pictures".to_owned(),
        access_key: Secret::from(server.access_key.as_str()),
        secret_key: Secret::from(server.secret_key.as_str()),
        photos: PhotoConfig {
            max_parallel: 1,
            max_waiting: 2,
            ..PhotoConfig::default()
        },
        ..Config::default()
    };
    let objects = Objects::new(&config).unwrap();
    objects.ensure_bucket().await.unwrap();
    objects.put("uploads/1", "image/jpeg", file()).await.unwrap();
    let photos = Photos::new(objects.clone(), &config.photos);

    let others = photos.places.acquire_many(3).await.unwrap();
    let Err(PublishError::Other(refused)) = photos.publish("uploads/1", None, "vehicles/1").await else {
        panic!("not refused");
    };
    assert_eq!(
        (refused.reason(), refused.retry_delay()),
        ("UNAVAILABLE", Some(RETRY_AFTER))
    );
    drop(others);
    let published = photos.publish("uploads/1", None, "vehicles/1").await.unwrap();
    assert_eq!(
        published.pixels,
        Pixels {
            width: 40,
            height: 30
        }
    );
    assert_eq!(photos.places.available_permits(), 3);
    let thumbnail = thumbnail_of(&key("vehicles/1")).unwrap();
    objects.head(&thumbnail).await.unwrap();
    for _ in 0..2 {
        photos.delete("vehicles/1").await.unwrap();
    }
    for key in [key("vehicles/1"), thumbnail] {
        assert!(matches!(objects.head(&key).await, Err(Error::NotFound)));
    }
    let missing = photos.publish("uploads/2", None, "vehicles/2").await;
    assert!(matches!(missing, Err(PublishError::NotUploaded)));
}
