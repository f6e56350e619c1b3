//! Operations on objects.

use bytes::Bytes;
use carshare_objects::{Config, Error, Objects};

use crate::{bucket, config};

#[tokio::test]
async fn object_is_written_inspected_read_and_deleted() {
    let (_server, objects) = bucket().await;
    objects
        .put(
            "vehicles/1/front.png",
            "image/png",
            Bytes::from_static(b"\x89PNG...."),
        )
        .await
        .unwrap();

    let head = objects.head("vehicles/1/front.png").await.unwrap();
    assert_eq!(
        (head.content_length_bytes, head.content_type.as_deref()),
        (8, Some("image/png"))
    );
    assert!(head.etag.is_some());
    assert_eq!(
        objects.get("vehicles/1/front.png").await.unwrap(),
        &b"\x89PNG...."[..]
    );

    objects.delete("vehicles/1/front.png").await.unwrap();
    objects.delete("vehicles/1/front.png").await.unwrap();
    assert!(matches!(
        objects.head("vehicles/1/front.png").await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        objects.get("vehicles/1/front.png").await,
        Err(Error::NotFound)
    ));
}

#[tokio::test]
async fn ensure_bucket_creates_a_missing_bucket_once() {
    let server = carshare_testkit::s3().await;
    let objects = Objects::new(&config(&server)).unwrap();
    assert!(matches!(objects.check().await, Err(Error::NotFound)));
    objects.ensure_bucket().await.unwrap();
    objects.ensure_bucket().await.unwrap();
    objects.check().await.unwrap();
}

#[tokio::test]
async fn public_url_serves_the_object_without_credentials() {
    let (server, objects) = bucket().await;
    objects
        .put("차/앞 모습.png", "image/png", Bytes::from_static(b"png"))
        .await
        .unwrap();
    let url = objects.public_url("차/앞 모습.png");
    let key = "%EC%B0%A8/%EC%95%9E%20%EB%AA%A8%EC%8A%B5.png";
    assert_eq!(url, format!("{}/pictures/{key}", server.endpoint));
    assert_eq!(
        reqwest::get(url).await.unwrap().bytes().await.unwrap(),
        &b"png"[..]
    );

    let public = Config {
        public_endpoint: Some("https://cdn.example/".to_owned()),
        ..config(&server)
    };
    let objects = Objects::new(&public).unwrap();
    assert_eq!(
        objects.public_url("a/b.png"),
        "https://cdn.example/pictures/a/b.png"
    );
}

#[tokio::test]
async fn new_refuses_an_invalid_configuration() {
    assert!(
        Objects::new(&Config {
            bucket: "b".into(),
            ..Config::default()
        })
        .is_err()
    );
    assert!(
        Objects::new(&Config {
            endpoint: "http://h".into(),
            ..Config::default()
        })
        .is_err()
    );
    let ftp = Config {
        endpoint: "ftp://h".into(),
        bucket: "b".into(),
        ..Config::default()
    };
    assert!(Objects::new(&ftp).is_err());
    let without_secret = Config {
        endpoint: "http://h".into(),
        bucket: "b".into(),
        access_key: "a".into(),
        ..Config::default()
    };
    let refused = Objects::new(&without_secret).err().unwrap();
    assert_eq!(refused.to_string(), "objects.secret_key is not set");
}
