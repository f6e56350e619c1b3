//! Configuration of the sandbox. Its keys are sandbox values: none opens a real account.

use std::time::Duration;

use carshare_chassis::config::{Secret, millis};
use serde::{Deserialize, Serialize};

/// Configuration of one sandbox. The default suits development.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Base URL for clients, without a trailing slash; the address of the listener if `None`. It is part of `token_uri` of the
    /// service account and of the receipt links of payments.
    pub public_url: Option<String>,
    /// Secret key of the shop. Test keys (`test_…`) accept `TossPayments-Test-Code`.
    pub toss_secret_key: String,
    /// URL for payment webhooks. If `None`, they are recorded and not sent.
    pub webhook_url: Option<String>,
    /// Duration of one minute of Toss's webhook retry schedule (1, 4, 16 … 4096 min).
    #[serde(rename = "webhook_retry_minute_ms", with = "millis")]
    pub webhook_retry_minute: Duration,
    /// REST API key of the application at Kakao.
    pub kakao_rest_key: String,
    /// Requests per API and day in Korea before Kakao responds 429.
    pub kakao_daily_limit: u32,
    /// Firebase project of the service account.
    pub fcm_project_id: String,
    /// JSON of the service account; its key is generated at the start if `None`. Its project takes the place of `fcm_project_id`.
    pub fcm_service_account: Option<Secret>,
    /// Port of the SMTP server, on the address of the listener. 0 = any free port.
    pub smtp_port: u16,
    /// File that keeps Toss payments and billing keys across restarts. If `None`, they are kept in memory only.
    pub state_path: Option<std::path::PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: None,
            toss_secret_key: "test_sk_carshare_sandbox".into(),
            webhook_url: None,
            webhook_retry_minute: Duration::from_secs(1),
            kakao_rest_key: "carshare0sandbox0kakao0rest0key0".into(),
            kakao_daily_limit: 100_000,
            fcm_project_id: "carshare-sandbox".into(),
            fcm_service_account: None,
            smtp_port: 0,
            state_path: None,
        }
    }
}
