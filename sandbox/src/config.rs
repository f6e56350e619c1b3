//! What a sandbox can be told. Every key in it is a sandbox value: nothing here opens a real account.

use std::time::Duration;

use carshare_chassis::config::millis;
use serde::{Deserialize, Serialize};

/// Configuration of one sandbox. `Config::default()` is what development uses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address clients reach the sandbox by, without a trailing slash. None = the listener's own address.
    /// It ends up in `token_uri` of the service account and in the receipt links of payments.
    pub public_url: Option<String>,
    /// The secret key the shop's server must present. Test keys (`test_…`) honour `TossPayments-Test-Code`.
    pub toss_secret_key: String,
    /// Where payment webhooks go. None = they are recorded and not sent.
    pub webhook_url: Option<String>,
    /// How long one minute of Toss's webhook retry schedule (1, 4, 16 … 4096 min) lasts here.
    #[serde(rename = "webhook_retry_minute_ms", with = "millis")]
    pub webhook_retry_minute: Duration,
    /// The REST API key the application must present to Kakao.
    pub kakao_rest_key: String,
    /// Requests per KST day and API before Kakao answers 429.
    pub kakao_daily_limit: u32,
    /// The Firebase project of the service account.
    pub fcm_project_id: String,
    /// File in which Toss payments and billing keys survive a restart. None = memory only.
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
            state_path: None,
        }
    }
}
