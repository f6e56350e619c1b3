//! Clients of the AWS SDK.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};

use crate::config::Config;

/// Creates a client of the storage at `endpoint`. Nothing is connected yet.
pub(crate) fn client(config: &Config, endpoint: &str) -> Client {
    let (id, key) = (config.access_key.expose(), config.secret_key.expose());
    let credentials = Credentials::new(id, key, None, None, "configuration");
    let total = config.timeout;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(config.connect_timeout)
        // Leaves room for a second attempt.
        .operation_attempt_timeout(total / 2)
        .operation_timeout(total)
        .build();
    let settings = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .credentials_provider(credentials)
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts)
        // By default the SDK signs a checksum, which the client of a presigned URL would have to send.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    Client::from_conf(settings)
}
