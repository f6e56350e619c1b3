//! Toss Payments: routes and layers of payments, cancels and billing keys with the rules of the original. `sandbox_api` takes
//! the place of the browser windows.

mod auth;
mod billing;
mod cancel;
pub mod cards;
mod confirm;
mod error;
mod expiry;
pub(crate) mod idempotency;
pub(crate) mod ledger;
mod locale;
pub(crate) mod pages;
mod params;
pub(crate) mod payment;
mod query;
mod sandbox_api;
mod test_code;
pub(crate) mod webhook;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use crate::faults::{Provider, layer};
use crate::state::App;

/// Routes below `/toss`.
pub(crate) fn router(app: &App) -> Router<App> {
    wire(app)
        .merge(sandbox_api::router())
        .layer(from_fn_with_state(app.clone(), expiry::around))
}

/// Routes of the provider's API. Layers run from the last to the first. The translation runs twice: inside the idempotency
/// layer, which stores a reply in the language of its request, and outside, for errors of the outer layers.
fn wire(app: &App) -> Router<App> {
    Router::new()
        .route("/v1/payments/confirm", post(confirm::handle))
        .route("/v1/payments/{payment_key}", get(query::by_payment_key))
        .route("/v1/payments/orders/{order_id}", get(query::by_order_id))
        .route("/v1/payments/{payment_key}/cancel", post(cancel::handle))
        .route("/v1/billing/authorizations/issue", post(billing::issue))
        .route(
            "/v1/billing/{billing_key}",
            post(billing::charge).delete(billing::delete),
        )
        .layer(from_fn_with_state(app.clone(), test_code::force))
        .layer(from_fn(locale::translate))
        .layer(from_fn(layer::delay))
        .layer(from_fn_with_state(app.clone(), idempotency::replay))
        .layer(from_fn_with_state(app.clone(), auth::guard))
        .layer(from_fn(locale::translate))
        .layer(from_fn_with_state((app.clone(), Provider::Toss), layer::observe))
}
