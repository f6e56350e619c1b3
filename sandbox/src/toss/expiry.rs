//! Layer around every Toss request: expires due payments before it, and writes the ledger file after it.

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use super::webhook;
use crate::state::App;

pub(super) async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let now = app.environment.clock.now();
    let expired = app.ledger().expire(now);
    for payment in expired {
        webhook::payment_changed(&app, &payment.payment_key);
    }
    let reads = request.method() == Method::GET;
    let response = next.run(request).await;
    if !reads {
        save(&app);
    }
    response
}

fn save(app: &App) {
    let Some(path) = &app.config.state_path else {
        return;
    };
    if let Err(error) = app.ledger().save(path) {
        tracing::error!(error = format!("{error:#}"), "the state was not saved");
    }
}
