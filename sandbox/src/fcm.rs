//! Firebase Cloud Messaging: a token endpoint with Google's checks, `messages:send` with its rules, and an inbox of the
//! accepted messages.

pub(crate) mod account;
mod error;
pub(crate) mod inbox;
mod message;
mod send;
pub(crate) mod token;

use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use axum::{Json, Router, extract::State};
use serde_json::Value;

use crate::faults::{Provider, layer};
use crate::state::App;

/// Routes below `/fcm`.
pub(crate) fn router(app: &App) -> Router<App> {
    let wire = Router::new()
        .route("/token", post(token::handle))
        .route("/v1/projects/{project}/{verb}", post(send::handle))
        .layer(from_fn(layer::delay))
        .layer(from_fn_with_state((app.clone(), Provider::Fcm), layer::observe));
    let private = Router::new()
        .route("/service-account.json", get(service_account))
        .route("/inbox", get(inbox::page))
        .route("/inbox.json", get(inbox::json));
    wire.merge(private)
}

async fn service_account(State(app): State<App>) -> Json<Value> {
    Json(app.account.json(&app.public_url))
}
