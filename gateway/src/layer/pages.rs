//! Serves the gateway's own pages under any load: `/healthz`, `/readyz`, `/openapi.json`, `/docs`, to which `/` leads. An own layer,
//! because axum's router would answer other methods without a problem document.

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use carshare_chassis::health::Readiness;
use futures::future::Either;
use http::header::LOCATION;
use http::request::Parts;
use http::{Method, StatusCode};
use serde_json::json;

use super::{Inner, Result};
use crate::config::Docs;
use crate::docs::{self, DocsPages};
use crate::document::Document;
use crate::error::method_not_allowed;
use crate::openapi;
use crate::routes::Routes;

pub struct Pages {
    readiness: Readiness,
    openapi: Document,
    postman: Document,
    docs: DocsPages,
}

impl Pages {
    /// Writes the documents of these routes, once.
    pub fn new(routes: &Routes, config: &Docs, readiness: Readiness) -> anyhow::Result<Self> {
        let openapi = openapi::document(routes, &config.public_url);
        let postman = serde_json::to_vec(&openapi::postman_collection(&openapi))?;
        Ok(Self {
            readiness,
            openapi: Document::new("application/json", serde_json::to_vec(&openapi)?),
            postman: Document::new("application/json", postman),
            docs: DocsPages::new(config),
        })
    }
}

pub fn serve<S: Inner>(
    pages: &Arc<Pages>,
    inner: &mut S,
    request: Request,
) -> impl Future<Output = Result> + use<S> {
    let path = request.uri().path();
    let is_page = matches!(
        path,
        "/" | "/healthz" | "/readyz" | "/openapi.json" | "/docs/postman.json"
    );
    if !is_page && !docs::PATHS.contains(&path) {
        return Either::Left(inner.call(request));
    }
    let pages = Arc::clone(pages);
    Either::Right(async move { Ok(page(&pages, &request.into_parts().0).await) })
}

async fn page(pages: &Pages, request: &Parts) -> Response {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return method_not_allowed([Method::GET]);
    }
    match request.uri.path() {
        "/" => (StatusCode::FOUND, [(LOCATION, "/docs")]).into_response(),
        "/healthz" => "ok".into_response(),
        "/readyz" => readyz(&pages.readiness).await,
        "/openapi.json" => pages.openapi.respond(&request.headers),
        "/docs/postman.json" => pages.postman.respond(&request.headers),
        path => {
            let page = pages.docs.respond(path, &request.headers);
            page.unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
        }
    }
}

async fn readyz(readiness: &Readiness) -> Response {
    let report = readiness.report().await;
    let status = if report.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let failed = report.checks.iter().filter(|(_, failure)| failure.is_some());
    let waiting_for: Vec<_> = failed.map(|(name, _)| name).collect();
    let body = json!({ "ready": report.is_ready(), "draining": report.draining, "waiting_for": waiting_for });
    (status, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use carshare_chassis::layer::from_fn;
    use http::header::ALLOW;
    use tower::{ServiceBuilder, ServiceExt as _, service_fn};

    use super::*;

    async fn response(method: Method, path: &str) -> Response {
        let mut readiness = Readiness::new();
        readiness.check("payment", std::future::pending);
        let docs = Docs {
            public_url: "http://localhost:8080".to_owned(),
            demo_logins: Vec::new(),
            demo_password: String::new(),
        };
        let pages = Pages::new(&Routes::default(), &docs, readiness).unwrap();
        let service = ServiceBuilder::new()
            .layer(from_fn(Arc::new(pages), serve))
            .service(service_fn(async |_: Request| {
                Ok::<_, Infallible>(StatusCode::IM_A_TEAPOT.into_response())
            }));
        let request = Request::builder().method(method).uri(path);
        service
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn pages_are_answered_and_other_paths_pass() {
        for (path, status) in [
            ("/healthz", 200),
            ("/openapi.json", 200),
            ("/docs", 200),
            ("/docs/errors", 200),
            ("/docs/postman.json", 200),
            ("/docs/other", 418),
            ("/", 302),
            ("/v1/x", 418),
        ] {
            let response = response(Method::GET, path).await;
            assert_eq!(response.status().as_u16(), status, "{path}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn readyz_is_503_when_a_check_hangs() {
        let response = response(Method::GET, "/readyz").await;
        assert_eq!(response.status().as_u16(), 503);
        let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["waiting_for"], json!(["payment"]));
    }

    #[tokio::test(start_paused = true)]
    async fn other_methods_are_not_allowed() {
        assert_eq!(
            response(Method::POST, "/healthz").await.headers()[ALLOW],
            "GET, HEAD"
        );
    }
}
