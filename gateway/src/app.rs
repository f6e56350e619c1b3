//! The public port: its few pages of its own, the fronts behind them, and the layers around all.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use bytes::Bytes;
use carshare_chassis::config::ServiceConfig;
use carshare_chassis::health::Readiness;
use carshare_chassis::{Environment, Error};
use carshare_proto::common::v1::ErrorReason as Common;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::error::GatewayError;
use crate::layer::{access_log, connection_close, cors, panic, security, shed};
use crate::request_context::{Exchange, Front, RequestContextConfig};
use crate::state::Edge;
use crate::{docs, grpc, openapi, rest};

/// The page has one style of its own and nothing from elsewhere.
const DOCS_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
/// The contract changes with a release.
const FOR_A_WHILE: &str = "public, max-age=300";

/// The whole port as one service.
///
/// # Errors
/// A contract that cannot be described, or a CORS origin that is none.
pub fn router(
    config: &ServiceConfig<Config>,
    edge: Arc<Edge>,
    readiness: Readiness,
    environment: &Environment,
) -> anyhow::Result<Router> {
    let document = openapi::document(&edge.routes);
    let openapi = Bytes::from(serde_json::to_vec(&document)?);
    let page = Bytes::from(docs::page(&edge.routes));
    let places = Arc::new(Semaphore::new(
        config.common.server.max_in_flight.min(Semaphore::MAX_PERMITS),
    ));
    let fronts = Router::new()
        .route(
            "/openapi.json",
            get(move || std::future::ready(document_response(openapi.clone()))),
        )
        .route(
            "/docs",
            get(move || std::future::ready(page_response(page.clone()))),
        )
        .method_not_allowed_fallback(only_get)
        .fallback(front)
        .layer(from_fn_with_state(places, shed::shed))
        .with_state(edge);
    let opening = RequestContextConfig {
        ids: environment.ids.clone(),
        proxies: config.service.limits.proxies,
    };
    // Probes are answered however much is going on.
    let probes = Router::new()
        .route("/healthz", get(|| std::future::ready("ok")))
        .route("/readyz", get(readyz))
        .method_not_allowed_fallback(only_get)
        .with_state(readiness);
    Ok(probes
        .merge(fronts)
        .layer(from_fn(panic::catch))
        .layer(from_fn(grpc::web::translate))
        .layer(from_fn_with_state(
            security::Https(config.service.edge.https),
            security::add,
        ))
        .layer(cors::layer(&config.service.cors)?)
        .layer(from_fn(connection_close::tell))
        .layer(from_fn_with_state(opening, access_log::surround)))
}

async fn front(
    State(edge): State<Arc<Edge>>,
    Extension(exchange): Extension<Exchange>,
    request: Request,
) -> Response {
    match exchange.front {
        Front::Grpc => grpc::serve(&edge, &exchange, request).await,
        Front::Rest => rest::serve(&edge, &exchange, request).await,
    }
}

async fn only_get(Extension(exchange): Extension<Exchange>) -> Response {
    let mut response = GatewayError::from(Error::new(Common::MethodNotAllowed)).answer(&exchange);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

async fn readyz(State(readiness): State<Readiness>) -> Response {
    let report = readiness.report().await;
    let status = if report.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let waiting: Vec<_> = report
        .checks
        .iter()
        .filter(|(_, trouble)| trouble.is_some())
        .map(|(name, _)| name)
        .collect();
    let body = json!({ "ready": report.is_ready(), "draining": report.draining, "waiting_for": waiting });
    (status, Json(body)).into_response()
}

fn document_response(openapi: Bytes) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, FOR_A_WHILE)];
    (headers, Body::from(openapi)).into_response()
}

fn page_response(page: Bytes) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, FOR_A_WHILE),
        (CONTENT_SECURITY_POLICY, DOCS_POLICY),
    ];
    (headers, Body::from(page)).into_response()
}
