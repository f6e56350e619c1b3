//! Configuration of the object storage.

use std::time::Duration;

use carshare_chassis::config::{Secret, millis};
use serde::{Deserialize, Serialize};

/// Configuration of one bucket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// URL by which this process reaches the storage, `http://objects:9000`. Buckets are path segments.
    pub endpoint: String,
    /// URL by which clients reach the storage; presigned and public URLs begin with it. Default: `endpoint`.
    pub public_endpoint: Option<String>,
    /// Region of the signatures. Default `ap-northeast-2` (Seoul).
    pub region: String,
    /// Bucket of all objects; it must exist in production.
    pub bucket: String,
    /// S3 access key id.
    pub access_key: Secret,
    /// S3 secret access key, which signs requests and presigned URLs.
    pub secret_key: Secret,
    /// Timeout of connecting. Default 2 s.
    #[serde(rename = "connect_timeout_ms", with = "millis")]
    pub connect_timeout: Duration,
    /// Timeout of an operation with its retries. Default 10 s.
    #[serde(rename = "timeout_ms", with = "millis")]
    pub timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            public_endpoint: None,
            region: "ap-northeast-2".to_owned(),
            bucket: String::new(),
            access_key: Secret::default(),
            secret_key: Secret::default(),
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(10),
        }
    }
}

impl Config {
    /// Returns the URL by which clients reach the storage, without a trailing slash.
    pub(crate) fn public_endpoint(&self) -> &str {
        self.public_endpoint
            .as_ref()
            .unwrap_or(&self.endpoint)
            .trim_end_matches('/')
    }
}
