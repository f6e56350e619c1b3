//! REST client of the gateway.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::{RequestBuilder, Url};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(20);

pub(super) struct Client {
    gateway: String,
    http: reqwest::Client,
    objects: Option<SocketAddr>,
}

impl Client {
    pub(super) fn new(gateway: &str, objects: Option<SocketAddr>) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        Ok(Self {
            gateway: gateway.to_owned(),
            http,
            objects,
        })
    }

    /// Sends a POST with an access token and returns the body.
    pub(super) async fn post(&self, path: &str, token: &str, body: &Value) -> Result<Value> {
        let request = self.http.post(self.url(path)).json(body).bearer_auth(token);
        send(request).await.with_context(|| format!("POST {path}"))
    }

    /// Sends a PUT and returns the body.
    pub(super) async fn put(&self, path: &str, token: &str, body: &Value) -> Result<Value> {
        let request = self.http.put(self.url(path)).json(body).bearer_auth(token);
        send(request).await.with_context(|| format!("PUT {path}"))
    }

    /// Sends a POST with an idempotency key and returns the body.
    pub(super) async fn create(&self, path: &str, token: &str, key: &str, body: &Value) -> Result<Value> {
        let request = self.http.post(self.url(path)).json(body).bearer_auth(token);
        send(request.header("idempotency-key", key))
            .await
            .with_context(|| format!("POST {path}"))
    }

    pub(super) async fn get(&self, path: &str, token: &str) -> Result<Value> {
        let request = self.http.get(self.url(path)).bearer_auth(token);
        send(request).await.with_context(|| format!("GET {path}"))
    }

    /// Sends a GET without a token to any server and returns the body.
    pub(super) async fn get_from(&self, url: &str) -> Result<Value> {
        send(self.http.get(url))
            .await
            .with_context(|| format!("GET {url}"))
    }

    /// Returns the URL of a path of the gateway.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.gateway)
    }

    /// Sends a POST without a token to any server and returns the body.
    pub(super) async fn post_to(&self, url: &str, body: &Value) -> Result<Value> {
        send(self.http.post(url).json(body))
            .await
            .with_context(|| format!("POST {url}"))
    }

    /// Returns a client that reaches the storage of an upload URL, whose signature covers the host in it.
    fn uploader(&self, url: &str) -> Result<reqwest::Client> {
        let Some(objects) = self.objects else {
            return Ok(self.http.clone());
        };
        let url = Url::parse(url)?;
        let host = url.host_str().context("an upload URL without a host")?;
        let builder = reqwest::Client::builder().timeout(TIMEOUT);
        Ok(builder.resolve(host, objects).build()?)
    }

    /// Uploads a photo by the presigned request of an `ImageUpload`.
    pub(super) async fn upload(&self, upload: &Value, photo: Vec<u8>) -> Result<()> {
        let url = upload["url"].as_str().context("an upload without a url")?;
        let mut request = self.uploader(url)?.put(url).body(photo);
        for (name, value) in upload["headers"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        send(request).await.context("photo upload")?;
        Ok(())
    }
}

async fn send(request: RequestBuilder) -> Result<Value> {
    let reply = request.send().await?;
    let status = reply.status();
    let text = reply.text().await?;
    if !status.is_success() {
        bail!("{status}: {text}");
    }
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}
