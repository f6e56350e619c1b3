//! Two layers around each provider's API. [`observe`] is outermost: it records the request and applies errors, closed
//! connections and lost replies. [`delay`] is innermost, inside Toss's idempotency layer: a second request with the same key
//! finds the first one still running.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::{Fault, Kind, Provider};
use crate::request_log::RequestRecord;
use crate::serve::DropConnection;
use crate::state::App;

/// Request extension, set by [`observe`] for requests to delay.
#[derive(Clone, Copy)]
struct Delay(Duration);

/// Counts a request in progress until it is dropped.
struct Running<'a>(&'a App);

impl<'a> Running<'a> {
    fn begin(app: &'a App) -> Self {
        app.running.fetch_add(1, Ordering::SeqCst);
        Self(app)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) async fn observe(
    State((app, provider)): State<(App, Provider)>,
    mut request: Request,
    next: Next,
) -> Response {
    record(&app, provider, &request);
    let _running = Running::begin(&app);
    let fault = app
        .faults()
        .take(provider, request.method(), request.uri().path());
    let Some(fault) = fault else {
        return next.run(request).await;
    };
    tracing::info!(?provider, kind = ?fault.kind, path = request.uri().path(), "fault");
    match fault.kind {
        Kind::Error => error_response(&fault),
        Kind::Refuse => dropped(),
        Kind::Delay | Kind::LostReply => {
            request
                .extensions_mut()
                .insert(Delay(Duration::from_millis(fault.delay_ms)));
            let response = next.run(request).await;
            if fault.kind == Kind::LostReply {
                dropped()
            } else {
                response
            }
        }
    }
}

/// Waits in real time, not on the injected clock: the delay simulates a slow network.
pub(crate) async fn delay(request: Request, next: Next) -> Response {
    if let Some(Delay(wait)) = request.extensions().get::<Delay>() {
        tokio::time::sleep(*wait).await;
    }
    next.run(request).await
}

fn record(app: &App, provider: Provider, request: &Request) {
    let header = |name: &str| Some(request.headers().get(name)?.to_str().ok()?.to_owned());
    app.requests().push(RequestRecord {
        provider,
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        idempotency_key: header("idempotency-key"),
        traceparent: header("traceparent"),
        at: app.environment.clock.now(),
    });
}

fn dropped() -> Response {
    let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    response.extensions_mut().insert(DropConnection);
    response
}

fn error_response(fault: &Fault) -> Response {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let (content_type, body) = match &fault.body {
        Value::Null => ("text/html", format!("<html><body>{status}</body></html>")),
        Value::String(text) => ("text/html", text.clone()),
        json => ("application/json", json.to_string()),
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in &fault.headers {
        // Names and values are checked when the fault is injected.
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            headers.insert(name, value);
        }
    }
    (status, headers, Body::from(body)).into_response()
}
