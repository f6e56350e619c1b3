//! A REST client of the gateway, as small as the demo data needs it.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::RequestBuilder;
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(20);

pub(super) struct Client {
    gateway: String,
    http: reqwest::Client,
}

impl Client {
    pub(super) fn new(gateway: &str) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        Ok(Self {
            gateway: gateway.to_owned(),
            http,
        })
    }

    /// A POST to the gateway.
    pub(super) async fn post(&self, path: &str, token: &str, body: &Value) -> Result<Value> {
        let request = self.http.post(self.url(path)).json(body).bearer_auth(token);
        answer(request).await.with_context(|| format!("POST {path}"))
    }

    /// A POST to the gateway that gives the same answer when it is repeated under the same key.
    pub(super) async fn create(&self, path: &str, token: &str, key: &str, body: &Value) -> Result<Value> {
        let request = self.http.post(self.url(path)).json(body).bearer_auth(token);
        answer(request.header("idempotency-key", key))
            .await
            .with_context(|| format!("POST {path}"))
    }

    pub(super) async fn get(&self, path: &str, token: &str) -> Result<Value> {
        let request = self.http.get(self.url(path)).bearer_auth(token);
        answer(request).await.with_context(|| format!("GET {path}"))
    }

    /// A path of the gateway.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.gateway)
    }

    /// A POST without a token, to anybody.
    pub(super) async fn post_to(&self, url: &str, body: &Value) -> Result<Value> {
        answer(self.http.post(url).json(body))
            .await
            .with_context(|| format!("POST {url}"))
    }

    /// Sends a photo where an `ImageUpload` says.
    pub(super) async fn upload(&self, upload: &Value, photo: Vec<u8>) -> Result<()> {
        let url = upload["url"].as_str().context("an upload without a url")?;
        let mut request = self.http.put(url).body(photo);
        for (name, value) in upload["headers"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        answer(request).await.context("photo upload")?;
        Ok(())
    }
}

async fn answer(request: RequestBuilder) -> Result<Value> {
    let reply = request.send().await?;
    let status = reply.status();
    let text = reply.text().await?;
    if !status.is_success() {
        bail!("{status}: {text}");
    }
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}
