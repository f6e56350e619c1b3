//! The service account: configured, or with an RSA key that is generated on first use and kept in memory only.

use std::sync::OnceLock;

use anyhow::{Context as _, anyhow};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Config;

const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

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

/// The parts of a service account file that the sandbox reads.
#[derive(Deserialize)]
struct AccountFile {
    project_id: String,
    client_email: String,
    private_key_id: String,
    private_key: String,
}

impl Account {
    /// Returns the configured account. If there is none, generates a key on a blocking thread, once in this process.
    pub(crate) async fn of(config: &Config) -> anyhow::Result<Self> {
        if let Some(file) = &config.fcm_service_account {
            return Self::parse(file.expose()).context("providers.fcm_service_account");
        }
        let key = tokio::task::spawn_blocking(key)
            .await
            .context("making the key of the service account")??;
        let project_id = config.fcm_project_id.clone();
        Ok(Self {
            client_email: format!("firebase-adminsdk-sandbox@{project_id}.iam.gserviceaccount.com"),
            project_id,
            private_key_id: "sandbox-key-1".to_owned(),
            key,
        })
    }

    /// Errors do not quote the text, which has the private key.
    fn parse(json: &str) -> anyhow::Result<Self> {
        let file: AccountFile =
            serde_json::from_str(json).map_err(|_| anyhow!("is not the JSON of a service account"))?;
        Ok(Self {
            project_id: file.project_id,
            client_email: file.client_email,
            private_key_id: file.private_key_id,
            key: Key::of_pem(file.private_key)?,
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

impl Key {
    fn of_pem(private_pem: String) -> anyhow::Result<Self> {
        let body = private_pem.trim().strip_prefix(PEM_BEGIN);
        let body = body.and_then(|rest| rest.strip_suffix(PEM_END));
        let lines = body
            .context("the private key is not PKCS#8 in PEM")?
            .split_whitespace();
        let der = STANDARD.decode(lines.collect::<String>());
        let pair = der.ok().and_then(|der| KeyPair::from_pkcs8(&der).ok());
        let pair = pair.context("the private key is not an RSA key")?;
        Ok(Self {
            private_pem,
            public_der: pair.public_key().as_ref().to_vec(),
        })
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
    let made = Key::of_pem(pem(private.as_ref()))?;
    // Two sandboxes that start concurrently generate two keys and keep the first.
    Ok(KEY.get_or_init(|| made).clone())
}

fn pem(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let lines: Vec<&str> = (0..encoded.len())
        .step_by(64)
        .map(|at| &encoded[at..encoded.len().min(at + 64)])
        .collect();
    format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn configured_account_is_the_one_of_its_file() {
        let generated = Account::of(&Config::default()).await.unwrap();
        let file = generated.json("http://sandbox").to_string();
        let config = Config {
            fcm_service_account: Some(file.into()),
            ..Config::default()
        };
        let read = Account::of(&config).await.unwrap();
        assert_eq!(read.json("http://sandbox"), generated.json("http://sandbox"));
        assert_eq!(read.public_der(), generated.public_der());
    }

    #[tokio::test]
    async fn invalid_account_is_refused_without_its_text() {
        let account = |key: &str| {
            json!({ "project_id": "p", "client_email": "e", "private_key_id": "k", "private_key": key })
                .to_string()
        };
        let body = format!("{PEM_BEGIN}\nc2VjcmV0\n{PEM_END}\n");
        for (file, reason) in [
            ("c2VjcmV0".to_owned(), "is not the JSON"),
            (account("c2VjcmV0"), "is not PKCS#8"),
            (account(&body), "is not an RSA key"),
        ] {
            let config = Config {
                fcm_service_account: Some(file.into()),
                ..Config::default()
            };
            let refused = format!("{:#}", Account::of(&config).await.err().unwrap());
            assert!(
                refused.starts_with("providers.fcm_service_account") && refused.contains(reason),
                "{refused}"
            );
            assert!(!refused.contains("c2VjcmV0"), "{refused}");
        }
    }
}
