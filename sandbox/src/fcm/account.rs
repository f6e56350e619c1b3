//! The service account, with an RSA key that is generated on first use and kept in memory only.

use std::sync::OnceLock;

use anyhow::{Context as _, anyhow};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// One key per process, because generating one takes up to half a second.
static KEY: OnceLock<Key> = OnceLock::new();

#[derive(Clone)]
struct Key {
    /// PKCS#8, for the client.
    private_pem: String,
    /// PKCS#1, for the token endpoint.
    public_der: Vec<u8>,
}

/// The service account that may request access tokens.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) project_id: String,
    pub(crate) client_email: String,
    pub(crate) private_key_id: String,
    key: Key,
}

impl Account {
    /// Generates the key on a blocking thread if this process has none yet.
    pub(crate) async fn create(project_id: &str) -> anyhow::Result<Self> {
        let key = tokio::task::spawn_blocking(key)
            .await
            .context("making the key of the service account")??;
        Ok(Self {
            project_id: project_id.to_owned(),
            client_email: format!("firebase-adminsdk-sandbox@{project_id}.iam.gserviceaccount.com"),
            private_key_id: "sandbox-key-1".to_owned(),
            key,
        })
    }

    /// Returns the URL of the token endpoint, which is the `aud` of assertions.
    pub(crate) fn token_uri(public_url: &str) -> String {
        format!("{public_url}/fcm/token")
    }

    /// Returns the service account file for clients.
    pub(crate) fn json(&self, public_url: &str) -> Value {
        json!({
            "type": "service_account",
            "project_id": self.project_id,
            "private_key_id": self.private_key_id,
            "private_key": self.key.private_pem,
            "client_email": self.client_email,
            "client_id": "100000000000000000001",
            "token_uri": Self::token_uri(public_url),
        })
    }

    pub(crate) fn public_der(&self) -> &[u8] {
        &self.key.public_der
    }
}

fn key() -> anyhow::Result<Key> {
    if let Some(key) = KEY.get() {
        return Ok(key.clone());
    }
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| anyhow!("RSA key generation failed"))?;
    let private = pair
        .as_der()
        .map_err(|_| anyhow!("the RSA key has no PKCS#8 form"))?;
    let made = Key {
        private_pem: pem(private.as_ref()),
        public_der: pair.public_key().as_ref().to_vec(),
    };
    // Two sandboxes that start concurrently generate two keys and keep the first.
    Ok(KEY.get_or_init(|| made).clone())
}

fn pem(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let lines: Vec<&str> = (0..encoded.len())
        .step_by(64)
        .map(|at| &encoded[at..encoded.len().min(at + 64)])
        .collect();
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    )
}
