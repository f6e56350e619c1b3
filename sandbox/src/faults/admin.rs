//! `/sandbox/faults`: injects, lists and clears faults.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::Fault;
use crate::state::App;

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/sandbox/faults", get(list).post(inject).delete(clear))
        .route("/sandbox/requests", get(requests))
}

async fn list(State(app): State<App>) -> Json<Vec<Fault>> {
    Json(app.faults().list())
}

/// Accepts any content type, for requests typed by hand.
async fn inject(State(app): State<App>, body: Bytes) -> Response {
    let parsed = serde_json::from_slice(&body).map_err(|error| error.to_string());
    let checked = parsed.and_then(check);
    match checked {
        Ok(fault) => {
            app.faults().inject(fault.clone());
            (StatusCode::CREATED, Json(fault)).into_response()
        }
        Err(message) => (StatusCode::BAD_REQUEST, Json(json!({ "message": message }))).into_response(),
    }
}

async fn clear(State(app): State<App>) -> StatusCode {
    app.faults().clear();
    StatusCode::NO_CONTENT
}

async fn requests(State(app): State<App>) -> Response {
    Json(app.requests().list()).into_response()
}

fn check(fault: Fault) -> Result<Fault, String> {
    if fault.times == 0 {
        return Err("times must be at least 1".to_owned());
    }
    if !(200..=599).contains(&fault.status) {
        return Err(format!(
            "status {} is not an HTTP status from 200 to 599",
            fault.status
        ));
    }
    for (name, value) in &fault.headers {
        name.parse::<HeaderName>()
            .map_err(|error| format!("header {name}: {error}"))?;
        value
            .parse::<HeaderValue>()
            .map_err(|error| format!("header {name}: {error}"))?;
    }
    Ok(fault)
}
