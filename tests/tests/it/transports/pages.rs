//! The gateway's own pages, health over gRPC, and the headers of every response.

use carshare_mesh::Mesh;
use reqwest::Method;
use serde_json::{Value, json};
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::harness::{GrpcClient, Protocol, Response, Rest, mesh};

#[tokio::test(flavor = "multi_thread")]
async fn gateway_serves_probes_documents_and_health() {
    let mesh = mesh().await;
    let rest = Rest::of(&mesh);
    let health = rest.get("/healthz").await;
    assert_eq!((health.status.as_u16(), health.body), (200, json!("ok")));
    let ready = rest.get("/readyz").await.ok(200);
    assert_eq!(
        ready,
        json!({ "ready": true, "draining": false, "waiting_for": [] })
    );
    documents(&rest).await;
    keys(&rest).await;
    local_web_apps_may_call(&rest).await;
    for form in [Protocol::Native, Protocol::Web, Protocol::WebText] {
        grpc_health(&mesh, form).await;
    }
}

async fn documents(rest: &Rest) {
    let openapi = rest.get("/openapi.json").await.ok(200);
    assert_eq!(openapi["openapi"], "3.1.0");
    let book = &openapi["paths"]["/v1/bookings"]["post"];
    assert!(book["responses"]["201"].is_object(), "{book}");
    let paths = openapi["paths"].as_object().expect("paths");
    assert!(
        paths
            .keys()
            .all(|path| path.starts_with("/v1/") || path == "/.well-known/jwks.json")
    );
    assert!(
        !openapi.to_string().contains("PlaceHold"),
        "internal calls are not for clients"
    );
    let page = rest.get("/docs").await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let html = page.ok(200);
    assert!(
        html.as_str()
            .is_some_and(|html| html.contains("/docs/reference.js"))
    );
    let errors = rest.get("/docs/errors").await.ok(200);
    assert!(errors.as_str().is_some_and(|html| html.contains("BOOKING002")));
}

async fn keys(rest: &Rest) {
    let set = rest.get("/.well-known/jwks.json").await.ok(200);
    let key = &set["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"), &json!("sig"))
    );
    assert_eq!(key.get("d"), None::<&Value>, "the private key is not published");
    let first = rest.get("/.well-known/jwks.json").await;
    assert_eq!(first.headers["cache-control"], "public, max-age=300");
    let again = rest
        .request(Method::GET, "/.well-known/jwks.json")
        .header("if-none-match", &first.headers["etag"]);
    assert_eq!(Response::of(again).await.status.as_u16(), 304);
}

/// The mesh of one machine is for development.
async fn local_web_apps_may_call(rest: &Rest) {
    for (origin, is_allowed) in [
        ("http://localhost:5173", true),
        ("http://127.0.0.1:3000", true),
        ("https://localhost:5173", false),
        ("http://app.example", false),
    ] {
        let preflight = rest
            .request(Method::OPTIONS, "/v1/bookings")
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        let allowed = Response::of(preflight)
            .await
            .headers
            .get("access-control-allow-origin")
            .cloned();
        assert_eq!(
            allowed.is_some_and(|allowed| allowed == origin),
            is_allowed,
            "{origin}"
        );
    }
}

async fn grpc_health(mesh: &Mesh, form: Protocol) {
    let mut health = HealthClient::new(GrpcClient::connect(mesh, form).await.transport());
    let mut ask = async |service: &str| {
        let service = service.to_owned();
        health
            .check(HealthCheckRequest { service })
            .await
            .map(tonic::Response::into_inner)
    };
    let serving = HealthCheckResponse {
        status: ServingStatus::Serving.into(),
    };
    assert_eq!(ask("").await.expect("a response"), serving, "{form:?}");
    assert_eq!(
        ask("carshare.nowhere.v1.Nowhere")
            .await
            .expect_err("unknown")
            .code(),
        Code::NotFound
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_has_a_correlation_id_and_is_not_cacheable() {
    let mesh = mesh().await;
    let rest = Rest::of(&mesh);
    for path in ["/healthz", "/v1/auth/me", "/v1/nowhere", "/v1/vehicles"] {
        let named = rest
            .request(Method::GET, path)
            .header("x-correlation-id", "app-7");
        let named = Response::of(named).await;
        assert_eq!(named.headers["x-correlation-id"], "app-7", "{path}");
        assert_eq!(named.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(named.headers["cache-control"], "no-store", "{path}");
        let made = rest.get(path).await.headers["x-correlation-id"].clone();
        let made = made.to_str().expect("ASCII");
        assert!(uuid::Uuid::parse_str(made).is_ok(), "{path}: {made}");
    }
    let problem = rest.get("/v1/auth/me").await;
    let id = problem.headers["x-correlation-id"].clone();
    assert_eq!(
        problem.expect_error(401, "AUTH001")["correlation_id"],
        id.to_str().expect("ASCII")
    );
}
