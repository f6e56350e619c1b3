//! A REST client of a mesh, as an app would be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use carshare_testkit::eventually;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use super::TIMEOUT;
use super::deployment::Deployment;

/// Longest wait for one response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// The same where another attempt follows.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);

/// A client of a mesh's gateways, taken in turn, with or without a session.
#[derive(Clone)]
pub struct Rest {
    gateways: Arc<[String]>,
    next: Arc<AtomicUsize>,
    token: Option<String>,
    http: reqwest::Client,
}

#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Rest {
    /// A client of a mesh.
    pub fn of(mesh: &impl Deployment) -> Self {
        Self::new(mesh.gateways())
    }

    /// A client of one server.
    pub fn at(url: &str) -> Self {
        Self::new(vec![url.to_owned()])
    }

    fn new(gateways: Vec<String>) -> Self {
        let http = reqwest::Client::builder().timeout(RESPONSE_TIMEOUT).build();
        Self {
            gateways: gateways.into(),
            next: Arc::default(),
            token: None,
            http: http.expect("a client"),
        }
    }

    pub fn signed_in(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().expect("signed in")
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let number = self.next.fetch_add(1, Ordering::Relaxed) % self.gateways.len();
        let request = self
            .http
            .request(method, format!("{}{path}", self.gateways[number]));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Response {
        Response::of(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        Response::of(self.request(Method::POST, path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Response {
        Response::of(self.request(Method::PUT, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Response {
        Response::of(self.request(Method::DELETE, path)).await
    }

    /// Sends a POST with an idempotency key.
    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Response {
        let request = self.request(Method::POST, path).header("idempotency-key", key);
        Response::of(request.json(body)).await
    }

    /// Repeats a call under one idempotency key while no gateway responses or the response is 503 or 504, as apps should.
    pub async fn send_until_answered(&self, method: Method, path: &str, body: &Value) -> Response {
        let key = new_key();
        eventually(TIMEOUT, || self.attempt(&method, path, &key, body)).await
    }

    /// Repeats a GET until it succeeds.
    pub async fn read(&self, path: &str) -> Value {
        self.send_until_answered(Method::GET, path, &Value::Null)
            .await
            .ok(200)
    }

    /// Sends once; none when no gateway responses or the response is 503 or 504.
    pub async fn attempt(&self, method: &Method, path: &str, key: &str, body: &Value) -> Option<Response> {
        self.send(method, path, key, body).await.ok()
    }

    /// Sends once under an idempotency key.
    pub async fn send(
        &self,
        method: &Method,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Result<Response, Unanswered> {
        let request = self.request(method.clone(), path).timeout(ATTEMPT_TIMEOUT);
        let request = request.header("idempotency-key", key);
        let request = if body.is_null() {
            request
        } else {
            request.json(body)
        };
        let response = Response::receive(request).await?;
        match response.status {
            StatusCode::SERVICE_UNAVAILABLE => {
                let has_delay = response.headers.contains_key("retry-after");
                assert!(has_delay, "{}", response.body);
                println!("{method} {path}: {}", response.body);
                Err(Unanswered::Unavailable)
            }
            StatusCode::GATEWAY_TIMEOUT => Err(Unanswered::Late),
            _ => Ok(response),
        }
    }
}

/// What a client sees instead of an answer. Each is safe to repeat with an idempotency key or for a GET.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unanswered {
    /// The connection was refused: the request was not sent.
    Refused,
    /// The connection broke after the request was sent.
    Broken,
    /// 503
    Unavailable,
    /// 504, or nothing in time.
    Late,
}

impl From<reqwest::Error> for Unanswered {
    fn from(error: reqwest::Error) -> Self {
        if error.is_connect() {
            Self::Refused
        } else if error.is_timeout() {
            Self::Late
        } else {
            Self::Broken
        }
    }
}

/// An idempotency key that was not used before.
pub fn new_key() -> String {
    static CALLS: AtomicUsize = AtomicUsize::new(1);
    format!("call-{}", CALLS.fetch_add(1, Ordering::Relaxed))
}

impl Response {
    pub async fn of(request: RequestBuilder) -> Self {
        Self::receive(request).await.expect("a response")
    }

    async fn receive(request: RequestBuilder) -> Result<Self, Unanswered> {
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Self {
            status,
            headers,
            body,
        })
    }

    /// The body of a success with exactly this status.
    #[track_caller]
    pub fn ok(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// The problem of an error with exactly this status and code.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Value {
        assert_eq!(
            (self.status.as_u16(), self.body["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.body
        );
        assert_eq!(self.headers["content-type"], "application/problem+json");
        self.body
    }
}
