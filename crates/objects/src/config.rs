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
    /// Conversion of uploaded photos.
    pub photos: PhotoConfig,
}

/// Bounds of the conversion of uploaded photos.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PhotoConfig {
    /// Upper bound of width times height, counted before a file is decoded: at most 50 million, which need 200 MB.
    pub max_pixels: u64,
    /// Conversions at a time; further ones wait. 0 = half the number of cores.
    pub max_parallel: usize,
    /// Conversions that wait, for each of these. Further ones are refused (503).
    pub max_waiting: usize,
}

impl Default for PhotoConfig {
    fn default() -> Self {
        Self {
            max_pixels: 50_000_000,
            max_parallel: 0,
            max_waiting: 8,
        }
    }
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
            photos: PhotoConfig::default(),
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
