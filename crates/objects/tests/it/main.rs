//! Object storage against a real S3 server in this process.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod faults;
mod objects;
mod presigned;

use carshare_chassis::config::Secret;
use carshare_objects::{Config, Objects};
use carshare_testkit::S3;

/// Returns the configuration of a bucket on `server`.
fn config(server: &S3) -> Config {
    Config {
        endpoint: server.endpoint.clone(),
        bucket: "pictures".to_owned(),
        access_key: Secret::from(server.access_key.as_str()),
        secret_key: Secret::from(server.secret_key.as_str()),
        ..Config::default()
    }
}

/// Starts a server with an empty bucket. Dropping the first value stops it.
async fn bucket() -> (S3, Objects) {
    let server = carshare_testkit::s3().await;
    let objects = Objects::new(&config(&server)).unwrap();
    objects.ensure_bucket().await.unwrap();
    (server, objects)
}
