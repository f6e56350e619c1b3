//! Idempotency store. Key, secret key, method and path identify a reply, the body does not. The first reply is replayed
//! byte for byte for 15 days, errors included; while the first request runs, repeats get 409.

use std::collections::HashMap;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};

use super::error::Error;
use crate::state::App;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const KEY_MAX: usize = 300;
const KEPT_DAYS: i64 = 15;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Scope {
    key: String,
    authorization: String,
    method: Method,
    path: String,
}

#[derive(Clone, Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

#[derive(Debug)]
struct Entry {
    first_use: DateTime<Utc>,
    /// Reply of the first request; `None` while it runs.
    answer: Option<Answer>,
}

/// Result of a claim on a key.
enum Met {
    Nothing,
    Running,
    Answer(Answer),
}

/// Stored replies.
#[derive(Debug, Default)]
pub(crate) struct Answers(HashMap<Scope, Entry>);

impl Answers {
    /// Claims the key for the caller if it is free.
    fn claim(&mut self, scope: &Scope, now: DateTime<Utc>) -> Met {
        self.0
            .retain(|_, entry| now - entry.first_use < TimeDelta::days(KEPT_DAYS));
        match self.0.get(scope) {
            Some(Entry {
                answer: Some(answer), ..
            }) => Met::Answer(answer.clone()),
            Some(Entry { answer: None, .. }) => Met::Running,
            None => {
                self.0.insert(
                    scope.clone(),
                    Entry {
                        first_use: now,
                        answer: None,
                    },
                );
                Met::Nothing
            }
        }
    }

    fn store(&mut self, scope: &Scope, answer: Answer) {
        if let Some(entry) = self.0.get_mut(scope) {
            entry.answer = Some(answer);
        }
    }
}

pub(super) async fn replay(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(key) = request.headers().get(KEY).cloned() else {
        return next.run(request).await;
    };
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    if key.len() > KEY_MAX {
        return Error::new("INVALID_IDEMPOTENCY_KEY").into_response();
    }
    let scope = scope(&key, &request);
    let met = app.answers().claim(&scope, app.environment.clock.now());
    let mut response = match met {
        Met::Running => Error::new("IDEMPOTENT_REQUEST_PROCESSING").into_response(),
        Met::Answer(answer) => answer.into_response(),
        Met::Nothing => {
            let answer = Answer::of(next.run(request).await).await;
            app.answers().store(&scope, answer.clone());
            answer.into_response()
        }
    };
    response.headers_mut().insert(KEY, key);
    response
}

fn scope(key: &HeaderValue, request: &Request) -> Scope {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Scope {
        key: text(key),
        authorization: request
            .headers()
            .get(header::AUTHORIZATION)
            .map(text)
            .unwrap_or_default(),
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
    }
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        // Handlers build their bodies in memory, so reading them cannot fail.
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: body.to_vec(),
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, self.headers, Body::from(self.body)).into_response()
    }
}
