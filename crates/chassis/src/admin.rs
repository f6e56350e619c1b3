//! The admin port: `/livez`, `/readyz`, `/metrics`. It is reachable inside the cluster only.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::config;
use crate::health::Readiness;
use crate::task::{self, Shutdown};
use crate::telemetry::prometheus;

/// Opens the admin port if one is configured and returns its address.
pub async fn spawn(
    config: &config::Admin,
    readiness: Readiness,
    shutdown: Shutdown,
) -> anyhow::Result<Option<SocketAddr>> {
    let Some(address) = config.listen else {
        return Ok(None);
    };
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} (admin)"))?;
    let address = listener.local_addr()?;
    task::spawn("admin", async move {
        let serving = axum::serve(listener, router(readiness)).with_graceful_shutdown(async move {
            shutdown.cancelled().await;
        });
        if let Err(error) = serving.await {
            tracing::error!(%error, "the admin port failed");
        }
    });
    Ok(Some(address))
}

pub fn router(readiness: Readiness) -> Router {
    // Metrics are recorded from now on.
    prometheus::recorder();
    Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(readiness)
}

async fn readyz(State(readiness): State<Readiness>) -> impl IntoResponse {
    let report = readiness.report().await;
    let status = if report.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let mut checks = Map::new();
    for (name, failure) in &report.checks {
        if let Some(failure) = failure {
            tracing::warn!(check = name, failure, "not ready");
        }
        let state = if failure.is_none() { "ok" } else { "failing" };
        checks.insert((*name).to_owned(), Value::from(state));
    }
    (
        status,
        Json(json!({ "ready": report.is_ready(), "draining": report.draining, "checks": checks })),
    )
}

async fn metrics() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4")],
        prometheus::render(),
    )
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn get(readiness: &Readiness, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router(readiness.clone()).oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readyz_names_the_failing_checks_without_the_cause() {
        let mut readiness = Readiness::new();
        readiness.check("redis", || async { anyhow::bail!("secret host refused") });
        let (status, body) = get(&readiness, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            body,
            json!({ "ready": false, "draining": false, "checks": { "redis": "failing" } })
        );
    }

    #[tokio::test]
    async fn draining_process_is_alive_and_not_ready() {
        let readiness = Readiness::new();
        assert_eq!(get(&readiness, "/readyz").await.0, StatusCode::OK);
        readiness.begin_drain();
        assert_eq!(get(&readiness, "/livez").await, (StatusCode::OK, "ok".to_owned()));
        assert_eq!(
            get(&readiness, "/readyz").await.0,
            StatusCode::SERVICE_UNAVAILABLE
        );
        assert_eq!(get(&readiness, "/metrics").await.0, StatusCode::OK);
    }
}
