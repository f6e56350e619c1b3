//! Presigned uploads.

use std::time::Duration;

use carshare_objects::{Config, Error, Objects, PresignedPut};
use reqwest::Client;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{bucket, config};

const MINUTE: Duration = Duration::from_mins(1);

fn http() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

async fn upload(put: &PresignedPut, content_type: Option<&str>, body: &'static [u8]) -> u16 {
    let mut request = http().put(&put.url).body(body);
    for (name, value) in &put.headers {
        // The HTTP client sets the length from the body, as browsers do.
        if name != "content-length" && name != "content-type" {
            request = request.header(name, value);
        }
    }
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn upload_of_another_type_or_length_is_refused() {
    let (_server, objects) = bucket().await;
    let put = objects
        .presign_put("front.png", "image/png", 5, MINUTE)
        .await
        .unwrap();
    let mut headers = put.headers.clone();
    headers.sort();
    let expected = [("content-length", "5"), ("content-type", "image/png")];
    assert_eq!(
        headers,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );

    assert_eq!(upload(&put, Some("text/html"), b"12345").await, 403);
    assert_eq!(upload(&put, None, b"12345").await, 403);
    assert_eq!(upload(&put, Some("image/png"), b"123456").await, 403);
    assert!(matches!(objects.head("front.png").await, Err(Error::NotFound)));
    assert_eq!(upload(&put, Some("image/png"), b"12345").await, 200);
    assert_eq!(objects.get("front.png").await.unwrap(), &b"12345"[..]);
}

#[tokio::test]
async fn changed_key_or_expiry_is_refused() {
    let (_server, objects) = bucket().await;
    let put = objects
        .presign_put("front.png", "image/png", 5, MINUTE)
        .await
        .unwrap();
    let elsewhere = PresignedPut {
        url: put.url.replace("front.png", "other.png"),
        ..put.clone()
    };
    assert_eq!(upload(&elsewhere, Some("image/png"), b"12345").await, 403);
    let longer = PresignedPut {
        url: put.url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"),
        ..put.clone()
    };
    assert_ne!(longer.url, put.url);
    assert_eq!(upload(&longer, Some("image/png"), b"12345").await, 403);
    let too_long = objects
        .presign_put("front.png", "image/png", 5, Duration::from_hours(8 * 24))
        .await;
    assert!(matches!(too_long, Err(Error::Internal(_))));
}

#[tokio::test]
async fn url_is_signed_for_the_public_endpoint() {
    let (server, _) = bucket().await;
    let by_name = server.endpoint.replace("127.0.0.1", "localhost");
    let config = Config {
        public_endpoint: Some(by_name.clone()),
        ..config(&server)
    };
    let objects = Objects::new(&config).unwrap();
    let put = objects
        .presign_put("front.png", "image/png", 5, MINUTE)
        .await
        .unwrap();
    assert!(
        put.url.starts_with(&format!("{by_name}/pictures/front.png?")),
        "{}",
        put.url
    );
    assert_eq!(upload(&put, Some("image/png"), b"12345").await, 200);
    assert_eq!(objects.head("front.png").await.unwrap().content_length_bytes, 5);
}

#[tokio::test]
async fn key_with_the_parent_folder_is_refused_whoever_reads_it() {
    let (server, objects) = bucket().await;
    objects
        .put("uploads/secret", "image/png", "x".into())
        .await
        .unwrap();
    let host = server.endpoint.strip_prefix("http://").unwrap();
    for path in [
        "/pictures/vehicles/../uploads/secret",
        "/pictures/vehicles/%2e%2e/uploads/secret",
        "/pictures/../../etc/passwd",
        "/pictures/./uploads/secret",
        "/pictures/a%00b",
    ] {
        let mut connection = TcpStream::connect(host).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        connection.read_to_string(&mut reply).await.unwrap();
        assert!(reply.starts_with("HTTP/1.1 400"), "{path}: {reply}");
    }
}
