//! A storage that is away, hangs, or does not know us.

use std::time::Duration;

use carshare_chassis::Error as Refusal;
use carshare_chassis::config::Secret;
use carshare_objects::{Config, Error, Objects};
use tokio::net::TcpListener;

use crate::{bucket, config};

#[tokio::test]
async fn a_storage_that_is_away_is_unavailable_and_comes_back() {
    let (server, _) = bucket().await;
    let quick = Config {
        timeout: Duration::from_millis(500),
        ..config(&server)
    };
    let objects = Objects::new(&quick).unwrap();
    drop(server);

    let error = objects.head("x").await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    let refusal = Refusal::from(error);
    assert_eq!(
        (refusal.reason(), refusal.retry_delay()),
        ("UNAVAILABLE", Some(Duration::from_secs(5)))
    );
}

#[tokio::test]
async fn a_storage_that_hangs_is_unavailable_in_time() {
    // Accepts by its backlog and never answers.
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
async fn wrong_credentials_are_our_fault() {
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
    assert_eq!(Refusal::from(error).reason(), "INTERNAL");
}
