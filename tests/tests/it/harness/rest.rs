//! REST as a client app speaks it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use carshare_testkit::eventually;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use super::TIMEOUT;

/// A client of one gateway, perhaps signed in.
#[derive(Clone)]
pub struct Rest {
    gateway: String,
    token: Option<String>,
    http: reqwest::Client,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Rest {
    pub fn new(gateway: &str) -> Self {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .build()
            .expect("a client");
        Self {
            gateway: gateway.to_owned(),
            token: None,
            http,
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
        let request = self.http.request(method, format!("{}{path}", self.gateway));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::PUT, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    /// A POST that may be repeated.
    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        Answer::of(
            self.request(Method::POST, path)
                .header("idempotency-key", key)
                .json(body),
        )
        .await
    }

    /// What a good app does: repeats the call, under one key, while nobody answers or the answer is "not now".
    pub async fn insist(&self, method: Method, path: &str, body: &Value) -> Answer {
        static CALLS: AtomicU32 = AtomicU32::new(1);
        let key = format!("insisting-{}", CALLS.fetch_add(1, Ordering::Relaxed));
        eventually(TIMEOUT, || async {
            let request = self.request(method.clone(), path);
            let answer = Answer::perhaps(request.header("idempotency-key", &key).json(body)).await?;
            let later = answer.status == StatusCode::SERVICE_UNAVAILABLE;
            assert!(
                !later || answer.headers.contains_key("retry-after"),
                "{}",
                answer.body
            );
            (!later && answer.status != StatusCode::GATEWAY_TIMEOUT).then_some(answer)
        })
        .await
    }
}

impl Answer {
    pub async fn of(request: RequestBuilder) -> Self {
        Self::perhaps(request).await.expect("an answer")
    }

    /// None when the connection is refused or breaks.
    async fn perhaps(request: RequestBuilder) -> Option<Self> {
        let reply = request.send().await.ok()?;
        let (status, headers) = (reply.status(), reply.headers().clone());
        let text = reply.text().await.ok()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Some(Self {
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

    /// The problem of a refusal with exactly this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
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
