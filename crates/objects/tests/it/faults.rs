//! Unreachable and hanging storage, and wrong credentials.

use std::time::Duration;

use carshare_chassis::Error as ChassisError;
use carshare_chassis::config::Secret;
use carshare_objects::{Config, Error, Objects};
use tokio::net::TcpListener;

use crate::{bucket, config};

#[tokio::test]
async fn unreachable_storage_is_unavailable_with_a_retry_delay() {
    let (server, _) = bucket().await;
    let quick = Config {
        timeout: Duration::from_millis(500),
        ..config(&server)
    };
    let objects = Objects::new(&quick).unwrap();
    drop(server);

    let error = objects.head("x").await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    let error = ChassisError::from(error);
    assert_eq!(
        (error.reason(), error.retry_delay()),
        ("UNAVAILABLE", Some(Duration::from_secs(5)))
    );
}

#[tokio::test]
async fn hanging_storage_is_unavailable_after_the_timeout() {
    // The kernel completes the handshake and nobody accepts.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hanging = Config {
        endpoint: format!("http://{}", listener.local_addr().unwrap()),
        bucket: "pictures".to_owned(),
        access_key: Secret::from("a"),
        secret_key: Secret::from("s"),
        timeout: Duration::from_millis(300),
        ..Config::default()
    };
    let call = async { Objects::new(&hanging).unwrap().get("x").await };
    let result = tokio::time::timeout(Duration::from_secs(5), call).await.unwrap();
    assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
}

#[tokio::test]
async fn wrong_credentials_are_an_internal_error() {
    let (server, _) = bucket().await;
    let wrong = Config {
        secret_key: Secret::from("wrong-secret"),
        ..config(&server)
    };
    let objects = Objects::new(&wrong).unwrap();
    let error = objects
        .put("x", "image/png", bytes::Bytes::new())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Internal(_)), "{error:?}");
    assert!(!format!("{error:?} {wrong:?}").contains("wrong-secret"));
    assert_eq!(ChassisError::from(error).reason(), "INTERNAL");
}
